// Package placestore keeps the two lists that an administrator replaces by import: the bank's
// branches, and the universities of Hubei. Rows are never deleted: applications point at them.
package placestore

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/fault"
	"volcard/internal/place"
	"volcard/internal/school"
	"volcard/internal/store"
)

// Bounds of one answer.
const (
	PageSize   = 50
	NearestMax = 20
)

// Branch is a bank outlet where cards are handed over.
type Branch struct {
	ID           uuid.UUID
	Code         string
	Name         string
	Address      string
	DivisionCode string
	Phone        string
	Position     place.Point // GCJ-02
	Hours        place.WeekHours
	Services     []string
	Capacity     int  // hand-overs a day
	Demo         bool // made up for the demonstration
	ClosedAt     *time.Time
	HasStock     bool // general cards of plastic lie there, unpromised
}

// Open tells whether applicants may still choose the branch.
func (b Branch) Open() bool { return b.ClosedAt == nil }

// Near is a branch and its straight-line distance in metres.
type Near struct {
	Branch
	Distance float64
}

// Store reads the lists on a pool or in a transaction.
type Store struct{ q store.Querier }

// New makes a Store.
func New(q store.Querier) Store { return Store{q: q} }

const (
	hasStock = `EXISTS (SELECT 1 FROM stock_card s WHERE s.branch_id = b.id AND s.state = 'in_stock')`

	branchColumns = `
		b.id, b.code, b.name, b.address, b.division_code, b.phone, b.lng, b.lat, b.hours, b.services,
		b.capacity, b.demo, b.closed_at, ` + hasStock
)

func scanBranch(row pgx.CollectableRow) (Branch, error) {
	var b Branch
	err := row.Scan(&b.ID, &b.Code, &b.Name, &b.Address, &b.DivisionCode, &b.Phone,
		&b.Position.Lng, &b.Position.Lat, &b.Hours, &b.Services, &b.Capacity, &b.Demo, &b.ClosedAt, &b.HasStock)
	return b, err
}

func (s Store) branches(ctx context.Context, sql string, args ...any) ([]Branch, error) {
	rows, err := s.q.Query(ctx, sql, args...)
	if err != nil {
		return nil, store.Translate(err)
	}
	out, err := pgx.CollectRows(rows, scanBranch)
	return out, store.Translate(err)
}

func (s Store) branch(ctx context.Context, where string, arg any) (Branch, error) {
	list, err := s.branches(ctx, `SELECT `+branchColumns+` FROM branch b WHERE `+where, arg)
	if err != nil {
		return Branch{}, err
	}
	if len(list) == 0 {
		return Branch{}, fault.New(fault.NotFound, "没有这个领卡网点。")
	}
	return list[0], nil
}

// BranchFilter narrows a list of branches.
type BranchFilter struct {
	Division    string // province, city or district; "" is everywhere
	AfterCode   string // the last code of the page before
	MaxBranches int    // at most PageSize, which is also the default
}

// Branches lists open branches in order of their code, one bounded page at a time. An unknown
// division has none.
func (s Store) Branches(ctx context.Context, f BranchFilter) ([]Branch, error) {
	limit := f.MaxBranches
	if limit <= 0 || limit > PageSize {
		limit = PageSize
	}
	var districts []string
	if f.Division != "" {
		if districts = place.DistrictCodes(f.Division); districts == nil {
			return nil, nil
		}
	}
	return s.branches(ctx, `SELECT `+branchColumns+`
		  FROM branch b
		 WHERE ($1::text[] IS NULL OR b.division_code = ANY ($1))
		   AND b.closed_at IS NULL AND b.code > $2
		 ORDER BY b.code LIMIT $3`,
		districts, f.AfterCode, limit)
}

// Nearest returns the n open branches that are closest to a position in GCJ-02, nearest first.
// The position is used for this one answer and kept nowhere, the log included.
func (s Store) Nearest(ctx context.Context, from place.Point, n int, inStock bool) ([]Near, error) {
	if !from.Valid() {
		return nil, fault.New(fault.Invalid, "位置不正确，请改为按地区选择网点。")
	}
	n = min(max(n, 1), NearestMax)
	// The database orders by the flat approximation; a few more than asked for are then put in
	// order by the real distance, since the two can differ for neighbours of equal distance.
	list, err := s.branches(ctx, `SELECT `+branchColumns+`
		  FROM branch b
		 WHERE b.closed_at IS NULL AND (NOT $4 OR `+hasStock+`)
		 ORDER BY ((b.lng - $1) * $3::float8) ^ 2 + (b.lat - $2) ^ 2, b.code LIMIT $5`,
		from.Lng, from.Lat, math.Cos(from.Lat*math.Pi/180), inStock, n+8)
	if err != nil {
		return nil, err
	}
	out := make([]Near, 0, len(list))
	for _, b := range list {
		out = append(out, Near{Branch: b, Distance: place.Distance(from, b.Position)})
	}
	slices.SortStableFunc(out, func(a, b Near) int {
		switch {
		case a.Distance < b.Distance:
			return -1
		case a.Distance > b.Distance:
			return 1
		}
		return 0
	})
	return out[:min(n, len(out))], nil
}

// Branch returns one branch, closed ones included: old applications still name them.
func (s Store) Branch(ctx context.Context, id uuid.UUID) (Branch, error) {
	return s.branch(ctx, `b.id = $1`, id)
}

// BranchByCode is Branch by the bank's code.
func (s Store) BranchByCode(ctx context.Context, code string) (Branch, error) {
	return s.branch(ctx, `b.code = $1`, code)
}

const universityColumns = `code, name, short_names, former_names, initials, city_code, level`

func scanUniversity(row pgx.CollectableRow) (school.University, error) {
	var u school.University
	err := row.Scan(&u.Code, &u.Name, &u.ShortNames, &u.FormerNames, &u.Initials, &u.CityCode, &u.Level)
	return u, err
}

// Universities is the whole list of open ones (some hundred rows), for school.Search. A caller
// that is asked often keeps it for a while: it changes with an import only.
func (s Store) Universities(ctx context.Context) ([]school.University, error) {
	rows, err := s.q.Query(ctx, `SELECT `+universityColumns+`
		FROM university WHERE closed_at IS NULL ORDER BY code LIMIT $1`, MaxRows)
	if err != nil {
		return nil, store.Translate(err)
	}
	out, err := pgx.CollectRows(rows, scanUniversity)
	return out, store.Translate(err)
}

// University returns an open university. What is sent by hand and is none is not_found: this is
// where "students choose a university of Hubei" is enforced.
func (s Store) University(ctx context.Context, code string) (school.University, error) {
	rows, err := s.q.Query(ctx, `SELECT `+universityColumns+`
		FROM university WHERE code = $1 AND closed_at IS NULL`, code)
	if err != nil {
		return school.University{}, store.Translate(err)
	}
	list, err := pgx.CollectRows(rows, scanUniversity)
	if err != nil {
		return school.University{}, store.Translate(err)
	}
	if len(list) == 0 {
		return school.University{}, fault.New(fault.NotFound, "请从列表中选择一所湖北高校。")
	}
	return list[0], nil
}
