package casewatch_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"volcard/internal/store"
	"volcard/internal/store/casewatch"
	"volcard/internal/store/storetest"
)

const channel = "volcard_case"

var errAsked = errors.New("the row was asked")

// run starts the watcher and ends it before the test does.
func run(t *testing.T, w *casewatch.Watcher) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(stop)
	return stop
}

func watcher(db *store.DB, moved func(context.Context, uuid.UUID) (bool, error)) *casewatch.Watcher {
	return casewatch.New(db, channel, moved, slog.New(slog.DiscardHandler))
}

func tell(t *testing.T, db *store.DB, payload string) {
	t.Helper()
	_, err := db.Exec(t.Context(), "SELECT pg_notify($1, $2)", channel, payload)
	require.NoError(t, err)
}

// listening waits until a new connection listens: it sends notices until one arrives.
func listening(t *testing.T, db *store.DB, w *casewatch.Watcher) {
	t.Helper()
	probe := uuid.Must(uuid.NewV7())
	x := w.Expect(probe)
	defer x.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var heard sync.WaitGroup
	heard.Go(func() { x.Wait(t.Context()); cancel() })
	for ctx.Err() == nil {
		tell(t, db, probe.String())
	}
	heard.Wait()
	require.True(t, w.Listening())
}

func never(context.Context, uuid.UUID) (bool, error) { return false, errAsked }

func TestNoticeWakesWhoWaits(t *testing.T) {
	db := storetest.New(t)
	var asked atomic.Int64
	w := watcher(db, func(ctx context.Context, id uuid.UUID) (bool, error) { asked.Add(1); return never(ctx, id) })
	run(t, w)
	listening(t, db, w)
	asked.Store(0)

	id, other := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	watches := []*casewatch.Watch{w.Expect(id), w.Expect(id)}
	stranger := w.Expect(other)
	tell(t, db, "no id at all") // is passed over
	tell(t, db, id.String())
	for _, x := range watches {
		require.True(t, x.Wait(t.Context()), "both tabs hear")
		x.Close()
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.False(t, stranger.Wait(ended), "another case's notice wakes nobody else")
	stranger.Close()
	require.Zero(t, asked.Load(), "whoever hears does not ask")
}

func TestNoticeBeforeWaitCounts(t *testing.T) {
	db := storetest.New(t)
	w := watcher(db, never)
	run(t, w)
	listening(t, db, w)
	id, after := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	x, y := w.Expect(id), w.Expect(after)
	defer x.Close()
	defer y.Close()
	tell(t, db, id.String())
	tell(t, db, after.String())
	require.True(t, y.Wait(t.Context()), "notices come in order, so the first is there as well")
	require.True(t, x.Wait(t.Context()))
}

func TestAsksWhileNobodyListens(t *testing.T) {
	db := storetest.New(t)
	var asked atomic.Int64
	// The row moves between the second and the third question; the first one fails.
	w := watcher(db, func(context.Context, uuid.UUID) (bool, error) {
		if asked.Add(1) == 1 {
			return false, errAsked
		}
		return asked.Load() > 2, nil
	})
	require.True(t, w.Wait(t.Context(), uuid.Must(uuid.NewV7())), "Run was never called")
	require.EqualValues(t, 3, asked.Load())
	require.True(t, w.Wait(t.Context(), uuid.Must(uuid.NewV7())), "a case that has moved already is not waited for")
	require.EqualValues(t, 4, asked.Load())
}

func TestReconnects(t *testing.T) {
	db, owner := storetest.NewWithURL(t)
	var moved atomic.Bool
	w := watcher(db, func(context.Context, uuid.UUID) (bool, error) { return moved.Load(), nil })
	run(t, w)
	listening(t, db, w)

	// Somebody who waits while the connection is lost asks the row afterwards.
	lost := w.Expect(uuid.Must(uuid.NewV7()))
	defer lost.Close()
	conn, err := pgx.Connect(t.Context(), owner)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	var cut int
	require.NoError(t, conn.QueryRow(t.Context(), `
		SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		 WHERE datname = current_database() AND query LIKE 'LISTEN%'`).Scan(&cut))
	require.Equal(t, 1, cut)
	moved.Store(true)
	require.True(t, lost.Wait(t.Context()))

	moved.Store(false)
	listening(t, db, w)
}

func TestLeavesNothingBehind(t *testing.T) {
	db := storetest.New(t)
	before := goleak.IgnoreCurrent()
	w := watcher(db, never)
	stop := run(t, w)
	listening(t, db, w)
	stop()
	require.False(t, w.Listening())
	goleak.VerifyNone(t, before)
}
