package cardstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/storetest"
)

// bench is one database with a branch and everything that a case needs.
type bench struct {
	cardstore.Store
	storetest.Rows
	clock   *clock.Fake
	process cardstore.Process
	branch  uuid.UUID
	clerk   uuid.UUID
	serials []string
}

var ids = []string{
	"420199200402290023", "420199200505040019", "420199200612310117", "420199200307080028", "42019920040229004X",
}

func setup(t *testing.T, stock int) *bench {
	t.Helper()
	return setupOn(t, storetest.New(t), stock)
}

func setupOn(t *testing.T, db *store.DB, stock int) *bench {
	t.Helper()
	v := storetest.Vault(t)
	fake := clock.NewFake(time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC))
	b := &bench{
		Store: cardstore.Store{DB: db, Vault: v, Clock: fake},
		Rows:  storetest.Rows{T: t, DB: db, Vault: v, Now: fake.Now()}, clock: fake,
	}
	b.process = cardstore.Process{
		Store: b.Store, Terms: card.DefaultTerms(),
		Sign:    func(in cardstore.Intent) (string, string, error) { return "TOKEN" + in.Number, "TEST", nil },
		Missing: func(name string) []rune { return nil },
	}
	b.branch = b.Branch("光谷支行")
	b.clerk = b.Clerk("李柜员", b.branch)
	b.serials = b.Stock(b.branch, stock)
	b.University("HB001", "武汉大学")
	b.SigningKey("TEST")
	return b
}

func (b *bench) draft() card.Draft {
	return card.Draft{
		Edition: card.General, Identity: card.Student, NoticeVersion: card.NoticeVersion, Phone: "13800000000",
		PhoneVerifiedAt: b.clock.Now(), UniversityCode: "HB001", DivisionCode: "420106", Address: "八一路299号", BranchID: b.branch,
	}
}

func (b *bench) submission(t testing.TB, person uuid.UUID, d card.Draft) cardstore.Submission {
	t.Helper()
	ctx := context.Background()
	_, version, err := cardstore.Drafts{Store: b.Store}.Load(ctx, person)
	require.NoError(t, err)
	_, err = cardstore.Drafts{Store: b.Store}.Save(ctx, person, d, version)
	require.NoError(t, err)
	f, err := cardstore.Submissions{Store: b.Store}.Facts(ctx, person, d)
	require.NoError(t, err)
	return cardstore.Submission{PersonID: person, IdempotencyKey: uuid.Must(uuid.NewV4()), Content: card.ContentHash(d, f)}
}

func (b *bench) submit(t testing.TB, person uuid.UUID) uuid.UUID {
	t.Helper()
	a, reasons, err := cardstore.Submissions{Store: b.Store}.Submit(context.Background(), b.submission(t, person, b.draft()))
	require.NoError(t, err)
	require.Empty(t, reasons)
	return a.ID
}

func (b *bench) issued(t testing.TB, n int) uuid.UUID {
	t.Helper()
	id := b.submit(t, b.Person("王𠮷", ids[n]))
	snap, err := b.process.Issue(context.Background(), id)
	require.NoError(t, err)
	require.Equal(t, card.Ready, snap.State)
	return id
}

func (b *bench) count(t testing.TB, sql string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, b.Store.DB.QueryRow(context.Background(), sql, args...).Scan(&n))
	return n
}

// books checks that the ledger's sums are what the rows say.
func (b *bench) books(t testing.TB) {
	t.Helper()
	require.Zero(t, b.count(t, `
		SELECT count(*) FROM branch b
		CROSS JOIN LATERAL (SELECT coalesce(sum(on_hand), 0) AS on_hand, coalesce(sum(reserved), 0) AS reserved
		                      FROM stock_entry WHERE branch_id = b.id) e
		CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE state IN ('in_stock', 'reserved')) AS on_hand,
		                           count(*) FILTER (WHERE state = 'reserved') AS reserved
		                      FROM stock_card WHERE branch_id = b.id) c
		WHERE e.on_hand <> c.on_hand OR e.reserved <> c.reserved`), "the ledger differs from the cards")
}

