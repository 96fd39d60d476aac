package web

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/time/rate"

	"volcard/internal/clock"
	"volcard/internal/store/formstore"
	"volcard/internal/vault"
)

// A browser shows the answer to a form again only by sending the form again. So a refused form is kept and answered
// with 303 to an address that shows the same page with the same status, for Back and Reload as well. Only who asks
// for a page (Accept: text/html, as every browser does) is redirected: a program reads the refusal itself.

const (
	keptParam = "form"
	// maxKept bounds what is kept of one form, compressed and sealed, in bytes. A larger one is answered directly.
	maxKept = 64 << 10
	// keptPerSecond and keptBurst bound what this process keeps. Beyond it forms are answered directly.
	keptPerSecond, keptBurst = 20, 100
	// keptWait bounds what keeping may cost a request.
	keptWait = 2 * time.Second

	labelKept = "kept_form.data"
	labelWho  = "kept_form.who"
	keyLength = 24 // characters of ids and keys: 18 random bytes
)

// keptForm is a row's content: the page that answered a form, or what was typed into one that found no session.
type keptForm struct {
	Path   string // of the page that shows it
	Who    string // keptForms.who of whom it belongs to; empty: nobody was logged in
	Status int
	Retry  string // header Retry-After
	Page   string
	Nonce  string     // of the page's inline scripts
	Sent   string     // where Values were sent to
	Values url.Values // without secrets
}

// keptForms keeps them for the browser that sent them. The browser is known by a cookie that outlives its session:
// a random key, and whose session was the last one.
type keptForms struct {
	store  *formstore.Store
	vault  *vault.Vault
	clock  clock.Clock
	log    *slog.Logger
	pace   *rate.Limiter
	cookie string
	secure bool
}

func newKeptForms(o Options, secure bool) *keptForms {
	f := &keptForms{
		store: o.Forms, vault: o.Vault, clock: o.Clock, log: o.Log, secure: secure, cookie: "volcard-form",
		pace: rate.NewLimiter(keptPerSecond, keptBurst),
	}
	if secure {
		f.cookie = "__Host-volcard-form"
	}
	return f
}

// who names a principal in the cookie and in rows, without telling who it is.
func (f *keptForms) who(p *Principal) string {
	if p == nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(f.vault.Index(labelWho, p.Kind+" "+p.ID.String())[:12])
}

// browser reads the cookie; an empty key where there is none.
func (f *keptForms) browser(r *http.Request) (key, who string) {
	c, err := r.Cookie(f.cookie)
	if err != nil {
		return "", ""
	}
	key, who, _ = strings.Cut(c.Value, ".")
	if len(key) != keyLength || len(who) > keyLength {
		return "", ""
	}
	return key, who
}

func (f *keptForms) setBrowser(w http.ResponseWriter, key, who string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure follows the base URL: config allows http on this machine only
		Name: f.cookie, Value: key + "." + who, Path: "/", MaxAge: int(life.Seconds()),
		Secure: f.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// signedIn binds the browser to p. The forms of whoever was logged in before are out of reach from then on; p's own,
// whose session had ended, are not.
func (f *keptForms) signedIn(w http.ResponseWriter, r *http.Request, p *Principal, life time.Duration) {
	key, who := f.browser(r)
	if key == "" || who != f.who(p) {
		key = randomText(18)
	}
	f.setBrowser(w, key, f.who(p), life)
}

// signedOut leaves nothing for the next one at a shared device.
func (f *keptForms) signedOut(w http.ResponseWriter) { f.setBrowser(w, "", "", -time.Second) }

func hashKey(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}

// keep returns the id under which form is found; empty where it was not kept.
func (f *keptForms) keep(w http.ResponseWriter, r *http.Request, form keptForm, life time.Duration) string {
	if !f.pace.AllowN(f.clock.Now(), 1) {
		return ""
	}
	data, err := f.seal(form)
	if err != nil || len(data) > maxKept {
		return ""
	}
	key, who := f.browser(r)
	if key == "" {
		key = randomText(18)
	}
	id := randomText(18)
	ctx, cancel := context.WithTimeout(r.Context(), keptWait)
	defer cancel()
	if err := f.store.Save(ctx, id, hashKey(key), data); err != nil {
		f.log.WarnContext(r.Context(), "refused form not kept", slog.String("error", err.Error()))
		return ""
	}
	if form.Who != "" {
		who = form.Who
	}
	f.setBrowser(w, key, who, life)
	return id
}

func (f *keptForms) seal(form keptForm) ([]byte, error) {
	var buf bytes.Buffer
	packed, err := flate.NewWriter(&buf, flate.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("kept form: %w", err)
	}
	if err := json.NewEncoder(packed).Encode(form); err != nil {
		return nil, fmt.Errorf("kept form: %w", err)
	}
	if err := packed.Close(); err != nil {
		return nil, fmt.Errorf("kept form: %w", err)
	}
	return f.vault.Seal(buf.Bytes(), labelKept)
}

// maxUnpacked bounds what a kept form becomes in memory. Its content is this program's own.
const maxUnpacked = 8 << 20

// load finds the form that the address names, where it is this browser's.
func (f *keptForms) load(r *http.Request) (form keptForm, ok bool) {
	id := r.URL.Query().Get(keptParam)
	key, _ := f.browser(r)
	if len(id) != keyLength || key == "" {
		return form, false
	}
	data, found, err := f.store.Load(r.Context(), id, hashKey(key))
	if err != nil {
		f.log.WarnContext(r.Context(), "kept form not read", slog.String("error", err.Error()))
	}
	if !found {
		return form, false
	}
	packed, err := f.vault.Unseal(data, labelKept)
	if err != nil {
		return form, false // sealed with a key that has been retired
	}
	err = json.NewDecoder(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxUnpacked)).Decode(&form)
	return form, err == nil && form.Path == r.URL.Path
}

