package cardstore_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/storetest/stage"
)

const day = 24 * time.Hour

func TestRegularDraftIsSubmittedOnceWithItsPromise(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Person("clear")
	form := s.Form(a, s.Draft(a))
	first, reasons, err := s.Submissions.Submit(ctx, form)
	require.NoError(t, err)
	require.Empty(t, reasons)
	again, _, err := s.Submissions.Submit(ctx, form)
	require.NoError(t, err)
	require.True(t, again.Again)
	require.Equal(t, first.ID, again.ID)
	require.Equal(t, []string{"2026-11-23 2026-12-07 2026-12-14 f 2026-12-14 15:59:59"}, s.Texts(`
		SELECT concat_ws(' ', promise_start, promised_from, promised_until, promise_provisional, to_char(promise_due AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'))
		  FROM application`))
	require.Zero(t, s.Count("SELECT count(*) FROM stock_entry"), "a regular card takes none of the stock")
}

func TestRegularSubmissionRefusals(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a, stranger := s.Person("clear"), s.Person("clear")

	refused := func(d card.Draft) string {
		t.Helper()
		_, reasons, err := s.Submissions.Submit(ctx, s.Form(a, d))
		require.NoError(t, err)
		require.Len(t, reasons, 1)
		return reasons[0].Field
	}
	d := s.Draft(a)
	d.PhotoID = stranger.Photo
	require.Equal(t, card.FieldPhoto, refused(d), "the photo of another person (T20)")
	d.PhotoID = uuid.Must(uuid.NewV4())
	require.Equal(t, card.FieldPhoto, refused(d), "a photo that is gone")
	d = s.Draft(a)
	d.Face = stage.Withdrawn
	require.Equal(t, card.FieldFace, refused(d), "a face that is no longer offered")
	_, err := s.DB.Exec(ctx, "UPDATE photo SET decision = 'refused', decided_by = $2, decided_at = $3 WHERE id = $1", a.Photo, s.Reviewer, stage.Start)
	require.NoError(t, err)
	require.Equal(t, card.FieldPhoto, refused(s.Draft(a)), "a photo that a reviewer refused")

	// The preview was of another face: what was confirmed is not what would be printed.
	a = s.Person("clear")
	d = s.Draft(a)
	form := s.Form(a, d)
	d.Face = stage.OtherFace
	form.Content = s.Form(a, d).Content
	s.Form(a, s.Draft(a))
	_, _, err = s.Submissions.Submit(ctx, form)
	require.True(t, fault.Is(err, fault.Conflict))
	require.Zero(t, s.Count("SELECT count(*) FROM application"))
}

func TestIssueOfARegularCase(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()

	a := s.Waiting(s.Branch)
	snap, err := s.Process.Issue(ctx, a.ID)
	require.NoError(t, err)
	require.Equal(t, card.Waiting, snap.State, "doing it twice does no harm")
	require.Equal(t, time.Date(2026, 12, 14, 15, 59, 59, 0, time.UTC), snap.Due.UTC())
	require.Equal(t, []string{"submit", "approve"}, s.Moves(a))
	require.Equal(t, []string{"card-approved"}, s.Told(a))
	require.Equal(t, 1, s.Count("SELECT count(*) FROM card WHERE application_id = $1 AND status = 'valid'", a.ID), "the digital card is valid at once")

	b := s.Submitted("doubtful", s.Branch)
	for range 2 {
		snap, err = s.Process.Issue(ctx, b.ID)
		require.NoError(t, err)
		require.Equal(t, card.Reviewing, snap.State)
	}
	require.Equal(t, []string{"submit", "review"}, s.Moves(b))
	require.Empty(t, s.Told(b))
	require.Zero(t, s.Count("SELECT count(*) FROM card WHERE application_id = $1", b.ID))

	held := s.Process
	held.Missing = func(name string) []rune { return []rune(name) }
	c := s.Submitted("clear", s.Branch)
	for range 2 {
		snap, err = held.Issue(ctx, c.ID)
		require.NoError(t, err)
		require.Equal(t, card.Held, snap.State)
	}
	require.Equal(t, []string{"application-held"}, s.Told(c))
}