func TestSubmitIsOneApplicationHoweverOftenItIsSent(t *testing.T) {
	t.Parallel()
	b := setup(t, 5)
	person := b.Person("阿卜杜热合曼·买买提", ids[0])
	in := b.submission(t, person, b.draft())
	const sends = 20
	var got [sends]cardstore.Accepted
	var wg sync.WaitGroup
	for i := range sends {
		wg.Go(func() {
			a, reasons, err := cardstore.Submissions{Store: b.Store}.Submit(context.Background(), in)
			if err != nil || len(reasons) > 0 {
				t.Errorf("send %d: %v %v", i, reasons, err)
			}
			got[i] = a
		})
	}
	wg.Wait()
	first := 0
	for _, a := range got {
		require.Equal(t, got[0].ID, a.ID)
		if !a.Again {
			first++
		}
	}
	require.Equal(t, 1, first)
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM application"))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM stock_card WHERE state = 'reserved'"))
	b.books(t)
}

func TestTwoFormsOfOnePersonMakeOneLiveApplication(t *testing.T) {
	t.Parallel()
	b := setup(t, 5)
	person := b.Person("张䶮", ids[0])
	one := b.submission(t, person, b.draft())
	two := one
	two.IdempotencyKey = uuid.Must(uuid.NewV4())
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted, refused := 0, 0
	for _, in := range []cardstore.Submission{one, two} {
		wg.Go(func() {
			_, reasons, err := cardstore.Submissions{Store: b.Store}.Submit(context.Background(), in)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && len(reasons) == 0:
				accepted++
			case err == nil || fault.Is(err, fault.Conflict):
				refused++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, accepted)
	require.Equal(t, 1, refused)
	b.books(t)
}

func TestLastCardWantedByManyGoesToOne(t *testing.T) {
	t.Parallel()
	const people = 100
	b := setup(t, 1)
	inputs := make([]cardstore.Submission, people)
	for i := range inputs {
		// The unassigned area 420199 with a running sequence; the check digit is computed.
		inputs[i] = b.submission(t, b.Person(fmt.Sprintf("测试%d", i), idNumber(i)), b.draft())
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted, told := 0, 0
	for _, in := range inputs {
		wg.Go(func() {
			_, reasons, err := cardstore.Submissions{Store: b.Store}.Submit(context.Background(), in)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				t.Error(err)
			case len(reasons) == 0:
				accepted++
			case reasons[0].Field == card.FieldBranch:
				told++
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, accepted)
	require.Equal(t, people-1, told)
	require.Equal(t, people-1, b.count(t, "SELECT count(*) FROM application_draft"), "nothing typed is lost")
	b.books(t)
}

// idNumber makes a valid number of the unassigned area 420199.
func idNumber(n int) string {
	body := fmt.Sprintf("42019920040101%03d", n)
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(body[i]-'0') * w
	}
	return body + string("10X98765432"[sum%11])
}

func TestSubmitRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	ctx := context.Background()
	s := cardstore.Submissions{Store: b.Store}
	person := b.Person("王𠮷", ids[0])

	in := b.submission(t, person, b.draft())
	in.Content[0] ^= 1
	_, _, err := s.Submit(ctx, in)
	require.True(t, fault.Is(err, fault.Conflict), "the preview showed something else")

	d := b.draft()
	d.UniversityCode = "TSINGHUA"
	_, reasons, err := s.Submit(ctx, b.submission(t, person, d))
	require.NoError(t, err)
	require.Equal(t, card.FieldUniversity, reasons[0].Field)

	id := b.submit(t, person)
	_, reasons, err = s.Submit(ctx, b.submission(t, person, b.draft()))
	require.NoError(t, err)
	require.Equal(t, card.FieldPerson, reasons[0].Field)

	_, err = b.process.Withdraw(ctx, id, person)
	require.NoError(t, err)
	require.NotEqual(t, id, b.submit(t, person), "after a withdrawal one may apply again")
	b.books(t)
}

// T3: the engine may have forgotten every closed run; the row still refuses.
func TestHolderOfAValidCardCannotApplyAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	ctx := context.Background()
	id := b.issued(t, 0)
	_, err := b.process.HandOver(ctx, cardstore.HandOver{ApplicationID: id, BranchID: b.branch, StaffID: b.clerk, Serial: b.serials[0]})
	require.NoError(t, err)
	var person uuid.UUID
	require.NoError(t, b.Store.DB.QueryRow(ctx, "SELECT person_id FROM application").Scan(&person))
	_, reasons, err := cardstore.Submissions{Store: b.Store}.Submit(ctx, b.submission(t, person, b.draft()))
	require.NoError(t, err)
	require.Len(t, reasons, 1)
	require.Equal(t, card.FieldPerson, reasons[0].Field)
}

// Years later the old card has ended: a new one takes its place, and the old one's chain says so.
func TestExpiredCardIsReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	ctx := context.Background()
	old := b.issued(t, 0)
	_, err := b.process.HandOver(ctx, cardstore.HandOver{ApplicationID: old, BranchID: b.branch, StaffID: b.clerk, Serial: b.serials[0]})
	require.NoError(t, err)
	b.clock.Advance(11 * 366 * 24 * time.Hour)
	next := b.submit(t, personOf(t, b, old))
	_, err = b.process.Issue(ctx, next)
	require.NoError(t, err)
	status := func(id uuid.UUID) (status, chain string) {
		require.NoError(t, b.Store.DB.QueryRow(ctx, `
			SELECT c.status, (SELECT string_agg(action || ' ' || to_state, ', ' ORDER BY seq) FROM audit_entry WHERE subject_id = c.id)
			  FROM card c WHERE application_id = $1`, id).Scan(&status, &chain))
		return status, chain
	}
	was, chain := status(old)
	require.Equal(t, "replaced", was)
	require.Equal(t, "issue valid, replace replaced", chain)
	is, chain := status(next)
	require.Equal(t, "valid", is)
	require.Equal(t, "issue valid", chain)
}

func TestIssueTwiceMakesOneCard(t *testing.T) {
	t.Parallel()
	b := setup(t, 1)
	ctx := context.Background()
	id := b.submit(t, b.Person("王𠮷", ids[0]))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			snap, err := b.process.Issue(ctx, id)
			if err != nil || snap.State != card.Ready {
				t.Errorf("%v %v", snap, err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM card"))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM message"))
	require.Equal(t, 2, b.count(t, "SELECT count(*) FROM audit_entry WHERE subject_kind = 'application'"))
	c, steps, err := cardstore.Cases{Store: b.Store}.Get(ctx, personOf(t, b, id), id)
	require.NoError(t, err)
	require.Equal(t, card.Valid, c.CardStatus)
	require.Equal(t, "TOKEN"+c.CardNumber, c.Token)
	require.Len(t, steps, 2)
	_, _, err = cardstore.Cases{Store: b.Store}.Get(ctx, uuid.Must(uuid.NewV7()), id)
	require.True(t, fault.Is(err, fault.NotFound), "somebody else's case")
}

func personOf(t *testing.T, b *bench, id uuid.UUID) uuid.UUID {
	t.Helper()
	var person uuid.UUID
	require.NoError(t, b.Store.DB.QueryRow(context.Background(), "SELECT person_id FROM application WHERE id = $1", id).Scan(&person))
	return person
}

func TestNameWithoutGlyphIsHeld(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	ctx := context.Background()
	missing := []rune("𰻞")
	b.process.Missing = func(string) []rune { return missing }
	id := b.submit(t, b.Person("王𰻞", ids[0]))
	for range 2 {
		snap, err := b.process.Issue(ctx, id)
		require.NoError(t, err)
		require.Equal(t, card.Held, snap.State)
	}
	require.Zero(t, b.count(t, "SELECT count(*) FROM card"))
	_, err := b.process.DecideHeld(ctx, id, b.clerk, true, "")
	require.True(t, fault.Is(err, fault.Conflict), "still no glyph")
	missing = nil
	for range 2 {
		snap, err := b.process.DecideHeld(ctx, id, b.clerk, true, "")
		require.NoError(t, err)
		require.Equal(t, card.Ready, snap.State)
	}
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM card"))

	missing = []rune("𰻞")
	other := b.submit(t, b.Person("李𰻞", ids[1]))
	_, err = b.process.Issue(ctx, other)
	require.NoError(t, err)
	for range 2 {
		snap, err := b.process.DecideHeld(ctx, other, b.clerk, false, "请提供姓名的规范写法。")
		require.NoError(t, err)
		require.Equal(t, card.Refused, snap.State)
	}
	b.books(t)
}

// T1: fifty clerks' confirmations at once.
func TestHandOverOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, 60)
	ctx := context.Background()
	id := b.issued(t, 0)
	other := b.Clerk("张柜员", b.branch)
	const confirms = 50
	var wg sync.WaitGroup
	var mu sync.Mutex
	done, refused := 0, 0
	for i := range confirms {
		wg.Go(func() {
			staff := b.clerk
			if i%2 == 1 {
				staff = other
			}
			_, err := b.process.HandOver(ctx, cardstore.HandOver{ApplicationID: id, BranchID: b.branch, StaffID: staff, Serial: b.serials[i]})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				done++
			case fault.Is(err, fault.Conflict):
				refused++
				assert.NotContains(t, fault.Sentence(err), "柜员", "the sentence travels through Temporal")
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, done)
	require.Equal(t, confirms-1, refused)
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM hand_over"))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM stock_card WHERE state = 'handed_over'"))
	require.Zero(t, b.count(t, "SELECT count(*) FROM stock_card WHERE state = 'reserved'"))
	b.books(t)
}

