package passwd

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/fault"
)

// A storm: a bounded number waits, the rest is told at once, and nobody waits beyond the patience.
func TestTheQueueIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, err := New(Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
		require.NoError(t, err)
		for range atOnce {
			require.NoError(t, h.enter(t.Context()))
		}
		gaveUp := make(chan error, mostWaiting)
		for range mostWaiting {
			go func() { gaveUp <- h.enter(context.Background()) }()
		}
		synctest.Wait()
		begun, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.True(t, fault.Is(h.enter(t.Context()), fault.Unavailable))
		require.NoError(t, begun.Err(), "at once")
		for range mostWaiting {
			require.True(t, fault.Is(<-gaveUp, fault.Unavailable))
		}
		h.leave()
		require.NoError(t, h.enter(t.Context()), "whoever gave up holds no place")
		for range atOnce {
			h.leave()
		}
		require.Empty(t, h.slots)
		require.Empty(t, h.waiting)
	})
}
