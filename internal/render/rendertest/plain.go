package rendertest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"strings"

	"github.com/jung-kurt/gofpdf"
	"github.com/skip2/go-qrcode"

	"volcard/internal/clock"
	"volcard/internal/render"
	"volcard/internal/render/fonts"
	"volcard/internal/render/vector"
	"volcard/templates/faces"
)

// Plain makes a card's PDF the usual way, for comparison: gofpdf with the whole font files
// in each document. It draws the same texts, the same QR and the same art as render, on
// pages of the card's own size. What need not be done for each card is done before.
type Plain struct {
	face          *render.Face
	regular, bold []byte
	art           [2][]vector.Shape
	paths         [2][]string // of the art's shapes, as operators
}

const pointsPerMM = 72 / 25.4

// NewPlain reads the fonts, a face and its art.
func NewPlain(face string) (*Plain, error) {
	all, err := render.LoadFaces(faces.FS)
	if err != nil {
		return nil, err
	}
	p := &Plain{}
	if p.face, err = all.Face(face); err != nil {
		return nil, err
	}
	if p.regular, err = fonts.Data(fonts.Regular); err != nil {
		return nil, err
	}
	if p.bold, err = fonts.Data(fonts.Bold); err != nil {
		return nil, err
	}
	for i, side := range []render.FaceSide{p.face.FrontSide, p.face.BackSide} {
		data, err := faces.FS.ReadFile(face + "/" + side.Art)
		if err != nil {
			return nil, fmt.Errorf("rendertest: %w", err)
		}
		art, err := vector.ParseSVG(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("rendertest: %w", err)
		}
		p.art[i] = art.Shapes
		for _, shape := range art.Shapes {
			p.paths[i] = append(p.paths[i], p.path(shape.Path))
		}
	}
	return p, nil
}

