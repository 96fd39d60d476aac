package admin

import (
	"net/http"
	"strings"

	"volcard/api/web"
	"volcard/internal/store/adminstore"
)

// staffAction is what an administrator does to somebody else's account. Each has a page that says what will
// happen and asks for the administrator's own password and code: a console that was left open for a moment
// takes nobody's access away and gives nobody's to anybody.
type staffAction struct {
	Path   string // below the account's page
	Title  string
	Effect string
	Submit string
	Danger bool
	// Disabled is the standing of the accounts that it applies to; nil: any.
	Disabled *bool
}

type handler = func(http.ResponseWriter, *http.Request) error

func ptr[T any](v T) *T { return &v }

const (
	actionReset   = "reset"
	actionDisable = "disable"
	actionEnable  = "enable"
)

var staffActions = []staffAction{
	{
		Path: actionReset, Title: "重置密码和验证器", Submit: "重置",
		Effect: "会生成新的初始密码和新的身份验证器，只显示一次。原来的立即失效，已有的登录全部结束。",
	},
	{
		Path: actionDisable, Title: "停用账号", Submit: "停用", Danger: true, Disabled: ptr(false),
		Effect: "立即结束全部登录，之后不能再登录。可以恢复。",
	},
	{
		Path: actionEnable, Title: "恢复账号", Submit: "恢复", Disabled: ptr(true),
		Effect: "恢复后可以用原来的密码和验证器登录。",
	},
}

func (a staffAction) applies(account adminstore.Account) bool {
	return a.Disabled == nil || *a.Disabled == account.Disabled
}

type staffActionPage struct {
	web.Frame
	Account adminstore.Account
	Action  staffAction
	Form    *web.Form
}

// target is the account that the action is for. Without an account that it applies to, the account's page says
// how it stands: after a second click, or when somebody else was faster.
func (h accounts) target(w http.ResponseWriter, r *http.Request, action staffAction) (adminstore.Account, bool, error) {
	account, err := h.accountOf(r)
	if err != nil {
		return account, false, err
	}
	if account.ID == web.User(r).ID || !action.applies(account) {
		if account.ID == web.User(r).ID {
			h.Kit.FlashWarn(r, "不能对自己的账号这样做，请另一位管理员办理。")
		}
		web.Redirect(w, r, "/admin/staff/"+account.ID.String())
		return account, false, nil
	}
	return account, true, nil
}

func (h accounts) askStaff(action staffAction) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		account, ok, err := h.target(w, r, action)
		if !ok {
			return err
		}
		return h.renderAction(w, r, action, account, web.NewForm(nil))
	}
}

func (h accounts) renderAction(w http.ResponseWriter, r *http.Request, action staffAction, account adminstore.Account, form *web.Form) error {
	return h.Kit.Render(w, r, form.Status(), "admin/staff-action", &staffActionPage{
		Frame: web.Frame{Title: action.Title}, Account: account, Action: action, Form: form,
	})
}

func (h accounts) doStaff(action staffAction) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		account, ok, err := h.target(w, r, action)
		if !ok {
			return err
		}
		form, err := web.ParseForm(r)
		if err != nil {
			return err
		}
		if err := h.confirm(r, form); err != nil {
			return err
		}
		if !form.OK() {
			return h.renderAction(w, r, action, account, form)
		}
		if action.Path == actionReset {
			return h.resetStaff(w, r, account)
		}
		return h.setStanding(w, r, action, account, form)
	}
}

// confirm checks the administrator's own password and code, or leaves in the form why not.
func (h accounts) confirm(r *http.Request, form *web.Form) error {
	password, code := form.Raw("password"), strings.TrimSpace(form.Get("code"))
	if password == "" {
		form.Fail("password", "请输入您自己的密码。")
	}
	if code == "" {
		form.Fail("code", "请输入您的验证器上的动态码。")
	}
	if !form.OK() {
		return nil
	}
	return form.Absorb("", h.Logins.Confirm(r.Context(), web.User(r).ID, password, code))
}

// resetStaff gives a new password and a new authenticator to somebody who lost either, and ends
// the account's sessions.
func (h accounts) resetStaff(w http.ResponseWriter, r *http.Request, account adminstore.Account) error {
	e, err := h.Accounts.Reset(r.Context(), web.User(r).Actor(), account.ID)
	if err != nil {
		return err
	}
	if err := h.Kit.EndAll(r.Context(), account.ID); err != nil {
		return err
	}
	return h.showOnce(w, r, account.Name, "已重置账号", e)
}

// setStanding stops or restores an account.
func (h accounts) setStanding(w http.ResponseWriter, r *http.Request, action staffAction, account adminstore.Account, form *web.Form) error {
	disable := action.Path == actionDisable
	if err := h.Accounts.SetDisabled(r.Context(), web.User(r).Actor(), account.ID, disable); err != nil {
		if err := form.Absorb("", err); err != nil {
			return err
		}
		return h.renderAction(w, r, action, account, form)
	}
	text := "账号已恢复。"
	if disable {
		if err := h.Kit.EndAll(r.Context(), account.ID); err != nil {
			return err
		}
		text = "账号已停用，其登录已全部结束。"
	}
	h.Kit.FlashOK(r, text)
	web.Redirect(w, r, "/admin/staff/"+account.ID.String())
	return nil
}
