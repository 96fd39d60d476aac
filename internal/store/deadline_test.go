package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/store/storetest"
)

func bounded(t *testing.T, d store.Deadlines) *store.DB {
	t.Helper()
	db, err := store.OpenWithin(t.Context(), storetest.New(t).Config().ConnString(), 1, d)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

// A statement that takes too long fails as unavailable, however it is sent, and its connection goes on.
func TestStatementsEnd(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db := bounded(t, store.Deadlines{Statement: 200 * time.Millisecond})
	backend := func() (pid int) {
		require.NoError(t, db.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid))
		return pid
	}
	before := backend()
	const endless = "SELECT pg_sleep(600)"
	for name, send := range map[string]func() error{
		"exec": func() error {
			_, err := db.Exec(ctx, endless)
			return store.Translate(err)
		},
		"row": func() error {
			var void string
			return store.Translate(db.QueryRow(ctx, endless).Scan(&void))
		},
		"batch": func() error {
			b := &pgx.Batch{}
			b.Queue("SELECT 1")
			b.Queue(endless)
			return store.Translate(db.SendBatch(ctx, b).Close())
		},
		"transaction": func() error {
			return db.InTx(ctx, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, endless)
				return err
			})
		},
	} {
		err := send()
		require.True(t, fault.Is(err, fault.Unavailable), "%s: %v", name, err)
		require.Equal(t, store.Busy, fault.Sentence(err), name)
		require.Equal(t, before, backend(), name)
	}
}

// What is allowed longer may take longer, in its transaction and nowhere else.
func TestAllow(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db := bounded(t, store.Deadlines{Statement: 200 * time.Millisecond})
	timeout := func(q store.Querier) (text string) {
		require.NoError(t, q.QueryRow(ctx, "SHOW statement_timeout").Scan(&text))
		return text
	}
	long := store.Allow(ctx, time.Minute)
	require.NoError(t, db.InTx(long, func(tx pgx.Tx) error {
		require.Equal(t, "1min", timeout(tx))
		_, err := tx.Exec(long, "SELECT pg_sleep(1.5)") // longer than PostgreSQL and the client allow others
		return err
	}))
	require.Equal(t, "200ms", timeout(db))
}

// Who gets no connection in time fails as unavailable; whoever holds it is not disturbed.
func TestConnectionsAreWaitedForBriefly(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db := bounded(t, store.Deadlines{Connection: 50 * time.Millisecond, Statement: time.Minute})
	err := db.InTx(ctx, func(tx pgx.Tx) error {
		_, err := db.Exec(ctx, "SELECT 1")
		require.True(t, fault.Is(store.Translate(err), fault.Unavailable), err)
		_, err = tx.Exec(ctx, "SELECT 1")
		return err
	})
	require.NoError(t, err)
	_, err = db.Exec(ctx, "SELECT 1")
	require.NoError(t, err)
}
