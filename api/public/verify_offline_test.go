package public_test

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"volcard/api/web"
	"volcard/api/web/webtest"
	"volcard/internal/credential/credentialtest"
	"volcard/templates"
)

// changed are the project's templates with one static file that is another.
type changed struct {
	fs.FS
	name, content string
}

func (c changed) Open(name string) (fs.File, error) {
	if name == c.name {
		return fstest.MapFS{name: {Data: []byte(c.content)}}.Open(name)
	}
	return c.FS.Open(name)
}

func with(name, content string) func(*web.Options) {
	return func(o *web.Options) { o.Templates = changed{templates.FS, name, content} }
}

// front is the address of a server that can fail and be exchanged.
type front struct {
	*httptest.Server
	behind atomic.Pointer[http.Handler]
	fails  atomic.Bool
}

func (c *checks) front() *front {
	c.T.Helper()
	f := &front{}
	f.take(c)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.fails.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		(*f.behind.Load()).ServeHTTP(w, r)
	}))
	c.T.Cleanup(f.Close)
	c.URL = f.URL
	return f
}

func (f *front) take(c *checks) {
	h := c.Handler()
	f.behind.Store(&h)
}

// kept waits for the worker and returns the addresses of everything that the browser keeps of the site.
func (c checker) kept() []string {
	c.t.Helper()
	return do(c, chromedp.Evaluate[[]string](`navigator.serviceWorker.ready.then(async () => {
		const all = [];
		for (const name of await caches.keys()) for (const r of await (await caches.open(name)).keys()) all.push(new URL(r.url).pathname);
		return all;
	})`, chromedp.EvalAwaitPromise))
}

// Opened again without a server, the page checks by what it kept, and it kept nothing of anybody.
func TestVerifyIsReloadedWithoutNetwork(t *testing.T) {
	c := newChecks(t, 0)
	f := c.front()
	c.today()
	end := c.Clock.Now().AddDate(3, 0, 0)
	_, good := c.card("阿卜杜热合曼·买买提", "valid", end)
	_, suspended := c.card("王五", "suspended", end)
	_, over := c.card("李四", "valid", c.Clock.Now().AddDate(0, 0, -3))
	b := webtest.NewBrowser(t)
	p := checker{t, b.Tab(c.Client(), "/verify", 375, 812)}
	p.ready()
	p.paste(good)
	p.kept()
	do(p, chromedp.Navigate(c.URL+"/V/"+good)) // outside of the worker's scope
	do(p, chromedp.Navigate(c.URL+"/verify"))
	p.ready()

	f.fails.Store(true) // a server that fails is as good as none
	do(p, chromedp.Reload())
	do(p, chromedp.WaitVisible(chromedp.CSS(`.basis[data-state="offline"]`)))
	f.fails.Store(false)
	do(p, chromedp.Reload())
	p.ready()

	f.CloseClientConnections()
	f.Close()
	do(p, chromedp.Reload())
	do(p, chromedp.WaitVisible(chromedp.CSS(`.basis[data-state="offline"]`)))
	require.Contains(t, do(p, chromedp.Text(chromedp.CSS("#basis-state"))), "现在没有网络，按这份名单核验")
	for token, want := range map[string]string{good: "valid", suspended: "suspended", over: "expired", good[:90]: "unknown"} {
		status, _ := p.paste(token)
		require.Equal(t, want, status)
		said := do(p, chromedp.Text(chromedp.CSS("#result")))
		require.Equal(t, want == "expired", strings.Contains(said, "按您设备的时间"), "only the device's time is known")
	}
	keep(t, b, p.tab, "verify-reloaded-offline")
	b.WantPolicyKept(p.tab)

	kept := p.kept()
	require.Contains(t, kept, "/verify")
	for _, path := range kept {
		require.Regexp(t, `^(/static/.*|/verify|/\.well-known/volcard/(keys|status-list))$`, path)
	}
	p.clockOff(40 * 24 * time.Hour)
	do(p, chromedp.WaitVisible(chromedp.CSS(`.basis[data-state="stale"]`)))
	status, _ := p.paste(good)
	require.Equal(t, "stale", status)
	require.Contains(t, do(p, chromedp.Text(chromedp.CSS("#result"))), "按您设备的时间")
}

