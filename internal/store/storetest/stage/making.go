package stage

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/batch"
	"volcard/internal/calendar"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/cardstore"
)

// Freeze opens a batch of what waits.
func (s *Stage) Freeze() uuid.UUID {
	s.T.Helper()
	id := uuid.Must(uuid.NewV7())
	snap, err := s.Batches.Freeze(context.Background(), id)
	require.NoError(s.T, err)
	require.Equal(s.T, batch.Frozen, snap.State)
	return id
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

// WriteFile writes the n-th print file and returns whom it took out.
func (s *Stage) WriteFile(id uuid.UUID, n int) []uuid.UUID {
	s.T.Helper()
	ctx := context.Background()
	cards, err := s.Batches.Cards(ctx, id, n)
	require.NoError(s.T, err)
	hashes, rejected, err := Print(cards)
	require.NoError(s.T, err)
	out, err := s.Batches.WriteFile(ctx, id,
		batchstore.File{Kind: batchstore.Print, N: n, Body: []byte("%PDF-" + id.String()), Hashes: hashes},
		batchstore.Rejection{Seqs: rejected, MendUntil: s.Calendar().After(s.Clock.Now(), 15, calendar.Pace{})})
	require.NoError(s.T, err)
	return out
}

// Render writes the files of a batch.
func (s *Stage) Render(id uuid.UUID) batchstore.Snapshot {
	s.T.Helper()
	ctx := context.Background()
	for n := range batch.Files(s.Count("SELECT cards FROM batch WHERE id = $1", id)) {
		s.WriteFile(id, n+1)
	}
	_, err := s.Batches.WriteFile(ctx, id, batchstore.File{Kind: batchstore.Manifest, N: 1, Body: []byte("manifest")}, batchstore.Rejection{})
	require.NoError(s.T, err)
	snap, err := s.Batches.Finish(ctx, id)
	require.NoError(s.T, err)
	return snap
}

// Ship renders a batch and reports it as printed and shipped.
func (s *Stage) Ship(id uuid.UUID) {
	s.T.Helper()
	ctx := context.Background()
	require.Equal(s.T, batch.Rendered, s.Render(id).State)
	_, err := s.Batches.ReportPrinted(ctx, id, s.Factory)
	require.NoError(s.T, err)
	snap, err := s.Batches.ReportShipped(ctx, id, s.Factory)
	require.NoError(s.T, err)
	require.Equal(s.T, batch.Shipped, snap.State)
}

// Arrival is what the clerk of a branch presses.
func (s *Stage) Arrival(id, branch uuid.UUID) batchstore.Arrival {
	s.T.Helper()
	in := batchstore.Arrival{BatchID: id, BranchID: branch, StaffID: s.Clerk}
	if branch == s.Other {
		in.StaffID = s.OtherClerk
	}
	require.NoError(s.T, s.DB.QueryRow(context.Background(), "SELECT id FROM parcel WHERE batch_id = $1 AND branch_id = $2", id, branch).Scan(&in.ParcelID))
	return in
}

// Until ends a wait that begins now.
func (s *Stage) Until(now time.Time) time.Time { return s.Process.Terms.PickupUntil(now) }

// Arrive confirms the arrival of a parcel.
func (s *Stage) Arrive(id, branch uuid.UUID) batchstore.Snapshot {
	s.T.Helper()
	snap, err := s.Batches.ConfirmArrival(context.Background(), s.Arrival(id, branch), s.Until)
	require.NoError(s.T, err)
	return snap
}

// Ready is a case whose card has arrived at the first branch.
func (s *Stage) Ready() Applicant {
	s.T.Helper()
	a := s.Waiting(s.Branch)
	id := s.Freeze()
	s.Ship(id)
	s.Arrive(id, s.Branch)
	return a
}

// HandOver is what the clerk presses, with the card's own number.
func (s *Stage) HandOver(a Applicant) cardstore.HandOver {
	s.T.Helper()
	return cardstore.HandOver{
		ApplicationID: a.ID, BranchID: s.Branch, StaffID: s.Clerk,
		Serial: s.Text("SELECT number FROM card WHERE application_id = $1", a.ID),
	}
}
