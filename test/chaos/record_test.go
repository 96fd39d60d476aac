package chaos_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"

	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/test/world"
	"volcard/workflows"
)

var record = flag.Bool("record", false, "record histories into workflows/testdata/histories")

// story is a case whose history is kept.
type story struct {
	name    string
	holder  string
	prepare func(t *testing.T, w *world.World) *world.Case
	steps   []decision
	end     card.State
}

// TestRecordHistories makes the files that workflows' replay test replays. It runs with -record
// only, on a release, and never replaces what an earlier release has recorded.
func TestRecordHistories(t *testing.T) {
	t.Parallel()
	if !*record {
		t.Skip("records with -record only")
	}
	w := world.Start(t, 100, map[string]string{
		"VOLCARD_SWEEP_AFTER": "1h", "VOLCARD_PICKUP_PERIOD": "1m", "VOLCARD_PICKUP_REMINDERS": "5s,10s",
		"VOLCARD_LAPSED_PERIOD": "1m", "VOLCARD_UNDO_WINDOW": "1m", "VOLCARD_BATCH_HOUR": farHour(),
	})
	w.Worker(nil)
	reviewer := w.Rows.Staff("赵审核", "reviewer")
	// Before the others: a freeze takes whatever waits.
	t.Run("production", func(t *testing.T) { tellProduction(t, w.On(t)) })
	t.Run("nightly-check", func(t *testing.T) { tellNight(t, w.On(t)) })
	other := w.At("街道口支行", 20)
	admin := w.Admin("省级管理员")
	// The serial belongs to the first branch, where the case is no longer.
	wrongBranch := func(ctx context.Context, p *workflows.Client, c *world.Case) error {
		if err := handOver(ctx, p, c); !fault.Is(err, fault.Forbidden) {
			return err
		}
		return nil
	}
	atOther := func(ctx context.Context, p *workflows.Client, c *world.Case) error {
		c.Branch, c.Clerk = other.Branch, other.Clerk
		c.Serial = w.Texts("SELECT serial FROM stock_card WHERE application_id = $1", c.ID)[0]
		return handOver(ctx, p, c)
	}
	leave := func(context.Context, *workflows.Client, *world.Case) error { return nil }
	for _, s := range []story{
		{name: "waiting", end: card.Ready},
		{name: "collected", steps: []decision{{card.Ready, handOver}, {card.Collected, handOver}}, end: card.Collected},
		{name: "undone-and-collected", steps: []decision{{card.Ready, handOver}, {card.Collected, takeBack}, {card.Ready, handOver}}, end: card.Collected},
		{name: "moved-and-collected", steps: []decision{{card.Ready, chooseBranch(other.Branch)}, {card.Ready, wrongBranch}, {card.Ready, atOther}}, end: card.Collected},
		{name: "lapsed-chosen-again-and-collected", steps: []decision{{card.Lapsed, chooseBranch(other.Branch)}, {card.Ready, atOther}}, end: card.Collected},
		{name: "reminded-lapsed-and-closed", steps: []decision{{card.Lapsed, leave}}, end: card.Closed},
		{name: "withdrawn", steps: []decision{{card.Ready, withdraw}}, end: card.Withdrawn},
		{name: "lapsed-and-withdrawn", steps: []decision{{card.Lapsed, withdraw}}, end: card.Withdrawn},
		{name: "held", holder: undrawable, end: card.Held},
		{name: "held-and-refused", holder: undrawable, steps: []decision{{card.Held, decideHeld(admin, false)}}, end: card.Refused},
		{name: "held-and-released", prepare: held, steps: []decision{{card.Held, decideHeld(admin, true)}}, end: card.Ready},
		{name: "regular-waiting", prepare: queued, end: card.Waiting},
		{name: "regular-approved-by-a-reviewer", prepare: doubtful, steps: []decision{{card.Reviewing, decidePhoto(reviewer, true)}}, end: card.Waiting},
		{
			name: "regular-refused-mended-and-approved", prepare: doubtful, steps: []decision{
				{card.Reviewing, decidePhoto(reviewer, false)}, {card.Mending, mend}, {card.Reviewing, decidePhoto(reviewer, true)},
			}, end: card.Waiting,
		},
		{name: "regular-reminded-and-given-up", prepare: mending(reviewer, 5*time.Second), steps: []decision{{card.Mending, leave}}, end: card.Refused},
		{
			name: "regular-changed-and-withdrawn", prepare: queued, steps: []decision{
				{card.Waiting, changeFace}, {card.Waiting, changePhone}, {card.Waiting, chooseBranch(other.Branch)}, {card.Waiting, withdraw},
			}, end: card.Withdrawn,
		},
		{name: "regular-overdue", prepare: overdue, steps: []decision{{card.Waiting, untilTold}, {card.Waiting, wake}}, end: card.Waiting},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			tell(t, w.On(t), s)
		})
	}
}

