package vector

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	xvector "golang.org/x/image/vector"
)

// Canvas paints shapes on an image. The zero Canvas is not usable.
type Canvas struct {
	Image *image.RGBA
	// Matrix maps the shapes' unit to pixels.
	Matrix Matrix
	raster xvector.Rasterizer
}

// NewCanvas paints on img through m.
func NewCanvas(img *image.RGBA, m Matrix) *Canvas { return &Canvas{Image: img, Matrix: m} }

// Draw paints one shape.
func (c *Canvas) Draw(s Shape) {
	path := s.Path.Transform(c.Matrix)
	if s.Width > 0 {
		path = stroke(path, s.Width*c.Matrix.Scale())
	}
	lo, hi := path.Bounds()
	box := image.Rect(int(math.Floor(lo.X)), int(math.Floor(lo.Y)), int(math.Ceil(hi.X))+1, int(math.Ceil(hi.Y))+1)
	box = box.Intersect(c.Image.Bounds())
	if box.Empty() {
		return
	}
	c.raster.Reset(box.Dx(), box.Dy())
	dx, dy := float64(box.Min.X), float64(box.Min.Y)
	at := func(p Point) (float32, float32) { return float32(p.X - dx), float32(p.Y - dy) }
	path.Walk(func(v Verb, p []Point) {
		switch v {
		case MoveTo:
			c.raster.MoveTo(at(p[0]))
		case LineTo:
			c.raster.LineTo(at(p[0]))
		case QuadTo:
			x1, y1 := at(p[0])
			x2, y2 := at(p[1])
			c.raster.QuadTo(x1, y1, x2, y2)
		case CubicTo:
			x1, y1 := at(p[0])
			x2, y2 := at(p[1])
			x3, y3 := at(p[2])
			c.raster.CubeTo(x1, y1, x2, y2, x3, y3)
		case Close:
			c.raster.ClosePath()
		}
	})
	c.raster.DrawOp = draw.Over
	c.raster.Draw(c.Image, box, c.source(s), box.Min)
}

func (c *Canvas) source(s Shape) image.Image {
	alpha := uint8(math.Round(255 * s.Opacity))
	if s.Gradient == nil {
		return image.NewUniform(color.NRGBA{s.Color.R, s.Color.G, s.Color.B, alpha})
	}
	p1, p2 := c.Matrix.Apply(s.Gradient.P1), c.Matrix.Apply(s.Gradient.P2)
	dx, dy := p2.X-p1.X, p2.Y-p1.Y
	length := dx*dx + dy*dy
	if length == 0 {
		length = 1
	}
	return &ramp{Gradient: *s.Gradient, bounds: c.Image.Bounds(), origin: p1, dx: dx / length, dy: dy / length, alpha: alpha}
}

// ramp is a gradient seen as an image.
type ramp struct {
	Gradient
	bounds image.Rectangle
	origin Point
	dx, dy float64
	alpha  uint8
}

func (r *ramp) ColorModel() color.Model { return color.RGBAModel }
func (r *ramp) Bounds() image.Rectangle { return r.bounds }

func (r *ramp) At(x, y int) color.Color {
	t := (float64(x)+0.5-r.origin.X)*r.dx + (float64(y)+0.5-r.origin.Y)*r.dy
	t = math.Min(1, math.Max(0, t))
	mix := func(a, b uint8) uint8 {
		v := math.Round(float64(a) + t*(float64(b)-float64(a)))
		return uint8(v * float64(r.alpha) / 255)
	}
	return color.RGBA{mix(r.C1.R, r.C2.R), mix(r.C1.G, r.C2.G), mix(r.C1.B, r.C2.B), r.alpha}
}
