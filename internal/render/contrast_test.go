package render

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"volcard/internal/render/vector"
)

// Every text stands out from what is drawn behind it, wherever a name's length puts it:
// WCAG's 4.5 for nearly all of its ground.
func TestTextStandsOut(t *testing.T) {
	faces, err := LoadFaces(os.DirFS("../../templates/faces"))
	require.NoError(t, err)
	for name, face := range faces {
		for _, holder := range []string{"王小明", strings.Repeat("买", 25) + "·" + strings.Repeat("热", 24)} {
			for _, data := range []CardData{sample(holder), sample(holder).Preview(), {Edition: "常规版", HolderName: holder}} {
				list, err := Layout(face, data)
				require.NoError(t, err)
				for side, p := range map[Side]*page{Front: &list.front, Back: &list.back} {
					texts := slices.DeleteFunc(slices.Clone(p.items), func(it item) bool { return it.text == nil })
					p.items = slices.DeleteFunc(p.items, func(it item) bool { return it.text != nil })
					ground, err := Picture(list, side, 0)
					require.NoError(t, err)
					for _, it := range texts {
						shape := it.text.outline()[0]
						lo, hi := shape.Path.Bounds()
						scale := PictureWidth / face.Width
						var ratios []float64
						for y := int(lo.Y * scale); y <= int(hi.Y*scale); y++ {
							for x := int(lo.X * scale); x <= int(hi.X*scale); x++ {
								c := ground.RGBAAt(x, y)
								r := contrast(it.text.Color, vector.Color{R: c.R, G: c.G, B: c.B})
								ratios = append(ratios, max(r, 1/r))
							}
						}
						slices.Sort(ratios)
						assert.GreaterOrEqual(t, ratios[len(ratios)/25], 4.5, "%s, %s: %s", name, side, it.text.Text)
					}
				}
			}
		}
	}
}
