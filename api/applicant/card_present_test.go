package applicant_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	_ "image/png" // what a browser takes a picture as
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
)

// zbar reads the code in a picture.
func zbar(t *testing.T, name string, picture []byte) string {
	t.Helper()
	if _, err := exec.LookPath("zbarimg"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no zbarimg: run the tests through `make test`")
		}
		t.Skip("no zbarimg: run the tests through `make test`")
	}
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, picture, 0o600))
	out, err := exec.CommandContext(t.Context(), "zbarimg", "-q", "--raw", path).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// The picture that a holder downloads holds the QR.
func TestDownloadedPictureHasTheQR(t *testing.T) {
	t.Parallel()
	r := open(t)
	for name, id := range map[string]string{"王𠮷": adultID, strings.Repeat("买", 25) + "·" + strings.Repeat("热", 24): otherID} {
		p := r.person(name, id)
		shown := p.submitted()
		link := shown.Find("a[download]").FilterFunction(func(_ int, s *goquery.Selection) bool { return strings.Contains(s.AttrOr("href", ""), ".jpg") })
		answer := p.Get(link.AttrOr("href", "")).Want(200)
		require.Equal(t, "image/jpeg", answer.Response.Header.Get("Content-Type"))
		require.Equal(t, "no-store", answer.Response.Header.Get("Cache-Control"))
		_, err := jpeg.Decode(bytes.NewReader(answer.Body))
		require.NoError(t, err)
		var token string
		require.NoError(t, r.DB.QueryRow(t.Context(), "SELECT token FROM card WHERE application_id = $1", p.caseID()).Scan(&token))
		require.Equal(t, "HTTPS://CARD.EXAMPLE/V/"+token, zbar(t, "card.jpg", answer.Body))
	}
}

// A card is presented as valid by its holder only, and only while it is.
func TestPresent(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	shown := p.submitted()
	require.Equal(t, "出示电子证", shown.Find("main a.btn, main button").First().Text(), "the page's first button")
	path := "/cards/" + p.caseID().String() + "/present"
	presented := shown.Click("main a.btn").WantAt(path).WantText("h1", "有效的志愿者证").WantText(".holder", "王𠮷").Has(".code").Has("[data-now]")
	require.Equal(t, "no-store", presented.Response.Header.Get("Cache-Control"))
	ask := presented.Find("#presented").AttrOr("hx-get", "")
	p.HTMX().Get(ask).Want(http.StatusNoContent)

	stranger := r.person("李𬱟", otherID)
	page := stranger.Get(path).Want(404)
	require.NotContains(t, string(page.Body), "王𠮷")
	require.Contains(t, r.Env.Client().Still().Get(path).Location(), "/login?next=")
	r.Env.Clerk(newID(), r.branch).Get(path).Want(403)

	for _, tc := range []struct{ change, status, says string }{
		{"UPDATE card SET status = 'suspended'", "suspended", "已暂停使用"},
		{"UPDATE card SET status = 'valid', issued_at = issued_at - interval '6 years', expires_at = expires_at - interval '6 years'", "expired", "已过期"},
	} {
		r.exec(tc.change)
		for _, page := range []*webtest.Page{p.Get(path), p.HTMX().Get(ask)} {
			page.Want(200).Has(`[data-status="`+tc.status+`"]`).WantText("h1", tc.says).Lacks(".code")
			require.NotContains(t, page.Text("body"), "有效的志愿者证")
		}
		p.Get("/cards/" + p.caseID().String()).Lacks("a[href$='/present']")
	}
	r.exec("UPDATE card SET status = 'cancelled'")
	p.Get(path).Want(404)
	p.HTMX().Get(ask).Want(404)
}

// The card is presented on one white screen, in either colour scheme: QR, name and a clock that runs; the screen is kept on.
func TestPresentFillsTheScreen(t *testing.T) {
	r := open(t)
	long := strings.Repeat("买", 25) + "·" + strings.Repeat("热", 24)
	b := webtest.NewBrowser(t)
	for i, name := range []string{"王𠮷", long} {
		p := r.person(name, []string{adultID, otherID}[i])
		p.submitted()
		path := "/cards/" + p.caseID().String() + "/present"
		tab := b.Tab(p.Client, path, 375, 667)
		do(t, tab, func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
			_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
				Source: `window.asked = []; Object.defineProperty(navigator, "wakeLock", {value: {request: async kind => { window.asked.push(kind); }}});`,
			})
			return chromedp.Void{}, err
		})
		do(t, tab, chromedp.Reload())
		do(t, tab, chromedp.Poll[bool](`window.asked.length === 1 && window.asked[0] === "screen"`))
		first := do(t, tab, chromedp.Text(chromedp.CSS("[data-now]")))
		do(t, tab, chromedp.Poll[bool](fmt.Sprintf(`document.querySelector("[data-now]").textContent !== %q`, first)))
		require.Contains(t, first, "2026年11月23日 10:")

		for _, height := range []int64{667, 812} {
			do(t, tab, chromedp.EmulateViewport(375, height))
			fits := do(t, tab, chromedp.Evaluate[string](`JSON.stringify([...document.querySelectorAll(".code, .holder, [data-now]")].map(e => e.getBoundingClientRect())
				.filter(r => r.top < 0 || r.bottom > innerHeight || r.left < 0 || r.right > innerWidth))`))
			require.Equal(t, "[]", fits, name)
			if name != long {
				require.LessOrEqual(t, do(t, tab, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`)), height, "no scrolling")
			}
			require.GreaterOrEqual(t, do(t, tab, chromedp.Evaluate[int64](`Math.round(document.querySelector(".code").getBoundingClientRect().width)`)), int64(240))
		}
		b.Axe(tab)
		b.Dark(tab)
		b.Axe(tab)
		require.Equal(t, "rgb(255, 255, 255)", do(t, tab, chromedp.Evaluate[string](`getComputedStyle(document.body).backgroundColor`)))
		b.Shots(p.Client, path, "present-"+string([]rune(name)[:1]))
		do(t, tab, chromedp.EmulateViewport(375, 667))
		picture := b.Picture(tab)
		decoded, _, err := image.DecodeConfig(bytes.NewReader(picture))
		require.NoError(t, err)
		require.Equal(t, 375, decoded.Width)
		require.Contains(t, zbar(t, "screen.png", picture), "HTTPS://CARD.EXAMPLE/V/")
	}
}

// A page that was left open learns that the card was suspended.
func TestPresentLearnsOfSuspension(t *testing.T) {
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.submitted()
	tab := webtest.NewBrowser(t).Tab(p.Client, "/cards/"+p.caseID().String()+"/present", 375, 667)
	do(t, tab, chromedp.WaitVisible(chromedp.CSS(".code")))
	r.exec("UPDATE card SET status = 'suspended'")
	ctx, cancel := context.WithTimeout(tab, 30*time.Second)
	defer cancel()
	do(t, ctx, chromedp.Evaluate[bool](`htmx.ajax("GET", document.getElementById("presented").getAttribute("hx-get"), {target: "#presented", swap: "outerHTML"}), true`))
	do(t, ctx, chromedp.WaitVisible(chromedp.CSS(`[data-status="suspended"]`)))
	require.NotContains(t, do(t, ctx, chromedp.Text(chromedp.CSS("body"))), "有效的志愿者证")
}
