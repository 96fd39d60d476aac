package public_test

import (
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/public"
	"volcard/api/web"
	"volcard/api/web/webtest"
	"volcard/internal/calendar"
	"volcard/internal/store/messagestore"
)

func TestHomeTellsWhatTheCardIs(t *testing.T) {
	t.Parallel()
	env := webtest.New(t)
	public.Home{Kit: env.Kit, Contacts: public.DemoContacts(), Promise: calendar.PromiseTerms{From: 8, Until: 12}, Faces: []string{"黄鹤楼", "东湖"}}.Routes(env.Router)
	env.Start()
	page := env.Client().Get("/").Want(200)
	page.WantText(".edition:first-of-type", "通用版").WantText("#voluntary + p", "自愿")
	for _, account := range []string{"中国青年志愿者", "湖北青年志愿者"} {
		page.WantText(".rows", account)
	}
	page.WantText(".edition:last-of-type", "8–12 个工作日").WantText(".edition:last-of-type", "黄鹤楼、东湖，卡面任选")
	page.WantText(".rows", "招商银行武汉分行").Has(`a[href="/apply"]`).Has(`a[href="/verify"]`).Has(`a[href="/staff/login"]`)
}

func TestHomeIsAccessible(t *testing.T) {
	env := webtest.New(t)
	public.Home{Kit: env.Kit, Contacts: public.DemoContacts(), Promise: calendar.PromiseTerms{From: 8, Until: 12}, Faces: []string{"黄鹤楼", "东湖"}}.Routes(env.Router)
	env.Start()
	b := webtest.NewBrowser(t)
	b.Shots(env.Client(), "/", "home")
	webtest.Axe(t, b, env.Client(), "/")
}

func TestOutboxIsForDemonstrationsOnly(t *testing.T) {
	t.Parallel()
	real := webtest.New(t)
	public.Outbox{Kit: real.Kit}.Routes(real.Router)
	real.Start()
	real.Client().Get("/dev/outbox").Want(404)

	env := webtest.New(t, func(o *web.Options) { o.Demo = true })
	box := messagestore.Outbox{Store: messagestore.Store{DB: env.DB, Vault: env.Vault, Clock: env.Clock}}
	public.Outbox{Kit: env.Kit, Outbox: box}.Routes(env.Router)
	env.Start()
	c := env.Client()
	c.Get("/dev/outbox").Want(200).WantText("#messages", "还没有短信").Has(".demo").Has("noscript")
	for _, body := range []string{"您的验证码是246810，5分钟内有效。", "您的志愿者证已可领取。"} {
		env.Clock.Advance(time.Minute)
		require.NoError(t, box.Put(t.Context(), uuid.Must(uuid.NewV7()), "13812345678", body))
	}
	p := c.Get("/dev/outbox").Want(200)
	require.Contains(t, p.Find(".sms").First().Text(), "已可领取", "the newest comes first")
	p.WantText(".sms:last-child .code", "246810").WantText(".sms header", "13812345678")
	part := c.HTMX().Get("/dev/outbox").Want(200).Lacks("h1")
	require.Equal(t, 2, part.Find(".sms").Length())
	b := webtest.NewBrowser(t)
	b.Shots(c, "/dev/outbox", "outbox")
	webtest.Axe(t, b, c, "/dev/outbox")
}
