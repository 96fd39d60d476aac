package stage

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/store/batchstore"
	"volcard/internal/store/cardstore"
)

// Faces that the scene offers, by the names of real ones, which the pages of a server offer too.
// Withdrawn was offered once.
const (
	Face      = "huanghelou"
	OtherFace = "donghu"
	Withdrawn = "old-bridge"
)

// designs tells layouts apart by what stands in them.
type designs struct{}

// Offered implements cardstore.Designs.
func (designs) Offered(face string) bool { return face == Face || face == OtherFace }

// Hash implements cardstore.Designs.
func (designs) Hash(in cardstore.Design) ([32]byte, error) {
	return sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%x", in.Face, in.HolderName, in.VolunteerNo, in.Photo)), nil
}

// Print compares and hashes the cards of a print file as the factory's printer does, without drawing.
func Print(cards []batchstore.Card) (hashes map[int][32]byte, rejected []int, err error) {
	hashes = map[int][32]byte{}
	for _, c := range cards {
		confirmed, err := designs{}.Hash(cardstore.Design{Face: c.Face, HolderName: c.HolderName, VolunteerNo: c.VolunteerNo, Photo: c.Photo})
		if err != nil {
			return nil, nil, err
		}
		if string(confirmed[:]) != string(c.DesignHash) {
			rejected = append(rejected, c.Seq)
			continue
		}
		hashes[c.Seq] = sha256.Sum256(append(confirmed[:], c.Number...))
	}
	return hashes, rejected, nil
}

// Design is a change to another photo or face, confirmed on its preview.
func (w Works) Design(a Applicant, photo uuid.UUID, face string) cardstore.NewDesign {
	w.T.Helper()
	return cardstore.NewDesign{ApplicationID: a.ID, PersonID: a.Person, PhotoID: photo, Face: face, Hash: w.Preview(a, photo, face)}
}

// Preview is the hash of what a preview shows.
func (w Works) Preview(a Applicant, photo uuid.UUID, face string) [32]byte {
	w.T.Helper()
	var name, no string
	var sealed []byte
	require.NoError(w.T, w.DB.QueryRow(context.Background(), `
		SELECT p.name, p.volunteer_no, f.image FROM person p, photo f WHERE p.id = $1 AND f.id = $2`, a.Person, photo).Scan(&name, &no, &sealed))
	image, err := w.Process.Vault.Unseal(sealed, cardstore.LabelPhoto)
	require.NoError(w.T, err)
	hash, err := designs{}.Hash(cardstore.Design{Face: face, HolderName: name, VolunteerNo: no, Photo: image})
	require.NoError(w.T, err)
	return hash
}
