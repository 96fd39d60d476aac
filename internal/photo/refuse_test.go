package photo

import (
	"bytes"
	"compress/zlib"
	_ "embed"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"volcard/internal/fault"
	"volcard/internal/photo/phototest"
)

//go:embed testdata/cmyk.jpg
var cmyk []byte

// refused returns the reasons of a refusal.
func refused(t *testing.T, raw []byte, c Crop) []Code {
	t.Helper()
	p, err := Make(t.Context(), raw, c)
	require.Error(t, err, "was taken as %s %v", p.Verdict, p.Findings)
	assert.Empty(t, p)
	var r *Refusal
	require.ErrorAs(t, err, &r, "%v", err)
	require.True(t, fault.Is(err, fault.Invalid))
	require.Equal(t, r.Reasons[0].Text()+r.Reasons[0].Fix(), fault.Sentence(err))
	var codes []Code
	for _, f := range r.Reasons {
		codes = append(codes, f.Code)
	}
	return codes
}

func TestRefusedFiles(t *testing.T) {
	good, png := phototest.Good(), phototest.PNG(phototest.Astronaut())
	ftyp := func(brands string) []byte {
		return append([]byte{0, 0, 0, byte(8 + len(brands)), 'f', 't', 'y', 'p'}, brands...)
	}
	half := good[: len(good)/2 : len(good)/2]
	adobe := func(transform byte) []byte { return append([]byte("Adobe\x00\x64\x00\x00\x00\x00"), transform) }
	for name, c := range map[string]struct {
		raw  []byte
		code Code
	}{
		"0 bytes":                {nil, Empty},
		"13 MB":                  {append(bytes.Clone(good), make([]byte, 13<<20)...), TooManyBytes},
		"text named .jpg":        {[]byte("这不是照片"), NotAPicture},
		"one byte":               {[]byte{0xff}, NotAPicture},
		"web page":               {[]byte("<!doctype html><img src=x onerror=alert(1)>"), NotAPicture},
		"drawing":                {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), NotAPicture},
		"PDF":                    {[]byte("%PDF-1.7\n"), NotAPicture},
		"film":                   {ftyp("isom\x00\x00\x02\x00isomavc1mp41"), NotAPicture},
		"iPhone":                 {ftyp("heic\x00\x00\x00\x00mif1MiHEheic"), HEIC},
		"Samsung":                {ftyp("mif1\x00\x00\x00\x00mif1heic"), HEIC},
		"AVIF":                   {ftyp("avif\x00\x00\x00\x00mif1avif"), AVIF},
		"AVIF by its second":     {ftyp("mif1\x00\x00\x00\x00mif1avif"), AVIF},
		"WebP":                   {[]byte("RIFF\x00\x00\x00\x00WEBPVP8 "), WebP},
		"GIF":                    {[]byte("GIF89a\x01\x00\x01\x00"), GIF},
		"BMP":                    {[]byte("BM\x00\x00\x00\x00"), BMP},
		"TIFF":                   {[]byte("II*\x00\x08\x00\x00\x00"), TIFF},
		"Photoshop":              {[]byte("8BPS\x00\x01"), OtherFormat},
		"JPEG begins":            {good[:3], Damaged},
		"JPEG, half":             {half, Damaged},
		"JPEG, half, with end":   {append(half, 0xff, 0xd9), Damaged},
		"JPEG, no scan":          {[]byte("\xff\xd8\xff\xd9"), Damaged},
		"JPEG, long segment":     {[]byte("\xff\xd8\xff\xe1\xff\xff"), Damaged},
		"JPEG, short segment":    {[]byte("\xff\xd8\xff\xe1\x00\x01\xff\xd9"), Damaged},
		"JPEG, nearly whole":     {good[:len(good)-500], Damaged},
		"JPEG, arithmetic":       {patched(t, good, "\xff\xc0", "\xff\xc9"), RareJPEG},
		"JPEG, 12 bits":          {patched(t, good, "\xff\xc0\x00\x11\x08", "\xff\xc0\x00\x11\x0c"), RareJPEG},
		"JPEG, CMYK":             {cmyk, PrintColours},
		"JPEG, 10 million scans": {scans(good, 200), OtherFormat},
		"PNG begins":             {png[:20], Damaged},
		"PNG, half":              {png[:len(png)/2], Damaged},
		"PNG, nearly whole":      {png[:len(png)-200], Damaged},
		"PNG, no pixels":         {png[:33], Damaged},
		"PNG, wrong sum of data": {brokenData(png), Damaged},
		"PNG, animated":          {chunked(png, "acTL", make([]byte, 8)), Animated},
		"PNG, wrong sum":         {patched(t, png, "IDAT", "IDAt"), Damaged},
		"bomb, PNG":              {pngOf(30000, 30000, 8), TooManyPixels},
		"bomb, PNG, 16 bits":     {pngOf(6000, 6000, 16), TooManyPixels},
		"bomb, PNG, 2³¹":         {pngOf(math.MaxInt32, math.MaxInt32, 8), Damaged},
		"bomb, JPEG":             {resized(t, good, 30000, 30000), TooManyPixels},
		"bomb, JPEG, narrow":     {resized(t, good, 65535, 700), TooManyPixels},
		"bomb, RGB by Adobe":     {resized(t, phototest.WithSegment(good, 0xee, adobe(0)), 6200, 6200), TooManyPixels},
		"bomb, RGB by names":     {resized(t, named(t, good), 6200, 6200), TooManyPixels},
		"large, but no bomb":     {resized(t, phototest.WithSegment(good, 0xee, adobe(1)), 6200, 6200), Damaged},
		"bomb, progressive":      {resized(t, patched(t, good, "\xff\xc0", "\xff\xc2"), 6200, 6200), TooManyPixels},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, []Code{c.code}, refused(t, c.raw, Crop{})) })
	}
}

