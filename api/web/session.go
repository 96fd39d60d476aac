package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gofrs/uuid/v5"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/store/sessionstore"
	"volcard/internal/vault"
)

// Lifetimes of a session: Idle after the last request, Absolute after it began.
type Lifetimes struct {
	Idle, Absolute time.Duration
}

// touchEvery bounds the writes of a session that only reads: at most one a minute.
const touchEvery = time.Minute

// pollHeader marks what an open page asks by itself (app.js). Nobody need sit before it, so it
// keeps no session alive.
const pollHeader = "Volcard-Poll"

// tokenLength is the length of the library's tokens; anything else never reaches the database.
const tokenLength = 43

// labelSession binds sealed session data to its column.
const labelSession = "session.data"

// Names of the values that the kit itself keeps in a session.
const (
	valueWho      = "who"
	valueFlash    = "flash"
	valueTouched  = "touched"
	valueAbsolute = "absolute"
	valueDevice   = "device"
	valueID       = "id"
	valueOwner    = "owner" // of a session that is nobody's login yet
)

// sessions loads a session only when somebody asks for it, and writes it only when it changed.
// The data is sealed at rest: between the steps of a registration it holds an ID number.
type sessions struct {
	mgr    *scs.SessionManager
	store  *sessionstore.Store
	clock  clock.Clock
	log    *slog.Logger
	cookie string
	secure bool
	anon   Lifetimes
	person Lifetimes
	staff  Lifetimes
	forms  *keptForms
}

func newSessions(o Options, secure bool, forms *keptForms) *sessions {
	s := &sessions{
		store: o.Sessions, clock: o.Clock, log: o.Log, secure: secure, cookie: "volcard",
		anon:   Lifetimes{Idle: 2 * time.Hour, Absolute: 12 * time.Hour},
		person: o.PersonSession, staff: o.StaffSession, forms: forms,
	}
	if secure {
		s.cookie = "__Host-volcard" // the browser then refuses it from anywhere but this host, over https
	}
	s.mgr = scs.New()
	s.mgr.Store = o.Sessions
	s.mgr.HashTokenInStore = true
	s.mgr.Codec = codec{o.Vault}
	return s
}

// codec seals what a session holds.
type codec struct{ vault *vault.Vault }

var errCodec = errors.New("session data does not open")

func (c codec) Encode(_ time.Time, values map[string]any) ([]byte, error) {
	plain, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return c.vault.Seal(plain, labelSession)
}

func (c codec) Decode(sealed []byte) (time.Time, map[string]any, error) {
	plain, err := c.vault.Unseal(sealed, labelSession)
	if err != nil {
		return time.Time{}, nil, errCodec
	}
	var texts map[string]string
	if err := json.Unmarshal(plain, &texts); err != nil {
		return time.Time{}, nil, errCodec
	}
	values := make(map[string]any, len(texts))
	for name, text := range texts {
		values[name] = text
	}
	return time.Time{}, values, nil
}

type sessionKey struct{}

// Session is what the house remembers of one browser between two requests. It belongs to one
// request and is not safe for concurrent use.
type Session struct {
	sessions *sessions
	r        *http.Request
	loaded   bool
	err      error
	ctx      context.Context //nolint:containedctx // the library keeps the data in a context
	save     sessionstore.Save
	who      *Principal // whoText, read
	whoText  string
	missing  bool // the browser sent a cookie whose session has ended
	changed  bool // more than a touch: losing it would lose something
	ended    bool
}

// of finds the request's session; nil outside the middleware.
func (s *sessions) of(r *http.Request) *Session {
	session, _ := r.Context().Value(sessionKey{}).(*Session)
	return session
}

// present tells, without reading anything, whether the request has a session.
func (s *sessions) present(r *http.Request) bool {
	if session := s.of(r); session != nil && session.loaded {
		return session.err != nil || s.mgr.Token(session.ctx) != "" || session.changed
	}
	return s.token(r) != ""
}

func (s *sessions) token(r *http.Request) string {
	c, err := r.Cookie(s.cookie)
	if err != nil || len(c.Value) != tokenLength {
		return ""
	}
	return c.Value
}

func (s *sessions) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session := &Session{sessions: s}
		r = r.WithContext(context.WithValue(r.Context(), sessionKey{}, session))
		session.r = r
		if rw, ok := w.(*response); ok {
			rw.before = session.commit
		}
		w.Header().Add("Vary", "Cookie")
		next.ServeHTTP(w, r)
	})
}

func (s *Session) usable() bool { return s != nil && s.loaded && s.err == nil }

// load reads the session once: one SELECT where the browser sent a cookie, nothing where not.
func (s *Session) load() error {
	if s.loaded {
		return s.err
	}
	s.loaded = true
	token := s.sessions.token(s.r)
	ctx := sessionstore.WithSave(s.r.Context(), &s.save)
	s.ctx, s.err = s.sessions.mgr.Load(ctx, token)
	if errors.Is(s.err, errCodec) { // sealed with a key that has been retired
		s.ctx, s.err = s.sessions.mgr.Load(ctx, "")
	}
	if s.err != nil {
		return s.err
	}
	if s.sessions.mgr.Token(s.ctx) == "" {
		s.save.New = true
		s.missing = token != ""
		return nil
	}
	if p := s.principal(); p != nil {
		s.save.Owner = uuid.NullUUID{UUID: p.ID, Valid: true}
	} else if owner, err := uuid.FromString(s.Get(valueOwner)); err == nil {
		s.save.Owner = uuid.NullUUID{UUID: owner, Valid: true}
	}
	if now := s.sessions.clock.Now(); s.r.Header.Get(pollHeader) == "" && now.Sub(s.time(valueTouched)) >= touchEvery {
		s.setTime(valueTouched, now)
	}
	return nil
}

