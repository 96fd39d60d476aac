package activities

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"volcard/internal/batch"
	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/storetest/stage"
)

// woken writes down whose process was told.
type woken struct {
	mu   sync.Mutex
	ids  []uuid.UUID
	fail func(id uuid.UUID) error
}

func (w *woken) wake(_ context.Context, id uuid.UUID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		if err := w.fail(id); err != nil {
			return err
		}
	}
	w.ids = append(w.ids, id)
	return nil
}

// press is a printer that draws nothing and counts what it was asked.
type press struct{ drawn int }

func (p *press) Print(_ context.Context, cards []batchstore.Card, progress func()) (PrintFile, error) {
	p.drawn++
	progress()
	hashes, rejected, err := stage.Print(cards)
	return PrintFile{PDF: []byte("%PDF"), Hashes: hashes, Rejected: rejected}, err
}

func (p *press) Manifest(lines []batchstore.Line) ([]byte, error) {
	return []byte{byte(len(lines))}, nil
}

// works are the deeds of batches on a stage.
func works(s *stage.Stage) (b *Batch, p *press, w *woken) {
	p, w = &press{}, &woken{}
	return &Batch{
		Batches: s.Batches, Reads: s.Reads, Printer: p, Clock: s.Clock, Wake: w.wake,
		Calendar: func(context.Context) (*calendar.Calendar, error) { return s.Calendar(), nil },
		Terms:    card.DefaultRegularTerms(), Pickup: card.DefaultTerms(),
	}, p, w
}

// deeds is what runs an activity as a worker does.
func deeds(t *testing.T) *testsuite.TestActivityEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	return suite.NewTestActivityEnvironment()
}

// Every deed of a batch is done twice, and has one effect.
func TestEveryDeedOfABatchTwice(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	b, p, w := works(s)
	env := deeds(t)
	env.RegisterActivity(b)
	kept, changed := s.Waiting(s.Branch), s.Waiting(s.Other)
	id := uuid.Must(uuid.NewV7())
	twice := func(deed any, in any) {
		t.Helper()
		for range 2 {
			_, err := env.ExecuteActivity(deed, in)
			require.NoError(t, err)
		}
	}
	twice(b.FreezeBatch, BatchInput{BatchID: id})
	_, err := s.DB.Exec(t.Context(), "UPDATE batch_card SET design_hash = sha256('other') WHERE application_id = $1", changed.ID)
	require.NoError(t, err)
	twice(b.RenderFile, FileInput{BatchID: id, N: 1})
	require.Equal(t, 1, p.drawn, "a file that was written is not drawn again")
	require.Equal(t, []uuid.UUID{changed.ID, changed.ID}, w.ids, "the process that hears it twice looks twice")
	require.Equal(t, card.Mending, s.State(changed))
	twice(b.FinishBatch, BatchInput{BatchID: id})
	twice(b.ReportPrinted, ReportInput{BatchID: id, StaffID: s.Factory})
	twice(b.ReportShipped, ReportInput{BatchID: id, StaffID: s.Factory})
	arrival := s.Arrival(id, s.Branch)
	twice(b.ConfirmArrival, arrival)
	w.ids = nil
	twice(b.WakeParcel, arrival)
	require.Equal(t, []uuid.UUID{kept.ID, kept.ID}, w.ids)
	twice(b.DropFiles, BatchInput{BatchID: id})
	require.Equal(t, card.Ready, s.State(kept))
	require.Equal(t, []string{"submit", "approve", "freeze", "arrive"}, s.Moves(kept))
	require.Equal(t, []string{"card-approved", "card-arrived"}, s.Told(kept))
	require.Equal(t, []string{"submit", "approve", "freeze", "reject"}, s.Moves(changed))
	require.Equal(t, []string{"card-approved", "confirm-again"}, s.Told(changed))
	require.Equal(t, string(batch.Done), s.Text("SELECT state FROM batch"))
	require.Equal(t, []string{"batch-freeze", "batch-render", "batch-print", "batch-ship", "batch-end"},
		s.Texts("SELECT action FROM audit_entry WHERE subject_id = $1 ORDER BY seq", id))
	require.Zero(t, s.Count("SELECT count(*) FROM batch_file"))
}