// T69: what every browser shows is decoded, or named as what it is. The files have no face, so that all of them
// get the answer of the whole one.
func TestFilesThatBrowsersShow(t *testing.T) {
	names, err := filepath.Glob("testdata/browsers/*")
	require.NoError(t, err)
	require.Len(t, names, 9)
	for _, name := range names {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		want := NoFace
		if strings.Contains(name, "sampled-unlike") {
			want = RareJPEG
		}
		assert.Equal(t, want, refused(t, raw, Crop{})[0], name)
	}
	// The same faults on portraits that are taken, compared with the whole file's pixels.
	good, plain := phototest.Good(), phototest.PNG(phototest.Astronaut())
	noEnd := good[: len(good)-2 : len(good)-2]
	jpegOf := mustMake(t, good, whole).JPEG
	for name, raw := range map[string][]byte{
		"no end": noEnd, "a phone's trailer": append(bytes.Clone(noEnd), "\x00\x01SEFT\xff\x10\x00\xff"...), "a marker cut short": append(bytes.Clone(noEnd), 0xff),
		"a trailer behind the end": append(bytes.Clone(good), make([]byte, 300)...), "fill bytes": append(bytes.Clone(noEnd), 0xff, 0xff, 0xff, 0xd9),
	} {
		assert.Equal(t, jpegOf, mustMake(t, raw, whole).JPEG, name)
	}
	pngOf := mustMake(t, plain, whole).JPEG
	remark := chunked(plain, "tEXt", []byte("Comment\x00x"))
	remark[33+8] ^= 1
	for name, raw := range map[string][]byte{
		"no end": plain[:len(plain)-12], "wrong sum in a remark": remark, "surplus": surplus(t, plain), "something behind": append(bytes.Clone(plain), "trailer"...),
	} {
		assert.Equal(t, pngOf, mustMake(t, raw, whole).JPEG, name)
	}
}

// surplus adds a line of pixels to the data of a PNG.
func surplus(t *testing.T, raw []byte) []byte {
	t.Helper()
	h, err := readPNG(raw)
	require.NoError(t, err)
	var data []byte
	for _, piece := range h.pieces {
		if len(piece) > 12 && string(piece[4:8]) == "IDAT" {
			data = append(data, piece[8:len(piece)-4]...)
		}
	}
	r, err := zlib.NewReader(bytes.NewReader(data))
	require.NoError(t, err)
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	_, err = io.Copy(w, io.MultiReader(r, bytes.NewReader(make([]byte, 1+4*h.width))))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return bytes.Join([][]byte{raw[:33], chunk("IDAT", packed.Bytes()), chunk("IEND", nil)}, nil)
}

