// Package chaos breaks parts of the running system at the worst moment and looks whether anything
// was lost or done twice.
package chaos_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
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
}

// PostgreSQL is away: 503 with a sentence, whoever asks for what, nothing half-written, and the same
// forms work as soon as it is back.
func TestPostgreSQLIsAway(t *testing.T) {
	w := world.Start(t, 10, nil)
	w.Worker(nil)
	api := w.API(nil)
	env := w.Web(api)
	holder, a := w.Applicant(env, 1, "王𠮷"), w.Applicant(env, 2, "张䶮")
	id := holder.Submit(w)
	w.WantState(id, card.Ready)
	token := w.Texts("SELECT token FROM card")[0]
	clerk := env.Clerk(w.Clerk, w.Branch).Still()
	handOver := handOverForm(w, id, "")

	w.Postgres.Kill()
	for name, page := range map[string]*webtest.Page{
		"submission":  a.Client.Post(world.SubmitPath, a.Form()),
		"case":        holder.Client.Get("/cards/" + id.String()),
		"check of it": env.Client().Get("/v/" + token),
		"counter":     clerk.Get("/branch/cases/" + id.String()),
		"hand-over":   clerk.Post("/branch/cases/"+id.String(), handOver),
	} {
		require.Equal(t, http.StatusServiceUnavailable, page.Response.StatusCode, name)
		require.NotEmpty(t, page.Response.Header.Get("Retry-After"), name)
		require.Regexp(t, "正忙|繁忙", page.Text("body"), name)
	}
	require.NoError(t, w.Postgres.Restart(t.Context()))
	// Temporal stands on the same PostgreSQL.
	w.Until("the pages are back", func() bool {
		return a.Client.Get("/apply/preview").Response.StatusCode == http.StatusOK
	})
	require.Equal(t, []string{id.String()}, w.Texts("SELECT id::text FROM application"))
	require.Equal(t, []string{"submit", "issue"}, w.Moves(id))
	require.Zero(t, w.Count("SELECT count(*) FROM hand_over"))
	env.Client().Get("/v/" + token).Want(http.StatusOK).Has(".verdict[data-status=valid]")

	w.WantState(a.Submit(w), card.Ready)
	w.Until("the hand-over is done", func() bool {
		status := clerk.Post("/branch/cases/"+id.String(), handOver).Response.StatusCode
		return status == http.StatusSeeOther
	})
	w.WantState(id, card.Collected)
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
}
