package web_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web"
	"volcard/api/web/webtest"
)

// rooms mounts a small house: a public page, a login, one room each for people, clerks and admins.
func rooms(t *testing.T, change ...func(*web.Options)) (*webtest.Env, web.Principal) {
	t.Helper()
	env := webtest.New(t, change...)
	k := env.Kit
	who := web.Principal{Kind: web.KindPerson, ID: uuid.Must(uuid.NewV7()), Name: "王𠮷"}
	name := k.Handle(func(w http.ResponseWriter, r *http.Request) error {
		p, err := k.Principal(r)
		if err != nil {
			return err
		}
		if p == nil {
			_, err = fmt.Fprint(w, "nobody")
			return err
		}
		_, err = fmt.Fprint(w, p.Name)
		return err
	})
	env.Router.Get("/", name)
	env.Router.Get("/plain", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "plain") })
	env.Router.Post("/remember", k.Handle(func(w http.ResponseWriter, r *http.Request) error {
		s, err := k.Session(r)
		if err != nil {
			return err
		}
		s.Put("draft", r.FormValue("draft"))
		w.WriteHeader(http.StatusNoContent)
		return nil
	}))
	env.Router.Get("/recall", k.Handle(func(w http.ResponseWriter, r *http.Request) error {
		s, err := k.Session(r)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(w, s.Get("draft"))
		return err
	}))
	env.Router.Post("/login", k.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if err := k.SignIn(r, who); err != nil {
			return err
		}
		web.Redirect(w, r, web.Next(r, "/"))
		return nil
	}))
	env.Router.Post("/logout", k.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if err := k.SignOut(r); err != nil {
			return err
		}
		web.Redirect(w, r, "/")
		return nil
	}))
	env.Router.With(k.RequirePerson).Get("/mine", name)
	env.Router.With(k.RequireStaff(web.RoleClerk)).Get("/branch", name)
	env.Router.With(k.RequireStaff(web.RoleProvinceAdmin)).Get("/admin", name)
	env.Router.With(k.RequireStaff()).Get("/staff", name)
	env.Start()
	return env, who
}

func count(t *testing.T, env *webtest.Env) (n int) {
	t.Helper()
	require.NoError(t, env.DB.QueryRow(context.Background(), "SELECT count(*) FROM session").Scan(&n))
	return n
}

func TestStrangersCostNothing(t *testing.T) {
	t.Parallel()
	env, _ := rooms(t)
	c := env.Client()
	require.Equal(t, "nobody", string(c.Get("/").Want(200).Body))
	require.Empty(t, c.Cookies())
	require.Zero(t, count(t, env))
	// Without a database a page that needs no session still comes, with and without a cookie.
	c.SetCookies(&http.Cookie{Name: "volcard", Value: "0123456789012345678901234567890123456789012"})
	env.DB.Close()
	c.Get("/plain").Want(200)
	require.Equal(t, "nobody", string(env.Client().Get("/").Want(200).Body))
	require.GreaterOrEqual(t, c.Get("/").Response.StatusCode, 500, "and one that needs it says that it cannot")
}

func TestLoginRenewsTheToken(t *testing.T) {
	t.Parallel()
	env, who := rooms(t)
	victim := env.Client()
	victim.Post("/remember", map[string][]string{"draft": {"the attacker's"}}).Want(204)
	planted := victim.Cookies()
	require.Len(t, planted, 1)
	require.Equal(t, who.Name, string(victim.Post("/login", nil).Want(200).Body))
	require.NotEqual(t, planted[0].Value, victim.Cookies()[0].Value)
	require.Empty(t, victim.Get("/recall").Body, "nothing of the old session goes along")

	attacker := env.Client()
	attacker.SetCookies(planted...)
	require.Equal(t, "nobody", string(attacker.Get("/").Want(200).Body))

	// A token that somebody made up is never taken on.
	made := env.Client()
	made.SetCookies(&http.Cookie{Name: "volcard", Value: "0123456789012345678901234567890123456789012"})
	made.Post("/remember", map[string][]string{"draft": {"x"}}).Want(204)
	require.NotEqual(t, "0123456789012345678901234567890123456789012", made.Cookies()[0].Value)
}

func TestCookies(t *testing.T) {
	t.Parallel()
	env, _ := rooms(t, func(o *web.Options) { o.BaseURL = "https://card.example" })
	cookie := env.Client().Still().Post("/login", nil).Want(303).Response.Cookies()
	require.Len(t, cookie, 2)
	for i, name := range []string{"__Host-volcard", "__Host-volcard-form"} {
		require.Equal(t, name, cookie[i].Name)
		require.True(t, cookie[i].Secure)
		require.True(t, cookie[i].HttpOnly)
		require.Equal(t, http.SameSiteLaxMode, cookie[i].SameSite)
		require.Equal(t, "/", cookie[i].Path)
		require.Empty(t, cookie[i].Domain)
	}
	var data []byte
	var token string
	require.NoError(t, env.DB.QueryRow(context.Background(), "SELECT token, data FROM session").Scan(&token, &data))
	require.NotEqual(t, cookie[0].Value, token, "the store knows only the hash")
	require.NotContains(t, string(data), "王𠮷", "what a session holds is sealed")
}

