package applicant_test

import (
	"context"
	"image/jpeg"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/internal/store/cardstore"
)

const otherID = "420199200402290023"

func TestCardsList(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.Get("/cards").Want(200).WantText(".empty-state", "还没有志愿者证").Has(".empty-state a[href='/apply']").Lacks(".case-list")
	p.submitted()
	page := p.Get("/cards").Lacks(".empty-state").Lacks("a[href='/apply']")
	page.WantText("[data-case='"+p.caseID().String()+"']", "可以领卡").WantText(".case-list", "12月23日（周三，含当日）前")
	page.Click(".case-link").WantText("h1", "可以领卡")
}

func TestCaseOfEveryState(t *testing.T) { // one clock and one draft for all
	r := open(t)
	staff := r.rows.Clerk("周敏", r.branch)
	ctx := context.Background()
	process := &r.process.Process
	for i, c := range []struct {
		state card.State
		reach func(id uuid.UUID, p person) error
		has   []string
		lacks []string
		says  string
	}{
		{
			card.Ready, func(uuid.UUID, person) error { return nil },
			[]string{"[data-pickup]", "[data-card-qr]", "a[href$='/branch']", "a[href$='/withdraw']", ".timeline .next", "a[href$='card.pdf']"},
			[]string{"a[href='/apply']"},
			"凭取卡码领取",
		},
		{
			card.Lapsed, func(id uuid.UUID, _ person) error {
				r.Clock.Advance(45 * 24 * time.Hour)
				_, err := process.Lapse(ctx, id)
				return err
			},
			[]string{"[data-card-qr]", "a[href$='/branch']", "a[href$='/withdraw']", ".timeline .next"},
			[]string{"[data-pickup]"},
			"电子证不受影响",
		},
		{
			card.Closed, func(id uuid.UUID, _ person) error {
				r.Clock.Advance(45 * 24 * time.Hour)
				if _, err := process.Lapse(ctx, id); err != nil {
					return err
				}
				r.Clock.Advance(181 * 24 * time.Hour)
				_, err := process.Close(ctx, id)
				return err
			},
			[]string{"[data-card-qr]"},
			[]string{"[data-pickup]", ".timeline .next", "a[href$='/withdraw']", "#live[hx-get]"},
			"已经结束",
		},
		{
			card.Collected, func(id uuid.UUID, _ person) error {
				_, err := process.HandOver(ctx, cardstore.HandOver{
					ApplicationID: id, BranchID: r.branch, StaffID: staff, Serial: r.serial(id),
				})
				return err
			},
			[]string{"[data-card-qr]"},
			[]string{"[data-pickup]", "a[href$='/withdraw']"},
			"感谢您的志愿服务",
		},
		{
			card.Withdrawn, func(id uuid.UUID, p person) error {
				_, err := process.Withdraw(ctx, id, p.id)
				return err
			},
			[]string{"a[href='/apply']"},
			[]string{"[data-card-qr]", ".digital", "[data-pickup]", "#live[hx-get]"},
			"同时注销",
		},
	} {
		t.Run(string(c.state), func(t *testing.T) {
			p := r.person("王𠮷", idNumber([]string{"19800101", "19810101", "19820101", "19830101", "19840101"}[i]))
			p.submitted()
			require.NoError(t, c.reach(p.caseID(), p))
			require.Equal(t, c.state, p.state())
			// A login lasts two hours; some of these states are months away.
			page := person{r.Env.Person(p.id, "王𠮷"), p.id, r}.Get("/cards/" + p.caseID().String()).Want(200)
			page.WantText("h1", c.state.Text()).WantText("main", c.says).Has("[data-state='" + string(c.state) + "']")
			for _, selector := range c.has {
				page.Has(selector)
			}
			for _, selector := range c.lacks {
				page.Lacks(selector)
			}
			require.Equal(t, "no-store", page.Response.Header.Get("Cache-Control"))
		})
	}
}

