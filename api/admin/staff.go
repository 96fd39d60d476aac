package admin

import (
	"net/http"

	"volcard/api/web"
	"volcard/internal/fault"
	"volcard/internal/render"
	"volcard/internal/store/adminstore"
	"volcard/internal/store/staffstore"
)

// accounts holds the pages of the accounts of staff.
type accounts struct{ Deps }

type staffListPage struct {
	web.Frame
	Search *web.Form
	Rows   []adminstore.Account
	Paging web.Paging
}

func (h accounts) staffList(w http.ResponseWriter, r *http.Request) error {
	p := &staffListPage{
		Frame: web.Frame{Title: "工作人员"}, Search: web.NewForm(r.URL.Query()), Paging: web.NewPaging(r, pageSize),
	}
	rows, err := h.Reads.Accounts(r.Context(), p.Search.Get("q"), window(p.Paging))
	if err != nil {
		return err
	}
	p.Rows = web.Trim(&p.Paging, rows)
	return h.Kit.Render(w, r, http.StatusOK, "admin/staff-list", p)
}

type newStaffPage struct {
	web.Frame
	Form     *web.Form
	Branches []adminstore.Branch // suggestions for the code
}

// suggested bounds the suggestions; a code can always be typed.
const suggested = 100

func (h accounts) showNewStaff(w http.ResponseWriter, r *http.Request) error {
	return h.renderNewStaff(w, r, web.NewForm(nil))
}

func (h accounts) renderNewStaff(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	branches, err := h.Reads.Branches(r.Context(), "", adminstore.Window{Limit: suggested})
	if err != nil {
		return err
	}
	return h.Kit.Render(w, r, form.Status(), "admin/staff-new", &newStaffPage{
		Frame: web.Frame{Title: "开设账号"}, Form: form, Branches: branches,
	})
}

func (h accounts) newStaff(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	n := staffstore.NewStaff{Login: form.Get("login"), Name: form.Get("name"), Role: staffstore.Role(form.Get("role"))}
	_, err = staffstore.ParseLogin(n.Login)
	form.FailIf("login", err)
	if n.Name == "" {
		form.Fail("name", "请填写姓名。")
	}
	switch n.Role {
	case staffstore.Clerk:
		n.BranchID, _, err = h.Reads.OpenBranch(r.Context(), form.Get("branch"))
		if fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Internal) {
			return err
		}
		form.FailIf("branch", err)
	case staffstore.ProvinceAdmin, staffstore.Reviewer, staffstore.Factory:
	default:
		form.Fail("role", "请选择角色。")
	}
	if !form.OK() {
		return h.renderNewStaff(w, r, form)
	}
	e, err := h.Accounts.Create(r.Context(), web.User(r).Actor(), n)
	if err != nil {
		field := ""
		if fault.Is(err, fault.Conflict) {
			field = "login"
		}
		if err := form.Absorb(field, err); err != nil {
			return err
		}
		return h.renderNewStaff(w, r, form)
	}
	return h.showOnce(w, r, n.Name, "已开设账号", e)
}

type enrolledPage struct {
	web.Frame
	Heading string
	Name    string
	E       staffstore.Enrolment
	QR      render.Code
}

// showOnce is the answer of the POST itself: the secrets are in no session and no address, and
// no other page can show them.
func (h accounts) showOnce(w http.ResponseWriter, r *http.Request, name, heading string, e staffstore.Enrolment) error {
	qr, err := render.QR(e.TOTPURI)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return h.Kit.Render(w, r, http.StatusOK, "admin/staff-enrolled", &enrolledPage{
		Frame: web.Frame{Title: heading}, Heading: heading, Name: name, E: e, QR: qr,
	})
}

type staffPage struct {
	web.Frame
	Account adminstore.Account
	Self    bool
}

func (h accounts) accountOf(r *http.Request) (adminstore.Account, error) {
	id, err := idOf(r)
	if err != nil {
		return adminstore.Account{}, err
	}
	return h.Reads.Account(r.Context(), id)
}

func (h accounts) showStaff(w http.ResponseWriter, r *http.Request) error {
	a, err := h.accountOf(r)
	if err != nil {
		return err
	}
	return h.Kit.Render(w, r, http.StatusOK, "admin/staff-one", &staffPage{
		Frame: web.Frame{Title: a.Name}, Account: a, Self: a.ID == web.User(r).ID,
	})
}
