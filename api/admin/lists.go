package admin

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"volcard/api/web"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/place"
	"volcard/internal/school"
	"volcard/internal/store/adminstore"
	"volcard/internal/store/placestore"
	"volcard/internal/typed"
)

// maxImports is how many past imports a list's page shows.
const maxImports = 5

type branchesPage struct {
	web.Frame
	List    list
	Search  *web.Form
	Rows    []branchRow
	Paging  web.Paging
	Imports []adminstore.Import
}

type branchRow struct{ adminstore.Branch }

// Division is the district's full name.
func (b branchRow) Division() string { return place.FullName(b.DivisionCode) }

func (h room) branches(w http.ResponseWriter, r *http.Request) error {
	p := &branchesPage{
		Frame: web.Frame{Title: "网点"}, List: listOf(placestore.Branches),
		Search: web.NewForm(r.URL.Query()), Paging: web.NewPaging(r, pageSize),
	}
	rows, err := h.Reads.Branches(r.Context(), p.Search.Get("q"), window(p.Paging))
	if err != nil {
		return err
	}
	for _, b := range web.Trim(&p.Paging, rows) {
		p.Rows = append(p.Rows, branchRow{b})
	}
	if p.Imports, err = h.Reads.Imports(r.Context(), string(placestore.Branches), maxImports); err != nil {
		return err
	}
	return h.Kit.Render(w, r, http.StatusOK, "admin/branches", p)
}

type universitiesPage struct {
	web.Frame
	List    list
	Search  *web.Form
	Rows    []universityRow
	Paging  web.Paging
	Imports []adminstore.Import
}

type universityRow struct{ school.University }

// City is the name of the university's city.
func (u universityRow) City() string {
	for _, c := range place.Children(place.HubeiCode) {
		if c.Code == u.CityCode {
			return c.Name
		}
	}
	return u.CityCode
}

// universities searches as applicants do, so that an administrator sees what they see.
func (h room) universities(w http.ResponseWriter, r *http.Request) error {
	p := &universitiesPage{
		Frame: web.Frame{Title: "高校"}, List: listOf(placestore.Universities),
		Search: web.NewForm(r.URL.Query()), Paging: web.NewPaging(r, pageSize),
	}
	all, err := placestore.New(h.DB).Universities(r.Context())
	if err != nil {
		return err
	}
	if q := p.Search.Get("q"); q != "" {
		all = school.Search(all, q, len(all))
	}
	from := min(p.Paging.Offset(), len(all))
	for _, u := range web.Trim(&p.Paging, all[from:min(from+p.Paging.Limit(), len(all))]) {
		p.Rows = append(p.Rows, universityRow{u})
	}
	if p.Imports, err = h.Reads.Imports(r.Context(), string(placestore.Universities), maxImports); err != nil {
		return err
	}
	return h.Kit.Render(w, r, http.StatusOK, "admin/universities", p)
}

// imports are the pages on which one of the lists is replaced.
type imports struct {
	Deps
	list list
}

// uploadLimit bounds a request: the file, or the file in base64 as a form writes it, and what goes with it.
const uploadLimit = placestore.MaxBytes*3/2 + 64<<10

// maxShown bounds what a summary shows of changes and of faults.
const maxShown = 100

type importPage struct {
	web.Frame
	List    list
	Form    *web.Form
	Sum     *placestore.Summary // of the dry run; nil before a file was chosen
	File    string              // base64; travels with the confirmation, so that nothing is kept here
	Changes []change
	Errors  []placestore.RowError
	More    int // changes or faults that are not shown
}

type change struct{ placestore.Change }

// Text names the kind of change.
func (c change) Text() string {
	switch c.Kind {
	case placestore.Added:
		return "新增"
	case placestore.Changed:
		return "修改"
	case placestore.Reopened:
		return "恢复"
	case placestore.Closed:
		return "停用"
	}
	return c.Kind
}

// Nothing tells whether the file changes nothing.
func (p *importPage) Nothing() bool { return p.Sum.Added+p.Sum.Changed+p.Sum.Closed == 0 }

func (i imports) page(form *web.Form) *importPage {
	return &importPage{Frame: web.Frame{Title: "导入" + i.list.Name}, List: i.list, Form: form}
}

func (p *importPage) summarise(sum placestore.Summary) {
	p.Sum = &sum
	p.Errors = sum.Errors[:min(len(sum.Errors), maxShown)]
	for _, c := range sum.Changes[:min(len(sum.Changes), maxShown)] {
		p.Changes = append(p.Changes, change{c})
	}
	p.More = len(sum.Errors) - len(p.Errors) + len(sum.Changes) - len(p.Changes)
}

