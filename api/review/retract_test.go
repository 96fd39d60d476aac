package review_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/photo/demo"
	"volcard/internal/store/storetest/stage"
	"volcard/workflows"
)

func photoOf(c stage.Applicant) url.Values { return url.Values{"photo": {c.Photo.String()}} }

// An approval can be taken back from every page of the room while it has not taken effect, without a script too.
// The button is not offered where it could only fail.
func TestApprovalIsTakenBack(t *testing.T) {
	t.Parallel()
	h := setup(t)
	wang, li := h.doubtful("王𠮷", "dark"), h.doubtful("李娜", "dark")
	me := h.client()
	page := me.Post("/review/next", nil).WantAt(path(wang)).Lacks("#retract").Submit("#approve", nil).WantAt(path(li))
	page.WantText("#retract", "已通过 王*").WantText("#retract", "还有 10 秒").WantText("#retract kbd", "Z")
	require.NotContains(t, page.Text("#retract"), "𠮷", "the name stands on the page of another person")
	h.Clock.Advance(4 * time.Second)
	me.Get("/review").WantText("#retract", "还有 6 秒").WantText("#waiting", "1")
	back := me.Get(path(wang)).Want(http.StatusNotFound).Submit("#retract", nil)
	back.WantAt(path(wang)).WantText(".flash", "已撤回，请重新决定").Lacks("#retract")
	require.Equal(t, card.Reviewing, h.settled(wang))
	me.Post(path(wang)+"/retract", photoOf(wang)).WantAt(path(wang)) // a double click

	// Of two approvals the newest is offered, then the one before it.
	h.process.after = &fault.Error{Kind: fault.Unavailable, Msg: "办理系统暂时繁忙，请稍后再试。"} // every answer is lost
	me.Post(path(wang)+"/approve", photoOf(wang)).WantAt(path(li))
	h.Clock.Advance(time.Second)
	page = me.Post(path(li)+"/approve", photoOf(li)).WantAt("/review").WantText("#retract", "已通过 李*")
	page.Submit("#retract", nil).WantAt(path(li)).WantText("#retract", "已通过 王*").WantText("#retract", "还有 9 秒")
	h.Clock.Advance(8500 * time.Millisecond)
	me.Get(path(li)).Lacks("#retract") // half a second is no offer
	require.Equal(t, card.Waiting, h.settled(wang))
	require.Equal(t, card.Reviewing, h.works.State(li))
}

func TestRetractionThatCannotBe(t *testing.T) {
	t.Parallel()
	h := setup(t)
	wang := h.doubtful("王𠮷", "dark")
	me, other := h.client(), h.Reviewer(h.other)
	retract := func(c *webtest.Client) *webtest.Page { return c.Post(path(wang)+"/retract", photoOf(wang)) }
	me.Post("/review/next", nil).WantAt(path(wang)).Submit("#approve", nil).WantAt("/review")

	retract(other).Want(http.StatusConflict).WantText(".sentence", "已不由您审核") // a second reviewer's Z
	other.Get("/review").Lacks("#retract")
	me.Post(path(wang)+"/retract", nil).Want(http.StatusUnprocessableEntity).WantText(".sentence", "没有撤回")
	me.Post("/review/cases/x/retract", photoOf(wang)).Want(http.StatusConflict)
	h.process.instead = &fault.Error{Kind: fault.Unavailable, Msg: "办理系统暂时繁忙，请稍后再试。"}
	busy := retract(me).Want(http.StatusServiceUnavailable).WantText(".sentence", "请再按一次").Has("#retract")
	require.NotEmpty(t, busy.Response.Header.Get("Retry-After"))
	h.process.instead = &fault.Error{Kind: fault.Conflict, Msg: "这项办理已经结束。", Err: workflows.ErrEnded}
	retract(me).Want(http.StatusConflict).WantText(".sentence", "已不由您审核")
	h.process.instead = nil
	require.Equal(t, "1", h.text("SELECT count(*)::text FROM application WHERE decided_until IS NOT NULL"))

	// Another photo ends the approval; the old one is nothing to take back.
	newer := h.works.Rows.Photo(wang.Person, "doubtful", demo.Portrait(5))
	_, err := h.works.Regular.ChangeDesign(t.Context(), h.works.Design(wang, newer, stage.Face))
	require.NoError(t, err)
	me.Get("/review").Lacks("#retract").WantText("#waiting", "1")
	retract(me).Want(http.StatusConflict).WantText(".sentence", "已不由您审核")

	// Too late: it is in effect, and said so.
	wang.Photo = newer
	other.Post("/review/next", nil).WantAt(path(wang)).Submit("#approve", nil)
	h.Clock.Advance(card.RetractWindow)
	other.Get("/review").Lacks("#retract")
	retract(other).Want(http.StatusConflict).WantText(".sentence", "已经生效").Has("#next")
	require.Equal(t, card.Waiting, h.settled(wang))
}
