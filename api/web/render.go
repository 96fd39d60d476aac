package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"volcard/api/web/formfill"
	"volcard/internal/calendar"
	"volcard/internal/clock"
	"volcard/internal/telemetry"
)

// Answers writes pages, and the pages of failures.
type Answers struct {
	pages    map[string]*template.Template
	sessions *sessions
	kept     *keptForms
	clock    clock.Clock
	log      *slog.Logger
	demo     bool
	workday  string // of the demo clock, in words
}

// Frame is what every page's struct embeds: the page sets Title (and Back), Render the rest.
type Frame struct {
	Title string
	Back  string // own path of the arrow on top; empty: no arrow
	// Anonymous pages never ask who is logged in and so cost no session read.
	Anonymous bool
	// Refresh fetches what the page says anew after so many seconds: in place, or as a whole where
	// there is no JavaScript.
	Refresh int

	Nonce     string
	Path      string
	RequestID string
	User      *Principal
	Flash     *Flash
	Demo      bool
	Workday   string // how long a working day lasts on the demo clock; empty: as long as it is
	bare      bool   // an error page: only what is known already, no read
}

func (f *Frame) frame() *Frame { return f }

// Page is any struct that embeds Frame.
type Page interface{ frame() *Frame }

// The pages of failures: everybody's, and that of the consoles.
const (
	errorPageName  = "public/error"
	staffErrorName = "staff/error"
)

// loadPages parses one template set per page, because sets over several folders would
// silently keep only the last of two files with one name.
func loadPages(files fs.FS, assets *Assets, now func() time.Time) (map[string]*template.Template, error) {
	base := template.New("").Funcs(funcs(assets, now)).Option("missingkey=error")
	pages := map[string]*template.Template{}
	var shared, own []string
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".html") || strings.HasPrefix(path, "static/") {
			return err
		}
		if strings.HasPrefix(path, "layout/") || strings.HasPrefix(path, "part/") {
			shared = append(shared, path)
		} else {
			own = append(own, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	for _, path := range shared {
		if err := parse(base.New(path), files, path, assets); err != nil {
			return nil, err
		}
	}
	for _, path := range own {
		set, err := base.Clone()
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", path, err)
		}
		page := set.New(path)
		if err := parse(page, files, path, assets); err != nil {
			return nil, err
		}
		pages[strings.TrimSuffix(path, ".html")] = page
	}
	return pages, nil
}

// assetCall is {{asset "name"}}. Its value is known at start: written in here, it spares each page
// a dozen calls by reflection.
var assetCall = regexp.MustCompile(`\{\{asset "([^"]+)"\}\}`)

