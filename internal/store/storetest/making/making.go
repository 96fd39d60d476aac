// Package making sets scenes with regular cards for tests of pages: submitted, frozen into a batch,
// printed, shipped, all by the real stores and without Temporal. Designs and files are made up.
package making

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/batch"
	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/store"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/photostore"
	"volcard/internal/store/storetest"
	"volcard/internal/vault"
)

// Works is a factory with everything before and behind it.
type Works struct {
	T       testing.TB
	Rows    storetest.Rows
	Cards   cardstore.Store
	Photos  photostore.Photos
	Batches batchstore.Batches
	Process cardstore.Process
}

// New makes the works on a test's database. sign makes the token of a card that is issued.
func New(t testing.TB, db *store.DB, v *vault.Vault, c clock.Clock, sign func(cardstore.Intent) (token, kid string, err error)) Works {
	t.Helper()
	base := cardstore.Store{DB: db, Vault: v, Clock: c}
	built := calendar.New(calendar.BuiltIn()...)
	return Works{
		T: t, Cards: base,
		Rows:    storetest.Rows{T: t, DB: db, Vault: v, Now: c.Now()},
		Photos:  photostore.Photos{DB: db, Vault: v, Clock: c},
		Batches: batchstore.Batches{Store: batchstore.Store{DB: db, Vault: v, Clock: c}},
		Process: cardstore.Process{
			Store: base, Terms: card.DefaultTerms(), Sign: sign, Missing: func(string) []rune { return nil },
			Regular: cardstore.Regular{
				Designs: designs{}, Terms: card.DefaultRegularTerms(),
				Calendar: func(context.Context) (*calendar.Calendar, error) { return built, nil },
			},
		},
	}
}

// designs knows one face, and takes what stands on a card for its layout.
type designs struct{}

// Face is the one that every card of a test has.
const Face = "huanghelou"

func (designs) Offered(face string) bool { return face == Face }

func (designs) Hash(d cardstore.Design) ([32]byte, error) {
	return sha256.Sum256([]byte(d.Face + "|" + d.HolderName + "|" + d.VolunteerNo + "|" + string(d.Photo))), nil
}

// Case is a regular application of a test.
type Case struct {
	ID, Person, Photo uuid.UUID
	Number            string
	Name              string
}

// Apply submits a regular application and has its process look at it: a photo with findings goes to a
// reviewer, one without waits for a batch.
func (w Works) Apply(name, idNumber string, branch uuid.UUID, jpeg []byte, findings ...string) Case {
	w.T.Helper()
	ctx := context.Background()
	who := w.Rows.Person(name, idNumber)
	verdict := "clear"
	if len(findings) > 0 {
		verdict = "doubtful"
	}
	photo, err := w.Photos.Add(ctx, who, photostore.New{JPEG: jpeg, SHA256: sha256.Sum256(jpeg), Verdict: verdict, Findings: findings})
	require.NoError(w.T, err)
	d := card.Draft{
		Edition: card.Regular, Identity: card.Social, PhotoID: photo, Face: Face, NoticeVersion: card.NoticeVersion, Phone: "13800000000",
		PhoneVerifiedAt: w.Cards.Clock.Now(), UnitName: "光谷社区", DivisionCode: "420106", Address: "八一路299号", BranchID: branch,
	}
	_, err = cardstore.Drafts{Store: w.Cards}.Save(ctx, who, d, 0)
	require.NoError(w.T, err)
	submissions := cardstore.Submissions{Store: w.Cards, Regular: w.Process.Regular}
	facts, err := submissions.Facts(ctx, who, d)
	require.NoError(w.T, err)
	a, reasons, err := submissions.Submit(ctx, cardstore.Submission{
		PersonID: who, IdempotencyKey: uuid.Must(uuid.NewV4()), Content: card.ContentHash(d, facts),
	})
	require.NoError(w.T, err)
	require.Empty(w.T, reasons)
	_, err = w.Process.Issue(ctx, a.ID)
	require.NoError(w.T, err)
	return Case{ID: a.ID, Person: who, Photo: photo, Number: a.Number, Name: name}
}

// CardNumber is the number of a case's card.
func (w Works) CardNumber(c Case) string {
	w.T.Helper()
	var number string
	require.NoError(w.T, w.Cards.DB.QueryRow(context.Background(), "SELECT number FROM card WHERE application_id = $1", c.ID).Scan(&number))
	return number
}

// Freeze opens a batch of what waits.
func (w Works) Freeze() uuid.UUID {
	w.T.Helper()
	id := uuid.Must(uuid.NewV7())
	snap, err := w.Batches.Freeze(context.Background(), id)
	require.NoError(w.T, err)
	require.Equal(w.T, batch.Frozen, snap.State, "something must wait")
	return id
}

// Render writes the files of a batch and takes the cards with these places out.
func (w Works) Render(id uuid.UUID, rejected ...int) {
	w.T.Helper()
	ctx := context.Background()
	cards, err := w.Batches.Cards(ctx, id, 1)
	require.NoError(w.T, err)
	file := batchstore.File{Kind: batchstore.Print, N: 1, Body: []byte("%PDF-1.4 " + id.String()), Hashes: map[int][32]byte{}}
	out := map[int]bool{}
	for _, seq := range rejected {
		out[seq] = true
	}
	for _, c := range cards {
		if !out[c.Seq] {
			file.Hashes[c.Seq] = sha256.Sum256([]byte(c.Number))
		}
	}
	_, err = w.Batches.WriteFile(ctx, id, file, batchstore.Rejection{Seqs: rejected, MendUntil: w.Cards.Clock.Now().Add(15 * 24 * time.Hour)})
	require.NoError(w.T, err)
	_, err = w.Batches.WriteFile(ctx, id, batchstore.File{Kind: batchstore.Manifest, N: 1, Body: []byte("序号,证号\r\n")}, batchstore.Rejection{})
	require.NoError(w.T, err)
	_, err = w.Batches.Finish(ctx, id)
	require.NoError(w.T, err)
}

// Ship prints a batch and sends its parcels off.
func (w Works) Ship(id, staff uuid.UUID) {
	w.T.Helper()
	_, err := w.Batches.ReportPrinted(context.Background(), id, staff)
	require.NoError(w.T, err)
	_, err = w.Batches.ReportShipped(context.Background(), id, staff)
	require.NoError(w.T, err)
}

// Parcel is what travels to a branch.
func (w Works) Parcel(id, branch uuid.UUID) uuid.UUID {
	w.T.Helper()
	var parcel uuid.UUID
	require.NoError(w.T, w.Cards.DB.QueryRow(context.Background(),
		"SELECT id FROM parcel WHERE batch_id = $1 AND branch_id = $2", id, branch).Scan(&parcel))
	return parcel
}

// Arrive confirms a parcel's arrival.
func (w Works) Arrive(ctx context.Context, in batchstore.Arrival) error {
	_, err := w.Batches.ConfirmArrival(ctx, in, func(now time.Time) time.Time { return w.Process.Terms.PickupUntil(now) })
	return err
}

// State reads the state of a case.
func (w Works) State(c Case) card.State {
	w.T.Helper()
	state, err := cardstore.Cases{Store: w.Cards}.State(context.Background(), c.ID)
	require.NoError(w.T, err)
	return state
}
