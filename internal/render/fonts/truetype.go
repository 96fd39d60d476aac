package fonts

import (
	"encoding/binary"
	"fmt"
	"sort"
	"sync"

	"volcard/internal/render/vector"
)

// Font is a parsed TrueType font. It is read-only and safe for concurrent use.
type Font struct {
	ID ID
	// UnitsPerEm is the grid; Ascent, Descent (negative) and CapHeight are in its units.
	UnitsPerEm, Ascent, Descent, CapHeight int

	data     []byte
	tables   map[string][]byte
	glyphs   int
	metrics  int
	longLoca bool
	cmap     []segment
	outlines sync.Map // glyph index → vector.Path
}

// segment maps the runes lo..hi to glyphs from gid on.
type segment struct {
	lo, hi rune
	gid    uint32
}

var be = binary.BigEndian

// parse reads what the renderer needs. The fonts are our own files, so a damaged one is
// a build mistake: out-of-range reads are turned into one error.
func parse(id ID, data []byte) (f *Font, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("fonts: %s: damaged: %v", id, r)
		}
	}()
	if be.Uint32(data) != 0x00010000 {
		return nil, fmt.Errorf("fonts: %s: no TrueType outlines", id)
	}
	f = &Font{ID: id, data: data, tables: map[string][]byte{}}
	for i := range int(be.Uint16(data[4:])) {
		rec := data[12+16*i:]
		start, size := be.Uint32(rec[8:]), be.Uint32(rec[12:])
		f.tables[string(rec[:4])] = data[start : start+size : start+size]
	}
	for _, need := range []string{"head", "hhea", "maxp", "hmtx", "loca", "glyf", "cmap", "OS/2", "post"} {
		if len(f.tables[need]) == 0 {
			return nil, fmt.Errorf("fonts: %s: no table %s", id, need)
		}
	}
	f.UnitsPerEm = int(be.Uint16(f.tables["head"][18:]))
	f.longLoca = be.Uint16(f.tables["head"][50:]) == 1
	f.Ascent = int(int16(be.Uint16(f.tables["hhea"][4:])))
	f.Descent = int(int16(be.Uint16(f.tables["hhea"][6:])))
	f.metrics = int(be.Uint16(f.tables["hhea"][34:]))
	f.glyphs = int(be.Uint16(f.tables["maxp"][4:]))
	f.CapHeight = f.UnitsPerEm * 73 / 100
	if os2 := f.tables["OS/2"]; be.Uint16(os2) >= 2 {
		f.CapHeight = int(int16(be.Uint16(os2[88:])))
	}
	f.readCmap()
	if len(f.cmap) == 0 {
		return nil, fmt.Errorf("fonts: %s: no Unicode cmap", id)
	}
	return f, nil
}

// readCmap takes the full-repertoire subtable (format 12) where there is one, else format 4.
func (f *Font) readCmap() {
	table := f.tables["cmap"]
	var four []byte
	for i := range int(be.Uint16(table[2:])) {
		sub := table[be.Uint32(table[4+8*i+4:]):]
		switch be.Uint16(sub) {
		case 12:
			for g := range int(be.Uint32(sub[12:])) {
				r := sub[16+12*g:]
				f.cmap = append(f.cmap, segment{rune(be.Uint32(r)), rune(be.Uint32(r[4:])), be.Uint32(r[8:])})
			}
			return
		case 4:
			four = sub
		}
	}
	if four == nil {
		return
	}
	n := int(be.Uint16(four[6:])) / 2
	for i := range n {
		at := func(block int) int { return 14 + 2*n*block + 2*i }
		hi, lo := rune(be.Uint16(four[at(0):])), rune(be.Uint16(four[at(1)+2:]))
		delta, offset := be.Uint16(four[at(2)+2:]), int(be.Uint16(four[at(3)+2:]))
		for r := lo; r <= hi && r != 0xFFFF; r++ {
			gid := uint16(r) + delta
			if offset != 0 {
				gid = be.Uint16(four[at(3)+2+offset+2*int(r-lo):])
				if gid != 0 {
					gid += delta
				}
			}
			f.cmap = append(f.cmap, segment{r, r, uint32(gid)})
		}
	}
}