// The worker dies between the file's commit and the news: the next one tells it, and draws nothing.
func TestRejectionIsToldByTheNextWorker(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	b, p, w := works(s)
	env := deeds(t)
	env.RegisterActivity(b)
	a := s.Waiting(s.Branch)
	id := s.Freeze()
	_, err := s.DB.Exec(t.Context(), "UPDATE batch_card SET design_hash = sha256('other')")
	require.NoError(t, err)
	w.fail = func(uuid.UUID) error { return errors.New("away") }
	_, err = env.ExecuteActivity(b.RenderFile, FileInput{BatchID: id, N: 1})
	require.Error(t, err)
	w.fail = nil
	_, err = env.ExecuteActivity(b.RenderFile, FileInput{BatchID: id, N: 1})
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{a.ID}, w.ids)
	require.Equal(t, 1, p.drawn)
	require.Equal(t, []string{"card-approved", "confirm-again"}, s.Told(a))
}

// A killed worker's successor goes on after the last page that was told.
func TestWakingGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	b, _, w := works(s)
	ids := make([]uuid.UUID, 3)
	for i := range ids {
		ids[i] = s.Waiting(s.Branch).ID
	}
	slices.SortFunc(ids, func(x, y uuid.UUID) int { return slices.Compare(x[:], y[:]) })
	id := s.Freeze()
	s.Make(id)
	s.Arrive(id, s.Branch)
	env := deeds(t)
	env.RegisterActivity(b)
	env.SetHeartbeatDetails(ids[0])
	_, err := env.ExecuteActivity(b.WakeParcel, s.Arrival(id, s.Branch))
	require.NoError(t, err)
	require.Equal(t, ids[1:], w.ids)
}

// Promises are recomputed by pages; whose dates move hears of it, once.
func TestPromisesAreRecomputed(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	w := &woken{}
	d := &Dates{Promises: s.Promises, Pickups: s.Pickups, Wake: w.wake}
	first, second := s.Waiting(s.Branch), s.Submitted("clear", s.Branch)
	year, ok := s.Calendar().Announced(2026)
	require.True(t, ok)
	for n := range 4 {
		year.Off = append(year.Off, calendar.Day(2026, time.December, 1+n))
	}
	s.Import(s.Calendar().With(year))
	env := deeds(t)
	env.RegisterActivity(d)
	changed := func() (n int) {
		t.Helper()
		result, err := env.ExecuteActivity(d.RecomputePromises)
		require.NoError(t, err)
		require.NoError(t, result.Get(&n))
		return n
	}
	require.Equal(t, 2, changed())
	require.ElementsMatch(t, []uuid.UUID{first.ID, second.ID}, w.ids)
	require.Zero(t, changed())
	require.Len(t, w.ids, 2)

	env.SetHeartbeatDetails(datesDone{Last: second.ID, Changed: 7})
	require.Equal(t, 7, changed(), "what the one before did counts, and is not done again")
}

// Last days that became closed move after the promises, whoever goes on with it; their processes are woken.
func TestLastDaysAreMoved(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	w := &woken{}
	d := &Dates{Promises: s.Promises, Pickups: s.Pickups, Wake: w.wake}
	ready := s.Ready()
	year, ok := s.Calendar().Announced(2026)
	require.True(t, ok)
	year.Off = append(year.Off, calendar.Day(2026, time.December, 23))
	s.Import(s.Calendar().With(year))
	env := deeds(t)
	env.RegisterActivity(d)
	w.fail = func(uuid.UUID) error { return errors.New("no engine") }
	_, err := env.ExecuteActivity(d.RecomputePromises)
	require.Error(t, err)
	w.fail = nil
	for range 2 {
		_, err = env.ExecuteActivity(d.RecomputePromises)
		require.NoError(t, err)
	}
	snap, err := s.Process.Look(t.Context(), ready.ID)
	require.NoError(t, err)
	require.Equal(t, calendar.Day(2026, time.December, 24), calendar.DateOf(snap.Until), "though nobody was woken")

	year.Off = append(year.Off, calendar.Day(2026, time.December, 24))
	s.Import(s.Calendar().With(year))
	_, err = env.ExecuteActivity(d.RecomputePromises)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{ready.ID}, w.ids)
	require.Equal(t, []string{"card-approved", "card-arrived", "pickup-extended", "pickup-extended"}, s.Told(ready), "once for each last day")
}

func TestLookAtDay(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	b, _, _ := works(s)
	s.Waiting(s.Branch)
	look := func() Day {
		t.Helper()
		day, err := b.LookAtDay(t.Context(), DayInput{})
		require.NoError(t, err)
		return day
	}
	require.Equal(t, Day{Workday: true, Waiting: 1}, look())
	s.Clock.Advance(5 * 24 * time.Hour) // Saturday
	require.Equal(t, Day{Waiting: 1}, look())
	b.Terms.Pace.Workday = 5 * time.Second
	require.Equal(t, Day{Workday: true, Waiting: 1}, look(), "the demonstration works on every day")
}
