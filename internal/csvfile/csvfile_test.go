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

// Cells that were pasted from chats and pages are read as without what came along unseen.
func TestDecodeDropsWhatIsInvisible(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"网点编号\r\n\u2068WH-001\u2069,武\u200b昌\ufe0f\r\n": "网点编号\r\nWH-001,武昌\r\n",
		csvfile.Mark + "\ufeff2027,休\u00ad息":            "2027,休息",
		"王\U000E0100 李 路":                               "王 李 路",
	} {
		got, err := csvfile.Decode([]byte(in))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}
