package vector

import (
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// attrs are an element's geometry attributes. Reading one removes it, so that what
// nobody read can be named.
type attrs map[string]string

func attrsOf(el xml.StartElement) attrs {
	a := attrs{}
	for _, x := range el.Attr {
		a[x.Name.Local] = x.Value
	}
	return a
}

// read takes pairs of name and *float64; a missing attribute is 0.
func (a attrs) read(pairs ...any) error {
	for pair := range slices.Chunk(pairs, 2) {
		name, to := pair[0].(string), pair[1].(*float64)
		v, ok := a[name]
		if !ok {
			continue
		}
		n, err := number(v)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		*to = n
		delete(a, name)
	}
	return nil
}

// only refuses attributes that nobody has read.
func (a attrs) only() error {
	for name := range a {
		return fmt.Errorf("attribute %s is outside the subset", name)
	}
	return nil
}

func elementPath(name string, a attrs) (Path, error) {
	var p Path
	var err error
	switch name {
	case "path":
		p, err = ParsePath(a["d"])
		delete(a, "d")
	case "rect":
		var x, y, w, h, rx float64
		err = a.read("x", &x, "y", &y, "width", &w, "height", &h, "rx", &rx)
		p = Rect(x, y, w, h, rx)
	case "circle":
		var cx, cy, r float64
		err = a.read("cx", &cx, "cy", &cy, "r", &r)
		p = Ellipse(cx, cy, r, r)
	case "ellipse":
		var cx, cy, rx, ry float64
		err = a.read("cx", &cx, "cy", &cy, "rx", &rx, "ry", &ry)
		p = Ellipse(cx, cy, rx, ry)
	case "line":
		var a1, b1, a2, b2 float64
		err = a.read("x1", &a1, "y1", &b1, "x2", &a2, "y2", &b2)
		p.Add(MoveTo, Point{a1, b1})
		p.Add(LineTo, Point{a2, b2})
	case "polygon", "polyline":
		var n []float64
		n, err = numbers(a["points"])
		delete(a, "points")
		if err == nil && (len(n) < 4 || len(n)%2 != 0) {
			err = errors.New("points must be pairs")
		}
		for i := 0; err == nil && i < len(n); i += 2 {
			v := LineTo
			if i == 0 {
				v = MoveTo
			}
			p.Add(v, Point{n[i], n[i+1]})
		}
		if name == "polygon" {
			p.Add(Close)
		}
	default:
		return p, fmt.Errorf("element %s is outside the subset", name)
	}
	if err != nil {
		return p, fmt.Errorf("%s: %w", name, err)
	}
	return p, a.only()
}

func number(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(v) || math.Abs(v) > 1e5 {
		return 0, fmt.Errorf("%q is no plain number", s)
	}
	return v, nil
}

func numbers(s string) ([]float64, error) {
	sc := scanner{s: s}
	var out []float64
	for sc.more() {
		v, err := sc.number()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func parseTransform(s string) (Matrix, error) {
	m := Identity
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimLeft(s, " ,\n\t") {
		name, rest, ok := strings.Cut(s, "(")
		body, after, ok2 := strings.Cut(rest, ")")
		if !ok || !ok2 {
			return m, errors.New("transform is not name(numbers)")
		}
		n, err := numbers(body)
		if err != nil {
			return m, err
		}
		one, err := transformOf(strings.TrimSpace(name), n)
		if err != nil {
			return m, err
		}
		m, s = m.Mul(one), after
	}
	return m, nil
}

func transformOf(name string, n []float64) (Matrix, error) {
	switch {
	case name == "translate" && len(n) == 1:
		return Matrix{1, 0, 0, 1, n[0], 0}, nil
	case name == "translate" && len(n) == 2:
		return Matrix{1, 0, 0, 1, n[0], n[1]}, nil
	case name == "scale" && len(n) == 1:
		return Matrix{n[0], 0, 0, n[0], 0, 0}, nil
	case name == "scale" && len(n) == 2:
		return Matrix{n[0], 0, 0, n[1], 0, 0}, nil
	case name == "rotate" && (len(n) == 1 || len(n) == 3):
		sin, cos := math.Sincos(n[0] * math.Pi / 180)
		m := Matrix{cos, sin, -sin, cos, 0, 0}
		if len(n) == 3 {
			m = Matrix{1, 0, 0, 1, n[1], n[2]}.Mul(m).Mul(Matrix{1, 0, 0, 1, -n[1], -n[2]})
		}
		return m, nil
	case name == "matrix" && len(n) == 6:
		return Matrix{n[0], n[1], n[2], n[3], n[4], n[5]}, nil
	}
	return Identity, fmt.Errorf("transform %s with %d numbers is outside the subset", name, len(n))
}

// scanner reads the numbers of path data.
type scanner struct {
	s string
	i int
}

func (s *scanner) space() {
	for s.i < len(s.s) && strings.IndexByte(" ,\t\r\n", s.s[s.i]) >= 0 {
		s.i++
	}
}

func (s *scanner) more() bool {
	s.space()
	return s.i < len(s.s)
}

func (s *scanner) letter() (byte, bool) {
	if !s.more() {
		return 0, false
	}
	c := s.s[s.i]
	if c|0x20 >= 'a' && c|0x20 <= 'z' {
		s.i++
		return c, true
	}
	return 0, false
}

func (s *scanner) number() (float64, error) {
	s.space()
	start, dot, exp := s.i, false, false
	for s.i < len(s.s) {
		c := s.s[s.i]
		switch {
		case c >= '0' && c <= '9':
		case (c == '-' || c == '+') && (s.i == start || s.s[s.i-1]|0x20 == 'e'):
		case c == '.' && !dot && !exp:
			dot = true
		case (c == 'e' || c == 'E') && !exp && s.i > start:
			exp = true
		default:
			return number(s.s[start:s.i])
		}
		s.i++
	}
	return number(s.s[start:])
}

// flag reads an arc flag, which may stand without a separator.
func (s *scanner) flag() (float64, error) {
	s.space()
	if s.i < len(s.s) && (s.s[s.i] == '0' || s.s[s.i] == '1') {
		s.i++
		return float64(s.s[s.i-1] - '0'), nil
	}
	return 0, errors.New("an arc flag must be 0 or 1")
}
