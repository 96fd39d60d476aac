package applicant_test

import (
	"image/jpeg"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/consent"
	"volcard/internal/render"
)

func form(step string) string { return "form[method=post][action='/apply/" + step + "']" }

func TestApplyWalk(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("阿卜杜热合曼·买买提", adultID)

	page := p.Get("/apply").WantAt("/apply/edition")
	page.Has("input[name=edition][value=regular]").Lacks("input[name=edition][disabled]").WantText(".where summary", "第 1 步，共 7 步")
	page = page.Submit(form("edition"), nil).WantAt("/apply/identity")
	page.WantText("dl.rows", "阿卜杜热合曼·买买提").WantText("dl.rows", "4****************X")
	require.NotContains(t, string(page.Body), adultID)
	page = page.Submit(form("identity"), map[string]string{"identity": "student"}).WantAt("/apply/notice")
	page = page.Submit(form("notice"), map[string]string{"notice": card.NoticeVersion}).WantAt("/apply/phone")
	page = page.Submit(form("phone"), nil).WantAt("/apply/phone")
	page.WantText(".flash-ok", "138****0000")
	sent := messages(t, r.Env)[0]
	require.Equal(t, "code-application", sent.Template)
	page = page.Submit("form:has([name=code])", map[string]string{"code": sent.Code}).WantAt("/apply/unit")

	// Without JavaScript: a button finds the school, another one the districts.
	page = page.Submit(form("unit"), map[string]string{"keyword": "武大", "refresh": "university", "address": "八一路299号"}).Want(200)
	page.Lacks(".error-text").WantText("#universities", "武汉大学")
	page = page.Submit(form("unit"), map[string]string{"university_code": "HB001", "province": "420000", "refresh": "division"}).Want(200)
	page.Has("#f-city option[value='420100']").Has("#universities input[checked][value=HB001]")
	require.Equal(t, "八一路299号", page.Find("#f-address").AttrOr("value", ""))
	page = page.Submit(form("unit"), map[string]string{"city": "420100", "refresh": "division"}).Want(200)
	page = page.Submit(form("unit"), map[string]string{"district": "420106"}).WantAt("/apply/branch")

	page = page.Submit(form("branch"), map[string]string{"branch_id": r.branch.String()}).WantAt("/apply/preview")
	page.WantText("dl.check-list", "武汉大学").WantText("dl.check-list", "湖北省武汉市武昌区八一路299号").Lacks(".blocked")
	page.WantText(".expect", "12月23日（周三，含当日）前").Has(".faces img[src*='side=front']").Has(".faces img[src*='side=back']")
	require.NotContains(t, string(page.Body), "13800000000", "the phone is masked on every page")

	page = page.Submit(submitForm, nil).Want(200)
	require.Equal(t, "/cards/"+p.caseID().String(), page.Path())
	page.WantText("h1", "可以领卡").Has("[data-card-qr]").Has("[data-pickup]").WantText("main", "阿卜杜热合曼·买买提")
	require.Equal(t, 1, r.count("SELECT count(*) FROM stock_card WHERE state = 'reserved'"))
	require.Zero(t, r.count("SELECT count(*) FROM application_draft"))
}

