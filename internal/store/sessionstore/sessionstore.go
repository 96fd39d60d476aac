// Package sessionstore keeps login sessions in PostgreSQL for the session library (scs). It
// holds contexts, remembers whose session a row is, and never brings an ended session back:
// a request that was under way when all sessions of its owner were ended cannot write its own
// row again. Tokens arrive hashed; what the rows hold is opaque here.
package sessionstore

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/store"
)

// Store implements scs.CtxStore.
type Store struct {
	db    store.Querier
	clock clock.Clock
}

// New makes a store on a pool.
func New(db store.Querier, c clock.Clock) *Store { return &Store{db: db, clock: c} }

// Save tells CommitCtx what the session library cannot: whose session it is, and whether its
// row must exist already.
type Save struct {
	Owner uuid.NullUUID
	New   bool
}

type saveKey struct{}

// WithSave puts s where CommitCtx finds it.
func WithSave(ctx context.Context, s *Save) context.Context {
	return context.WithValue(ctx, saveKey{}, s)
}

// FindCtx returns the data of a session that has not expired.
func (s *Store) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var data []byte
	err := s.db.QueryRow(ctx,
		`SELECT data FROM session WHERE token = $1 AND expires_at > $2`, token, s.clock.Now()).Scan(&data)
	if err = store.Translate(err); fault.Is(err, fault.NotFound) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// CommitCtx writes the row. A session that is not new and whose row has gone was ended
// elsewhere: that is a fault of kind unauthenticated, and nothing is written.
func (s *Store) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	save, _ := ctx.Value(saveKey{}).(*Save)
	if save == nil || save.New {
		var owner uuid.NullUUID
		if save != nil {
			owner = save.Owner
		}
		return s.insert(ctx, token, data, expiry, owner)
	}
	tag, err := s.db.Exec(ctx,
		`UPDATE session SET data = $2, expires_at = $3, owner_id = $4 WHERE token = $1`,
		token, data, expiry, save.Owner)
	if err != nil {
		return store.Translate(err)
	}
	if tag.RowsAffected() == 0 {
		return errEnded
	}
	return nil
}

var errEnded = fault.New(fault.Unauthenticated, "登录已经结束，请重新登录。")

// insert writes a new session, unless its owner was stopped meanwhile. The share locks make it wait for
// whoever stops the owner at this moment, and ends the owner's sessions afterwards: of the two, the later
// one knows of the earlier.
func (s *Store) insert(ctx context.Context, token string, data []byte, expiry time.Time, owner uuid.NullUUID) error {
	tag, err := s.db.Exec(ctx, `
		WITH stopped AS MATERIALIZED (SELECT disabled_at AS at FROM staff WHERE id = $4 FOR SHARE),
		     blocked AS MATERIALIZED (SELECT blocked_at AS at FROM person WHERE id = $4 FOR SHARE)
		INSERT INTO session (token, data, expires_at, owner_id, created_at)
		SELECT $1, $2, $3, $4, $5
		 WHERE NOT EXISTS (SELECT FROM stopped WHERE at IS NOT NULL) AND NOT EXISTS (SELECT FROM blocked WHERE at IS NOT NULL)
		ON CONFLICT (token) DO UPDATE SET data = $2, expires_at = $3, owner_id = $4`,
		token, data, expiry, owner, s.clock.Now())
	if err != nil {
		return store.Translate(err)
	}
	if tag.RowsAffected() == 0 {
		return errEnded
	}
	return nil
}

// DeleteCtx removes a session; one that does not exist is no error.
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM session WHERE token = $1`, token)
	return store.Translate(err)
}

// Find, Commit and Delete are what scs asks for beside the methods with a context.
func (s *Store) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (s *Store) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx without a context.
func (s *Store) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// Row is one live session of an owner. Its token is the hash, which opens nothing.
type Row struct {
	Token     string
	Data      []byte
	CreatedAt time.Time
	ExpiresAt time.Time
}

// maxListed bounds the list of one owner's sessions; nobody reads more on a page.
const maxListed = 50

// List returns the owner's live sessions, the newest first.
func (s *Store) List(ctx context.Context, owner uuid.UUID) ([]Row, error) {
	rows, err := s.db.Query(ctx, `
		SELECT token, data, created_at, expires_at FROM session
		WHERE owner_id = $1 AND expires_at > $2 ORDER BY created_at DESC, token LIMIT $3`,
		owner, s.clock.Now(), maxListed)
	if err != nil {
		return nil, store.Translate(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Row])
	return list, store.Translate(err)
}

// EndAll ends the owner's sessions but the one whose hashed token is except (empty: all of them),
// and tells how many there were.
func (s *Store) EndAll(ctx context.Context, owner uuid.UUID, except string) (int64, error) {
	tag, err := s.db.Exec(ctx, `DELETE FROM session WHERE owner_id = $1 AND token <> $2`, owner, except)
	return tag.RowsAffected(), store.Translate(err)
}

// End ends one session of the owner, named by its hashed token.
func (s *Store) End(ctx context.Context, owner uuid.UUID, token string) error {
	tag, err := s.db.Exec(ctx, `DELETE FROM session WHERE owner_id = $1 AND token = $2`, owner, token)
	if err != nil {
		return store.Translate(err)
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.NotFound, "这次登录已经结束了。")
	}
	return nil
}

// Sweep removes the rows that have expired. The worker calls it now and then.
func (s *Store) Sweep(ctx context.Context) (int64, error) {
	tag, err := s.db.Exec(ctx, `DELETE FROM session WHERE expires_at <= $1`, s.clock.Now())
	return tag.RowsAffected(), store.Translate(err)
}
