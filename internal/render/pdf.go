package render

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
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

// PDF renders both sides, one page each, of every card given, FileCards at most. The cards
// must have one size. A photo is embedded as the bytes that were given, once for all the
// pages that show it. Equal input gives equal bytes.
func PDF(o PDFOptions, lists ...*DisplayList) (out []byte, err error) {
	defer func() {
		// gofpdf panics on input that it does not expect.
		if r := recover(); r != nil {
			out, err = nil, fault.Wrap(fault.Internal, fmt.Errorf("render: gofpdf panicked: %v", r), failed)
		}
	}()
	if len(lists) == 0 || len(lists) > FileCards || slices.Contains(lists, nil) {
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
			p.page(side)
		}
	}
	var buf bytes.Buffer
	if err := p.pdf.Output(&buf); err != nil {
		return nil, fault.Wrap(fault.Internal, err, failed)
	}
	out, err = amend(buf.Bytes(), &p.subset, p.images)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, failed)
	}
	return out, nil
}

const failed = "证件生成失败"

// printer turns display lists into pages of one file.
type printer struct {
	pdf           *gofpdf.Fpdf
	o             PDFOptions
	width, height float64
	margin, bleed float64 // margin: from the page's edge to the card's
	toPoints      vector.Matrix
	subset        fonts.Subset
	codes         map[*textItem][]fonts.Piece
	art           map[[32]byte]string // by artSum: the form's name
	photos        map[[32]byte]string // by their bytes: the image's name
	images        map[string][]byte   // photos by the marks that stand for them
	scratch       []byte              // what raw writes into, again and again
}

func newPrinter(o PDFOptions, first *DisplayList) *printer {
	p := &printer{
		o: o, width: first.Width, height: first.Height,
		codes: map[*textItem][]fonts.Piece{}, art: map[[32]byte]string{},
		photos: map[[32]byte]string{}, images: map[string][]byte{},
	}
	if o.Bleed || o.CropMarks {
		p.bleed = first.Bleed
	}
	p.margin = p.bleed
	if o.CropMarks {
		p.margin += slug
	}
	w, h := p.width+2*p.margin, p.height+2*p.margin
	k := 1 / mmPerPoint
	p.toPoints = vector.Matrix{A: k, D: -k, E: p.margin * k, F: (h - p.margin) * k}

	p.pdf = gofpdf.NewCustom(&gofpdf.InitType{UnitStr: "mm", Size: gofpdf.SizeType{Wd: w, Ht: h}})
	date := o.Date
	if date.IsZero() {
		date = undated
	}
	p.pdf.SetCreationDate(date.UTC())
	p.pdf.SetModificationDate(date.UTC())
	p.pdf.SetCatalogSort(true)
	p.pdf.SetCompression(false) // amend packs the pages: gofpdf makes a new deflater for each
	p.pdf.SetProducer("volcard", true)
	p.pdf.SetTitle(o.Title, true)
	p.pdf.SetMargins(0, 0, 0)
	p.pdf.SetAutoPageBreak(false, 0)
	p.pdf.SetPageBox("trim", p.margin, p.margin, p.width, p.height)
	p.pdf.SetPageBox("bleed", p.margin-p.bleed, p.margin-p.bleed, p.width+2*p.bleed, p.height+2*p.bleed)
	return p
}

func (p *printer) page(side *page) {
	p.pdf.AddPage()
	p.pdf.RawWriteStr(p.artForm(side) + " Do")
	for _, it := range side.items {
		switch {
		case it.text != nil:
			p.text(it.text)
		case it.shape != nil:
			p.raw(func(c *content) { c.shape(*it.shape) })
		case it.qr != nil:
			p.raw(func(c *content) { c.qr(it.qr) })
		case it.photo != nil:
			p.photo(it.photo)
		}
	}
	if p.o.CropMarks {
		p.raw(func(c *content) { c.cropMarks(p.width, p.height, p.bleed) })
	}
}

// raw writes operators to the page. They name no resources: only art has those.
func (p *printer) raw(draw func(c *content)) {
	c := content{toPoints: p.toPoints, b: p.scratch[:0]}
	draw(&c)
	p.pdf.RawWriteBuf(bytes.NewReader(c.b))
	p.scratch = c.b
}

// forms keeps faces' art as ready streams: it is the same on every card, and drawing
// and packing it costs more than the rest of a page.
var forms = struct {
	sync.Mutex
	ready map[formKey][]byte
}{ready: map[formKey][]byte{}}

type formKey struct {
	sum    [32]byte
	margin float64
	bleed  float64
}

// maxForms bounds the cache; faces times print options are far fewer.
const maxForms = 256

// artForm adds a side's art, clipped to the bleed by its own box, to the document at its
// first use. gofpdf's templates cannot name transparencies and gradients; its door for
// imported objects takes a form that has them.
func (p *printer) artForm(side *page) string {
	if name, ok := p.art[side.artSum]; ok {
		return name
	}
	key := formKey{side.artSum, p.margin, p.bleed}
	forms.Lock()
	form, ok := forms.ready[key]
	forms.Unlock()
	if !ok {
		form = p.drawArt(side.art)
		forms.Lock()
		if len(forms.ready) >= maxForms {
			clear(forms.ready)
		}
		forms.ready[key] = form
		forms.Unlock()
	}
	name := fmt.Sprintf("/Art%d", len(p.art))
	p.art[side.artSum] = name
	p.pdf.ImportObjects(map[string][]byte{name: form})
	p.pdf.ImportTemplates(map[string]string{name: name})
	return name
}

func (p *printer) drawArt(art *vector.Art) []byte {
	c := content{toPoints: p.toPoints}
	for _, shape := range art.Shapes {
		c.shape(shape)
	}
	lo := p.toPoints.Apply(vector.Point{X: -p.bleed, Y: p.height + p.bleed})
	hi := p.toPoints.Apply(vector.Point{X: p.width + p.bleed, Y: -p.bleed})
	dict := fmt.Sprintf("/Type /XObject /Subtype /Form /BBox [%s %s %s %s] /Resources << %s>> ",
		num(lo.X), num(lo.Y), num(hi.X), num(hi.Y), c.resources())
	return stream(dict, c.b)
}

// photo draws a photo. gofpdf would copy its bytes five times and hash them twice; its door
// for imported objects takes a mark, and amend puts the photo there.
func (p *printer) photo(ph *photoItem) {
	sum := sha256.Sum256(ph.Data)
	name, ok := p.photos[sum]
	if !ok {
		name = fmt.Sprintf("/Photo%d", len(p.photos))
		p.photos[sum] = name
		p.images[photoMark(name)] = ph.Data
		p.pdf.ImportObjects(map[string][]byte{name: []byte(photoMark(name))})
		p.pdf.ImportTemplates(map[string]string{name: name})
	}
	p.raw(func(c *content) {
		c.op("q")
		c.path(vector.Rect(ph.X, ph.Y, ph.W, ph.H, ph.Radius))
		c.b = append(c.b, "W n "...)
		x, y, w, h := ph.cover()
		at := c.toPoints.Apply(vector.Point{X: x, Y: y + h})
		c.nums(w/mmPerPoint, 0, 0, h/mmPerPoint, at.X, at.Y)
		c.b = append(c.b, "cm "...)
		c.op(name + " Do\nQ")
	})
}

func photoMark(name string) string { return "%" + name + "\nendobj" }
