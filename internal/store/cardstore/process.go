package cardstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/store"
)

// Process makes the moves of a case after its submission. Only activities call it. Each move is
// guarded by the state that it starts from and does no harm when it is made twice.
type Process struct {
	Store
	Terms card.Terms
	// Sign makes the QR's token for what will be stored and compares the two. It is told the
	// intention and returns an error where the token says anything else.
	Sign func(Intent) (token, kid string, err error)
	// Missing lists the characters of a name that no font can draw.
	Missing func(name string) []rune
	Regular Regular
}

// Intent is a card as it is about to be issued.
type Intent struct {
	Number     string
	Edition    card.Edition
	HolderName string
	IssuedAt   time.Time
	ExpiresAt  time.Time
}

// Snapshot is what a workflow knows of its case: states and dates, nothing personal.
type Snapshot struct {
	State card.State
	// Reminders are the times at which the holder is reminded while the state is Ready or Mending.
	Reminders []time.Time `json:",omitempty"`
	// Until is when the state ends by itself: Ready lapses, Lapsed closes, Mending is given up,
	// Collected can no longer be undone, the approval of a photo under review takes effect. Zero where it does not.
	Until time.Time `json:",omitzero"`
	// Due is when a regular card that is not at its branch by then is overdue; zero where people were
	// told so already, or where the state has no such time.
	Due time.Time `json:",omitzero"`
}

// snapshot tells the case as it is after a move.
func (s Process) snapshot(ctx context.Context, a locked) (Snapshot, error) {
	snap := Snapshot{State: a.State}
	switch a.State {
	case card.Ready:
		if a.ReadyAt != nil && a.PickupUntil != nil {
			branch, err := s.Regular.opening(ctx, a)
			if err != nil {
				return snap, err
			}
			snap.Until = *a.PickupUntil
			snap.Reminders = s.Terms.RemindersAfter(*a.ReadyAt, *a.PickupUntil, branch)
		}
	case card.Lapsed:
		if a.PickupUntil != nil {
			snap.Until = a.PickupUntil.Add(s.Terms.Lapsed)
		}
	case card.Collected:
		if a.ClosedAt != nil {
			snap.Until = a.ClosedAt.Add(s.Terms.Undo)
		}
	case card.Mending:
		if a.MendFrom != nil && a.MendUntil != nil {
			snap.Until, snap.Reminders = *a.MendUntil, mendReminders(*a.MendFrom, *a.MendUntil)
		}
	case card.Held, card.Reviewing, card.Waiting, card.Producing:
		if a.OverdueAt == nil && a.Promise.Due != nil {
			snap.Due = *a.Promise.Due
		}
		if a.DecidedUntil != nil {
			snap.Until = *a.DecidedUntil
		}
	case card.Accepted, card.Closed, card.Withdrawn, card.Refused:
	}
	return snap, nil
}

