package person_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/person"
)

func TestNotesThatGiveSomebodyAway(t *testing.T) {
	t.Parallel()
	for note, want := range map[string]bool{
		"": false, "照片太暗，请重拍": false, "第 3 次，共 123 张": false, "12 34 56": false,
		"王𠮷请重拍": true, "请致电 02712345678": true, "请致电０２７１": true, "1234": true,
	} {
		require.Equal(t, want, person.GivesAway(note, "王𠮷"), note)
	}
	require.False(t, person.GivesAway("请重拍", ""))
}
