package web

import (
	"net/http"

	"volcard/internal/place"
)

// DivisionPath is where the cascade asks for its next list.
const DivisionPath = "/parts/divisions"

// Division is the cascade province → city → district (part "division"). With htmx a choice
// loads the next list; without JavaScript a button sends the form, which comes back unchecked
// (Form.Refresh) with the next list.
type Division struct {
	Province, City, District    string
	Provinces, Cities, Counties []place.Division
	Label, Error                string
}

// Division builds the cascade from what the form holds: province, city, district. A form that
// holds only a district, as a draft does, gets the others from it; an empty one starts in Hubei.
func (f *Form) Division(label string) Division {
	d := Division{
		Province: f.Get("province"), City: f.Get("city"), District: f.Get("district"),
		Provinces: place.Divisions(), Label: label, Error: f.Error("district"),
	}
	if d.Province == "" && d.District != "" {
		if p, c, _, ok := place.Path(d.District); ok {
			d.Province, d.City = p, c
		}
	}
	if d.Province == "" {
		d.Province = place.HubeiCode
	}
	d.Cities = place.Children(d.Province)
	if !contains(d.Cities, d.City) {
		d.City = ""
		if len(d.Cities) == 1 {
			d.City = d.Cities[0].Code
		}
	}
	if d.City != "" {
		d.Counties = place.Children(d.City)
	}
	if !contains(d.Counties, d.District) {
		d.District = ""
		if len(d.Counties) == 1 {
			d.District = d.Counties[0].Code
		}
	}
	return d
}

func contains(list []place.Division, code string) bool {
	for _, d := range list {
		if d.Code == code {
			return true
		}
	}
	return false
}

// DivisionCode is the chosen district; where there is none, or one that does not lie in the
// chosen city, the form notes it.
func (f *Form) DivisionCode() string {
	d := f.Division("")
	if d.District == "" || !place.IsDistrict(d.District) {
		f.Fail("district", "请依次选择省、市、区县。")
		return ""
	}
	return d.District
}

// Refresh tells that the form was sent only to get the next list of a cascade.
func (f *Form) Refresh() bool { return f.Get("refresh") != "" }

type divisionPage struct {
	Frame
	Division Division
}

// Divisions answers the cascade's htmx request. The lists are the same for everybody.
func (a *Answers) Divisions(w http.ResponseWriter, r *http.Request) {
	a.Handle(func(w http.ResponseWriter, r *http.Request) error {
		form := NewForm(r.URL.Query())
		w.Header().Set("Cache-Control", "public, max-age=86400")
		return a.Render(w, r, http.StatusOK, "public/divisions", &divisionPage{
			Frame: Frame{Anonymous: true}, Division: form.Division(form.Get("label")),
		})
	})(w, r)
}