func (s *Session) time(name string) time.Time {
	return parseTime(s.sessions.mgr.GetString(s.ctx, name))
}

func parseTime(text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

func (s *Session) setTime(name string, t time.Time) {
	s.sessions.mgr.Put(s.ctx, name, strconv.FormatInt(t.Unix(), 10))
}

// Get is a value of the session, or empty.
func (s *Session) Get(name string) string { return s.sessions.mgr.GetString(s.ctx, name) }

// Put keeps a value until the session ends or Remove.
func (s *Session) Put(name, value string) {
	s.changed = true
	s.sessions.mgr.Put(s.ctx, name, value)
}

// Remove forgets a value.
func (s *Session) Remove(name string) {
	if s.sessions.mgr.Exists(s.ctx, name) {
		s.changed = true
		s.sessions.mgr.Remove(s.ctx, name)
	}
}

// GetJSON reads a struct that PutJSON kept; false where there is none.
func (s *Session) GetJSON(name string, value any) bool {
	text := s.Get(name)
	return text != "" && json.Unmarshal([]byte(text), value) == nil
}

// PutJSON keeps a struct.
func (s *Session) PutJSON(name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("session value %s: %w", name, err)
	}
	s.Put(name, string(text))
	return nil
}

// ID is a random text that names the session to limits and one-time codes, and opens nothing.
// A login starts another one.
func (s *Session) ID() string {
	id := s.Get(valueID)
	if id == "" {
		id = randomText(18)
		s.Put(valueID, id)
	}
	return id
}

// hashed is the token as the store knows it.
func (s *Session) hashed() string {
	token := s.sessions.mgr.Token(s.ctx)
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// restart gives the session a new token and forgets what it held, so that whoever knew the old
// token knows nothing of the new session.
func (s *Session) restart() error {
	kept := s.Get(valueFlash)
	if err := s.sessions.mgr.Clear(s.ctx); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	if err := s.sessions.mgr.RenewToken(s.ctx); err != nil {
		return err
	}
	s.save = sessionstore.Save{New: true}
	s.changed = true
	if kept != "" {
		s.Put(valueFlash, kept)
	}
	return nil
}

func (s *Session) destroy() error {
	s.ended, s.changed = true, true
	return s.sessions.mgr.Destroy(s.ctx)
}

// commit writes what changed, just before the answer's header goes out.
func (s *Session) commit(w http.ResponseWriter) error {
	if !s.loaded || s.err != nil {
		return nil
	}
	switch s.sessions.mgr.Status(s.ctx) {
	case scs.Unmodified:
		if s.missing {
			s.sessions.forget(w)
		}
		return nil
	case scs.Destroyed:
		s.sessions.forget(w)
		s.sessions.forms.signedOut(w)
		return nil
	case scs.Modified:
	}
	now := s.sessions.clock.Now()
	limits := s.lifetimes()
	absolute := s.time(valueAbsolute)
	if s.save.New || absolute.IsZero() {
		absolute = now.Add(limits.Absolute)
		s.setTime(valueAbsolute, absolute)
		s.setTime(valueTouched, now)
		s.sessions.mgr.Put(s.ctx, valueDevice, device(s.r.UserAgent()))
	}
	expires := now.Add(limits.Idle)
	if absolute.Before(expires) {
		expires = absolute
	}
	s.sessions.mgr.SetDeadline(s.ctx, expires)
	token, _, err := s.sessions.mgr.Commit(s.ctx)
	switch {
	case fault.Is(err, fault.Unauthenticated):
		s.sessions.forget(w)
		if s.changed {
			return err
		}
		return nil
	case err != nil && s.changed:
		return err
	case err != nil: // only the touch was lost
		s.sessions.log.WarnContext(s.r.Context(), "session not touched", slog.String("error", err.Error()))
		return nil
	}
	if s.save.New {
		s.sessions.remember(w, token, limits.Absolute)
		if p := s.principal(); p != nil {
			s.sessions.forms.signedIn(w, s.r, p, limits.Absolute)
		}
		s.save.New = false
	}
	return nil
}

func (s *Session) lifetimes() Lifetimes {
	p := s.principal()
	switch {
	case p == nil:
		return s.sessions.anon
	case p.Kind == KindStaff:
		return s.sessions.staff
	default:
		return s.sessions.person
	}
}

func (s *sessions) remember(w http.ResponseWriter, token string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure follows the base URL: config allows http on this machine only
		Name: s.cookie, Value: token, Path: "/", MaxAge: int(life.Seconds()),
		Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func (s *sessions) forget(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // as above
		Name: s.cookie, Path: "/", MaxAge: -1, Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
