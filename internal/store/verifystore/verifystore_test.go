package verifystore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/internal/credential"
	"volcard/internal/store"
	"volcard/internal/store/keystore"
	"volcard/internal/store/storetest"
	"volcard/internal/store/verifystore"

	"volcard/internal/clock"
)

var now = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

func TestLookupAndRevoked(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, v := storetest.New(t), storetest.Vault(t)
	keys := keystore.Store{DB: db, Vault: v, Clock: clock.NewFake(now)}
	require.NoError(t, keys.Ensure(ctx, store.Process("test")))
	ring := credential.NewKeyring(keys)
	require.NoError(t, ring.Refresh(ctx))
	rows := storetest.Rows{T: t, DB: db, Vault: v, Now: now}
	branch := rows.Branch("测试网点")
	s := verifystore.Store{DB: db}

	tokens := map[string]string{}
	add := func(i int, status string, end time.Time) {
		name := fmt.Sprintf("4226%08d00", i)
		token, kid, err := ring.Sign(credential.Claims{
			CardNumber: name, Edition: "general", MaskedName: "王*", IssuedOn: end.AddDate(-5, 0, 0), ExpiresOn: end,
		})
		require.NoError(t, err)
		rows.Card(storetest.CardRow{
			Person: rows.Person("王五", fmt.Sprintf("4201061990010%05d", i)), Branch: branch, Number: name, Name: "王五",
			Token: token, KID: kid, Status: status, Issued: end.AddDate(-5, 0, 0), End: end,
		})
		tokens[token] = status
	}
	end := now.AddDate(4, 0, 0)
	for i, status := range []string{"valid", "suspended", "replaced", "cancelled"} {
		add(i, status, end)
	}
	add(9, "cancelled", now.AddDate(0, 0, -1))

	c, ok, err := s.Lookup(ctx, "42260000000100")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, card.Suspended, c.Status)
	require.Equal(t, "suspended", tokens[c.Token])
	require.True(t, end.Equal(c.ExpiresAt))
	_, ok, err = s.Lookup(ctx, "42260000999900")
	require.NoError(t, err)
	require.False(t, ok)

	revoked, err := s.Revoked(ctx, now, 10)
	require.NoError(t, err)
	require.Len(t, revoked, 3, "neither the valid one nor the expired one")
	for _, r := range revoked {
		require.Equal(t, tokens[r.Token], r.Status)
	}
	some, err := s.Revoked(ctx, now, 1)
	require.NoError(t, err)
	require.Len(t, some, 2, "one more than the limit, so that the caller sees the overflow")

	list, err := s.Statuses(ctx)
	require.NoError(t, err)
	signed, err := ring.SignStatusList(list, "https://volcard.example.cn/list", now)
	require.NoError(t, err)
	_, _, status, err := ring.ReadStatusList(signed.Data)
	require.NoError(t, err)
	for number, want := range map[string]string{
		"42260000000000": "", "42260000000100": "suspended", "42260000000200": "replaced", "42260000000300": "cancelled", "42260000000900": "cancelled",
	} {
		said, ok := status(number)
		require.True(t, ok)
		require.Equal(t, want, said, "an expired card is on it too: time alone never changes the list")
	}
}

// The marker moves with every change that commits, whoever makes it and however late it commits, and with none
// that does not.
func TestStatusMarker(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, ownerURL := storetest.NewWithURL(t)
	v := storetest.Vault(t)
	rows := storetest.Rows{T: t, DB: db, Vault: v, Now: now}
	rows.SigningKey("TESTKEY1")
	branch := rows.Branch("测试网点")
	s := verifystore.Store{DB: db}
	marker := func() string {
		t.Helper()
		m, err := s.StatusMarker(ctx)
		require.NoError(t, err)
		return m
	}
	add := func(sequence int, status string) {
		rows.Card(storetest.CardRow{
			Person: rows.Person("王五", storetest.IDNumber(sequence)), Branch: branch, Number: fmt.Sprintf("4226%08d00", sequence), Name: "王五",
			Token: "T", KID: "TESTKEY1", Status: status, Issued: now, End: now.AddDate(5, 0, 0),
		})
	}
	exec := func(q store.Querier, sql string, args ...any) {
		t.Helper()
		_, err := q.Exec(ctx, sql, args...)
		require.NoError(t, err)
	}
	const suspend = "UPDATE card SET status = 'suspended' WHERE number = $1"
	before := marker()
	for i := range 3 {
		add(i, "valid")
	}
	exec(db, "UPDATE card SET status_at = status_at, status = status")
	require.Equal(t, before, marker(), "issuing touches it not")
	add(3, "cancelled")
	require.NotEqual(t, before, marker())

	// The one that began first commits last.
	before = marker()
	begin := func() pgx.Tx {
		t.Helper()
		tx, err := db.Begin(ctx)
		require.NoError(t, err)
		t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
		return tx
	}
	first := begin()
	exec(first, suspend, "42260000000000")
	require.Equal(t, before, marker(), "not committed yet")
	exec(db, suspend, "42260000000100")
	between := marker()
	require.NotEqual(t, before, between)
	require.NoError(t, first.Commit(ctx))
	after := marker()
	require.NotEqual(t, between, after)

	// Back again, in one transaction with its opposite: no count and no newest time would differ.
	exec(db, `UPDATE card SET status = CASE status WHEN 'valid' THEN 'suspended' ELSE 'valid' END
	           WHERE number IN ('42260000000100', '42260000000200')`)
	require.NotEqual(t, after, marker())

	// A transaction that gave a part of itself up counts what is left.
	before = marker()
	tx := begin()
	part, err := tx.Begin(ctx)
	require.NoError(t, err)
	exec(part, suspend, "42260000000100")
	require.NoError(t, part.Rollback(ctx))
	exec(tx, suspend, "42260000000100")
	require.NoError(t, tx.Commit(ctx))
	require.NotEqual(t, before, marker())
	before = marker()
	tx = begin()
	exec(tx, "UPDATE card SET status = 'cancelled'")
	require.NoError(t, tx.Rollback(ctx))
	require.Equal(t, before, marker())

	// And where the list no longer reaches far enough.
	owner, err := store.Open(ctx, ownerURL, 1)
	require.NoError(t, err)
	defer owner.Close()
	exec(owner, "SELECT setval('card_number_seq', 3000000)")
	require.NotEqual(t, before, marker())
	list, err := s.Statuses(ctx)
	require.NoError(t, err)
	require.Greater(t, list.Size(), int64(4_000_000))
}
