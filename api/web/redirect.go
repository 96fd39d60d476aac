package web

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// OwnPath returns s where it is a path of this site, and fallback where it could lead anywhere
// else: another host, a scheme, a network path ("//host"), or a backslash or control character
// that some browser reads as one.
func OwnPath(s, fallback string) string {
	if s == "" || s[0] != '/' || strings.HasPrefix(s, "//") || len(s) > 2000 {
		return fallback
	}
	for _, c := range []byte(s) {
		if c < 0x20 || c == 0x7f || c == '\\' {
			return fallback
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") {
		return fallback
	}
	return s
}

// Redirect answers 303 to a path of this site; htmx is told by its own header, since it would
// otherwise swap the target page into the present one. Any other address becomes "/".
func Redirect(w http.ResponseWriter, r *http.Request, to string) {
	to = OwnPath(to, "/")
	if IsHTMX(r) {
		w.Header().Set("HX-Redirect", to)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// Beside answers who opens the address of a form's answer again with a page beside it: "." is the one above.
func Beside(page string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		Redirect(w, r, path.Join(path.Dir(r.URL.Path), page))
	}
}

// Next is the page to return to after a login, from the query or the form.
func Next(r *http.Request, fallback string) string {
	next := r.URL.Query().Get("next")
	if r.PostForm != nil && r.PostForm.Has("next") {
		next = r.PostForm.Get("next")
	}
	return OwnPath(next, fallback)
}

// ownReferer is the path of the page of this site from which the request comes; empty where it comes
// from elsewhere, or does not say.
func ownReferer(r *http.Request) string { return ownPage(r, r.Referer()) }

// ownPage is the path of an address on this site; empty for any other address.
func ownPage(r *http.Request, address string) string {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || !strings.EqualFold(u.Host, r.Host) {
		return ""
	}
	return OwnPath(u.RequestURI(), "")
}

func withoutParam(page, name string) string {
	to, err := url.Parse(page)
	if err != nil || !to.Query().Has(name) {
		return page
	}
	q := to.Query()
	q.Del(name)
	return (&url.URL{Path: to.Path, RawQuery: q.Encode()}).String()
}
