package applicant_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/jpeg"
	"image/png"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/photo"
	"volcard/internal/photo/phototest"
)

// distance is the mean difference of two pictures' channels.
func distance(a, b image.Image) float64 {
	x, y := phototest.Part(a, a.Bounds()), phototest.Part(b, b.Bounds())
	if x.Bounds() != y.Bounds() {
		return 255
	}
	sum := 0
	for i := range x.Pix {
		sum += max(int(x.Pix[i])-int(y.Pix[i]), int(y.Pix[i])-int(x.Pix[i]))
	}
	return float64(sum) / float64(len(x.Pix)*3/4)
}

// asCard is a part of a picture in the size of the card's photo.
func asCard(img image.Image, part image.Rectangle) image.Image {
	return phototest.Scale(phototest.Part(img, part), photo.Width, photo.Height)
}

// stored is the photo on the page after an upload.
func (p person) stored(page *webtest.Page) image.Image {
	p.room.T.Helper()
	img, err := jpeg.Decode(bytes.NewReader(p.Get(page.Has(".portrait img").Find(".portrait img").AttrOr("src", "")).Want(200).Body))
	require.NoError(p.room.T, err)
	return img
}

// The part that the form names is stored, of the picture as it was turned.
func TestTheChosenPartIsStored(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("阿卜杜热合曼·买买提", adultID)
	p.regular(func(d *card.Draft) { d.PhotoID, d.Face = uuid.Nil, "" })
	img := phototest.Astronaut()
	part, swapped := image.Rect(110, 10, 110+560, 10+784), image.Rect(10, 110, 10+560, 110+784)
	const alike = 4.0
	require.Greater(t, distance(asCard(img, part), asCard(img, swapped)), 3*alike, "the measure tells across from down")
	for rotate, file := range map[string][]byte{
		"0": phototest.JPEG(img), "90": phototest.JPEG(phototest.Stored(img, 6)), "180": phototest.JPEG(phototest.Stored(img, 3)),
	} {
		page := p.upload(p.Get("/apply/photo?new=1").Want(200), "me.jpg", file,
			map[string]string{"x": "110.00", "y": "10.00", "w": "560.00", "h": "784.00", "rotate": rotate}).WantAt("/apply/photo")
		require.Less(t, distance(asCard(img, part), p.stored(page)), alike, "turned by %s", rotate)
	}
}

// frame is the page on which a photo is cropped.
type frame struct {
	t   *testing.T
	b   *webtest.Browser
	tab context.Context
}

func (f frame) js(script string) {
	f.t.Helper()
	do(f.t, f.tab, chromedp.Evaluate[bool](script+`; true`))
}

// choose takes a file and waits until it can be cropped.
func (f frame) choose(name string, content []byte) {
	f.t.Helper()
	do(f.t, f.tab, chromedp.SetUploadFiles(chromedp.CSS("#f-photo"), file(f.t, name, content)))
	f.ready()
}

func (f frame) ready() {
	f.t.Helper()
	do(f.t, f.tab, chromedp.Poll[bool](`document.querySelector("[data-crop-area]").dataset.ready === "1" && !document.querySelector("[data-photo-submit]").disabled`))
}

// middle is where the middle of the frame is on the screen.
func (f frame) middle() (x, y float64) {
	f.t.Helper()
	at := do(f.t, f.tab, chromedp.Evaluate[[]float64](`(e => {
		e.scrollIntoView({block: "center"});
		const r = e.getBoundingClientRect();
		return [r.left + r.width / 2, r.top + r.height / 2];
	})(document.querySelector("[data-crop-area]"))`))
	return at[0], at[1]
}

// moved does something that moves or zooms the picture, and waits for it.
func (f frame) moved(act func()) {
	f.t.Helper()
	before := do(f.t, f.tab, chromedp.Evaluate[string](seen))
	act()
	do(f.t, f.tab, chromedp.Poll[bool](`document.querySelector(".cropper-canvas") && `+seen+` !== "`+before+`"`))
}

