package card

import (
	"slices"
	"time"

	"volcard/internal/calendar"
	"volcard/internal/clock"
	"volcard/internal/place"
)

// Terms are the periods that an operator may set (internal/config.Cards).
type Terms struct {
	// Pickup is how long a card waits at the branch before it lapses: 30 days.
	Pickup time.Duration
	// Reminders are the times after Ready at which the holder is reminded, while not collected.
	Reminders []time.Duration
	// Lapsed is how long a lapsed application stays open for a new choice of branch.
	Lapsed time.Duration
	// Undo is how long a clerk can take a hand-over back.
	Undo time.Duration
	// Years is how long a card is valid.
	Years int
}

// DefaultTerms are the periods in force where nothing else is set.
func DefaultTerms() Terms {
	const day = 24 * time.Hour
	return Terms{
		Pickup: 30 * day, Reminders: []time.Duration{7 * day, 23 * day, 28 * day},
		Lapsed: 180 * day, Undo: 10 * time.Minute, Years: 5,
	}
}

// PickupUntil is when a card that is ready now at a branch lapses. Whole days run until the end of the last one
// in Shanghai, so that a person can rely on the date; the last one is a day on which the branch is open.
func (t Terms) PickupUntil(ready time.Time, branch place.Opening) time.Time {
	const day = 24 * time.Hour
	until := ready.Add(t.Pickup)
	if t.Pickup%day != 0 {
		return until
	}
	until, _ = LastOpenDay(calendar.EndOf(calendar.DateOf(until)), branch)
	return until
}

// LastOpenDay moves the last day of a wait on which the branch is closed to the next open one, never to an
// earlier one. It reports whether it moved. A wait that ends within a day, as in a demonstration, stays.
func LastOpenDay(until time.Time, branch place.Opening) (time.Time, bool) {
	last := calendar.DateOf(until)
	open := branch.OpenDay(last)
	if open == last || !until.Equal(calendar.EndOf(last)) {
		return until, false
	}
	return calendar.EndOf(open), true
}

// RemindersAfter lists the reminders of a card that became ready then and lapses at until, in order, at most one
// a day. One that falls on a day on which the branch is closed comes on the next open day; where that is not
// before the last day, on the open day before it.
func (t Terms) RemindersAfter(ready, until time.Time, branch place.Opening) []time.Time {
	const day = 24 * time.Hour
	first, last := calendar.DateOf(ready), calendar.DateOf(until)
	var times []time.Time
	for _, after := range slices.Sorted(slices.Values(t.Reminders)) {
		at := ready.Add(after)
		if !at.Before(until) {
			break
		}
		d := calendar.DateOf(at)
		to := branch.OpenDay(d)
		if to != d && !to.Before(last) {
			for to = d; !branch.OpenOn(to) && first.Before(to); {
				to = to.Plus(-1)
			}
			if to == first {
				to = d // no open day lies between
			}
		}
		at = at.Add(time.Duration(to.Compare(d)) * day)
		if n := len(times); n > 0 && after%day == 0 && calendar.DateOf(times[n-1]) == to {
			continue
		}
		times = append(times, at)
	}
	return times
}

// ExpiresAt is the last second of a card that is issued now: the end of the day before the
// anniversary, in Shanghai.
func (t Terms) ExpiresAt(issued time.Time) time.Time {
	y, m, d := issued.In(clock.Shanghai).Date()
	return time.Date(y+t.Years, m, d, 0, 0, 0, 0, clock.Shanghai).Add(-time.Second).UTC()
}

// RegularTerms are the periods of the regular edition, in working days.
type RegularTerms struct {
	// Promise is when the card is at the branch: 10 to 15 working days after the submission.
	Promise calendar.PromiseTerms
	// MendDays is how long an applicant has to mend what was refused: 15.
	MendDays int
	// Retract is how long a reviewer can take the approval of a photo back: 10 seconds.
	Retract time.Duration
	// Pace shortens a working day for a demonstration; the zero Pace is the calendar's.
	Pace calendar.Pace
}

const (
	// ReviewClaim is how long a reviewer keeps a case: long enough to look twice, short enough for lunch.
	ReviewClaim = 15 * time.Minute
	// RetractWindow is how long a reviewer can take an approval back.
	RetractWindow = 10 * time.Second
)

// DefaultRegularTerms are the periods in force where nothing else is set.
func DefaultRegularTerms() RegularTerms {
	return RegularTerms{Promise: calendar.DefaultPromise(), MendDays: 15, Retract: RetractWindow}
}
