package chaos_test

import (
	"testing"

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
