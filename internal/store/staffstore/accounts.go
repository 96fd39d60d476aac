package staffstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/text/unicode/norm"

	"volcard/internal/fault"
	"volcard/internal/limit"
	"volcard/internal/store"
	"volcard/internal/typed"
)

// Accounts makes and changes accounts. Who may do so is decided at the door of the room.
type Accounts struct{ Store }

// NewStaff is an account to be made. Password and TOTPSecret are drawn where they are empty;
// only the demo gives them.
type NewStaff struct {
	Login      string
	Name       string
	Role       Role
	BranchID   uuid.UUID
	Password   string
	TOTPSecret string
	// KeepPassword spares the member of staff the change at the first login: for a password
	// that nobody else has seen.
	KeepPassword bool
}

// Enrolment is shown once to whoever made the account and is never to be had again.
type Enrolment struct {
	ID         uuid.UUID
	Login      string
	Password   string
	TOTPSecret string
	// TOTPURI is what an authenticator reads from a QR code.
	TOTPURI string
}

func (n NewStaff) check() (NewStaff, error) {
	login, err := ParseLogin(n.Login)
	if err != nil {
		return n, err
	}
	n.Login, n.Name = login, typed.Text(n.Name)
	if l := utf8.RuneCountInString(n.Name); l < 1 || l > 50 {
		return n, fault.New(fault.Invalid, "请填写姓名，最多 50 个字。")
	}
	switch n.Role {
	case Clerk:
		if n.BranchID.IsNil() {
			return n, fault.New(fault.Invalid, "柜员须选择所属网点。")
		}
	case ProvinceAdmin, Reviewer, Factory:
		if !n.BranchID.IsNil() {
			return n, fault.New(fault.Invalid, "只有柜员属于网点。")
		}
	default:
		return n, fault.New(fault.Invalid, "请选择角色。")
	}
	if n.Password == "" {
		if n.Password, err = drawPassword(); err != nil {
			return n, err
		}
	}
	if n.TOTPSecret == "" {
		if n.TOTPSecret, err = newSecret(); err != nil {
			return n, err
		}
	}
	return n, checkPassword(n.Password)
}

// Create makes an account.
func (s Accounts) Create(ctx context.Context, actor store.Actor, n NewStaff) (Enrolment, error) {
	n, err := n.check()
	if err != nil {
		return Enrolment{}, err
	}
	hash, err := s.Hasher.Hash(ctx, n.Password)
	if err != nil {
		return Enrolment{}, err
	}
	var e Enrolment
	err = s.DB.InTx(ctx, func(tx pgx.Tx) (err error) {
		e, err = s.insert(ctx, tx, actor, n, hash)
		return err
	})
	return e, explain(err)
}

// explain gives the constraints of table staff their sentences.
func explain(err error) error {
	if store.IsUnique(err, "staff_login_key") {
		return fault.Wrap(fault.Conflict, err, "这个登录名已被使用，请换一个。")
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "staff_branch" {
		return fault.Wrap(fault.Invalid, err, "所选网点不存在。")
	}
	return err
}

// insert needs a checked account.
func (s Accounts) insert(ctx context.Context, tx pgx.Tx, actor store.Actor, n NewStaff, hash string) (Enrolment, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Enrolment{}, fmt.Errorf("staffstore: %w", err)
	}
	sealed, err := s.Vault.SealString(n.TOTPSecret, LabelTOTP)
	if err != nil {
		return Enrolment{}, err
	}
	var branch *uuid.UUID
	if !n.BranchID.IsNil() {
		branch = &n.BranchID
	}
	now := s.Clock.Now()
	_, err = tx.Exec(ctx, `
		INSERT INTO staff (id, login, name, role, branch_id, password_hash, totp_secret, must_change, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		id, n.Login, n.Name, n.Role, branch, hash, sealed, !n.KeepPassword, now)
	if err != nil {
		return Enrolment{}, err
	}
	err = s.audit(ctx, tx, id, actor, "create", now, map[string]any{"role": n.Role, "branch": branch})
	return Enrolment{
		ID: id, Login: n.Login, Password: n.Password, TOTPSecret: n.TOTPSecret, TOTPURI: provisioning(n.Login, n.TOTPSecret),
	}, err
}

// Reset gives an account a new password and a new authenticator: for somebody who lost either, and
// ends its lock-out. The caller ends its sessions.
func (s Accounts) Reset(ctx context.Context, actor store.Actor, id uuid.UUID) (Enrolment, error) {
	password, err := drawPassword()
	if err != nil {
		return Enrolment{}, err
	}
	secret, err := newSecret()
	if err != nil {
		return Enrolment{}, err
	}
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return Enrolment{}, err
	}
	sealed, err := s.Vault.SealString(secret, LabelTOTP)
	if err != nil {
		return Enrolment{}, err
	}
	e := Enrolment{ID: id, Password: password, TOTPSecret: secret}
	err = s.DB.InTx(ctx, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			UPDATE staff SET password_hash = $2, totp_secret = $3, totp_last_step = 0, must_change = true
			 WHERE id = $1 RETURNING login`, id, hash, sealed).Scan(&e.Login)
		if err != nil {
			return notFound(err)
		}
		return s.audit(ctx, tx, id, actor, "reset", s.Clock.Now(), nil)
	})
	if err != nil {
		return Enrolment{}, err
	}
	e.TOTPURI = provisioning(e.Login, secret)
	return e, s.forget(ctx, id, e.Login)
}

