package activities

import (
	"context"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"volcard/internal/store/checkstore"
	"volcard/internal/store/storetest/stage"
)

// A live case without a running process gets one, and only then is it said. Processes whose rows a person moved
// since the night before are told to look; those that only their own process moved are not.
func TestCompareCasesResumesAndWakes(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	orphan, ended := s.Waiting(s.Branch), s.Waiting(s.Branch)
	decided := s.Reviewing()
	s.Approve(decided)
	s.Clock.Advance(2 * checkstore.Settled)
	w, resumed := &woken{}, []uuid.UUID{}
	none := func(context.Context) (map[uuid.UUID]bool, error) { return nil, nil }
	c := &Check{
		Reports: checkstore.Reports{DB: s.DB}, Clock: s.Clock, Wake: w.wake,
		Running: func(context.Context) (map[uuid.UUID]bool, error) { return map[uuid.UUID]bool{decided.ID: true}, nil },
		Resume: func(_ context.Context, id uuid.UUID) (bool, error) {
			resumed = append(resumed, id)
			return id == orphan.ID, nil
		},
		RunningBatches: none, StartBatch: func(context.Context, uuid.UUID) error { return nil },
	}
	found := compare(t, c)
	require.Equal(t, 1, found.Count, "the one that runs already needs no word")
	require.ElementsMatch(t, []uuid.UUID{orphan.ID, ended.ID}, resumed)
	require.Equal(t, []uuid.UUID{decided.ID}, w.ids)
	require.Contains(t, s.Text("SELECT findings::text FROM check_report"), orphan.ID.String())

	s.Clock.Advance(night + time.Minute)
	w.ids = nil
	compare(t, c)
	require.Empty(t, w.ids)
}

// After a restore a workflow may run whose case the database has not; and one whose row has ended long ago never
// heard of it. Both are ended, and no other.
func TestCompareCasesEndsOrphans(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	live, over, moment := s.Waiting(s.Branch), s.Waiting(s.Branch), s.Waiting(s.Branch)
	_, err := s.Process.Withdraw(t.Context(), over.ID, over.Person)
	require.NoError(t, err)
	s.Clock.Advance(2 * checkstore.Settled)
	_, err = s.Process.Withdraw(t.Context(), moment.ID, moment.Person)
	require.NoError(t, err)
	lost := uuid.Must(uuid.NewV7())
	var ended []uuid.UUID
	none := func(context.Context) (map[uuid.UUID]bool, error) { return nil, nil }
	found := compare(t, &Check{
		Reports: checkstore.Reports{DB: s.DB}, Clock: s.Clock, Wake: (&woken{}).wake,
		Running: func(context.Context) (map[uuid.UUID]bool, error) {
			return map[uuid.UUID]bool{live.ID: true, over.ID: true, moment.ID: true, lost: true}, nil
		},
		Resume: func(context.Context, uuid.UUID) (bool, error) { return false, nil },
		End: func(_ context.Context, id uuid.UUID) error {
			ended = append(ended, id)
			return nil
		},
		RunningBatches: none, StartBatch: func(context.Context, uuid.UUID) error { return nil },
	})
	require.Equal(t, 2, found.Count)
	require.ElementsMatch(t, []uuid.UUID{over.ID, lost}, ended, "one that ended a moment ago may be on its way")
}

func compare(t *testing.T, c *Check) Findings {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(c)
	value, err := env.ExecuteActivity(c.CompareCases)
	require.NoError(t, err)
	var found Findings
	require.NoError(t, value.Get(&found))
	return found
}
