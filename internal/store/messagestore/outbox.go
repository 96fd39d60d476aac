package messagestore

import (
	"context"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/store"
)

// Labels of the sealed columns of table outbox_page.
const (
	LabelOutboxPhone = "outbox_page.phone"
	LabelOutboxBody  = "outbox_page.body"
)

// Outbox is the demo's phone: what the default gateway "sent".
type Outbox struct{ Store }

// Text is one message as a phone shows it.
type Text struct {
	ID     uuid.UUID
	Phone  string
	Body   string
	SentAt time.Time
}

// Put keeps a message under its id; a second time changes nothing.
func (o Outbox) Put(ctx context.Context, id uuid.UUID, phone, body string) error {
	sealedPhone, err := o.Vault.SealString(phone, LabelOutboxPhone)
	if err != nil {
		return err
	}
	sealedBody, err := o.Vault.SealString(body, LabelOutboxBody)
	if err != nil {
		return err
	}
	_, err = o.DB.Exec(ctx, `
		INSERT INTO outbox_page (id, phone, body, sent_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING`,
		id, sealedPhone, sealedBody, o.Clock.Now())
	return store.Translate(err)
}

// Has tells whether the message is there.
func (o Outbox) Has(ctx context.Context, id uuid.UUID) (bool, error) {
	var one int
	err := o.DB.QueryRow(ctx, "SELECT 1 FROM outbox_page WHERE id = $1", id).Scan(&one)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, store.Translate(err)
}

// Recent lists the newest messages, at most n (100 at the most).
func (o Outbox) Recent(ctx context.Context, n int) ([]Text, error) {
	rows, err := o.DB.Query(ctx, "SELECT id, phone, body, sent_at FROM outbox_page ORDER BY sent_at DESC, id DESC LIMIT $1", min(max(n, 1), 100))
	if err != nil {
		return nil, store.Translate(err)
	}
	var list []Text
	var t Text
	var phone, body []byte
	_, err = pgx.ForEachRow(rows, []any{&t.ID, &phone, &body, &t.SentAt}, func() error {
		var err error
		if t.Phone, err = o.Vault.UnsealString(phone, LabelOutboxPhone); err != nil {
			return err
		}
		if t.Body, err = o.Vault.UnsealString(body, LabelOutboxBody); err != nil {
			return err
		}
		list = append(list, t)
		return nil
	})
	return list, store.Translate(err)
}

// ErrReal is the refusal of a demonstration on data of real people.
var ErrReal = errors.New("VOLCARD_DEMO: a real gateway has sent messages from this database; a demonstration needs one of its own")

// Fictional is nil while no real gateway has sent anything: a demonstration would show everybody
// what belongs to those who were sent to.
func (o Outbox) Fictional(ctx context.Context) error {
	var real bool
	err := o.DB.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM message WHERE state = 'sent' AND receipt <> '' AND receipt NOT LIKE $1 || '%')`, ReceiptPrefix).Scan(&real)
	if err == nil && real {
		return ErrReal
	}
	return store.Translate(err)
}

// ReceiptPrefix begins every receipt of the outbox, and no other gateway's.
const ReceiptPrefix = "outbox-"

// Sweep removes messages that were kept longer than a week, at most most of them.
func (o Outbox) Sweep(ctx context.Context, most int) (int64, error) {
	tag, err := o.DB.Exec(ctx, `
		DELETE FROM outbox_page WHERE id IN (SELECT id FROM outbox_page WHERE sent_at < $1 ORDER BY sent_at LIMIT $2)`,
		o.Clock.Now().Add(-7*24*time.Hour), most)
	return tag.RowsAffected(), store.Translate(err)
}
