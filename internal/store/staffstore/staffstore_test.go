package staffstore_test

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/pquerna/otp"
	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/passwd"
	"volcard/internal/store"
	"volcard/internal/store/codestore"
	"volcard/internal/store/staffstore"
	"volcard/internal/store/storetest"
)

var (
	ctx      = context.Background()
	operator = store.Actor{Kind: "operator", ID: "test"}
)

type bundle struct {
	staffstore.Store
	accounts staffstore.Accounts
	logins   staffstore.Logins
	first    staffstore.FirstAdmin
	now      *clock.Fake
	branch   uuid.UUID
	t        *testing.T
}

func setup(t *testing.T) *bundle {
	t.Helper()
	t.Parallel()
	now := clock.NewFake(time.Date(2026, 11, 23, 1, 0, 5, 0, time.UTC))
	db, v := storetest.New(t), storetest.Vault(t)
	h, err := passwd.New(passwd.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	s := staffstore.Store{DB: db, Vault: v, Clock: now, Hasher: h, Limiter: codestore.Limiter{DB: db, Vault: v, Clock: now}}
	branch := uuid.Must(uuid.NewV7())
	_, err = db.Exec(ctx, `
		INSERT INTO branch (id, code, name, address, division_code, lng, lat, hours, capacity, updated_at)
		VALUES ($1, 'DEMO-1', '演示网点', '演示路 1 号', '420106', 114, 30, '{}', 10, $2)`, branch, now.Now())
	require.NoError(t, err)
	return &bundle{s, staffstore.Accounts{Store: s}, staffstore.Logins{Store: s}, staffstore.FirstAdmin{Store: s}, now, branch, t}
}

// T78: strangers in the branch's own network lock out nobody whose computer is known; unlocking an account
// ends the lock-out of its computers.
func TestAKnownDevicePasses(t *testing.T) {
	b := setup(t)
	e := b.clerk("li.wei")
	try := func(device, password string) error {
		l := b.form(e)
		l.Device = device
		if password != "" {
			l.Password = password
		}
		_, err := b.logins.Login(ctx, l)
		b.now.Advance(30 * time.Second)
		return err
	}
	for range 25 {
		_ = try("", "wrong-1234")
	}
	require.True(t, fault.Is(try("", ""), fault.TooMany))
	require.NoError(t, try("known", ""))
	for range 5 {
		require.True(t, fault.Is(try("known", "wrong-1234"), fault.Unauthenticated))
	}
	require.True(t, fault.Is(try("known", ""), fault.TooMany))
	require.NoError(t, b.accounts.Unlock(ctx, operator, "li.wei"))
	require.NoError(t, try("known", ""))
}

func (b *bundle) admin(login string) staffstore.Enrolment {
	b.t.Helper()
	e, err := b.accounts.Create(ctx, operator, staffstore.NewStaff{Login: login, Name: "管理员", Role: staffstore.ProvinceAdmin})
	require.NoError(b.t, err)
	return e
}

func (b *bundle) clerk(login string) staffstore.Enrolment {
	b.t.Helper()
	e, err := b.accounts.Create(ctx, operator, staffstore.NewStaff{Login: login, Name: "柜员", Role: staffstore.Clerk, BranchID: b.branch})
	require.NoError(b.t, err)
	return e
}

// form is what the login form of an enrolled account sends now.
func (b *bundle) form(e staffstore.Enrolment) staffstore.Login {
	b.t.Helper()
	code, err := staffstore.CodeAt(e.TOTPSecret, b.now.Now())
	require.NoError(b.t, err)
	return staffstore.Login{Login: e.Login, Password: e.Password, Code: code, Address: "192.0.2.1"}
}

func (b *bundle) audits(id uuid.UUID, action string) int {
	b.t.Helper()
	var n int
	require.NoError(b.t, b.DB.QueryRow(ctx,
		"SELECT count(*) FROM audit_entry WHERE subject_kind = 'staff' AND subject_id = $1 AND action = $2", id, action).Scan(&n))
	return n
}

func TestLoginWithBothFactors(t *testing.T) {
	b := setup(t)
	e := b.clerk("wuchang.01")
	st, err := b.logins.Login(ctx, b.form(e))
	require.NoError(t, err)
	require.Equal(t, staffstore.Clerk, st.Role)
	require.Equal(t, b.branch, st.BranchID)
	require.True(t, st.MustChange)
	require.Equal(t, 1, b.audits(e.ID, "login"))

	_, err = b.logins.Login(ctx, b.form(e))
	require.True(t, fault.Is(err, fault.Unauthenticated), "a code works once")
	b.now.Advance(30 * time.Second)
	_, err = b.logins.Login(ctx, b.form(e))
	require.NoError(t, err)
	b.now.Advance(30 * time.Second)
	pasted := b.form(e)
	pasted.Code = "\u2068" + pasted.Code[:3] + "\u00a0\u200b" + pasted.Code[3:] + "\ufe0f\u2069\n"
	_, err = b.logins.Login(ctx, pasted)
	require.NoError(t, err)

	var sentences []string
	for name, change := range map[string]func(*staffstore.Login){
		"code":     func(l *staffstore.Login) { l.Code = "000000" },
		"no code":  func(l *staffstore.Login) { l.Code = "" },
		"password": func(l *staffstore.Login) { l.Password = "wrong-1234" },
		"login":    func(l *staffstore.Login) { l.Login = "nobody" },
		"garbage":  func(l *staffstore.Login) { l.Login = "' OR 1=1 --" },
	} {
		b.now.Advance(30 * time.Second)
		l := b.form(e)
		change(&l)
		_, err := b.logins.Login(ctx, l)
		require.True(t, fault.Is(err, fault.Unauthenticated), name)
		sentences = append(sentences, fault.Sentence(err))
	}
	for _, s := range sentences {
		require.Equal(t, sentences[0], s, "nobody learns which factor was wrong")
	}
}

func TestCodeOfTheNeighbouringStep(t *testing.T) {
	b := setup(t)
	e := b.clerk("wuchang.01")
	early := b.form(e)
	b.now.Advance(30 * time.Second)
	_, err := b.logins.Login(ctx, early)
	require.NoError(t, err, "a clock that is half a minute late")
	early = b.form(e)
	b.now.Advance(60 * time.Second)
	_, err = b.logins.Login(ctx, early)
	require.True(t, fault.Is(err, fault.Unauthenticated), "a minute is too late")

	// A later code has been used; the earlier step is gone with it.
	b.now.Advance(-30 * time.Second)
	before := b.form(e)
	b.now.Advance(30 * time.Second)
	_, err = b.logins.Login(ctx, b.form(e))
	require.NoError(t, err)
	_, err = b.logins.Login(ctx, before)
	require.True(t, fault.Is(err, fault.Unauthenticated))
}

func TestParallelLoginsWithOneCode(t *testing.T) {
	b := setup(t)
	form := b.form(b.clerk("wuchang.01"))
	var in atomic.Int32
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if _, err := b.logins.Login(ctx, form); err == nil {
				in.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, in.Load())
}

func TestLockOut(t *testing.T) {
	b := setup(t)
	e := b.clerk("wuchang.01")
	for range 5 {
		l := b.form(e)
		l.Password = "wrong-1234"
		_, err := b.logins.Login(ctx, l)
		require.True(t, fault.Is(err, fault.Unauthenticated))
	}
	l := b.form(e)
	l.Login = " WUCHANG.01 "
	_, err := b.logins.Login(ctx, l)
	require.True(t, fault.Is(err, fault.TooMany), "locked, however the name is typed")
	b.now.Advance(15 * time.Minute)
	_, err = b.logins.Login(ctx, b.form(e))
	require.NoError(t, err)
}

// Whoever knows only the login name locks their own network out, not the account.
func TestStrangersCannotLockAnAccount(t *testing.T) {
	b := setup(t)
	e := b.clerk("wuchang.01")
	for range 30 { // more than a day allows from one network
		l := b.form(e)
		l.Password, l.Address = "wrong-1234", "198.51.100.9"
		_, err := b.logins.Login(ctx, l)
		require.Error(t, err)
		b.now.Advance(5 * time.Minute)
	}
	_, err := b.logins.Login(ctx, b.form(e))
	require.NoError(t, err)
}

// Behind a right password the codes are counted wherever they come from, and the answer stays the
// same: it must not tell that the password is right. A reset and an operator end the lock-out.
func TestCodesAreCountedEverywhere(t *testing.T) {
	b := setup(t)
	e := b.clerk("wuchang.01")
	lock := func() {
		t.Helper()
		for i := range 5 {
			l := b.form(e)
			l.Code, l.Address = "000000", fmt.Sprintf("198.51.100.%d", i)
			_, err := b.logins.Login(ctx, l)
			require.True(t, fault.Is(err, fault.Unauthenticated))
		}
		_, err := b.logins.Login(ctx, b.form(e))
		require.True(t, fault.Is(err, fault.Unauthenticated), "locked")
	}
	lock()
	require.NoError(t, b.accounts.Unlock(ctx, operator, " Wuchang.01 "))
	require.Equal(t, 1, b.audits(e.ID, "unlock"))
	_, err := b.logins.Login(ctx, b.form(e))
	require.NoError(t, err)
	require.True(t, fault.Is(b.accounts.Unlock(ctx, operator, "nobody"), fault.NotFound))

	b.now.Advance(time.Minute)
	lock()
	e, err = b.accounts.Reset(ctx, operator, e.ID)
	require.NoError(t, err)
	_, err = b.logins.Login(ctx, b.form(e))
	require.NoError(t, err)
}

func TestGuessesOfTheOldPasswordAreLimited(t *testing.T) {
	b := setup(t)
	e := b.clerk("wuchang.01")
	for range 5 {
		require.True(t, fault.Is(b.accounts.ChangePassword(ctx, e.ID, "wrong-1234", "River-9-stone"), fault.Invalid))
	}
	require.True(t, fault.Is(b.accounts.ChangePassword(ctx, e.ID, e.Password, "River-9-stone"), fault.TooMany))
	b.now.Advance(15 * time.Minute)
	for _, next := range []string{"River-9-stone", "River-8-stone", "River-7-stone", "River-6-stone", "River-5-stone", "River-4-stone"} {
		require.NoError(t, b.accounts.ChangePassword(ctx, e.ID, e.Password, next), "a right one ends the count")
		e.Password = next
	}
}

func TestCreateRefuses(t *testing.T) {
	b := setup(t)
	b.clerk("wuchang.01")
	good := staffstore.NewStaff{Login: "wuchang.02", Name: "柜员", Role: staffstore.Clerk, BranchID: b.branch}
	for name, c := range map[string]struct {
		kind   fault.Kind
		change func(*staffstore.NewStaff)
	}{
		"a login that is taken":     {fault.Conflict, func(n *staffstore.NewStaff) { n.Login = "WuChang.01" }},
		"a bad login":               {fault.Invalid, func(n *staffstore.NewStaff) { n.Login = "王" }},
		"no name":                   {fault.Invalid, func(n *staffstore.NewStaff) { n.Name = " " }},
		"no role":                   {fault.Invalid, func(n *staffstore.NewStaff) { n.Role = "root" }},
		"a clerk of no branch":      {fault.Invalid, func(n *staffstore.NewStaff) { n.BranchID = uuid.Nil }},
		"an admin of a branch":      {fault.Invalid, func(n *staffstore.NewStaff) { n.Role = staffstore.ProvinceAdmin }},
		"a reviewer of a branch":    {fault.Invalid, func(n *staffstore.NewStaff) { n.Role = staffstore.Reviewer }},
		"a factory of a branch":     {fault.Invalid, func(n *staffstore.NewStaff) { n.Role = staffstore.Factory }},
		"a branch that is not":      {fault.Invalid, func(n *staffstore.NewStaff) { n.BranchID = uuid.Must(uuid.NewV7()) }},
		"a password that is common": {fault.Invalid, func(n *staffstore.NewStaff) { n.Password = "admin123" }},
	} {
		n := good
		c.change(&n)
		_, err := b.accounts.Create(ctx, operator, n)
		require.Equal(t, c.kind, fault.KindOf(err), "%s: %v", name, err)
	}
	_, err := b.accounts.Create(ctx, operator, good)
	require.NoError(t, err)
	for _, role := range []staffstore.Role{staffstore.Reviewer, staffstore.Factory} {
		e, err := b.accounts.Create(ctx, operator, staffstore.NewStaff{Login: "new." + string(role), Name: "新同事", Role: role})
		require.NoError(t, err)
		who, err := b.ByID(ctx, e.ID)
		require.NoError(t, err)
		require.Equal(t, role, who.Role)
	}
}

func TestSecretIsSealedAndFitsAnAuthenticator(t *testing.T) {
	b := setup(t)
	e := b.clerk("wuchang.01")
	key, err := otp.NewKeyFromURL(e.TOTPURI)
	require.NoError(t, err)
	require.Equal(t, e.TOTPSecret, key.Secret())
	require.Equal(t, "湖北志愿者证", key.Issuer())
	require.Equal(t, "wuchang.01", key.AccountName())
	u, err := url.Parse(e.TOTPURI)
	require.NoError(t, err)
	require.Equal(t, "6", u.Query().Get("digits"))

	var row string
	require.NoError(t, b.DB.QueryRow(ctx, "SELECT to_jsonb(s)::text FROM staff s").Scan(&row))
	require.NotContains(t, row, e.TOTPSecret)
	require.NotContains(t, row, e.Password)
}

// RFC 6238, appendix B, SHA1, cut to six digits.
func TestCodeAt(t *testing.T) {
	t.Parallel()
	const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for unix, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037",
	} {
		got, err := staffstore.CodeAt(secret, time.Unix(unix, 0))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestChangeAndReset(t *testing.T) {
	b := setup(t)
	e := b.clerk("wuchang.01")
	require.True(t, fault.Is(b.accounts.ChangePassword(ctx, e.ID, "wrong-1234", "River-9-stone"), fault.Invalid))
	require.True(t, fault.Is(b.accounts.ChangePassword(ctx, e.ID, e.Password, "short"), fault.Invalid))
	require.True(t, fault.Is(b.accounts.ChangePassword(ctx, e.ID, e.Password, e.Password), fault.Invalid))
	require.NoError(t, b.accounts.ChangePassword(ctx, e.ID, e.Password, "River-9-stone"))
	_, err := b.logins.Login(ctx, b.form(e))
	require.True(t, fault.Is(err, fault.Unauthenticated))
	e.Password = "River-9-stone"
	st, err := b.logins.Login(ctx, b.form(e))
	require.NoError(t, err)
	require.False(t, st.MustChange)

	fresh, err := b.accounts.Reset(ctx, operator, e.ID)
	require.NoError(t, err)
	require.Equal(t, "wuchang.01", fresh.Login)
	require.NotEqual(t, e.TOTPSecret, fresh.TOTPSecret)
	_, err = b.logins.Login(ctx, b.form(e))
	require.True(t, fault.Is(err, fault.Unauthenticated))
	st, err = b.logins.Login(ctx, b.form(fresh))
	require.NoError(t, err)
	require.True(t, st.MustChange)
	_, err = b.accounts.Reset(ctx, operator, uuid.Must(uuid.NewV7()))
	require.True(t, fault.Is(err, fault.NotFound))
	require.Equal(t, 1, b.audits(e.ID, "reset"))
	require.Equal(t, 1, b.audits(e.ID, "change-password"))
}

func TestDisable(t *testing.T) {
	b := setup(t)
	clerk, one := b.clerk("wuchang.01"), b.admin("admin.one")
	actor := store.Staff(one.ID)
	for range 2 {
		require.NoError(t, b.accounts.SetDisabled(ctx, actor, clerk.ID, true))
	}
	require.Equal(t, 1, b.audits(clerk.ID, "disable"))
	_, err := b.logins.Login(ctx, b.form(clerk))
	require.True(t, fault.Is(err, fault.Unauthenticated))
	_, err = b.ByID(ctx, clerk.ID)
	require.True(t, fault.Is(err, fault.Unauthenticated), "a session of a disabled account ends at its next request")
	require.NoError(t, b.accounts.SetDisabled(ctx, actor, clerk.ID, false))
	_, err = b.ByID(ctx, clerk.ID)
	require.NoError(t, err)
	require.True(t, fault.Is(b.accounts.SetDisabled(ctx, actor, one.ID, true), fault.Forbidden), "oneself")
	require.True(t, fault.Is(b.accounts.SetDisabled(ctx, operator, one.ID, true), fault.Conflict), "the last one")
	require.True(t, fault.Is(b.accounts.SetDisabled(ctx, operator, uuid.Must(uuid.NewV7()), true), fault.NotFound))
}

func TestTwoAdminsCannotStopEachOther(t *testing.T) {
	b := setup(t)
	one, two := b.admin("admin.one"), b.admin("admin.two")
	var stopped atomic.Int32
	var wg sync.WaitGroup
	for _, p := range [][2]uuid.UUID{{one.ID, two.ID}, {two.ID, one.ID}} {
		wg.Go(func() {
			if b.accounts.SetDisabled(ctx, store.Staff(p[0]), p[1], true) == nil {
				stopped.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, stopped.Load())
}

func TestList(t *testing.T) {
	b := setup(t)
	for i := range 5 {
		b.clerk(fmt.Sprintf("clerk.%d", i))
	}
	var all []string
	for after := ""; ; {
		page, err := b.List(ctx, staffstore.Page{After: after, Limit: 2})
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		require.LessOrEqual(t, len(page), 2)
		for _, s := range page {
			all = append(all, s.Login)
		}
		after = page[len(page)-1].Login
	}
	require.Equal(t, []string{"clerk.0", "clerk.1", "clerk.2", "clerk.3", "clerk.4"}, all)
}

func TestFirstAdmin(t *testing.T) {
	b := setup(t)
	token, expires, err := b.first.NewToken(ctx, false)
	require.NoError(t, err)
	require.Equal(t, b.now.Now().Add(staffstore.TokenLife), expires)

	_, err = b.first.Claim(ctx, token, "192.0.2.9", staffstore.NewStaff{Login: "x", Name: "管理员"})
	require.True(t, fault.Is(err, fault.Invalid), "a typing mistake does not spend the token")

	var made atomic.Int32
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			_, err := b.first.Claim(ctx, " "+token+"\n", fmt.Sprintf("192.0.2.%d", 100+i), staffstore.NewStaff{
				Login: fmt.Sprintf("admin.%d", i), Name: "管理员", Password: "River-9-stone", KeepPassword: true,
			})
			switch {
			case err == nil:
				made.Add(1)
			case !fault.Is(err, fault.Forbidden):
				t.Errorf("unexpected: %v", err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, made.Load())
	var admins int
	require.NoError(t, b.DB.QueryRow(ctx, "SELECT count(*) FROM staff WHERE role = 'province_admin' AND NOT must_change").Scan(&admins))
	require.Equal(t, 1, admins)

	_, _, err = b.first.NewToken(ctx, false)
	require.True(t, fault.Is(err, fault.Conflict), "whoever exists makes the next one")
	token, _, err = b.first.NewToken(ctx, true)
	require.NoError(t, err)
	b.now.Advance(staffstore.TokenLife)
	_, err = b.first.Claim(ctx, token, "192.0.2.1", staffstore.NewStaff{Login: "late", Name: "管理员"})
	require.True(t, fault.Is(err, fault.Forbidden), "expired")
}

func TestFirstAdminGuessesAreLimited(t *testing.T) {
	b := setup(t)
	guess := func() error {
		_, err := b.first.Claim(ctx, "GUESS", "192.0.2.1", staffstore.NewStaff{Login: "admin", Name: "管理员"})
		return err
	}
	for range 5 {
		require.True(t, fault.Is(guess(), fault.Forbidden))
	}
	require.True(t, fault.Is(guess(), fault.TooMany))
}

func FuzzParseLogin(f *testing.F) {
	for _, s := range []string{"wuchang.01", " Admin ", "a", "-x", "王", "a' OR 1=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		login, err := staffstore.ParseLogin(s)
		if err != nil {
			return
		}
		again, err := staffstore.ParseLogin(login)
		if err != nil || again != login {
			t.Fatalf("%q is not stable", login)
		}
	})
}
