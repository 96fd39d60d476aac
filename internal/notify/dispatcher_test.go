package notify_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
	"volcard/internal/notify"
	"volcard/internal/store"
	"volcard/internal/store/messagestore"
	"volcard/internal/store/storetest"
)

var (
	ctx = context.Background()
	at  = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)
)

// carrier is a gateway that counts what it is asked to send.
type carrier struct {
	mu     sync.Mutex
	sends  map[string]int // by DedupeID
	total  int
	answer func(notify.Request, int) error // nil: sent
	after  func()                          // called when a send is done, before its answer is seen
}

func (c *carrier) Send(_ context.Context, r notify.Request) (string, error) {
	c.mu.Lock()
	if c.sends == nil {
		c.sends = map[string]int{}
	}
	c.sends[r.DedupeID]++
	c.total++
	n, answer, after := c.sends[r.DedupeID], c.answer, c.after
	c.mu.Unlock()
	if after != nil {
		after()
	}
	if answer != nil {
		if err := answer(r, n); err != nil {
			return "", err
		}
	}
	return "receipt", nil
}

func (c *carrier) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

// teller is a carrier that can be asked.
type teller struct {
	*carrier
	found bool
	err   error
	asked int
}

func (t *teller) Receipt(context.Context, notify.Request, time.Time) (string, bool, error) {
	t.asked++
	return "traced", t.found, t.err
}

func (*teller) Lag() time.Duration { return 5 * time.Minute }

type bundle struct {
	*notify.Dispatcher
	store messagestore.Store
	now   *clock.Fake
	log   *bytes.Buffer
	t     *testing.T
}

func setup(t *testing.T, g notify.Gateway) *bundle {
	t.Helper()
	t.Parallel()
	now := clock.NewFake(at)
	s := messagestore.Store{DB: storetest.New(t), Vault: storetest.Vault(t), Clock: now}
	var log bytes.Buffer
	d := &notify.Dispatcher{Messages: s, Gateway: g, Clock: now, Log: slog.New(slog.NewJSONHandler(&log, nil)), Timeout: 5 * time.Second}
	return &bundle{d, s, now, &log, t}
}

func (b *bundle) enqueue(template string, n int) {
	b.t.Helper()
	tpl, _ := notify.Lookup(template)
	for range n {
		require.NoError(b.t, store.Enqueue(ctx, b.store.DB, b.store.Vault, store.Message{
			DedupeKey: uuid.Must(uuid.NewV7()).String(), Template: template, Phone: "13800000001",
			Params: map[string]string{"code": "123456", "branch": "演示支行", "until": "12月1日", "by": "12月1日", "from": "12月1日", "number": "A1", "what": "修改了密码"},
			Urgent: tpl.Once, At: b.now.Now(),
		}))
	}
}

func (b *bundle) passTo(t time.Time) { b.now.Advance(t.Sub(b.now.Now())) }

func (b *bundle) round() int {
	b.t.Helper()
	n, err := b.Once(ctx)
	require.NoError(b.t, err)
	return n
}

// states counts the messages by state.
func (b *bundle) states() map[string]int {
	b.t.Helper()
	rows, err := b.store.DB.Query(ctx, "SELECT state, count(*) FROM message GROUP BY state")
	require.NoError(b.t, err)
	defer rows.Close()
	got := map[string]int{}
	for rows.Next() {
		var s string
		var n int
		require.NoError(b.t, rows.Scan(&s, &n))
		got[s] = n
	}
	return got
}

var (
	unknown  = func(notify.Request, int) error { return &notify.SendError{Outcome: notify.Unknown, Code: "no answer"} }
	refused  = func(notify.Request, int) error { return &notify.SendError{Outcome: notify.Refused, Code: "busy"} }
	hopeless = func(notify.Request, int) error {
		return &notify.SendError{Outcome: notify.Refused, Permanent: true, Code: "no such number"}
	}
)