// glyph is the index of a rune's glyph, 0 where the font has none.
func (f *Font) glyph(r rune) uint16 {
	i := sort.Search(len(f.cmap), func(i int) bool { return f.cmap[i].hi >= r })
	if i == len(f.cmap) || f.cmap[i].lo > r {
		return 0
	}
	return uint16(f.cmap[i].gid + uint32(r-f.cmap[i].lo))
}

// Has tells whether the font has a glyph for r.
func (f *Font) Has(r rune) bool { return f.glyph(r) != 0 }

// HasAll tells whether the font draws all of text.
func (f *Font) HasAll(text string) bool {
	for _, r := range text {
		if !f.Has(r) {
			return false
		}
	}
	return true
}

// Runes calls yield for every rune that has a glyph, in order, until it returns false.
func (f *Font) Runes(yield func(rune) bool) {
	for _, s := range f.cmap {
		for r := s.lo; r <= s.hi; r++ {
			if f.Has(r) && !yield(r) {
				return
			}
		}
	}
}

func (f *Font) advance(gid uint16) int {
	i := min(int(gid), f.metrics-1)
	return int(be.Uint16(f.tables["hmtx"][4*i:]))
}

// Advance is the width of a rune in ems.
func (f *Font) Advance(r rune) float64 {
	return float64(f.advance(f.glyph(r))) / float64(f.UnitsPerEm)
}

// outline is a glyph's record in glyf; empty for a blank glyph.
func (f *Font) outline(gid uint16) []byte {
	loca, i := f.tables["loca"], int(gid)
	if i >= f.glyphs {
		return nil
	}
	if f.longLoca {
		return f.tables["glyf"][be.Uint32(loca[4*i:]):be.Uint32(loca[4*i+4:])]
	}
	return f.tables["glyf"][2*int(be.Uint16(loca[2*i:])) : 2*int(be.Uint16(loca[2*i+2:]))]
}

// Outline is a rune's shape in ems, y down, the origin on the baseline. It must not be changed.
func (f *Font) Outline(r rune) vector.Path {
	gid := f.glyph(r)
	if p, ok := f.outlines.Load(gid); ok {
		return p.(vector.Path)
	}
	var p vector.Path
	f.trace(&p, gid, vector.Matrix{A: 1 / float64(f.UnitsPerEm), D: -1 / float64(f.UnitsPerEm)})
	f.outlines.Store(gid, p)
	return p
}

// Bits of a composite glyph's component flags.
const (
	argsAreWords = 1 << 0
	argsAreXY    = 1 << 1
	haveScale    = 1 << 3
	moreParts    = 1 << 5
	haveXYScale  = 1 << 6
	have2x2      = 1 << 7
	instructions = 1 << 8
)

// component is one part of a composite glyph.
type component struct {
	gid    uint16
	matrix vector.Matrix
}

func components(data []byte) []component {
	var out []component
	for i := 10; ; {
		flags := be.Uint16(data[i:])
		c := component{gid: be.Uint16(data[i+2:]), matrix: vector.Identity}
		i += 4
		if flags&argsAreWords != 0 {
			c.matrix.E, c.matrix.F = float64(int16(be.Uint16(data[i:]))), float64(int16(be.Uint16(data[i+2:])))
			i += 4
		} else {
			c.matrix.E, c.matrix.F = float64(int8(data[i])), float64(int8(data[i+1]))
			i += 2
		}
		if flags&argsAreXY == 0 {
			c.matrix.E, c.matrix.F = 0, 0
		}
		f2dot14 := func(k int) float64 { return float64(int16(be.Uint16(data[i+k:]))) / 16384 }
		switch {
		case flags&haveScale != 0:
			c.matrix.A, c.matrix.D = f2dot14(0), f2dot14(0)
			i += 2
		case flags&haveXYScale != 0:
			c.matrix.A, c.matrix.D = f2dot14(0), f2dot14(2)
			i += 4
		case flags&have2x2 != 0:
			c.matrix.A, c.matrix.B, c.matrix.C, c.matrix.D = f2dot14(0), f2dot14(2), f2dot14(4), f2dot14(6)
			i += 8
		}
		out = append(out, c)
		if flags&moreParts == 0 {
			return out
		}
	}
}

