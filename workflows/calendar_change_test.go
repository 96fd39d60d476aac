package workflows

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"volcard/activities"
)

// One test for each sentence of docs/processes/calendar-change.md.

func change(t *testing.T, takes time.Duration, fail int) (env *testsuite.TestWorkflowEnvironment, runs *int) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env = suite.NewTestWorkflowEnvironment()
	var d *activities.Dates
	env.RegisterActivity(d)
	runs = new(int)
	env.OnActivity(d.RecomputePromises, mock.Anything).After(takes).Return(func(context.Context) (int, error) {
		if *runs++; *runs <= fail {
			return 0, errors.New("away")
		}
		return 1, nil
	}).Maybe()
	return env, runs
}

// Several imports at once are one change.
func TestImportsAtOnceAreOneChange(t *testing.T) {
	t.Parallel()
	env, runs := change(t, 0, 0)
	env.RegisterDelayedCallback(func() {
		for range 3 {
			env.SignalWorkflow(signalImported, nil)
		}
	}, 0)
	env.ExecuteWorkflow(CalendarChange)
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, 1, *runs)
}

// An import that comes while the promises are computed is followed as well.
func TestImportDuringAChangeIsFollowed(t *testing.T) {
	t.Parallel()
	env, runs := change(t, time.Minute, 0)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalImported, nil) }, 0)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalImported, nil) }, 30*time.Second)
	env.ExecuteWorkflow(CalendarChange)
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, 2, *runs)
}

// It is tried until it succeeds.
func TestChangeIsTriedUntilDone(t *testing.T) {
	t.Parallel()
	env, runs := change(t, 0, 5)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(signalImported, nil) }, 0)
	env.ExecuteWorkflow(CalendarChange)
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, 6, *runs)
}
