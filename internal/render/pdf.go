package render

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jung-kurt/gofpdf"

	"volcard/internal/fault"
	"volcard/internal/render/fonts"
	"volcard/internal/render/vector"
)

// slug is the space beyond the bleed in which crop marks stand.
const slug = 5.0

// undated stands in for a missing date: gofpdf would read the clock.
var undated = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// PDF renders both sides, one page each, of every card given. The cards must have one
// size. Equal input gives equal bytes.
func PDF(o PDFOptions, lists ...*DisplayList) (out []byte, err error) {
	defer func() {
		// gofpdf panics on input that it does not expect (jung-kurt/gofpdf#255, #330).
		if r := recover(); r != nil {
			out, err = nil, fault.Wrap(fault.Internal, fmt.Errorf("render: gofpdf panicked: %v", r), "证件生成失败")
		}
	}()
	if len(lists) == 0 || lists[0] == nil {
		return nil, fault.New(fault.Internal, "没有要生成的证件")
	}
	p := newPrinter(o, lists[0])
	if err := p.embed(lists); err != nil {
		return nil, err
	}
	for _, list := range lists {
		if list.Width != p.width || list.Height != p.height || list.Bleed != lists[0].Bleed {
			return nil, fault.New(fault.Internal, "同一文件中的证件尺寸必须相同")
		}
		p.page(&list.front)
		p.page(&list.back)
	}
	var buf bytes.Buffer
	if err := p.pdf.Output(&buf); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "证件生成失败")
	}
	return withUnicode(buf.Bytes(), p.subset.Unicode)
}

type printer struct {
	pdf           *gofpdf.Fpdf
	o             PDFOptions
	width, height float64
	margin        float64 // from the page's edge to the card's
	bleed         float64
	toPoints      vector.Matrix
	subset        *fonts.Subset
	codes         map[*textItem]encoded
	art           map[[32]byte]*artStream
}

type encoded struct {
	file string
	text string
}

func newPrinter(o PDFOptions, first *DisplayList) *printer {
	p := &printer{
		o: o, width: first.Width, height: first.Height, subset: fonts.NewSubset(),
		codes: map[*textItem]encoded{}, art: map[[32]byte]*artStream{},
	}
	if o.Bleed || o.CropMarks {
		p.bleed = first.Bleed
	}
	p.margin = p.bleed
	if o.CropMarks {
		p.margin += slug
	}
	w, h := p.width+2*p.margin, p.height+2*p.margin
	p.pdf = gofpdf.NewCustom(&gofpdf.InitType{UnitStr: "mm", Size: gofpdf.SizeType{Wd: w, Ht: h}})
	date := o.Date
	if date.IsZero() {
		date = undated
	}
	p.pdf.SetCreationDate(date.UTC())
	p.pdf.SetModificationDate(date.UTC())
	p.pdf.SetCatalogSort(true)
	p.pdf.SetProducer("volcard", true)
	p.pdf.SetTitle(o.Title, true)
	p.pdf.SetMargins(0, 0, 0)
	p.pdf.SetAutoPageBreak(false, 0)
	p.pdf.SetPageBox("trim", p.margin, p.margin, p.width, p.height)
	p.pdf.SetPageBox("bleed", p.margin-p.bleed, p.margin-p.bleed, p.width+2*p.bleed, p.height+2*p.bleed)
	k := 1 / mmPerPoint
	p.toPoints = vector.Matrix{A: k, D: -k, E: p.margin * k, F: (h - p.margin) * k}
	return p
}

// embed cuts the fonts for all texts at once: a font costs gofpdf more than a card.
func (p *printer) embed(lists []*DisplayList) error {
	for _, list := range lists {
		for _, side := range []*page{&list.front, &list.back} {
			for _, it := range side.items {
				if it.text == nil {
					continue
				}
				file, codes, err := p.subset.Encode(it.text.Font, it.text.Text)
				if err != nil {
					return fault.Wrap(fault.Internal, err, "一个文件里的字太多，请分批生成")
				}
				p.codes[it.text] = encoded{file, string(codes)}
			}
		}
	}
	p.subset.Files(func(name string, ttf []byte) { p.pdf.AddUTF8FontFromBytes(name, "", ttf) })
	return nil
}