func (i imports) render(w http.ResponseWriter, r *http.Request, p *importPage, status int) error {
	return i.Kit.Render(w, r, status, "admin/import", p)
}

func (i imports) show(w http.ResponseWriter, r *http.Request) error {
	return i.render(w, r, i.page(web.NewForm(nil)), http.StatusOK)
}

// upload looks at a file and tells what it would change. Nothing is changed and nothing is kept.
func (i imports) upload(w http.ResponseWriter, r *http.Request) error {
	p := i.page(web.NewForm(nil))
	file, err := uploaded(r)
	if err == nil {
		err = i.look(r, p, file)
	}
	if err != nil {
		if web.StatusOf(err) != http.StatusUnprocessableEntity {
			return err
		}
		p.Form.Fail("file", fault.Sentence(err))
		return i.render(w, r, p, http.StatusUnprocessableEntity)
	}
	if len(p.Sum.Errors) > 0 {
		return i.render(w, r, p, http.StatusUnprocessableEntity)
	}
	return i.render(w, r, p, http.StatusOK)
}

func (i imports) look(r *http.Request, p *importPage, file []byte) error {
	sum, err := placestore.New(i.DB).DryRun(r.Context(), i.list.list, file)
	if err != nil {
		return err
	}
	p.summarise(sum)
	p.File = base64.StdEncoding.EncodeToString(file)
	return nil
}

func uploaded(r *http.Request) ([]byte, error) {
	f, _, err := r.FormFile("file")
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return nil, err
	case err != nil:
		return nil, fault.Wrap(fault.Invalid, err, "请选择一个 CSV 文件。")
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, placestore.MaxBytes+1))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "没有读到文件，请重新选择。")
	}
	return content, nil
}

// apply replaces the list by the file that was looked at. What it would change must still be what
// was shown: another import may have come in between.
func (i imports) apply(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	p := i.page(form)
	file, err := base64.StdEncoding.DecodeString(form.Get("content"))
	if err != nil || len(file) == 0 {
		form.Fail("file", "没有收到文件，请重新选择。")
		return i.render(w, r, p, http.StatusUnprocessableEntity)
	}
	if err := i.look(r, p, file); err != nil {
		if web.StatusOf(err) != http.StatusUnprocessableEntity {
			return err
		}
		form.Fail("file", fault.Sentence(err))
		return i.render(w, r, p, http.StatusUnprocessableEntity)
	}
	if len(p.Sum.Errors) > 0 {
		return i.render(w, r, p, http.StatusUnprocessableEntity)
	}
	if form.Get("sha256") != p.Sum.SHA256 || form.Get("effect") != p.Effect() {
		form.Fail("", "名单或文件在您查看之后有变化，下面是现在的结果。请重新核对后再确认。")
		return i.render(w, r, p, http.StatusConflict)
	}
	if p.Sum.ClosesMany() && typed.Compact(form.Get("closed")) != strconv.Itoa(p.Sum.Closed) {
		form.Fail("closed", fmt.Sprintf("请核对后输入将停用的行数：%d。", p.Sum.Closed))
		return i.render(w, r, p, form.Status())
	}
	sum, err := placestore.Apply(r.Context(), i.DB, i.list.list, file, importer(web.User(r)), i.Kit.Now())
	if err != nil {
		return err
	}
	done := "导入完成：" + counts(sum) + "。"
	if sum.HoursChanged() {
		// The hours are in force whatever becomes of this: the next production day moves the last days as well.
		if err := i.Process.StartCalendarChange(r.Context()); err != nil {
			done += "办理系统暂时繁忙，受影响的领卡期限将在下一个工作日顺延。"
		} else {
			done += "营业时间有变化，最后一天变为休息的领卡期限正在顺延，申请人会收到短信。"
		}
	}
	i.Kit.FlashOK(r, done)
	web.Redirect(w, r, i.list.Path())
	return nil
}

// export is the list as a file that import reads.
func (i imports) export(w http.ResponseWriter, r *http.Request) error {
	file, err := placestore.New(i.DB).Export(r.Context(), i.list.list)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+string(i.list.list)+"-"+i.Kit.Now().In(clock.Shanghai).Format("20060102")+`.csv"`)
	h.Set("Cache-Control", "no-store")
	_, err = w.Write(file)
	return err
}

// Effect is what the dry run found, as the confirmation carries it back.
func (p *importPage) Effect() string {
	return fmt.Sprintf("%d/%d/%d/%d", p.Sum.Added, p.Sum.Changed, p.Sum.Closed, p.Sum.Stranded)
}

func counts(s placestore.Summary) string {
	return fmt.Sprintf("新增 %d，修改 %d，停用 %d，不变 %d", s.Added, s.Changed, s.Closed, s.Unchanged)
}
