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

const (
	// perDay bounds the uploads of a person: enough for any number of tries, too few to fill a disk.
	perDay = 40
	// kept is how many photos that no application names a person keeps: a second tab may show an older one.
	kept = 5
)

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
		var today int
		err := tx.QueryRow(ctx, "SELECT count(*) FROM attempt WHERE kind = 'photo' AND key = $1 AND at > $2", person.Bytes(), now.Add(-24*time.Hour)).Scan(&today)
		if err != nil {
			return err
		}
		if today >= perDay {
			return fault.New(fault.TooMany, "今天上传照片的次数过多，请明天再试。")
		}
		later := &store.Later{}
		_, _ = later.Exec(ctx, "INSERT INTO attempt (kind, key, at) VALUES ('photo', $1, $2)", person.Bytes(), now)
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

// ForCounter reads the photo of a case for the branch at which its card waits or was handed over.
func (s Photos) ForCounter(ctx context.Context, branch, application uuid.UUID) ([]byte, error) {
	return s.image(ctx, `
		SELECT p.image FROM application a JOIN photo p ON p.id = a.photo_id
		 WHERE a.id = $1 AND a.branch_id = $2 AND a.state IN ('ready', 'collected')`, application, branch)
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

// unbound is how long a photo that no application names is kept.
const unbound = 30 * 24 * time.Hour

// Sweep deletes photos that no application names and that are old, at most limit.
func (s Photos) Sweep(ctx context.Context, limit int) (int64, error) {
	tag, err := s.DB.Exec(ctx, `
		DELETE FROM photo WHERE id IN (
		  SELECT p.id FROM photo p WHERE p.at < $1 AND NOT EXISTS (SELECT 1 FROM application a WHERE a.person_id = p.person_id AND a.photo_id = p.id)
		   ORDER BY p.at LIMIT $2)`, s.Clock.Now().Add(-unbound), limit)
	return tag.RowsAffected(), store.Translate(err)
}
