package workflows

import (
	"context"
	"errors"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"volcard/internal/fault"
)

// startsOnly is a client that remembers how it was asked to start a process. Whatever else is asked of it panics.
type startsOnly struct {
	client.Client
	options client.StartWorkflowOptions
	process any
	args    []any
	answer  error
}

func (s *startsOnly) ExecuteWorkflow(_ context.Context, o client.StartWorkflowOptions, process any, args ...any) (client.WorkflowRun, error) {
	s.options, s.process, s.args = o, process, args
	return nil, s.answer
}

// What the server is asked decides whether a second start makes a second run, so the policies are
// stated: the SDK's defaults answer with the running one and let an ended one begin again.
func TestAnApplicationIsStartedOnce(t *testing.T) {
	t.Parallel()
	id := uuid.Must(uuid.NewV7())
	asked := &startsOnly{}
	c := NewClient(asked, "queue")
	require.NoError(t, c.StartCardApplication(t.Context(), id))
	require.Equal(t, CardApplicationType, asked.process)
	require.Equal(t, []any{CardApplicationInput{ApplicationID: id}}, asked.args)
	require.Equal(t, CardApplicationID(id), asked.options.ID)
	require.Equal(t, "queue", asked.options.TaskQueue)
	require.Equal(t, enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL, asked.options.WorkflowIDConflictPolicy)
	require.Equal(t, enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY, asked.options.WorkflowIDReusePolicy)
	require.True(t, asked.options.WorkflowExecutionErrorWhenAlreadyStarted)
	require.True(t, asked.options.EnableEagerStart, "the worker behind this client takes the first task")

	asked.answer = serviceerror.NewWorkflowExecutionAlreadyStarted("started", "", "")
	require.NoError(t, c.StartCardApplication(t.Context(), id), "the one that was started stays the only one")
	asked.answer = errors.New("connection refused")
	require.True(t, fault.Is(c.StartCardApplication(t.Context(), id), fault.Unavailable))
}

// A batch whose process runs gets no second one; over one that ended, the row decides.
func TestABatchIsStartedOnce(t *testing.T) {
	t.Parallel()
	id := uuid.Must(uuid.NewV7())
	asked := &startsOnly{}
	require.NoError(t, NewClient(asked, "queue").Production().Start(t.Context(), id))
	require.Equal(t, ProductionBatchType, asked.process)
	require.Equal(t, ProductionBatchID(id), asked.options.ID)
	require.Equal(t, enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, asked.options.WorkflowIDConflictPolicy)
	require.Equal(t, enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE, asked.options.WorkflowIDReusePolicy, "the row knows whether something is left to do")
}
