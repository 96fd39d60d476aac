package main

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/consent"
	"volcard/internal/person"
	"volcard/internal/photo/demo"
	"volcard/internal/store"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/checkstore"
	"volcard/internal/store/codestore"
	"volcard/internal/store/personstore"
	"volcard/internal/store/photostore"
	"volcard/internal/store/placestore"
	"volcard/internal/store/staffstore"
	"volcard/internal/store/storetest"
	"volcard/internal/store/storetest/stage"
)

// furnish gives the pages something to show.
func (h *house) furnish() {
	h.t.Helper()
	ctx := h.t.Context()
	require.NoError(h.t, placestore.Seed(ctx, h.env.DB, h.parts.clock))
	h.draft(h.stranger)
	reports := checkstore.Reports{DB: h.env.DB}
	findings, err := json.Marshal([]string{"application " + h.application.String() + " had no process, one was started"})
	require.NoError(h.t, err)
	require.NoError(h.t, reports.Write(ctx, "compare-cases", findings, 1, h.parts.clock.Now()))
	require.NoError(h.t, reports.Write(ctx, "audit", []byte("[]"), 0, h.parts.clock.Now()))
	_, err = h.env.DB.Exec(ctx, `
		INSERT INTO review_release (photo_id, staff_id, at, note)
		SELECT $1, $2, now() - n * interval '1 hour', '右上角像是水印，拿不准' FROM generate_series(1, 3) n`, h.waiting.Photo, h.reviewer)
	require.NoError(h.t, err)
}

// newcomer is a person who has done nothing yet.
func (h *house) newcomer(idNumber string) *webtest.Client {
	h.t.Helper()
	people, err := h.parts.people()
	require.NoError(h.t, err)
	id, err := person.ParseIDNumber(idNumber)
	require.NoError(h.t, err)
	phone, err := person.ParsePhone("13800138000")
	require.NoError(h.t, err)
	name, err := person.ParseName("张小满")
	require.NoError(h.t, err)
	var agreed []consent.Purpose
	for _, item := range consent.ForRegistration(false) {
		agreed = append(agreed, item.Purpose)
	}
	_, err = personstore.People{Store: people}.Register(h.t.Context(), personstore.NewPerson{
		Name: name, IDNumber: id, Phone: phone, DivisionCode: "420106", Address: "演示路1号",
		Password: demoPassword, Consents: agreed,
	})
	require.NoError(h.t, err)
	c := h.env.Client()
	c.Get("/login").Submit("main form", map[string]string{"id_number": idNumber, "password": demoPassword}).WantAt("/account")
	return c
}

// prepared are pages in the middle of something.
func (h *house) prepared() []visit {
	h.t.Helper()
	minor, adult, lost, newcomer := h.env.Client(), h.env.Client(), h.env.Client(), storetest.IDNumber(901)
	known := h.newcomer(newcomer)
	h.register(minor, minorNow(h.parts.clock.Now())).WantAt("/register/guardian")
	h.register(adult, storetest.IDNumber(902)).WantAt("/register/phone").
		Submit("main form", map[string]string{"phone": "13800138001"}).WantAt("/register/code")
	lost.Get("/reset").Submit("main form", map[string]string{"id_number": newcomer}).WantAt("/reset/code")
	known.Get("/account/phone").
		Submit("main form", map[string]string{"password": demoPassword, "phone": "13800138002"}).WantAt("/account/phone/code")
	young := h.rows.Person("阿依古丽·买买提", minorNow(h.parts.clock.Now()))
	list := []visit{
		{"nothing yet", "/cards", known, http.StatusOK, nil},
		{"GET /account/guardian", "/account/guardian", h.env.Person(young, "阿依古丽·买买提"), http.StatusOK, nil},
	}
	for path, c := range map[string]*webtest.Client{
		"/register/guardian": minor, "/register/phone": adult, "/register/code": adult,
		"/reset/code": lost, "/account/phone/code": known, "/staff/password/initial": h.beginner(),
	} {
		list = append(list, visit{"GET " + path, path, c, http.StatusOK, nil})
	}
	undo := func(idNumber string) string { return "/branch/cases/" + h.collected(idNumber).String() + "/undo" }
	late := undo(storetest.IDNumber(904))
	_, err := h.env.DB.Exec(h.t.Context(), "UPDATE hand_over SET at = at - interval '1 hour'")
	require.NoError(h.t, err)
	return append(list,
		visit{"too late to undo", late, h.client("clerk"), http.StatusOK, nil},
		visit{"GET /branch/cases/{id}/undo", undo(storetest.IDNumber(903)), h.client("clerk"), http.StatusOK, nil})
}

