package admin

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/batch"
	"volcard/internal/fault"
	"volcard/internal/store/adminstore"
	"volcard/internal/store/batchstore"
	"volcard/workflows"
)

// Press opens batches; workflows.Production is one.
type Press interface {
	Start(ctx context.Context, id uuid.UUID) error
}

var _ Press = workflows.Production{}

// production holds the pages about the making of regular cards.
type production struct{ Deps }

type batchesPage struct {
	web.Frame
	Form    *web.Form
	Waiting int
	Oldest  *time.Time
	Next    uuid.UUID // of the batch that the button opens
	Pending bool      // the batch that was opened a moment ago is not written yet
	Rows    []batchstore.Batch
	Paging  web.Paging
}

// soon is when a page looks again whose batch is being written.
const soon = 5 // seconds

func (h production) batches(w http.ResponseWriter, r *http.Request) error {
	return h.renderBatches(w, r, web.NewForm(nil), http.StatusOK)
}

func (h production) renderBatches(w http.ResponseWriter, r *http.Request, form *web.Form, status int) error {
	ctx := r.Context()
	p := &batchesPage{Frame: web.Frame{Title: "制卡批次"}, Form: form, Paging: web.NewPaging(r, pageSize)}
	var err error
	if p.Next, err = uuid.NewV7(); err != nil {
		return err
	}
	if p.Waiting, p.Oldest, err = h.Batches.Queue(ctx); err != nil {
		return err
	}
	rows, err := h.Batches.Recent(ctx, p.Paging.Limit(), p.Paging.Offset())
	if err != nil {
		return err
	}
	p.Rows = web.Trim(&p.Paging, rows)
	for _, b := range p.Rows {
		if b.State == batch.Frozen {
			p.Refresh = soon
		}
	}
	if id, err := uuid.FromString(r.URL.Query().Get("new")); err == nil {
		if _, err = h.Batches.Get(ctx, id); fault.Is(err, fault.NotFound) {
			p.Pending, p.Refresh = true, soon
		} else if err != nil {
			return err
		}
	}
	return h.Kit.Render(w, r, status, "admin/batches", p)
}

// start opens a batch now. The form names it, so that a double click opens one.
func (h production) start(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	id, err := uuid.FromString(form.Get("batch"))
	if err != nil {
		form.Fail("", "页面已过期，请再按一次“立即排产”。")
		return h.renderBatches(w, r, form, form.Status())
	}
	ctx := r.Context()
	made, err := h.Batches.Get(ctx, id)
	switch {
	case err == nil:
		h.Kit.FlashOK(r, "已排产：批次 "+made.Number+"。")
		web.Redirect(w, r, "/admin/batches")
		return nil
	case !fault.Is(err, fault.NotFound):
		return err
	}
	waiting, _, err := h.Batches.Queue(ctx)
	if err != nil {
		return err
	}
	if waiting == 0 {
		form.Fail("", "现在没有等待制卡的申请，不需要排产。")
		return h.renderBatches(w, r, form, http.StatusConflict)
	}
	if err := h.Press.Start(ctx, id); err != nil {
		if !fault.Is(err, fault.Unavailable) {
			return err
		}
		form.Fail("", "办理系统暂时繁忙，可能还没有排产。请稍后刷新，看到新批次前可以再按一次。")
		w.Header().Set("Retry-After", "5")
		return h.renderBatches(w, r, form, http.StatusServiceUnavailable)
	}
	h.Kit.FlashOK(r, "已开始排产，"+strconv.Itoa(waiting)+" 份申请进入新批次。")
	web.Redirect(w, r, "/admin/batches?new="+id.String())
	return nil
}

type batchPage struct {
	web.Frame
	Batch   batchstore.Batch
	Parcels []batchstore.Parcel
}

func (h production) batch(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return err
	}
	p := &batchPage{}
	if p.Batch, err = h.Batches.Get(r.Context(), id); err != nil {
		return err
	}
	if p.Parcels, err = h.Batches.Parcels(r.Context(), id); err != nil {
		return err
	}
	p.Title = "批次 " + p.Batch.Number
	return h.Kit.Render(w, r, http.StatusOK, "admin/batch", p)
}

type overduePage struct {
	web.Frame
	Rows   []adminstore.Overdue
	Paging web.Paging
}

// overdue lists the cards that were not at their branch by the day that was promised.
func (h production) overdue(w http.ResponseWriter, r *http.Request) error {
	p := &overduePage{Frame: web.Frame{Title: "逾期未到的卡"}, Paging: web.NewPaging(r, pageSize)}
	rows, err := h.Reads.OverdueCases(r.Context(), window(p.Paging))
	if err != nil {
		return err
	}
	p.Rows = web.Trim(&p.Paging, rows)
	return h.Kit.Render(w, r, http.StatusOK, "admin/batch-overdue", p)
}

type undecidedPage struct {
	web.Frame
	Many   int
	Rows   []adminstore.Undecided
	Paging web.Paging
}

// undecided lists the photos that reviewers gave back again and again.
func (h production) undecided(w http.ResponseWriter, r *http.Request) error {
	p := &undecidedPage{Frame: web.Frame{Title: "多次退回队列的照片"}, Many: adminstore.ManyReleases, Paging: web.NewPaging(r, pageSize)}
	rows, err := h.Reads.Undecided(r.Context(), window(p.Paging))
	if err != nil {
		return err
	}
	p.Rows = web.Trim(&p.Paging, rows)
	return h.Kit.Render(w, r, http.StatusOK, "admin/review-undecided", p)
}
