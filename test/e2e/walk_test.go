// Package e2e walks through the running system in a real browser, as its users do.
package e2e_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/passwd"
	"volcard/internal/store"
	"volcard/internal/store/codestore"
	"volcard/internal/store/messagestore"
	"volcard/internal/store/staffstore"
	"volcard/test/world"
)

// walk is one person in front of one screen.
type walk struct {
	t   *testing.T
	w   *world.World
	api *world.Proc
	b   *webtest.Browser
	tab context.Context
	n   int
	who string
}

func run[T any](w *walk, action chromedp.Action[T]) T {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.tab, time.Minute)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	require.NoError(w.t, err)
	return v
}

// sees waits for an element.
func (w *walk) sees(selector string) {
	w.t.Helper()
	run(w, chromedp.WaitVisible(chromedp.CSS(selector)))
	run(w, chromedp.Poll[bool](`document.readyState === "complete"`))
}

func (w *walk) types(selector, text string) {
	w.t.Helper()
	w.sees(selector)
	run(w, chromedp.SendKeys(chromedp.CSS(selector), text))
}

// press clicks, and waits until what it leads to is there.
func (w *walk) press(selector, then string) {
	w.t.Helper()
	w.shot()
	run(w, chromedp.Click(chromedp.CSS(selector)))
	w.sees(then)
}

// choose takes an option of a list as a person does.
func (w *walk) choose(id, value string) {
	w.t.Helper()
	run(w, chromedp.WaitReady(chromedp.CSS(fmt.Sprintf(`#%s option[value="%s"]`, id, value))))
	w.js(fmt.Sprintf(`(e => { if (e.value === %[1]q) return true; e.value = %[1]q; return e.dispatchEvent(new Event("change", {bubbles: true})); })(document.getElementById(%[2]q))`, value, id))
	// The lists below it are fetched anew.
	run(w, chromedp.Poll[bool](`document.querySelectorAll(".htmx-request, .htmx-swapping, .htmx-settling").length === 0`))
}

func (w *walk) js(expression string) {
	w.t.Helper()
	run(w, chromedp.Evaluate[bool](expression))
}

func (w *walk) text(selector string) string {
	w.t.Helper()
	w.sees(selector)
	return strings.TrimSpace(run(w, chromedp.Text(chromedp.CSS(selector))))
}

// shot keeps a picture of each page of the walk, where VOLCARD_SHOTS names a folder.
func (w *walk) shot() {
	w.t.Helper()
	if folder := os.Getenv("VOLCARD_SHOTS"); folder != "" {
		w.n++
		name := filepath.Join(folder, fmt.Sprintf("walk-%s-%02d.png", w.who, w.n))
		require.NoError(w.t, os.WriteFile(name, w.b.Picture(w.tab), 0o600))
	}
}

