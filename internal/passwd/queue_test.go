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
		hashing, mostWaiting := cap(h.slots), cap(h.waiting)-cap(h.slots)
		for range hashing {
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
		for range hashing {
			h.leave()
		}
		require.Empty(t, h.slots)
		require.Empty(t, h.waiting)
	})
}

// Half of the cores, and one at least, is all that hashes take.
func TestHashesLeaveCoresToPages(t *testing.T) {
	t.Parallel()
	for cores, want := range map[int]int{1: 1, 2: 1, 3: 1, 4: 2, 16: 8} {
		require.Equal(t, want, atOnce(cores), cores)
	}
}
