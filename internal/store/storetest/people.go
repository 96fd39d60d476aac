package storetest

import (
	"crypto/sha256"
	"fmt"

	"github.com/gofrs/uuid/v5"
)

// IDNumber makes a valid ID number of the unassigned area 420199. n tells people apart.
func IDNumber(n int) string {
	// The sequence has three digits; the day of birth takes the rest.
	body := fmt.Sprintf("42019920%02d%02d%02d%03d", n/336000%10, n/28000%12+1, n/1000%28+1, n%1000)
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(body[i]-'0') * w
	}
	return body + string("10X98765432"[sum%11])
}

// Staff adds a member of staff who belongs to no branch: province_admin, reviewer or factory.
func (r Rows) Staff(name, role string) uuid.UUID {
	r.T.Helper()
	id := uuid.Must(uuid.NewV7())
	r.exec(`INSERT INTO staff (id, login, name, role, password_hash, totp_secret, created_at)
	        VALUES ($1, $2, $3, $4, 'none', $6, $5)`, id, fmt.Sprintf("staff%d", counter.Add(1)), name, role, r.Now,
		r.seal("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "staff.totp_secret"))
	return id
}

// Photo adds a portrait of a person as the upload leaves it. verdict is clear or doubtful.
func (r Rows) Photo(person uuid.UUID, verdict string, jpeg []byte) uuid.UUID {
	r.T.Helper()
	id := uuid.Must(uuid.NewV7())
	sealed, err := r.Vault.Seal(jpeg, "photo.image")
	if err != nil {
		r.T.Fatal(err)
	}
	sum := sha256.Sum256(jpeg)
	findings := []string{}
	if verdict != "clear" {
		findings = append(findings, "dark")
	}
	r.exec(`INSERT INTO photo (id, person_id, image, sha256, verdict, findings, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		id, person, sealed, sum[:], verdict, findings, r.Now)
	return id
}
