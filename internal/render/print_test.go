package render_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"volcard/internal/render"
	"volcard/internal/render/rendertest"
)

// regular are the regular edition's faces with all sample cards laid out on them, each
// with a photo of its own.
func regular(t *testing.T, check func(t *testing.T, face *render.Face, cards []render.CardData, lists []*render.DisplayList)) {
	t.Helper()
	faces := facesOf(t)
	names := faces.Names("regular")
	require.GreaterOrEqual(t, len(names), 4)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var cards []render.CardData
			for i, holder := range rendertest.Names {
				cards = append(cards, rendertest.RegularCard(holder, uint64(i)))
			}
			cards = append(cards, cards[0].Preview())
			var lists []*render.DisplayList
			for _, data := range cards {
				list, err := render.Layout(faces[name], data)
				require.NoError(t, err)
				lists = append(lists, list)
			}
			check(t, faces[name], cards, lists)
		})
	}
}

// What is printed is what was seen, with every name that must never break, front and back;
// the names and numbers can be read out of the file with their true code points.
func TestPrintIsPreview(t *testing.T) {
	t.Parallel()
	regular(t, func(t *testing.T, face *render.Face, cards []render.CardData, lists []*render.DisplayList) {
		t.Helper()
		file, err := render.PDF(render.PDFOptions{}, lists...)
		require.NoError(t, err)
		drawn := pages(t, file, 300)
		require.Len(t, drawn, 2*len(cards))
		text := textOf(t, file)
		for i, data := range cards {
			for k, side := range []render.Side{render.Front, render.Back} {
				img, err := render.Picture(lists[i], side, 0)
				require.NoError(t, err)
				printed(t, face, side, img, drawn[2*i+k], data.HolderName)
			}
			require.Contains(t, text, data.HolderName)
			require.Contains(t, text, data.VolunteerNo)
			require.Contains(t, text, data.CardNumber)
			require.Equal(t, 1, bytes.Count(file, data.Photo), "the photo's own bytes, once")
		}
		for _, dpi := range []int{200, 300} {
			require.Equal(t, cards[1].QR, zbar(t, pages(t, file, dpi)[3]), "at %d dpi", dpi)
		}
	})
}

// The page's drawing shows the same, in the browser's own renderer.
func TestSVGIsPreview(t *testing.T) {
	t.Parallel()
	regular(t, func(t *testing.T, face *render.Face, cards []render.CardData, lists []*render.DisplayList) {
		t.Helper()
		width, height := render.PictureWidth, 637
		var page strings.Builder
		page.WriteString(`<!doctype html><style>body{margin:0}svg{position:absolute;left:0;width:1011px}</style>`)
		n := 0
		for i, list := range lists {
			for _, side := range []render.Side{render.Front, render.Back} {
				svg, err := render.SVG(list, side, fmt.Sprintf("p%d", n))
				require.NoError(t, err)
				require.Less(t, len(svg), 450_000)
				if side == render.Front {
					require.Contains(t, string(svg), cards[i].HolderName, "for a screen reader")
				}
				page.WriteString(strings.Replace(string(svg), "<svg ", fmt.Sprintf(`<svg style="top:%dpx" `, n*height), 1))
				n++
			}
		}
		dir := t.TempDir()
		html, shot := filepath.Join(dir, "cards.html"), filepath.Join(dir, "cards.png")
		require.NoError(t, os.WriteFile(html, []byte(page.String()), 0o600))
		tool(t, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir="+dir,
			fmt.Sprintf("--window-size=%d,%d", width, n*height), "--screenshot="+shot, "file://"+html)
		data, err := os.ReadFile(shot)
		require.NoError(t, err)
		decoded, err := png.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		for i, list := range lists {
			for k, side := range []render.Side{render.Front, render.Back} {
				img, err := render.Picture(list, side, 0)
				require.NoError(t, err)
				shown := image.NewRGBA(img.Rect)
				draw.Draw(shown, shown.Rect, decoded, image.Pt(0, (2*i+k)*height), draw.Src)
				// Without the edge: the page rounds the card's corners.
				inner := img.Rect.Inset(14)
				require.Empty(t, unlike(part(img, inner), part(shown, inner)), "%s, %s, card %d", face.Name, side, i)
			}
		}
	})
}

