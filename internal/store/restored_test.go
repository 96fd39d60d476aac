package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/store/storetest"
)

// restored is a database as a backup gives it back: with 41 cards issued, under another server's identity.
type restored struct {
	t          *testing.T
	app, owner *store.DB
	ownerURL   string
}

var restoredAt = time.Date(2026, 12, 1, 4, 0, 0, 0, time.UTC)

func newRestored(t *testing.T) *restored {
	t.Helper()
	app, ownerURL := storetest.NewWithURL(t)
	owner, err := store.Open(t.Context(), ownerURL, 2)
	require.NoError(t, err)
	t.Cleanup(owner.Close)
	r := &restored{t, app, owner, ownerURL}
	rows := storetest.Rows{T: t, DB: app, Vault: storetest.Vault(t), Now: restoredAt}
	rows.SigningKey("TESTKEY1")
	r.exec("SELECT setval('card_number_seq', 41)")
	rows.Card(storetest.CardRow{
		Person: rows.Person("王五", storetest.IDNumber(1)), Branch: rows.Branch("测试网点"), Number: "42260000004100", Name: "王五",
		Token: "T", KID: "TESTKEY1", Issued: restoredAt.AddDate(0, 0, -1), End: restoredAt.AddDate(5, 0, 0),
	})
	r.exec("INSERT INTO batch (id, number, state, cards, frozen_at) VALUES (gen_random_uuid(), 'PC2026120103', 'frozen', 1, now())")
	r.lose()
	return r
}

// lose makes the database one that nobody confirmed.
func (r *restored) lose() {
	r.exec("UPDATE database_identity SET system_identifier = system_identifier + 1")
}

func (r *restored) exec(sql string, args ...any) {
	r.t.Helper()
	_, err := r.owner.Exec(r.t.Context(), sql, args...)
	require.NoError(r.t, err)
}

func (r *restored) confirm(gap, beyond int64, dry bool) store.Restored {
	r.t.Helper()
	out, err := store.Restore{
		Gap: gap, Beyond: beyond, Actor: store.Actor{Kind: "operator", ID: "shell"}, Now: restoredAt,
	}.Confirm(r.t.Context(), r.owner, dry)
	require.NoError(r.t, err)
	return out
}

func (r *restored) confirmed() bool {
	r.t.Helper()
	ok, err := store.Confirmed(r.t.Context(), r.app)
	require.NoError(r.t, err)
	return ok
}

func (r *restored) text(sql string) string {
	r.t.Helper()
	var text string
	require.NoError(r.t, r.owner.QueryRow(r.t.Context(), sql).Scan(&text))
	return text
}

// Whatever draws a number is refused by the database itself, also where an older program asks.
func TestUnconfirmedDatabaseIssuesNothing(t *testing.T) {
	t.Parallel()
	r := newRestored(t)
	for name, change := range map[string]string{
		"another server":   "UPDATE database_identity SET system_identifier = system_identifier + 1",
		"another database": "UPDATE database_identity SET database_oid = database_oid + 1",
		"nothing known":    "DELETE FROM database_identity",
	} {
		r.confirm(1, 0, false)
		require.True(t, r.confirmed())
		r.exec(change)
		require.False(t, r.confirmed(), name)
		for _, table := range []string{"person", "application", "card", "batch"} {
			err := r.app.InTx(t.Context(), func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), "INSERT INTO "+table+" DEFAULT VALUES")
				return err
			})
			require.True(t, fault.Is(err, fault.Unavailable), "%s: %s: %v", name, table, err)
			require.Equal(t, store.Unconfirmed, fault.Sentence(err))
		}
	}
	_, err := r.app.Exec(t.Context(), "UPDATE database_identity SET database_oid = 1")
	require.Error(t, err, "a program does not confirm itself")
}

// A migration confirms a database that issued nothing, and no other.
func TestMigrateConfirmsAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	app, ownerURL := storetest.NewWithURL(t)
	empty := &restored{t: t, app: app, ownerURL: ownerURL}
	var err error
	empty.owner, err = store.Open(t.Context(), ownerURL, 1)
	require.NoError(t, err)
	defer empty.owner.Close()
	empty.lose()
	require.False(t, empty.confirmed())
	require.NoError(t, store.Migrate(t.Context(), ownerURL))
	require.True(t, empty.confirmed())

	empty.exec("SELECT nextval('card_number_seq')")
	empty.lose()
	require.NoError(t, store.Migrate(t.Context(), ownerURL))
	require.False(t, empty.confirmed(), "a number was drawn")

	used := newRestored(t)
	require.NoError(t, store.Migrate(t.Context(), used.ownerURL))
	require.False(t, used.confirmed())
}