// shown is what the frame shows, without the marks that help to place a head.
func (f frame) shown() image.Image {
	f.t.Helper()
	f.js(`(s => { s.replaceSync(".crop-area::after { display: none } .crop-area { border-radius: 0 } .cropper-view-box { outline: 0 }");
		document.adoptedStyleSheets = [s]; })(new CSSStyleSheet())`)
	picture, err := png.Decode(bytes.NewReader(do(f.t, f.tab, chromedp.Screenshot(chromedp.CSS("[data-crop-area]")))))
	require.NoError(f.t, err)
	return asCard(picture, picture.Bounds())
}

// send uploads, and returns the fields that the form had and the photo that was stored.
func (f frame) send(p person) (map[string]string, image.Image) {
	f.t.Helper()
	f.js(`document.addEventListener("submit", e => sessionStorage.setItem("sent", JSON.stringify(
		Object.fromEntries(["x", "y", "w", "h", "rotate"].map(n => [n, e.target.elements.namedItem(n).value])))))`)
	do(f.t, f.tab, chromedp.Click(chromedp.CSS("[data-photo-submit]")))
	do(f.t, f.tab, chromedp.WaitVisible(chromedp.CSS(".chosen .primary"))) // of the page that follows only
	fields := map[string]string{}
	require.NoError(f.t, json.Unmarshal([]byte(do(f.t, f.tab, chromedp.Evaluate[string](`sessionStorage.getItem("sent")`))), &fields))
	return fields, p.stored(p.Get("/apply/photo").Want(200))
}

// What the frame showed is what is stored: after turns in quick succession, mouse, wheel and buttons, and from a
// browser that cannot put another file into the field.
func TestTheFrameShowsWhatIsStored(t *testing.T) {
	r := open(t)
	p := r.person("阿卜杜热合曼·买买提", adultID)
	p.regular(func(d *card.Draft) { d.PhotoID, d.Face = uuid.Nil, "" })
	b := webtest.NewBrowser(t)
	img := phototest.Astronaut()
	const alike = 5.0

	f := frame{t, b, b.Tab(p.Client, "/apply/photo", 1280, 900)}
	f.choose("me.jpg", phototest.JPEG(phototest.Stored(img, 8)))
	early := do(t, f.tab, chromedp.Evaluate[bool](`(form => {
		const right = form.querySelector("[data-do=right]"), send = form.querySelector("[data-photo-submit]");
		right.click(); right.click(); right.click();
		const waits = send.disabled && send.textContent === "正在处理照片…";
		form.requestSubmit();
		return waits && !form.dataset.sent;
	})(document.querySelector("form[data-photo]"))`))
	require.True(t, early, "nothing is sent before the picture is turned")
	f.ready()
	x, y := f.middle()
	f.moved(func() { do(t, f.tab, chromedp.Click(chromedp.CSS("[data-do=in]"))) })
	f.moved(func() {
		do(t, f.tab, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseWheel, x, y, func(p *input.DispatchMouseEventParams) {
			p.DeltaX, p.DeltaY = 1, -120 // both have to be there
		}))
	})
	f.moved(func() { do(t, f.tab, chromedp.Click(chromedp.CSS("[data-do=out]"))) })
	f.moved(func() {
		for i, kind := range []input.DispatchMouseEventType{chromedp.MousePressed, chromedp.MouseMoved, chromedp.MouseMoved, chromedp.MouseReleased} {
			do(t, f.tab, chromedp.MouseEvent(kind, x-8*float64(i), y+3*float64(i), chromedp.ButtonLeft, chromedp.ClickCount(1),
				func(p *input.DispatchMouseEventParams) { p.Buttons = 1 }))
		}
	})
	frameShowed := f.shown()
	fields, kept := f.send(p)
	require.Equal(t, "270", fields["rotate"])
	require.Less(t, distance(frameShowed, kept), alike)
	edge := map[string]int{}
	for name, value := range fields {
		v, err := strconv.ParseFloat(value, 64)
		require.NoError(t, err)
		edge[name] = int(v + .5)
	}
	require.Less(t, distance(asCard(img, image.Rect(edge["x"], edge["y"], edge["x"]+edge["w"], edge["y"]+edge["h"])), kept), alike)
	require.Greater(t, distance(asCard(img, img.Bounds()), kept), 2*alike, "the measure tells the part from the whole")

	f = frame{t, b, b.Tab(p.Client, "/apply/photo?new=1", 375, 812)}
	f.js(`delete window.DataTransfer`)
	f.choose("IMG_3.jpg", phototest.SidewaysPhone())
	f.moved(func() { do(t, f.tab, chromedp.Click(chromedp.CSS("[data-do=in]"))) })
	frameShowed = f.shown()
	fields, kept = f.send(p)
	wide, err := strconv.ParseFloat(fields["w"], 64)
	require.NoError(t, err)
	require.Less(t, wide, 2048.0, "in pixels of the scaled picture, which was sent")
	require.Less(t, distance(frameShowed, kept), alike)
}

