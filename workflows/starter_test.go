package workflows

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("go.opencensus.io/stats/view.(*worker).start"))
}

func TestStarterStartsAFewAtATime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	running, most, started := 0, 0, map[uuid.UUID]int{}
	all := make(chan struct{})
	const submissions = 50
	s := startWith(ctx, 4, func(_ context.Context, id uuid.UUID) error {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		defer func() {
			mu.Lock()
			running--
			if started[id]++; len(started) == submissions {
				close(all)
			}
			mu.Unlock()
		}()
		return errors.New("away") // a failure is the sweeper's
	})
	for i := range submissions {
		require.LessOrEqual(t, s.Start(uuid.Must(uuid.NewV4())), i)
	}
	<-all
	cancel()
	s.Wait()
	require.LessOrEqual(t, most, 4)
	for _, n := range started {
		require.Equal(t, 1, n)
	}
}

// A rush is accepted first: starts wait for it, and no longer than a while.
func TestStarterYieldsToARush(t *testing.T) {
	t.Parallel()
	for name, over := range map[string]bool{"it passes": true, "it has no end": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				started := false
				s := startWith(ctx, 1, func(context.Context, uuid.UUID) error { started = true; return nil })
				var submissions []func()
				for range rush + 1 {
					submissions = append(submissions, s.Accepting())
				}
				s.Start(uuid.Must(uuid.NewV4()))
				synctest.Wait()
				require.False(t, started, "the start yields")
				if over {
					submissions[0]()
					submissions[0]() // counted once
					<-time.After(yieldLook)
				} else {
					<-time.After(longestYield)
				}
				synctest.Wait()
				require.True(t, started)
				require.EqualValues(t, map[bool]int{true: rush, false: rush + 1}[over], s.accepting.Load())
				cancel()
				s.Wait()
			})
		})
	}
}

// backlog is a list of applications that nobody started.
type backlog []uuid.UUID

func (b backlog) Unorchestrated(context.Context, time.Time, int) ([]uuid.UUID, error) { return b, nil }

func (b backlog) LateApprovals(context.Context, time.Time, int) ([]uuid.UUID, error) { return nil, nil }

// late is a list of approvals whose processes never learned of them.
type late struct {
	backlog
	approvals []uuid.UUID
}

func (l late) LateApprovals(context.Context, time.Time, int) ([]uuid.UUID, error) {
	return l.approvals, nil
}

func TestSweeperWakesLateApprovals(t *testing.T) {
	t.Parallel()
	id := uuid.Must(uuid.NewV4())
	var calls []string
	note := func(what string) func(context.Context, uuid.UUID) error {
		return func(_ context.Context, got uuid.UUID) error {
			require.Equal(t, id, got)
			calls = append(calls, what)
			return nil
		}
	}
	s := &Sweeper{start: note("start"), wake: note("wake"), Backlog: late{approvals: []uuid.UUID{id}}, Clock: fixed{}}
	n, err := s.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, []string{"start", "wake"}, calls)
}

func TestSweeperStopsWhileTemporalIsAway(t *testing.T) {
	t.Parallel()
	tries := 0
	s := &Sweeper{
		start: func(context.Context, uuid.UUID) error {
			if tries++; tries > 1 {
				return errors.New("away")
			}
			return nil
		},
		Backlog: backlog{uuid.Must(uuid.NewV4()), uuid.Must(uuid.NewV4()), uuid.Must(uuid.NewV4())}, Clock: fixed{},
	}
	n, err := s.Sweep(t.Context())
	require.Error(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, 2, tries, "the third would fail as well")
}

type fixed struct{}

func (fixed) Now() time.Time { return start }
