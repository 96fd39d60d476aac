package cardstore_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/storetest/stage"
)

// approved is a case whose photo its reviewer has just approved.
func approved(t *testing.T, s *stage.Stage) stage.Applicant {
	t.Helper()
	a := s.Reviewing()
	snap, err := s.Regular.DecidePhoto(t.Context(), s.Decision(a, true))
	require.NoError(t, err)
	require.Equal(t, card.Reviewing, snap.State)
	require.Equal(t, s.Clock.Now().Add(card.RetractWindow), snap.Until)
	return a
}

func retraction(s *stage.Stage, a stage.Applicant) cardstore.PhotoRetraction {
	return cardstore.PhotoRetraction{ApplicationID: a.ID, StaffID: s.Reviewer, PhotoID: a.Photo}
}

func cards(s *stage.Stage, a stage.Applicant) int {
	return s.Count("SELECT count(*) FROM card WHERE application_id = $1", a.ID)
}

// Within the window nothing of an approval can be seen from outside: no card, no message, nothing for a batch
// or for another reviewer. Then it takes effect, once, in the name of the reviewer.
func TestApprovalTakesEffectAfterItsWindow(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := t.Context()
	other := s.Rows.Staff("吴审核", "reviewer")
	a := approved(t, s)
	until := s.Clock.Now().Add(card.RetractWindow)
	s.Clock.Advance(card.RetractWindow - time.Millisecond)
	snap, err := s.Regular.DecidePhoto(ctx, s.Decision(a, true))
	require.NoError(t, err, "the same key again")
	require.Equal(t, until, snap.Until.UTC(), "and the window is not longer for it")
	_, err = s.Regular.DecidePhoto(ctx, s.Decision(a, false))
	require.True(t, fault.Is(err, fault.Conflict), "it is taken back first")
	snap, err = s.Process.Look(ctx, a.ID)
	require.NoError(t, err)
	require.Equal(t, card.Reviewing, snap.State)
	require.Zero(t, cards(s, a))
	require.Empty(t, s.Told(a))
	for _, reviewer := range []uuid.UUID{s.Reviewer, other} {
		id, err := s.Reviews.Take(ctx, reviewer)
		require.NoError(t, err)
		require.True(t, id.IsNil(), "nobody is given it")
		q, err := s.Reviews.Queue(ctx, reviewer)
		require.NoError(t, err)
		require.Zero(t, q.Waiting+q.Others)
	}
	_, err = s.Reviews.Get(ctx, s.Reviewer, a.ID)
	require.True(t, fault.Is(err, fault.NotFound))
	require.NoError(t, s.Reviews.Release(ctx, s.Reviewer, a.ID, "拿不准"))
	batch, err := s.Batches.Freeze(ctx, uuid.Must(uuid.NewV7()))
	require.NoError(t, err)
	require.Zero(t, batch.Cards, "the freeze leaves it out")
	mine, err := s.Reviews.Retractable(ctx, s.Reviewer)
	require.NoError(t, err)
	require.Equal(t, a.ID, mine.ApplicationID)
	theirs, err := s.Reviews.Retractable(ctx, other)
	require.NoError(t, err)
	require.Nil(t, theirs)

	s.Clock.Advance(time.Millisecond)
	var looks sync.WaitGroup
	for range 4 {
		looks.Go(func() {
			if _, err := s.Process.Look(context.Background(), a.ID); err != nil {
				t.Error(err)
			}
		})
	}
	looks.Wait()
	require.Equal(t, card.Waiting, s.State(a))
	require.Equal(t, []string{"submit", "review", "pre-approve-photo", "approve-photo"}, s.Moves(a))
	require.Equal(t, 2, s.Count("SELECT count(*) FROM audit_entry WHERE subject_id = $1 AND actor_id = $2", a.ID, s.Reviewer.String()))
	require.Equal(t, []string{"card-approved"}, s.Told(a))
	require.Equal(t, 1, cards(s, a))
	require.Equal(t, 1, s.Count("SELECT count(*) FROM photo WHERE id = $1 AND decision = 'approved' AND decided_by = $2", a.Photo, s.Reviewer))
	require.Equal(t, 1, s.Count("SELECT count(*) FROM application WHERE id = $1 AND decided_until IS NULL AND reviewer_id IS NULL", a.ID))
	mine, err = s.Reviews.Retractable(ctx, s.Reviewer)
	require.NoError(t, err)
	require.Nil(t, mine)
}