// Others type their unit freely, and may use another phone.
func TestApplyWorkerWithAnotherPhone(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.draft(func(d *card.Draft) {
		*d = card.Draft{Edition: card.General, Identity: card.Worker, NoticeVersion: card.NoticeVersion}
	})
	page := p.Get("/apply").WantAt("/apply/phone")
	page = page.Submit(form("phone"), map[string]string{"phone_from": "other", "phone": "123"}).Want(422).WantError("phone", "11 位")
	require.Equal(t, "123", page.Find("#f-phone").AttrOr("value", ""))
	page = page.Submit(form("phone"), map[string]string{"phone_from": "other", "phone": "＋86 139 8765 4321"}).WantAt("/apply/phone")
	page.WantText("main", "139****4321")
	sent := messages(t, r.Env)[0]
	require.Equal(t, phoneTwo, sent.Phone)

	wrong := "000000"
	if sent.Code == wrong {
		wrong = "000001"
	}
	page = page.Submit("form:has([name=code])", map[string]string{"code": wrong}).Want(422).WantError("code", "不正确")
	page = page.Submit("form:has([name=phone_from])", map[string]string{"action": "send"}).Want(429).WantError("phone", "操作太频繁")
	page = page.Submit("form:has([name=code])", map[string]string{"code": "  " + sent.Code[:3] + " " + sent.Code[3:]}).WantAt("/apply/unit")
	page.Lacks("#universities").Has("#f-unit-name")
	page = page.Submit(form("unit"), map[string]string{
		"unit_name": "东湖社区", "province": "420000", "city": "420100", "district": "420106", "address": "1号",
	}).Want(200)
	require.Equal(t, "/apply/branch", page.Path())

	p.Get("/apply/phone").WantText(".verified", "139****4321").Submit(form("phone"), map[string]string{"action": "change"}).
		WantAt("/apply/phone").Lacks(".verified").Has("input[name=phone_from]")
	p.Get("/apply").WantAt("/apply/phone")
}

// Every step refuses what does not belong there, with a sentence at the field, and loses nothing.
func TestApplyStepsRefuse(t *testing.T) { // one clock and one draft for all
	r := open(t)
	p := r.person("王𠮷", adultID)
	none := r.rows.Branch("空网点")
	closed := r.rows.Branch("关门网点")
	r.rows.Stock(closed, 1)
	r.exec("UPDATE branch SET closed_at = $2 WHERE id = $1", closed, r.Clock.Now())
	p.draft()
	unit := map[string]string{"province": "420000", "city": "420100", "district": "420106", "address": "八一路299号"}
	with := func(name, value string) map[string]string {
		m := map[string]string{name: value}
		for k, v := range unit {
			if _, ok := m[k]; !ok {
				m[k] = v
			}
		}
		return m
	}
	for name, c := range map[string]struct {
		step   string
		form   map[string]string
		field  string
		says   string
		typed  string // selector of what must still be there
		worker bool
	}{
		"an edition that does not exist":         {"edition", map[string]string{"edition": "golden"}, "", "", "", false},
		"no tick under the notice":               {"notice", map[string]string{"notice": "-"}, "notice", "请阅读并勾选", "", false},
		"an older notice":                        {"notice", map[string]string{"notice": "2020-01"}, "notice", "请阅读并勾选", "", false},
		"a university outside Hubei, by hand":    {"unit", with("university_code", "BJ001"), "university_code", "不在湖北省内高校名单", "#f-address[value='八一路299号']", false},
		"no university":                          {"unit", with("university_code", "-"), "university_code", "从列表中选择", "#f-address[value='八一路299号']", false},
		"no district":                            {"unit", with("district", ""), "district", "请依次选择", "#f-address[value='八一路299号']", false},
		"a district of another city":             {"unit", with("district", "420502"), "district", "请依次选择", "", false},
		"no address":                             {"unit", with("address", " "), "address", "请填写单位的详细地址", "", false},
		"an address too long":                    {"unit", with("address", strings.Repeat("路", 101)), "address", "最多100个字", "#f-address[value^='路路路']", false},
		"no unit":                                {"unit", with("unit_name", "x"), "unit_name", "至少2个字", "#f-unit-name[value=x]", true},
		"an emoji in the unit":                   {"unit", with("unit_name", "东湖社区🏫"), "unit_name", "单位名称中不能有表情符号", "#f-unit-name[value='东湖社区🏫']", true},
		"an emoji in the address":                {"unit", with("address", "1号😀"), "address", "详细地址中不能有表情符号", "#f-address[value='1号😀']", true},
		"a unit too long":                        {"unit", with("unit_name", strings.Repeat("位", 61)), "unit_name", "最多60个字", "#f-unit-name[value^='位位']", true},
		"no branch":                              {"branch", map[string]string{"branch_id": ""}, "branch_id", "请选择领卡网点", "", false},
		"no field of a branch":                   {"branch", map[string]string{"branch_id": "-"}, "", "", "", false},
		"no id of a branch":                      {"branch", map[string]string{"branch_id": "'; DROP TABLE branch"}, "branch_id", "请选择领卡网点", "", false},
		"a branch that does not exist":           {"branch", map[string]string{"branch_id": newID().String()}, "branch_id", "没有这个领卡网点", "", false},
		"a branch without stock, by hand":        {"branch", map[string]string{"branch_id": none.String()}, "branch_id", "刚刚领完", "", false},
		"a branch that has closed, by hand":      {"branch", map[string]string{"branch_id": closed.String()}, "branch_id", "已停止办理", "", false},
		"an identity that does not exist":        {"identity", map[string]string{"identity": "minister"}, "", "", "", false},
		"a phone that is verified needs no code": {"phone", nil, "", "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			p.draft(func(d *card.Draft) {
				if c.worker {
					d.Identity, d.UnitName = card.Worker, "某单位"
				}
			})
			page := p.Get("/apply/" + c.step).Want(200)
			answer := page.Submit(form(c.step), c.form)
			if c.field == "" {
				answer.WantAt("/apply/preview") // the draft keeps what it had
				return
			}
			answer.Want(422).WantError(c.field, c.says)
			if c.typed != "" {
				answer.Has(c.typed)
			}
			// The page mends itself: the version on it is the newest.
			answer.Has("input[name=version]")
			require.NotEqual(t, 409, answer.Submit(form(c.step), c.form).Response.StatusCode)
		})
	}
}