func TestHandOverSerials(t *testing.T) {
	t.Parallel()
	b := setup(t, 3)
	ctx := context.Background()
	elsewhere := b.Branch("江汉支行")
	foreign := b.Stock(elsewhere, 1)[0]
	one, two := b.issued(t, 0), b.issued(t, 1)
	reserved := func(id uuid.UUID) (serial string) {
		require.NoError(t, b.Store.DB.QueryRow(ctx, "SELECT serial FROM stock_card WHERE application_id = $1", id).Scan(&serial))
		return serial
	}
	give := func(id, branch uuid.UUID, serial string) error {
		_, err := b.process.HandOver(ctx, cardstore.HandOver{ApplicationID: id, BranchID: branch, StaffID: b.clerk, Serial: serial})
		return err
	}
	require.True(t, fault.Is(give(one, b.branch, "NOSUCH00"), fault.Invalid))
	require.True(t, fault.Is(give(one, b.branch, foreign), fault.Invalid))
	require.True(t, fault.Is(give(one, elsewhere, foreign), fault.Forbidden), "another branch's clerk")

	// The card that was reserved for the other application: the reservations change places.
	taken := reserved(two)
	require.NoError(t, give(one, b.branch, taken))
	require.NoError(t, give(one, b.branch, taken), "the same clerk's second click")
	require.Equal(t, taken, reserved(one))
	require.NotEqual(t, taken, reserved(two))
	b.books(t)
	require.True(t, fault.Is(give(two, b.branch, taken), fault.Conflict), "already handed over")
	require.NoError(t, give(two, b.branch, reserved(two)))
	b.books(t)
}

