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
	// Device is the key of a browser from which this account was used before (web.Devices); empty: another one.
	Device string
}

var errLoginRefused = fault.New(fault.Unauthenticated, "登录名、密码或动态码不正确。")

// Login returns the account. After five failures the account is locked for a quarter of an hour:
// to the network or the known browser that they came from, and to everybody where the password was right
// and the code wrong. A code works once: whoever read it over a shoulder comes too late.
func (s Logins) Login(ctx context.Context, l Login) (Staff, error) {
	login, err := ParseLogin(l.Login)
	if err != nil {
		login = "" // goes on as an account that does not exist
	}
	kind, key := limit.StaffDevice, limit.AtDevice(login, l.Device)
	if l.Device == "" {
		kind, key = limit.StaffLogin, limit.At(login, l.Address)
		if err := s.Limiter.Allow(ctx, limit.StaffLoginAddress, limit.AddressKey(l.Address)); err != nil {
			return Staff{}, err
		}
	}
	if err := s.Limiter.Allow(ctx, kind, key); err != nil {
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
	if err := s.Limiter.Allow(ctx, limit.StaffCode, login); fault.Is(err, fault.TooMany) {
		return Staff{}, errLoginRefused // another answer would tell that the password is right
	} else if err != nil {
		return Staff{}, err
	}
	secret, err := s.Vault.UnsealString(sealed, LabelTOTP)
	if err != nil {
		return Staff{}, err
	}
	st, err := s.useCode(ctx, id, secret, l.Code, "login")
	if err != nil {
		return Staff{}, err
	}
	return st, errors.Join(s.Limiter.Forget(ctx, kind, key), s.Limiter.Forget(ctx, limit.StaffCode, login))
}

// Unlock ends the lock-out of an account, whether or not it is locked.
func (s Accounts) Unlock(ctx context.Context, actor store.Actor, login string) error {
	login, err := ParseLogin(login)
	if err != nil {
		return err
	}
	st, err := scan(s.DB.QueryRow(ctx, "SELECT "+columns+" FROM staff WHERE login = $1", login))
	if err != nil {
		return err
	}
	if err := s.forget(ctx, st.ID, st.Login); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(tx pgx.Tx) error {
		return s.audit(ctx, tx, st.ID, actor, "unlock", s.Clock.Now(), nil)
	})
}

func (s Accounts) forget(ctx context.Context, id uuid.UUID, login string) error {
	return errors.Join(s.Limiter.Forget(ctx, limit.StaffLogin, login), s.Limiter.Forget(ctx, limit.StaffDevice, login),
		s.Limiter.Forget(ctx, limit.StaffCode, login),
		s.Limiter.Forget(ctx, limit.Password, id.String()))
}

var errNotConfirmed = fault.New(fault.Invalid, "您的密码或动态码不正确。每个动态码只能用一次，刚用过的请等下一个。")

// Confirm asks a member of staff who is logged in for both factors again, before something that hits somebody
// else. Failures are counted as those of Accounts.ChangePassword.
func (s Logins) Confirm(ctx context.Context, id uuid.UUID, password, code string) error {
	if err := s.Limiter.Allow(ctx, limit.Password, id.String()); err != nil {
		return err
	}
	var hash string
	var sealed []byte
	err := s.DB.QueryRow(ctx, "SELECT password_hash, totp_secret FROM staff WHERE id = $1 AND disabled_at IS NULL", id).Scan(&hash, &sealed)
	if err != nil {
		return notFound(err)
	}
	ok, err := s.Hasher.Check(ctx, password, hash)
	if err != nil {
		return err
	}
	if !ok {
		return errNotConfirmed
	}
	secret, err := s.Vault.UnsealString(sealed, LabelTOTP)
	if err != nil {
		return err
	}
	if _, err := s.useCode(ctx, id, secret, code, "confirm"); errors.Is(err, errLoginRefused) {
		return errNotConfirmed
	} else if err != nil {
		return err
	}
	return s.Limiter.Forget(ctx, limit.Password, id.String())
}

// useCode spends the step of the code and writes down what for. The guard on the last step makes
// one of two uses of the same code win.
func (s Logins) useCode(ctx context.Context, id uuid.UUID, secret, code, action string) (Staff, error) {
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
		return s.audit(ctx, tx, id, store.Staff(id), action, now, nil)
	})
	return st, err
}
