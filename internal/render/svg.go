package render

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"

	"volcard/internal/render/vector"
)

// svgUnits are the whole units to a millimetre; the smallest type has a thousand to the em.
const svgUnits = 500

// unit is a length in them.
func unit(v float64) string { return num(v * svgUnits) }

// SVG draws a side for inlining in a page: sharp at any size, text as outlines, so that
// no font is needed. Ids start with prefix, which must differ between the drawings of a
// page. It has no script and no style, so any content policy allows it.
func SVG(list *DisplayList, side Side, prefix string) ([]byte, error) {
	p, err := list.side(side)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" role="img" aria-label="`, unit(list.Width), unit(list.Height))
	if err := xml.EscapeText(&b, []byte(p.spoken())); err != nil {
		return nil, err
	}
	b.WriteString(`">`)
	s := svgWriter{b: &b, prefix: prefix}
	s.clip("card", vector.Rect(0, 0, list.Width, list.Height, list.Corner))
	fmt.Fprintf(&b, `<g clip-path="url(#%scard)">`, prefix)
	for _, shape := range p.art.Shapes {
		s.shape(shape)
	}
	for _, it := range p.items {
		switch {
		case it.text != nil:
			for _, sh := range it.text.outline() {
				s.shape(sh)
			}
		case it.shape != nil:
			s.shape(*it.shape)
		case it.qr != nil:
			s.qr(it.qr)
		case it.photo != nil:
			s.photo(it.photo)
		}
	}
	b.WriteString("</g></svg>")
	return []byte(b.String()), nil
}

// spoken is what a screen reader says: the texts in the order of the face.
func (p *page) spoken() string {
	var b strings.Builder
	for _, it := range p.items {
		if it.text == nil {
			continue
		}
		if b.Len() > 0 && !it.text.Joined {
			b.WriteByte(' ')
		}
		b.WriteString(it.text.Text)
	}
	return b.String()
}

type svgWriter struct {
	b      *strings.Builder
	prefix string
	ids    int
}

func (s *svgWriter) clip(id string, path vector.Path) {
	fmt.Fprintf(s.b, `<clipPath id="%s%s"><path d="%s"/></clipPath>`, s.prefix, id, pathData(path))
}

func (s *svgWriter) id(kind string) string {
	s.ids++
	return kind + strconv.Itoa(s.ids)
}

func (s *svgWriter) shape(sh vector.Shape) {
	if len(sh.Path.Verbs) == 0 {
		return
	}
	paint := hex(sh.Color)
	if g := sh.Gradient; g != nil {
		id := s.prefix + s.id("g")
		fmt.Fprintf(s.b, `<linearGradient id="%s" gradientUnits="userSpaceOnUse" x1="%s" y1="%s" x2="%s" y2="%s"><stop stop-color="%s"/><stop offset="1" stop-color="%s"/></linearGradient>`,
			id, unit(g.P1.X), unit(g.P1.Y), unit(g.P2.X), unit(g.P2.Y), hex(g.C1), hex(g.C2))
		paint = "url(#" + id + ")"
	}
	fmt.Fprintf(s.b, `<path d="%s"`, pathData(sh.Path))
	if sh.Width > 0 {
		fmt.Fprintf(s.b, ` fill="none" stroke="%s" stroke-width="%s" stroke-linecap="round" stroke-linejoin="round"`, paint, unit(sh.Width))
	} else {
		fmt.Fprintf(s.b, ` fill="%s"`, paint)
	}
	if sh.Opacity < 1 {
		fmt.Fprintf(s.b, ` opacity="%s"`, num(sh.Opacity))
	}
	s.b.WriteString("/>")
}

func (s *svgWriter) qr(q *qrItem) {
	fmt.Fprintf(s.b, `<path transform="translate(%s %s) scale(%s)" fill="%s" d="`,
		unit(q.X), unit(q.Y), unit(q.Module), hex(q.Color))
	q.runs(func(x, y, n int) { fmt.Fprintf(s.b, "M%d %dh%dv1h-%dz", x, y, n, n) })
	s.b.WriteString(`"/>`)
}

func (s *svgWriter) photo(p *photoItem) {
	id := s.id("p")
	s.clip(id, vector.Rect(p.X, p.Y, p.W, p.H, p.Radius))
	x, y, w, h := p.cover()
	fmt.Fprintf(s.b, `<g clip-path="url(#%s%s)"><image x="%s" y="%s" width="%s" height="%s" preserveAspectRatio="none" href="data:image/jpeg;base64,%s"/></g>`,
		s.prefix, id, unit(x), unit(y), unit(w), unit(h), base64.StdEncoding.EncodeToString(p.Data))
}

func hex(c vector.Color) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// pathData writes relative steps of whole units: half the bytes of absolute millimetres.
// Places are rounded before they are subtracted, so that errors do not add up.
func pathData(p vector.Path) string {
	var b []byte
	var x, y, startX, startY int
	last := byte(0)
	write := func(v int) {
		if n := len(b); v >= 0 && b[n-1] >= '0' && b[n-1] <= '9' {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, int64(v), 10)
	}
	p.Walk(func(v vector.Verb, pts []vector.Point) {
		if v == vector.Close {
			b, last = append(b, 'z'), 'z'
			x, y = startX, startY
			return
		}
		if c := byte(v) | 0x20; c != last || c == 'm' {
			b, last = append(b, c), c
		}
		var nx, ny int
		for _, q := range pts {
			nx, ny = int(math.Round(q.X*svgUnits)), int(math.Round(q.Y*svgUnits))
			write(nx - x)
			write(ny - y)
		}
		x, y = nx, ny
		if v == vector.MoveTo {
			startX, startY = x, y
		}
	})
	return string(b)
}
