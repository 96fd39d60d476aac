package applicant_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"volcard/internal/card"
)

func TestApplyWalk(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("阿卜杜热合曼·买买提", adultID)

	page := p.Get("/apply").WantAt("/apply/edition")
	page.Has("input[name=edition][value=regular][disabled]").WantText("main", "即将开放")
	page = page.Submit("form[action='/apply/edition']", nil).WantAt("/apply/identity")
	page.WantText("dl.rows", "阿卜杜热合曼·买买提").WantText("dl.rows", "4****************X")
	page = page.Submit("form[action='/apply/identity']", map[string]string{"identity": "student"}).WantAt("/apply/notice")
	page = page.Submit("form[action='/apply/notice']", map[string]string{"notice": card.NoticeVersion}).WantAt("/apply/phone")
	page = page.Submit("form[action='/apply/phone']", nil).WantAt("/apply/phone")
	page = page.Submit("form:has([name=code])", map[string]string{"code": messages(t, r.Env)[0].Code}).WantAt("/apply/unit")
	page = page.Submit("form", map[string]string{"keyword": "武大", "refresh": "university"}).Want(200)
	page = page.Submit("form", map[string]string{
		"university_code": "HB001", "province": "420000", "city": "420100", "district": "420106", "address": "八一路299号",
	}).WantAt("/apply/branch")
	page = page.Submit("form[method=post]", map[string]string{"branch_id": r.branch.String()}).WantAt("/apply/preview")
	page.WantText("dl.check-list", "武汉大学").WantText("dl.check-list", "湖北省武汉市武昌区八一路299号").Lacks(".blocked")
	page = page.Submit(submitForm, nil).Want(200)
	require.Equal(t, "/cards/"+p.caseID().String(), page.Path())
	page.WantText("h1", "可以领卡").Has("[data-card-qr]").Has("[data-pickup]")
}
