package e2e_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/batch"
	"volcard/internal/card"
	"volcard/internal/photo/phototest"
	"volcard/internal/store/staffstore"
	"volcard/test/world"
)

// The longest name that is allowed, with characters beyond the BMP and of extension A.
var longName = "王𠮷张䶮·" + strings.Repeat("阿卜杜热合曼", 7) + "买买提"

// A regular card from a sideways photo on a phone to the hand, on the demo clock.
func TestARegularCardFromThePhotoToTheHand(t *testing.T) {
	require.Len(t, []rune(longName), 50)
	w := world.Start(t, 1, map[string]string{"VOLCARD_WORKDAY": "5s"})
	w.Worker(nil)
	api := w.API(nil)
	reviewer, factory, clerk := newStaff(t, w, staffstore.Reviewer), newStaff(t, w, staffstore.Factory), newStaff(t, w, staffstore.Clerk)
	browser := webtest.NewBrowser(t)
	phone := &walk{t: t, w: w, api: api, b: browser, tab: browser.Tab(w.Web(api).Client(), "/", 375, 812), who: "regular"}
	phone.register(longName)

	phone.open("/apply", `input[name=edition]`)
	phone.pick("edition", "regular")
	phone.press("form .primary", `input[name=identity]`)
	phone.pick("identity", "student")
	phone.press("form .primary", "#f-photo")
	phone.cropped(sideways(t))
	run(phone, chromedp.Click(chromedp.CSS("#f-consent")))
	phone.press("[data-photo-submit]", ".chosen .portrait")
	phone.sees("[data-doubt]")
	phone.press(".chosen form .btn", `input[name=face]`)
	phone.pick("face", "donghu")
	phone.press("form .primary", `input[name=notice]`)
	phone.fillIn()
	require.Contains(t, phone.text("[data-promise]"), "送达网点")
	browser.WantPolicyKept(phone.tab)
	front, back := phone.picture(".faces figure:nth-of-type(1) img"), phone.picture(".faces figure:nth-of-type(2) img")
	phone.press(`form[action="/apply/submit"] .primary`, `#live[data-state="reviewing"]`)
	phone.shot()

	// The reviewer passes the photo with one key.
	desk := reviewer.logIn(w, api, browser)
	desk.sees("#next") // a role lands in its own pages
	desk.press("#next button", "#photo")
	require.Equal(t, longName, desk.text("h1"))
	desk.shot()
	run(desk, chromedp.KeyEvent("a"))
	desk.sees("#calm")

	// The next working day freezes it.
	phone.sees(`#live[data-state="producing"]`)
	phone.shot()
	w.Until("the files are written", func() bool {
		return w.Count("SELECT count(*) FROM batch WHERE state = $1", batch.Rendered) == 1
	})
	desk = factory.logIn(w, api, browser)
	desk.sees("#batches") // a role lands in its own pages
	desk.press("#batches a", "#files .files")
	printed(t, desk, front, back)
	desk.press("#next a", "#report")
	desk.press("#report button", "#next")
	desk.press("#next a", "#report")
	desk.press("#report button", "#files")
	desk.shot()

	// The parcel arrives; everybody hears of it once.
	desk = clerk.logIn(w, api, browser)
	desk.sees("#find-code") // a role lands in its own pages
	desk.open("/branch/parcels", ".parcels a")
	desk.press(".parcels a", "#to-confirm")
	desk.shot()
	desk.press("#to-confirm", "#confirm button")
	run(desk, chromedp.Click(chromedp.CSS("#confirm button")))
	phone.sees(`#live[data-state="ready"]`)
	phone.shot()
	require.Equal(t, 1, w.Count("SELECT count(*) FROM message WHERE template = 'card-arrived'"))

	// The clerk compares the photo and scans the card's own number.
	code := w.Texts("SELECT pickup_code FROM application")[0]
	desk.open("/branch", "#find-code")
	run(desk, chromedp.KeyEvent(code+"\r"))
	desk.sees("#hand-over")
	desk.sees("img.portrait")
	desk.shot()
	run(desk, chromedp.KeyEvent(world.IDNumber(7)[14:]+"\t"))
	run(desk, chromedp.KeyEvent(w.Texts("SELECT number FROM card")[0]+"\r"))
	desk.sees("#outcome")
	phone.sees(`#live[data-state="collected"]`)
	phone.shot()
	for _, step := range []card.Action{card.Review, card.ApprovePhoto, card.Freeze, card.BatchPrint, card.BatchShip, card.Arrive, card.HandOver} {
		require.Contains(t, phone.text(".timeline"), step.Text())
	}
}

// sideways is a phone's photo of twelve megapixels, stored on its side, that the rules cannot pass alone.
func sideways(t *testing.T) string {
	t.Helper()
	blurred := phototest.Blur(phototest.Astronaut(), 8)
	size := blurred.Bounds().Size()
	large := phototest.Scale(blurred, 3000, 3000*size.Y/size.X)
	file := filepath.Join(t.TempDir(), "IMG_0001.JPG")
	require.NoError(t, os.WriteFile(file, phototest.Oriented(large, 6), 0o600))
	return file
}

