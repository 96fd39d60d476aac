package cardstore_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"volcard/internal/card"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/storetest"
)

// holder is a general case on its way.
type holder struct{ id, person uuid.UUID }

// T7: on which list a general case stands, and whether a plastic card is kept for it, follows from its state,
// whatever has happened to it. Everybody tries everything at any time; most of it is refused.
func TestListsFollowFromTheState(t *testing.T) {
	t.Parallel()
	b := setup(t, 3000)
	ctx := context.Background()
	other := b.Branch("江汉支行")
	b.Stock(other, 3000)
	admin := b.Staff("省级管理员", "province_admin")
	clerks := map[uuid.UUID]uuid.UUID{b.branch: b.clerk, other: b.Clerk("张柜员", other)}
	undrawable := b.process
	undrawable.Missing = func(name string) []rune { return []rune(name) }
	where := func(h *holder) (branch uuid.UUID) {
		require.NoError(t, b.Store.DB.QueryRow(ctx, "SELECT branch_id FROM application WHERE id = $1", h.id).Scan(&branch))
		return branch
	}
	tries := map[string]func(h *holder) (cardstore.Snapshot, error){
		"issue":      func(h *holder) (cardstore.Snapshot, error) { return b.process.Issue(ctx, h.id) },
		"undrawable": func(h *holder) (cardstore.Snapshot, error) { return undrawable.Issue(ctx, h.id) },
		"release":    func(h *holder) (cardstore.Snapshot, error) { return b.process.DecideHeld(ctx, h.id, admin, true, "") },
		"refuse": func(h *holder) (cardstore.Snapshot, error) {
			return b.process.DecideHeld(ctx, h.id, admin, false, "不能制卡")
		},
		"hand over": func(h *holder) (cardstore.Snapshot, error) {
			branch := where(h)
			var serial string
			if b.Store.DB.QueryRow(ctx, "SELECT serial FROM stock_card WHERE application_id = $1", h.id).Scan(&serial) != nil {
				return cardstore.Snapshot{}, nil
			}
			return b.process.HandOver(ctx, cardstore.HandOver{ApplicationID: h.id, BranchID: branch, StaffID: clerks[branch], Serial: serial})
		},
		"undo": func(h *holder) (cardstore.Snapshot, error) {
			branch := where(h)
			return b.process.UndoHandOver(ctx, cardstore.Undo{ApplicationID: h.id, BranchID: branch, StaffID: clerks[branch], Reason: "拿错"})
		},
		"other branch": func(h *holder) (cardstore.Snapshot, error) { return b.process.ChooseBranch(ctx, h.id, h.person, other) },
		"first branch": func(h *holder) (cardstore.Snapshot, error) {
			return b.process.ChooseBranch(ctx, h.id, h.person, b.branch)
		},
		"withdraw": func(h *holder) (cardstore.Snapshot, error) { return b.process.Withdraw(ctx, h.id, h.person) },
		"lapse": func(h *holder) (cardstore.Snapshot, error) {
			b.clock.Advance(45 * 24 * time.Hour) // longer than any wait
			return b.process.Lapse(ctx, h.id)
		},
		"close": func(h *holder) (cardstore.Snapshot, error) {
			b.clock.Advance(200 * 24 * time.Hour)
			return b.process.Close(ctx, h.id)
		},
	}
	seen, people := map[card.State]bool{}, 0
	walk := func(path []string) {
		people++
		person := b.Person("王𠮷", storetest.IDNumber(people))
		h := &holder{id: b.submit(t, person), person: person}
		for i, name := range path {
			_, _ = tries[name](h)
			seen[b.state(t, h.id)] = true
			b.listed(t, h, where(h), path[:i+1])
		}
	}
	// Each state is on somebody's way.
	for _, path := range [][]string{
		{"withdraw"},
		{"undrawable", "refuse"},
		{"undrawable", "release", "hand over"},
		{"issue", "lapse", "other branch", "hand over", "undo", "hand over"},
		{"issue", "lapse", "close"},
	} {
		walk(path)
	}
	for _, state := range []card.State{card.Held, card.Ready, card.Lapsed, card.Collected, card.Closed, card.Withdrawn, card.Refused} {
		require.True(t, seen[state], "no path led to %s", state)
	}
	paths := rapid.SliceOfN(rapid.SampledFrom(slices.Sorted(maps.Keys(tries))), 6, 16)
	rapid.Check(t, func(rt *rapid.T) { walk(paths.Draw(rt, "path")) })
	b.books(t)
}