func TestUndo(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	ctx := context.Background()
	id := b.issued(t, 0)
	give := cardstore.HandOver{ApplicationID: id, BranchID: b.branch, StaffID: b.clerk, Serial: b.serials[1]}
	undo := cardstore.Undo{ApplicationID: id, BranchID: b.branch, StaffID: b.clerk, Reason: "拿错卡"}
	_, err := b.process.HandOver(ctx, give)
	require.NoError(t, err)
	b.clock.Advance(9 * time.Minute)
	for range 2 {
		snap, err := b.process.UndoHandOver(ctx, undo)
		require.NoError(t, err)
		require.Equal(t, card.Ready, snap.State)
	}
	b.books(t)
	_, err = b.process.HandOver(ctx, give)
	require.NoError(t, err)
	b.clock.Advance(11 * time.Minute)
	_, err = b.process.UndoHandOver(ctx, undo)
	require.True(t, fault.Is(err, fault.Conflict), "too late")
	undo.BranchID = b.Branch("江汉支行")
	_, err = b.process.UndoHandOver(ctx, undo)
	require.True(t, fault.Is(err, fault.Forbidden))
	b.books(t)
}

// An act that was on its way while the case moved on: a worker that stood still, an update that the
// server delivered after the person had pressed again.
func TestLateActsDoNotCount(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	ctx := context.Background()
	id := b.issued(t, 0)
	seen := func() cardstore.CounterCase {
		c, err := cardstore.Counter{Store: b.Store}.Get(ctx, b.branch, id)
		require.NoError(t, err)
		return c
	}
	give := cardstore.HandOver{ApplicationID: id, BranchID: b.branch, StaffID: b.clerk, Serial: b.serials[1], Seen: *seen().ReadyAt}
	for range 2 {
		_, err := b.process.HandOver(ctx, give)
		require.NoError(t, err, "the same act of the same wait")
	}
	undo := cardstore.Undo{ApplicationID: id, BranchID: b.branch, StaffID: b.clerk, Reason: "拿错卡", Seen: *seen().HandedOverAt}
	b.clock.Advance(time.Minute)
	for range 2 {
		_, err := b.process.UndoHandOver(ctx, undo)
		require.NoError(t, err)
	}
	_, err := b.process.HandOver(ctx, give)
	require.True(t, fault.Is(err, fault.Conflict), "it was meant for the wait before: %v", err)
	require.Equal(t, card.Ready, seen().State)

	give.Seen = *seen().ReadyAt
	b.clock.Advance(time.Minute)
	_, err = b.process.HandOver(ctx, give)
	require.NoError(t, err)
	_, err = b.process.UndoHandOver(ctx, undo)
	require.True(t, fault.Is(err, fault.Conflict), "it was meant for the hand-over before")
	require.Equal(t, card.Collected, seen().State)
	b.books(t)
}

func TestLapseAndChooseAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, 1)
	ctx := context.Background()
	id := b.issued(t, 0)
	person := personOf(t, b, id)
	snap, err := b.process.Lapse(ctx, id)
	require.NoError(t, err)
	require.Equal(t, card.Ready, snap.State, "not before its time")
	for range 2 {
		_, err = b.process.Remind(ctx, id, 1)
		require.NoError(t, err)
	}
	require.Equal(t, 2, b.count(t, "SELECT count(*) FROM message"), "ready, and one reminder")

	b.clock.Advance(31 * 24 * time.Hour)
	for range 2 {
		snap, err = b.process.Lapse(ctx, id)
		require.NoError(t, err)
		require.Equal(t, card.Lapsed, snap.State)
	}
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM stock_card WHERE state = 'in_stock'"))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM card WHERE status = 'valid'"), "the digital card stays")
	b.books(t)

	_, err = b.process.ChooseBranch(ctx, id, uuid.Must(uuid.NewV7()), b.branch)
	require.True(t, fault.Is(err, fault.NotFound), "somebody else's case")
	empty := b.Branch("空网点")
	_, err = b.process.ChooseBranch(ctx, id, person, empty)
	require.True(t, fault.Is(err, fault.Conflict), "no stock")
	for range 2 {
		snap, err = b.process.ChooseBranch(ctx, id, person, b.branch)
		require.NoError(t, err)
		require.Equal(t, card.Ready, snap.State)
	}
	require.Equal(t, "2027-01-25", calendar.DateOf(snap.Until).String(), "the thirtieth day is a Saturday")
	b.books(t)

	b.clock.Advance(33 * 24 * time.Hour)
	_, err = b.process.Lapse(ctx, id)
	require.NoError(t, err)
	snap, err = b.process.Close(ctx, id)
	require.NoError(t, err)
	require.Equal(t, card.Lapsed, snap.State)
	b.clock.Advance(b.process.Terms.Lapsed)
	for range 2 {
		snap, err = b.process.Close(ctx, id)
		require.NoError(t, err)
		require.Equal(t, card.Closed, snap.State)
	}
}