// cropped chooses a photo and moves it a little, with a finger.
func (w *walk) cropped(file string) {
	w.t.Helper()
	run(w, chromedp.SetUploadFiles(chromedp.CSS("#f-photo"), []string{file}))
	w.sees(`[data-crop-area][data-ready="1"]`)
	type point struct{ X, Y float64 }
	at := run(w, chromedp.Evaluate[point](`(e => { e.scrollIntoView({block: "center"}); const r = e.getBoundingClientRect();
		return {X: r.x + r.width / 2, Y: r.y + r.height / 2}; })(document.querySelector("[data-crop-area]"))`))
	finger := func(kind input.DispatchTouchEventType, points ...*input.TouchPoint) {
		run(w, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
			_, err := cdp.Call(ctx, t, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points})
			return chromedp.Void{}, err
		})
	}
	finger(input.DispatchTouchEventTypeTouchStart, &input.TouchPoint{X: at.X, Y: at.Y})
	for i := range 5 {
		finger(input.DispatchTouchEventTypeTouchMove, &input.TouchPoint{X: at.X + float64(i), Y: at.Y + 2*float64(i)})
	}
	finger(input.DispatchTouchEventTypeTouchEnd)
	w.shot()
}

// picture is what an image of the page shows.
func (w *walk) picture(selector string) image.Image {
	w.t.Helper()
	body := w.fetch(run(w, chromedp.Evaluate[string](`document.querySelector("`+selector+`").src`)))
	img, err := jpeg.Decode(bytes.NewReader(body))
	require.NoError(w.t, err)
	return img
}

// fetch reads an address with the page's login.
func (w *walk) fetch(url string) []byte {
	w.t.Helper()
	return decode(w.t, run(w, chromedp.Evaluate[string](`fetch("`+url+`").then(r => r.blob()).then(b => new Promise(done => {
		const reader = new FileReader(); reader.onload = () => done(reader.result.split(",")[1]); reader.readAsDataURL(b); }))`, chromedp.EvalAwaitPromise)))
}

// printed compares the factory's file with what was seen and confirmed, and reads its QR as a scanner does.
func printed(t *testing.T, desk *walk, front, back image.Image) {
	t.Helper()
	for _, tool := range []string{"pdftoppm", "zbarimg"} {
		if _, err := exec.LookPath(tool); err != nil {
			require.Empty(t, os.Getenv("CI"), "%s is missing", tool)
			return
		}
	}
	dir := t.TempDir()
	path := run(desk, chromedp.Evaluate[string](`document.querySelector("#files a[href$='.pdf']").href`))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "print.pdf"), desk.fetch(path), 0o600))
	require.NoError(t, exec.Command("pdftoppm", "-r", "300", "-png", filepath.Join(dir, "print.pdf"), filepath.Join(dir, "page")).Run())
	pages, err := filepath.Glob(filepath.Join(dir, "page*.png"))
	require.NoError(t, err)
	require.Len(t, pages, 2)
	// Number, dates and QR come with the card; everything else is what was confirmed.
	require.Less(t, difference(front, cardOf(t, pages[0])), 0.03)
	require.Less(t, difference(back, cardOf(t, pages[1])), 0.12)
	require.Greater(t, difference(front, cardOf(t, pages[1])), 0.15, "the measure tells another picture apart")
	out, _ := exec.Command("zbarimg", "-q", "--raw", pages[1]).Output()
	require.Contains(t, strings.ToLower(string(out)), "/v/")
}

// cardOf cuts the card out of a page, which has the same margin on both sides.
func cardOf(t *testing.T, page string) image.Image {
	t.Helper()
	raw, err := os.ReadFile(page)
	require.NoError(t, err)
	img, err := png.Decode(bytes.NewReader(raw))
	require.NoError(t, err)
	const width, height = 1011, 637 // 85.6 x 53.98 mm at 300 dpi
	size := img.Bounds().Size()
	cut := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(cut, cut.Bounds(), img, image.Pt((size.X-width)/2, (size.Y-height)/2), draw.Src)
	return cut
}

// difference is the mean distance of two pictures of a card, from 0 to 1, in blocks of four pixels so that
// the edges of a hair's breadth do not count.
func difference(a, b image.Image) float64 {
	grey := func(img image.Image, x, y int) float64 {
		sum := 0.0
		for dy := range 4 {
			for dx := range 4 {
				sum += float64(color.GrayModel.Convert(img.At(x+dx, y+dy)).(color.Gray).Y)
			}
		}
		return sum / 16 / 255
	}
	total, n := 0.0, 0
	size := a.Bounds().Size()
	for y := 0; y+4 <= min(size.Y, b.Bounds().Dy()); y += 4 {
		for x := 0; x+4 <= min(size.X, b.Bounds().Dx()); x += 4 {
			total += max(grey(a, x, y)-grey(b, x, y), grey(b, x, y)-grey(a, x, y))
			n++
		}
	}
	return total / float64(n)
}
