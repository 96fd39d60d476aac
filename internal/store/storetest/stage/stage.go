// Package stage sets the scene for tests of the regular edition: the real stores on a database of the
// test's own, a clock that stands, a calendar that another may follow, and a designer that draws nothing.
package stage

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/calendar"
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

// Faces that the scene offers; Withdrawn was offered once.
const (
	Face      = "yellow-crane"
	OtherFace = "east-lake"
	Withdrawn = "old-bridge"
)

// Stage is one database with two branches and everybody whom a regular card meets.
type Stage struct {
	Books
	*Almanac
	Vault *vault.Vault
	Clock *clock.Fake
	Rows  storetest.Rows
	Owner string // URL of the database's owner

	Process     cardstore.Process
	Regular     cardstore.RegularProcess
	Submissions cardstore.Submissions
	Promises    cardstore.Promises
	Reviews     photostore.Reviews
	Batches     batchstore.Batches
	Reads       batchstore.Reads

	Branch, Other                               uuid.UUID
	Clerk, OtherClerk, Reviewer, Factory, Admin uuid.UUID

	people *people
}

// Applicant is a person of the scene with a case.
type Applicant struct {
	Person, Photo, ID uuid.UUID
}

// Almanac keeps the calendar in force.
type Almanac struct {
	mu  sync.Mutex
	cal *calendar.Calendar
}

func (c *Almanac) get(context.Context) (*calendar.Calendar, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cal, nil
}

type people struct {
	mu sync.Mutex
	n  int
}

// designs tells layouts apart by what stands in them.
type designs struct{}

// Offered implements cardstore.Designs.
func (designs) Offered(face string) bool { return face == Face || face == OtherFace }

// Hash implements cardstore.Designs.
func (designs) Hash(in cardstore.Design) ([32]byte, error) {
	return sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%x", in.Face, in.HolderName, in.VolunteerNo, in.Photo)), nil
}

// New sets the scene.
func New(t testing.TB) *Stage {
	t.Helper()
	db, owner := storetest.NewWithURL(t)
	v := storetest.Vault(t)
	fake := clock.NewFake(Start)
	s := &Stage{
		Books: Books{T: t, DB: db}, Almanac: &Almanac{cal: calendar.New(calendar.BuiltIn()...)},
		Vault: v, Clock: fake, Owner: owner, Rows: storetest.Rows{T: t, DB: db, Vault: v, Now: Start}, people: &people{},
	}
	cards := cardstore.Store{DB: db, Vault: v, Clock: fake}
	regular := cardstore.Regular{Designs: designs{}, Calendar: s.get, Terms: card.DefaultRegularTerms()}
	s.Process = cardstore.Process{
		Store: cards, Terms: card.DefaultTerms(), Regular: regular,
		Sign:    func(in cardstore.Intent) (string, string, error) { return "TOKEN" + in.Number, "TEST", nil },
		Missing: func(string) []rune { return nil },
	}
	s.Regular = cardstore.RegularProcess{Process: s.Process}
	s.Submissions = cardstore.Submissions{Store: cards, Regular: regular}
	s.Promises = cardstore.Promises{Store: cards, Regular: regular}
	s.Reviews = photostore.Reviews{Photos: photostore.Photos{DB: db, Vault: v, Clock: fake}}
	s.Batches = batchstore.Batches{Store: batchstore.Store{DB: db, Vault: v, Clock: fake}}
	s.Reads = batchstore.Reads{Store: s.Batches.Store}
	s.Branch, s.Other = s.Rows.Branch("光谷支行"), s.Rows.Branch("街道口支行")
	s.Clerk, s.OtherClerk = s.Rows.Clerk("李柜员", s.Branch), s.Rows.Clerk("周柜员", s.Other)
	s.Reviewer, s.Factory = s.Rows.Staff("赵审核", "reviewer"), s.Rows.Staff("钱师傅", "factory")
	s.Admin = s.Rows.Staff("孙管理", "province_admin")
	s.Rows.SigningKey("TEST")
	return s
}

