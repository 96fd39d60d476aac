package render

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"

	"volcard/internal/fault"
	"volcard/internal/render/fonts"
	"volcard/internal/render/vector"
)

// DisplayList is everything that is drawn on a card, placed to a tenth of a micron.
// Whoever draws one decides nothing: preview and print can only agree.
type DisplayList struct {
	Width, Height, Bleed, Corner float64
	front, back                  page
	// elements identifies all that the face can set, also what this card leaves out.
	elements [32]byte
}

// page is one side: the art first, then the items in order.
type page struct {
	art    *vector.Art
	artSum [32]byte
	items  []item
}

// item is one of its parts that is set.
type item struct {
	text  *textItem
	shape *vector.Shape
	qr    *qrItem
	photo *photoItem
}

// textItem is text in one font on one line; X is its left end, Y the baseline. Size and
// Tracking (added after each glyph) are points.
type textItem struct {
	Font           *fonts.Font
	Size, Tracking float64
	X, Y           float64
	// Embolden is the width of a line drawn around each glyph, in ems: the rare fonts
	// have one weight, and its hairlines would get lost where bold was asked for.
	Embolden float64
	Color    vector.Color
	Text     string
	// Joined: the text goes on from the item before, in another font or on the next line.
	Joined bool
}

// qrItem is a QR without its quiet zone. Rows hold true for dark.
type qrItem struct {
	X, Y, Module float64
	Rows         [][]bool
	Color        vector.Color
}

type photoItem struct {
	X, Y, W, H, Radius float64
	Data               []byte
}

func (d *DisplayList) side(s Side) (*page, error) {
	if d != nil {
		switch s {
		case Front:
			return &d.front, nil
		case Back:
			return &d.back, nil
		}
	}
	return nil, fault.New(fault.Internal, "没有这一面")
}

// listVersion changes when equal lists would be drawn differently, so that a hash stored
// by an older program no longer agrees.
const listVersion = "volcard display list 2"

// Hash identifies what is drawn: equal hashes are equal cards, in every process and on
// every machine. It is stored when a preview is confirmed and compared before printing.
// It covers the card's measures, the bytes of both sides' art, and in their order each
// text with its font, size, place and colour, each plate, each module of the QR, and each
// photo by its place and the SHA-256 of its bytes; so it changes with name, photo, face
// and edition, and with the face's own design, the places of number, dates and QR
// included, which a preview leaves empty. It does not cover the face's name and
// title, nor how a file is made (bleed marks, dates). Fonts enter by name and measure,
// so that a rebuilt font of the same metrics does not recall every confirmation.
func (d *DisplayList) Hash() [32]byte {
	h := sha256.New()
	w := digest{h}
	w.str(listVersion)
	w.num(d.Width, d.Height, d.Bleed, d.Corner)
	w.str(string(d.elements[:]))
	for _, p := range []*page{&d.front, &d.back} {
		w.str(string(p.artSum[:]))
		w.num(float64(len(p.items)))
		for _, it := range p.items {
			w.item(it)
		}
	}
	return [32]byte(h.Sum(nil))
}

// digest writes values so that no two different lists give the same bytes: strings with
// their length, lengths in tenths of a micron.
type digest struct{ h hash.Hash }

func (w digest) str(s string) {
	w.num(float64(len(s)))
	w.h.Write([]byte(s))
}

func (w digest) num(vs ...float64) {
	for _, v := range vs {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(int64(math.Round(v*1e4))))
		w.h.Write(b[:])
	}
}

func (w digest) color(c vector.Color) { w.h.Write([]byte{c.R, c.G, c.B}) }

func (w digest) item(it item) {
	switch {
	case it.text != nil:
		t := it.text
		w.str("text")
		w.str(string(t.Font.ID))
		w.num(t.Size, t.Tracking, t.X, t.Y, t.Embolden)
		w.color(t.Color)
		w.str(t.Text)
	case it.shape != nil:
		s := it.shape
		w.str("shape")
		w.color(s.Color)
		w.num(s.Opacity, s.Width, float64(len(s.Path.Verbs)))
		for _, v := range s.Path.Verbs {
			w.h.Write([]byte{byte(v)})
		}
		for _, p := range s.Path.Points {
			w.num(p.X, p.Y)
		}
	case it.qr != nil:
		q := it.qr
		w.str("qr")
		w.num(q.X, q.Y, q.Module, float64(len(q.Rows)))
		w.color(q.Color)
		for _, row := range q.Rows {
			for _, dark := range row {
				b := byte(0)
				if dark {
					b = 1
				}
				w.h.Write([]byte{b})
			}
		}
	case it.photo != nil:
		p := it.photo
		w.str("photo")
		w.num(p.X, p.Y, p.W, p.H, p.Radius)
		sum := sha256.Sum256(p.Data)
		w.str(string(sum[:]))
	}
}