// A held name showed nothing on its preview: once it can be drawn, the whole card is confirmed anew.
func TestReleasedNameIsConfirmedAgain(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	held := s.Process
	held.Missing = func(name string) []rune { return []rune(name) }
	a := s.Submitted("clear", s.Branch)
	_, err := held.Issue(ctx, a.ID)
	require.NoError(t, err)
	_, err = held.DecideHeld(ctx, a.ID, s.Admin, true, "")
	require.True(t, fault.Is(err, fault.Conflict), "no font has the character")
	for range 2 { // what has nothing to do with the name may change meanwhile, once
		_, err = held.ChooseBranch(ctx, a.ID, a.Person, s.Other)
		require.NoError(t, err)
		_, err = s.Regular.ChangeDesign(ctx, s.Design(a, a.Photo, stage.OtherFace))
		require.NoError(t, err)
		snap, err := s.Regular.ChangePhone(ctx, a.ID, a.Person, sealed(t, s, "13900000009"))
		require.NoError(t, err)
		require.Equal(t, card.Held, snap.State)
	}
	for range 2 {
		snap, err := s.Process.DecideHeld(ctx, a.ID, s.Admin, true, "")
		require.NoError(t, err)
		require.Equal(t, card.Mending, snap.State)
	}
	snap, err := s.Regular.ChangeDesign(ctx, s.Design(a, a.Photo, stage.OtherFace))
	require.NoError(t, err)
	require.Equal(t, card.Waiting, snap.State)
	require.Equal(t, []string{"submit", "hold", "choose-branch", "change-design", "change-phone", "ask-again", "confirm"}, s.Moves(a))
	require.Equal(t, []string{"application-held", "account-security", "confirm-again", "card-approved"}, s.Told(a))
}

func TestReviewerDecides(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()

	a := s.Reviewing()
	require.Equal(t, card.Waiting, s.Approve(a).State)
	_, err := s.Regular.DecidePhoto(ctx, s.Decision(a, true))
	require.NoError(t, err, "the same click again")
	_, err = s.Regular.DecidePhoto(ctx, s.Decision(a, false))
	require.True(t, fault.Is(err, fault.Conflict), "what was approved is not refused afterwards")
	require.Equal(t, []string{"submit", "review", "pre-approve-photo", "approve-photo"}, s.Moves(a))
	require.Equal(t, []string{"card-approved"}, s.Told(a))

	b := s.Reviewing()
	for range 2 {
		snap, err := s.Regular.DecidePhoto(ctx, s.Decision(b, false))
		require.NoError(t, err)
		require.Equal(t, card.Mending, snap.State)
		require.Equal(t, time.Date(2026, 12, 14, 15, 59, 59, 0, time.UTC), snap.Until.UTC(), "fifteen working days")
		require.Len(t, snap.Reminders, 3)
	}
	require.Equal(t, []string{"photo-refused"}, s.Told(b))
	require.Equal(t, "照片太暗，请重拍。", s.Text("SELECT detail->>'reason' FROM audit_entry WHERE subject_id = $1 AND action = 'refuse-photo'", b.ID))
}