// Import puts another calendar in force.
func (c *Almanac) Import(cal *calendar.Calendar) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cal = cal
}

// Calendar is the calendar in force.
func (c *Almanac) Calendar() *calendar.Calendar {
	cal, _ := c.get(context.Background())
	return cal
}

// Person adds somebody with a portrait, which the automatic check found clear or doubtful.
func (s *Stage) Person(verdict string) Applicant {
	s.T.Helper()
	s.people.mu.Lock()
	s.people.n++
	n := s.people.n
	s.people.mu.Unlock()
	a := Applicant{Person: s.Rows.Person("王𠮷", storetest.IDNumber(n))}
	a.Photo = s.Rows.Photo(a.Person, verdict, fmt.Appendf(nil, "portrait %d", n))
	return a
}

// Draft is complete, at the first branch.
func (s *Stage) Draft(a Applicant) card.Draft {
	return card.Draft{
		Edition: card.Regular, Identity: card.Social, NoticeVersion: card.NoticeVersion, Phone: "13800000000",
		PhoneVerifiedAt: s.Clock.Now(), UnitName: "光谷社区", DivisionCode: "420106", Address: "一号", BranchID: s.Branch,
		PhotoID: a.Photo, Face: Face,
	}
}

// Form saves a draft and returns what its preview would send.
func (s *Stage) Form(a Applicant, d card.Draft) cardstore.Submission {
	s.T.Helper()
	ctx := context.Background()
	drafts := cardstore.Drafts{Store: s.Process.Store}
	_, version, err := drafts.Load(ctx, a.Person)
	require.NoError(s.T, err)
	_, err = drafts.Save(ctx, a.Person, d, version)
	require.NoError(s.T, err)
	f, err := s.Submissions.Facts(ctx, a.Person, d)
	require.NoError(s.T, err)
	return cardstore.Submission{PersonID: a.Person, IdempotencyKey: uuid.Must(uuid.NewV4()), Content: card.ContentHash(d, f)}
}

// Submitted is a new case at a branch.
func (s *Stage) Submitted(verdict string, branch uuid.UUID) Applicant {
	s.T.Helper()
	a := s.Person(verdict)
	d := s.Draft(a)
	d.BranchID = branch
	accepted, reasons, err := s.Submissions.Submit(context.Background(), s.Form(a, d))
	require.NoError(s.T, err)
	require.Empty(s.T, reasons)
	a.ID = accepted.ID
	return a
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

// Decision is what the reviewer presses.
func (s *Stage) Decision(a Applicant, approve bool) cardstore.PhotoDecision {
	d := cardstore.PhotoDecision{ApplicationID: a.ID, StaffID: s.Reviewer, PhotoID: a.Photo, Approve: approve}
	if !approve {
		d.Reason = "照片太暗，请重拍。"
	}
	return d
}

// Design is a change to another photo or face, confirmed on its preview.
func (s *Stage) Design(a Applicant, photo uuid.UUID, face string) cardstore.NewDesign {
	s.T.Helper()
	return cardstore.NewDesign{ApplicationID: a.ID, PersonID: a.Person, PhotoID: photo, Face: face, Hash: s.Preview(a, photo, face)}
}

// Preview is the hash of what a preview shows.
func (s *Stage) Preview(a Applicant, photo uuid.UUID, face string) [32]byte {
	s.T.Helper()
	var name, no string
	var sealed []byte
	require.NoError(s.T, s.DB.QueryRow(context.Background(), `
		SELECT p.name, p.volunteer_no, f.image FROM person p, photo f WHERE p.id = $1 AND f.id = $2`, a.Person, photo).Scan(&name, &no, &sealed))
	image, err := s.Vault.Unseal(sealed, cardstore.LabelPhoto)
	require.NoError(s.T, err)
	hash, err := designs{}.Hash(cardstore.Design{Face: face, HolderName: name, VolunteerNo: no, Photo: image})
	require.NoError(s.T, err)
	return hash
}
