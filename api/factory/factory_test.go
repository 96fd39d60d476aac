package factory_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/factory"
	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/photo/demo"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/storetest/stage"
	"volcard/workflows"
)

// direct carries reports out without Temporal. A test says what goes wrong on the way.
type direct struct {
	batches batchstore.Batches
	instead error // answered, and nothing is done
	after   error // answered although it is done
}

func (d *direct) ReportPrinted(ctx context.Context, in workflows.ReportInput) error {
	return d.report(ctx, in, d.batches.ReportPrinted)
}

func (d *direct) ReportShipped(ctx context.Context, in workflows.ReportInput) error {
	return d.report(ctx, in, d.batches.ReportShipped)
}

func (d *direct) report(ctx context.Context, in workflows.ReportInput, do func(context.Context, uuid.UUID, uuid.UUID) (batchstore.Snapshot, error)) error {
	if d.instead != nil {
		return d.instead
	}
	if _, err := do(ctx, in.BatchID, in.StaffID); err != nil {
		return err
	}
	return d.after
}

// house is a server with the factory's room, and the works behind it.
type house struct {
	*webtest.Env
	works         stage.Works
	process       *direct
	me            uuid.UUID
	branch, other uuid.UUID
}

func setup(t *testing.T) *house {
	t.Helper()
	env := webtest.New(t)
	w := stage.On(t, env.DB, env.Vault, env.Clock, func(in cardstore.Intent) (string, string, error) { return "TOKEN" + in.Number, "TEST", nil })
	w.Rows.SigningKey("TEST")
	h := &house{Env: env, works: w, process: &direct{batches: w.Batches}, me: w.Rows.Staff("钱师傅", "factory")}
	h.branch, h.other = w.Rows.Branch("光谷支行"), w.Rows.Branch("江汉支行")
	factory.Routes(env.Router, factory.Deps{
		Kit: env.Kit, Process: h.process, Reads: batchstore.Reads{Store: w.Batches.Store}, Files: batchstore.Downloads{Store: w.Batches.Store},
	})
	env.Start()
	return h
}

// three applies for three cards at two branches.
func (h *house) three() []stage.Applicant {
	h.T.Helper()
	return []stage.Applicant{
		h.works.Apply("王𠮷", "42019920040229004X", h.branch, demo.Portrait(0)),
		h.works.Apply("张䶮", "420199200402290023", h.branch, demo.Portrait(1)),
		h.works.Apply("孙浩然", "420199200505040019", h.other, demo.Portrait(2)),
	}
}

func (h *house) client() *webtest.Client { return h.Factory(h.me) }

func (h *house) count(sql string, args ...any) (n int) {
	h.T.Helper()
	require.NoError(h.T, h.DB.QueryRow(context.Background(), sql, args...).Scan(&n))
	return n
}

func path(id uuid.UUID) string { return "/factory/batches/" + id.String() }

func TestBatchGoesThroughTheFactory(t *testing.T) {
	t.Parallel()
	h := setup(t)
	cases := h.three()
	me := h.client()
	me.Get("/factory").Want(http.StatusOK).WantText(".calm", "还没有批次")

	id := h.works.Freeze()
	page := me.Get("/factory").WantText("#batches", "正在生成制卡文件").Click("#batches a").WantAt(path(id))
	page.WantText("#no-files", "正在生成").Lacks("#next").Has("main[hx-trigger]")

	h.works.Render(id, 1)
	page = me.Get(path(id)).WantText(".tag", "等待印制").WantText("#cards", "2").WantText("#rejected", "1").Lacks("main[hx-trigger]")
	require.Equal(t, 2, page.Find("#files li").Length())
	page.WantText("#files li:last-child", "2 张卡").WantText("#parcels", "光谷支行")
	require.Equal(t, card.Mending, h.works.State(cases[0]))

	page = page.Click("#next a").WantAt(path(id)+"/printed").WantText("h1", "确认已印制")
	page.Submit("#report", nil).WantAt(path(id)).WantText(".flash", "印制完成").WantText(".tag", "已印制")
	page.Submit("#report", nil).WantAt(path(id)).WantText(".flash", "印制完成") // a double click
	require.Equal(t, 1, h.count("SELECT count(*) FROM audit_entry WHERE subject_id = $1 AND action = 'batch-print'", id))
	me.Get(path(id) + "/printed").WantAt(path(id)) // said already

	me.Get(path(id)).Click("#next a").WantAt(path(id)+"/shipped").Submit("#report", nil).WantAt(path(id)).WantText(".flash", "全部寄出")
	me.Get(path(id)).WantText(".tag", "运送中").Lacks("#next")
	require.Equal(t, 1, h.count("SELECT count(*) FROM audit_entry WHERE subject_id = $1 AND action = 'batch-ship' AND actor_id = $2", id, h.me.String()))
}

