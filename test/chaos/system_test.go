package chaos_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/credential"
	"volcard/internal/store/keystore"
	"volcard/test/world"
)

// The shape of production as plain processes: two apis, two workers, Temporal and PostgreSQL apart.
// What happens to it on a bad day happens here one after the other, on one system.
func TestProductionShape(t *testing.T) {
	w := world.Start(t, 200, nil)
	s := &shape{workers: [2]*world.Proc{w.Worker(nil), w.Worker(nil)}, apis: [2]*world.Proc{w.API(nil), w.API(nil)}}
	for _, step := range []struct {
		name string
		test func(*testing.T, *world.World)
	}{
		{"a worker is killed while people apply and collect", s.workerKilled},
		{"an api is asked to stop under load", s.gracefulStop},
		{"fifty clerks hand over one card", s.oneCardFiftyClerks},
		{"five hundred want the last card", s.lastCard},
		{"a process is started again and again", startedAgain},
		{"a card is withdrawn", s.cardWithdrawn},
		{"the nightly check mends and names", s.nightlyCheck},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.test(t, w.On(t)) }) {
			return
		}
	}
	t.Run("the auditor's command", func(t *testing.T) { auditCommand(t, w.On(t)) })
}

type shape struct {
	workers, apis [2]*world.Proc
}

// apply makes people and lets them submit, half of them at each api.
func (s *shape) apply(w *world.World, people int) []uuid.UUID {
	w.T.Helper()
	env := w.Web(s.apis[0])
	ids := make([]uuid.UUID, people)
	for i := range ids {
		ids[i] = w.Somebody(env).SubmitAt(w, s.apis[i%2])
	}
	return ids
}

func (s *shape) workerKilled(t *testing.T, w *world.World) {
	t.Helper()
	first := s.apply(w, 10)
	s.workers[0].Kill()
	second := s.apply(w, 10)
	for i, id := range append(first, second...) {
		w.WantState(id, card.Ready)
		// The clerk works at the api at which the applicant was not.
		at := s.apis[(i+1)%2]
		page := w.Web(at).Clerk(w.Clerk, w.Branch).Still().Post("/branch/cases/"+id.String(), handOverForm(w, id, ""))
		page.Want(http.StatusSeeOther)
		require.Equal(t, card.Collected, w.State(id))
	}
	s.workers[0].Start()
	s.workers[0].Ready()
	w.WantEveryCaseHasItsProcess()
	w.WantCleanBooks()
}

// handOverForm is what the clerk's page sends; the reserved card where no serial is given.
func handOverForm(w *world.World, id uuid.UUID, serial string) url.Values {
	w.T.Helper()
	if serial == "" {
		serial = w.Texts("SELECT serial FROM stock_card WHERE application_id = $1", id)[0]
	}
	var sealed []byte
	require.NoError(w.T, w.DB.QueryRow(context.Background(), `
		SELECT p.id_number FROM application a JOIN person p ON p.id = a.person_id WHERE a.id = $1`, id).Scan(&sealed))
	number, err := w.Vault.UnsealString(sealed, "person.id_number")
	require.NoError(w.T, err)
	return url.Values{"tail": {number[len(number)-4:]}, "serial": {serial}}
}

func (s *shape) gracefulStop(t *testing.T, w *world.World) {
	t.Helper()
	const crowd = 80
	stopping, staying := s.apis[0], s.apis[1]
	env := w.Web(staying)
	people := make([]*world.Applicant, crowd)
	for i := range people {
		people[i] = w.Somebody(env)
	}
	before := w.Count("SELECT count(*) FROM application")
	book := newBook()
	arrived := make(chan struct{})
	var once sync.Once
	var rush sync.WaitGroup
	for i, a := range people {
		rush.Go(func() {
			if i%2 == 1 {
				<-arrived // these come while it is already stopping
			}
			if book.press(a, stopping) {
				once.Do(func() {
					stopping.Terminate()
					close(arrived)
				})
			}
		})
	}
	rush.Wait()
	stopping.WantEnd()
	require.Empty(t, book.odd)
	t.Logf("%d of %d were answered before the end", len(book.said), crowd)
	require.Equal(t, len(book.said), w.Count("SELECT count(*) FROM application")-before, "no request was accepted and not answered")
	for _, a := range people {
		require.True(t, book.insist(a, 1, staying))
	}
	require.Len(t, book.said, crowd)
	for id := range book.said {
		w.WantState(id, card.Ready)
	}
	stopping.Start()
	stopping.Ready()
	w.WantCleanBooks()
}

