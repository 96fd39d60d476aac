package fonts

import (
	"bytes"
	"math"
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

// The files of a subset draw what the fonts draw, composites included, and mix weights.
func TestSubset(t *testing.T) {
	regular, bold, rare := get(t, Regular), get(t, Bold), get(t, RareB)
	composites := []rune{}
	for r := range regular.Runes {
		if d := regular.outline(regular.glyph(r)); len(d) > 0 && be.Uint16(d)&0x8000 != 0 && len(composites) < 40 {
			composites = append(composites, r)
		}
	}
	var s Subset
	texts := []struct {
		font *Font
		text string
	}{{regular, "王王 阿·"}, {bold, "王证"}, {rare, "\U00020BB7"}, {regular, string(composites)}}
	type drawn struct {
		file  int
		glyph uint16
		font  *Font
		r     rune
	}
	var all []drawn
	for _, x := range texts {
		file, glyphs, err := s.Encode(x.font, x.text)
		require.NoError(t, err)
		for i, r := range []rune(x.text) {
			all = append(all, drawn{file, glyphs[i], x.font, r})
		}
	}
	require.Equal(t, all[0].glyph, all[1].glyph, "a glyph is taken once")
	files := s.Files()
	require.Len(t, files, 2)
	again := s.Files()
	for i := range files {
		require.True(t, bytes.Equal(files[i].TTF, again[i].TTF))
	}
	for _, d := range all {
		f := files[d.file]
		require.Equal(t, d.r, f.Runes[d.glyph])
		require.InDelta(t, d.font.Advance(d.r)*1000, f.Widths[d.glyph], 0.51)
		cut := reread(t, f.TTF)
		var got vector.Path
		em := 1 / float64(cut.UnitsPerEm)
		cut.trace(&got, d.glyph, vector.Matrix{A: em, D: -em}, 0)
		require.Equal(t, d.font.Outline(d.r), got, "U+%04X", d.r)
	}
}

// reread opens a cut file, which has no cmap.
func reread(t *testing.T, ttf []byte) *Font {
	t.Helper()
	f := &Font{tables: map[string][]byte{}, longLoca: true}
	for i := range int(be.Uint16(ttf[4:])) {
		rec := ttf[12+16*i:]
		start, size := be.Uint32(rec[8:]), be.Uint32(rec[12:])
		f.tables[string(rec[:4])] = ttf[start : start+size]
		sum := uint32(0)
		for k := start; k < start+size; k += 4 {
			sum += be.Uint32(ttf[k:])
		}
		require.Equal(t, be.Uint32(rec[4:]), sum, "checksum of %s", rec[:4])
	}
	f.UnitsPerEm = int(be.Uint16(f.tables["head"][18:]))
	f.glyphs = int(be.Uint16(f.tables["maxp"][4:]))
	return f
}

func TestSubsetHasALimit(t *testing.T) {
	var s Subset
	rare := get(t, RareB)
	var err error
	for r := range rare.Runes {
		if _, _, err = s.Encode(rare, string(r)); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, ErrTooManyGlyphs)
	require.Less(t, len(s.Files()[0].Runes), math.MaxUint16)
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
