package applicant

import (
	"net/http"
	"slices"
	"time"

	"volcard/api/web"
	"volcard/internal/person"
)

// proof is a number that the account has proved by a code, in this login.
type proof struct {
	Phone person.Phone
	At    time.Time
}

// proofLife is how long a proof spares another code.
const proofLife = 30 * time.Minute

const (
	valueProofs = "phone-proofs"
	mostProofs  = 4
)

// noteProof keeps that the one who is logged in has proved a number just now.
func noteProof(kit *web.Kit, r *http.Request, phone person.Phone) error {
	s, err := kit.Session(r)
	if err != nil {
		return err
	}
	var proofs []proof
	s.GetJSON(valueProofs, &proofs)
	proofs = slices.DeleteFunc(proofs, func(p proof) bool { return p.Phone == phone })
	proofs = slices.Insert(proofs, 0, proof{phone, kit.Now()})
	return s.PutJSON(valueProofs, proofs[:min(len(proofs), mostProofs)])
}

// provedAt is when a number was proved; zero where it was not, or too long ago.
func provedAt(kit *web.Kit, s *web.Session, phone person.Phone) time.Time {
	var proofs []proof
	s.GetJSON(valueProofs, &proofs)
	for _, p := range proofs {
		if p.Phone == phone && kit.Now().Sub(p.At) <= proofLife {
			return p.At
		}
	}
	return time.Time{}
}
