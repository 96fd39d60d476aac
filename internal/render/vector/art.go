package vector

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Art is a parsed picture in the SVG subset that docs/faces.md describes.
type Art struct {
	// X, Y, W, H are the viewBox.
	X, Y, W, H float64
	Shapes     []Shape
}

// maxShapes bounds what one picture may cost to draw.
const maxShapes = 4000

// ParseSVG reads a picture. Whatever lies outside the subset is an error that names
// it: art that a renderer would silently drop must never reach a printer.
func ParseSVG(r io.Reader) (*Art, error) {
	p := svgParser{art: &Art{}, gradients: map[string]Gradient{}}
	dec := xml.NewDecoder(r)
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("svg: %w", err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			err = p.start(dec, t)
		case xml.EndElement:
			p.stack = p.stack[:len(p.stack)-1]
		}
		if err != nil {
			line, _ := dec.InputPos()
			return nil, fmt.Errorf("svg line %d: %w", line, err)
		}
	}
	if p.art.W <= 0 || p.art.H <= 0 {
		return nil, errors.New("svg: no viewBox")
	}
	return p.art, nil
}

// style is what an element passes on to its children.
type style struct {
	matrix        Matrix
	fill, stroke  string
	fillOpacity   float64
	strokeOpacity float64
	opacity       float64
	strokeWidth   float64
	// roundCap and roundJoin tell that the art asks for the only stroke there is.
	roundCap, roundJoin bool
}

type svgParser struct {
	art       *Art
	stack     []style
	gradients map[string]Gradient
}

func (p *svgParser) start(dec *xml.Decoder, el xml.StartElement) error {
	name := el.Name.Local
	switch name {
	case "title", "desc":
		return dec.Skip()
	case "linearGradient":
		return p.gradient(dec, el)
	}
	parent := style{matrix: Identity, fill: "#000000", stroke: "none", fillOpacity: 1, strokeOpacity: 1, opacity: 1, strokeWidth: 1}
	if n := len(p.stack); n > 0 {
		parent = p.stack[n-1]
	} else if name != "svg" {
		return fmt.Errorf("the root must be svg, not %s", name)
	}
	st, geometry, err := parent.with(el)
	if err != nil {
		return err
	}
	p.stack = append(p.stack, st)
	switch name {
	case "svg":
		return p.viewBox(geometry)
	case "g", "defs":
		return geometry.only()
	}
	path, err := elementPath(name, geometry)
	if err != nil {
		return err
	}
	return p.paint(path, st)
}

func (p *svgParser) viewBox(g attrs) error {
	if len(p.stack) != 1 {
		return errors.New("svg inside svg")
	}
	box, err := numbers(g["viewBox"])
	if err != nil || len(box) != 4 {
		return errors.New("viewBox must hold four numbers")
	}
	p.art.X, p.art.Y, p.art.W, p.art.H = box[0], box[1], box[2], box[3]
	return nil
}

func (p *svgParser) paint(path Path, st style) error {
	if len(path.Verbs) == 0 {
		return nil
	}
	path = path.Transform(st.matrix)
	add := func(paint string, opacity, width float64) error {
		if paint == "none" || opacity <= 0 {
			return nil
		}
		s := Shape{Path: path, Opacity: opacity, Width: width}
		if id, ok := strings.CutPrefix(paint, "url(#"); ok {
			g, found := p.gradients[strings.TrimSuffix(id, ")")]
			if !found {
				return fmt.Errorf("no gradient %s before its use", paint)
			}
			if width > 0 {
				return errors.New("a stroke cannot have a gradient")
			}
			g.P1, g.P2 = st.matrix.Apply(g.P1), st.matrix.Apply(g.P2)
			s.Gradient, s.Color = &g, g.C1
		} else {
			c, err := ParseColor(paint)
			if err != nil {
				return err
			}
			s.Color = c
		}
		p.art.Shapes = append(p.art.Shapes, s)
		return nil
	}
	if err := add(st.fill, st.fillOpacity*st.opacity, 0); err != nil {
		return err
	}
	width := st.strokeWidth * st.matrix.Scale()
	if width > 0 {
		if st.stroke != "none" && !(st.roundCap && st.roundJoin) {
			return errors.New("strokes need stroke-linecap and stroke-linejoin round")
		}
		if err := add(st.stroke, st.strokeOpacity*st.opacity, width); err != nil {
			return err
		}
	}
	if len(p.art.Shapes) > maxShapes {
		return fmt.Errorf("more than %d shapes", maxShapes)
	}
	return nil
}

