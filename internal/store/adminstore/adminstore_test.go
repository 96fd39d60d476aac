package adminstore_test

import (
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/store/adminstore"
	"volcard/internal/store/placestore"
	"volcard/internal/store/storetest"
)

var now = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

func setup(t *testing.T) (adminstore.Store, storetest.Rows) {
	t.Helper()
	db := storetest.New(t)
	return adminstore.Store{DB: db}, storetest.Rows{T: t, DB: db, Vault: storetest.Vault(t), Now: now}
}

func TestStatesCountsEveryState(t *testing.T) {
	t.Parallel()
	s, rows := setup(t)
	rows.SigningKey("TEST")
	who := rows.Person("王五", "420199200402290023")
	rows.Card(storetest.CardRow{
		Person: who, Branch: rows.Branch("甲支行"), Number: "42260000000119", Name: "王五", Token: "T", KID: "TEST",
		Issued: now, End: now.AddDate(5, 0, 0),
	})
	got, err := s.States(t.Context())
	require.NoError(t, err)
	require.Len(t, got, len(card.States()))
	for _, c := range got {
		want := 0
		if c.State == card.Collected {
			want = 1
		}
		require.Equal(t, want, c.Count, c.State)
	}
	held, err := s.HeldCases(t.Context(), adminstore.Window{Limit: 10})
	require.NoError(t, err)
	require.Empty(t, held)
	var id uuid.UUID
	require.NoError(t, s.DB.QueryRow(t.Context(), "SELECT id FROM application").Scan(&id))
	_, err = s.HeldCase(t.Context(), id)
	require.True(t, fault.Is(err, fault.NotFound), "a case that was never held is nobody's business here")
}

func TestBranchesCarryTheirStock(t *testing.T) {
	t.Parallel()
	s, rows := setup(t)
	ctx := t.Context()
	first, second := rows.Branch("100%支行"), rows.Branch("乙支行")
	rows.Stock(first, 3)
	_, err := s.DB.Exec(ctx, "UPDATE branch SET closed_at = $2 WHERE id = $1", second, now)
	require.NoError(t, err)

	all, err := s.Branches(ctx, "", adminstore.Window{Limit: 10})
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, 3, all[0].InStock)
	require.True(t, all[1].Closed)
	for keyword, want := range map[string]int{"%": 1, "_": 0, `\`: 0, "支行": 2, " 乙 ": 1, "' OR 1=1": 0} {
		got, err := s.Branches(ctx, keyword, adminstore.Window{Limit: 10})
		require.NoError(t, err)
		require.Len(t, got, want, keyword)
	}
	page, err := s.Branches(ctx, "", adminstore.Window{Limit: 1, Offset: 1})
	require.NoError(t, err)
	require.Len(t, page, 1)
	require.Equal(t, second, page[0].ID)
	page, err = s.Branches(ctx, "", adminstore.Window{Limit: -1, Offset: -1})
	require.NoError(t, err)
	require.Len(t, page, 1, "no window is without bounds")

	id, name, err := s.OpenBranch(ctx, all[0].Code)
	require.NoError(t, err)
	require.Equal(t, first, id)
	require.Equal(t, "100%支行", name)
	_, _, err = s.OpenBranch(ctx, all[1].Code)
	require.True(t, fault.Is(err, fault.Invalid), "closed")
	total, err := s.Stock(ctx)
	require.NoError(t, err)
	require.Equal(t, adminstore.Stock{InStock: 3}, total)
}

func TestHangingMessages(t *testing.T) {
	t.Parallel()
	s, rows := setup(t)
	ctx := t.Context()
	add := func(key, template, state string, at time.Time) {
		require.NoError(t, store.Enqueue(ctx, s.DB, rows.Vault, store.Message{
			DedupeKey: key, Template: template, Phone: "13800000000", Params: map[string]string{}, At: at,
		}))
		_, err := s.DB.Exec(ctx, "UPDATE message SET state = $2 WHERE dedupe_key = $1", key, state)
		require.NoError(t, err)
	}
	add("old", "card-ready", "pending", now.Add(-time.Hour))
	add("new", "card-ready", "pending", now)
	add("sent", "card-ready", "sent", now.Add(-time.Hour))
	add("failed", "card-lapsed", "failed", now.Add(-time.Hour))
	add("long failed", "card-lapsed", "failed", now.Add(-30*24*time.Hour))
	got, err := s.HangingMessages(ctx, now.Add(-10*time.Minute), now.Add(-7*24*time.Hour), 20)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, []string{"pending", "failed"}, []string{got[0].State, got[1].State})
	got, err = s.HangingMessages(ctx, now.Add(-10*time.Minute), now.Add(-7*24*time.Hour), 1)
	require.NoError(t, err)
	require.Len(t, got, 1)
}

func TestAccountsKeysAndImports(t *testing.T) {
	t.Parallel()
	s, rows := setup(t)
	ctx := t.Context()
	branch := rows.Branch("甲支行")
	clerk := rows.Clerk("周敏", branch)
	for keyword, want := range map[string]int{"": 1, "周": 1, "甲支行": 1, "nobody": 0} {
		got, err := s.Accounts(ctx, keyword, adminstore.Window{Limit: 10})
		require.NoError(t, err)
		require.Len(t, got, want, keyword)
	}
	one, err := s.Account(ctx, clerk)
	require.NoError(t, err)
	require.Equal(t, "甲支行", one.BranchName)
	_, err = s.Account(ctx, branch)
	require.True(t, fault.Is(err, fault.NotFound))

	rows.SigningKey("TEST")
	keys, err := s.Keys(ctx)
	require.NoError(t, err)
	require.Equal(t, []adminstore.Key{{KID: "TEST", CreatedAt: now}}, []adminstore.Key{{KID: keys[0].KID, CreatedAt: keys[0].CreatedAt.UTC()}})

	require.NoError(t, placestore.SeedUniversities(ctx, s.DB, clock.NewFake(now)))
	imports, err := s.Imports(ctx, string(placestore.Universities), 5)
	require.NoError(t, err)
	require.Len(t, imports, 1)
	require.Empty(t, imports[0].By, "the seed is nobody's import")
	require.Positive(t, imports[0].Added)
	imports, err = s.Imports(ctx, string(placestore.Branches), 5)
	require.NoError(t, err)
	require.Empty(t, imports)
}
