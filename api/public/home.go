// Package public is the room that anybody may enter: what the card is, how to get one, whether
// one is valid, and in a demonstration the phone that all messages go to.
package public

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"volcard/api/web"
	"volcard/internal/calendar"
)

// Contact is a party that answers questions (duties R22 and R69). Contacts are a setting:
// people and numbers change, and none that is not official is invented here.
type Contact struct {
	Party   string // who, as 湖北省青年志愿者行动促进中心
	Subject string // what for
	Person  string // empty where none is named
	Phone   string // empty where none is known yet
}

// DemoContacts are shown in a demonstration: the parties of the notice, without numbers.
func DemoContacts() []Contact {
	return []Contact{
		{Party: "湖北省青年志愿者行动促进中心", Subject: "使用经验、问题和建议"},
		{Party: "招商银行武汉分行", Subject: "领卡网点和发卡"},
		{Party: "志愿汇平台", Subject: "志愿服务记录和激励"},
	}
}

// Home is the first page.
type Home struct {
	Kit      *web.Kit
	Contacts []Contact
	Promise  calendar.PromiseTerms
	Faces    []string // titles of those that a regular card can have
}

// Routes mounts the page.
func (h Home) Routes(r chi.Router) {
	r.Get("/", h.Kit.Handle(h.show))
}

type homePage struct {
	web.Frame
	Home
	Accounts []string // WeChat accounts of the notice (R12)
}

func (h Home) show(w http.ResponseWriter, r *http.Request) error {
	return h.Kit.Render(w, r, http.StatusOK, "public/home", &homePage{
		Frame:    web.Frame{Title: "首页"},
		Home:     h,
		Accounts: []string{"中国青年志愿者", "湖北青年志愿者"},
	})
}
