package web

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"volcard/internal/fault"
	"volcard/internal/store"
)

// Kinds of principal.
const (
	KindPerson = "person"
	KindStaff  = "staff"
)

// Roles of staff.
const (
	RoleClerk         = "clerk"
	RoleProvinceAdmin = "province_admin"
	RoleReviewer      = "reviewer"
	RoleFactory       = "factory"
)

// Where each kind logs in.
const (
	PersonLogin = "/login"
	StaffLogin  = "/staff/login"
	StaffHome   = "/staff"
)

// roleHomes are the pages in which each role works.
var roleHomes = map[string]string{
	RoleClerk: "/branch", RoleProvinceAdmin: "/admin", RoleReviewer: "/review", RoleFactory: "/factory",
}

// Landing is where a member of staff comes to after logging in: the page that was asked for, unless it belongs
// to another role, else the role's own pages.
func Landing(next, role string) string {
	home, ok := roleHomes[role]
	if !ok {
		home = StaffHome
	}
	next = OwnPath(next, home)
	if next == StaffHome {
		return home
	}
	path, _, _ := strings.Cut(next, "?")
	for _, other := range roleHomes {
		if other != home && (path == other || below(path, other)) {
			return home
		}
	}
	return next
}

// staffRooms are the paths whose visitors log in as staff.
var staffRooms = []string{"/staff", "/branch", "/admin", "/review", "/factory"}

// Principal is who is logged in. It is part of the session: a change of standing ends the person's
// sessions, and sessionstore makes none for somebody who was stopped meanwhile, so it never outlives the
// truth.
type Principal struct {
	Kind     string
	ID       uuid.UUID
	Name     string
	Role     string        // staff only
	BranchID uuid.NullUUID // clerks only
}

// Actor is the principal as the audit chain names it.
func (p *Principal) Actor() store.Actor { return store.Actor{Kind: p.Kind, ID: p.ID.String()} }

// IsPerson and IsStaff are for templates.
func (p *Principal) IsPerson() bool { return p != nil && p.Kind == KindPerson }

// IsStaff tells whether a member of staff is logged in.
func (p *Principal) IsStaff() bool { return p != nil && p.Kind == KindStaff }

func (s *Session) principal() *Principal {
	if !s.usable() {
		return nil
	}
	// Asked a few times for each request, and another one only after a login.
	if text := s.Get(valueWho); text != s.whoText {
		s.who, s.whoText = nil, text
		if p := (Principal{}); s.GetJSON(valueWho, &p) {
			s.who = &p
		}
	}
	if s.who == nil {
		return nil
	}
	p := *s.who
	return &p
}

// Session returns the request's session, reading it now if that has not happened yet.
func (d *Door) Session(r *http.Request) (*Session, error) {
	s := d.sessions.of(r)
	if s == nil {
		return nil, fault.New(fault.Internal, "")
	}
	return s, s.load()
}

// Principal tells who is logged in; nil for nobody.
func (d *Door) Principal(r *http.Request) (*Principal, error) {
	s, err := d.Session(r)
	if err != nil {
		return nil, err
	}
	return s.principal(), nil
}

// Door tells who is there, lets in and out, and keeps the sessions.
type Door struct {
	sessions *sessions
	answers  *Answers
	log      *slog.Logger
}

type principalKey struct{}

// User is who passed RequirePerson or RequireStaff; nil on routes without.
func User(r *http.Request) *Principal {
	p, _ := r.Context().Value(principalKey{}).(*Principal)
	return p
}

// RequirePerson lets only people pass who are logged in as themselves; others go to the login.
func (d *Door) RequirePerson(next http.Handler) http.Handler {
	return d.require(next, func(p *Principal) bool { return p.Kind == KindPerson })
}

// RequireStaff lets only staff of these roles pass (none named: of any role).
func (d *Door) RequireStaff(roles ...string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return d.require(next, func(p *Principal) bool {
			return p.Kind == KindStaff && (len(roles) == 0 || slices.Contains(roles, p.Role))
		})
	}
}

func (d *Door) require(next http.Handler, may func(*Principal) bool) http.Handler {
	return d.answers.Handle(func(w http.ResponseWriter, r *http.Request) error {
		p, err := d.Principal(r)
		if err != nil {
			return err
		}
		if p == nil {
			return fault.New(fault.Unauthenticated, "请先登录。")
		}
		if !may(p) {
			return fault.New(fault.Forbidden, "您现在登录的账号不能打开这个页面。")
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), principalKey{}, p)))
		return nil
	})
}

// SignIn makes the session p's, under a new token and without what it held before.
func (d *Door) SignIn(r *http.Request, p Principal) error {
	s, err := d.Session(r)
	if err != nil {
		return err
	}
	if err := s.restart(); err != nil {
		return err
	}
	s.save.Owner = uuid.NullUUID{UUID: p.ID, Valid: true}
	return s.PutJSON(valueWho, p)
}

// Restart renews the token of a session whose owner has yet to do something before logging in, as replacing
// a password that somebody else gave. It ends with the owner's others (EndAll).
func (d *Door) Restart(r *http.Request, owner uuid.UUID) (*Session, error) {
	s, err := d.Session(r)
	if err != nil {
		return nil, err
	}
	if err := s.restart(); err != nil {
		return nil, err
	}
	s.save.Owner = uuid.NullUUID{UUID: owner, Valid: true}
	s.Put(valueOwner, owner.String())
	return s, nil
}

// SignOut ends the session.
func (d *Door) SignOut(r *http.Request) error {
	s, err := d.Session(r)
	if err != nil {
		return err
	}
	return s.destroy()
}