// Look tells where the case stands. An approval that is due takes effect before.
func (s Process) Look(ctx context.Context, id uuid.UUID) (Snapshot, error) {
	var snap Snapshot
	err := s.DB.InTx(ctx, func(tx pgx.Tx) error {
		a, err := lock(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := settle(ctx, s, tx, &a, s.Clock.Now()); err != nil {
			return err
		}
		snap, err = s.snapshot(ctx, a)
		return err
	})
	return snap, err
}

// move locks the case, lets fn change it, writes what fn left for later, and tells who waits.
func (s Process) move(ctx context.Context, id uuid.UUID, fn func(w *work, a *locked, now time.Time) error) (Snapshot, error) {
	var snap Snapshot
	err := s.DB.InTx(ctx, func(tx pgx.Tx) error {
		a, err := lock(ctx, tx, id)
		if err != nil {
			return err
		}
		now := s.Clock.Now()
		if err := settle(ctx, s, tx, &a, now); err != nil {
			return err
		}
		w := &work{tx: tx}
		if err := fn(w, &a, now); err != nil {
			return err
		}
		if snap, err = s.snapshot(ctx, a); err != nil {
			return err
		}
		if _, err := w.later.Exec(ctx, "SELECT pg_notify($1, $2)", CaseChannel, id.String()); err != nil {
			return err
		}
		return w.later.Send(ctx, tx)
	})
	return snap, err
}

// Issue approves an accepted application by rules (requirements, decision 4): number, digital card,
// message, or holds it for a person where the name cannot be drawn, or sends a regular one to a reviewer
// where the photo is doubtful. Any later state is returned as it is.
func (s Process) Issue(ctx context.Context, id uuid.UUID) (Snapshot, error) {
	return s.move(ctx, id, func(w *work, a *locked, now time.Time) error {
		if a.State != card.Accepted {
			return nil
		}
		actor := store.Process("card-application")
		if len(s.Missing(a.HolderName)) > 0 {
			if err := s.set(ctx, w, a, actor, card.Hold, now, nil); err != nil {
				return err
			}
			return s.tell(ctx, &w.later, *a, "held", "application-held", now, map[string]string{"number": a.Number})
		}
		if a.Edition == card.Regular {
			return s.examine(ctx, w, a, now)
		}
		if err := s.issue(ctx, w, a, actor, now); err != nil {
			return err
		}
		return s.ready(ctx, w, a, actor, card.Issue, now, "card-ready", nil)
	})
}

// DecideHeld is the decision of a province administrator about a held name: print it after all
// (once a font has the character), or refuse with a reason.
func (s Process) DecideHeld(ctx context.Context, id uuid.UUID, staff uuid.UUID, release bool, reason string) (Snapshot, error) {
	return s.move(ctx, id, func(w *work, a *locked, now time.Time) error {
		actor := store.Staff(staff)
		if !release {
			if a.State == card.Refused {
				return nil
			}
			if err := s.set(ctx, w, a, actor, card.Refuse, now, map[string]any{"reason": reason}); err != nil {
				return err
			}
			if err := s.release(ctx, w, a.ID, "refused", now); err != nil {
				return err
			}
			return s.tell(ctx, &w.later, *a, "refused", "application-refused", now, map[string]string{"number": a.Number, "reason": reason})
		}
		if a.State == card.Ready || a.State == card.Mending {
			return nil
		}
		// The sentence travels through Temporal, so it names no character; the page does.
		if len(s.Missing(a.HolderName)) > 0 {
			return fault.New(fault.Conflict, "字库中仍没有这个姓名的全部用字，暂不能制卡。")
		}
		if a.Edition == card.Regular {
			// Its preview showed no name: the applicant sees the whole card before it is printed.
			return s.mend(ctx, w, a, actor, card.AskAgain, now, nil, "")
		}
		if err := s.issue(ctx, w, a, actor, now); err != nil {
			return err
		}
		return s.ready(ctx, w, a, actor, card.Release, now, "card-ready", nil)
	})
}

// issue writes the card first as an intention, makes the token, and publishes both in one commit.
func (s Process) issue(ctx context.Context, w *work, a *locked, actor store.Actor, now time.Time) error {
	var sequence int64
	if err := w.tx.QueryRow(ctx, "SELECT nextval('card_number_seq')").Scan(&sequence); err != nil {
		return store.Translate(err)
	}
	cardID, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("cardstore: %w", err)
	}
	in := Intent{
		Number: card.CardNumber(now.Year(), sequence), Edition: a.Edition, HolderName: a.HolderName,
		IssuedAt: now, ExpiresAt: s.Terms.ExpiresAt(now),
	}
	token, kid, err := s.Sign(in)
	if err != nil {
		return fmt.Errorf("cardstore: sign: %w", err)
	}
	// An expired card makes room for its successor.
	_, err = w.later.Exec(ctx, `
		WITH expired AS (SELECT id, status FROM card
		                  WHERE person_id = $1 AND status IN ('valid', 'suspended') AND expires_at <= $2 FOR UPDATE),
		     gone AS (UPDATE card c SET status = 'replaced', status_at = $2 FROM expired e WHERE c.id = e.id)
		INSERT INTO audit_entry (subject_kind, subject_id, seq, at, actor_kind, actor_id, action, from_state, to_state, detail, prev_hash, hash)
		SELECT 'card', id, 0, $2, $3, $4, 'replace', status, 'replaced', '{}', '', '' FROM expired`,
		a.PersonID, now, actor.Kind, actor.ID)
	if err != nil {
		return store.Translate(err)
	}
	_, err = w.later.Exec(ctx, `
		INSERT INTO card (id, number, application_id, person_id, edition, holder_name, volunteer_no, status,
		  content_hash, token, kid, issued_at, expires_at, status_at)
		SELECT $1, $2, a.id, a.person_id, a.edition, a.holder_name, $3, 'valid', a.content_hash, $4, $5, $6, $7, $6
		  FROM application a WHERE a.id = $8`,
		cardID, in.Number, a.VolunteerNo, token, kid, now, in.ExpiresAt, a.ID)
	if err != nil {
		return store.Translate(err)
	}
	return auditCard(ctx, &w.later, cardID, actor, "issue", "", card.Valid, now, map[string]any{"kid": kid})
}

