package cardstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/place"
	"volcard/internal/store"
)

// Regular is what the regular edition needs beside the store.
type Regular struct {
	Designs Designs
	// Calendar gives the calendar in force. nil: the years that the program knows.
	Calendar func(context.Context) (*calendar.Calendar, error)
	Terms    card.RegularTerms
}

// Designs lays cards out. The hash of a layout is what an applicant confirms.
type Designs interface {
	// Offered tells whether a face may be chosen for the regular edition.
	Offered(face string) bool
	// Hash is the hash of the preview's display list: the card without number, QR and dates. A name that
	// no font can draw is left out. An error means that the card cannot be laid out.
	Hash(Design) ([32]byte, error)
}

// Design is what the applicant decides about, and sees in the preview.
type Design struct {
	Face        string
	HolderName  string
	VolunteerNo string
	Photo       []byte // JPEG, 295 x 413
}

// inForce is the calendar in force.
func (r Regular) inForce(ctx context.Context) (*calendar.Calendar, error) {
	if r.Calendar == nil {
		return calendar.New(calendar.BuiltIn()...), nil
	}
	return r.Calendar(ctx)
}

// opening is when the case's branch is open, by the calendar in force.
func (r Regular) opening(ctx context.Context, a locked) (place.Opening, error) {
	cal, err := r.inForce(ctx)
	return place.Opening{Hours: a.BranchHours, Calendar: cal}, err
}

// promiseFrom counts the dates from a moment: working days on the calendar in force.
func (r Regular) promiseFrom(ctx context.Context, at time.Time) (promise, error) {
	cal, err := r.inForce(ctx)
	if err != nil {
		return promise{}, err
	}
	return datesOf(cal, r.Terms, calendar.DateOf(at), at), nil
}

// datesOf are the dates of a promise that counts from start. at is the moment of it, for the demo's pace.
func datesOf(cal *calendar.Calendar, terms card.RegularTerms, start calendar.Date, at time.Time) promise {
	p := cal.Promise(start, terms.Promise)
	day, from, until := start.UTC(), p.From.UTC(), p.Until.UTC()
	due := cal.After(at, terms.Promise.Until, terms.Pace)
	return promise{Start: &day, From: &from, Until: &until, Provisional: &p.Provisional, Due: &due}
}

// photoRow is a photo as the moves need it.
type photoRow struct {
	Verdict  string
	Decision *string
	Image    []byte // sealed
}

// passed tells whether a card may carry the photo without another look at it.
func (p photoRow) passed() bool {
	return (p.Decision != nil && *p.Decision == "approved") || (p.Decision == nil && p.Verdict == "clear")
}

// LabelPhoto is the label of the sealed column photo.image.
const LabelPhoto = "photo.image"

// photo reads a photo of a person. NotFound where it is somebody else's.
func (s Store) photo(ctx context.Context, q store.Querier, person, id uuid.UUID) (photoRow, error) {
	var p photoRow
	err := q.QueryRow(ctx, "SELECT verdict, decision, image FROM photo WHERE id = $1 AND person_id = $2", id, person).
		Scan(&p.Verdict, &p.Decision, &p.Image)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, fault.New(fault.NotFound, "这张照片已不可用，请重新添加。")
	}
	return p, store.Translate(err)
}

// photoGone explains that a photo was deleted after it was read: an upload in another tab makes room for itself.
func photoGone(err error) error {
	if store.IsForeign(err, "application_photo") {
		return fault.Wrap(fault.Conflict, err, "这张照片已不可用，请重新添加。")
	}
	return err
}

// designHash lays the preview out.
func (s Store) designHash(r Regular, face, name, volunteerNo string, p photoRow) ([32]byte, error) {
	image, err := s.Vault.Unseal(p.Image, LabelPhoto)
	if err != nil {
		return [32]byte{}, err
	}
	return r.Designs.Hash(Design{Face: face, HolderName: name, VolunteerNo: volunteerNo, Photo: image})
}

// examine is the automatic check of the photo of an accepted application.
func (s Process) examine(ctx context.Context, w *work, a *locked, now time.Time) error {
	actor := store.Process("card-application")
	p, err := s.photo(ctx, w.tx, a.PersonID, *a.PhotoID)
	if err != nil {
		return err
	}
	if !p.passed() {
		return s.set(ctx, w, a, actor, card.Review, now, nil)
	}
	return s.approve(ctx, w, a, actor, card.Approve, now)
}

