package render

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"volcard/internal/fault"
	"volcard/internal/render/fonts"
	"volcard/internal/render/pdf"
	"volcard/internal/render/vector"
)

// slug is the space beyond the bleed in which crop marks stand.
const slug = 5.0

// undated stands in for a missing date.
var undated = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// PDF renders both sides, one page each, of every card given. The cards must have one
// size. Equal input gives equal bytes.
func PDF(o PDFOptions, lists ...*DisplayList) ([]byte, error) {
	if len(lists) == 0 || slices.Contains(lists, nil) {
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
		for _, side := range []*page{&list.front, &list.back} {
			if err := p.page(side); err != nil {
				return nil, err
			}
		}
	}
	date := o.Date
	if date.IsZero() {
		date = undated
	}
	return p.file.Close(o.Title, date), nil
}

// printer turns display lists into pages of one file.
type printer struct {
	file          pdf.Writer
	o             PDFOptions
	width, height float64
	margin, bleed float64 // margin: from the page's edge to the card's
	toPoints      vector.Matrix
	fonts         string // the resource dictionary's entry
	texts         map[*textItem]encoded
	art           map[[32]byte]pdf.Ref
	photos        map[[32]byte]pdf.Ref
}

type encoded struct {
	file   int
	glyphs []uint16
}

func newPrinter(o PDFOptions, first *DisplayList) *printer {
	p := &printer{
		o: o, width: first.Width, height: first.Height,
		texts: map[*textItem]encoded{}, art: map[[32]byte]pdf.Ref{}, photos: map[[32]byte]pdf.Ref{},
	}
	if o.Bleed || o.CropMarks {
		p.bleed = first.Bleed
	}
	p.margin = p.bleed
	if o.CropMarks {
		p.margin += slug
	}
	k := 1 / mmPerPoint
	p.toPoints = vector.Matrix{A: k, D: -k, E: p.margin * k, F: (p.height + p.margin) * k}
	return p
}

// embed cuts the fonts for all texts at once.
func (p *printer) embed(lists []*DisplayList) error {
	var subset fonts.Subset
	for _, list := range lists {
		for _, side := range []*page{&list.front, &list.back} {
			for _, it := range side.items {
				if it.text == nil {
					continue
				}
				file, glyphs, err := subset.Encode(it.text.Font, it.text.Text)
				if err != nil {
					return fault.Wrap(fault.Internal, err, "一个文件里的字太多，请分批生成")
				}
				p.texts[it.text] = encoded{file, glyphs}
			}
		}
	}
	for i, f := range subset.Files() {
		p.fonts += fmt.Sprintf("/F%d %v ", i, p.file.AddFont(f))
	}
	return nil
}

// box is a rectangle around the card, grown by so many millimetres.
func (p *printer) box(grow float64) pdf.Box {
	a := p.toPoints.Apply(vector.Point{X: -grow, Y: p.height + grow})
	b := p.toPoints.Apply(vector.Point{X: p.width + grow, Y: -grow})
	return pdf.Box{X0: a.X, Y0: a.Y, X1: b.X, Y1: b.Y}
}

func (p *printer) page(side *page) error {
	art, ok := p.art[side.artSum]
	if !ok {
		art = p.file.AddStream(p.artForm(side))
		p.art[side.artSum] = art
	}
	c := content{toPoints: p.toPoints}
	c.op("/Art Do")
	images := "/Art " + art.String()
	for i, it := range side.items {
		switch {
		case it.text != nil:
			c.text(it.text, p.texts[it.text])
		case it.shape != nil:
			c.shape(*it.shape)
		case it.qr != nil:
			c.qr(it.qr)
		case it.photo != nil:
			ref, err := p.photo(it.photo)
			if err != nil {
				return err
			}
			name := "/P" + strconv.Itoa(i)
			images += " " + name + " " + ref.String()
			c.image(it.photo, name)
		}
	}
	if p.o.CropMarks {
		c.cropMarks(p.width, p.height, p.bleed)
	}
	resources := fmt.Sprintf("<< /Font << %s>> /XObject << %s >> %s>>", p.fonts, images, c.resources())
	p.file.AddPage(p.box(p.margin), p.box(p.bleed), p.box(0), c.b, resources)
	return nil
}

// forms keeps faces' art as ready streams: it is the same on every card, and drawing
// and packing it costs more than the rest of a page.
var forms = struct {
	sync.Mutex
	ready map[formKey]pdf.Stream
}{ready: map[formKey]pdf.Stream{}}

