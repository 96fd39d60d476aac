package workflows

import (
	"context"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"volcard/activities"
	"volcard/internal/batch"
	"volcard/internal/store/batchstore"
)

// ProductionBatchType and ProductionDayType are the workflows' types.
const (
	ProductionBatchType = "ProductionBatch"
	ProductionDayType   = "ProductionDay"
	productionDayID     = "production-day"
)

// ProductionBatchID is the workflow's id: one run for each batch.
func ProductionBatchID(id uuid.UUID) string { return productionBatchPrefix + id.String() }

const productionBatchPrefix = "production-batch:"

// Updates are the words of the factory and of the branches.
const (
	updateReportPrinted  = "report-printed"
	updateReportShipped  = "report-shipped"
	updateConfirmArrival = "confirm-arrival"
)

// ProductionDay is what the schedule starts: it brings every promise up to the calendar in force, and on a
// working day with waiting cards it opens a batch.
func ProductionDay(ctx workflow.Context) error {
	// Dates that cannot be recomputed must not keep the waiting cards from being made.
	if err := recompute(ctx, 5); err != nil {
		workflow.GetLogger(ctx).Error("promises not recomputed", "error", err)
	}
	var day activities.Day
	if err := workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, untilDone()), press.LookAtDay, activities.DayInput{}).Get(ctx, &day); err != nil {
		return err
	}
	if !day.Workday || day.Waiting == 0 {
		return nil
	}
	var id uuid.UUID
	err := workflow.SideEffect(ctx, func(workflow.Context) any { return uuid.Must(uuid.NewV7()) }).Get(&id)
	if err != nil {
		return err
	}
	child := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: ProductionBatchID(id), ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON,
	}), ProductionBatch, activities.BatchInput{BatchID: id})
	return child.GetChildWorkflowExecution().Get(ctx, nil)
}

// ProductionBatch carries one batch from its freeze to the arrival of its last parcel:
//
//	freeze what waits → draw the files → printed → shipped → each branch confirms its parcel → done
//
// The rows in PostgreSQL are the truth, moved by sets; the workflow draws, waits and wakes the
// applications. docs/processes/production-batch.md tells the same in words.
func ProductionBatch(ctx workflow.Context, in activities.BatchInput) error {
	p := &production{id: in.BatchID, deeds: workflow.NewMutex(ctx)}
	if err := p.listen(ctx); err != nil {
		return err
	}
	deeds := workflow.WithActivityOptions(ctx, drawing())
	if err := workflow.ExecuteActivity(deeds, press.FreezeBatch, in).Get(ctx, &p.at); err != nil {
		return err
	}
	if p.at.State == "" {
		return nil // nothing waited
	}
	if p.at.State == batch.Frozen {
		for n := range batch.Files(p.at.Cards) {
			if err := workflow.ExecuteActivity(deeds, press.RenderFile, activities.FileInput{BatchID: p.id, N: n + 1}).Get(ctx, nil); err != nil {
				return err
			}
		}
		if err := workflow.ExecuteActivity(deeds, press.FinishBatch, in).Get(ctx, &p.at); err != nil {
			return err
		}
	}
	if err := p.waitUntilDone(ctx); err != nil {
		return err
	}
	if err := workflow.ExecuteActivity(deeds, press.DropFiles, in).Get(ctx, nil); err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// waitUntilDone waits for the words of factory and branches. Once a day it looks at the row: a word that moved
// it may never have reached the process, where everything was killed at once.
func (p *production) waitUntilDone(ctx workflow.Context) error {
	done := func() bool { return p.at.State == batch.Done && p.waking == 0 && workflow.AllHandlersFinished(ctx) }
	if done() {
		return nil
	}
	if !looksDaily(ctx) {
		return workflow.Await(ctx, done)
	}
	for {
		over, err := workflow.AwaitWithTimeout(ctx, 24*time.Hour, done)
		if err != nil || over {
			return err
		}
		if err := p.look(ctx); err != nil {
			return err
		}
	}
}

// look takes up the row.
func (p *production) look(ctx workflow.Context) error {
	return p.run(workflow.WithLocalActivityOptions(ctx, untilDone()), press.LookAtBatch, activities.BatchInput{BatchID: p.id})
}

// press names the activities; a worker fills in the struct behind them.
var press *activities.Batch

// production is what the process knows of its batch.
type production struct {
	id     uuid.UUID
	at     batchstore.Snapshot
	waking int            // parcels whose applications are being woken
	deeds  workflow.Mutex // one deed at a time
}

// drawing is for deeds that take a while: a worker that dies is noticed by its silence. What has not ended by
// then and goes on finds its work done by the next, or is found by it.
func drawing() workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Minute,
		HeartbeatTimeout:    20 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
	}
}