// T9: a decision counts only from who has the case, and only about the photo that was seen.
func TestDecisionsThatComeTooLate(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	other := s.Rows.Staff("吴审核", "reviewer")

	a := s.Reviewing()
	d := s.Decision(a, true)
	d.StaffID = other
	_, err := s.Regular.DecidePhoto(ctx, d)
	require.True(t, fault.Is(err, fault.Conflict), "somebody else has it")

	s.Clock.Advance(16 * time.Minute)
	_, err = s.Regular.DecidePhoto(ctx, s.Decision(a, true))
	require.True(t, fault.Is(err, fault.Conflict), "the claim is over")
	taken, err := s.Reviews.Take(ctx, other)
	require.NoError(t, err)
	require.Equal(t, a.ID, taken)
	_, err = s.Regular.DecidePhoto(ctx, s.Decision(a, false))
	require.True(t, fault.Is(err, fault.Conflict), "the case has moved on to another reviewer")

	photo := s.Rows.Photo(a.Person, "doubtful", []byte("another"))
	_, err = s.Regular.ChangeDesign(ctx, s.Design(a, photo, stage.Face))
	require.NoError(t, err)
	_, err = s.Regular.DecidePhoto(ctx, d)
	require.True(t, fault.Is(err, fault.Conflict), "the applicant has changed the photo meanwhile")
	require.Equal(t, card.Reviewing, s.State(a))
	require.Zero(t, s.Count("SELECT count(*) FROM photo WHERE decision IS NOT NULL"))
}

// Two decisions at the same moment: one counts.
func TestTwoDecisionsAtOnce(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	a := s.Reviewing()
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.Regular.DecidePhoto(context.Background(), s.Decision(a, i == 0)) })
	}
	wg.Wait()
	require.NotEqual(t, errs[0] == nil, errs[1] == nil, "%v", errs)
	require.Len(t, s.Moves(a), 3)
	require.Len(t, s.Told(a), s.Count("SELECT count(*) FROM photo WHERE decision = 'refused'"))
}

// While a reviewer looks at the photo, the applicant may change what has nothing to do with it.
func TestReviewerKeepsTheCaseWhileItsPhotoStays(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Reviewing()
	_, err := s.Process.ChooseBranch(ctx, a.ID, a.Person, s.Other)
	require.NoError(t, err)
	for range 2 { // the same form twice
		_, err = s.Regular.ChangePhone(ctx, a.ID, a.Person, sealed(t, s, "13900000009"))
		require.NoError(t, err)
	}
	require.Equal(t, []string{"account-security"}, s.Told(a))
	old, err := s.Vault.UnsealString(bytesOf(t, s, "SELECT phone FROM message WHERE template = 'account-security'"), store.LabelMessagePhone)
	require.NoError(t, err)
	require.NotEqual(t, "13900000009", old, "the number before is told")
	require.Equal(t, card.Waiting, s.Approve(a).State)
}

func TestDesignIsChangedBeforeTheFreeze(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	change := func(a stage.Applicant, photo uuid.UUID, face string) card.State {
		t.Helper()
		var state card.State
		for range 2 { // the same form twice
			snap, err := s.Regular.ChangeDesign(ctx, s.Design(a, photo, face))
			require.NoError(t, err)
			state = snap.State
		}
		require.Equal(t, s.Preview(a, photo, face), [32]byte(bytesOf(t, s, "SELECT design_hash FROM application WHERE id = $1", a.ID)))
		return state
	}
	a := s.Waiting(s.Branch)
	require.Equal(t, card.Waiting, change(a, a.Photo, stage.OtherFace))
	require.Equal(t, card.Reviewing, change(a, s.Rows.Photo(a.Person, "doubtful", []byte("two")), stage.OtherFace), "a doubtful photo goes to a reviewer")
	require.Equal(t, card.Waiting, change(a, s.Rows.Photo(a.Person, "clear", []byte("three")), stage.OtherFace), "a clear one does not")
	require.Equal(t, []string{"submit", "approve", "change-design", "review", "approve"}, s.Moves(a))
	require.Equal(t, []string{"card-approved"}, s.Told(a))
	require.Equal(t, 1, s.Count("SELECT count(*) FROM card WHERE application_id = $1", a.ID), "one number")
	require.Equal(t, 1, s.Count("SELECT count(*) FROM application WHERE promise_start = '2026-11-23'"), "the dates stay")

	b := s.Reviewing()
	require.Equal(t, card.Reviewing, change(b, s.Rows.Photo(b.Person, "doubtful", []byte("four")), stage.Face))
	require.Equal(t, []string{"submit", "review", "change-design"}, s.Moves(b))
}

func TestDesignsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a, stranger := s.Waiting(s.Branch), s.Person("clear")
	kind := func(d cardstore.NewDesign) fault.Kind {
		t.Helper()
		_, err := s.Regular.ChangeDesign(ctx, d)
		require.Error(t, err)
		return fault.KindOf(err)
	}
	theirs := s.Design(a, a.Photo, stage.OtherFace)
	theirs.PersonID = stranger.Person
	require.Equal(t, fault.NotFound, kind(theirs), "somebody else's case")
	require.Equal(t, fault.NotFound, kind(s.Design(a, stranger.Photo, stage.Face)), "somebody else's photo (T20)")
	require.Equal(t, fault.Conflict, kind(s.Design(a, a.Photo, stage.Withdrawn)), "a face that is no longer offered")
	stale := s.Design(a, a.Photo, stage.OtherFace)
	stale.Face = stage.Face
	require.Equal(t, fault.Conflict, kind(stale), "the preview showed another face")
	require.Equal(t, []string{"submit", "approve"}, s.Moves(a))

	// T10: after the freeze nothing changes any more.
	s.Freeze()
	require.Equal(t, fault.Conflict, kind(s.Design(a, a.Photo, stage.OtherFace)))
	_, err := s.Regular.ChangePhone(ctx, a.ID, a.Person, sealed(t, s, "13900000009"))
	require.True(t, fault.Is(err, fault.Conflict))
	_, err = s.Process.ChooseBranch(ctx, a.ID, a.Person, s.Other)
	require.True(t, fault.Is(err, fault.Conflict))
	_, err = s.Process.Withdraw(ctx, a.ID, a.Person)
	require.True(t, fault.Is(err, fault.Conflict))
	require.Equal(t, card.Producing, s.State(a))
}

// A new photo keeps the place in the queue, and the dates count from then: until now nothing could be printed.
func TestMendingRestartsTheDates(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Mending()
	_, err := s.Regular.ChangeDesign(ctx, s.Design(a, a.Photo, stage.Face))
	require.True(t, fault.Is(err, fault.Conflict), "the photo that was refused")
	s.Clock.Advance(2 * day)
	photo := s.Rows.Photo(a.Person, "clear", []byte("better"))
	design := s.Design(a, photo, stage.Face)
	for range 2 {
		snap, err := s.Regular.ChangeDesign(ctx, design)
		require.NoError(t, err)
		require.Equal(t, card.Reviewing, snap.State, "after a refusal a person looks again")
		require.Equal(t, time.Date(2026, 12, 16, 15, 59, 59, 0, time.UTC), snap.Due.UTC())
	}
	require.Equal(t, "2026-11-25 2026-12-09 2026-12-16", s.Text(`
		SELECT concat_ws(' ', promise_start, promised_from, promised_until) FROM application WHERE id = $1`, a.ID))
	require.Equal(t, 1, s.Count("SELECT count(*) FROM application WHERE id = $1 AND submitted_at = $2 AND mend_until IS NULL", a.ID, stage.Start), "the place is kept")

	_, err = s.Reviews.Take(ctx, s.Reviewer)
	require.NoError(t, err)
	a.Photo = photo
	require.Equal(t, card.Waiting, s.Approve(a).State)
	require.Equal(t, []string{"submit", "review", "refuse-photo", "mend", "pre-approve-photo", "approve-photo"}, s.Moves(a))
}

