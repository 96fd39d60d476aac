package stage

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
	"volcard/internal/place"
	"volcard/internal/store"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/photostore"
	"volcard/internal/store/storetest"
	"volcard/internal/vault"
)

// Works is a factory with everything before and behind it, without the people.
type Works struct {
	Books
	*Almanac
	Rows storetest.Rows

	Process     cardstore.Process
	Regular     cardstore.RegularProcess
	Submissions cardstore.Submissions
	Photos      photostore.Photos
	Batches     batchstore.Batches
}

// Applicant is a person of the scene with a case.
type Applicant struct {
	Person, Photo, ID uuid.UUID
	Name              string
	Number            string // of the application
}

// On makes the works on a test's database. sign makes the token of a card that is issued.
func On(t testing.TB, db *store.DB, v *vault.Vault, c clock.Clock, sign func(cardstore.Intent) (token, kid string, err error)) Works {
	t.Helper()
	w := Works{
		Books: Books{T: t, DB: db}, Almanac: &Almanac{cal: calendar.New(calendar.BuiltIn()...)},
		Rows:    storetest.Rows{T: t, DB: db, Vault: v, Now: c.Now()},
		Photos:  photostore.Photos{DB: db, Vault: v, Clock: c},
		Batches: batchstore.Batches{Store: batchstore.Store{DB: db, Vault: v, Clock: c}},
	}
	w.Process = cardstore.Process{
		Store: cardstore.Store{DB: db, Vault: v, Clock: c}, Terms: card.DefaultTerms(), Sign: sign,
		Missing: func(string) []rune { return nil },
		Regular: cardstore.Regular{Designs: designs{}, Calendar: w.get, Terms: card.DefaultRegularTerms()},
	}
	w.Regular = cardstore.RegularProcess{Process: w.Process}
	w.Submissions = cardstore.Submissions{Store: w.Process.Store, Regular: w.Process.Regular}
	return w
}

func (w Works) draft(a Applicant, branch uuid.UUID) card.Draft {
	return card.Draft{
		Edition: card.Regular, Identity: card.Social, NoticeVersion: card.NoticeVersion, Phone: "13800000000",
		PhoneVerifiedAt: w.Process.Clock.Now(), UnitName: "光谷社区", DivisionCode: "420106", Address: "一号", BranchID: branch,
		PhotoID: a.Photo, Face: Face,
	}
}

// Form saves a draft and returns what its preview would send.
func (w Works) Form(a Applicant, d card.Draft) cardstore.Submission {
	w.T.Helper()
	ctx := context.Background()
	drafts := cardstore.Drafts{Store: w.Process.Store}
	_, version, err := drafts.Load(ctx, a.Person)
	require.NoError(w.T, err)
	_, err = drafts.Save(ctx, a.Person, d, version)
	require.NoError(w.T, err)
	f, err := w.Submissions.Facts(ctx, a.Person, d)
	require.NoError(w.T, err)
	return cardstore.Submission{PersonID: a.Person, IdempotencyKey: uuid.Must(uuid.NewV4()), Content: card.ContentHash(d, f)}
}

func (w Works) submitted(a Applicant, branch uuid.UUID) Applicant {
	w.T.Helper()
	accepted, reasons, err := w.Submissions.Submit(context.Background(), w.Form(a, w.draft(a, branch)))
	require.NoError(w.T, err)
	require.Empty(w.T, reasons)
	a.ID, a.Number = accepted.ID, accepted.Number
	return a
}

// Apply submits a regular application and has its process look at it: a photo with findings goes to a
// reviewer, one without waits for a batch.
func (w Works) Apply(name, idNumber string, branch uuid.UUID, jpeg []byte, findings ...string) Applicant {
	w.T.Helper()
	ctx := context.Background()
	a := Applicant{Person: w.Rows.Person(name, idNumber), Name: name}
	photo := photostore.New{JPEG: jpeg, SHA256: sha256.Sum256(jpeg), Verdict: "clear", Findings: findings}
	if len(findings) > 0 {
		photo.Verdict = "doubtful"
	}
	var err error
	a.Photo, err = w.Photos.Add(ctx, a.Person, photo)
	require.NoError(w.T, err)
	a = w.submitted(a, branch)
	_, err = w.Process.Issue(ctx, a.ID)
	require.NoError(w.T, err)
	return a
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

// WriteFile writes the n-th print file and returns whom it took out: whose design is not the confirmed
// one, and who has one of these places.
func (w Works) WriteFile(id uuid.UUID, n int, places ...int) []uuid.UUID {
	w.T.Helper()
	ctx := context.Background()
	cards, err := w.Batches.Cards(ctx, id, n)
	require.NoError(w.T, err)
	hashes, rejected, err := Print(cards)
	require.NoError(w.T, err)
	for _, seq := range places {
		if _, printed := hashes[seq]; printed {
			delete(hashes, seq)
			rejected = append(rejected, seq)
		}
	}
	out, err := w.Batches.WriteFile(ctx, id,
		batchstore.File{Kind: batchstore.Print, N: n, Body: []byte("%PDF-" + id.String()), Hashes: hashes},
		batchstore.Rejection{Seqs: rejected, MendUntil: w.Calendar().After(w.Process.Clock.Now(), 15, calendar.Pace{})})
	require.NoError(w.T, err)
	return out
}

// Render writes the files of a batch and takes the cards with these places out.
func (w Works) Render(id uuid.UUID, places ...int) batchstore.Snapshot {
	w.T.Helper()
	ctx := context.Background()
	for n := range batch.Files(w.Count("SELECT cards FROM batch WHERE id = $1", id)) {
		w.WriteFile(id, n+1, places...)
	}
	_, err := w.Batches.WriteFile(ctx, id, batchstore.File{Kind: batchstore.Manifest, N: 1, Body: []byte("序号,证号\r\n")}, batchstore.Rejection{})
	require.NoError(w.T, err)
	snap, err := w.Batches.Finish(ctx, id)
	require.NoError(w.T, err)
	return snap
}

// Ship reports a batch as printed and shipped.
func (w Works) Ship(id, staff uuid.UUID) {
	w.T.Helper()
	ctx := context.Background()
	_, err := w.Batches.ReportPrinted(ctx, id, staff)
	require.NoError(w.T, err)
	snap, err := w.Batches.ReportShipped(ctx, id, staff)
	require.NoError(w.T, err)
	require.Equal(w.T, batch.Shipped, snap.State)
}

func (w Works) arrival(id, branch, staff uuid.UUID) batchstore.Arrival {
	w.T.Helper()
	return batchstore.Arrival{BatchID: id, ParcelID: w.Parcel(id, branch), BranchID: branch, StaffID: staff}
}

// Until ends a wait that begins now at a branch with these hours.
func (w Works) Until(now time.Time, hours place.WeekHours) time.Time {
	cal, err := w.Process.Regular.Calendar(context.Background())
	require.NoError(w.T, err)
	return w.Process.Terms.PickupUntil(now, place.Opening{Hours: hours, Calendar: cal})
}

// Receive confirms the arrival of a branch's parcel.
func (w Works) Receive(id, branch, staff uuid.UUID) batchstore.Snapshot {
	w.T.Helper()
	snap, err := w.Batches.ConfirmArrival(context.Background(), w.arrival(id, branch, staff), w.Until)
	require.NoError(w.T, err)
	return snap
}
