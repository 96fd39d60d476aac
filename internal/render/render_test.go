package render_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"volcard/internal/fault"
	"volcard/internal/render"
	"volcard/internal/render/rendertest"
)

func TestMissing(t *testing.T) {
	for _, name := range rendertest.Names {
		require.Empty(t, render.Missing(name), name)
	}
	for text, want := range map[string]string{
		"":              "",
		"王\U000323B0":   "\U000323B0", // beyond every block of GB 18030-2022
		"王\U0002EBF0伟":  "\U0002EBF0",
		"a\nb":          "\n",
		"王\uE000\uE000": "\uE000",
		"x\u200d\ufe0f": "\u200d\ufe0f",
	} {
		require.Equal(t, want, string(render.Missing(text)), "%q", text)
	}
}

func TestLayoutRefusesWhatItCannotDraw(t *testing.T) {
	_, err := render.Layout(generalFace(t), render.CardData{HolderName: "王\U000323B0"})
	require.ErrorIs(t, err, render.ErrMissingGlyph)
	require.True(t, fault.Is(err, fault.Invalid))
	require.NotContains(t, err.Error(), "王", "an error must not carry a name")

	_, err = render.Layout(generalFace(t), render.CardData{HolderName: strings.Repeat("长", 400)})
	require.True(t, fault.Is(err, fault.Invalid))

	_, err = render.Layout(generalFace(t), render.CardData{QR: strings.Repeat("a", 1500)})
	require.Error(t, err, "modules below 0.4 mm do not scan")

	_, err = render.Layout(nil, render.CardData{})
	require.Error(t, err)
}

// Equal cards have equal hashes and bytes; any change that can be seen changes both.
func TestHash(t *testing.T) {
	base := rendertest.Card("王𠮷")
	hash := layout(t, base).Hash()
	require.Equal(t, hash, layout(t, rendertest.Card("王𠮷")).Hash())

	seen := map[[32]byte]string{hash: "the card itself"}
	for what, change := range map[string]func(*render.CardData){
		"edition": func(d *render.CardData) { d.Edition = "常规版" },
		"name":    func(d *render.CardData) { d.HolderName = "王吉" },
		"number":  func(d *render.CardData) { d.CardNumber = "42260000000294" },
		"issued":  func(d *render.CardData) { d.IssuedOn = d.IssuedOn.AddDate(0, 0, 1) },
		"expires": func(d *render.CardData) { d.ExpiresOn = d.ExpiresOn.AddDate(0, 0, 1) },
		"qr":      func(d *render.CardData) { d.QR += "A" },
		"no qr":   func(d *render.CardData) { d.QR = "" },
	} {
		data := base
		change(&data)
		h := layout(t, data).Hash()
		require.Empty(t, seen[h], what)
		seen[h] = what
	}
}

func TestDatesAreShanghai(t *testing.T) {
	data := rendertest.Card("王小明")
	late := data
	data.IssuedOn = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	late.IssuedOn = time.Date(2026, 11, 23, 16, 30, 0, 0, time.UTC) // 00:30 on the 24th in Wuhan
	require.Equal(t, layout(t, data).Hash(), layout(t, late).Hash())
}

