package applicant_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/api/applicant"
	"volcard/api/web"
	"volcard/api/web/webtest"
	"volcard/internal/consent"
	"volcard/internal/passwd"
	"volcard/internal/store"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/codestore"
	"volcard/internal/store/personstore"
)

// One person of the unassigned area 420199, and two phones.
const (
	adultID  = "42019920040229004X"
	password = "correct horse 8"
	phoneOne = "13812345678"
	phoneTwo = "13987654321"
)

func setup(t *testing.T) *webtest.Env {
	t.Helper()
	// The address that a test's client claims is believed.
	env := webtest.New(t, func(o *web.Options) { o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	hasher, err := passwd.New(passwd.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	applicant.Account{
		Kit: env.Kit,
		People: personstore.People{Store: personstore.Store{
			DB: env.DB, Vault: env.Vault, Clock: env.Clock, Hasher: hasher,
			Limiter: codestore.Limiter{DB: env.DB, Vault: env.Vault, Clock: env.Clock},
		}},
		Codes: codestore.Codes{DB: env.DB, Vault: env.Vault, Clock: env.Clock},
		Cases: cardstore.Cases{Store: cardstore.Store{DB: env.DB, Vault: env.Vault, Clock: env.Clock}},
	}.Routes(env.Router)
	env.Start()
	return env
}

type message struct {
	Template, Phone, Code string
	Params                map[string]string
}

// messages are those queued so far, the newest first.
func messages(t *testing.T, env *webtest.Env) []message {
	t.Helper()
	rows, err := env.DB.Query(context.Background(), "SELECT template, phone, params FROM message ORDER BY created_at DESC, id DESC")
	require.NoError(t, err)
	defer rows.Close()
	var list []message
	for rows.Next() {
		var m message
		var phone, params []byte
		require.NoError(t, rows.Scan(&m.Template, &phone, &params))
		m.Phone, err = env.Vault.UnsealString(phone, store.LabelMessagePhone)
		require.NoError(t, err)
		plain, err := env.Vault.Unseal(params, store.LabelMessageParams)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(plain, &m.Params))
		m.Code = m.Params["code"]
		list = append(list, m)
	}
	require.NoError(t, rows.Err())
	return list
}

// person is the first page of the registration, filled in.
func personForm(changes map[string]string) map[string]string {
	form := map[string]string{
		"name": "王𠮷", "id_number": "42019920040229004x", "province": "420000", "city": "420100", "district": "420111",
		"address": "珞喻路 1037 号",
	}
	maps.Copy(form, changes)
	return form
}

// agree ticks every box of the page's consents.
func agree(t *testing.T, p *webtest.Page) {
	t.Helper()
	p.Has(`input[name="consent"]`).Find(`input[name="consent"]`).SetAttr("checked", "checked")
}

// register walks through the registration and returns the browser's last page.
func register(t *testing.T, env *webtest.Env, c *webtest.Client) *webtest.Page {
	t.Helper()
	p := c.Get("/register").Want(200)
	agree(t, p)
	p = p.Submit("form", personForm(nil)).WantAt("/register/phone")
	p = p.Submit("form", map[string]string{"phone": "+86 138-1234-5678"}).WantAt("/register/code")
	p.WantText(".lead", "138****5678")
	sent := messages(t, env)[0]
	require.Equal(t, phoneOne, sent.Phone)
	return p.Submit(`form[action="/register/code"]`, map[string]string{
		"code": sent.Code, "password": password, "password_again": password,
	})
}

func login(c *webtest.Client, id, password string) *webtest.Page {
	return c.Get("/login").Want(200).Submit("form", map[string]string{"id_number": id, "password": password})
}

func TestRegisterLoginChangePhoneReset(t *testing.T) {
	t.Parallel()
	env := setup(t)
	c := env.Client()
	p := register(t, env, c).WantAt("/account")
	p.WantText(".flash-ok", "注册成功").WantText("dd", "王𠮷").WantText(`[data-field="phone"]`, "138****5678")
	require.NotContains(t, string(p.Body), "42019920040229004X")
	require.NotContains(t, string(p.Body), phoneOne)
	p = c.Get("/account").WantAt("/account").Lacks(".flash")
	require.Equal(t, "no-store", p.Response.Header.Get("Cache-Control"))

	// Log out and in again, coming back to the page that was asked for.
	p.Submit(`form[action="/logout"]`, nil)
	require.Equal(t, "/login?next=%2Faccount%2Flogins", c.Still().Get("/account/logins").Location())
	p = c.Get("/account/logins").Submit("form", map[string]string{"id_number": "４２０１９９２００４０２２９００４ｘ", "password": password})
	p.WantAt("/account/logins").WantText("main", "iPhone · 微信").Has(".tag.ok")

	// Change the phone: password, code to the new one, a notice to the old one; other logins end.
	other := env.Client()
	login(other, adultID, password).WantAt("/account")
	p = c.Get("/account/phone").Submit("form", map[string]string{"phone": phoneTwo, "password": "wrong 12345"})
	p.Want(422).WantError("password", "密码不正确")
	require.Equal(t, phoneTwo, p.Find(`input[name="phone"]`).AttrOr("value", ""), "what was typed stays")
	require.Empty(t, p.Find(`input[name="password"]`).AttrOr("value", ""), "a password does not")
	p = p.Submit("form", map[string]string{"password": password}).WantAt("/account/phone/code")
	code := messages(t, env)[0]
	require.Equal(t, phoneTwo, code.Phone)
	p = p.Submit(`form[action="/account/phone/code"]`, map[string]string{"code": code.Code}).WantAt("/account")
	p.WantText(".flash-ok", "手机号已更换").WantText(`[data-field="phone"]`, "139****4321")
	notice := messages(t, env)[0]
	require.Equal(t, phoneOne, notice.Phone)
	require.Equal(t, "account-security", notice.Template)
	require.Equal(t, "/login?ended=1&next=%2Faccount", other.Still().Get("/account").Location())

	// Forget the password: the code goes to the new phone, and every login ends.
	env.Clock.Advance(2 * time.Minute)
	lost := env.Client()
	p = lost.Get("/reset").Submit("form", map[string]string{"id_number": adultID}).WantAt("/reset/code")
	code = messages(t, env)[0]
	require.Equal(t, phoneTwo, code.Phone)
	p = p.Submit(`form[action="/reset/code"]`, map[string]string{
		"code": code.Code, "password": "another horse 9", "password_again": "another horse 9",
	}).WantAt("/login")
	p.WantText(".flash-ok", "新密码已设置")
	require.NotEmpty(t, c.Still().Get("/account").Location(), "who was logged in with the old password no longer is")
	login(lost, adultID, password).Want(422).WantError("", "身份证号码或密码不正确")
	login(lost, adultID, "another horse 9").WantAt("/account")

	// And change it once more, knowing it.
	p = lost.Get("/account/password").Submit("form", map[string]string{
		"current": "another horse 9", "password": "third horse 10", "password_again": "third horse 10",
	}).WantAt("/account")
	p.WantText(".flash-ok", "密码已修改")
	login(env.Client(), adultID, "third horse 10").WantAt("/account")
}

func TestRegistrationSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	env := setup(t)
	c := env.Client()
	first := c.Get("/register").Want(200)

	p := first.Submit("form", personForm(nil)).Want(422)
	p.WantText(".consents .error-text", "需要同意「用户协议」「个人信息处理规则」").WantError("consent", "身份证号码")
	require.Equal(t, 3, p.Find(`input[name="consent"][aria-invalid="true"][aria-describedby="f-consent-error"]`).Length())
	require.Equal(t, "王𠮷", p.Find(`input[name="name"]`).AttrOr("value", ""))
	require.Equal(t, "420111", p.Find(`select[name="district"] option[selected]`).AttrOr("value", ""))

	agree(t, first)
	for _, bad := range []struct{ field, value, sentence string }{
		{"name", "", "请"},
		{"name", "王?", "无法识别的字符"},
		{"name", "zhang san", "居民身份证上的姓名是汉字"},
		{"id_number", idNumber("20991231"), "出生日期还没有到"},
		{"id_number", "CHN110088123456", "旧版外国人永久居留身份证"},
		{"id_number", "420199200402290041", "校验"},
		{"id_number", "42019919000229001X", "出生日期不存在"},
		{"id_number", idNumber("20160301"), "未满 14 周岁"},
		{"district", "", "请依次选择"},
		{"district", "110101", "请依次选择"},
		{"address", "x", "请填写详细地址"},
		{"address", strings.Repeat("长", 101), "不能超过 100 个字"},
		{"address", "珞喻路 1037 号🏫", "详细地址中不能有表情符号"},
	} {
		page := first.Submit("form", personForm(map[string]string{bad.field: bad.value})).Want(422)
		page.WantError(bad.field, bad.sentence)
		page.Has(`[aria-invalid="true"]`)
		if bad.field == "name" || bad.field == "address" {
			require.Equal(t, bad.value, page.Find(`input[name="`+bad.field+`"]`).AttrOr("value", ""), "what was typed is kept")
		}
	}
	require.Empty(t, messages(t, env))

	// A box of an older text does not count.
	p = c.Get("/register").Want(200)
	p.Find(`input[name="consent"]`).SetAttr("checked", "checked").SetAttr("value", "terms@2020-01")
	p.Submit("form", personForm(nil)).Want(422)

	// The later pages lead back to the first.
	c.Get("/reset").Submit("form", map[string]string{"id_number": adultID}).WantAt("/reset/code") // a session of something else
	for _, path := range []string{"/register/guardian", "/register/phone", "/register/code"} {
		env.Client().Get(path).WantAt("/register?late").WantText(".flash-warn", "请重新填写")
		env.Client().Post(path, nil).WantAt("/register?late")
		c.Get(path).WantAt("/register").WantText(".flash-warn", "请重新填写")
	}
	// Who comes without a session leaves none behind.
	sessions := func() (n int) {
		require.NoError(t, env.DB.QueryRow(t.Context(), "SELECT count(*) FROM session").Scan(&n))
		return n
	}
	before := sessions()
	for _, path := range []string{"/register/guardian", "/register/phone", "/register/code", "/reset/code", "/register?late"} {
		env.Client().Get(path)
	}
	require.Equal(t, before, sessions())
}

func TestDivisionsWithoutAndWithScript(t *testing.T) {
	t.Parallel()
	env := setup(t)
	c := env.Client()
	p := c.Get("/register").Want(200)
	require.Equal(t, "420000", p.Find(`select[name="province"] option[selected]`).AttrOr("value", ""), "Hubei is there already")
	require.Equal(t, 18, p.Find(`select[name="city"] option`).Length())

	// Without script: the button sends the form and gets the next list, nothing is judged.
	p = p.Submit("form", map[string]string{"province": "420000", "city": "420100", "refresh": "division", "name": "王"}).Want(200)
	p.Lacks(".error").Has(`select[name="district"] option[value="420111"]`)
	require.Equal(t, "王", p.Find(`input[name="name"]`).AttrOr("value", ""))

	// With script: only the fieldset comes. A city that is its own district is chosen at once.
	part := c.HTMX().Get("/parts/divisions?province=420000&city=429004&label=%E6%B3%A8%E5%86%8C%E5%9C%B0%E5%9D%80").Want(200)
	part.Lacks("header").WantText("legend", "注册地址")
	require.Equal(t, "429004", part.Find(`select[name="district"] option[selected]`).AttrOr("value", ""))
	require.Contains(t, part.Response.Header.Get("Cache-Control"), "public")
	part = c.HTMX().Get("/parts/divisions?province=110000&city=420100&district=420111").Want(200)
	require.Equal(t, "110101", part.Find(`select[name="district"] option`).Eq(1).AttrOr("value", ""), "a municipality is one city")
	require.Empty(t, part.Find(`select[name="district"] option[selected]`).AttrOr("value", ""))
}

func TestMinorsNeedTheirGuardian(t *testing.T) {
	t.Parallel()
	env := setup(t)
	c := env.Client()
	p := c.Get("/register")
	agree(t, p)
	p = p.Submit("form", personForm(map[string]string{"id_number": idNumber("20100101"), "name": "阿卜杜热合曼•买买提"})).WantAt("/register/guardian")
	c.Get("/register/phone").WantAt("/register/guardian")
	p.Submit("form", map[string]string{"guardian_name": "王五", "guardian_relation": "邻居", "guardian_phone": "123"}).Want(422).
		WantError("guardian_relation", "请选择").WantError("guardian_phone", "监护人").WantText(".consents .error-text", "监护人同意")
	agree(t, p)
	p = p.Submit("form", map[string]string{"guardian_name": "王五", "guardian_relation": "父亲", "guardian_phone": phoneTwo}).WantAt("/register/phone")
	p = p.Submit("form", map[string]string{"phone": phoneOne}).WantAt("/register/code")
	p = p.Submit(`form[action="/register/code"]`, map[string]string{
		"code": messages(t, env)[0].Code, "password": password, "password_again": password,
	}).WantAt("/account")
	p.WantText("dd", "阿卜杜热合曼·买买提").WantText("dl", "监护人")
	p = c.Get("/account/consents").WantText(`[data-consent="guardian"] .tag`, "已同意")

	// Taken back, it is given again by the guardian and not by a button.
	p = p.Submit(`[data-consent="guardian"] form`, nil).WantText(`[data-consent="guardian"] .tag`, "未同意").Lacks(`[data-consent="guardian"] form`)
	c.Get("/account").WantText("dl", "未同意")
	c.Post("/account/consents/give", map[string][]string{"purpose": {"guardian"}}).Want(422)
	p = c.Get(p.Find(`[data-consent="guardian"] a`).AttrOr("href", "")).WantAt("/account/guardian")
	p.Submit("form", map[string]string{"guardian_name": "李芳"}).Want(422).WantError("guardian_relation", "请选择").WantText(".consents .error-text", "监护人同意")
	agree(t, p)
	p = p.Submit("form", map[string]string{"guardian_name": "李芳", "guardian_relation": "母亲", "guardian_phone": phoneTwo}).WantAt("/account/consents")
	p.WantText(`[data-consent="guardian"] .tag`, "已同意")
}

func TestCodesAreRefusedWithAReason(t *testing.T) {
	t.Parallel()
	env := setup(t)
	c := env.Client()
	p := c.Get("/register")
	agree(t, p)
	p = p.Submit("form", personForm(nil))
	p.Submit("form", map[string]string{"phone": "12345"}).Want(422).WantError("phone", "手机号")
	p = p.Submit("form", map[string]string{"phone": phoneOne}).WantAt("/register/code")
	right := messages(t, env)[0].Code
	wrong := "000000"
	if right == wrong {
		wrong = "000001"
	}
	try := func(p *webtest.Page, code, pw, again string) *webtest.Page {
		return p.Submit(`form[action="/register/code"]`, map[string]string{"code": code, "password": pw, "password_again": again})
	}
	// The code is asked for alone: a wrong one empties no password.
	p.Lacks("#f-password")
	try(p, "12", "short", "").Want(422).WantError("code", "6 位数字").Lacks("#f-password").Lacks("#f-password-error")
	for range 4 {
		try(p, wrong, password, password).Want(422).WantError("code", "不正确")
	}
	try(p, wrong, password, password).Want(422).Has("#f-code-error")
	try(p, right, password, password).Want(422).WantError("code", "输错次数过多")

	// Another one within the minute is refused; afterwards it is sent, and expires.
	again := p.Submit(`form[action="/register/resend"]`, nil).Want(429)
	again.Has(".form-error")
	env.Clock.Advance(61 * time.Second)
	p = p.Submit(`form[action="/register/resend"]`, nil).WantAt("/register/code")
	p.WantText(".flash-ok", "新的验证码已发送")
	env.Clock.Advance(5*time.Minute + time.Second)
	try(p, messages(t, env)[0].Code, password, password).Want(422).WantError("code", "过期")

	// Another browser's code opens nothing here.
	env.Clock.Advance(2 * time.Minute)
	thief := env.Client()
	tp := thief.Get("/register")
	agree(t, tp)
	tp = tp.Submit("form", personForm(nil)).Submit("form", map[string]string{"phone": phoneOne}).WantAt("/register/code")
	theirs := messages(t, env)[0].Code
	try(p, theirs, password, password).Want(422).Has("#f-code-error")
	tp = tp.Submit(`form[action="/register/code"]`, map[string]string{"code": theirs}).WantAt("/register/code").Lacks("#f-code").Has("#f-password")
	try(tp, "", "short", "short").Want(422).WantError("password", "8 至 64").Lacks("#f-code")
	try(tp, "", "a"+adultID[6:14]+"b", "").Want(422).WantError("password", "出生日期")
	try(tp, "", password, password+"x").Want(422).WantError("password_again", "不一样")
	try(tp, "", password, password).WantAt("/account")
}

func TestLoginSaysTheSameForKnownAndUnknown(t *testing.T) {
	t.Parallel()
	env := setup(t)
	register(t, env, env.Client()).WantAt("/account")
	known := login(env.Client(), adultID, "wrong horse 1").Want(422)
	unknown := login(env.Client(), "420199200402290023", "wrong horse 1").Want(422)
	require.Equal(t, known.Text(".form-error"), unknown.Text(".form-error"))
	login(env.Client(), "4201992004", password).Want(422).WantError("id_number", "18 位")
	login(env.Client(), adultID, "").Want(422).WantError("password", "请输入密码")

	for range 4 {
		login(env.Client(), adultID, "wrong horse 1").Want(422)
		login(env.Client(), "420199200402290023", "wrong horse 1").Want(422)
	}
	locked := login(env.Client(), adultID, password).Want(429)
	require.Equal(t, locked.Text(".form-error"), login(env.Client(), "420199200402290023", password).Want(429).Text(".form-error"))
	env.Clock.Advance(15*time.Minute + time.Second)
	login(env.Client(), adultID, password).WantAt("/account")
}

// T78: strangers who guess lock out neither a browser in which the account was used before, nor somebody who
// reads the code that the bound phone gets.
func TestStrangersLockNobodyOut(t *testing.T) {
	t.Parallel()
	env := setup(t)
	registered, loggedIn, other := env.Client(), env.Client(), env.Client()
	register(t, env, registered).WantAt("/account")
	login(loggedIn, adultID, password).WantAt("/account")
	for _, c := range []*webtest.Client{registered, loggedIn} {
		c.Get("/account").Submit(`form[action="/logout"]`, nil)
	}
	strangers := func() {
		for i := range 30 {
			login(env.Client().With("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i)), adultID, "wrong horse 1").WantError("", "不正确")
		}
	}
	strangers()
	login(other, adultID, password).WantError("", "用绑定手机的验证码找回密码")
	for _, c := range []*webtest.Client{registered, loggedIn} {
		login(c, adultID, password).WantAt("/account")
	}
	env.Clock.Advance(2 * time.Minute)
	other.Get("/reset").Submit("form", map[string]string{"id_number": adultID}).WantAt("/reset/code").
		Submit(`form[action="/reset/code"]`, map[string]string{"code": messages(t, env)[0].Code, "password": "new horse 12", "password_again": "new horse 12"}).
		WantAt("/login")
	strangers()
	login(env.Client(), adultID, "new horse 12").WantError("", "用绑定手机的验证码找回密码")
	login(other, adultID, "new horse 12").WantAt("/account")
}

func TestResetSaysTheSameForKnownAndUnknown(t *testing.T) {
	t.Parallel()
	env := setup(t)
	register(t, env, env.Client()).WantAt("/account")
	env.Clock.Advance(2 * time.Minute)
	before := len(messages(t, env))
	known := env.Client().Get("/reset").Submit("form", map[string]string{"id_number": adultID}).WantAt("/reset/code")
	unknown := env.Client().Get("/reset").Submit("form", map[string]string{"id_number": "420199200402290023"}).WantAt("/reset/code")
	require.Equal(t, known.Text("main"), unknown.Text("main"))
	require.Len(t, messages(t, env), before+1)
	for _, p := range []*webtest.Page{known, unknown} {
		p = p.Submit(`form[action="/reset/code"]`, map[string]string{"code": "000000", "password": "new horse 12", "password_again": "new horse 12"})
		p.Want(422).WantError("code", "不正确")
	}
}

func TestSecondRegistrationTellsNothingNew(t *testing.T) {
	t.Parallel()
	env := setup(t)
	register(t, env, env.Client()).WantAt("/account")
	env.Clock.Advance(2 * time.Minute)
	register(t, env, env.Client()).WantAt("/login").WantText(".flash-warn", "无法用这个身份证号码注册")
}

func TestConsentsAndLoginsAreOnesOwn(t *testing.T) {
	t.Parallel()
	env := setup(t)
	c := env.Client()
	register(t, env, c)
	p := c.Get("/account/consents").Want(200)
	for _, item := range consent.ForRegistration(false) {
		p.WantText(`[data-consent="`+string(item.Purpose)+`"] .tag`, "已同意")
		p.WantText(`[data-consent="`+string(item.Purpose)+`"]`, item.Recipient)
	}
	p.WantText(`[data-consent="bank"] .tag`, "未同意").Lacks(`[data-consent="guardian"]`)
	p = p.Submit(`[data-consent="platform"] form`, nil).WantAt("/account/consents")
	p = p.WantText(`[data-consent="platform"] .tag`, "已同意").Submit(`[data-consent="platform"] form`, nil)
	p.WantText(".flash-ok", "已撤回").WantText(`[data-consent="platform"] .tag`, "未同意")

	// Another's session cannot be ended by its name.
	second := env.Client()
	login(second, adultID, password).WantAt("/account")
	p = second.Get("/account/logins").Want(200)
	id := p.Find(`input[name="id"]`).AttrOr("value", "")
	require.NotEmpty(t, id)
	stranger := env.Person(newID(), "别人")
	stranger.Post("/account/logins/end", map[string][]string{"id": {id}}).Want(404)
	c.Get("/account").WantAt("/account")
	p.Submit(`form[action="/account/logins/end"]`, nil).WantAt("/account/logins")
	require.NotEmpty(t, c.Still().Get("/account").Location())
}

func TestDoorsOfTheAccount(t *testing.T) {
	t.Parallel()
	env := setup(t)
	clerk := env.Clerk(newID(), newID())
	for _, path := range []string{"/account", "/account/phone", "/account/password", "/account/logins", "/account/consents", "/account/phone/code"} {
		require.Equal(t, 303, env.Client().Still().Get(path).Response.StatusCode, path)
		clerk.Get(path).Want(403)
	}
	for _, path := range []string{
		"/account/phone", "/account/password", "/account/logins/end", "/account/logins/end-others",
		"/account/consents/give", "/account/consents/withdraw", "/account/phone/code", "/account/phone/resend",
	} {
		require.Equal(t, "/login", env.Client().Still().Post(path, nil).Location(), path)
		clerk.Post(path, nil).Want(403)
	}
}

// Going back loses nothing that was typed, and shows no ID number to whoever sits at the device next.
func TestRegistrationGoesBack(t *testing.T) {
	t.Parallel()
	env := setup(t)
	c := env.Client()
	p := c.Get("/register")
	agree(t, p)
	p = p.Submit("form", personForm(map[string]string{"id_number": idNumber("20100101")})).WantAt("/register/guardian")
	agree(t, p)
	p = p.Submit("form", map[string]string{"guardian_name": "王五", "guardian_relation": "父亲", "guardian_phone": phoneTwo}).WantAt("/register/phone")
	p = p.Click("a.back").WantAt("/register/guardian")
	require.Equal(t, "王五", p.Find(`input[name="guardian_name"]`).AttrOr("value", ""))
	p.Has(`option[selected]`).Has(`input[name="consent"][checked]`)
	p = p.Click("a.back").WantAt("/register")
	for field, want := range map[string]string{"name": "王𠮷", "address": "珞喻路 1037 号", "id_number": ""} {
		require.Equal(t, want, p.Find(`input[name="`+field+`"]`).AttrOr("value", ""), field)
	}
	require.Equal(t, "420111", p.Find(`select[name="district"] option[selected]`).AttrOr("value", ""))
	require.Equal(t, 3, p.Find(`input[name="consent"][checked]`).Length())
	p.WantText("#f-id-number-hint", "不修改可以留空")
	require.NotContains(t, string(p.Body), idNumber("20100101"))
	p.Submit("form", map[string]string{"name": "王小"}).WantAt("/register/phone")

	// Somebody else's number needs a guardian of its own.
	p = c.Get("/register").Submit("form", map[string]string{"id_number": idNumber("20090101")}).WantAt("/register/guardian")
	require.Empty(t, p.Find(`input[name="guardian_name"]`).AttrOr("value", ""))
	p.Lacks(`input[name="consent"][checked]`)
}

// Who asks for a code twice is led to the one that was sent.
func TestSecondAskLeadsToTheCode(t *testing.T) {
	t.Parallel()
	env := setup(t)
	c := env.Client()
	p := c.Get("/register")
	agree(t, p)
	p.Submit("form", personForm(nil)).Submit("form", map[string]string{"phone": phoneOne}).WantAt("/register/code")
	p = c.Get("/register/phone").Submit("form", map[string]string{"phone": phoneOne}).WantAt("/register/code").WantText(".flash-ok", "验证码已发送")
	require.Len(t, messages(t, env), 1)
	p.Submit(`form[action="/register/code"]`, map[string]string{
		"code": messages(t, env)[0].Code, "password": password, "password_again": password,
	}).WantAt("/account")

	env.Clock.Advance(2 * time.Minute)
	change := map[string]string{"phone": phoneTwo, "password": password}
	c.Get("/account/phone").Submit("form", change).WantAt("/account/phone/code")
	c.Get("/account/phone").Submit("form", change).WantAt("/account/phone/code").WantText(".flash-ok", "验证码已发送")
	c.Get("/account/phone").Submit("form", map[string]string{"phone": "13700000001", "password": password}).WantAt("/account/phone/code").Lacks(".flash")

	lost := env.Client()
	lost.Get("/reset").Submit("form", map[string]string{"id_number": adultID}).WantAt("/reset/code")
	lost.Get("/reset").Submit("form", map[string]string{"id_number": adultID}).WantAt("/reset/code").WantText(".flash-ok", "如果账号存在")

	// The code that was sent is too old: another one is needed, and cannot be had yet.
	env.Clock.Advance(2 * time.Minute)
	other := env.Client()
	p = other.Get("/register")
	agree(t, p)
	p = p.Submit("form", personForm(map[string]string{"id_number": idNumber("19900101")}))
	p.Submit("form", map[string]string{"phone": phoneTwo}).WantAt("/register/code")
	third := env.Client()
	p = third.Get("/register")
	agree(t, p)
	p = p.Submit("form", personForm(map[string]string{"id_number": idNumber("19900101")}))
	p.Submit("form", map[string]string{"phone": phoneTwo}).Want(429).WantError("", "频繁")
}

// A code works once: a password that is refused after it costs no other one.
func TestCodeThatWasRightCounts(t *testing.T) {
	t.Parallel()
	env := setup(t)
	register(t, env, env.Client()).WantAt("/account")
	env.Clock.Advance(2 * time.Minute)
	c := env.Client()
	p := c.Get("/reset").Submit("form", map[string]string{"id_number": adultID}).WantAt("/reset/code")
	try := func(p *webtest.Page, code, pw string) *webtest.Page {
		return p.Submit(`form[action="/reset/code"]`, map[string]string{"code": code, "password": pw, "password_again": pw})
	}
	p = try(p, "12", "short").Want(422).WantError("code", "6 位数字").Lacks("#f-password-error")
	p = try(p, messages(t, env)[0].Code, "a"+phoneOne).Want(422).WantError("password", "手机号").Lacks("#f-code").Lacks(`form[action="/reset/resend"]`)
	try(p, "", "another horse 9").WantAt("/login").WantText(".flash-ok", "新密码已设置")
	login(c, adultID, "another horse 9").WantAt("/account")

	// It does not count for ever, nor without a code.
	env.Clock.Advance(2 * time.Minute)
	c = env.Client()
	p = c.Get("/reset").Submit("form", map[string]string{"id_number": adultID})
	try(p, "", "third horse 10").Want(422).WantError("code", "6 位数字")
	try(p, messages(t, env)[0].Code, "a"+phoneOne).Want(422)
	env.Clock.Advance(16 * time.Minute)
	try(p, "", "third horse 10").Want(422).WantError("code", "6 位数字")
}
