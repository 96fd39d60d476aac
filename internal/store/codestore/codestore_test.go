package codestore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/limit"
	"volcard/internal/person"
	"volcard/internal/store"
	"volcard/internal/store/codestore"
	"volcard/internal/store/storetest"
)

type bundle struct {
	codestore.Codes
	now *clock.Fake
	t   *testing.T
}

func setup(t *testing.T) *bundle {
	t.Helper()
	t.Parallel()
	now := clock.NewFake(time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC))
	return &bundle{codestore.Codes{DB: storetest.New(t), Vault: storetest.Vault(t), Clock: now}, now, t}
}

func phone(t testing.TB, in string) person.Phone {
	t.Helper()
	p, err := person.ParsePhone(in)
	require.NoError(t, err)
	return p
}

func idNumber(t testing.TB, in string) person.IDNumber {
	t.Helper()
	id, err := person.ParseIDNumber(in)
	require.NoError(t, err)
	return id
}

// codes returns what was sent to all phones, oldest first.
func (b *bundle) codes() []string {
	b.t.Helper()
	rows, err := b.DB.Query(context.Background(), "SELECT params FROM message ORDER BY id")
	require.NoError(b.t, err)
	defer rows.Close()
	var codes []string
	for rows.Next() {
		var sealed []byte
		require.NoError(b.t, rows.Scan(&sealed))
		plain, err := b.Vault.Unseal(sealed, store.LabelMessageParams)
		require.NoError(b.t, err)
		var params map[string]string
		require.NoError(b.t, json.Unmarshal(plain, &params))
		codes = append(codes, params["code"])
	}
	require.NoError(b.t, rows.Err())
	return codes
}

func (b *bundle) last() string {
	b.t.Helper()
	codes := b.codes()
	require.NotEmpty(b.t, codes)
	return codes[len(codes)-1]
}

