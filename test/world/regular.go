package world

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/photo"
	"volcard/internal/photo/demo"
	"volcard/internal/render"
	"volcard/internal/store/calendarstore"
	"volcard/internal/store/cardstore"
	"volcard/templates/faces"
	"volcard/workflows"
)

// Faces that a regular case of a test chooses.
const (
	Face      = "huanghelou"
	OtherFace = "donghu"
)

// designs lays regular cards out as the program does. Where the two differ, every batch rejects every card.
type designs struct{ faces render.Faces }

// Offered implements cardstore.Designs.
func (designs) Offered(face string) bool { return face == Face || face == OtherFace }

// Hash implements cardstore.Designs.
func (d designs) Hash(in cardstore.Design) ([32]byte, error) {
	face, err := d.faces.Face(in.Face)
	if err != nil {
		return [32]byte{}, err
	}
	list, err := render.Layout(face, render.CardData{
		Edition: card.Regular.Text(), HolderName: in.HolderName, VolunteerNo: in.VolunteerNo, Photo: in.Photo,
	})
	if err != nil {
		return [32]byte{}, err
	}
	return list.Hash(), nil
}

// portrait is the card's photo of somebody, made once.
var portrait = sync.OnceValues(func() (photo.Photo, error) {
	return photo.Make(context.Background(), demo.Portrait(0), photo.Crop{})
})

// allFaces are the program's own, loaded once: each is tried on its samples then.
var allFaces = sync.OnceValues(func() (render.Faces, error) { return render.LoadFaces(faces.FS) })

// Regular is how a regular case of a test begins.
type Regular struct {
	Verdict string // of the automatic check: clear or doubtful
	At      time.Time
	Workday time.Duration // how long a working day lasts; 0s: as the calendar says
	// Calendar, where set, is the one by which the dates were promised.
	Calendar *calendar.Calendar
}

// Making is what the regular edition needs, on this world's calendar.
func (w *World) Making(o Regular) cardstore.Regular {
	w.T.Helper()
	all, err := allFaces()
	require.NoError(w.T, err)
	terms := card.DefaultRegularTerms()
	terms.Pace.Workday = o.Workday
	years := calendarstore.Years{DB: w.DB, Clock: clock.System{}}
	return cardstore.Regular{Designs: designs{all}, Terms: terms, Calendar: func(ctx context.Context) (*calendar.Calendar, error) {
		if o.Calendar != nil {
			return o.Calendar, nil
		}
		cal, _, err := years.Load(ctx)
		return cal, err
	}}
}

// AcceptedRegular submits a regular application of a new person. Nobody starts its process.
func (w *World) AcceptedRegular(o Regular) *Case {
	w.T.Helper()
	ctx := context.Background()
	c := &Case{Branch: w.Branch, Clerk: w.Clerk, clock: clock.NewFake(o.At), world: w, making: w.Making(o)}
	c.Person = w.Rows.Person("王𠮷", IDNumber(w.nextPerson()))
	c.Photo = c.Upload(o.Verdict)
	d := w.draft(o.At)
	d.Edition, d.PhotoID, d.Face = card.Regular, c.Photo, Face
	_, err := cardstore.Drafts{Store: c.cards()}.Save(ctx, c.Person, d, 0)
	require.NoError(w.T, err)
	submissions := cardstore.Submissions{Store: c.cards(), Regular: c.making}
	facts, err := submissions.Facts(ctx, c.Person, d)
	require.NoError(w.T, err)
	accepted, reasons, err := submissions.Submit(ctx, cardstore.Submission{
		PersonID: c.Person, IdempotencyKey: uuid.Must(uuid.NewV4()), Content: card.ContentHash(d, facts),
	})
	require.NoError(w.T, err)
	require.Empty(w.T, reasons)
	c.ID = accepted.ID
	return c
}

