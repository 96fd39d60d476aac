package applicant

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/place"
	"volcard/internal/store/placestore"
)

// nearby is how many branches are shown by distance.
const nearby = 10

// picker is part "branches": the list from which a branch is chosen, in the wizard and when a
// case moves to another branch.
type picker struct {
	Path       string // of the page; filtering asks it, Path+"/near" sorts by distance
	City       string // empty: the whole province
	District   string
	Cities     []place.Division
	Districts  []place.Division
	Rows       []branchRow
	Note       string
	First      string // address of the list's first part, on a later one
	Next       string // address of its next part
	ByDistance bool
	Error      string
	Regular    bool // the card is made and sent: no stock is needed
}

type branchRow struct {
	placestore.Branch
	Where, HoursText, Status, Distance string
	OpenNow, Checked, Here             bool
	Regular                            bool
}

// Supplied tells whether the branch can hand a card of the edition over.
func (b branchRow) Supplied() bool { return b.HasStock || b.Regular }

// Selectable tells whether the branch can be chosen.
func (b branchRow) Selectable() bool { return b.Supplied() && !b.Here }

// wish is who asks for the list, and for what.
type wish struct {
	Path         string // of the page
	Division     string // around which the list begins
	Chosen, Here uuid.UUID
	Regular      bool
}

// pick lists branches as the query asks, or where it asks nothing, around the unit.
func (d Deps) pick(r *http.Request, ask wish) (*picker, error) {
	cal, err := d.Calendar(r.Context())
	if err != nil {
		return nil, err
	}
	p := &picker{Path: ask.Path, Regular: ask.Regular, Cities: place.Children(place.HubeiCode)}
	q := r.URL.Query()
	if r.Method == http.MethodPost { // a form that comes back shows the list from which it was sent
		q = r.PostForm
	}
	asked := q.Has("city")
	if id, err := uuid.FromString(q.Get(card.FieldBranch)); err == nil {
		ask.Chosen = id // on a page that is not sent yet
	}
	if asked {
		p.City, p.District = q.Get("city"), q.Get("district")
	} else if _, city, district, ok := place.Path(ask.Division); ok && place.InHubei(ask.Division) {
		p.City, p.District = city, district
	}
	if !slices.ContainsFunc(p.Cities, func(c place.Division) bool { return c.Code == p.City }) {
		p.City = ""
	}
	for {
		p.Districts = nil
		if p.City != "" {
			p.Districts = place.Children(p.City)
		}
		if !slices.ContainsFunc(p.Districts, func(c place.Division) bool { return c.Code == p.District }) {
			p.District = ""
		}
		list, err := d.Places.Branches(r.Context(), placestore.BranchFilter{Division: p.division(), AfterCode: q.Get("after")})
		if err != nil {
			return nil, err
		}
		// The unit's own district may have none: then the city's, then all are shown.
		if !asked && !slices.ContainsFunc(list, func(b placestore.Branch) bool { return b.HasStock || ask.Regular }) && p.widen() {
			continue
		}
		part := url.Values{"city": {p.City}, "district": {p.District}}
		if q.Get("after") != "" {
			p.First = ask.Path + "?" + part.Encode()
		}
		if len(list) == placestore.PageSize {
			part.Set("after", list[len(list)-1].Code)
			p.Next = ask.Path + "?" + part.Encode()
		}
		for _, b := range list {
			p.Rows = append(p.Rows, d.row(b, cal, ask))
		}
		if err := d.withChosen(r, p, cal, ask); err != nil {
			return nil, err
		}
		// What can be chosen comes first.
		slices.SortStableFunc(p.Rows, func(a, b branchRow) int { return rank(a) - rank(b) })
		return p, nil
	}
}

// withChosen adds the branch that is chosen where the list does not hold it: who looks around loses nothing.
func (d Deps) withChosen(r *http.Request, p *picker, cal *calendar.Calendar, ask wish) error {
	if ask.Chosen.IsNil() || slices.ContainsFunc(p.Rows, func(b branchRow) bool { return b.ID == ask.Chosen }) {
		return nil
	}
	b, err := d.Places.Branch(r.Context(), ask.Chosen)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err == nil && b.Open():
		p.Rows = slices.Insert(p.Rows, 0, d.row(b, cal, ask))
	}
	return err
}

func rank(b branchRow) int {
	switch {
	case b.Checked:
		return 0
	case b.Selectable():
		return 1
	}
	return 2
}

func (p *picker) division() string {
	switch {
	case p.District != "":
		return p.District
	case p.City != "":
		return p.City
	}
	return place.HubeiCode
}

func (p *picker) widen() bool {
	switch {
	case p.District != "" && len(p.Districts) > 1:
		p.District, p.Note = "", "单位所在区县暂时没有可选的网点，已显示全市的网点。"
	case p.City != "":
		p.City, p.Note = "", "单位所在城市暂时没有可选的网点，已显示全省的网点。"
	default:
		return false
	}
	return true
}

// where is the branch's address with its division, unless the address begins with that itself.
func where(b placestore.Branch) string { return placed(b.DivisionCode, b.Address) }

