package workflows

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"volcard/activities"
	"volcard/internal/batch"
	"volcard/internal/fault"
	"volcard/internal/store/batchstore"
)

// One test for each sentence of docs/processes/production-batch.md. The deeds are played by a small works
// that keeps the state as the store would; time is skipped.

// works plays the deeds of one batch.
type works struct {
	env     *testsuite.TestWorkflowEnvironment
	waiting int // cards
	parcels map[uuid.UUID]bool
	at      batchstore.Snapshot
	did     []string
	looked  int
	// fails, where set, is asked before the deed of that name.
	fails map[string]func() error
}

func newWorks(t *testing.T, cards int) *works {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	w := &works{env: suite.NewTestWorkflowEnvironment(), waiting: cards, parcels: map[uuid.UUID]bool{}, fails: map[string]func() error{}}
	w.env.SetStartTime(start)
	w.env.SetWorkflowRunTimeout(400 * days)
	var b *activities.Batch
	w.env.RegisterActivity(b)
	does := func(name string) error {
		if f := w.fails[name]; f != nil {
			if err := f(); err != nil {
				return err
			}
		}
		w.did = append(w.did, name)
		return nil
	}
	w.env.OnActivity(b.FreezeBatch, mock.Anything, mock.Anything).Return(func(context.Context, activities.BatchInput) (batchstore.Snapshot, error) {
		err := does("freeze")
		if w.at.State == "" && w.waiting > 0 {
			w.at = batchstore.Snapshot{State: batch.Frozen, Cards: w.waiting}
		}
		return w.at, err
	})
	w.env.OnActivity(b.RenderFile, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.FileInput) error {
		return does("file " + string(rune('0'+in.N)))
	}).Maybe()
	w.env.OnActivity(b.FinishBatch, mock.Anything, mock.Anything).Return(func(context.Context, activities.BatchInput) (batchstore.Snapshot, error) {
		if err := does("finish"); err != nil {
			return w.at, err
		}
		if w.at.State = batch.Rendered; len(w.parcels) == 0 {
			w.at = batchstore.Snapshot{State: batch.Done}
		}
		return w.at, nil
	}).Maybe()
	report := func(name string, from, to batch.State) func(context.Context, activities.ReportInput) (batchstore.Snapshot, error) {
		return func(context.Context, activities.ReportInput) (batchstore.Snapshot, error) {
			if w.at.State == from {
				w.at.State = to
				if err := does(name); err != nil { // committed, and nobody hears of it
					return batchstore.Snapshot{}, err
				}
				return w.at, nil
			}
			if w.at.State.After(from) {
				return w.at, nil
			}
			return w.at, temporal.NewNonRetryableApplicationError("太早", string(fault.Conflict), nil)
		}
	}
	w.env.OnActivity(b.ReportPrinted, mock.Anything, mock.Anything).Return(report("printed", batch.Rendered, batch.Printed)).Maybe()
	w.env.OnActivity(b.ReportShipped, mock.Anything, mock.Anything).Return(report("shipped", batch.Printed, batch.Shipped)).Maybe()
	w.env.OnActivity(b.ConfirmArrival, mock.Anything, mock.Anything).Return(func(_ context.Context, in batchstore.Arrival) (batchstore.Snapshot, error) {
		arrived, known := w.parcels[in.ParcelID]
		if !known {
			return w.at, temporal.NewNonRetryableApplicationError("本网点没有这个包裹。", string(fault.NotFound), nil)
		}
		if !arrived {
			if w.at.State != batch.Shipped {
				return w.at, temporal.NewNonRetryableApplicationError("太早", string(fault.Conflict), nil)
			}
			w.parcels[in.ParcelID] = true
			w.did = append(w.did, "arrived")
		}
		w.at.State = batch.Done
		for _, arrived := range w.parcels {
			if !arrived {
				w.at.State = batch.Shipped
			}
		}
		return w.at, nil
	}).Maybe()
	w.env.OnActivity(b.WakeParcel, mock.Anything, mock.Anything).Return(func(context.Context, batchstore.Arrival) error { return does("wake") }).Maybe()
	w.env.OnActivity(b.LookAtBatch, mock.Anything, mock.Anything).Return(func(context.Context, activities.BatchInput) (batchstore.Snapshot, error) {
		w.looked++
		return w.at, nil
	}).Maybe()
	w.env.OnActivity(b.DropFiles, mock.Anything, mock.Anything).Return(func(context.Context, activities.BatchInput) error { return does("drop") }).Maybe()
	return w
}

// parcel adds one and returns its id.
func (w *works) parcel() uuid.UUID {
	id := uuid.Must(uuid.NewV4())
	w.parcels[id] = false
	return id
}

