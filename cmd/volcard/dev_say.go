package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

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
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"pages", t.base},
		{"messages as on a phone", t.base + "/dev/outbox"},
		{"Temporal Web UI", "http://" + t.ui},
		{"metrics of the api", "http://" + t.apiOps + "/metrics"},
		{"metrics of the worker", "http://" + t.workerOps + "/metrics"},
		{"logs", t.data + "/log"},
	} {
		fmt.Fprintf(tw, "  %s\t%s\n", row[0], row[1])
	}
	_ = tw.Flush() // a Builder takes everything
	if len(t.logins) > 0 {
		b.WriteString("\n")
		fmt.Fprintln(tw, "  who\tpage\taccount\tpassword\tsecond factor")
		for _, l := range t.logins {
			fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\t%s\n", l.Audience, t.base+l.Path, l.Account, l.Password, l.Second)
		}
		_ = tw.Flush()
	}
	b.WriteString("\nCtrl-C stops everything; the next start finds it as it was.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// ownLogLimit is when a log is put aside at the start; one older log is kept.
const ownLogLimit = 16 << 20

func openOwnLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > ownLogLimit {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, fmt.Errorf("log: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	return f, nil
}
