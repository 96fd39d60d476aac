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
// What a reviewer gave back comes after everything that this reviewer has not seen.
type Reviews struct{ Photos }

// agreed leaves out whoever (application a) has taken back the consent to the use of the photo: nobody looks at
// it until it is given again.
const agreed = `NOT EXISTS (
	SELECT 1 FROM consent t WHERE t.person_id = a.person_id AND t.purpose = 'photo' AND t.withdrawn_at IS NOT NULL
	   AND NOT EXISTS (SELECT 1 FROM consent o WHERE o.person_id = t.person_id AND o.purpose = 'photo' AND o.withdrawn_at IS NULL))`

// free are the cases (application a) that reviewer $1 may take at the time $2. Approved ones are nobody's to take.
const free = "a.state = 'reviewing' AND a.decided_until IS NULL AND (a.reviewer_id IS NULL OR a.reviewer_id = $1 OR a.review_until < $2) AND " + agreed

// released reports whether reviewer $1 gave the photo of application a back. Another photo is a new one to everybody.
const released = "EXISTS (SELECT 1 FROM review_release r WHERE r.photo_id = a.photo_id AND r.staff_id = $1)"

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
	Notes       []ReviewNote `db:"-"` // newest first
}

// ReviewNote is what a reviewer who gave a photo back left for the next one.
type ReviewNote struct {
	Text string
	By   string // name of the reviewer
	At   time.Time
}

// maxNotes bounds the notes that a page shows; the table keeps all of them as long as the photo.
const maxNotes = 5

// ReviewQueue is what waits for one reviewer.
type ReviewQueue struct {
	Waiting  int        // cases that the reviewer can take, with the one that is open
	Released int        // of these: given back before by the same reviewer
	Others   int        // cases that other reviewers have open
	Oldest   *time.Time // submission of the oldest that can be taken; nil where there is none
}

// Queue counts what waits for a reviewer.
func (s Reviews) Queue(ctx context.Context, staff uuid.UUID) (ReviewQueue, error) {
	var q ReviewQueue
	err := s.DB.QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE `+free+`), count(*) FILTER (WHERE `+free+` AND `+released+`),
		       count(*) FILTER (WHERE decided_until IS NULL AND reviewer_id <> $1 AND review_until >= $2), min(submitted_at) FILTER (WHERE `+free+`)
		  FROM application a WHERE state = 'reviewing'`, staff, s.Clock.Now()).
		Scan(&q.Waiting, &q.Released, &q.Others, &q.Oldest)
	return q, store.Translate(err)
}

// choices are the cases that Take offers, best first: the one that is open already, then the oldest that the
// reviewer has not seen, then what the reviewer gave back longest ago.
var choices = []string{
	free + " AND a.reviewer_id = $1 AND a.review_until >= $2 ORDER BY a.submitted_at",
	free + " AND NOT " + released + " ORDER BY a.submitted_at",
	free + " ORDER BY (SELECT max(r.at) FROM review_release r WHERE r.photo_id = a.photo_id AND r.staff_id = $1), a.submitted_at",
}

// Take gives a reviewer a case to decide. A nil id: nothing waits. No two reviewers are given the same one.
func (s Reviews) Take(ctx context.Context, staff uuid.UUID) (uuid.UUID, error) {
	now := s.Clock.Now()
	var id uuid.UUID
	err := s.DB.InTx(ctx, func(tx pgx.Tx) error {
		// Two tabs of one reviewer ask one after the other, so both get the same case.
		if _, err := tx.Exec(ctx, "SELECT 1 FROM staff WHERE id = $1 FOR NO KEY UPDATE", staff); err != nil {
			return err
		}
		for _, choice := range choices {
			err := tx.QueryRow(ctx, `
				UPDATE application SET reviewer_id = $1, review_until = $3
				 WHERE id = (SELECT id FROM application a WHERE `+choice+` LIMIT 1 FOR UPDATE SKIP LOCKED)
				RETURNING id`, staff, now, now.Add(card.ReviewClaim)).Scan(&id)
			if !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
		}
		return nil
	})
	return id, err
}

// MaxReviewNote bounds the note of a photo that is given back, in characters.
const MaxReviewNote = 60

// Release gives a case back to the queue with a note for the next reviewer. It does nothing where the reviewer
// does not have the case any more, so a double click gives it back once.
func (s Reviews) Release(ctx context.Context, staff, application uuid.UUID, note string) error {
	now := s.Clock.Now()
	return s.DB.InTx(ctx, func(tx pgx.Tx) error {
		var photo uuid.UUID
		err := tx.QueryRow(ctx, `
			UPDATE application SET reviewer_id = NULL, review_until = NULL
			 WHERE id = $1 AND reviewer_id = $2 AND state = 'reviewing' AND decided_until IS NULL RETURNING photo_id`, application, staff).Scan(&photo)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO review_release (photo_id, staff_id, note, at) VALUES ($1, $2, $3, $4)", photo, staff, note, now)
		if err != nil {
			return err
		}
		return store.Audit(ctx, tx, store.AuditEntry{
			SubjectKind: "application", SubjectID: application, At: now, Actor: store.Staff(staff), Action: string(card.Requeue),
			From: string(card.Reviewing), To: string(card.Reviewing),
		})
	})
}

// Get reads a case that the reviewer has taken. NotFound where somebody else has it, or nobody.
func (s Reviews) Get(ctx context.Context, staff, application uuid.UUID) (ReviewCase, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT a.id, a.number, a.holder_name, a.identity, a.submitted_at, a.photo_id, p.findings,
		       (SELECT count(*) FROM photo o WHERE o.person_id = a.person_id AND o.decision = 'refused' AND o.decided_at >= a.submitted_at),
		       a.review_until
		  FROM application a JOIN photo p ON p.id = a.photo_id
		 WHERE a.id = $1 AND a.state = 'reviewing' AND a.reviewer_id = $2 AND a.review_until >= $3 AND a.decided_until IS NULL AND `+agreed, application, staff, s.Clock.Now())
	if err != nil {
		return ReviewCase{}, store.Translate(err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[ReviewCase])
	if errors.Is(err, pgx.ErrNoRows) {
		return ReviewCase{}, fault.New(fault.NotFound, "这份申请已不由您审核（超时、已审核或申请人有变动）。")
	}
	if err != nil {
		return ReviewCase{}, store.Translate(err)
	}
	rows, err = s.DB.Query(ctx, `
		SELECT r.note, f.name, r.at FROM review_release r JOIN staff f ON f.id = r.staff_id
		 WHERE r.photo_id = $1 ORDER BY r.at DESC LIMIT $2`, c.PhotoID, maxNotes)
	if err != nil {
		return ReviewCase{}, store.Translate(err)
	}
	c.Notes, err = pgx.CollectRows(rows, pgx.RowToStructByPos[ReviewNote])
	return c, store.Translate(err)
}