// The length of a picture's data for every depth, colour and both orders of lines is the one that Go's encoder
// or the specification's own example gives.
func TestPixelBytes(t *testing.T) {
	for _, c := range []struct {
		width, height         uint32
		depth, colour, passes byte
		want                  int64
	}{
		{8, 8, 8, 6, 0, 8 * 33},
		{3, 2, 1, 0, 0, 2 * 2},
		{9, 1, 1, 3, 0, 3},
		{5, 4, 16, 2, 0, 4 * 31},
		{2, 2, 8, 4, 0, 2 * 5},
		{8, 8, 8, 0, 1, 2 + 2 + 3 + 2*3 + 2*5 + 4*5 + 4*9},
		{1, 1, 8, 2, 1, 4},
		{1, 2, 8, 0, 1, 2 + 2},
	} {
		head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, c.width), c.height)
		assert.Equal(t, c.want, pixelBytes(append(head, c.depth, c.colour, 0, 0, c.passes)), "%+v", c)
	}
}

// patched replaces the first occurrence of some bytes.
func patched(t *testing.T, raw []byte, from, to string) []byte {
	t.Helper()
	require.Contains(t, string(raw), from)
	return bytes.Replace(raw, []byte(from), []byte(to), 1)
}

// resized makes a JPEG claim another size.
func resized(t *testing.T, raw []byte, width, height uint16) []byte {
	t.Helper()
	out := bytes.Clone(raw)
	at := max(bytes.Index(out, []byte("\xff\xc0\x00\x11")), bytes.Index(out, []byte("\xff\xc2\x00\x11")))
	require.Positive(t, at)
	binary.BigEndian.PutUint16(out[at+5:], height)
	binary.BigEndian.PutUint16(out[at+7:], width)
	return out
}

// named calls the colours of a JPEG R, G and B.
func named(t *testing.T, raw []byte) []byte {
	t.Helper()
	out := bytes.Clone(raw)
	for _, segment := range []struct {
		marker      string
		first, step int
	}{{"\xff\xc0\x00\x11", 10, 3}, {"\xff\xda\x00\x0c", 5, 2}} {
		at := bytes.Index(out, []byte(segment.marker))
		require.Positive(t, at)
		for i, name := range []byte("RGB") {
			out[at+segment.first+i*segment.step] = name
		}
	}
	return out
}

// scans repeats the head of the scan, each of which a decoder answers with a walk over the picture.
func scans(raw []byte, n int) []byte {
	at := bytes.Index(raw, []byte("\xff\xda"))
	head := raw[at : at+14]
	return bytes.Join([][]byte{raw[:at], bytes.Repeat(head, n), raw[at:]}, nil)
}

// brokenData changes a byte in the middle of a PNG's data.
func brokenData(raw []byte) []byte {
	out := bytes.Clone(raw)
	out[len(out)/2] ^= 0x40
	return out
}

// chunked puts a chunk behind the head of a PNG.
func chunked(raw []byte, name string, body []byte) []byte {
	const head = 8 + 25
	return bytes.Join([][]byte{raw[:head], chunk(name, body), raw[head:]}, nil)
}

