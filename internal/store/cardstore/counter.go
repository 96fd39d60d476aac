package cardstore

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/card"
	"volcard/internal/consent"
	"volcard/internal/fault"
	"volcard/internal/person"
	"volcard/internal/store"
	"volcard/internal/typed"
)

// Counter reads cases for a clerk of one branch: what waits, or was handed over, there; by its own number
// any case of the branch, so that its holder hears how it stands.
type Counter struct{ Store }

// counterLimit bounds every answer: a clerk looks for one person, never for a list (T58).
const counterLimit = 20

// CounterCase is a case as the clerk sees it: the name large, no ID number. Where the holder has taken the
// consent back, nothing of the person is told.
type CounterCase struct {
	ID           uuid.UUID
	Number       string
	Edition      card.Edition
	State        card.State
	HolderName   string
	Identity     card.Identity
	UnitName     string
	ReadyAt      *time.Time
	PickupUntil  *time.Time
	Serial       string // of the plastic card that went over: a regular one's is its number
	HandedOverAt *time.Time
	HandedOverBy string
	Consented    bool        // to the bank's seeing it
	CardStatus   card.Status // empty while no card is issued
}

// Hindrance is why the card cannot be handed over although the state would allow it.
func (c CounterCase) Hindrance() card.Hindrance {
	return card.HindranceOf(c.State, c.CardStatus, !c.Consented, false)
}

// StateText is how the case stands, in words for the clerk.
func (c CounterCase) StateText() string {
	if text := c.Hindrance().StaffText(); text != "" {
		return text
	}
	return c.State.StaffText()
}

// bankConsent tells whether application a's person lets the bank see it. The version does not matter here:
// what was agreed to before a new text stands until it is taken back.
const bankConsent = `EXISTS (SELECT 1 FROM consent k
	 WHERE k.person_id = a.person_id AND k.purpose = '` + string(consent.Bank) + `' AND k.withdrawn_at IS NULL)`

const counterSQL = `
	SELECT a.id, a.number, a.edition, a.state, a.holder_name, a.identity, a.unit_name, a.ready_at, a.pickup_until,
	       coalesce(h.serial, h.card_number, ''), h.at, coalesce(hs.name, ''), ` + bankConsent + `, coalesce(c.status, '')
	  FROM application a
	  LEFT JOIN card c ON c.application_id = a.id
	  LEFT JOIN hand_over h ON h.application_id = a.id AND h.undone_at IS NULL
	  LEFT JOIN staff hs ON hs.id = h.staff_id
	 WHERE a.branch_id = $1 `

func (s Counter) list(ctx context.Context, where string, args ...any) ([]CounterCase, error) {
	rows, err := s.DB.Query(ctx, counterSQL+where, args...)
	if err != nil {
		return nil, store.Translate(err)
	}
	cases, err := pgx.CollectRows(rows, pgx.RowToStructByPos[CounterCase])
	for i := range cases {
		if !cases[i].Consented {
			cases[i].HolderName, cases[i].Identity, cases[i].UnitName = "", "", ""
		}
	}
	return cases, store.Translate(err)
}

// ByCode finds cases of the branch by pickup code.
func (s Counter) ByCode(ctx context.Context, branch uuid.UUID, code string) ([]CounterCase, error) {
	return s.list(ctx, "AND a.state IN ('ready', 'lapsed', 'collected') AND a.pickup_code = $2 ORDER BY a.submitted_at DESC LIMIT $3", branch, code, counterLimit)
}

// ByCardNumber finds the case of the branch whose digital card was scanned.
func (s Counter) ByCardNumber(ctx context.Context, branch uuid.UUID, number string) ([]CounterCase, error) {
	return s.list(ctx, "AND a.id = (SELECT c.application_id FROM card c WHERE c.number = $2)", branch, number)
}

// ByNumber finds the case of the branch with this application number.
func (s Counter) ByNumber(ctx context.Context, branch uuid.UUID, number string) ([]CounterCase, error) {
	return s.list(ctx, "AND a.number = $2", branch, number)
}

// lately is how long a case that was handed over is still found by its holder's name.
const lately = 30 * 24 * time.Hour

// ByName finds cases of the branch by the full name and the last four characters of the ID number;
// both must match, so that a name alone opens nothing. They are those that wait; where there is none,
// those that lapsed or were handed over lately.
func (s Counter) ByName(ctx context.Context, branch uuid.UUID, name, tail string) ([]CounterCase, error) {
	found, err := s.byName(ctx, branch, name, tail, "a.state = 'ready'")
	if err != nil || len(found) > 0 {
		return found, err
	}
	return s.byName(ctx, branch, name, tail, "(a.state = 'lapsed' OR a.state = 'collected' AND a.closed_at > $3)", s.Clock.Now().Add(-lately))
}

