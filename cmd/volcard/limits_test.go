package main

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/limit"
	"volcard/internal/store/codestore"
	"volcard/internal/store/storetest"
)

// silent are the limits whose refusal nobody sees, or whose answer another row stands for.
var silent = map[string]string{
	"reset-phone":  "its refusals would tell whose phone a reset went to",
	"staff-code":   "its refusals would tell that the password is right",
	"code-network": "of IPv6, decided beside code-address",
	"login-device": "of a known browser, decided in the place of login-account",
	"staff-device": "of a known browser, decided in the place of staff-login",
}

// Whoever reaches a limit reads so beside the form, under 429, and the browser learns when to come back: every
// limit of the catalogue has a row, or a reason.
func TestEveryLimitAnswersTooMany(t *testing.T) {
	h := newHouse(t)
	numbers := 0
	newcomer := func() *webtest.Client {
		numbers++
		return h.newcomer(storetest.IDNumber(700 + numbers))
	}
	var application string
	require.NoError(t, h.env.DB.QueryRow(t.Context(), "SELECT number FROM application WHERE id = $1", h.application).Scan(&application))
	post := func(who func() *webtest.Client, path string, form url.Values) func() func() *webtest.Page {
		return func() func() *webtest.Page {
			c := who() // before the limit is reached: a login may be counted, too
			return func() *webtest.Page { return c.Post(path, form) }
		}
	}
	role := func(name string) func() *webtest.Client { return func() *webtest.Client { return h.client(name) } }
	login := post(role("nobody"), "/login", url.Values{"id_number": {storetest.IDNumber(900)}, "password": {demoPassword}})
	staff := post(role("nobody"), "/staff/login", url.Values{"login": {"admin"}, "password": {demoPassword}, "code": {"123456"}})
	newPhone := post(newcomer, "/account/phone", url.Values{"phone": {"13700000002"}, "password": {demoPassword}})
	status := post(role("nobody"), "/status", url.Values{"number": {application}, "tail": {"0023"}})
	const upload = "--x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\r\nx\r\n--x--\r\n"
	rows := []struct {
		kind    *limit.Kind
		prepare func() func() *webtest.Page
	}{
		{&limit.CodePhone, newPhone},
		{&limit.CodeSession, newPhone},
		{&limit.CodeAddress, newPhone},
		{&limit.CodeAccount, post(role("nobody"), "/reset", url.Values{"id_number": {storetest.IDNumber(901)}})},
		{&limit.LoginAccount, login},
		{&limit.LoginAnywhere, login},
		{&limit.LoginAddress, login},
		{&limit.StaffLogin, staff},
		{&limit.StaffLoginAddress, staff},
		{&limit.AdminToken, post(role("nobody"), "/staff/first", url.Values{
			"token": {"nothing"}, "name": {"某人"}, "login": {"first"}, "password": {"a long password 1"}, "password_again": {"a long password 1"},
		})},
		{&limit.Password, post(newcomer, "/account/password", url.Values{
			"current": {demoPassword}, "password": {"another-pass-2"}, "password_again": {"another-pass-2"},
		})},
		{&limit.StatusNumber, status},
		{&limit.StatusAnywhere, status},
		{&limit.StatusAddress, status},
		{&limit.PhotoUpload, func() func() *webtest.Page {
			c := h.client("regular owner")
			return func() *webtest.Page {
				return c.Do(http.MethodPost, "/cards/"+h.doubtful.String()+"/design/photo", "multipart/form-data; boundary=x", strings.NewReader(upload))
			}
		}},
		{&limit.CounterSearch, post(role("clerk"), "/branch/", url.Values{"code": {"12345678"}})},
		{&limit.CounterTail, post(role("clerk"), "/branch/", url.Values{"by": {"name"}, "name": {"王𠮷"}, "tail": {"004X"}})},
		{&limit.CounterTail, post(role("clerk"), "/branch/cases/"+h.application.String(), url.Values{"tail": {"004X"}, "serial": {"x"}})},
	}
	seen := map[string]bool{}
	for name := range silent {
		seen[name] = true
	}
	for _, row := range rows {
		seen[row.kind.Name] = true
		try := row.prepare()
		before := row.kind.Windows
		row.kind.Windows = []limit.Window{{N: 0, Per: 17 * time.Minute}} // nothing is allowed
		if row.kind == &limit.CodeAddress {                              // its windows are a setting
			limiter := codestore.Limiter{DB: h.env.DB, Vault: h.env.Vault, Clock: h.parts.clock}
			row.kind.Windows = []limit.Window{{N: 5000, Per: time.Hour}}
			for range before[0].N {
				require.NoError(t, limiter.Allow(t.Context(), limit.CodeAddress, limit.AddressKey("127.0.0.1")))
			}
		}
		page := try()
		row.kind.Windows = before
		require.Equal(t, http.StatusTooManyRequests, page.Response.StatusCode, row.kind.Name)
		after, err := strconv.Atoi(page.Response.Header.Get("Retry-After"))
		require.NoError(t, err, row.kind.Name)
		if row.kind != &limit.CodeAddress {
			require.Equal(t, 17*60, after, row.kind.Name)
		}
		text := page.Find("main").Text()
		require.Regexp(t, "频繁|太快|次数太多|太多", text, row.kind.Name)
	}
	for _, k := range limit.Kinds() {
		require.True(t, seen[k.Name], "%s has no row: what does whoever reaches it read?", k.Name)
	}
}