// wrong returns a code that is not the given one.
func wrong(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

func (b *bundle) person(blocked bool) uuid.UUID {
	b.t.Helper()
	id := uuid.Must(uuid.NewV7())
	_, err := b.DB.Exec(context.Background(), `
		INSERT INTO person (id, name, id_number, id_index, phone, phone_index, division_code, address, volunteer_no,
		  password_hash, blocked_at, created_at, updated_at)
		VALUES ($1, '王𠮷', '', $2, '', '', '420106', '', $3, '', CASE WHEN $4 THEN $5::timestamptz END, $5, $5)`,
		id, id.Bytes(), fmt.Sprintf("V%010d", int(id[15])<<8|int(id[14])), blocked, b.now.Now())
	require.NoError(b.t, err)
	return id
}

var ctx = context.Background()

func register(t testing.TB, number string) codestore.Ask {
	t.Helper()
	return codestore.Ask{Purpose: codestore.Register, Phone: phone(t, number), Session: "session-a", Address: "192.0.2.1"}
}

func try(a codestore.Ask, code string) codestore.Try {
	return codestore.Try{Purpose: a.Purpose, Phone: a.Phone, Session: a.Session, PersonID: a.PersonID, IDNumber: a.IDNumber, Code: code}
}

func TestCodeWorksOnce(t *testing.T) {
	b := setup(t)
	a := register(t, "13800000001")
	require.ErrorContains(t, b.Verify(ctx, try(a, "123456")), "请先获取验证码")
	sent, err := b.Request(ctx, a)
	require.NoError(t, err)
	require.Equal(t, b.now.Now().Add(5*time.Minute), sent.ExpiresAt)
	require.Equal(t, b.now.Now().Add(time.Minute), sent.ResendAt)
	code := b.last()
	require.Regexp(t, `^[0-9]{6}$`, code)
	require.NoError(t, b.Verify(ctx, try(a, " "+code[:3]+" "+code[3:])))
	require.ErrorContains(t, b.Verify(ctx, try(a, code)), "已使用")
}

func TestCodeExpires(t *testing.T) {
	b := setup(t)
	a := register(t, "13800000001")
	_, err := b.Request(ctx, a)
	require.NoError(t, err)
	b.now.Advance(5*time.Minute - time.Second)
	require.ErrorContains(t, b.Verify(ctx, try(a, wrong(b.last()))), "不正确")
	b.now.Advance(time.Second)
	require.ErrorContains(t, b.Verify(ctx, try(a, b.last())), "已过期")
}

// T41: five wrong tries burn the code, and the sixth is refused even when it is right.
func TestFiveWrongTriesBurnTheCode(t *testing.T) {
	b := setup(t)
	a := register(t, "13800000001")
	_, err := b.Request(ctx, a)
	require.NoError(t, err)
	code := b.last()
	require.ErrorContains(t, b.Verify(ctx, try(a, "12 34")), "6 位数字", "what is no code is no try")
	for range 4 {
		require.ErrorContains(t, b.Verify(ctx, try(a, wrong(code))), "不正确")
	}
	require.ErrorContains(t, b.Verify(ctx, try(a, wrong(code))), "输错次数过多")
	require.ErrorContains(t, b.Verify(ctx, try(a, code)), "输错次数过多")

	b.now.Advance(time.Minute)
	_, err = b.Request(ctx, a)
	require.NoError(t, err)
	require.NoError(t, b.Verify(ctx, try(a, b.last())), "a new code has its own tries")
}

// T73: with two messages on the phone, the earlier one's code is wrong, and typing it does not burn the later one.
func TestTheEarlierCodeDoesNotBurnTheNewer(t *testing.T) {
	b := setup(t)
	a := register(t, "13800000001")
	_, err := b.Request(ctx, a)
	require.NoError(t, err)
	earlier := b.last()
	b.now.Advance(time.Minute)
	_, err = b.Request(ctx, a)
	require.NoError(t, err)
	for range 6 {
		require.ErrorContains(t, b.Verify(ctx, try(a, earlier)), "较早")
	}
	for _, other := range []codestore.Ask{register(t, "13800000002"), {Purpose: codestore.Application, Phone: a.Phone, Session: a.Session}} {
		require.ErrorContains(t, b.Verify(ctx, try(other, earlier)), "请先获取验证码", "it stays bound")
	}
	require.NoError(t, b.Verify(ctx, try(a, b.last())))

	b.now.Advance(time.Minute)
	_, err = b.Request(ctx, a)
	require.NoError(t, err)
	b.now.Advance(4 * time.Minute)
	require.ErrorContains(t, b.Verify(ctx, try(a, earlier)), "不正确", "what ended is a wrong try like any other")
}

func TestCodeIsBound(t *testing.T) {
	b := setup(t)
	a := register(t, "13800000001")
	_, err := b.Request(ctx, a)
	require.NoError(t, err)
	code := b.last()
	for name, change := range map[string]func(*codestore.Try){
		"to its purpose": func(x *codestore.Try) { x.Purpose = codestore.Application },
		"to its phone":   func(x *codestore.Try) { x.Phone = phone(t, "13800000002") },
		"to its session": func(x *codestore.Try) { x.Session = "session-b" },
	} {
		x := try(a, code)
		change(&x)
		require.ErrorContains(t, b.Verify(ctx, x), "请先获取验证码", name)
	}
	require.NoError(t, b.Verify(ctx, try(a, code)))
}

// T41: a request over the limit leaves the code that was sent before alone; only a code that was
// really sent takes its place. T39: limits per phone.
func TestLimitsPerPhone(t *testing.T) {
	b := setup(t)
	a := register(t, "13800000001")
	ask := func() error {
		// Sessions and addresses change, the phone stays.
		a.Session, a.Address = uuid.Must(uuid.NewV4()).String(), fmt.Sprintf("198.51.100.%d", len(b.codes()))
		_, err := b.Request(ctx, a)
		return err
	}
	require.NoError(t, ask())
	first := a
	_, err := b.Request(ctx, a)
	require.True(t, fault.Is(err, fault.TooMany))
	require.ErrorContains(t, err, "请在 60 秒后再试")
	require.Len(t, b.codes(), 1)
	require.NoError(t, b.Verify(ctx, try(first, b.last())))

	for range 4 {
		b.now.Advance(time.Minute)
		require.NoError(t, ask())
	}
	b.now.Advance(time.Minute)
	require.ErrorContains(t, ask(), "请在 55 分钟后再试")
	b.now.Advance(time.Hour)
	for range 5 {
		b.now.Advance(time.Minute)
		require.NoError(t, ask())
	}
	b.now.Advance(2 * time.Hour)
	require.ErrorContains(t, ask(), "请在 21 小时后再试", "ten a day")
	b.now.Advance(21 * time.Hour)
	require.NoError(t, ask())
	require.Len(t, b.codes(), 11)
}

func TestLimitsPerSessionAndAddress(t *testing.T) {
	b := setup(t)
	for i := range 3 {
		_, err := b.Request(ctx, register(t, fmt.Sprintf("1380000000%d", i)))
		require.NoError(t, err)
	}
	_, err := b.Request(ctx, register(t, "13800000009"))
	require.True(t, fault.Is(err, fault.TooMany), "a fourth phone in a minute from one session")

	for i := range 57 {
		a := register(t, fmt.Sprintf("139000000%02d", i))
		a.Session = fmt.Sprint("other", i)
		_, err := b.Request(ctx, a)
		require.NoError(t, err)
	}
	a := register(t, "13900000099")
	a.Session = "yet another"
	_, err = b.Request(ctx, a)
	require.True(t, fault.Is(err, fault.TooMany), "one address, many sessions and phones")
	require.ErrorContains(t, err, "您所在的网络")
	b.PerNetwork = []limit.Window{{N: 61, Per: time.Minute}}
	_, err = b.Request(ctx, a)
	require.NoError(t, err, "an operator has allowed more")
	a = register(t, "13900000098")
	a.Session = "one more"
	_, err = b.Request(ctx, a)
	require.ErrorContains(t, err, "您所在的网络")
	a = register(t, "13900000097")
	a.Session, a.Address = "from elsewhere", "192.0.2.2"
	_, err = b.Request(ctx, a)
	require.NoError(t, err)
}

// T40: however the number is typed, it is one key.
func TestLimiterKeyIsNormalised(t *testing.T) {
	b := setup(t)
	_, err := b.Request(ctx, register(t, "13800000001"))
	require.NoError(t, err)
	for i, typed := range []string{"+86 138 0000 0001", "１３８０００００００１", "0086-13800000001", "8613800000001", "138\u200b00000001"} {
		a := register(t, typed)
		a.Session, a.Address = fmt.Sprint(i), fmt.Sprintf("192.0.2.%d", 10+i)
		_, err := b.Request(ctx, a)
		require.True(t, fault.Is(err, fault.TooMany), typed)
	}
}

func TestParallelRequestsSendOneCode(t *testing.T) {
	b := setup(t)
	var sent atomic.Int32
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			a := register(t, "13800000001")
			a.Session = fmt.Sprint(i % 3)
			_, err := b.Request(ctx, a)
			if err == nil {
				sent.Add(1)
				return
			}
			if !fault.Is(err, fault.TooMany) {
				t.Errorf("unexpected: %v", err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, sent.Load())
	require.Len(t, b.codes(), 1)
}

func TestParallelVerifiesSucceedOnce(t *testing.T) {
	b := setup(t)
	a := register(t, "13800000001")
	_, err := b.Request(ctx, a)
	require.NoError(t, err)
	code := b.last()
	var good atomic.Int32
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			if b.Verify(ctx, try(a, code)) == nil {
				good.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, good.Load())
}

func TestParallelWrongTriesAreAllCounted(t *testing.T) {
	b := setup(t)
	a := register(t, "13800000001")
	_, err := b.Request(ctx, a)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { _ = b.Verify(ctx, try(a, wrong(b.last()))) })
	}
	wg.Wait()
	var tries int
	require.NoError(t, b.DB.QueryRow(ctx, "SELECT wrong_tries FROM sms_code").Scan(&tries))
	require.Equal(t, 5, tries)
}