// ready moves the case to Ready at its branch and tells the holder until when it waits there.
func (s Process) ready(ctx context.Context, w *work, a *locked, actor store.Actor, action card.Action, now time.Time, template string, detail map[string]any) error {
	branch, err := s.Regular.opening(ctx, *a)
	if err != nil {
		return err
	}
	until := s.Terms.PickupUntil(now, branch)
	a.ReadyAt, a.PickupUntil = &now, &until
	if err := s.set(ctx, w, a, actor, action, now, detail); err != nil {
		return err
	}
	event := fmt.Sprintf("ready-%d", now.UnixMicro())
	return s.tell(ctx, &w.later, *a, event, template, now, map[string]string{
		"number": a.Number, "branch": a.BranchName, "code": a.PickupCode, "until": clock.Day(until), "by": dayWithin(now, until),
	})
}

// set is the guarded update of the row and its audit entry.
func (s Process) set(ctx context.Context, w *work, a *locked, actor store.Actor, action card.Action, now time.Time, detail map[string]any) error {
	to, err := a.must(action)
	if err != nil {
		return err
	}
	if to.Live() {
		a.ClosedAt = nil
	} else {
		a.ClosedAt = &now
	}
	changed := fault.New(fault.Conflict, "这份申请刚刚发生了变化，请刷新后再试。")
	from := a.State
	a.State = to
	if a.Edition == card.Regular {
		if to != card.Mending {
			a.MendFrom, a.MendUntil = nil, nil
		}
		if from != card.Reviewing || to != card.Reviewing {
			a.ReviewerID, a.ReviewUntil, a.DecidedUntil = nil, nil, nil
		}
		w.later.Must(changed, `
			UPDATE application
			   SET state = $3, branch_id = $4, ready_at = $5, pickup_until = $6, closed_at = $7, phone = $8,
			       photo_id = $9, face = $10, design_hash = $11, promise_start = $12, promised_from = $13, promised_until = $14,
			       promise_provisional = $15, promise_due = $16, overdue_at = $17, mend_from = $18, mend_until = $19,
			       reviewer_id = $20, review_until = $21, decided_until = $22
			 WHERE id = $1 AND state = $2`, a.ID, from, to, a.BranchID, a.ReadyAt, a.PickupUntil, a.ClosedAt, a.Phone,
			a.PhotoID, a.Face, a.DesignHash, a.Promise.Start, a.Promise.From, a.Promise.Until,
			a.Promise.Provisional, a.Promise.Due, a.OverdueAt, a.MendFrom, a.MendUntil, a.ReviewerID, a.ReviewUntil, a.DecidedUntil)
	} else {
		w.later.Must(changed, `
			UPDATE application
			   SET state = $3, branch_id = $4, ready_at = $5, pickup_until = $6, closed_at = $7, phone = $8
			 WHERE id = $1 AND state = $2`, a.ID, from, to, a.BranchID, a.ReadyAt, a.PickupUntil, a.ClosedAt, a.Phone)
	}
	return s.audit(ctx, &w.later, a.ID, actor, action, from, to, now, detail)
}

