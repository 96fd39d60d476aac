package world

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
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

// Runs counts the runs of card applications that are in a status.
func (w *System) Runs(status enums.WorkflowExecutionStatus) int {
	w.T.Helper()
	var n int64
	w.Until("runs are counted", func() bool {
		res, err := w.Engine().CountWorkflow(context.Background(), &workflowservice.CountWorkflowExecutionsRequest{
			Query: "WorkflowType = '" + workflows.CardApplicationType + "' AND ExecutionStatus = '" + status.String() + "'",
		})
		n = res.GetCount()
		return err == nil
	})
	return int(n)
}

// WantEveryCaseHasItsProcess waits until exactly the live and the just collected cases have a
// running process, one each, and sees that no process has failed.
func (w *System) WantEveryCaseHasItsProcess() {
	w.T.Helper()
	// Visibility follows the histories a little later.
	w.Until("each open case has one running process", func() bool {
		ctx := context.Background()
		running, err := w.Processes(Queue).RunningCases(ctx)
		if err != nil || w.Runs(enums.WORKFLOW_EXECUTION_STATUS_RUNNING) != len(running) {
			return false
		}
		rows, err := w.DB.Query(ctx, "SELECT id FROM application WHERE closed_at IS NULL OR state = 'collected'")
		if err != nil {
			return false
		}
		defer rows.Close()
		open := 0
		for rows.Next() {
			var id uuid.UUID
			if rows.Scan(&id) != nil || !running[id] {
				return false
			}
			open++
		}
		return rows.Err() == nil && open == len(running)
	})
	for _, bad := range []enums.WorkflowExecutionStatus{
		enums.WORKFLOW_EXECUTION_STATUS_FAILED, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED, enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT,
	} {
		require.Zero(w.T, w.Runs(bad), "%s processes", bad)
	}
}

// History reads the whole history of a process.
func (w *System) History(workflowID string) *historypb.History {
	w.T.Helper()
	events := w.Engine().GetWorkflowHistory(context.Background(), workflowID, "", false,
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