func TestReportsThatCannotBe(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.three()
	id := h.works.Freeze()
	me := h.client()
	me.Post(path(id)+"/printed", nil).Want(http.StatusConflict).WantError("", "正在生成制卡文件")
	h.works.Render(id)
	me.Post(path(id)+"/shipped", nil).Want(http.StatusConflict).WantError("", "等待印制")

	h.process.instead = &fault.Error{Kind: fault.Unavailable, Msg: "办理系统暂时繁忙，请稍后再试。"}
	page := me.Post(path(id)+"/printed", nil).Want(http.StatusServiceUnavailable).WantError("", "再按一次")
	require.NotEmpty(t, page.Response.Header.Get("Retry-After"))
	h.process.instead, h.process.after = nil, &fault.Error{Kind: fault.Unavailable, Msg: "办理系统暂时繁忙，请稍后再试。"}
	me.Post(path(id)+"/printed", nil).WantAt(path(id)).WantText(".flash", "印制完成") // only the answer was lost
	h.process.after, h.process.instead = nil, &fault.Error{Kind: fault.Conflict, Msg: "这项办理已经结束。", Err: workflows.ErrEnded}
	me.Post(path(id)+"/printed", nil).WantAt(path(id))
	me.Post(path(id)+"/shipped", nil).Want(http.StatusServiceUnavailable)
}

func TestFilesAreForTheFactoryAlone(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.three()
	id := h.works.Freeze()
	me := h.client()
	me.Get(path(id) + "/print/1.pdf").Want(http.StatusNotFound)
	h.works.Render(id)
	pdf := me.Get(path(id) + "/print/1.pdf").Want(http.StatusOK)
	require.Equal(t, "%PDF-"+id.String(), string(pdf.Body))
	header := pdf.Response.Header
	require.Equal(t, "application/pdf", header.Get("Content-Type"))
	require.Equal(t, "no-store", header.Get("Cache-Control"))
	require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
	require.Contains(t, header.Get("Content-Security-Policy"), "sandbox")
	require.Regexp(t, `^attachment; filename="PC2026112301-01\.pdf"$`, header.Get("Content-Disposition"))
	csv := me.Get(path(id) + "/manifest.csv").Want(http.StatusOK)
	require.Contains(t, string(csv.Body), "证号")
	require.Equal(t, 2, h.count("SELECT count(*) FROM audit_entry WHERE subject_id = $1 AND action = 'batch-download' AND actor_id = $2", id, h.me.String()))

	for _, missing := range []string{"/print/2.pdf", "/print/0.pdf", "/print/-1.pdf", "/print/x.pdf", "/print/99999999999999999999.pdf"} {
		me.Get(path(id) + missing).Want(http.StatusNotFound)
	}
	for _, stranger := range []string{uuid.Must(uuid.NewV7()).String(), "x"} {
		for _, p := range []string{"", "/manifest.csv", "/print/1.pdf", "/printed", "/shipped"} {
			me.Get("/factory/batches/" + stranger + p).Want(http.StatusNotFound)
		}
		me.Post("/factory/batches/"+stranger+"/printed", nil).Want(http.StatusNotFound)
		me.Post("/factory/batches/"+stranger+"/shipped", nil).Want(http.StatusNotFound)
	}

	// Done: the files are gone.
	h.works.Ship(id, h.me)
	for _, branch := range []uuid.UUID{h.branch, h.other} {
		h.works.Receive(id, branch, h.works.Rows.Clerk("周敏", branch))
	}
	require.NoError(t, h.works.Batches.DropFiles(t.Context(), id))
	me.Get(path(id)).WantText(".tag", "已完成").WantText("#no-files", "已经删除")
	me.Get(path(id)+"/print/1.pdf").Want(http.StatusNotFound).WantText(".sentence", "会被删除")
	require.Equal(t, 2, h.count("SELECT count(*) FROM audit_entry WHERE subject_id = $1 AND action = 'batch-download'", id))
}

func TestNobodyElseEnters(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.three()
	id := h.works.Freeze()
	h.works.Render(id)
	for who, c := range map[string]*webtest.Client{
		"clerk": h.Clerk(h.works.Rows.Clerk("周敏", h.branch), h.branch), "admin": h.Admin(uuid.Must(uuid.NewV7())),
		"reviewer": h.Reviewer(uuid.Must(uuid.NewV7())), "person": h.Person(uuid.Must(uuid.NewV7()), "王𠮷"),
	} {
		for _, p := range []string{"/factory", path(id), path(id) + "/manifest.csv", path(id) + "/print/1.pdf", path(id) + "/printed"} {
			require.Equal(t, http.StatusForbidden, c.Get(p).Response.StatusCode, who+" "+p)
		}
		for _, p := range []string{path(id) + "/printed", path(id) + "/shipped"} {
			require.Equal(t, http.StatusForbidden, c.Post(p, nil).Response.StatusCode, who+" "+p)
		}
	}
	require.Contains(t, h.Client().Still().Get(path(id)).Location(), "/staff/login")
	require.Zero(t, h.count("SELECT count(*) FROM audit_entry WHERE action IN ('batch-print', 'batch-download')"))
}

func TestPagesAreAccessible(t *testing.T) {
	h := setup(t)
	me := h.client()
	b := webtest.NewBrowser(t)
	b.Shots(me, "/factory", "factory-empty")
	h.three()
	id := h.works.Freeze()
	h.works.Render(id, 1)
	h.Clock.Advance(time.Minute)
	for name, p := range map[string]string{"list": "/factory", "batch": path(id), "printed": path(id) + "/printed"} {
		b.Shots(me, p, "factory-"+name)
		webtest.Axe(t, b, me, p)
	}
}
