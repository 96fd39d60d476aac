package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/gofrs/uuid/v5"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/clock"
	"volcard/internal/passwd"
	"volcard/internal/store"
	"volcard/internal/store/codestore"
	"volcard/internal/store/messagestore"
	"volcard/internal/store/staffstore"
	"volcard/test/world"
)

// The applicant of a walk.
const mobile, password = "13900000009", "river-stone-26"

// walk is one person in front of one screen.
type walk struct {
	t   *testing.T
	w   *world.World
	api *world.Proc
	b   *webtest.Browser
	tab context.Context
	n   int
	who string
	// read holds the messages that were read before.
	read map[uuid.UUID]bool
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

// sms waits for the newest message to a phone that was not read yet and returns the digits in it.
func (w *walk) sms(phone string, digits string) string {
	w.t.Helper()
	outbox := messagestore.Outbox{Store: messagestore.Store{DB: w.w.DB, Vault: w.w.Vault, Clock: clock.System{}}}
	if w.read == nil {
		w.read = map[uuid.UUID]bool{}
	}
	var found string
	w.w.Until("a message", func() bool {
		list, err := outbox.Recent(w.t.Context(), 10)
		if err != nil {
			return false
		}
		for _, m := range list {
			if code := regexp.MustCompile(digits).FindString(m.Body); code != "" && m.Phone == phone && !w.read[m.ID] {
				found, w.read[m.ID] = code, true
				return true
			}
		}
		return false
	})
	return found
}

// open goes to an address by hand.
func (w *walk) open(path, then string) {
	w.t.Helper()
	run(w, chromedp.Navigate(w.api.URL+path))
	w.sees(then)
}

// pick takes a radio button.
func (w *walk) pick(name, value string) {
	w.t.Helper()
	run(w, chromedp.Click(chromedp.CSS(fmt.Sprintf("input[name=%s][value=%s]", name, value))))
}

// register makes the applicant's account, in the notice's order.
func (w *walk) register(name string) {
	w.t.Helper()
	w.sees("h1")
	w.press(`a[href="/register"], a[href="/apply"]`, "form")
	if run(w, chromedp.Evaluate[string](`location.pathname`)) == "/login" {
		w.press(`a[href^="/register"]`, "#f-name")
	}
	w.choose("f-city", "420100")
	w.choose("f-district", "420106")
	w.types("#f-name", name)
	w.types("#f-id-number", world.IDNumber(7))
	w.types("#f-address", "八一路 299 号")
	w.js(`(l => { l.forEach(e => e.click()); return l.length > 0; })(document.querySelectorAll("input[name=consent]"))`)
	w.press("form .primary", "#f-phone")
	w.types("#f-phone", mobile)
	w.press("form .primary", "#f-code")
	w.types("#f-code", w.sms(mobile, `\d{6}`))
	w.press("form .primary", "#f-password")
	w.types("#f-password", password)
	w.types("#f-password-again", password)
	w.press("form .primary", ".flash-ok")
}

// fillIn goes from the notice to the preview.
func (w *walk) fillIn() {
	w.t.Helper()
	w.js(`(l => { l.forEach(e => e.checked || e.click()); return true; })(document.querySelectorAll("input[name=notice], input[name=consent]"))`)
	w.press("form .primary", `input[name=phone_from]`)
	w.press("form .primary", "#f-keyword") // the number was proved at the registration
	w.types("#f-keyword", "whdx")
	w.sees(`input[name=university_code]`)
	run(w, chromedp.Click(chromedp.CSS(`input[name=university_code]`)))
	w.choose("f-city", "420100")
	w.choose("f-district", "420106")
	w.types("#f-address", "八一路 299 号")
	w.press("form .actions .primary", `input[name=branch_id]`)
	run(w, chromedp.Click(chromedp.CSS(`input[name=branch_id]`)))
	w.press("#branches form .primary, form .primary", `form[action="/apply/submit"]`)
}

// staff is somebody who works on a page.
type staff struct {
	t             *testing.T
	login, secret string
}

const staffPassword = "counter-2026-x"

// newStaff makes an account. A clerk belongs to the world's branch.
func newStaff(t *testing.T, w *world.World, role staffstore.Role) staff {
	t.Helper()
	hasher, err := passwd.New(passwd.Standard())
	require.NoError(t, err)
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "volcard", AccountName: string(role)})
	require.NoError(t, err)
	accounts := staffstore.Accounts{Store: staffstore.Store{
		DB: w.DB, Vault: w.Vault, Clock: clock.System{}, Hasher: hasher,
		Limiter: codestore.Limiter{DB: w.DB, Vault: w.Vault, Clock: clock.System{}},
	}}
	branch := uuid.Nil
	if role == staffstore.Clerk {
		branch = w.Branch
	}
	login := "walker-" + string(role)
	_, err = accounts.Create(t.Context(), store.Process("test"), staffstore.NewStaff{
		Login: login, Name: "李工", Role: role, BranchID: branch, Password: staffPassword, TOTPSecret: key.Secret(), KeepPassword: true,
	})
	require.NoError(t, err)
	return staff{t: t, login: login, secret: key.Secret()}
}

// logIn opens a desk's screen and logs in with the second factor.
func (s staff) logIn(w *world.World, api *world.Proc, b *webtest.Browser) *walk {
	s.t.Helper()
	desk := &walk{t: s.t, w: w, api: api, b: b, tab: b.Tab(w.Web(api).Client(), "/staff/login", 1280, 900), who: s.login}
	desk.types("#f-login", s.login)
	desk.types("#f-password", staffPassword)
	now, err := totp.GenerateCode(s.secret, clock.System{}.Now())
	require.NoError(s.t, err)
	desk.types("#f-code", now)
	desk.press("form .btn-primary", ".console-user")
	return desk
}
