// Package personstore keeps people: who registered with which ID number, their phone, their
// password, their consents. ID number, phone, address and guardian are sealed; a person is
// found by a keyed index of the ID number only, never by a phone (numbers are recycled).
package personstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/limit"
	"volcard/internal/passwd"
	"volcard/internal/person"
	"volcard/internal/store"
	"volcard/internal/vault"
)

// Labels of the sealed columns of this area.
const (
	LabelIDNumber = "person.id_number"
	LabelPhone    = "person.phone"
	LabelAddress  = "person.address"
	LabelGuardian = "person.guardian"
)

// templateSecurity tells the account's phone of a change to the account (internal/notify).
const templateSecurity = "account-security"

// Store is what every type of this area stands on.
type Store struct {
	DB      *store.DB
	Vault   *vault.Vault
	Clock   clock.Clock
	Hasher  *passwd.Hasher
	Limiter limit.Limiter
}

// Profile is a person as pages show one: numbers masked.
type Profile struct {
	ID           uuid.UUID
	Name         person.Name
	MaskedID     string
	Document     string // what kind of document bears the number
	MaskedPhone  string
	DivisionCode string
	VolunteerNo  string
	Age          int  // 周岁 today
	HasGuardian  bool // a guardian is stored; the consent may have been taken back since
	Blocked      bool
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Private is what the few uses that need full numbers get.
type Private struct {
	IDNumber person.IDNumber
	Phone    person.Phone
	Address  string
	Guardian person.Guardian // zero where there is none
}

// idIndex is what a person is found by.
func (s Store) idIndex(id person.IDNumber) []byte { return s.Vault.Index(LabelIDNumber, id.String()) }

func (s Store) phoneIndex(p person.Phone) []byte { return s.Vault.Index(LabelPhone, p.String()) }

func missing() error { return fault.New(fault.NotFound, "没有找到这个账号。") }

func blocked() error {
	return fault.New(fault.Forbidden, "该账号已被停用，请联系省志愿者协会。")
}

// row is a person as stored.
type row struct {
	ID                                 uuid.UUID
	Name                               string
	IDNumber, Phone, Address, Guardian []byte
	DivisionCode, VolunteerNo          string
	PasswordHash                       string
	BlockedAt                          *time.Time
	CreatedAt, UpdatedAt               time.Time
}

const columns = `id, name, id_number, phone, address, guardian, division_code, volunteer_no, password_hash,
	blocked_at, created_at, updated_at`

func scan(r pgx.Row) (row, error) {
	var p row
	err := r.Scan(&p.ID, &p.Name, &p.IDNumber, &p.Phone, &p.Address, &p.Guardian, &p.DivisionCode, &p.VolunteerNo,
		&p.PasswordHash, &p.BlockedAt, &p.CreatedAt, &p.UpdatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return row{}, missing()
	}
	return p, store.Translate(err)
}

func (s Store) byID(ctx context.Context, q store.Querier, id uuid.UUID) (row, error) {
	return scan(q.QueryRow(ctx, "SELECT "+columns+" FROM person WHERE id = $1", id))
}

// lock reads a person and keeps everybody else from changing the row until the transaction ends.
func (s Store) lock(ctx context.Context, tx pgx.Tx, id uuid.UUID) (row, error) {
	return scan(tx.QueryRow(ctx, "SELECT "+columns+" FROM person WHERE id = $1 FOR UPDATE", id))
}

func (s Store) private(p row) (Private, error) {
	var out Private
	id, err := s.Vault.UnsealString(p.IDNumber, LabelIDNumber)
	if err != nil {
		return out, err
	}
	if out.IDNumber, err = person.ParseIDNumber(id); err != nil {
		return out, fmt.Errorf("personstore: stored ID number: %w", err)
	}
	phone, err := s.Vault.UnsealString(p.Phone, LabelPhone)
	if err != nil {
		return out, err
	}
	if out.Phone, err = person.ParsePhone(phone); err != nil {
		return out, fmt.Errorf("personstore: stored phone: %w", err)
	}
	if out.Address, err = s.Vault.UnsealString(p.Address, LabelAddress); err != nil {
		return out, err
	}
	if p.Guardian != nil {
		plain, err := s.Vault.Unseal(p.Guardian, LabelGuardian)
		if err != nil {
			return out, err
		}
		if err := json.Unmarshal(plain, &out.Guardian); err != nil {
			return out, fmt.Errorf("personstore: stored guardian: %w", err)
		}
	}
	return out, nil
}

func (s Store) sealGuardian(g person.Guardian) ([]byte, error) {
	plain, err := json.Marshal(g)
	if err != nil {
		return nil, fmt.Errorf("personstore: guardian: %w", err)
	}
	return s.Vault.Seal(plain, LabelGuardian)
}

func (s Store) profile(p row) (Profile, error) {
	private, err := s.private(p)
	if err != nil {
		return Profile{}, err
	}
	name, err := person.ParseName(p.Name)
	if err != nil {
		return Profile{}, fmt.Errorf("personstore: stored name: %w", err)
	}
	return Profile{
		ID: p.ID, Name: name, MaskedID: private.IDNumber.Masked(), Document: private.IDNumber.Document(),
		MaskedPhone: private.Phone.Masked(), DivisionCode: p.DivisionCode, VolunteerNo: p.VolunteerNo,
		Age: private.IDNumber.Age(s.Clock.Now()), HasGuardian: p.Guardian != nil, Blocked: p.BlockedAt != nil,
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}, nil
}

func (s Store) audit(ctx context.Context, q store.Querier, id uuid.UUID, actor store.Actor, action string, at time.Time, detail map[string]any) error {
	return store.Audit(ctx, q, store.AuditEntry{
		SubjectKind: "person", SubjectID: id, At: at, Actor: actor, Action: action, Detail: detail,
	})
}
