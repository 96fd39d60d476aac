package public_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/skip2/go-qrcode"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/clock"
	"volcard/internal/credential"
)

// today moves the server's clock to the machine's, which the browser goes by.
func (c *checks) today() { c.Clock.Advance(clock.System{}.Now().Sub(c.Clock.Now())) }

// link is the text of the QR.
func (c *checks) link(token string) string {
	c.T.Helper()
	base, err := url.Parse(c.URL)
	require.NoError(c.T, err)
	return credential.URL(base, token)
}

// checker is an open /verify page.
type checker struct {
	t   *testing.T
	tab context.Context
}

func do[T any](c checker, action chromedp.Action[T]) T {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.tab, 30*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	require.NoError(c.t, err)
	return v
}

func (c checker) ready() {
	c.t.Helper()
	do(c, chromedp.WaitVisible(chromedp.CSS(`.basis[data-state="fresh"]`)))
}

// verdict waits for one and returns its status and text.
func (c checker) verdict() (status, text string) {
	c.t.Helper()
	sel := chromedp.CSS("#result .verdict")
	do(c, chromedp.WaitVisible(sel))
	return do(c, chromedp.AttributeValue(sel, "data-status")).Value, do(c, chromedp.Text(sel))
}

func (c checker) paste(text string) (status, shown string) {
	c.t.Helper()
	do(c, chromedp.SetValue(chromedp.CSS("#text"), text))
	do(c, chromedp.Evaluate[bool](`document.getElementById("result").replaceChildren() === undefined`))
	do(c, chromedp.Click(chromedp.CSS("#typed button")))
	return c.verdict()
}

// offline cuts the page's network.
func (c checker) offline() {
	c.t.Helper()
	do(c, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{Offline: true, DownloadThroughput: -1, UploadThroughput: -1}},
		})
		if err != nil {
			return chromedp.Void{}, err
		}
		_, err = cdp.Call(ctx, t, network.OverrideNetworkState, network.OverrideNetworkStateParams{
			Offline: true, DownloadThroughput: -1, UploadThroughput: -1,
		})
		return chromedp.Void{}, err
	})
	reached := do(c, chromedp.Evaluate[bool](`fetch("/verify", {cache: "no-store"}).then(() => true, () => false)`, chromedp.EvalAwaitPromise))
	require.False(c.t, reached, "the network must be gone")
}

func TestVerifyWithoutNetwork(t *testing.T) {
	c := newChecks(t, 0)
	c.today()
	end := c.Clock.Now().AddDate(3, 0, 0)
	_, good := c.card("阿卜杜热合曼·买买提", "valid", end)
	_, replaced := c.card("王五", "replaced", end)
	_, over := c.card("李四", "valid", c.Clock.Now().AddDate(0, 0, -3))
	picture := filepath.Join(t.TempDir(), "qr.png")
	require.NoError(t, qrcode.WriteFile(c.link(good), qrcode.Medium, 600, picture))
	blank := filepath.Join(t.TempDir(), "blank.png")
	require.NoError(t, qrcode.WriteFile("HELLO", qrcode.Medium, 300, blank))

	b := webtest.NewBrowser(t)
	p := checker{t, b.Tab(c.Client(), "/verify", 375, 812)}
	p.ready()
	p.offline()

	status, text := p.paste(c.link(good))
	require.Equal(t, "valid", status)
	require.Contains(t, text, "阿*****·买**")
	require.Contains(t, text, "通用版")
	basis := do(p, chromedp.Text(chromedp.CSS("#basis")))
	require.Contains(t, basis, "不到 1 分钟前", "it says how old its list is")
	keep(t, b, p.tab, "verify-valid")

	altered := []byte(good)
	altered[100] = map[bool]byte{true: 'B', false: 'A'}[good[100] == 'A']
	status, text = p.paste(string(altered))
	require.Equal(t, "unknown", status)
	require.NotContains(t, text, "阿*****·买**")
	keep(t, b, p.tab, "verify-altered")

	status, _ = p.paste(good[:90])
	require.Equal(t, "unknown", status)
	status, text = p.paste(strings.ToLower(replaced))
	require.Equal(t, "replaced", status)
	require.Contains(t, text, "已换发新证")
	status, _ = p.paste(over)
	require.Equal(t, "expired", status)
	keep(t, b, p.tab, "verify-expired")

	do(p, chromedp.SetUploadFiles(chromedp.CSS("#picture"), []string{blank}))
	do(p, chromedp.WaitVisible(chromedp.CSS(`#result .verdict[data-status="unknown"]`)))
	do(p, chromedp.SetUploadFiles(chromedp.CSS("#picture"), []string{picture}))
	do(p, chromedp.WaitVisible(chromedp.CSS(`#result .verdict[data-status="valid"]`)))

	kept := do(p, chromedp.Evaluate[string](`JSON.stringify([localStorage, sessionStorage]) + document.cookie + location.href`))
	require.NotContains(t, strings.ToUpper(kept), good[40:60], "nothing of a card is kept")
	require.NotContains(t, kept, "阿")
}

