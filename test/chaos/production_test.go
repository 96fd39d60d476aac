package chaos_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"volcard/internal/batch"
	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/killpoint"
	"volcard/test/world"
	"volcard/workflows"
)

// making is one row of the matrix: a batch of two cards goes all its way, and dies at one deed of it.
type making struct {
	activity string
	variant  string
	reject   bool // of one card other content is found than was confirmed
	early    bool // the factory says "shipped" before "printed"
	parts    bool // it tells of its progress: it can die in the middle
}

// factory is who acts in a batch's life beside the processes.
type factory struct {
	staff uuid.UUID
	// queue is held while cards of a cell wait: a freeze takes whatever waits.
	queue *sync.Mutex
}

// The process dies at every point of every deed of a batch; another one takes over. In the end each card
// was made once, and its holder told once.
func TestKillPointsOfProduction(t *testing.T) {
	w := world.Start(t, 0, map[string]string{
		"VOLCARD_SWEEP_AFTER": "1h", "VOLCARD_DATABASE_MAX_CONNS": "4", "VOLCARD_SMS_TIMEOUT": "1s", "VOLCARD_BATCH_HOUR": farHour(),
	})
	// Nothing waits during these, so that no day opens a batch.
	t.Run("days", func(t *testing.T) {
		for _, point := range killpoint.Points() {
			for _, activity := range ofDays() {
				t.Run(activity+"/"+point, func(t *testing.T) {
					t.Parallel()
					killedDay(t, w.On(t), activity, point)
				})
			}
			for _, activity := range ofChecks() {
				t.Run(activity+"/"+point, func(t *testing.T) {
					t.Parallel()
					killedCheck(t, w.On(t), activity, point)
				})
			}
		}
	})
	f := &factory{staff: w.Rows.Staff("钱师傅", "factory"), queue: &sync.Mutex{}}
	t.Run("batches", func(t *testing.T) {
		for _, row := range makings() {
			points := killpoint.Points()
			if row.parts {
				points = append(points, "inside")
			}
			for _, point := range points {
				t.Run(row.activity+row.variant+"/"+point, func(t *testing.T) {
					t.Parallel()
					killedBatch(t, w.On(t), f, row, point)
				})
			}
		}
	})
	w.Worker(nil) // takes over what the killed dispatchers held
}

func makings() []making {
	return []making{
		{activity: "FreezeBatch"},
		{activity: "RenderFile", parts: true},
		{activity: "RenderFile", variant: "reject", reject: true},
		{activity: "FinishBatch"},
		{activity: "LookAtBatch", early: true},
		{activity: "ReportPrinted"},
		{activity: "ReportShipped"},
		{activity: "ConfirmArrival"},
		{activity: "WakeParcel", parts: true},
		{activity: "DropFiles"},
	}
}

// The deeds that belong to no batch and to no case.
func ofDays() []string   { return []string{"LookAtDay", "RecomputePromises"} }
func ofChecks() []string { return []string{"CompareCases", "AuditBooks"} }

// wantEnd waits until a process has ended well.
func wantEnd(t *testing.T, w *world.World, id string) {
	t.Helper()
	w.Until(id+" has ended", func() bool {
		run, err := w.Engine().DescribeWorkflowExecution(t.Context(), id, "")
		return err == nil && run.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	})
	w.WantProcessReplayable(id)
}

