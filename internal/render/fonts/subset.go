package fonts

import (
	"cmp"
	"errors"
	"iter"
	"math"
	"slices"

	"volcard/internal/render/vector"
)

// Subset gathers the glyphs of one document, of all its fonts, and cuts them into one
// TrueType font: a PDF library that knows a font only as 65,536 widths makes every
// further font of a document dear. The first use of a rune keeps its code point; the same
// rune in another font, and what lies above U+FFFF, gets a code of its own, so that
// nothing is limited to what sixteen bits can say. Runes tells what the codes mean.
//
// The zero Subset is ready for use.
type Subset struct {
	codes  map[glyphKey]rune
	glyphs map[rune]glyphKey // by code
	first  *Font
	spare  rune // the code that is given away next, unless it is taken
}

// glyphKey has the rune too: two runes with one glyph must stay apart when text is copied.
type glyphKey struct {
	font *Font
	gid  uint16
	r    rune
}

// ErrTooManyGlyphs tells that a document must be split.
var ErrTooManyGlyphs = errors.New("fonts: more glyphs than one document can hold")

const (
	// maxGlyphs lies well below the codes that there are.
	maxGlyphs = 40_000
	// grid is the cut font's units per em: the unit of a PDF's widths.
	grid = 1000

	firstPrivate, lastPrivate = 0xE000, 0xF8FF
	// firstText is where the codes end that PDF libraries give a meaning of their own.
	firstText, lastText = 0x20, 0xD7FF
)

// Encode returns text in the document's codes.
func (s *Subset) Encode(f *Font, text string) (string, error) {
	if s.first == nil {
		*s = Subset{codes: map[glyphKey]rune{}, glyphs: map[rune]glyphKey{}, first: f, spare: firstPrivate}
	}
	codes := make([]rune, 0, len(text)/3)
	for _, r := range text {
		key := glyphKey{f, f.glyph(r), r}
		code, ok := s.codes[key]
		if !ok {
			if len(s.glyphs) >= maxGlyphs {
				return "", ErrTooManyGlyphs
			}
			code = s.free(r)
			s.codes[key], s.glyphs[code] = code, key
		}
		codes = append(codes, code)
	}
	return string(codes), nil
}

// free is r's own code where that can be had, else the next of the private-use area, and
// when those are gone, any that nobody has taken yet.
func (s *Subset) free(r rune) rune {
	taken := func(code rune) bool { _, ok := s.glyphs[code]; return ok }
	if r >= firstText && r <= lastText && !taken(r) {
		return r
	}
	for taken(s.spare) {
		switch {
		case s.spare < firstPrivate:
			s.spare--
		case s.spare == lastPrivate:
			s.spare = lastText
		default:
			s.spare++
		}
	}
	return s.spare
}

// Runes yields each code with the rune that it stands for, in the order of the codes.
func (s *Subset) Runes() iter.Seq2[rune, rune] {
	return func(yield func(code, r rune) bool) {
		for _, code := range s.sorted() {
			if !yield(code, s.glyphs[code].r) {
				return
			}
		}
	}
}

func (s *Subset) sorted() []rune {
	codes := make([]rune, 0, len(s.glyphs))
	for code := range s.glyphs {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

// Font cuts the font; nil if nothing was encoded.
func (s *Subset) Font() []byte {
	if s.first == nil {
		return nil
	}
	codes := s.sorted()
	n := len(codes) + 1 // glyph 0 is the blank .notdef
	var b glyphBuilder
	b.add(nil, grid, 0)
	for _, code := range codes {
		g := s.glyphs[code]
		advance := scaled(g.font.advance(g.gid), g.font.UnitsPerEm)
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
	scale := func(v int) int { return scaled(v, s.first.UnitsPerEm) }
	return assemble([]table{
		{"OS/2", words(48, map[int]int{0: 4, 4: 400, 6: 5, 68: scale(s.first.Ascent), 70: scale(s.first.Descent), 88: scale(s.first.CapHeight)})},
		{"cmap", cmap(codes)},
		{"glyf", b.glyf},
		{"head", words(27, map[int]int{
			0: 1, 12: 0x5F0F, 14: 0x3CF5, 18: grid,
			36: b.box[0], 38: b.box[1], 40: b.box[2], 42: b.box[3], 50: 1, // long loca
		})},
		{"hhea", words(18, map[int]int{0: 1, 4: scale(s.first.Ascent), 6: scale(s.first.Descent), 10: b.widest, 34: n})},
		{"hmtx", b.hmtx},
		{"loca", b.loca},
		{"maxp", words(16, map[int]int{0: 1, 4: n, 6: b.points, 8: b.contours, 14: 1})},
		{"name", words(3, map[int]int{4: 6})},
		{"post", words(16, map[int]int{0: 3})},
	})
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

// cmap is a format 4 table. Glyphs stand in the order of their codes, so one segment
// covers each unbroken row of codes.
func cmap(codes []rune) []byte {
	type segment struct{ lo, hi, gid int }
	var segments []segment
	for i, code := range codes {
		if n := len(segments); n > 0 && segments[n-1].hi+1 == int(code) {
			segments[n-1].hi++
			continue
		}
		segments = append(segments, segment{int(code), int(code), i + 1})
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
	put(0, 1, 3, 1, 0, 12)
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