func TestApplyConsentsAreSeparate(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	r.exec("UPDATE consent SET withdrawn_at = $1 WHERE purpose IN ('bank', 'platform', 'association', 'terms')", r.Clock.Now())
	p.draft(func(d *card.Draft) { d.NoticeVersion = "" })

	page := p.Get("/apply").WantAt("/apply/notice")
	for _, purpose := range []consent.Purpose{consent.Bank, consent.Platform, consent.Association, consent.Terms} {
		item, _ := consent.Lookup(purpose)
		page.WantText("[data-consent="+string(purpose)+"]", item.Recipient)
		page.Has("input[type=checkbox][name=consent][value='" + item.Key() + "']:not([checked])")
	}
	page.Lacks("[data-consent=sensitive-data] input").WantText("[data-consent=sensitive-data]", "2026年11月23日 同意")

	bank, _ := consent.Lookup(consent.Bank)
	page = page.Submit(form("notice"), map[string]string{"notice": card.NoticeVersion, "consent": bank.Key()}).Want(422)
	page.WantError("consent", "需要您单独同意").WantText("[data-consent=association]", "需要您单独同意这一项")
	page.Lacks("[data-consent=platform] .error-text").Lacks("[data-consent=bank] input")
	require.Equal(t, 1, r.count("SELECT count(*) FROM consent WHERE purpose = 'bank' AND withdrawn_at IS NULL AND recipient = $1", bank.Recipient))
	p.Get("/apply/preview").WantText(".blocked [data-step='/apply/notice']", "向省志愿者协会提供信息").Lacks(submitForm)

	values := webtest.FormValues(page.Find(form("notice")))
	for _, purpose := range []consent.Purpose{consent.Association, consent.Terms} {
		item, _ := consent.Lookup(purpose)
		values.Add("consent", item.Key())
	}
	p.Post("/apply/notice", values).WantAt("/apply/preview")
	require.Zero(t, r.count("SELECT count(*) FROM consent WHERE purpose = 'platform' AND withdrawn_at IS NULL"), "a free consent is left alone")
}

