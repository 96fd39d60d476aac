// Package photostore keeps the portraits of regular cards, sealed, and hands them to those who may see
// them: their owner, the reviewer who took the case on, the branch that hands the card over.
package photostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/vault"
)

// Photos stores and reads portraits.
type Photos struct {
	DB    *store.DB
	Vault *vault.Vault
	Clock clock.Clock
}

// label of the sealed column.
const label = "photo.image"

// New is a portrait as internal/photo made it.
type New struct {
	JPEG     []byte
	SHA256   [32]byte
	Verdict  string // clear or doubtful
	Findings []string
}

// kept is how many photos that no application names a person keeps: a second tab may show an older one.
const kept = 5

// Add stores a portrait of a person and returns its id. Older ones that no application names are deleted.
func (s Photos) Add(ctx context.Context, person uuid.UUID, p New) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("photostore: %w", err)
	}
	sealed, err := s.Vault.Seal(p.JPEG, label)
	if err != nil {
		return uuid.Nil, err
	}
	findings := p.Findings
	if findings == nil {
		findings = []string{}
	}
	now := s.Clock.Now()
	err = s.DB.InTx(ctx, func(tx pgx.Tx) error {
		later := &store.Later{}
		_, _ = later.Exec(ctx, `
			INSERT INTO photo (id, person_id, image, sha256, verdict, findings, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			id, person, sealed, p.SHA256[:], p.Verdict, findings, now)
		_, _ = later.Exec(ctx, `
			DELETE FROM photo p USING (
			  SELECT id FROM photo WHERE person_id = $1 AND decision IS NULL ORDER BY at DESC, id DESC OFFSET $2) old
			 WHERE p.id = old.id AND NOT EXISTS (SELECT 1 FROM application a WHERE a.person_id = $1 AND a.photo_id = p.id)`, person, kept)
		return later.Send(ctx, tx)
	})
	return id, err
}

// Photo is a portrait as its owner sees it.
type Photo struct {
	ID       uuid.UUID
	Verdict  string
	Findings []string
	Refused  bool
	At       time.Time
}

// Get reads what is known of a person's photo. NotFound where it is somebody else's.
func (s Photos) Get(ctx context.Context, person, id uuid.UUID) (Photo, error) {
	p := Photo{ID: id}
	err := s.DB.QueryRow(ctx, `
		SELECT verdict, findings, coalesce(decision = 'refused', false), at FROM photo WHERE id = $1 AND person_id = $2`, id, person).
		Scan(&p.Verdict, &p.Findings, &p.Refused, &p.At)
	return p, gone(err)
}

// Image reads the JPEG of a person's photo.
func (s Photos) Image(ctx context.Context, person, id uuid.UUID) ([]byte, error) {
	return s.image(ctx, "SELECT image FROM photo WHERE id = $1 AND person_id = $2", id, person)
}

// ForCounter reads the photo of a case for the branch at which its card waits, or was handed over so lately
// that it can be taken back, while its holder lets the bank see it.
func (s Photos) ForCounter(ctx context.Context, branch, application uuid.UUID, undo time.Duration) ([]byte, error) {
	return s.image(ctx, `
		SELECT p.image FROM application a JOIN photo p ON p.id = a.photo_id
		 WHERE a.id = $1 AND a.branch_id = $2 AND (a.state = 'ready' OR a.state = 'collected' AND a.closed_at > $3)
		   AND EXISTS (SELECT 1 FROM consent k WHERE k.person_id = a.person_id AND k.purpose = 'bank' AND k.withdrawn_at IS NULL)`,
		application, branch, s.Clock.Now().Add(-undo))
}

func (s Photos) image(ctx context.Context, sql string, args ...any) ([]byte, error) {
	var sealed []byte
	if err := s.DB.QueryRow(ctx, sql, args...).Scan(&sealed); err != nil {
		return nil, gone(err)
	}
	return s.Vault.Unseal(sealed, label)
}

func gone(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.New(fault.NotFound, "没有这张照片。")
	}
	return store.Translate(err)
}

// Sweep lets go of portraits that have served, keep after that: the application of a case that ended without
// a card names its photo no longer, and a photo that no application names is deleted. What was refused
// stays while a case of its person is open, so that the next reviewer knows of it. At most limit of each.
func (s Photos) Sweep(ctx context.Context, keep time.Duration, limit int) (int64, error) {
	before := s.Clock.Now().Add(-keep)
	_, err := s.DB.Exec(ctx, `
		UPDATE application SET photo_id = NULL WHERE id IN (
		  SELECT id FROM application WHERE state IN ('withdrawn', 'refused') AND photo_id IS NOT NULL AND closed_at < $1 LIMIT $2)`,
		before, limit)
	if err != nil {
		return 0, store.Translate(err)
	}
	tag, err := s.DB.Exec(ctx, `
		DELETE FROM photo WHERE id IN (
		  SELECT p.id FROM photo p WHERE p.at < $1 AND NOT EXISTS (
		    SELECT 1 FROM application a WHERE a.person_id = p.person_id
		       AND (a.photo_id = p.id OR p.decision = 'refused' AND a.closed_at IS NULL))
		   ORDER BY p.at LIMIT $2)`, before, limit)
	return tag.RowsAffected(), store.Translate(err)
}