type formKey struct {
	sum    [32]byte
	margin float64
	bleed  float64
}

// maxForms bounds the cache; faces times print options are far fewer.
const maxForms = 256

// artForm is a side's art, clipped to the bleed by its own box.
func (p *printer) artForm(side *page) pdf.Stream {
	key := formKey{side.artSum, p.margin, p.bleed}
	forms.Lock()
	s, ok := forms.ready[key]
	forms.Unlock()
	if ok {
		return s
	}
	c := content{toPoints: p.toPoints}
	for _, shape := range side.art.Shapes {
		c.shape(shape)
	}
	s = pdf.Deflate(fmt.Sprintf("/Type /XObject /Subtype /Form /BBox %v /Resources << %s>>", p.box(p.bleed), c.resources()), c.b)
	forms.Lock()
	defer forms.Unlock()
	if len(forms.ready) >= maxForms {
		clear(forms.ready)
	}
	forms.ready[key] = s
	return s
}

// photo embeds a picture once for each file. Baseline colour and grey JPEGs go in as they
// are; anything else is unpacked.
func (p *printer) photo(ph *photoItem) (pdf.Ref, error) {
	sum := sha256.Sum256(ph.Data)
	if ref, ok := p.photos[sum]; ok {
		return ref, nil
	}
	size, kind, err := image.DecodeConfig(bytes.NewReader(ph.Data))
	if err != nil {
		return 0, fault.Wrap(fault.Invalid, errPhoto, "照片无法读取")
	}
	dict := func(space string, w, h int) string {
		return fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /%s /BitsPerComponent 8", w, h, space)
	}
	space := map[color.Model]string{color.YCbCrModel: "DeviceRGB", color.GrayModel: "DeviceGray"}[size.ColorModel]
	var s pdf.Stream
	if kind == "jpeg" && space != "" {
		s = pdf.Stream{Dict: dict(space, size.Width, size.Height) + " /Filter /DCTDecode", Data: ph.Data}
	} else {
		img, _, err := image.Decode(bytes.NewReader(ph.Data))
		if err != nil {
			return 0, fault.Wrap(fault.Invalid, errPhoto, "照片无法读取")
		}
		flat := image.NewRGBA(img.Bounds())
		draw.Draw(flat, flat.Bounds(), image.White, image.Point{}, draw.Src)
		draw.Draw(flat, flat.Bounds(), img, img.Bounds().Min, draw.Over)
		rgb := make([]byte, 0, len(flat.Pix)/4*3)
		for i := 0; i < len(flat.Pix); i += 4 {
			rgb = append(rgb, flat.Pix[i:i+3]...)
		}
		s = pdf.Deflate(dict("DeviceRGB", flat.Rect.Dx(), flat.Rect.Dy()), rgb)
	}
	p.photos[sum] = p.file.AddStream(s)
	return p.photos[sum], nil
}

// content is a page's or a form's operators, in points.
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
		c.b = append(pdf.AppendNum(c.b, v), ' ')
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
			out += fmt.Sprintf("/A%d << /ca %s /CA %s >> ", i, pdf.Num(a), pdf.Num(a))
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

func (c *content) text(t *textItem, e encoded) {
	c.op("q BT")
	c.b = append(c.b, "/F"+strconv.Itoa(e.file)+" "...)
	c.nums(t.Size)
	c.op("Tf")
	c.color(t.Color)
	c.op("rg")
	if t.Tracking != 0 {
		c.nums(t.Tracking)
		c.op("Tc")
	}
	if t.Embolden != 0 {
		c.color(t.Color)
		c.b = append(c.b, "RG 2 Tr 1 J 1 j "...)
		c.nums(t.Embolden * t.Size)
		c.op("w")
	}
	at := c.toPoints.Apply(vector.Point{X: t.X, Y: t.Y})
	c.nums(at.X, at.Y)
	c.b = append(c.b, "Td <"...)
	for _, g := range e.glyphs {
		c.b = fmt.Appendf(c.b, "%04X", g)
	}
	c.op("> Tj ET Q")
}

func (c *content) image(ph *photoItem, name string) {
	c.op("q")
	c.path(vector.Rect(ph.X, ph.Y, ph.W, ph.H, ph.Radius))
	c.op("W n")
	x, y, w, h := ph.cover()
	at, k := c.toPoints.Apply(vector.Point{X: x, Y: y + h}), 1/mmPerPoint
	c.nums(w*k, 0, 0, h*k, at.X, at.Y)
	c.op("cm " + name + " Do Q")
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
