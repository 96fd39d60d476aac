package keystore_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
	"volcard/internal/credential"
	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/store/keystore"
	"volcard/internal/store/storetest"
)

var (
	now      = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	operator = store.Actor{Kind: "operator", ID: "test"}
)

func setup(t *testing.T) (keystore.Store, *clock.Fake) {
	t.Helper()
	c := clock.NewFake(now)
	return keystore.Store{DB: storetest.New(t), Vault: storetest.Vault(t), Clock: c}, c
}

func claims(at time.Time) credential.Claims {
	return credential.Claims{
		CardNumber: "42260000000117", Edition: "general", MaskedName: "王*", IssuedOn: at, ExpiresOn: at.AddDate(5, 0, -1),
	}
}

func count(t *testing.T, s keystore.Store, sql string) int {
	t.Helper()
	var n int
	require.NoError(t, s.DB.QueryRow(t.Context(), sql).Scan(&n))
	return n
}

// Many processes start at once on a new database: one key.
func TestEnsureAtOnce(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { errs[i] = s.Ensure(context.Background(), operator) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, 1, count(t, s, "SELECT count(*) FROM signing_key"))
	require.Equal(t, 1, count(t, s, "SELECT count(*) FROM audit_entry WHERE subject_kind = 'signing_key'"))

	keys, err := s.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 1)
	require.NotNil(t, keys[0].Private)
	var sealed []byte
	require.NoError(t, s.DB.QueryRow(t.Context(), "SELECT private_key FROM signing_key").Scan(&sealed))
	require.NotContains(t, string(sealed), string(keys[0].Private.Seed()), "sealed at rest")
}

func TestRotate(t *testing.T) {
	t.Parallel()
	s, c := setup(t)
	require.NoError(t, s.Ensure(t.Context(), operator))
	ring := credential.NewKeyring(s)
	require.NoError(t, ring.Refresh(t.Context()))
	old, oldKID, err := ring.Sign(claims(now))
	require.NoError(t, err)

	c.Advance(time.Hour)
	latest := c.Now().AddDate(5, 0, 0)
	r, err := s.Rotate(t.Context(), operator, latest)
	require.NoError(t, err)
	require.Equal(t, oldKID, r.Retired)
	require.NotEqual(t, r.Retired, r.Active)
	require.True(t, r.Until.After(latest), "longer than any card that was signed with it")
	require.Equal(t, 1, count(t, s, "SELECT count(*) FROM signing_key WHERE private_key IS NULL"), "the private part is gone")
	require.Equal(t, 3, count(t, s, "SELECT count(*) FROM audit_entry WHERE subject_kind = 'signing_key'"))

	require.NoError(t, ring.Refresh(t.Context()))
	_, newKID, err := ring.Sign(claims(c.Now()))
	require.NoError(t, err)
	require.Equal(t, r.Active, newKID)
	_, err = ring.Verify(old, c.Now())
	require.NoError(t, err, "old cards stay good")

	c.Advance(r.Until.Sub(c.Now()))
	require.NoError(t, ring.Refresh(t.Context()))
	_, err = ring.Verify(old, c.Now())
	require.ErrorIs(t, err, credential.ErrUnknownKey, "until the last of them has expired")
}

// A card that was given more time than one would get today keeps its key published.
func TestRotateKeepsLongestCard(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	require.NoError(t, s.Ensure(t.Context(), operator))
	keys, err := s.Keys(t.Context())
	require.NoError(t, err)
	rows := storetest.Rows{T: t, DB: s.DB, Vault: s.Vault, Now: now}
	longest := now.AddDate(9, 0, 0)
	rows.Card(storetest.CardRow{
		Person: rows.Person("王五", "420106199001011239"), Branch: rows.Branch("测试网点"), Number: "42260000000117",
		Name: "王五", Token: "T", KID: keys[0].KID, Issued: now, End: longest,
	})
	r, err := s.Rotate(t.Context(), operator, now.AddDate(5, 0, 0))
	require.NoError(t, err)
	require.True(t, r.Until.After(longest))
}

func TestRotateAtOnce(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	_, err := s.Rotate(t.Context(), operator, now)
	require.Equal(t, fault.Conflict, fault.KindOf(err), "nothing to rotate")
	require.NoError(t, s.Ensure(t.Context(), operator))
	var wg sync.WaitGroup
	errs := make([]error, 5)
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.Rotate(context.Background(), operator, now.AddDate(5, 0, 0)) })
	}
	wg.Wait()
	done := 0
	for _, err := range errs {
		if err == nil {
			done++
			continue
		}
		require.Equal(t, fault.Conflict, fault.KindOf(err))
	}
	require.GreaterOrEqual(t, done, 1)
	require.Equal(t, 1, count(t, s, "SELECT count(*) FROM signing_key WHERE retired_at IS NULL"))
	require.Equal(t, done+1, count(t, s, "SELECT count(*) FROM signing_key"))
}

// Another installation's vault must not sign with our rows.
func TestWrongVault(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	require.NoError(t, s.Ensure(t.Context(), operator))
	s.Vault = storetest.Vault(t)
	_, err := s.Keys(t.Context())
	require.Equal(t, fault.Internal, fault.KindOf(err))
}