func TestRestoredMovesEveryNumberOn(t *testing.T) {
	t.Parallel()
	r := newRestored(t)
	r.exec("INSERT INTO session (token, data, expires_at) VALUES ('s', '', now() + interval '1 day')")
	r.exec("INSERT INTO admin_token (token_hash, expires_at) VALUES ('h', $1)", restoredAt.Add(time.Hour))
	for i, urgent := range []bool{true, false, false} {
		r.exec(`INSERT INTO message (id, dedupe_key, template, phone, params, state, urgent, due_at, created_at)
		        VALUES (gen_random_uuid(), $1, 't', '', '', $2, $3, $4, $4)`,
			fmt.Sprintf("k%d", i), []string{"pending", "sending", "sent"}[i], urgent, restoredAt)
	}
	before := r.text("SELECT sum(changes)::text FROM card_status_change")

	would := r.confirm(1000, 0, true)
	require.Equal(t, store.Restored{First: 42, Last: 1041, BatchFloor: 1003, Sessions: 1, Messages: 2}, would)
	require.False(t, r.confirmed(), "nothing was changed")
	require.Equal(t, "0", r.text("SELECT count(*)::text FROM revoked_range"))

	require.Equal(t, would, r.confirm(1000, 0, false))
	require.True(t, r.confirmed())
	require.Equal(t, "1042", r.text("SELECT nextval('card_number_seq')::text"))
	require.Equal(t, "42-1041", r.text("SELECT first || '-' || last FROM revoked_range"))
	require.Equal(t, "1/1003", r.text("SELECT restores || '/' || batch_floor FROM restored_day WHERE day = '2026-12-01'"))
	require.Equal(t, "failed unknown sent", r.text("SELECT string_agg(state, ' ' ORDER BY dedupe_key) FROM message"))
	require.Equal(t, "0", r.text("SELECT count(*)::text FROM session"))
	require.Equal(t, "0", r.text("SELECT count(*)::text FROM admin_token WHERE expires_at > '2026-12-01 04:00Z'"))
	require.Equal(t, "1", r.text("SELECT count(*)::text FROM audit_entry WHERE action = 'restored' AND actor_kind = 'operator'"))
	require.NotEqual(t, before, r.text("SELECT sum(changes)::text FROM card_status_change"), "the status list is made anew")
	for number, want := range map[string]string{"42260000004100": "false", "42260000004200": "true", "42260000104100": "true", "42260000104200": "false"} {
		require.Equal(t, want, r.text("SELECT card_number_revoked('"+number+"')::text"), number)
	}

	// Once more, from a database that goes on: beyond everything.
	again := r.confirm(1000, 0, false)
	require.True(t, again.Confirmed)
	require.EqualValues(t, 1043, again.First)
	require.EqualValues(t, 2003, again.BatchFloor)
	require.Equal(t, "2", r.text("SELECT restores::text FROM restored_day"))
}

// The second restore of one backup knows nothing of the first: what that one reached is given to it.
func TestRestoredTwiceFromOneBackup(t *testing.T) {
	t.Parallel()
	r := newRestored(t)
	first := r.confirm(1000, 0, true)
	second := r.confirm(1000, first.Last, false)
	require.EqualValues(t, 42, second.First)
	require.EqualValues(t, 2041, second.Last)
	require.Equal(t, "2042", r.text("SELECT nextval('card_number_seq')::text"))
	require.Equal(t, "2", r.text("SELECT restores::text FROM restored_day"))
	_, err := store.Restore{Gap: 0, Now: restoredAt}.Confirm(t.Context(), r.owner, false)
	require.True(t, fault.Is(err, fault.Invalid))
	_, err = store.Restore{Gap: 99_999_999, Now: restoredAt}.Confirm(t.Context(), r.owner, false)
	require.True(t, fault.Is(err, fault.Conflict))
}