// The tolerance is not a blindfold: each of these is seen.
func TestPrintIsPreviewNotices(t *testing.T) {
	face := facesOf(t)["donghu"]
	data := rendertest.RegularCard("阿卜杜热合曼·买买提", 1)
	list, err := render.Layout(face, data)
	require.NoError(t, err)
	img, err := render.Picture(list, render.Front, 0)
	require.NoError(t, err)
	// on changes the element with a text or, for others, of a kind.
	on := func(text string, change func(e map[string]any)) func(face map[string]any) {
		return func(face map[string]any) {
			for _, e := range face["front"].(map[string]any)["elements"].([]any) {
				if e := e.(map[string]any); e["text"] == text || e["kind"] == text {
					change(e)
				}
			}
		}
	}
	shift := func(axis int) func(e map[string]any) {
		return func(e map[string]any) {
			box := e["box"].([]any)
			box[axis] = box[axis].(float64) + 0.3
		}
	}
	for what, change := range map[string]struct {
		face func(face map[string]any)
		card func(d *render.CardData)
	}{
		"the photo of somebody else":   {card: func(d *render.CardData) { d.Photo = rendertest.Photo(4) }}, // on a ground of the same colour
		"the last character of a name": {card: func(d *render.CardData) { d.HolderName = "阿卜杜热合曼·买买" }},
		"the last digit of a number":   {card: func(d *render.CardData) { d.CardNumber = d.CardNumber[:13] }},
		"a number 0.3 mm aside":        {face: on("{card_number}", shift(0))},
		"a photo 0.3 mm lower":         {face: on("photo", shift(1))},
		"a character of a label":       {face: on("志愿者编号", func(e map[string]any) { e["text"] = "志愿者编" })},
		"other art": {face: func(face map[string]any) {
			face["front"].(map[string]any)["art"] = face["back"].(map[string]any)["art"]
		}},
	} {
		if change.face == nil {
			change.face = func(map[string]any) {}
		}
		sample, err := render.LoadFaces(changed(t, "donghu", change.face))
		require.NoError(t, err, what)
		wrong, other := sample["sample"], data
		if change.card != nil {
			change.card(&other)
		}
		list, err := render.Layout(wrong, other)
		require.NoError(t, err)
		file, err := render.PDF(render.PDFOptions{}, list)
		require.NoError(t, err)
		page := pages(t, file, 300)[0]
		require.NotEmpty(t, unlike(img, page)+unlikePhoto(face, img, page), what)
	}
}

// printed requires that a printed page shows what the picture shows.
func printed(t *testing.T, face *render.Face, side render.Side, img, page *image.RGBA, what string) {
	t.Helper()
	require.Empty(t, unlike(img, page), "%s, %s, %s", face.Name, side, what)
	if side == render.Front {
		require.Empty(t, unlikePhoto(face, img, page), "%s, %s", face.Name, what)
	}
}

// unlike compares two renderers' pictures of one side. They smooth edges differently, which
// the mean and the share of far pixels allow for (3.8 and 1.9 % at most where nothing is
// wrong); a glyph that lacks or stands aside shows in the worst block of 8 × 8 pixels (33 at
// most where nothing is wrong, 45 and more for one digit).
func unlike(a, b *image.RGBA) string {
	const block, far = 8, 48
	if abs(a.Rect.Dx()-b.Rect.Dx()) > 2 || abs(a.Rect.Dy()-b.Rect.Dy()) > 2 {
		return fmt.Sprintf("sizes %v and %v", a.Rect, b.Rect)
	}
	w, h := min(a.Rect.Dx(), b.Rect.Dx()), min(a.Rect.Dy(), b.Rect.Dy())
	blocks := make([]int, (w/block+1)*(h/block+1))
	sum, many := 0, 0
	for y := 1; y < h-1; y++ {
		for x := 1; x < w-1; x++ {
			most := 0
			for c := range 3 {
				s := 0 // of the pixel and its eight neighbours
				for dy := -1; dy <= 1; dy++ {
					i, j := 4*(x-1)+(y+dy)*a.Stride+c, 4*(x-1)+(y+dy)*b.Stride+c
					s += int(a.Pix[i]) + int(a.Pix[i+4]) + int(a.Pix[i+8]) - int(b.Pix[j]) - int(b.Pix[j+4]) - int(b.Pix[j+8])
				}
				most = max(most, abs(s)/9)
				v := int(a.Pix[4*x+y*a.Stride+c]) - int(b.Pix[4*x+y*b.Stride+c])
				sum += abs(v)
				blocks[y/block*(w/block+1)+x/block] += v
			}
			if most > far {
				many++
			}
		}
	}
	worst := 0.0
	for _, v := range blocks {
		worst = max(worst, math.Abs(float64(v))/(3*block*block))
	}
	mean, share := float64(sum)/float64(3*w*h), float64(many)/float64(w*h)
	if mean > 4.5 || share > 0.025 || worst > 36 {
		return fmt.Sprintf("mean %.2f of 255, %.2f %% far pixels, worst block %.1f", mean, 100*share, worst)
	}
	return ""
}