// trace appends a glyph's contours under m.
func (f *Font) trace(p *vector.Path, gid uint16, m vector.Matrix) {
	f.parts(gid, m, 0, func(points []glyphPoint, ends []int, m vector.Matrix) {
		start := 0
		for _, end := range ends {
			contour(p, points[start:end+1], m)
			start = end + 1
		}
	})
}

// parts calls use for a glyph, or for each simple glyph that it is composed of.
func (f *Font) parts(gid uint16, m vector.Matrix, depth int, use func(points []glyphPoint, ends []int, m vector.Matrix)) {
	data := f.outline(gid)
	if len(data) < 10 || depth > 6 {
		return
	}
	contours := int(int16(be.Uint16(data)))
	if contours >= 0 {
		points, ends := simple(data, contours)
		use(points, ends, m)
		return
	}
	for _, c := range components(data) {
		f.parts(c.gid, m.Mul(c.matrix), depth+1, use)
	}
}

type glyphPoint struct {
	x, y int
	on   bool
}

// simple unpacks the points of a simple glyph.
func simple(data []byte, contours int) ([]glyphPoint, []int) {
	ends := make([]int, contours)
	i := 10
	for c := range ends {
		ends[c] = int(be.Uint16(data[i:]))
		i += 2
	}
	if contours == 0 {
		return nil, nil
	}
	i += 2 + int(be.Uint16(data[i:]))
	flags := make([]byte, 0, ends[contours-1]+1)
	for len(flags) <= ends[contours-1] {
		b := data[i]
		i++
		flags = append(flags, b)
		if b&8 != 0 {
			for range data[i] {
				flags = append(flags, b)
			}
			i++
		}
	}
	points := make([]glyphPoint, len(flags))
	read := func(short, same byte, set func(p *glyphPoint, v int)) {
		v := 0
		for k, b := range flags {
			switch {
			case b&short != 0:
				d := int(data[i])
				i++
				if b&same == 0 {
					d = -d
				}
				v += d
			case b&same == 0:
				v += int(int16(be.Uint16(data[i:])))
				i += 2
			}
			set(&points[k], v)
		}
	}
	read(2, 16, func(p *glyphPoint, v int) { p.x = v })
	read(4, 32, func(p *glyphPoint, v int) { p.y = v })
	for k, b := range flags {
		points[k].on = b&1 != 0
	}
	return points, ends
}

// contour writes one closed contour; between two off-curve points lies an implied on-curve one.
func contour(p *vector.Path, pts []glyphPoint, m vector.Matrix) {
	n := len(pts)
	if n < 2 {
		return
	}
	at := func(i int) vector.Point {
		return m.Apply(vector.Point{X: float64(pts[i%n].x), Y: float64(pts[i%n].y)})
	}
	mid := func(a, b vector.Point) vector.Point { return vector.Point{X: (a.X + b.X) / 2, Y: (a.Y + b.Y) / 2} }
	first := 0
	for first < n && !pts[first].on {
		first++
	}
	var start vector.Point
	if first == n {
		first = 0
		start = mid(at(n-1), at(0))
		first-- // so that the loop below begins with point 0
	} else {
		start = at(first)
	}
	p.Add(vector.MoveTo, start)
	for k := 1; k <= n; k++ {
		i := first + k
		if pts[(i+n)%n].on {
			p.Add(vector.LineTo, at(i+n))
			continue
		}
		c := at(i + n)
		switch {
		case k == n:
			p.Add(vector.QuadTo, c, start)
		case pts[(i+1+n)%n].on:
			p.Add(vector.QuadTo, c, at(i+1+n))
			k++
		default:
			p.Add(vector.QuadTo, c, mid(c, at(i+1+n)))
		}
	}
	p.Add(vector.Close)
}