// A card that was suspended a moment ago is refused by a page that was open before.
func TestVerifyLearnsOfRevocation(t *testing.T) {
	c := newChecks(t, 0)
	c.today()
	_, token := c.card("王五", "valid", c.Clock.Now().AddDate(3, 0, 0))
	p := checker{t, webtest.NewBrowser(t).Tab(c.Client(), "/verify", 375, 812)}
	p.ready()
	status, _ := p.paste(token)
	require.Equal(t, "valid", status)

	_, err := c.DB.Exec(t.Context(), "UPDATE card SET status = 'suspended', status_at = $1", c.Clock.Now())
	require.NoError(t, err)
	c.Clock.Advance(3 * time.Second)
	do(p, chromedp.Click(chromedp.CSS("#refresh")))
	do(p, chromedp.PollFunction[bool](`() => document.getElementById("basis").textContent.includes("共 1 条")`))
	status, _ = p.paste(token)
	require.Equal(t, "suspended", status)
}

// An old list is said to be old, and confirms nothing.
func TestVerifyWithOldList(t *testing.T) {
	c := newChecks(t, 0)
	_, token := c.card("王五", "valid", clock.System{}.Now().AddDate(3, 0, 0))
	c.Clock.Advance(clock.System{}.Now().Add(-49 * time.Hour).Sub(c.Clock.Now()))
	b := webtest.NewBrowser(t)
	p := checker{t, b.Tab(c.Client(), "/verify", 375, 812)}
	do(p, chromedp.WaitVisible(chromedp.CSS(`.basis[data-state="stale"]`)))
	require.Contains(t, do(p, chromedp.Text(chromedp.CSS("#basis"))), "2 天前")
	status, _ := p.paste(token)
	require.Equal(t, "stale", status)
	keep(t, b, p.tab, "verify-stale")
}

// A page that never got its list says so, and confirms nothing either.
func TestVerifyWithoutList(t *testing.T) {
	c := newChecks(t, 0)
	_, token := c.card("王五", "valid", clock.System{}.Now().AddDate(3, 0, 0))
	c.DB.Close()
	b := webtest.NewBrowser(t)
	p := checker{t, b.Tab(c.Client(), "/verify", 375, 812)}
	do(p, chromedp.WaitVisible(chromedp.CSS(`.basis[data-state="missing"]`)))
	status, _ := p.paste(token)
	require.Equal(t, "unlisted", status)
	keep(t, b, p.tab, "verify-missing")
}

// The camera finds the code: Chromium plays a film of it.
func TestVerifyByCamera(t *testing.T) {
	c := newChecks(t, 0)
	c.today()
	_, token := c.card("王𠮷", "valid", c.Clock.Now().AddDate(3, 0, 0))
	film := filepath.Join(t.TempDir(), "card.y4m")
	writeFilm(t, film, c.link(token))
	webtest.NewBrowser(t) // skips or fails where there is none
	ctx, stop := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", film)))
	t.Cleanup(stop)
	p := checker{t, ctx}
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(375, 812), chromedp.Navigate(c.URL+"/verify")))
	p.ready()
	p.offline()
	do(p, chromedp.Click(chromedp.CSS("#camera")))
	status, text := p.verdict()
	require.Equal(t, "valid", status)
	require.Contains(t, text, "王*")
	do(p, chromedp.WaitNotVisible(chromedp.CSS("#finder")))
}

// A network that neither answers nor ends keeps nobody waiting who has keys and list already.
func TestVerifyOnAHangingNetwork(t *testing.T) {
	c := newChecks(t, 0)
	c.today()
	_, token := c.card("王五", "valid", c.Clock.Now().AddDate(3, 0, 0))
	p := checker{t, webtest.NewBrowser(t).Tab(c.Client(), "/verify", 375, 812)}
	p.ready()
	do(p, chromedp.Evaluate[bool](`window.fetch = (_, options) => { window.asked = options; return new Promise(() => {}); }, true`))
	do(p, chromedp.Click(chromedp.CSS("#refresh")))
	do(p, chromedp.Poll[bool](`window.asked !== undefined`))
	require.Contains(t, do(p, chromedp.Text(chromedp.CSS("#basis-state"))), "正在更新")
	require.True(t, do(p, chromedp.Evaluate[bool](`window.asked.signal instanceof AbortSignal`)), "and it is given up after a while")
	status, _ := p.paste(token)
	require.Equal(t, "valid", status)
	require.False(t, do(p, chromedp.Evaluate[bool](`!!document.getElementById("basis").closest("[role=status], [aria-live]")`)),
		"what changes each minute is not read aloud each minute")
}

