package staff_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/staff"
	"volcard/api/web"
	"volcard/api/web/webtest"
	"volcard/internal/passwd"
	"volcard/internal/store"
	"volcard/internal/store/codestore"
	"volcard/internal/store/staffstore"
	"volcard/internal/store/storetest"
)

const password = "correct horse 8"

// homes stand for the pages of the roles, which other packages hold.
var homes = map[string]string{
	web.RoleClerk: "/branch", web.RoleProvinceAdmin: "/admin", web.RoleReviewer: "/review", web.RoleFactory: "/factory",
}

func setup(t *testing.T) (*webtest.Env, staffstore.Store) {
	t.Helper()
	env := webtest.New(t)
	hasher, err := passwd.New(passwd.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	s := staffstore.Store{
		DB: env.DB, Vault: env.Vault, Clock: env.Clock, Hasher: hasher,
		Limiter: codestore.Limiter{DB: env.DB, Vault: env.Vault, Clock: env.Clock},
	}
	staff.Room{Kit: env.Kit, Staff: s}.Routes(env.Router)
	for role, home := range homes {
		env.Router.With(env.Kit.RequireStaff(role)).Get(home, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	}
	env.Start()
	return env, s
}

func admin(t *testing.T, s staffstore.Store, keep bool) staffstore.Enrolment {
	t.Helper()
	e, err := staffstore.Accounts{Store: s}.Create(context.Background(), store.Process("test"), staffstore.NewStaff{
		Login: "zhou.min", Name: "周敏", Role: staffstore.ProvinceAdmin, Password: password, KeepPassword: keep,
	})
	require.NoError(t, err)
	return e
}

// code is what the authenticator shows now; each works once, so the clock moves on.
func code(t *testing.T, env *webtest.Env, secret string) string {
	t.Helper()
	env.Clock.Advance(30 * time.Second)
	c, err := staffstore.CodeAt(secret, env.Clock.Now())
	require.NoError(t, err)
	return c
}

func login(c *webtest.Client, name, password, code string) *webtest.Page {
	return c.Get("/staff/login").Want(200).Submit(`form[action="/staff/login"]`, map[string]string{"login": name, "password": password, "code": code})
}

func TestLoginNeedsBothFactorsOnce(t *testing.T) {
	t.Parallel()
	env, s := setup(t)
	e := admin(t, s, true)
	c := env.Client()
	require.Equal(t, "/staff/login?next=%2Fstaff", c.Still().Get("/staff").Location())
	now := code(t, env, e.TOTPSecret)
	const refused = "登录名、密码或动态码不正确"
	login(c, e.Login, "wrong horse 1", now).Want(422).WantError("", refused)
	login(c, "nobody.here", password, now).Want(422).WantError("", refused)
	login(c, e.Login, password, "000000").Want(422).WantError("", refused)
	login(c, " Zhou.Min ", password, now).WantAt("/admin")
	p := c.Get("/staff").Want(200)
	p.WantText("h1", "周敏").WantText(".console-user", "省级管理员").Has(`a[href="/admin"]`).Lacks(`a[href="/branch"]`)
	require.Equal(t, "no-store", p.Response.Header.Get("Cache-Control"))
	login(env.Client(), e.Login, password, now).Want(422).WantError("", refused)

	p.Submit(`form[action="/staff/logout"]`, nil).WantAt("/staff/login")
	require.NotEmpty(t, c.Still().Get("/staff").Location())

	for range 4 { // the used code above was the first
		login(env.Client(), e.Login, "wrong horse 1", "000000").Want(422)
	}
	locked := login(env.Client(), e.Login, password, code(t, env, e.TOTPSecret)).Want(429)
	require.NotContains(t, locked.Text(".form-error"), refused)
	env.Clock.Advance(15 * time.Minute)
	login(env.Client(), e.Login, password, code(t, env, e.TOTPSecret)).WantAt("/admin")
}

func TestGivenPasswordsAreReplacedFirst(t *testing.T) {
	t.Parallel()
	env, s := setup(t)
	e := admin(t, s, false)
	c := env.Client()
	p := login(c, e.Login, password, code(t, env, e.TOTPSecret)).WantAt("/staff/password/initial")
	require.NotEmpty(t, c.Still().Get("/staff").Location(), "nothing else is open yet")
	p.Submit("form", map[string]string{"current": "wrong horse 1", "password": "own horse 22", "password_again": "own horse 22"}).
		Want(422).WantError("current", "原密码不正确")
	p.Submit("form", map[string]string{"current": password, "password": password, "password_again": password}).Want(422).WantError("current", "不能与原密码相同")
	p.Submit("form", map[string]string{"current": password, "password": "short", "password_again": "short"}).Want(422).WantError("password", "8 至 64")
	p.Submit("form", map[string]string{"current": password, "password": "own horse 22", "password_again": "own horse 22"}).
		WantAt("/admin")
	c.Get("/staff").WantText(".flash", "新密码已设置")
	require.Equal(t, "/staff/login", env.Client().Still().Get("/staff/password/initial").Location())
	login(env.Client(), e.Login, "own horse 22", code(t, env, e.TOTPSecret)).WantAt("/admin")
}

// Somebody who has yet to replace a given password is logged out with the account's other sessions.
func TestAPendingPasswordEndsWithTheAccount(t *testing.T) {
	t.Parallel()
	env, s := setup(t)
	e := admin(t, s, false)
	c := env.Client()
	login(c, e.Login, password, code(t, env, e.TOTPSecret)).WantAt("/staff/password/initial")
	c.Get("/staff/password/initial").Want(200) // the session is written more than once
	env.Clock.Advance(2 * time.Minute)
	c.Get("/staff/password/initial").Want(200)
	who, err := staffstore.Accounts{Store: s}.ByID(context.Background(), e.ID)
	require.NoError(t, err)
	require.NoError(t, env.Kit.EndAll(context.Background(), who.ID))
	require.Equal(t, "/staff/login", c.Still().Get("/staff/password/initial").Location())
}

// T78: a branch's computer on which somebody logged in before is not locked out by strangers.
func TestStrangersLockNoKnownComputerOut(t *testing.T) {
	t.Parallel()
	env, s := setup(t)
	e := admin(t, s, true)
	known := env.Client()
	login(known, e.Login, password, code(t, env, e.TOTPSecret)).WantAt("/admin")
	known.Get("/staff").Submit(`form[action="/staff/logout"]`, nil)
	for range 30 {
		login(env.Client(), e.Login, "wrong horse 1", "000000")
	}
	login(env.Client(), e.Login, password, code(t, env, e.TOTPSecret)).WantError("", "后再试")
	login(known, e.Login, password, code(t, env, e.TOTPSecret)).WantAt("/admin")
}

// A role lands in its own pages, and in a page that it asked for where that is its own.
func TestARoleLandsInItsOwnPages(t *testing.T) {
	t.Parallel()
	env, s := setup(t)
	branch := storetest.Rows{T: t, DB: env.DB, Vault: env.Vault, Now: env.Clock.Now()}.Branch("甲网点")
	for role, home := range homes {
		n := staffstore.NewStaff{Login: "at." + home[1:], Name: "周敏", Role: staffstore.Role(role), Password: password, KeepPassword: true}
		if role == web.RoleClerk {
			n.BranchID = branch
		}
		e, err := staffstore.Accounts{Store: s}.Create(context.Background(), store.Process("test"), n)
		require.NoError(t, err)
		for next, want := range map[string]string{
			"": home, "/staff": home, "/staff/password": "/staff/password", home + "?page=2": home, "https://evil.example/": home,
			"/branch": home, "/branch/stock": map[bool]string{true: "/branch/stock", false: home}[role == web.RoleClerk], "/admin?q=x": home,
		} {
			c := env.Client()
			p := c.Get("/staff/login?next=" + url.QueryEscape(next)).Want(200)
			to := c.Still().Post("/staff/login", url.Values{
				"login": {e.Login}, "password": {password}, "code": {code(t, env, e.TOTPSecret)}, "next": {p.Find("[name=next]").AttrOr("value", "")},
			}).Location()
			path, _, _ := strings.Cut(to, "?")
			require.Equal(t, want, path, "%s asks for %q", role, next)
		}
	}
}

func TestChangingThePasswordEndsOtherLogins(t *testing.T) {
	t.Parallel()
	env, s := setup(t)
	e := admin(t, s, true)
	here, there := env.Client(), env.Client()
	login(here, e.Login, password, code(t, env, e.TOTPSecret)).WantAt("/admin")
	login(there, e.Login, password, code(t, env, e.TOTPSecret)).WantAt("/admin")
	here.Get("/staff/password").Submit(`form[action="/staff/password"]`, map[string]string{
		"current": password, "password": "own horse 22", "password_again": "own horse 22",
	}).WantAt("/staff")
	require.NotEmpty(t, there.Still().Get("/staff").Location())
	here.Get("/staff").Want(200)
}

func TestFirstAdministrator(t *testing.T) {
	t.Parallel()
	env, s := setup(t)
	token, _, err := staffstore.FirstAdmin{Store: s}.NewToken(context.Background(), false)
	require.NoError(t, err)
	c := env.Client()
	form := map[string]string{"token": token, "name": "周敏", "login": "zhou.min", "password": password, "password_again": password}
	with := func(name, value string) map[string]string {
		changed := map[string]string{}
		for k, v := range form {
			changed[k] = v
		}
		changed[name] = value
		return changed
	}
	p := c.Get("/staff/first").Want(200)
	p.Submit("form", with("token", "")).Want(422).WantError("token", "请输入一次性口令")
	p.Submit("form", with("login", "周敏")).Want(422).WantError("login", "小写字母")
	p.Submit("form", with("password_again", "other horse 1")).Want(422).WantError("password_again", "不一样")
	p.Submit("form", with("token", "AAAA")).Want(422).WantError("token", "令牌无效")
	done := p.Submit("form", form).Want(200)
	done.Has("svg.qr path[d]")
	require.Equal(t, "no-store", done.Response.Header.Get("Cache-Control"))
	secret := done.Text(".secret")
	p.Submit("form", with("login", "second.admin")).Want(422).WantError("token", "已使用")
	login(c, "zhou.min", password, code(t, env, secret)).WantAt("/admin")
}

func TestDoors(t *testing.T) {
	t.Parallel()
	env, _ := setup(t)
	person := env.Person(uuid.Must(uuid.NewV7()), "王𠮷")
	for _, path := range []string{"/staff", "/staff/password"} {
		person.Get(path).Want(403)
		require.Equal(t, 303, env.Client().Still().Get(path).Response.StatusCode)
	}
	person.Post("/staff/password", nil).Want(403)
	require.Equal(t, "/staff/login", env.Client().Still().Post("/staff/password", nil).Location())
	env.Clerk(uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())).Get("/staff").Want(200).Has(`a[href="/branch"]`).Lacks(`a[href="/admin"]`)
}

// Each role finds the way to its own room, and to no other.
func TestHomeLeadsToTheOwnRoom(t *testing.T) {
	t.Parallel()
	env, _ := setup(t)
	id := uuid.Must(uuid.NewV7())
	rooms := map[string]*webtest.Client{
		"/branch": env.Clerk(id, id), "/admin": env.Admin(id), "/review": env.Reviewer(id), "/factory": env.Factory(id),
	}
	for own, c := range rooms {
		page := c.Get("/staff").Want(200)
		for room := range rooms {
			link := `nav a[href="` + room + `"], main a[href="` + room + `"]`
			if room == own {
				require.Equal(t, 2, page.Find(link).Length(), "%s of %s", room, own)
			} else {
				page.Lacks(link)
			}
		}
	}
}

func TestStaffPagesAreAccessible(t *testing.T) {
	env, _ := setup(t)
	b := webtest.NewBrowser(t)
	for _, path := range []string{"/staff/login", "/staff/first"} {
		b.Shots(env.Client(), path, strings.ReplaceAll(path[1:], "/", "-"))
		webtest.Axe(t, b, env.Client(), path)
	}
	c := env.Admin(uuid.Must(uuid.NewV7()))
	for _, path := range []string{"/staff", "/staff/password"} {
		b.Shots(c, path, strings.ReplaceAll(path[1:], "/", "-"))
		webtest.Axe(t, b, c, path)
	}
}
