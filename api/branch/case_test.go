package branch_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/internal/photo/demo"
)

// A clerk who types the number of a case whose card is not here reads why, and what its holder has to wait for.
func TestCaseWithoutACardSaysWhy(t *testing.T) {
	t.Parallel()
	c := setup(t)
	me := c.me()
	_, _, cases := c.underWay()
	find := func(number string) string {
		page := me.Get("/branch").Submit("#find-code", map[string]string{"code": number}).Want(http.StatusOK)
		page.Lacks("#hand-over").Lacks("img.portrait").Has("[data-first]")
		return page.Text("#notice-case")
	}
	require.Contains(t, find(cases[0].Number), "卡片还没有到网点，到达后申请人会收到短信")
	waits := c.works.Apply("钱多", "420199200612310117", c.branch, demo.Portrait(1))
	require.Contains(t, find(waits.Number), "卡片还没有制作")
	general := c.waiting("赵一", "420199199901040023")
	for state, says := range map[card.State]string{
		card.Withdrawn: "已由申请人撤回，没有可发的卡片", card.Refused: "没有通过", card.Closed: "已经结束", card.Held: "还在核对",
	} {
		_, err := c.DB.Exec(t.Context(), "UPDATE application SET state = $2, closed_at = CASE WHEN $3 THEN NULL ELSE submitted_at END WHERE id = $1",
			general.ID, state, state.Live())
		require.NoError(t, err)
		require.Contains(t, find(general.Number), says, state)
	}
}

// Somebody who asks again after the card went over, or after its time, is told so by name as well.
func TestNameFindsWhatWentOverLately(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang := c.waiting("王𠮷", idWang)
	c.me().Post(casePath(wang), url.Values{"tail": {"004X"}, "serial": {c.serials[0]}}).Want(http.StatusOK)
	name := url.Values{"by": {"name"}, "name": {"王𠮷"}, "tail": {"004X"}}
	c.me().Post("/branch", name).WantAt(casePath(wang)).WantText("#notice-case", "2026年11月23日10:00由周敏在本网点发放")
	c.Clock.Advance(31 * 24 * time.Hour)
	c.me().Post("/branch", name).Want(http.StatusUnprocessableEntity).WantError("name", "请按申请编号查找")

	li := c.waiting("李娜", idLi)
	c.Clock.Advance(45 * 24 * time.Hour)
	_, err := c.process.process.Lapse(t.Context(), li.ID)
	require.NoError(t, err)
	c.me().Post("/branch", url.Values{"by": {"name"}, "name": {"李娜"}, "tail": {"0023"}}).
		WantAt(casePath(li)).WantText("#notice-case", "重新选择领卡网点")
}

// A page that shows an earlier hand-over, or an earlier wait, decides nothing about a later one.
func TestStalePagesDecideNothing(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang := c.waiting("王𠮷", idWang)
	me := c.me()
	form := map[string]string{"tail": "004X", "serial": c.serials[0]}
	wait := me.Get(casePath(wang))
	first := wait.Submit("#hand-over", form).WantText("#outcome", "已发卡").Click("#undo-last")
	c.Clock.Advance(time.Minute)
	first.Submit("#undo", map[string]string{"reason": "发给了别人"}).WantText("#outcome", "已撤销")
	wait.Submit("#hand-over", form).Want(http.StatusConflict).WantText("main", "刚刚发生了变化")
	require.Equal(t, card.Ready, c.state(wang.ID))

	me.Get(casePath(wang)).Submit("#hand-over", form).WantText("#outcome", "已发卡")
	first.Submit("#undo", map[string]string{"reason": "发给了别人"}).Want(http.StatusConflict).WantError("", "刚刚发生了变化")
	require.Equal(t, card.Collected, c.state(wang.ID), "the second hand-over stands")
	me.Get(casePath(wang)+"/undo").Submit("#undo", map[string]string{"reason": "发给了别人"}).WantText("#outcome", "已撤销")
}

// The clerk reads at once that a card is suspended or cancelled, and is not led to its last scan.
func TestASuspendedCardIsNotHandedOver(t *testing.T) {
	t.Parallel()
	c := setup(t)
	id := c.waiting("王𠮷", "42019920040229004X").ID
	path := "/branch/cases/" + id.String()
	c.me().Get(path).Has("#hand-over").WantText(".state", "可以领卡")
	for status, text := range map[string]string{"suspended": "证件已暂停使用", "cancelled": "证件已注销", "replaced": "证件已换发"} {
		_, err := c.DB.Exec(t.Context(), "UPDATE card SET status = $2 WHERE application_id = $1", id, status)
		require.NoError(t, err)
		page := c.me().Get(path).Lacks("#hand-over").WantText(".state", text).WantText("#notice-case", "不能")
		require.NotContains(t, page.Text("main"), "可以领卡")
		c.me().Post(path, nil).Want(409).WantText(".state", text)
	}
}