func placed(division, address string) string {
	_, city, district, _ := place.DivisionName(division)
	if (city != "" && strings.Contains(address, city)) || (district != "" && strings.Contains(address, district)) {
		return address
	}
	return place.FullName(division) + address
}

func (d Deps) row(b placestore.Branch, cal *calendar.Calendar, ask wish) branchRow {
	now, opening := d.Kit.Now(), place.Opening{Hours: b.Hours, Calendar: cal}
	return branchRow{
		Branch: b, Where: where(b), HoursText: b.Hours.Text(), Status: opening.Status(now),
		OpenNow: opening.OpenAt(now), Checked: b.ID == ask.Chosen, Here: b.ID == ask.Here, Regular: ask.Regular,
	}
}

// nearest lists branches by distance from the position that the browser sent. The position serves
// this one answer and is kept nowhere.
func (d Deps) nearest(r *http.Request, ask wish) (*picker, error) {
	form, err := web.ParseForm(r)
	if err != nil {
		return nil, err
	}
	lng, err1 := strconv.ParseFloat(form.Get("lng"), 64)
	lat, err2 := strconv.ParseFloat(form.Get("lat"), 64)
	if err1 != nil || err2 != nil || !(place.Point{Lng: lng, Lat: lat}).Valid() {
		return nil, fault.New(fault.Invalid, "没有得到您的位置，请改为按地区选择网点。")
	}
	cal, err := d.Calendar(r.Context())
	if err != nil {
		return nil, err
	}
	from := place.WGS84ToGCJ02(lng, lat)
	list, err := d.Places.Nearest(r.Context(), from, nearby, false)
	if err != nil {
		return nil, err
	}
	if !ask.Regular && !slices.ContainsFunc(list, func(n placestore.Near) bool { return n.HasStock }) {
		supplied, err := d.Places.Nearest(r.Context(), from, nearby, true)
		if err != nil {
			return nil, err
		}
		list = append(list, supplied...) // further away, but they can be chosen
	}
	p := &picker{Path: ask.Path, Regular: ask.Regular, Cities: place.Children(place.HubeiCode), ByDistance: true}
	for _, n := range list {
		row := d.row(n.Branch, cal, ask)
		row.Distance = place.DistanceText(n.Distance)
		p.Rows = append(p.Rows, row)
	}
	return p, d.withChosen(r, p, cal, ask)
}

// branchStep chooses where the card is collected (R63).
type branchStep struct{ wizard }

type branchPage struct {
	applyPage
	Picker *picker
}

func (branchStep) fill(v *visit, form *web.Form) {
	if !v.draft.BranchID.IsNil() {
		form.Values.Set(card.FieldBranch, v.draft.BranchID.String())
	}
}

// take keeps a branch that exists; the rules say whether it can be chosen. A form in which none could be
// chosen takes nothing back.
func (a branchStep) take(r *http.Request, v *visit, form *web.Form) error {
	if !form.Values.Has(card.FieldBranch) {
		return nil
	}
	id, err := uuid.FromString(form.Get(card.FieldBranch))
	if err != nil {
		v.draft.BranchID = uuid.Nil
		return nil
	}
	_, err = a.Places.Branch(r.Context(), id)
	switch {
	case fault.Is(err, fault.NotFound):
		form.Fail(card.FieldBranch, "没有这个领卡网点，请从列表中选择。")
		return nil
	case err == nil:
		v.draft.BranchID = id
	}
	return err
}

func branchWish(v *visit) wish {
	return wish{
		Path: stepPath("branch"), Division: v.draft.DivisionCode, Chosen: v.draft.BranchID, Regular: v.draft.Edition == card.Regular,
	}
}

func (a branchStep) show(w http.ResponseWriter, r *http.Request, v *visit, form *web.Form) error {
	picker, err := a.pick(r, branchWish(v))
	if err != nil {
		return err
	}
	// What was chosen before can have run out or closed since: said at once, not at the end.
	if picker.Error = form.Error(card.FieldBranch); picker.Error == "" && !v.draft.BranchID.IsNil() {
		for _, reason := range v.of(card.FieldBranch) {
			picker.Error = reason.Text
		}
	}
	return a.render(w, r, v, form, picker)
}

func (a branchStep) render(w http.ResponseWriter, r *http.Request, v *visit, form *web.Form, picker *picker) error {
	p := &branchPage{applyPage: a.page(v, "branch", form), Picker: picker}
	if web.IsHTMX(r) {
		return a.Kit.RenderPart(w, r, http.StatusOK, "applicant/apply/branch", "picked", p)
	}
	return a.Kit.Render(w, r, status(form), "applicant/apply/branch", p)
}

func (a branchStep) near(w http.ResponseWriter, r *http.Request) error {
	v, err := a.open(r)
	if err != nil {
		return err
	}
	picker, err := a.nearest(r, branchWish(v))
	if err != nil {
		return err
	}
	return a.render(w, r, v, web.NewForm(nil), picker)
}