func (b *bench) state(t testing.TB, id uuid.UUID) card.State {
	t.Helper()
	state, err := cardstore.Cases{Store: b.Store}.State(context.Background(), id)
	require.NoError(t, err)
	return state
}

// listed sees that every list and the shelf say what the states say.
func (b *bench) listed(t testing.TB, h *holder, branch uuid.UUID, path []string) {
	t.Helper()
	ctx := context.Background()
	state := b.state(t, h.id)
	counter := cardstore.Counter{Store: b.Store}
	var code string
	require.NoError(t, b.Store.DB.QueryRow(ctx, "SELECT pickup_code FROM application WHERE id = $1", h.id).Scan(&code))
	found, err := counter.ByCode(ctx, branch, code)
	require.NoError(t, err)
	atCounter := slices.ContainsFunc(found, func(c cardstore.CounterCase) bool { return c.ID == h.id })
	require.Equal(t, state == card.Ready || state == card.Lapsed || state == card.Collected, atCounter, "%s after %v", state, path)
	work, err := counter.Workload(ctx, branch, b.clock.Now(), b.clock.Now())
	require.NoError(t, err)
	require.Equal(t, b.count(t, "SELECT count(*) FROM application WHERE state = 'ready' AND branch_id = $1", branch), work.Waiting, path)
	require.Zero(t, b.count(t, `
		SELECT count(*) FROM application a
		 WHERE (a.state IN ('accepted', 'held', 'ready')) <> EXISTS (SELECT 1 FROM stock_card s
		          WHERE s.application_id = a.id AND s.state = 'reserved' AND s.branch_id = a.branch_id)
		    OR (a.state = 'collected') <> EXISTS (SELECT 1 FROM stock_card s
		          WHERE s.application_id = a.id AND s.state = 'handed_over' AND s.branch_id = a.branch_id)
		    OR (a.state = 'collected') <> EXISTS (SELECT 1 FROM hand_over h WHERE h.application_id = a.id AND h.undone_at IS NULL)
		    OR (a.state IN ('ready', 'lapsed', 'collected', 'closed')) <> EXISTS (SELECT 1 FROM card c
		          WHERE c.application_id = a.id AND c.status = 'valid')
		    OR (a.closed_at IS NULL) <> (a.state IN ('accepted', 'held', 'ready', 'lapsed'))
		    OR a.state <> (SELECT e.to_state FROM audit_entry e WHERE e.subject_id = a.id ORDER BY e.seq DESC LIMIT 1)`), path)
}

// T2, T3: the database itself refuses what the checks before it would have refused: whoever passes them, as a second
// process does that looked at the same moment, makes no second live application and no second valid card.
func TestTheDatabaseRefusesASecondOne(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	ctx := t.Context()
	b.issued(t, 0)
	refused := func(index, sql string) {
		t.Helper()
		_, err := b.Store.DB.Exec(ctx, sql)
		var pg *pgconn.PgError
		require.ErrorAs(t, err, &pg)
		require.Equal(t, "23505", pg.Code)
		require.Equal(t, index, pg.ConstraintName)
	}
	refused("application_live", `
		INSERT INTO application SELECT (jsonb_populate_record(a, jsonb_build_object(
		  'id', gen_random_uuid(), 'number', 'SECOND', 'idempotency_key', gen_random_uuid()))).* FROM application a`)
	// The one before it has ended, its card lives on; another application may be made, another card may not.
	_, err := b.Store.DB.Exec(ctx, "UPDATE application SET state = 'closed', closed_at = submitted_at")
	require.NoError(t, err)
	_, err = b.Store.DB.Exec(ctx, `
		INSERT INTO application SELECT (jsonb_populate_record(a, jsonb_build_object(
		  'id', gen_random_uuid(), 'number', 'SECOND', 'idempotency_key', gen_random_uuid()))).* FROM application a`)
	require.NoError(t, err)
	second := `
		INSERT INTO card SELECT (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'number', '42000000000001',
		  'application_id', (SELECT id FROM application WHERE number = 'SECOND')))).* FROM card c`
	refused("card_valid", second)
	_, err = b.Store.DB.Exec(ctx, "UPDATE card SET status = 'suspended'")
	require.NoError(t, err)
	refused("card_valid", second)
	_, err = b.Store.DB.Exec(ctx, "UPDATE card SET status = 'cancelled'")
	require.NoError(t, err)
	_, err = b.Store.DB.Exec(ctx, second)
	require.NoError(t, err, "the statement does nothing else that is refused")
}