// oneCardFiftyClerks: one hand-over, and everybody else reads who, when and where.
func (s *shape) oneCardFiftyClerks(t *testing.T, w *world.World) {
	t.Helper()
	const clerks = 50
	w = w.At("街道口支行", clerks)
	id := s.apply(w, 1)[0]
	w.WantState(id, card.Ready)
	form := handOverForm(w, id, "-")
	desks := make([]*webtest.Client, clerks)
	for i := range desks {
		desks[i] = w.Web(s.apis[i%2]).Clerk(w.Rows.Clerk("郑洁", w.Branch), w.Branch).Still()
	}
	answers := make([]answer, clerks)
	var rush sync.WaitGroup
	for i, desk := range desks {
		rush.Go(func() {
			mine := url.Values{"tail": form["tail"], "serial": {w.Serials[i]}}
			var err error
			if answers[i], err = post(desk, s.apis[i%2].URL+"/branch/cases/"+id.String(), mine); err != nil {
				answers[i].body = err.Error()
			}
		})
	}
	rush.Wait()
	done := 0
	for _, a := range answers {
		if a.status == http.StatusSeeOther {
			done++
			continue
		}
		require.Equal(t, http.StatusConflict, a.status, a.body)
		require.Contains(t, a.body, "由郑洁在本网点")
		require.Contains(t, a.body, "不能重复领取")
	}
	require.Equal(t, 1, done)
	require.Equal(t, 1, w.Count("SELECT count(*) FROM hand_over WHERE application_id = $1", id))
	require.Equal(t, []string{"submit", "issue", "hand-over"}, w.Moves(id))
	w.WantCleanBooks()
}

// answer is what a plain request got.
type answer struct {
	status         int
	location, body string
}

// post sends a form with a browser's cookies, beside the test's goroutine.
func post(c *webtest.Client, target string, form url.Values) (answer, error) {
	req, err := http.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	origin, err := url.Parse(target)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", origin.Scheme+"://"+origin.Host)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, cookie := range c.Cookies() {
		req.AddCookie(cookie)
	}
	once := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := once.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header.Get("Location"), string(b)}, err
}

// lastCard: one is accepted, everybody else is told so at once, and nobody sees a failure.
func (s *shape) lastCard(t *testing.T, w *world.World) {
	t.Helper()
	const crowd = 500
	w = w.At("江汉路支行", 1)
	env := w.Web(s.apis[0])
	people := make([]*world.Applicant, crowd)
	var making sync.WaitGroup
	for part := range 8 {
		making.Go(func() {
			for i := part; i < crowd; i += 8 {
				people[i] = w.Somebody(env)
			}
		})
	}
	making.Wait()
	require.False(t, slices.Contains(people, nil))
	answers := make([]answer, crowd)
	var rush sync.WaitGroup
	for i, a := range people {
		rush.Go(func() {
			world.Insist(func() bool { // a slow machine tells some of the crowd to come again
				var err error
				if answers[i], err = post(a.Client, s.apis[i%2].URL+world.SubmitPath, a.Form()); err != nil {
					answers[i].body = err.Error()
				}
				return answers[i].status != http.StatusServiceUnavailable
			})
		})
	}
	rush.Wait()
	accepted := 0
	for _, a := range answers {
		if a.status == http.StatusSeeOther {
			accepted++
			continue
		}
		require.Equal(t, http.StatusUnprocessableEntity, a.status, a.body)
		require.Contains(t, a.body, "所选网点的通用版卡片刚刚领完，请另选一个网点。")
	}
	require.Equal(t, 1, accepted)
	require.Equal(t, 1, w.Count("SELECT count(*) FROM application WHERE branch_id = $1", w.Branch))
	w.Until("the one has a card", func() bool {
		return w.Count("SELECT count(*) FROM application WHERE branch_id = $1 AND state = 'ready'", w.Branch) == 1
	})
	w.WantEveryCaseHasItsProcess()
	w.WantCleanBooks()
}

