// Package webtest lets a test use pages as a browser does: a server with the kit's middleware
// and a database of its own, clients with cookies that follow links and send forms, and
// assertions by selector. A test of a room reads:
//
//	env := webtest.New(t)
//	room.Routes(env.Router)          // what the test is about
//	env.Start()
//	c := env.Person(somebody)        // or env.Client() for a stranger, env.Clerk(branch), env.Admin()
//	page := c.Get("/apply")
//	page.Want(200)
//	page = page.Submit("form", map[string]string{"edition": "general"})
//	page.WantText("h1", "核对资料")
package webtest

import (
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web"
	"volcard/internal/clock"
	"volcard/internal/store"
	"volcard/internal/store/formstore"
	"volcard/internal/store/sessionstore"
	"volcard/internal/store/storetest"
	"volcard/internal/vault"
	"volcard/templates"
)

// Today is where the clock of every test stands: a Monday morning in Wuhan.
var Today = time.Date(2026, 11, 23, 10, 0, 0, 0, clock.Shanghai)

// Env is a server for one test.
type Env struct {
	T        testing.TB
	DB       *store.DB
	OwnerURL string
	Vault    *vault.Vault
	Clock    *clock.Fake
	Sessions *sessionstore.Store
	Kit      *web.Kit
	// Router has the kit's middleware; a test mounts on it what it is about.
	Router chi.Router
	Log    *slog.Logger
	URL    string
	root   chi.Router
}

// New makes the environment; change edits the kit's options.
func New(t testing.TB, change ...func(*web.Options)) *Env {
	t.Helper()
	db, owner := storetest.NewWithURL(t)
	env := &Env{
		T: t, DB: db, OwnerURL: owner, Vault: storetest.Vault(t), Clock: clock.NewFake(Today),
		Log: slog.New(slog.DiscardHandler),
	}
	env.Sessions = sessionstore.New(db, env.Clock)
	o := web.Options{
		Templates: templates.FS, BaseURL: "http://localhost:8080",
		Clock: env.Clock, Log: env.Log, Sessions: env.Sessions, Forms: formstore.New(env.DB, env.Clock), Vault: env.Vault,
	}
	for _, fn := range change {
		fn(&o)
	}
	env.Log = o.Log
	kit, err := web.New(o)
	require.NoError(t, err)
	env.Kit = kit
	env.root = chi.NewRouter()
	env.root.Get("/static/*", kit.Static)
	env.root.Group(func(r chi.Router) {
		r.Use(kit.Standard()...)
		r.NotFound(kit.NotFound)
		r.MethodNotAllowed(kit.MethodNotAllowed)
		env.Router = r
	})
	return env
}

func chain(h http.HandlerFunc, middlewares []func(http.Handler) http.Handler) http.HandlerFunc {
	var wrapped http.Handler = h
	for i := len(middlewares) - 1; i >= 0; i-- {
		wrapped = middlewares[i](wrapped)
	}
	return wrapped.ServeHTTP
}

// Start serves the router on loopback until the test ends.
func (e *Env) Start() {
	e.T.Helper()
	server := httptest.NewServer(e.root)
	e.T.Cleanup(server.Close)
	e.URL = server.URL
}

// Handler is the whole server, for requests without a network.
func (e *Env) Handler() http.Handler { return e.root }

// Client is a browser that nobody has logged in with.
func (e *Env) Client() *Client {
	e.T.Helper()
	require.NotEmpty(e.T, e.URL, "call Start first")
	jar, err := cookiejar.New(nil)
	require.NoError(e.T, err)
	return &Client{t: e.T, base: e.URL, http: &http.Client{Jar: jar, Timeout: 30 * time.Second}, Header: http.Header{}}
}

// As is a browser in which p is logged in. No login page is involved.
func (e *Env) As(p web.Principal) *Client {
	e.T.Helper()
	c := e.Client()
	signIn := chain(e.Kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if err := e.Kit.SignIn(r, p); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}), e.Kit.Standard())
	rec := httptest.NewRecorder()
	signIn(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	require.Equal(e.T, http.StatusNoContent, rec.Code, rec.Body.String())
	base, err := url.Parse(e.URL)
	require.NoError(e.T, err)
	c.http.Jar.SetCookies(base, rec.Result().Cookies())
	return c
}

// Person is a browser in which the person with this id is logged in.
func (e *Env) Person(id uuid.UUID, name string) *Client {
	return e.As(web.Principal{Kind: web.KindPerson, ID: id, Name: name})
}

// Clerk is a browser in which a clerk of this branch is logged in.
func (e *Env) Clerk(id, branch uuid.UUID) *Client {
	return e.As(web.Principal{
		Kind: web.KindStaff, ID: id, Name: "周敏", Role: web.RoleClerk,
		BranchID: uuid.NullUUID{UUID: branch, Valid: true},
	})
}

// Reviewer is a browser in which a reviewer of photos is logged in.
func (e *Env) Reviewer(id uuid.UUID) *Client {
	return e.As(web.Principal{Kind: web.KindStaff, ID: id, Name: "林审核", Role: web.RoleReviewer})
}

// Factory is a browser in which the card factory is logged in.
func (e *Env) Factory(id uuid.UUID) *Client {
	return e.As(web.Principal{Kind: web.KindStaff, ID: id, Name: "制卡厂", Role: web.RoleFactory})
}

// Admin is a browser in which a province administrator is logged in.
func (e *Env) Admin(id uuid.UUID) *Client {
	return e.As(web.Principal{Kind: web.KindStaff, ID: id, Name: "管理员", Role: web.RoleProvinceAdmin})
}
