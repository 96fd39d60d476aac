package render_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/render"
	"volcard/internal/render/rendertest"
)

// zbar reads the codes in a picture.
func zbar(t testing.TB, img image.Image) string {
	t.Helper()
	var buf bytes.Buffer
	require.NoError(t, png.Encode(&buf, img))
	return strings.TrimSuffix(string(tool(t, "zbarimg", "-q", "--raw", write(t, "page.png", buf.Bytes()))), "\n")
}

// Every name that must never break: as text in the PDF with its true code points, as
// glyphs of embedded fonts, and alike in PDF and picture.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, name := range rendertest.Names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := rendertest.Card(name)
			list := layout(t, data)
			file, err := render.PDF(render.PDFOptions{Date: data.IssuedOn, Title: "电子证"}, list)
			require.NoError(t, err)

			bare := textOf(t, file)
			require.Contains(t, bare, name)
			require.Contains(t, bare, data.CardNumber)
			for _, line := range strings.Split(string(tool(t, "pdffonts", write(t, "card.pdf", file))), "\n")[2:] {
				if fields := strings.Fields(line); len(fields) > 0 {
					require.Contains(t, line, "yes yes yes", "embedded, subset, with Unicode")
				}
			}
			img, err := render.Picture(list, render.Front, 0)
			require.NoError(t, err)
			require.Empty(t, unlike(img, pages(t, file, 300)[0]))
		})
	}
}

// The QR reads from print renders at the resolutions of office and card printers, from the
// preview picture, and for payloads of every length that a token may have.
func TestQRReads(t *testing.T) {
	for _, length := range []int{40, 173, 258, 300, 370} {
		data := rendertest.Card("王𠮷")
		data.QR = "HTTPS://ZYZ.EXAMPLE/V/" + strings.Repeat("K5RGQ2LTEBUXG7DB", 24)[:length]
		list := layout(t, data)
		file, err := render.PDF(render.PDFOptions{Date: data.IssuedOn}, list)
		require.NoError(t, err)
		for _, dpi := range []int{200, 300} {
			require.Equal(t, data.QR, zbar(t, pages(t, file, dpi)[1]), "%d characters at %d dpi", length, dpi)
		}
		img, err := render.Picture(list, render.Back, 0)
		require.NoError(t, err)
		require.Equal(t, data.QR, zbar(t, img), "%d characters, picture", length)
	}
	// The picture that a holder keeps, of every face.
	faces := facesOf(t)
	for _, name := range append(faces.Names("regular"), faces.Names("general")...) {
		face, err := faces.Face(name)
		require.NoError(t, err)
		list, err := render.Layout(face, rendertest.RegularCard("王𠮷", 1))
		require.NoError(t, err)
		sheet, err := render.BothSides(list, render.PictureWidth)
		require.NoError(t, err)
		img, err := jpeg.Decode(bytes.NewReader(sheet))
		require.NoError(t, err)
		require.Equal(t, rendertest.Card("王𠮷").QR, zbar(t, img), name)
	}
	// Bytes that are not alphanumeric, such as a link typed in lower case.
	data := rendertest.Card("王小明")
	data.QR = "https://zyz.example/v/aB3-_~"
	img, err := render.Picture(layout(t, data), render.Back, 0)
	require.NoError(t, err)
	require.Equal(t, data.QR, zbar(t, img))
}

func TestCropMarksAndBleed(t *testing.T) {
	data := rendertest.Card("王小明")
	list := layout(t, data)
	file, err := render.PDF(render.PDFOptions{CropMarks: true}, list)
	require.NoError(t, err)
	info := string(tool(t, "pdfinfo", "-box", write(t, "card.pdf", file)))
	require.Regexp(t, `Pages:\s+2`, info)
	// Trim 85.6 × 53.98 mm, 8 mm in; bleed 3 mm more on every side; in points.
	require.Regexp(t, `TrimBox:\s+22\.68\s+22\.68\s+265\.32\s+175\.69`, info)
	require.Regexp(t, `BleedBox:\s+14\.17\s+14\.17\s+273\.83\s+184\.(19|20)`, info)
	page := pages(t, file, 300)[0]
	at := func(x, y float64) string {
		r, g, b, _ := page.At(int(x*300/25.4), int(y*300/25.4)).RGBA()
		return fmt.Sprintf("%02x%02x%02x", r>>8, g>>8, b>>8)
	}
	require.Equal(t, "ffffff", at(2, 30), "white beyond the bleed")
	require.NotEqual(t, "ffffff", at(5.5, 30), "art in the bleed")
}

