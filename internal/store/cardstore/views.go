package cardstore

import (
	"context"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/place"
	"volcard/internal/store"
)

// Cases reads applications and cards for pages. It changes nothing.
type Cases struct{ Store }

// Case is an application with its card and branch, as its applicant sees it.
type Case struct {
	ID             uuid.UUID
	Number         string
	Edition        card.Edition
	State          card.State
	Identity       card.Identity
	HolderName     string
	UnitName       string
	DivisionCode   string
	BranchID       uuid.UUID
	BranchName     string
	BranchAddress  string
	BranchPhone    string
	BranchDivision string
	BranchHours    place.WeekHours
	PickupCode     string
	SubmittedAt    time.Time
	ReadyAt        *time.Time
	PickupUntil    *time.Time
	ClosedAt       *time.Time
	CardNumber     string // empty while no card is issued
	VolunteerNo    string
	CardStatus     card.Status
	Token          string
	CardIssuedAt   time.Time
	CardExpiresAt  time.Time
	Serial         string // of the plastic card, once handed over
	HandedOverAt   *time.Time
	HandedOverBy   string // the clerk's name
	HandedOverFrom string // the branch's name
	// Consents are the purposes of the person's open consents, of whatever version.
	Consents []string

	Making
}

// Making is what only a regular case has; the zero value where the edition is another.
type Making struct {
	PhotoID       *uuid.UUID
	Face          string
	DesignHash    []byte
	PromisedFrom  *time.Time // dates, at midnight UTC
	PromisedUntil *time.Time
	Provisional   bool
	Due           *time.Time
	OverdueAt     *time.Time
	MendUntil     *time.Time
	BatchNumber   string // of the batch that it is or was made in
	BatchState    string
}

const caseColumns = `
	a.id, a.number, a.edition, a.state, a.identity, a.holder_name, a.unit_name, a.division_code,
	b.id, b.name, b.address, b.phone, b.division_code, b.hours, a.pickup_code, a.submitted_at, a.ready_at, a.pickup_until, a.closed_at,
	coalesce(c.number, ''), coalesce(c.volunteer_no, ''), coalesce(CASE WHEN card_number_revoked(c.number) THEN 'cancelled' ELSE c.status END, ''), coalesce(c.token, ''),
	coalesce(c.issued_at, a.submitted_at), coalesce(c.expires_at, a.submitted_at),
	coalesce(h.serial, h.card_number, ''), h.at, coalesce(hs.name, ''), coalesce(hb.name, ''),
	ARRAY(SELECT DISTINCT k.purpose FROM consent k WHERE k.person_id = a.person_id AND k.withdrawn_at IS NULL),
	a.photo_id, coalesce(a.face, ''), a.design_hash, a.promised_from, a.promised_until, coalesce(a.promise_provisional, false),
	a.promise_due, a.overdue_at, a.mend_until, coalesce(bt.number, ''), coalesce(bt.state, '')`

const caseTables = `
	  FROM application a JOIN branch b ON b.id = a.branch_id
	  LEFT JOIN card c ON c.application_id = a.id
	  LEFT JOIN hand_over h ON h.application_id = a.id AND h.undone_at IS NULL
	  LEFT JOIN staff hs ON hs.id = h.staff_id LEFT JOIN branch hb ON hb.id = h.branch_id
	  LEFT JOIN batch_card bc ON a.edition = 'regular' AND bc.application_id = a.id AND bc.state <> 'rejected'
	  LEFT JOIN batch bt ON bt.id = bc.batch_id`

// Step is one recorded move, for the timeline.
type Step struct {
	At       time.Time
	Action   card.Action
	From, To card.State
	Reason   string // that a person gave for refusing; empty for every other move
}

// A batch of ten thousand moves with one row: its steps stand in its own chain and are joined here. What
// reviewers do with a photo before their decision takes effect is no step of the case.
const timelineSQL = `
	SELECT at, action, from_state, to_state, reason
	  FROM (SELECT at, seq, action, coalesce(from_state, '') AS from_state, coalesce(to_state, '') AS to_state,
	               CASE WHEN action IN ('refuse', 'refuse-photo', 'give-up') THEN coalesce(detail->>'reason', '') ELSE '' END AS reason
	          FROM audit_entry WHERE subject_id = $1 AND action NOT IN ('requeue-photo', 'pre-approve-photo', 'retract-approval')
	        UNION ALL
	        SELECT e.at, 0, e.action, '', '', ''
	          FROM batch_card bc JOIN audit_entry e ON e.subject_id = bc.batch_id
	         WHERE bc.application_id = $1 AND bc.state <> 'rejected' AND e.action IN ('batch-render', 'batch-print', 'batch-ship')) step
	 ORDER BY at, seq LIMIT 200`

