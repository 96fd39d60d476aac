package activities

import (
	"context"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"go.temporal.io/sdk/activity"

	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/place"
	"volcard/internal/store/batchstore"
)

// Batch makes and moves batches of regular cards.
type Batch struct {
	Batches  batchstore.Batches
	Reads    batchstore.Reads
	Printer  Printer
	Calendar func(context.Context) (*calendar.Calendar, error)
	Terms    card.RegularTerms
	Pickup   card.Terms
	Clock    clock.Clock
	// Wake tells the process of an application that a set-based move moved its row.
	Wake func(ctx context.Context, application uuid.UUID) error
}

// Printer draws the files of a factory. Its implementation is internal/render, joined by the program.
type Printer interface {
	// Print draws front and back of the cards. A card whose design is not what was confirmed is left
	// out and named by its seq. progress is called now and then.
	Print(ctx context.Context, cards []batchstore.Card, progress func()) (PrintFile, error)
	// Manifest writes the list of what was printed.
	Manifest(lines []batchstore.Line) ([]byte, error)
}

// PrintFile is a drawn file.
type PrintFile struct {
	PDF      []byte
	Hashes   map[int][32]byte // of the cards in it, by seq
	Rejected []int
}

// DayInput is empty; a struct of its own leaves room for more.
type DayInput struct{}

// Day is what a scheduled run needs to know of today.
type Day struct {
	Workday bool
	Waiting int
}

// LookAtDay tells whether today is a working day and how many cards wait for a batch.
func (b *Batch) LookAtDay(ctx context.Context, _ DayInput) (Day, error) {
	cal, err := b.Calendar(ctx)
	if err != nil {
		return Day{}, err
	}
	workday, _ := cal.IsWorkday(calendar.DateOf(b.Clock.Now()))
	waiting, _, err := b.Reads.Queue(ctx)
	return Day{Workday: workday || b.Terms.Pace.Workday > 0, Waiting: waiting}, err
}

// BatchInput names a batch.
type BatchInput struct {
	BatchID uuid.UUID
}

// LookAtBatch tells where the batch stands.
func (b *Batch) LookAtBatch(ctx context.Context, in BatchInput) (batchstore.Snapshot, error) {
	return b.Batches.Look(ctx, in.BatchID)
}

// FreezeBatch takes what waits into the batch.
func (b *Batch) FreezeBatch(ctx context.Context, in BatchInput) (batchstore.Snapshot, error) {
	defer beat(ctx)()
	return b.Batches.Freeze(ctx, in.BatchID)
}

// FileInput names a print file; n counts from 1.
type FileInput struct {
	BatchID uuid.UUID
	N       int
}

// RenderFile draws a print file and stores it. Cards whose content differs from what was confirmed are
// taken out, and their processes hear of it.
func (b *Batch) RenderFile(ctx context.Context, in FileInput) error {
	has, err := b.Batches.HasFile(ctx, in.BatchID, batchstore.Print, in.N)
	if err != nil {
		return err
	}
	var file PrintFile
	if !has {
		cards, err := b.Batches.Cards(ctx, in.BatchID, in.N)
		if err != nil {
			return err
		}
		if file, err = b.Printer.Print(ctx, cards, func() { activity.RecordHeartbeat(ctx) }); err != nil {
			return err
		}
	}
	cal, err := b.Calendar(ctx)
	if err != nil {
		return err
	}
	rejected, err := b.Batches.WriteFile(ctx, in.BatchID,
		batchstore.File{Kind: batchstore.Print, N: in.N, Body: file.PDF, Hashes: file.Hashes},
		batchstore.Rejection{Seqs: file.Rejected, MendUntil: cal.After(b.Clock.Now(), b.Terms.MendDays, b.Terms.Pace)})
	if err != nil {
		return err
	}
	return b.wake(ctx, rejected)
}

// FinishBatch writes the manifest and makes the parcels: the factory may begin.
func (b *Batch) FinishBatch(ctx context.Context, in BatchInput) (batchstore.Snapshot, error) {
	defer beat(ctx)()
	lines, err := b.Batches.Lines(ctx, in.BatchID)
	if err != nil {
		return batchstore.Snapshot{}, err
	}
	if len(lines) > 0 {
		body, err := b.Printer.Manifest(lines)
		if err != nil {
			return batchstore.Snapshot{}, err
		}
		_, err = b.Batches.WriteFile(ctx, in.BatchID, batchstore.File{Kind: batchstore.Manifest, N: 1, Body: body}, batchstore.Rejection{})
		if err != nil {
			return batchstore.Snapshot{}, err
		}
	}
	return b.Batches.Finish(ctx, in.BatchID)
}

// ReportInput is a word of the factory about a batch.
type ReportInput struct {
	BatchID uuid.UUID
	StaffID uuid.UUID
}

// ReportPrinted records that the cards are printed.
func (b *Batch) ReportPrinted(ctx context.Context, in ReportInput) (batchstore.Snapshot, error) {
	return b.Batches.ReportPrinted(ctx, in.BatchID, in.StaffID)
}

// ReportShipped records that the parcels left.
func (b *Batch) ReportShipped(ctx context.Context, in ReportInput) (batchstore.Snapshot, error) {
	return b.Batches.ReportShipped(ctx, in.BatchID, in.StaffID)
}

// ConfirmArrival makes the cards of a parcel ready at its branch.
func (b *Batch) ConfirmArrival(ctx context.Context, in batchstore.Arrival) (batchstore.Snapshot, error) {
	cal, err := b.Calendar(ctx)
	if err != nil {
		return batchstore.Snapshot{}, err
	}
	return b.Batches.ConfirmArrival(ctx, in, func(now time.Time, hours place.WeekHours) time.Time {
		return b.Pickup.PickupUntil(now, place.Opening{Hours: hours, Calendar: cal})
	})
}

// wakePage is how many cases are read at a time.
const wakePage = 200

// WakeParcel tells the processes of a parcel's cards that they have arrived. It goes on where a killed
// worker stopped; a process that hears it twice looks twice.
func (b *Batch) WakeParcel(ctx context.Context, in batchstore.Arrival) error {
	var after uuid.UUID
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &after); err != nil {
			return err
		}
	}
	for {
		ids, err := b.Batches.Cases(ctx, in.BatchID, "arrived", in.BranchID, after, wakePage)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, after = range ids {
			if err := b.Wake(ctx, after); err != nil {
				return err
			}
			activity.RecordHeartbeat(ctx, after)
		}
	}
}

// beat tells every few seconds that the worker lives, while one statement takes its time. The returned
// function ends it.
func beat(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() {
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	})
	return func() {
		cancel()
		ended.Wait()
	}
}

func (b *Batch) wake(ctx context.Context, ids []uuid.UUID) error {
	for _, id := range ids {
		if err := b.Wake(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// DropFiles deletes the files of a batch that is done.
func (b *Batch) DropFiles(ctx context.Context, in BatchInput) error {
	return b.Batches.DropFiles(ctx, in.BatchID)
}
