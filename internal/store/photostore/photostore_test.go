package photostore_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/photostore"
	"volcard/internal/store/storetest/stage"
)

func upload(n int) photostore.New {
	jpeg := fmt.Appendf(nil, "jpeg %d", n)
	return photostore.New{JPEG: jpeg, SHA256: sha256.Sum256(jpeg), Verdict: "doubtful", Findings: []string{"dark", "blurred"}}
}

const (
	keep = 30 * 24 * time.Hour
	undo = 10 * time.Minute
)

func TestPhotoIsReadByItsOwnerOnly(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	photos := s.Reviews.Photos
	owner, stranger := s.Person("clear"), s.Person("clear")
	id, err := photos.Add(ctx, owner.Person, upload(1))
	require.NoError(t, err)
	p, err := photos.Get(ctx, owner.Person, id)
	require.NoError(t, err)
	require.Equal(t, []string{"dark", "blurred"}, p.Findings)
	require.Equal(t, "doubtful", p.Verdict)
	image, err := photos.Image(ctx, owner.Person, id)
	require.NoError(t, err)
	require.Equal(t, "jpeg 1", string(image))
	var stored []byte
	require.NoError(t, s.DB.QueryRow(ctx, "SELECT image FROM photo WHERE id = $1", id).Scan(&stored))
	require.NotContains(t, string(stored), "jpeg 1", "it is sealed")

	_, err = photos.Get(ctx, stranger.Person, id)
	require.True(t, fault.Is(err, fault.NotFound))
	_, err = photos.Image(ctx, stranger.Person, id)
	require.True(t, fault.Is(err, fault.NotFound))
}

func TestCounterSeesThePhotoOfWhatLiesThere(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	waiting, ready := s.Waiting(s.Other), s.Ready()
	image, err := s.Reviews.ForCounter(ctx, s.Branch, ready.ID, undo)
	require.NoError(t, err)
	require.Contains(t, string(image), "portrait")
	_, err = s.Reviews.ForCounter(ctx, s.Other, ready.ID, undo)
	require.True(t, fault.Is(err, fault.NotFound), "another branch (T59)")
	_, err = s.Reviews.ForCounter(ctx, s.Other, waiting.ID, undo)
	require.True(t, fault.Is(err, fault.NotFound), "nothing lies there yet")

	_, err = s.Process.HandOver(ctx, s.HandOver(ready))
	require.NoError(t, err)
	_, err = s.Reviews.ForCounter(ctx, s.Branch, ready.ID, undo)
	require.NoError(t, err, "it can be taken back")
	s.Clock.Advance(undo)
	_, err = s.Reviews.ForCounter(ctx, s.Branch, ready.ID, undo)
	require.True(t, fault.Is(err, fault.NotFound), "the card is its holder's")
}

func TestFewPhotosAreKept(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	photos := s.Reviews.Photos
	a := s.Waiting(s.Branch) // its photo is bound, and the oldest of all
	for n := range 12 {
		s.Clock.Advance(time.Second)
		_, err := photos.Add(ctx, a.Person, upload(n))
		require.NoError(t, err)
	}
	require.Equal(t, 6, s.Count("SELECT count(*) FROM photo"), "the newest five, and the one on the card")
	_, err := photos.Get(ctx, a.Person, a.Photo)
	require.NoError(t, err)
}