// sms waits for the newest message to a phone and returns the digits in it.
func (w *walk) sms(phone string, digits string) string {
	w.t.Helper()
	outbox := messagestore.Outbox{Store: messagestore.Store{DB: w.w.DB, Vault: w.w.Vault, Clock: clock.System{}}}
	var found string
	w.w.Until("a message", func() bool {
		list, err := outbox.Recent(w.t.Context(), 10)
		if err != nil {
			return false
		}
		for _, m := range list {
			if code := regexp.MustCompile(digits).FindString(m.Body); code != "" && m.Phone == phone {
				found = code
				return true
			}
		}
		return false
	})
	return found
}

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
	clerk, secret := newClerk(t, w)
	env := w.Web(api)
	browser := webtest.NewBrowser(t)
	phone := &walk{t: t, w: w, api: api, b: browser, tab: browser.Tab(env.Client(), "/", 375, 812), who: "phone"}
	const number, password = "13900000009", "volunteer-2026"

	// Register, in the notice's order.
	phone.sees("h1")
	phone.press(`a[href="/register"], a[href="/apply"]`, "form")
	if run(phone, chromedp.Evaluate[string](`location.pathname`)) == "/login" {
		phone.press(`a[href^="/register"]`, "#f-name")
	}
	phone.choose("f-city", "420100")
	phone.choose("f-district", "420106")
	phone.types("#f-name", name)
	phone.types("#f-id-number", world.IDNumber(7))
	phone.types("#f-address", "八一路 299 号")
	phone.js(`(l => { l.forEach(e => e.click()); return l.length > 0; })(document.querySelectorAll("input[name=consent]"))`)
	phone.press("form .primary", "#f-phone")
	phone.types("#f-phone", number)
	phone.press("form .primary", "#f-code")
	phone.types("#f-code", phone.sms(number, `\d{6}`))
	phone.types("#f-password", password)
	phone.types("#f-password-again", password)
	phone.press("form .primary", ".flash-ok")

	// Apply for the general edition.
	open := func(path, then string) {
		run(phone, chromedp.Navigate(api.URL+path))
		phone.sees(then)
	}
	open("/apply", `input[name=edition]`)
	run(phone, chromedp.Click(chromedp.CSS(`input[name=edition][value=general]`)))
	phone.press("form .primary", `input[name=identity]`)
	run(phone, chromedp.Click(chromedp.CSS(`input[name=identity][value=student]`)))
	phone.press("form .primary", `input[name=notice]`)
	phone.js(`(l => { l.forEach(e => e.checked || e.click()); return true; })(document.querySelectorAll("input[name=notice], input[name=consent]"))`)
	phone.press("form .primary", `input[name=phone_from]`)
	_, err := w.DB.Exec(t.Context(), "DELETE FROM outbox_page") // the first code was read
	require.NoError(t, err)
	_, err = w.DB.Exec(t.Context(), "UPDATE attempt SET at = at - interval '2 minutes'") // a minute passes
	require.NoError(t, err)
	phone.press("form .primary", "#f-code")
	phone.types("#f-code", phone.sms(number, `\d{6}`))
	phone.press("form .primary", "#f-keyword")
	phone.types("#f-keyword", "whdx")
	phone.sees(`input[name=university_code]`)
	run(phone, chromedp.Click(chromedp.CSS(`input[name=university_code]`)))
	phone.choose("f-city", "420100")
	phone.choose("f-district", "420106")
	phone.types("#f-address", "八一路 299 号")
	phone.press("form .actions .primary", `input[name=branch_id]`)
	run(phone, chromedp.Click(chromedp.CSS(`input[name=branch_id]`)))
	phone.press("#branches form .primary, form .primary", `form[action="/apply/submit"]`)
	browser.WantPolicyKept(phone.tab)
	// A double click makes one application.
	phone.shot()
	phone.js(`(e => { e.click(); e.click(); return true; })(document.querySelector('form[action="/apply/submit"] .primary'))`)
	phone.sees("[data-card-qr]")
	phone.shot()
	require.Equal(t, 1, w.Count("SELECT count(*) FROM application"))
	code := regexp.MustCompile(`\D`).ReplaceAllString(phone.text("[data-pickup]"), "")
	require.Len(t, code, 8)
	require.Equal(t, code, regexp.MustCompile(`\D`).ReplaceAllString(phone.sms(number, `\d{8}|\d{4} \d{4}`), ""))
	casePath := run(phone, chromedp.Evaluate[string](`location.pathname`))
	verifyPDF(t, phone, casePath)

	// The clerk hands it over, by keyboard alone after the login.
	desk := &walk{t: t, w: w, api: api, b: browser, tab: browser.Tab(env.Client(), "/staff/login", 1280, 900), who: "desk"}
	desk.types("#f-login", clerk)
	desk.types("#f-password", "counter-2026-x")
	now, err := totp.GenerateCode(secret, clock.System{}.Now())
	require.NoError(t, err)
	desk.types("#f-code", now)
	desk.press("form .btn-primary", `main a[href="/branch"]`)
	desk.press(`main a[href="/branch"]`, "#find-code")
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
	w.WantCleanBooks()
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
	page.Want(http.StatusOK).WantText("body", "有效")
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	return b
}

func newClerk(t *testing.T, w *world.World) (login, secret string) {
	t.Helper()
	hasher, err := passwd.New(passwd.Standard())
	require.NoError(t, err)
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "volcard", AccountName: "clerk"})
	require.NoError(t, err)
	accounts := staffstore.Accounts{Store: staffstore.Store{
		DB: w.DB, Vault: w.Vault, Clock: clock.System{}, Hasher: hasher,
		Limiter: codestore.Limiter{DB: w.DB, Vault: w.Vault, Clock: clock.System{}},
	}}
	_, err = accounts.Create(t.Context(), store.Process("test"), staffstore.NewStaff{
		Login: "walker", Name: "李柜员", Role: staffstore.Clerk, BranchID: w.Branch,
		Password: "counter-2026-x", TOTPSecret: key.Secret(), KeepPassword: true,
	})
	require.NoError(t, err)
	return "walker", key.Secret()
}
