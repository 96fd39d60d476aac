// Package vector holds the geometry of a card: paths, paints, the part of SVG in which
// card art is drawn, and its way onto pixels. Lengths are in the caller's unit, which
// for a face is the millimetre; y grows downwards.
package vector

import "math"

// Point is a place on the plane.
type Point struct{ X, Y float64 }

// Verb says how a path goes on.
type Verb byte

// Each verb is followed by its number of points: 1, 1, 2, 3, 0.
const (
	MoveTo  Verb = 'M'
	LineTo  Verb = 'L'
	QuadTo  Verb = 'Q'
	CubicTo Verb = 'C'
	Close   Verb = 'Z'
)

// Count is the number of points that belong to the verb.
func (v Verb) Count() int {
	switch v {
	case MoveTo, LineTo:
		return 1
	case QuadTo:
		return 2
	case CubicTo:
		return 3
	case Close:
	}
	return 0
}

// Path is a list of verbs and the points they use. It is filled by the nonzero rule.
type Path struct {
	Verbs  []Verb
	Points []Point
}

// Add appends a verb with its points.
func (p *Path) Add(v Verb, pts ...Point) {
	p.Verbs = append(p.Verbs, v)
	p.Points = append(p.Points, pts...)
}

// Append appends another path.
func (p *Path) Append(q Path) {
	p.Verbs = append(p.Verbs, q.Verbs...)
	p.Points = append(p.Points, q.Points...)
}

// Walk calls f for each verb with its points.
func (p *Path) Walk(f func(v Verb, pts []Point)) {
	i := 0
	for _, v := range p.Verbs {
		n := v.Count()
		f(v, p.Points[i:i+n])
		i += n
	}
}

// Bounds is the box around all points, control points included.
func (p *Path) Bounds() (lo, hi Point) {
	if len(p.Points) == 0 {
		return Point{}, Point{}
	}
	lo, hi = p.Points[0], p.Points[0]
	for _, q := range p.Points[1:] {
		lo = Point{math.Min(lo.X, q.X), math.Min(lo.Y, q.Y)}
		hi = Point{math.Max(hi.X, q.X), math.Max(hi.Y, q.Y)}
	}
	return lo, hi
}

// Transform returns the path under m.
func (p *Path) Transform(m Matrix) Path {
	q := Path{Verbs: p.Verbs, Points: make([]Point, len(p.Points))}
	for i, pt := range p.Points {
		q.Points[i] = m.Apply(pt)
	}
	return q
}

// kappa places the control points of a quarter circle drawn as a cubic.
const kappa = 0.5522847498307936

// Ellipse is a closed ellipse.
func Ellipse(cx, cy, rx, ry float64) Path {
	var p Path
	kx, ky := rx*kappa, ry*kappa
	p.Add(MoveTo, Point{cx + rx, cy})
	p.Add(CubicTo, Point{cx + rx, cy + ky}, Point{cx + kx, cy + ry}, Point{cx, cy + ry})
	p.Add(CubicTo, Point{cx - kx, cy + ry}, Point{cx - rx, cy + ky}, Point{cx - rx, cy})
	p.Add(CubicTo, Point{cx - rx, cy - ky}, Point{cx - kx, cy - ry}, Point{cx, cy - ry})
	p.Add(CubicTo, Point{cx + kx, cy - ry}, Point{cx + rx, cy - ky}, Point{cx + rx, cy})
	p.Add(Close)
	return p
}

// Rect is a closed rectangle with rounded corners of radius r (0: square ones).
func Rect(x, y, w, h, r float64) Path {
	var p Path
	r = math.Min(r, math.Min(w, h)/2)
	if r <= 0 {
		p.Add(MoveTo, Point{x, y})
		p.Add(LineTo, Point{x + w, y})
		p.Add(LineTo, Point{x + w, y + h})
		p.Add(LineTo, Point{x, y + h})
		p.Add(Close)
		return p
	}
	c := r * (1 - kappa)
	p.Add(MoveTo, Point{x + r, y})
	p.Add(LineTo, Point{x + w - r, y})
	p.Add(CubicTo, Point{x + w - c, y}, Point{x + w, y + c}, Point{x + w, y + r})
	p.Add(LineTo, Point{x + w, y + h - r})
	p.Add(CubicTo, Point{x + w, y + h - c}, Point{x + w - c, y + h}, Point{x + w - r, y + h})
	p.Add(LineTo, Point{x + r, y + h})
	p.Add(CubicTo, Point{x + c, y + h}, Point{x, y + h - c}, Point{x, y + h - r})
	p.Add(LineTo, Point{x, y + r})
	p.Add(CubicTo, Point{x, y + c}, Point{x + c, y}, Point{x + r, y})
	p.Add(Close)
	return p
}

// Matrix is an affine map: x' = A·x + C·y + E, y' = B·x + D·y + F.
type Matrix struct{ A, B, C, D, E, F float64 }

// Identity maps every point to itself.
var Identity = Matrix{A: 1, D: 1}

// Apply maps a point.
func (m Matrix) Apply(p Point) Point {
	return Point{m.A*p.X + m.C*p.Y + m.E, m.B*p.X + m.D*p.Y + m.F}
}

// Mul is the map that applies n first, then m.
func (m Matrix) Mul(n Matrix) Matrix {
	return Matrix{
		A: m.A*n.A + m.C*n.B, B: m.B*n.A + m.D*n.B,
		C: m.A*n.C + m.C*n.D, D: m.B*n.C + m.D*n.D,
		E: m.A*n.E + m.C*n.F + m.E, F: m.B*n.E + m.D*n.F + m.F,
	}
}

// Scale is the mean factor by which m stretches lengths.
func (m Matrix) Scale() float64 { return math.Sqrt(math.Abs(m.A*m.D - m.B*m.C)) }

// Color is an opaque sRGB colour.
type Color struct{ R, G, B uint8 }

// Gradient runs from C1 at P1 to C2 at P2 and keeps the end colours beyond.
type Gradient struct {
	P1, P2 Point
	C1, C2 Color
}

// Shape is one painted path. Width is 0 for a filled path; otherwise the path is
// stroked with round caps and joins. A gradient, where there is one, replaces Color.
type Shape struct {
	Path     Path
	Color    Color
	Gradient *Gradient
	Opacity  float64
	Width    float64
}
