package personstore

import (
	"context"
	"errors"
	"strings"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/fault"
	"volcard/internal/limit"
	"volcard/internal/person"
	"volcard/internal/store"
)

// Accounts logs people in and changes what they log in with.
type Accounts struct{ Store }

// Login is what the login form sends. A phone never logs anybody in.
type Login struct {
	IDNumber person.IDNumber
	Password string
	Address  string // the client's
	// Device is the key of a browser from which this account was used before (web.Devices); empty: another one.
	Device string
}

// Login returns the account's id. Unknown numbers and wrong passwords give one answer after one
// amount of work; only who knows the password learns that the account is blocked.
func (s Accounts) Login(ctx context.Context, l Login) (uuid.UUID, error) {
	counts := loginCounts(l)
	for _, c := range counts {
		if err := s.Limiter.Allow(ctx, c.kind, c.key); err != nil {
			return uuid.Nil, err
		}
	}
	var id uuid.UUID
	var hash string
	var isBlocked bool
	err := s.DB.QueryRow(ctx, "SELECT id, password_hash, blocked_at IS NOT NULL FROM person WHERE id_index = $1",
		s.idIndex(l.IDNumber)).Scan(&id, &hash, &isBlocked)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, store.Translate(err)
	}
	ok, err := s.Hasher.Check(ctx, l.Password, hash)
	if err != nil {
		return uuid.Nil, err
	}
	if !ok {
		return uuid.Nil, fault.New(fault.Unauthenticated, "身份证号码或密码不正确。")
	}
	if isBlocked {
		return uuid.Nil, blocked()
	}
	for _, c := range counts {
		if c.kind.Name == limit.LoginAddress.Name {
			continue // shared with others
		}
		if err := s.Limiter.Forget(ctx, c.kind, c.key); err != nil {
			return uuid.Nil, err
		}
	}
	return id, nil
}

// loginCount is one count of a login.
type loginCount struct {
	kind limit.Kind
	key  string
}

// loginCounts are what a login is counted under. A known browser has a count of its own and no other, so
// that strangers lock nobody out, whether they guess at the account or share the holder's network.
func loginCounts(l Login) []loginCount {
	account := l.IDNumber.String()
	if l.Device != "" {
		return []loginCount{{limit.LoginDevice, limit.AtDevice(account, l.Device)}}
	}
	return []loginCount{
		{limit.LoginAddress, limit.AddressKey(l.Address)},
		{limit.LoginAccount, limit.At(account, l.Address)},
		{limit.LoginAnywhere, account},
	}
}

// CheckPassword asks somebody who is logged in for the password again, before a sensitive change.
func (s Accounts) CheckPassword(ctx context.Context, id uuid.UUID, password string) error {
	if err := s.Limiter.Allow(ctx, limit.Password, id.String()); err != nil {
		return err
	}
	p, err := s.byID(ctx, s.DB, id)
	if err != nil {
		return err
	}
	if p.BlockedAt != nil {
		return blocked()
	}
	ok, err := s.Hasher.Check(ctx, password, p.PasswordHash)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.Invalid, "密码不正确。")
	}
	return s.Limiter.Forget(ctx, limit.Password, id.String())
}

// How a password came to be changed, for the audit entry.
const (
	Changed = "change-password" // by the person, with the old one
	Reset   = "reset-password"  // by ID number and a code to the bound phone
)

// SetPassword stores a new password and tells the account's phone. The caller has checked the old
// one (CheckPassword) or the code, and ends the account's other sessions afterwards. A reset ends
// a lock-out: it is the way out for somebody whose account others guess at.
func (s Accounts) SetPassword(ctx context.Context, id uuid.UUID, password, how string) error {
	if how != Changed && how != Reset {
		return errors.New("personstore: unknown way to set a password")
	}
	p, err := s.byID(ctx, s.DB, id)
	if err != nil {
		return err
	}
	private, err := s.private(p)
	if err != nil {
		return err
	}
	if reasons := person.CheckPassword(password, private.IDNumber, private.Phone); len(reasons) > 0 {
		return fault.New(fault.Invalid, strings.Join(reasons, ""))
	}
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	err = s.change(ctx, id, store.Person(id), how, "修改了登录密码", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE person SET password_hash = $2, updated_at = $3 WHERE id = $1", id, hash, s.Clock.Now())
		return err
	})
	if err != nil || how != Reset {
		return err
	}
	return errors.Join(
		s.Limiter.Forget(ctx, limit.LoginAccount, private.IDNumber.String()),
		s.Limiter.Forget(ctx, limit.LoginAnywhere, private.IDNumber.String()),
		s.Limiter.Forget(ctx, limit.LoginDevice, private.IDNumber.String()),
		s.Limiter.Forget(ctx, limit.Password, id.String()))
}

// ChangePhone binds a new phone that a code has proved, and tells the old one. The caller has
// checked the password: a phone alone changes nothing.
func (s Accounts) ChangePhone(ctx context.Context, id uuid.UUID, phone person.Phone) error {
	if phone.IsZero() {
		return errors.New("personstore: no phone")
	}
	sealed, err := s.Vault.SealString(phone.String(), LabelPhone)
	if err != nil {
		return err
	}
	return s.change(ctx, id, store.Person(id), "change-phone", "更换了绑定的手机号", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE person SET phone = $2, phone_index = $3, updated_at = $4 WHERE id = $1",
			id, sealed, s.phoneIndex(phone), s.Clock.Now())
		return err
	})
}

// change makes a change of the account: row lock, change, audit entry, message to the phone that
// the account had before.
func (s Accounts) change(ctx context.Context, id uuid.UUID, actor store.Actor, action, what string, fn func(pgx.Tx) error) error {
	return s.DB.InTx(ctx, func(tx pgx.Tx) error {
		p, err := s.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		if p.BlockedAt != nil {
			return blocked()
		}
		before, err := s.private(p)
		if err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		now := s.Clock.Now()
		if err := s.audit(ctx, tx, id, actor, action, now, nil); err != nil {
			return err
		}
		event, err := uuid.NewV7()
		if err != nil {
			return err
		}
		return store.Enqueue(ctx, tx, s.Vault, store.Message{
			DedupeKey: id.String() + ":" + action + "-" + event.String() + ":" + id.String(),
			PersonID:  id, Template: templateSecurity, Phone: before.Phone.String(),
			Params: map[string]string{"what": what}, At: now,
		})
	})
}

// Block stops an account; it can no longer log in, get codes or apply. Blocking twice does no harm.
// The caller ends its sessions.
func (s Accounts) Block(ctx context.Context, id uuid.UUID, actor store.Actor, reason string) error {
	return s.setBlocked(ctx, id, actor, true, reason)
}

// Unblock reverses Block.
func (s Accounts) Unblock(ctx context.Context, id uuid.UUID, actor store.Actor, reason string) error {
	return s.setBlocked(ctx, id, actor, false, reason)
}

func (s Accounts) setBlocked(ctx context.Context, id uuid.UUID, actor store.Actor, block bool, reason string) error {
	return s.DB.InTx(ctx, func(tx pgx.Tx) error {
		p, err := s.lock(ctx, tx, id)
		if err != nil || (p.BlockedAt != nil) == block {
			return err
		}
		now := s.Clock.Now()
		_, err = tx.Exec(ctx, `
			UPDATE person SET blocked_at = CASE WHEN $2 THEN $3::timestamptz END, updated_at = $3 WHERE id = $1`, id, block, now)
		if err != nil {
			return err
		}
		action := "unblock"
		if block {
			action = "block"
		}
		return s.audit(ctx, tx, id, actor, action, now, map[string]any{"reason": reason})
	})
}
