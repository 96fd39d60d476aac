package vector

import (
	"errors"
	"fmt"
	"math"
)

// pathState is where path data has got to.
type pathState struct {
	path       Path
	at, start  Point
	lastCubic  Point
	lastQuad   Point
	hadC, hadQ bool
}

// arity is the number of numbers after each command, in upper case.
var arity = map[byte]int{'M': 2, 'L': 2, 'H': 1, 'V': 1, 'C': 6, 'S': 4, 'Q': 4, 'T': 2, 'A': 7, 'Z': 0}

// ParsePath reads SVG path data, every command of it.
func ParsePath(d string) (Path, error) {
	var st pathState
	sc := scanner{s: d}
	var cmd byte
	for sc.more() {
		c, isLetter := sc.letter()
		switch {
		case isLetter:
			cmd = c
		case cmd == 0 || cmd|0x20 == 'z':
			return st.path, errors.New("path data must start with a command")
		case cmd == 'M':
			cmd = 'L'
		case cmd == 'm':
			cmd = 'l'
		}
		upper := cmd &^ 0x20
		n, known := arity[upper]
		if !known {
			return st.path, fmt.Errorf("path command %q", cmd)
		}
		if len(st.path.Verbs) == 0 && upper != 'M' {
			return st.path, errors.New("path data must start with M")
		}
		var a [7]float64
		for i := range n {
			var err error
			if upper == 'A' && (i == 3 || i == 4) {
				a[i], err = sc.flag()
			} else {
				a[i], err = sc.number()
			}
			if err != nil {
				return st.path, err
			}
		}
		st.step(upper, cmd != upper, a)
	}
	return st.path, nil
}

func (st *pathState) step(cmd byte, relative bool, a [7]float64) {
	base := Point{}
	if relative {
		base = st.at
	}
	pt := func(i int) Point { return Point{base.X + a[i], base.Y + a[i+1]} }
	if n := len(st.path.Verbs); n > 0 && st.path.Verbs[n-1] == Close && cmd != 'M' && cmd != 'Z' {
		st.path.Add(MoveTo, st.start)
	}
	c, q := false, false
	switch cmd {
	case 'M':
		st.at = pt(0)
		st.start = st.at
		st.path.Add(MoveTo, st.at)
	case 'L':
		st.line(pt(0))
	case 'H':
		st.line(Point{base.X + a[0], st.at.Y})
	case 'V':
		st.line(Point{st.at.X, base.Y + a[0]})
	case 'C':
		st.cubic(pt(0), pt(2), pt(4))
		c = true
	case 'S':
		c1 := st.at
		if st.hadC {
			c1 = mirror(st.lastCubic, st.at)
		}
		st.cubic(c1, pt(0), pt(2))
		c = true
	case 'Q':
		st.quad(pt(0), pt(2))
		q = true
	case 'T':
		c1 := st.at
		if st.hadQ {
			c1 = mirror(st.lastQuad, st.at)
		}
		st.quad(c1, pt(0))
		q = true
	case 'A':
		st.arc(a[0], a[1], a[2], a[3] == 1, a[4] == 1, pt(5))
	case 'Z':
		st.path.Add(Close)
		st.at = st.start
	}
	st.hadC, st.hadQ = c, q
}

func mirror(p, around Point) Point { return Point{2*around.X - p.X, 2*around.Y - p.Y} }

func (st *pathState) line(p Point) {
	st.at = p
	st.path.Add(LineTo, p)
}

func (st *pathState) cubic(c1, c2, p Point) {
	st.path.Add(CubicTo, c1, c2, p)
	st.at, st.lastCubic = p, c2
}

func (st *pathState) quad(c1, p Point) {
	st.path.Add(QuadTo, c1, p)
	st.at, st.lastQuad = p, c1
}

// arc follows the SVG specification's notes on elliptical arcs (F.6.5): from the end
// points to the centre, then in cubics of at most a quarter turn.
func (st *pathState) arc(rx, ry, angle float64, large, sweep bool, to Point) {
	from := st.at
	rx, ry = math.Abs(rx), math.Abs(ry)
	if rx == 0 || ry == 0 || near(from, to) {
		st.line(to)
		return
	}
	sin, cos := math.Sincos(angle * math.Pi / 180)
	dx, dy := (from.X-to.X)/2, (from.Y-to.Y)/2
	x1, y1 := cos*dx+sin*dy, -sin*dx+cos*dy
	if l := x1*x1/(rx*rx) + y1*y1/(ry*ry); l > 1 {
		rx, ry = rx*math.Sqrt(l), ry*math.Sqrt(l)
	}
	num := rx*rx*ry*ry - rx*rx*y1*y1 - ry*ry*x1*x1
	k := math.Sqrt(math.Max(0, num/(rx*rx*y1*y1+ry*ry*x1*x1)))
	if large == sweep {
		k = -k
	}
	cx1, cy1 := k*rx*y1/ry, -k*ry*x1/rx
	cx := cos*cx1 - sin*cy1 + (from.X+to.X)/2
	cy := sin*cx1 + cos*cy1 + (from.Y+to.Y)/2
	t0 := math.Atan2((y1-cy1)/ry, (x1-cx1)/rx)
	dt := math.Atan2((-y1-cy1)/ry, (-x1-cx1)/rx) - t0
	if sweep && dt < 0 {
		dt += 2 * math.Pi
	} else if !sweep && dt > 0 {
		dt -= 2 * math.Pi
	}
	n := int(math.Ceil(math.Abs(dt) / (math.Pi/2 + 1e-9)))
	step := dt / float64(n)
	h := 4.0 / 3 * math.Tan(step/4)
	m := Matrix{cos * rx, sin * rx, -sin * ry, cos * ry, cx, cy}
	for i := range n {
		s0, c0 := math.Sincos(t0 + float64(i)*step)
		s1, c1 := math.Sincos(t0 + float64(i+1)*step)
		end := m.Apply(Point{c1, s1})
		if i == n-1 {
			end = to
		}
		st.cubic(m.Apply(Point{c0 - h*s0, s0 + h*c0}), m.Apply(Point{c1 + h*s1, s1 - h*c1}), end)
	}
}
