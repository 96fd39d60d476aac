package admin_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/fault"
	"volcard/internal/photo/demo"
	"volcard/internal/store/adminstore"
	"volcard/internal/store/photostore"
	"volcard/internal/store/storetest"
	"volcard/internal/store/storetest/stage"
)

// regular is a case that waits for a batch.
func (h *house) regular(name string, n int, branch uuid.UUID) stage.Applicant {
	h.T.Helper()
	return h.process.works.Apply(name, storetest.IDNumber(n), branch, demo.Portrait(n))
}

func TestBatchIsOpenedByHand(t *testing.T) {
	t.Parallel()
	h := setup(t)
	me := h.me()
	page := me.Get("/admin/batches").Want(http.StatusOK).WantText("#queue", "0 份申请").Has("#none")
	page.Submit("#start", nil).Want(http.StatusConflict).WantError("", "没有等待制卡的申请")
	require.Zero(t, h.process.calls)

	other := h.rows.Branch("江汉支行")
	h.regular("王𠮷", 1, h.branch)
	h.Clock.Advance(time.Minute)
	h.regular("李娜", 2, other)
	page = me.Get("/admin/batches").WantText("#queue", "2 份申请").WantText("#queue", "10:00")
	page.Submit("#start", map[string]string{"batch": "x"}).Want(http.StatusUnprocessableEntity).WantError("", "已过期")
	h.process.instead = &fault.Error{Kind: fault.Unavailable, Msg: "办理系统暂时繁忙，请稍后再试。"}
	page.Submit("#start", nil).Want(http.StatusServiceUnavailable).WantError("", "暂时繁忙")
	h.process.instead = nil
	opened := page.Find(`input[name="batch"]`).AttrOr("value", "")
	me.Get("/admin/batches?new="+opened).WantText("#pending", "自动出现").Has("main[hx-trigger]") // the process is on its way
	done := page.Submit("#start", nil).WantAt("/admin/batches?new="+opened).WantText(".flash", "2 份申请进入新批次").Lacks("#pending")
	done.WantText("#batches", "正在生成制卡文件").WantText("#queue", "0 份申请").Has("main[hx-trigger]")
	page.Submit("#start", nil).WantAt("/admin/batches").WantText(".flash", "PC2026112301") // a double click
	require.Equal(t, 1, h.count("SELECT count(*) FROM batch"))

	id := uuid.FromStringOrNil(page.Find(`input[name="batch"]`).AttrOr("value", ""))
	works := h.process.works
	works.Render(id, 1)
	works.Ship(id, h.rows.Staff("钱师傅", "factory"))
	page = me.Get("/admin/batches").Lacks("main[hx-trigger]").WantText("#batches .warn", "1").WantText("#batches", "运送中")
	page.Click("#batches a").WantAt("/admin/batches/"+id.String()).WantText("#parcels", "未到达").WantText(".figures", "未到达1")
	me.Get("/admin/batches/" + uuid.Must(uuid.NewV7()).String()).Want(http.StatusNotFound)
	me.Get("/admin/batches/x").Want(http.StatusNotFound)

	for who, c := range map[string]*webtest.Client{
		"factory": h.Factory(uuid.Must(uuid.NewV7())), "reviewer": h.Reviewer(uuid.Must(uuid.NewV7())),
		"clerk": h.Clerk(uuid.Must(uuid.NewV7()), h.branch), "person": h.Person(uuid.Must(uuid.NewV7()), "王𠮷"),
	} {
		for _, path := range []string{"/admin/batches", "/admin/batches/" + id.String(), "/admin/overdue"} {
			require.Equal(t, http.StatusForbidden, c.Get(path).Response.StatusCode, who)
		}
		require.Equal(t, http.StatusForbidden, c.Post("/admin/batches", url.Values{"batch": {uuid.Must(uuid.NewV7()).String()}}).Response.StatusCode, who)
	}
}

