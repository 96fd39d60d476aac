package cardstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/consent"
	"volcard/internal/fault"
	"volcard/internal/person"
	"volcard/internal/place"
	"volcard/internal/store"
)

// Submissions accepts applications.
type Submissions struct {
	Store
	Regular Regular
}

// Submission is what the preview's form sends: which draft it showed, and the form's own key.
type Submission struct {
	PersonID       uuid.UUID
	IdempotencyKey uuid.UUID
	// Content is card.ContentHash of what the preview showed.
	Content [32]byte
}

// Accepted names the application that a submission became. Again is true where this form had
// been submitted before: a double click, a resend, a second tab.
type Accepted struct {
	ID     uuid.UUID
	Number string
	Again  bool
}

// Facts reads, in one statement, what the rules need to know of the person and the draft's choices.
func (s Submissions) Facts(ctx context.Context, personID uuid.UUID, d card.Draft) (card.Facts, error) {
	f := card.Facts{Now: s.Clock.Now(), DivisionKnown: place.IsDistrict(d.DivisionCode)}
	var idNumber []byte
	var volunteerNo string
	var live, university *string
	var given []string
	err := s.DB.QueryRow(ctx, `
		SELECT p.name, p.id_number, p.volunteer_no, p.guardian IS NOT NULL, p.blocked_at IS NOT NULL,
		       (SELECT a.number FROM application a
		         WHERE a.person_id = p.id AND a.state IN
		           ('accepted', 'held', 'reviewing', 'mending', 'waiting', 'producing', 'ready', 'lapsed')),
		       EXISTS (SELECT 1 FROM card c
		         WHERE c.person_id = p.id AND c.status IN ('valid', 'suspended') AND c.expires_at > $4),
		       ARRAY(SELECT c.purpose || '@' || c.version FROM consent c
		         WHERE c.person_id = p.id AND c.withdrawn_at IS NULL),
		       (SELECT u.name FROM university u WHERE u.code = $2 AND u.closed_at IS NULL),
		       coalesce((SELECT r.restores FROM restored_day r WHERE r.day = $5), 0),
		       b.id IS NOT NULL, b.id IS NOT NULL AND b.closed_at IS NULL,
		       EXISTS (SELECT 1 FROM stock_card s WHERE s.branch_id = b.id AND s.state = 'in_stock')
		  FROM person p LEFT JOIN branch b ON b.id = $3
		 WHERE p.id = $1`, personID, d.UniversityCode, d.BranchID, f.Now, f.Now.In(clock.Shanghai).Format(time.DateOnly)).Scan(
		&f.HolderName, &idNumber, &volunteerNo, &f.HasGuardian, &f.Blocked, &live, &f.ValidCard, &given, &university,
		&f.Restores, &f.BranchKnown, &f.BranchOpen, &f.BranchStock)
	if err != nil {
		return f, store.Translate(err)
	}
	plain, err := s.Vault.UnsealString(idNumber, "person.id_number")
	if err != nil {
		return f, err
	}
	id, err := person.ParseIDNumber(plain)
	if err != nil {
		return f, fmt.Errorf("cardstore: stored ID number: %w", err)
	}
	f.Age = id.Age(f.Now)
	// Without the guardian's consent in force the guardian's name is data about nobody who agreed.
	guardian, _ := consent.Lookup(consent.Guardian)
	f.HasGuardian = f.HasGuardian && slices.Contains(given, guardian.Key())
	f.MissingConsents = consent.MissingForCard(given, d.Edition)
	if live != nil {
		f.LiveApplication = *live
	}
	if university != nil {
		f.UniversityName = *university
	}
	if d.Edition == card.Regular {
		err = s.designFacts(ctx, personID, d, volunteerNo, &f)
	}
	return f, err
}

// designFacts adds what the rules need to know of a regular card's photo and face.
func (s Submissions) designFacts(ctx context.Context, personID uuid.UUID, d card.Draft, volunteerNo string, f *card.Facts) error {
	f.FaceOffered = s.Regular.Designs.Offered(d.Face)
	if d.PhotoID.IsNil() {
		return nil
	}
	p, err := s.photo(ctx, s.DB, personID, d.PhotoID)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	f.PhotoKnown = p.Decision == nil || *p.Decision == "approved"
	if !f.PhotoKnown || !f.FaceOffered {
		return nil
	}
	f.DesignHash, err = s.designHash(s.Regular, d.Face, f.HolderName, volunteerNo, p)
	return err
}

// numberTries bounds the numbers that are drawn anew: of ten million a day, one that is given
// already is drawn once in a thousand times when ten thousand people apply.
const numberTries = 5

// Submit accepts the person's draft in one transaction: the row, its uniqueness, the reservation
// of one stock card, the audit entry, the end of the draft. It returns every reason where the
// draft may not be submitted, and the earlier application where the form was sent before.
func (s Submissions) Submit(ctx context.Context, in Submission) (Accepted, []card.Reason, error) {
	prior, found, d, version, err := s.begin(ctx, in)
	if err != nil || found {
		return prior, nil, err
	}
	f, err := s.Facts(ctx, in.PersonID, d)
	if err != nil {
		return Accepted{}, nil, err
	}
	if reasons := card.CheckSubmission(d, f); len(reasons) > 0 {
		// The other half of a double click finds the live application that the first half made.
		if prior, found, err := s.prior(ctx, in); err != nil || found {
			return prior, nil, err
		}
		return Accepted{}, reasons, nil
	}
	if card.ContentHash(d, f) != in.Content {
		return Accepted{}, nil, fault.New(fault.Conflict, "您在预览之后修改了申请，请核对最新的预览后再提交。")
	}
	a, err := s.accept(ctx, in, d, version, f)
	for range numberTries {
		if !store.IsUnique(err, "application_number_key") {
			break
		}
		a, err = s.accept(ctx, in, d, version, f)
	}
	switch {
	case err == nil:
		return a, nil, nil
	case store.IsUnique(err, "application_live"), store.IsUnique(err, "application_idempotency"), fault.Is(err, fault.Conflict):
		if prior, found, priorErr := s.prior(ctx, in); priorErr != nil || found {
			return prior, nil, priorErr
		}
		if store.IsUnique(err, "application_live") {
			return Accepted{}, []card.Reason{{Field: card.FieldPerson, Text: "您已有一份正在办理的申请，不能重复申请。"}}, nil
		}
		// Something changed between the check and the commit: the rules say what.
		if f, err := s.Facts(ctx, in.PersonID, d); err == nil {
			if reasons := card.CheckSubmission(d, f); len(reasons) > 0 {
				return Accepted{}, reasons, nil
			}
		}
		return Accepted{}, []card.Reason{{Field: card.FieldBranch, Text: fault.Sentence(err)}}, nil
	}
	return Accepted{}, nil, err
}

