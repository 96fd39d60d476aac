package applicant_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store/storetest"
	"volcard/workflows"
)

// A decision that took effect is acknowledged, whatever its process said last; one that can still take effect is
// asked for again, and is no conflict.
func TestTheRowDecidesWhatWasDecided(t *testing.T) {
	t.Parallel()
	r := open(t)
	people := 0
	somebody := func() person {
		people++
		return r.person("王𠮷", storetest.IDNumber(people))
	}
	for name, err := range map[string]error{
		"its process winds up":   fault.New(fault.Conflict, "这份申请现在是“已撤回”，不能进行此操作。"),
		"its process has ended":  &fault.Error{Kind: fault.Conflict, Msg: "这项办理已经结束。", Err: workflows.ErrEnded},
		"the answer was lost":    fault.New(fault.Unavailable, "办理系统暂时繁忙，请稍后再试。"),
		"the answer came at all": nil,
	} {
		p := somebody()
		page := p.submitted()
		r.process.running.Wait()
		require.Equal(t, card.Ready, p.state())
		r.process.instead = err
		p.Still().Post(page.Path()+"/withdraw", nil).Want(http.StatusSeeOther)
		require.Equal(t, card.Withdrawn, p.state(), name)
		p.Get(page.Path()).WantText(".flash-ok", "已撤回").WantText("h1", "已撤回")
		r.process.instead = nil
	}

	other := r.rows.Branch("乙网点")
	r.rows.Stock(other, 5)
	p := somebody()
	page := p.submitted()
	r.process.running.Wait()
	r.process.instead = fault.New(fault.Conflict, "这份申请刚刚发生了变化，请刷新后再试。")
	p.Still().Post(page.Path()+"/branch", url.Values{"branch_id": {other.String()}}).Want(http.StatusSeeOther)

	// Nothing took effect: the case has no process yet, and will have one.
	r.process.instead = nil
	p = somebody()
	r.process.away.Store(true)
	page = p.submitted()
	r.process.away.Store(false)
	before := r.process.started.Load()
	refused := p.Post(page.Path()+"/withdraw", nil).Want(http.StatusServiceUnavailable).WantText(".sentence", "请过几秒钟再试")
	require.NotEmpty(t, refused.Response.Header.Get("Retry-After"))
	require.Equal(t, before+1, r.process.started.Load())
	r.process.running.Wait()
	p.Still().Post(page.Path()+"/withdraw", nil).Want(http.StatusSeeOther)
	require.Equal(t, card.Withdrawn, p.state())
}
