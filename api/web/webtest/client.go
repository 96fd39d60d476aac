package webtest

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"
)

// Client is a browser: cookies, redirects, the headers that browsers send with a form.
type Client struct {
	t      testing.TB
	base   string
	http   *http.Client
	Header http.Header // sent with every request, over what the client itself sets
	still  bool
}

// Still returns a program with the same cookies: it follows no redirects, and reads a refusal from the answer itself.
func (c *Client) Still() *Client {
	other := *c
	inner := *c.http
	inner.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	other.http, other.still = &inner, true
	other.Header = c.Header.Clone()
	other.Header.Set("Accept", "*/*")
	return &other
}

// With returns the same browser with one more header; an empty value removes the header.
func (c *Client) With(name, value string) *Client {
	other := *c
	other.Header = c.Header.Clone()
	other.Header.Set(name, value)
	return &other
}

// HTMX returns the same browser, asking as htmx does.
func (c *Client) HTMX() *Client { return c.With("HX-Request", "true").With("Accept", "*/*") }

// Get opens a path.
func (c *Client) Get(path string) *Page { c.t.Helper(); return c.Do(http.MethodGet, path, "", nil) }

// Post sends a form.
func (c *Client) Post(path string, form url.Values) *Page {
	c.t.Helper()
	return c.Do(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

// Do sends anything, as a page of this site would.
func (c *Client) Do(method, path, contentType string, body io.Reader) *Page {
	c.t.Helper()
	target := path
	if strings.HasPrefix(path, "/") {
		target = c.base + path
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, target, body)
	require.NoError(c.t, err)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if method != http.MethodGet && method != http.MethodHead {
		req.Header.Set("Origin", c.base)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	req.Header.Set("User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) MicroMessenger/8.0")
	for name, values := range c.Header {
		if values[0] == "" {
			req.Header.Del(name)
		} else {
			req.Header[name] = values
		}
	}
	resp, err := c.http.Do(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	page := &Page{Response: resp, Body: content, client: c, t: c.t}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		page.Doc, err = goquery.NewDocumentFromReader(bytes.NewReader(content))
		require.NoError(c.t, err)
	}
	return page
}

// Cookies are those that the browser would send to the site.
func (c *Client) Cookies() []*http.Cookie {
	u, err := url.Parse(c.base)
	require.NoError(c.t, err)
	return c.http.Jar.Cookies(u)
}

// SetCookies puts cookies into the browser, as a thief or a shared computer would.
func (c *Client) SetCookies(cookies ...*http.Cookie) {
	u, err := url.Parse(c.base)
	require.NoError(c.t, err)
	c.http.Jar.SetCookies(u, cookies)
}

// Page is an answer.
type Page struct {
	Response *http.Response
	Body     []byte
	Doc      *goquery.Document // nil where the answer is no HTML
	client   *Client
	t        testing.TB
}

// Path is where the browser is after redirects, with its query.
func (p *Page) Path() string { return p.Response.Request.URL.RequestURI() }

// Location is where a redirect leads; empty where the answer is none.
func (p *Page) Location() string { return p.Response.Header.Get("Location") }

// Want asserts the status.
func (p *Page) Want(status int) *Page {
	p.t.Helper()
	require.Equal(p.t, status, p.Response.StatusCode, "%s %s: %s", p.Response.Request.Method, p.Path(), p.summary())
	return p
}

// WantAt asserts the status 200 and the path.
func (p *Page) WantAt(path string) *Page {
	p.t.Helper()
	p.Want(http.StatusOK)
	require.Equal(p.t, path, p.Path(), p.summary())
	return p
}

// Find selects elements.
func (p *Page) Find(selector string) *goquery.Selection {
	p.t.Helper()
	require.NotNil(p.t, p.Doc, "no HTML: %s", p.Response.Header.Get("Content-Type"))
	return p.Doc.Find(selector)
}

// Text is the text of the elements, with single spaces.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	return strings.Join(strings.Fields(p.Find(selector).Text()), " ")
}

// Has asserts that an element exists, Lacks that none does.
func (p *Page) Has(selector string) *Page {
	p.t.Helper()
	require.NotZero(p.t, p.Find(selector).Length(), "%s has no %s: %s", p.Path(), selector, p.summary())
	return p
}

// Lacks asserts that no element matches.
func (p *Page) Lacks(selector string) *Page {
	p.t.Helper()
	require.Zero(p.t, p.Find(selector).Length(), "%s has %s", p.Path(), selector)
	return p
}

// WantText asserts that the text of the elements contains a sentence.
func (p *Page) WantText(selector, sentence string) *Page {
	p.t.Helper()
	p.Has(selector)
	require.Contains(p.t, p.Text(selector), sentence)
	return p
}

// WantError asserts the sentence at a field; the empty name is the form as a whole.
func (p *Page) WantError(field, sentence string) *Page {
	p.t.Helper()
	require.NotEmpty(p.t, sentence, "any text holds nothing")
	if field == "" {
		return p.WantText(".form-error", sentence)
	}
	return p.WantText("#f-"+strings.ReplaceAll(field, "_", "-")+"-error", sentence)
}

// summary is what a failed assertion shows of the page.
func (p *Page) summary() string {
	if p.Doc == nil {
		return string(p.Body[:min(len(p.Body), 300)])
	}
	return p.Text("main")
}

// Submit sends the form that the selector names, as the page shows it, with some fields
// changed. A value of "-" leaves a field out, as an unticked box is.
func (p *Page) Submit(selector string, changes map[string]string) *Page {
	p.t.Helper()
	form := p.Find(selector)
	require.Equal(p.t, 1, form.Length(), "%s: %d forms match %s: %s", p.Path(), form.Length(), selector, p.summary())
	values := FormValues(form)
	for name, value := range changes {
		if value == "-" {
			values.Del(name)
		} else {
			values.Set(name, value)
		}
	}
	action, ok := form.Attr("action")
	if !ok || action == "" {
		action = p.Path()
	}
	target, err := p.Response.Request.URL.Parse(action)
	require.NoError(p.t, err)
	if strings.EqualFold(form.AttrOr("method", "get"), "post") {
		return p.client.Post(target.String(), values)
	}
	target.RawQuery = values.Encode()
	return p.client.Get(target.String())
}

// Click follows the link that the selector names.
func (p *Page) Click(selector string) *Page {
	p.t.Helper()
	link := p.Find(selector).First()
	href, ok := link.Attr("href")
	require.True(p.t, ok, "%s: no link %s", p.Path(), selector)
	target, err := p.Response.Request.URL.Parse(href)
	require.NoError(p.t, err)
	return p.client.Get(target.String())
}

// FormValues are what a browser would send of a form that nobody has touched.
func FormValues(form *goquery.Selection) url.Values {
	values := url.Values{}
	form.Find("input, select, textarea").Each(func(_ int, field *goquery.Selection) {
		name, ok := field.Attr("name")
		if _, disabled := field.Attr("disabled"); !ok || disabled {
			return
		}
		switch goquery.NodeName(field) {
		case "select":
			option := field.Find("option[selected]")
			if option.Length() == 0 {
				option = field.Find("option").First()
			}
			if option.Length() > 0 {
				values.Add(name, option.AttrOr("value", option.Text()))
			}
		case "textarea":
			values.Add(name, field.Text())
		default:
			kind := field.AttrOr("type", "text")
			_, checked := field.Attr("checked")
			if kind == "submit" || kind == "file" || ((kind == "checkbox" || kind == "radio") && !checked) {
				return
			}
			values.Add(name, field.AttrOr("value", ""))
		}
	})
	return values
}
