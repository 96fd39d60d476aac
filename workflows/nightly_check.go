package workflows

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"volcard/activities"
)

// NightlyCheckType is the workflow's type; nightlyCheckID names its schedule and its runs.
const (
	NightlyCheckType = "NightlyCheck"
	nightlyCheckID   = "nightly-check"
)

// NightlyCheckResult counts what the checks found.
type NightlyCheckResult struct {
	Cases int // rows without a process, processes without a row
	Books int // findings of the auditor
}

// NightlyCheck compares rows and processes both ways, then lets the auditor read the books. Each
// finding stands in table check_report and raises the alarm; rows without a process get one.
func NightlyCheck(ctx workflow.Context) (NightlyCheckResult, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Minute,
		HeartbeatTimeout:    20 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 10 * time.Second, MaximumAttempts: 5},
	})
	var check *activities.Check
	var cases, books activities.Findings
	err := workflow.ExecuteActivity(ctx, check.CompareCases).Get(ctx, &cases)
	// The books are read even where the comparison failed.
	err = errors.Join(err, workflow.ExecuteActivity(ctx, check.AuditBooks).Get(ctx, &books))
	return NightlyCheckResult{Cases: cases.Count, Books: books.Count}, err
}

// ScheduleNightlyCheck makes the schedule, at three in the morning of Shanghai, unless it exists.
func (c *Client) ScheduleNightlyCheck(ctx context.Context) error {
	_, err := c.temporal.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: nightlyCheckID,
		// 19:00 UTC is 03:00 in Shanghai, which has no daylight saving.
		Spec: client.ScheduleSpec{CronExpressions: []string{"0 19 * * *"}},
		Action: &client.ScheduleWorkflowAction{
			ID: nightlyCheckID, Workflow: NightlyCheckType, TaskQueue: c.queue,
		},
		Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP,
	})
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return nil
	}
	return toFault(err)
}

// RunNightlyCheck runs the check now and waits for it.
func (c *Client) RunNightlyCheck(ctx context.Context) (NightlyCheckResult, error) {
	var result NightlyCheckResult
	run, err := c.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: nightlyCheckID + "-by-hand", TaskQueue: c.queue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, NightlyCheckType)
	if err != nil {
		return result, toFault(err)
	}
	return result, toFault(run.Get(ctx, &result))
}

// RunningCases lists the applications that have a running process, from Temporal's visibility.
func (c *Client) RunningCases(ctx context.Context) (map[uuid.UUID]bool, error) {
	return c.running(ctx, CardApplicationType, cardApplicationPrefix)
}

// Running lists the batches that have a running process.
func (p Production) Running(ctx context.Context) (map[uuid.UUID]bool, error) {
	return p.running(ctx, ProductionBatchType, productionBatchPrefix)
}

func (c *Client) running(ctx context.Context, workflowType, prefix string) (map[uuid.UUID]bool, error) {
	running := map[uuid.UUID]bool{}
	var page []byte
	for {
		res, err := c.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			PageSize: 1000, NextPageToken: page,
			Query: "WorkflowType = '" + workflowType + "' AND ExecutionStatus = 'Running'",
		})
		if err != nil {
			return nil, toFault(err)
		}
		for _, w := range res.GetExecutions() {
			id, err := uuid.FromString(strings.TrimPrefix(w.GetExecution().GetWorkflowId(), prefix))
			if err == nil {
				running[id] = true
			}
		}
		if page = res.GetNextPageToken(); len(page) == 0 {
			return running, nil
		}
	}
}