// EndAll ends every session of an owner: after a password was reset, an account disabled.
func (d *Door) EndAll(ctx context.Context, owner uuid.UUID) error {
	_, err := d.sessions.store.EndAll(ctx, owner, "")
	return err
}

// EndOthers ends every session of the one who is logged in, except this one.
func (d *Door) EndOthers(r *http.Request) error {
	s, err := d.Session(r)
	if err != nil {
		return err
	}
	p := s.principal()
	if p == nil {
		return fault.New(fault.Unauthenticated, "请先登录。")
	}
	_, err = d.sessions.store.EndAll(r.Context(), p.ID, s.hashed())
	return err
}

// EndOne ends one session of the one who is logged in, named as Login.ID.
func (d *Door) EndOne(r *http.Request, id string) error {
	p, err := d.Principal(r)
	if err != nil {
		return err
	}
	if p == nil {
		return fault.New(fault.Unauthenticated, "请先登录。")
	}
	return d.sessions.store.End(r.Context(), p.ID, id)
}

// Login is one live session as its owner sees it.
type Login struct {
	ID      string
	Device  string
	Since   time.Time
	Seen    time.Time
	Current bool
}

// Logins lists the live sessions of the one who is logged in.
func (d *Door) Logins(r *http.Request) ([]Login, error) {
	s, err := d.Session(r)
	if err != nil {
		return nil, err
	}
	p := s.principal()
	if p == nil {
		return nil, fault.New(fault.Unauthenticated, "请先登录。")
	}
	rows, err := d.sessions.store.List(r.Context(), p.ID)
	if err != nil {
		return nil, err
	}
	logins := make([]Login, 0, len(rows))
	for _, row := range rows {
		login := Login{ID: row.Token, Since: row.CreatedAt, Seen: row.CreatedAt, Device: "未知设备", Current: row.Token == s.hashed()}
		if _, values, err := d.sessions.mgr.Codec.Decode(row.Data); err == nil {
			if text, ok := values[valueTouched].(string); ok {
				login.Seen = parseTime(text)
			}
			if name, ok := values[valueDevice].(string); ok && name != "" {
				login.Device = name
			}
		}
		logins = append(logins, login)
	}
	return logins, nil
}

// Flash is a sentence for the next page.
type Flash struct {
	Kind string // ok, warn
	Text string
}

// FlashOK and FlashWarn leave a sentence for the next page. A failure to do so is not worth
// failing the request for.
func (d *Door) FlashOK(r *http.Request, text string) { d.flash(r, Flash{Kind: "ok", Text: text}) }

// FlashWarn leaves a warning for the next page.
func (d *Door) FlashWarn(r *http.Request, text string) { d.flash(r, Flash{Kind: "warn", Text: text}) }

// A flag in the address asks a page for a sentence where there is no session to keep it: one would cost a row for
// each request of a robot.
const (
	flagLate  = "late"
	flagEnded = "ended"
)

var (
	flashLate  = Flash{Kind: "warn", Text: "停留时间太长，请重新填写。"}
	flashEnded = Flash{Kind: "warn", Text: "登录已过期，请重新登录。"}
	flashTyped = Flash{Kind: "warn", Text: "登录过期前填写的内容还没有提交，请核对后重新提交。"}
)

// flagged is the sentence that the address asks for; nil where it asks for none.
func flagged(r *http.Request) *Flash {
	q := r.URL.Query()
	switch {
	case keptInput(r) != nil:
		return &flashTyped
	case q.Has(flagLate):
		return &flashLate
	case q.Has(flagEnded):
		return &flashEnded
	}
	return nil
}

// StartAgain sends somebody back to the first page of a process whose session does not know of it.
func (d *Door) StartAgain(w http.ResponseWriter, r *http.Request, first string) {
	if d.sessions.present(r) {
		d.flash(r, flashLate)
	} else {
		first += "?" + flagLate
	}
	Redirect(w, r, first)
}

func (d *Door) flash(r *http.Request, f Flash) {
	s, err := d.Session(r)
	if err == nil {
		err = s.PutJSON(valueFlash, f)
	}
	if err != nil {
		d.log.WarnContext(r.Context(), "no flash", "error", err.Error())
	}
}

func (s *Session) popFlash() *Flash {
	var f Flash
	if !s.GetJSON(valueFlash, &f) {
		return nil
	}
	s.Remove(valueFlash)
	return &f
}

// device names a browser in words that its owner recognises.
func device(agent string) string {
	system, program := "电脑", "浏览器"
	switch {
	case strings.Contains(agent, "iPhone"):
		system = "iPhone"
	case strings.Contains(agent, "iPad"):
		system = "iPad"
	case strings.Contains(agent, "HarmonyOS"):
		system = "鸿蒙手机"
	case strings.Contains(agent, "Android"):
		system = "安卓手机"
	case strings.Contains(agent, "Windows"):
		system = "Windows 电脑"
	case strings.Contains(agent, "Macintosh"):
		system = "Mac 电脑"
	case strings.Contains(agent, "Linux"):
		system = "Linux 电脑"
	}
	switch {
	case strings.Contains(agent, "MicroMessenger"):
		program = "微信"
	case strings.Contains(agent, "Edg/"):
		program = "Edge"
	case strings.Contains(agent, "Chrome/"):
		program = "Chrome"
	case strings.Contains(agent, "Firefox/"):
		program = "Firefox"
	case strings.Contains(agent, "Safari/"):
		program = "Safari"
	}
	return system + " · " + program
}
