// Package messagestore is the dispatcher's side of the outbox. store.Enqueue writes a message in
// the transaction of the event it tells of; here it is claimed, sent at most as often as its kind
// allows, and settled. Every move is guarded by the number of the attempt, so that a dispatcher
// that was away too long cannot overrule the one that took over.
//
//	pending ──claim──▶ sending ──sent──▶ sent
//	   ▲                │  │
//	   │◀──postponed────┘  ├──lost (lease over, or no clear answer)──▶ unknown
//	   │                   └──gave up──▶ failed                          │
//	   └──────────the gateway has no trace of it──────────────────────────┤
//	                                            sent, failed ◀────────────┘
package messagestore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/clock"
	"volcard/internal/store"
	"volcard/internal/vault"
)

// Store reads and settles messages.
type Store struct {
	DB    *store.DB
	Vault *vault.Vault
	Clock clock.Clock
}

// Message is one message in the hands of a dispatcher.
type Message struct {
	ID       uuid.UUID
	Template string
	Phone    string
	Params   map[string]string
	// Attempt counts the sends, this one included; it is the token that guards the settlement.
	Attempt   int
	CreatedAt time.Time
	// Until is when the claim ends. Nothing may be sent for it afterwards.
	Until time.Time
}

// Claim takes due notices for sending, at most n, oldest first, for the time of the lease.
// Dispatchers that claim at once get different ones.
func (s Store) Claim(ctx context.Context, n int, lease time.Duration) ([]Message, error) {
	return s.claim(ctx, "NOT urgent", n, lease)
}

// ClaimUrgent is Claim for the messages that somebody waits for: however many notices are due, they
// find none before them.
func (s Store) ClaimUrgent(ctx context.Context, n int, lease time.Duration) ([]Message, error) {
	return s.claim(ctx, "urgent", n, lease)
}

func (s Store) claim(ctx context.Context, which string, n int, lease time.Duration) ([]Message, error) {
	return s.take(ctx, `
		WITH due AS MATERIALIZED (
		  SELECT id FROM message WHERE state = 'pending' AND `+which+` AND due_at <= $1
		   ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)
		UPDATE message m SET state = 'sending', attempts = attempts + 1, due_at = $1::timestamptz + $3
		  FROM due WHERE m.id = due.id
		RETURNING m.id, m.template, m.phone, m.params, m.attempts, m.created_at`, n, lease)
}

// ClaimUnknown takes messages of which nobody knows whether they were sent, so that the gateway
// can be asked. They stay unknown; the lease keeps other dispatchers away meanwhile.
func (s Store) ClaimUnknown(ctx context.Context, n int, lease time.Duration) ([]Message, error) {
	return s.take(ctx, `
		WITH due AS MATERIALIZED (
		  SELECT id FROM message WHERE state = 'unknown' AND due_at <= $1
		   ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)
		UPDATE message m SET due_at = $1::timestamptz + $3
		  FROM due WHERE m.id = due.id
		RETURNING m.id, m.template, m.phone, m.params, m.attempts, m.created_at`, n, lease)
}

