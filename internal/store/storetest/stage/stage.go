// Package stage sets the scene for tests of the regular edition: the real stores, a calendar that another
// may follow, and a designer that draws nothing. New sets it on a database of the test's own with everybody
// whom a card meets; On makes the works alone on what a test already has, a server for example.
package stage

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
	"volcard/internal/clock"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/photostore"
	"volcard/internal/store/storetest"
	"volcard/internal/vault"
)

// Start is when every scene begins: Monday 2026-11-23, nine o'clock in Shanghai.
var Start = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

// Stage is one database with two branches and everybody whom a regular card meets.
type Stage struct {
	Works
	Vault *vault.Vault
	Clock *clock.Fake
	Owner string // URL of the database's owner

	Promises cardstore.Promises
	Pickups  cardstore.Pickups
	Reviews  photostore.Reviews
	Reads    batchstore.Reads

	Branch, Other                               uuid.UUID
	Clerk, OtherClerk, Reviewer, Factory, Admin uuid.UUID

	people *people
}

type people struct {
	mu sync.Mutex
	n  int
}

// New sets the scene.
func New(t testing.TB) *Stage {
	t.Helper()
	db, owner := storetest.NewWithURL(t)
	v := storetest.Vault(t)
	fake := clock.NewFake(Start)
	w := On(t, db, v, fake, func(in cardstore.Intent) (string, string, error) { return "TOKEN" + in.Number, "TEST", nil })
	s := &Stage{
		Works: w, Vault: v, Clock: fake, Owner: owner, people: &people{},
		Promises: cardstore.Promises{Store: w.Process.Store, Regular: w.Process.Regular},
		Pickups:  cardstore.Pickups{Store: w.Process.Store, Regular: w.Process.Regular},
		Reviews:  photostore.Reviews{Photos: w.Photos}, Reads: batchstore.Reads{Store: w.Batches.Store},
	}
	s.Branch, s.Other = s.Rows.Branch("光谷支行"), s.Rows.Branch("街道口支行")
	s.Clerk, s.OtherClerk = s.Rows.Clerk("李柜员", s.Branch), s.Rows.Clerk("周柜员", s.Other)
	s.Reviewer, s.Factory = s.Rows.Staff("赵审核", "reviewer"), s.Rows.Staff("钱师傅", "factory")
	s.Admin = s.Rows.Staff("孙管理", "province_admin")
	s.Rows.SigningKey("TEST")
	return s
}

// Person adds somebody with a portrait, which the automatic check found clear or doubtful.
func (s *Stage) Person(verdict string) Applicant {
	s.T.Helper()
	s.people.mu.Lock()
	s.people.n++
	n := s.people.n
	s.people.mu.Unlock()
	a := Applicant{Name: "王𠮷"}
	a.Person = s.Rows.Person(a.Name, storetest.IDNumber(n))
	a.Photo = s.Rows.Photo(a.Person, verdict, fmt.Appendf(nil, "portrait %d", n)) // no upload: that limit is its own
	return a
}

// Draft is complete, at the first branch.
func (s *Stage) Draft(a Applicant) card.Draft { return s.draft(a, s.Branch) }

// Submitted is a new case at a branch.
func (s *Stage) Submitted(verdict string, branch uuid.UUID) Applicant {
	s.T.Helper()
	return s.submitted(s.Person(verdict), branch)
}

// Waiting is a case in the queue of the next batch.
func (s *Stage) Waiting(branch uuid.UUID) Applicant {
	s.T.Helper()
	a := s.Submitted("clear", branch)
	snap, err := s.Process.Issue(context.Background(), a.ID)
	require.NoError(s.T, err)
	require.Equal(s.T, card.Waiting, snap.State)
	return a
}

// Reviewing is a case that the reviewer has taken.
func (s *Stage) Reviewing() Applicant {
	s.T.Helper()
	ctx := context.Background()
	a := s.Submitted("doubtful", s.Branch)
	snap, err := s.Process.Issue(ctx, a.ID)
	require.NoError(s.T, err)
	require.Equal(s.T, card.Reviewing, snap.State)
	taken, err := s.Reviews.Take(ctx, s.Reviewer)
	require.NoError(s.T, err)
	require.Equal(s.T, a.ID, taken)
	return a
}

// Mending is a case whose photo was refused.
func (s *Stage) Mending() Applicant {
	s.T.Helper()
	a := s.Reviewing()
	snap, err := s.Regular.DecidePhoto(context.Background(), s.Decision(a, false))
	require.NoError(s.T, err)
	require.Equal(s.T, card.Mending, snap.State)
	return a
}

// Approve has the reviewer approve the photo of a case, and lets the approval take effect.
func (s *Stage) Approve(a Applicant) cardstore.Snapshot {
	s.T.Helper()
	snap, err := s.Regular.DecidePhoto(context.Background(), s.Decision(a, true))
	require.NoError(s.T, err)
	require.Equal(s.T, card.Reviewing, snap.State)
	s.Clock.Advance(card.RetractWindow)
	snap, err = s.Process.Look(context.Background(), a.ID)
	require.NoError(s.T, err)
	return snap
}

// Decision is what the reviewer presses.
func (s *Stage) Decision(a Applicant, approve bool) cardstore.PhotoDecision {
	d := cardstore.PhotoDecision{ApplicationID: a.ID, StaffID: s.Reviewer, PhotoID: a.Photo, Approve: approve}
	if !approve {
		d.Reason = "照片太暗，请重拍。"
	}
	return d
}

// Make renders a batch and has the factory print and ship it.
func (s *Stage) Make(id uuid.UUID) {
	s.T.Helper()
	require.Equal(s.T, batch.Rendered, s.Render(id).State)
	s.Ship(id, s.Factory)
}

// Arrival is what the clerk of a branch presses.
func (s *Stage) Arrival(id, branch uuid.UUID) batchstore.Arrival {
	s.T.Helper()
	staff := s.Clerk
	if branch == s.Other {
		staff = s.OtherClerk
	}
	return s.arrival(id, branch, staff)
}

// Arrive confirms the arrival of a parcel.
func (s *Stage) Arrive(id, branch uuid.UUID) batchstore.Snapshot {
	s.T.Helper()
	return s.Receive(id, branch, s.Arrival(id, branch).StaffID)
}

// Ready is a case whose card has arrived at the first branch.
func (s *Stage) Ready() Applicant {
	s.T.Helper()
	a := s.Waiting(s.Branch)
	id := s.Freeze()
	s.Make(id)
	s.Arrive(id, s.Branch)
	return a
}

// HandOver is what the clerk presses, with the card's own number.
func (s *Stage) HandOver(a Applicant) cardstore.HandOver {
	s.T.Helper()
	return cardstore.HandOver{
		ApplicationID: a.ID, BranchID: s.Branch, StaffID: s.Clerk, Serial: s.CardNumber(a),
	}
}
