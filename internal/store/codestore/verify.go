package codestore

import (
	"context"
	"crypto/hmac"
	"errors"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/fault"
	"volcard/internal/person"
	"volcard/internal/typed"
)

// Try is a code as it was typed, with what it must be bound to.
type Try struct {
	Purpose  Purpose
	Phone    person.Phone // for Reset the account's bound phone, zero where there is no such account
	Session  string
	PersonID uuid.UUID
	IDNumber person.IDNumber // Reset only
	Code     string
}

// Why a code is refused. All are sentences for the field of the form.
var (
	// ErrFormat refuses what cannot be a code.
	ErrFormat  = fault.New(fault.Invalid, "请输入 6 位数字验证码。")
	errNone    = fault.New(fault.Invalid, "请先获取验证码。")
	errUsed    = fault.New(fault.Invalid, "验证码已使用，请重新获取。")
	errExpired = fault.New(fault.Invalid, "验证码已过期，请重新获取。")
	errBurnt   = fault.New(fault.Invalid, "输错次数过多，请重新获取验证码。")
	errWrong   = fault.New(fault.Invalid, "验证码不正确，请核对后重新输入。")
	errOlder   = fault.New(fault.Invalid, "这是较早的一条验证码，请输入最新一条短信里的验证码。")
)

// Verify uses the newest code of this purpose, number and session up, or returns why not. Of two
// tries at once one succeeds. A wrong try is counted even though it is refused; the code of an
// earlier message that could still be used is refused and not counted.
func (c Codes) Verify(ctx context.Context, t Try) error {
	code, ok := ParseCode(t.Code)
	if !ok {
		return ErrFormat
	}
	var verdict error
	err := c.DB.InTx(ctx, func(tx pgx.Tx) (err error) {
		verdict, err = c.judge(ctx, tx, t, code)
		return err
	})
	if err != nil {
		return err
	}
	return verdict
}

// judge returns the verdict apart from trouble: a transaction that counts a wrong try commits.
func (c Codes) judge(ctx context.Context, tx pgx.Tx, t Try, code string) (verdict, trouble error) {
	var id uuid.UUID
	var hash []byte
	var tries int
	var expires time.Time
	var used *time.Time
	err := tx.QueryRow(ctx, `
		SELECT id, code_hash, wrong_tries, expires_at, used_at FROM sms_code
		 WHERE phone_index = $1 AND purpose = $2 AND session_hash = $3
		 ORDER BY created_at DESC, id DESC LIMIT 1 FOR UPDATE`,
		c.key(t.Purpose, t.Phone, t.IDNumber), t.Purpose, c.session(t.Session)).
		Scan(&id, &hash, &tries, &expires, &used)
	if errors.Is(err, pgx.ErrNoRows) {
		return errNone, nil
	}
	if err != nil {
		return nil, err
	}
	now := c.Clock.Now()
	switch {
	case used != nil:
		return errUsed, nil
	case tries >= maxTries:
		return errBurnt, nil
	case !now.Before(expires):
		return errExpired, nil
	}
	blocked := false
	// For Reset also where there is no account: the statements are the same for both.
	if t.Purpose == Reset || !t.PersonID.IsNil() {
		if blocked, err = isBlocked(ctx, tx, t.PersonID); err != nil {
			return nil, err
		}
	}
	if blocked && t.Purpose != Reset {
		return fault.New(fault.Forbidden, "该账号已被停用，请联系省志愿者协会。"), nil
	}
	if !hmac.Equal(hash, c.hash(id, t.Purpose, t.Phone, t.Session, code)) || blocked {
		if older, err := c.isOlder(ctx, tx, t, id, code, now); older || err != nil {
			return errOlder, err
		}
		if _, err := tx.Exec(ctx, "UPDATE sms_code SET wrong_tries = wrong_tries + 1 WHERE id = $1", id); err != nil {
			return nil, err
		}
		if tries+1 >= maxTries {
			return errBurnt, nil
		}
		return errWrong, nil
	}
	_, err = tx.Exec(ctx, "UPDATE sms_code SET used_at = $2 WHERE id = $1", id, now)
	return nil, err
}

// isOlder reports whether the code is one of the same key that was sent before the newest and has not ended.
func (c Codes) isOlder(ctx context.Context, tx pgx.Tx, t Try, newest uuid.UUID, code string, now time.Time) (bool, error) {
	rows, err := tx.Query(ctx, `
		SELECT id, code_hash FROM sms_code
		 WHERE phone_index = $1 AND purpose = $2 AND session_hash = $3 AND id <> $4 AND used_at IS NULL AND wrong_tries < $5 AND expires_at > $6
		 ORDER BY created_at DESC LIMIT 10`,
		c.key(t.Purpose, t.Phone, t.IDNumber), t.Purpose, c.session(t.Session), newest, maxTries, now)
	if err != nil {
		return false, err
	}
	type sent struct {
		ID   uuid.UUID
		Hash []byte
	}
	older, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sent])
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(older, func(o sent) bool {
		return hmac.Equal(o.Hash, c.hash(o.ID, t.Purpose, t.Phone, t.Session, code))
	}), nil
}

// ParseCode reads a code as people type and paste it: with blanks, hyphens, full-width digits and invisible
// characters.
func ParseCode(in string) (string, bool) {
	if len(in) > 100 {
		return "", false
	}
	s := typed.Code(in)
	if !typed.Digits(s, 6) {
		return "", false
	}
	return s, true
}
