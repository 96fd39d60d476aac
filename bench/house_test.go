package bench_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/test/world"
)

// atOnce is the number of clients in the rows that say "16 at once".
const atOnce = 16

// stock is more than all rows together take.
const stock = 20_000

// house is the running program with one api and one worker, and the bare side beside it.
type house struct {
	*world.World
	api       *world.Proc
	web       *webtest.Env
	client    *http.Client
	bare      *bareFlows
	people    int
	sent      atomic.Int64
	cpu       *usage
	issued    []*applicant // have their card; the pages' rows look at them
	collected int
}

func newHouse(t *testing.T) *house {
	t.Helper()
	binary, err := filepath.Abs(*program)
	require.NoError(t, err)
	// The limits by address stay on: each request comes from another address, as in life.
	w := world.StartMeasured(t, binary, stock, map[string]string{
		"VOLCARD_HTTP_TRUSTED_PROXIES": "127.0.0.0/8", "VOLCARD_SWEEP_EVERY": "15s", "VOLCARD_SWEEP_AFTER": "30s",
	})
	h := &house{World: w, cpu: newUsage(), client: newClient()}
	if *statements {
		h.countStatements()
	}
	w.Worker(nil)
	h.api = w.API(nil)
	h.web = w.Web(h.api)
	h.bare = newBareFlows(t, w)
	return h
}

// newClient is the load client of both sides: it keeps its connections and follows no redirect.
func newClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConns: 2000, MaxIdleConnsPerHost: 2000, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       time.Minute,
	}
}

// applicant stands before 立即申请, with everything built that the request needs.
type applicant struct {
	cookie string
	body   string
	tail   string    // of the ID number
	id     uuid.UUID // of the application, once it was accepted
	token  string    // of the card, once it was issued
}

// applicants registers people with drafts and sessions; the clock does not run yet.
func (h *house) applicants(n int) []*applicant {
	h.T.Helper()
	return h.enrol(n, h.Applicant)
}

func (h *house) enrol(n int, add func(*webtest.Env, int, string) *world.Applicant) []*applicant {
	h.T.Helper()
	list := make([]*applicant, n)
	first := h.people
	h.people += n
	var all sync.WaitGroup
	for k := range 4 {
		all.Go(func() {
			for i := k; i < n; i += 4 {
				a := add(h.web, first+i, "阿卜杜热合曼·买买提")
				list[i] = &applicant{cookie: cookieLine(a.Client), body: a.Form().Encode(), tail: world.IDNumber(first + i)[14:]}
			}
		})
	}
	all.Wait()
	return list
}

func cookieLine(c *webtest.Client) string {
	var cookies []string
	for _, cookie := range c.Cookies() {
		cookies = append(cookies, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(cookies, "; ")
}

// do sends a request, reads the answer to its end and returns its status and head.
func (h *house) do(req *http.Request) (int, http.Header, error) {
	// A network of a million addresses: the limits by address see no two alike.
	n := h.sent.Add(1)
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
	res, err := h.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header, err
}

// post sends a form as a browser does and wants to be led on.
func (h *house) post(path, cookie, body string) (location string, err error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, h.api.URL+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", h.api.URL)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Cookie", cookie)
	status, head, err := h.do(req)
	switch {
	case err != nil:
		return "", err
	case status == http.StatusServiceUnavailable:
		after, err := strconv.Atoi(head.Get("Retry-After"))
		return "", errors.Join(err, &crowdedError{time.Duration(after) * time.Second})
	case status != http.StatusSeeOther:
		return "", fmt.Errorf("%s: status %d", path, status)
	}
	return head.Get("Location"), nil
}

// submit sends the preview's form and returns when the application was accepted.
func (h *house) submit(a *applicant) error {
	location, err := h.post(world.SubmitPath, a.cookie, a.body)
	if err != nil {
		return err
	}
	a.id, err = uuid.FromString(strings.TrimPrefix(location, "/cards/"))
	return err
}

// submitAgain submits, and again when a refusal says so: as long as a crowd is before it.
func (h *house) submitAgain(a *applicant) error {
	for {
		err := h.submit(a)
		var crowded *crowdedError
		if !errors.As(err, &crowded) {
			return err
		}
		time.Sleep(crowded.after)
	}
}

// crowdedError is an answer of 503, which says when to come again.
type crowdedError struct{ after time.Duration }

func (e *crowdedError) Error() string { return fmt.Sprintf("come again in %s", e.after) }

// submitted submits and returns when PostgreSQL says that the card is issued.
func (h *house) submitted(a *applicant) error {
	if err := h.submit(a); err != nil {
		return err
	}
	for range 2000 {
		var state card.State
		if err := h.DB.QueryRow(context.Background(), "SELECT state FROM application WHERE id = $1", a.id).Scan(&state); err != nil {
			return err
		}
		if state == card.Ready {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("application %s was not issued", a.id)
}

// settle waits until nothing that an earlier round began is still under way.
func (h *house) settle() {
	h.Until("all messages are sent", func() bool {
		var n int
		err := h.DB.QueryRow(context.Background(), "SELECT count(*) FROM message WHERE state IN ('pending', 'sending')").Scan(&n)
		return err == nil && n == 0
	})
}

// shown is what an open page of a case adds to its address when it asks again.
var shown = regexp.MustCompile(`hx-get="[^"?]*(\?v=[^"]+)"`)

func (h *house) version(a *applicant) string {
	h.T.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, h.api.URL+"/cards/"+a.id.String(), nil)
	require.NoError(h.T, err)
	req.Header.Set("Cookie", a.cookie)
	res, err := h.client.Do(req)
	require.NoError(h.T, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(h.T, err)
	found := shown.FindSubmatch(body)
	require.NotNil(h.T, found, "the page does not ask again")
	return string(found[1])
}

// tokens reads what the cards' QR codes hold.
func (h *house) tokens(issued []*applicant) {
	h.T.Helper()
	for _, a := range issued {
		err := h.DB.QueryRow(context.Background(), "SELECT token FROM card WHERE application_id = $1", a.id).Scan(&a.token)
		require.NoError(h.T, err)
	}
}

// profiled runs a row, and meanwhile profiles the api where that was asked for.
func (h *house) profiled(row string, run func()) {
	h.T.Helper()
	if *profile == "" {
		run()
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	var saved sync.WaitGroup
	saved.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			res, err := http.Get("http://" + h.api.Ops + "/debug/pprof/profile?seconds=10")
			if err != nil {
				return
			}
			body, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			_ = os.WriteFile(filepath.Join(*profile, fmt.Sprintf("api-%s-%d.pprof", row, n)), body, 0o600)
		}
	})
	run()
	stop()
	saved.Wait()
}

// now is the machine's time, through the only place that reads it.
func now() time.Time { return clock.System{}.Now() }