// Remind tells the holder that the card still waits, or that something is to be mended. number counts
// the reminders of this wait. It says nothing where the case no longer waits.
func (s Process) Remind(ctx context.Context, id uuid.UUID, number int) (Snapshot, error) {
	return s.move(ctx, id, func(w *work, a *locked, now time.Time) error {
		if a.State == card.Mending && a.MendFrom != nil && a.MendUntil != nil {
			event := fmt.Sprintf("mend-%d-%d", a.MendFrom.UnixMicro(), number)
			return s.tell(ctx, &w.later, *a, event, "mend-reminder", now, map[string]string{"number": a.Number, "until": clock.Day(*a.MendUntil)})
		}
		if a.State != card.Ready || a.ReadyAt == nil || a.PickupUntil == nil {
			return nil
		}
		event := fmt.Sprintf("reminder-%d-%d", a.ReadyAt.UnixMicro(), number)
		return s.tell(ctx, &w.later, *a, event, "card-reminder", now, map[string]string{
			"branch": a.BranchName, "code": a.PickupCode, "until": clock.Day(*a.PickupUntil),
		})
	})
}

// Lapse ends the wait of a card that was not collected in time. A general stock card goes back, a
// regular one stays in the branch's keeping. The digital card stays. It does nothing before the time, or where the card no longer waits.
func (s Process) Lapse(ctx context.Context, id uuid.UUID) (Snapshot, error) {
	return s.move(ctx, id, func(w *work, a *locked, now time.Time) error {
		if a.State != card.Ready || a.PickupUntil == nil || now.Before(*a.PickupUntil) {
			return nil
		}
		if err := s.set(ctx, w, a, store.Process("card-application"), card.Lapse, now, nil); err != nil {
			return err
		}
		template := "card-lapsed"
		if a.Edition == card.Regular {
			template = "card-kept"
		} else if err := s.release(ctx, w, a.ID, "lapsed", now); err != nil {
			return err
		}
		event := fmt.Sprintf("lapsed-%d", a.PickupUntil.UnixMicro())
		return s.tell(ctx, &w.later, *a, event, template, now, map[string]string{"number": a.Number, "branch": a.BranchName})
	})
}

// Close ends a lapsed case for which nobody chose a branch.
func (s Process) Close(ctx context.Context, id uuid.UUID) (Snapshot, error) {
	return s.move(ctx, id, func(w *work, a *locked, now time.Time) error {
		if a.State != card.Lapsed || a.PickupUntil == nil || now.Before(a.PickupUntil.Add(s.Terms.Lapsed)) {
			return nil
		}
		return s.set(ctx, w, a, store.Process("card-application"), card.Close, now, nil)
	})
}

// ChooseBranch reserves a card at another branch, before or after the wait has lapsed; the wait
// begins anew. Choosing the branch at which the card waits already changes nothing.
func (s Process) ChooseBranch(ctx context.Context, id, person, branch uuid.UUID) (Snapshot, error) {
	return s.move(ctx, id, func(w *work, a *locked, now time.Time) error {
		if a.PersonID != person {
			return fault.New(fault.NotFound, "没有找到这份申请。")
		}
		// Before the table of moves is asked: a regular card that waits again at its branch may not choose
		// another, and the second try of its choice finds it there.
		if a.BranchID == branch && (a.State == card.Ready || a.State == card.Waiting || a.State == card.Reviewing || a.State == card.Mending || a.State == card.Held) {
			return nil
		}
		if _, err := a.must(card.ChooseBranch); err != nil {
			return err
		}
		if a.Edition == card.Regular {
			return s.sendElsewhere(ctx, w, a, branch, now)
		}
		detail, err := a.moveTo(ctx, w, branch)
		if err != nil {
			return err
		}
		if err := s.release(ctx, w, a.ID, "branch changed", now); err != nil {
			return err
		}
		if err := s.reserve(w, branch, a.ID, now); err != nil {
			return err
		}
		actor := store.Person(person)
		return s.ready(ctx, w, a, actor, card.ChooseBranch, now, "branch-changed", detail)
	})
}