func parse(t *template.Template, files fs.FS, path string, assets *Assets) error {
	content, err := fs.ReadFile(files, path)
	if err != nil {
		return fmt.Errorf("template %s: %w", path, err)
	}
	text := assetCall.ReplaceAllStringFunc(string(content), func(call string) string {
		if address, err := assets.URL(assetCall.FindStringSubmatch(call)[1]); err == nil {
			return address
		}
		return call // fails when the page is rendered, and in the test that renders it
	})
	if _, err := t.Parse(text); err != nil {
		return fmt.Errorf("template %s: %w", path, err)
	}
	return nil
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Render writes a page whole or not at all.
func (a *Answers) Render(w http.ResponseWriter, r *http.Request, status int, page string, data Page) error {
	return a.render(w, r, status, page, "", data)
}

// RenderPart writes one named template of a page's set: what htmx asked for.
func (a *Answers) RenderPart(w http.ResponseWriter, r *http.Request, status int, page, part string, data Page) error {
	return a.render(w, r, status, page, part, data)
}

func (a *Answers) render(w http.ResponseWriter, r *http.Request, status int, page, part string, data Page) error {
	if err := a.fill(r, data.frame(), part == ""); err != nil {
		return err
	}
	buf := buffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool makes nothing else
	defer buffers.Put(buf)
	buf.Reset()
	if err := a.execute(buf, page, part, data); err != nil {
		return err
	}
	if part == "" {
		if to := a.keepAnswer(w, r, status, data, buf.Bytes()); to != "" {
			Redirect(w, r, to)
			return nil
		}
		if form := keptInput(r); form != nil {
			filled := formfill.Fill(buf.Bytes(), form.Path, form.Sent, form.Values)
			buf.Reset()
			buf.Write(filled)
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(buf.Len())) // without it the page goes out in chunks of 2 KB
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", a.cacheControl(r))
	}
	w.WriteHeader(status)
	_, err := buf.WriteTo(w)
	return ignoreGone(r, err)
}

// execute fills a page, or one named template of its set.
func (a *Answers) execute(to io.Writer, page, part string, data Page) error {
	set, ok := a.pages[page]
	if !ok {
		return fmt.Errorf("no page %q", page)
	}
	var err error
	if part == "" {
		err = set.Execute(to, data)
	} else {
		err = set.ExecuteTemplate(to, part, data)
	}
	if err != nil {
		return fmt.Errorf("render %s: %w", page, err)
	}
	return nil
}

// ignoreGone drops the error of writing to a client that has left.
func ignoreGone(r *http.Request, err error) error {
	if err != nil && r.Context().Err() != nil {
		return nil
	}
	return err
}

// SendPrivate answers with a file that nobody else may see: no cache keeps it, and a browser that opens
// it as a page runs nothing. name makes it a download; empty: shown in place.
func SendPrivate(w http.ResponseWriter, r *http.Request, mime, name string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if name != "" {
		h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	}
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(body)
	return ignoreGone(r, err)
}

// cacheControl keeps pages of a session out of every cache. Others may be kept by the browser
// but are asked for again, since each carries its own nonce.
func (a *Answers) cacheControl(r *http.Request) string {
	if a.sessions.present(r) {
		return "no-store"
	}
	return "private, no-cache"
}

func (a *Answers) fill(r *http.Request, f *Frame, whole bool) error {
	f.Nonce = Nonce(r)
	f.Path = r.URL.Path
	f.Demo, f.Workday = a.demo, a.workday
	f.RequestID = telemetry.RequestID(r.Context())
	s := a.sessions.of(r)
	if f.Anonymous || s == nil || (f.bare && !s.usable()) {
		return nil
	}
	if err := s.load(); err != nil {
		return err
	}
	f.User = s.principal()
	if whole && !f.bare {
		f.Flash = s.popFlash()
		if flag := flagged(r); f.Flash == nil || keptInput(r) != nil {
			f.Flash = flag
		}
	}
	return nil
}

func funcs(assets *Assets, now func() time.Time) template.FuncMap {
	return template.FuncMap{
		// asset turns the name of a static file into its address with the file's hash.
		"asset":    assets.URL,
		"field":    newField,
		"date":     clock.Day,
		"datetime": func(t time.Time) string { return t.In(clock.Shanghai).Format("2006年1月2日 15:04") },
		"clock":    func(t time.Time) string { return t.In(clock.Shanghai).Format("15:04:05") },
		"rfc3339":  func(t time.Time) string { return t.In(clock.Shanghai).Format(time.RFC3339) },
		"here":     here,
		"deadline": func(t time.Time) string { return deadline(t, now()) },
	}
}

// deadline is until when something can be done, in words that leave no doubt whether the day counts:
// 12月5日（周六，含当日）前. The year stands there where it is another one; a time where it is not the end
// of a day, as on the demo clock.
func deadline(t, now time.Time) string {
	t, now = t.In(clock.Shanghai), now.In(clock.Shanghai)
	layout := "1月2日"
	if t.Year() != now.Year() {
		layout = "2006年1月2日"
	}
	day, weekday := t.Format(layout), calendar.DateOf(t).ShortWeekday()
	if calendar.EndOf(calendar.DateOf(t)).Sub(t) < time.Second {
		return day + "（" + weekday + "，" + clock.Inclusive + "）前"
	}
	return day + "（" + weekday + "）" + t.Format("15:04") + " 之前"
}

// navItem is one entry of a menu.
type navItem struct {
	Path, Text string
	Here       bool
}

// here makes a menu's entry; it is marked on its own page and on the pages below it, except
// those below the paths that are named, which have entries of their own. The entry of the
// consoles' first page ("/staff") is marked on that page only.
func here(present, path, text string, except ...string) navItem {
	item := navItem{Path: path, Text: text, Here: present == path || (path != StaffHome && below(present, path))}
	for _, other := range except {
		item.Here = item.Here && present != other && !below(present, other)
	}
	return item
}

func below(path, room string) bool { return strings.HasPrefix(path, room+"/") }
