package rendertest

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"

	"volcard/internal/render"
	"volcard/internal/render/vector"
)

// Photo is a drawn portrait with the grain of a camera, as large in bytes as a real one.
// Each seed gives another: the colours and the grain differ.
func Photo(seed uint64) []byte {
	grain := grain(seed)
	img := image.NewRGBA(image.Rect(0, 0, render.PhotoWidth, render.PhotoHeight))
	tint := func(r, g, b int) vector.Color {
		near := func(v int) uint8 { return uint8(min(255, max(0, v-12+grain.below(25)))) }
		return vector.Color{R: near(r), G: near(g), B: near(b)}
	}
	// The grounds that Chinese ID photos have: blue, white and red.
	grounds := [][3]int{{92, 150, 212}, {240, 242, 244}, {190, 40, 44}}
	g := grounds[seed%uint64(len(grounds))]
	ground, skin, hair, coat := tint(g[0], g[1], g[2]), tint(236, 200, 176), tint(38, 32, 34), tint(42, 58, 92)
	draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{ground.R, ground.G, ground.B, 255}), image.Point{}, draw.Src)
	canvas := vector.NewCanvas(img, vector.Identity)
	paint := func(c vector.Color, paths ...vector.Path) {
		for _, p := range paths {
			canvas.Draw(vector.Shape{Path: p, Color: c, Opacity: 1})
		}
	}
	white, lips := vector.Color{R: 246, G: 246, B: 244}, tint(190, 104, 98)
	paint(hair, vector.Ellipse(148, 158, 84, 100))
	paint(coat, vector.Rect(18, 322, 260, 160, 70))
	paint(white, vector.Rect(112, 312, 72, 70, 18))
	paint(skin, vector.Rect(118, 240, 60, 108, 26), vector.Ellipse(148, 182, 68, 88),
		vector.Ellipse(80, 188, 10, 20), vector.Ellipse(216, 188, 10, 20))
	paint(hair, vector.Ellipse(148, 104, 70, 36), vector.Rect(104, 158, 32, 6, 3), vector.Rect(160, 158, 32, 6, 3),
		vector.Ellipse(120, 180, 8, 6), vector.Ellipse(176, 180, 8, 6))
	paint(lips, vector.Ellipse(148, 236, 20, 6))
	for i := range img.Pix {
		if i%4 != 3 {
			img.Pix[i] = uint8(min(255, max(0, int(img.Pix[i])-9+grain.below(19))))
		}
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: 94}); err != nil {
		panic(err) // a buffer takes all, and JPEG has this size
	}
	return buf.Bytes()
}

// grain is a generator of noise: the same for the same seed, which crypto/rand is not.
type grain uint64

func (g *grain) below(n int) int {
	*g = *g*6364136223846793005 + 1442695040888963407
	return int(uint64(*g) >> 33 % uint64(n))
}
