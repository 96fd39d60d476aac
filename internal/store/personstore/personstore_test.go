package personstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
	"volcard/internal/consent"
	"volcard/internal/fault"
	"volcard/internal/passwd"
	"volcard/internal/person"
	"volcard/internal/store"
	"volcard/internal/store/codestore"
	"volcard/internal/store/personstore"
	"volcard/internal/store/storetest"
)

var ctx = context.Background()

const (
	number   = "42010620040229002X"
	password = "Yuan7-river"
)

type bundle struct {
	personstore.Store
	people   personstore.People
	accounts personstore.Accounts
	consents personstore.Consents
	now      *clock.Fake
	t        *testing.T
}

func setup(t *testing.T) *bundle {
	t.Helper()
	t.Parallel()
	now := clock.NewFake(time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC))
	db, v := storetest.New(t), storetest.Vault(t)
	h, err := passwd.New(passwd.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	s := personstore.Store{DB: db, Vault: v, Clock: now, Hasher: h, Limiter: codestore.Limiter{DB: db, Vault: v, Clock: now}}
	return &bundle{s, personstore.People{Store: s}, personstore.Accounts{Store: s}, personstore.Consents{Store: s}, now, t}
}

func newPerson(t testing.TB) personstore.NewPerson {
	t.Helper()
	var n personstore.NewPerson
	var err error
	n.Name, err = person.ParseName("阿卜杜热合曼·买买提")
	require.NoError(t, err)
	n.IDNumber, err = person.ParseIDNumber(number)
	require.NoError(t, err)
	n.Phone = phone(t, "13800000001")
	n.DivisionCode, n.Address, n.Password = "420106", " 珞珈山路 16 号 ", password
	n.Consents = []consent.Purpose{consent.Terms, consent.Privacy, consent.Sensitive, consent.Bank}
	return n
}

func phone(t testing.TB, s string) person.Phone {
	t.Helper()
	p, err := person.ParsePhone(s)
	require.NoError(t, err)
	return p
}

func (b *bundle) register() uuid.UUID {
	b.t.Helper()
	id, err := b.people.Register(ctx, newPerson(b.t))
	require.NoError(b.t, err)
	return id
}

func (b *bundle) actions(id uuid.UUID) []string {
	b.t.Helper()
	rows, err := b.DB.Query(ctx, "SELECT action FROM audit_entry WHERE subject_id = $1 AND subject_kind = 'person' ORDER BY seq", id)
	require.NoError(b.t, err)
	defer rows.Close()
	var actions []string
	for rows.Next() {
		var a string
		require.NoError(b.t, rows.Scan(&a))
		actions = append(actions, a)
	}
	return actions
}

func (b *bundle) lastMessage() (phone, template string, params map[string]string) {
	b.t.Helper()
	var sealedPhone, sealedParams []byte
	require.NoError(b.t, b.DB.QueryRow(ctx, "SELECT phone, params, template FROM message ORDER BY id DESC LIMIT 1").
		Scan(&sealedPhone, &sealedParams, &template))
	phone, err := b.Vault.UnsealString(sealedPhone, store.LabelMessagePhone)
	require.NoError(b.t, err)
	plain, err := b.Vault.Unseal(sealedParams, store.LabelMessageParams)
	require.NoError(b.t, err)
	require.NoError(b.t, json.Unmarshal(plain, &params))
	return phone, template, params
}

func TestRegisterAndFind(t *testing.T) {
	b := setup(t)
	id := b.register()
	p, err := b.people.ByID(ctx, id)
	require.NoError(t, err)
	require.Equal(t, "阿卜杜热合曼·买买提", p.Name.String())
	require.Equal(t, "138****0001", p.MaskedPhone)
	require.Equal(t, "居民身份证", p.Document)
	require.Equal(t, 22, p.Age)
	require.False(t, p.HasGuardian || p.Blocked)
	require.NotContains(t, p.MaskedID, "0229")
	require.Regexp(t, `^[0-9A-Z]{6,20}$`, p.VolunteerNo)

	again, err := b.people.ByIDNumber(ctx, newPerson(t).IDNumber)
	require.NoError(t, err)
	require.Equal(t, p, again)

	other, err := person.ParseIDNumber("420111200505040016")
	require.NoError(t, err)
	_, err = b.people.ByIDNumber(ctx, other)
	require.True(t, fault.Is(err, fault.NotFound))

	mine, err := b.people.Reveal(ctx, id, store.Person(id), "")
	require.NoError(t, err)
	require.Equal(t, number, mine.IDNumber.String())
	require.Equal(t, "13800000001", mine.Phone.String())
	require.Equal(t, "珞珈山路 16 号", mine.Address)
	require.NotContains(t, b.actions(id), "reveal")
	_, err = b.people.Reveal(ctx, id, store.Actor{Kind: "staff", ID: "x"}, "correction")
	require.NoError(t, err)
	require.Equal(t, []string{"register", "consent", "consent", "consent", "consent", "reveal"}, b.actions(id))
}

