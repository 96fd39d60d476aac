package web

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/httprate"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/telemetry"
)

// Guard holds what every request passes before a room sees it.
type Guard struct {
	answers        *Answers
	sessions       *sessions
	assets         *Assets
	clock          clock.Clock
	log            *slog.Logger
	secure         bool
	proxies        []string
	floodPerMinute int
	maxBody        int64
	admission      *admission
}

// Standard is what every page route passes, in this order:
//
//	request id → answer recorder, access log, recovery → client address → security headers →
//	flood limit → cross-origin protection → admission → body limit → session (read only when asked for) →
//	kept form
//
// The flood limit and the admission come before everything that costs; the session last, since the error
// pages of all others need none.
func (g *Guard) Standard() []func(http.Handler) http.Handler {
	return []func(http.Handler) http.Handler{
		g.requestID, g.record, g.clientIP(), g.headers, g.flood(), g.sameOrigin, g.admission.middleware, BodyLimit(g.maxBody), g.sessions.middleware, g.showKept,
	}
}

// Static serves the static files; it stands outside Standard, since it needs none of it.
func (g *Guard) Static(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if !g.assets.serve(w, r) {
		http.NotFound(w, r)
	}
}

// requestID never takes the client's: its text would go into the log.
func (g *Guard) requestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := randomText(9)
		w.Header().Set(middleware.RequestIDHeader, id)
		next.ServeHTTP(w, r.WithContext(telemetry.WithRequestID(r.Context(), id)))
	})
}

func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// response remembers what was answered, and writes the session before the header goes out.
type response struct {
	http.ResponseWriter
	guard  *Guard
	r      *http.Request
	before func(http.ResponseWriter) error
	// release gives the request's place back: what is left is up to the network.
	release func()
	status  int
	wrote   bool
	failed  bool // the session could not be written: the error page went out instead
	quiet   bool // refused in a flood: the log tells of all of them in one line
}

type responseKey struct{}

func (w *response) WriteHeader(status int) {
	if w.wrote {
		return
	}
	if w.before != nil {
		before := w.before
		w.before = nil
		if err := before(w.ResponseWriter); err != nil {
			clear(w.Header())
			g := w.guard
			g.setHeaders(w.Header(), Nonce(w.r))
			g.answers.Fail(&response{ResponseWriter: w.ResponseWriter, guard: g, r: w.r}, w.r, err)
			w.wrote, w.failed, w.status = true, true, StatusOf(err)
			return
		}
	}
	if w.release != nil {
		w.release()
	}
	w.wrote, w.status = true, status
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if w.failed {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// record logs every request by its route's pattern, never by its path, which can hold a token
// or a number; and turns a panic into the page of an internal error.
func (g *Guard) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := g.clock.Now()
		rw := &response{ResponseWriter: w, guard: g, r: r}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // the value itself is the contract
					panic(p)
				}
				g.panicked(r, p)
				if !rw.wrote {
					rw.before = nil
					g.answers.Fail(rw, r, fault.New(fault.Internal, ""))
				}
			}
			if !rw.quiet {
				g.accessLog(r, rw.status, g.clock.Now().Sub(start))
			}
		}()
		next.ServeHTTP(rw, r.WithContext(context.WithValue(r.Context(), responseKey{}, rw)))
		if !rw.wrote { // a handler that writes nothing means 200 without a body
			rw.WriteHeader(http.StatusOK)
		}
	})
}

func (g *Guard) accessLog(r *http.Request, status int, took time.Duration) {
	pattern := ""
	if rc := chi.RouteContext(r.Context()); rc != nil {
		pattern = rc.RoutePattern()
	}
	g.log.LogAttrs(r.Context(), slog.LevelInfo, "request",
		slog.String("method", r.Method), slog.String("route", pattern), slog.Int("status", status),
		slog.Float64("ms", float64(took.Microseconds())/1000))
}

// panicked logs the stack. The value of a panic can quote data; only the runtime's own are safe.
func (g *Guard) panicked(r *http.Request, p any) {
	what := fmt.Sprintf("%T", p)
	var rt runtime.Error
	if err, ok := p.(error); ok && errors.As(err, &rt) {
		what = rt.Error()
	}
	g.log.ErrorContext(r.Context(), "panic", slog.String("value", what), slog.String("stack", string(debug.Stack())))
}

func (g *Guard) clientIP() func(http.Handler) http.Handler {
	if len(g.proxies) == 0 {
		return middleware.ClientIPFromRemoteAddr
	}
	return middleware.ClientIPFromXFF(g.proxies...)
}

// ClientIP is the address that the request came from, as the trusted proxies tell it; IPv6 is
// cut to the /64 that one customer has. It is a key for limits, not for logs.
func ClientIP(r *http.Request) string {
	return httprate.CanonicalizeIP(middleware.GetClientIP(r.Context()))
}

type nonceKey struct{}

// Nonce is what an inline script or style of this answer must carry.
func Nonce(r *http.Request) string {
	n, _ := r.Context().Value(nonceKey{}).(string)
	return n
}

func (g *Guard) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nonce := randomText(12)
		g.setHeaders(w.Header(), nonce)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), nonceKey{}, nonce)))
	})
}

// setHeaders: the referrer stays within the site. With "no-referrer" browsers would send
// "Origin: null" with our own forms, and those without Sec-Fetch-Site (plain http in a local
// network) could no longer be told from a foreign page's.
func (g *Guard) setHeaders(h http.Header, nonce string) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'nonce-"+nonce+"'; style-src 'self' 'nonce-"+nonce+
		"'; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; "+
		"manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(self), geolocation=(self), microphone=(), payment=(), usb=(), browsing-topics=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if g.secure {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

func (g *Guard) flood() func(http.Handler) http.Handler {
	if g.floodPerMinute <= 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	return httprate.LimitBy(g.floodPerMinute, time.Minute,
		func(r *http.Request) (string, error) { return ClientIP(r), nil },
		// Nobody reads the counts of a limit that is meant for floods.
		httprate.WithResponseHeaders(httprate.ResponseHeaders{RetryAfter: "Retry-After"}),
		httprate.WithLimitHandler(func(w http.ResponseWriter, r *http.Request) {
			g.answers.Fail(w, r, fault.New(fault.TooMany, "这个网络里的请求太多了，请一分钟后再试。"))
		}))
}

// sameOrigin refuses what another site's page sends in a visitor's name. The standard library
// lets a request pass that has neither Sec-Fetch-Site nor Origin; no browser sends a form that
// way, so here it is refused as well.
func (g *Guard) sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := protection.Check(r)
		unsafe := r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
		if err == nil && unsafe && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
			err = errors.New("neither Sec-Fetch-Site nor Origin")
		}
		if err != nil {
			g.answers.Fail(w, r, &fault.Error{Kind: fault.Forbidden, Msg: "这次提交不是从本网站的页面发出的，没有处理。请打开本网站重新操作。", Err: err})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// DefaultBody bounds a body where the route says nothing else: a form of text.
const DefaultBody = 64 << 10

type bodyKey struct{}

// BodyLimit bounds the body of a request. On a route it replaces the limit of Standard, in
// either direction; what comes over it is answered with 413 by ParseForm.
func BodyLimit(n int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, ok := r.Context().Value(bodyKey{}).(io.ReadCloser)
			if !ok {
				body = r.Body
				r = r.WithContext(context.WithValue(r.Context(), bodyKey{}, body))
			}
			r.Body = http.MaxBytesReader(w, body, n)
			next.ServeHTTP(w, r)
		})
	}
}