func TestWithdrawCancelsTheDigitalCard(t *testing.T) {
	t.Parallel()
	b := setup(t, 1)
	ctx := context.Background()
	id := b.issued(t, 0)
	person := personOf(t, b, id)
	for range 2 {
		snap, err := b.process.Withdraw(ctx, id, person)
		require.NoError(t, err)
		require.Equal(t, card.Withdrawn, snap.State)
	}
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM card WHERE status = 'cancelled'"))
	_, err := b.process.HandOver(ctx, cardstore.HandOver{ApplicationID: id, BranchID: b.branch, StaffID: b.clerk, Serial: b.serials[0]})
	require.True(t, fault.Is(err, fault.Conflict))
	b.books(t)
	require.NotEqual(t, id, b.submit(t, person))
}

func TestDraftOfAnOlderTabIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, 1)
	ctx := context.Background()
	drafts := cardstore.Drafts{Store: b.Store}
	person := b.Person("王𠮷", ids[0])
	v1, err := drafts.Save(ctx, person, card.Draft{Edition: card.General}, 0)
	require.NoError(t, err)
	v2, err := drafts.Save(ctx, person, card.Draft{Edition: card.General, Identity: card.Social}, v1)
	require.NoError(t, err)
	_, err = drafts.Save(ctx, person, card.Draft{}, v1)
	require.True(t, fault.Is(err, fault.Conflict))
	_, err = drafts.Save(ctx, person, card.Draft{}, 0)
	require.True(t, fault.Is(err, fault.Conflict))
	d, v, err := drafts.Load(ctx, person)
	require.NoError(t, err)
	require.Equal(t, v2, v)
	require.Equal(t, card.Social, d.Identity)
	require.Zero(t, b.count(t, "SELECT count(*) FROM application_draft WHERE position('general'::bytea in data) > 0"), "it is sealed")
	_, err = b.Store.DB.Exec(ctx, "DELETE FROM application_draft")
	require.NoError(t, err)
	_, err = drafts.Save(ctx, person, card.Draft{}, v2)
	require.True(t, fault.Is(err, fault.Conflict), "submitted in another tab")
}

func TestStockReceiveAndSpoil(t *testing.T) {
	t.Parallel()
	b := setup(t, 0)
	ctx := context.Background()
	stock := cardstore.Stock{Store: b.Store}
	n, err := stock.Receive(ctx, b.branch, "HB000001", "HB000100", b.clerk)
	require.NoError(t, err)
	require.Equal(t, 100, n)
	_, err = stock.Receive(ctx, b.branch, "HB000100", "HB000110", b.clerk)
	require.True(t, fault.Is(err, fault.Conflict), "one serial is known: nothing is booked")
	_, err = stock.Receive(ctx, b.branch, "HB000200", "HB009999", b.clerk)
	require.True(t, fault.Is(err, fault.Invalid))
	require.NoError(t, stock.Spoil(ctx, b.branch, "HB000007", b.clerk, "折断"))
	require.True(t, fault.Is(stock.Spoil(ctx, b.branch, "HB000007", b.clerk, "折断"), fault.Conflict))
	c, err := stock.Count(ctx, b.branch)
	require.NoError(t, err)
	require.Equal(t, cardstore.Counts{InStock: 99, Spoiled: 1}, c)
	entries, err := stock.Entries(ctx, b.branch, 10, 0)
	require.NoError(t, err)
	require.Len(t, entries, 3)
	b.books(t)
}

func TestSpoiledReservationMovesToAnotherCard(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	ctx := context.Background()
	stock := cardstore.Stock{Store: b.Store}
	id := b.issued(t, 0)
	reserved := func() (serial string) {
		require.NoError(t, b.Store.DB.QueryRow(ctx, "SELECT serial FROM stock_card WHERE application_id = $1", id).Scan(&serial))
		return serial
	}
	first := reserved()
	elsewhere := b.Branch("江汉支行")
	require.True(t, fault.Is(stock.Spoil(ctx, elsewhere, first, b.clerk, "折断"), fault.Invalid), "another branch's card")
	require.NoError(t, stock.Spoil(ctx, b.branch, first, b.clerk, "折断"))
	second := reserved()
	require.NotEqual(t, first, second)
	b.books(t)
	require.True(t, fault.Is(stock.Spoil(ctx, b.branch, second, b.clerk, "折断"), fault.Conflict), "no other card is left")
	require.Equal(t, second, reserved())
	b.books(t)
	_, err := b.process.HandOver(ctx, cardstore.HandOver{ApplicationID: id, BranchID: b.branch, StaffID: b.clerk, Serial: second})
	require.NoError(t, err)
	require.True(t, fault.Is(stock.Spoil(ctx, b.branch, second, b.clerk, "折断"), fault.Conflict), "handed over")
	b.books(t)
}

