package bench_test

import (
	"bytes"
	"context"
	"image/jpeg"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/photo"
	"volcard/internal/photo/phototest"
	"volcard/internal/render/rendertest"
)

// photos is row p: a phone's photo of 12 megapixels, from its bytes to the crop that is stored,
// beside decoding it and no more. The note is of a photo that nobody cropped.
func photos(t *testing.T, out *table) {
	t.Helper()
	raw := phototest.SidewaysPhone()
	make12 := func(c photo.Crop) func() {
		return func() {
			p, err := photo.Make(context.Background(), raw, c)
			require.NoError(t, err)
			require.Equal(t, photo.Clear, p.Verdict)
		}
	}
	sides := []func(){
		make12(photo.Crop{X: 230, W: 2490, H: 3486}),
		make12(photo.Crop{}),
		func() {
			_, err := jpeg.Decode(bytes.NewReader(raw))
			require.NoError(t, err)
		},
	}
	const photosEach = 4
	spent := make([][]float64, len(sides))
	for round := range *rounds + 1 {
		for i, side := range sides {
			cpu := rendertest.CPU(func() {
				for range photosEach {
					side()
				}
			})
			if round > 0 { // the first one warms up
				spent[i] = append(spent[i], float64(cpu)/photosEach)
			}
		}
	}
	cropped, alone, decoded := median(spent[0]), median(spent[1]), median(spent[2])
	out.row("12-megapixel photo to stored crop, CPU", ms(time.Duration(cropped)), ms(time.Duration(decoded)), cropped/decoded, 1.6, false)
	out.note("p) the same, cropped by itself: %s, %.2f", ms(time.Duration(alone)), alone/decoded)
}
