package render

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf16"

	"volcard/internal/fault"
	"volcard/internal/render/fonts"
)

// embed gives every text its codes and cuts the fonts for all of them at once. gofpdf
// takes them as TrueType fonts of 256 codes; its Unicode fonts cost it more than a card.
func (p *printer) embed(lists []*DisplayList) error {
	for _, list := range lists {
		for _, side := range []*page{&list.front, &list.back} {
			for _, it := range side.items {
				if it.text != nil && p.codes[it.text] == nil { // all cards of a face share its fixed texts
					p.codes[it.text] = p.subset.Encode(it.text.Font, it.text.Text)
				}
			}
		}
	}
	for i := range p.subset.Fonts() {
		cut := p.subset.Cut(i)
		definition, err := json.Marshal(defined(cut, i))
		if err != nil {
			return fault.Wrap(fault.Internal, err, failed)
		}
		p.pdf.AddFontFromBytes(fontName(i), "", definition, pack(cut.File))
	}
	return nil
}

func fontName(i int) string { return "card" + strconv.Itoa(i) }

// definition is what gofpdf wants to know of a font.
type definition struct {
	Tp, Name string
	Desc     struct {
		Ascent, Descent, CapHeight, Flags, StemV int
		FontBBox                                 struct{ Xmin, Ymin, Xmax, Ymax int }
	}
	Cw           [256]int
	Diff, File   string
	OriginalSize int
}

// symbolic is the flag of a font whose codes follow no standard.
const symbolic = 1 << 2

func defined(cut fonts.Cut, i int) definition {
	sum := sha256.Sum256(cut.File)
	tag := make([]byte, 6)
	for k := range tag {
		tag[k] = 'A' + sum[k]%26
	}
	d := definition{
		Tp: "TrueType", Name: string(tag) + "+" + fontName(i), Cw: cut.Widths,
		// An encoding makes gofpdf keep an object for the font; amend puts the meaning of its codes there.
		Diff: fontName(i), File: fontName(i) + ".z", OriginalSize: len(cut.File),
	}
	d.Desc.Ascent, d.Desc.Descent, d.Desc.CapHeight = cut.Ascent, cut.Descent, cut.CapHeight
	d.Desc.Flags, d.Desc.StemV = symbolic, 80
	box := &d.Desc.FontBBox
	box.Xmin, box.Ymin, box.Xmax, box.Ymax = cut.Box[0], cut.Box[1], cut.Box[2], cut.Box[3]
	return d
}

func (p *printer) text(t *textItem) {
	p.pdf.SetTextColor(int(t.Color.R), int(t.Color.G), int(t.Color.B))
	styled := t.Tracking != 0 || t.Embolden != 0
	if styled {
		p.raw(func(c *content) {
			c.b = append(c.b, "q "...)
			if t.Tracking != 0 {
				c.nums(t.Tracking)
				c.b = append(c.b, "Tc "...)
			}
			if t.Embolden != 0 {
				c.color(t.Color)
				c.b = append(c.b, "RG 2 Tr 1 J 1 j "...)
				c.nums(t.Embolden * t.Size)
				c.b = append(c.b, 'w')
			}
		})
	}
	x := t.X + p.margin
	for _, piece := range p.codes[t] {
		p.pdf.SetFont(fontName(piece.Font), "", t.Size)
		p.pdf.Text(x, t.Y+p.margin, piece.Codes)
		x += (float64(piece.Advance)/1000*t.Size + float64(len(piece.Codes))*t.Tracking) * mmPerPoint
	}
	if styled {
		p.pdf.RawWriteStr("Q")
	}
}

// toUnicode is a CMap of single characters, at most a hundred in a block as Adobe's
// technical note 5411 asks.
func toUnicode(subset *fonts.Subset, font int) []byte {
	const head = "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<00> <FF>\nendcodespacerange\n"
	const tail = "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
	b := []byte(head)
	var block []byte
	n := 0
	flush := func() {
		if n > 0 {
			b = fmt.Appendf(b, "%d beginbfchar\n%sendbfchar\n", n, block)
		}
		block, n = block[:0], 0
	}
	for code, r := range subset.Runes(font) {
		block = fmt.Appendf(block, "<%02X> <", code)
		for _, unit := range utf16.AppendRune(nil, r) {
			block = fmt.Appendf(block, "%04X", unit)
		}
		block = append(block, ">\n"...)
		if n++; n == 100 {
			flush()
		}
	}
	flush()
	return append(b, tail...)
}