// Get reads a case of this person with its timeline, in one round trip.
// NotFound where it is somebody else's: an id in a URL must not tell that it exists.
func (s Cases) Get(ctx context.Context, person, id uuid.UUID) (Case, []Step, error) {
	b := &pgx.Batch{}
	b.Queue("SELECT "+caseColumns+caseTables+" WHERE a.id = $1 AND a.person_id = $2", id, person)
	b.Queue(timelineSQL, id)
	res := s.DB.SendBatch(ctx, b)
	defer res.Close()
	rows, err := res.Query()
	if err != nil {
		return Case{}, nil, store.Translate(err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Case])
	if err != nil {
		if errors.Is(err, pgx.ErrNoRows) {
			err = fault.New(fault.NotFound, "没有找到这份申请。")
		}
		return Case{}, nil, store.Translate(err)
	}
	rows, err = res.Query()
	if err != nil {
		return Case{}, nil, store.Translate(err)
	}
	steps, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Step])
	return c, steps, store.Translate(err)
}

// State reads just the state of a case, for a page that waits for it.
func (s Cases) State(ctx context.Context, id uuid.UUID) (card.State, error) {
	var state card.State
	err := s.DB.QueryRow(ctx, "SELECT state FROM application WHERE id = $1", id).Scan(&state)
	return state, store.Translate(err)
}

// OfPerson lists a person's cases, newest first, at most 20.
func (s Cases) OfPerson(ctx context.Context, person uuid.UUID) ([]Case, error) {
	rows, err := s.DB.Query(ctx, "SELECT "+caseColumns+caseTables+`
		 WHERE a.person_id = $1 ORDER BY a.submitted_at DESC LIMIT 20`, person)
	if err != nil {
		return nil, store.Translate(err)
	}
	cases, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Case])
	return cases, store.Translate(err)
}

// IsOwn reports whether the application of this number is the person's.
func (s Cases) IsOwn(ctx context.Context, person uuid.UUID, number string) (bool, error) {
	var own bool
	err := s.DB.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM application WHERE number = $1 AND person_id = $2)", number, person).Scan(&own)
	return own, store.Translate(err)
}

// Public is what may be read without login: states and dates, no name.
type Public struct {
	Number      string
	Edition     card.Edition
	State       card.State
	BranchName  string
	SubmittedAt time.Time
	PickupUntil *time.Time
	ClosedAt    *time.Time
	CardStatus  card.Status // empty while no card is issued
	Consents    []string    // the purposes of the person's open consents
	Steps       []Step

	// Of the regular edition only.
	PromisedFrom  *time.Time // dates, at midnight UTC
	PromisedUntil *time.Time
	Provisional   bool
	Due           *time.Time
	OverdueAt     *time.Time
	MendUntil     *time.Time
}

// ByNumber finds a case by its number and the last four characters of the applicant's ID number.
// A wrong tail and an unknown number give the same NotFound.
func (s Cases) ByNumber(ctx context.Context, number, tail string) (Public, error) {
	notFound := fault.New(fault.NotFound, "没有找到匹配的申请，请核对申请编号和身份证号后四位。")
	var p Public
	var id uuid.UUID
	var sealed []byte
	err := s.DB.QueryRow(ctx, `
		SELECT a.id, a.number, a.edition, a.state, b.name, a.submitted_at, a.pickup_until, a.closed_at, p.id_number,
		       a.promised_from, a.promised_until, coalesce(a.promise_provisional, false), a.promise_due, a.overdue_at, a.mend_until,
		       coalesce(c.status, ''), ARRAY(SELECT DISTINCT k.purpose FROM consent k WHERE k.person_id = a.person_id AND k.withdrawn_at IS NULL)
		  FROM application a JOIN branch b ON b.id = a.branch_id JOIN person p ON p.id = a.person_id
		  LEFT JOIN card c ON c.application_id = a.id
		 WHERE a.number = $1`, number).Scan(
		&id, &p.Number, &p.Edition, &p.State, &p.BranchName, &p.SubmittedAt, &p.PickupUntil, &p.ClosedAt, &sealed,
		&p.PromisedFrom, &p.PromisedUntil, &p.Provisional, &p.Due, &p.OverdueAt, &p.MendUntil, &p.CardStatus, &p.Consents)
	if errors.Is(err, pgx.ErrNoRows) {
		return Public{}, notFound
	}
	if err != nil {
		return Public{}, store.Translate(err)
	}
	ok, err := s.tailMatches(sealed, tail)
	if err != nil {
		return Public{}, err
	}
	if !ok {
		return Public{}, notFound
	}
	rows, err := s.DB.Query(ctx, timelineSQL, id)
	if err != nil {
		return Public{}, store.Translate(err)
	}
	p.Steps, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Step])
	return p, store.Translate(err)
}