func chunk(name string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(append(out, name...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// pngOf is a small file that claims a size.
func pngOf(width, height uint32, depth byte) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	head = append(head, depth, 6, 0, 0, 0)
	return bytes.Join([][]byte{[]byte(pngMagic), chunk("IHDR", head), chunk("IDAT", make([]byte, 64)), chunk("IEND", nil)}, nil)
}

// A polyglot is taken for the picture that it is, and what else it is gets lost; a picture that
// begins as something else is that.
func TestPolyglot(t *testing.T) {
	good := phototest.Good()
	assert.Equal(t, []Code{NotAPicture}, refused(t, append([]byte("<script>"), good...), Crop{}))
	script := phototest.WithSegment(good, 0xfe, []byte("*/=alert(1);/*<?php system($_GET[0]);?>"))
	out := mustMake(t, script, whole).JPEG
	assert.NotContains(t, string(out), "alert")
	assert.Equal(t, mustMake(t, good, whole).JPEG, out)
}

func TestRefusedCrops(t *testing.T) {
	raw := phototest.Good() // 780 × 900
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		crop Crop
		code Code
	}{
		{Crop{X: -2, Y: 0, W: 500, H: 700}, CropOutside},
		{Crop{X: 0, Y: -2, W: 500, H: 700}, CropOutside},
		{Crop{X: 282, Y: 0, W: 500, H: 700}, CropOutside},
		{Crop{X: 0, Y: 202, W: 500, H: 700}, CropOutside},
		{Crop{X: 0, Y: 0, W: 5000, H: 7000}, CropOutside},
		{Crop{X: 0, Y: 0, W: 500}, CropOutside},
		{Crop{X: 0, Y: 0, H: 700}, CropOutside},
		{Crop{X: 0, Y: 0, W: -500, H: -700}, CropOutside},
		{Crop{X: nan, Y: 0, W: 500, H: 700}, CropOutside},
		{Crop{X: 0, Y: 0, W: inf, H: inf}, CropOutside},
		{Crop{X: 1e300, Y: 1e300, W: 500, H: 700}, CropOutside},
		{Crop{X: 0, Y: 0, W: 500, H: 700, Rotate: 45}, CropOutside},
		{Crop{Rotate: 1}, CropOutside},
		{Crop{X: 0, Y: 0, W: 500, H: 500}, WrongRatio},
		{Crop{X: 0, Y: 0, W: 700, H: 500}, WrongRatio},
		{Crop{X: 0, Y: 0, W: 480, H: 700}, WrongRatio},
		// Turned, the picture is 900 × 780.
		{Crop{X: 0, Y: 0, W: 600, H: 840, Rotate: 90}, CropOutside},
	} {
		assert.Equal(t, []Code{c.code}, refused(t, raw, c.crop), "%+v", c.crop)
	}
	assert.Contains(t, refused(t, raw, Crop{X: 300, Y: 300, W: 1, H: 1.4}), TooSmall)
	// A browser's rounding is no offence.
	mustMake(t, raw, Crop{X: 60.3, Y: -0.4, W: 643.2, H: 900.5})
}

func TestGate(t *testing.T) {
	img, wall := phototest.Astronaut(), phototest.Portrait()
	faint := func(f float64) func(float64) float64 { return func(v float64) float64 { return v * f } }
	white := func(f float64) func(float64) float64 { return func(v float64) float64 { return v + f } }
	size := img.Bounds()
	for name, c := range map[string]struct {
		img     image.Image
		crop    Crop
		verdict Verdict // "" for refused
		codes   []Code
	}{
		"good":             {img, whole, Clear, nil},
		"good, white wall": {wall, Crop{}, Clear, nil},
		"a little small":   {img, Crop{X: 200, Y: 60, W: 280, H: 392}, Doubtful, []Code{TooSmall, FaceCut}},
		"small":            {phototest.Scale(img, 240, 277), Crop{}, "", []Code{TooSmall}},
		"black":            {image.NewGray(size), Crop{}, "", []Code{Dark}},
		"dark":             {phototest.Map(img, faint(0.25)), whole, Doubtful, []Code{Dark}},
		"dim":              {phototest.Map(img, faint(0.5)), whole, Doubtful, []Code{Dark}},
		"bright":           {phototest.Map(wall, white(120)), Crop{}, Doubtful, []Code{Overexposed}},
		"white":            {phototest.Map(wall, white(255)), Crop{}, "", []Code{Overexposed, NoFace}},
		"a wall":           {plain(size, 160), Crop{}, "", []Code{NoFace}},
		"two people":       {phototest.Beside(wall, wall), Crop{}, "", []Code{SeveralFaces}},
		"two in the crop":  {phototest.Beside(narrow(wall), narrow(wall)), Crop{X: 0, Y: 0, W: 571, H: 800}, "", []Code{SeveralFaces}},
		"far away":         {phototest.Part(img, image.Rect(-700, -500, 1300, 2300)), Crop{X: 0, Y: 0, W: 2000, H: 2800}, "", []Code{FaceSmall}},
		"a little far":     {phototest.Part(img, image.Rect(-200, -100, 900, 1440)), Crop{X: 0, Y: 0, W: 1100, H: 1540}, Doubtful, []Code{FaceSmall}},
		"hair cut":         {img, Crop{X: 130, Y: 180, W: 428, H: 599}, Doubtful, []Code{FaceCut}},
		"at the edge":      {img, Crop{X: 0, Y: 0, W: 450, H: 630}, Doubtful, []Code{FaceCut}},
		"half a face":      {img, Crop{X: 340, Y: 0, W: 440, H: 616}, "", []Code{NoFace}},
		"a little blurred": {phototest.Blur(img, 8), whole, Doubtful, []Code{Blurred}},
		"blurred":          {phototest.Blur(img, 20), whole, "", []Code{Blurred}},
		"on its side":      {phototest.Stored(img, 6), Crop{X: 150, Y: 0, W: 557, H: 780}, "", []Code{Sideways}},
		"on its head":      {phototest.Stored(img, 3), whole, "", []Code{Sideways}},
		"before a flag":    {striped(img), whole, Doubtful, []Code{BusyBackground}},
		"large face":       {phototest.Scale(wall, 1000, 1250), Crop{X: 50, Y: 0, W: 890, H: 1246}, Clear, nil},
	} {
		t.Run(name, func(t *testing.T) {
			raw := phototest.JPEG(c.img)
			if c.verdict == "" {
				assert.Equal(t, c.codes, refused(t, raw, c.crop))
				return
			}
			p := mustMake(t, raw, c.crop)
			var codes []Code
			for _, f := range p.Findings {
				codes = append(codes, f.Code)
			}
			assert.Equal(t, c.verdict, p.Verdict)
			assert.Equal(t, c.codes, codes)
		})
	}
}

// T75: a picture without colour, toned or with a cast goes to a reviewer, whoever is on it; a coloured wall
// and lamplight do not.
func TestOddColours(t *testing.T) {
	tone := func(img *image.RGBA, change func(r, g, b float64) (float64, float64, float64)) *image.RGBA {
		out := phototest.Part(img, img.Bounds())
		for i := 0; i < len(out.Pix); i += 4 {
			r, g, b := change(float64(out.Pix[i]), float64(out.Pix[i+1]), float64(out.Pix[i+2]))
			for k, v := range []float64{r, g, b} {
				out.Pix[i+k] = uint8(min(max(v, 0), 255))
			}
		}
		return out
	}
	light := func(r, g, b float64) float64 { return 0.299*r + 0.587*g + 0.114*b }
	for who, img := range map[string]*image.RGBA{"astronaut": phototest.Astronaut(), "portrait": phototest.Portrait()} {
		for name, c := range map[string]struct {
			change func(r, g, b float64) (float64, float64, float64)
			odd    bool
		}{
			"as it is":   {func(r, g, b float64) (float64, float64, float64) { return r, g, b }, false},
			"lamplight":  {func(r, g, b float64) (float64, float64, float64) { return r * 1.06, g, b * 0.88 }, false},
			"cool light": {func(r, g, b float64) (float64, float64, float64) { return r * 0.96, g, b * 1.06 }, false},
			"less colour": {func(r, g, b float64) (float64, float64, float64) {
				l := light(r, g, b)
				return (r + l) / 2, (g + l) / 2, (b + l) / 2
			}, false},
			"grey": {func(r, g, b float64) (float64, float64, float64) { l := light(r, g, b); return l, l, l }, true},
			"sepia": {func(r, g, b float64) (float64, float64, float64) {
				l := light(r, g, b)
				return l * 1.07, l * 0.92, l * 0.72
			}, true},
			"blue tone":   {func(r, g, b float64) (float64, float64, float64) { l := light(r, g, b); return l * 0.8, l, l * 1.25 }, true},
			"blue cast":   {func(r, g, b float64) (float64, float64, float64) { return r * 0.6, g * 0.9, b * 1.4 }, true},
			"green cast":  {func(r, g, b float64) (float64, float64, float64) { return r * 0.7, g * 1.2, b * 0.8 }, true},
			"red cast":    {func(r, g, b float64) (float64, float64, float64) { return r * 1.5, g * 0.6, b * 0.6 }, true},
			"yellow cast": {func(r, g, b float64) (float64, float64, float64) { return r * 1.1, g * 1.05, b * 0.2 }, true},
		} {
			p, err := Make(t.Context(), phototest.JPEG(tone(img, c.change)), Crop{})
			require.NoError(t, err, "%s, %s", who, name)
			assert.Equal(t, c.odd, slices.Contains(p.Findings, Finding{OddColours}), "%s, %s: %v", who, name, p.Findings)
			if c.odd {
				assert.Equal(t, Doubtful, p.Verdict)
			}
		}
	}
}

// The finder is a hint: a cat may get past it, but never past everybody.
func TestGateShowsACatToSomebody(t *testing.T) {
	cat := phototest.Cat()
	for width := 600; width <= 1800; width += 300 {
		p, err := Make(t.Context(), phototest.JPEG(phototest.Scale(cat, width, width*2/3)), Crop{})
		findings := p.Findings
		var r *Refusal
		if errors.As(err, &r) {
			findings = r.Reasons
		}
		assert.Contains(t, findings, Finding{NoFace}, "%d pixels wide", width)
	}
}

// plain is a picture of nothing but grey.
func plain(r image.Rectangle, v byte) image.Image {
	out := image.NewGray(r)
	for i := range out.Pix {
		out.Pix[i] = v
	}
	return out
}

// narrow is a portrait small enough that two fit into one crop.
func narrow(img image.Image) image.Image {
	return phototest.Part(phototest.Scale(img, 285, 356), image.Rect(0, -200, 285, 600))
}

// striped paints stripes beside the head.
func striped(img *image.RGBA) *image.RGBA {
	out := phototest.Part(img, img.Bounds())
	for y := range 500 {
		for x := range 780 {
			if (x < 170 || x > 600) && (x+y)/12%2 == 0 {
				out.SetRGBA(x, y, color.RGBA{R: 200, A: 255})
			}
		}
	}
	return out
}

// Every code can be said to a person.
func TestReasonsAreWhole(t *testing.T) {
	seen := map[Code]bool{}
	for _, r := range reasons {
		assert.False(t, seen[r.code], "%s stands twice", r.code)
		seen[r.code] = true
		f := Finding{r.code}
		assert.NotEmpty(t, f.Text())
		assert.NotEmpty(t, f.Fix())
		for _, button := range []string{"左转", "右转", "放大", "缩小", "裁剪", "虚线"} {
			assert.NotContains(t, f.FixWithoutTools(), "“"+button+"”", r.code)
			assert.False(t, strings.Contains(f.FixWithoutTools(), "重新裁剪") || strings.Contains(f.FixWithoutTools(), "虚线"), r.code)
		}
		for _, sentence := range []string{f.Text(), f.Fix(), f.FixWithoutTools()} {
			last, _ := utf8.DecodeLastRuneInString(sentence)
			assert.Equal(t, '。', last, "%s: %s", r.code, sentence)
		}
	}
	for _, c := range []Code{
		Empty, TooManyBytes, NotAPicture, HEIC, OtherFormat, Animated, Damaged, TooManyPixels, PrintColours, CropOutside, WrongRatio,
		TooSmall, Dark, Overexposed, NoFace, Sideways, SeveralFaces, FaceSmall, FaceCut, Blurred, BusyBackground,
		WebP, GIF, BMP, TIFF, AVIF, RareJPEG, OddColours,
	} {
		assert.True(t, seen[c], "%s has no row", c)
	}
	assert.NotEmpty(t, Finding{"a code of the past"}.Text())
}

func FuzzMake(f *testing.F) {
	small := phototest.Scale(phototest.Astronaut(), 39, 45)
	for _, raw := range [][]byte{
		phototest.JPEG(small), phototest.Oriented(small, 6), phototest.PNG(small), cmyk, pngOf(30000, 30000, 8),
		chunked(phototest.PNG(small), "eXIf", []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00\x00")),
		[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1"),
	} {
		f.Add(raw, 1.0, 1.0, 25.0, 35.0, 0)
		f.Add(raw, 0.0, 0.0, 0.0, 0.0, 90)
	}
	f.Fuzz(func(t *testing.T, raw []byte, x, y, w, h float64, rotate int) {
		if head, err := inspect(raw); err == nil && head.width*head.height > 1<<16 {
			return // slow, and no other
		}
		p, err := Make(t.Context(), raw, Crop{x, y, w, h, rotate})
		var r *Refusal
		switch {
		case err == nil:
			if got := shown(t, p).Bounds(); got != image.Rect(0, 0, Width, Height) || len(p.JPEG) > maxJPEG {
				t.Fatalf("%v, %d bytes", got, len(p.JPEG))
			}
		case !errors.As(err, &r) || len(r.Reasons) == 0:
			t.Fatalf("no refusal: %v", err)
		}
	})
}
