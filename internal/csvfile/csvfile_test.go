package csvfile_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/csvfile"
)

func TestSeparator(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]rune{
		"": ',', "网点编号": ',', "a,b,c\n1;2;3;4;5": ',', "a;b;c\n1,5;2;3": ';', "a\tb\tc\n": '\t', "\r\n\na;b": ';', "a,b;c,d": ',',
	} {
		require.Equal(t, want, csvfile.Separator(text), "%q", text)
	}
}