// A row of a person, read by somebody with the whole database, tells neither number nor address.
func TestNothingReadableIsStored(t *testing.T) {
	b := setup(t)
	id := b.register()
	var row string
	require.NoError(t, b.DB.QueryRow(ctx, "SELECT convert_from(convert_to(to_jsonb(p)::text, 'UTF8'), 'UTF8') FROM person p WHERE id = $1", id).Scan(&row))
	for _, secret := range []string{number, "13800000001", "珞珈山", password} {
		require.NotContains(t, row, secret)
	}
}

func TestRegisterTwiceIsRefused(t *testing.T) {
	b := setup(t)
	b.register()
	n := newPerson(t)
	n.Phone = phone(t, "13900000001")
	_, err := b.people.Register(ctx, n)
	require.True(t, fault.Is(err, fault.Conflict))
	require.NotContains(t, fault.Sentence(err), "138", "the owner's phone is none of the second person's business")

	// A phone is no identity: a family shares one, a recycled one belongs to somebody else (T43).
	n = newPerson(t)
	n.IDNumber, err = person.ParseIDNumber("420111200505040016")
	require.NoError(t, err)
	_, err = b.people.Register(ctx, n)
	require.NoError(t, err)
}

func TestParallelRegistrationsMakeOneAccount(t *testing.T) {
	b := setup(t)
	var made, refused atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := b.people.Register(ctx, newPerson(t))
			switch {
			case err == nil:
				made.Add(1)
			case fault.Is(err, fault.Conflict):
				refused.Add(1)
			default:
				t.Errorf("unexpected: %v", err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, made.Load())
	require.EqualValues(t, 7, refused.Load())
}

func TestCheckTellsEveryReason(t *testing.T) {
	b := setup(t)
	require.Empty(t, b.people.Check(newPerson(t)))
	fields := func(n personstore.NewPerson) []string {
		var f []string
		for _, r := range b.people.Check(n) {
			require.NotEmpty(t, r.Text)
			if len(f) == 0 || f[len(f)-1] != r.Field {
				f = append(f, r.Field)
			}
		}
		return f
	}
	n := newPerson(t)
	n.DivisionCode, n.Address, n.Password, n.Consents = "429000", "", "short", nil
	require.Equal(t, []string{"division_code", "address", "password", "consent"}, fields(n))

	// T57: at 16 with a guardian and the guardian's consent.
	n = newPerson(t)
	var err error
	n.IDNumber, err = person.ParseIDNumber("429004200110100036")
	require.NoError(t, err)
	require.Empty(t, fields(n))
	child, err := person.ParseIDNumber("420102201306010015")
	require.NoError(t, err)
	n.IDNumber = child
	require.Contains(t, fields(n), "id_number", "13 years")
	b.now.Advance(2 * 365 * 24 * time.Hour)
	require.Equal(t, []string{"id_number", "consent"}, fields(n), "15 years without a guardian")
	var faults map[string]string
	n.Guardian, faults = person.ParseGuardian("王建国", "父亲", "13900000009")
	require.Empty(t, faults)
	n.Consents = append(n.Consents, consent.Guardian)
	require.Empty(t, fields(n))
	id, err := b.people.Register(ctx, n)
	require.NoError(t, err)
	private, err := b.people.Reveal(ctx, id, store.Person(id), "")
	require.NoError(t, err)
	require.Equal(t, n.Guardian, private.Guardian)

	// The guardian may take the consent back and give it again; the minor alone may not.
	require.NoError(t, b.consents.Withdraw(ctx, id, consent.Guardian))
	require.True(t, fault.Is(b.consents.Give(ctx, id, consent.Guardian), fault.Invalid))
	mother, faults := person.ParseGuardian("李芳", "母亲", "13900000008")
	require.Empty(t, faults)
	for range 2 {
		require.NoError(t, b.consents.GiveByGuardian(ctx, id, mother))
	}
	private, err = b.people.Reveal(ctx, id, store.Person(id), "")
	require.NoError(t, err)
	require.Equal(t, mother, private.Guardian)
	given, err := b.consents.List(ctx, id)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(given, func(g personstore.Given) bool { return g.Purpose == consent.Guardian && g.Current() }))
	b.now.Advance(3 * 365 * 24 * time.Hour)
	require.True(t, fault.Is(b.consents.GiveByGuardian(ctx, id, mother), fault.Invalid), "of age")
	b.now.Advance(-3 * 365 * 24 * time.Hour)

	adult := newPerson(t)
	adult.Guardian = n.Guardian
	id, err = b.people.Register(ctx, adult)
	require.NoError(t, err)
	p, err := b.people.ByID(ctx, id)
	require.NoError(t, err)
	require.False(t, p.HasGuardian, "an adult's guardian is not kept")

	n.Address = ""
	_, err = b.people.Register(ctx, n)
	require.True(t, fault.Is(err, fault.Invalid))
}

