// Package e2e walks through the running system in a real browser, as its users do.
package e2e_test

import (
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/test/world"
)

func TestFromRegistrationToTheCardInTheHand(t *testing.T) {
	for _, name := range []string{"阿卜杜热合曼·买买提", "王𠮷"} {
		t.Run(name, func(t *testing.T) { fromRegistrationToTheCard(t, name) })
	}
}

func fromRegistrationToTheCard(t *testing.T, name string) {
	t.Helper()
	w := world.Start(t, 3, nil)
	w.Worker(nil)
	api := w.API(nil)
	clerk := newStaff(t, w, "clerk")
	env := w.Web(api)
	browser := webtest.NewBrowser(t)
	phone := &walk{t: t, w: w, api: api, b: browser, tab: browser.Tab(env.Client(), "/", 375, 812), who: "phone"}

	phone.register(name)
	phone.open("/apply", `input[name=edition]`)
	phone.pick("edition", "general")
	phone.press("form .primary", `input[name=identity]`)
	phone.pick("identity", "student")
	phone.press("form .primary", `input[name=notice]`)
	phone.fillIn()
	browser.WantPolicyKept(phone.tab)
	// A double click makes one application.
	phone.shot()
	phone.js(`(e => { e.click(); e.click(); return true; })(document.querySelector('form[action="/apply/submit"] .primary'))`)
	phone.sees("[data-card-qr]")
	phone.shot()
	require.Equal(t, 1, w.Count("SELECT count(*) FROM application"))
	code := regexp.MustCompile(`\D`).ReplaceAllString(phone.text("[data-pickup]"), "")
	require.Len(t, code, 8)
	require.Equal(t, code, regexp.MustCompile(`\D`).ReplaceAllString(phone.sms(mobile, `取卡码\d{8}`), ""))
	casePath := run(phone, chromedp.Evaluate[string](`location.pathname`))
	verifyPDF(t, phone, casePath)

	// The clerk hands it over, by keyboard alone after the login.
	desk := clerk.logIn(w, api, browser)
	desk.sees("#find-code") // a role lands in its own pages
	run(desk, chromedp.KeyEvent(code+"\r"))
	desk.sees("#hand-over")
	require.Equal(t, name, desk.text("h1"))
	desk.shot()
	run(desk, chromedp.KeyEvent(world.IDNumber(7)[14:]+"\t"))
	run(desk, chromedp.KeyEvent(w.Serials[0]+"\r"))
	desk.sees("#outcome")
	desk.shot()

	// The phone hears of it by itself.
	phone.sees(`#live[data-state="collected"]`)
	phone.shot()
	require.Contains(t, phone.text(".timeline"), card.HandOver.Text())
}

// verifyPDF downloads the card, renders it, and reads its QR as a scanner does; the page that the
// QR opens says that the card is valid.
func verifyPDF(t *testing.T, w *walk, casePath string) {
	t.Helper()
	for _, tool := range []string{"pdftoppm", "zbarimg"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	cookies := run(w, chromedp.Evaluate[string](`fetch(location.pathname + "/card.pdf").then(r => r.blob()).then(b => new Promise(done => {
		const reader = new FileReader(); reader.onload = () => done(reader.result.split(",")[1]); reader.readAsDataURL(b); }))`, chromedp.EvalAwaitPromise))
	dir := t.TempDir()
	pdf := filepath.Join(dir, "card.pdf")
	require.NoError(t, os.WriteFile(pdf, decode(t, cookies), 0o600))
	require.NoError(t, exec.Command("pdftoppm", "-r", "300", "-png", pdf, filepath.Join(dir, "page")).Run())
	pages, err := filepath.Glob(filepath.Join(dir, "page*.png"))
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	// zbarimg ends with 4 where any of the pictures holds no code: the front holds none.
	out, _ := exec.Command("zbarimg", append([]string{"-q", "--raw"}, pages...)...).Output()
	require.NotEmpty(t, out)
	url := strings.ToLower(strings.TrimSpace(string(out)))
	require.Contains(t, url, "/v/", casePath)
	token := string(out)[strings.LastIndex(string(out), "/")+1:]
	page := w.w.Web(w.api).Client().Get("/v/" + strings.TrimSpace(token))
	page.Want(http.StatusOK).Has(".verdict[data-status=valid]")
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	return b
}
