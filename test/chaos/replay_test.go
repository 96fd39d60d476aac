package chaos_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"volcard/internal/card"
	"volcard/test/world"
	"volcard/workflows"
)

// Before a rollout the new program replays what is open: it passes what it could go on with, and names a workflow
// whose history it did not write, and one of a type that it does not have. Where it is rolled out all the same,
// the metric that raises the alarm counts.
func TestReplayBeforeARollout(t *testing.T) {
	w := world.Start(t, 10, nil)
	w.Worker(nil)
	for range 3 {
		c := w.Accepted("王𠮷", world.Ago(time.Minute))
		w.WantState(c.ID, card.Ready)
	}
	w.WantEveryCaseHasItsProcess()
	out, code := w.Run("admin", "replay", "--sample", "2")
	require.Zero(t, code, out)
	require.Regexp(t, `\d running workflows replayed; 0 would stop`, out)

	w.Spoil()
	ctx := t.Context()
	const queue = "of-another-program"
	changed := workflows.CardApplicationID(uuid.Must(uuid.NewV4()))
	other := worker.New(w.Engine(), queue, worker.Options{})
	other.RegisterWorkflowWithOptions(func(ctx workflow.Context, _ workflows.CardApplicationInput) error {
		return workflow.Sleep(ctx, time.Hour)
	}, workflow.RegisterOptions{Name: workflows.CardApplicationType})
	other.RegisterWorkflowWithOptions(func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Hour) }, workflow.RegisterOptions{Name: "OfAnother"})
	require.NoError(t, other.Start())
	for id, start := range map[string]struct {
		kind string
		args []any
	}{
		changed:   {workflows.CardApplicationType, []any{workflows.CardApplicationInput{ApplicationID: uuid.Must(uuid.NewV4())}}},
		"unknown": {"OfAnother", nil},
	} {
		_, err := w.Engine().ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, start.kind, start.args...)
		require.NoError(t, err)
		w.Until("it waits", func() bool {
			for _, event := range w.History(id).GetEvents() {
				if event.GetEventType() == enums.EVENT_TYPE_TIMER_STARTED {
					return true
				}
			}
			return false
		})
	}
	other.Stop()
	w.Until("both are listed", func() bool { return len(w.Runs("ExecutionStatus = 'Running' AND TaskQueue = '"+queue+"'")) == 2 })
	out, code = w.Run("admin", "replay", "--sample", "0")
	require.Equal(t, 1, code, out)
	require.Regexp(t, regexp.QuoteMeta(changed)+` \(`+workflows.CardApplicationType+`\): event \d+ of the history is a Timer that this program does not ask for\n`, out)
	require.Contains(t, out, "unknown (OfAnother): this program has no workflow OfAnother\n")
	require.Contains(t, out, "; 2 would stop\n")
	require.Len(t, strings.Split(strings.TrimSpace(out), "\n"), 3, "nothing else is named")

	rolledOut := w.Worker(map[string]string{"VOLCARD_TEMPORAL_TASK_QUEUE": queue})
	require.NoError(t, w.Engine().SignalWorkflow(ctx, changed, "", "moved", nil))
	w.Until("the metric counts", func() bool {
		res, err := http.Get("http://" + rolledOut.Ops + "/metrics")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		return err == nil && regexp.MustCompile(
			`temporal_workflow_task_execution_failed_total\{[^}]*failure_reason="NonDeterminismError"[^}]*\} [1-9]`).Match(text)
	})
}
