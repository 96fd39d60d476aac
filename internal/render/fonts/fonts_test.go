package fonts

import (
	"bytes"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"volcard/internal/render/vector"
)

func get(t testing.TB, id ID) *Font {
	t.Helper()
	f, err := Get(id)
	require.NoError(t, err)
	return f
}

// GB 18030-2022, implementation level 3: every ideograph of these ranges has a glyph.
func TestLevel3IsComplete(t *testing.T) {
	regular, rare := get(t, Regular), get(t, RareB)
	for _, block := range [][2]rune{
		{0x4E00, 0x9FEF},
		{0x3400, 0x4DB5},
		{0x20000, 0x2A6D6},
		{0x2A700, 0x2B734},
		{0x2B740, 0x2B81D},
		{0x2B820, 0x2CEA1},
		{0x2CEB0, 0x2EBE0},
	} {
		for r := block[0]; r <= block[1]; r++ {
			if !regular.Has(r) && !rare.Has(r) {
				t.Errorf("no glyph for U+%04X", r)
			}
		}
	}
	for _, r := range "㛃䶮鿍\U00020BB7\U0002C386\U0002CC5F\U00030EDD\U00030EDE·" {
		require.True(t, regular.Has(r) || rare.Has(r), "U+%04X", r)
	}
}

// A glyph that draws nothing would be worse than none: it counts as one that is there.
func TestNoGlyphIsBlank(t *testing.T) {
	for _, id := range []ID{Regular, Bold, RareA, RareB} {
		f := get(t, id)
		n := 0
		for r := range f.Runes {
			n++
			if len(f.outline(f.glyph(r))) == 0 && !unicode.IsSpace(r) && unicode.IsGraphic(r) && r != 0x3164 && r != 0xFFA0 {
				t.Errorf("%s: U+%04X is blank", id, r)
			}
			if f.Advance(r) <= 0 && unicode.Is(unicode.Han, r) {
				t.Errorf("%s: U+%04X has no width", id, r)
			}
		}
		require.Greater(t, n, 6000, id)
	}
}

// Another reader of TrueType sees the same widths and outlines.
func TestOutlinesAgreeWithSfnt(t *testing.T) {
	for id, sample := range map[ID]string{
		Regular: "Ag0·王阿卜杜热合曼买提䶮㛃鿍，", Bold: "湖北省注册志愿者证Q8", RareA: "王张é", RareB: "\U00020BB7\U0002C386\U0002EBE0",
	} {
		f := get(t, id)
		data, err := Data(id)
		require.NoError(t, err)
		other, err := sfnt.Parse(data)
		require.NoError(t, err)
		var buf sfnt.Buffer
		for _, r := range sample {
			gid, err := other.GlyphIndex(&buf, r)
			require.NoError(t, err)
			require.Equal(t, uint16(gid), f.glyph(r), "U+%04X", r)
			// Drawn at one unit a pixel, in 26.6 fixed point.
			segments, err := other.LoadGlyph(&buf, gid, fixed.I(f.UnitsPerEm), nil)
			require.NoError(t, err)
			lo, hi := fixed.Rectangle26_6{Min: fixed.P(9999, 9999), Max: fixed.P(-9999, -9999)}, 0
			for _, s := range segments {
				n := map[sfnt.SegmentOp]int{sfnt.SegmentOpMoveTo: 1, sfnt.SegmentOpLineTo: 1, sfnt.SegmentOpQuadTo: 2, sfnt.SegmentOpCubeTo: 3}[s.Op]
				for _, p := range s.Args[:n] {
					lo.Min.X, lo.Min.Y = min(lo.Min.X, p.X), min(lo.Min.Y, p.Y)
					lo.Max.X, lo.Max.Y = max(lo.Max.X, p.X), max(lo.Max.Y, p.Y)
				}
				hi++
			}
			path := f.Outline(r)
			a, b := path.Bounds()
			em := float64(f.UnitsPerEm)
			require.NotZero(t, hi)
			require.InDelta(t, float64(lo.Min.X)/64, a.X*em, 1, "U+%04X", r)
			require.InDelta(t, float64(lo.Min.Y)/64, a.Y*em, 1, "U+%04X", r)
			require.InDelta(t, float64(lo.Max.X)/64, b.X*em, 1, "U+%04X", r)
			require.InDelta(t, float64(lo.Max.Y)/64, b.Y*em, 1, "U+%04X", r)
		}
	}
}

