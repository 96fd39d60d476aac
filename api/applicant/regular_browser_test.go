package applicant_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/photo/phototest"
)

// finger is where a finger is on the screen.
type finger struct{ X, Y float64 }

// touch moves fingers over the page: down at the first places, up after the last.
func touch(t *testing.T, tab context.Context, path ...[]finger) {
	t.Helper()
	send := func(kind input.DispatchTouchEventType, fingers []finger) {
		points := []*input.TouchPoint{}
		for i, f := range fingers {
			id := float64(i)
			points = append(points, &input.TouchPoint{X: f.X, Y: f.Y, ID: &id})
		}
		do(t, tab, func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
			_, err := cdp.Call(ctx, target, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points})
			return chromedp.Void{}, err
		})
	}
	send("touchStart", path[0])
	for _, fingers := range path[1:] {
		send("touchMove", fingers)
	}
	send("touchEnd", nil)
}

// file writes an upload where the browser can choose it.
func file(t *testing.T, name string, content []byte) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return []string{path}
}

const seen = `getComputedStyle(document.querySelector(".cropper-canvas")).transform + getComputedStyle(document.querySelector(".cropper-canvas")).width`

// A phone's photo of 12 megapixels that lies on its side is scaled, turned upright, cropped by touch, by
// keys and by buttons, and comes to the preview.
func TestPhotoIsCroppedInABrowser(t *testing.T) {
	r := open(t)
	p := r.person("阿卜杜热合曼·买买提", adultID)
	p.regular(func(d *card.Draft) { d.PhotoID, d.Face = uuid.Nil, "" })
	r.exec("UPDATE consent SET withdrawn_at = $1 WHERE purpose = 'photo'", r.Clock.Now())
	b := webtest.NewBrowser(t)
	tab := b.Tab(p.Client, "/apply/photo", 375, 812)
	do(t, tab, func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true})
		return chromedp.Void{}, err
	})

	// What is no photo is said at once, and a photo can be chosen right after.
	do(t, tab, chromedp.SetUploadFiles(chromedp.CSS("#f-photo"), file(t, "IMG_1.HEIC", []byte("no picture"))))
	do(t, tab, chromedp.Poll[bool](`!document.querySelector("[data-photo-note]").hidden`))
	require.Contains(t, do(t, tab, chromedp.Evaluate[string](`document.querySelector("[data-photo-note]").textContent`)), "HEIC")

	do(t, tab, chromedp.SetUploadFiles(chromedp.CSS("#f-photo"), file(t, "IMG_2.jpg", phototest.SidewaysPhone())))
	do(t, tab, chromedp.Poll[bool](`document.querySelector("[data-crop-area]").dataset.ready === "1"`))
	require.True(t, do(t, tab, chromedp.Evaluate[bool](`document.querySelector("[data-photo-note]").hidden`)))
	size := do(t, tab, chromedp.Evaluate[[]float64](
		`(i => [i.naturalWidth, i.naturalHeight])(document.querySelector("[data-crop-area] img"))`))
	require.EqualValues(t, 2048, size[1], "upright and scaled: %v", size)
	require.Less(t, size[0], size[1])
	b.Axe(tab)
	keep(t, b, tab, "regular-crop-375")

	do(t, tab, chromedp.Evaluate[bool](`document.querySelector("[data-crop-area]").scrollIntoView({block: "center"}), true`))
	box := do(t, tab, chromedp.Evaluate[[]float64](
		`(r => [r.left + r.width / 2, r.top + r.height / 2])(document.querySelector("[data-crop-area]").getBoundingClientRect())`))
	moved := func(act func()) {
		t.Helper()
		before := do(t, tab, chromedp.Evaluate[string](seen))
		act()
		do(t, tab, chromedp.Poll[bool](`document.querySelector(".cropper-canvas") && `+seen+` !== "`+before+`"`))
	}
	x, y := box[0], box[1]
	// Two fingers zoom, one drags, an arrow moves, minus zooms out.
	moved(func() {
		touch(t, tab, []finger{{x - 30, y}, {x + 30, y}}, []finger{{x - 36, y}, {x + 36, y}}, []finger{{x - 42, y}, {x + 42, y}})
	})
	moved(func() { touch(t, tab, []finger{{x, y}}, []finger{{x + 6, y + 4}}, []finger{{x + 12, y + 8}}) })
	do(t, tab, chromedp.Focus(chromedp.CSS("[data-crop-area]")))
	moved(func() { do(t, tab, chromedp.KeyEvent(kb.ArrowLeft)) })
	moved(func() { do(t, tab, chromedp.KeyEvent("-")) })
	for _, button := range []string{"right", "left"} {
		do(t, tab, chromedp.Evaluate[bool](`delete document.querySelector("[data-crop-area]").dataset.ready`))
		do(t, tab, chromedp.Click(chromedp.CSS("[data-do="+button+"]")))
		do(t, tab, chromedp.Poll[bool](`document.querySelector("[data-crop-area]").dataset.ready === "1"`))
	}
	b.WantPolicyKept(tab)

	// Without the consent the form stays, and what was cropped with it.
	do(t, tab, chromedp.Click(chromedp.CSS("[data-photo-submit]")))
	require.True(t, do(t, tab, chromedp.Evaluate[bool](
		`document.querySelector("#f-photo").files.length === 1 && !document.querySelector(".photo-form").dataset.sent`)))
	do(t, tab, chromedp.Click(chromedp.CSS("#f-consent")))
	do(t, tab, chromedp.Click(chromedp.CSS("[data-photo-submit]")))
	do(t, tab, chromedp.WaitVisible(chromedp.CSS(".portrait img")))
	b.Axe(tab)
	do(t, tab, chromedp.Click(chromedp.CSS(".chosen .primary")))
	do(t, tab, chromedp.WaitVisible(chromedp.CSS("[data-face=donghu]")))
	do(t, tab, chromedp.Click(chromedp.CSS("[data-face=donghu]")))
	do(t, tab, chromedp.Click(chromedp.CSS(".actions.sticky .primary")))
	do(t, tab, chromedp.WaitVisible(chromedp.CSS("[data-promise]")))
	do(t, tab, chromedp.Poll[bool](`[...document.querySelectorAll(".faces img")].every(i => i.complete && i.naturalWidth === 1011)`))
	b.WantPolicyKept(tab)
}

// keep writes a picture of the tab, where VOLCARD_SHOTS names a folder.
func keep(t *testing.T, b *webtest.Browser, tab context.Context, name string) {
	t.Helper()
	if folder := os.Getenv("VOLCARD_SHOTS"); folder != "" {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name+".png"), b.Picture(tab), 0o600))
	}
}
