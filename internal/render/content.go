package render

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"

	"volcard/internal/render/vector"
)

// content is operators of a page or a form, in points.
type content struct {
	b         []byte
	toPoints  vector.Matrix
	alphas    []float64
	gradients []vector.Gradient
}

func (c *content) op(s string) {
	c.b = append(c.b, s...)
	c.b = append(c.b, '\n')
}

func (c *content) nums(vs ...float64) {
	for _, v := range vs {
		c.b = append(appendNum(c.b, v), ' ')
	}
}

func (c *content) color(col vector.Color) {
	c.nums(float64(col.R)/255, float64(col.G)/255, float64(col.B)/255)
}

// resources are the transparencies and gradients that the operators name.
func (c *content) resources() string {
	out := ""
	if len(c.alphas) > 0 {
		out += "/ExtGState << "
		for i, a := range c.alphas {
			out += fmt.Sprintf("/A%d << /ca %s /CA %s >> ", i, num(a), num(a))
		}
		out += ">> "
	}
	if len(c.gradients) > 0 {
		out += "/Shading << "
		for i, g := range c.gradients {
			var coords, ends content
			p1, p2 := c.toPoints.Apply(g.P1), c.toPoints.Apply(g.P2)
			coords.nums(p1.X, p1.Y, p2.X, p2.Y)
			ends.op("/C0 [")
			ends.color(g.C1)
			ends.op("] /C1 [")
			ends.color(g.C2)
			out += fmt.Sprintf("/G%d << /ShadingType 2 /ColorSpace /DeviceRGB /Coords [%s] /Function << /FunctionType 2 /Domain [0 1] /N 1 %s] >> /Extend [true true] >> ",
				i, coords.b, ends.b)
		}
		out += ">> "
	}
	return out
}

func (c *content) shape(s vector.Shape) {
	c.op("q")
	if s.Opacity < 1 {
		i := slices.Index(c.alphas, s.Opacity)
		if i < 0 {
			i = len(c.alphas)
			c.alphas = append(c.alphas, s.Opacity)
		}
		c.op("/A" + strconv.Itoa(i) + " gs")
	}
	switch {
	case s.Gradient != nil:
		c.path(s.Path)
		c.op("W n /G" + strconv.Itoa(len(c.gradients)) + " sh")
		c.gradients = append(c.gradients, *s.Gradient)
	case s.Width > 0:
		c.color(s.Color)
		c.b = append(c.b, "RG 1 J 1 j "...)
		c.nums(s.Width / mmPerPoint)
		c.op("w")
		c.path(s.Path)
		c.op("S")
	default:
		c.color(s.Color)
		c.op("rg")
		c.path(s.Path)
		c.op("f")
	}
	c.op("Q")
}

// path writes a path; PDF has no quadratic curves.
func (c *content) path(path vector.Path) {
	var at vector.Point
	put := func(op string, pts ...vector.Point) {
		for _, q := range pts {
			c.nums(q.X, q.Y)
		}
		at = pts[len(pts)-1]
		c.op(op)
	}
	q := path.Transform(c.toPoints)
	q.Walk(func(v vector.Verb, pts []vector.Point) {
		switch v {
		case vector.MoveTo:
			put("m", pts...)
		case vector.LineTo:
			put("l", pts...)
		case vector.QuadTo:
			third := func(a, b vector.Point) vector.Point {
				return vector.Point{X: a.X + (b.X-a.X)*2/3, Y: a.Y + (b.Y-a.Y)*2/3}
			}
			put("c", third(at, pts[0]), third(pts[1], pts[0]), pts[1])
		case vector.CubicTo:
			put("c", pts...)
		case vector.Close:
			c.op("h")
		}
	})
}

// qr writes all modules as one path in whole modules. Rectangles of their own would be
// rounded apart, and some 200-dpi renders of such codes do not read.
func (c *content) qr(q *qrItem) {
	c.op("q")
	c.color(q.Color)
	c.op("rg")
	origin, m := c.toPoints.Apply(vector.Point{X: q.X, Y: q.Y}), q.Module/mmPerPoint
	c.op(fmt.Sprintf("%.6f 0 0 %.6f %.4f %.4f cm", m, -m, origin.X, origin.Y))
	q.runs(func(x, y, n int) {
		for _, v := range []int{x, y, n} {
			c.b = append(strconv.AppendInt(c.b, int64(v), 10), ' ')
		}
		c.op("1 re")
	})
	c.op("f\nQ")
}

// cropMarks stand off the bleed, so that they never print on a card.
func (c *content) cropMarks(width, height, bleed float64) {
	const length = 4
	var marks vector.Path
	line := func(x1, y1, x2, y2 float64) {
		marks.Add(vector.MoveTo, vector.Point{X: x1, Y: y1})
		marks.Add(vector.LineTo, vector.Point{X: x2, Y: y2})
	}
	off := bleed + 0.5
	for _, y := range []float64{0, height} {
		line(-off-length, y, -off, y)
		line(width+off, y, width+off+length, y)
	}
	for _, x := range []float64{0, width} {
		line(x, -off-length, x, -off)
		line(x, height+off, x, height+off+length)
	}
	c.shape(vector.Shape{Path: marks, Opacity: 1, Width: math.Round(0.25*mmPerPoint*1e4) / 1e4})
}

// stream is a compressed stream object's body, as gofpdf writes it.
func stream(dict string, data []byte) []byte {
	packed := pack(data)
	out := make([]byte, 0, len(dict)+len(packed)+80)
	out = fmt.Appendf(out, "<<%s/Filter /FlateDecode /Length %d>>\nstream\n", dict, len(packed))
	out = append(out, packed...)
	return append(out, "\nendstream\nendobj\n"...)
}

func pack(data []byte) []byte {
	var packed bytes.Buffer
	z := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(z)
	z.Reset(&packed)
	// Writes to a buffer do not fail.
	_, _ = z.Write(data)
	_ = z.Close()
	return packed.Bytes()
}

// deflaters are kept: a new one costs more than packing a page.
var deflaters = sync.Pool{New: func() any {
	z, _ := zlib.NewWriterLevel(nil, zlib.BestSpeed)
	return z
}}

// num is a number to a thousandth, without needless zeros.
func num(v float64) string { return string(appendNum(nil, v)) }

// appendNum appends what num returns.
func appendNum(b []byte, v float64) []byte {
	from := len(b)
	b = strconv.AppendFloat(b, v, 'f', 3, 64)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	if string(b[from:]) == "-0" {
		b = append(b[:from], '0')
	}
	return b
}