// The font of a subset draws what the fonts draw, of every weight and grid, and both of
// its tables find the glyphs.
func TestSubset(t *testing.T) {
	regular, bold, rareA, rareB := get(t, Regular), get(t, Bold), get(t, RareA), get(t, RareB)
	var s Subset
	type drawn struct {
		code byte
		font *Font
		r    rune
	}
	var all []drawn
	for _, x := range []struct {
		font *Font
		text string
	}{{regular, "王王 阿·"}, {bold, "王证"}, {rareB, "\U00020BB7"}, {rareA, "王 Aé"}, {regular, "\U00030EDE"}} {
		pieces := s.Encode(x.font, x.text)
		require.Len(t, pieces, 1)
		require.Zero(t, pieces[0].Font)
		width := 0.0
		for i, r := range []rune(x.text) {
			all = append(all, drawn{pieces[0].Codes[i], x.font, r})
			width += x.font.Advance(r)
		}
		require.Len(t, pieces[0].Codes, len([]rune(x.text)))
		require.InDelta(t, width*1000, pieces[0].Advance, 2)
	}
	require.Equal(t, all[0].code, all[1].code)
	require.NotEqual(t, all[0].code, all[5].code, "the same rune in another font")
	meanings := map[byte]rune{}
	for code, r := range s.Runes(0) {
		meanings[code] = r
	}
	require.Equal(t, 1, s.Fonts())
	made := s.Cut(0)
	require.Equal(t, made, s.Cut(0))
	sums(t, made.File)
	cut, err := parse("cut", made.File)
	require.NoError(t, err)
	other, err := sfnt.Parse(made.File) // another reader takes it too
	require.NoError(t, err)
	bytewise := cut.tables["cmap"][20:] // format 0
	require.Equal(t, []byte{0, 0, 1, 6, 0, 0}, bytewise[:6])
	var buf sfnt.Buffer
	for _, d := range all {
		code := symbols + rune(d.code)
		require.Equal(t, d.r, meanings[d.code])
		require.InDelta(t, d.font.Advance(d.r), cut.Advance(code), 0.00051)
		require.InDelta(t, cut.Advance(code)*1000, made.Widths[d.code], 1e-6)
		gid, err := other.GlyphIndex(&buf, code)
		require.NoError(t, err)
		require.NotZero(t, gid)
		require.Equal(t, cut.glyph(code), uint16(gid))
		require.Equal(t, uint16(bytewise[6+int(d.code)]), uint16(gid))
		_, err = other.LoadGlyph(&buf, gid, fixed.I(1000), nil)
		require.NoError(t, err)

		want, got := d.font.Outline(d.r), cut.Outline(code)
		if d.font.UnitsPerEm == cut.UnitsPerEm {
			require.Equal(t, want, got, "U+%04X", d.r)
			continue
		}
		require.Equal(t, want.Verbs, got.Verbs, "U+%04X", d.r)
		for i, p := range want.Points {
			require.InDelta(t, p.X, got.Points[i].X, 0.00051, "U+%04X", d.r)
			require.InDelta(t, p.Y, got.Points[i].Y, 0.00051, "U+%04X", d.r)
		}
	}
}

// Glyphs composed of others are redrawn as one. Our files have none now; others may.
func TestRedrawnComposite(t *testing.T) {
	f := &Font{UnitsPerEm: 500, tables: map[string][]byte{}, glyphs: 2}
	var b glyphBuilder
	square := func(low, high int) []byte {
		var out []byte
		for _, v := range []int{1, low, low, high, high, 3, 0} {
			out = be.AppendUint16(out, uint16(v))
		}
		out = append(out, 1, 1, 1, 1)
		for _, v := range []int{low, 0, high - low, 0, low, high - low, 0, low - high} {
			out = be.AppendUint16(out, uint16(v))
		}
		return out
	}
	b.add(square(0, 300), 500, 0)
	composite := []byte{0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0}
	for _, v := range []int{argsAreWords | argsAreXY | moreParts, 0, 0, 0, argsAreWords | argsAreXY, 0, 20, 0xFFF6} {
		composite = be.AppendUint16(composite, uint16(v))
	}
	b.add(composite, 500, 0)
	f.tables["glyf"], f.tables["loca"], f.longLoca = b.glyf, b.loca, true
	require.True(t, f.composite(1))

	whole := &Font{UnitsPerEm: grid, glyphs: 1, longLoca: true, tables: map[string][]byte{}}
	var c glyphBuilder
	c.add(f.redrawn(1), 1000, 0)
	whole.tables["glyf"], whole.tables["loca"] = c.glyf, c.loca
	require.False(t, whole.composite(0))
	var want, got vector.Path
	f.trace(&want, 1, vector.Matrix{A: 2, D: 2})
	whole.trace(&got, 0, vector.Identity)
	require.Equal(t, want, got)
	require.Equal(t, [4]int{0, -20, 640, 600}, c.box)
	require.Equal(t, 8, c.points)
}