// T20: of two uploads at once each has its own id, and the case names the one that was confirmed.
func TestTwoUploadsAtOnceAreTwoPhotos(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Waiting(s.Branch)
	ids := make([]uuid.UUID, 2)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			var err error
			if ids[i], err = s.Reviews.Add(ctx, a.Person, upload(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i, id := range ids {
		image, err := s.Reviews.Photos.Image(ctx, a.Person, id)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("jpeg %d", i), string(image))
	}
	require.Equal(t, a.Photo.String(), s.Text("SELECT photo_id::text FROM application WHERE id = $1", a.ID))
}

func TestSweepKeepsWhatACaseNames(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Waiting(s.Branch)
	old, err := s.Reviews.Add(ctx, a.Person, upload(1))
	require.NoError(t, err)
	s.Clock.Advance(29 * 24 * time.Hour)
	n, err := s.Reviews.Sweep(ctx, keep, 10)
	require.NoError(t, err)
	require.Zero(t, n)
	fresh, err := s.Reviews.Add(ctx, a.Person, upload(2))
	require.NoError(t, err)
	s.Clock.Advance(2 * 24 * time.Hour)
	for _, want := range []int64{1, 0} {
		n, err = s.Reviews.Sweep(ctx, keep, 10)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	_, err = s.Reviews.Photos.Get(ctx, a.Person, old)
	require.True(t, fault.Is(err, fault.NotFound))
	for _, id := range []uuid.UUID{fresh, a.Photo} {
		_, err = s.Reviews.Photos.Get(ctx, a.Person, id)
		require.NoError(t, err)
	}
}

// A case that ended without a card needs its portrait for a while only; a card needs it as long as it is one.
func TestSweepLetsGoOfWhatEndedWithoutACard(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	collected := s.Ready() // first: a batch takes whatever waits
	withdrawn, givenUp := s.Waiting(s.Other), s.Mending()
	_, err := s.Process.Withdraw(ctx, withdrawn.ID, withdrawn.Person)
	require.NoError(t, err)
	_, err = s.Process.HandOver(ctx, s.HandOver(collected))
	require.NoError(t, err)
	s.Clock.Advance(keep - time.Minute)
	_, err = s.Regular.GiveUp(ctx, givenUp.ID)
	require.NoError(t, err)
	n, err := s.Reviews.Sweep(ctx, keep, 10)
	require.NoError(t, err)
	require.Zero(t, n)
	s.Clock.Advance(2 * time.Minute)
	n, err = s.Reviews.Sweep(ctx, keep, 10)
	require.NoError(t, err)
	require.EqualValues(t, 1, n, "withdrawn 30 days ago")
	s.Clock.Advance(keep)
	n, err = s.Reviews.Sweep(ctx, keep, 10)
	require.NoError(t, err)
	require.EqualValues(t, 1, n, "given up 30 days ago")
	_, err = s.Reviews.Photos.Get(ctx, collected.Person, collected.Photo)
	require.NoError(t, err)
	for _, a := range []stage.Applicant{withdrawn, givenUp} {
		_, err = s.Reviews.Photos.Get(ctx, a.Person, a.Photo)
		require.True(t, fault.Is(err, fault.NotFound))
		// Whoever finds the old page is told that it is over.
		_, err = s.Regular.ChangeDesign(ctx, cardstore.NewDesign{ApplicationID: a.ID, PersonID: a.Person, PhotoID: collected.Photo, Face: stage.Face})
		require.True(t, fault.Is(err, fault.Conflict), err)
	}
}

// That a photo was refused is remembered as long as the case is open, however old the photo is.
func TestSweepKeepsRefusalsOfOpenCases(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Mending()
	photo := s.Rows.Photo(a.Person, "clear", []byte("two"))
	_, err := s.Regular.ChangeDesign(ctx, s.Design(a, photo, stage.Face))
	require.NoError(t, err)
	s.Clock.Advance(2 * keep)
	n, err := s.Reviews.Sweep(ctx, keep, 10)
	require.NoError(t, err)
	require.Zero(t, n)
	_, err = s.Reviews.Take(ctx, s.Reviewer)
	require.NoError(t, err)
	c, err := s.Reviews.Get(ctx, s.Reviewer, a.ID)
	require.NoError(t, err)
	require.Equal(t, 1, c.Refused)
}

// Many reviewers take at once: each case goes to one, the oldest first.
func TestEachCaseGoesToOneReviewer(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	const cases = 6
	for range cases {
		a := s.Submitted("doubtful", s.Branch)
		_, err := s.Process.Issue(ctx, a.ID)
		require.NoError(t, err)
	}
	queue, err := s.Reviews.Queue(ctx, s.Reviewer)
	require.NoError(t, err)
	require.Equal(t, cases, queue.Waiting)
	taken := make([]uuid.UUID, cases+2)
	staff := make([]uuid.UUID, len(taken))
	for i := range staff {
		staff[i] = s.Rows.Staff(fmt.Sprintf("审核%d", i), "reviewer")
	}
	var wg sync.WaitGroup
	for i := range taken {
		wg.Go(func() {
			var err error
			// A row that another one is just taking is passed over; whoever finds none asks again.
			for range cases {
				if taken[i], err = s.Reviews.Take(ctx, staff[i]); err != nil || !taken[i].IsNil() {
					break
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	holders, empty := map[uuid.UUID]int{}, 0
	for _, id := range taken {
		if id.IsNil() {
			empty++
			continue
		}
		holders[id]++
	}
	for id, n := range holders {
		require.Equal(t, 1, n, id)
	}
	require.Equal(t, len(taken)-len(holders), empty)
	require.GreaterOrEqual(t, empty, 2)
}

// Whoever takes the photo's consent back is looked at no more, until it is given again.
func TestNobodyReviewsAgainstAPersonsWord(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Reviewing()
	consent := func(change string) {
		_, err := s.DB.Exec(ctx, "UPDATE consent SET withdrawn_at = "+change+" WHERE person_id = $1 AND purpose = 'photo'", a.Person)
		require.NoError(t, err)
	}
	consent("now()")
	_, err := s.Reviews.Get(ctx, s.Reviewer, a.ID)
	require.True(t, fault.Is(err, fault.NotFound))
	_, err = s.Reviews.Image(ctx, s.Reviewer, a.ID)
	require.True(t, fault.Is(err, fault.NotFound))
	id, err := s.Reviews.Take(ctx, s.Reviewer)
	require.NoError(t, err)
	require.True(t, id.IsNil())
	queue, err := s.Reviews.Queue(ctx, s.Reviewer)
	require.NoError(t, err)
	require.Zero(t, queue.Waiting)
	consent("NULL")
	id, err = s.Reviews.Take(ctx, s.Reviewer)
	require.NoError(t, err)
	require.Equal(t, a.ID, id)
}

func TestReviewerKeepsAndGivesBack(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	other := s.Rows.Staff("吴审核", "reviewer")
	a := s.Reviewing()
	again, err := s.Reviews.Take(ctx, s.Reviewer)
	require.NoError(t, err)
	require.Equal(t, a.ID, again, "the case that was taken and not decided comes first")
	c, err := s.Reviews.Get(ctx, s.Reviewer, a.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"dark"}, c.Findings)
	require.Equal(t, a.Photo, c.PhotoID)
	_, err = s.Reviews.Image(ctx, s.Reviewer, a.ID)
	require.NoError(t, err)
	_, err = s.Reviews.Get(ctx, other, a.ID)
	require.True(t, fault.Is(err, fault.NotFound))
	_, err = s.Reviews.Image(ctx, other, a.ID)
	require.True(t, fault.Is(err, fault.NotFound))
	id, err := s.Reviews.Take(ctx, other)
	require.NoError(t, err)
	require.True(t, id.IsNil(), "somebody has it")

	require.NoError(t, s.Reviews.Release(ctx, other, a.ID, "看不清"))
	_, err = s.Reviews.Get(ctx, s.Reviewer, a.ID)
	require.NoError(t, err, "nobody gives back what another one has")
	require.NoError(t, s.Reviews.Release(ctx, s.Reviewer, a.ID, "看不清"))
	id, err = s.Reviews.Take(ctx, other)
	require.NoError(t, err)
	require.Equal(t, a.ID, id)

	s.Clock.Advance(16 * time.Minute)
	_, err = s.Reviews.Image(ctx, other, a.ID)
	require.True(t, fault.Is(err, fault.NotFound), "the claim is over, and so is the sight of the photo")
	id, err = s.Reviews.Take(ctx, s.Reviewer)
	require.NoError(t, err)
	require.Equal(t, a.ID, id)
	snap, err := s.Regular.DecidePhoto(ctx, s.Decision(a, false))
	require.NoError(t, err)
	require.Equal(t, card.Mending, snap.State)
	_, err = s.Reviews.Get(ctx, s.Reviewer, a.ID)
	require.True(t, fault.Is(err, fault.NotFound), "decided")
	p, err := s.Reviews.Photos.Get(ctx, a.Person, a.Photo)
	require.NoError(t, err)
	require.True(t, p.Refused)

	// The next reviewer of the same case knows that one photo was refused before.
	photo := s.Rows.Photo(a.Person, "doubtful", []byte("two"))
	_, err = s.Regular.ChangeDesign(ctx, s.Design(a, photo, stage.Face))
	require.NoError(t, err)
	_, err = s.Reviews.Take(ctx, other)
	require.NoError(t, err)
	c, err = s.Reviews.Get(ctx, other, a.ID)
	require.NoError(t, err)
	require.Equal(t, 1, c.Refused)
}
