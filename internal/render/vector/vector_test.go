package vector

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParsePath(t *testing.T) {
	for d, want := range map[string]string{
		"M1 2L3 4":                 "M(1,2) L(3,4)",
		"m1,2 3,4-1-2z":            "M(1,2) L(4,6) L(3,4) Z",
		"M0 0H5v5h-5Z":             "M(0,0) L(5,0) L(5,5) L(0,5) Z",
		"M0 0zL1 1":                "M(0,0) Z M(0,0) L(1,1)",
		"M.5.5 1e1-2":              "M(0.5,0.5) L(10,-2)",
		"M0 0C1 1 2 2 3 3S5 5 6 6": "M(0,0) C(1,1)(2,2)(3,3) C(4,4)(5,5)(6,6)",
		"M0 0Q1 1 2 0T4 0":         "M(0,0) Q(1,1)(2,0) Q(3,-1)(4,0)",
		"M0 0a0 1 0 0 0 5 5":       "M(0,0) L(5,5)",
		"":                         "",
	} {
		p, err := ParsePath(d)
		require.NoError(t, err, d)
		require.Equal(t, want, show(p), d)
	}
	for _, bad := range []string{"L1 2", "1 2", "M1", "M1 2 X3", "M0 0A1 1 0 2 0 5 5", "M0 0Z5 5", "M1e9 0", "MNaN 0", "M0 0 L--1 2"} {
		_, err := ParsePath(bad)
		require.Error(t, err, bad)
	}
}

func show(p Path) string {
	var parts []string
	p.Walk(func(v Verb, pts []Point) {
		s := string(rune(v))
		for _, q := range pts {
			s += fmt.Sprintf("(%.4g,%.4g)", q.X, q.Y)
		}
		parts = append(parts, s)
	})
	return strings.Join(parts, " ")
}

// Arcs stay on their ellipse and end where they should.
func TestArc(t *testing.T) {
	for _, flags := range []string{"0 0", "0 1", "1 0", "1 1"} {
		p, err := ParsePath("M10 0A10 10 0 " + flags + " 0 10")
		require.NoError(t, err)
		require.Equal(t, Point{0, 10}, p.Points[len(p.Points)-1])
		for _, line := range flatten(p) {
			for _, q := range line.points {
				near0 := math.Abs(math.Hypot(q.X, q.Y)-10) < 0.02
				near10 := math.Abs(math.Hypot(q.X-10, q.Y-10)-10) < 0.02
				require.True(t, near0 || near10, "%v is on neither circle", q)
			}
		}
	}
}

func TestTransforms(t *testing.T) {
	for s, want := range map[string]Point{
		"translate(10)":                  {11, 2},
		"translate(10 20) scale(2)":      {12, 24},
		"scale(2,3)":                     {2, 6},
		"rotate(90)":                     {-2, 1},
		"rotate(180 5 5)":                {9, 8},
		"matrix(1 0 0 1 3 4)":            {4, 6},
		" translate(1,1),translate(1,1)": {3, 4},
	} {
		m, err := parseTransform(s)
		require.NoError(t, err, s)
		got := m.Apply(Point{1, 2})
		require.InDelta(t, want.X, got.X, 1e-9, s)
		require.InDelta(t, want.Y, got.Y, 1e-9, s)
	}
	for _, bad := range []string{"skewX(3)", "rotate", "scale(1 2 3)", "translate(a)"} {
		_, err := parseTransform(bad)
		require.Error(t, err, bad)
	}
}

