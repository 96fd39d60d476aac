package sessionstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/store/sessionstore"
	"volcard/internal/store/storetest"
)

var _ scs.CtxStore = (*sessionstore.Store)(nil)

func TestSessionsLiveAndEnd(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	now := clock.NewFake(time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC))
	s := sessionstore.New(storetest.New(t), now)
	owner := uuid.Must(uuid.NewV7())
	put := func(token, data string, life time.Duration, isNew bool) error {
		save := sessionstore.Save{Owner: uuid.NullUUID{UUID: owner, Valid: true}, New: isNew}
		return s.CommitCtx(sessionstore.WithSave(ctx, &save), token, []byte(data), now.Now().Add(life))
	}
	_, found, err := s.FindCtx(ctx, "nobody")
	require.NoError(t, err)
	require.False(t, found)
	require.NoError(t, s.DeleteCtx(ctx, "nobody"), "what does not exist is gone already")

	require.NoError(t, put("one", "first", time.Hour, true))
	require.NoError(t, put("two", "second", 2*time.Hour, true))
	require.NoError(t, put("one", "changed", time.Hour, false))
	data, found, err := s.FindCtx(ctx, "one")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "changed", string(data))

	// Ended by its owner, it does not come back with a request that was under way.
	require.NoError(t, s.End(ctx, owner, "one"))
	require.True(t, fault.Is(s.End(ctx, owner, "one"), fault.NotFound))
	require.True(t, fault.Is(put("one", "late", time.Hour, false), fault.Unauthenticated))
	_, found, err = s.FindCtx(ctx, "one")
	require.NoError(t, err)
	require.False(t, found)

	// Nobody ends another's session.
	require.True(t, fault.Is(s.End(ctx, uuid.Must(uuid.NewV7()), "two"), fault.NotFound))
	list, err := s.List(ctx, owner)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "two", list[0].Token)

	require.NoError(t, put("three", "third", time.Hour, true))
	n, err := s.EndAll(ctx, owner, "three")
	require.NoError(t, err)
	require.EqualValues(t, 1, n)

	// At the second of its expiry a session is over, whether or not it was swept.
	now.Advance(time.Hour)
	_, found, err = s.FindCtx(ctx, "three")
	require.NoError(t, err)
	require.False(t, found)
	n, err = s.Sweep(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
}

// A login that is under way while its owner is stopped makes no session: whoever stops ends the sessions
// that exist by then, and would miss it.
func TestNobodyWhoWasStoppedGetsASession(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db := storetest.New(t)
	now := clock.NewFake(time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC))
	rows := storetest.Rows{T: t, DB: db, Vault: storetest.Vault(t), Now: now.Now()}
	s := sessionstore.New(db, now)
	put := func(owner uuid.UUID) error {
		save := sessionstore.Save{Owner: uuid.NullUUID{UUID: owner, Valid: true}, New: true}
		return s.CommitCtx(sessionstore.WithSave(ctx, &save), owner.String(), []byte("x"), now.Now().Add(time.Hour))
	}
	for stop, owner := range map[string]uuid.UUID{
		"UPDATE staff SET disabled_at = $2 WHERE id = $1": rows.Staff("赵审核", "reviewer"),
		"UPDATE person SET blocked_at = $2 WHERE id = $1": rows.Person("王𠮷", "420199200402290023"),
	} {
		tx, err := db.Begin(ctx)
		require.NoError(t, err)
		_, err = tx.Exec(ctx, stop, owner, now.Now())
		require.NoError(t, err)
		late := make(chan error, 1)
		go func() { late <- put(owner) }()
		require.Eventually(t, func() bool {
			var waits bool
			err := db.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waits)
			return err == nil && (waits || len(late) > 0)
		}, time.Minute, time.Millisecond)
		require.NoError(t, tx.Commit(ctx))
		require.True(t, fault.Is(<-late, fault.Unauthenticated), stop)
		require.True(t, fault.Is(put(owner), fault.Unauthenticated), stop)
		list, err := s.List(ctx, owner)
		require.NoError(t, err)
		require.Empty(t, list)
	}
	require.NoError(t, put(rows.Staff("钱师傅", "factory")))
}

func TestContextsAreHonoured(t *testing.T) {
	t.Parallel()
	s := sessionstore.New(storetest.New(t), clock.System{})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := s.FindCtx(ended, "x")
	require.ErrorIs(t, err, context.Canceled)
	require.Error(t, s.CommitCtx(ended, "x", nil, clock.System{}.Now()))
	require.Error(t, s.DeleteCtx(ended, "x"))
}
