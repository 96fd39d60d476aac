// Package adminstore reads across the areas for the pages of province administrators: counts,
// held names, messages that hang, branches with their stock, accounts, keys, imports. It changes
// nothing, every list is bounded, and what it returns of a person is what a decision needs.
package adminstore

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/typed"
)

// maxRows bounds every list, whatever is asked for.
const maxRows = 200

// Store reads.
type Store struct{ DB *store.DB }

// Window is the part of a list that a page shows.
type Window struct{ Limit, Offset int }

func (w Window) bounds() (limit, offset int) {
	return min(max(w.Limit, 1), maxRows), max(w.Offset, 0)
}

// list runs a query whose columns are those of T.
func list[T any](ctx context.Context, s Store, sql string, args ...any) ([]T, error) {
	rows, err := s.DB.Query(ctx, sql, args...)
	if err != nil {
		return nil, store.Translate(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	return out, store.Translate(err)
}

// pattern matches a keyword anywhere; what stands for anything in LIKE stands for itself.
func pattern(keyword string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(typed.Text(keyword)) + "%"
}

// StateCount is how many applications are in a state.
type StateCount struct {
	State card.State
	Count int
}

// States counts the applications by state, in the order of the states.
func (s Store) States(ctx context.Context) ([]StateCount, error) {
	counted, err := list[StateCount](ctx, s, "SELECT state, count(*) FROM application GROUP BY state")
	if err != nil {
		return nil, err
	}
	byState := make(map[card.State]int, len(counted))
	for _, c := range counted {
		byState[c.State] = c.Count
	}
	var out []StateCount
	for _, state := range card.States() {
		out = append(out, StateCount{state, byState[state]})
	}
	return out, nil
}

// Held is an application whose name waits for a decision.
type Held struct {
	ID          uuid.UUID
	Number      string
	State       card.State
	Edition     card.Edition
	Identity    card.Identity
	HolderName  string
	UnitName    string
	BranchName  string
	SubmittedAt time.Time
}

const heldSQL = `
	SELECT a.id, a.number, a.state, a.edition, a.identity, a.holder_name, a.unit_name, b.name, a.submitted_at
	  FROM application a JOIN branch b ON b.id = a.branch_id `

// HeldCases lists the held applications, oldest first.
func (s Store) HeldCases(ctx context.Context, w Window) ([]Held, error) {
	limit, offset := w.bounds()
	return list[Held](ctx, s, heldSQL+"WHERE a.state = 'held' ORDER BY a.submitted_at, a.id LIMIT $1 OFFSET $2", limit, offset)
}

// HeldCase reads one that is held, or was once: NotFound for any other, so that an administrator
// reads no case by its id alone.
func (s Store) HeldCase(ctx context.Context, id uuid.UUID) (Held, error) {
	found, err := list[Held](ctx, s, heldSQL+`
		 WHERE a.id = $1 AND (a.state = 'held'
		    OR EXISTS (SELECT 1 FROM audit_entry e WHERE e.subject_id = a.id AND e.to_state = 'held'))`, id)
	if err != nil {
		return Held{}, err
	}
	if len(found) == 0 {
		return Held{}, fault.New(fault.NotFound, "没有找到这份等待核对的申请。")
	}
	return found[0], nil
}

// Hanging is a message that has not gone out for long, or was given up. It names no recipient.
type Hanging struct {
	Template  string
	State     string
	Attempts  int
	CreatedAt time.Time
	LastError string
}

// HangingMessages lists the oldest unsent messages that were due before a time, and the newest
// that were given up since another.
func (s Store) HangingMessages(ctx context.Context, dueBefore, failedSince time.Time, limit int) ([]Hanging, error) {
	limit, _ = Window{Limit: limit}.bounds()
	return list[Hanging](ctx, s, `
		(SELECT template, state, attempts, created_at, last_error FROM message
		  WHERE state IN ('pending', 'sending', 'unknown') AND due_at < $1 ORDER BY due_at LIMIT $3)
		UNION ALL
		(SELECT template, state, attempts, created_at, last_error FROM message
		  WHERE state = 'failed' AND created_at > $2 ORDER BY created_at DESC LIMIT $3)
		LIMIT $3`, dueBefore, failedSince, limit)
}

// Branch is an outlet with its stock.
type Branch struct {
	ID           uuid.UUID
	Code         string
	Name         string
	Address      string
	DivisionCode string
	Capacity     int
	Closed       bool
	InStock      int
	Reserved     int
	HandedOver   int
	Spoiled      int
}

// Branches lists branches by code, closed ones included, whose code, name or address holds the keyword.
func (s Store) Branches(ctx context.Context, keyword string, w Window) ([]Branch, error) {
	limit, offset := w.bounds()
	return list[Branch](ctx, s, `
		WITH page AS (
		  SELECT id, code, name, address, division_code, capacity, closed_at IS NOT NULL AS closed FROM branch
		   WHERE code ILIKE $1 OR name ILIKE $1 OR address ILIKE $1
		   ORDER BY code LIMIT $2 OFFSET $3)
		SELECT p.id, p.code, p.name, p.address, p.division_code, p.capacity, p.closed,
		       c.in_stock, c.reserved, c.handed_over, c.spoiled
		  FROM page p CROSS JOIN LATERAL (
		    SELECT count(*) FILTER (WHERE state = 'in_stock') AS in_stock, count(*) FILTER (WHERE state = 'reserved') AS reserved,
		           count(*) FILTER (WHERE state = 'handed_over') AS handed_over, count(*) FILTER (WHERE state = 'spoiled') AS spoiled
		      FROM stock_card WHERE branch_id = p.id) c
		 ORDER BY p.code`, pattern(keyword), limit, offset)
}

// Stock is what lies at all branches together.
type Stock struct{ InStock, Reserved, HandedOver, Spoiled int }

// Stock counts the cards of all branches.
func (s Store) Stock(ctx context.Context) (Stock, error) {
	var c Stock
	err := s.DB.QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE state = 'in_stock'), count(*) FILTER (WHERE state = 'reserved'),
		       count(*) FILTER (WHERE state = 'handed_over'), count(*) FILTER (WHERE state = 'spoiled')
		  FROM stock_card`).Scan(&c.InStock, &c.Reserved, &c.HandedOver, &c.Spoiled)
	return c, store.Translate(err)
}

// Account is a member of staff in a list.
type Account struct {
	ID         uuid.UUID
	Login      string
	Name       string
	Role       string
	BranchName string // empty for administrators
	MustChange bool
	Disabled   bool
	CreatedAt  time.Time
}

const accountSQL = `
	SELECT s.id, s.login, s.name, s.role, coalesce(b.name, ''), s.must_change, s.disabled_at IS NOT NULL, s.created_at
	  FROM staff s LEFT JOIN branch b ON b.id = s.branch_id `

// Accounts lists accounts by login whose login, name or branch holds the keyword.
func (s Store) Accounts(ctx context.Context, keyword string, w Window) ([]Account, error) {
	limit, offset := w.bounds()
	return list[Account](ctx, s, accountSQL+`
		WHERE s.login ILIKE $1 OR s.name ILIKE $1 OR b.name ILIKE $1 ORDER BY s.login LIMIT $2 OFFSET $3`,
		pattern(keyword), limit, offset)
}

// Account reads one.
func (s Store) Account(ctx context.Context, id uuid.UUID) (Account, error) {
	found, err := list[Account](ctx, s, accountSQL+"WHERE s.id = $1", id)
	if err != nil {
		return Account{}, err
	}
	if len(found) == 0 {
		return Account{}, fault.New(fault.NotFound, "没有找到这个工作人员账号。")
	}
	return found[0], nil
}

// Key is a key that signs cards, without the key.
type Key struct {
	KID        string
	CreatedAt  time.Time
	RetiredAt  *time.Time
	LastExpiry *time.Time // published until then, where it is retired
}

// Keys lists the keys, the active one first, then by age.
func (s Store) Keys(ctx context.Context) ([]Key, error) {
	return list[Key](ctx, s, `
		SELECT kid, created_at, retired_at, last_expiry FROM signing_key
		 ORDER BY retired_at IS NOT NULL, created_at DESC LIMIT $1`, maxRows)
}

// Import is one import of a list.
type Import struct {
	List    string
	By      string // empty for the seed or an operator
	SHA256  []byte
	Added   int
	Changed int
	Closed  int
	At      time.Time
}

// Imports lists the newest imports of a list.
func (s Store) Imports(ctx context.Context, name string, limit int) ([]Import, error) {
	limit, _ = Window{Limit: limit}.bounds()
	return list[Import](ctx, s, `
		SELECT i.list, coalesce(s.name, ''), i.sha256, i.added, i.changed, i.closed, i.at
		  FROM list_import i LEFT JOIN staff s ON s.id = i.staff_id
		 WHERE i.list = $1 ORDER BY i.at DESC, i.id DESC LIMIT $2`, name, limit)
}

// OpenBranch finds an open branch by its code, for the account of a clerk.
func (s Store) OpenBranch(ctx context.Context, code string) (id uuid.UUID, name string, err error) {
	err = s.DB.QueryRow(ctx, "SELECT id, name FROM branch WHERE code = $1 AND closed_at IS NULL",
		typed.Upper(typed.Compact(code))).Scan(&id, &name)
	if errors.Is(err, pgx.ErrNoRows) {
		return id, "", fault.New(fault.Invalid, "没有这个编号的网点，或网点已停办。")
	}
	return id, name, store.Translate(err)
}
