// Package web is the kit that every room of pages is built with. It knows HTTP, templates, forms
// and sessions, and nothing about cards.
//
// A room is a struct with the kit and its stores, and mounts itself:
//
//	func (room Room) Routes(r chi.Router) {
//		h := room.Kit.Handle
//		r.Group(func(r chi.Router) {
//			r.Use(room.Kit.RequirePerson) // or RequireStaff(web.RoleClerk); nothing: anybody
//			r.Get("/thing", h(room.thingForm))
//			r.Post("/thing", h(room.thing))
//		})
//	}
//
// A handler returns its failure; Handle logs it and shows its page. A page is a struct that
// embeds Frame, and a file templates/<audience>/…/<page>.html, named without .html:
//
//	type thingPage struct {
//		web.Frame
//		Form *web.Form
//	}
//
//	func (room Room) thing(w http.ResponseWriter, r *http.Request) error {
//		form, err := web.ParseForm(r)
//		if err != nil {
//			return err // too large: 413
//		}
//		name, err := person.ParseName(form.Get("name"))
//		form.FailIf("name", err)
//		if form.OK() {
//			err = room.store.Do(r.Context(), web.User(r).ID, name)
//			if err := form.Absorb("", err); err != nil { // what the person can mend stays on the page
//				return err
//			}
//		}
//		if !form.OK() {
//			return room.renderThing(w, r, form) // with form.Status(): 422; a browser is led to an address that shows it
//		}
//		room.Kit.FlashOK(r, "已保存。")
//		web.Redirect(w, r, "/thing") // 303, own paths only
//		return nil
//	}
//
// The file begins with its layout and defines "main" (and "head" for a stylesheet of its own):
//
//	{{template "phone" .}}            {{/* or "console" */}}
//	{{define "main"}}
//	{{template "form-error" .Form}}   {{/* consoles: "console-error", "console-field" */}}
//	<form method="post" novalidate>
//	  {{template "key" .Form}}        {{/* idempotency key; read it with Form.ParseKey */}}
//	  {{template "field" (field .Form "phone" "label=手机号" "type=tel" "autocomplete=tel" "hint=…" "max=30" "optional")}}
//	  {{template "division" (.Form.Division "所在地区")}}  {{/* Form.Refresh, then Form.DivisionCode */}}
//	</form>
//	{{end}}
//
// Other parts: "steps" (Steps), "paging" (Paging), "flash", "mark". Functions: asset "file" for
// static files, date, datetime, clock, deadline, rfc3339, here. Inline scripts and styles need {{.Nonce}};
// style attributes and on… handlers do not work. For htmx: IsHTMX and RenderPart with a template
// that the page's file defines; failures arrive in #notice by themselves.
//
// Sessions: Kit.Principal and Kit.Session read the session when first asked, with one SELECT;
// pages with Frame.Anonymous never do. What Session.Put keeps is sealed at rest. Kit.SignIn
// renews the token. Whoever disables an account, changes its role or sets its password calls
// Kit.EndAll with its id. Limits and codes take ClientIP and Session.ID.
//
// Tests: package webtest.
package web

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"time"

	"volcard/internal/clock"
	"volcard/internal/store/formstore"
	"volcard/internal/store/sessionstore"
	"volcard/internal/vault"
)

// Options is what the kit is made from.
type Options struct {
	Templates fs.FS  // templates.FS
	BaseURL   string // where people open the site; https turns on Secure cookies and HSTS
	Demo      bool   // shows the banner that nothing here is real
	// Workday is how long a working day lasts in a demonstration; every page then says so. 0: as long as it is.
	Workday time.Duration
	// Proxies are the networks of the reverse proxies whose X-Forwarded-For is believed.
	Proxies []netip.Prefix
	// MaxBody bounds a form; 0: DefaultBody.
	MaxBody int64
	// FloodPerMinute bounds the requests of one address; a campus shares one, so it is generous. 0: off.
	FloodPerMinute int
	// LoadOf says of which kind a request is; nil: all are pages.
	LoadOf func(*http.Request) Load
	// Bounds are how much of each kind is taken on; nil: DefaultBounds of this process's cores.
	Bounds        map[Load]Bound
	PersonSession Lifetimes // zero: 2 hours idle, 30 days in all
	StaffSession  Lifetimes // zero: 15 minutes idle, 12 hours in all
	Clock         clock.Clock
	Log           *slog.Logger
	Sessions      *sessionstore.Store
	Forms         *formstore.Store // what refused forms answered
	Vault         *vault.Vault
}

// Kit is what all rooms share: how to answer, who is there, and what every request passes.
type Kit struct {
	*Answers
	*Door
	*Guard
	Devices *Devices
}

// New parses every page and makes the kit; a template that does not parse stops the start.
func New(o Options) (*Kit, error) {
	var faults []error
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		faults = append(faults, fmt.Errorf("base URL %q is no http(s) address", o.BaseURL))
		base = &url.URL{}
	}
	proxies := make([]string, len(o.Proxies))
	for i, p := range o.Proxies {
		proxies[i] = p.String()
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultBody
	}
	if o.Bounds == nil {
		o.Bounds = DefaultBounds(runtime.GOMAXPROCS(0))
	}
	if o.PersonSession == (Lifetimes{}) {
		o.PersonSession = Lifetimes{Idle: 2 * time.Hour, Absolute: 30 * 24 * time.Hour}
	}
	if o.StaffSession == (Lifetimes{}) {
		o.StaffSession = Lifetimes{Idle: 15 * time.Minute, Absolute: 12 * time.Hour}
	}
	assets, err := loadAssets(o.Templates)
	if err != nil {
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	pages, err := loadPages(o.Templates, assets, o.Clock.Now)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{errorPageName, staffErrorName} {
		if _, ok := pages[name]; !ok {
			return nil, fmt.Errorf("template %s is missing", name)
		}
	}
	secure := base.Scheme == "https"
	forms := newKeptForms(o, secure)
	sessions := newSessions(o, secure, forms)
	answers := &Answers{pages: pages, sessions: sessions, kept: forms, clock: o.Clock, log: o.Log, demo: o.Demo, workday: pace(o.Workday)}
	return &Kit{
		Answers: answers,
		Door:    &Door{sessions: sessions, answers: answers, log: o.Log},
		Devices: newDevices(o.Vault, secure),
		Guard: &Guard{
			answers: answers, sessions: sessions, assets: assets, clock: o.Clock, log: o.Log, secure: secure,
			proxies: proxies, floodPerMinute: o.FloodPerMinute, maxBody: o.MaxBody,
			admission: newAdmission(answers, o),
		},
	}, nil
}

// pace is a duration in words: 5 秒, 2 分钟.
func pace(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d%time.Minute == 0:
		return fmt.Sprintf("%d 分钟", d/time.Minute)
	}
	return fmt.Sprintf("%g 秒", d.Seconds())
}

// Demo tells whether this is a demonstration with invented data.
func (a *Answers) Demo() bool { return a.demo }

// Now is the kit's time.
func (a *Answers) Now() time.Time { return a.clock.Now() }