// gradient reads a linearGradient with user-space ends and exactly two opaque stops,
// which is what a PDF shading of two colours can show.
func (p *svgParser) gradient(dec *xml.Decoder, el xml.StartElement) error {
	a := attrsOf(el)
	id := a["id"]
	if id == "" || a["gradientUnits"] != "userSpaceOnUse" {
		return errors.New("linearGradient needs an id and gradientUnits=\"userSpaceOnUse\"")
	}
	var g Gradient
	if err := a.read("x1", &g.P1.X, "y1", &g.P1.Y, "x2", &g.P2.X, "y2", &g.P2.Y); err != nil {
		return err
	}
	var stops []Color
	for {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if t.Name.Local != "stop" {
				return fmt.Errorf("%s inside linearGradient", t.Name.Local)
			}
			c, err := ParseColor(attrsOf(t)["stop-color"])
			if err != nil {
				return err
			}
			stops = append(stops, c)
		case xml.EndElement:
			if t.Name.Local == "stop" {
				continue
			}
			if len(stops) != 2 {
				return fmt.Errorf("linearGradient %s needs two stops, has %d", id, len(stops))
			}
			g.C1, g.C2 = stops[0], stops[1]
			p.gradients[id] = g
			return nil
		}
	}
}

// with reads an element's own style; what is left are its geometry attributes.
func (s style) with(el xml.StartElement) (style, attrs, error) {
	own := 1.0
	rest := attrs{}
	for _, a := range el.Attr {
		var err error
		switch key := a.Name.Local; key {
		case "fill":
			s.fill = a.Value
		case "stroke":
			s.stroke = a.Value
		case "fill-opacity":
			s.fillOpacity, err = number(a.Value)
		case "stroke-opacity":
			s.strokeOpacity, err = number(a.Value)
		case "opacity":
			own, err = number(a.Value)
			if el.Name.Local == "g" && own != 1 {
				err = errors.New("group opacity: put it on the shapes")
			}
		case "stroke-width":
			s.strokeWidth, err = number(a.Value)
		case "stroke-linecap":
			s.roundCap = a.Value == "round"
		case "stroke-linejoin":
			s.roundJoin = a.Value == "round"
		case "transform":
			var m Matrix
			m, err = parseTransform(a.Value)
			s.matrix = s.matrix.Mul(m)
		case "id", "xmlns":
		default:
			rest[key] = a.Value
		}
		if err != nil {
			return s, nil, fmt.Errorf("%s %s: %w", el.Name.Local, a.Name.Local, err)
		}
	}
	s.opacity *= own
	return s, rest, nil
}

// ParseColor reads #rgb, #rrggbb, white or black.
func ParseColor(s string) (Color, error) {
	switch s {
	case "white":
		return Color{255, 255, 255}, nil
	case "black":
		return Color{}, nil
	}
	var c Color
	if len(s) == 4 && s[0] == '#' {
		s = string([]byte{'#', s[1], s[1], s[2], s[2], s[3], s[3]})
	}
	if len(s) != 7 {
		return c, fmt.Errorf("colour %q is not #rrggbb", s)
	}
	if _, err := fmt.Sscanf(s, "#%02x%02x%02x", &c.R, &c.G, &c.B); err != nil {
		return c, fmt.Errorf("colour %q is not #rrggbb", s)
	}
	return c, nil
}
