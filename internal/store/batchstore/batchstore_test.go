package batchstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/batch"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/storetest/stage"
	"volcard/internal/vault"
)

func TestFreezeTakesWhatWaitsOnce(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Waiting(s.Branch)
	s.Clock.Advance(time.Minute)
	b, c := s.Waiting(s.Other), s.Waiting(s.Branch)
	reviewing := s.Reviewing()
	id := uuid.Must(uuid.NewV7())
	for range 2 {
		snap, err := s.Batches.Freeze(ctx, id)
		require.NoError(t, err)
		require.Equal(t, batchstore.Snapshot{State: batch.Frozen, Cards: 3}, snap)
	}
	require.Equal(t, "PC2026112301", s.Text("SELECT number FROM batch WHERE id = $1", id))
	require.Equal(t, 3, s.Count("SELECT count(*) FROM batch_card"))
	for _, x := range []stage.Applicant{a, b, c} {
		require.Equal(t, []string{"submit", "approve", "freeze"}, s.Moves(x))
		require.Equal(t, card.Producing, s.State(x))
	}
	require.Equal(t, card.Reviewing, s.State(reviewing))
	require.Equal(t, []string{"batch-freeze"}, s.Texts("SELECT action FROM audit_entry WHERE subject_id = $1 ORDER BY seq", id))
	// Together by branch, so that a parcel is one stack of cards.
	require.Equal(t, 1, s.Count("SELECT abs(x.seq - y.seq) FROM batch_card x, batch_card y WHERE x.application_id = $1 AND y.application_id = $2", a.ID, c.ID))

	// Nothing waits: no batch is made, and asking again makes none either.
	empty := uuid.Must(uuid.NewV7())
	for range 2 {
		snap, err := s.Batches.Freeze(ctx, empty)
		require.NoError(t, err)
		require.Equal(t, batchstore.Snapshot{}, snap)
	}
	require.Equal(t, 1, s.Count("SELECT count(*) FROM batch"))
	s.Waiting(s.Branch)
	require.Equal(t, "PC2026112302", s.Text("SELECT number FROM batch WHERE id = $1", s.Freeze()))
}

// On the demonstration's clock a day has more than a hundred batches.
func TestTheHundredthBatchOfADay(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	_, err := s.DB.Exec(context.Background(), `
		INSERT INTO batch (id, number, state, cards, frozen_at)
		SELECT gen_random_uuid(), 'PC20261123' || lpad(n::text, 2, '0'), 'done', 0, $1 FROM generate_series(1, 99) n`, stage.Start)
	require.NoError(t, err)
	for _, want := range []string{"PC20261123100", "PC20261123101"} {
		s.Waiting(s.Branch)
		require.Equal(t, want, s.Text("SELECT number FROM batch WHERE id = $1", s.Freeze()))
	}
}

