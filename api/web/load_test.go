package web_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/api/web"
	"volcard/api/web/webtest"
	"volcard/internal/fault"
	"volcard/internal/telemetry"
)

// crowded is a server with one place for each kind of request, and pages that hold their place until they are let go.
type crowded struct {
	*webtest.Env
	inside chan string
	let    chan struct{}
}

func crowd(t *testing.T, queue int) *crowded {
	t.Helper()
	c := &crowded{inside: make(chan string, 100), let: make(chan struct{})}
	bounds := web.DefaultBounds(1)
	for load, b := range bounds {
		b.Places, b.Queue = 1, queue
		bounds[load] = b
	}
	c.Env = webtest.New(t, func(o *web.Options) {
		o.Bounds = bounds
		o.LoadOf = func(r *http.Request) web.Load {
			for load := range bounds {
				if strings.HasSuffix(r.URL.Path, "/"+string(load)) {
					return load
				}
			}
			return web.Pages
		}
	})
	hold := c.Kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		form, err := web.ParseForm(r)
		if err != nil {
			return err
		}
		c.inside <- form.Get("name")
		select {
		case <-c.let:
		case <-r.Context().Done():
			return r.Context().Err()
		}
		w.WriteHeader(http.StatusOK)
		return nil
	})
	for load := range bounds {
		for _, room := range []string{"/", "/branch/"} {
			c.Router.Get(room+string(load), hold)
			c.Router.Post(room+string(load), hold)
		}
	}
	c.Router.Get("/free", func(http.ResponseWriter, *http.Request) {})
	c.Start()
	return c
}

// load is how busy a kind is now.
func (c *crowded) load(kind web.Load) (found telemetry.Load) {
	for _, l := range c.Kit.Loads() {
		if l.Kind == string(kind) {
			found = l
		}
	}
	return found
}

// Where the places of a kind are taken, the next request of it gets 503, when to come back, and a page that says
// that nothing was lost; all other kinds still answer.
func TestFullKindsRefuse(t *testing.T) {
	t.Parallel()
	c := crowd(t, 0)
	answered := make(chan int)
	for load := range web.DefaultBounds(1) {
		go func() {
			res, err := http.Get(c.URL + "/" + string(load)) //nolint:noctx // ends with the test's server
			if err != nil {
				answered <- 0
				return
			}
			_ = res.Body.Close()
			answered <- res.StatusCode
		}()
		<-c.inside // so this kind still answered while the others are full
		page := c.Client().Get("/"+string(load)).Want(http.StatusServiceUnavailable).
			WantText("h1", "系统正忙").WantText(".sentence", "没有丢失").WantText(".actions .primary", "再试一次").Lacks("[data-resend]")
		after, err := strconv.Atoi(page.Response.Header.Get("Retry-After"))
		require.NoError(t, err)
		require.InDelta(t, 2, after, 1)
		require.Equal(t, "no-store", page.Response.Header.Get("Cache-Control"))
		require.NotContains(t, string(page.Body), "volcard-request-id")
		require.Contains(t, string(page.Body), page.Response.Header.Get("X-Request-Id"))
		c.Client().Post("/"+string(load), nil).Want(http.StatusServiceUnavailable).
			WantText(".sentence", "没有处理").WantText(".sentence", "没有丢失").Has(".actions [data-resend]").Lacks(".actions a.primary")
		c.Client().HTMX().Post("/"+string(load), nil).Want(http.StatusServiceUnavailable).
			WantText(".form-error", "没有丢失").Lacks("header")
		c.Client().Get("/branch/"+string(load)).Want(http.StatusServiceUnavailable).
			Has("body.console").WantText("h1", "系统正忙").WantText(".sentence", "没有丢失")
		require.EqualValues(t, 4, c.load(load).Refused, "counted for its kind")
		require.Equal(t, 1, c.load(load).InFlight)
		require.Zero(t, c.load(load).Queued)
	}
	close(c.let)
	for range web.DefaultBounds(1) {
		require.Equal(t, http.StatusOK, <-answered, "who has a place is not disturbed")
	}
	c.Client().Get("/free").Want(http.StatusOK)
}

// Who waits in the queue is next; whoever leaves it makes room; the queue refuses what is beyond it at once.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	c := crowd(t, 1)
	get := func(ctx context.Context) <-chan int {
		status := make(chan int, 1)
		go func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+"/uploads", nil)
			if err != nil {
				status <- 0
				return
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				status <- 0
				return
			}
			_ = res.Body.Close()
			status <- res.StatusCode
		}()
		return status
	}
	first := get(t.Context())
	<-c.inside
	require.Equal(t, http.StatusServiceUnavailable, <-get(t.Context()), "its wait is over")
	require.Zero(t, c.load(web.Uploads).Queued)
	c.let <- struct{}{}
	require.Equal(t, http.StatusOK, <-first)
	require.Zero(t, c.load(web.Uploads).InFlight)
	second := get(t.Context())
	<-c.inside
	c.let <- struct{}{}
	require.Equal(t, http.StatusOK, <-second)
}

// A request whose work lasts too long is answered with a page that says so.
func TestWorkEnds(t *testing.T) {
	t.Parallel()
	env := webtest.New(t, func(o *web.Options) {
		b := web.DefaultBounds(1)
		b[web.Pages] = web.Bound{Places: 1, Queue: 0, Deadline: 10 * time.Millisecond}
		o.Bounds = b
	})
	env.Router.Get("/endless", env.Kit.Handle(func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return fmt.Errorf("somewhere: %w", r.Context().Err())
	}))
	env.Router.Get("/wrapped", env.Kit.Handle(func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return fault.Wrap(fault.Invalid, r.Context().Err(), "")
	}))
	env.Start()
	env.Client().Get("/endless").Want(http.StatusServiceUnavailable).WantText("h1", "系统正忙")
	env.Client().Get("/wrapped").Want(http.StatusUnprocessableEntity)
}

// A client that sends its form slowly, or reads its answer slowly, holds no place.
func TestSlowClientsHoldNoPlace(t *testing.T) {
	t.Parallel()
	c := crowd(t, 0)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(c.URL, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST /pages HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nSec-Fetch-Site: same-origin\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nname")
	require.NoError(t, err)
	c.Client().Get("/free").Want(http.StatusOK)
	_, err = fmt.Fprint(conn, "=abc")
	require.NoError(t, err)
	require.Equal(t, "abc", <-c.inside, "the whole form arrives")
	c.Client().Get("/free").Want(http.StatusServiceUnavailable)
	c.let <- struct{}{}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	c.Client().Get("/free").Want(http.StatusOK)
}
