package cardstore

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store"
)

// PhotoDecision is a reviewer's decision about the photo of a case.
type PhotoDecision struct {
	ApplicationID uuid.UUID
	StaffID       uuid.UUID
	PhotoID       uuid.UUID // the photo that the reviewer saw
	Approve       bool
	Reason        string // sentences for the applicant, where the photo is refused
}

// DecidePhoto approves or refuses the photo of a case under review. Only who took the case on may decide, and
// only about the photo that lies there now. A refusal takes effect at once: it needs a reason, so no single key
// makes it. An approval is stored, and takes effect when the time in which it can be taken back is over.
func (s RegularProcess) DecidePhoto(ctx context.Context, in PhotoDecision) (Snapshot, error) {
	return s.move(ctx, in.ApplicationID, func(w *work, a *locked, now time.Time) error {
		if a.PhotoID == nil || *a.PhotoID != in.PhotoID {
			return fault.New(fault.Conflict, "申请人刚刚换了照片，请按新照片审核。")
		}
		if a.State != card.Reviewing {
			return s.decidedBefore(ctx, w, a, in)
		}
		if a.ReviewerID == nil || *a.ReviewerID != in.StaffID || a.ReviewUntil == nil {
			return errNotTheReviewer
		}
		if a.DecidedUntil != nil {
			if in.Approve { // the same click again
				return nil
			}
			return fault.New(fault.Conflict, "这张照片您刚刚通过，要退回请先撤回。")
		}
		if now.After(*a.ReviewUntil) {
			return errNotTheReviewer
		}
		actor := store.Staff(in.StaffID)
		if !in.Approve {
			writeDecision(w, in.PhotoID, in.StaffID, "refused", now)
			return s.mend(ctx, w, a, actor, card.RefusePhoto, now, map[string]any{"reason": in.Reason}, in.Reason)
		}
		if agreed, err := agreesToPhoto(ctx, w.tx, a.PersonID); err != nil {
			return err
		} else if !agreed {
			return fault.New(fault.Conflict, "申请人撤回了使用照片的同意，这张照片暂不审核。")
		}
		until := now.Add(s.Regular.Terms.Retract)
		a.DecidedUntil = &until
		return s.set(ctx, w, a, actor, card.PreApprovePhoto, now, nil)
	})
}

var errNotTheReviewer = fault.New(fault.Conflict, "这份申请已不由您审核（超时或已被他人领取），请重新领取下一份。")

// decidedBefore answers a decision about a case that is not under review: the same click again is no error.
func (s RegularProcess) decidedBefore(ctx context.Context, w *work, a *locked, in PhotoDecision) error {
	action, decision := card.ApprovePhoto, "approved"
	if !in.Approve {
		action, decision = card.RefusePhoto, "refused"
	}
	var same bool
	err := w.tx.QueryRow(ctx, "SELECT coalesce(decision = $2 AND decided_by = $3, false) FROM photo WHERE id = $1",
		in.PhotoID, decision, in.StaffID).Scan(&same)
	if err != nil || same {
		return store.Translate(err)
	}
	_, err = a.must(action)
	return err
}

func writeDecision(w *work, photo, staff uuid.UUID, decision string, now time.Time) {
	w.later.Must(fault.New(fault.Conflict, "这张照片已经审核过。"), `
		UPDATE photo SET decision = $2, decided_by = $3, decided_at = $4 WHERE id = $1 AND decision IS NULL`, photo, decision, staff, now)
}

// PhotoRetraction takes a reviewer's approval back.
type PhotoRetraction struct {
	ApplicationID uuid.UUID
	StaffID       uuid.UUID
	PhotoID       uuid.UUID // the photo that was approved
}

// RetractPhoto takes an approval back that has not taken effect. Only who approved may, and has the case to
// decide again. Taking it back twice is no error.
func (s RegularProcess) RetractPhoto(ctx context.Context, in PhotoRetraction) (Snapshot, error) {
	return s.move(ctx, in.ApplicationID, func(w *work, a *locked, now time.Time) error {
		if a.State != card.Reviewing {
			return fault.New(fault.Conflict, "这次通过已经生效，不能再撤回。")
		}
		if a.ReviewerID == nil || *a.ReviewerID != in.StaffID || a.PhotoID == nil || *a.PhotoID != in.PhotoID {
			return errNotTheReviewer
		}
		if a.DecidedUntil == nil {
			return nil
		}
		until := now.Add(card.ReviewClaim)
		a.DecidedUntil, a.ReviewUntil = nil, &until
		return s.set(ctx, w, a, store.Staff(in.StaffID), card.RetractApproval, now, nil)
	})
}

// settle carries out an approval whose time to be taken back is over, as part of whatever looks at the case
// next: the moment decides, not which process was alive. It writes at once, so that what follows in the
// transaction finds the card. Where the person took back the consent to the photo meanwhile, the approval ends.
func settle(ctx context.Context, s Process, tx pgx.Tx, a *locked, now time.Time) error {
	if a.State != card.Reviewing || a.DecidedUntil == nil || a.ReviewerID == nil || a.PhotoID == nil || now.Before(*a.DecidedUntil) {
		return nil
	}
	w := &work{tx: tx}
	agreed, err := agreesToPhoto(ctx, tx, a.PersonID)
	if err != nil {
		return err
	}
	if agreed {
		writeDecision(w, *a.PhotoID, *a.ReviewerID, "approved", now)
		err = s.approve(ctx, w, a, store.Staff(*a.ReviewerID), card.ApprovePhoto, now)
	} else {
		a.ReviewerID, a.ReviewUntil, a.DecidedUntil = nil, nil, nil
		err = s.set(ctx, w, a, store.Process("card-application"), card.RetractApproval, now, nil)
	}
	if err != nil {
		return err
	}
	if _, err := w.later.Exec(ctx, "SELECT pg_notify($1, $2)", CaseChannel, a.ID.String()); err != nil {
		return err
	}
	return w.later.Send(ctx, tx)
}

// agreesToPhoto reports whether a person has not taken back the consent to the use of the photo, or gave it again.
func agreesToPhoto(ctx context.Context, q store.Querier, person uuid.UUID) (agreed bool, err error) {
	err = q.QueryRow(ctx, `
		SELECT NOT EXISTS (SELECT 1 FROM consent WHERE person_id = $1 AND purpose = 'photo' AND withdrawn_at IS NOT NULL)
		    OR EXISTS (SELECT 1 FROM consent WHERE person_id = $1 AND purpose = 'photo' AND withdrawn_at IS NULL)`, person).Scan(&agreed)
	return agreed, store.Translate(err)
}

// LateApprovals lists cases whose approval should have taken effect before a time, oldest first, at most limit:
// their processes never learned of it.
func (s Submissions) LateApprovals(ctx context.Context, before time.Time, limit int) ([]uuid.UUID, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT id FROM application WHERE decided_until < $1 AND state = 'reviewing' ORDER BY decided_until LIMIT $2`, before, limit)
	if err != nil {
		return nil, store.Translate(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return ids, store.Translate(err)
}
