package storetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"volcard/internal/card"
	"volcard/internal/consent"
	"volcard/internal/store"
	"volcard/internal/vault"
)

// Rows writes the rows that a test of one area needs from another, as plainly as SQL allows.
type Rows struct {
	T     testing.TB
	DB    *store.DB
	Vault *vault.Vault
	Now   time.Time
}

var counter atomic.Int64

func (r Rows) exec(sql string, args ...any) {
	r.T.Helper()
	if _, err := r.DB.Exec(context.Background(), sql, args...); err != nil {
		r.T.Fatal(err)
	}
}

func (r Rows) seal(plain, label string) []byte {
	r.T.Helper()
	sealed, err := r.Vault.SealString(plain, label)
	if err != nil {
		r.T.Fatal(err)
	}
	return sealed
}

// Person adds a person of this name and ID number who has given every consent of a card of either edition.
func (r Rows) Person(name, idNumber string) uuid.UUID {
	r.T.Helper()
	id := uuid.Must(uuid.NewV7())
	phone := "13800000000"
	r.exec(`INSERT INTO person (id, name, id_number, id_index, phone, phone_index, division_code, address,
	          volunteer_no, password_hash, created_at, updated_at)
	        VALUES ($1, $2, $3, $4, $5, $6, '420106', $7, $8, 'none', $9, $9)`,
		id, name, r.seal(idNumber, "person.id_number"), r.Vault.Index("person.id_number", idNumber),
		r.seal(phone, "person.phone"), r.Vault.Index("person.phone", phone), r.seal("八一路1号", "person.address"),
		fmt.Sprintf("TEST%08d", counter.Add(1)), r.Now)
	for _, item := range append(consent.ForRegistration(false), consent.ForCard(card.Regular)...) {
		r.exec(`INSERT INTO consent (id, person_id, purpose, recipient, version, given_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
			uuid.Must(uuid.NewV7()), id, item.Purpose, item.Recipient, item.Version, r.Now)
	}
	return id
}

// Branch adds an open branch.
func (r Rows) Branch(name string) uuid.UUID {
	r.T.Helper()
	id := uuid.Must(uuid.NewV7())
	r.exec(`INSERT INTO branch (id, code, name, address, division_code, lng, lat, hours, capacity, updated_at)
	        VALUES ($1, $2, $3, '演示路1号', '420106', 114.34, 30.54,
	          '{"mon": ["09:00-17:00"], "tue": ["09:00-17:00"], "wed": ["09:00-17:00"], "thu": ["09:00-17:00"], "fri": ["09:00-17:00"]}', 100, $4)`,
		id, fmt.Sprintf("T-%04d", counter.Add(1)), name, r.Now)
	return id
}

// Clerk adds a member of staff of a branch.
func (r Rows) Clerk(name string, branch uuid.UUID) uuid.UUID {
	r.T.Helper()
	id := uuid.Must(uuid.NewV7())
	r.exec(`INSERT INTO staff (id, login, name, role, branch_id, password_hash, totp_secret, created_at)
	        VALUES ($1, $2, $3, 'clerk', $4, 'none', $6, $5)`, id, fmt.Sprintf("clerk%d", counter.Add(1)), name, branch, r.Now,
		r.seal("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "staff.totp_secret"))
	return id
}

// University adds an open university.
func (r Rows) University(code, name string) {
	r.T.Helper()
	r.exec(`INSERT INTO university (code, name, initials, city_code, level, updated_at) VALUES ($1, $2, 'whdx', '420100', '本科', $3)`,
		code, name, r.Now)
}

// Stock adds n free general cards to a branch, booked as received, and returns their serials.
func (r Rows) Stock(branch uuid.UUID, n int) []string {
	r.T.Helper()
	serials := make([]string, n)
	for i := range serials {
		serials[i] = fmt.Sprintf("TS%08d", counter.Add(1))
	}
	r.exec(`INSERT INTO stock_card (serial, branch_id, state) SELECT s, $2, 'in_stock' FROM unnest($1::text[]) s`, serials, branch)
	r.exec(`INSERT INTO stock_entry (id, branch_id, kind, on_hand, reserved, at) VALUES ($1, $2, 'receive', $3, 0, $4)`,
		uuid.Must(uuid.NewV7()), branch, n, r.Now)
	return serials
}

// SigningKey adds a key row for cards whose tokens a test makes up.
func (r Rows) SigningKey(kid string) {
	r.T.Helper()
	r.exec(`INSERT INTO signing_key (kid, public_key, created_at) VALUES ($1, $2, $3)`, kid, make([]byte, 32), r.Now)
}
