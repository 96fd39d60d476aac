package store_test

import (
	"context"
	"database/sql"
	"os"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/store/storetest"
)

func TestMigrateTwice(t *testing.T) {
	t.Parallel()
	db, owner := storetest.NewWithURL(t)
	require.NoError(t, store.Migrate(context.Background(), owner))
	v, err := store.SchemaVersion(context.Background(), db)
	require.NoError(t, err)
	require.Equal(t, store.LatestVersion(), v)
}

// The newest migration can be taken back, and several processes that bring it again wait for each other,
// also while one of them builds indexes that wait for whoever runs a statement.
func TestMigrateBackAndAtOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool, owner := storetest.NewWithURL(t)
	db, err := sql.Open("pgx", owner)
	require.NoError(t, err)
	defer db.Close()
	p, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS("migrations"))
	require.NoError(t, err)
	_, err = p.DownTo(ctx, store.LatestVersion()-1)
	require.NoError(t, err)
	errs := make(chan error)
	for range 3 {
		go func() { errs <- store.Migrate(ctx, owner) }()
	}
	for range 3 {
		require.NoError(t, <-errs)
	}
	v, err := store.SchemaVersion(ctx, pool)
	require.NoError(t, err)
	require.Equal(t, store.LatestVersion(), v)
}

// Photos are deleted all day long. A reference to them that no index begins with reads its whole table
// for each.
func TestDeletedPhotosAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	rows, err := db.Query(context.Background(), `
		SELECT conname FROM pg_constraint c
		 WHERE contype = 'f' AND confrelid = 'photo'::regclass AND NOT EXISTS (
		   SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indpred IS NULL AND i.indisvalid AND i.indkey[0] = ANY (c.conkey))`)
	require.NoError(t, err)
	bare, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Empty(t, bare)
}

func TestAuditChain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db, owner := storetest.NewWithURL(t)
	subject := uuid.Must(uuid.NewV7())
	now := clock.System{}.Now()
	for _, action := range []string{"made", "changed", "ended"} {
		require.NoError(t, store.Audit(ctx, db, store.AuditEntry{
			SubjectKind: "application", SubjectID: subject, At: now,
			Actor: store.Process("test"), Action: action, Detail: map[string]any{"b": 1, "a": "x"},
		}))
	}
	const broken = `
		SELECT count(*) FROM (
		  SELECT hash, prev_hash, lag(hash, 1, '\x'::bytea) OVER (PARTITION BY subject_id ORDER BY seq) AS before,
		         sha256(prev_hash || convert_to(concat_ws('|', subject_kind, subject_id, seq,
		           (extract(epoch FROM at) * 1000000)::bigint, actor_kind, actor_id, action,
		           coalesce(from_state, ''), coalesce(to_state, ''), detail::text), 'UTF8')) AS want
		  FROM audit_entry) c
		WHERE hash <> want OR prev_hash <> before`
	var n int
	require.NoError(t, db.QueryRow(ctx, broken).Scan(&n))
	require.Zero(t, n)

	_, err := db.Exec(ctx, "UPDATE audit_entry SET action = 'nothing'")
	require.Error(t, err, "the program's role must not change the chain")
	_, err = db.Exec(ctx, "DELETE FROM audit_entry")
	require.Error(t, err, "the program's role must not shorten the chain")

	conn, err := pgx.Connect(ctx, owner)
	require.NoError(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "UPDATE audit_entry SET action = 'forged' WHERE seq = 2")
	require.NoError(t, err)
	require.NoError(t, db.QueryRow(ctx, broken).Scan(&n))
	require.Equal(t, 1, n, "a forged row is seen")
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	require.Equal(t, fault.NotFound, fault.KindOf(store.Translate(pgx.ErrNoRows)))

	away, err := store.Open(ctx, "postgres://nobody@/none?host=/nonexistent", 1)
	require.NoError(t, err)
	defer away.Close()
	err = away.InTx(ctx, func(pgx.Tx) error { return nil })
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "%v", err)
}

// Whatever a server says while another one takes over means "later": a page answers 503, an activity is tried again.
func TestASwitchOfServersIsAnAbsence(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db := storetest.New(t)
	for _, code := range []string{
		"57P01", "57P02", "57P03", "57P05", "08000", "08001", "08003", "08004", "08006", "08P01", "25006", "53300", "58030",
	} {
		_, err := db.Exec(ctx, "DO $$ BEGIN RAISE EXCEPTION 'of the test' USING ERRCODE = '"+code+"'; END $$")
		require.Equal(t, fault.Unavailable, fault.KindOf(store.Translate(err)), "%s: %v", code, err)
		err = db.InTx(ctx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "DO $$ BEGIN RAISE EXCEPTION 'of the test' USING ERRCODE = '"+code+"'; END $$")
			return err
		})
		require.Equal(t, fault.Unavailable, fault.KindOf(err), "%s: %v", code, err)
	}
	// The connection itself ends, while it asks and between two questions.
	_, err := db.Exec(ctx, "SELECT pg_terminate_backend(pg_backend_pid())")
	require.Equal(t, fault.Unavailable, fault.KindOf(store.Translate(err)), "%v", err)
	err = db.InTx(ctx, func(tx pgx.Tx) error {
		_, _ = tx.Exec(ctx, "SELECT pg_terminate_backend(pg_backend_pid())")
		_, err := tx.Exec(ctx, "SELECT 1")
		return err
	})
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "%v", err)
	// The control: what is our own fault stays one.
	_, err = db.Exec(ctx, "SELECT 1/0")
	require.Equal(t, fault.Internal, fault.KindOf(store.Translate(err)))
}

// A connection that has met a read-only server is not used again: the next one looks for the primary.
func TestNoConnectionStaysWithAStandby(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := store.Open(ctx, storetest.New(t).Config().ConnString(), 1)
	require.NoError(t, err)
	defer db.Close()
	server := func() (pid int) {
		require.NoError(t, db.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid))
		return pid
	}
	first := server()
	require.Equal(t, first, server(), "it is kept otherwise")
	_, err = db.Exec(ctx, "DO $$ BEGIN RAISE EXCEPTION 'of the test' USING ERRCODE = '23514'; END $$")
	require.Error(t, err)
	require.Equal(t, first, server(), "after any other error too")
	// As a standby answers.
	err = pgx.BeginTxFunc(ctx, db, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM message")
		return err
	})
	require.Equal(t, fault.Unavailable, fault.KindOf(store.Translate(err)))
	require.NotEqual(t, first, server())
}

func TestEnqueueOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db, v := storetest.New(t), storetest.Vault(t)
	m := store.Message{
		DedupeKey: "case:ready:person", Template: "card-ready", Phone: "13800000000",
		Params: map[string]string{"code": "12345678"}, At: clock.System{}.Now(),
	}
	for range 3 {
		require.NoError(t, store.Enqueue(ctx, db, v, m))
	}
	var n int
	require.NoError(t, db.QueryRow(ctx, "SELECT count(*) FROM message").Scan(&n))
	require.Equal(t, 1, n)
}