// unlikePhoto compares the photo alone: that of another person on the same ground is like
// enough to get lost in the whole card.
func unlikePhoto(face *render.Face, a, b *image.RGBA) string {
	i := slices.IndexFunc(face.FrontSide.Elements, func(e render.Element) bool { return e.Kind == "photo" })
	scale := render.PictureWidth / face.Width
	box := face.FrontSide.Elements[i].Box
	at := func(v float64) int { return int(v * scale) }
	r := image.Rect(at(box[0]), at(box[1]), at(box[0]+box[2]), at(box[1]+box[3])).Inset(3)
	sum := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := 4 * r.Min.X; x < 4*r.Max.X; x++ {
			sum += abs(int(a.Pix[x+y*a.Stride]) - int(b.Pix[x+y*b.Stride]))
		}
	}
	if mean := float64(sum) / float64(3*r.Dx()*r.Dy()); mean > 6 {
		return fmt.Sprintf("photo: mean %.2f of 255", mean)
	}
	return ""
}

func abs(v int) int { return max(v, -v) }

func part(img *image.RGBA, r image.Rectangle) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	draw.Draw(out, out.Rect, img, r.Min, draw.Src)
	return out
}

// pages draws a PDF with poppler, which shares no code with ours, a picture a page.
func pages(t testing.TB, file []byte, dpi int) []*image.RGBA {
	t.Helper()
	name := write(t, "cards.pdf", file)
	tool(t, "pdftoppm", "-r", fmt.Sprint(dpi), name, filepath.Join(filepath.Dir(name), "page"))
	drawn, err := filepath.Glob(filepath.Join(filepath.Dir(name), "page-*.ppm"))
	require.NoError(t, err)
	slices.Sort(drawn)
	var out []*image.RGBA
	for _, ppm := range drawn {
		data, err := os.ReadFile(ppm)
		require.NoError(t, err)
		var w, h int
		_, err = fmt.Sscanf(string(data[:20]), "P6\n%d %d\n255\n", &w, &h)
		require.NoError(t, err)
		img := image.NewRGBA(image.Rect(0, 0, w, h))
		data = data[len(data)-3*w*h:]
		for i := range w * h {
			copy(img.Pix[4*i:], data[3*i:3*i+3])
			img.Pix[4*i+3] = 255
		}
		out = append(out, img)
	}
	return out
}

// textOf is all text of a PDF without spaces.
func textOf(t testing.TB, file []byte) string {
	t.Helper()
	text := tool(t, "pdftotext", "-raw", "-enc", "UTF-8", write(t, "cards.pdf", file), "-")
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, string(text))
}

// A preview says in place of what does not exist yet when it will; nothing else moves.
func TestPreviewState(t *testing.T) {
	t.Parallel()
	regular(t, func(t *testing.T, face *render.Face, cards []render.CardData, lists []*render.DisplayList) {
		t.Helper()
		full, preview := textOf(t, pdfOf(t, lists[0])), textOf(t, pdfOf(t, lists[len(lists)-1]))
		require.NotContains(t, full, "签发后生成")
		require.Equal(t, 3, strings.Count(preview, "签发后生成"), "number, dates and QR")
		require.NotContains(t, preview, cards[0].CardNumber)
		require.Contains(t, preview, cards[0].VolunteerNo, "the volunteer has it already")

		// From any later state of the card the same design comes out.
		again, err := render.Layout(face, cards[0].Preview())
		require.NoError(t, err)
		require.Equal(t, lists[len(lists)-1].Hash(), again.Hash())
		require.NotEqual(t, lists[0].Hash(), again.Hash())

		bare := cards[0]
		bare.Photo = nil
		list, err := render.Layout(face, bare)
		require.NoError(t, err)
		require.Contains(t, textOf(t, pdfOf(t, list)), "本人照片")
	})
}

