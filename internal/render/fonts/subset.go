package fonts

import (
	"errors"
	"slices"
)

// Subset gathers the glyphs of one document and cuts them into small TrueType files.
// Every glyph gets a 16-bit code of its own, whatever its rune or font: PDF libraries
// know no runes above U+FFFF, and a font costs so much per document that Noto's weights
// share one file. Unicode tells what the codes mean.
type Subset struct {
	codes map[glyphKey]rune
	// Unicode is the rune behind each code.
	Unicode map[rune]rune
	next    rune
	cuts    []*cut
}

type glyphKey struct {
	font *Font
	gid  uint16
	r    rune
}

// cut is one file: fonts with the same grid can share it.
type cut struct {
	name   string
	upem   int
	fonts  []*Font
	glyphs []cutGlyph
}

type cutGlyph struct {
	font *Font
	gid  uint16
	code rune // 0 for parts of composites
}

// firstCode lies above the codes that PDF libraries treat as Latin text.
const firstCode = 0x100

// NewSubset starts a document.
func NewSubset() *Subset {
	return &Subset{codes: map[glyphKey]rune{}, Unicode: map[rune]rune{}, next: firstCode}
}

// ErrTooManyGlyphs tells that a document must be split.
var ErrTooManyGlyphs = errors.New("fonts: more glyphs than one document can hold")

// Encode returns text in the document's codes, and the name of the file that draws it.
func (s *Subset) Encode(f *Font, text string) (file string, codes []rune, err error) {
	c := s.cutFor(f)
	for _, r := range text {
		key := glyphKey{f, f.glyph(r), r}
		code, ok := s.codes[key]
		if !ok {
			if s.next > 0xFFFD {
				return "", nil, ErrTooManyGlyphs
			}
			code = s.next
			s.next++
			if s.next == 0xD800 { // surrogates
				s.next = 0xE000
			}
			s.codes[key] = code
			s.Unicode[code] = r
			c.glyphs = append(c.glyphs, cutGlyph{f, key.gid, code})
		}
		codes = append(codes, code)
	}
	return c.name, codes, nil
}

func (s *Subset) cutFor(f *Font) *cut {
	for _, c := range s.cuts {
		if c.upem == f.UnitsPerEm {
			if !slices.Contains(c.fonts, f) {
				c.fonts = append(c.fonts, f)
			}
			return c
		}
	}
	c := &cut{name: "c" + string(rune('a'+len(s.cuts))), upem: f.UnitsPerEm, fonts: []*Font{f}}
	s.cuts = append(s.cuts, c)
	return c
}

// Files builds the TrueType files and calls use for each, in a stable order.
func (s *Subset) Files(use func(name string, ttf []byte)) {
	for _, c := range s.cuts {
		use(c.name, c.build())
	}
}

func (c *cut) build() []byte {
	glyphs := append([]cutGlyph{{font: c.fonts[0]}}, c.glyphs...)
	index := map[glyphKey]int{}
	for i, g := range glyphs {
		if i > 0 {
			index[glyphKey{font: g.font, gid: g.gid}] = i
		}
	}
	var glyf, hmtx []byte
	loca := []uint32{0}
	for i := 0; i < len(glyphs); i++ { // grows while composites are closed over
		g := glyphs[i]
		var data []byte
		if i > 0 {
			data = slices.Clone(g.font.outline(g.gid))
		}
		if len(data) >= 10 && be.Uint16(data)&0x8000 != 0 {
			for _, part := range components(data) {
				key := glyphKey{font: g.font, gid: part.gid}
				at, ok := index[key]
				if !ok {
					at = len(glyphs)
					index[key] = at
					glyphs = append(glyphs, cutGlyph{font: g.font, gid: part.gid})
				}
				be.PutUint16(data[part.at:], uint16(at))
			}
		}
		glyf = append(glyf, data...)
		for len(glyf)%4 != 0 {
			glyf = append(glyf, 0)
		}
		loca = append(loca, uint32(len(glyf)))
		hmtx = be.AppendUint16(hmtx, uint16(g.font.advance(g.gid)))
		hmtx = append(hmtx, g.font.bearing(g.gid)...)
	}
	if len(glyf) == 0 {
		glyf = make([]byte, 4)
	}
	return assemble([]table{
		{"OS/2", c.fonts[0].tables["OS/2"]},
		{"cmap", c.cmap()},
		{"glyf", glyf},
		{"head", c.head()},
		{"hhea", patched(c.fonts[0].tables["hhea"], 34, len(glyphs))},
		{"hmtx", hmtx},
		{"loca", longs(loca)},
		{"maxp", c.maxp(len(glyphs))},
		{"name", []byte{0, 0, 0, 0, 0, 6}},
		{"post", append([]byte{0, 3, 0, 0}, c.fonts[0].tables["post"][4:32]...)},
	})
}

// bearing is the left side bearing as it stands in hmtx.
func (f *Font) bearing(gid uint16) []byte {
	t, i := f.tables["hmtx"], int(gid)
	if i < f.metrics {
		return t[4*i+2 : 4*i+4]
	}
	return t[4*f.metrics+2*(i-f.metrics):][:2]
}

// cmap is a format 4 table. Glyphs stand in the order of their codes, so one segment
// covers each unbroken row of codes.
func (c *cut) cmap() []byte {
	type seg struct{ lo, hi, gid int }
	var segs []seg
	for i, g := range c.glyphs {
		if n := len(segs); n > 0 && segs[n-1].hi+1 == int(g.code) {
			segs[n-1].hi++
			continue
		}
		segs = append(segs, seg{int(g.code), int(g.code), i + 1})
	}
	segs = append(segs, seg{0xFFFF, 0xFFFF, 0})
	n := len(segs)
	half, bits := 1, 0
	for half*2 <= n {
		half, bits = half*2, bits+1
	}
	var t []byte
	put := func(vs ...int) {
		for _, v := range vs {
			t = be.AppendUint16(t, uint16(v))
		}
	}
	put(0, 1, 3, 1, 0, 12)
	put(4, 16+8*n, 0, 2*n, 2*half, bits, 2*n-2*half)
	for _, s := range segs {
		put(s.hi)
	}
	put(0)
	for _, s := range segs {
		put(s.lo)
	}
	for _, s := range segs[:n-1] {
		put(s.gid - s.lo)
	}
	put(1)
	for range segs {
		put(0)
	}
	return t
}

func (c *cut) head() []byte {
	h := patched(c.fonts[0].tables["head"], 50, 1)
	be.PutUint32(h[8:], 0)
	for _, f := range c.fonts[1:] {
		o := f.tables["head"]
		for i := 36; i < 44; i += 2 {
			mine, theirs := int16(be.Uint16(h[i:])), int16(be.Uint16(o[i:]))
			if i < 40 {
				mine = min(mine, theirs)
			} else {
				mine = max(mine, theirs)
			}
			be.PutUint16(h[i:], uint16(mine))
		}
	}
	return h
}

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

func longs(v []uint32) []byte {
	t := make([]byte, 0, 4*len(v))
	for _, x := range v {
		t = be.AppendUint32(t, x)
	}
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
		padded := slices.Clone(t.data)
		for len(padded)%4 != 0 {
			padded = append(padded, 0)
		}
		var sum uint32
		for i := 0; i < len(padded); i += 4 {
			sum += be.Uint32(padded[i:])
		}
		for _, v := range []uint32{sum, uint32(offset + len(body)), uint32(len(t.data))} {
			out = be.AppendUint32(out, v)
		}
		body = append(body, padded...)
	}
	return append(out, body...)
}