func TestRefusedCaseSaysWhy(t *testing.T) {
	t.Parallel()
	r := open(t)
	staff := r.rows.Clerk("周敏", r.branch)
	r.process.Missing = func(string) []rune { return []rune{'𠮷'} }
	p := r.person("王𠮷", adultID)
	p.submitted().WantText("h1", "等待人工核对").Lacks(".digital")
	_, err := r.process.DecideHeld(context.Background(), p.caseID(), staff, false, "请先更正姓名用字 <b>")
	require.NoError(t, err)
	page := p.Get("/cards/"+p.caseID().String()).WantText("h1", "未通过").WantText(".reason", "请先更正姓名用字 <b>").Has("a[href='/apply']")
	page.Lacks(".digital")
	p.Get("/apply").WantAt("/apply/edition")
}

func TestCaseOfSomebodyElse(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.submitted()
	stranger := r.person("李𬱟", otherID)
	for _, id := range []string{p.caseID().String(), newID().String(), "1", "..%2f"} {
		for _, path := range []string{"", "/card.jpg", "/card.pdf", "/card.svg", "/pickup.svg", "/withdraw", "/branch"} {
			stranger.Get("/cards/" + id + path).Want(404)
		}
		page := stranger.Get("/cards/"+id).WantText("body", "没有找到")
		require.NotContains(t, string(page.Body), "王𠮷")
		for _, path := range []string{"/withdraw", "/branch", "/branch/near"} {
			stranger.Post("/cards/"+id+path, url.Values{"branch_id": {r.branch.String()}, "lng": {"114"}, "lat": {"30"}}).Want(404)
		}
	}
	require.Equal(t, card.Ready, p.state())
	path := "/cards/" + p.caseID().String()
	require.Equal(t, "/login?next="+url.QueryEscape(path), r.Env.Client().Still().Get(path).Location())
	r.Env.Clerk(newID(), r.branch).Get(path).Want(403)
}

func TestCardFiles(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person(strings.Repeat("买", 25)+"·"+strings.Repeat("热", 24), adultID)
	p.submitted()
	path := "/cards/" + p.caseID().String()
	for _, file := range []string{"/card.jpg?side=front", "/card.jpg?side=back", "/card.pdf", "/card.svg", "/pickup.svg"} {
		answer := p.Get(path + file).Want(200)
		header := answer.Response.Header
		require.Equal(t, "no-store", header.Get("Cache-Control"), "a shared phone keeps no card")
		require.Empty(t, header.Get("Etag"))
		require.Equal(t, "default-src 'none'; sandbox", header.Get("Content-Security-Policy"))
		if strings.Contains(file, "jpg") {
			_, err := jpeg.Decode(strings.NewReader(string(answer.Body)))
			require.NoError(t, err)
		} else if strings.Contains(file, "svg") {
			require.True(t, strings.HasPrefix(string(answer.Body), "<svg"))
			require.Equal(t, "image/svg+xml", header.Get("Content-Type"))
		} else {
			require.True(t, strings.HasPrefix(string(answer.Body), "%PDF-"))
			require.Contains(t, header.Get("Content-Disposition"), "attachment")
		}
	}
	// A cancelled card is drawn no more.
	p.Get(path+"/withdraw").Submit("form[action$='/withdraw']", nil).WantAt(path)
	for _, file := range []string{"/card.jpg", "/card.pdf", "/card.svg", "/pickup.svg"} {
		p.Get(path + file).Want(404)
	}
}