func TestApplyResumes(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	full := p.draft()
	for step, change := range map[string]func(*card.Draft){
		"edition":  func(d *card.Draft) { d.Edition = "" },
		"identity": func(d *card.Draft) { d.Identity = "" },
		"notice":   func(d *card.Draft) { d.NoticeVersion = "2020-01" },
		"phone":    func(d *card.Draft) { d.PhoneVerifiedAt = r.Clock.Now().Add(-25 * time.Hour) },
		"unit":     func(d *card.Draft) { d.Address = "" },
		"branch":   func(d *card.Draft) { d.BranchID = uuid.Nil },
		"preview":  func(*card.Draft) {},
	} {
		p.draft(func(d *card.Draft) { *d = full; change(d) })
		page := p.Get("/apply").WantAt("/apply/" + step)
		page.Has(".where a[aria-current=step][href='/apply/" + step + "']")
		require.Equal(t, 7, page.Find(".where a").Length(), "every step can be reached")
		// From any other page the saved draft leads back to what is missing.
		if step != "edition" {
			p.Get("/apply/edition").Submit(form("edition"), nil).WantAt("/apply/" + step)
		}
	}
	require.Equal(t, "/login?next=%2Fapply%2Funit", r.Env.Client().Still().Get("/apply/unit").Location())
}

func TestApplySecondTab(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.draft()
	old := p.Get("/apply/unit")
	p.Get("/apply/unit").Submit(form("unit"), map[string]string{"address": "珞珈山"}).WantAt("/apply/preview")
	page := old.Submit(form("unit"), map[string]string{"address": "八一路1号"}).Want(409)
	page.WantError("", "您在另一个页面修改了这份申请")
	require.Equal(t, "珞珈山", page.Find("#f-address").AttrOr("value", ""), "the newest is shown")
	page.Submit(form("unit"), map[string]string{"address": "八一路1号"}).WantAt("/apply/preview").WantText("dl", "八一路1号")

	// A preview that is older than the draft submits nothing.
	seen := p.Get("/apply/preview")
	p.Get("/apply/unit").Submit(form("unit"), map[string]string{"address": "珞珈山"}).WantAt("/apply/preview")
	page = seen.Submit(submitForm, nil).Want(409).WantError("", "您在预览之后修改了申请").WantText("dl", "珞珈山")
	require.Zero(t, r.count("SELECT count(*) FROM application"))
	page.Submit(submitForm, nil).Want(200).WantText("h1", "可以领卡")

	// The other tabs learn that it is over.
	old.Submit(form("unit"), nil).WantAt("/apply").WantText(".reasons", "正在办理")
	seen.Submit(submitForm, map[string]string{"idempotency_key": newID().String()}).WantAt("/apply").WantText(".reasons", "正在办理").
		Click(".actions a").WantText("h1", "可以领卡")
}

func TestSubmitDoubleClickAndTwoTabs(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.draft()
	preview := p.Get("/apply/preview")
	values := webtest.FormValues(preview.Find(submitForm))

	const clicks = 8
	still := p.Still()
	locations := make([]string, clicks)
	var wait sync.WaitGroup
	for i := range clicks {
		wait.Go(func() { locations[i] = still.Post("/apply/submit", values).Location() })
	}
	wait.Wait()
	for _, location := range locations {
		require.Equal(t, "/cards/"+p.caseID().String(), location, "each click leads to the one application")
	}
	require.Equal(t, 1, r.count("SELECT count(*) FROM application"))
	require.EqualValues(t, 1, r.process.started.Load())

	// Two tabs, each with a key of its own.
	q := r.person("李𬱟", "420199200402290023")
	q.draft()
	still = q.Still()
	answers, tabs := make([]*webtest.Page, 2), make([]url.Values, 2)
	for i := range tabs {
		tabs[i] = webtest.FormValues(q.Get("/apply/preview").Find(submitForm))
	}
	for i, values := range tabs {
		wait.Go(func() { answers[i] = still.Post("/apply/submit", values) })
	}
	wait.Wait()
	require.ElementsMatch(t, []string{"/cards/" + q.caseID().String(), "/apply"}, []string{answers[0].Location(), answers[1].Location()})
	require.Equal(t, 2, r.count("SELECT count(*) FROM application"))
}