func (p *printer) page(side *page) {
	p.pdf.AddPage()
	p.pdf.RawWriteStr(fmt.Sprintf("q %s W n", p.path(vector.Rect(-p.bleed, -p.bleed, p.width+2*p.bleed, p.height+2*p.bleed, 0))))
	p.drawArt(side)
	for _, it := range side.items {
		switch {
		case it.text != nil:
			p.text(it.text)
		case it.shape != nil:
			p.shape(*it.shape)
		case it.qr != nil:
			p.pdf.RawWriteStr(p.qr(it.qr))
		case it.photo != nil:
			p.photo(it.photo)
		}
	}
	p.pdf.RawWriteStr("Q")
	if p.o.CropMarks {
		p.cropMarks()
	}
}

// artStream is art as PDF operators, cut where gofpdf must write a name of its own.
type artStream struct {
	steps []func()
}

func (p *printer) drawArt(side *page) {
	s, ok := p.art[side.artSum]
	if !ok {
		s = p.prepareArt(side.art)
		p.art[side.artSum] = s
	}
	for _, step := range s.steps {
		step()
	}
}

// prepareArt writes runs of plain shapes once and repeats them on every page.
func (p *printer) prepareArt(art *vector.Art) *artStream {
	s := &artStream{}
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			ops := plain.String()
			s.steps = append(s.steps, func() { p.pdf.RawWriteStr(ops) })
			plain.Reset()
		}
	}
	for _, shape := range art.Shapes {
		if shape.Gradient == nil && shape.Opacity >= 1 {
			if plain.Len() > 0 {
				plain.WriteByte('\n')
			}
			plain.WriteString("q " + p.paint(shape) + " Q")
			continue
		}
		flush()
		s.steps = append(s.steps, func() { p.shape(shape) })
	}
	flush()
	return s
}

func (p *printer) shape(s vector.Shape) {
	p.pdf.RawWriteStr("q")
	if s.Opacity < 1 {
		p.pdf.SetAlpha(s.Opacity, "Normal")
	}
	if g := s.Gradient; g != nil {
		p.pdf.RawWriteStr(p.path(s.Path) + " W n")
		p.gradient(*g)
	} else {
		p.pdf.RawWriteStr(p.paint(s))
	}
	p.pdf.RawWriteStr("Q")
}

// gradient fills the clip. gofpdf's vector is relative to a box; only a square one keeps
// the blend perpendicular to the vector.
func (p *printer) gradient(g vector.Gradient) {
	side := max(p.width, p.height) + 2*p.margin
	at := func(q vector.Point) (x, y float64) { return (q.X + p.margin) / side, 1 - (q.Y+p.margin)/side }
	x1, y1 := at(g.P1)
	x2, y2 := at(g.P2)
	p.pdf.LinearGradient(0, 0, side, side, int(g.C1.R), int(g.C1.G), int(g.C1.B), int(g.C2.R), int(g.C2.G), int(g.C2.B), x1, y1, x2, y2)
}

// paint fills or strokes a shape of one colour.
func (p *printer) paint(s vector.Shape) string {
	c := rgb(s.Color)
	if s.Width > 0 {
		return c + " RG 1 J 1 j " + num(s.Width/mmPerPoint) + " w " + p.path(s.Path) + " S"
	}
	return c + " rg " + p.path(s.Path) + " f"
}

func rgb(c vector.Color) string {
	v := func(b uint8) string { return strconv.FormatFloat(float64(b)/255, 'f', 3, 64) }
	return v(c.R) + " " + v(c.G) + " " + v(c.B)
}

// num is a number in PDF syntax, to a thousandth of a point.
func num(v float64) string {
	s := strconv.FormatFloat(v, 'f', 3, 64)
	s = strings.TrimRight(s, "0")
	return strings.TrimSuffix(s, ".")
}