func TestSameInputSameBytes(t *testing.T) {
	data := rendertest.Card("阿卜杜热合曼·买买提")
	options := render.PDFOptions{Date: data.IssuedOn, CropMarks: true, Title: "电子证"}
	want, err := render.PDF(options, layout(t, data))
	require.NoError(t, err)

	// Many at once: fonts, art and QR plans are shared.
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			list := layout(t, data)
			got, err := render.PDF(options, list)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("another PDF: %v", err)
			}
			if _, err := render.JPEG(list, render.Back, 320); err != nil {
				t.Error(err)
			}
			if _, err := render.SVG(list, render.Front, "x"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// T13: every field empty, and every other combination.
func TestEveryFieldMayBeEmpty(t *testing.T) {
	for _, name := range []string{"general", "changjiang"} {
		face := facesOf(t)[name]
		for mask := range 1 << 8 {
			data := rendertest.RegularCard("李𬱟", 1)
			for i, clearField := range []func(){
				func() { data.Edition = "" }, func() { data.HolderName = "" }, func() { data.CardNumber = "" },
				func() { data.VolunteerNo = "" }, func() { data.IssuedOn = time.Time{} },
				func() { data.ExpiresOn = time.Time{} }, func() { data.QR = "" }, func() { data.Photo = nil },
			} {
				if mask>>i&1 == 1 {
					clearField()
				}
			}
			list, err := render.Layout(face, data)
			require.NoError(t, err, "fields %08b", mask)
			_, err = render.PDF(render.PDFOptions{}, list)
			require.NoError(t, err)
			_, err = render.SVG(list, render.Front, "f")
			require.NoError(t, err)
		}
	}
}

// T14: whatever a name holds, drawing it ends in a card or a fault, never in a panic.
func TestAnyRunesNeverPanic(t *testing.T) {
	face := generalFace(t)
	rapid.Check(t, func(rt *rapid.T) { drawAny(rt, face, rapid.String().Draw(rt, "name"), rapid.String().Draw(rt, "qr")) })
	rapid.Check(t, func(rt *rapid.T) {
		// Names of rare Han, mixed with common ones.
		rare := rapid.SampledFrom([]rune("王买·𠮷𬎆𰻝䶮㛃鿍𬱟\U0002A6DF\U0002EBE0\U000323AF\u3000 "))
		drawAny(rt, face, string(rapid.SliceOfN(rare, 0, 50).Draw(rt, "name")), "HTTPS://ZYZ.EXAMPLE/")
	})
}

func FuzzName(f *testing.F) {
	for _, name := range rendertest.Names {
		f.Add(name, "HTTPS://ZYZ.EXAMPLE/V/A")
	}
	face := generalFace(f)
	f.Fuzz(func(t *testing.T, name, qr string) { drawAny(t, face, name, qr) })
}

type fataler interface {
	Fatalf(format string, args ...any)
}

func drawAny(t fataler, face *render.Face, name, qr string) {
	list, err := render.Layout(face, render.CardData{HolderName: name, QR: qr, CardNumber: name, Edition: name})
	if err != nil {
		if fault.KindOf(err) == fault.Internal && !strings.Contains(err.Error(), "二维码") {
			t.Fatalf("layout of %q: %v", name, err)
		}
		return
	}
	if len(render.Missing(strings.ReplaceAll(name, "\n", ""))) > 0 && strings.TrimSpace(name) != "" {
		t.Fatalf("%q was laid out although glyphs are missing", name)
	}
	if _, err := render.PDF(render.PDFOptions{}, list); err != nil {
		t.Fatalf("PDF of %q: %v", name, err)
	}
	if _, err := render.Picture(list, render.Front, 200); err != nil {
		t.Fatalf("picture of %q: %v", name, err)
	}
}

func TestPictureSizes(t *testing.T) {
	list := layout(t, rendertest.Card("王小明"))
	img, err := render.Picture(list, render.Front, 0)
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 1011, 637), img.Bounds())
	for _, width := range []int{-1, 5, 100_000} {
		_, err = render.Picture(list, render.Front, width)
		require.True(t, fault.Is(err, fault.Invalid), width)
	}
	_, err = render.Picture(list, "edge", 0)
	require.Error(t, err)
	_, err = render.SVG(list, "edge", "x")
	require.Error(t, err)
	data, err := render.JPEG(list, render.Front, 0)
	require.NoError(t, err)
	_, err = jpeg.Decode(bytes.NewReader(data))
	require.NoError(t, err)
}

// A face with a photo needs no Go code: the regular edition draws on the same elements.
func TestFaceWithPhoto(t *testing.T) {
	faces, err := render.LoadFaces(withFace(t, func(face map[string]any) {
		elements := face["front"].(map[string]any)["elements"].([]any)
		face["front"].(map[string]any)["elements"] = append(elements, map[string]any{"kind": "photo", "box": []float64{56, 16, 22, 30}, "radius": 1.5})
	}))
	require.NoError(t, err)
	face, err := faces.Face("sample")
	require.NoError(t, err)
	require.Equal(t, []string{"sample"}, faces.Names("general"))
	_, err = faces.Face("none")
	require.True(t, fault.Is(err, fault.NotFound))

	photo := image.NewRGBA(image.Rect(0, 0, render.PhotoWidth, render.PhotoHeight))
	draw.Draw(photo, photo.Bounds(), image.NewUniform(color.RGBA{20, 120, 200, 255}), image.Point{}, draw.Src)
	asJPEG := jpegOf(t, photo)
	data := rendertest.Card("王小明")
	none, err := render.Layout(face, data)
	require.NoError(t, err)
	data.Photo = asJPEG
	list, err := render.Layout(face, data)
	require.NoError(t, err)
	require.NotEqual(t, none.Hash(), list.Hash())
	img, err := render.Picture(list, render.Front, 0)
	require.NoError(t, err)
	got := img.RGBAAt(790, 360) // inside the box
	require.InDelta(t, 200, got.B, 6)
	require.InDelta(t, 20, got.R, 6)
	svg, err := render.SVG(list, render.Front, "s")
	require.NoError(t, err)
	require.Contains(t, string(svg), "data:image/jpeg;base64,"+base64.StdEncoding.EncodeToString(asJPEG))
	out, err := render.PDF(render.PDFOptions{Bleed: true}, list, list)
	require.NoError(t, err)
	require.Equal(t, 1, bytes.Count(out, asJPEG), "as it is, once for both cards")
	page := pages(t, out, 300)[0]
	require.InDelta(t, 200, blue(page.At((56+11+3)*300*10/254, (16+15+3)*300*10/254)), 8)
}

