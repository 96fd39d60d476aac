package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web"
	"volcard/api/web/webtest"
	"volcard/internal/store/formstore"
)

// form mounts a form at path that refuses whatever is sent.
func form(env *webtest.Env, path string, door func(http.Handler) http.Handler) {
	type page struct {
		web.Frame
		Form *web.Form
	}
	show := func(w http.ResponseWriter, r *http.Request, f *web.Form) error {
		return env.Kit.Render(w, r, f.Status(), "staff/first", &page{Form: f})
	}
	get := env.Kit.Handle(func(w http.ResponseWriter, r *http.Request) error { return show(w, r, web.NewForm(nil)) })
	post := env.Kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		f, err := web.ParseForm(r)
		if err != nil {
			return err
		}
		f.Fail("name", "请填写姓名。")
		return show(w, r, f)
	})
	env.Router.Method(http.MethodGet, path, door(get))
	env.Router.Method(http.MethodPost, path, door(post))
}

func open(h http.Handler) http.Handler { return h }

func typing(name string) url.Values {
	return url.Values{"name": {name}, "password": {"secret-1"}, "token": {"secret-2"}}
}

func wantTyped(t *testing.T, p *webtest.Page, name string) {
	t.Helper()
	p.Want(422).WantError("name", "请填写姓名。")
	require.Equal(t, name, p.Find("#f-name").AttrOr("value", ""))
	require.NotContains(t, string(p.Body), "secret-")
	require.Equal(t, http.MethodGet, p.Response.Request.Method)
	require.NotContains(t, p.Path(), url.QueryEscape(name))
	require.Equal(t, "no-store", p.Response.Header.Get("Cache-Control"))
}

// A refused form has an address: Back, Reload and a second tab show it again, with the same status.
func TestARefusedFormCanBeShownAgain(t *testing.T) {
	t.Parallel()
	env, who := rooms(t)
	form(env, "/open", open)
	form(env, "/closed", env.Kit.RequirePerson)
	for path, c := range map[string]*webtest.Client{"/open": env.Client(), "/closed": env.As(who)} {
		one := c.Post(path+"?a=1", typing("王𠮷"))
		wantTyped(t, one, "王𠮷")
		require.True(t, strings.HasPrefix(one.Path(), path+"?a=1&form="), one.Path())
		two := c.Post(path, typing("张䶮"))
		wantTyped(t, c.Get(one.Path()), "王𠮷")
		wantTyped(t, c.Get(two.Path()), "张䶮")
		again := c.Get(one.Path())
		nonce := again.Find("script[nonce]").AttrOr("nonce", "")
		require.Contains(t, again.Response.Header.Get("Content-Security-Policy"), "nonce-"+nonce)
		// Sent from there, it is refused on a page of its own again.
		wantTyped(t, c.Post(again.Path(), typing("李")), "李")

		env.Clock.Advance(formstore.Life)
		require.Empty(t, c.Get(one.Path()).Want(200).Find("#f-name").AttrOr("value", ""), "nothing is kept for longer")
	}
}

// A program reads the refusal itself, and so does htmx.
func TestOnlyPagesAreRedirected(t *testing.T) {
	t.Parallel()
	env, _ := rooms(t)
	form(env, "/open", open)
	for _, c := range []*webtest.Client{env.Client().With("Accept", ""), env.Client().With("Accept", "*/*"), env.Client().HTMX()} {
		c.Still().Post("/open", typing("王")).Want(422)
	}
	env.Client().Still().With("Accept", "text/html").Post("/open", typing("王")).Want(303)
}