// T42.
func TestBlockedAccountGetsNoCode(t *testing.T) {
	b := setup(t)
	a := register(t, "13800000001")
	a.Purpose, a.PersonID = codestore.Application, b.person(true)
	_, err := b.Request(ctx, a)
	require.True(t, fault.Is(err, fault.Forbidden))
	require.Empty(t, b.codes())

	a.PersonID = b.person(false)
	_, err = b.Request(ctx, a)
	require.NoError(t, err)
	_, err = b.DB.Exec(ctx, "UPDATE person SET blocked_at = created_at WHERE id = $1", a.PersonID)
	require.NoError(t, err)
	require.True(t, fault.Is(b.Verify(ctx, try(a, b.last())), fault.Forbidden), "blocked between code and try")
}

// statements collects what a pool executes, in order.
type statements struct {
	mu  sync.Mutex
	all []string
}

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, strings.Join(strings.Fields(q.SQL), " "))
	return ctx
}

func (*statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// traced returns the bundle on a pool of its own, and what that executes.
func (b *bundle) traced() (*bundle, *statements) {
	b.t.Helper()
	executed := &statements{}
	cfg := b.DB.Config()
	cfg.ConnConfig.Tracer = executed
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	require.NoError(b.t, err)
	b.t.Cleanup(pool.Close)
	same := *b
	same.DB = &store.DB{Pool: pool}
	return &same, executed
}

// Whoever asks for a reset learns nothing about the account: known, unknown and blocked accounts,
// and one whose phone had too many codes, give the same answers after the same statements.
func TestResetTellsNothing(t *testing.T) {
	const number = "42010620040229002X"
	answersOf := func(t *testing.T, prepare func(b *bundle) codestore.Ask) []string {
		t.Helper()
		plain := setup(t)
		a := prepare(plain)
		b, executed := plain.traced()
		a.Purpose, a.IDNumber, a.Session, a.Address = codestore.Reset, idNumber(t, number), "s", "192.0.2.1"
		var answers []string
		say := func(err error) { answers = append(answers, fault.Sentence(err)) }
		request := func() {
			sent, err := b.Request(ctx, a)
			say(err)
			answers = append(answers, fmt.Sprint(sent.ResendAt.Sub(b.now.Now()), sent.ExpiresAt.Sub(b.now.Now())))
		}
		say(b.Verify(ctx, try(a, "000000")))
		request()
		request()
		for range 6 {
			code := "000000"
			if codes := plain.codes(); len(codes) > 0 {
				code = wrong(codes[len(codes)-1])
			}
			say(b.Verify(ctx, try(a, code)))
		}
		for range 5 {
			b.now.Advance(70 * time.Second)
			request()
		}
		b.now.Advance(6 * time.Minute)
		say(b.Verify(ctx, try(a, "000000")))
		require.Greater(t, len(executed.all), 100)
		return append(answers, executed.all...)
	}
	var want []string
	for _, c := range []struct {
		name    string
		sent    int
		prepare func(b *bundle) codestore.Ask
	}{
		{"known", 5, func(b *bundle) codestore.Ask {
			return codestore.Ask{Phone: phone(t, "13800000001"), PersonID: b.person(false)}
		}},
		{"unknown", 0, func(*bundle) codestore.Ask { return codestore.Ask{} }},
		{"blocked", 0, func(b *bundle) codestore.Ask {
			return codestore.Ask{Phone: phone(t, "13800000001"), PersonID: b.person(true)}
		}},
		{"phone sent too much", 4, func(b *bundle) codestore.Ask {
			_, err := b.Request(ctx, codestore.Ask{
				Purpose: codestore.Register, Phone: phone(t, "13800000001"), Session: "x", Address: "198.51.100.1",
			})
			require.NoError(t, err)
			return codestore.Ask{Phone: phone(t, "13800000001"), PersonID: b.person(false)}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := answersOf(t, c.prepare)
			if want == nil {
				want = got
			}
			require.Equal(t, want, got)
		})
	}
}

// Whoever asks for a reset of an account and then for a code to some phone must not learn whether
// the phone is the account's.
func TestResetIsNotSeenByOtherPurposes(t *testing.T) {
	b := setup(t)
	_, err := b.Request(ctx, codestore.Ask{
		Purpose: codestore.Reset, Phone: phone(t, "13800000001"), Session: "s", Address: "192.0.2.1",
		PersonID: b.person(false), IDNumber: idNumber(t, "42010620040229002X"),
	})
	require.NoError(t, err)
	_, err = b.Request(ctx, register(t, "13800000001"))
	require.NoError(t, err)
}

// One IPv6 site with many networks is one sender in the end; neighbours of a mobile network are not.
func TestLimitPerNetwork(t *testing.T) {
	b := setup(t)
	ask := func(i int, site string) error {
		a := register(t, fmt.Sprintf("1390000%04d", i))
		a.Session, a.Address = fmt.Sprint(i), fmt.Sprintf("2001:db8:%s:%x::1", site, i)
		_, err := b.Request(ctx, a)
		return err
	}
	for i := range 100 {
		require.NoError(t, ask(i, "7"))
	}
	require.True(t, fault.Is(ask(100, "7"), fault.TooMany))
	require.NoError(t, ask(100, "8"))
}

func TestResetWorks(t *testing.T) {
	b := setup(t)
	a := codestore.Ask{
		Purpose: codestore.Reset, Phone: phone(t, "13800000001"), Session: "s", Address: "192.0.2.1",
		PersonID: b.person(false), IDNumber: idNumber(t, "42010620040229002X"),
	}
	_, err := b.Request(ctx, a)
	require.NoError(t, err)
	other := try(a, b.last())
	other.Phone = phone(t, "13800000002")
	require.ErrorContains(t, b.Verify(ctx, other), "不正确", "the account's phone changed in between")
	require.NoError(t, b.Verify(ctx, try(a, b.last())))
}

func TestNothingReadableIsStored(t *testing.T) {
	b := setup(t)
	a := register(t, "13800000001")
	_, err := b.Request(ctx, a)
	require.NoError(t, err)
	code := b.last()
	for _, query := range []string{"SELECT to_jsonb(s)::text FROM sms_code s", "SELECT to_jsonb(m)::text FROM message m", "SELECT to_jsonb(a)::text FROM attempt a"} {
		rows, err := b.DB.Query(ctx, query)
		require.NoError(t, err)
		for rows.Next() {
			var row string
			require.NoError(t, rows.Scan(&row))
			require.NotContains(t, row, "13800000001")
			require.NotContains(t, row, fmt.Sprintf("%q", code))
			require.False(t, bytes.Contains([]byte(row), fmt.Appendf(nil, "%x", code)))
			require.NotContains(t, row, "192.0.2.1")
		}
		require.NoError(t, rows.Err())
	}
}

func TestRequestMustBeComplete(t *testing.T) {
	b := setup(t)
	for name, a := range map[string]codestore.Ask{
		"no session":              {Purpose: codestore.Register, Phone: phone(t, "13800000001")},
		"no phone":                {Purpose: codestore.Register, Session: "s"},
		"reset without an ID":     {Purpose: codestore.Reset, Session: "s", Phone: phone(t, "13800000001")},
		"an ID outside of resets": {Purpose: codestore.Register, Session: "s", Phone: phone(t, "13800000001"), IDNumber: idNumber(t, "42010620040229002X")},
	} {
		_, err := b.Request(ctx, a)
		require.Error(t, err, name)
		require.Equal(t, fault.Internal, fault.KindOf(err), name)
	}
}
