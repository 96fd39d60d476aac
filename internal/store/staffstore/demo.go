package staffstore

import (
	"context"
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

// DemoAccounts lists the accounts with their codes, for a demonstration's page of logins: nobody
// there has their authenticator. No other page may ask for it.
func (s Store) DemoAccounts(ctx context.Context) ([]DemoAccount, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT s.login, s.name, s.role, coalesce(b.name, ''), s.totp_secret
		  FROM staff s LEFT JOIN branch b ON b.id = s.branch_id
		 WHERE s.disabled_at IS NULL ORDER BY s.login LIMIT 20`)
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