func TestLogin(t *testing.T) {
	b := setup(t)
	id := b.register()
	l := personstore.Login{IDNumber: newPerson(t).IDNumber, Password: password, Address: "192.0.2.1"}
	got, err := b.accounts.Login(ctx, l)
	require.NoError(t, err)
	require.Equal(t, id, got)

	wrong := l
	wrong.Password = "wrong-1234"
	_, err = b.accounts.Login(ctx, wrong)
	require.True(t, fault.Is(err, fault.Unauthenticated))
	stranger := l
	stranger.IDNumber, _ = person.ParseIDNumber("420111200505040016")
	_, unknown := b.accounts.Login(ctx, stranger)
	require.Equal(t, fault.Sentence(err), fault.Sentence(unknown), "known and unknown sound the same")

	for range 4 {
		_, err = b.accounts.Login(ctx, wrong)
		require.True(t, fault.Is(err, fault.Unauthenticated))
	}
	_, err = b.accounts.Login(ctx, l)
	require.True(t, fault.Is(err, fault.TooMany), "locked, even with the right password")
	b.now.Advance(15 * time.Minute)
	_, err = b.accounts.Login(ctx, l)
	require.NoError(t, err)
	for range 5 {
		_, err = b.accounts.Login(ctx, l)
		require.NoError(t, err, "a success ends the count")
	}

	staff := store.Staff(uuid.Must(uuid.NewV7()))
	require.NoError(t, b.accounts.Block(ctx, id, staff, "abuse"))
	require.NoError(t, b.accounts.Block(ctx, id, staff, "abuse"))
	_, err = b.accounts.Login(ctx, wrong)
	require.True(t, fault.Is(err, fault.Unauthenticated), "who does not know the password learns nothing")
	_, err = b.accounts.Login(ctx, l)
	require.True(t, fault.Is(err, fault.Forbidden))
	require.True(t, fault.Is(b.accounts.ChangePhone(ctx, id, phone(t, "13900000009")), fault.Forbidden))
	require.True(t, fault.Is(b.accounts.CheckPassword(ctx, id, password), fault.Forbidden))
	require.NoError(t, b.accounts.Unblock(ctx, id, staff, "cleared"))
	_, err = b.accounts.Login(ctx, l)
	require.NoError(t, err)
	require.Equal(t, []string{"block", "unblock"}, b.actions(id)[5:])
}

// Wrong passwords from one network lock that network out; from many, the account for a while. A
// password that a code has reset opens the account at once.
func TestLockOutIsOfTheNetwork(t *testing.T) {
	b := setup(t)
	id := b.register()
	n := newPerson(t)
	try := func(password, address string) error {
		_, err := b.accounts.Login(ctx, personstore.Login{IDNumber: n.IDNumber, Password: password, Address: address})
		return err
	}
	for range 25 {
		require.Error(t, try("wrong-1234", "198.51.100.1"))
		b.now.Advance(4 * time.Minute)
	}
	require.NoError(t, try(password, "192.0.2.1"))
	for i := range 30 {
		require.True(t, fault.Is(try("wrong-1234", fmt.Sprintf("198.51.100.%d", 10+i/5)), fault.Unauthenticated))
	}
	require.True(t, fault.Is(try(password, "192.0.2.1"), fault.TooMany))
	require.NoError(t, b.accounts.SetPassword(ctx, id, "River-9-stone", personstore.Reset))
	require.NoError(t, try("River-9-stone", "192.0.2.1"))
}

