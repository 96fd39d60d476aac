package cardstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store"
)

// Drafts keeps what the wizard saved, one draft a person, sealed as a whole.
type Drafts struct{ Store }

// Load returns the person's draft and its version; an empty draft of version 0 where there is none.
func (s Drafts) Load(ctx context.Context, person uuid.UUID) (card.Draft, int, error) {
	return s.scan(s.DB.QueryRow(ctx, draftSQL, person))
}

const draftSQL = "SELECT data, version FROM application_draft WHERE person_id = $1"

func (s Drafts) scan(row pgx.Row) (card.Draft, int, error) {
	var sealed []byte
	var version int
	err := row.Scan(&sealed, &version)
	if errors.Is(err, pgx.ErrNoRows) {
		return card.Draft{}, 0, nil
	}
	if err != nil {
		return card.Draft{}, 0, store.Translate(err)
	}
	d, err := s.open(sealed)
	return d, version, err
}

func (s Drafts) open(sealed []byte) (card.Draft, error) {
	var d card.Draft
	plain, err := s.Vault.Unseal(sealed, LabelDraft)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(plain, &d); err != nil {
		return d, fmt.Errorf("cardstore: draft: %w", err)
	}
	return d, nil
}

// Save stores the draft over the version that the form was filled from and returns the new
// version. Conflict where another tab has saved in between: its draft is kept.
func (s Drafts) Save(ctx context.Context, person uuid.UUID, d card.Draft, version int) (int, error) {
	plain, err := json.Marshal(d)
	if err != nil {
		return 0, fmt.Errorf("cardstore: draft: %w", err)
	}
	sealed, err := s.Vault.Seal(plain, LabelDraft)
	if err != nil {
		return 0, err
	}
	var saved int
	err = s.DB.QueryRow(ctx, `
		INSERT INTO application_draft (person_id, version, data, updated_at)
		SELECT $1, 1, $2, $3
		 WHERE $4 = 0 OR EXISTS (SELECT 1 FROM application_draft WHERE person_id = $1)
		ON CONFLICT (person_id) DO UPDATE SET version = application_draft.version + 1, data = $2, updated_at = $3
		 WHERE application_draft.version = $4
		RETURNING version`, person, sealed, s.Clock.Now(), version).Scan(&saved)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, fault.New(fault.Conflict, "您在另一个页面修改了这份申请，已为您显示最新的内容，请核对后继续。")
	}
	return saved, store.Translate(err)
}