// killedDay: a promise was made by another calendar than the one in force, and the day's first deeds are done
// by a process that dies.
func killedDay(t *testing.T, w *world.World, activity, point string) {
	t.Helper()
	queue := activity + "-" + point
	victim := w.Worker(map[string]string{"VOLCARD_TEMPORAL_TASK_QUEUE": queue, "VOLCARD_TEST_KILL_POINT": activity + ":" + point})
	c := w.AcceptedRegular(world.Regular{Verdict: "doubtful", At: world.Ago(0), Calendar: weekOff()})
	require.NoError(t, w.Processes(queue).StartCardApplication(t.Context(), c.ID))
	w.WantState(c.ID, card.Reviewing)
	id := "production-day-" + queue
	_, err := w.Engine().ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: queue}, workflows.ProductionDayType)
	require.NoError(t, err)
	victim.WantEnd()
	victim.Without("VOLCARD_TEST_KILL_POINT").Start()
	wantEnd(t, w, id)
	// Another cell's day may have recomputed it even before its photo was looked at.
	require.ElementsMatch(t, []string{"submit", "review", "promise"}, w.Moves(c.ID))
	require.Equal(t, []string{"promise-moved"}, w.Told(c.ID))
	w.Until("the process has looked", func() bool {
		run, err := w.Engine().DescribeWorkflowExecution(t.Context(), world.RunID(c.ID), "")
		return err == nil && run.GetPendingWorkflowTask() == nil
	})
	w.WantReplayable(c.ID)
	victim.Stop()
}

// killedCheck: the nightly check dies with a worker, and ends all the same, with a report of each half.
func killedCheck(t *testing.T, w *world.World, activity, point string) {
	t.Helper()
	queue := activity + "-" + point
	victim := w.Worker(map[string]string{"VOLCARD_TEMPORAL_TASK_QUEUE": queue, "VOLCARD_TEST_KILL_POINT": activity + ":" + point})
	id := "nightly-check-" + queue
	_, err := w.Engine().ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: queue}, workflows.NightlyCheckType)
	require.NoError(t, err)
	victim.WantEnd()
	victim.Without("VOLCARD_TEST_KILL_POINT").Start()
	wantEnd(t, w, id)
	var result workflows.NightlyCheckResult
	require.NoError(t, w.Engine().GetWorkflow(t.Context(), id, "").Get(t.Context(), &result))
	require.Zero(t, result, "nothing is wrong here")
	victim.Stop()
}

// weekOff is a calendar with seven days off from tomorrow on.
func weekOff() *calendar.Calendar {
	cal := calendar.New(calendar.BuiltIn()...)
	today := calendar.DateOf(clock.System{}.Now())
	for n := range 7 {
		day := today.Plus(n + 1)
		year, _ := cal.Announced(day.Year())
		year.Year = day.Year()
		year.Off = append(slices.Clone(year.Off), day)
		cal = cal.With(year)
	}
	return cal
}

// killedBatch is one cell.
func killedBatch(t *testing.T, w *world.World, f *factory, row making, point string) {
	t.Helper()
	queue := row.activity + row.variant + "-" + point
	victim := w.Worker(map[string]string{
		"VOLCARD_TEMPORAL_TASK_QUEUE": queue, "VOLCARD_TEST_KILL_POINT": row.activity + ":" + point,
	})
	restarted := make(chan struct{})
	go func() {
		defer close(restarted)
		<-victim.Done()
		victim.Without("VOLCARD_TEST_KILL_POINT").Start()
	}()
	process := w.Processes(queue)
	id := uuid.Must(uuid.NewV7())
	cases := f.freeze(t, w, process, id, row.reject)
	made := cases
	if row.reject {
		made = cases[1:]
	}
	if row.early {
		w.Until("batch is rendered", func() bool { return w.BatchState(id) == string(batch.Rendered) })
		require.Error(t, process.Production().ReportShipped(t.Context(), workflows.ReportInput{BatchID: id, StaffID: f.staff}))
	}
	toTheCounter(t, w, process, id, f.staff, cases[0])
	wantEnd(t, w, workflows.ProductionBatchID(id))
	<-restarted
	for _, c := range made {
		require.Equal(t, card.Ready, w.State(c.ID))
		require.Equal(t, []string{"submit", "approve", "freeze", "arrive"}, w.Moves(c.ID))
		require.Equal(t, []string{"card-approved", "card-arrived"}, w.Told(c.ID))
	}
	if row.reject {
		require.Equal(t, card.Mending, w.State(cases[0].ID))
		require.Equal(t, []string{"submit", "approve", "freeze", "reject"}, w.Moves(cases[0].ID))
		require.Equal(t, []string{"card-approved", "confirm-again"}, w.Told(cases[0].ID))
	}
	require.Equal(t, []string{"batch-freeze", "batch-render", "batch-print", "batch-ship", "batch-end"},
		w.Texts("SELECT action FROM audit_entry WHERE subject_id = $1 ORDER BY seq", id))
	require.Zero(t, w.Count("SELECT count(*) FROM batch_file WHERE batch_id = $1", id))
	for _, c := range cases {
		w.Until("its process knows", func() bool { return c.Knows() == w.State(c.ID) })
		w.WantReplayable(c.ID)
	}
	victim.Stop()
}