// cardWithdrawn: as soon as its holder has withdrawn, the page behind the QR and the signed list say so (T11), whichever
// api is asked.
func (s *shape) cardWithdrawn(t *testing.T, w *world.World) {
	t.Helper()
	a := w.Somebody(w.Web(s.apis[0]))
	id := a.SubmitAt(w, s.apis[0])
	w.WantState(id, card.Ready)
	token := w.Texts("SELECT token FROM card WHERE application_id = $1", id)[0]
	number := w.Texts("SELECT number FROM card WHERE application_id = $1", id)[0]
	ring := credential.NewKeyring(keystore.Store{DB: w.DB, Vault: w.Vault, Clock: clock.System{}})
	require.NoError(t, ring.Refresh(t.Context()))
	listed := func(at *world.Proc) string {
		t.Helper()
		_, _, status, err := ring.ReadStatusList(w.Web(at).Client().Get("/.well-known/volcard/status-list").Want(http.StatusOK).Body)
		require.NoError(t, err)
		listed, ok := status(number)
		require.True(t, ok)
		return listed
	}
	for _, api := range s.apis {
		w.Web(api).Client().Get("/v/" + token).Want(http.StatusOK).Has(".verdict[data-status=valid]")
		require.Empty(t, listed(api))
	}
	page := "/cards/" + id.String()
	require.Equal(t, page, a.Client.Post(page+"/withdraw", nil).Want(http.StatusSeeOther).Location())
	for _, api := range s.apis {
		w.Web(api).Client().Get("/v/" + token).Want(http.StatusOK).Has(".verdict[data-status=cancelled]")
		w.Until("the list says so", func() bool { return listed(api) == "cancelled" })
	}
}

// startedAgain: a case has one run, whoever starts it how often, and none after it has ended.
func startedAgain(t *testing.T, w *world.World) {
	t.Helper()
	process := w.Processes(world.Queue)
	c := w.Accepted("王𠮷", world.Ago(0))
	run := func() *workflowpb.WorkflowExecutionInfo {
		t.Helper()
		now, err := w.Engine().DescribeWorkflowExecution(t.Context(), world.RunID(c.ID), "")
		require.NoError(t, err)
		return now.GetWorkflowExecutionInfo()
	}
	var starts sync.WaitGroup
	failed := make(chan error, 5)
	for range cap(failed) {
		starts.Go(func() { failed <- process.StartCardApplication(t.Context(), c.ID) })
	}
	starts.Wait()
	for range cap(failed) {
		require.NoError(t, <-failed)
	}
	w.WantState(c.ID, card.Ready)
	first := run().GetExecution().GetRunId()
	require.NoError(t, process.StartCardApplication(t.Context(), c.ID))
	require.Equal(t, first, run().GetExecution().GetRunId(), "while it runs")
	// The server had nothing to add to what it was told at the start, so that it wrote once (workflows/build.go).
	builds := run().GetSearchAttributes().GetIndexedFields()["BuildIds"]
	require.JSONEq(t, `["unversioned", "unversioned:volcard"]`, string(builds.GetData()))

	require.NoError(t, withdraw(t.Context(), process, c))
	w.Until("it has ended", func() bool { return run().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED })
	require.NoError(t, process.StartCardApplication(t.Context(), c.ID))
	require.Equal(t, first, run().GetExecution().GetRunId(), "after it has ended")
	require.Equal(t, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, run().GetStatus())
	require.Equal(t, []string{"submit", "issue", "withdraw"}, w.Moves(c.ID))
}

