package checkstore

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/store"
	"volcard/internal/vault"
)

// Labels of the sealed columns that are read here; they are other areas'.
const (
	labelPhoto = "photo.image"
	labelFile  = "batch_file.body"
)

// Issued reads what was issued, for a second look at it.
type Issued struct {
	DB    *store.DB
	Vault *vault.Vault
}

// IssuedCard is a card with all that it was made from.
type IssuedCard struct {
	ID          uuid.UUID
	Number      string
	Edition     string
	HolderName  string
	VolunteerNo string
	Token       string
	IssuedAt    time.Time
	ExpiresAt   time.Time
	// The rest is empty on a general card.
	Face      string
	Photo     []byte // JPEG; empty where it does not open
	Confirmed []byte // hash of the design; nil while another is to be confirmed, or never will be
	Frozen    []byte // hash of the design, in the batch; nil before
	Printed   []byte // hash of the print; nil before
}

// Cards lists the cards before the given one, newest first. The first page is the one before uuid.Max.
func (s Issued) Cards(ctx context.Context, before uuid.UUID, limit int) ([]IssuedCard, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT c.id, c.number, c.edition, c.holder_name, c.volunteer_no, c.token, c.issued_at, c.expires_at, coalesce(a.face, ''), p.image,
		       CASE WHEN a.state NOT IN ('mending', 'refused', 'withdrawn') THEN a.design_hash END, b.design_hash, b.print_hash
		  FROM card c JOIN application a ON a.id = c.application_id
		  LEFT JOIN photo p ON p.id = a.photo_id
		  LEFT JOIN batch_card b ON b.application_id = a.id AND b.state <> 'rejected'
		 WHERE c.id < $1 ORDER BY c.id DESC LIMIT $2`, before, limit)
	if err != nil {
		return nil, store.Translate(err)
	}
	cards, err := pgx.CollectRows(rows, pgx.RowToStructByPos[IssuedCard])
	if err != nil {
		return nil, store.Translate(err)
	}
	for i := range cards {
		if cards[i].Photo, err = s.Vault.Unseal(cards[i].Photo, labelPhoto); err != nil {
			cards[i].Photo = nil
		}
	}
	return cards, nil
}

// IssuedFile is a factory's file; those of batches that are done exist no more.
type IssuedFile struct {
	ID     uuid.UUID
	Batch  string
	Kind   string
	N      int
	Size   int
	SHA256 []byte
	Body   []byte // nil where it does not open
}

// NextFile reads the file after the given one; ok is false after the last. Each has megabytes.
func (s Issued) NextFile(ctx context.Context, after uuid.UUID) (f IssuedFile, ok bool, err error) {
	rows, err := s.DB.Query(ctx, `
		SELECT f.id, b.number, f.kind, f.n, f.size, f.sha256, f.body FROM batch_file f JOIN batch b ON b.id = f.batch_id
		 WHERE f.id > $1 ORDER BY f.id LIMIT 1`, after)
	if err != nil {
		return f, false, store.Translate(err)
	}
	files, err := pgx.CollectRows(rows, pgx.RowToStructByPos[IssuedFile])
	if err != nil || len(files) == 0 {
		return f, false, store.Translate(err)
	}
	f = files[0]
	if f.Body, err = s.Vault.Unseal(f.Body, labelFile); err != nil {
		f.Body = nil
	}
	return f, true, nil
}
