package batchstore_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"volcard/internal/batch"
	"volcard/internal/card"
	"volcard/internal/store/storetest/stage"
)

// T7: in which queue a case stands follows from its state, whatever has happened to it. Everybody tries
// everything at any time; most of it is refused.
func TestQueuesFollowFromTheState(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	change := func(a stage.Applicant, verdict string) {
		photo := s.Rows.Photo(a.Person, verdict, []byte(verdict))
		_, _ = s.Regular.ChangeDesign(ctx, s.Design(a, photo, stage.OtherFace))
	}
	decide := func(a stage.Applicant, approve bool) {
		_, _ = s.Reviews.Take(ctx, s.Reviewer)
		d := s.Decision(a, approve)
		d.PhotoID = uuid.FromStringOrNil(s.Text("SELECT photo_id::text FROM application WHERE id = $1", a.ID))
		_, _ = s.Regular.DecidePhoto(ctx, d)
		if approve { // in effect before the next one looks at the queues
			s.Clock.Advance(card.RetractWindow)
			_, _ = s.Process.Look(ctx, a.ID)
		}
	}
	produce := func(fault string) {
		id := uuid.Must(uuid.NewV7())
		snap, err := s.Batches.Freeze(ctx, id)
		require.NoError(t, err)
		if snap.Cards == 0 {
			return
		}
		_, err = s.DB.Exec(ctx, "UPDATE batch_card SET design_hash = sha256('other') WHERE $2 AND batch_id = $1", id, fault != "")
		require.NoError(t, err)
		if s.Render(id).State == batch.Done {
			return
		}
		_, err = s.Batches.ReportPrinted(ctx, id, s.Factory)
		require.NoError(t, err)
		_, err = s.Batches.ReportShipped(ctx, id, s.Factory)
		require.NoError(t, err)
	}
	tries := map[string]func(a stage.Applicant){
		"issue":           func(a stage.Applicant) { _, _ = s.Process.Issue(ctx, a.ID) },
		"approve":         func(a stage.Applicant) { decide(a, true) },
		"refuse":          func(a stage.Applicant) { decide(a, false) },
		"clear photo":     func(a stage.Applicant) { change(a, "clear") },
		"doubtful photo":  func(a stage.Applicant) { change(a, "doubtful") },
		"other branch":    func(a stage.Applicant) { _, _ = s.Process.ChooseBranch(ctx, a.ID, a.Person, s.Other) },
		"withdraw":        func(a stage.Applicant) { _, _ = s.Process.Withdraw(ctx, a.ID, a.Person) },
		"overdue":         func(a stage.Applicant) { _, _ = s.Regular.TellOverdue(ctx, a.ID) },
		"give up":         func(a stage.Applicant) { _, _ = s.Regular.GiveUp(ctx, a.ID) },
		"produce":         func(stage.Applicant) { produce("") },
		"produce another": func(stage.Applicant) { produce("another content than was confirmed") },
		"arrive": func(stage.Applicant) {
			for _, parcel := range s.Texts("SELECT p.batch_id || ' ' || p.branch_id FROM parcel p JOIN batch b ON b.id = p.batch_id WHERE b.state = 'shipped'") {
				s.Arrive(uuid.FromStringOrNil(parcel[:36]), uuid.FromStringOrNil(parcel[37:]))
			}
		},
		"hand over": func(a stage.Applicant) {
			if s.Count("SELECT count(*) FROM card WHERE application_id = $1", a.ID) == 1 {
				_, _ = s.Process.HandOver(ctx, s.HandOver(a))
			}
		},
		"lapse": func(a stage.Applicant) {
			s.Clock.Advance(45 * 24 * time.Hour)
			_, _ = s.Process.Lapse(ctx, a.ID)
		},
	}
	seen := map[card.State]bool{}
	walk := func(verdict string, path []string) {
		a := s.Submitted(verdict, s.Branch)
		tries["issue"](a)
		for i, name := range path {
			seen[s.State(a)] = true
			tries[name](a)
			agree(t, s, path[:i+1])
		}
		seen[s.State(a)] = true
	}
	// Each state is on somebody's way.
	for _, way := range []struct {
		verdict string
		path    []string
	}{
		{"doubtful", []string{"approve", "produce", "arrive", "hand over"}},
		{"doubtful", []string{"refuse", "lapse", "give up"}},
		{"clear", []string{"produce", "arrive", "lapse"}},
		{"clear", []string{"withdraw"}},
	} {
		walk(way.verdict, way.path)
	}
	for _, state := range card.States() {
		if state != card.Accepted && state != card.Held && state != card.Closed {
			require.True(t, seen[state], "no path led to %s", state)
		}
	}
	paths := rapid.SliceOfN(rapid.SampledFrom(slices.Sorted(maps.Keys(tries))), 8, 16)
	rapid.Check(t, func(rt *rapid.T) {
		walk(rapid.SampledFrom([]string{"clear", "doubtful"}).Draw(rt, "verdict"), paths.Draw(rt, "path"))
	})
}

// agree sees that every queue holds what the states say.
func agree(t *testing.T, s *stage.Stage, path []string) {
	t.Helper()
	ctx := context.Background()
	in := func(state card.State) int {
		return s.Count("SELECT count(*) FROM application WHERE state = $1", state)
	}
	waiting, _, err := s.Reads.Queue(ctx)
	require.NoError(t, err)
	require.Equal(t, in(card.Waiting), waiting, path)
	reviewing, err := s.Reviews.Queue(ctx, s.Reviewer)
	require.NoError(t, err)
	require.Equal(t, in(card.Reviewing), reviewing.Waiting, path)
	require.Zero(t, s.Count(`
		SELECT count(*) FROM application a
		 WHERE (a.state = 'producing') <> EXISTS (SELECT 1 FROM batch_card c WHERE c.application_id = a.id AND c.state = 'frozen')
		    OR (a.state IN ('ready', 'lapsed', 'collected')) <> EXISTS (SELECT 1 FROM batch_card c WHERE c.application_id = a.id AND c.state = 'arrived')
		    OR (a.state = 'collected') <> EXISTS (SELECT 1 FROM hand_over h WHERE h.application_id = a.id AND h.undone_at IS NULL)
		    OR (a.state = 'mending') <> (a.mend_until IS NOT NULL)
		    OR (a.state IN ('waiting', 'producing', 'ready', 'lapsed', 'collected')
		        AND NOT EXISTS (SELECT 1 FROM card c WHERE c.application_id = a.id AND c.status = 'valid'))
		    OR (a.state <> 'reviewing' AND a.reviewer_id IS NOT NULL)
		    OR a.state <> (SELECT e.to_state FROM audit_entry e WHERE e.subject_id = a.id ORDER BY e.seq DESC LIMIT 1)`), path)
}