// What within the window ends an approval, and what does not.
func TestWhatEndsAnApproval(t *testing.T) {
	t.Parallel()
	type step = func(t *testing.T, s *stage.Stage, a stage.Applicant) error
	photo := func(verdict string) step {
		return func(t *testing.T, s *stage.Stage, a stage.Applicant) error {
			t.Helper()
			_, err := s.Regular.ChangeDesign(t.Context(), s.Design(a, s.Rows.Photo(a.Person, verdict, []byte("two")), stage.Face))
			return err
		}
	}
	for name, c := range map[string]struct {
		do    step
		want  card.State // after the window
		moves []string   // after submit, review, pre-approve-photo
	}{
		"Z": {func(t *testing.T, s *stage.Stage, a stage.Applicant) error {
			t.Helper()
			_, err := s.Regular.RetractPhoto(t.Context(), retraction(s, a))
			return err
		}, card.Reviewing, []string{"retract-approval"}},
		"another doubtful photo": {photo("doubtful"), card.Reviewing, []string{"change-design"}},
		"another clear photo":    {photo("clear"), card.Waiting, []string{"approve"}},
		"a withdrawal": {func(t *testing.T, s *stage.Stage, a stage.Applicant) error {
			t.Helper()
			_, err := s.Process.Withdraw(t.Context(), a.ID, a.Person)
			return err
		}, card.Withdrawn, []string{"withdraw"}},
		"the consent taken back": {func(t *testing.T, s *stage.Stage, a stage.Applicant) error {
			t.Helper()
			_, err := s.DB.Exec(t.Context(), "UPDATE consent SET withdrawn_at = now() WHERE person_id = $1 AND purpose = 'photo'", a.Person)
			return err
		}, card.Reviewing, []string{"retract-approval"}},
		"not another face": {func(t *testing.T, s *stage.Stage, a stage.Applicant) error {
			t.Helper()
			_, err := s.Regular.ChangeDesign(t.Context(), s.Design(a, a.Photo, stage.OtherFace))
			return err
		}, card.Waiting, []string{"change-design", "approve-photo"}},
		"not another branch": {func(t *testing.T, s *stage.Stage, a stage.Applicant) error {
			t.Helper()
			_, err := s.Process.ChooseBranch(t.Context(), a.ID, a.Person, s.Other)
			return err
		}, card.Waiting, []string{"choose-branch", "approve-photo"}},
		"not another phone": {func(t *testing.T, s *stage.Stage, a stage.Applicant) error {
			t.Helper()
			_, err := s.Process.ChangePhone(t.Context(), a.ID, a.Person, sealed(t, s, "13900000009"))
			return err
		}, card.Waiting, []string{"change-phone", "approve-photo"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stage.New(t)
			a := approved(t, s)
			s.Clock.Advance(card.RetractWindow / 2)
			require.NoError(t, c.do(t, s, a))
			s.Clock.Advance(card.RetractWindow)
			for range 2 {
				snap, err := s.Process.Look(t.Context(), a.ID)
				require.NoError(t, err)
				require.Equal(t, c.want, snap.State)
				require.Zero(t, snap.Until)
			}
			require.Equal(t, append([]string{"submit", "review", "pre-approve-photo"}, c.moves...), s.Moves(a))
			issued := 0
			if c.want == card.Waiting {
				issued = 1
			}
			require.Equal(t, issued, cards(s, a))
		})
	}
}

