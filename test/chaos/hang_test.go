package chaos_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/test/world"
)

// A PostgreSQL that hangs, with its connections open: whoever asks meanwhile gets the page that says so, what
// needs no database answers, the process stays alive, and everything goes on where it was.
func TestPostgresHangs(t *testing.T) {
	w := world.Start(t, 20, nil)
	w.Worker(nil)
	api := w.API(nil)
	env := w.Web(api)
	a := w.Somebody(env)
	id := a.SubmitAt(w, api)
	w.WantState(id, card.Ready)
	waiting := w.Somebody(env)
	page := "/cards/" + id.String()
	a.Client.Get(page).Want(http.StatusOK)

	w.Postgres.Pause()
	var hung sync.WaitGroup
	const crowd = 40 // more than there are connections
	answers := make([]answer, crowd)
	for i := range answers {
		hung.Go(func() {
			var err error
			if i%2 == 0 {
				answers[i], err = post(a.Client, api.URL+page+"/withdraw", nil)
			} else {
				answers[i], err = post(env.Client(), api.URL+"/login", url.Values{"id_number": {world.IDNumber(1)}, "password": {"volcard-demo-1"}})
			}
			if err != nil {
				answers[i].body = err.Error()
			}
		})
	}
	a.Client.Get(page).Want(http.StatusServiceUnavailable).WantText("h1", "系统正忙").WantText(".actions .primary", "再试一次")
	env.Client().Get("/").Want(http.StatusOK)
	hung.Wait()
	for _, got := range answers {
		require.Equal(t, http.StatusServiceUnavailable, got.status, got.body)
		require.Contains(t, got.body, "系统正忙")
		require.Contains(t, got.body, "没有丢失")
	}
	res, err := waiting.Send(api)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	for path, want := range map[string]int{"/livez": http.StatusOK, "/metrics": http.StatusOK, "/readyz": http.StatusServiceUnavailable} {
		res, err := http.Get("http://" + api.Ops + path)
		require.NoError(t, err, path)
		require.NoError(t, res.Body.Close())
		require.Equal(t, want, res.StatusCode, path)
	}

	w.Postgres.Resume()
	api.Ready()
	w.Until("the page answers", func() bool { return a.Client.Get(page).Response.StatusCode == http.StatusOK })
	require.Equal(t, card.Ready, w.State(id), "nothing that was refused took effect")
	w.WantState(waiting.SubmitAt(w, api), card.Ready)
}