// approve issues the digital card, where there is none yet, and puts the case into the queue.
func (s Process) approve(ctx context.Context, w *work, a *locked, actor store.Actor, action card.Action, now time.Time) error {
	var issued bool
	err := w.tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM card WHERE application_id = $1)", a.ID).Scan(&issued)
	if err != nil {
		return store.Translate(err)
	}
	if err := s.set(ctx, w, a, actor, action, now, nil); err != nil || issued {
		return err
	}
	if err := s.issue(ctx, w, a, actor, now); err != nil {
		return err
	}
	return s.tell(ctx, &w.later, *a, "approved", "card-approved", now, map[string]string{
		"from": clock.Day(*a.Promise.From), "until": promisedDay(*a.Promise.Until, *a.Promise.Provisional), "branch": a.BranchName,
	})
}

// RegularProcess makes the moves that only regular cases know.
type RegularProcess struct{ Process }

// mend asks the applicant to mend the case, and tells until when.
func (s Process) mend(ctx context.Context, w *work, a *locked, actor store.Actor, action card.Action, now time.Time,
	detail map[string]any, reason string,
) error {
	cal, err := s.Regular.inForce(ctx)
	if err != nil {
		return err
	}
	until := cal.After(now, s.Regular.Terms.MendDays, s.Regular.Terms.Pace)
	a.MendFrom, a.MendUntil = &now, &until
	if err := s.set(ctx, w, a, actor, action, now, detail); err != nil {
		return err
	}
	event, template := fmt.Sprintf("mend-%d", now.UnixMicro()), "confirm-again"
	params := map[string]string{"number": a.Number, "until": clock.Day(until)}
	if action == card.RefusePhoto {
		template, params = "photo-refused", map[string]string{"reason": reason, "until": clock.Day(until)}
	}
	return s.tell(ctx, &w.later, *a, event, template, now, params)
}

// mendReminders are the times at which the applicant is reminded of what is to be mended: after a
// third, after two thirds, and shortly before the end.
func mendReminders(from, until time.Time) []time.Time {
	wait := until.Sub(from)
	return []time.Time{from.Add(wait / 3), from.Add(2 * wait / 3), from.Add(wait * 9 / 10)}
}

// NewDesign is the applicant's change of photo or face, confirmed on its preview.
type NewDesign struct {
	ApplicationID uuid.UUID
	PersonID      uuid.UUID
	PhotoID       uuid.UUID
	Face          string
	Hash          [32]byte // of the preview that was confirmed
}

// ChangeDesign gives a case another photo or face before it is frozen, or mends it. Where something
// had to be mended the dates count from now: until now nothing could be printed.
func (s RegularProcess) ChangeDesign(ctx context.Context, in NewDesign) (Snapshot, error) {
	snap, err := s.move(ctx, in.ApplicationID, func(w *work, a *locked, now time.Time) error {
		if a.PersonID != in.PersonID || a.Edition != card.Regular {
			return fault.New(fault.NotFound, "没有找到这份申请。")
		}
		same := a.PhotoID != nil && *a.PhotoID == in.PhotoID && *a.Face == in.Face && bytes.Equal(a.DesignHash, in.Hash[:])
		if same && (a.State == card.Waiting || a.State == card.Reviewing || a.State == card.Held) {
			return nil
		}
		if a.State != card.Mending {
			if _, err := a.must(card.ChangeDesign); err != nil {
				return err
			}
		}
		p, err := s.photo(ctx, w.tx, a.PersonID, in.PhotoID)
		if err != nil {
			return err
		}
		if p.Decision != nil && *p.Decision == "refused" {
			return fault.New(fault.Conflict, "这张照片没有通过审核，请换一张。")
		}
		// A face that was withdrawn stays with those who confirmed it.
		if in.Face != *a.Face && !s.Regular.Designs.Offered(in.Face) {
			return fault.New(fault.Conflict, "所选卡面已经停用，请另选一款。")
		}
		hash, err := s.designHash(s.Regular, in.Face, a.HolderName, a.VolunteerNo, p)
		if err != nil {
			return err
		}
		if hash != in.Hash {
			return fault.New(fault.Conflict, "预览之后内容有变化，请核对最新的预览后再确认。")
		}
		refused, err := s.refusedBefore(ctx, w, a)
		if err != nil {
			return err
		}
		if in.PhotoID != *a.PhotoID {
			a.ReviewerID, a.ReviewUntil, a.DecidedUntil = nil, nil, nil // the reviewer of the old photo is refused
		}
		face, photoID := in.Face, in.PhotoID
		a.PhotoID, a.Face, a.DesignHash = &photoID, &face, in.Hash[:]
		actor := store.Person(in.PersonID)
		// After a refusal a person looks again, whatever the rules say of the new photo.
		passed := p.passed() && (!refused || p.Decision != nil)
		return s.redesign(ctx, w, a, actor, passed, now)
	})
	return snap, photoGone(err)
}

