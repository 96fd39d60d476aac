// Package chaos breaks parts of the running system at the worst moment and looks whether anything
// was lost or done twice.
package chaos_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/test/world"
)

// Temporal is away at submit: accepted all the same, and issued as soon as it is back.
func TestSubmitWhileTemporalIsAway(t *testing.T) {
	w := world.Start(t, 10, nil)
	w.Worker(nil)
	api := w.API(nil)
	env := w.Web(api)
	first, second := w.Applicant(env, 1, "王𠮷"), w.Applicant(env, 2, "阿卜杜热合曼·买买提")
	w.WantState(first.Submit(w), card.Ready)

	w.Temporal.Kill()
	id := second.Submit(w)
	require.Equal(t, card.Accepted, w.State(id))
	page := second.Client.Get("/cards/" + id.String())
	page.Want(http.StatusOK).WantText("body", "已受理")
	require.NoError(t, w.Temporal.Restart(t.Context()))
	w.WantState(id, card.Ready)
	w.WantCleanBooks()
}

// PostgreSQL is away at submit: 503 with a sentence, nothing half-written, and the same form works
// as soon as it is back.
func TestSubmitWhilePostgreSQLIsAway(t *testing.T) {
	w := world.Start(t, 10, nil)
	w.Worker(nil)
	api := w.API(nil)
	a := w.Applicant(w.Web(api), 1, "张䶮")
	w.Postgres.Kill()
	a.Client.Post(world.SubmitPath, a.Form()).Want(http.StatusServiceUnavailable)
	require.NoError(t, w.Postgres.Restart(t.Context()))
	// Temporal stands on the same PostgreSQL.
	w.Until("the pages are back", func() bool {
		return a.Client.Get("/apply/preview").Response.StatusCode == http.StatusOK
	})
	require.Zero(t, w.Count("SELECT count(*) FROM application"))
	w.WantState(a.Submit(w), card.Ready)
	w.WantCleanBooks()
}

// The api dies with a rush of submissions in its hands. Every person presses again, at the other
// api, with the same form.
func TestApiDiesInARush(t *testing.T) {
	const people = 60
	w := world.Start(t, people, nil)
	w.Worker(nil)
	one, two := w.API(nil), w.API(nil)
	env := w.Web(one)
	applicants := make([]*world.Applicant, people)
	for i := range applicants {
		applicants[i] = w.Applicant(env, i, "王𠮷")
	}
	var rush sync.WaitGroup
	for i, a := range applicants {
		rush.Go(func() {
			if i == people/2 {
				one.Kill()
				return
			}
			res, err := a.Send(one)
			if err == nil {
				_ = res.Body.Close()
			}
		})
	}
	rush.Wait()
	ids := map[uuid.UUID]bool{}
	for _, a := range applicants {
		ids[a.SubmitAt(w, two)] = true
	}
	require.Len(t, ids, people, "each person has one application")
	for id := range ids {
		w.WantState(id, card.Ready)
	}
	require.Equal(t, people, w.Count("SELECT count(*) FROM card"))
	require.Equal(t, people, w.Count("SELECT count(*) FROM message"))
	w.WantCleanBooks()
}
