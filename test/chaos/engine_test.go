package chaos_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/test/world"
)

// A Temporal that demands TLS and a client's certificate is reached by the SDK's own variables alone: an
// application is submitted, its card issued and handed over.
func TestTemporalBehindTLS(t *testing.T) {
	w := world.Start(t, 10, nil)
	settings := w.BehindTLS()
	w.Worker(settings)
	api := w.API(settings)
	env := w.Web(api)
	id := w.Applicant(env, 1, "王𠮷").Submit(w)
	w.WantState(id, card.Ready)
	env.Clerk(w.Clerk, w.Branch).Still().Post("/branch/cases/"+id.String(), handOverForm(w, id, ""))
	w.WantState(id, card.Collected)
}

// The primary dies while people apply, a standby is promoted: nothing that was acknowledged is lost, pages answer 503
// and then recover, and whoever was not answered sends the same form again and has one application.
func TestPrimaryDies(t *testing.T) {
	w, standby := world.StartReplicated(t, 40)
	w.Worker(nil)
	api := w.API(nil)
	env := w.Web(api)
	people := make([]*world.Applicant, 24)
	for i := range people {
		people[i] = w.Somebody(env)
	}
	const before, after = 8, 20 // the rest waits until the primary is dead
	accepted := make([]uuid.UUID, len(people))
	enough, dead := make(chan struct{}), make(chan struct{})
	ended := make(chan error)
	go func() {
		ended <- func() error {
			for i, a := range people {
				switch i {
				case before:
					close(enough)
				case after:
					<-dead
				}
				res, err := a.Send(api)
				if err != nil {
					return err
				}
				_ = res.Body.Close()
				if res.StatusCode == http.StatusSeeOther {
					accepted[i] = uuid.FromStringOrNil(strings.TrimPrefix(res.Header.Get("Location"), "/cards/"))
				}
			}
			return nil
		}()
	}()
	<-enough
	w.Postgres.Kill()
	close(dead)
	require.NoError(t, <-ended)
	require.NotContains(t, accepted[:before], uuid.Nil, "they were accepted before")
	late := slices.Index(accepted, uuid.Nil)
	require.Positive(t, late, "somebody came too late")
	page := people[late].Client.Get("/cards/" + accepted[0].String())
	require.Equal(t, http.StatusServiceUnavailable, page.Response.StatusCode)
	require.NotEmpty(t, page.Response.Header.Get("Retry-After"))

	require.NoError(t, standby.Promote(t.Context()))
	for i, a := range people {
		w.Until("the form is taken", func() bool {
			res, err := a.Send(api)
			if err != nil {
				return false
			}
			_ = res.Body.Close()
			id := uuid.FromStringOrNil(strings.TrimPrefix(res.Header.Get("Location"), "/cards/"))
			if res.StatusCode != http.StatusSeeOther || id == uuid.Nil {
				return false
			}
			require.True(t, accepted[i] == uuid.Nil || accepted[i] == id, "one form became two applications")
			accepted[i] = id
			return true
		})
	}
	for i, a := range people {
		w.WantState(accepted[i], card.Ready)
		a.Client.Get("/cards/" + accepted[i].String()).Want(http.StatusOK)
	}
	require.Equal(t, len(people), w.Count("SELECT count(*) FROM application"))
	require.Equal(t, len(people), w.Count("SELECT count(*) FROM card"))
}
