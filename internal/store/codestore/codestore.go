// Package codestore keeps SMS codes and counts attempts. A code is six digits, known to us only
// as a keyed hash, good for five minutes, one use and five wrong tries, and bound to its
// purpose, its number and the session that asked (domain.md, "SMS codes"). The message that
// carries it is queued in the same transaction, so a code that exists is a code that is sent.
package codestore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/limit"
	"volcard/internal/person"
	"volcard/internal/store"
	"volcard/internal/vault"
)

// Life is how long a code can be used; maxTries is the number of wrong tries that burns it.
const (
	Life     = 5 * time.Minute
	maxTries = 5
)

// Purpose is what a code is for. A code of one purpose opens nothing else.
type Purpose string

// The purposes.
const (
	Register    Purpose = "register"     // proves the phone of an account to be made
	Application Purpose = "application"  // proves the phone of an application
	ChangePhone Purpose = "change-phone" // proves the new phone of an account
	Reset       Purpose = "reset"        // goes to the bound phone of an account whose password is lost
)

// Template is the name of the message that carries a code of this purpose (internal/notify).
func (p Purpose) Template() string { return "code-" + string(p) }

// Codes makes and checks SMS codes.
type Codes struct {
	DB    *store.DB
	Vault *vault.Vault
	Clock clock.Clock
	// PerNetwork bounds the codes of everybody behind one address; empty: limit.CodeAddress as it stands.
	PerNetwork []limit.Window
}

func (c Codes) limiter() Limiter { return Limiter{DB: c.DB, Vault: c.Vault, Clock: c.Clock} }

// Ask is a wish for a code. Phones and ID numbers are parsed values: however a number was typed,
// it is one key.
type Ask struct {
	Purpose Purpose
	// Phone is where the code goes. For Reset it is the account's bound phone, zero where there
	// is no such account.
	Phone person.Phone
	// Session is a random text that lives as long as the browser's session and does not change at login.
	Session string
	// Address is the client's address.
	Address string
	// PersonID is the account, where there is one. A blocked account gets no code.
	PersonID uuid.UUID
	// IDNumber is what was typed for Reset.
	IDNumber person.IDNumber
}

// Sent is what the page says after a code was asked for. It is the same whether or not the
// number or the account is known.
type Sent struct {
	ExpiresAt time.Time
	ResendAt  time.Time
}

// key is what a code is found by: the phone, or for Reset the account. A code for an account
// that does not exist lies under the same kind of key, so that trying it looks the same.
func (c Codes) key(p Purpose, phone person.Phone, id person.IDNumber) []byte {
	if p == Reset {
		return c.Vault.Index("sms_code.account", id.String())
	}
	return c.Vault.Index("sms_code.phone", phone.String())
}

func (c Codes) session(session string) []byte { return c.Vault.Index("sms_code.session", session) }

// hash binds a code to everything that it may be used with.
func (c Codes) hash(id uuid.UUID, p Purpose, phone person.Phone, session, code string) []byte {
	return c.Vault.Index("sms_code.code", strings.Join([]string{id.String(), string(p), phone.String(), session, code}, "\x00"))
}

// Request makes a code and queues its message. A request over a limit is refused and changes
// nothing: the code that was sent before stays good. For Reset the answer does not depend on
// whether the account exists, is blocked, or has a phone that was sent too much.
func (c Codes) Request(ctx context.Context, a Ask) (Sent, error) {
	if a.Session == "" || (a.Purpose == Reset) == a.IDNumber.IsZero() || (a.Purpose != Reset && a.Phone.IsZero()) {
		return Sent{}, fmt.Errorf("codestore: incomplete request for %q", a.Purpose)
	}
	send := c.sendTo
	if a.Purpose == Reset {
		send = c.sendReset
	}
	var sent Sent
	err := c.DB.InTx(ctx, func(tx pgx.Tx) error {
		now, err := send(ctx, tx, a)
		sent = Sent{ExpiresAt: now.Add(Life), ResendAt: now.Add(limit.CodePhone.Windows[0].Per)}
		return err
	})
	if err != nil {
		return Sent{}, err
	}
	return sent, nil
}

// bySender are the counts of whoever asks, whatever they ask for.
func (c Codes) bySender(a Ask) []counted {
	l := c.limiter()
	address := limit.CodeAddress
	if len(c.PerNetwork) > 0 {
		address = address.WithWindows(c.PerNetwork)
	}
	counts := []counted{l.counted(limit.CodeSession, a.Session), l.counted(address, limit.AddressKey(a.Address))}
	if network := limit.NetworkKey(a.Address); network != limit.AddressKey(a.Address) {
		counts = append(counts, l.counted(limit.CodeNetwork, network))
	}
	return counts
}