func (w *works) after(d time.Duration, update string, in any) *answer {
	b := book{env: w.env}
	return b.after(d, update, in)
}

func (w *works) run(t *testing.T) {
	t.Helper()
	w.env.ExecuteWorkflow(ProductionBatch, activities.BatchInput{BatchID: uuid.Must(uuid.NewV7())})
	require.True(t, w.env.IsWorkflowCompleted())
	require.NoError(t, w.env.GetWorkflowError())
}

// From the freeze to the last parcel: files of 250 cards one after the other, two reports, each arrival wakes
// its applications, and the files are deleted in the end.
func TestBatchFromFreezeToTheLastParcel(t *testing.T) {
	t.Parallel()
	w := newWorks(t, 501)
	one, two := w.parcel(), w.parcel()
	printed := w.after(3*days, updateReportPrinted, activities.ReportInput{})
	shipped := w.after(4*days, updateReportShipped, activities.ReportInput{})
	w.after(6*days, updateConfirmArrival, batchstore.Arrival{ParcelID: one})
	last := w.after(9*days, updateConfirmArrival, batchstore.Arrival{ParcelID: two})
	w.run(t)
	require.True(t, printed.done)
	require.True(t, shipped.done)
	require.True(t, last.done)
	require.Equal(t, []string{
		"freeze", "file 1", "file 2", "file 3", "finish", "printed", "shipped", "arrived", "wake", "arrived", "wake", "drop",
	}, w.did)
}

func TestNothingWaitsForABatch(t *testing.T) {
	t.Parallel()
	w := newWorks(t, 0)
	w.run(t)
	require.Equal(t, []string{"freeze"}, w.did)
}

// Every card was taken out: there is nothing to print.
func TestBatchOfWhichNoCardIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorks(t, 2)
	w.run(t)
	require.Equal(t, []string{"freeze", "file 1", "finish", "drop"}, w.did)
}

// A word that comes too early is refused by the row; one that comes again is answered.
func TestWordsInTheirOrder(t *testing.T) {
	t.Parallel()
	w := newWorks(t, 1)
	parcel := w.parcel()
	early := w.after(days, updateReportShipped, activities.ReportInput{})
	arrival := w.after(days, updateConfirmArrival, batchstore.Arrival{ParcelID: parcel})
	w.after(2*days, updateReportPrinted, activities.ReportInput{})
	again := w.after(2*days+time.Minute, updateReportPrinted, activities.ReportInput{})
	w.after(3*days, updateReportShipped, activities.ReportInput{})
	late := w.after(3*days+time.Minute, updateReportPrinted, activities.ReportInput{})
	w.after(4*days, updateConfirmArrival, batchstore.Arrival{ParcelID: parcel})
	w.run(t)
	require.Equal(t, fault.Conflict, fault.KindOf(toFault(early.failed)))
	require.Equal(t, fault.Conflict, fault.KindOf(toFault(arrival.failed)))
	require.True(t, again.done)
	require.True(t, late.done)
	require.Equal(t, []string{"freeze", "file 1", "finish", "printed", "shipped", "arrived", "wake", "drop"}, w.did)
}

// A word moved the row, and its answer was lost: the process looks, and the next word finds its place.
func TestBatchLooksWhereAnAnswerWasLost(t *testing.T) {
	t.Parallel()
	w := newWorks(t, 1)
	parcel := w.parcel()
	w.fails["printed"] = func() error {
		return temporal.NewNonRetryableApplicationError("gone", string(fault.Unavailable), nil)
	}
	lost := w.after(hours, updateReportPrinted, activities.ReportInput{})
	shipped := w.after(2*hours, updateReportShipped, activities.ReportInput{})
	w.after(3*hours, updateConfirmArrival, batchstore.Arrival{ParcelID: parcel})
	w.run(t)
	require.Error(t, lost.failed)
	require.Equal(t, 1, w.looked)
	require.True(t, shipped.done)
}

// Words moved the row and the process never heard of them (everything was killed at once): it looks once a day.
func TestBatchLooksOnceADay(t *testing.T) {
	t.Parallel()
	w := newWorks(t, 1)
	w.parcel()
	w.env.RegisterDelayedCallback(func() { w.at.State = batch.Done }, 30*hours)
	w.run(t)
	require.Equal(t, 2, w.looked)
	require.Equal(t, "drop", w.did[len(w.did)-1])
	require.WithinDuration(t, start.Add(2*days), w.env.Now(), time.Minute)
}