func TestSubmitRefuses(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.draft()
	preview := p.Get("/apply/preview")

	// The branch changes in between: its last card goes, then it closes.
	r.exec("UPDATE stock_card SET state = 'spoiled'")
	page := preview.Submit(submitForm, nil).Want(422).WantError("", "您填写的内容都还在")
	page.WantText(".blocked [data-step='/apply/branch']", "刚刚领完").Lacks(submitForm).WantText("dl", "八一路299号")
	page.Click(".blocked a").WantAt("/apply/branch").WantError("branch_id", "刚刚领完").Has("[data-branch='" + r.branch.String() + "'] input[disabled]")
	r.exec("UPDATE stock_card SET state = 'in_stock'")
	r.exec("UPDATE branch SET closed_at = $1", r.Clock.Now())
	preview.Submit(submitForm, nil).Want(422).WantText(".blocked [data-step='/apply/branch']", "已停止办理")
	r.exec("UPDATE branch SET closed_at = NULL")

	// The university leaves the list, a consent is taken back, the proof of the phone gets old.
	r.exec("UPDATE university SET closed_at = $1", r.Clock.Now())
	r.exec("UPDATE consent SET withdrawn_at = $1 WHERE purpose = 'bank'", r.Clock.Now())
	r.Clock.Advance(25 * time.Hour)
	q := person{r.Env.Person(p.id, "王𠮷"), p.id, r}
	page = q.Post("/apply/submit", webtest.FormValues(preview.Find(submitForm))).Want(422)
	page.WantText(".blocked [data-step='/apply/notice']", "向领卡银行提供信息").
		WantText(".blocked [data-step='/apply/phone']", "超过24小时").WantText(".blocked [data-step='/apply/unit']", "不在湖北省内高校名单")
	require.Zero(t, r.count("SELECT count(*) FROM application"))
	require.Equal(t, 1, r.count("SELECT count(*) FROM application_draft"))

	// Forms that no page of ours makes.
	q.Post("/apply/submit", url.Values{"content": {"00"}}).Want(422)
	q.Post("/apply/submit", url.Values{"idempotency_key": {newID().String()}, "content": {"zz"}}).Want(422)
	q.Post("/apply/unit", url.Values{"address": {strings.Repeat("长", 40_000)}}).Want(413)
}

// Whoever got the last card has not committed yet: the row still looks free, and yet the page has to
// say which branch to leave.
func TestSubmitWhileTheLastCardIsGoing(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.draft()
	preview := p.Get("/apply/preview")
	other, err := r.DB.Begin(t.Context())
	require.NoError(t, err)
	_, err = other.Exec(t.Context(), "SELECT serial FROM stock_card FOR UPDATE")
	require.NoError(t, err)
	page := preview.Submit(submitForm, nil).Want(422).WantError("", "您填写的内容都还在")
	page.WantText(".blocked [data-step='/apply/branch']", "刚刚领完，请另选一个网点").Lacks(submitForm)
	require.NoError(t, other.Rollback(t.Context()))
	preview.Submit(submitForm, nil).Want(200)
	require.Equal(t, 1, r.count("SELECT count(*) FROM application"))
}

func TestSubmitAfterWithdrawal(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.draft()
	preview := p.Get("/apply/preview")
	done := preview.Submit(submitForm, nil).Want(200)
	p.Get(done.Path()+"/withdraw").Submit("form[action$='/withdraw']", nil).WantText("h1", "已撤回")
	preview.Submit(submitForm, nil).WantAt(done.Path()).WantText("h1", "已撤回") // the same form is the same submit
	preview.Submit(submitForm, map[string]string{"idempotency_key": newID().String()}).WantAt("/apply/edition").WantText(".flash", "已经提交或撤回过")
	require.Equal(t, 1, r.count("SELECT count(*) FROM application"))
}

