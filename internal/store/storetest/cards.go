package storetest

import (
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
)

// CardRow is an issued card that a test makes up. Its key must exist.
type CardRow struct {
	Person      uuid.UUID
	Branch      uuid.UUID
	Number      string
	Name        string
	Token, KID  string
	Status      string // valid where empty
	Issued, End time.Time
}

// Card adds an issued card of the general edition, with the application that it came from.
func (r Rows) Card(c CardRow) uuid.UUID {
	r.T.Helper()
	if c.Status == "" {
		c.Status = "valid"
	}
	application, id := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	r.exec(`INSERT INTO application (id, number, person_id, edition, state, identity, holder_name, unit_name, division_code,
	          address, phone, branch_id, content_hash, idempotency_key, pickup_code, submitted_at, ready_at, closed_at)
	        VALUES ($1, $2, $3, 'general', 'collected', 'social', $4, '测试单位', '420106', $5, $6, $7, $8, $1, '12345678', $9, $9, $9)`,
		application, fmt.Sprintf("HBT%08d", counter.Add(1)), c.Person, c.Name,
		r.seal("八一路1号", "application.address"), r.seal("13800000000", "application.phone"), c.Branch, make([]byte, 32), c.Issued)
	r.exec(`INSERT INTO card (id, number, application_id, person_id, edition, holder_name, volunteer_no, status, content_hash,
	          token, kid, issued_at, expires_at, status_at)
	        VALUES ($1, $2, $3, $4, 'general', $5, 'TEST00000000', $6, $7, $8, $9, $10, $11, $10)`,
		id, c.Number, application, c.Person, c.Name, c.Status, make([]byte, 32), c.Token, c.KID, c.Issued, c.End)
	return id
}