func pdfOf(t testing.TB, list *render.DisplayList) []byte {
	t.Helper()
	file, err := render.PDF(render.PDFOptions{}, list)
	require.NoError(t, err)
	return file
}

// The stored hash tells photos, names and faces apart.
func TestHashOfRegularCards(t *testing.T) {
	faces := facesOf(t)
	seen := map[[32]byte]string{}
	for _, name := range faces.Names("regular") {
		for _, holder := range []string{"王𠮷", "王吉"} {
			for seed := range uint64(3) {
				data := rendertest.RegularCard(holder, seed).Preview()
				list, err := render.Layout(faces[name], data)
				require.NoError(t, err)
				require.Empty(t, seen[list.Hash()])
				seen[list.Hash()] = fmt.Sprint(name, holder, seed)
			}
		}
	}
	data := rendertest.RegularCard("王𠮷", 1)
	list, err := render.Layout(faces["donghu"], data)
	require.NoError(t, err)
	data.Photo = slices.Clone(data.Photo)
	data.Photo[len(data.Photo)/2] ^= 1
	other, err := render.Layout(faces["donghu"], data)
	require.NoError(t, err)
	require.NotEqual(t, list.Hash(), other.Hash(), "one bit of the photo")
}

// What a preview leaves empty is confirmed with it: the number is not printed elsewhere afterwards.
func TestHashCoversWhatThePreviewLeavesEmpty(t *testing.T) {
	hash := func(change func(element map[string]any)) [32]byte {
		faces, err := render.LoadFaces(changed(t, "donghu", func(face map[string]any) {
			for _, e := range face["front"].(map[string]any)["elements"].([]any) {
				if e := e.(map[string]any); e["text"] == "{card_number}" {
					change(e)
				}
			}
		}))
		require.NoError(t, err)
		list, err := render.Layout(faces["sample"], rendertest.RegularCard("王𠮷", 1).Preview())
		require.NoError(t, err)
		return list.Hash()
	}
	confirmed := hash(func(map[string]any) {})
	require.NotEqual(t, confirmed, hash(func(e map[string]any) { e["color"] = "#000000" }))
}

// The hash is stored: another process, on another day, must come to the same.
func TestHashInAnotherProcess(t *testing.T) {
	const child = "VOLCARD_TEST_PRINT_HASH"
	hashes := func() string {
		var b strings.Builder
		faces := facesOf(t)
		for _, name := range slices.Sorted(maps.Keys(faces)) {
			list, err := render.Layout(faces[name], rendertest.RegularCard("欧阳𬎆", 1))
			require.NoError(t, err)
			hash := list.Hash()
			b.WriteString(hex.EncodeToString(hash[:]) + "\n")
		}
		return b.String()
	}
	if os.Getenv(child) != "" {
		fmt.Print("hashes:" + hashes() + ":hashes")
		return
	}
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestHashInAnotherProcess$")
	cmd.Env = append(os.Environ(), child+"=1", "TZ=America/New_York")
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "hashes:"+hashes()+":hashes")
}

// A withdrawn face is not offered, and still prints what was confirmed on it.
func TestWithdrawnFace(t *testing.T) {
	offered, err := render.LoadFaces(withFace(t, func(map[string]any) {}))
	require.NoError(t, err)
	require.Equal(t, []string{"sample"}, offered.Names("general"))
	kept, err := render.LoadFaces(withFace(t, func(face map[string]any) { face["withdrawn"] = true }))
	require.NoError(t, err)
	require.Empty(t, kept.Names("general"))
	face, err := kept.Face("sample")
	require.NoError(t, err)
	list, err := render.Layout(face, rendertest.Card("王小明"))
	require.NoError(t, err)
	was, err := render.Layout(offered["sample"], rendertest.Card("王小明"))
	require.NoError(t, err)
	require.Equal(t, was.Hash(), list.Hash())
}