func TestApplyStops(t *testing.T) {
	t.Parallel()
	r := open(t)
	minor := r.person("小明", idNumber("20110101"))
	minor.Get("/apply").WantAt("/apply").WantText(".reasons", "监护人").Lacks("form")
	minor.Get("/apply/branch").WantAt("/apply")
	minor.draft()
	minor.Get("/apply/preview").WantAt("/apply")

	blocked := r.person("王𠮷", adultID)
	blocked.draft()
	preview := blocked.Get("/apply/preview")
	r.exec("UPDATE person SET blocked_at = $2 WHERE id = $1", blocked.id, r.Clock.Now())
	preview.Submit(submitForm, nil).Want(422).WantText(".blocked", "已被停用")
	blocked.Get("/apply").WantText(".reasons", "已被停用")
	require.Zero(t, r.count("SELECT count(*) FROM application"))
}

func TestSubmitWhileTheEngineIsAway(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.process.away.Store(true)
	p := r.person("王𠮷", adultID)
	page := p.submitted()
	page.WantText("h1", "已受理").Lacks("[data-card-qr]").Lacks(".digital").Has("#live[hx-trigger='every 3s']").WantText("head noscript", `http-equiv="refresh" content="3"`)
	page.WantText(".timeline .next", "系统自动办理")
	r.Clock.Advance(time.Minute)
	p.Get(page.Path()).WantText(".lead-line", "不用重复提交")
	p.Get(page.Path()+"/withdraw").Submit("form[action$='/withdraw']", nil).Want(503)
	require.Equal(t, card.Accepted, p.state())
}

// Behind a crowd the page does not wait: it is there before the card.
func TestSubmitBehindACrowd(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.process.before = 1000
	r.process.away.Store(true)
	p := r.person("王𠮷", adultID)
	p.submitted().WantText("h1", "已受理")
	require.EqualValues(t, 1, r.process.started.Load())
}

func TestPreviewOfNames(t *testing.T) {
	t.Parallel()
	r := open(t)
	for i, name := range []string{"王𠮷", "阿卜杜热合曼·买买提", strings.Repeat("买", 25) + "·" + strings.Repeat("热", 24)} {
		p := r.person(name, []string{adultID, "420199200402290023", idNumber("19900101")}[i])
		p.draft()
		p.Get("/apply/preview").WantText("dl", name).Lacks("main .note")
		for _, side := range []string{"front", "back"} {
			picture := p.Get("/apply/preview.jpg?side=" + side).Want(200)
			require.Equal(t, "image/jpeg", picture.Response.Header.Get("Content-Type"))
			config, err := jpeg.DecodeConfig(strings.NewReader(string(picture.Body)))
			require.NoError(t, err)
			require.Equal(t, render.PictureWidth, config.Width)
		}
	}
	// A character that no font has: said before, and held for a person after.
	rare := rune(0)
	for c := rune(0x2EBF0); c <= 0x2EE5D && rare == 0; c++ {
		if len(render.Missing(string(c))) > 0 {
			rare = c
		}
	}
	require.True(t, utf8.ValidRune(rare) && rare != 0)
	p := r.person("王"+string(rare), idNumber("19910101"))
	p.draft()
	page := p.Get("/apply/preview").WantText("main .note", "“"+string(rare)+"”").Lacks(".faces img")
	page.Submit(submitForm, nil).Want(200).WantText("h1", "等待人工核对").WantText(".timeline .next", "省级管理员")
}

