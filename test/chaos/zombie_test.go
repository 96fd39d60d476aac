package chaos_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/test/world"
)

// A worker stops in the middle of a deed, another one takes over, and the first goes on as if no
// time had passed. Answers of commits are lost. Nothing is done twice, and nobody waits for ever.
func TestZombiesAndLostAnswers(t *testing.T) {
	w := world.Start(t, 30, map[string]string{"VOLCARD_SWEEP_AFTER": "1h"})
	w.Worker(nil) // makes the key that cards are signed with
	t.Run("faults", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *world.World){
			"stopped before its deed":       stoppedBefore,
			"stopped in its transaction":    stoppedInside,
			"answer to the submission lost": lostSubmission,
			"answers to deeds lost":         lostDeeds,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, w.On(t))
			})
		}
	})
}

// stoppedBefore: the clerk's hand-over stops in one worker, is done by another and taken back; then
// the first worker wakes up with the hand-over still in its hands.
func stoppedBefore(t *testing.T, w *world.World) {
	t.Helper()
	queue := map[string]string{"VOLCARD_TEMPORAL_TASK_QUEUE": "stopped-before"}
	zombie := w.Worker(map[string]string{
		"VOLCARD_TEMPORAL_TASK_QUEUE": "stopped-before", "VOLCARD_TEST_KILL_POINT": "HandOverCard:before:stop",
	})
	process := w.Processes("stopped-before")
	c := w.Accepted("王𠮷", world.Ago(0))
	require.NoError(t, process.StartCardApplication(t.Context(), c.ID))
	pressed := make(chan error, 1)
	go func() { pressed <- press(t.Context(), w, process, c, []decision{{card.Ready, handOver}}) }()
	zombie.WantStopped()
	second := w.Worker(queue)
	require.NoError(t, <-pressed)
	w.WantState(c.ID, card.Collected)
	require.NoError(t, press(t.Context(), w, process, c, []decision{{card.Collected, takeBack}}))
	require.Equal(t, card.Ready, w.State(c.ID))

	zombie.Resume()
	w.Until("the zombie's deed has ended", func() bool {
		return zombie.Logged("activity failed") || w.State(c.ID) != card.Ready
	})
	want := []string{"submit", "issue", "hand-over", "undo-hand-over"}
	require.Equal(t, want, w.Moves(c.ID), "the late hand-over changes nothing")
	// It is a worker like any other again.
	second.Stop()
	require.NoError(t, press(t.Context(), w, process, c, []decision{{card.Ready, handOver}}))
	w.WantState(c.ID, card.Collected)
	require.Equal(t, append(want, "hand-over"), w.Moves(c.ID))
	w.WantReplayable(c.ID)
}

// stoppedInside: the worker stops with its rows locked and nothing committed. Its locks must
// not outlive the patience of the next.
func stoppedInside(t *testing.T, w *world.World) {
	t.Helper()
	queue := map[string]string{"VOLCARD_TEMPORAL_TASK_QUEUE": "stopped-inside"}
	zombie := w.Worker(queue)
	c := w.Accepted("王𠮷", world.Ago(0))
	gate, err := pgx.Connect(t.Context(), w.Postgres.URL("postgres", "volcard"))
	require.NoError(t, err)
	defer func() { require.NoError(t, gate.Close(context.WithoutCancel(t.Context()))) }()
	_, err = gate.Exec(t.Context(), "BEGIN")
	require.NoError(t, err)
	// The new card refers to the person, so the deed stops there with the case in its hands.
	_, err = gate.Exec(t.Context(), "SELECT id FROM person WHERE id = $1 FOR UPDATE", c.Person)
	require.NoError(t, err)
	require.NoError(t, w.Processes("stopped-inside").StartCardApplication(t.Context(), c.ID))
	w.Until("the deed waits at the gate", func() bool {
		return w.Count("SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))", gate.PgConn().PID()) == 1
	})
	zombie.Pause()
	_, err = gate.Exec(t.Context(), "COMMIT")
	require.NoError(t, err)

	w.Worker(queue)
	w.WantState(c.ID, card.Ready)
	zombie.Resume()
	zombie.Ready()
	require.Equal(t, []string{"submit", "issue"}, w.Moves(c.ID))
	require.Equal(t, []string{"card-ready"}, w.Told(c.ID))
	require.Equal(t, 1, w.Count("SELECT count(*) FROM card WHERE application_id = $1", c.ID))
}

// lostSubmission: the application is committed, the person reads that the system is busy, and
// presses again.
func lostSubmission(t *testing.T, w *world.World) {
	t.Helper()
	proxy := w.Proxy()
	api := w.API(map[string]string{"VOLCARD_DATABASE_URL": proxy.URL(w.Postgres.AppURL())})
	a := w.Somebody(w.Web(api))
	proxy.LoseAnswer("INSERT INTO application (")
	res, err := a.Send(api)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.Equal(t, 1, proxy.Lost())
	mine := "SELECT count(*) FROM application WHERE person_id = $1"
	require.Equal(t, 1, w.Count(mine, a.ID), "committed all the same")
	id := a.SubmitAt(w, api)
	require.Equal(t, 1, w.Count(mine, a.ID))
	// The second press found it; whoever sweeps next starts it.
	sweeper := w.Worker(map[string]string{"VOLCARD_SWEEP_AFTER": "1s"})
	w.WantState(id, card.Ready)
	require.Equal(t, []string{"submit", "issue"}, w.Moves(id))
	sweeper.Stop()
	api.Stop()
}

// lostDeeds: the worker does not hear that its deeds are committed, and does them again.
func lostDeeds(t *testing.T, w *world.World) {
	t.Helper()
	proxy := w.Proxy()
	w.Worker(map[string]string{
		"VOLCARD_TEMPORAL_TASK_QUEUE": "lost-deeds", "VOLCARD_DATABASE_URL": proxy.URL(w.Postgres.AppURL()),
	})
	process := w.Processes("lost-deeds")
	c := w.Accepted("王𠮷", world.Ago(0))
	lose := func(after string, do func() error) {
		t.Helper()
		before := proxy.Lost()
		proxy.LoseAnswer(after)
		require.NoError(t, do())
		w.Until("the answer after "+after+" is lost", func() bool { return proxy.Lost() == before+1 })
	}
	lose("INSERT INTO card (", func() error { return process.StartCardApplication(t.Context(), c.ID) })
	w.WantState(c.ID, card.Ready)
	lose("INSERT INTO hand_over", func() error {
		return press(t.Context(), w, process, c, []decision{{card.Ready, handOver}})
	})
	lose("UPDATE hand_over", func() error {
		return press(t.Context(), w, process, c, []decision{{card.Collected, takeBack}})
	})
	lose("SET status = 'cancelled'", func() error {
		return press(t.Context(), w, process, c, []decision{{card.Ready, withdraw}})
	})
	require.Equal(t, []string{"submit", "issue", "hand-over", "undo-hand-over", "withdraw"}, w.Moves(c.ID))
	require.Equal(t, []string{"reserve", "hand_over", "undo", "release"}, w.Booked(c.ID))
	require.Equal(t, []string{"card-collected", "card-collection-undone", "card-ready", "withdrawn"}, w.Told(c.ID))
	w.WantReplayable(c.ID)
}
