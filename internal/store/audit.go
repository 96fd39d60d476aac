package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
)

// Actor is who did something: a person, a member of staff, a process, an operator at the shell.
type Actor struct {
	Kind string // person, staff, process, operator
	ID   string // uuid of the person or staff; name of the process or operator's account
}

// Person is the actor of what a person does to the own account or case.
func Person(id uuid.UUID) Actor { return Actor{Kind: "person", ID: id.String()} }

// Staff is the actor of what a member of staff does.
func Staff(id uuid.UUID) Actor { return Actor{Kind: "staff", ID: id.String()} }

// Process is the actor of everything that a workflow does by itself.
func Process(name string) Actor { return Actor{Kind: "process", ID: name} }

// AuditEntry is one row of the audit chain. Detail holds nothing personal.
type AuditEntry struct {
	SubjectKind string // application, card, person, staff, branch, signing_key, list
	SubjectID   uuid.UUID
	At          time.Time
	Actor       Actor
	Action      string
	From, To    string // states; empty where the subject has none
	Detail      map[string]any
}

// Audit appends an entry. It belongs in the transaction of the change, after the subject's row
// was locked: the row lock is what orders the chain.
func Audit(ctx context.Context, q Execer, e AuditEntry) error {
	detail := []byte("{}")
	if len(e.Detail) > 0 {
		var err error
		if detail, err = json.Marshal(e.Detail); err != nil {
			return fmt.Errorf("audit detail: %w", err)
		}
	}
	_, err := q.Exec(ctx, `
		INSERT INTO audit_entry (subject_kind, subject_id, seq, at, actor_kind, actor_id, action,
		                         from_state, to_state, detail, prev_hash, hash)
		VALUES ($1, $2, 0, $3, $4, $5, $6, nullif($7, ''), nullif($8, ''), $9, '', '')`,
		e.SubjectKind, e.SubjectID, e.At, e.Actor.Kind, e.Actor.ID, e.Action, e.From, e.To, detail)
	return Translate(err)
}