func TestUniversitySuggestions(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.rows.University("HB002", "武汉理工大学")
	r.exec("UPDATE university SET initials = 'whlgdx', short_names = '{武理工}', former_names = '{武汉工业大学}' WHERE code = 'HB002'")
	p := r.person("王𠮷", adultID)
	p.draft()
	for _, keyword := range []string{"理工", "武理工", "武汉工业", "whlg"} {
		page := p.HTMX().Get("/apply/universities?keyword=" + url.QueryEscape(keyword)).Want(200)
		page.Has("input[name=university_code][value=HB002]").Lacks("header")
	}
	page := p.HTMX().Get("/apply/universities?university_code=HB001&keyword=" + url.QueryEscape("北京大学")).Want(200)
	page.Has("input[checked][value=HB001]").Lacks("input[value=HB002]")
	p.HTMX().Get("/apply/universities?keyword="+url.QueryEscape("北京大学")).WantText(".empty", "只能选择湖北省内高校")
	p.HTMX().Get("/apply/universities").Lacks("input[type=radio]")
	r.Env.Client().HTMX().Get("/apply/universities?keyword=x").Want(204)
}

func TestBranchesByPlaceAndDistance(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.draft(func(d *card.Draft) { d.BranchID = uuid.Nil })
	far, none := r.rows.Branch("远网点"), r.rows.Branch("空网点")
	r.rows.Stock(far, 1)
	r.exec("UPDATE branch SET division_code = '420502', lng = 111.29, lat = 30.69, address = '夷陵大道1号' WHERE id = $1", far)
	row := func(id uuid.UUID) string { return "[data-branch='" + id.String() + "']" }

	page := p.Get("/apply/branch") // the unit's own district
	page.Has(row(r.branch)).Lacks(row(far)).Has(row(none)+" input[disabled]").WantText(row(none), "卡片已领完")
	page = page.Submit(".branch-filter", map[string]string{"city": "420500", "district": ""})
	page.Has(row(far)).Lacks(row(r.branch)).WantText(row(far), "湖北省宜昌市西陵区夷陵大道1号")
	require.Equal(t, 2, p.Get("/apply/branch?city=").Find(".branch input:not([disabled])").Length(), "the whole province")
	p.Get("/apply/branch?city=110100&district=x").Has(row(far)) // no city of the province
	p.HTMX().Get("/apply/branch?city=420500").Has("#branches").Lacks("header.bar").WantText(row(far), "远网点")

	near := p.HTMX().Post("/apply/branch/near", url.Values{"lng": {"111.28"}, "lat": {"30.69"}}).Want(200)
	require.Contains(t, near.Find(".branch").First().Text(), "远网点")
	near.WantText(".branch", "直线距离")
	p.Post("/apply/branch/near", url.Values{"lng": {"114.33"}, "lat": {"30.54"}}).Want(200).Has("header.bar")
	for _, bad := range []url.Values{{}, {"lng": {"x"}, "lat": {"1"}}, {"lng": {"999"}, "lat": {"30"}}, {"lng": {"NaN"}, "lat": {"30"}}} {
		p.HTMX().Post("/apply/branch/near", bad).Want(422).WantText(".form-error", "没有得到您的位置")
	}

	// Nothing in the district: the city's are shown, then the province's.
	r.exec("UPDATE branch SET closed_at = $2 WHERE id <> $1", far, r.Clock.Now())
	p.Get("/apply/branch").WantText(".note", "全省").Has(row(far))
}

// A minor applies while the guardian agrees.
func TestMinorNeedsTheGuardiansConsentToApply(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王小", idNumber("20100101"))
	page := p.Get("/apply").Want(200).WantText(".reasons", "由监护人同意").Click("a[href='/account/guardian']").WantAt("/account/guardian")
	agree(t, page)
	page.Submit("form", map[string]string{"guardian_name": "李芳", "guardian_relation": "母亲", "guardian_phone": phoneTwo}).WantAt("/account/consents")
	p.Get("/apply").WantAt("/apply/edition")
	r.exec("UPDATE consent SET withdrawn_at = $1 WHERE purpose = 'guardian'", r.Clock.Now())
	p.Get("/apply").Want(200).WantText(".reasons", "由监护人同意")
	r.exec("UPDATE consent SET withdrawn_at = NULL, version = '2020-01' WHERE purpose = 'guardian'")
	p.Get("/apply").Want(200).WantText(".reasons", "由监护人同意")
}
