// Package staffstore keeps the accounts of staff: clerks of one branch and province
// administrators. Administrators make them, the first one is made with a token that an operator
// prints at the shell. Staff log in with a password and a code of their authenticator, each
// code once.
package staffstore

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/limit"
	"volcard/internal/passwd"
	"volcard/internal/person"
	"volcard/internal/store"
	"volcard/internal/typed"
	"volcard/internal/vault"
)

// LabelTOTP is the label of the sealed secret.
const LabelTOTP = "staff.totp_secret"

// Role is what a member of staff may do.
type Role string

// The roles. A clerk belongs to one branch, all others to none.
const (
	Clerk         Role = "clerk"
	ProvinceAdmin Role = "province_admin"
	// Reviewer looks at photos that the automatic check could not pass.
	Reviewer Role = "reviewer"
	// Factory prints and ships batches.
	Factory Role = "factory"
)

// Store is what every type of this area stands on.
type Store struct {
	DB      *store.DB
	Vault   *vault.Vault
	Clock   clock.Clock
	Hasher  *passwd.Hasher
	Limiter limit.Limiter
}

// Staff is a member of staff as pages and doors know one.
type Staff struct {
	ID         uuid.UUID
	Login      string
	Name       string
	Role       Role
	BranchID   uuid.UUID // of clerks only
	MustChange bool      // the password was set by somebody else
	Disabled   bool
	CreatedAt  time.Time
}

const columns = "id, login, name, role, branch_id, must_change, disabled_at IS NOT NULL, created_at"

func scan(r pgx.Row) (Staff, error) {
	var s Staff
	var branch *uuid.UUID
	err := r.Scan(&s.ID, &s.Login, &s.Name, &s.Role, &branch, &s.MustChange, &s.Disabled, &s.CreatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return Staff{}, fault.New(fault.NotFound, "没有找到这个工作人员账号。")
	}
	if branch != nil {
		s.BranchID = *branch
	}
	return s, store.Translate(err)
}

var loginPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{2,31}$`)

// ParseLogin reads a login name as people type it: capitals and blanks around it do not matter.
func ParseLogin(in string) (string, error) {
	if len(in) > 200 {
		return "", errLogin
	}
	s := strings.ToLower(typed.Compact(in))
	if !loginPattern.MatchString(s) {
		return "", errLogin
	}
	return s, nil
}

var errLogin = fault.New(fault.Invalid, "登录名为 3 至 32 个小写字母、数字、点、下划线或连字符，以字母或数字开头。")

func (s Store) audit(ctx context.Context, q store.Querier, id uuid.UUID, actor store.Actor, action string, at time.Time, detail map[string]any) error {
	return store.Audit(ctx, q, store.AuditEntry{
		SubjectKind: "staff", SubjectID: id, At: at, Actor: actor, Action: action, Detail: detail,
	})
}

// ByID returns an account that is not disabled: what a door asks at each request.
func (s Store) ByID(ctx context.Context, id uuid.UUID) (Staff, error) {
	st, err := scan(s.DB.QueryRow(ctx, "SELECT "+columns+" FROM staff WHERE id = $1", id))
	if err == nil && st.Disabled {
		return Staff{}, fault.New(fault.Unauthenticated, "该账号已停用。")
	}
	return st, err
}

// Page bounds a list: at most Limit accounts whose login comes after After.
type Page struct {
	After string
	Limit int
}

const maxPage = 100

// List returns accounts in the order of their logins, disabled ones included.
func (s Store) List(ctx context.Context, p Page) ([]Staff, error) {
	if p.Limit <= 0 || p.Limit > maxPage {
		p.Limit = maxPage
	}
	rows, err := s.DB.Query(ctx, "SELECT "+columns+" FROM staff WHERE login > $1 ORDER BY login LIMIT $2", p.After, p.Limit)
	if err != nil {
		return nil, store.Translate(err)
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (Staff, error) { return scan(r) })
	return list, store.Translate(err)
}

func checkPassword(password string) error {
	for _, reason := range person.CheckPassword(password, person.IDNumber{}, person.Phone{}) {
		return fault.New(fault.Invalid, reason)
	}
	return nil
}
