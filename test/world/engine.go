package world

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enums "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"volcard/internal/devstack"
	"volcard/workflows"
)

// Queue is the task queue of a world's processes, where nothing else is set.
const Queue = "volcard"

// Engine is a client of the Temporal server with the keys of this world, for what operators do.
func (w *System) Engine() client.Client {
	w.T.Helper()
	w.shared.engine.Do(func() {
		w.shared.client, w.shared.err = client.NewLazyClient(client.Options{
			HostPort: w.Temporal.Address(), Namespace: devstack.Namespace, Logger: quiet{},
			DataConverter: workflows.DataConverter(w.Vault),
		})
	})
	require.NoError(w.T, w.shared.err)
	return w.shared.client
}

// Processes starts and messages processes on a task queue, as the api does on its own.
func (w *System) Processes(queue string) *workflows.Client {
	w.T.Helper()
	return workflows.NewClient(w.Engine(), queue)
}

// RunID is what Temporal calls the process of a case.
func RunID(id uuid.UUID) string { return workflows.CardApplicationID(id) }

// Runs lists the runs that a query of Temporal's visibility finds.
func (w *System) Runs(query string) []*commonpb.WorkflowExecution {
	w.T.Helper()
	var runs []*commonpb.WorkflowExecution
	w.Until("runs are listed", func() bool {
		runs = nil
		var page []byte
		for {
			res, err := w.Engine().ListWorkflow(context.Background(), &workflowservice.ListWorkflowExecutionsRequest{
				Query: query, PageSize: 1000, NextPageToken: page,
			})
			if err != nil {
				return false
			}
			for _, run := range res.GetExecutions() {
				runs = append(runs, run.GetExecution())
			}
			if page = res.GetNextPageToken(); len(page) == 0 {
				return true
			}
		}
	})
	return runs
}

// History reads the whole history of a process.
func (w *System) History(workflowID string) *historypb.History {
	w.T.Helper()
	return w.history(&commonpb.WorkflowExecution{WorkflowId: workflowID})
}

func (w *System) history(run *commonpb.WorkflowExecution) *historypb.History {
	w.T.Helper()
	events := w.Engine().GetWorkflowHistory(context.Background(), run.GetWorkflowId(), run.GetRunId(), false,
		enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	history := &historypb.History{}
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(w.T, err)
		history.Events = append(history.Events, event)
	}
	return history
}

// WantReplayable replays the history of a case's process: what a killed worker left must be what
// the next one would do.
func (w *System) WantReplayable(id uuid.UUID) {
	w.T.Helper()
	w.WantProcessReplayable(RunID(id))
}

// WantProcessReplayable is WantReplayable for any process.
func (w *System) WantProcessReplayable(workflowID string) {
	w.T.Helper()
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DataConverter: workflows.DataConverter(w.Vault)})
	require.NoError(w.T, err)
	for name, process := range workflows.All() {
		replayer.RegisterWorkflowWithOptions(process, workflow.RegisterOptions{Name: name})
	}
	require.NoError(w.T, replayer.ReplayWorkflowHistory(quiet{}, w.History(workflowID)))
}

// quiet drops the SDK's log.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

var _ log.Logger = quiet{}