func TestOverdueStaysVisible(t *testing.T) {
	t.Parallel()
	h := setup(t)
	me := h.me()
	me.Get("/admin/overdue").Want(http.StatusOK).Has(".calm")
	me.Get("/admin").Lacks("#todo-overdue")
	works := h.process.works
	late := h.regular("王𠮷", 1, h.branch)
	id := works.Freeze()
	works.Render(id)
	h.Clock.Advance(21 * 24 * time.Hour)
	waits := h.regular("李娜", 2, h.branch) // in time
	h.Clock.Advance(24 * time.Hour)
	for _, c := range []stage.Applicant{late, waits} {
		_, err := works.Regular.TellOverdue(t.Context(), c.ID)
		require.NoError(t, err)
	}
	me = h.me()
	me.Get("/admin").WantText("#todo-overdue", "1 张卡超过承诺日期").Lacks("#calm").Click("#todo-overdue").WantAt("/admin/overdue")
	page := me.Get("/admin/overdue").WantText("#overdue", late.Number).WantText("#overdue", "2026年12月14日").WantText("#overdue", "PC2026112301")
	require.NotContains(t, page.Text("#overdue"), waits.Number)
	require.NotContains(t, string(page.Body), "王𠮷", "a number is enough here")
	page.Click("#overdue a").WantAt("/admin/batches/" + id.String())

	// It arrives: nothing is to be done any more, but it is not forgotten.
	works.Ship(id, h.rows.Staff("钱师傅", "factory"))
	works.Receive(id, h.branch, h.rows.Clerk("周敏", h.branch))
	me.Get("/admin").Lacks("#todo-overdue")
	me.Get("/admin/overdue").WantText("#overdue", "可以领卡").Lacks("#overdue .tag-warn")
}

func TestProductionPagesAreAccessible(t *testing.T) {
	h := setup(t)
	me, b := h.me(), webtest.NewBrowser(t)
	works := h.process.works
	h.regular("王𠮷", 1, h.branch)
	h.regular("李娜", 2, h.rows.Branch("江汉支行"))
	id := works.Freeze()
	works.Render(id, 1)
	h.regular("孙浩然", 3, h.branch)
	_, err := h.DB.Exec(t.Context(), "UPDATE application SET overdue_at = now()")
	require.NoError(t, err)
	for name, path := range map[string]string{"batches": "/admin/batches", "batch": "/admin/batches/" + id.String(), "overdue": "/admin/overdue"} {
		b.Shots(me, path, "admin-"+name)
		webtest.Axe(t, b, me, path)
	}
	b.Shots(me, "/admin", "admin-overview")
}

// A photo that reviewers gave back three times is shown to the administrator, with their last note and no name.
func TestPhotosGivenBackAgainAndAgain(t *testing.T) {
	t.Parallel()
	h := setup(t)
	w := h.process.works
	a := w.Apply("王𠮷", storetest.IDNumber(1), h.branch, demo.Portrait(1), "dark")
	me := h.me()
	me.Get("/admin/reviews").Want(http.StatusOK).Has(".calm")
	me.Get("/admin").Lacks("#todo-reviews")
	reviewer := w.Rows.Staff("赵审核", "reviewer")
	reviews := photostore.Reviews{Photos: w.Photos}
	for range adminstore.ManyReleases {
		_, err := reviews.Take(t.Context(), reviewer)
		require.NoError(t, err)
		require.NoError(t, reviews.Release(t.Context(), reviewer, a.ID, "像是翻拍"))
		h.Clock.Advance(time.Minute)
	}
	page := me.Get("/admin").WantText("#todo-reviews", "1 张照片").Lacks("#calm").Click("#todo-reviews").WantAt("/admin/reviews")
	page.WantText("#undecided", a.Number).WantText("#undecided", "像是翻拍").WantText("#undecided", "赵审核")
	require.NotContains(t, page.Text("main"), "王")
}