// Whatever is not one whole colour JPEG of the one size is refused.
func TestPhotoRefused(t *testing.T) {
	face := facesOf(t)["donghu"]
	noise := jpegOf(t, noisyPhoto(render.PhotoWidth, render.PhotoHeight))
	var asPNG bytes.Buffer
	require.NoError(t, png.Encode(&asPNG, noisyPhoto(render.PhotoWidth, render.PhotoHeight)))
	for what, bad := range map[string][]byte{
		"text": []byte("text"), "PNG": asPNG.Bytes(), "PNG's first bytes": []byte("\x89PNG\r\n\x1a\n"),
		"too small": jpegOf(t, noisyPhoto(294, 413)), "sideways": jpegOf(t, noisyPhoto(413, 295)),
		"grey":      jpegOf(t, image.NewGray(image.Rect(0, 0, render.PhotoWidth, render.PhotoHeight))),
		"head only": noise[:300], "polyglot": append(slices.Clone(noise), "PK\x03\x04"...), "cut by a byte": noise[:len(noise)-1], "cut": noise[:len(noise)/2], "damaged": slices.Concat(noise[:5000], bytes.Repeat([]byte{0xFF, 0xC4}, 400), noise[5800:]),
	} {
		data := rendertest.Card("王小明")
		data.Photo = bad
		_, err := render.Layout(face, data)
		require.Equal(t, fault.Invalid, fault.KindOf(err), what)
	}
	// Damaged where only a decoder sees it: whoever previews it is told, and a print of it is no panic.
	data := rendertest.Card("王小明")
	data.Photo = slices.Concat(noise[:700], bytes.Repeat([]byte{0x55}, 3000), noise[3700:])
	list, err := render.Layout(face, data)
	require.NoError(t, err)
	_, err = render.Picture(list, render.Front, 0)
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	_, err = render.PDF(render.PDFOptions{}, list)
	require.NoError(t, err)
}

func blue(c color.Color) float64 {
	_, _, b, _ := c.RGBA()
	return float64(b >> 8)
}

// withFace is the general face under the name "sample", changed.
func withFace(t *testing.T, change func(face map[string]any)) fstest.MapFS {
	t.Helper()
	return changed(t, "general", change)
}

// changed is a face under the name "sample", changed.
func changed(t *testing.T, name string, change func(face map[string]any)) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	dir := "../../templates/faces/" + name
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		require.NoError(t, err)
		if f.Name() == "face.json" {
			var face map[string]any
			require.NoError(t, json.Unmarshal(data, &face))
			change(face)
			data, err = json.Marshal(face)
			require.NoError(t, err)
		}
		fsys["sample/"+f.Name()] = &fstest.MapFile{Data: data}
	}
	return fsys
}

// A face that could not be printed, read or scanned does not load, and the error says why.
func TestLoadFacesRefuses(t *testing.T) {
	element := func(side string, i int, key string, value any) func(map[string]any) {
		return func(face map[string]any) {
			face[side].(map[string]any)["elements"].([]any)[i].(map[string]any)[key] = value
		}
	}
	for why, change := range map[string]func(map[string]any){
		"no field":            element("front", 3, "text", "{holder}"),
		"is no text":          element("front", 3, "text", "{photo}"),
		"safe area":           element("front", 3, "box", []float64{1, 20, 40, 10}),
		"size":                element("front", 3, "size", []float64{2, 10}),
		"too long":            nil, // checked below
		"no glyph":            element("front", 0, "text", "证\U000323B0"),
		"square box":          element("back", 2, "box", []float64{6, 13, 28, 20}),
		"contrast":            element("back", 2, "color", "#cccccc"),
		"weight":              element("front", 0, "weight", "black"),
		"align":               element("front", 0, "align", "middle"),
		"not text, qr":        element("front", 0, "kind", "video"),
		"unknown field":       func(f map[string]any) { f["colour"] = "red" },
		"viewBox":             func(f map[string]any) { f["bleed"] = 2 },
		"own folder":          func(f map[string]any) { f["front"].(map[string]any)["art"] = "../general/art-front.svg" },
		"title and editions":  func(f map[string]any) { f["title"] = "" },
		"out of range":        func(f map[string]any) { f["width"] = 1e9 },
		"modules of":          element("back", 2, "box", []float64{6, 13, 20, 20}),
		`sample "longest nam`: element("front", 3, "lines", 1),
	} {
		if change == nil {
			continue
		}
		_, err := render.LoadFaces(withFace(t, change))
		require.ErrorContains(t, err, why)
	}
	_, err := render.LoadFaces(fstest.MapFS{})
	require.Error(t, err)
	fsys := withFace(t, func(map[string]any) {})
	fsys["sample/art-back.svg"] = &fstest.MapFile{Data: []byte(`<svg viewBox="-3 -3 91.6 59.98"><image href="x"/></svg>`)}
	_, err = render.LoadFaces(fsys)
	require.ErrorContains(t, err, "outside the subset")
	var f *fault.Error
	require.ErrorAs(t, err, &f)
}

func TestPDFRefuses(t *testing.T) {
	_, err := render.PDF(render.PDFOptions{})
	require.Error(t, err)
	_, err = render.PDF(render.PDFOptions{}, nil)
	require.Error(t, err)
}