// Many cards share one file's fonts and art.
func TestPrintFile(t *testing.T) {
	var lists []*render.DisplayList
	for _, name := range rendertest.Names {
		lists = append(lists, layout(t, rendertest.Card(name)))
	}
	one, err := render.PDF(render.PDFOptions{CropMarks: true}, lists[0])
	require.NoError(t, err)
	all, err := render.PDF(render.PDFOptions{CropMarks: true}, lists...)
	require.NoError(t, err)
	require.Less(t, len(all), 5*len(one))
	text := string(tool(t, "pdftotext", "-raw", "-enc", "UTF-8", write(t, "cards.pdf", all), "-"))
	for _, name := range []string{"王𠮷", "张䶮", "李𬱟", "㛃", "鿍", "𰻝", "欧阳𬎆"} {
		require.Contains(t, text, name)
	}
}

// A file of more glyphs than one of its fonts holds: texts go from font to font and still
// read and look as they should.
func TestPrintFileOfManyGlyphs(t *testing.T) {
	var lists []*render.DisplayList
	var names []string
	for r := rune(0x4E00); len(names) < 60; r += 7 {
		name := string([]rune{r, 'é', r + 1, r + 2, 0x20000 + r - 0x4E00, r + 3, r + 4, '(', r + 5})
		if len(render.Missing(name)) == 0 {
			names = append(names, name)
			lists = append(lists, layout(t, rendertest.Card(name)))
		}
	}
	file, err := render.PDF(render.PDFOptions{}, lists...)
	require.NoError(t, err)
	again, err := render.PDF(render.PDFOptions{}, lists...)
	require.NoError(t, err)
	require.True(t, bytes.Equal(file, again))
	name := write(t, "cards.pdf", file)
	fonts := strings.Split(strings.TrimSpace(string(tool(t, "pdffonts", name))), "\n")[2:]
	require.Greater(t, len(fonts), 2)
	for _, line := range fonts {
		require.Contains(t, line, "yes yes yes", "embedded, subset, with Unicode")
	}
	text := strings.Join(strings.Fields(string(tool(t, "pdftotext", "-raw", "-enc", "UTF-8", name, "-"))), "")
	for _, name := range names {
		require.Contains(t, text, name)
	}
	drawn := pages(t, file, 300)
	for _, i := range []int{0, 40, 59} {
		img, err := render.Picture(lists[i], render.Front, 0)
		require.NoError(t, err)
		require.Empty(t, unlike(img, drawn[2*i]))
	}
}

// The SVG is well-formed, says the card's text to a screen reader, and two on one page do
// not share ids.
func TestSVG(t *testing.T) {
	list := layout(t, rendertest.Card("王𠮷"))
	front, err := render.SVG(list, render.Front, "front-")
	require.NoError(t, err)
	back, err := render.SVG(list, render.Back, "back-")
	require.NoError(t, err)
	var picture struct {
		Label string `xml:"aria-label,attr"`
	}
	require.NoError(t, xml.Unmarshal(front, &picture))
	require.Contains(t, picture.Label, "湖北省注册志愿者证 青年守信荣誉证 通用版 王𠮷 4226")
	require.False(t, bytes.Contains(front, []byte("style=")), "any content policy allows it")
	require.False(t, bytes.Contains(back, []byte(`id="front-`)))
	require.Less(t, len(front)+len(back), 200_000)
}