func (s Counter) byName(ctx context.Context, branch uuid.UUID, name, tail, states string, args ...any) ([]CounterCase, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT a.id, p.id_number FROM application a JOIN person p ON p.id = a.person_id
		 WHERE a.branch_id = $1 AND a.holder_name = $2 AND `+states+` LIMIT 200`, append([]any{branch, name}, args...)...)
	if err != nil {
		return nil, store.Translate(err)
	}
	type candidate struct {
		ID       uuid.UUID
		IDNumber []byte
	}
	candidates, err := pgx.CollectRows(rows, pgx.RowToStructByPos[candidate])
	if err != nil {
		return nil, store.Translate(err)
	}
	var ids []uuid.UUID
	for _, c := range candidates {
		ok, err := s.tailMatches(c.IDNumber, tail)
		if err != nil {
			return nil, err
		}
		if ok && len(ids) < counterLimit {
			ids = append(ids, c.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return s.list(ctx, "AND a.id = ANY($2) ORDER BY a.submitted_at", branch, ids)
}

// Get reads one case of the branch. NotFound where it belongs to another branch.
func (s Counter) Get(ctx context.Context, branch, id uuid.UUID) (CounterCase, error) {
	cases, err := s.list(ctx, "AND a.id = $2", branch, id)
	if err != nil {
		return CounterCase{}, err
	}
	if len(cases) == 0 {
		return CounterCase{}, fault.New(fault.NotFound, "本网点没有这份申请。")
	}
	return cases[0], nil
}

// TailMatches tells whether tail is the end of the holder's ID number. The caller limits the tries.
func (s Counter) TailMatches(ctx context.Context, branch, id uuid.UUID, tail string) (bool, error) {
	var sealed []byte
	err := s.DB.QueryRow(ctx, `
		SELECT p.id_number FROM application a JOIN person p ON p.id = a.person_id
		 WHERE a.id = $1 AND a.branch_id = $2`, id, branch).Scan(&sealed)
	if err != nil {
		return false, store.Translate(err)
	}
	return s.tailMatches(sealed, tail)
}

// Recent lists the branch's latest hand-overs since the given time, newest first: the ones that
// can still be undone, and a little more.
func (s Counter) Recent(ctx context.Context, branch uuid.UUID, since time.Time) ([]CounterCase, error) {
	return s.list(ctx, `AND a.state = 'collected' AND a.id IN (
		SELECT r.application_id FROM hand_over r WHERE r.branch_id = $1 AND r.at > $2 AND r.undone_at IS NULL
		 ORDER BY r.at DESC LIMIT $3) ORDER BY h.at DESC`, branch, since, counterLimit)
}

// Workload counts what a branch has before it: waiting cards, those that lapse soon, today's hand-overs.
type Workload struct {
	Waiting    int
	LapseSoon  int
	HandedOver int
}

// Workload counts for the counter's first page. soon and today are points in time.
func (s Counter) Workload(ctx context.Context, branch uuid.UUID, soon, today time.Time) (Workload, error) {
	var w Workload
	err := s.DB.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM application WHERE branch_id = $1 AND state = 'ready'),
		       (SELECT count(*) FROM application WHERE branch_id = $1 AND state = 'ready' AND pickup_until < $2),
		       (SELECT count(*) FROM hand_over WHERE branch_id = $1 AND at >= $3 AND undone_at IS NULL)`,
		branch, soon, today).Scan(&w.Waiting, &w.LapseSoon, &w.HandedOver)
	return w, store.Translate(err)
}

// tailMatches compares the last four characters of a sealed ID number with what was typed.
func (s Store) tailMatches(sealed []byte, tail string) (bool, error) {
	plain, err := s.Vault.UnsealString(sealed, "person.id_number")
	if err != nil {
		return false, err
	}
	id, err := person.ParseIDNumber(plain)
	if err != nil {
		return false, err
	}
	tail = typed.Upper(typed.Compact(tail))
	return subtle.ConstantTimeCompare([]byte(id.Last4()), []byte(tail)) == 1, nil
}

// Revoked reports whether a card number may have been issued by a database that was lost: nobody accepts it.
func (s Counter) Revoked(ctx context.Context, number string) (bool, error) {
	var revoked bool
	err := s.DB.QueryRow(ctx, "SELECT card_number_revoked($1)", number).Scan(&revoked)
	return revoked, store.Translate(err)
}