func (s Store) take(ctx context.Context, sql string, n int, lease time.Duration) ([]Message, error) {
	now := s.Clock.Now()
	rows, err := s.DB.Query(ctx, sql, now, n, lease)
	if err != nil {
		return nil, store.Translate(err)
	}
	var phone, params []byte
	var list, broken []Message
	var m Message
	_, err = pgx.ForEachRow(rows, []any{&m.ID, &m.Template, &phone, &params, &m.Attempt, &m.CreatedAt}, func() error {
		m.Until = now.Add(lease)
		if s.open(&m, phone, params) == nil {
			list = append(list, m)
		} else {
			broken = append(broken, m)
		}
		return nil
	})
	if err != nil {
		return nil, store.Translate(err)
	}
	// One message that cannot be opened must not keep the others back.
	for _, m := range broken {
		if err := s.GiveUp(ctx, m, "cannot be opened: the key that sealed it is missing", false); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (s Store) open(m *Message, phone, params []byte) error {
	var err error
	if m.Phone, err = s.Vault.UnsealString(phone, store.LabelMessagePhone); err != nil {
		return err
	}
	plain, err := s.Vault.Unseal(params, store.LabelMessageParams)
	if err != nil {
		return err
	}
	m.Params = nil
	if err := json.Unmarshal(plain, &m.Params); err != nil {
		return fmt.Errorf("messagestore: params: %w", err)
	}
	return nil
}

// Lost turns messages whose dispatcher went away into unknown ones and tells how many there were.
// They become due after the pause: a gateway needs a while until it can tell.
func (s Store) Lost(ctx context.Context, n int, pause time.Duration) (int64, error) {
	tag, err := s.DB.Exec(ctx, `
		WITH lost AS MATERIALIZED (
		  SELECT id FROM message WHERE state = 'sending' AND due_at <= $1
		   ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)
		UPDATE message m SET state = 'unknown', due_at = $1::timestamptz + $3, last_error = 'the dispatcher went away'
		  FROM lost WHERE m.id = lost.id`, s.Clock.Now(), n, pause)
	return tag.RowsAffected(), store.Translate(err)
}

// Sent settles a message. That it was sent is a fact, whoever has taken over meanwhile, so only a
// later attempt stands against it. scrub forgets the parameters: a code is not kept.
func (s Store) Sent(ctx context.Context, m Message, receipt string, scrub bool) error {
	return s.settle(ctx, m, scrub, `
		UPDATE message SET state = 'sent', sent_at = $3, receipt = $5, last_error = '', params = coalesce($4, params)
		 WHERE id = $1 AND attempts = $2 AND state <> 'sent'`, receipt)
}

// GiveUp settles a message as failed; an operator sees it.
func (s Store) GiveUp(ctx context.Context, m Message, reason string, scrub bool) error {
	return s.settle(ctx, m, scrub, `
		UPDATE message SET state = 'failed', due_at = $3, last_error = $5, params = coalesce($4, params)
		 WHERE id = $1 AND attempts = $2 AND state IN ('sending', 'unknown')`, reason)
}

func (s Store) settle(ctx context.Context, m Message, scrub bool, sql, text string) error {
	var empty []byte
	if scrub {
		var err error
		if empty, err = s.Vault.SealString("{}", store.LabelMessageParams); err != nil {
			return err
		}
	}
	_, err := s.DB.Exec(ctx, sql, m.ID, m.Attempt, s.Clock.Now(), empty, text)
	return store.Translate(err)
}

// Postpone gives a message back that was certainly not sent: it is due again after the pause.
func (s Store) Postpone(ctx context.Context, m Message, pause time.Duration, reason string) error {
	_, err := s.DB.Exec(ctx, `
		UPDATE message SET state = 'pending', due_at = $3, last_error = $4
		 WHERE id = $1 AND attempts = $2 AND state IN ('sending', 'unknown')`, m.ID, m.Attempt, s.Clock.Now().Add(pause), reason)
	return store.Translate(err)
}

// Release is Postpone for a message that was claimed and never tried: the attempt does not count.
func (s Store) Release(ctx context.Context, m Message) error {
	_, err := s.DB.Exec(ctx, `
		UPDATE message SET state = 'pending', attempts = attempts - 1, due_at = $3
		 WHERE id = $1 AND attempts = $2 AND state = 'sending'`, m.ID, m.Attempt, s.Clock.Now())
	return store.Translate(err)
}

// Hold is Release for a notice that has to wait until a later time, and is not late meanwhile.
func (s Store) Hold(ctx context.Context, m Message, until time.Time) error {
	_, err := s.DB.Exec(ctx, `
		UPDATE message SET state = 'pending', attempts = attempts - 1, due_at = $3, held_until = $3
		 WHERE id = $1 AND attempts = $2 AND state = 'sending'`, m.ID, m.Attempt, until)
	return store.Translate(err)
}

// Doubt marks a message of which nobody knows whether it was sent, or keeps it so; the gateway
// is asked (again) after the pause.
func (s Store) Doubt(ctx context.Context, m Message, pause time.Duration, reason string) error {
	_, err := s.DB.Exec(ctx, `
		UPDATE message SET state = 'unknown', due_at = $3, last_error = $4
		 WHERE id = $1 AND attempts = $2 AND state IN ('sending', 'unknown')`, m.ID, m.Attempt, s.Clock.Now().Add(pause), reason)
	return store.Translate(err)
}

// Backlog is what the metrics and the auditor look at.
type Backlog struct {
	Pending int
	Sending int
	Unknown int
	// Failed counts messages given up in the last day.
	Failed int
	// Overdue counts unsent messages older than the time that was asked for, and Oldest is the
	// age of the oldest unsent one. The age of a notice that was held counts from when it may be sent.
	Overdue int
	Oldest  time.Duration
}

// Backlog tells what is unsent, and what is so for longer than late.
func (s Store) Backlog(ctx context.Context, late time.Duration) (Backlog, error) {
	var b Backlog
	var oldest *time.Time
	now := s.Clock.Now()
	err := s.DB.QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'sending'),
		       count(*) FILTER (WHERE state = 'unknown'), count(*) FILTER (WHERE since <= $1), min(since),
		       (SELECT count(*) FROM message WHERE state = 'failed' AND created_at > $2)
		  FROM (SELECT state, coalesce(held_until, created_at) AS since FROM message
		         WHERE state IN ('pending', 'sending', 'unknown')) unsent`, now.Add(-late), now.Add(-24*time.Hour)).
		Scan(&b.Pending, &b.Sending, &b.Unknown, &b.Overdue, &oldest, &b.Failed)
	if err != nil {
		return Backlog{}, store.Translate(err)
	}
	if oldest != nil {
		b.Oldest = max(0, now.Sub(*oldest))
	}
	return b, nil
}