// A new version of any file of the page takes the old one's place as a whole.
func TestVerifyWorkerIsUpdated(t *testing.T) {
	c := newChecks(t, 0)
	f := c.front()
	c.today()
	worker := func() string { return string(c.Client().Get("/verify-worker.js").Want(http.StatusOK).Body) }
	before := worker()
	require.Equal(t, before, worker(), "the same files are the same worker")
	p := checker{t, webtest.NewBrowser(t).Tab(c.Client(), "/verify", 375, 812)}
	p.ready()
	p.kept()
	old := do(p, chromedp.Evaluate[string](`caches.keys().then(k => k.filter(n => n.startsWith("volcard-verify-")).join())`, chromedp.EvalAwaitPromise))

	file, err := templates.FS.Open("static/verify/base32.js")
	require.NoError(t, err)
	source, err := io.ReadAll(file)
	require.NoError(t, err)
	next := newChecks(t, 0, with("static/verify/base32.js", string(source)+"// changed\n"))
	next.today()
	f.take(next)
	require.NotEqual(t, before, worker())
	do(p, chromedp.Evaluate[bool](`navigator.serviceWorker.getRegistration("/verify").then(r => r.update()).then(() => true)`, chromedp.EvalAwaitPromise))
	do(p, chromedp.PollFunction[bool](`old => caches.keys().then(names => {
		const ours = names.filter(n => n.startsWith("volcard-verify-"));
		return ours.length === 1 && ours[0] !== old;
	})`, chromedp.WithPollingArgs(old)))
	held := do(p, chromedp.Evaluate[string](`caches.match("/static/verify/base32.js").then(r => r.text())`, chromedp.EvalAwaitPromise))
	require.Contains(t, held, "// changed")
}

// Where the page's program does not parse or does not arrive, a sentence says so and the server checks (T68).
func TestVerifyWithoutTheProgram(t *testing.T) {
	b := webtest.NewBrowser(t)
	for name, content := range map[string]string{
		"static/verify/token.js":      "export const check = a ??!= b;",
		"static/verify/verify.js":     "let = = 1;",
		"static/verify/candidates.js": "export const other = 1;", // what is asked for is not there
		"static/verify/clock.js":      `export class Clock {}; throw new Error("too old");`,
	} {
		c := newChecks(t, 0, with(name, content))
		c.today()
		_, token := c.card("王五", "valid", c.Clock.Now().AddDate(3, 0, 0))
		p := checker{t, b.Tab(c.Client(), "/verify", 375, 812)}
		do(p, chromedp.WaitVisible(chromedp.CSS("#plain")))
		require.Contains(t, do(p, chromedp.Text(chromedp.CSS("#plain"))), "由服务器核验", name)
		shown := do(p, chromedp.Text(chromedp.CSS("body")))
		require.NotContains(t, shown, "正在", "nothing waits for ever")
		require.NotContains(t, shown, "不上传")
		dead := do(p, chromedp.Evaluate[string](`[...document.querySelectorAll("main button, main label.btn")].filter(e => e.offsetParent && !e.closest("form")).map(e => e.textContent).join()`))
		require.Empty(t, dead, "no button that does nothing")
		keep(t, b, p.tab, "verify-plain")
		b.Axe(p.tab)
		do(p, chromedp.SetValue(chromedp.CSS("#text"), "HELLO"))
		do(p, chromedp.Click(chromedp.CSS("#typed button")))
		do(p, chromedp.WaitVisible(chromedp.CSS("#f-text-error")))
		require.Equal(t, "HELLO", do(p, chromedp.Evaluate[string](`document.getElementById("text").value`)), "what was typed stays")
		keep(t, b, p.tab, "verify-plain-refused")
		do(p, chromedp.SetValue(chromedp.CSS("#text"), "请看 "+c.link(token)+"。"))
		do(p, chromedp.Click(chromedp.CSS("#typed button")))
		do(p, chromedp.WaitVisible(chromedp.CSS(`.verdict[data-status="valid"]`)))
	}
}

// The form without JavaScript at all.
func TestVerifyForm(t *testing.T) {
	t.Parallel()
	c := newChecks(t, 0)
	_, token := c.card("王五", "valid", c.Clock.Now().AddDate(3, 0, 0))
	_, never := c.sign("李四", c.Clock.Now().AddDate(3, 0, 0))
	page := c.Client().Get("/verify").Want(http.StatusOK)
	page.WantText("noscript", "由服务器核验")
	for name, text := range credentialtest.Sent("https://card.example/v/" + token) {
		found := page.Submit("#typed", map[string]string{"text": text})
		require.Equal(t, "/v/"+token, found.Path(), name)
		found.Has(`.verdict[data-status="valid"]`)
	}
	for typed, says := range map[string]string{
		"":                            "请粘贴二维码内容或链接",
		"HELLO":                       "二维码内容不完整",
		never:                         "系统里没有这张证件",
		`"><script>alert(1)</script>`: "二维码内容不完整",
		strings.Repeat("证", 16384):    "二维码内容不完整",
	} {
		refused := page.Submit("#typed", map[string]string{"text": typed}).Want(http.StatusUnprocessableEntity)
		refused.WantError("text", says).Has("#text[aria-invalid=true]")
		require.Equal(t, typed, refused.Find("#text").AttrOr("value", ""), "what was typed stays")
	}
	limited := newChecks(t, 1)
	limited.Client().Post("/verify", url.Values{"text": {"X"}}).Want(http.StatusUnprocessableEntity)
	limited.Client().Post("/verify", url.Values{"text": {"X"}}).Want(http.StatusTooManyRequests)
}