// T38: four dispatchers, 200 messages, each is sent once, and an event told again sends nothing.
func TestEachMessageIsSentOnce(t *testing.T) {
	c := &carrier{}
	b := setup(t, c)
	b.enqueue("card-ready", 200)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				n, err := b.Once(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				if n == 0 {
					return
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, map[string]int{"sent": 200}, b.states())
	require.Len(t, c.sends, 200)
	require.Equal(t, 200, c.total)

	again := store.Message{DedupeKey: "case:ready:person", Template: "withdrawn", Phone: "13800000001", Params: map[string]string{"number": "A1"}, At: at}
	for range 100 {
		require.NoError(t, store.Enqueue(ctx, b.store.DB, b.store.Vault, again))
	}
	for b.round() > 0 {
	}
	require.Equal(t, 201, c.total)
}

func TestCodeOfUnknownOutcomeIsNeverSentAgain(t *testing.T) {
	c := &teller{carrier: &carrier{answer: unknown}}
	b := setup(t, c)
	b.enqueue("code-register", 1)
	b.round()
	require.Equal(t, map[string]int{"failed": 1}, b.states())
	b.now.Advance(time.Hour)
	require.Zero(t, b.round())
	require.Equal(t, 1, c.count())
	require.Zero(t, c.asked)
	require.Contains(t, b.log.String(), `"alarm":true`)
}

func TestCodeIsForgottenOnceItIsSent(t *testing.T) {
	b := setup(t, &carrier{})
	b.enqueue("code-register", 1)
	b.enqueue("card-ready", 1)
	b.round()
	rows, err := b.store.DB.Query(ctx, "SELECT template, params FROM message ORDER BY template")
	require.NoError(t, err)
	defer rows.Close()
	got := map[string]string{}
	for rows.Next() {
		var template string
		var sealed []byte
		require.NoError(t, rows.Scan(&template, &sealed))
		got[template], err = b.store.Vault.UnsealString(sealed, store.LabelMessageParams)
		require.NoError(t, err)
	}
	require.Equal(t, "{}", got["code-register"])
	require.Contains(t, got["card-ready"], "123456")
	require.NotContains(t, b.log.String(), "123456")
	require.NotContains(t, b.log.String(), "13800000001")
}

func TestLateCodeIsNotSent(t *testing.T) {
	c := &carrier{}
	b := setup(t, c)
	b.enqueue("code-reset", 1)
	b.enqueue("card-ready", 1)
	b.now.Advance(4*time.Minute + time.Second)
	b.round()
	require.Equal(t, map[string]int{"failed": 1, "sent": 1}, b.states())
	require.Equal(t, 1, c.count())
}

func TestRefusedCodeIsTriedAFewTimes(t *testing.T) {
	c := &carrier{answer: func(r notify.Request, n int) error {
		if n < 3 {
			return refused(r, n)
		}
		return nil
	}}
	b := setup(t, c)
	b.enqueue("code-register", 1)
	b.round()
	require.Zero(t, b.round(), "not before the pause")
	b.now.Advance(2 * time.Second)
	b.round()
	b.now.Advance(8 * time.Second)
	b.round()
	require.Equal(t, map[string]int{"sent": 1}, b.states())
	require.Equal(t, 3, c.count())
}

func TestRefusedNoticeIsGivenUpAfterHours(t *testing.T) {
	c := &carrier{answer: refused}
	b := setup(t, c)
	b.enqueue("card-ready", 1)
	var passed time.Duration
	for range 100 {
		b.round()
		b.now.Advance(time.Minute)
		passed += time.Minute
		if b.states()["failed"] == 1 {
			break
		}
		b.now.Advance(9 * time.Minute)
		passed += 9 * time.Minute
	}
	require.Equal(t, map[string]int{"failed": 1}, b.states())
	require.Equal(t, 9, c.count())
	require.Greater(t, passed, 2*time.Hour)
	require.Contains(t, b.log.String(), "given up")
}

func TestHopelessNoticeIsGivenUpAtOnce(t *testing.T) {
	b := setup(t, &carrier{answer: hopeless})
	b.enqueue("card-ready", 1)
	b.enqueue("no-such-template", 1)
	b.round()
	require.Equal(t, map[string]int{"failed": 2}, b.states())
}

func TestNoticeOfUnknownOutcomeAsksFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		found bool
		err   error
		sends int
		state string
	}{
		"the gateway has it":     {true, nil, 1, "sent"},
		"the gateway has it not": {false, nil, 2, "sent"},
		"the gateway is away":    {false, context.DeadlineExceeded, 1, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			g := &teller{carrier: &carrier{}, found: c.found, err: c.err}
			g.answer = func(r notify.Request, n int) error {
				if n == 1 {
					return unknown(r, n)
				}
				return nil
			}
			b := setup(t, g)
			b.enqueue("card-ready", 1)
			b.round()
			require.Equal(t, map[string]int{"unknown": 1}, b.states())
			require.Zero(t, b.round(), "the gateway gets its time")
			b.now.Advance(5 * time.Minute)
			b.round()
			b.round()
			require.Equal(t, map[string]int{c.state: 1}, b.states())
			require.Equal(t, c.sends, g.count())
			require.Equal(t, 1, g.asked)
			if c.err != nil {
				b.now.Advance(25 * time.Hour)
				b.round()
				require.Equal(t, map[string]int{"failed": 1}, b.states(), "not for ever")
			}
		})
	}
}