func TestDoors(t *testing.T) {
	t.Parallel()
	env, who := rooms(t)
	id := uuid.Must(uuid.NewV7())
	stranger, person := env.Client().Still(), env.As(who).Still()
	clerk, admin := env.Clerk(id, id).Still(), env.Admin(id).Still()
	for _, c := range []struct {
		path                           string
		stranger, person, clerk, admin int
		login                          string
	}{
		{"/mine?a=1", 303, 200, 403, 403, "/login?next=%2Fmine%3Fa%3D1"},
		{"/branch", 303, 403, 200, 403, "/staff/login?next=%2Fbranch"},
		{"/admin", 303, 403, 403, 200, "/staff/login?next=%2Fadmin"},
		{"/staff", 303, 403, 200, 200, "/staff/login?next=%2Fstaff"},
	} {
		require.Equal(t, c.login, stranger.Get(c.path).Want(c.stranger).Location())
		person.Get(c.path).Want(c.person)
		clerk.Get(c.path).Want(c.clerk)
		admin.Get(c.path).Want(c.admin)
	}
	require.Equal(t, "no-store", person.Get("/branch").Response.Header.Get("Cache-Control"))
	require.Equal(t, "/login", stranger.HTMX().Get("/mine").Want(204).Response.Header.Get("HX-Redirect"))
	require.Equal(t, "/", env.Client().Still().Post("/login?next=//evil.example", nil).Location())
	require.Equal(t, "/mine", env.Client().Still().Post("/login?next=/mine", nil).Location())
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	env, who := rooms(t)
	ctx := context.Background()

	// Logged out: the cookie goes, and a copy of it opens nothing.
	c := env.As(who)
	stolen := c.Cookies()
	c.Post("/logout", nil).Want(200)
	require.Empty(t, c.Cookies())
	thief := env.Client()
	thief.SetCookies(stolen...)
	require.Equal(t, "nobody", string(thief.Get("/").Body))

	// Idle: a person after two hours, staff after a quarter of one.
	person, clerk := env.As(who), env.Clerk(uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()))
	env.Clock.Advance(14 * time.Minute)
	require.NotEqual(t, "nobody", string(clerk.Get("/").Body))
	env.Clock.Advance(14 * time.Minute)
	require.NotEqual(t, "nobody", string(clerk.Get("/").Body), "a request prolongs the session")
	env.Clock.Advance(16 * time.Minute)
	require.Equal(t, "nobody", string(clerk.Get("/").Body))
	require.NotEqual(t, "nobody", string(person.Get("/").Body))
	env.Clock.Advance(121 * time.Minute)
	require.Equal(t, "nobody", string(person.Get("/").Body))

	// Absolute: however busy, staff log in again after twelve hours.
	busy := env.Clerk(uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()))
	for range 12*6 - 1 {
		env.Clock.Advance(10 * time.Minute)
		require.NotEqual(t, "nobody", string(busy.Get("/").Body))
	}
	env.Clock.Advance(10*time.Minute + time.Second)
	require.Equal(t, "nobody", string(busy.Get("/").Body))

	n, err := env.Sessions.Sweep(ctx)
	require.NoError(t, err)
	require.Positive(t, n)
}

// A page that asks by itself is no person: a desk that nobody sits at is locked all the same.
func TestPollsKeepNoSessionAlive(t *testing.T) {
	t.Parallel()
	env, _ := rooms(t)
	admin := env.Admin(uuid.Must(uuid.NewV7()))
	poll := admin.HTMX().With("Volcard-Poll", "1")
	for range 2 {
		env.Clock.Advance(7 * time.Minute)
		poll.Get("/admin").Want(200)
	}
	env.Clock.Advance(2 * time.Minute)
	require.Equal(t, "/staff/login", poll.Get("/admin").Want(204).Response.Header.Get("HX-Redirect"))
}

func TestReadingWritesOnceAMinute(t *testing.T) {
	t.Parallel()
	env, who := rooms(t)
	c := env.As(who)
	xmin := func() (v string) {
		require.NoError(t, env.DB.QueryRow(context.Background(), "SELECT xmin::text FROM session").Scan(&v))
		return v
	}
	before := xmin()
	env.Clock.Advance(59 * time.Second)
	c.Get("/")
	require.Equal(t, before, xmin())
	env.Clock.Advance(time.Second)
	c.Get("/")
	require.NotEqual(t, before, xmin())
}

func TestEndOthersAndNeverComeBack(t *testing.T) {
	t.Parallel()
	env, who := rooms(t)
	k := env.Kit
	env.Router.Post("/end-others", k.Handle(func(w http.ResponseWriter, r *http.Request) error {
		w.WriteHeader(http.StatusNoContent)
		return k.EndOthers(r)
	}))
	// A request that is under way while its session ends must not write the session again.
	env.Router.Get("/slow", k.Handle(func(w http.ResponseWriter, r *http.Request) error {
		s, err := k.Session(r)
		if err != nil {
			return err
		}
		if err := k.EndAll(r.Context(), who.ID); err != nil {
			return err
		}
		s.Put("draft", "late")
		w.WriteHeader(http.StatusOK)
		return nil
	}))
	here, there := env.As(who), env.As(who)
	require.Equal(t, 2, count(t, env))
	here.Post("/end-others", nil).Want(204)
	require.Equal(t, "nobody", string(there.Get("/").Body))
	require.Equal(t, who.Name, string(here.Get("/").Body))
	here.Still().Get("/slow").Want(303)
	require.Zero(t, count(t, env))
	require.Equal(t, "nobody", string(here.Get("/").Body))
}
