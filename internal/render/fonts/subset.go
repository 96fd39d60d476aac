package fonts

import (
	"cmp"
	"iter"
	"math"
	"slices"

	"volcard/internal/render/vector"
)

// Subset gathers the glyphs of one document, of all its typefaces, and cuts them into
// TrueType fonts of single-byte codes: a Unicode font costs a PDF library 65,536 widths,
// such a font 256. Codes are given in the order of first use, so that texts that many
// cards share stay within the first font. Runes tells what the codes mean.
//
// The zero Subset is ready for use.
type Subset struct {
	places map[glyphKey]int
	glyphs []glyphKey // the first len(codes) are the first font's, and so on
}

// glyphKey has the rune too: two runes with one glyph must stay apart when text is copied.
type glyphKey struct {
	font *Font
	gid  uint16
	r    rune
}

// grid is the cut font's units per em: the unit of a PDF's widths.
const grid = 1000

// codes are those that a cut font has: none that viewers take for a space or a hyphen, and
// none that a PDF's strings escape.
var codes = func() (all []byte) {
	for c := '!'; c <= 0xFF; c++ {
		if !slices.Contains([]rune{'(', ')', '\\', 0x7F, 0xA0, 0xAD}, c) {
			all = append(all, byte(c))
		}
	}
	return all
}()

// Piece is a stretch of text in one of the cut fonts.
type Piece struct {
	Font  int
	Codes string
	// Advance is in thousandths of an em.
	Advance int
}

// Encode returns text in the codes of the document's fonts.
func (s *Subset) Encode(f *Font, text string) []Piece {
	if s.places == nil {
		s.places = map[glyphKey]int{}
	}
	var pieces []Piece
	var run []byte
	font, advance := 0, 0
	flush := func() {
		if len(run) > 0 {
			pieces = append(pieces, Piece{Font: font, Codes: string(run), Advance: advance})
		}
		run, advance = run[:0], 0
	}
	for _, r := range text {
		key := glyphKey{f, f.glyph(r), r}
		place, ok := s.places[key]
		if !ok {
			place = len(s.glyphs)
			s.places[key] = place
			s.glyphs = append(s.glyphs, key)
		}
		if n := place / len(codes); n != font {
			flush()
			font = n
		}
		run = append(run, codes[place%len(codes)])
		advance += key.advance()
	}
	flush()
	return pieces
}

func (k glyphKey) advance() int { return scaled(k.font.advance(k.gid), k.font.UnitsPerEm) }

// Fonts is the number of fonts that Encode has filled so far.
func (s *Subset) Fonts() int { return (len(s.glyphs) + len(codes) - 1) / len(codes) }

// of returns a font's glyphs, in the order of codes.
func (s *Subset) of(font int) []glyphKey {
	rest := s.glyphs[font*len(codes):]
	return rest[:min(len(rest), len(codes))]
}

// Runes yields each code of a font with the rune that it stands for, in the order of the codes.
func (s *Subset) Runes(font int) iter.Seq2[byte, rune] {
	return func(yield func(code byte, r rune) bool) {
		for i, g := range s.of(font) {
			if !yield(codes[i], g.r) {
				return
			}
		}
	}
}

// Cut is one font of a subset. Its measures are in thousandths of an em.
type Cut struct {
	File                       []byte // TrueType
	Widths                     [256]int
	Box                        [4]int // left, bottom, right, top
	Ascent, Descent, CapHeight int
}

