package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/telemetry"
)

// Load is a kind of request. Each has places of its own, so that a flood of one leaves the others theirs.
type Load string

// The kinds of request.
const (
	// Pages are all that have no kind of their own.
	Pages Load = "pages"
	// Logins hash a password.
	Logins Load = "logins"
	// Submissions accept an application.
	Submissions Load = "submissions"
	// Decisions wait for the workflow engine.
	Decisions Load = "decisions"
	// Uploads receive a file, which may take minutes.
	Uploads Load = "uploads"
)

// Bound is how much of one kind is taken on.
type Bound struct {
	Places   int           // requests worked on at once
	Queue    int           // requests that wait for a place; one more is refused at once
	Wait     time.Duration // longest wait for a place
	Deadline time.Duration // of the work, from its place on
}

// DefaultBounds are the bounds for so many cores. Places are few, since work that does not wait for a
// core waits for one of the pool's connections; queues are as long as they empty within their wait.
func DefaultBounds(cores int) map[Load]Bound {
	return map[Load]Bound{
		Pages:       {Places: 16 * cores, Queue: 128 * cores, Wait: 500 * time.Millisecond, Deadline: 5 * time.Second},
		Logins:      {Places: 2 * cores, Queue: 16 * cores, Wait: 800 * time.Millisecond, Deadline: 5 * time.Second},
		Submissions: {Places: 32 * cores, Queue: 512 * cores, Wait: 900 * time.Millisecond, Deadline: 8 * time.Second},
		Decisions:   {Places: 32 * cores, Queue: 32 * cores, Wait: 900 * time.Millisecond, Deadline: 15 * time.Second},
		Uploads:     {Places: 32 * cores, Queue: 0, Wait: 0, Deadline: 3 * time.Minute},
	}
}

// gate lets requests of one kind in.
type gate struct {
	bound   Bound
	places  chan struct{}
	queued  atomic.Int64
	refused atomic.Uint64
	noted   atomic.Uint64 // of refused, what the log has reported
	noteAt  atomic.Int64  // when the log may tell more, in Unix seconds
}

func newGate(b Bound) *gate { return &gate{bound: b, places: make(chan struct{}, b.Places)} }

var errCrowded = fault.New(fault.Unavailable, "现在使用的人太多，请稍等几秒再试。您之前提交的内容没有丢失。")

// enter takes a place, after a wait where need be. It returns errCrowded, or ctx's error where the client left.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.places <- struct{}{}:
		return nil
	default:
	}
	if g.queued.Add(1) > int64(g.bound.Queue) {
		g.queued.Add(-1)
		g.refused.Add(1)
		return errCrowded
	}
	defer g.queued.Add(-1)
	timer := time.NewTimer(g.bound.Wait)
	defer timer.Stop()
	select {
	case g.places <- struct{}{}:
		return nil
	case <-timer.C:
		g.refused.Add(1)
		return errCrowded
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) leave() { <-g.places }

// noteEvery is how often the log tells of refusals: a flood must not fill the disk.
const noteEvery = 10 * time.Second

func (g *gate) note(ctx context.Context, log *slog.Logger, load Load, now time.Time) {
	next := g.noteAt.Load()
	if now.Unix() < next || !g.noteAt.CompareAndSwap(next, now.Add(noteEvery).Unix()) {
		return
	}
	total := g.refused.Load()
	log.WarnContext(ctx, "too many requests at once", "load", string(load), "refused", total-g.noted.Swap(total))
}

// admission bounds the requests that are worked on at once.
type admission struct {
	answers *Answers
	log     *slog.Logger
	clock   clock.Clock
	gates   map[Load]*gate
	loadOf  func(*http.Request) Load
	maxBody int64
	pages   sync.Map // refusal → []byte
}

func newAdmission(a *Answers, o Options) *admission {
	d := &admission{answers: a, log: o.Log, clock: o.Clock, gates: map[Load]*gate{}, loadOf: o.LoadOf, maxBody: o.MaxBody}
	for load, bound := range o.Bounds {
		d.gates[load] = newGate(bound)
	}
	return d
}

// Loads returns how busy each kind of request is.
func (g *Guard) Loads() []telemetry.Load { return g.admission.loads() }