// Image reads the photo of a case that the reviewer has taken.
func (s Reviews) Image(ctx context.Context, staff, application uuid.UUID) ([]byte, error) {
	return s.image(ctx, `
		SELECT p.image FROM application a JOIN photo p ON p.id = a.photo_id
		 WHERE a.id = $1 AND a.state = 'reviewing' AND a.reviewer_id = $2 AND a.review_until >= $3 AND a.decided_until IS NULL AND `+agreed, application, staff, s.Clock.Now())
}

// Decided returns what the reviewer decided about a photo, "approved" or "refused", in effect or not; empty where
// it was somebody else or nobody. It answers who lost the answer to a decision.
func (s Reviews) Decided(ctx context.Context, staff, application, photo uuid.UUID) (decision string, err error) {
	err = s.DB.QueryRow(ctx, `
		SELECT coalesce((SELECT decision FROM photo WHERE id = $3 AND decided_by = $1),
		                (SELECT 'approved' FROM application WHERE id = $2 AND photo_id = $3 AND reviewer_id = $1 AND decided_until IS NOT NULL), '')`,
		staff, application, photo).Scan(&decision)
	return decision, store.Translate(err)
}

// Approval is an approval that its reviewer can still take back.
type Approval struct {
	ApplicationID uuid.UUID
	PhotoID       uuid.UUID
	HolderName    string
	Until         time.Time
}

// Retractable reads the newest approval that a reviewer can still take back; nil where there is none.
func (s Reviews) Retractable(ctx context.Context, staff uuid.UUID) (*Approval, error) {
	var a Approval
	err := s.DB.QueryRow(ctx, `
		SELECT id, photo_id, holder_name, decided_until FROM application
		 WHERE reviewer_id = $1 AND state = 'reviewing' AND decided_until > $2 ORDER BY decided_until DESC LIMIT 1`,
		staff, s.Clock.Now()).Scan(&a.ApplicationID, &a.PhotoID, &a.HolderName, &a.Until)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &a, store.Translate(err)
}
