package vector

import "math"

// flatness is how far, in pixels, a flattened curve may be from the true one.
const flatness = 0.08

// polyline is a flattened subpath without repeated points.
type polyline struct {
	points []Point
	closed bool
}

func flatten(p Path) []polyline {
	var all []polyline
	var cur polyline
	var at Point
	add := func(q Point) {
		at = q
		if n := len(cur.points); n > 0 && near(cur.points[n-1], q) {
			return
		}
		cur.points = append(cur.points, q)
	}
	end := func(closed bool) {
		if n := len(cur.points); closed && n > 1 && near(cur.points[0], cur.points[n-1]) {
			cur.points = cur.points[:n-1]
		}
		if len(cur.points) > 0 {
			cur.closed = closed && len(cur.points) > 2
			all = append(all, cur)
		}
		cur = polyline{}
	}
	var start Point
	p.Walk(func(v Verb, pts []Point) {
		switch v {
		case MoveTo:
			end(false)
			start = pts[0]
			add(pts[0])
		case LineTo:
			add(pts[0])
		case QuadTo:
			a, b, c := at, pts[0], pts[1]
			n := steps(math.Hypot(a.X-2*b.X+c.X, a.Y-2*b.Y+c.Y) / 4)
			for i := 1; i <= n; i++ {
				t := float64(i) / float64(n)
				add(lerp(lerp(a, b, t), lerp(b, c, t), t))
			}
		case CubicTo:
			a, b, c, d := at, pts[0], pts[1], pts[2]
			bend := math.Max(math.Hypot(a.X-2*b.X+c.X, a.Y-2*b.Y+c.Y), math.Hypot(b.X-2*c.X+d.X, b.Y-2*c.Y+d.Y))
			n := steps(bend * 0.75)
			for i := 1; i <= n; i++ {
				t := float64(i) / float64(n)
				ab, bc, cd := lerp(a, b, t), lerp(b, c, t), lerp(c, d, t)
				add(lerp(lerp(ab, bc, t), lerp(bc, cd, t), t))
			}
		case Close:
			end(true)
			at = start
		}
	})
	end(false)
	return all
}

func steps(deviation float64) int {
	n := int(math.Ceil(math.Sqrt(deviation / flatness)))
	return min(max(n, 1), 200)
}

func lerp(a, b Point, t float64) Point { return Point{a.X + (b.X-a.X)*t, a.Y + (b.Y-a.Y)*t} }

func near(a, b Point) bool { return math.Abs(a.X-b.X) < 1e-6 && math.Abs(a.Y-b.Y) < 1e-6 }

// stroke turns a stroked path into a filled one: one ribbon for each subpath. A ribbon
// does not overlap itself on smooth curves, which the area-accumulating rasterizer
// would show as dark beads on hairlines.
func stroke(p Path, width float64) Path {
	var out Path
	r := width / 2
	for _, line := range flatten(p) {
		if len(line.points) == 1 {
			out.Append(Ellipse(line.points[0].X, line.points[0].Y, r, r))
			continue
		}
		if line.closed {
			ring(&out, offset(line.points, r, true))
			ring(&out, reverse(offset(line.points, -r, true)))
			continue
		}
		left := offset(line.points, r, false)
		right := offset(line.points, -r, false)
		n := len(line.points)
		outline := append(left, arc(line.points[n-1], left[len(left)-1], right[len(right)-1])...)
		outline = append(outline, reverse(right)...)
		outline = append(outline, arc(line.points[0], right[0], left[0])...)
		ring(&out, outline)
	}
	return out
}

func ring(p *Path, pts []Point) {
	for i, q := range pts {
		if i == 0 {
			p.Add(MoveTo, q)
		} else {
			p.Add(LineTo, q)
		}
	}
	p.Add(Close)
}

func reverse(pts []Point) []Point {
	out := make([]Point, len(pts))
	for i, p := range pts {
		out[len(pts)-1-i] = p
	}
	return out
}

// offset is the line at distance r to one side, with round outer corners.
func offset(pts []Point, r float64, closed bool) []Point {
	n := len(pts)
	normal := func(a, b Point) Point {
		d := math.Hypot(b.X-a.X, b.Y-a.Y)
		return Point{(b.Y - a.Y) / d * r, -(b.X - a.X) / d * r}
	}
	var out []Point
	for i := range pts {
		p := pts[i]
		if !closed && i == 0 {
			m := normal(p, pts[1])
			out = append(out, Point{p.X + m.X, p.Y + m.Y})
			continue
		}
		if !closed && i == n-1 {
			m := normal(pts[n-2], p)
			out = append(out, Point{p.X + m.X, p.Y + m.Y})
			continue
		}
		m1, m2 := normal(pts[(i+n-1)%n], p), normal(p, pts[(i+1)%n])
		a, b := Point{p.X + m1.X, p.Y + m1.Y}, Point{p.X + m2.X, p.Y + m2.Y}
		cos := (m1.X*m2.X + m1.Y*m2.Y) / (r * r)
		// turn > 0: the corner bends away from this side, so the side needs a round join.
		turn := (m1.X*m2.Y - m1.Y*m2.X) * sign(r)
		if cos < 0.9 && turn > 0 {
			out = append(out, a)
			out = append(out, arc(p, a, b)...)
			out = append(out, b)
			continue
		}
		k := 1 / math.Max(1+cos, 0.3)
		out = append(out, Point{p.X + (m1.X+m2.X)*k, p.Y + (m1.Y+m2.Y)*k})
	}
	return out
}

func sign(v float64) float64 {
	if v < 0 {
		return -1
	}
	return 1
}

// arc holds the points strictly between a and b on the circle around c, on the shorter
// way; on a half circle it goes the way that a cap needs.
func arc(c, a, b Point) []Point {
	r := math.Hypot(a.X-c.X, a.Y-c.Y)
	from := math.Atan2(a.Y-c.Y, a.X-c.X)
	sweep := math.Atan2(b.Y-c.Y, b.X-c.X) - from
	for sweep > math.Pi+1e-9 {
		sweep -= 2 * math.Pi
	}
	for sweep < -math.Pi-1e-9 {
		sweep += 2 * math.Pi
	}
	if math.Abs(math.Abs(sweep)-math.Pi) < 1e-6 {
		sweep = math.Pi
	}
	n := max(2, int(math.Ceil(math.Abs(sweep)/(2*math.Acos(1-math.Min(1, flatness/math.Max(r, flatness)))))))
	var out []Point
	for i := 1; i < n; i++ {
		t := from + sweep*float64(i)/float64(n)
		out = append(out, Point{c.X + r*math.Cos(t), c.Y + r*math.Sin(t)})
	}
	return out
}