// tell lets a case go through its story to the end and writes its history.
func tell(t *testing.T, w *world.World, s story) {
	t.Helper()
	if s.prepare == nil {
		s.prepare = func(_ *testing.T, w *world.World) *world.Case {
			if s.holder == "" {
				s.holder = "王𠮷"
			}
			return w.Accepted(s.holder, world.Ago(0))
		}
	}
	c := s.prepare(t, w)
	process := w.Processes(world.Queue)
	require.NoError(t, process.StartCardApplication(t.Context(), c.ID))
	for _, step := range s.steps {
		w.WantState(c.ID, step.from)
		require.NoError(t, step.press(t.Context(), process, c))
	}
	w.WantState(c.ID, s.end)
	ends := !s.end.Live()
	w.Until("the history is whole", func() bool {
		run, err := w.Engine().DescribeWorkflowExecution(t.Context(), world.RunID(c.ID), "")
		return err == nil && run.GetPendingWorkflowTask() == nil && (run.GetWorkflowExecutionInfo().GetCloseTime() != nil) == ends
	})
	write(t, w, world.RunID(c.ID), s.name)
}

// write keeps the history of a process, unsealed: it holds nothing personal, and needs no key to be replayed.
func write(t *testing.T, w *world.World, workflowID, name string) {
	t.Helper()
	codec := workflows.Codec(w.Vault)
	history := w.History(workflowID)
	require.NoError(t, proxy.VisitPayloads(t.Context(), history, proxy.VisitPayloadsOptions{
		SkipSearchAttributes: true,
		Visitor: func(_ *proxy.VisitPayloadsContext, p []*commonpb.Payload) ([]*commonpb.Payload, error) {
			return codec.Decode(p)
		},
	}))
	b, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(history)
	require.NoError(t, err)
	day := clock.System{}.Now().In(clock.Shanghai).Format(time.DateOnly)
	path := filepath.Join("..", "..", "workflows", "testdata", "histories", name+"-"+day+".json")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	require.NoError(t, err, "what was recorded is never replaced")
	_, err = file.Write(append(b, '\n'))
	require.NoError(t, err)
	require.NoError(t, file.Close())
}

// overdue is a case whose promised day is over in a moment.
func overdue(t *testing.T, w *world.World) *world.Case {
	t.Helper()
	return w.AcceptedRegular(world.Regular{Verdict: "clear", At: world.Ago(time.Minute), Workday: pace(time.Minute)})
}

// untilTold waits until the holder was told that the card is late.
func untilTold(_ context.Context, _ *workflows.Client, c *world.Case) error {
	c.WantTold("card-overdue")
	return nil
}

// tellNight compares rows and processes, and reads the books, as every night.
func tellNight(t *testing.T, w *world.World) {
	t.Helper()
	const night = "nightly-check-recorded"
	_, err := w.Engine().ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: night, TaskQueue: world.Queue}, workflows.NightlyCheckType)
	require.NoError(t, err)
	wantEnd(t, w, night)
	write(t, w, night, "nightly-check")
}

// tellProduction brings two regular cases through a batch, one of them taken out of it, with the day that
// opened it and a calendar that changed meanwhile. It needs a working day.
func tellProduction(t *testing.T, w *world.World) {
	t.Helper()
	ctx := t.Context()
	process := w.Processes(world.Queue)
	made, rejected := queued(t, w), queued(t, w)
	for _, c := range []*world.Case{made, rejected} {
		require.NoError(t, process.StartCardApplication(ctx, c.ID))
		w.WantState(c.ID, card.Waiting)
	}
	require.NoError(t, process.StartCalendarChange(ctx))
	wantEnd(t, w, "calendar-change")
	_, err := w.DB.Exec(ctx, "UPDATE application SET design_hash = sha256('other') WHERE id = $1", rejected.ID)
	require.NoError(t, err)
	const day = "production-day-recorded"
	_, err = w.Engine().ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: day, TaskQueue: world.Queue}, workflows.ProductionDayType)
	require.NoError(t, err)
	wantEnd(t, w, day)
	w.WantState(rejected.ID, card.Mending)
	id := uuid.FromStringOrNil(w.Texts("SELECT id::text FROM batch")[0])
	toTheCounter(t, w, process, id, w.Rows.Staff("钱师傅", "factory"), made)
	wantEnd(t, w, workflows.ProductionBatchID(id))
	made.Serial = made.Number()
	for _, step := range []decision{{card.Ready, handOver}, {card.Collected, takeBack}, {card.Ready, handOver}} {
		require.NoError(t, press(ctx, w, process, made, []decision{step}))
	}
	w.WantState(made.ID, card.Collected)
	require.NoError(t, mend(ctx, process, rejected))
	wantEnd(t, w, world.RunID(made.ID))
	write(t, w, world.RunID(made.ID), "regular-made-undone-and-collected")
	write(t, w, world.RunID(rejected.ID), "regular-rejected-and-confirmed")
	write(t, w, workflows.ProductionBatchID(id), "production-batch")
	write(t, w, day, "production-day")
	write(t, w, "calendar-change", "calendar-change")
}
