package branch

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/store/cardstore"
	"volcard/internal/typed"
)

// ledgerSize is how many entries of the ledger a page shows.
const ledgerSize = 20

// shelf holds the pages of the branch's stock.
type shelf struct{ Deps }

type stockPage struct {
	web.Frame
	Branch string
	Counts cardstore.Counts
	Ledger []entry
	Paging web.Paging
}

// entry is a line of the ledger with its words.
type entry struct{ cardstore.StockEntry }

// Text names what happened.
func (e entry) Text() string {
	switch e.Kind {
	case "receive":
		return "入库"
	case "reserve":
		return "预留给申请"
	case "release":
		return "取消预留"
	case "hand_over":
		return "发卡"
	case "undo":
		return "撤销发卡"
	case "spoil":
		return "作废"
	}
	return e.Kind
}

// Remark is the note where it was written for people; the process' own words are for operators.
func (e entry) Remark() string {
	if e.Kind == "undo" || e.Kind == "spoil" {
		return e.Note
	}
	return ""
}

// Signed writes a change; nothing for none.
func (entry) Signed(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%+d", n)
}

// Serials is the serial, or the range.
func (e entry) Serials() string {
	if e.SerialTo == "" || e.SerialTo == e.SerialFrom {
		return e.SerialFrom
	}
	return e.SerialFrom + " – " + e.SerialTo
}

func (h shelf) stock(w http.ResponseWriter, r *http.Request) error {
	me, err := clerkOf(r)
	if err != nil {
		return err
	}
	p := &stockPage{Frame: web.Frame{Title: "卡片库存"}, Paging: web.NewPaging(r, ledgerSize)}
	b, err := h.Places.Branch(r.Context(), me.Branch)
	if err != nil {
		return err
	}
	p.Branch = b.Name
	if p.Counts, err = h.Stock.Count(r.Context(), me.Branch); err != nil {
		return err
	}
	entries, err := h.Stock.Entries(r.Context(), me.Branch, p.Paging.Limit(), p.Paging.Offset())
	if err != nil {
		return err
	}
	for _, e := range web.Trim(&p.Paging, entries) {
		p.Ledger = append(p.Ledger, entry{e})
	}
	return h.Kit.Render(w, r, http.StatusOK, "branch/stock", p)
}

type stockForm struct {
	web.Frame
	Form    *web.Form
	Reasons []string
}

func (h shelf) showReceive(w http.ResponseWriter, r *http.Request) error {
	return h.renderReceive(w, r, web.NewForm(nil))
}

func (h shelf) renderReceive(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	return h.Kit.Render(w, r, form.Status(), "branch/receive", &stockForm{Frame: web.Frame{Title: "卡片入库"}, Form: form})
}

// askedFrom is the number of cards from which on a delivery is confirmed by typing it.
const askedFrom = 1000

// receive books a carton. The range is booked whole or not at all, so sending it again books
// nothing twice.
func (h shelf) receive(w http.ResponseWriter, r *http.Request) error {
	me, err := clerkOf(r)
	if err != nil {
		return err
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	first, ok := parseSerial(form.Get("first"))
	if !ok {
		form.Fail("first", wantSerial)
	}
	last, ok := parseSerial(form.Get("last"))
	if !ok {
		form.Fail("last", wantSerial)
	}
	if !form.OK() {
		return h.renderReceive(w, r, form)
	}
	// A wrong digit in one of the two makes thousands of cards that do not lie there.
	if serials, ok := card.SerialRange(first, last, cardstore.ReceiveLimit); ok && len(serials) >= askedFrom && typed.Compact(form.Get("count")) != strconv.Itoa(len(serials)) {
		form.Fail("count", fmt.Sprintf("这个号段共 %d 张。请核对纸箱上的张数，在这里输入 %d 后再次提交。", len(serials), len(serials)))
		return h.renderReceive(w, r, form)
	}
	n, err := h.Stock.Receive(r.Context(), me.Branch, first, last, me.ID)
	if err != nil {
		if err := form.Absorb("last", err); err != nil {
			return err
		}
		return h.renderReceive(w, r, form)
	}
	h.Kit.FlashOK(r, "已入库 "+strconv.Itoa(n)+" 张："+first+" – "+last+"。")
	web.Redirect(w, r, "/branch/stock")
	return nil
}

const wantSerial = "请扫描或输入 6 到 20 位字母和数字组成的序列号。"

var spoilReasons = []string{"印刷错误", "折断或破损", "磁条或芯片故障", "遗失"}

func (h shelf) showSpoil(w http.ResponseWriter, r *http.Request) error {
	return h.renderSpoil(w, r, web.NewForm(nil))
}

func (h shelf) renderSpoil(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	return h.Kit.Render(w, r, form.Status(), "branch/spoil", &stockForm{
		Frame: web.Frame{Title: "登记作废"}, Form: form, Reasons: spoilReasons,
	})
}

func (h shelf) spoil(w http.ResponseWriter, r *http.Request) error {
	me, err := clerkOf(r)
	if err != nil {
		return err
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	serial, ok := parseSerial(form.Get("serial"))
	if !ok {
		form.Fail("serial", wantSerial)
	}
	reason := form.Get("reason")
	if !slices.Contains(spoilReasons, reason) {
		form.Fail("reason", "请选择作废的原因。")
	}
	if !form.OK() {
		return h.renderSpoil(w, r, form)
	}
	if err := h.Stock.Spoil(r.Context(), me.Branch, serial, me.ID, reason); err != nil {
		if err := form.Absorb("serial", err); err != nil {
			return err
		}
		return h.renderSpoil(w, r, form)
	}
	h.Kit.FlashOK(r, "已登记作废："+serial+"。")
	web.Redirect(w, r, "/branch/stock")
	return nil
}
