package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"volcard/internal/fault"
	"volcard/internal/store"
)

// statuses maps the kinds of failure to HTTP. A kind that is missing here is our mistake: 500.
var statuses = map[fault.Kind]int{
	fault.Invalid:         http.StatusUnprocessableEntity,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.TooMany:         http.StatusTooManyRequests,
	fault.Unavailable:     http.StatusServiceUnavailable,
	fault.Internal:        http.StatusInternalServerError,
}

// headings say in a few characters what happened, by status; the fault's sentence follows.
var headings = map[int]string{
	http.StatusUnprocessableEntity:   "填写的内容有问题",
	http.StatusUnauthorized:          "请先登录",
	http.StatusForbidden:             "没有权限",
	http.StatusNotFound:              "没有找到",
	http.StatusMethodNotAllowed:      "不能这样访问",
	http.StatusConflict:              "情况已经变了",
	http.StatusRequestEntityTooLarge: "内容太大",
	http.StatusTooManyRequests:       "操作太频繁",
	http.StatusServiceUnavailable:    "系统正忙",
	http.StatusInternalServerError:   "系统出了点问题",
}

// errTooLarge is the failure of a request whose body is over the limit.
var errTooLarge = &fault.Error{Kind: fault.Invalid, Msg: "提交的内容太大，没有保存。请减少内容后再试。"}

// StatusOf tells the HTTP status of a failure.
func StatusOf(err error) int {
	var big *http.MaxBytesError
	if errors.Is(err, errTooLarge) || errors.As(err, &big) {
		return http.StatusRequestEntityTooLarge
	}
	if errors.Is(err, errMethod) {
		return http.StatusMethodNotAllowed
	}
	if status, ok := statuses[fault.KindOf(err)]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// Handle makes a handler from a function that returns its failure.
func (a *Answers) Handle(fn func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := fn(w, r); err != nil {
			a.Fail(w, r, err)
		}
	}
}

type errorPage struct {
	Frame
	Status   int
	Heading  string
	Sentence string
	Retry    bool
	Previous string // own path of the page whose form failed; empty: none, or not known
	Resend   bool   // nothing was done: the browser can send the form again as it was
}

// Fail logs err and answers with its page, or with a fragment for htmx. A failure of kind
// unauthenticated leads to the login page of the room.
func (a *Answers) Fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.DeadlineExceeded) && fault.Is(err, fault.Internal) {
		err = fault.Wrap(fault.Unavailable, err, store.Busy) // the request's deadline, met outside of the stores
	}
	status := StatusOf(err)
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		a.log.DebugContext(r.Context(), "the client went away")
		return
	}
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	// The cause may quote a row; only its kind and type go below error level.
	attrs := []slog.Attr{slog.Int("status", status), slog.String("kind", string(fault.KindOf(err)))}
	if level == slog.LevelError {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	a.log.LogAttrs(r.Context(), level, "request refused", attrs...)

	if rw, ok := w.(*response); ok && rw.wrote {
		return // half a page is out already: the log is all that is left
	}
	if status == http.StatusUnauthorized {
		a.toLogin(w, r)
		return
	}
	sentence := fault.Sentence(err)
	if status == http.StatusRequestEntityTooLarge {
		sentence = errTooLarge.Msg
	}
	p := &errorPage{
		Frame:  Frame{Title: headings[status], bare: true},
		Status: status, Heading: headings[status], Sentence: sentence,
		Retry: r.Method == http.MethodGet && (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests),
	}
	if posted(r) {
		p.Previous = ownReferer(r)
		if sentence == store.Busy {
			p.Resend = !IsHTMX(r)
			p.Sentence = "系统正忙，这次提交没有保存。您填写的内容没有丢失：请稍后刷新本页重新提交，或返回上一页再提交一次。"
		}
	}
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", waitOf(err))
	}
	a.failPage(w, r, p)
}

