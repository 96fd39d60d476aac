package workflows

import (
	"context"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"volcard/activities"
)

// CalendarChangeType is the workflow's type.
const (
	CalendarChangeType = "CalendarChange"
	calendarChangeID   = "calendar-change"
)

// signalImported tells that another calendar was imported, or other hours of a branch.
const signalImported = "calendar-imported"

// CalendarChange follows imported calendars and hours of branches: every open promise is computed anew, last days on
// which a branch is closed move to the next open one, the processes take it up, and people whose dates moved are
// notified. Running it twice does no harm.
func CalendarChange(ctx workflow.Context) error {
	imported := workflow.GetSignalChannel(ctx, signalImported)
	for imported.ReceiveAsync(nil) {
		for imported.ReceiveAsync(nil) { // several imports at once are one change
		}
		if err := recompute(ctx, 0); err != nil {
			return err
		}
	}
	return nil
}

// recompute gives open promises and waits the dates of the calendar in force. It is tried so many times; 0: until
// it succeeds.
func recompute(ctx workflow.Context, tries int32) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Hour,
		HeartbeatTimeout:    20 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute, MaximumAttempts: tries},
	})
	var dates *activities.Dates
	return workflow.ExecuteActivity(ctx, dates.RecomputePromises).Get(ctx, nil)
}

// StartCalendarChange follows a calendar, or hours of branches, that were just imported. Where Temporal is away, the next
// production day makes up for it.
func (c *Client) StartCalendarChange(ctx context.Context) error {
	_, err := c.temporal.SignalWithStartWorkflow(ctx, calendarChangeID, signalImported, nil, client.StartWorkflowOptions{
		ID: calendarChangeID, TaskQueue: c.queue,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	}, CalendarChangeType)
	return toFault(err)
}
