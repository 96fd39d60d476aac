package staffstore

import (
	"context"
	"errors"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/fault"
	"volcard/internal/limit"
	"volcard/internal/store"
)

// Logins lets staff in.
type Logins struct{ Store }

// Login is what the form sends: both factors at once, so that nobody learns which one was wrong.
type Login struct {
	Login    string
	Password string
	Code     string
	Address  string // the client's
}

var errLoginRefused = fault.New(fault.Unauthenticated, "登录名、密码或动态码不正确。")

// Login returns the account. After five failures the account is locked for a quarter of an hour.
// A code works once: whoever read it over a shoulder comes too late.
func (s Logins) Login(ctx context.Context, l Login) (Staff, error) {
	if err := s.Limiter.Allow(ctx, limit.StaffLoginAddress, limit.AddressKey(l.Address)); err != nil {
		return Staff{}, err
	}
	login, err := ParseLogin(l.Login)
	if err != nil {
		login = "" // goes on as an account that does not exist
	}
	if err := s.Limiter.Allow(ctx, limit.StaffLogin, login); err != nil {
		return Staff{}, err
	}
	var id uuid.UUID
	var hash string
	var sealed []byte
	err = s.DB.QueryRow(ctx, "SELECT id, password_hash, totp_secret FROM staff WHERE login = $1 AND disabled_at IS NULL", login).
		Scan(&id, &hash, &sealed)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Staff{}, store.Translate(err)
	}
	ok, err := s.Hasher.Check(ctx, l.Password, hash)
	if err != nil {
		return Staff{}, err
	}
	if !ok {
		return Staff{}, errLoginRefused
	}
	secret, err := s.Vault.UnsealString(sealed, LabelTOTP)
	if err != nil {
		return Staff{}, err
	}
	st, err := s.useCode(ctx, id, secret, l.Code)
	if err != nil {
		return Staff{}, err
	}
	return st, s.Limiter.Forget(ctx, limit.StaffLogin, login)
}

// useCode spends the step of the code and writes the login down. The guard on the last step makes
// one of two logins with the same code win.
func (s Logins) useCode(ctx context.Context, id uuid.UUID, secret, code string) (Staff, error) {
	now := s.Clock.Now()
	at, err := matchStep(secret, code, now)
	if err != nil {
		return Staff{}, err
	}
	if at < 0 {
		return Staff{}, errLoginRefused
	}
	var st Staff
	err = s.DB.InTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE staff SET totp_last_step = $2 WHERE id = $1 AND totp_last_step < $2 AND disabled_at IS NULL`, id, at)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return errLoginRefused
		}
		if st, err = scan(tx.QueryRow(ctx, "SELECT "+columns+" FROM staff WHERE id = $1", id)); err != nil {
			return err
		}
		return s.audit(ctx, tx, id, self(id), "login", now, nil)
	})
	return st, err
}