// firstAdmin makes the account for which an operator has made a token.
func (h *house) firstAdmin() *sent {
	h.t.Helper()
	people, err := h.parts.people()
	require.NoError(h.t, err)
	token, _, err := staffstore.FirstAdmin{Store: staffstore.Store{
		DB: h.env.DB, Vault: h.env.Vault, Clock: h.parts.clock, Hasher: people.Hasher,
	}}.NewToken(h.t.Context(), true)
	require.NoError(h.t, err)
	return &sent{form: "main form", status: http.StatusOK, values: map[string]string{
		"token": token, "name": "首位管理员", "login": "first-admin", "password": demoPassword, "password_again": demoPassword,
	}}
}

// undecided are the steps of the wizard on which nothing is chosen yet: they are sent like that.
func (h *house) undecided() []visit {
	h.t.Helper()
	drafts := cardstore.Drafts{Store: h.parts.cards}
	worker := card.Draft{Identity: card.Worker}
	faceless := card.Draft{Edition: card.Regular, Identity: card.Social}
	var list []visit
	for n, step := range []struct {
		name  string
		draft card.Draft
	}{
		{"edition", card.Draft{}},
		{"identity", card.Draft{}},
		{"notice", card.Draft{}},
		{"phone", card.Draft{}},
		{"unit", worker},
		{"branch", worker},
		{"face", faceless},
	} {
		id := h.rows.Person("孙浩然", storetest.IDNumber(920+n))
		if step.draft != (card.Draft{}) {
			_, err := drafts.Save(h.t.Context(), id, step.draft, 0)
			require.NoError(h.t, err)
		}
		list = append(list, visit{"nothing chosen: " + step.name, "/apply/" + step.name, h.env.Person(id, "孙浩然"), http.StatusOK, nil})
	}
	return list
}

// collected is a case whose card was handed over a moment ago.
func (h *house) collected(idNumber string) uuid.UUID {
	h.t.Helper()
	serials := h.rows.Stock(h.branch, 5)
	id := h.issued(h.rows.Person("何伟", idNumber), func(string) []rune { return nil })
	_, err := h.parts.activities().Card.Process.HandOver(h.t.Context(), cardstore.HandOver{
		ApplicationID: id, BranchID: h.branch, StaffID: h.colleague, Serial: serials[0],
	})
	require.NoError(h.t, err)
	return id
}

func (h *house) register(c *webtest.Client, id string) *webtest.Page {
	h.t.Helper()
	p := c.Get("/register").Want(http.StatusOK)
	p.Find(`input[name="consent"]`).SetAttr("checked", "checked")
	return p.Submit("main form", map[string]string{
		"name": "王小明", "id_number": id, "province": "420000", "city": "420100", "district": "420111", "address": "珞喻路1号",
	})
}

// beginner is a member of staff who has logged in with the password that somebody else gave.
func (h *house) beginner() *webtest.Client {
	h.t.Helper()
	people, err := h.parts.people()
	require.NoError(h.t, err)
	accounts := staffstore.Accounts{Store: staffstore.Store{
		DB: h.env.DB, Vault: h.env.Vault, Clock: h.parts.clock, Hasher: people.Hasher,
		Limiter: codestore.Limiter{DB: h.env.DB, Vault: h.env.Vault, Clock: h.parts.clock},
	}}
	e, err := accounts.Create(h.t.Context(), store.Process("test"), staffstore.NewStaff{
		Login: "beginner", Name: "新柜员", Role: staffstore.Clerk, BranchID: h.branch,
	})
	require.NoError(h.t, err)
	code, err := staffstore.CodeAt(e.TOTPSecret, h.parts.clock.Now())
	require.NoError(h.t, err)
	c := h.env.Client()
	c.Get("/staff/login").Submit("main form", map[string]string{"login": e.Login, "password": e.Password, "code": code}).
		WantAt("/staff/password/initial")
	return c
}