func TestPhoneIsChangedWhileNothingIsMade(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Waiting(s.Branch)
	phone := sealed(t, s, "13900000009")
	for _, phone := range [][]byte{phone, phone, sealed(t, s, "13900000009")} {
		snap, err := s.Regular.ChangePhone(ctx, a.ID, a.Person, phone)
		require.NoError(t, err)
		require.Equal(t, card.Waiting, snap.State)
	}
	_, err := s.Regular.ChangePhone(ctx, a.ID, s.Person("clear").Person, phone)
	require.True(t, fault.Is(err, fault.NotFound))
	require.Equal(t, []string{"submit", "approve", "change-phone"}, s.Moves(a))
	id := s.Freeze()
	s.Make(id)
	s.Arrive(id, s.Branch)
	to := bytesOf(t, s, "SELECT phone FROM message WHERE template = 'card-arrived'")
	plain, err := s.Vault.UnsealString(to, "message.phone")
	require.NoError(t, err)
	require.Equal(t, "13900000009", plain, "the arrival is told to the new phone")

	// And while it lies there, until it lapses and after.
	_, err = s.Process.ChangePhone(ctx, a.ID, a.Person, sealed(t, s, "13900000008"))
	require.NoError(t, err)
	s.Clock.Advance(31 * 24 * time.Hour)
	_, err = s.Process.Lapse(ctx, a.ID)
	require.NoError(t, err)
	snap, err := s.Process.ChangePhone(ctx, a.ID, a.Person, sealed(t, s, "13900000007"))
	require.NoError(t, err)
	require.Equal(t, card.Lapsed, snap.State)
}

func TestBranchIsChosenBeforeTheFreeze(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	for _, a := range []stage.Applicant{s.Waiting(s.Branch), s.Mending(), s.Reviewing()} {
		state := s.State(a)
		for range 2 {
			snap, err := s.Process.ChooseBranch(ctx, a.ID, a.Person, s.Other)
			require.NoError(t, err)
			require.Equal(t, state, snap.State)
		}
		moves := s.Moves(a)
		require.Equal(t, "choose-branch", moves[len(moves)-1])
		require.NotContains(t, moves[:len(moves)-1], "choose-branch", "once")
		require.Equal(t, s.Other.String(), s.Text("SELECT branch_id::text FROM application WHERE id = $1", a.ID))
	}
	_, err := s.DB.Exec(ctx, "UPDATE branch SET closed_at = $2 WHERE id = $1", s.Other, stage.Start)
	require.NoError(t, err)
	a := s.Waiting(s.Branch)
	_, err = s.Process.ChooseBranch(ctx, a.ID, a.Person, s.Other)
	require.True(t, fault.Is(err, fault.Conflict), "the branch is closed")
	require.Zero(t, s.Count("SELECT count(*) FROM stock_entry"))
}

func TestRegularCaseIsWithdrawn(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	accepted := s.Submitted("clear", s.Branch)
	for _, a := range []stage.Applicant{accepted, s.Waiting(s.Branch), s.Mending(), s.Reviewing()} {
		for range 2 {
			snap, err := s.Process.Withdraw(ctx, a.ID, a.Person)
			require.NoError(t, err)
			require.Equal(t, card.Withdrawn, snap.State)
		}
		require.Zero(t, s.Count("SELECT count(*) FROM card WHERE application_id = $1 AND status = 'valid'", a.ID))
		told := s.Told(a)
		require.Equal(t, "withdrawn", told[len(told)-1])
	}
	made := s.Ready()
	_, err := s.Process.Withdraw(ctx, made.ID, made.Person)
	require.True(t, fault.Is(err, fault.Conflict), "a card that is made is not taken back")
	require.Contains(t, fault.Sentence(err), "排产")
}

