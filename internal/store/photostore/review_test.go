package photostore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/store/adminstore"
	"volcard/internal/store/storetest/stage"
)

// doubtful are cases whose photo waits for a reviewer, a minute apart, in order.
func doubtful(t *testing.T, s *stage.Stage, n int) []uuid.UUID {
	t.Helper()
	ids := make([]uuid.UUID, n)
	for i := range ids {
		a := s.Submitted("doubtful", s.Branch)
		_, err := s.Process.Issue(context.Background(), a.ID)
		require.NoError(t, err)
		ids[i] = a.ID
		s.Clock.Advance(time.Minute)
	}
	return ids
}

// take asserts which case a reviewer is given.
func take(t *testing.T, s *stage.Stage, staff, want uuid.UUID) {
	t.Helper()
	got, err := s.Reviews.Take(context.Background(), staff)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func release(t *testing.T, s *stage.Stage, staff, application uuid.UUID, note string) {
	t.Helper()
	require.NoError(t, s.Reviews.Release(context.Background(), staff, application, note))
	s.Clock.Advance(time.Second)
}

// T81: what a reviewer gave back comes after everything that this reviewer has not seen, for this reviewer only.
func TestReleasedGoesBehindWhatItsReviewerHasNotSeen(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	me, other := s.Reviewer, s.Rows.Staff("吴审核", "reviewer")
	ids := doubtful(t, s, 3)
	for _, id := range ids {
		take(t, s, me, id)
		release(t, s, me, id, "像是翻拍")
	}
	q, err := s.Reviews.Queue(t.Context(), me)
	require.NoError(t, err)
	require.Equal(t, 3, q.Waiting)
	require.Equal(t, 3, q.Released)
	// All was given back: it is served again, what was given back longest ago first.
	take(t, s, me, ids[0])
	release(t, s, me, ids[0], "还是拿不准")
	take(t, s, me, ids[1])

	// Another reviewer has seen none of them: the oldest first.
	q, err = s.Reviews.Queue(t.Context(), other)
	require.NoError(t, err)
	require.Equal(t, 2, q.Waiting)
	require.Zero(t, q.Released)
	require.Equal(t, 1, q.Others)
	take(t, s, other, ids[0])
	c, err := s.Reviews.Get(t.Context(), other, ids[0])
	require.NoError(t, err)
	require.Len(t, c.Notes, 2)
	require.Equal(t, "还是拿不准", c.Notes[0].Text)
	require.Equal(t, "赵审核", c.Notes[0].By)
	require.True(t, c.Notes[0].At.After(c.Notes[1].At))

	// A newer submission is unseen, so it comes before what was given back.
	release(t, s, me, ids[1], "像是翻拍")
	newest := doubtful(t, s, 1)[0]
	take(t, s, me, newest)
}

// A double click gives back once; the audit chain has each with its reviewer, and no words.
func TestReleaseIsAudited(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	a := s.Reviewing()
	other := s.Rows.Staff("吴审核", "reviewer")
	release(t, s, other, a.ID, "不是我的")
	require.Equal(t, []string{"submit", "review"}, s.Moves(a))
	for range 2 {
		release(t, s, s.Reviewer, a.ID, "像是翻拍")
	}
	require.Equal(t, []string{"submit", "review", "requeue-photo"}, s.Moves(a))
	require.Equal(t, 1, s.Count("SELECT count(*) FROM review_release"))
	require.Equal(t, s.Reviewer.String()+" {}",
		s.Text("SELECT actor_id || ' ' || detail FROM audit_entry WHERE action = 'requeue-photo'"))
}

// Another photo is a new one to everybody; the notes were about the old one.
func TestAnotherPhotoIsUnseen(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	a := s.Reviewing()
	release(t, s, s.Reviewer, a.ID, "像是翻拍")
	younger := doubtful(t, s, 1)[0]
	_, err := s.Regular.ChangeDesign(t.Context(), s.Design(a, s.Rows.Photo(a.Person, "doubtful", []byte("two")), stage.Face))
	require.NoError(t, err)
	take(t, s, s.Reviewer, a.ID)
	c, err := s.Reviews.Get(t.Context(), s.Reviewer, a.ID)
	require.NoError(t, err)
	require.Empty(t, c.Notes)
	take(t, s, s.Rows.Staff("吴审核", "reviewer"), younger)
	// The note goes with its photo.
	_, err = s.DB.Exec(t.Context(), "DELETE FROM photo WHERE id = $1", a.Photo)
	require.NoError(t, err)
	require.Zero(t, s.Count("SELECT count(*) FROM review_release"))
}

// Two tabs of one reviewer that ask at once are given the same case.
func TestOneReviewerHasOneCase(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	doubtful(t, s, 4)
	taken := make([]uuid.UUID, 4)
	var wg sync.WaitGroup
	for i := range taken {
		wg.Go(func() {
			var err error
			if taken[i], err = s.Reviews.Take(context.Background(), s.Reviewer); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, id := range taken {
		require.Equal(t, taken[0], id)
	}
}

// What every reviewer gave back is still served, and an administrator sees it after three times.
func TestReleasedByEverybodyIsServedAndSeen(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	reads := adminstore.Store{DB: s.DB}
	id := doubtful(t, s, 1)[0]
	var staff []uuid.UUID
	for n := range adminstore.ManyReleases {
		count, err := reads.CountUndecided(t.Context())
		require.NoError(t, err)
		require.Zero(t, count, n)
		staff = append(staff, s.Rows.Staff(fmt.Sprintf("审核%d", n), "reviewer"))
		take(t, s, staff[n], id)
		release(t, s, staff[n], id, fmt.Sprintf("说明%d", n))
	}
	count, err := reads.CountUndecided(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, count)
	list, err := reads.Undecided(t.Context(), adminstore.Window{Limit: 10})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, adminstore.ManyReleases, list[0].Releases)
	require.Equal(t, "说明2", list[0].Note)
	require.Equal(t, "审核2", list[0].By)
	for _, reviewer := range staff {
		take(t, s, reviewer, id)
		release(t, s, reviewer, id, "还是拿不准")
	}
	take(t, s, s.Reviewer, id)
	_, err = s.Process.Withdraw(t.Context(), id, uuid.FromStringOrNil(s.Text("SELECT person_id::text FROM application WHERE id = $1", id)))
	require.NoError(t, err)
	count, err = reads.CountUndecided(t.Context())
	require.NoError(t, err)
	require.Zero(t, count)
}