// A worker that was away: whoever looks at the case next, for whatever reason, finds the approval in effect.
func TestLateApprovalTakesEffectAtTheNextLook(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := t.Context()
	late := func() stage.Applicant {
		a := approved(t, s)
		s.Clock.Advance(time.Hour)
		return a
	}
	a := late()
	overdue, err := s.Submissions.LateApprovals(ctx, s.Clock.Now(), 10)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{a.ID}, overdue)
	id, err := s.Reviews.Take(ctx, s.Reviewer)
	require.NoError(t, err)
	require.True(t, id.IsNil(), "it is decided, late or not")
	_, err = s.Regular.RetractPhoto(ctx, retraction(s, a))
	require.True(t, fault.Is(err, fault.Conflict))
	require.Equal(t, "这次通过已经生效，不能再撤回。", fault.Sentence(err))
	snap, err := s.Process.Look(ctx, a.ID)
	require.NoError(t, err)
	require.Equal(t, card.Waiting, snap.State)
	overdue, err = s.Submissions.LateApprovals(ctx, s.Clock.Now(), 10)
	require.NoError(t, err)
	require.Empty(t, overdue)

	b := late()
	_, err = s.Process.Withdraw(ctx, b.ID, b.Person)
	require.NoError(t, err)
	require.Equal(t, []string{"submit", "review", "pre-approve-photo", "approve-photo", "withdraw"}, s.Moves(b))
	require.Equal(t, "cancelled", s.Text("SELECT status FROM card WHERE application_id = $1", b.ID))

	c := late()
	_, err = s.Regular.ChangeDesign(ctx, s.Design(c, s.Rows.Photo(c.Person, "doubtful", []byte("two")), stage.Face))
	require.NoError(t, err)
	require.Equal(t, []string{"submit", "review", "pre-approve-photo", "approve-photo", "review"}, s.Moves(c))
	require.Equal(t, card.Reviewing, s.State(c))
	require.Equal(t, 1, cards(s, c))
}

// Only who approved takes it back, only about that photo; twice is once, and the case is that reviewer's again.
func TestRetraction(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := t.Context()
	a := approved(t, s)
	other := retraction(s, a)
	other.StaffID = s.Rows.Staff("吴审核", "reviewer")
	_, err := s.Regular.RetractPhoto(ctx, other)
	require.True(t, fault.Is(err, fault.Conflict), "a second reviewer's Z")
	stale := retraction(s, a)
	stale.PhotoID = uuid.Must(uuid.NewV7())
	_, err = s.Regular.RetractPhoto(ctx, stale)
	require.True(t, fault.Is(err, fault.Conflict), "another photo")
	require.Len(t, s.Moves(a), 3)
	for range 2 {
		_, err = s.Regular.RetractPhoto(ctx, retraction(s, a))
		require.NoError(t, err)
	}
	require.Equal(t, []string{"submit", "review", "pre-approve-photo", "retract-approval"}, s.Moves(a))
	s.Clock.Advance(card.ReviewClaim - time.Second)
	_, err = s.Reviews.Get(ctx, s.Reviewer, a.ID)
	require.NoError(t, err, "a whole claim, from the retraction on")
	_, err = s.Regular.DecidePhoto(ctx, s.Decision(a, false))
	require.NoError(t, err)
	require.Equal(t, card.Mending, s.State(a))
	_, err = s.Regular.RetractPhoto(ctx, retraction(s, a))
	require.True(t, fault.Is(err, fault.Conflict), "a refusal is not taken back")
}

// Nobody approves against the word of the person.
func TestApprovalNeedsTheConsent(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	a := s.Reviewing()
	_, err := s.DB.Exec(t.Context(), "UPDATE consent SET withdrawn_at = now() WHERE person_id = $1 AND purpose = 'photo'", a.Person)
	require.NoError(t, err)
	_, err = s.Regular.DecidePhoto(t.Context(), s.Decision(a, true))
	require.True(t, fault.Is(err, fault.Conflict))
	require.Equal(t, []string{"submit", "review"}, s.Moves(a))
}
