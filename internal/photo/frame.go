package photo

import (
	"image"
	"math"

	"golang.org/x/image/draw"
)

// turn tells where the pixels of an upright picture lie in the file's: swap exchanges the axes,
// then flipX and flipY mirror. The eight of them are EXIF's orientations.
type turn struct{ swap, flipX, flipY bool }

var upright = turn{}

// exifTurn is the turn of an EXIF orientation; upright where the value means nothing.
func exifTurn(orientation int) turn {
	turns := []turn{
		{},
		{flipX: true},
		{flipX: true, flipY: true},
		{flipY: true},
		{swap: true},
		{swap: true, flipY: true},
		{swap: true, flipX: true, flipY: true},
		{swap: true, flipX: true},
	}
	if orientation < 1 || orientation > len(turns) {
		return upright
	}
	return turns[orientation-1]
}

// clockwise is the turn of a rotation by right angles.
func clockwise(degrees int) (turn, bool) {
	switch ((degrees % 360) + 360) % 360 {
	case 0:
		return upright, true
	case 90:
		return exifTurn(6), true
	case 180:
		return exifTurn(3), true
	case 270:
		return exifTurn(8), true
	default:
		return upright, false
	}
}

// sides are the turns of a picture that is not upright.
var sides = []turn{exifTurn(6), exifTurn(8), exifTurn(3)}

// then is the turn that t and a second one make together.
func (t turn) then(next turn) turn {
	x, y := next.flipX, next.flipY
	if t.swap {
		x, y = y, x
	}
	return turn{swap: t.swap != next.swap, flipX: t.flipX != x, flipY: t.flipY != y}
}

// size is the size of the upright picture of a file's.
func (t turn) size(width, height int) (int, int) {
	if t.swap {
		return height, width
	}
	return width, height
}

// source is the rectangle of the file's picture that shows as r.
func (t turn) source(r image.Rectangle, width, height int) image.Rectangle {
	if t.swap {
		r = image.Rect(r.Min.Y, r.Min.X, r.Max.Y, r.Max.X)
	}
	if t.flipX {
		r.Min.X, r.Max.X = width-r.Max.X, width-r.Min.X
	}
	if t.flipY {
		r.Min.Y, r.Max.Y = height-r.Max.Y, height-r.Min.Y
	}
	return r
}

// pixel is the place in the file's picture of a pixel of the upright one.
func (t turn) pixel(x, y, width, height int) (int, int) {
	if t.swap {
		x, y = y, x
	}
	if t.flipX {
		x = width - 1 - x
	}
	if t.flipY {
		y = height - 1 - y
	}
	return x, y
}

const ratio = float64(Width) / Height

// place checks a crop against the picture as the person saw it and returns its pixels.
func (c Crop) place(width, height int) (image.Rectangle, error) {
	for _, v := range []float64{c.X, c.Y, c.W, c.H} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return image.Rectangle{}, refuse(nil, CropOutside)
		}
	}
	// Browsers round: a pixel more than there is means the edge.
	const slack = 1
	if c.W < 1 || c.H < 1 || c.X < -slack || c.Y < -slack || c.X+c.W > float64(width)+slack || c.Y+c.H > float64(height)+slack {
		return image.Rectangle{}, refuse(nil, CropOutside)
	}
	if math.Abs(c.W-c.H*ratio) > math.Max(1.5, 0.02*c.W) {
		return image.Rectangle{}, refuse(nil, WrongRatio)
	}
	r := image.Rect(round(c.X), round(c.Y), round(c.X+c.W), round(c.Y+c.H))
	return r.Intersect(image.Rect(0, 0, width, height)), nil
}

func (c Crop) none() bool { return c.W == 0 && c.H == 0 }

// centred is the largest crop of a picture, in its middle.
func centred(width, height int) image.Rectangle {
	w := math.Min(float64(width), float64(height)*ratio)
	return boxAt(float64(width)/2, float64(height)/2, w, width, height)
}

// around is the crop that shows a face as on an identity card, as large as the picture allows.
func around(f face, width, height int) image.Rectangle {
	w := math.Min(f.size/idealFace, math.Min(float64(width), float64(height)*ratio))
	// A face at the edge has less around it.
	return boxAt(f.x, f.y+w/ratio*(0.5-idealHeight), w, width, height)
}

// boxAt is a box of the card's ratio around a point, moved into the picture.
func boxAt(x, y, w float64, width, height int) image.Rectangle {
	h := w / ratio
	left := math.Max(0, math.Min(x-w/2, float64(width)-w))
	top := math.Max(0, math.Min(y-h/2, float64(height)-h))
	r := image.Rect(round(left), round(top), max(round(left+w), round(left)+1), max(round(top+h), round(top)+1))
	return r.Intersect(image.Rect(0, 0, width, height))
}

func round(v float64) int { return int(math.Round(v)) }

// cut makes the card's picture of a part of an upright picture. r is in upright pixels.
func cut(img image.Image, t turn, r image.Rectangle) *image.RGBA {
	width, height := img.Bounds().Dx(), img.Bounds().Dy()
	from := t.source(r, width, height)
	w, h := t.size(Width, Height)
	// Averaging whole boxes down to half as much again as is needed costs little and loses nothing
	// that the finer filter would keep.
	f := max(1, min(from.Dx()*2/(3*w), from.Dy()*2/(3*h)))
	small := reduce(img, from, f)
	scaled := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(scaled, scaled.Bounds(), small, small.Bounds(), draw.Src, nil)
	if t == upright {
		return scaled
	}
	out := image.NewRGBA(image.Rect(0, 0, Width, Height))
	for y := range Height {
		for x := range Width {
			sx, sy := t.pixel(x, y, w, h)
			copy(out.Pix[out.PixOffset(x, y):][:4], scaled.Pix[scaled.PixOffset(sx, sy):][:4])
		}
	}
	return out
}

// overview is the whole upright picture in grey, about overviewSide pixels long, and how many
// pixels of the picture one of its pixels stands for.
func overview(img image.Image, t turn) (grey, float64) {
	b := img.Bounds()
	f := max(b.Dx(), b.Dy()) / overviewSide
	f = max(1, min(f, b.Dx(), b.Dy()))
	small := reduceGrey(img, b, f)
	return small.turned(t), float64(f)
}

const overviewSide = 400