// ChangePassword replaces one's own password. The caller ends the other sessions.
func (s Accounts) ChangePassword(ctx context.Context, id uuid.UUID, old, password string) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	if norm.NFC.String(old) == norm.NFC.String(password) {
		return fault.New(fault.Invalid, "新密码不能与原密码相同。")
	}
	if err := s.Limiter.Allow(ctx, limit.Password, id.String()); err != nil {
		return err
	}
	var before string
	err := s.DB.QueryRow(ctx, "SELECT password_hash FROM staff WHERE id = $1 AND disabled_at IS NULL", id).Scan(&before)
	if err != nil {
		return notFound(err)
	}
	ok, err := s.Hasher.Check(ctx, old, before)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.Invalid, "原密码不正确。")
	}
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	if err := s.Limiter.Forget(ctx, limit.Password, id.String()); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(tx pgx.Tx) error {
		// Guarded by the old hash: of two changes at once one wins, and a reset is not undone.
		tag, err := tx.Exec(ctx, `
			UPDATE staff SET password_hash = $3, must_change = false WHERE id = $1 AND password_hash = $2`, id, before, hash)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return fault.New(fault.Conflict, "密码刚刚被修改过，请重新登录后再试。")
		}
		return s.audit(ctx, tx, id, store.Staff(id), "change-password", s.Clock.Now(), nil)
	})
}

// SetDisabled stops or restores an account. Twice does no harm. The last active administrator
// cannot be stopped, and nobody can stop oneself. The caller ends the account's sessions.
func (s Accounts) SetDisabled(ctx context.Context, actor store.Actor, id uuid.UUID, disabled bool) error {
	if disabled && actor == store.Staff(id) {
		return fault.New(fault.Forbidden, "不能停用自己的账号。")
	}
	return s.DB.InTx(ctx, func(tx pgx.Tx) error {
		// Administrators are locked together, so that two of them cannot stop each other at once.
		rows, err := tx.Query(ctx, `
			SELECT id FROM staff WHERE role = 'province_admin' AND disabled_at IS NULL ORDER BY id FOR UPDATE`)
		if err != nil {
			return err
		}
		admins, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return err
		}
		if disabled && len(admins) == 1 && admins[0] == id {
			return fault.New(fault.Conflict, "这是最后一个省级管理员，不能停用。")
		}
		now := s.Clock.Now()
		tag, err := tx.Exec(ctx, `
			UPDATE staff SET disabled_at = CASE WHEN $2 THEN $3::timestamptz END
			 WHERE id = $1 AND (disabled_at IS NOT NULL) <> $2`, id, disabled, now)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			_, err := scan(tx.QueryRow(ctx, "SELECT "+columns+" FROM staff WHERE id = $1", id))
			return err
		}
		action := "enable"
		if disabled {
			action = "disable"
		}
		return s.audit(ctx, tx, id, actor, action, now, nil)
	})
}

func notFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.New(fault.NotFound, "没有找到这个工作人员账号。")
	}
	return store.Translate(err)
}

// passwordLetters leaves out what is misread on paper.
const passwordLetters = "abcdefghjkmnpqrstuvwxyz23456789"

// drawPassword makes a first password of 16 characters in four groups, 79 bits.
func drawPassword() (string, error) {
	for {
		raw := make([]byte, 16)
		if _, err := rand.Read(raw); err != nil {
			return "", fmt.Errorf("staffstore: %w", err)
		}
		var b strings.Builder
		for i, r := range raw {
			if i > 0 && i%4 == 0 {
				b.WriteByte('-')
			}
			b.WriteByte(passwordLetters[int(r)%len(passwordLetters)])
		}
		// A draw without a digit or a letter breaks our own rule; the next one will not.
		if checkPassword(b.String()) == nil {
			return b.String(), nil
		}
	}
}