// Upload adds a photo of the holder.
func (c *Case) Upload(verdict string) uuid.UUID {
	c.world.T.Helper()
	p, err := portrait()
	require.NoError(c.world.T, err)
	return c.world.Rows.Photo(c.Person, verdict, p.JPEG)
}

// Mend uploads another photo for the case, once.
func (c *Case) Mend(verdict string) {
	c.world.T.Helper()
	if !c.mended {
		c.Photo, c.mended = c.Upload(verdict), true
	}
}

// Phone seals a phone as the row of a case keeps it.
func (c *Case) Phone(phone string) []byte {
	c.world.T.Helper()
	sealed, err := c.world.Vault.SealString(phone, cardstore.LabelPhone)
	require.NoError(c.world.T, err)
	return sealed
}

// Take gives the case to a reviewer for as long as a test may need.
func (c *Case) Take(reviewer uuid.UUID) {
	c.world.T.Helper()
	c.world.Until("the case is taken", func() bool {
		_, err := c.world.DB.Exec(context.Background(),
			"UPDATE application SET reviewer_id = $2, review_until = $3 WHERE id = $1 AND state = 'reviewing'", c.ID, reviewer, clock.System{}.Now().Add(time.Hour))
		return err == nil
	})
}

// Postpone moves the time at which the approval of the case takes effect.
func (c *Case) Postpone(by time.Duration) {
	c.world.T.Helper()
	c.world.Until("the approval is postponed", func() bool {
		_, err := c.world.DB.Exec(context.Background(), "UPDATE application SET decided_until = decided_until + $2 WHERE id = $1", c.ID, by)
		return err == nil
	})
}

// Design is a change to another photo or face, confirmed on its preview.
func (c *Case) Design(photoID uuid.UUID, face string) workflows.NewDesign {
	c.world.T.Helper()
	var name, no string
	c.world.Until("the holder is read", func() bool {
		return c.world.DB.QueryRow(context.Background(), "SELECT name, volunteer_no FROM person WHERE id = $1", c.Person).Scan(&name, &no) == nil
	})
	p, err := portrait()
	require.NoError(c.world.T, err)
	hash, err := c.making.Designs.Hash(cardstore.Design{Face: face, HolderName: name, VolunteerNo: no, Photo: p.JPEG})
	require.NoError(c.world.T, err)
	return workflows.NewDesign{ApplicationID: c.ID, PersonID: c.Person, PhotoID: photoID, Face: face, Hash: hash}
}

// WantTold waits until the holder was told something.
func (c *Case) WantTold(template string) {
	c.world.T.Helper()
	c.world.Until("told: "+template, func() bool { return slices.Contains(c.world.Told(c.ID), template) })
}

// Number is the card's own, once it is issued.
func (c *Case) Number() string {
	c.world.T.Helper()
	numbers := c.world.Texts("SELECT number FROM card WHERE application_id = $1", c.ID)
	require.Len(c.world.T, numbers, 1)
	return numbers[0]
}

// BatchState reads the state of a batch; empty while there is none, or while the database is away.
func (w *Books) BatchState(id uuid.UUID) (state string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = w.DB.QueryRow(ctx, "SELECT state FROM batch WHERE id = $1", id).Scan(&state)
	return state
}

// Parcel is the one of a batch that travels to the case's branch.
func (c *Case) Parcel(batch uuid.UUID) uuid.UUID {
	c.world.T.Helper()
	ids := c.world.Texts("SELECT id::text FROM parcel WHERE batch_id = $1 AND branch_id = $2", batch, c.Branch)
	require.Len(c.world.T, ids, 1)
	return uuid.FromStringOrNil(ids[0])
}

// Knows is the state in which its process believes the case to be; empty while it does not answer.
func (c *Case) Knows() card.State {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var snap cardstore.Snapshot
	value, err := c.world.Engine().QueryWorkflow(ctx, RunID(c.ID), "", "progress")
	if err != nil || value.Get(&snap) != nil {
		return ""
	}
	return snap.State
}
