package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/width"

	"volcard/internal/clock"
)

// progress tells what is done and when, counted from the start.
type progress struct {
	mu    sync.Mutex
	w     io.Writer
	clock clock.Clock
	since time.Time
}

func newProgress(w io.Writer) *progress {
	c := clock.System{}
	return &progress{w: w, clock: c, since: c.Now()}
}

func (p *progress) done(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p.w, "  %5.1f s  %s\n", p.clock.Now().Sub(p.since).Seconds(), what)
}

func (p *progress) line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintln(p.w, text)
}

// login is one account of the demonstration.
type login struct {
	Audience string // who
	Path     string // of the page on which to log in
	Account  string
	Password string
	Second   string // the secret of the second factor, or empty
}

// table is what somebody who typed `make run` sees at the end.
type table struct {
	base, ui, data    string
	apiOps, workerOps string
	logins            []login
}

func (t table) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nready: %s\n\n", t.base)
	writeColumns(&b, [][]string{
		{"pages", t.base},
		{"messages as on a phone", t.base + "/dev/outbox"},
		{"demo logins with the codes of now", t.base + "/dev/logins"},
		{"Temporal Web UI", "http://" + t.ui},
		{"metrics of the api", "http://" + t.apiOps + "/metrics"},
		{"metrics of the worker", "http://" + t.workerOps + "/metrics"},
		{"logs", t.data + "/log"},
	})
	if len(t.logins) > 0 {
		b.WriteString("\n")
		rows := [][]string{{"who", "page", "account", "password", "second factor"}}
		for _, l := range t.logins {
			rows = append(rows, []string{l.Audience, t.base + l.Path, l.Account, l.Password, l.Second})
		}
		writeColumns(&b, rows)
	}
	b.WriteString("\nCtrl-C stops everything; the next start finds it as it was.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// writeColumns aligns the columns as a terminal shows them, where a Han character takes two cells.
func writeColumns(b *strings.Builder, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], cells(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString("  " + cell + strings.Repeat(" ", widths[i]-cells(cell)))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

func cells(s string) int {
	n := 0
	for _, r := range s {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
