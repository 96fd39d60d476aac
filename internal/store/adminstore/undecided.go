package adminstore

import (
	"context"
	"time"

	"volcard/internal/store"
)

// ManyReleases is how often a photo is given back to the reviewers' queue before an administrator sees it.
const ManyReleases = 3

// Undecided is a photo under review that reviewers gave back ManyReleases times or more.
type Undecided struct {
	Number        string // of the application
	SubmittedAt   time.Time
	PromisedUntil time.Time // a date, at midnight UTC
	Releases      int
	Note          string // of the last reviewer who gave it back
	By            string // the reviewer's name
	At            time.Time
}

const undecidedSQL = `
	  FROM application a
	  JOIN LATERAL (SELECT count(*) AS releases FROM review_release WHERE photo_id = a.photo_id) n ON n.releases >= $1
	 WHERE a.state = 'reviewing'`

// Undecided lists them, the oldest submission first.
func (s Store) Undecided(ctx context.Context, w Window) ([]Undecided, error) {
	limit, offset := w.bounds()
	return list[Undecided](ctx, s, `
		SELECT u.number, u.submitted_at, u.promised_until, u.releases, l.note, l.name, l.at
		  FROM (SELECT a.id, a.photo_id, a.number, a.submitted_at, a.promised_until, n.releases `+undecidedSQL+`
		         ORDER BY a.submitted_at, a.id LIMIT $2 OFFSET $3) u
		 CROSS JOIN LATERAL (SELECT r.note, f.name, r.at FROM review_release r JOIN staff f ON f.id = r.staff_id
		                      WHERE r.photo_id = u.photo_id ORDER BY r.at DESC LIMIT 1) l
		 ORDER BY u.submitted_at, u.id`, ManyReleases, limit, offset)
}

// CountUndecided counts them.
func (s Store) CountUndecided(ctx context.Context) (cases int, err error) {
	err = s.DB.QueryRow(ctx, "SELECT count(*)"+undecidedSQL, ManyReleases).Scan(&cases)
	return cases, store.Translate(err)
}