func TestARefusedFormIsNobodyElses(t *testing.T) {
	t.Parallel()
	env, who := rooms(t)
	form(env, "/open", open)
	form(env, "/other", open)
	form(env, "/closed", env.Kit.RequirePerson)
	env.Router.Post("/out", env.Kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		w.WriteHeader(http.StatusNoContent)
		return env.Kit.SignOut(r)
	}))
	blank := func(p *webtest.Page) {
		t.Helper()
		require.Empty(t, p.Want(200).Find("#f-name").AttrOr("value", ""))
	}
	c := env.Client()
	path := c.Post("/open", typing("王")).Path()
	blank(env.Client().Get(path))
	blank(c.Get("/other?" + path[strings.Index(path, "form="):]))
	blank(c.Get("/open?form=x"))

	mine := env.As(who)
	path = mine.Post("/closed", typing("王")).Path()
	require.NotEmpty(t, env.Client().Still().Get(path).Location())
	// The cookie of the browser without its session opens nothing.
	thief := env.Client()
	for _, cookie := range mine.Cookies() {
		if cookie.Name == "volcard-form" {
			thief.SetCookies(cookie)
		}
	}
	require.NotEmpty(t, thief.Still().Get(path).Location())
	// After a logout the next one at the device finds nothing, also of what was sent without a login.
	public := mine.Post("/open", typing("王")).Path()
	mine.Post("/out", nil).Want(204)
	blank(mine.Get(public))
}

// What a browser keeps is bounded: the oldest makes place.
func TestKeptFormsAreBounded(t *testing.T) {
	t.Parallel()
	env, _ := rooms(t)
	form(env, "/open", open)
	c := env.Client()
	first := c.Post("/open", typing("王")).Path()
	for range 8 {
		env.Clock.Advance(time.Second)
		wantTyped(t, c.Post("/open", typing("张")), "张")
	}
	c.Get(first).Want(200)
	var rows int
	require.NoError(t, env.DB.QueryRow(t.Context(), "SELECT count(*) FROM kept_form").Scan(&rows))
	require.Equal(t, 8, rows)
	n, err := formstore.New(env.DB, env.Clock).Sweep(t.Context(), 100)
	require.NoError(t, err)
	require.Zero(t, n)
	env.Clock.Advance(formstore.Life)
	n, err = formstore.New(env.DB, env.Clock).Sweep(t.Context(), 100)
	require.NoError(t, err)
	require.EqualValues(t, 8, n)
}

// A flood of refused forms is answered, and costs no more than so many rows.
func TestAFloodOfRefusedFormsIsAnsweredDirectly(t *testing.T) {
	t.Parallel()
	env, _ := rooms(t)
	form(env, "/open", open)
	direct := 0
	for range 120 {
		p := env.Client().Post("/open", typing("王")).Want(422).WantError("name", "请填写姓名。")
		if p.Response.Request.Method == http.MethodPost {
			direct++
		}
	}
	require.Equal(t, 20, direct)
}

// What was typed into a form whose session had ended is there again after the login of the same person, and of nobody
// else. Secrets are not.
func TestTypedIntoAnEndedSession(t *testing.T) {
	t.Parallel()
	env, who := rooms(t)
	// The form of this page is sent to this path.
	form(env, "/staff/first", env.Kit.RequireStaff())
	who.Kind, who.Role = web.KindStaff, web.RoleReviewer
	other := web.Principal{Kind: web.KindStaff, ID: uuid.Must(uuid.NewV7()), Name: "别人", Role: web.RoleReviewer}
	as := who
	env.Router.Get(web.StaffLogin, env.Kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if err := env.Kit.SignIn(r, as); err != nil {
			return err
		}
		web.Redirect(w, r, web.Next(r, "/"))
		return nil
	}))
	for _, login := range []web.Principal{who, other} {
		c := env.As(who)
		refused := c.Post("/staff/first?a=1", typing("王")).Path()
		env.Clock.Advance(3 * time.Hour)
		as = login
		p := c.With("Referer", env.URL+refused).Post("/staff/first?a=1", typing("王𠮷")).Want(200)
		require.True(t, strings.HasPrefix(p.Path(), "/staff/first?a=1&form="), p.Path())
		require.NotContains(t, string(p.Body), "secret-")
		if login == who {
			require.Equal(t, "王𠮷", p.Find("#f-name").AttrOr("value", ""))
			p.WantText(".flash-warn", "还没有提交").Lacks(".is-invalid, .has-error")
		} else {
			require.NotContains(t, string(p.Body), "王𠮷")
		}
		var data []byte
		require.NoError(t, env.DB.QueryRow(t.Context(), "SELECT data FROM kept_form LIMIT 1").Scan(&data))
		require.NotContains(t, string(data), "王", "what is kept is sealed")
	}
}