func (d *admission) loads() []telemetry.Load {
	list := make([]telemetry.Load, 0, len(d.gates))
	for load, g := range d.gates {
		list = append(list, telemetry.Load{
			Kind: string(load), Places: g.bound.Places, InFlight: len(g.places), Queued: int(g.queued.Load()), Refused: g.refused.Load(),
		})
	}
	return list
}

// middleware gives a request a place and a deadline, or refuses it before anything of it was done. The place
// is held from when a form has arrived until the answer goes out: a slow client holds none.
func (d *admission) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		load := Pages
		if d.loadOf != nil {
			load = d.loadOf(r)
		}
		g := d.gates[load]
		if posted(r) && load != Uploads {
			receive(r, d.maxBody)
		}
		switch err := g.enter(r.Context()); {
		case errors.Is(err, errCrowded):
			g.note(r.Context(), d.log, load, d.clock.Now())
			d.refuse(w, r)
			return
		case err != nil:
			d.answers.Fail(w, r, err)
			return
		}
		release := sync.OnceFunc(g.leave)
		defer release()
		if rw, ok := w.(*response); ok {
			rw.release = release
		}
		ctx, cancel := context.WithTimeout(r.Context(), g.bound.Deadline)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// received is a body whose beginning is in memory.
type received struct {
	io.Reader
	io.Closer
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// receive reads a form of up to most bytes, so that the work on it need not wait for the network. Whoever
// reads the body next meets the error, if there was one, or the rest of a larger one.
func receive(r *http.Request, most int64) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	var rest io.Reader = r.Body
	content, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil {
		rest = failing{err}
	}
	r.Body = received{io.MultiReader(bytes.NewReader(content), rest), r.Body}
}

// refusal names one of the few pages that a refused request is answered with.
type refusal struct{ htmx, desk, posted bool }

// requestIDMark stands in a refusal's page where the request's id belongs.
const requestIDMark = "volcard-request-id"

// refuse answers a request for which there is no place. Its page is made once: a refusal has to cost
// little, or it would take from the others what it spares.
func (d *admission) refuse(w http.ResponseWriter, r *http.Request) {
	if rw, ok := w.(*response); ok {
		rw.quiet = true
	}
	kind := refusal{IsHTMX(r), d.answers.atDesk(r), posted(r)}
	page, ok := d.pages.Load(kind)
	if !ok {
		made, err := d.answers.refusalPage(kind)
		if err != nil {
			d.answers.Fail(w, r, err)
			return
		}
		page, _ = d.pages.LoadOrStore(kind, made)
	}
	body := bytes.ReplaceAll(page.([]byte), []byte(requestIDMark), []byte(telemetry.RequestID(r.Context()))) //nolint:forcetypeassert // as stored
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("Retry-After", retryAfter())
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write(body) // a client that has left is no failure
}

// retryAfter is one to three seconds, so that a crowd that was refused together does not come back together.
func retryAfter() string { return strconv.Itoa(1 + int(randomText(1)[0])%3) }

func (a *Answers) refusalPage(kind refusal) ([]byte, error) {
	status := http.StatusServiceUnavailable
	p := &errorPage{
		Frame:  Frame{Title: headings[status], RequestID: requestIDMark, Demo: a.demo, Workday: a.workday},
		Status: status, Heading: headings[status], Sentence: errCrowded.Msg, Retry: !kind.posted,
	}
	switch {
	case kind.posted && kind.htmx:
		p.Sentence = "现在使用的人太多，这次操作没有处理，您填写的内容没有丢失。请稍等几秒再按一次。"
	case kind.posted:
		p.Resend = true
		p.Sentence = "现在使用的人太多，这次提交没有处理。您填写的内容没有丢失：请稍等几秒，刷新本页重新提交，或返回上一页再提交一次。"
	}
	name, part := errorPageName, ""
	switch {
	case kind.htmx:
		part = "fragment"
	case kind.desk:
		name = staffErrorName
	}
	var out strings.Builder
	if err := a.execute(&out, name, part, p); err != nil {
		return nil, err
	}
	return []byte(out.String()), nil
}
