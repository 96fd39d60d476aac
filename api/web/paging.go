package web

import (
	"net/http"
	"net/url"
	"strconv"
)

// maxPage bounds what a person may page to; beyond it a search is the better way.
const maxPage = 200

// Paging tells a list which part of it is asked for, and a page which links to show. The store
// reads Limit rows from Offset: one more than shown, so that no count is needed.
type Paging struct {
	Page int // from 1
	Size int
	More bool // set by Trim
	path string
	rest url.Values
}

// NewPaging reads ?page=, keeping the other parameters for the links.
func NewPaging(r *http.Request, size int) Paging {
	q := r.URL.Query()
	n, err := strconv.Atoi(q.Get("page"))
	if err != nil || n < 1 {
		n = 1
	}
	q.Del("page")
	return Paging{Page: min(n, maxPage), Size: size, path: r.URL.Path, rest: q}
}

// Limit is how many rows to read: the page and one more.
func (p Paging) Limit() int { return p.Size + 1 }

// Offset is how many rows to skip.
func (p Paging) Offset() int { return (p.Page - 1) * p.Size }

// Trim cuts the extra row off and notes whether it was there.
func Trim[T any](p *Paging, rows []T) []T {
	if len(rows) > p.Size {
		p.More = p.Page < maxPage
		return rows[:p.Size]
	}
	return rows
}

// Previous is the address of the page before, or empty.
func (p Paging) Previous() string {
	if p.Page <= 1 {
		return ""
	}
	return p.link(p.Page - 1)
}

// Next is the address of the page after, or empty.
func (p Paging) Next() string {
	if !p.More {
		return ""
	}
	return p.link(p.Page + 1)
}

func (p Paging) link(n int) string {
	q := url.Values{}
	for name, values := range p.rest {
		q[name] = values
	}
	q.Set("page", strconv.Itoa(n))
	return p.path + "?" + q.Encode()
}

// Steps is how far a wizard has come (part "steps"); the zero value shows nothing.
type Steps struct{ Now, Total int }

// Step is one piece of the bar.
type Step struct{ Now, Done bool }

// All lists the pieces for the template.
func (s Steps) All() []Step {
	all := make([]Step, s.Total)
	for i := range all {
		all[i] = Step{Now: i+1 == s.Now, Done: i+1 < s.Now}
	}
	return all
}