// Cut makes a font. Its character map is a symbol font's, since codes are no characters.
func (s *Subset) Cut(font int) Cut {
	glyphs := s.of(font)
	n := len(glyphs) + 1 // glyph 0 is the blank .notdef
	var cut Cut
	var b glyphBuilder
	b.add(nil, grid, 0)
	for i, g := range glyphs {
		advance := g.advance()
		cut.Widths[codes[i]] = advance
		if g.font.UnitsPerEm == grid && !g.font.composite(g.gid) {
			b.add(g.font.outline(g.gid), advance, g.font.bearing(g.gid))
		} else {
			data := g.font.redrawn(g.gid)
			bearing := 0
			if len(data) >= 10 {
				bearing = int(int16(be.Uint16(data[2:])))
			}
			b.add(data, advance, bearing)
		}
	}
	if len(b.glyf) == 0 {
		b.glyf = make([]byte, 4)
	}
	first := glyphs[0].font
	scale := func(v int) int { return scaled(v, first.UnitsPerEm) }
	cut.Box, cut.Ascent, cut.Descent, cut.CapHeight = b.box, scale(first.Ascent), scale(first.Descent), scale(first.CapHeight)
	cut.File = assemble([]table{
		{"OS/2", words(48, map[int]int{0: 4, 4: 400, 6: 5, 68: cut.Ascent, 70: cut.Descent, 88: cut.CapHeight})},
		{"cmap", cmap(codes[:len(glyphs)])},
		{"glyf", b.glyf},
		{"head", words(27, map[int]int{
			0: 1, 12: 0x5F0F, 14: 0x3CF5, 18: grid,
			36: b.box[0], 38: b.box[1], 40: b.box[2], 42: b.box[3], 50: 1, // long loca
		})},
		{"hhea", words(18, map[int]int{0: 1, 4: cut.Ascent, 6: cut.Descent, 10: b.widest, 34: n})},
		{"hmtx", b.hmtx},
		{"loca", b.loca},
		{"maxp", words(16, map[int]int{0: 1, 4: n, 6: b.points, 8: b.contours, 14: 1})},
		{"name", words(3, map[int]int{4: 6})},
		{"post", words(16, map[int]int{0: 3})},
	})
	return cut
}

// scaled is a length of a font on the grid of the cut.
func scaled(v, upem int) int { return int(math.Round(float64(v) * grid / float64(upem))) }

// words is a table of n 16-bit values, zero but for those given by their place in bytes.
func words(n int, at map[int]int) []byte {
	t := make([]byte, 2*n)
	for i, v := range at {
		be.PutUint16(t[i:], uint16(v))
	}
	return t
}

// glyphBuilder writes the tables that hold glyphs, and what other tables tell of them.
type glyphBuilder struct {
	glyf, hmtx, loca []byte
	box              [4]int
	widest           int
	points, contours int // of the glyph that has most
	drawn            bool
}

func (b *glyphBuilder) add(data []byte, advance, bearing int) {
	if len(b.loca) == 0 {
		b.loca = be.AppendUint32(b.loca, 0)
	}
	if len(data) >= 10 {
		for k := range b.box {
			v := int(int16(be.Uint16(data[2+2*k:])))
			if !b.drawn || k < 2 && v < b.box[k] || k >= 2 && v > b.box[k] {
				b.box[k] = v
			}
		}
		b.drawn = true
		if contours := int(int16(be.Uint16(data))); contours > 0 {
			b.contours = max(b.contours, contours)
			b.points = max(b.points, int(be.Uint16(data[8+2*contours:]))+1)
		}
	}
	b.glyf = append(b.glyf, data...)
	for len(b.glyf)%4 != 0 {
		b.glyf = append(b.glyf, 0)
	}
	b.loca = be.AppendUint32(b.loca, uint32(len(b.glyf)))
	b.hmtx = be.AppendUint16(b.hmtx, uint16(advance))
	b.hmtx = be.AppendUint16(b.hmtx, uint16(bearing))
	b.widest = max(b.widest, advance)
}

// bearing is the left side bearing.
func (f *Font) bearing(gid uint16) int {
	t, i := f.tables["hmtx"], int(gid)
	if i < f.metrics {
		return int(int16(be.Uint16(t[4*i+2:])))
	}
	return int(int16(be.Uint16(t[4*f.metrics+2*(i-f.metrics):])))
}

func (f *Font) composite(gid uint16) bool {
	data := f.outline(gid)
	return len(data) >= 10 && be.Uint16(data)&0x8000 != 0
}

