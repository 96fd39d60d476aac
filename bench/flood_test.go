package bench_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/passwd"
	"volcard/test/world"
)

// flooding is how long a flood lasts.
var flooding = flag.Duration("flood", 30*time.Second, "how long each flood of row o lasts")

const (
	// times is how much more than its capacity comes to an api.
	times = 5
	// calm is how long the capacity is measured.
	calm = 10 * time.Second
	// mostOpen bounds the requests that the client has open: beyond it the client is the bound, and the row fails.
	mostOpen = 20_000
)

// flooded is what a flood came to.
type flooded struct {
	good, refused []time.Duration
	sent, failed  int64
}

// flood is row o: five times what one api can do comes to it, whether it answers or not.
func flood(h *house, out *table) {
	const people = 400
	h.waiting(people)
	cases := h.issued[:people]
	logins := h.passwords(people)
	h.overload(out, "logins", 0.7, func(i int) (int, error) {
		return h.send(http.MethodPost, "/login", "", logins[i%people])
	}, http.StatusSeeOther)
	h.overload(out, "pages (GET /cards/{id})", 0.5, func(i int) (int, error) {
		a := cases[i%people]
		return h.send(http.MethodGet, "/cards/"+a.id.String(), a.cookie, "")
	}, http.StatusOK)

	// Who was refused sends the same form again, as people do.
	ready := make(chan *applicant, stock)
	for _, a := range h.applicants(*submitters) {
		ready <- a
	}
	var accepted sync.Map
	h.overload(out, "submissions", 0.7, func(int) (int, error) {
		var a *applicant
		select {
		case a = <-ready:
		default:
			return 0, fmt.Errorf("nobody is left to submit: -submitters")
		}
		status, err := h.send(http.MethodPost, world.SubmitPath, a.cookie, a.body)
		if status == http.StatusSeeOther {
			accepted.Store(a, true)
		} else {
			ready <- a
		}
		return status, err
	}, http.StatusSeeOther)
	const parts = 50 // as in row g
	for part := range parts {
		h.Until("what was accepted is issued", func() bool {
			return h.Count("SELECT count(*) FROM application WHERE state = 'accepted'") <= *submitters*(parts-1-part)/parts
		})
	}
	n := 0
	accepted.Range(func(any, any) bool { n++; return true })
	if issued := h.Count("SELECT count(*) FROM application WHERE state = 'ready'"); issued < n {
		out.fail("of %d acknowledged submissions %d are issued", n, issued)
	}
	out.note("o) submissions acknowledged in both phases: %d, all issued", n)
}

var submitters = flag.Int("submitters", 9000, "people who stand ready for the flood of submissions")

// send sends a form as a browser does, or asks for a page, and returns the status.
func (h *house) send(method, path, cookie, body string) (int, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, h.api.URL+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Origin", h.api.URL)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	status, _, err := h.do(req)
	return status, err
}

// passwords gives people of this world a password and returns their login forms.
func (h *house) passwords(n int) []string {
	h.T.Helper()
	hasher, err := passwd.New(passwd.Standard())
	require.NoError(h.T, err)
	const password = "volcard-bench-1"
	hash, err := hasher.Hash(context.Background(), password)
	require.NoError(h.T, err)
	_, err = h.DB.Exec(context.Background(), "UPDATE person SET password_hash = $1", hash)
	require.NoError(h.T, err)
	forms := make([]string, n)
	for i := range forms {
		forms[i] = url.Values{"id_number": {world.IDNumber(i)}, "password": {password}}.Encode()
	}
	return forms
}

// overload measures what the api can do of one kind, then sends it five times as much.
func (h *house) overload(out *table, name string, target float64, do func(i int) (int, error), good int) {
	h.T.Helper()
	h.resetPeak()
	var done atomic.Int64
	_, took, err := during(calm, atOnce, func(i int) error {
		status, err := do(i)
		if status == good {
			done.Add(1)
		} else if err == nil && status != http.StatusServiceUnavailable {
			err = fmt.Errorf("%s: status %d", name, status)
		}
		return err
	})
	require.NoError(h.T, err)
	capacity := float64(done.Load()) / took.Seconds()
	before := h.peak()
	h.resetPeak()
	f := arrive(capacity*times, *flooding, do, good)
	after := h.peak()
	rate := float64(len(f.good)) / flooding.Seconds()
	out.row("flood of "+name+": good answers", perSecond(rate), perSecond(capacity), rate/capacity, target, true)
	slow, late := quantile(f.good, 0.99), quantile(f.refused, 1)
	out.row("the same: p99 of what is accepted", ms(slow), "2 s", slow.Seconds()/2, 1, false)
	out.row("the same: slowest refusal", ms(late), "1 s", late.Seconds(), 1, false)
	out.row("the same: peak memory of the api", fmt.Sprintf("%d MB", after>>10), fmt.Sprintf("%d MB", before>>10), float64(after)/float64(before), 2, false)
	out.note("o) %s: %d sent, %d good (p50 %s), %d refused (p50 %s, p99 %s), %d failed", name, f.sent, len(f.good), ms(quantile(f.good, 0.5)),
		len(f.refused), ms(quantile(f.refused, 0.5)), ms(quantile(f.refused, 0.99)), f.failed)
}

// arrive sends rate requests a second for a while, each at its time, and waits for all answers.
func arrive(rate float64, d time.Duration, do func(i int) (int, error), good int) *flooded {
	f := &flooded{}
	var mu sync.Mutex
	var all sync.WaitGroup
	var open atomic.Int64
	began := now()
	for {
		passed := now().Sub(began)
		if passed >= d {
			break
		}
		for due := int64(rate * passed.Seconds()); f.sent < due; f.sent++ {
			i := int(f.sent)
			if open.Load() >= mostOpen {
				atomic.AddInt64(&f.failed, 1)
				continue
			}
			open.Add(1)
			all.Go(func() {
				defer open.Add(-1)
				start := now()
				status, err := do(i)
				took := now().Sub(start)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && status == good:
					f.good = append(f.good, took)
				case err == nil && status == http.StatusServiceUnavailable:
					f.refused = append(f.refused, took)
				default:
					atomic.AddInt64(&f.failed, 1)
				}
			})
		}
		time.Sleep(2 * time.Millisecond)
	}
	all.Wait()
	return f
}

// peak is the most memory that the api has held since resetPeak, in KB.
func (h *house) peak() int64 {
	h.T.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(h.api.Pid()), "status"))
	require.NoError(h.T, err)
	_, rest, found := strings.Cut(string(text), "VmHWM:")
	require.True(h.T, found)
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	require.NoError(h.T, err)
	return kb
}

// resetPeak lets the peak of the api's memory begin anew.
func (h *house) resetPeak() {
	h.T.Helper()
	require.NoError(h.T, os.WriteFile(filepath.Join("/proc", strconv.Itoa(h.api.Pid()), "clear_refs"), []byte("5"), 0o600))
}
