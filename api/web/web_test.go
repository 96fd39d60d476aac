package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/api/web"
	"volcard/api/web/webtest"
	"volcard/internal/fault"
)

func fail(err error) func(http.ResponseWriter, *http.Request) error {
	return func(http.ResponseWriter, *http.Request) error { return err }
}

func TestFailuresBecomePages(t *testing.T) {
	t.Parallel()
	env := webtest.New(t)
	for _, c := range []struct {
		name     string
		err      error
		status   int
		sentence string
	}{
		{"invalid", fault.New(fault.Invalid, "请检查。"), 422, "请检查。"},
		{"forbidden", fault.New(fault.Forbidden, "不可以。"), 403, "不可以。"},
		{"missing", fault.New(fault.NotFound, "没有这个。"), 404, "没有这个。"},
		{"conflict", fault.New(fault.Conflict, "已经领取。"), 409, "已经领取。"},
		{"toomany", fault.New(fault.TooMany, "稍等。"), 429, "稍等。"},
		{"away", fault.Wrap(fault.Unavailable, errors.New("dial tcp 10.0.0.5"), "系统正忙。"), 503, "系统正忙。"},
		{"internal", fault.Wrap(fault.Internal, errors.New("row 42"), "row 42"), 500, "系统出了点问题"},
		{"unknown", errors.New("pq: password=hunter2"), 500, "系统出了点问题"},
		{"wrapped", fmt.Errorf("outer: %w", fault.New(fault.Conflict, "里面的。")), 409, "里面的。"},
	} {
		env.Router.Get("/"+c.name, env.Kit.Handle(fail(c.err)))
	}
	env.Router.Get("/panic", func(http.ResponseWriter, *http.Request) { panic("ID 420106200402290020") })
	env.Start()
	client := env.Client()

	page := client.Get("/conflict").Want(409).WantText(".sentence", "已经领取。").WantText("h1", "情况已经变了")
	require.Equal(t, "no-store", page.Response.Header.Get("Cache-Control"))
	client.Get("/invalid").Want(422).WantText(".sentence", "请检查。")
	client.Get("/forbidden").Want(403)
	client.Get("/missing").Want(404)
	page = client.Get("/toomany").Want(429)
	require.NotEmpty(t, page.Response.Header.Get("Retry-After"))
	page = client.Get("/away").Want(503).Has(`.actions a[href=""]`)
	require.NotContains(t, string(page.Body), "10.0.0.5")
	for _, path := range []string{"/internal", "/unknown", "/panic"} {
		page = client.Get(path).Want(500).WantText(".sentence", "系统出了点问题")
		require.NotContains(t, string(page.Body), "row 42")
		require.NotContains(t, string(page.Body), "hunter2")
		require.NotContains(t, string(page.Body), "420106200402290020")
	}
	client.Get("/wrapped").Want(409).WantText(".sentence", "里面的。")
	client.Get("/nobody-mounted-this").Want(404)
	client.Post("/conflict", nil).Want(405)

	fragment := client.HTMX().Get("/conflict").Want(409)
	fragment.Lacks("header").WantText(".form-error", "已经领取。")
}

func TestPanicsLogNoValues(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	env := webtest.New(t, func(o *web.Options) { o.Log = slog.New(slog.NewJSONHandler(&logs, nil)) })
	env.Router.Get("/v/{token}", func(http.ResponseWriter, *http.Request) { panic("phone 13800138000") })
	env.Start()
	env.Client().Get("/v/SECRETTOKEN").Want(500)
	require.Contains(t, logs.String(), `"route":"/v/{token}"`)
	require.NotContains(t, logs.String(), "13800138000")
	require.NotContains(t, logs.String(), "SECRETTOKEN")
}

func echo(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "got %d", len(form.Raw("text")))
	return err
}

func TestForeignPostsAreRefused(t *testing.T) {
	t.Parallel()
	env := webtest.New(t)
	env.Router.Post("/echo", env.Kit.Handle(echo))
	env.Start()
	form := url.Values{"text": {"hello"}}
	c := env.Client()
	require.Equal(t, "got 5", string(c.Post("/echo", form).Want(200).Body))

	c.With("Sec-Fetch-Site", "cross-site").With("Origin", "https://evil.example").Post("/echo", form).
		Want(403).WantText(".sentence", "不是从本网站的页面发出的")
	c.With("Sec-Fetch-Site", "same-site").Post("/echo", form).Want(403)
	c.With("Sec-Fetch-Site", "").With("Origin", "https://evil.example").Post("/echo", form).Want(403)
	c.With("Sec-Fetch-Site", "").With("Origin", "null").Post("/echo", form).Want(403)
	c.With("Sec-Fetch-Site", "").With("Origin", "").Post("/echo", form).Want(403)
	// An old browser sends its origin only, and so does any browser over plain http in a local network.
	c.With("Sec-Fetch-Site", "").Post("/echo", form).Want(200)
}