// redrawn is a glyph as one simple record on the cut's grid.
func (f *Font) redrawn(gid uint16) []byte {
	var points []glyphPoint
	var ends []int
	scale := grid / float64(f.UnitsPerEm)
	f.parts(gid, vector.Matrix{A: scale, D: scale}, 0, func(part []glyphPoint, partEnds []int, m vector.Matrix) {
		for _, end := range partEnds {
			ends = append(ends, len(points)+end)
		}
		for _, p := range part {
			q := m.Apply(vector.Point{X: float64(p.x), Y: float64(p.y)})
			points = append(points, glyphPoint{int(math.Round(q.X)), int(math.Round(q.Y)), p.on})
		}
	})
	if len(points) == 0 {
		return nil
	}
	byX := func(a, b glyphPoint) int { return cmp.Compare(a.x, b.x) }
	byY := func(a, b glyphPoint) int { return cmp.Compare(a.y, b.y) }
	var out []byte
	for _, v := range []int{
		len(ends), slices.MinFunc(points, byX).x, slices.MinFunc(points, byY).y,
		slices.MaxFunc(points, byX).x, slices.MaxFunc(points, byY).y,
	} {
		out = be.AppendUint16(out, uint16(v))
	}
	for _, end := range ends {
		out = be.AppendUint16(out, uint16(end))
	}
	out = be.AppendUint16(out, 0) // no instructions
	flags := make([]byte, len(points))
	xs := steps(points, flags, 2, 16, func(p glyphPoint) int { return p.x })
	ys := steps(points, flags, 4, 32, func(p glyphPoint) int { return p.y })
	for i, p := range points {
		if p.on {
			flags[i] |= 1
		}
	}
	return slices.Concat(out, flags, xs, ys)
}

// steps packs one axis as differences and notes in the flags how; it undoes what simple reads.
func steps(points []glyphPoint, flags []byte, short, same byte, axis func(glyphPoint) int) []byte {
	var out []byte
	at := 0
	for i, p := range points {
		d := axis(p) - at
		at = axis(p)
		switch {
		case d == 0:
			flags[i] |= same
		case d > 0 && d < 256:
			flags[i] |= short | same
			out = append(out, byte(d))
		case d < 0 && d > -256:
			flags[i] |= short
			out = append(out, byte(-d))
		default:
			out = be.AppendUint16(out, uint16(d))
		}
	}
	return out
}

// symbols is where a symbol font's codes stand in its (3, 0) table.
const symbols = 0xF000

// cmap is the two tables in which viewers look up a symbol font's codes: (1, 0) in format
// 0 and (3, 0) in format 4. Glyphs stand in the order of their codes, so one segment covers
// each unbroken row of codes.
func cmap(codes []byte) []byte {
	type segment struct{ lo, hi, gid int }
	var segments []segment
	var bytes [256]byte
	for i, c := range codes {
		bytes[c] = byte(i + 1)
		code := symbols + int(c)
		if n := len(segments); n > 0 && segments[n-1].hi+1 == code {
			segments[n-1].hi++
			continue
		}
		segments = append(segments, segment{code, code, i + 1})
	}
	segments = append(segments, segment{0xFFFF, 0xFFFF, 0x10000}) // to glyph 0
	n := len(segments)
	half, bits := powerOfTwo(n)
	var t []byte
	put := func(vs ...int) {
		for _, v := range vs {
			t = be.AppendUint16(t, uint16(v))
		}
	}
	const start, size = 4 + 2*8, 6 + 256
	put(0, 2, 1, 0, 0, start, 3, 0, 0, start+size)
	put(0, size, 0)
	t = append(t, bytes[:]...)
	put(4, 16+8*n, 0, 2*n, 2*half, bits, 2*n-2*half)
	for _, s := range segments {
		put(s.hi)
	}
	put(0)
	for _, s := range segments {
		put(s.lo)
	}
	for _, s := range segments {
		put(s.gid - s.lo)
	}
	for range segments {
		put(0)
	}
	return t
}

// powerOfTwo is the greatest power of two up to n, and its exponent.
func powerOfTwo(n int) (power, exponent int) {
	power = 1
	for power*2 <= n {
		power, exponent = power*2, exponent+1
	}
	return power, exponent
}

type table struct {
	tag  string
	data []byte
}

func assemble(tables []table) []byte {
	n := len(tables)
	half, bits := powerOfTwo(n)
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
