package photostore

import (
	"context"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store"
)

// Reviews is the reviewers' queue: photos that the automatic check could not pass, oldest submission first.
type Reviews struct{ Photos }

// claim is how long a reviewer keeps a case: long enough to look twice, short enough for lunch.
const claim = 15 * time.Minute

// agreed leaves out whoever (application a) has taken back the consent to the use of the photo: nobody looks at
// it until it is given again.
const agreed = `NOT EXISTS (
	SELECT 1 FROM consent t WHERE t.person_id = a.person_id AND t.purpose = 'photo' AND t.withdrawn_at IS NOT NULL
	   AND NOT EXISTS (SELECT 1 FROM consent o WHERE o.person_id = t.person_id AND o.purpose = 'photo' AND o.withdrawn_at IS NULL))`

// ReviewCase is a case as its reviewer sees it.
type ReviewCase struct {
	ID          uuid.UUID
	Number      string
	HolderName  string
	Identity    card.Identity
	SubmittedAt time.Time
	PhotoID     uuid.UUID
	Findings    []string // internal/photo.Code
	Refused     int      // photos of this case that were refused before
	ClaimedTill time.Time
}

// Queue counts the cases that wait and tells since when the oldest does.
func (s Reviews) Queue(ctx context.Context) (cases int, oldest *time.Time, err error) {
	err = s.DB.QueryRow(ctx, "SELECT count(*), min(submitted_at) FROM application a WHERE state = 'reviewing' AND "+agreed).Scan(&cases, &oldest)
	return cases, oldest, store.Translate(err)
}

// Take gives the reviewer the case that was taken before and is not decided, or the next one that nobody
// has. A nil id: nothing waits.
func (s Reviews) Take(ctx context.Context, staff uuid.UUID) (uuid.UUID, error) {
	now := s.Clock.Now()
	var id uuid.UUID
	err := s.DB.QueryRow(ctx, `
		UPDATE application SET reviewer_id = $1, review_until = $3
		 WHERE id = (SELECT id FROM application a
		              WHERE state = 'reviewing' AND (reviewer_id IS NULL OR reviewer_id = $1 OR review_until < $2) AND `+agreed+`
		              ORDER BY (reviewer_id = $1 AND review_until >= $2) IS TRUE DESC, submitted_at LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING id`, staff, now, now.Add(claim)).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, nil
	}
	return id, store.Translate(err)
}

// Release gives a case back to the queue.
func (s Reviews) Release(ctx context.Context, staff, application uuid.UUID) error {
	_, err := s.DB.Exec(ctx, `
		UPDATE application SET reviewer_id = NULL, review_until = NULL
		 WHERE id = $1 AND reviewer_id = $2 AND state = 'reviewing'`, application, staff)
	return store.Translate(err)
}

// Get reads a case that the reviewer has taken. NotFound where somebody else has it, or nobody.
func (s Reviews) Get(ctx context.Context, staff, application uuid.UUID) (ReviewCase, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT a.id, a.number, a.holder_name, a.identity, a.submitted_at, a.photo_id, p.findings,
		       (SELECT count(*) FROM photo o WHERE o.person_id = a.person_id AND o.decision = 'refused' AND o.decided_at >= a.submitted_at),
		       a.review_until
		  FROM application a JOIN photo p ON p.id = a.photo_id
		 WHERE a.id = $1 AND a.state = 'reviewing' AND a.reviewer_id = $2 AND a.review_until >= $3 AND `+agreed, application, staff, s.Clock.Now())
	if err != nil {
		return ReviewCase{}, store.Translate(err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[ReviewCase])
	if errors.Is(err, pgx.ErrNoRows) {
		return ReviewCase{}, fault.New(fault.NotFound, "这份申请已不由您审核（超时、已审核或申请人有变动）。")
	}
	return c, store.Translate(err)
}

// Image reads the photo of a case that the reviewer has taken.
func (s Reviews) Image(ctx context.Context, staff, application uuid.UUID) ([]byte, error) {
	return s.image(ctx, `
		SELECT p.image FROM application a JOIN photo p ON p.id = a.photo_id
		 WHERE a.id = $1 AND a.state = 'reviewing' AND a.reviewer_id = $2 AND a.review_until >= $3 AND `+agreed, application, staff, s.Clock.Now())
}

// Decided tells what the reviewer decided about a photo; empty where it was somebody else or nobody. It
// answers who lost the answer to a decision.
func (s Reviews) Decided(ctx context.Context, staff, photo uuid.UUID) (decision string, err error) {
	err = s.DB.QueryRow(ctx, "SELECT coalesce(decision, '') FROM photo WHERE id = $1 AND decided_by = $2", photo, staff).Scan(&decision)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return decision, store.Translate(err)
}