// listen registers the words. As with the decisions about a case, their deeds judge them by the row.
func (p *production) listen(ctx workflow.Context) error {
	return errors.Join(
		workflow.SetQueryHandler(ctx, queryProgress, func() (batchstore.Snapshot, error) { return p.at, nil }),
		workflow.SetUpdateHandler(ctx, updateReportPrinted,
			func(ctx workflow.Context, in activities.ReportInput) error {
				return p.decide(ctx, whileSomebodyWaits(), press.ReportPrinted, in)
			}),
		workflow.SetUpdateHandler(ctx, updateReportShipped,
			func(ctx workflow.Context, in activities.ReportInput) error {
				return p.decide(ctx, whileSomebodyWaits(), press.ReportShipped, in)
			}),
		workflow.SetUpdateHandler(ctx, updateConfirmArrival, p.confirmArrival),
	)
}

// confirmArrival answers the clerk when the cards are ready, and wakes their applications afterwards.
func (p *production) confirmArrival(ctx workflow.Context, in batchstore.Arrival) error {
	p.waking++
	if err := p.decide(ctx, whileAParcelMoves(), press.ConfirmArrival, in); err != nil {
		p.waking--
		return err
	}
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer func() { p.waking-- }()
		// Retried until it succeeds; what fails for good is found by the nightly comparison.
		err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, drawing()), press.WakeParcel, in).Get(ctx, nil)
		if err != nil {
			workflow.GetLogger(ctx).Error("applications of a parcel not woken", "error", err)
		}
	})
	return nil
}

// decide runs the deed of a word. One that failed may have moved the row all the same.
func (p *production) decide(ctx workflow.Context, patience workflow.LocalActivityOptions, activity any, input any) error {
	refusal := p.run(workflow.WithLocalActivityOptions(ctx, patience), activity, input)
	if refusal == nil || !looksAfterRefusals(ctx) {
		return refusal
	}
	if err := p.look(ctx); err != nil {
		return err
	}
	return refusal
}

func (p *production) run(ctx workflow.Context, activity any, input any) error {
	if err := p.deeds.Lock(ctx); err != nil {
		return err
	}
	defer p.deeds.Unlock()
	return workflow.ExecuteLocalActivity(ctx, activity, input).Get(ctx, &p.at)
}

// The messages of batches, so that pages need not know the deeds behind them.
type (
	ReportInput  = activities.ReportInput
	ArrivalInput = batchstore.Arrival
)

// Production starts and messages the processes of batches.
type Production struct{ *Client }

// Production is the part of the client that production uses.
func (c *Client) Production() Production { return Production{c} }

// Start opens a batch of what waits now. For a batch that exists and has no running process it starts
// another, which goes on where the rows stand.
func (p Production) Start(ctx context.Context, id uuid.UUID) error {
	_, err := p.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: ProductionBatchID(id), TaskQueue: p.queue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	}, ProductionBatchType, activities.BatchInput{BatchID: id})
	return toFault(err)
}

// ReportPrinted tells that a batch is printed.
func (p Production) ReportPrinted(ctx context.Context, in ReportInput) error {
	return p.update(ctx, ProductionBatchID(in.BatchID), updateReportPrinted, in)
}

// ReportShipped tells that the parcels of a batch left.
func (p Production) ReportShipped(ctx context.Context, in ReportInput) error {
	return p.update(ctx, ProductionBatchID(in.BatchID), updateReportShipped, in)
}

// ConfirmArrival tells that a parcel has come.
func (p Production) ConfirmArrival(ctx context.Context, in ArrivalInput) error {
	return p.update(ctx, ProductionBatchID(in.BatchID), updateConfirmArrival, in)
}

// Schedule makes or changes the schedule: each day at a time of Shanghai, or, for a
// demonstration, once in a working day of the given length.
func (p Production) Schedule(ctx context.Context, hour int, workday time.Duration) error {
	spec := client.ScheduleSpec{
		Calendars:    []client.ScheduleCalendarSpec{{Hour: []client.ScheduleRange{{Start: hour}}}},
		TimeZoneName: "Asia/Shanghai",
	}
	if workday > 0 {
		spec = client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: workday}}}
	}
	_, err := p.temporal.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: productionDayID, Spec: spec,
		Action:  &client.ScheduleWorkflowAction{ID: productionDayID, Workflow: ProductionDayType, TaskQueue: p.queue},
		Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP,
	})
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		// The setting may have changed since.
		err = p.temporal.ScheduleClient().GetHandle(ctx, productionDayID).Update(ctx, client.ScheduleUpdateOptions{
			DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
				in.Description.Schedule.Spec = &spec
				return &client.ScheduleUpdate{Schedule: &in.Description.Schedule}, nil
			},
		})
	}
	return toFault(err)
}
