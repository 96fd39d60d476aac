package workflows

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"

	commonpb "go.temporal.io/api/common/v1"
	enums "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"volcard/internal/vault"
)

// Replayer runs the histories of running workflows through the workflows of this program, as a worker does that
// takes them over. It changes nothing.
type Replayer struct {
	Client    *Client
	Vault     *vault.Vault
	Workflows map[string]any // by type; All()
}

// Replayed is what came of one workflow.
type Replayed struct {
	Type, WorkflowID string
	// Problem is empty where the workflow would go on. It holds no payload.
	Problem string
}

// Run replays up to sample running workflows of each type, spread evenly from the newest to the oldest, or all of
// them where sample is 0. It calls report for each; one that ends meanwhile is replayed as it ended.
func (r Replayer) Run(ctx context.Context, sample int, report func(Replayed)) error {
	running, err := r.running(ctx)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(running)) {
		for _, run := range spread(running[name], sample) {
			problem, err := r.replay(ctx, name, run)
			if err != nil {
				return fmt.Errorf("workflow %s: %w", run.GetWorkflowId(), err)
			}
			report(Replayed{Type: name, WorkflowID: run.GetWorkflowId(), Problem: problem})
		}
	}
	return nil
}

// running lists the running workflows by type.
func (r Replayer) running(ctx context.Context) (map[string][]*commonpb.WorkflowExecution, error) {
	running := map[string][]*commonpb.WorkflowExecution{}
	var page []byte
	for {
		res, err := r.Client.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			PageSize: 1000, NextPageToken: page, Query: "ExecutionStatus = 'Running'",
		})
		if err != nil {
			return nil, toFault(err)
		}
		for _, w := range res.GetExecutions() {
			running[w.GetType().GetName()] = append(running[w.GetType().GetName()], w.GetExecution())
		}
		if page = res.GetNextPageToken(); len(page) == 0 {
			return running, nil
		}
	}
}

// spread takes n of a list, evenly, the first and the last among them. The oldest matter as much as the newest:
// they were begun by the oldest program.
func spread[T any](list []T, n int) []T {
	if n <= 0 || n >= len(list) {
		return list
	}
	if n == 1 {
		return list[len(list)-1:]
	}
	taken := make([]T, n)
	for i := range taken {
		taken[i] = list[i*(len(list)-1)/(n-1)]
	}
	return taken
}

// replay returns what keeps a workflow from going on. An error says that it could not be found out.
func (r Replayer) replay(ctx context.Context, name string, run *commonpb.WorkflowExecution) (problem string, err error) {
	definition, known := r.Workflows[name]
	if !known {
		return "this program has no workflow " + name, nil
	}
	history, err := r.history(ctx, run)
	var gone *serviceerror.NotFound
	switch {
	case errors.As(err, &gone):
		return "", nil // it has ended, and its history was deleted
	case err != nil:
		return "", toFault(err)
	case !slices.ContainsFunc(history.GetEvents(), func(e *historypb.HistoryEvent) bool {
		return e.GetEventType() == enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
	}):
		return "", nil // it has done nothing yet
	}
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
		DataConverter: DataConverter(r.Vault), FailureConverter: FailureConverter(r.Vault),
	})
	if err != nil {
		return "", err
	}
	replayer.RegisterWorkflowWithOptions(definition, workflow.RegisterOptions{Name: name})
	return explainReplay(replayer.ReplayWorkflowHistoryWithOptions(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), history,
		worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: run.GetWorkflowId(), RunID: run.GetRunId()}})), nil
}

func (r Replayer) history(ctx context.Context, run *commonpb.WorkflowExecution) (*historypb.History, error) {
	events := r.Client.temporal.GetWorkflowHistory(ctx, run.GetWorkflowId(), run.GetRunId(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	history := &historypb.History{}
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, err
		}
		history.Events = append(history.Events, event)
	}
	return history, nil
}

// explanations say what differs by the names of events, commands and activities alone: the SDK's texts quote both
// sides whole.
var explanations = []struct {
	sdk  *regexp.Regexp
	text string
}{
	{regexp.MustCompile(`history event is (\w+).*?replay command is (\w+)`), "the history has $1 where this program does $2"},
	{regexp.MustCompile(`matching (\w+) command was expected in history event position (\d+)`), "event $2 of the history is a $1 that this program does not ask for"},
	{regexp.MustCompile(`missing replay command for (\w+)`), "the history has $1, which this program does not do"},
	{regexp.MustCompile(`extra replay command for (\w+)`), "this program does $1, which the history does not have"},
	{regexp.MustCompile(`code executed local activity (\w+), but history event found (\w+)`), "the history has the activity $2 where this program runs $1"},
	{regexp.MustCompile(`Workflow code (?:removed support of|is too old to support) version`), "this program does not know the version of a change (GetVersion)"},
}

func explainReplay(err error) string {
	if err == nil {
		return ""
	}
	for _, e := range explanations {
		if m := e.sdk.FindStringSubmatchIndex(err.Error()); m != nil {
			return string(e.sdk.ExpandString(nil, e.text, err.Error(), m))
		}
	}
	return "it does not replay"
}