// PDF makes a document of all cards given, two pages each.
func (p *Plain) PDF(cards ...render.CardData) ([]byte, error) {
	size := gofpdf.SizeType{Wd: p.face.Width, Ht: p.face.Height}
	pdf := gofpdf.NewCustom(&gofpdf.InitType{UnitStr: "mm", Size: size})
	pdf.SetMargins(0, 0, 0)
	pdf.SetAutoPageBreak(false, 0)
	pdf.AddUTF8FontFromBytes("cjk", "", p.regular)
	pdf.AddUTF8FontFromBytes("cjk", "B", p.bold)
	for _, data := range cards {
		pdf.SetCreationDate(data.IssuedOn)
		pdf.SetModificationDate(data.IssuedOn)
		for i, side := range []render.FaceSide{p.face.FrontSide, p.face.BackSide} {
			pdf.AddPage()
			p.drawArt(pdf, i)
			for _, e := range side.Elements {
				if len(e.Unless) > 0 { // the cards compared are full ones
					continue
				}
				switch e.Kind {
				case "text":
					p.text(pdf, e, data)
				case "plate":
					p.plate(pdf, e)
				case "photo":
					p.photo(pdf, e, data.Photo)
				case "qr":
					if err := p.qr(pdf, e, data.QR); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	var out bytes.Buffer
	if err := pdf.Output(&out); err != nil {
		return nil, fmt.Errorf("rendertest: %w", err)
	}
	return out.Bytes(), nil
}

func (p *Plain) drawArt(pdf *gofpdf.Fpdf, side int) {
	width := max(p.face.Width, p.face.Height)
	for i, s := range p.art[side] {
		pdf.RawWriteStr("q")
		if s.Opacity < 1 {
			pdf.SetAlpha(s.Opacity, "Normal")
		}
		path := p.paths[side][i]
		switch {
		case s.Gradient != nil:
			g := s.Gradient
			pdf.RawWriteStr(path + "W n")
			pdf.LinearGradient(0, 0, width, width, int(g.C1.R), int(g.C1.G), int(g.C1.B), int(g.C2.R), int(g.C2.G), int(g.C2.B),
				g.P1.X/width, 1-g.P1.Y/width, g.P2.X/width, 1-g.P2.Y/width)
		case s.Width > 0:
			pdf.RawWriteStr(fmt.Sprintf("%s RG 1 J 1 j %.3f w %sS", rgb(s.Color), s.Width*pointsPerMM, path))
		default:
			pdf.RawWriteStr(rgb(s.Color) + " rg " + path + "f")
		}
		pdf.RawWriteStr("Q")
		if s.Opacity < 1 {
			pdf.SetAlpha(1, "Normal")
		}
	}
}

func (p *Plain) path(path vector.Path) string {
	var b strings.Builder
	var at vector.Point
	q := path.Transform(vector.Matrix{A: pointsPerMM, D: -pointsPerMM, F: p.face.Height * pointsPerMM})
	q.Walk(func(v vector.Verb, pts []vector.Point) {
		if v == vector.QuadTo {
			third := func(a, b vector.Point) vector.Point {
				return vector.Point{X: a.X + (b.X-a.X)*2/3, Y: a.Y + (b.Y-a.Y)*2/3}
			}
			pts = []vector.Point{third(at, pts[0]), third(pts[1], pts[0]), pts[1]}
		}
		for _, pt := range pts {
			fmt.Fprintf(&b, "%.3f %.3f ", pt.X, pt.Y)
			at = pt
		}
		op := map[vector.Verb]string{vector.MoveTo: "m ", vector.LineTo: "l ", vector.QuadTo: "c ", vector.CubicTo: "c ", vector.Close: "h "}
		b.WriteString(op[v])
	})
	return b.String()
}

// text draws an element's lines, made smaller until they fit the width of the box.
func (p *Plain) text(pdf *gofpdf.Fpdf, e render.Element, data render.CardData) {
	day := "2006.01.02"
	text := strings.NewReplacer("{edition}", data.Edition, "{holder_name}", data.HolderName, "{card_number}", data.CardNumber, "{volunteer_no}", data.VolunteerNo,
		"{issued_on}", data.IssuedOn.In(clock.Shanghai).Format(day), "{expires_on}", data.ExpiresOn.In(clock.Shanghai).Format(day)).Replace(e.Text)
	style := map[string]string{"bold": "B"}[e.Weight]
	c, err := vector.ParseColor(e.Color)
	pdf.SetError(err)
	pdf.SetTextColor(int(c.R), int(c.G), int(c.B))
	lines := strings.Split(text, "\n")
	size := e.Size[1]
	for _, line := range lines {
		pdf.SetFont("cjk", style, size)
		size = math.Min(size, size*e.Box[2]/pdf.GetStringWidth(line))
	}
	pdf.SetFont("cjk", style, size)
	for i, line := range lines {
		x := e.Box[0]
		switch e.Align {
		case "right":
			x += e.Box[2] - pdf.GetStringWidth(line)
		case "center":
			x += (e.Box[2] - pdf.GetStringWidth(line)) / 2
		}
		pdf.Text(x, e.Box[1]+size/pointsPerMM*(0.88+1.4*float64(i)), line)
	}
}

func (p *Plain) plate(pdf *gofpdf.Fpdf, e render.Element) {
	c, err := vector.ParseColor(e.Background)
	pdf.SetError(err)
	pdf.SetFillColor(int(c.R), int(c.G), int(c.B))
	pdf.RoundedRect(e.Box[0], e.Box[1], e.Box[2], e.Box[3], e.Radius, "1234", "F")
}

func (p *Plain) photo(pdf *gofpdf.Fpdf, e render.Element, photo []byte) {
	name := fmt.Sprintf("%x", sha256.Sum256(photo))
	options := gofpdf.ImageOptions{ImageType: "JPG"}
	pdf.RegisterImageOptionsReader(name, options, bytes.NewReader(photo))
	pdf.ClipRoundedRect(e.Box[0], e.Box[1], e.Box[2], e.Box[3], e.Radius, false)
	pdf.ImageOptions(name, e.Box[0], e.Box[1], e.Box[2], e.Box[3], false, options, 0, "")
	pdf.ClipEnd()
}

func (p *Plain) qr(pdf *gofpdf.Fpdf, e render.Element, text string) error {
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return fmt.Errorf("rendertest: %w", err)
	}
	code.DisableBorder = true
	rows := code.Bitmap()
	p.plate(pdf, e)
	module := e.Box[2] / float64(len(rows)+2*e.Quiet)
	edge := float64(e.Quiet) * module
	var b strings.Builder
	fmt.Fprintf(&b, "q 0 g %.6f 0 0 %.6f %.4f %.4f cm\n", module*pointsPerMM, -module*pointsPerMM,
		(e.Box[0]+edge)*pointsPerMM, (p.face.Height-e.Box[1]-edge)*pointsPerMM)
	for y, row := range rows {
		for x := 0; x < len(row); x++ {
			n := 0
			for x+n < len(row) && row[x+n] {
				n++
			}
			if n > 0 {
				fmt.Fprintf(&b, "%d %d %d 1 re\n", x, y, n)
				x += n
			}
		}
	}
	pdf.RawWriteStr(b.String() + "f Q")
	return nil
}

func rgb(c vector.Color) string {
	return fmt.Sprintf("%.3f %.3f %.3f", float64(c.R)/255, float64(c.G)/255, float64(c.B)/255)
}
