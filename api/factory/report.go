package factory

import (
	"context"
	"errors"
	"net/http"

	"volcard/api/web"
	"volcard/internal/batch"
	"volcard/internal/fault"
	"volcard/internal/store/batchstore"
	"volcard/workflows"
)

// word is what the factory can say about a batch, with a page of its own against a slip of the hand.
type word struct {
	path     string
	from, to batch.State
	Text     string // of the button
	Hint     string // beside it
	Heading  string
	Lead     string // what it means
	Done     string // afterwards
	say      func(Process) func(context.Context, workflows.ReportInput) error
}

// Path is the word's page below the batch's.
func (w word) Path() string { return w.path }

var words = []word{
	{
		path: "printed", from: batch.Rendered, to: batch.Printed, Text: "登记已印制", Heading: "确认已印制",
		Hint: "这一批全部印好、检查过之后，在这里登记。",
		Lead: "这一批的卡片已经全部印好、检查过。登记后申请人会看到“已印制”，不能撤回。", Done: "已登记：印制完成。",
		say: func(p Process) func(context.Context, workflows.ReportInput) error { return p.ReportPrinted },
	},
	{
		path: "shipped", from: batch.Printed, to: batch.Shipped, Text: "登记已寄出", Heading: "确认已寄出",
		Hint: "发往各网点的包裹都交寄之后，在这里登记。",
		Lead: "发往每个网点的包裹都已经交寄。登记后网点才能确认到达，不能撤回。", Done: "已登记：全部寄出。",
		say: func(p Process) func(context.Context, workflows.ReportInput) error { return p.ReportShipped },
	},
}

// nextWord is what can be said in a state.
func nextWord(s batch.State) *word {
	for i := range words {
		if words[i].from == s {
			return &words[i]
		}
	}
	return nil
}

// saying are the two pages of a word.
type saying struct {
	room
	word word
}

type reportPage struct {
	web.Frame
	Batch   batchstore.Batch
	Parcels []batchstore.Parcel
	Word    word
	Form    *web.Form
}

func (s saying) ask(w http.ResponseWriter, r *http.Request) error {
	b, err := s.batchOf(r)
	if err != nil {
		return err
	}
	if b.State != s.word.from {
		web.Redirect(w, r, "/factory/batches/"+b.ID.String())
		return nil
	}
	return s.render(w, r, b, web.NewForm(nil), http.StatusOK)
}

func (s saying) render(w http.ResponseWriter, r *http.Request, b batchstore.Batch, form *web.Form, status int) error {
	parcels, err := s.Reads.Parcels(r.Context(), b.ID)
	if err != nil {
		return err
	}
	return s.Kit.Render(w, r, status, "factory/report", &reportPage{
		Frame: web.Frame{Title: s.word.Heading}, Batch: b, Parcels: parcels, Word: s.word, Form: form,
	})
}

// said tells whether the word was said of a batch before.
func (s saying) said(b batchstore.Batch) bool {
	return b.State == s.word.to || b.State.After(s.word.to)
}

// say reports. The same report again, by a double click or after a lost answer, is told as done.
func (s saying) say(w http.ResponseWriter, r *http.Request) error {
	b, err := s.batchOf(r)
	if err != nil {
		return err
	}
	var cause error
	if !s.said(b) {
		cause = s.word.say(s.Process)(r.Context(), workflows.ReportInput{BatchID: b.ID, StaffID: web.User(r).ID})
	}
	if cause != nil {
		kind := fault.KindOf(cause)
		if !errors.Is(cause, workflows.ErrEnded) && kind != fault.Conflict && kind != fault.Unavailable {
			return cause
		}
		// The row knows whether it was done after all.
		if b, err = s.Reads.Get(r.Context(), b.ID); err != nil {
			return err
		}
	}
	if cause == nil || s.said(b) {
		s.Kit.FlashOK(r, s.word.Done)
		web.Redirect(w, r, "/factory/batches/"+b.ID.String())
		return nil
	}
	form := web.NewForm(nil)
	if b.State != s.word.from {
		form.Fail("", "这个批次现在是“"+b.State.Text()+"”，还不能登记。")
		return s.render(w, r, b, form, http.StatusConflict)
	}
	form.Fail("", "办理系统暂时繁忙，这次登记可能没有完成。请再按一次，不会重复登记。")
	w.Header().Set("Retry-After", "5")
	return s.render(w, r, b, form, http.StatusServiceUnavailable)
}
