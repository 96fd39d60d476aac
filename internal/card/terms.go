package card

import (
	"slices"
	"time"

	"volcard/internal/calendar"
	"volcard/internal/clock"
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

// PickupUntil is when a card that is ready now lapses. Whole days run until the end of the last
// one in Shanghai, so that a person can rely on the date.
func (t Terms) PickupUntil(ready time.Time) time.Time {
	const day = 24 * time.Hour
	until := ready.Add(t.Pickup)
	if t.Pickup%day != 0 {
		return until
	}
	y, m, d := until.In(clock.Shanghai).Date()
	return time.Date(y, m, d, 23, 59, 59, 0, clock.Shanghai).UTC()
}

// RemindersAfter lists the reminders of a card that became ready then and lapses at until, in order.
func (t Terms) RemindersAfter(ready, until time.Time) []time.Time {
	var times []time.Time
	for _, after := range t.Reminders {
		if at := ready.Add(after); at.Before(until) {
			times = append(times, at)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
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
	// Pace shortens a working day for a demonstration; the zero Pace is the calendar's.
	Pace calendar.Pace
}

// DefaultRegularTerms are the periods in force where nothing else is set.
func DefaultRegularTerms() RegularTerms {
	return RegularTerms{Promise: calendar.DefaultPromise(), MendDays: 15}
}
