package applicant_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/card"
)

// The field of another phone is hidden while the account's is chosen: what is wrong with that one is
// said at the choice.
func TestApplyPhoneSaysWhyNoCodeWasSent(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.draft(func(d *card.Draft) {
		*d = card.Draft{Edition: card.General, Identity: card.Worker, NoticeVersion: card.NoticeVersion}
	})
	page := p.Get("/apply/phone").Lacks(".other-phone .optional").Submit(form("phone"), nil).WantAt("/apply/phone")
	page = page.Submit("form:not([data-once]):has([value=change]), form:has(button[value=change])", map[string]string{"action": "change"})
	page = page.WantAt("/apply/phone").Submit(form("phone"), nil).Want(429)
	page.WantText(".choices #f-phone-from-error", "操作太频繁").Lacks(".other-phone .error")
	require.Equal(t, 1, page.Find("input[value=account][checked]").Length())
}

// Enter in a field presses the first button of the form: it sends the step, and after a new keyword it searches.
func TestApplyUnitByEnter(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.draft(func(d *card.Draft) { d.Address = "" })
	page := p.Get("/apply/unit")
	require.Equal(t, "enter", page.Find(form("unit")+" button[type=submit]").First().AttrOr("name", ""))
	page = page.Submit(form("unit"), map[string]string{"enter": "1", "keyword": "武大"}).Want(200).WantText("#universities", "武汉大学").Lacks(".error-text")
	page.Submit(form("unit"), map[string]string{"enter": "1", "address": "八一路299号"}).WantAt("/apply/preview")
}

// The chosen branch is on every list from which another may be chosen, and sending a list keeps its filter.
func TestApplyBranchKeepsTheChoice(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.draft()
	far := r.rows.Branch("远网点")
	r.rows.Stock(far, 1)
	r.exec("UPDATE branch SET division_code = '420502', lng = 111.29, lat = 30.69 WHERE id = $1", far)
	row := func(id uuid.UUID) string { return "[data-branch='" + id.String() + "']" }

	page := p.Get("/apply/branch?city=420500&district=").Want(200).Has(row(far) + " input:not([checked])")
	require.Equal(t, r.branch.String(), page.Find(".branch input").First().AttrOr("value", ""), "the chosen one comes first")
	page.Has(row(r.branch)+" input[checked]").Submit(form("branch"), nil).WantAt("/apply/preview").WantText("dl", "甲网点")

	page = page.Submit(form("branch"), map[string]string{"branch_id": ""}).Want(422).WantError("branch_id", "请选择领卡网点")
	page.Has(row(far)).Has("#f-city option[value='420500'][selected]")
	p.HTMX().Get("/apply/branch?city=420100&branch_id=" + far.String()).Has(row(far) + " input[checked]") // chosen and not sent yet

	// Where nothing near can be chosen, the nearest that can be stands below.
	p.draft(func(d *card.Draft) { d.BranchID = uuid.Nil })
	r.exec("UPDATE stock_card SET state = 'spoiled' WHERE branch_id = $1", r.branch)
	for range 12 {
		r.rows.Branch("空网点" + newID().String()[:8])
	}
	near := p.HTMX().Post("/apply/branch/near", url.Values{"lng": {"114.33"}, "lat": {"30.54"}}).Want(200)
	near.Has(row(far) + " input:not([disabled])")
}

// The button says where it leads: to the step behind, or back to where one came from.
func TestApplyButtonSaysWhereItLeads(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.Get("/apply").WantAt("/apply/edition").WantText(form("edition")+" .primary", "下一步：核对资料")
	p.draft()
	page := p.Get("/apply/unit").WantText(form("unit")+" .primary", "保存并继续").Submit(form("unit"), nil).WantAt("/apply/preview")
	require.Equal(t, "/apply/preview", page.Path())
	p.Get("/apply/branch").WantText(form("branch")+" .primary", "下一步：预览提交")
}

// The address of a form's answer, opened again, leads to the page of the form.
func TestAnswersOpenedAgain(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.regular()
	for path, to := range map[string]string{"/apply/submit": "/apply/preview", "/apply/photo/upload": "/apply/photo", "/apply/branch/near": "/apply/branch"} {
		require.Equal(t, to, p.Still().Get(path).Want(303).Location())
	}
}

// Characters newer than the fonts are characters of names: the case is accepted, and a person decides.
func TestNewestCharactersAreHeld(t *testing.T) {
	t.Parallel()
	r := open(t)
	for id, name := range map[string]string{adultID: "王\U0002EBF0", idNumber("19990101"): "李\U000323B0·\U00033479"} {
		p := r.person(name, id)
		p.regular()
		p.Get("/apply/preview").Submit(submitForm, nil).Want(200).WantText("h1", "等待人工核对")
		r.process.running.Wait()
		require.Equal(t, card.Held, p.state())
		require.Equal(t, 1, r.count("SELECT count(*) FROM application WHERE id = $1 AND holder_name = $2", p.caseID(), name))
	}
}

// A name that was held is confirmed once it can be drawn: nothing is to be mended, and nothing says so.
func TestHeldNameOfARegularCardIsConfirmed(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.regular()
	preview := p.Get("/apply/preview")
	r.process.Missing = func(string) []rune { return []rune("𠮷") }
	page := preview.Submit(submitForm, nil).Want(200).WantText("h1", "等待人工核对").WantText(".timeline", "确认卡面，签发电子证")
	page.WantText(".timeline .next", "12月14日（周一，含当日）前")
	r.process.running.Wait()
	page.Click("a[href$='/design']").WantText("h1", "更换照片或卡面").WantText("main", "核对后您确认卡面那天起算")
	r.process.Missing = func(string) []rune { return nil }
	_, err := r.process.DecideHeld(context.Background(), p.caseID(), newID(), true, "")
	require.NoError(t, err)
	page = p.Get(page.Path()).WantText("h1", "请确认卡面").WantText(".actions", "去确认卡面")
	page = page.Click(".actions a[href$='/design']").WantText("h1", "确认卡面").WantText("#wrong", "为什么请您再确认")
	page.Submit(confirmForm, nil).Want(200).WantText("h1", "等待制卡").Has("[data-card-qr]")
}