const sample = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><title>t</title>
<defs><linearGradient id="g" gradientUnits="userSpaceOnUse" x1="0" y1="0" x2="40" y2="0"><stop stop-color="#000"/><stop offset="1" stop-color="white"/></linearGradient></defs>
<rect width="40" height="40" fill="#ffffff"/><rect y="30" width="40" height="10" fill="url(#g)"/>
<g transform="translate(10 10)" fill="#ff0000" stroke-linecap="round" stroke-linejoin="round">
<circle r="5"/><ellipse cx="20" rx="2" ry="4" fill="none" stroke="#00ff00" stroke-width="1"/>
<polygon points="0,10 5,15 -5,15" opacity="0.5"/><polyline points="0 0 1 1" stroke="#000" stroke-width="0"/><line x2="3" y2="3" stroke="#123456"/></g></svg>`

func TestParseSVG(t *testing.T) {
	art, err := ParseSVG(strings.NewReader(sample))
	require.NoError(t, err)
	require.Equal(t, [4]float64{0, 0, 40, 40}, [4]float64{art.X, art.Y, art.W, art.H})
	require.Len(t, art.Shapes, 8)
	img := paint(art)
	require.Equal(t, color.RGBA{255, 0, 0, 255}, img.RGBAAt(30, 40), "circle")
	require.Equal(t, color.RGBA{255, 255, 255, 255}, img.RGBAAt(80, 40), "inside of a stroked ellipse")
	require.InDelta(t, 255, img.RGBAAt(120, 56).G, 2, "its line")
	require.InDelta(t, 127, img.RGBAAt(40, 94).G, 2, "half transparent")
	require.Less(t, img.RGBAAt(4, 140).R, img.RGBAAt(156, 140).R, "gradient")
}

func paint(art *Art) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 160, 160))
	draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
	canvas := NewCanvas(img, Matrix{A: 4, D: 4})
	for _, s := range art.Shapes {
		canvas.Draw(s)
	}
	return img
}

func TestParseSVGRefuses(t *testing.T) {
	body := func(s string) string { return `<svg viewBox="0 0 9 9">` + s + `</svg>` }
	for svg, why := range map[string]string{
		"":                       "no viewBox",
		"<p/>":                   "root must be svg",
		"<svg>":                  "four numbers",
		`<svg viewBox="0 0 9"/>`: "four numbers",
		body(`<text>a</text>`):   "outside the subset",
		body(`<rect width="2" height="2" filter="x"/>`):                                 "filter",
		body(`<rect width="2" height="2" style="fill:red"/>`):                           "style",
		body(`<rect width="2" height="2" fill="red"/>`):                                 "colour",
		body(`<rect width="2" height="2" fill="url(#none)"/>`):                          "no gradient",
		body(`<g opacity="0.5"/>`):                                                      "group opacity",
		body(`<path d="M0 0L1 1" stroke="#000"/>`):                                      "round",
		body(`<linearGradient id="a" x1="0"/>`):                                         "userSpaceOnUse",
		body(`<linearGradient id="a" gradientUnits="userSpaceOnUse"></linearGradient>`): "two stops",
		body(`<polygon points="1 2 3"/>`):                                               "pairs",
		body(`<path d="M0 0J"/>`):                                                       "command",
		body(`<svg viewBox="0 0 1 1"/>`):                                                "inside svg",
		body(strings.Repeat(`<rect width="1" height="1"/>`, maxShapes+1)):               "more than",
	} {
		_, err := ParseSVG(strings.NewReader(svg))
		require.ErrorContains(t, err, why, svg)
	}
}

// A hairline is as dark along a curve as along a straight: no beads at the joins.
func TestStrokeIsEven(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 200, 200))
	path, err := ParsePath("M20 100C60 20 140 180 180 100")
	require.NoError(t, err)
	NewCanvas(img, Identity).Draw(Shape{Path: path, Opacity: 1, Width: 0.5})
	total := 0.0
	for x := 24; x < 176; x++ {
		column := 0.0
		for y := range 200 {
			column += float64(img.RGBAAt(x, y).A) / 255
		}
		// Half a pixel across, more where the line is steep; a bead would show as a jump.
		require.Less(t, column, 1.1, "column %d", x)
		total += column
	}
	require.Greater(t, total, 152*0.4)
}

func FuzzParsePath(f *testing.F) {
	f.Add("M1 2L3 4c1 1 2 2 3 3zA1 2 3 0 1 5 6")
	f.Fuzz(func(t *testing.T, d string) {
		p, err := ParsePath(d)
		if err != nil {
			return
		}
		n := 0
		for _, v := range p.Verbs {
			n += v.Count()
		}
		if n != len(p.Points) {
			t.Fatalf("%d points for %q, not %d", len(p.Points), d, n)
		}
		stroke(p, 1)
	})
}

func FuzzParseSVG(f *testing.F) {
	f.Add(sample)
	f.Fuzz(func(_ *testing.T, s string) { _, _ = ParseSVG(strings.NewReader(s)) })
}