// nightlyCheck: a row whose process was terminated gets one again; a process whose row has ended
// behind its back is named.
func (s *shape) nightlyCheck(t *testing.T, w *world.World) {
	t.Helper()
	ctx := t.Context()
	process := w.Processes(world.Queue)
	none, err := process.RunNightlyCheck(ctx)
	require.NoError(t, err)
	require.Zero(t, none.Cases+none.Books, w.Texts("SELECT findings::text FROM check_report ORDER BY at DESC LIMIT 2"))

	// Old enough to count: what moved a moment ago may be on either side of its move. No sweeper may
	// see them meanwhile.
	for _, p := range s.workers {
		p.Stop()
	}
	orphan, ended := w.Accepted("王𠮷", world.Ago(time.Hour)), w.Accepted("王𠮷", world.Ago(time.Hour))
	for _, c := range []*world.Case{orphan, ended} {
		_, err := c.Later(time.Minute).Process(card.DefaultTerms()).Issue(ctx, c.ID)
		require.NoError(t, err)
		require.NoError(t, process.StartCardApplication(ctx, c.ID))
	}
	for _, p := range s.workers {
		p.Start()
		p.Ready()
	}
	w.WantEveryCaseHasItsProcess()
	require.NoError(t, w.Engine().TerminateWorkflow(ctx, world.RunID(orphan.ID), "", "a test"))
	_, err = ended.Later(20*time.Minute).Process(card.DefaultTerms()).Withdraw(ctx, ended.ID, ended.Person)
	require.NoError(t, err)
	running := func(id uuid.UUID) bool {
		list, err := process.RunningCases(ctx)
		return err == nil && list[id]
	}
	w.Until("it is terminated", func() bool { return !running(orphan.ID) })
	w.Until("their messages, due an hour ago, are sent", func() bool {
		return w.Count("SELECT count(*) FROM message WHERE state <> 'sent' AND person_id IN ($1, $2)", orphan.Person, ended.Person) == 0
	})

	out, code := w.Run("admin", "check")
	require.Equal(t, 1, code, out)
	require.Contains(t, out, "2 differences; books: 0 findings", w.Texts("SELECT findings::text FROM check_report WHERE name = 'audit' ORDER BY at DESC LIMIT 1"))
	report := strings.Join(w.Texts("SELECT findings::text FROM check_report WHERE name = 'compare-cases' ORDER BY at DESC LIMIT 1"), "")
	require.Contains(t, report, "application "+orphan.ID.String()+" had no process, one was started")
	require.Contains(t, report, "process of application "+ended.ID.String()+" ran, but its row has ended")
	w.Until("it has a process again", func() bool { return running(orphan.ID) })
	require.Equal(t, []string{"submit", "issue"}, w.Moves(orphan.ID), "the new process begins where the old one stood")
	w.Until("the other one is ended", func() bool { return !running(ended.ID) })
	out, code = w.Run("admin", "check")
	require.Equal(t, 0, code, out)
}

// auditCommand: clean books end with 0, a planted fault with 1 and the row's name.
func auditCommand(t *testing.T, w *world.World) {
	t.Helper()
	out, code := w.Run("audit")
	require.Equal(t, 0, code, out)
	require.Contains(t, out, "nothing found")
	asSuperuser(w, "DELETE FROM stock_entry WHERE id = (SELECT id FROM stock_entry WHERE branch_id = $1 AND kind = 'reserve' LIMIT 1)", w.Branch)
	out, code = w.Run("audit")
	require.Equal(t, 1, code, out)
	require.Contains(t, out, "stock that differs from its ledger: branch "+w.Branch.String())
	process := w.Processes(world.Queue)
	result, err := process.RunNightlyCheck(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, result.Books)
}