// toTheCounter does what the factory does, and the clerk of the branch of a case.
func toTheCounter(t *testing.T, w *world.World, process *workflows.Client, id, staff uuid.UUID, c *world.Case) {
	t.Helper()
	// A process that was killed is away for a moment.
	insist := func(from batch.State, send func(ctx context.Context) error) {
		t.Helper()
		w.Until("batch is "+string(from), func() bool { return w.BatchState(id) == string(from) })
		var err error
		w.Until("it is told", func() bool {
			err = send(t.Context())
			return err == nil || !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.Conflict)
		})
		require.NoError(t, err)
	}
	report := workflows.ReportInput{BatchID: id, StaffID: staff}
	insist(batch.Rendered, func(ctx context.Context) error { return process.Production().ReportPrinted(ctx, report) })
	insist(batch.Printed, func(ctx context.Context) error { return process.Production().ReportShipped(ctx, report) })
	insist(batch.Shipped, func(ctx context.Context) error {
		err := process.Production().ConfirmArrival(ctx, workflows.ArrivalInput{
			BatchID: id, ParcelID: c.Parcel(id), BranchID: c.Branch, StaffID: c.Clerk,
		})
		if w.BatchState(id) == string(batch.Done) {
			return nil // it has ended meanwhile
		}
		return err
	})
}

// freeze submits two cases, lets their processes bring them into the queue, and opens a batch of them.
func (f *factory) freeze(t *testing.T, w *world.World, process *workflows.Client, id uuid.UUID, reject bool) []*world.Case {
	t.Helper()
	f.queue.Lock()
	defer f.queue.Unlock()
	cases := []*world.Case{queued(t, w), queued(t, w)}
	for _, c := range cases {
		require.NoError(t, process.StartCardApplication(t.Context(), c.ID))
		w.WantState(c.ID, card.Waiting)
	}
	if reject {
		_, err := w.DB.Exec(t.Context(), "UPDATE application SET design_hash = sha256('other') WHERE id = $1", cases[0].ID)
		require.NoError(t, err)
	}
	require.NoError(t, process.Production().Start(t.Context(), id))
	for _, c := range cases {
		w.Until("it is frozen", func() bool { return w.State(c.ID) != card.Waiting })
	}
	return cases
}

// A reviewer, a factory and a branch, all on the demonstration's clock: a regular card from the submission to
// the counter, with nobody to open a batch but the schedule.
func TestRegularCardOnTheDemonstrationsClock(t *testing.T) {
	w := world.Start(t, 0, map[string]string{"VOLCARD_SWEEP_AFTER": "1h", "VOLCARD_WORKDAY": "1s"})
	w.Worker(nil)
	process := w.Processes(world.Queue)
	reviewer, staff := w.Rows.Staff("赵审核", "reviewer"), w.Rows.Staff("钱师傅", "factory")
	c := doubtful(t, w)
	require.NoError(t, process.StartCardApplication(t.Context(), c.ID))
	require.NoError(t, press(t.Context(), w, process, c, []decision{{card.Reviewing, decidePhoto(reviewer, true)}}))
	w.WantState(c.ID, card.Producing)
	ids := w.Texts("SELECT batch_id::text FROM batch_card WHERE application_id = $1", c.ID)
	require.Len(t, ids, 1)
	id := uuid.FromStringOrNil(ids[0])
	toTheCounter(t, w, process, id, staff, c)
	c.Serial = c.Number()
	// At once: the clerk may be quicker than the news of the arrival.
	require.NoError(t, handOver(t.Context(), process, c))
	require.Equal(t, card.Collected, w.State(c.ID))
}
