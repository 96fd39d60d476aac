package chaos_test

import (
	"math/rand/v2"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/test/world"
)

// People submit, some of them with two or three clicks, collect their cards, give them back and withdraw, while
// everything is killed in turn, at random moments, and started again. Nobody who was told that something
// was done loses it, and nothing is done twice.
func TestStorm(t *testing.T) {
	const rounds, crowd = 2, 14
	w := world.Start(t, 2*5*crowd+50, nil)
	worker := w.Worker(nil)
	one, two := w.API(nil), w.API(nil)
	parts := []struct {
		name       string
		kill, back func()
	}{
		{"api", one.Kill, one.Start},
		{"worker", worker.Kill, worker.Start},
		{"PostgreSQL", w.Postgres.Kill, func() { require.NoError(t, w.Postgres.Restart(t.Context())) }},
		{"Temporal", w.Temporal.Kill, func() { require.NoError(t, w.Temporal.Restart(t.Context())) }},
		{"everything", func() {
			var all sync.WaitGroup
			for _, kill := range []func(){w.Postgres.Kill, w.Temporal.Kill, worker.Kill, one.Kill, two.Kill} {
				all.Go(kill)
			}
			all.Wait()
		}, func() {
			require.NoError(t, w.Postgres.Restart(t.Context()))
			one.Start()
			two.Start()
			worker.Start()
			require.NoError(t, w.Temporal.Restart(t.Context()))
		}},
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, seed))
	env := w.Web(two)
	people := make([]*world.Applicant, rounds*len(parts)*crowd)
	for i := range people {
		people[i] = w.Somebody(env)
	}

	book := newBook()
	clerk := env.Clerk(w.Clerk, w.Branch)
	// goOn does with a case what its person has in mind.
	goOn := func(a *world.Applicant, f fate) bool {
		id := book.of(a.ID)
		if f == untouched {
			return true
		}
		if !world.Within(func() bool { return w.State(id) == card.Ready }) {
			return false
		}
		var done bool
		switch f {
		case withdrawn:
			page := "/cards/" + id.String()
			done = book.decide(a.Client, page+"/withdraw", nil, page, one, two)
		default:
			var serial string
			done = world.Within(func() bool {
				return w.DB.QueryRow(t.Context(), "SELECT serial FROM stock_card WHERE application_id = $1", id).Scan(&serial) == nil
			}) && book.decide(clerk, "/branch/cases/"+id.String(), url.Values{"tail": {a.Tail}, "serial": {serial}}, "/branch?last=", one, two)
			if f == takenBack && done {
				done = book.decide(clerk, "/branch/cases/"+id.String()+"/undo", url.Values{"reason": {"发给了别人"}}, "/branch?last=", one, two)
			}
		}
		if done {
			book.told(id, f)
		}
		return done
	}
	fates := []fate{untouched, collected, takenBack, withdrawn}
	// What people decide goes on through the kills that follow.
	var deciding sync.WaitGroup
	for round := range rounds {
		for n, part := range parts {
			now := people[(round*len(parts)+n)*crowd:][:crowd]
			at := dice.IntN(crowd)
			arrived := make(chan struct{})
			var wave sync.WaitGroup
			for i, a := range now {
				times := 1 + dice.IntN(3)
				wave.Go(func() {
					if i == at {
						close(arrived)
					}
					if !book.insist(a, times, one, two) {
						book.complain("person %s was never answered", a.ID)
						return
					}
					deciding.Go(func() {
						// The storm may outlast the patience of one try.
						f := fates[i%len(fates)]
						for range 2 {
							if goOn(a, f) {
								return
							}
						}
						book.complain("person %s never heard of %q", a.ID, f)
					})
				})
			}
			<-arrived
			part.kill()
			part.back()
			wave.Wait()
			require.Empty(t, book.complaints(), "after the kill of %s", part.name)
		}
	}
	deciding.Wait()
	w.Until("everybody has had a card", func() bool {
		return w.Count("SELECT count(*) FROM card") == len(people)
	})
	require.Empty(t, book.complaints(), "every answer is an acknowledgement or says that the system is busy")
	require.Empty(t, book.compare(w))
	require.Len(t, book.said, len(people))
	t.Logf("%d people, %d forms sent, %d kills: nothing lost, nothing doubled", len(people), book.sent, rounds*(len(parts)+4))

	// The control: a harness that cannot see a loss proves nothing.
	t.Run("the harness sees a loss", func(t *testing.T) {
		view := w.On(t)
		lost, altered := people[8].ID, people[4].ID
		asSuperuser(view, "UPDATE application SET content_hash = sha256('x') WHERE person_id = $1", altered)
		asSuperuser(view, "DELETE FROM application WHERE person_id = $1", lost)
		wrong := book.compare(view)
		require.Len(t, wrong, 2)
		require.Contains(t, wrong[0]+wrong[1], "is not what was sent")
		require.Contains(t, wrong[0]+wrong[1], "was acknowledged and is lost")
		out, code := view.Run("audit")
		require.Equal(t, 1, code, out)
		require.Contains(t, out, "card of an application that was not approved")
		require.Contains(t, out, "card that says something else than its application")
	})
}

// asSuperuser changes a row past every constraint, as nobody of ours can. What came before is audited first.
func asSuperuser(w *world.World, sql string, args ...any) {
	w.T.Helper()
	w.Spoil()
	ctx := w.T.Context()
	conn, err := pgx.Connect(ctx, w.Postgres.URL("postgres", "volcard"))
	require.NoError(w.T, err)
	defer func() { require.NoError(w.T, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, "SET session_replication_role = replica")
	require.NoError(w.T, err)
	tag, err := conn.Exec(ctx, sql, args...)
	require.NoError(w.T, err)
	require.Positive(w.T, tag.RowsAffected())
}
