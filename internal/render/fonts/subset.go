package fonts

import (
	"errors"
	"math"
	"slices"
)

// Subset gathers the glyphs of one document and cuts them into small TrueType files, for
// embedding where a text is a list of glyph numbers and no cmap is asked for. That is
// what keeps rare characters whole: nothing in such a document is limited to U+FFFF.
// Fonts of one grid share a file, because each file costs the document.
type Subset struct {
	cuts []*cut
}

// cut is one file.
type cut struct {
	upem   int
	fonts  []*Font
	index  map[glyphKey]uint16
	glyphs []glyphKey // glyph 0 is the blank .notdef
	runes  []rune
}

// glyphKey has the rune too: two runes with one glyph must stay apart when text is copied.
type glyphKey struct {
	font *Font
	gid  uint16
	r    rune
}

// ErrTooManyGlyphs tells that a document must be split.
var ErrTooManyGlyphs = errors.New("fonts: more glyphs than one document can hold")

// maxGlyphs leaves room for the parts of composites below 65,536.
const maxGlyphs = 40_000

// Encode returns the glyph numbers of text, and the file (by its place in Files) that holds them.
func (s *Subset) Encode(f *Font, text string) (file int, glyphs []uint16, err error) {
	file = slices.IndexFunc(s.cuts, func(c *cut) bool { return c.upem == f.UnitsPerEm })
	if file < 0 {
		file = len(s.cuts)
		s.cuts = append(s.cuts, &cut{
			upem: f.UnitsPerEm, index: map[glyphKey]uint16{}, glyphs: []glyphKey{{font: f}}, runes: []rune{0},
		})
	}
	c := s.cuts[file]
	if !slices.Contains(c.fonts, f) {
		c.fonts = append(c.fonts, f)
	}
	for _, r := range text {
		key := glyphKey{f, f.glyph(r), r}
		n, ok := c.index[key]
		if !ok {
			if len(c.glyphs) >= maxGlyphs {
				return 0, nil, ErrTooManyGlyphs
			}
			n = uint16(len(c.glyphs))
			c.index[key] = n
			c.glyphs = append(c.glyphs, key)
			c.runes = append(c.runes, r)
		}
		glyphs = append(glyphs, n)
	}
	return file, glyphs, nil
}

// File is a TrueType file to embed, with what a PDF wants to know of it. Lengths are in
// thousandths of an em; Widths and Runes go by glyph number, and Runes[0] is nothing.
type File struct {
	TTF                        []byte
	Widths                     []int
	Runes                      []rune
	Box                        [4]int
	Ascent, Descent, CapHeight int
}

// Files cuts the files, in the order in which Encode numbered them.
func (s *Subset) Files() []File {
	files := make([]File, len(s.cuts))
	for i, c := range s.cuts {
		files[i] = c.build()
	}
	return files
}

func (c *cut) build() File {
	glyphs := slices.Clone(c.glyphs)
	parts := map[glyphKey]int{}
	var glyf, hmtx, loca []byte
	var box [4]int
	loca = be.AppendUint32(loca, 0)
	for i := 0; i < len(glyphs); i++ { // grows while composites are closed over
		g := glyphs[i]
		var data []byte
		if i > 0 {
			data = slices.Clone(g.font.outline(g.gid))
		}
		if len(data) >= 10 {
			for k := range box {
				v := int(int16(be.Uint16(data[2+2*k:])))
				if i == 1 || k < 2 && v < box[k] || k >= 2 && v > box[k] {
					box[k] = v
				}
			}
			if be.Uint16(data)&0x8000 != 0 {
				for _, part := range components(data) {
					key := glyphKey{font: g.font, gid: part.gid}
					at, ok := parts[key]
					if !ok {
						at = len(glyphs)
						parts[key] = at
						glyphs = append(glyphs, key)
					}
					be.PutUint16(data[part.at:], uint16(at))
				}
			}
		}
		glyf = append(glyf, data...)
		for len(glyf)%4 != 0 {
			glyf = append(glyf, 0)
		}
		loca = be.AppendUint32(loca, uint32(len(glyf)))
		hmtx = be.AppendUint16(hmtx, uint16(g.font.advance(g.gid)))
		hmtx = append(hmtx, g.font.bearing(g.gid)...)
	}
	if len(glyf) == 0 {
		glyf = make([]byte, 4)
	}
	first := c.fonts[0]
	file := File{Runes: c.runes}
	file.TTF = assemble([]table{
		{"glyf", glyf},
		{"head", c.head(box)},
		{"hhea", patched(first.tables["hhea"], 34, len(glyphs))},
		{"hmtx", hmtx},
		{"loca", loca},
		{"maxp", c.maxp(len(glyphs))},
	})
	scale := func(v int) int { return int(math.Round(float64(v) * 1000 / float64(c.upem))) }
	file.Ascent, file.Descent, file.CapHeight = scale(first.Ascent), scale(first.Descent), scale(first.CapHeight)
	for k, v := range box {
		file.Box[k] = scale(v)
	}
	for _, g := range c.glyphs {
		file.Widths = append(file.Widths, scale(g.font.advance(g.gid)))
	}
	return file
}

// bearing is the left side bearing as it stands in hmtx.
func (f *Font) bearing(gid uint16) []byte {
	t, i := f.tables["hmtx"], int(gid)
	if i < f.metrics {
		return t[4*i+2 : 4*i+4]
	}
	return t[4*f.metrics+2*(i-f.metrics):][:2]
}

func (c *cut) head(box [4]int) []byte {
	h := patched(c.fonts[0].tables["head"], 50, 1) // long loca
	be.PutUint32(h[8:], 0)
	for k, v := range box {
		be.PutUint16(h[36+2*k:], uint16(v))
	}
	return h
}

// maxp promises the greatest needs of all fonts in the file.
func (c *cut) maxp(glyphs int) []byte {
	m := patched(c.fonts[0].tables["maxp"], 4, glyphs)
	for _, f := range c.fonts[1:] {
		o := f.tables["maxp"]
		for i := 6; i+1 < min(len(m), len(o)); i += 2 {
			be.PutUint16(m[i:], max(be.Uint16(m[i:]), be.Uint16(o[i:])))
		}
	}
	return m
}

func patched(t []byte, at, v int) []byte {
	t = slices.Clone(t)
	be.PutUint16(t[at:], uint16(v))
	return t
}

type table struct {
	tag  string
	data []byte
}

func assemble(tables []table) []byte {
	n := len(tables)
	half, bits := 1, 0
	for half*2 <= n {
		half, bits = half*2, bits+1
	}
	out := be.AppendUint32(nil, 0x00010000)
	for _, v := range []int{n, 16 * half, bits, 16*n - 16*half} {
		out = be.AppendUint16(out, uint16(v))
	}
	offset := 12 + 16*n
	var body []byte
	for _, t := range tables {
		out = append(out, t.tag...)
		start := len(body)
		body = append(body, t.data...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		var sum uint32
		for i := start; i < len(body); i += 4 {
			sum += be.Uint32(body[i:])
		}
		for _, v := range []uint32{sum, uint32(offset + start), uint32(len(t.data))} {
			out = be.AppendUint32(out, v)
		}
	}
	return append(out, body...)
}
