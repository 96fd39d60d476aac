package web_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web"
	"volcard/internal/fault"
	"volcard/internal/store"
)

// What was sent and failed is lost: the page says so and leads back to the form, never elsewhere.
func TestFailedPostsLeadBack(t *testing.T) {
	t.Parallel()
	env, _ := rooms(t)
	away := env.Kit.Handle(fail(fault.Wrap(fault.Unavailable, errors.New("gone"), store.Busy)))
	env.Router.Get("/form", away)
	env.Router.Post("/form", away)
	env.Router.Post("/taken", env.Kit.Handle(fail(fault.New(fault.Conflict, "已经领取。"))))
	c := env.Client()
	from := func(address string) string {
		return c.With("Referer", address).Post("/form", nil).Want(503).Find(".actions a").First().AttrOr("href", "")
	}

	c.With("Referer", env.URL+"/form?page=2").Post("/form", nil).Want(503).
		WantText(".sentence", "这次提交没有保存").WantText(".actions .primary", "重新提交").WantText(".actions a", "返回上一页")
	require.Equal(t, "/form?page=2", from(env.URL+"/form?page=2"))
	for _, foreign := range []string{"", "https://evil.example/form", env.URL + "//evil.example", "javascript:alert(1)", "/form"} {
		require.Equal(t, "/", from(foreign), foreign)
	}
	c.Get("/form").Want(503).WantText(".sentence", store.Busy).WantText(".actions .primary", "再试一次")
	c.With("Referer", env.URL+"/form").Post("/taken", nil).Want(409).WantText(".sentence", "已经领取。").Has(`.actions a[href="/form"]`)
}

// Whoever sends a form after the session has ended reads so at the login, which leads back to the form.
func TestPostsAfterTheSessionEnded(t *testing.T) {
	t.Parallel()
	env, who := rooms(t)
	login := env.Kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		return env.Kit.Render(w, r, http.StatusOK, "staff/password", &struct {
			web.Frame
			Form   *web.Form
			Forced bool
		}{Form: web.NewForm(nil)})
	})
	env.Router.Get(web.PersonLogin, login)
	env.Router.Get(web.StaffLogin, login)
	person := env.Kit.RequirePerson(http.NotFoundHandler())
	env.Router.Method(http.MethodPost, "/mine", person)
	env.Router.Method(http.MethodPost, "/apply/unit", person)
	env.Router.Method(http.MethodPost, "/branch", env.Kit.RequireStaff(web.RoleClerk)(http.NotFoundHandler()))
	const lost = "刚才的内容没有提交"

	c := env.As(who)
	env.Clock.Advance(3 * time.Hour)
	c.With("Referer", env.URL+"/mine?a=1").Post("/mine", nil).WantAt("/login?next=%2Fmine%3Fa%3D1").WantText(".flash-warn", lost)
	for path, want := range map[string]string{"/mine": "/login", "/apply/unit": "/login?next=%2Fapply%2Funit", "/branch": "/staff/login"} {
		for _, foreign := range []string{"", "https://evil.example/mine", env.URL + "//evil.example/"} {
			require.Equal(t, want, c.Still().With("Referer", foreign).Post(path, nil).Location(), path)
		}
	}

	// A page that asks again by itself leads back to where it stands, not to its fragment.
	c = env.As(who)
	env.Clock.Advance(3 * time.Hour)
	poll := c.HTMX().Still()
	to := func(address string) string {
		return poll.With("HX-Current-URL", address).Get("/mine?v=3").Want(204).Response.Header.Get("HX-Redirect")
	}
	require.Equal(t, "/login?next=%2Fmine", to(env.URL+"/mine"))
	require.Equal(t, "/login", to("https://evil.example/mine"))
	c.Get("/login").WantText(".flash-warn", "登录已过期，请重新登录")

	// Who was never logged in has lost nothing.
	env.Client().Post("/mine", nil).WantAt("/login").Lacks(".flash")
}

// A failure in the consoles stays there; a person who goes astray is led home.
func TestFailuresOfTheConsoles(t *testing.T) {
	t.Parallel()
	env, who := rooms(t)
	env.Router.Get("/branch/broken", env.Kit.Handle(fail(errors.New("broken"))))
	id := uuid.Must(uuid.NewV7())
	clerk := env.Clerk(id, id)
	clerk.Get("/branch/broken").Want(500).Has("body.console").WantText(".actions a[href='/staff']", "回到工作台")
	clerk.Get("/admin").Want(403).Has("body.console")
	clerk.Get("/nowhere").Want(404).Has("body.phone")
	env.As(who).Get("/admin").Want(403).Has("body.phone").Has(".actions a[href='/']")
}
