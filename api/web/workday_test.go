package web_test

import (
	"net/http"
	"testing"
	"time"

	"volcard/api/web"
	"volcard/api/web/webtest"
	"volcard/internal/fault"
)

// The demo clock is named on every page, on those of failures as well.
func TestDemoClockIsNamedOnEveryPage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		workday time.Duration
		says    string
	}{{5 * time.Second, "演示时钟：1 个工作日 = 5 秒"}, {2 * time.Minute, "演示时钟：1 个工作日 = 2 分钟"}, {1500 * time.Millisecond, "= 1.5 秒"}} {
		env := webtest.New(t, func(o *web.Options) { o.Workday = c.workday })
		env.Router.Get("/", env.Kit.Handle(func(http.ResponseWriter, *http.Request) error { return fault.New(fault.Conflict, "已经领取。") }))
		env.Start()
		env.Client().Get("/").Want(409).WantText(".demo-clock", c.says)
	}
	env := webtest.New(t)
	env.Start()
	env.Client().Get("/nowhere").Want(404).Lacks(".demo-clock")
}
