// Package keystore keeps the keys that sign cards. Exactly one is active; its private part is
// sealed. A retired key loses its private part and stays published until the last card that it
// signed has expired.
package keystore

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/clock"
	"volcard/internal/credential"
	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/vault"
)

// LabelPrivateKey is the vault's label of the sealed column.
const LabelPrivateKey = "signing_key.private_key"

// Store reads and rotates the keys.
type Store struct {
	DB    *store.DB
	Vault *vault.Vault
	Clock clock.Clock
}

// Keys lists the active key, with its private part, and the retired ones that are still published.
func (s Store) Keys(ctx context.Context) ([]credential.Key, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT kid, public_key, private_key, created_at, retired_at, last_expiry
		  FROM signing_key
		 WHERE retired_at IS NULL OR last_expiry > $1
		 ORDER BY retired_at IS NOT NULL, created_at DESC`, s.Clock.Now())
	if err != nil {
		return nil, store.Translate(err)
	}
	defer rows.Close()
	var keys []credential.Key
	for rows.Next() {
		var k credential.Key
		var public, private []byte
		var retired, until *time.Time
		if err := rows.Scan(&k.KID, &public, &private, &k.NotBefore, &retired, &until); err != nil {
			return nil, store.Translate(err)
		}
		k.Public = public
		if retired != nil && until != nil {
			k.Retired, k.Until = *retired, *until
		}
		if private != nil && retired == nil {
			seed, err := s.Vault.Unseal(private, LabelPrivateKey)
			if err != nil {
				return nil, &fault.Error{Kind: fault.Internal, Err: fmt.Errorf("keystore: key %s: %w", k.KID, err)}
			}
			if len(seed) != ed25519.SeedSize {
				return nil, &fault.Error{Kind: fault.Internal, Err: fmt.Errorf("keystore: key %s has a seed of %d bytes", k.KID, len(seed))}
			}
			k.Private = ed25519.NewKeyFromSeed(seed)
		}
		keys = append(keys, k)
	}
	return keys, store.Translate(rows.Err())
}

// Ensure makes the first key where there is none. Several processes may ask at once: one key is made.
func (s Store) Ensure(ctx context.Context, actor store.Actor) error {
	return s.DB.InTx(ctx, func(tx pgx.Tx) error {
		var active bool
		err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM signing_key WHERE retired_at IS NULL)").Scan(&active)
		if err != nil || active {
			return err
		}
		_, err = s.create(ctx, tx, actor)
		return err
	})
}

// create inserts a new active key; empty where another process was faster.
func (s Store) create(ctx context.Context, tx pgx.Tx, actor store.Actor) (kid string, err error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		return "", fmt.Errorf("keystore: %w", err)
	}
	now := s.Clock.Now()
	key := credential.NewKey(seed, now)
	private, err := s.Vault.Seal(seed, LabelPrivateKey)
	if err != nil {
		return "", err
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO signing_key (kid, public_key, private_key, created_at)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING`, key.KID, []byte(key.Public), private, now)
	if err != nil || tag.RowsAffected() == 0 {
		return "", store.Translate(err)
	}
	return key.KID, store.Audit(ctx, tx, store.AuditEntry{
		SubjectKind: "signing_key", SubjectID: subject(key.KID), At: now, Actor: actor,
		Action: "create", To: "active", Detail: map[string]any{"kid": key.KID},
	})
}

// grace is added to the last expiry of a retired key. A process that has not yet heard of the
// rotation signs with the old key for up to a minute.
const grace = 24 * time.Hour

// Rotation is what Rotate did.
type Rotation struct {
	Retired, Active string
	Until           time.Time // the retired key stays published until then
}

// Rotate retires the active key and makes a new one. latest is the expiry that a card issued now
// would get: no card signed with the old key lives longer, unless one was given more before.
func (s Store) Rotate(ctx context.Context, actor store.Actor, latest time.Time) (Rotation, error) {
	var r Rotation
	err := s.DB.InTx(ctx, func(tx pgx.Tx) error {
		now := s.Clock.Now()
		// NO KEY UPDATE lets cards go on being issued meanwhile: their foreign key locks the same row.
		err := tx.QueryRow(ctx, "SELECT kid FROM signing_key WHERE retired_at IS NULL FOR NO KEY UPDATE").Scan(&r.Retired)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.New(fault.Conflict, "没有正在使用的签发密钥，或者密钥刚刚已经更换。")
		}
		if err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `
			UPDATE signing_key
			   SET retired_at = $2, private_key = NULL,
			       last_expiry = greatest($3, (SELECT max(expires_at) FROM card WHERE kid = $1)) + make_interval(secs => $4)
			 WHERE kid = $1
			RETURNING last_expiry`, r.Retired, now, latest, grace.Seconds()).Scan(&r.Until)
		if err != nil {
			return err
		}
		err = store.Audit(ctx, tx, store.AuditEntry{
			SubjectKind: "signing_key", SubjectID: subject(r.Retired), At: now, Actor: actor,
			Action: "retire", From: "active", To: "retired", Detail: map[string]any{"kid": r.Retired},
		})
		if err != nil {
			return err
		}
		r.Active, err = s.create(ctx, tx, actor)
		if err == nil && r.Active == "" {
			return fault.New(fault.Conflict, "签发密钥刚刚已经更换。")
		}
		return err
	})
	if err != nil {
		return Rotation{}, err
	}
	return r, nil
}

// subject is the key's place in the audit chain, which knows subjects by UUID.
func subject(kid string) uuid.UUID { return uuid.NewV5(uuid.NamespaceOID, "volcard signing key "+kid) }
