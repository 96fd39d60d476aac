package codestore

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"volcard/internal/clock"
	"volcard/internal/limit"
	"volcard/internal/store"
	"volcard/internal/vault"
)

// Limiter counts attempts in PostgreSQL; it implements limit.Limiter.
type Limiter struct {
	DB    *store.DB
	Vault *vault.Vault
	Clock clock.Clock
}

var _ limit.Limiter = Limiter{}

// counted is one count that an attempt belongs to.
type counted struct {
	kind limit.Kind
	key  []byte
}

func (l Limiter) counted(kind limit.Kind, key string) counted {
	label := "attempt." + kind.Name
	account, _, hasNetwork := strings.Cut(key, limit.AtNetwork)
	hash := l.Vault.Index(label, account)
	if hasNetwork {
		hash = append(hash, l.Vault.Index(label, key)...)
	}
	return counted{kind: kind, key: hash}
}

// Allow counts one attempt, or refuses it and counts nothing. Of attempts that come at once,
// as many are allowed as the windows have room for.
func (l Limiter) Allow(ctx context.Context, kind limit.Kind, key string) error {
	return l.DB.InTx(ctx, func(tx pgx.Tx) error {
		c := []counted{l.counted(kind, key)}
		if err := lock(ctx, tx, c); err != nil {
			return err
		}
		now := l.Clock.Now()
		if err := check(ctx, tx, c, now); err != nil {
			return err
		}
		return record(ctx, tx, c, now)
	})
}

// Forget drops the attempts of a key, and of the longer keys that begin with it (limit.At).
func (l Limiter) Forget(ctx context.Context, kind limit.Kind, key string) error {
	c := l.counted(kind, key)
	last := slices.Concat(c.key, bytes.Repeat([]byte{0xff}, len(c.key)+1))
	_, err := l.DB.Exec(ctx, "DELETE FROM attempt WHERE kind = $1 AND key BETWEEN $2 AND $3", c.kind.Name, c.key, last)
	return store.Translate(err)
}

// lock keeps other transactions from counting the same keys. All take the locks in one order,
// so that two of them never wait for each other.
func lock(ctx context.Context, tx pgx.Tx, cs []counted) error {
	sorted := slices.Clone(cs)
	slices.SortFunc(sorted, func(a, b counted) int { return bytes.Compare(a.key, b.key) })
	for _, c := range sorted {
		// A collision of 64 bits makes two strangers wait for each other, nothing worse.
		id := int64(binary.BigEndian.Uint64(c.key))
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", id); err != nil {
			return err
		}
	}
	return nil
}

// check refuses with the longest wait of all counts.
func check(ctx context.Context, tx pgx.Tx, cs []counted, now time.Time) error {
	var worst counted
	var wait time.Duration
	for _, c := range cs {
		rows, err := tx.Query(ctx, `
			SELECT at FROM attempt WHERE kind = $1 AND key = $2 AND at > $3 ORDER BY at DESC LIMIT $4`,
			c.kind.Name, c.key, now.Add(-limit.Longest()), c.kind.Most())
		if err != nil {
			return err
		}
		past, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
		if err != nil {
			return err
		}
		if w := c.kind.Wait(past, now); w > wait {
			worst, wait = c, w
		}
	}
	if wait > 0 {
		return limit.Exceeded(worst.kind, wait)
	}
	return nil
}

func record(ctx context.Context, tx pgx.Tx, cs []counted, now time.Time) error {
	for _, c := range cs {
		if _, err := tx.Exec(ctx, "INSERT INTO attempt (kind, key, at) VALUES ($1, $2, $3)", c.kind.Name, c.key, now); err != nil {
			return err
		}
	}
	return nil
}

// Sweep removes attempts that no window counts any more, at most most of them, and tells how
// many. The worker calls it until nothing is left.
func (l Limiter) Sweep(ctx context.Context, most int) (int64, error) {
	tag, err := l.DB.Exec(ctx, `
		DELETE FROM attempt WHERE ctid IN (SELECT ctid FROM attempt WHERE at < $1 LIMIT $2)`,
		l.Clock.Now().Add(-limit.Longest()), most)
	return tag.RowsAffected(), store.Translate(err)
}