// posted tells whether the request sends something.
func posted(r *http.Request) bool { return r.Method != http.MethodGet && r.Method != http.MethodHead }

func (a *Answers) failPage(w http.ResponseWriter, r *http.Request, p *errorPage) {
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	w.Header().Set("Cache-Control", "no-store")
	var err error
	switch {
	case IsHTMX(r):
		err = a.RenderPart(w, r, p.Status, errorPageName, "fragment", p)
	case a.atDesk(r):
		err = a.Render(w, r, p.Status, staffErrorName, p)
	default:
		err = a.Render(w, r, p.Status, errorPageName, p)
	}
	if err != nil {
		a.log.ErrorContext(r.Context(), "error page", slog.String("error", err.Error()))
		http.Error(w, p.Heading, p.Status)
	}
}

// atDesk tells whether a page of the consoles failed, for anybody but a person who went astray.
func (a *Answers) atDesk(r *http.Request) bool {
	s := a.sessions.of(r)
	return inStaffRoom(r.URL.Path) && (s == nil || !s.principal().IsPerson())
}

// toLogin sends the browser to the login page of its room, and from there back to the page that it
// shows or asked for. Whose session has ended meanwhile reads so, and finds there what was typed.
func (a *Answers) toLogin(w http.ResponseWriter, r *http.Request) {
	login, next := loginPath(r.URL.Path), comeBack(r)
	s := a.sessions.of(r)
	ended, flag := s.usable() && s.missing, ""
	text := ""
	switch {
	case ended && posted(r) && next != "" && !IsHTMX(r):
		var kept bool
		text = "登录已过期，刚才的内容没有提交，请登录后重新操作。"
		if next, kept = a.keepTyped(w, r, next); kept {
			text = "登录已过期，刚才的内容没有提交。登录后，填写的内容会回到页面上。"
		}
	case ended && posted(r):
		text = "登录已过期，刚才的内容没有提交，请登录后重新操作。"
	case ended && IsHTMX(r):
		text = flashEnded.Text
	case ended:
		flag = flagEnded
	}
	if text != "" {
		_ = s.PutJSON(valueFlash, Flash{Kind: "warn", Text: text}) // two strings
	}
	q := url.Values{}
	if next != "" {
		q.Set("next", next)
	}
	if flag != "" {
		q.Set(flag, "1")
	}
	if len(q) > 0 {
		login += "?" + q.Encode()
	}
	Redirect(w, r, login)
}

// comeBack is the own path to which a login leads back; empty where there is none. A page that shows a refused form
// is meant without it.
func comeBack(r *http.Request) string {
	switch page := ownReferer(r); {
	case IsHTMX(r):
		return withoutParam(ownPage(r, r.Header.Get("HX-Current-URL")), keptParam)
	case !posted(r):
		return r.URL.RequestURI()
	case page != "":
		return withoutParam(page, keptParam)
	case below(r.URL.Path, "/apply"): // each of its pages can be asked for as well
		return r.URL.Path
	}
	return ""
}

func inStaffRoom(path string) bool {
	for _, room := range staffRooms {
		if path == room || below(path, room) {
			return true
		}
	}
	return false
}

// loginPath tells which login a path belongs to.
func loginPath(path string) string {
	if inStaffRoom(path) {
		return StaffLogin
	}
	return PersonLogin
}

// IsHTMX tells whether the request comes from htmx and wants a fragment.
func IsHTMX(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

var errMethod = fault.New(fault.Invalid, "这个地址不能这样访问。")

// NotFound and MethodNotAllowed are the router's handlers for paths that nobody mounted.
func (a *Answers) NotFound(w http.ResponseWriter, r *http.Request) {
	a.Fail(w, r, fault.New(fault.NotFound, "这个页面不存在，可能是地址输错了。"))
}

// MethodNotAllowed answers a method that a path does not know.
func (a *Answers) MethodNotAllowed(w http.ResponseWriter, r *http.Request) { a.Fail(w, r, errMethod) }