// path writes a path in points; PDF has no quadratic curves.
func (p *printer) path(path vector.Path) string {
	var b strings.Builder
	var at vector.Point
	put := func(pts ...vector.Point) {
		for _, q := range pts {
			b.WriteString(num(q.X) + " " + num(q.Y) + " ")
		}
		at = pts[len(pts)-1]
	}
	q := path.Transform(p.toPoints)
	q.Walk(func(v vector.Verb, pts []vector.Point) {
		switch v {
		case vector.MoveTo:
			put(pts[0])
			b.WriteString("m ")
		case vector.LineTo:
			put(pts[0])
			b.WriteString("l ")
		case vector.QuadTo:
			third := func(a, c vector.Point) vector.Point {
				return vector.Point{X: a.X + (c.X-a.X)*2/3, Y: a.Y + (c.Y-a.Y)*2/3}
			}
			put(third(at, pts[0]), third(pts[1], pts[0]), pts[1])
			b.WriteString("c ")
		case vector.CubicTo:
			put(pts...)
			b.WriteString("c ")
		case vector.Close:
			b.WriteString("h ")
		}
	})
	return b.String()
}

// qr writes all modules as one path in whole modules. Rectangles of their own would be
// rounded apart, and some 200-dpi renders of such codes do not read.
func (p *printer) qr(q *qrItem) string {
	var b strings.Builder
	origin := p.toPoints.Apply(vector.Point{X: q.X, Y: q.Y})
	m := q.Module / mmPerPoint
	fmt.Fprintf(&b, "q %s rg %.6f 0 0 %.6f %.4f %.4f cm\n", rgb(q.Color), m, -m, origin.X, origin.Y)
	q.runs(func(x, y, n int) { fmt.Fprintf(&b, "%d %d %d 1 re\n", x, y, n) })
	b.WriteString("f Q")
	return b.String()
}

// runs calls f for each row's unbroken stretches of dark modules.
func (q *qrItem) runs(f func(x, y, n int)) {
	for y, row := range q.Rows {
		for x := 0; x < len(row); x++ {
			n := 0
			for x+n < len(row) && row[x+n] {
				n++
			}
			if n > 0 {
				f(x, y, n)
				x += n
			}
		}
	}
}

func (p *printer) text(t *textItem) {
	e := p.codes[t]
	p.pdf.SetFont(e.file, "", t.Size)
	p.pdf.SetTextColor(int(t.Color.R), int(t.Color.G), int(t.Color.B))
	p.pdf.RawWriteStr("q")
	defer p.pdf.RawWriteStr("Q")
	if t.Tracking != 0 {
		p.pdf.RawWriteStr(num(t.Tracking) + " Tc")
	}
	if t.Embolden != 0 {
		p.pdf.RawWriteStr("2 Tr 1 J 1 j " + rgb(t.Color) + " RG " + num(t.Embolden*t.Size) + " w")
	}
	p.pdf.Text(t.X+p.margin, t.Y+p.margin, e.text)
}

func (p *printer) photo(ph *photoItem) {
	name := fmt.Sprintf("%x", sha256.Sum256(ph.Data))
	options := gofpdf.ImageOptions{ImageType: ph.Format}
	p.pdf.RegisterImageOptionsReader(name, options, bytes.NewReader(ph.Data))
	p.pdf.RawWriteStr("q " + p.path(vector.Rect(ph.X, ph.Y, ph.W, ph.H, ph.Radius)) + " W n")
	x, y, w, h := ph.cover()
	p.pdf.ImageOptions(name, x+p.margin, y+p.margin, w, h, false, options, 0, "")
	p.pdf.RawWriteStr("Q")
}

// cropMarks stand off the bleed, so that they never print on a card.
func (p *printer) cropMarks() {
	const length = 4
	var marks vector.Path
	line := func(x1, y1, x2, y2 float64) {
		marks.Add(vector.MoveTo, vector.Point{X: x1, Y: y1})
		marks.Add(vector.LineTo, vector.Point{X: x2, Y: y2})
	}
	off := p.bleed + 0.5
	for _, y := range []float64{0, p.height} {
		line(-off-length, y, -off, y)
		line(p.width+off, y, p.width+off+length, y)
	}
	for _, x := range []float64{0, p.width} {
		line(x, -off-length, x, -off)
		line(x, p.height+off, x, p.height+off+length)
	}
	p.pdf.RawWriteStr("q 0 J 0.25 w " + p.path(marks) + " S Q")
}
