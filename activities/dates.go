package activities

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"go.temporal.io/sdk/activity"

	"volcard/internal/store/cardstore"
)

// Dates keeps what was promised in step with the calendar: when a card is at its branch, and until when it
// waits there.
type Dates struct {
	Promises cardstore.Promises
	Pickups  cardstore.Pickups
	// Wake tells the process of an application that its row was moved.
	Wake func(ctx context.Context, application uuid.UUID) error
}

// datesPage is how many cases are recomputed in one transaction.
const datesPage = 200

// datesDone is where a killed worker stopped.
type datesDone struct {
	Last    uuid.UUID
	Changed int
}

// RecomputePromises gives every open promise the dates of the calendar in force, moves the last days of waiting
// cards on which their branch is closed, and wakes the processes whose dates moved. It returns how many did. It
// goes on where a killed worker stopped.
func (d *Dates) RecomputePromises(ctx context.Context) (int, error) {
	var done datesDone
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &done); err != nil {
			return 0, err
		}
	}
	// A worker that was killed may have committed a page and woken nobody of it.
	again := activity.GetInfo(ctx).Attempt > 1
	for {
		page, err := d.Promises.Recompute(ctx, done.Last, datesPage)
		if err != nil {
			return done.Changed, err
		}
		if page.Last.IsNil() {
			break
		}
		wake := page.Changed
		if again {
			wake = page.Cases
		}
		for _, id := range wake {
			if err := d.Wake(ctx, id); err != nil {
				return done.Changed, err
			}
			activity.RecordHeartbeat(ctx, done)
		}
		again = false
		done.Last, done.Changed = page.Last, done.Changed+len(page.Changed)
		activity.RecordHeartbeat(ctx, done)
	}
	return d.extendPickups(ctx, done)
}

// extendPickups moves last days page by page. A process that a killed worker did not wake finds the later day
// in its row when the old one has come.
func (d *Dates) extendPickups(ctx context.Context, done datesDone) (int, error) {
	for {
		moved, err := d.Pickups.Extend(ctx, datesPage)
		if err != nil || len(moved) == 0 {
			return done.Changed, err
		}
		done.Changed += len(moved)
		for _, id := range moved {
			activity.RecordHeartbeat(ctx, done)
			if err := d.Wake(ctx, id); err != nil {
				return done.Changed, err
			}
		}
	}
}