func sums(t *testing.T, ttf []byte) {
	t.Helper()
	for i := range int(be.Uint16(ttf[4:])) {
		rec := ttf[12+16*i:]
		start, size := be.Uint32(rec[8:]), be.Uint32(rec[12:])
		sum := uint32(0)
		for k := start; k < start+size; k += 4 {
			sum += be.Uint32(ttf[k:])
		}
		require.Equal(t, be.Uint32(rec[4:]), sum, "checksum of %s", rec[:4])
	}
}

// What one font cannot hold goes on in the next, and a text is cut where fonts change.
func TestSubsetOfManyFonts(t *testing.T) {
	var s Subset
	var text []rune
	rare := get(t, RareB)
	for r := range rare.Runes {
		if text = append(text, r); len(text) == 3*len(codes)-1 {
			break
		}
	}
	pieces := s.Encode(rare, string(text))
	require.Len(t, pieces, 3)
	require.Equal(t, 3, s.Fonts())
	var got []rune
	for i, piece := range pieces {
		require.Equal(t, i, piece.Font)
		meanings := map[byte]rune{}
		for code, r := range s.Runes(i) {
			require.NotContains(t, " ()\\\x7f\xa0\xad", string([]byte{code}))
			require.GreaterOrEqual(t, code, byte(' '))
			meanings[code] = r
		}
		_, err := parse("cut", s.Cut(i).File)
		require.NoError(t, err)
		for _, code := range []byte(piece.Codes) {
			got = append(got, meanings[code])
		}
	}
	require.Equal(t, string(text), string(got))

	// Back and forth: the first font's glyphs are there to stay.
	pieces = s.Encode(rare, string([]rune{text[0], text[1], text[len(codes)], text[0]}))
	require.Len(t, pieces, 3)
	require.Equal(t, []int{0, 1, 0}, []int{pieces[0].Font, pieces[1].Font, pieces[2].Font})
	require.Equal(t, 3, s.Fonts())
	require.Empty(t, s.Encode(rare, ""))
	require.Zero(t, new(Subset).Fonts())
}

func TestPick(t *testing.T) {
	for text, want := range map[string][]ID{
		"王小明":             {Bold},
		"\u3401":          {Regular},      // not in Bold, so the whole name is regular
		"王\U00020BB7":     {RareA, RareB}, // one style for the whole name
		"李\U0002CC5F":     {Bold},
		"𰻝\U0002C386":     {Regular, RareB}, // no style draws both
		"":                {Bold},
		"欧阳\U0002C386 A·": {RareA, RareB, RareA},
	} {
		runs, missing, err := Pick(text, Bold, Regular)
		require.NoError(t, err)
		require.Empty(t, missing)
		var got []ID
		all := ""
		for _, r := range runs {
			got = append(got, r.Font.ID)
			all += r.Text
		}
		require.Equal(t, want, got, text)
		require.Equal(t, text, all)
	}
	_, missing, err := Pick("王\U000323B0\U000323B0", Bold)
	require.NoError(t, err)
	require.Equal(t, []rune{0x323B0}, missing)
}

func TestDamagedFont(t *testing.T) {
	data, err := Data(Bold)
	require.NoError(t, err)
	for _, n := range []int{0, 3, 40, 500, len(data) / 2} {
		_, err := parse("cut", bytes.Clone(data[:n]))
		require.Error(t, err)
	}
	_, err = Get("none")
	require.Error(t, err)
}