func TestBodiesOverTheLimit(t *testing.T) {
	t.Parallel()
	env := webtest.New(t)
	env.Router.Post("/echo", env.Kit.Handle(echo))
	env.Router.With(web.BodyLimit(1<<20)).Post("/large", env.Kit.Handle(echo))
	env.Router.With(web.BodyLimit(10)).Post("/small", env.Kit.Handle(echo))
	env.Start()
	c := env.Client()
	big := url.Values{"text": {strings.Repeat("x", web.DefaultBody)}}
	c.Post("/echo", big).Want(413).WantText(".sentence", "提交的内容太大")
	c.Post("/large", big).Want(200)
	c.Post("/small", url.Values{"text": {"longer than ten"}}).Want(413)
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	env := webtest.New(t, func(o *web.Options) { o.BaseURL = "https://card.example" })
	env.Router.Get("/", env.Kit.Handle(fail(fault.New(fault.NotFound, "x"))))
	env.Start()
	h := env.Client().Get("/").Response.Header
	csp := h.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "'nonce-", "base-uri 'none'"} {
		require.Contains(t, csp, part)
	}
	require.NotContains(t, csp, "unsafe")
	require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
	require.Equal(t, "same-origin", h.Get("Referrer-Policy"))
	require.Equal(t, "same-origin", h.Get("Cross-Origin-Opener-Policy"))
	require.Contains(t, h.Get("Strict-Transport-Security"), "max-age=31536000")
	require.NotEmpty(t, h.Get("Permissions-Policy"))
	require.NotEqual(t, csp, env.Client().Get("/").Response.Header.Get("Content-Security-Policy"), "a nonce is used once")
}

func TestStaticFilesAreHashedAndKept(t *testing.T) {
	t.Parallel()
	env := webtest.New(t)
	env.Router.Get("/", env.Kit.Handle(fail(fault.New(fault.NotFound, "x"))))
	env.Start()
	c := env.Client()
	href, ok := c.Get("/").Find(`link[href*="app."]`).Attr("href")
	require.True(t, ok)
	require.Regexp(t, `^/static/app\.[0-9a-f]{8}\.css$`, href)
	page := c.Get(href).Want(200)
	require.Contains(t, page.Response.Header.Get("Cache-Control"), "immutable")
	require.Equal(t, "text/css; charset=utf-8", page.Response.Header.Get("Content-Type"))
	zipped := c.With("Accept-Encoding", "gzip").Get(href)
	require.Equal(t, "gzip", zipped.Response.Header.Get("Content-Encoding"))
	require.Less(t, len(zipped.Body), len(page.Body))
	c.With("If-None-Match", page.Response.Header.Get("ETag")).Get(href).Want(304)
	require.Equal(t, "no-cache", c.Get("/static/app.css").Want(200).Response.Header.Get("Cache-Control"))
	c.Get("/static/nothing.css").Want(404)
	c.Get("/static/../templates.go").Want(404)
	require.Empty(t, c.Cookies())
}

func TestFloods(t *testing.T) {
	t.Parallel()
	env := webtest.New(t, func(o *web.Options) {
		o.FloodPerMinute = 5
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	env.Router.Get("/", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, web.ClientIP(r)) })
	env.Start()
	one := env.Client().With("X-Forwarded-For", "203.0.113.7, 198.51.100.1")
	for range 5 {
		require.Equal(t, "198.51.100.1", string(one.Get("/").Want(200).Body), "what the client wrote itself is not believed")
	}
	one.Get("/").Want(429).WantText(".sentence", "请求太多")
	env.Client().With("X-Forwarded-For", "198.51.100.2").Get("/").Want(200)
}

func TestPaging(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/list?page=2&q=武汉", nil)
	p := web.NewPaging(r, 2)
	require.Equal(t, 2, p.Offset())
	require.Equal(t, []int{1, 2}, web.Trim(&p, []int{1, 2, 3}))
	require.Equal(t, "/list?page=1&q=%E6%AD%A6%E6%B1%89", p.Previous())
	require.Equal(t, "/list?page=3&q=%E6%AD%A6%E6%B1%89", p.Next())
	require.Equal(t, []int{1}, web.Trim(&p, []int{1}))
	last := web.NewPaging(httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/list?page=-3", nil), 2)
	require.Empty(t, last.Previous())
	require.Empty(t, last.Next())
}

// The demo clock is named on every page, on those of failures as well.
func TestDemoClockIsNamedOnEveryPage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		workday time.Duration
		says    string
	}{{5 * time.Second, "演示时钟：1 个工作日 = 5 秒"}, {2 * time.Minute, "演示时钟：1 个工作日 = 2 分钟"}, {1500 * time.Millisecond, "= 1.5 秒"}} {
		env := webtest.New(t, func(o *web.Options) { o.Workday = c.workday })
		env.Router.Get("/", env.Kit.Handle(func(http.ResponseWriter, *http.Request) error { return fault.New(fault.Conflict, "已经领取。") }))
		env.Start()
		env.Client().Get("/").Want(409).WantText(".demo-clock", c.says)
	}
	env := webtest.New(t)
	env.Start()
	env.Client().Get("/nowhere").Want(404).Lacks(".demo-clock")
}
