package verifystore_test

import (
	"fmt"
	"testing"
	"time"

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
		name := fmt.Sprintf("42260000%06d", i)
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
	before, err := s.Fingerprint(ctx, now)
	require.NoError(t, err)
	for i, status := range []string{"valid", "suspended", "replaced", "cancelled"} {
		add(i, status, end)
	}
	add(9, "cancelled", now.AddDate(0, 0, -1))

	c, ok, err := s.Lookup(ctx, "42260000000001")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, card.Suspended, c.Status)
	require.Equal(t, "suspended", tokens[c.Token])
	require.True(t, end.Equal(c.ExpiresAt))
	_, ok, err = s.Lookup(ctx, "42260000009999")
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

	after, err := s.Fingerprint(ctx, now)
	require.NoError(t, err)
	require.NotEqual(t, before, after)
	// One comes off the list and another goes on with an older date: the count and the newest
	// date are the same as before.
	_, err = db.Exec(ctx, `UPDATE card SET status = CASE status WHEN 'valid' THEN 'suspended' ELSE 'valid' END
	                        WHERE number IN ('42260000000000', '42260000000001')`)
	require.NoError(t, err)
	swapped, err := s.Fingerprint(ctx, now)
	require.NoError(t, err)
	require.NotEqual(t, after, swapped)
}
