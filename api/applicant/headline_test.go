package applicant_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
)

// A page that says one of a pair does not say the other.
var contradictions = [][2]string{
	{"可以领卡", "不能为您发卡"},
	{"可以领卡", "不能发卡"},
	{"可以领卡", "暂停"},
	{"可以领卡", "注销"},
	{"取卡码", "不能为您发卡"},
	{"取卡码", "不能发卡"},
	{"电子证已经生效", "暂停"},
	{"电子证继续有效", "暂停"},
}

func wantOneTruth(t *testing.T, page *webtest.Page) {
	t.Helper()
	text := page.Text("main")
	for _, pair := range contradictions {
		require.False(t, strings.Contains(text, pair[0]) && strings.Contains(text, pair[1]), "%s: %q and %q: %s", page.Path(), pair[0], pair[1], text)
	}
}

// What became of the card and of the consents stands in the headline of the list and of the case.
func TestOneHeadlineForCardAndConsent(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.draft()
	p.submitted()
	path := "/cards/" + p.caseID().String()
	want := func(headline string, pickup bool) *webtest.Page {
		t.Helper()
		for _, address := range []string{"/cards", path} {
			page := p.Get(address).Want(200).WantText("h1, .tag", headline)
			wantOneTruth(t, page)
			if address == path {
				require.Equal(t, pickup, page.Find("[data-pickup]").Length() > 0)
			}
		}
		return p.Get(path)
	}
	want("可以领卡", true)
	r.exec("UPDATE card SET status = 'suspended'")
	want("证件已暂停使用", false).WantText(".lead-line", "网点不能发卡").WantText(".timeline .next", "恢复使用证件")
	r.exec("UPDATE card SET status = 'valid'")
	r.exec("UPDATE consent SET withdrawn_at = $1 WHERE purpose = 'bank'", r.Clock.Now())
	want("需要您授权后才能领卡", false).WantText(".timeline .next", "向领卡银行提供信息").Has(`a[href="/account/consents"]`)
	r.exec("UPDATE card SET status = 'cancelled'")
	want("证件已注销", false).Lacks(".timeline .ahead")
}

// A promise that is over is no promise any more.
func TestOneHeadlineForALateCard(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.waiting()
	path := "/cards/" + p.caseID().String()
	p.Get(path).WantText("[data-promise]", "预计")
	r.exec("UPDATE application SET overdue_at = $1, promise_due = $2", r.Clock.Now(), r.Clock.Now().Add(-time.Hour))
	for _, address := range []string{"/cards", path} {
		page := p.Get(address).WantText("h1, .tag", "晚于预计").Lacks("[data-promise]")
		require.NotContains(t, strings.ReplaceAll(page.Text("main"), "晚于预计", ""), "预计")
	}
	p.Get(path).WantText(".lead-line", "没有在承诺的日期送达").Lacks(".timeline .ahead time")
}