func TestGatewayThatCannotBeAsked(t *testing.T) {
	c := &carrier{answer: unknown}
	b := setup(t, c)
	b.enqueue("card-ready", 1)
	b.round()
	b.round()
	require.Equal(t, map[string]int{"failed": 1}, b.states(), "better one too few than two")
	require.Equal(t, 1, c.count())
}

// A dispatcher dies between the send and its mark.
func TestCrashAfterTheSend(t *testing.T) {
	g := &teller{carrier: &carrier{}, found: true}
	b := setup(t, g)
	b.enqueue("card-ready", 1)
	b.enqueue("code-register", 1)
	claimed, err := b.store.Claim(ctx, 10, time.Minute)
	require.NoError(t, err)
	codes, err := b.store.ClaimUrgent(ctx, 10, time.Minute)
	require.NoError(t, err)
	claimed = append(claimed, codes...)
	require.Len(t, claimed, 2)
	for _, m := range claimed {
		_, err := g.Send(ctx, notify.Request{DedupeID: m.ID.String()})
		require.NoError(t, err)
	}
	require.Zero(t, b.round(), "the lease keeps others away")
	b.now.Advance(time.Minute)
	b.round()
	require.Equal(t, map[string]int{"unknown": 2}, b.states())
	b.now.Advance(5 * time.Minute)
	b.round()
	require.Equal(t, map[string]int{"sent": 1, "failed": 1}, b.states(), "the notice was found, the code is not tried again")
	require.Equal(t, 2, g.count())

	// The one that was thought dead comes back and reports: a fact is a fact.
	for _, m := range claimed {
		require.NoError(t, b.store.Sent(ctx, m, "late", false))
	}
	require.Equal(t, map[string]int{"sent": 2}, b.states())
}

func TestZombieCannotOverruleItsSuccessor(t *testing.T) {
	b := setup(t, &teller{carrier: &carrier{}})
	b.enqueue("card-ready", 1)
	old, err := b.store.Claim(ctx, 1, time.Minute)
	require.NoError(t, err)
	b.now.Advance(time.Minute)
	b.round() // lost
	b.now.Advance(5 * time.Minute)
	b.round() // not found at the gateway: due again, and sent by this round's claim
	require.Equal(t, map[string]int{"sent": 1}, b.states())
	require.NoError(t, b.store.GiveUp(ctx, old[0], "late", false))
	require.NoError(t, b.store.Postpone(ctx, old[0], 0, "late"))
	require.NoError(t, b.store.Doubt(ctx, old[0], 0, "late"))
	require.NoError(t, b.store.Release(ctx, old[0]))
	require.Equal(t, map[string]int{"sent": 1}, b.states())
}

