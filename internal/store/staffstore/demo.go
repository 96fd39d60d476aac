package staffstore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"volcard/internal/store"
)

// DemoAccount is an account of a demonstration with the code that its authenticator shows now.
type DemoAccount struct {
	Login, Name string
	Role        Role
	Branch      string
	Code        string
	Left        time.Duration // until the code changes
}

// Demo is who makes the accounts of a demonstration. The audit chain, which the program cannot
// change, tells them from accounts that people made.
func Demo() store.Actor { return store.Process("demo") }

// ErrSeeded is the refusal of a database that volcard dev has filled: its accounts have a password that everybody knows.
var ErrSeeded = errors.New("this database holds the accounts of a demonstration, with a password that everybody knows: " +
	"set VOLCARD_DEMO=true, or use a database of its own for real people")

// Seeded returns ErrSeeded where the demonstration ever made an account here, also one that was stopped since: the
// audit chain keeps it, and nobody can take it out.
func (s Store) Seeded(ctx context.Context) error {
	var seeded bool
	err := s.DB.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM staff s JOIN audit_entry e ON e.subject_kind = 'staff' AND e.subject_id = s.id
		                WHERE e.action = 'create' AND e.actor_kind = $1 AND e.actor_id = $2)`, Demo().Kind, Demo().ID).Scan(&seeded)
	if err == nil && seeded {
		return ErrSeeded
	}
	return store.Translate(err)
}

// DemoAccounts lists the accounts that the demonstration made, with their codes, for its page of
// logins: nobody there has their authenticator. No other page may ask for it.
func (s Store) DemoAccounts(ctx context.Context) ([]DemoAccount, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT s.login, s.name, s.role, coalesce(b.name, ''), s.totp_secret
		  FROM staff s LEFT JOIN branch b ON b.id = s.branch_id
		 WHERE s.disabled_at IS NULL AND EXISTS (
		         SELECT 1 FROM audit_entry e WHERE e.subject_id = s.id AND e.action = 'create' AND e.actor_kind = $1 AND e.actor_id = $2)
		 ORDER BY s.login LIMIT 20`, Demo().Kind, Demo().ID)
	if err != nil {
		return nil, store.Translate(err)
	}
	now := s.Clock.Now()
	var list []DemoAccount
	var a DemoAccount
	var sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&a.Login, &a.Name, &a.Role, &a.Branch, &sealed}, func() error {
		secret, err := s.Vault.UnsealString(sealed, LabelTOTP)
		if err != nil {
			return err
		}
		if a.Code, err = CodeAt(secret, now); err != nil {
			return err
		}
		a.Left = period - now.Sub(now.Truncate(period))
		list = append(list, a)
		return nil
	})
	return list, store.Translate(err)
}

// DemoKeys is what opens an account of a demonstration now.
type DemoKeys struct {
	Branch     string // empty where the account belongs to none
	TOTPSecret string
	Opens      bool // the account is in use, and the password that was asked about is its own
}

// DemoKeys reads what opens an account, which may have been changed since the demonstration made it.
func (s Store) DemoKeys(ctx context.Context, login, password string) (DemoKeys, error) {
	var k DemoKeys
	var sealed []byte
	var hash string
	err := s.DB.QueryRow(ctx, `
		SELECT coalesce(b.name, ''), s.totp_secret, s.password_hash, s.disabled_at IS NULL
		  FROM staff s LEFT JOIN branch b ON b.id = s.branch_id WHERE s.login = $1`, login).
		Scan(&k.Branch, &sealed, &hash, &k.Opens)
	if err != nil {
		return k, notFound(err)
	}
	if k.TOTPSecret, err = s.Vault.UnsealString(sealed, LabelTOTP); err != nil || !k.Opens {
		return k, err
	}
	k.Opens, err = s.Hasher.Check(ctx, password, hash)
	return k, err
}