// A refused picture stays with its buttons, so that moving it mends what can be mended; so does one that was
// refused for the number of uploads, and one that the network lost. The earlier portrait is not blamed.
func TestARefusedPictureStays(t *testing.T) {
	r := open(t)
	p := r.person("阿卜杜热合曼·买买提", adultID)
	p.regular(func(d *card.Draft) { d.PhotoID, d.Face = uuid.Nil, "" })
	b := webtest.NewBrowser(t)
	f := frame{t, b, b.Tab(p.Client, "/apply/photo", 375, 812)}
	reason := func(code string) {
		t.Helper()
		do(t, f.tab, chromedp.Poll[bool](`Boolean(document.querySelector("[data-reason=`+code+`]"))`))
		require.True(t, do(t, f.tab, chromedp.Evaluate[bool](`!document.querySelector("[data-crop]").hidden &&
			!document.querySelector("[data-photo-submit]").disabled && document.activeElement.id === "f-photo-error"`)))
	}
	f.choose("me.jpg", phototest.JPEG(phototest.Stored(phototest.Astronaut(), 3)))
	do(t, f.tab, chromedp.Click(chromedp.CSS("[data-photo-submit]")))
	reason("sideways")
	b.Axe(f.tab)
	keep(t, b, f.tab, "regular-refused-375")
	f.js(`window.kept = window.fetch; window.fetch = () => Promise.reject(new TypeError("no network"))`)
	f.js(`document.querySelector("[data-do=left]").click(); document.querySelector("[data-do=left]").click()`)
	f.ready()
	do(t, f.tab, chromedp.Click(chromedp.CSS("[data-photo-submit]")))
	do(t, f.tab, chromedp.Poll[bool](`/网络断开/.test(document.querySelector("[data-photo-note]").textContent)`))
	f.js(`window.fetch = window.kept`)
	_, kept := f.send(p)
	img := phototest.Astronaut()
	require.Less(t, distance(asCard(img, image.Rect(68, 0, 711, 900)), kept), 8.0, "turned, not chosen again")

	// A second one, refused for the limit: it stays as well, and the first is in use.
	for range 8 {
		p.upload(p.Get("/apply/photo?new=1").Want(200), "two.jpg", phototest.Refused(), nil).WantText(".photo-reasons", "原来的照片没有变").
			Has(".portrait img")
	}
	f = frame{t, b, b.Tab(p.Client, "/apply/photo?new=1", 375, 812)}
	f.choose("me.jpg", phototest.Good())
	do(t, f.tab, chromedp.Click(chromedp.CSS("[data-photo-submit]")))
	do(t, f.tab, chromedp.Poll[bool](`/太频繁/.test((document.querySelector("#f-photo-error") || {}).textContent)`))
	require.True(t, do(t, f.tab, chromedp.Evaluate[bool](`!document.querySelector("[data-crop]").hidden && Boolean(document.querySelector(".portrait img"))`)))
	r.Clock.Advance(time.Hour)
	do(t, f.tab, chromedp.Click(chromedp.CSS("[data-photo-submit]")))
	do(t, f.tab, chromedp.WaitVisible(chromedp.CSS(".chosen .primary")))
	b.WantPolicyKept(f.tab)
}