// htmx asks for what has changed only.
func TestCaseRefreshes(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.process.away.Store(true)
	p := r.person("王𠮷", adultID)
	page := p.submitted()
	ask, ok := page.Find("#live").Attr("hx-get")
	require.True(t, ok)
	require.Empty(t, p.HTMX().Get(ask).Want(http.StatusNoContent).Body)
	_, err := r.process.Issue(context.Background(), p.caseID())
	require.NoError(t, err)
	part := p.HTMX().Get(ask).Want(200).Lacks("header.bar").Has("#live[hx-trigger='every 30s']").WantText("h1", "可以领卡")
	next, _ := part.Find("#live").Attr("hx-get")
	require.NotEqual(t, ask, next)
	p.HTMX().Get(next).Want(http.StatusNoContent)
	p.Get(next).Has("header.bar") // opened by hand it is a page
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	page := p.submitted().Click("a[href$='/withdraw']").WantText("main", "同时注销")
	again := p.Get(page.Path())
	page.Submit("form[action$='/withdraw']", nil).WantText(".flash-ok", "已撤回").WantText("h1", "已撤回")
	require.Equal(t, 5, r.count("SELECT count(*) FROM stock_card WHERE state = 'in_stock'"), "the reserved card went back")
	require.Equal(t, 1, r.count("SELECT count(*) FROM card WHERE status = 'cancelled'"))
	again.Submit("form[action$='/withdraw']", nil).WantText("h1", "已撤回") // a double click is no error
	p.Get(page.Path()).WantText(".flash-warn", "不能再进行这项操作").WantText("h1", "已撤回")
	p.Get("/cards").Has("a[href='/apply']")

	// Collected in between.
	q := r.person("李𬱟", otherID)
	confirm := q.submitted().Click("a[href$='/withdraw']")
	r.exec("UPDATE application SET state = 'collected', closed_at = $2 WHERE id = $1", q.caseID(), r.Clock.Now())
	confirm.Submit("form[action$='/withdraw']", nil).Want(409).WantError("", "已领卡")
}

// A case whose process has not begun is told so, and its process is started.
func TestDecideBeforeTheProcessBegan(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.process.away.Store(true)
	p := r.person("王𠮷", adultID)
	page := p.submitted()
	r.process.away.Store(false)
	started := r.process.started.Load()
	answer := p.Get(page.Path()+"/withdraw").Submit("form[action$='/withdraw']", nil)
	answer.Want(503).WantText(".sentence", "正在受理中")
	require.Equal(t, started+1, r.process.started.Load())
	r.process.running.Wait()
	p.Get(page.Path()+"/withdraw").Submit("form[action$='/withdraw']", nil).WantText("h1", "已撤回")
}

func TestChooseAnotherBranch(t *testing.T) {
	t.Parallel()
	r := open(t)
	other, none := r.rows.Branch("乙网点"), r.rows.Branch("空网点")
	r.rows.Stock(other, 1)
	p := r.person("王𠮷", adultID)
	page := p.submitted().Click("a[href$='/branch']")
	row := func(id uuid.UUID) string { return "[data-branch='" + id.String() + "']" }
	page.Has(row(r.branch)+" input[disabled]").WantText(row(r.branch), "现在的网点").Has(row(none) + " input[disabled]")
	form := "form[method=post]"
	page.Submit(form, nil).Want(422).WantError("branch_id", "请选择领卡网点")
	page.Submit(form, map[string]string{"branch_id": none.String()}).Want(409).WantError("branch_id", "刚刚领完")
	r.exec("UPDATE branch SET closed_at = $2 WHERE id = $1", other, r.Clock.Now())
	page.Submit(form, map[string]string{"branch_id": other.String()}).Want(409).WantError("branch_id", "已停止办理")
	r.exec("UPDATE branch SET closed_at = NULL")
	page.Submit(form, map[string]string{"branch_id": newID().String()}).Want(422).WantError("branch_id", "没有这个领卡网点")
	p.HTMX().Post(page.Path()+"/near", url.Values{"lng": {"114.33"}, "lat": {"30.54"}}).Want(200).WantText(row(other), "直线距离")

	page.Submit(form, map[string]string{"branch_id": other.String()}).WantText(".flash-ok", "领卡网点已更换").WantText(".place", "乙网点").
		Has("[data-action='choose-branch']")
	require.Equal(t, 5, r.count("SELECT count(*) FROM stock_card WHERE branch_id = $1 AND state = 'in_stock'", r.branch))

	// After the wait has lapsed the old branch can be chosen again.
	r.Clock.Advance(40 * 24 * time.Hour)
	_, err := r.process.Lapse(context.Background(), p.caseID())
	require.NoError(t, err)
	back := person{r.Env.Person(p.id, "王𠮷"), p.id, r}
	page = back.Get("/cards/"+p.caseID().String()).WantText("h1", "逾期未领").Click("a[href$='/branch']")
	page.Submit(form, map[string]string{"branch_id": other.String()}).WantText("h1", "可以领卡").WantText(".pickup", "2月1日（周一，含当日）前")

	r.exec("UPDATE application SET state = 'collected', closed_at = $2 WHERE id = $1", p.caseID(), r.Clock.Now())
	back.Get(page.Path()).WantText(".flash-warn", "已领卡")
	page.Submit(form, map[string]string{"branch_id": r.branch.String()}).Want(409)
}