func TestCounterFinds(t *testing.T) {
	t.Parallel()
	b := setup(t, 3)
	ctx := context.Background()
	counter := cardstore.Counter{Store: b.Store}
	id := b.issued(t, 4)
	c, _, err := cardstore.Cases{Store: b.Store}.Get(ctx, personOf(t, b, id), id)
	require.NoError(t, err)
	elsewhere := b.Branch("江汉支行")

	for _, find := range []func(branch uuid.UUID) ([]cardstore.CounterCase, error){
		func(branch uuid.UUID) ([]cardstore.CounterCase, error) {
			return counter.ByCode(ctx, branch, c.PickupCode)
		},
		func(branch uuid.UUID) ([]cardstore.CounterCase, error) {
			return counter.ByCardNumber(ctx, branch, c.CardNumber)
		},
		func(branch uuid.UUID) ([]cardstore.CounterCase, error) {
			return counter.ByName(ctx, branch, "王𠮷", "004x")
		},
	} {
		found, err := find(b.branch)
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Equal(t, id, found[0].ID)
		found, err = find(elsewhere)
		require.NoError(t, err)
		require.Empty(t, found, "another branch's case")
	}
	found, err := counter.ByName(ctx, b.branch, "王𠮷", "0000")
	require.NoError(t, err)
	require.Empty(t, found)
	_, err = counter.Get(ctx, elsewhere, id)
	require.True(t, fault.Is(err, fault.NotFound))
	ok, err := counter.TailMatches(ctx, b.branch, id, " 004x")
	require.NoError(t, err)
	require.True(t, ok)

	p, err := cardstore.Cases{Store: b.Store}.ByNumber(ctx, c.Number, "004X")
	require.NoError(t, err)
	require.Equal(t, card.Ready, p.State)
	_, err = cardstore.Cases{Store: b.Store}.ByNumber(ctx, c.Number, "0040")
	wrongTail := fault.Sentence(err)
	_, err = cardstore.Cases{Store: b.Store}.ByNumber(ctx, "HB00000000000000", "004X")
	require.Equal(t, wrongTail, fault.Sentence(err), "the answer does not tell which was wrong")
}

// Whoever takes the consent to the bank's part back is shown to no clerk, and nothing is handed over until
// it is given again.
func TestNoHandOverWithoutTheBanksConsent(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	ctx := context.Background()
	counter := cardstore.Counter{Store: b.Store}
	id := b.issued(t, 4)
	consent := func(sql string) {
		_, err := b.Store.DB.Exec(ctx, sql+" WHERE purpose = 'bank' AND person_id = $1", personOf(t, b, id))
		require.NoError(t, err)
	}
	act := cardstore.HandOver{ApplicationID: id, BranchID: b.branch, StaffID: b.clerk, Serial: b.serials[0]}

	consent("UPDATE consent SET withdrawn_at = now()")
	found, err := counter.ByName(ctx, b.branch, "王𠮷", "004x")
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.False(t, found[0].Consented)
	require.Equal(t, []string{"", "", ""}, []string{found[0].HolderName, string(found[0].Identity), found[0].UnitName})
	_, err = b.process.HandOver(ctx, act)
	require.True(t, fault.Is(err, fault.Conflict), err)
	require.Contains(t, fault.Sentence(err), "已撤回")
	require.Zero(t, b.count(t, "SELECT count(*) FROM hand_over"))

	// An older text stands until it is taken back.
	consent("UPDATE consent SET withdrawn_at = NULL, version = '2020-01'")
	c, err := counter.Get(ctx, b.branch, id)
	require.NoError(t, err)
	require.True(t, c.Consented)
	require.Equal(t, "王𠮷", c.HolderName)
	snap, err := b.process.HandOver(ctx, act)
	require.NoError(t, err)
	require.Equal(t, card.Collected, snap.State)
	b.books(t)
}
