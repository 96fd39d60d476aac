package webtest

import (
	"context"
	_ "embed" // the accessibility checker is a file beside this one
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// axe-core 4.14.1, for tests only.
//
//go:embed axe/axe.min.js
var axeSource string

// Browser is a real Chromium, started once for a test.
type Browser struct {
	t   testing.TB
	ctx context.Context //nolint:containedctx // the library keeps the browser in a context
	axe context.Context //nolint:containedctx // the tab in which Axe shows page after page
}

// NewBrowser starts Chromium; where there is none the test is skipped on a laptop and fails in CI.
func NewBrowser(t testing.TB) *Browser {
	t.Helper()
	found := false
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if _, err := exec.LookPath(name); err == nil {
			found = true
		}
	}
	if !found {
		if os.Getenv("CI") != "" {
			t.Fatal("no Chromium: run the tests through `make test`")
		}
		t.Skip("no Chromium: run the tests through `make test`")
	}
	ctx, stop := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(chromedp.NoSandbox, chromedp.DisableGPU))
	t.Cleanup(stop)
	require.NoError(t, chromedp.Do(ctx)) // a tab of its own needs a browser that runs
	return &Browser{t: t, ctx: ctx}
}

// Tab opens a page at a size, with a client's login and with nobody else's.
func (b *Browser) Tab(c *Client, path string, width, height int64) context.Context {
	b.t.Helper()
	ctx, closeTab := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	b.t.Cleanup(closeTab)
	watch := func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: `window.violations = []; document.addEventListener("securitypolicyviolation", e =>
				window.violations.push(e.violatedDirective + " " + e.blockedURI + " " + e.sample));`,
		})
		return chromedp.Void{}, err
	}
	require.NoError(b.t, chromedp.Do(ctx, watch))
	b.Visit(ctx, c, path, width, height)
	return ctx
}

// Visit opens a page in a tab that may have shown others: with a client's login and nothing that the pages before
// left behind but what everybody is sent, in light colours. A tab of its own costs a second.
func (b *Browser) Visit(tab context.Context, c *Client, path string, width, height int64) {
	b.t.Helper()
	base, err := url.Parse(c.base)
	require.NoError(b.t, err)
	forget := chromedp.Evaluate[chromedp.Void](`(function () { try { sessionStorage.clear(); localStorage.clear(); } catch (e) { /* no page yet */ } })()`)
	cookies := func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		if _, err := cdp.Call(ctx, t, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
			return chromedp.Void{}, err
		}
		for _, cookie := range c.Cookies() {
			if _, err := cdp.Call(ctx, t, network.SetCookie, network.SetCookieParams{
				Name: cookie.Name, Value: cookie.Value, URL: base.String(),
			}); err != nil {
				return chromedp.Void{}, err
			}
		}
		return chromedp.Void{}, nil
	}
	require.NoError(b.t, chromedp.Do(tab, forget, chromedp.EmulateViewport(width, height), media("light"), cookies, chromedp.Navigate(c.base+path)))
}

// Picture is the whole page as PNG.
func (b *Browser) Picture(tab context.Context) []byte {
	b.t.Helper()
	png, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	return png
}

// Shots keeps pictures of a page for somebody to look at, where VOLCARD_SHOTS names a folder.
func (b *Browser) Shots(c *Client, path, name string) {
	b.t.Helper()
	folder := os.Getenv("VOLCARD_SHOTS")
	if folder == "" {
		return
	}
	keep := func(suffix string, png []byte) {
		require.NoError(b.t, os.WriteFile(filepath.Join(folder, name+suffix+".png"), png, 0o600)) //nolint:gosec // the developer names the folder
	}
	tab := b.Tab(c, path, 375, 812)
	defer func() { _ = chromedp.Cancel(tab) }()
	keep("-375", b.Picture(tab))
	require.NoError(b.t, chromedp.Do(tab, chromedp.EmulateViewport(1280, 900)))
	keep("-1280", b.Picture(tab))
	b.Dark(tab)
	keep("-1280-dark", b.Picture(tab))
	require.NoError(b.t, chromedp.Do(tab, chromedp.EmulateViewport(375, 812)))
	keep("-375-dark", b.Picture(tab))
}

// Dark switches the tab to the dark colours.
func (b *Browser) Dark(tab context.Context) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(tab, media("dark")))
}

// Scripts turns JavaScript on or off for the pages that the tab opens from now on. What a test evaluates runs all the same.
func (b *Browser) Scripts(tab context.Context, on bool) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(tab, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return chromedp.Void{}, err
	}))
}

// media sets the colours, and stops transitions: a colour on its way is no finding.
func media(scheme string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
			},
		})
		return chromedp.Void{}, err
	}
}

// Finding is one thing that axe-core objects to.
type Finding struct {
	ID     string `json:"id"`
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Nodes  []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// WantPolicyKept asserts that the page did nothing that its content security policy forbids.
func (b *Browser) WantPolicyKept(tab context.Context) {
	b.t.Helper()
	violations, err := chromedp.Run(tab, chromedp.Evaluate[[]string](`window.violations`))
	require.NoError(b.t, err)
	require.Empty(b.t, violations)
}

// Axe asserts that the page in the tab keeps its policy and has no serious or critical finding.
func (b *Browser) Axe(tab context.Context) {
	b.t.Helper()
	b.WantPolicyKept(tab)
	serious := b.Findings(tab)
	require.Empty(b.t, serious, strings.Join(serious, "\n"))
}

// Findings are what axe-core finds serious or critical on the page in the tab.
func (b *Browser) Findings(tab context.Context) []string {
	b.t.Helper()
	type result struct {
		Violations []Finding `json:"violations"`
	}
	there, err := chromedp.Run(tab, chromedp.Evaluate[bool](`"axe" in window`))
	require.NoError(b.t, err)
	if !there {
		require.NoError(b.t, chromedp.Do(tab, chromedp.Evaluate[chromedp.Void](axeSource+`;undefined`)))
	}
	got, err := chromedp.Run(tab, chromedp.Evaluate[result](`axe.run(document, {resultTypes: ["violations"]})`, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err)
	var serious []string
	for _, f := range got.Violations {
		if f.Impact != "serious" && f.Impact != "critical" {
			continue
		}
		for _, n := range f.Nodes {
			serious = append(serious, fmt.Sprintf("%s (%s): %s\n  %s\n  %s", f.ID, f.Impact, f.Help, n.HTML, n.Summary))
		}
	}
	return serious
}

// Axe opens a path with a client's login and asserts that there is no serious finding: on a
// phone in light and in dark colours, and on a desk.
func Axe(t testing.TB, b *Browser, c *Client, path string) {
	t.Helper()
	if b.axe == nil {
		b.axe = b.Tab(c, path, 375, 812)
	} else {
		b.Visit(b.axe, c, path, 375, 812)
	}
	tab := b.axe
	b.Axe(tab)
	b.Dark(tab)
	b.Axe(tab)
	require.NoError(t, chromedp.Do(tab, chromedp.EmulateViewport(1280, 900)))
	b.Axe(tab)
}