// T22: batches that are frozen at the same moment share the cards, and no card is in two.
func TestBatchesAtOnceShareTheCards(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	const cards = 30
	for range cards {
		s.Waiting(s.Branch)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := s.Batches.Freeze(context.Background(), uuid.Must(uuid.NewV7())); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	// A card that one batch was just taking is left by the other: it waits or it is in one.
	require.Equal(t, cards, s.Count("SELECT count(*) FROM batch_card")+s.Count("SELECT count(*) FROM application WHERE state = 'waiting'"))
	require.Equal(t, s.Count("SELECT count(*) FROM batch_card"), s.Count("SELECT count(DISTINCT application_id) FROM batch_card"))
	require.Equal(t, s.Count("SELECT count(*) FROM batch_card"), s.Count("SELECT sum(cards) FROM batch"))
	require.Equal(t, s.Count("SELECT count(*) FROM batch"), s.Count("SELECT count(DISTINCT number) FROM batch"))
	// The database itself refuses a second one.
	_, err := s.DB.Exec(context.Background(), "INSERT INTO batch (id, number, state, cards, frozen_at) VALUES ($1, 'PC2026112399', 'frozen', 1, $2)",
		uuid.Must(uuid.NewV7()), stage.Start)
	require.NoError(t, err)
	_, err = s.DB.Exec(context.Background(), `
		INSERT INTO batch_card (batch_id, application_id, seq, card_number, branch_id, design_hash, state)
		SELECT b.id, c.application_id, 1, c.card_number, c.branch_id, c.design_hash, 'frozen'
		  FROM batch b, (SELECT application_id, card_number, branch_id, design_hash FROM batch_card LIMIT 1) c WHERE b.number = 'PC2026112399'`)
	require.ErrorContains(t, err, "batch_card_open")
}

// A change that is on its way while the batch is frozen is either in the batch or refused (T10).
func TestChangeRacesTheFreeze(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	const cards = 12
	cases := make([]stage.Applicant, cards)
	for i := range cases {
		cases[i] = s.Waiting(s.Branch)
	}
	errs := make([]error, cards)
	var wg sync.WaitGroup
	for i, a := range cases {
		design := s.Design(a, a.Photo, stage.OtherFace)
		wg.Go(func() { _, errs[i] = s.Regular.ChangeDesign(ctx, design) })
	}
	wg.Go(func() {
		if _, err := s.Batches.Freeze(ctx, uuid.Must(uuid.NewV7())); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	for i, a := range cases {
		face := s.Text("SELECT face FROM application WHERE id = $1", a.ID)
		if errs[i] != nil {
			require.True(t, fault.Is(errs[i], fault.Conflict), errs[i])
			require.Equal(t, stage.Face, face)
			continue
		}
		require.Equal(t, stage.OtherFace, face)
	}
	require.Zero(t, s.Count(`
		SELECT count(*) FROM batch_card c JOIN application a ON a.id = c.application_id WHERE a.design_hash <> c.design_hash`))
}

func TestFilesAreWrittenOnce(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a, b := s.Waiting(s.Branch), s.Waiting(s.Branch)
	id := s.Freeze()
	has, err := s.Batches.HasFile(ctx, id, batchstore.Print, 1)
	require.NoError(t, err)
	require.False(t, has)
	_, err = s.Batches.Finish(ctx, id)
	require.ErrorContains(t, err, "in no file", "a batch is finished when every card is in a file")

	cards, err := s.Batches.Cards(ctx, id, 1)
	require.NoError(t, err)
	require.Len(t, cards, 2)
	require.Contains(t, string(cards[0].Photo), "portrait")
	for range 2 {
		require.Empty(t, s.WriteFile(id, 1))
	}
	body, err := s.Batches.Body(ctx, id, batchstore.Print, 1)
	require.NoError(t, err)
	require.Equal(t, "%PDF-"+id.String(), string(body))
	var stored []byte
	require.NoError(t, s.DB.QueryRow(ctx, "SELECT body FROM batch_file").Scan(&stored))
	require.NotContains(t, string(stored), "%PDF", "it is sealed")
	_, err = s.Batches.WriteFile(ctx, id, batchstore.File{Kind: batchstore.Print, N: 1, Body: []byte("another")}, batchstore.Rejection{Seqs: []int{1}})
	require.NoError(t, err)
	body, err = s.Batches.Body(ctx, id, batchstore.Print, 1)
	require.NoError(t, err)
	require.Equal(t, "%PDF-"+id.String(), string(body), "what was written stays")
	require.Equal(t, card.Producing, s.State(a))

	lines, err := s.Batches.Lines(ctx, id)
	require.NoError(t, err)
	require.Len(t, lines, 2)
	require.Len(t, lines[0].PrintHash, 32)
	for range 2 {
		require.Equal(t, batchstore.Snapshot{State: batch.Rendered, Cards: 2}, s.Render(id))
	}
	require.Equal(t, 1, s.Count("SELECT count(*) FROM parcel WHERE cards = 2"))
	require.Equal(t, card.Producing, s.State(b))
}

// What would be printed is not what was confirmed: the card is taken out, its applicant confirms again and
// keeps the place.
func TestDifferentContentIsTakenOut(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Waiting(s.Branch)
	s.Clock.Advance(time.Minute)
	b := s.Waiting(s.Branch)
	id := s.Freeze()
	_, err := s.DB.Exec(ctx, "UPDATE batch_card SET design_hash = sha256('other') WHERE application_id = $1", a.ID)
	require.NoError(t, err)
	s.Clock.Advance(time.Hour)
	for range 2 {
		require.Equal(t, []uuid.UUID{a.ID}, s.WriteFile(id, 1))
	}
	require.Equal(t, card.Mending, s.State(a))
	require.Equal(t, []string{"submit", "approve", "freeze", "reject"}, s.Moves(a))
	require.Equal(t, []string{"card-approved", "confirm-again"}, s.Told(a))
	require.Equal(t, batchstore.Snapshot{State: batch.Rendered, Cards: 1}, s.Render(id))
	require.Equal(t, card.Producing, s.State(b))

	snap, err := s.Process.Look(ctx, a.ID)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 12, 14, 15, 59, 59, 0, time.UTC), snap.Until.UTC())
	snap, err = s.Regular.ChangeDesign(ctx, s.Design(a, a.Photo, stage.Face))
	require.NoError(t, err)
	require.Equal(t, card.Waiting, snap.State)
	s.Waiting(s.Branch)
	next := s.Freeze()
	require.Equal(t, 1, s.Count("SELECT seq FROM batch_card WHERE batch_id = $1 AND application_id = $2", next, a.ID), "first in the next batch")
	require.Equal(t, 1, s.Count("SELECT count(*) FROM card WHERE application_id = $1", a.ID), "under the same number")
}

// A photo that was damaged costs one card its place in the batch, and no other card.
func TestDamagedPhotoIsTakenOut(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a, b := s.Waiting(s.Branch), s.Waiting(s.Branch)
	id := s.Freeze()
	_, err := s.DB.Exec(ctx, "UPDATE photo SET image = set_byte(image, octet_length(image) - 1, get_byte(image, octet_length(image) - 1) # 1) WHERE id = $1", a.Photo)
	require.NoError(t, err)
	cards, err := s.Batches.Cards(ctx, id, 1)
	require.NoError(t, err)
	require.Len(t, cards, 2)
	for _, c := range cards {
		require.Equal(t, c.ApplicationID == a.ID, len(c.Photo) == 0)
	}
	require.Equal(t, []uuid.UUID{a.ID}, s.WriteFile(id, 1))
	require.Equal(t, card.Mending, s.State(a))
	require.Equal(t, batchstore.Snapshot{State: batch.Rendered, Cards: 1}, s.Render(id))
	require.Equal(t, card.Producing, s.State(b))
}

// A worker whose key set lacks the key takes nobody out: nothing is wrong with the photos.
func TestForeignKeySetTakesNobodyOut(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Waiting(s.Branch)
	id := s.Freeze()
	keyset, index, err := vault.Generate()
	require.NoError(t, err)
	works := s.Batches
	works.Vault, err = vault.New(keyset, index)
	require.NoError(t, err)
	cards, err := works.Cards(ctx, id, 1)
	require.NoError(t, err)
	require.Empty(t, cards[0].Photo)
	_, err = works.WriteFile(ctx, id, batchstore.File{Kind: batchstore.Print, N: 1}, batchstore.Rejection{Seqs: []int{1}, MendUntil: s.Clock.Now()})
	require.Error(t, err)
	require.Equal(t, card.Producing, s.State(a))
	require.Zero(t, s.Count("SELECT count(*) FROM batch_file"))
}

func TestBatchWithoutACardLeftIsDone(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	s.Waiting(s.Branch)
	id := s.Freeze()
	_, err := s.DB.Exec(ctx, "UPDATE batch_card SET design_hash = sha256('other')")
	require.NoError(t, err)
	for range 2 {
		require.Equal(t, batchstore.Snapshot{State: batch.Done}, s.Render(id))
	}
	require.Zero(t, s.Count("SELECT count(*) FROM parcel"))
	require.Equal(t, 1, s.Count("SELECT count(*) FROM batch WHERE done_at IS NOT NULL AND cards = 0"))
}

func TestReportsComeInOrder(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	s.Waiting(s.Branch)
	id := s.Freeze()
	_, err := s.Batches.ReportPrinted(ctx, id, s.Factory)
	require.True(t, fault.Is(err, fault.Conflict), "the files are not written")
	s.Render(id)
	_, err = s.Batches.ReportShipped(ctx, id, s.Factory)
	require.True(t, fault.Is(err, fault.Conflict), "the cards are not printed")
	_, err = s.Batches.ConfirmArrival(ctx, s.Arrival(id, s.Branch), s.Until)
	require.True(t, fault.Is(err, fault.Conflict), "the parcel has not left")
	for range 2 {
		snap, err := s.Batches.ReportPrinted(ctx, id, s.Factory)
		require.NoError(t, err)
		require.Equal(t, batch.Printed, snap.State)
	}
	for range 2 {
		snap, err := s.Batches.ReportShipped(ctx, id, s.Factory)
		require.NoError(t, err)
		require.Equal(t, batch.Shipped, snap.State)
	}
	snap, err := s.Batches.ReportPrinted(ctx, id, s.Factory)
	require.NoError(t, err)
	require.Equal(t, batch.Shipped, snap.State, "the same report again")
	require.Equal(t, []string{"batch-freeze", "batch-render", "batch-print", "batch-ship"},
		s.Texts("SELECT action FROM audit_entry WHERE subject_id = $1 ORDER BY seq", id))
	_, err = s.Batches.ReportPrinted(ctx, uuid.Must(uuid.NewV7()), s.Factory)
	require.True(t, fault.Is(err, fault.NotFound))
}

func TestParcelsArriveOnceEach(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a, b, c := s.Waiting(s.Branch), s.Waiting(s.Branch), s.Waiting(s.Other)
	id := s.Freeze()
	s.Make(id)
	mine := s.Arrival(id, s.Branch)
	theirs := mine
	theirs.BranchID, theirs.StaffID = s.Other, s.OtherClerk
	_, err := s.Batches.ConfirmArrival(ctx, theirs, s.Until)
	require.True(t, fault.Is(err, fault.NotFound), "the parcel of another branch (T59)")
	unknown := mine
	unknown.ParcelID = uuid.Must(uuid.NewV7())
	_, err = s.Batches.ConfirmArrival(ctx, unknown, s.Until)
	require.True(t, fault.Is(err, fault.NotFound))

	// Two clerks of the branch, several clicks each, all at once.
	second := mine
	second.StaffID = s.Rows.Clerk("陈柜员", s.Branch)
	var wg sync.WaitGroup
	for range 4 {
		for _, in := range []batchstore.Arrival{mine, second} {
			wg.Go(func() {
				if snap, err := s.Batches.ConfirmArrival(ctx, in, s.Until); err != nil || snap.State != batch.Shipped {
					t.Error(snap, err)
				}
			})
		}
	}
	wg.Wait()
	for _, x := range []stage.Applicant{a, b} {
		require.Equal(t, card.Ready, s.State(x))
		require.Equal(t, []string{"submit", "approve", "freeze", "arrive"}, s.Moves(x))
		require.Equal(t, []string{"card-approved", "card-arrived"}, s.Told(x))
	}
	require.Equal(t, card.Producing, s.State(c))
	require.Equal(t, 1, s.Count("SELECT count(*) FROM parcel WHERE arrived_at IS NOT NULL"))
	require.NoError(t, s.Batches.DropFiles(ctx, id))
	require.Equal(t, 2, s.Count("SELECT count(*) FROM batch_file"), "a batch under way keeps its files")

	for range 2 {
		require.Equal(t, batch.Done, s.Arrive(id, s.Other).State)
	}
	require.Equal(t, []string{"card-approved", "card-arrived"}, s.Told(c))
	require.Equal(t, 1, s.Count("SELECT count(*) FROM audit_entry WHERE subject_id = $1 AND action = 'batch-end'", id))
	for range 2 {
		require.NoError(t, s.Batches.DropFiles(ctx, id))
	}
	require.Zero(t, s.Count("SELECT count(*) FROM batch_file"), "they hold names and photos")
	_, err = s.Batches.Body(ctx, id, batchstore.Print, 1)
	require.True(t, fault.Is(err, fault.NotFound))
}

// Files whose process could not delete them are swept; those of a batch under way stay.
func TestSweepTakesTheFilesOfWhatIsDone(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	require.Equal(t, card.Ready, s.State(s.Ready()))
	s.Waiting(s.Branch)
	s.Render(s.Freeze())
	for _, want := range []int64{2, 0} {
		n, err := s.Batches.Sweep(ctx, 10)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	require.Equal(t, 2, s.Count("SELECT count(*) FROM batch_file f JOIN batch b ON b.id = f.batch_id WHERE b.state = 'rendered'"))
}

// WakeParcel walks the cards of a parcel in pages: none is left out, none comes twice.
func TestArrivedCasesInPages(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	want := map[uuid.UUID]bool{}
	for range 5 {
		want[s.Waiting(s.Branch).ID] = true
	}
	s.Waiting(s.Other)
	id := s.Freeze()
	s.Make(id)
	s.Arrive(id, s.Branch)
	var after uuid.UUID
	for range 3 {
		page, err := s.Batches.Cases(ctx, id, "arrived", s.Branch, after, 2)
		require.NoError(t, err)
		for _, x := range page {
			require.True(t, want[x], x)
			delete(want, x)
			after = x
		}
	}
	require.Empty(t, want)
}

func TestReadsForPages(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	cards, oldest, err := s.Reads.Queue(ctx)
	require.NoError(t, err)
	require.Zero(t, cards)
	require.Nil(t, oldest)
	for _, branch := range []uuid.UUID{s.Branch, s.Branch, s.Other} {
		s.Waiting(branch)
	}
	cards, oldest, err = s.Reads.Queue(ctx)
	require.NoError(t, err)
	require.Equal(t, 3, cards)
	require.True(t, stage.Start.Equal(*oldest))
	id := s.Freeze()
	s.Make(id)
	s.Arrive(id, s.Branch)
	b, err := s.Reads.Get(ctx, id)
	require.NoError(t, err)
	require.Equal(t, "PC2026112301 shipped 3 0 2 1", fmt.Sprint(b.Number, " ", b.State, " ", b.Cards, " ", b.Rejected, " ", b.Parcels, " ", b.Arrived))
	recent, err := s.Reads.Recent(ctx, 10, 0)
	require.NoError(t, err)
	require.Equal(t, []batchstore.Batch{b}, recent)
	recent, err = s.Reads.Recent(ctx, 10, 1)
	require.NoError(t, err)
	require.Empty(t, recent)
	files, err := s.Reads.Files(ctx, id)
	require.NoError(t, err)
	require.Len(t, files, 2)
	require.Equal(t, batchstore.Manifest, files[0].Kind)
	parcels, err := s.Reads.Parcels(ctx, id)
	require.NoError(t, err)
	require.Len(t, parcels, 2)
	coming, err := s.Reads.UnderWay(ctx, s.Branch)
	require.NoError(t, err)
	require.Empty(t, coming, "it has come")
	coming, err = s.Reads.UnderWay(ctx, s.Other)
	require.NoError(t, err)
	require.Len(t, coming, 1)
	_, _, err = s.Reads.ParcelCards(ctx, s.Branch, coming[0].ID)
	require.True(t, fault.Is(err, fault.NotFound), "another branch's parcel")
	_, list, err := s.Reads.ParcelCards(ctx, s.Other, coming[0].ID)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.NotEmpty(t, list[0].HolderName)
	_, err = s.DB.Exec(ctx, "UPDATE consent SET withdrawn_at = now() WHERE purpose = 'bank'")
	require.NoError(t, err)
	_, list, err = s.Reads.ParcelCards(ctx, s.Other, coming[0].ID)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Empty(t, list[0].HolderName, "the bank is told no more of its holder")
	_, err = s.Reads.Get(ctx, uuid.Must(uuid.NewV7()))
	require.True(t, fault.Is(err, fault.NotFound))
}

func TestNothingGoesToTheFactoryAgainstAPersonsWord(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a, b := s.Waiting(s.Branch), s.Waiting(s.Branch)
	never := s.Waiting(s.Branch) // applied before it was asked
	_, err := s.DB.Exec(ctx, "UPDATE consent SET withdrawn_at = now() WHERE person_id = $1 AND purpose = 'factory'", a.Person)
	require.NoError(t, err)
	_, err = s.DB.Exec(ctx, "UPDATE consent SET purpose = 'another-' || purpose WHERE person_id = $1 AND purpose IN ('factory', 'photo')", never.Person)
	require.NoError(t, err)
	snap, err := s.Batches.Freeze(ctx, uuid.Must(uuid.NewV7()))
	require.NoError(t, err)
	require.Equal(t, 2, snap.Cards)
	require.Equal(t, []card.State{card.Waiting, card.Producing, card.Producing}, []card.State{s.State(a), s.State(b), s.State(never)})

	// Given again, it goes with the next batch.
	_, err = s.DB.Exec(ctx, `INSERT INTO consent (id, person_id, purpose, recipient, version, given_at)
		VALUES ($1, $2, 'factory', 'factory', 'any', now())`, uuid.Must(uuid.NewV7()), a.Person)
	require.NoError(t, err)
	snap, err = s.Batches.Freeze(ctx, uuid.Must(uuid.NewV7()))
	require.NoError(t, err)
	require.Equal(t, 1, snap.Cards)
}