const priorSQL = "SELECT id, number FROM application WHERE person_id = $1 AND idempotency_key = $2"

// begin finds the application that this form already became, or else the draft, in one round trip.
func (s Submissions) begin(ctx context.Context, in Submission) (a Accepted, found bool, d card.Draft, version int, err error) {
	b := &pgx.Batch{}
	b.Queue(priorSQL, in.PersonID, in.IdempotencyKey)
	b.Queue(draftSQL, in.PersonID)
	res := s.DB.SendBatch(ctx, b)
	defer res.Close()
	a, found, err = scanPrior(res.QueryRow())
	if err != nil || found {
		return a, found, d, 0, err
	}
	d, version, err = Drafts{s.Store}.scan(res.QueryRow())
	return a, false, d, version, err
}

// prior finds the application that this form already became.
func (s Submissions) prior(ctx context.Context, in Submission) (Accepted, bool, error) {
	return scanPrior(s.DB.QueryRow(ctx, priorSQL, in.PersonID, in.IdempotencyKey))
}

func scanPrior(row pgx.Row) (Accepted, bool, error) {
	a := Accepted{Again: true}
	err := row.Scan(&a.ID, &a.Number)
	if errors.Is(err, pgx.ErrNoRows) {
		return Accepted{}, false, nil
	}
	return a, err == nil, store.Translate(err)
}

func (s Submissions) accept(ctx context.Context, in Submission, d card.Draft, version int, f card.Facts) (Accepted, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Accepted{}, fmt.Errorf("cardstore: %w", err)
	}
	number, err := card.ApplicationNumber(f.Now, f.Restores, rand.Reader)
	if err != nil {
		return Accepted{}, err
	}
	code, err := card.PickupCode(rand.Reader)
	if err != nil {
		return Accepted{}, err
	}
	address, err := s.Vault.SealString(trim(d.Address), LabelAddress)
	if err != nil {
		return Accepted{}, err
	}
	phone, err := s.Vault.SealString(d.Phone, LabelPhone)
	if err != nil {
		return Accepted{}, err
	}
	var university *string
	if d.Identity == card.Student {
		university = &d.UniversityCode
	}
	var m making
	if d.Edition == card.Regular {
		m = making{PhotoID: &d.PhotoID, Face: &d.Face, DesignHash: f.DesignHash[:]}
		if m.Promise, err = s.Regular.promiseFrom(ctx, f.Now); err != nil {
			return Accepted{}, err
		}
	}
	err = s.DB.InTx(ctx, func(tx pgx.Tx) error {
		w := &work{tx: tx}
		_, err := w.later.Exec(ctx, `
			INSERT INTO application (id, number, person_id, edition, state, identity, holder_name, university_code,
			  unit_name, division_code, address, phone, branch_id, content_hash, idempotency_key, pickup_code, submitted_at,
			  photo_id, face, design_hash, promise_start, promised_from, promised_until, promise_provisional, promise_due)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
			  $18, $19, $20, $21, $22, $23, $24, $25)`,
			id, number, in.PersonID, d.Edition, card.Accepted, d.Identity, f.HolderName, university,
			d.Unit(f), d.DivisionCode, address, phone, d.BranchID, in.Content[:], in.IdempotencyKey, code, f.Now,
			m.PhotoID, m.Face, m.DesignHash, m.Promise.Start, m.Promise.From, m.Promise.Until, m.Promise.Provisional, m.Promise.Due)
		if err != nil {
			return err
		}
		w.later.Must(fault.New(fault.Conflict, "您在预览之后修改了申请，请核对最新的预览后再提交。"),
			"DELETE FROM application_draft WHERE person_id = $1 AND version = $2", in.PersonID, version)
		actor := store.Person(in.PersonID)
		if err := s.audit(ctx, &w.later, id, actor, card.Submit, "", card.Accepted, f.Now, nil); err != nil {
			return err
		}
		if d.Edition == card.Regular {
			return w.later.Send(ctx, tx)
		}
		// Last, so that a card is locked only for a submission that passed everything else.
		if err := s.reserve(w, d.BranchID, id, f.Now); err != nil {
			return err
		}
		return w.later.Send(ctx, tx)
	})
	return Accepted{ID: id, Number: number}, photoGone(err)
}

// Unorchestrated lists accepted applications that were submitted before the given time and that
// no process has moved on, oldest first, at most limit.
func (s Submissions) Unorchestrated(ctx context.Context, before time.Time, limit int) ([]uuid.UUID, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT id FROM application WHERE state = 'accepted' AND submitted_at < $1
		 ORDER BY submitted_at LIMIT $2`, before, limit)
	if err != nil {
		return nil, store.Translate(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return ids, store.Translate(err)
}
