package applicant_test

import (
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/store/storetest"
)

// registerFrom goes from a login page through the registration and returns the page on which it ends.
func registerFrom(t *testing.T, env *webtest.Env, login *webtest.Page) *webtest.Page {
	t.Helper()
	p := login.Click(`a[href^="/register"]`).Want(200)
	// Whoever has an account after all goes on to the same page.
	for _, link := range []string{".lead a", ".back"} {
		require.Equal(t, login.Find("[name=next]").AttrOr("value", ""), p.Click(link).Find("[name=next]").AttrOr("value", "none"))
	}
	p = p.Submit("main form", map[string]string{"name": ""}).Want(422)
	agree(t, p)
	p = p.Submit("main form", personForm(nil)).WantAt("/register/phone").Submit("main form", map[string]string{"phone": phoneOne})
	code := messages(t, env)[0].Code
	return p.Submit(`form[action="/register/code"]`, map[string]string{"code": code, "password": password, "password_again": password})
}

// Who wants a card and has no account comes to the card's first page, and to the number that was proved a moment ago.
func TestTheWayFromHomeToTheCard(t *testing.T) {
	t.Parallel()
	r := open(t)
	c := r.Env.Client()
	p := registerFrom(t, r.Env, c.Get("/apply").WantAt("/login?next=%2Fapply")).WantAt("/apply/edition").WantText(".flash-ok", "注册成功")
	sent := len(messages(t, r.Env))
	p = p.Submit(form("edition"), map[string]string{"edition": "general"}).WantAt("/apply/identity").
		Submit(form("identity"), map[string]string{"identity": "worker"}).WantAt("/apply/notice")
	agree(t, p)
	p.Find("input[name=notice]").SetAttr("checked", "checked")
	p = p.Submit(form("notice"), nil).WantAt("/apply/phone").WantText(".choice", "138****5678").WantText(".choice", "已验证")
	p.WantText(".primary", "下一步").Submit(form("phone"), nil).WantAt("/apply/unit")
	require.Len(t, messages(t, r.Env), sent, "no other code")
	c.Get("/apply/phone").WantText(".verified", "138****5678")

	// Another number is proved by a code; the first one is known to be proved still, for half an hour.
	p = c.Get("/apply/phone").Submit(form("phone"), map[string]string{"action": "change"}).WantText(".choice", "已验证")
	p = p.Submit(form("phone"), map[string]string{"phone_from": "other", "phone": phoneTwo}).WantAt("/apply/phone").Has("input[name=code]")
	require.Len(t, messages(t, r.Env), sent+1)
	p.Submit("form:has([name=code])", map[string]string{"code": messages(t, r.Env)[0].Code}).WantAt("/apply/unit")
	c.Get("/apply/phone").Submit(form("phone"), map[string]string{"action": "change"}).
		Submit(form("phone"), map[string]string{"phone_from": "other", "phone": phoneTwo}).WantAt("/apply/unit")
	r.Clock.Advance(31 * time.Minute)
	p = c.Get("/apply/phone").Submit(form("phone"), map[string]string{"action": "change"}).WantText(".primary", "获取验证码")
	require.NotContains(t, p.Text(".choice"), "已验证")
	p.Submit(form("phone"), nil).WantAt("/apply/phone").Has("input[name=code]")
	require.Len(t, messages(t, r.Env), sent+2)
}

// A proof belongs to the account that gave it.
func TestAProofIsNobodyElses(t *testing.T) {
	t.Parallel()
	r := open(t)
	c := r.Env.Client()
	registerFrom(t, r.Env, c.Get("/apply"))
	c.Post("/logout", nil)
	other := r.person("张䶮", storetest.IDNumber(77))
	draft := card.Draft{Edition: card.General, Identity: card.Worker, NoticeVersion: card.NoticeVersion}
	other.draft(func(d *card.Draft) { *d = draft })
	p := other.Get("/apply/phone").Submit(form("phone"), map[string]string{"phone_from": "other", "phone": phoneOne})
	p.Want(429).WantError("phone", "频繁")
}

// What was asked for survives a login, a registration and a lost password; only own paths do.
func TestNextSurvives(t *testing.T) {
	t.Parallel()
	env := setup(t)
	for _, next := range []string{"/account/logins", "//evil.example", "https://evil.example/"} {
		want := "/account"
		if strings.HasPrefix(next, want) {
			want = next
		}
		query := "?next=" + url.QueryEscape(next)
		c := env.Client()
		if want == next {
			registerFrom(t, env, c.Get("/login"+query)).WantAt(want)
			c.Get("/register" + query).WantAt(want)
			c.Post("/logout", nil)
		}
		env.Clock.Advance(2 * time.Minute) // a phone is sent one code a minute
		id := map[string]string{"id_number": adultID}
		p := c.Get("/login"+query).Submit("main form", merge(id, "password", "wrong 12345")).Want(422)
		p = p.Click(`a[href^="/reset"]`).Submit("main form", map[string]string{"id_number": "1"}).Want(422).
			Submit("main form", id).WantAt("/reset/code")
		code := messages(t, env)[0].Code
		p = p.Submit(`form[action="/reset/code"]`, map[string]string{"code": code, "password": password, "password_again": password}).
			WantText(".flash-ok", "请重新登录")
		p.Submit("main form", merge(id, "password", password)).WantAt(want)
	}
}

func merge(form map[string]string, name, value string) map[string]string {
	out := maps.Clone(form)
	out[name] = value
	return out
}
