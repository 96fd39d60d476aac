package render_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/render"
)

func TestRareRunes(t *testing.T) {
	for name, want := range map[string]string{
		"":           "",
		"王小明":        "",
		"阿卜杜热合曼·买买提": "",
		"Anna Wang":  "",
		"王𠮷":         "𠮷",
		"张䶮䶮":        "䶮",
		"陶喆":         "喆", // in GBK, not in GB 2312
		"欧阳𬎆𰻝":       "𬎆𰻝",
	} {
		require.Equal(t, want, string(render.RareRunes(name)), name)
	}
}