func TestStoppingFinishesWhatItSends(t *testing.T) {
	stop, cancel := context.WithCancel(ctx)
	c := &carrier{after: cancel}
	b := setup(t, c)
	b.enqueue("card-ready", 30)
	_, err := b.Once(stop)
	require.NoError(t, err)
	states := b.states()
	require.Zero(t, states["sending"], "nothing is left in the dark")
	require.Equal(t, c.count(), states["sent"])
	require.Equal(t, 30, states["sent"]+states["pending"])
	require.Less(t, c.count(), 30)
	var attempts int
	require.NoError(t, b.store.DB.QueryRow(ctx, "SELECT max(attempts) FROM message WHERE state = 'pending'").Scan(&attempts))
	require.Zero(t, attempts, "what was not tried does not count")
}

func TestRunUntilStopped(t *testing.T) {
	stop, cancel := context.WithCancel(ctx)
	sent := make(chan struct{}, 100)
	c := &carrier{after: func() { sent <- struct{}{} }}
	b := setup(t, c)
	b.enqueue("card-ready", 45)
	var wg sync.WaitGroup
	wg.Go(func() { b.Run(stop) })
	for range 45 {
		<-sent
	}
	cancel()
	wg.Wait()
	require.Equal(t, map[string]int{"sent": 45}, b.states())
}

// A mass event queues thousands of notices, and the gateway is slow: whoever registers meanwhile gets the code.
func TestCodesPassTheBacklog(t *testing.T) {
	stop, cancel := context.WithCancel(ctx)
	slow, busy, code := make(chan struct{}), make(chan struct{}, 200), make(chan string, 1)
	c := &carrier{answer: func(r notify.Request, _ int) error {
		if r.Template != "promise-moved" {
			code <- r.Template
			return nil
		}
		busy <- struct{}{}
		<-slow
		return nil
	}}
	b := setup(t, c)
	b.enqueue("promise-moved", 200)
	var wg sync.WaitGroup
	wg.Go(func() { b.Run(stop) })
	<-busy
	b.enqueue("code-register", 1)
	require.Equal(t, "code-register", <-code)
	require.Positive(t, b.states()["pending"])
	cancel()
	close(slow)
	wg.Wait()
}

// Notices that answer nothing the person has just done wait for the morning, and are not late meanwhile.
func TestNightsAreQuiet(t *testing.T) {
	c := &carrier{}
	b := setup(t, c)
	b.Quiet = true
	night := time.Date(2026, 11, 23, 23, 59, 59, 0, clock.Shanghai)
	b.passTo(night)
	b.enqueue("card-lapsed", 3)
	b.enqueue("card-collected", 1)
	b.enqueue("code-reset", 1)
	for b.round() > 0 {
	}
	require.Equal(t, map[string]int{"sent": 2, "pending": 3}, b.states())
	for _, now := range []time.Time{night.Add(time.Hour), time.Date(2026, 11, 24, 7, 59, 59, 0, clock.Shanghai)} {
		b.passTo(now)
		require.Zero(t, b.round())
		backlog, err := b.store.Backlog(ctx, 10*time.Minute)
		require.NoError(t, err)
		require.Equal(t, messagestore.Backlog{Pending: 3}, backlog)
	}
	b.passTo(time.Date(2026, 11, 24, 8, 0, 0, 0, clock.Shanghai))
	b.round()
	require.Equal(t, map[string]int{"sent": 5}, b.states())
	require.Equal(t, 5, c.count())

	// A morning at which nobody sends is an alarm.
	b.enqueue("card-reminder", 1)
	b.passTo(time.Date(2026, 11, 24, 20, 59, 59, 0, clock.Shanghai))
	backlog, err := b.store.Backlog(ctx, 10*time.Minute)
	require.NoError(t, err)
	require.Equal(t, 1, backlog.Overdue)
	b.round()
	require.Equal(t, map[string]int{"sent": 6}, b.states(), "just before the evening")

	// What a demonstration shows is seen at once.
	b.Quiet = false
	b.passTo(time.Date(2026, 11, 24, 22, 0, 0, 0, clock.Shanghai))
	b.enqueue("card-lapsed", 1)
	b.round()
	require.Equal(t, map[string]int{"sent": 7}, b.states())
}

