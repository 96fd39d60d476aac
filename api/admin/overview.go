package admin

import (
	"encoding/json"
	"net/http"
	"time"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/store"
	"volcard/internal/store/adminstore"
	"volcard/internal/store/checkstore"
	"volcard/internal/store/messagestore"
)

// A message that was due this long ago hangs; what was given up is shown for a week.
const (
	hangs      = 10 * time.Minute
	failedFor  = 7 * 24 * time.Hour
	maxHanging = 20
	// maxFindings bounds what a page shows of a report; the row keeps more.
	maxFindings = 50
)

type overviewPage struct {
	web.Frame
	States  []adminstore.StateCount
	Held    int
	Overdue int // cards that have not come
	// Undecided are photos that reviewers gave back again and again.
	Undecided int
	// Unconfirmed: the database was restored or copied and issues nothing until an operator confirms it.
	Unconfirmed bool
	Backlog     messagestore.Backlog
	Hanging     []hanging
	Reports     []report
	Stock       adminstore.Stock
}

// Waiting are the states in which a case is open, Over those in which it has ended.
func (p *overviewPage) Waiting() []adminstore.StateCount { return p.pick(true) }

// Over are the states in which a case has ended.
func (p *overviewPage) Over() []adminstore.StateCount { return p.pick(false) }

func (p *overviewPage) pick(live bool) []adminstore.StateCount {
	var out []adminstore.StateCount
	for _, s := range p.States {
		if s.State.Live() == live {
			out = append(out, s)
		}
	}
	return out
}

// Calm tells whether nothing needs an administrator.
func (p *overviewPage) Calm() bool {
	for _, r := range p.Reports {
		if r.Count > 0 {
			return false
		}
	}
	return !p.Unconfirmed && p.Held == 0 && p.Overdue == 0 && p.Undecided == 0 && len(p.Hanging) == 0
}

type hanging struct{ adminstore.Hanging }

// Text names the state.
func (m hanging) Text() string {
	switch m.State {
	case "pending":
		return "等待发送"
	case "sending":
		return "发送中"
	case "unknown":
		return "结果不明"
	case "failed":
		return "已放弃"
	}
	return m.State
}

// report is the newest report of a check.
type report struct {
	checkstore.Report
	Lines []string
	More  int
}

// Text names the check.
func (r report) Text() string {
	switch r.Name {
	case "compare-cases":
		return "申请与流程核对"
	case "audit":
		return "账目审计"
	}
	return r.Name
}

func (h room) reports(r *http.Request) ([]report, error) {
	newest, err := h.Reports.Newest(r.Context())
	if err != nil {
		return nil, err
	}
	var out []report
	for _, n := range newest {
		one := report{Report: n}
		// A report of another form is shown as it stands.
		if json.Unmarshal(n.Findings, &one.Lines) != nil {
			one.Lines = []string{string(n.Findings)}
		}
		if len(one.Lines) > maxFindings {
			one.More, one.Lines = len(one.Lines)-maxFindings, one.Lines[:maxFindings]
		}
		out = append(out, one)
	}
	return out, nil
}

func (h room) overview(w http.ResponseWriter, r *http.Request) error {
	ctx, now := r.Context(), h.Kit.Now()
	p := &overviewPage{Frame: web.Frame{Title: "管理"}}
	var err error
	if p.States, err = h.Reads.States(ctx); err != nil {
		return err
	}
	for _, s := range p.States {
		if s.State == card.Held {
			p.Held = s.Count
		}
	}
	confirmed, err := store.Confirmed(ctx, h.DB)
	if err != nil {
		return err
	}
	p.Unconfirmed = !confirmed
	if p.Overdue, err = h.Reads.CountOverdue(ctx); err != nil {
		return err
	}
	if p.Undecided, err = h.Reads.CountUndecided(ctx); err != nil {
		return err
	}
	if p.Backlog, err = h.Messages.Backlog(ctx, hangs); err != nil {
		return err
	}
	stuck, err := h.Reads.HangingMessages(ctx, now.Add(-hangs), now.Add(-failedFor), maxHanging)
	if err != nil {
		return err
	}
	for _, m := range stuck {
		p.Hanging = append(p.Hanging, hanging{m})
	}
	if p.Stock, err = h.Reads.Stock(ctx); err != nil {
		return err
	}
	if p.Reports, err = h.reports(r); err != nil {
		return err
	}
	return h.Kit.Render(w, r, http.StatusOK, "admin/overview", p)
}

type checksPage struct {
	web.Frame
	Reports []report
}

func (h room) checks(w http.ResponseWriter, r *http.Request) error {
	reports, err := h.reports(r)
	if err != nil {
		return err
	}
	return h.Kit.Render(w, r, http.StatusOK, "admin/checks", &checksPage{Frame: web.Frame{Title: "巡检报告"}, Reports: reports})
}

type keysPage struct {
	web.Frame
	Keys []adminstore.Key
}

func (h room) keys(w http.ResponseWriter, r *http.Request) error {
	keys, err := h.Reads.Keys(r.Context())
	if err != nil {
		return err
	}
	return h.Kit.Render(w, r, http.StatusOK, "admin/keys", &keysPage{Frame: web.Frame{Title: "签发密钥"}, Keys: keys})
}

type stockPage struct {
	web.Frame
	Search *web.Form
	Total  adminstore.Stock
	Rows   []adminstore.Branch
	Paging web.Paging
}

// stock is what lies where.
func (h room) stock(w http.ResponseWriter, r *http.Request) error {
	p := &stockPage{
		Frame: web.Frame{Title: "库存"}, Search: web.NewForm(r.URL.Query()), Paging: web.NewPaging(r, pageSize),
	}
	var err error
	if p.Total, err = h.Reads.Stock(r.Context()); err != nil {
		return err
	}
	rows, err := h.Reads.Branches(r.Context(), p.Search.Get("q"), window(p.Paging))
	if err != nil {
		return err
	}
	p.Rows = web.Trim(&p.Paging, rows)
	return h.Kit.Render(w, r, http.StatusOK, "admin/stock", p)
}

func window(p web.Paging) adminstore.Window {
	return adminstore.Window{Limit: p.Limit(), Offset: p.Offset()}
}