// sendTo sends a code to the phone that was typed, or refuses with the reason. It returns the time at which it did.
func (c Codes) sendTo(ctx context.Context, tx pgx.Tx, a Ask) (time.Time, error) {
	counts := append(c.bySender(a), c.limiter().counted(limit.CodePhone, a.Phone.String()))
	if err := lock(ctx, tx, counts); err != nil {
		return time.Time{}, err
	}
	// Read after the locks: the clock of whoever waited must not be older than what it finds.
	now := c.Clock.Now()
	if err := check(ctx, tx, counts, now); err != nil {
		return now, err
	}
	if !a.PersonID.IsNil() {
		switch blocked, err := isBlocked(ctx, tx, a.PersonID); {
		case err != nil:
			return now, err
		case blocked:
			return now, fault.New(fault.Forbidden, "该账号已被停用，请联系省志愿者协会。")
		}
	}
	if err := record(ctx, tx, counts, now); err != nil {
		return now, err
	}
	return now, c.insert(ctx, tx, a, now, sending{})
}

// sendReset sends a code to the bound phone of an account. It executes the same statements in the same order
// for an account that does not exist, is blocked, or whose phone was sent too much: only what they write
// differs, so that neither the answer nor its time tells which it was.
func (c Codes) sendReset(ctx context.Context, tx pgx.Tx, a Ask) (time.Time, error) {
	l := c.limiter()
	phone := a.Phone.String()
	if a.Phone.IsZero() {
		phone = "none:" + a.IDNumber.String() // counts of its own: those without an account do not wait for each other
	}
	open := append(c.bySender(a), l.counted(limit.CodeAccount, a.IDNumber.String()))
	// Refusals by byPhone would tell whose phone it is to whoever asks for another kind of code: it is looked at, not counted.
	byPhone, byReset := l.counted(limit.CodePhone, phone), l.counted(limit.ResetPhone, phone)
	if err := lock(ctx, tx, append(slices.Clone(open), byPhone, byReset)); err != nil {
		return time.Time{}, err
	}
	now := c.Clock.Now()
	if err := check(ctx, tx, open, now); err != nil {
		return now, err
	}
	blocked, err := isBlocked(ctx, tx, a.PersonID)
	if err != nil {
		return now, err
	}
	full := false
	switch err := check(ctx, tx, []counted{byPhone, byReset}, now); {
	case fault.Is(err, fault.TooMany):
		full = true
	case err != nil:
		return now, err
	}
	if err := record(ctx, tx, append(open, byReset), now); err != nil {
		return now, err
	}
	return now, c.insert(ctx, tx, a, now, sending{withheld: blocked || full, keepsLive: full})
}

// sending says what insert writes.
type sending struct {
	withheld  bool // a code that nobody can know, and no message
	keepsLive bool // no row where one of the same key can still be used
}

// insert writes a code and queues its message, in the same two statements whatever how says.
func (c Codes) insert(ctx context.Context, tx pgx.Tx, a Ask, now time.Time, how sending) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("codestore: %w", err)
	}
	code, err := draw()
	if err != nil {
		return err
	}
	hash := c.hash(id, a.Purpose, a.Phone, a.Session, code)
	if how.withheld {
		if _, err := rand.Read(hash); err != nil {
			return fmt.Errorf("codestore: %w", err)
		}
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO sms_code (id, purpose, phone_index, session_hash, code_hash, created_at, expires_at)
		SELECT $1::uuid, $2::text, $3::bytea, $4::bytea, $5::bytea, $6::timestamptz, $7::timestamptz
		 WHERE NOT ($8 AND EXISTS (
		       SELECT 1 FROM sms_code WHERE phone_index = $3 AND purpose = $2 AND session_hash = $4 AND used_at IS NULL AND expires_at > $6))`,
		id, a.Purpose, c.key(a.Purpose, a.Phone, a.IDNumber), c.session(a.Session), hash, now, now.Add(Life), how.keepsLive)
	if err != nil {
		return err
	}
	return store.Enqueue(ctx, tx, c.Vault, store.Message{
		DedupeKey: "code:" + id.String(), PersonID: a.PersonID, Template: a.Purpose.Template(),
		Phone: a.Phone.String(), Params: map[string]string{"code": code}, Urgent: true, At: now, Withheld: how.withheld,
	})
}

// draw makes six digits.
func draw() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("codestore: %w", err)
	}
	return fmt.Sprintf("%06d", n.Int64()), nil
}

// isBlocked reports whether an account may not be sent codes, because it was blocked or does not exist.
func isBlocked(ctx context.Context, tx pgx.Tx, id uuid.UUID) (bool, error) {
	var blocked bool
	err := tx.QueryRow(ctx, "SELECT blocked_at IS NOT NULL FROM person WHERE id = $1", id).Scan(&blocked)
	if errors.Is(err, pgx.ErrNoRows) {
		return true, nil
	}
	return blocked, err
}

// Sweep removes codes that ended a day ago, at most most of them, and tells how many.
func (c Codes) Sweep(ctx context.Context, most int) (int64, error) {
	tag, err := c.DB.Exec(ctx, `
		DELETE FROM sms_code WHERE id IN (SELECT id FROM sms_code WHERE expires_at < $1 LIMIT $2)`,
		c.Clock.Now().Add(-24*time.Hour), most)
	return tag.RowsAffected(), store.Translate(err)
}
