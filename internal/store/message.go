package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"

	"volcard/internal/vault"
)

// Message is one notice to one person. It is written in the transaction of the event it tells
// of, and the dispatcher sends it afterwards.
type Message struct {
	DedupeKey string // "<case>:<event>:<recipient>": the same event tells the same person once
	PersonID  uuid.UUID
	Template  string // one of internal/notify's templates
	Phone     string
	Params    map[string]string
	// Urgent: somebody waits for it at a form, so that it goes before every notice.
	Urgent bool
	// Withheld: the statement is executed and writes nothing, where its absence would tell that there is nobody to send to.
	Withheld bool
	At       time.Time
}

// Labels of the sealed columns of table message.
const (
	LabelMessagePhone  = "message.phone"
	LabelMessageParams = "message.params"
)

// Enqueue writes the message unless one with its dedupe key exists or it is withheld.
func Enqueue(ctx context.Context, q Execer, v *vault.Vault, m Message) error {
	params, err := json.Marshal(m.Params)
	if err != nil {
		return fmt.Errorf("message params: %w", err)
	}
	sealedParams, err := v.Seal(params, LabelMessageParams)
	if err != nil {
		return fmt.Errorf("message params: %w", err)
	}
	phone, err := v.Seal([]byte(m.Phone), LabelMessagePhone)
	if err != nil {
		return fmt.Errorf("message phone: %w", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("message id: %w", err)
	}
	_, err = q.Exec(ctx, `
		INSERT INTO message (id, dedupe_key, person_id, template, phone, params, urgent, due_at, created_at)
		SELECT $1::uuid, $2::text, nullif($3::uuid, '00000000-0000-0000-0000-000000000000'::uuid), $4::text, $5::bytea, $6::bytea, $7::boolean, $8::timestamptz, $8
		 WHERE NOT $9
		ON CONFLICT (dedupe_key) DO NOTHING`,
		id, m.DedupeKey, m.PersonID, m.Template, phone, sealedParams, m.Urgent, m.At, m.Withheld)
	return Translate(err)
}