// T78: what strangers try, from the holder's own network too, locks out nobody whose browser is known; and a
// known browser has no more tries than another one.
func TestAKnownDevicePasses(t *testing.T) {
	b := setup(t)
	id := b.register()
	n := newPerson(t)
	try := func(password, address, device string) error {
		_, err := b.accounts.Login(ctx, personstore.Login{IDNumber: n.IDNumber, Password: password, Address: address, Device: device})
		return err
	}
	for i := range 30 {
		require.True(t, fault.Is(try("wrong-1234", fmt.Sprintf("198.51.100.%d", i), ""), fault.Unauthenticated))
	}
	for range 30 {
		_ = try("wrong-1234", "192.0.2.1", "")
	}
	err := try(password, "192.0.2.2", "")
	require.True(t, fault.Is(err, fault.TooMany))
	require.Contains(t, fault.Sentence(err), "用绑定手机的验证码找回密码", "the refusal names the way")
	require.NoError(t, try(password, "192.0.2.1", "known"))

	for range 5 {
		require.True(t, fault.Is(try("wrong-1234", "192.0.2.1", "known"), fault.Unauthenticated))
	}
	require.True(t, fault.Is(try(password, "192.0.2.1", "known"), fault.TooMany))
	require.NoError(t, try(password, "192.0.2.1", "another"))
	require.NoError(t, b.accounts.SetPassword(ctx, id, "River-9-stone", personstore.Reset))
	require.NoError(t, try("River-9-stone", "192.0.2.1", "known"), "a reset ends this lock-out too")
}

func TestPasswordAndPhone(t *testing.T) {
	b := setup(t)
	id := b.register()
	require.NoError(t, b.accounts.CheckPassword(ctx, id, password))
	require.True(t, fault.Is(b.accounts.CheckPassword(ctx, id, "wrong-1234"), fault.Invalid))
	require.True(t, fault.Is(b.accounts.SetPassword(ctx, id, "20040229aa", personstore.Changed), fault.Invalid), "the birthday")
	require.Error(t, b.accounts.SetPassword(ctx, id, "River-9-stone", "somehow"))
	require.NoError(t, b.accounts.SetPassword(ctx, id, "River-9-stone", personstore.Reset))
	to, template, params := b.lastMessage()
	require.Equal(t, "13800000001", to)
	require.Equal(t, "account-security", template)
	require.Contains(t, params["what"], "密码")
	l := personstore.Login{IDNumber: newPerson(t).IDNumber, Password: password, Address: "192.0.2.1"}
	_, err := b.accounts.Login(ctx, l)
	require.True(t, fault.Is(err, fault.Unauthenticated))
	l.Password = "River-9-stone"
	_, err = b.accounts.Login(ctx, l)
	require.NoError(t, err)

	require.NoError(t, b.accounts.ChangePhone(ctx, id, phone(t, "+86 139 0000 0009")))
	to, _, params = b.lastMessage()
	require.Equal(t, "13800000001", to, "the old phone is told")
	require.Contains(t, params["what"], "手机号")
	who, bound, err := b.people.BoundPhone(ctx, l.IDNumber)
	require.NoError(t, err)
	require.Equal(t, id, who)
	require.Equal(t, "13900000009", bound.String())
	stranger, _ := person.ParseIDNumber("420111200505040016")
	who, bound, err = b.people.BoundPhone(ctx, stranger)
	require.NoError(t, err)
	require.True(t, who.IsNil() && bound.IsZero())
	require.Equal(t, []string{"reset-password", "change-phone"}, b.actions(id)[5:])

	nobody := uuid.Must(uuid.NewV7())
	require.True(t, fault.Is(b.accounts.ChangePhone(ctx, nobody, phone(t, "13900000009")), fault.NotFound))
	_, err = b.people.ByID(ctx, nobody)
	require.True(t, fault.Is(err, fault.NotFound))
}

func TestConsents(t *testing.T) {
	b := setup(t)
	id := b.register()
	open := func() map[consent.Purpose]bool {
		list, err := b.consents.List(ctx, id)
		require.NoError(t, err)
		got := map[consent.Purpose]bool{}
		for _, g := range list {
			if g.Current() {
				got[g.Purpose] = true
			}
			item, _ := consent.Lookup(g.Purpose)
			require.Equal(t, item.Recipient, g.Recipient)
		}
		return got
	}
	require.Len(t, open(), 4)
	b.now.Advance(time.Hour)
	require.NoError(t, b.consents.Give(ctx, id, consent.Bank, consent.Association))
	require.Len(t, open(), 5)
	require.NoError(t, b.consents.Withdraw(ctx, id, consent.Bank))
	require.NoError(t, b.consents.Withdraw(ctx, id, consent.Bank))
	require.False(t, open()[consent.Bank])
	require.NoError(t, b.consents.Give(ctx, id, consent.Bank))
	require.True(t, open()[consent.Bank])
	require.True(t, fault.Is(b.consents.Give(ctx, id, "everything"), fault.Invalid))
	list, err := b.consents.List(ctx, id)
	require.NoError(t, err)
	require.Len(t, list, 6)
	require.Equal(t, []string{"consent", "withdraw-consent", "consent"}, b.actions(id)[5:])

	// A text that has changed is asked again.
	_, err = b.DB.Exec(ctx, "UPDATE consent SET version = '2020-01' WHERE purpose = 'bank'")
	require.NoError(t, err)
	require.False(t, open()[consent.Bank])
}