// The verdict on one card is not seen while the next one is looked at, and an answer that comes late is dropped.
func TestVerifyForgetsTheLastCard(t *testing.T) {
	c := newChecks(t, 0)
	c.today()
	end := c.Clock.Now().AddDate(3, 0, 0)
	_, good := c.card("王五", "valid", end)
	_, replaced := c.card("李四", "replaced", end)
	picture := filepath.Join(t.TempDir(), "qr.png")
	require.NoError(t, qrcode.WriteFile(c.link(good), qrcode.Medium, 600, picture))
	p := checker{t, webtest.NewBrowser(t).Tab(c.Client(), "/verify", 375, 812)}
	p.ready()
	status, _ := p.paste(good)
	require.Equal(t, "valid", status)

	do(p, chromedp.Evaluate[bool](`(decode => { Image.prototype.decode = async function () {
		await new Promise(go => { window.go = go; });
		return decode.call(this);
	}; })(Image.prototype.decode), true`))
	do(p, chromedp.SetUploadFiles(chromedp.CSS("#picture"), []string{picture}))
	do(p, chromedp.Poll[bool](`window.go !== undefined`))
	require.Equal(t, "正在识别图片……", do(p, chromedp.Evaluate[string](`document.getElementById("result").textContent`)))
	status, _ = p.paste(replaced)
	require.Equal(t, "replaced", status)
	do(p, chromedp.Evaluate[bool](`window.go(), delete window.go, true`))
	do(p, chromedp.SetUploadFiles(chromedp.CSS("#picture"), []string{picture}))
	do(p, chromedp.Poll[bool](`window.go !== undefined`))
	do(p, chromedp.Evaluate[bool](`window.go(), true`))
	status, _ = p.verdict()
	require.Equal(t, "valid", status)
}

// A camera that is allowed after it was closed, or that shows nothing, does not stay on.
func TestVerifyTurnsTheCameraOff(t *testing.T) {
	c := newChecks(t, 0)
	c.today()
	p := checker{t, webtest.NewBrowser(t).Tab(c.Client(), "/verify", 375, 812)}
	p.ready()
	do(p, chromedp.Evaluate[bool](`navigator.mediaDevices.getUserMedia = () => new Promise(allow => {
		window.allow = () => { window.stream = document.createElement("canvas").captureStream(); allow(window.stream); };
	}), true`))
	const off = `window.stream.getTracks().length === 1 && window.stream.getTracks()[0].readyState === "ended"`
	do(p, chromedp.Click(chromedp.CSS("#camera")))
	do(p, chromedp.Click(chromedp.CSS("#stop")))
	do(p, chromedp.Evaluate[bool](`window.allow(), true`))
	do(p, chromedp.Poll[bool](off))
	do(p, chromedp.WaitNotVisible(chromedp.CSS("#finder")))

	do(p, chromedp.Evaluate[bool](`HTMLMediaElement.prototype.play = () => Promise.reject(new Error("no picture")), true`))
	do(p, chromedp.Click(chromedp.CSS("#camera")))
	do(p, chromedp.Evaluate[bool](`window.allow(), true`))
	do(p, chromedp.Poll[bool](off))
	require.Contains(t, do(p, chromedp.Text(chromedp.CSS("#result"))), "没有打开摄像头")
}

// writeFilm writes one frame of a card's code as a camera would see it, slightly grey.
func writeFilm(t *testing.T, file, text string) {
	t.Helper()
	const width, height = 640, 480
	q, err := qrcode.New(text, qrcode.Medium)
	require.NoError(t, err)
	frame := image.NewGray(image.Rect(0, 0, width, height))
	draw.Draw(frame, frame.Bounds(), image.NewUniform(color.Gray{Y: 150}), image.Point{}, draw.Src)
	code := q.Image(400)
	draw.Draw(frame, image.Rect(120, 40, 520, 440), code, image.Point{}, draw.Src)
	out := fmt.Appendf(nil, "YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n", width, height)
	out = append(out, "FRAME\n"...)
	for _, luma := range frame.Pix {
		out = append(out, 40+luma/255*180+luma%255/2)
	}
	for range width * height / 2 {
		out = append(out, 128)
	}
	require.NoError(t, os.WriteFile(file, out, 0o600))
}

func TestVerifyPagesAreAccessible(t *testing.T) {
	c := newChecks(t, 0)
	c.today()
	b := webtest.NewBrowser(t)
	end := c.Clock.Now().AddDate(3, 0, 0)
	_, valid := c.card("阿卜杜热合曼·买买提", "valid", end)
	_, suspended := c.card("王五", "suspended", end)
	for name, path := range map[string]string{
		"verify": "/verify", "check-valid": "/V/" + valid, "check-suspended": "/V/" + suspended, "check-unknown": "/V/X",
	} {
		webtest.Axe(t, b, c.Client(), path)
		b.Shots(c.Client(), path, name)
	}
	p := checker{t, b.Tab(c.Client(), "/verify", 375, 812)}
	p.ready()
	p.paste(valid)
	b.Axe(p.tab)
	wide := do(p, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
	require.LessOrEqual(t, wide, 375, "nothing is cut off or scrolls sideways on a phone")
}

// keep saves a picture of a tab, where a folder for pictures is named.
func keep(t *testing.T, b *webtest.Browser, tab context.Context, name string) {
	t.Helper()
	if folder := os.Getenv("VOLCARD_SHOTS"); folder != "" {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name+".png"), b.Picture(tab), 0o600))
	}
}
