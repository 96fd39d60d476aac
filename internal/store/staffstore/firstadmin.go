package staffstore

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"volcard/internal/fault"
	"volcard/internal/limit"
	"volcard/internal/store"
	"volcard/internal/typed"
)

// FirstAdmin makes the first administrator of an installation: there are no default accounts.
type FirstAdmin struct{ Store }

// TokenLife is how long a printed token can be used.
const TokenLife = 24 * time.Hour

const labelToken = "admin_token"

// NewToken makes a token for an operator at the shell. It is refused while an active
// administrator exists, who can make accounts without it; recoverAll overrules that, for an
// installation whose administrators are all lost.
func (s FirstAdmin) NewToken(ctx context.Context, recoverAll bool) (token string, expires time.Time, err error) {
	raw := make([]byte, 20)
	if _, err := rand.Read(raw); err != nil {
		return "", time.Time{}, fmt.Errorf("staffstore: %w", err)
	}
	token = base32.StdEncoding.EncodeToString(raw) // 160 bits, 32 characters without padding
	expires = s.Clock.Now().Add(TokenLife)
	err = s.DB.InTx(ctx, func(tx pgx.Tx) error {
		var exists bool
		err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM staff WHERE role = 'province_admin' AND disabled_at IS NULL)").Scan(&exists)
		if err != nil {
			return err
		}
		if exists && !recoverAll {
			return fault.New(fault.Conflict, "已有省级管理员，请由其在后台创建账号。")
		}
		_, err = tx.Exec(ctx, "INSERT INTO admin_token (token_hash, expires_at) VALUES ($1, $2)", s.tokenHash(token), expires)
		return err
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return token, expires, nil
}

func (s FirstAdmin) tokenHash(token string) []byte {
	return s.Vault.Index(labelToken, typed.Code(token))
}

var errToken = fault.New(fault.Forbidden, "令牌无效、已使用或已过期，请运维人员重新生成。")

// Claim makes an administrator with a token. The token works once, however many claim at once;
// data that is refused does not spend it.
func (s FirstAdmin) Claim(ctx context.Context, token, address string, n NewStaff) (Enrolment, error) {
	if err := s.Limiter.Allow(ctx, limit.AdminToken, limit.AddressKey(address)); err != nil {
		return Enrolment{}, err
	}
	n.Role = ProvinceAdmin
	n, err := n.check()
	if err != nil {
		return Enrolment{}, err
	}
	hash, err := s.Hasher.Hash(ctx, n.Password)
	if err != nil {
		return Enrolment{}, err
	}
	var e Enrolment
	err = s.DB.InTx(ctx, func(tx pgx.Tx) error {
		now := s.Clock.Now()
		tag, err := tx.Exec(ctx, `
			UPDATE admin_token SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2`, s.tokenHash(token), now)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return errToken
		}
		e, err = Accounts(s).insert(ctx, tx, store.Actor{Kind: "operator", ID: "admin-token"}, n, hash)
		return err
	})
	if err != nil {
		return Enrolment{}, explain(err)
	}
	return e, nil
}