// moveTo gives the case another branch, that must be open, and returns the detail of the audit entry.
func (a *locked) moveTo(ctx context.Context, w *work, branch uuid.UUID) (map[string]any, error) {
	detail := map[string]any{"from_branch": a.BranchID, "to_branch": branch}
	var open bool
	err := w.tx.QueryRow(ctx, "SELECT name, hours, closed_at IS NULL FROM branch WHERE id = $1", branch).Scan(&a.BranchName, &a.BranchHours, &open)
	if err != nil {
		return nil, store.Translate(err)
	}
	if !open {
		return nil, fault.New(fault.Conflict, "所选网点已停止办理，请另选一个网点。")
	}
	a.BranchID = branch
	return detail, nil
}

// Withdraw ends the case at its applicant's wish, before collection. The reservation goes back and
// an issued digital card is cancelled, so that the person may apply again.
func (s Process) Withdraw(ctx context.Context, id, person uuid.UUID) (Snapshot, error) {
	return s.move(ctx, id, func(w *work, a *locked, now time.Time) error {
		if a.PersonID != person {
			return fault.New(fault.NotFound, "没有找到这份申请。")
		}
		if a.State == card.Withdrawn {
			return nil
		}
		actor := store.Person(person)
		if a.Edition == card.Regular && (a.State == card.Producing || a.State == card.Ready || a.State == card.Lapsed) {
			return fault.New(fault.Conflict, "卡片已经排产，不能撤回；卡片会照常送到网点，您可以不去领取。")
		}
		if err := s.set(ctx, w, a, actor, card.Withdraw, now, nil); err != nil {
			return err
		}
		if err := s.release(ctx, w, a.ID, "withdrawn", now); err != nil {
			return err
		}
		if err := s.cancel(ctx, w, a, actor, now); err != nil {
			return err
		}
		return s.tell(ctx, &w.later, *a, "withdrawn", "withdrawn", now, map[string]string{"number": a.Number})
	})
}

// cancel ends the application's digital card, where one was issued.
func (s Store) cancel(ctx context.Context, w *work, a *locked, actor store.Actor, now time.Time) error {
	var cardID uuid.UUID
	var before card.Status
	err := w.tx.QueryRow(ctx, `
		UPDATE card SET status = 'cancelled', status_at = $2
		  FROM (SELECT id, status FROM card WHERE application_id = $1 FOR UPDATE) before
		 WHERE card.id = before.id AND before.status IN ('valid', 'suspended') RETURNING card.id, before.status`, a.ID, now).
		Scan(&cardID, &before)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return store.Translate(err)
	}
	return auditCard(ctx, &w.later, cardID, actor, "cancel", before, card.Cancelled, now, nil)
}

// ChangePhone gives a case another phone, that was verified, for its messages. phone is sealed with
// LabelPhone.
func (s Process) ChangePhone(ctx context.Context, id, person uuid.UUID, phone []byte) (Snapshot, error) {
	return s.move(ctx, id, func(w *work, a *locked, now time.Time) error {
		if a.PersonID != person {
			return fault.New(fault.NotFound, "没有找到这份申请。")
		}
		old, err := s.Vault.UnsealString(a.Phone, LabelPhone)
		if err != nil {
			return err
		}
		// The same number sealed again has other bytes.
		if same, err := s.Vault.UnsealString(phone, LabelPhone); err != nil || same == old {
			return err
		}
		// Nothing of the case reaches the old phone any more: it is the last chance to learn that somebody
		// else made the change.
		event, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("cardstore: %w", err)
		}
		err = s.tell(ctx, &w.later, *a, "change-phone-"+event.String(), "account-security", now,
			map[string]string{"what": "更换了申请" + a.Number + "的手机号"})
		if err != nil {
			return err
		}
		a.Phone = phone
		return s.set(ctx, w, a, store.Person(person), card.ChangePhone, now, nil)
	})
}