func TestNothingMendedInTime(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Mending()
	snap, err := s.Regular.GiveUp(ctx, a.ID)
	require.NoError(t, err)
	require.Equal(t, card.Mending, snap.State, "the time has not come")
	for n := range 2 {
		_, err = s.Process.Remind(ctx, a.ID, n+1)
		require.NoError(t, err)
		_, err = s.Process.Remind(ctx, a.ID, n+1)
		require.NoError(t, err)
	}
	require.Equal(t, []string{"photo-refused", "mend-reminder", "mend-reminder"}, s.Told(a))
	s.Clock.Advance(snap.Until.Sub(stage.Start))
	for range 2 {
		snap, err = s.Regular.GiveUp(ctx, a.ID)
		require.NoError(t, err)
		require.Equal(t, card.Refused, snap.State)
	}
	require.Equal(t, []string{"submit", "review", "refuse-photo", "give-up"}, s.Moves(a))
	require.Equal(t, []string{"photo-refused", "mend-reminder", "mend-reminder", "application-refused"}, s.Told(a))
	_, err = s.Process.Remind(ctx, a.ID, 3)
	require.NoError(t, err)
	require.Len(t, s.Told(a), 4, "who is refused is reminded of nothing")
}

func TestOverdueIsToldOnce(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Waiting(s.Branch)
	frozen := s.Waiting(s.Branch)
	_, err := s.DB.Exec(ctx, "UPDATE application SET state = 'producing' WHERE id = $1", frozen.ID)
	require.NoError(t, err)
	snap, err := s.Regular.TellOverdue(ctx, a.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"card-approved"}, s.Told(a), "not before the time")
	s.Clock.Advance(snap.Due.Sub(stage.Start))
	for range 2 {
		for _, x := range []stage.Applicant{a, frozen} {
			snap, err = s.Regular.TellOverdue(ctx, x.ID)
			require.NoError(t, err)
			require.True(t, snap.Due.IsZero())
			require.Equal(t, []string{"card-approved", "card-overdue"}, s.Told(x))
		}
	}
	require.Equal(t, []string{"submit", "approve", "overdue"}, s.Moves(a))
	require.Equal(t, card.Waiting, s.State(a), "it goes on")
}

func sealed(t *testing.T, s *stage.Stage, phone string) []byte {
	t.Helper()
	b, err := s.Vault.SealString(phone, cardstore.LabelPhone)
	require.NoError(t, err)
	return b
}

func bytesOf(t *testing.T, s *stage.Stage, sql string, args ...any) (b []byte) {
	t.Helper()
	require.NoError(t, s.DB.QueryRow(context.Background(), sql, args...).Scan(&b))
	return b
}

// Another tab's upload makes room for itself while this one submits, or confirms.
func TestPhotoThatIsDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	submissions, a := s.Submissions, s.Person("clear")
	in := s.Form(a, s.Draft(a))
	calendarOf := submissions.Regular.Calendar
	submissions.Regular.Calendar = func(ctx context.Context) (*calendar.Calendar, error) {
		_, err := s.DB.Exec(ctx, "DELETE FROM photo WHERE id = $1", a.Photo)
		require.NoError(t, err)
		return calendarOf(ctx)
	}
	_, reasons, err := submissions.Submit(ctx, in)
	require.NoError(t, err)
	require.Equal(t, []card.Reason{{Field: card.FieldPhoto, Text: "这张照片已不可用，请重新添加。"}}, reasons)

	b := s.Waiting(s.Branch)
	design := s.Design(b, s.Rows.Photo(b.Person, "clear", []byte("two")), stage.Face)
	process := s.Regular
	process.Regular.Designs = deleting{process.Regular.Designs, func() {
		_, err := s.DB.Exec(ctx, "DELETE FROM photo WHERE id = $1", design.PhotoID)
		require.NoError(t, err)
	}}
	_, err = process.ChangeDesign(ctx, design)
	require.True(t, fault.Is(err, fault.Conflict), err)
	require.Equal(t, "这张照片已不可用，请重新添加。", fault.Sentence(err))
	require.Equal(t, b.Photo.String(), s.Text("SELECT photo_id::text FROM application WHERE id = $1", b.ID))
}

type deleting struct {
	cardstore.Designs
	photo func()
}

func (d deleting) Hash(in cardstore.Design) ([32]byte, error) {
	d.photo()
	return d.Designs.Hash(in)
}
