package applicant

import (
	"net/http"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/place"
	"volcard/internal/school"
	"volcard/internal/typed"
)

// suggested is how many universities a keyword may list.
const suggested = 12

// unitStep asks for the unit and its address (R61, R62).
type unitStep struct{ wizard }

type unitPage struct {
	applyPage
	Student      bool
	Keyword      string
	Searched     bool
	Universities []universityRow
	Chosen       string // name of the university that is chosen; empty: none
}

type universityRow struct {
	Code, Name, Hint string
	Checked          bool
}

// searches tells whether Enter was pressed behind a keyword that is not looked up yet.
func searches(form *web.Form) bool {
	return form.Get("enter") != "" && form.Get("keyword") != form.Get("searched")
}

func (unitStep) fill(v *visit, form *web.Form) {
	form.Values.Set(card.FieldUniversity, v.draft.UniversityCode)
	form.Values.Set(card.FieldUnit, v.draft.UnitName)
	form.Values.Set(card.FieldAddress, v.draft.Address)
	form.Values.Set("district", v.draft.DivisionCode)
}

func (a unitStep) take(r *http.Request, v *visit, form *web.Form) error {
	if v.draft.Identity == card.Student {
		if err := a.takeUniversity(r, v, form); err != nil {
			return err
		}
	} else {
		v.draft.UnitName = clip(typed.Text(form.Get(card.FieldUnit)))
	}
	if code := form.DivisionCode(); code != "" {
		v.draft.DivisionCode = code
	}
	v.draft.Address = clip(typed.Text(form.Get(card.FieldAddress)))
	return nil
}

// takeUniversity keeps a university of the list only. What is sent by hand is refused, and the
// earlier choice stays.
func (a unitStep) takeUniversity(r *http.Request, v *visit, form *web.Form) error {
	code := form.Get(card.FieldUniversity)
	if code == "" {
		v.draft.UniversityCode = ""
		return nil
	}
	_, err := a.Places.University(r.Context(), code)
	switch {
	case fault.Is(err, fault.NotFound):
		form.Fail(card.FieldUniversity, "所选学校不在湖北省内高校名单中，请重新选择。")
		return nil
	case err == nil:
		v.draft.UniversityCode = code
	}
	return err
}

func (a unitStep) show(w http.ResponseWriter, r *http.Request, v *visit, form *web.Form) error {
	if v.draft.Identity == "" {
		web.Redirect(w, r, stepPath("identity"))
		return nil
	}
	p := &unitPage{applyPage: a.page(v, "unit", form), Student: v.draft.Identity == card.Student}
	if p.Student {
		if err := a.fillUniversities(r, p, form); err != nil {
			return err
		}
	}
	return a.Kit.Render(w, r, status(form), "applicant/apply/unit", p)
}

// fillUniversities lists what the keyword finds, and above it what is chosen.
func (a unitStep) fillUniversities(r *http.Request, p *unitPage, form *web.Form) error {
	list, err := a.Places.Universities(r.Context())
	if err != nil {
		return err
	}
	chosen := form.Get(card.FieldUniversity)
	for _, u := range list {
		if u.Code != chosen {
			continue
		}
		p.Chosen = u.Name
		p.Universities = append(p.Universities, newUniversityRow(u, true))
		if form.Get("district") == "" && form.Get("province") == "" {
			form.Values.Set("province", place.HubeiCode)
			form.Values.Set("city", u.CityCode)
		}
	}
	p.search(list, form.Get("keyword"), chosen)
	return nil
}

func (p *unitPage) search(list []school.University, keyword, chosen string) {
	p.Keyword = keyword
	if keyword == "" {
		return
	}
	p.Searched = true
	for _, u := range school.Search(list, keyword, suggested) {
		if u.Code != chosen {
			p.Universities = append(p.Universities, newUniversityRow(u, false))
		}
	}
}

func newUniversityRow(u school.University, checked bool) universityRow {
	_, city, _, _ := place.DivisionName(u.CityCode)
	hint := city + " · " + u.Level
	if len(u.FormerNames) > 0 {
		hint += " · 曾用名 " + u.FormerNames[0]
	}
	return universityRow{Code: u.Code, Name: u.Name, Hint: hint, Checked: checked}
}

// universities answers the keyword field while one types.
func (a unitStep) universities(w http.ResponseWriter, r *http.Request) error {
	list, err := a.Places.Universities(r.Context())
	if err != nil {
		return err
	}
	form := web.NewForm(r.URL.Query())
	p := &unitPage{applyPage: applyPage{Form: form}, Student: true}
	for _, u := range list {
		if u.Code == form.Get(card.FieldUniversity) {
			p.Chosen = u.Name
			p.Universities = append(p.Universities, newUniversityRow(u, true))
		}
	}
	p.search(list, form.Get("keyword"), form.Get(card.FieldUniversity))
	return a.Kit.RenderPart(w, r, http.StatusOK, "applicant/apply/unit", "universities", p)
}