type typedKey struct{}

// keptInput is what was typed into a form of this page whose session had ended.
func keptInput(r *http.Request) *keptForm {
	form, _ := r.Context().Value(typedKey{}).(*keptForm)
	return form
}

// showKept answers where the address names a kept form, for the one to whom it belongs. Everybody else, and who comes
// too late, gets the page as it is without it.
func (g *Guard) showKept(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if posted(r) || IsHTMX(r) || !r.URL.Query().Has(keptParam) {
			next.ServeHTTP(w, r)
			return
		}
		form, ok := g.answers.kept.load(r)
		if ok && form.Who != "" {
			s := g.sessions.of(r)
			ok = s.load() == nil && g.answers.kept.who(s.principal()) == form.Who
		}
		switch {
		case !ok:
			next.ServeHTTP(w, r)
		case form.Values != nil:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), typedKey{}, &form)))
		default:
			h := w.Header()
			h.Set("Content-Type", "text/html; charset=utf-8")
			h.Set("Cache-Control", "no-store")
			if form.Retry != "" {
				h.Set("Retry-After", form.Retry)
			}
			w.WriteHeader(form.Status)
			page := strings.ReplaceAll(form.Page, form.Nonce, Nonce(r))
			_, _ = io.WriteString(w, page) //nolint:gosec // html/template wrote it; a client that has left is no failure
		}
	})
}

// keepAnswer keeps the page that answers a form and returns its address; empty where the page itself is the answer.
func (a *Answers) keepAnswer(w http.ResponseWriter, r *http.Request, status int, data Page, page []byte) string {
	if !posted(r) || IsHTMX(r) || !strings.Contains(r.Header.Get("Accept"), "text/html") || !kept(r, status, data) {
		return ""
	}
	to := url.URL{Path: r.URL.Path, RawQuery: r.URL.RawQuery}
	if rc := chi.RouteContext(r.Context()); rc != nil && rc.Routes != nil && !rc.Routes.Match(chi.NewRouteContext(), http.MethodGet, to.Path) {
		if page, err := url.Parse(ownReferer(r)); err == nil && page.Path != "" {
			to = *page
		}
	}
	form := keptForm{Path: to.Path, Status: status, Retry: w.Header().Get("Retry-After"), Page: string(page), Nonce: Nonce(r)}
	life := a.sessions.anon.Absolute
	if s := a.sessions.of(r); s.usable() {
		form.Who, life = a.kept.who(s.principal()), s.lifetimes().Absolute
	}
	id := a.kept.keep(w, r, form, life)
	if id == "" {
		return ""
	}
	return withParam(&to, keptParam, id)
}

// kept reports whether the answer to a form is kept: what was refused, and the next list of a cascade. What failed
// for good is not.
func kept(r *http.Request, status int, data Page) bool {
	if _, failed := data.(*errorPage); failed {
		switch status {
		case http.StatusConflict, http.StatusUnprocessableEntity, http.StatusTooManyRequests:
			return true
		}
		return false
	}
	return status >= http.StatusBadRequest || NewForm(r.PostForm).Refresh()
}

// secretFields are never kept, in whatever form they are sent. A test compares them with every page.
var secretFields = []string{"password", "password_again", "current", "code", "token"}

// SecretFields are the names of the fields whose values are never shown again.
func SecretFields() []string { return slices.Clone(secretFields) }

// keepTyped keeps what was sent without a session for the page to which the login leads back, and returns that
// page's address.
func (a *Answers) keepTyped(w http.ResponseWriter, r *http.Request, page string) (string, bool) {
	_, who := a.kept.browser(r)
	to, err := url.Parse(page)
	if err != nil || who == "" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || r.ParseForm() != nil {
		return page, false
	}
	form := keptForm{Path: to.Path, Who: who, Sent: r.URL.Path, Values: url.Values{}}
	for name, values := range r.PostForm {
		form.Values[name] = values
	}
	for _, name := range secretFields {
		form.Values.Del(name)
	}
	if strings.TrimSpace(strings.Join(slices.Concat(slices.Collect(maps.Values(form.Values))...), "")) == "" {
		return page, false
	}
	id := a.kept.keep(w, r, form, a.sessions.person.Absolute)
	if id == "" {
		return page, false
	}
	return withParam(to, keptParam, id), true
}

func withParam(to *url.URL, name, value string) string {
	q := to.Query()
	q.Set(name, value)
	return (&url.URL{Path: to.Path, RawQuery: q.Encode()}).String()
}