func TestSealedWithALostKey(t *testing.T) {
	c := &carrier{}
	b := setup(t, c)
	b.enqueue("card-ready", 1)
	lost := b.store
	lost.Vault = storetest.Vault(t)
	require.NoError(t, store.Enqueue(ctx, lost.DB, lost.Vault, store.Message{DedupeKey: "x", Template: "withdrawn", Phone: "1", At: at}))
	b.round()
	require.Equal(t, map[string]int{"sent": 1, "failed": 1}, b.states(), "it keeps nobody else back")
}

func TestBacklogAndMetrics(t *testing.T) {
	c := &carrier{answer: hopeless}
	b := setup(t, c)
	reg := prometheus.NewRegistry()
	m, err := notify.NewMetrics(reg)
	require.NoError(t, err)
	_, err = notify.NewMetrics(reg)
	require.Error(t, err)
	b.Metrics = m
	b.enqueue("card-ready", 2)
	b.round()
	b.enqueue("card-ready", 3)
	b.now.Advance(20 * time.Minute)
	b.enqueue("card-ready", 1)
	got, err := b.store.Backlog(ctx, 10*time.Minute)
	require.NoError(t, err)
	require.Equal(t, messagestore.Backlog{Pending: 4, Failed: 2, Overdue: 3, Oldest: 20 * time.Minute}, got)
	n, err := testutil.GatherAndCount(reg, "volcard_messages_total")
	require.NoError(t, err)
	require.Equal(t, 2, n, "refused and failed of one template")
	b.now.Advance(24 * time.Hour)
	got, err = b.store.Backlog(ctx, 10*time.Minute)
	require.NoError(t, err)
	require.Zero(t, got.Failed)
}

func TestOutbox(t *testing.T) {
	b := setup(t, nil)
	box := messagestore.Outbox{Store: b.store}
	g, err := notify.New(notify.Config{Gateway: "outbox"}, box, b.now)
	require.NoError(t, err)
	b.Gateway = g
	b.enqueue("code-register", 1)
	b.enqueue("card-ready", 1)
	b.round()
	require.Equal(t, map[string]int{"sent": 2}, b.states())
	list, err := box.Recent(ctx, 10)
	require.NoError(t, err)
	require.Len(t, list, 2)
	bodies := fmt.Sprint(list[0].Body, list[1].Body)
	require.Contains(t, bodies, "验证码123456，用于注册")
	require.Contains(t, bodies, "演示支行")
	require.Equal(t, "13800000001", list[0].Phone)
	var raw string
	require.NoError(t, b.store.DB.QueryRow(ctx, "SELECT to_jsonb(o)::text FROM outbox_page o LIMIT 1").Scan(&raw))
	require.NotContains(t, raw, "13800000001")

	// Twice is once, and the page can tell.
	r := notify.Request{Phone: "13800000002", Template: "withdrawn", Params: map[string]string{"number": "A1"}, DedupeID: uuid.Must(uuid.NewV7()).String()}
	_, found, err := g.(notify.Teller).Receipt(ctx, r, at)
	require.NoError(t, err)
	require.False(t, found)
	for range 3 {
		_, err = g.Send(ctx, r)
		require.NoError(t, err)
	}
	_, found, err = g.(notify.Teller).Receipt(ctx, r, at)
	require.NoError(t, err)
	require.True(t, found)
	list, err = box.Recent(ctx, 1000)
	require.NoError(t, err)
	require.Len(t, list, 3)
	for _, bad := range []notify.Request{{Template: "nothing"}, {Template: "withdrawn"}, {Template: "withdrawn", Params: r.Params, DedupeID: "x"}} {
		_, err = g.Send(ctx, bad)
		require.Error(t, err)
	}
	n, err := box.Sweep(ctx, 10)
	require.NoError(t, err)
	require.Zero(t, n)
	b.now.Advance(8 * 24 * time.Hour)
	n, err = box.Sweep(ctx, 10)
	require.NoError(t, err)
	require.EqualValues(t, 3, n)
}