// redesign moves a case whose design was changed.
func (s RegularProcess) redesign(ctx context.Context, w *work, a *locked, actor store.Actor, passed bool, now time.Time) error {
	switch {
	case a.State == card.Mending:
		var err error
		if a.Promise, err = s.Regular.promiseFrom(ctx, now); err != nil {
			return err
		}
		a.OverdueAt = nil
		if passed {
			return s.approve(ctx, w, a, actor, card.Confirm, now)
		}
		return s.set(ctx, w, a, actor, card.Mend, now, nil)
	case a.State == card.Waiting && !passed:
		return s.set(ctx, w, a, actor, card.Review, now, nil)
	case a.State == card.Reviewing && passed:
		return s.approve(ctx, w, a, actor, card.Approve, now)
	}
	return s.set(ctx, w, a, actor, card.ChangeDesign, now, nil)
}

// refusedBefore tells whether a reviewer refused a photo of this application.
func (s RegularProcess) refusedBefore(ctx context.Context, w *work, a *locked) (bool, error) {
	var refused bool
	err := w.tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM photo WHERE person_id = $1 AND decision = 'refused' AND decided_at >= $2)`,
		a.PersonID, a.SubmittedAt).Scan(&refused)
	return refused, store.Translate(err)
}

// sendElsewhere sends a regular card to another branch before it is frozen, or lets a lapsed one wait
// again where it lies.
func (s Process) sendElsewhere(ctx context.Context, w *work, a *locked, branch uuid.UUID, now time.Time) error {
	actor := store.Person(a.PersonID)
	if a.State == card.Lapsed {
		if a.BranchID != branch {
			return fault.Newf(fault.Conflict, "实体卡在%s保管，只能在该网点领取。", a.BranchName)
		}
		return s.ready(ctx, w, a, actor, card.ChooseBranch, now, "branch-changed", nil)
	}
	detail, err := a.moveTo(ctx, w, branch)
	if err != nil {
		return err
	}
	return s.set(ctx, w, a, actor, card.ChooseBranch, now, detail)
}

// GiveUp refuses a case that nobody mended in time. It does nothing before the time.
func (s RegularProcess) GiveUp(ctx context.Context, id uuid.UUID) (Snapshot, error) {
	return s.move(ctx, id, func(w *work, a *locked, now time.Time) error {
		if a.State != card.Mending || a.MendUntil == nil || now.Before(*a.MendUntil) {
			return nil
		}
		const reason = "未在期限内修改并确认"
		actor := store.Process("card-application")
		if err := s.set(ctx, w, a, actor, card.GiveUp, now, map[string]any{"reason": reason}); err != nil {
			return err
		}
		if err := s.cancel(ctx, w, a, actor, now); err != nil {
			return err
		}
		return s.tell(ctx, &w.later, *a, "refused", "application-refused", now, map[string]string{"number": a.Number, "reason": reason})
	})
}

// TellOverdue records that the card was not at its branch by the promised day, and tells the holder,
// once for each promise.
func (s RegularProcess) TellOverdue(ctx context.Context, id uuid.UUID) (Snapshot, error) {
	return s.move(ctx, id, func(w *work, a *locked, now time.Time) error {
		if _, ok := card.Next(a.State, card.Overdue); !ok || a.OverdueAt != nil || a.Promise.Due == nil || now.Before(*a.Promise.Due) {
			return nil
		}
		a.OverdueAt = &now
		if err := s.set(ctx, w, a, store.Process("card-application"), card.Overdue, now, nil); err != nil {
			return err
		}
		event := fmt.Sprintf("overdue-%d", a.Promise.Due.UnixMicro())
		return s.tell(ctx, &w.later, *a, event, "card-overdue", now, map[string]string{"number": a.Number, "until": clock.Day(*a.Promise.Until)})
	})
}