// The clerk of another branch is refused; the batch goes on waiting.
func TestArrivalOfSomebodyElsesParcel(t *testing.T) {
	t.Parallel()
	w := newWorks(t, 1)
	parcel := w.parcel()
	w.after(hours, updateReportPrinted, activities.ReportInput{})
	w.after(2*hours, updateReportShipped, activities.ReportInput{})
	wrong := w.after(3*hours, updateConfirmArrival, batchstore.Arrival{ParcelID: uuid.Must(uuid.NewV4())})
	right := w.after(4*hours, updateConfirmArrival, batchstore.Arrival{ParcelID: parcel})
	w.run(t)
	require.Equal(t, fault.NotFound, fault.KindOf(toFault(wrong.failed)))
	require.True(t, right.done)
	require.Equal(t, "drop", w.did[len(w.did)-1])
}

// The clerk is answered at once; the batch ends when every application was woken, however long that takes.
func TestBatchEndsWhenEverybodyIsAwake(t *testing.T) {
	t.Parallel()
	w := newWorks(t, 1)
	parcel := w.parcel()
	tries := 0
	w.fails["wake"] = func() error {
		if tries++; tries < 6 {
			return errors.New("away")
		}
		return nil
	}
	w.after(hours, updateReportPrinted, activities.ReportInput{})
	w.after(2*hours, updateReportShipped, activities.ReportInput{})
	arrival := w.after(3*hours, updateConfirmArrival, batchstore.Arrival{ParcelID: parcel})
	// Again while the first is still at it: the applications are woken twice, which does no harm.
	again := w.after(3*hours+2*time.Second, updateConfirmArrival, batchstore.Arrival{ParcelID: parcel})
	w.run(t)
	require.True(t, arrival.done)
	require.True(t, again.done)
	require.Equal(t, []string{"freeze", "file 1", "finish", "printed", "shipped", "arrived", "wake", "wake", "drop"}, w.did)
}

// Drawing is tried until it succeeds: a printer that is away holds the batch up and loses nothing.
func TestDrawingIsTriedUntilDone(t *testing.T) {
	t.Parallel()
	w := newWorks(t, 260)
	tries := 0
	w.fails["file 2"] = func() error {
		if tries++; tries < 6 {
			return errors.New("away")
		}
		return nil
	}
	w.parcel()
	w.after(days, updateReportPrinted, activities.ReportInput{})
	for id := range w.parcels {
		w.after(2*days, updateReportShipped, activities.ReportInput{})
		w.after(3*days, updateConfirmArrival, batchstore.Arrival{ParcelID: id})
	}
	w.run(t)
	require.Equal(t, 6, tries)
	require.Equal(t, []string{"freeze", "file 1", "file 2", "finish", "printed", "shipped", "arrived", "wake", "drop"}, w.did)
}

// A process that starts anew over a batch goes on where its row stands.
func TestResumedBatch(t *testing.T) {
	t.Parallel()
	w := newWorks(t, 300)
	w.at = batchstore.Snapshot{State: batch.Shipped, Cards: 300}
	parcel := w.parcel()
	w.after(days, updateConfirmArrival, batchstore.Arrival{ParcelID: parcel})
	w.run(t)
	require.Equal(t, []string{"freeze", "arrived", "wake", "drop"}, w.did)
}

// day plays what a scheduled run asks for.
func day(t *testing.T, at activities.Day) (env *testsuite.TestWorkflowEnvironment, batches *int) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env = suite.NewTestWorkflowEnvironment()
	var b *activities.Batch
	var d *activities.Dates
	env.RegisterActivity(b)
	env.RegisterActivity(d)
	env.OnActivity(d.RecomputePromises, mock.Anything).Return(0, nil).Once()
	env.OnActivity(b.LookAtDay, mock.Anything, mock.Anything).Return(at, nil)
	batches = new(int)
	env.RegisterWorkflow(ProductionBatch)
	env.OnWorkflow(ProductionBatch, mock.Anything, mock.Anything).Return(func(_ workflow.Context, in activities.BatchInput) error {
		require.False(t, in.BatchID.IsNil())
		*batches++
		return nil
	}).Maybe()
	return env, batches
}

// The schedule opens a batch on a working day on which something waits. Every run brings the promises up to
// the calendar in force first.
func TestProductionDay(t *testing.T) {
	t.Parallel()
	for at, want := range map[activities.Day]int{
		{Workday: true, Waiting: 3}:  1,
		{Workday: true}:              0,
		{Workday: false, Waiting: 3}: 0,
	} {
		env, batches := day(t, at)
		env.ExecuteWorkflow(ProductionDay)
		require.NoError(t, env.GetWorkflowError())
		env.AssertExpectations(t)
		require.Equal(t, want, *batches, at)
	}
}