// production are the batches and the regular cases at each stage.
func (h *house) production() []visit {
	h.t.Helper()
	ctx := h.t.Context()
	works := stage.On(h.t, h.env.DB, h.env.Vault, h.parts.clock, h.parts.sign)
	var list []visit
	people := 910
	apply := func(findings ...string) stage.Applicant {
		people++
		return works.Apply("孙浩然", storetest.IDNumber(people), h.branch, demo.Portrait(0), findings...)
	}
	applicant := func(name string, c stage.Applicant) {
		list = append(list, visit{"regular case, " + name, "/cards/" + c.ID.String(), h.env.Person(c.Person, c.Name), http.StatusOK, nil})
	}
	factory := func(name, path string) {
		list = append(list, visit{name, path, h.client("factory"), http.StatusOK, nil})
	}

	applicant("photo looked at", apply("dark"))
	drawable := works.Process.Missing
	works.Process.Missing = func(name string) []rune { return []rune(name) }
	applicant("name looked at", apply())
	works.Process.Missing = drawable
	printed := apply()
	first := works.Freeze()
	works.Render(first)
	_, err := works.Batches.ReportPrinted(ctx, first, h.factory)
	require.NoError(h.t, err)
	factory("GET /factory/batches/{id}/shipped", "/factory/batches/"+first.String()+"/shipped")
	applicant("printed", printed)
	refused, rendered := apply(), apply()
	second := works.Freeze()
	works.Render(second, 1)
	factory("GET /factory/batches/{id}/printed", "/factory/batches/"+second.String()+"/printed")
	factory("batch with files", "/factory/batches/"+second.String())
	applicant("taken out of its batch", refused)
	applicant("in production", rendered)
	apply()
	shipped := works.Freeze()
	works.Render(shipped)
	works.Ship(shipped, h.factory)
	list = append(list, visit{
		"GET /branch/parcels/{id}/confirm", "/branch/parcels/" + works.Parcel(shipped, h.branch).String() + "/confirm", h.client("clerk"), http.StatusOK, nil,
	})
	frozen := apply()
	factory("batch without files", "/factory/batches/"+works.Freeze().String())
	applicant("frozen", frozen)
	waiting := apply()
	applicant("waiting for a batch", waiting)
	phone := "/cards/" + waiting.ID.String() + "/phone"
	moving := h.env.Person(waiting.Person, waiting.Name)
	moving.Get(phone).Submit("main form", map[string]string{"phone": "13800138003"}).WantAt(phone + "/code")
	list = append(list, visit{"GET /cards/{id}/phone/code", phone + "/code", moving, http.StatusOK, nil})
	return append(list, h.choosing(works.Photos)...)
}

// choosing are the wizard's pages of the regular edition, without a photo and with one.
func (h *house) choosing(photos photostore.Photos) []visit {
	h.t.Helper()
	ctx := h.t.Context()
	drafts := cardstore.Drafts{Store: h.parts.cards}
	d := card.Draft{
		Edition: card.Regular, Identity: card.Social, NoticeVersion: card.NoticeVersion, Phone: "13800000000",
		PhoneVerifiedAt: h.parts.clock.Now(), UnitName: "光谷社区", DivisionCode: "420106", Address: "一号", BranchID: h.branch,
	}
	name := strings.Repeat("阿卜杜热合曼·", 6) + "买买提"
	begun, done := h.rows.Person(name, storetest.IDNumber(905)), h.rows.Person(name, storetest.IDNumber(906))
	_, err := drafts.Save(ctx, begun, d, 0)
	require.NoError(h.t, err)
	portrait := demo.Portrait(1)
	d.PhotoID, err = photos.Add(ctx, done, photostore.New{JPEG: portrait, SHA256: sha256.Sum256(portrait), Verdict: "clear"})
	require.NoError(h.t, err)
	d.Face = stage.Face
	_, err = drafts.Save(ctx, done, d, 0)
	require.NoError(h.t, err)
	one := h.env.Person(done, name)
	return []visit{
		{"no photo yet", "/apply/photo", h.env.Person(begun, name), http.StatusOK, nil},
		{"GET /apply/photo", "/apply/photo", one, http.StatusOK, nil},
		{"GET /apply/face", "/apply/face", one, http.StatusOK, nil},
		{"preview of a regular card", "/apply/preview", one, http.StatusOK, nil},
		{"account of a long name", "/account", one, http.StatusOK, nil},
	}
}

// retake gives the reviewer the case again.
func (h *house) retake() {
	h.t.Helper()
	photos := photostore.Photos{DB: h.env.DB, Vault: h.env.Vault, Clock: h.parts.clock}
	taken, err := photostore.Reviews{Photos: photos}.Take(h.t.Context(), h.reviewer)
	require.NoError(h.t, err)
	require.Equal(h.t, h.doubtful, taken)
}

// minorNow is the ID number of somebody who needs a guardian today.
func minorNow(today time.Time) string {
	body := "420199" + today.AddDate(-16, 0, 0).Format("20060102") + "001"
	sum := 0
	for i, weight := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(body[i]-'0') * weight
	}
	return body + string("10X98765432"[sum%11])
}