// serial is the card that is reserved for a case.
func (r *room) serial(id uuid.UUID) string {
	r.T.Helper()
	var serial string
	require.NoError(r.T, r.DB.QueryRow(r.T.Context(), "SELECT serial FROM stock_card WHERE application_id = $1", id).Scan(&serial))
	return serial
}

// A consent that was taken back stops what it was given for, and the page says how to go on.
func TestCaseSaysWhichConsentItNeeds(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	page := p.submitted().Lacks("#asks")
	at := page.Path()
	consents := p.Get("/account/consents").Want(200)
	consents.Submit("[data-consent=bank] form", nil).WantText("[data-consent=bank]", "撤回后网点不能为您发卡")
	page = p.Get(at).WantText(".blocked", "网点现在不能为您发卡").WantText(".blocked", "向领卡银行提供信息")
	p.Get(page.Find(".blocked a").AttrOr("href", "")).Submit("[data-consent=bank] form", nil)
	p.Get(at).Lacks("#asks")

	regular := r.person("李娜", otherID)
	at = regular.waiting().Lacks("#asks").Path()
	regular.Get("/account/consents").Submit("[data-consent=factory] form", nil)
	regular.Get(at).WantText(".blocked", "制作实体卡需要您的同意").WantText(".blocked", "向制卡厂提供信息")
}

// A case has a phone of its own. Whoever changes the account's is asked about it, and a card that waits can
// still be told to another one.
func TestPhoneOfARunningCase(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	hash, err := r.hasher.Hash(t.Context(), password)
	require.NoError(t, err)
	r.exec("UPDATE person SET password_hash = $1", hash)
	phone := func() string {
		var sealed []byte
		require.NoError(t, r.DB.QueryRow(t.Context(), "SELECT phone FROM application").Scan(&sealed))
		plain, err := r.Vault.UnsealString(sealed, cardstore.LabelPhone)
		require.NoError(t, err)
		return plain
	}
	at := p.submitted().Has("a[href$='/phone']").Path()
	change := func(to string, fields map[string]string) string {
		r.Clock.Advance(2 * time.Minute)
		page := p.Get("/account/phone").Submit("main form", map[string]string{"phone": to, "password": password}).WantAt("/account/phone/code")
		page.Has("input[name=follow][checked]")
		form := map[string]string{"code": messages(t, r.Env)[0].Code}
		for name, value := range fields {
			form[name] = value
		}
		return page.Submit("form[action='/account/phone/code']", form).WantAt("/account").Text(".flash")
	}
	require.Contains(t, change(phoneTwo, nil), "领卡通知也会发到新手机号")
	require.Equal(t, phoneTwo, phone())
	require.NotContains(t, change("13700000002", map[string]string{"follow": "-"}), "领卡通知也会")
	require.Equal(t, phoneTwo, phone(), "it is the person who decides")
	r.process.away.Store(true)
	require.Contains(t, change("13700000003", nil), "还没有换成")
	r.process.away.Store(false)

	// By itself, from its own page; asked for twice, it leads to the code that was sent.
	r.Clock.Advance(2 * time.Minute)
	for range 2 {
		p.Get(at+"/phone").Want(200).Submit("main form", map[string]string{"phone": "13700000004"}).WantAt(at + "/phone/code")
	}
	p.Get(at+"/phone/code").Submit("form[action$='/phone/code']", map[string]string{"code": messages(t, r.Env)[0].Code}).WantText(".flash-ok", "137****0004")
	require.Equal(t, "13700000004", phone())
	require.Equal(t, 2, r.count("SELECT count(*) FROM audit_entry WHERE action = 'change-phone' AND from_state = 'ready'"))
}
