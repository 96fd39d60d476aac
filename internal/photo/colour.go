package photo

import (
	"image"
	"image/color"
	"math"
)

// chroma is the mean colour of a part of a picture, apart from its brightness: 0 is grey. Of what is nearly
// black or white the camera knows no colour.
type chroma struct{ blue, red float64 }

const darkest, lightest = 48, 224

// eachChroma visits the pixels of a part, every second one of every second line.
func eachChroma(img *image.RGBA, r image.Rectangle, visit func(chroma)) {
	for y := r.Min.Y; y < r.Max.Y; y += 2 {
		for x := r.Min.X; x < r.Max.X; x += 2 {
			p := img.RGBAAt(x, y)
			light, blue, red := color.RGBToYCbCr(p.R, p.G, p.B)
			if light >= darkest && light <= lightest {
				visit(chroma{float64(blue) - 128, float64(red) - 128})
			}
		}
	}
}

func meanChroma(img *image.RGBA, r image.Rectangle) (mean chroma, n int) {
	eachChroma(img, r, func(c chroma) { mean.blue, mean.red, n = mean.blue+c.blue, mean.red+c.red, n+1 })
	if n > 0 {
		mean.blue, mean.red = mean.blue/float64(n), mean.red/float64(n)
	}
	return mean, n
}

// oneHue compares the whole picture with the colour of the face: what lies within a narrow sector around it,
// or has no colour, is of one hue.
func oneHue(img *image.RGBA, face image.Rectangle) float64 {
	const grey = 5                   // of 128: what compression makes of a grey picture
	const sector = 8 * math.Pi / 180 // to both sides
	skin, _ := meanChroma(img, face)
	hue := math.Atan2(skin.red, skin.blue)
	same, all := 0, 0
	eachChroma(img, img.Bounds(), func(c chroma) {
		all++
		turn := math.Abs(math.Remainder(math.Atan2(c.red, c.blue)-hue, 2*math.Pi))
		if math.Hypot(c.blue, c.red) < grey || turn < sector {
			same++
		}
	})
	return float64(same) / float64(max(all, 1))
}

// cast measures how far the face's mean colour lies outside of the range of skin, which is narrow for people
// of every complexion: Cb 77 to 127, Cr 133 to 173 (Chai and Ngan, 1999), here with a margin for lamplight.
func cast(img *image.RGBA, face image.Rectangle) float64 {
	skin, n := meanChroma(img, face)
	if n == 0 {
		return 0
	}
	return max(0, -58-skin.blue, skin.blue-2, 2-skin.red, skin.red-50)
}
