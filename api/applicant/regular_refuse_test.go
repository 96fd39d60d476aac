package applicant_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/photo"
	"volcard/internal/photo/phototest"
	"volcard/internal/store/cardstore"
)

// bomb is a good JPEG that claims 30,000 × 30,000 pixels.
func bomb(t *testing.T) []byte {
	t.Helper()
	raw := bytes.Clone(phototest.Good())
	at := bytes.Index(raw, []byte("\xff\xc0\x00\x11"))
	require.Positive(t, at)
	binary.BigEndian.PutUint16(raw[at+5:], 30000)
	binary.BigEndian.PutUint16(raw[at+7:], 30000)
	return raw
}

// Every photo that cannot be taken is answered beside its field, with how to mend it, and nothing that was
// there before is lost.
func TestPhotosThatAreRefused(t *testing.T) { // one draft for all
	r := open(t)
	p := r.person("王𠮷", adultID)
	before := p.regular()
	good := phototest.Good()
	for name, c := range map[string]struct {
		file    []byte
		changes map[string]string
		reason  photo.Code
	}{
		"0 bytes":                {nil, nil, photo.Empty},
		"text named .jpg":        {[]byte("这不是照片"), nil, photo.NotAPicture},
		"truncated":              {good[:len(good)/2], nil, photo.Damaged},
		"a bomb":                 {bomb(t), nil, photo.TooManyPixels},
		"over 12 MB":             {append(bytes.Clone(good), make([]byte, 13<<20)...), nil, photo.TooManyBytes},
		"two people":             {phototest.Refused(), nil, photo.SeveralFaces},
		"crop outside":           {good, map[string]string{"x": "700", "y": "10", "w": "250", "h": "350"}, photo.CropOutside},
		"crop that is no number": {good, map[string]string{"x": "NaN", "y": "0", "w": "250", "h": "350"}, photo.CropOutside},
		"crop of words":          {good, map[string]string{"w": "viel"}, photo.CropOutside},
		"a turn by 45 degrees":   {good, map[string]string{"rotate": "45"}, photo.CropOutside},
		"a turn of words":        {good, map[string]string{"rotate": "left"}, photo.CropOutside},
		"too small a part":       {good, map[string]string{"x": "300", "y": "200", "w": "50", "h": "70"}, photo.TooSmall},
	} {
		t.Run(name, func(t *testing.T) {
			r.Clock.Advance(10 * time.Second) // a person needs a moment, too
			page := p.upload(p.Get("/apply/photo?new=1").Want(200), "photo.jpg", c.file, c.changes).Want(422)
			reason := photo.Finding{Code: c.reason}
			fix := reason.FixWithoutTools()
			if c.changes["w"] != "" {
				fix = reason.Fix() // cropped on the page, which has buttons for it
			}
			page.WantError("photo", reason.Text()).WantError("photo", fix).Has("#f-photo[aria-invalid=true]").Has(uploadForm)
			page.Has(".portrait img") // the photo from before
			now, _, err := r.drafts.Load(t.Context(), p.id)
			require.NoError(t, err)
			require.Equal(t, before, now)
		})
	}
	r.Clock.Advance(time.Minute)
	// No file at all, no form at all, a form that breaks off.
	page := p.upload(p.Get("/apply/photo?new=1"), "", nil, nil).Want(422).WantError("photo", "请先选择或拍摄一张照片")
	page.Has(uploadForm)
	p.Post("/apply/photo/upload", url.Values{"version": {"1"}}).Want(422)
	contentType, body := multipartBody(t, nil, "photo.jpg", good)
	p.Do(http.MethodPost, "/apply/photo/upload", contentType, bytes.NewReader(body[:len(body)/2])).Want(422).WantText(".sentence", "没有传完")
	many := map[string]string{}
	for i := range 40 {
		many[strings.Repeat("a", i+1)] = "1"
	}
	contentType, body = multipartBody(t, many, "photo.jpg", good)
	p.Do(http.MethodPost, "/apply/photo/upload", contentType, bytes.NewReader(body)).Want(422)
	require.Equal(t, 1, r.count("SELECT count(*) FROM photo"))
}

// One person's uploads are counted whether the gate takes them or not: two pictures are decoded at a time,
// and everybody else waits behind them.
func TestRefusedUploadsAreCounted(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	before := p.regular()
	for range 10 {
		p.upload(p.Get("/apply/photo?new=1").Want(200), "photo.jpg", []byte("这不是照片"), nil).Want(422)
	}
	page := p.upload(p.Get("/apply/photo?new=1").Want(200), "photo.jpg", phototest.Good(), nil).Want(429)
	page.WantError("photo", "上传照片太频繁").Has(".portrait img").Has(uploadForm)
	now, _, err := r.drafts.Load(t.Context(), p.id)
	require.NoError(t, err)
	require.Equal(t, before, now)
	require.Equal(t, 1, r.count("SELECT count(*) FROM photo"))

	other := r.person("李𬱟", otherID)
	other.regular()
	other.upload(other.Get("/apply/photo?new=1").Want(200), "photo.jpg", phototest.Good(), nil).WantAt("/apply/photo")
}

// Other routes take no such bodies, and this one takes no more than it must.
func TestLargeBodiesAreForPhotosOnly(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.regular()
	contentType, body := multipartBody(t, nil, "photo.jpg", make([]byte, 25<<20))
	p.Do(http.MethodPost, "/apply/photo/upload", contentType, bytes.NewReader(body)).Want(413)
	p.Post("/apply/photo", url.Values{"x": {strings.Repeat("a", 1<<20)}}).Want(413)
}

// A doubtful photo is taken, and the page says that a person looks at it.
func TestDoubtfulPhoto(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.regular(func(d *card.Draft) { d.PhotoID = uuid.Nil })
	page := p.upload(p.Get("/apply/photo"), "me.jpg", phototest.Doubtful(), nil).WantAt("/apply/photo")
	page.WantText(".doubts", "工作人员").Has("[data-doubt=blurred]").Lacks(".error-text[data-wrong]")
	page = page.Submit(form("photo"), nil).WantAt("/apply/preview").WantText(".expect", "人工审核")
	page.Submit(submitForm, nil).Want(200).WantText("h1", "照片审核中").Lacks("[data-card-qr]").Has("img[src*='design.jpg']")
}

// Of two uploads at once, as of two tabs, the draft's version decides: one is kept, the other is told so.
func TestUploadsRace(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.regular(func(d *card.Draft) { d.PhotoID = uuid.Nil })
	page := p.Get("/apply/photo")
	still := person{p.Still(), p.id, r}
	answers := make([]*webtest.Page, 2)
	var wait sync.WaitGroup
	for i := range answers {
		wait.Go(func() { answers[i] = still.upload(page, "me.jpg", phototest.Good(), nil) })
	}
	wait.Wait()
	codes := []int{answers[0].Response.StatusCode, answers[1].Response.StatusCode}
	require.ElementsMatch(t, []int{303, 409}, codes)
	for _, answer := range answers {
		if answer.Response.StatusCode == http.StatusConflict {
			answer.WantText(".form-error", "另一个页面").Has(".portrait img")
		}
	}
	// The edition of the draft was changed in another tab: there is no such step any more.
	page = p.Get("/apply/photo?new=1")
	p.draft()
	p.upload(page, "me.jpg", phototest.Good(), nil).Want(200)
	p.Get("/apply/photo").WantAt("/apply/preview")
	p.Get("/apply/face").WantAt("/apply/preview")
}

// A photo is its owner's: to anybody else its id is one that does not exist.
func TestPhotosOfSomebodyElse(t *testing.T) {
	t.Parallel()
	r := open(t)
	p, stranger := r.person("王𠮷", adultID), r.person("李𬱟", otherID)
	p.regular()
	mine := p.Get("/apply/preview").Submit(submitForm, nil).Want(200)
	theirs := stranger.kept("clear")
	id := p.caseID().String()

	p.Get("/photos/" + theirs.String()).Want(404)
	p.Get("/photos/1").Want(404)
	p.Get("/photos/" + newID().String()).Want(404)
	for _, path := range []string{"", "/photo", "/face"} {
		if path != "/photo" {
			p.Get("/cards/" + id + "/design" + path + "?photo=" + theirs.String()).Want(404)
			p.Get("/cards/" + id + "/design" + path + "?photo=x").Want(404)
		}
		stranger.Get("/cards/" + id + "/design" + path).Want(404)
	}
	p.Get("/cards/" + id + "/design.jpg?photo=" + theirs.String()).Want(404)
	p.Post("/cards/"+id+"/design", url.Values{"photo": {theirs.String()}, "face": {"donghu"}, "hash": {strings.Repeat("0", 64)}}).Want(404)
	for _, path := range []string{"/design", "/design/photo", "/phone", "/phone/code", "/phone/resend"} {
		stranger.Post("/cards/"+id+path, url.Values{}).Want(404)
	}
	for _, path := range []string{"/design.jpg", "/phone", "/phone/code"} {
		stranger.Get("/cards/" + id + path).Want(404)
	}
	// In a draft, by hand: it is none of this person's photos.
	stranger.regular(func(d *card.Draft) { d.PhotoID = *r.caseOf(p).PhotoID })
	stranger.Get("/apply").WantAt("/apply/photo").Lacks(".portrait")
	stranger.Get("/apply/preview").WantText(".blocked", "这张照片已不可用").Lacks(submitForm)
	mine.Has("[data-card-qr]")
}

func (r *room) caseOf(p person) cardstore.Case {
	r.T.Helper()
	cs, _, err := r.cases.Get(r.T.Context(), p.id, p.caseID())
	require.NoError(r.T, err)
	return cs
}

// What is submitted is what the preview showed.
func TestRegularPreviewMustBeTheNewest(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.regular()
	preview := p.Get("/apply/preview").Want(200)

	p.regular(func(d *card.Draft) { d.Face = "donghu" })
	page := preview.Submit(submitForm, nil).Want(409).WantText(".form-error", "请核对最新的预览").WantText("dl.check-list", "东湖")
	page.Submit(submitForm, map[string]string{"content": ""}).Want(422)
	page.Submit(submitForm, map[string]string{"content": strings.Repeat("0", 64)}).Want(409).WantText("dl.check-list", "东湖")

	// The face is withdrawn between the choice and the submission.
	page = p.Get("/apply/preview")
	r.designs.withdrawn.Store("donghu", true)
	page.Submit(submitForm, nil).Want(422).WantText(".blocked", "所选卡面已经停用").Has(".blocked a[href='/apply/face']")
	p.Get("/apply/face").Want(200).WantError("face", "已经停用").Submit(form("face"), map[string]string{"face": "huanghelou"}).WantAt("/apply/preview")
	p.Get("/apply/face").Submit(form("face"), map[string]string{"face": "../general"}).Want(422).WantError("face", "没有这种卡面")
	p.Get("/apply/preview.jpg?face=nothing").Want(404)
	require.Zero(t, r.count("SELECT count(*) FROM application"))
}

// waiting is the page of a submitted regular case.
func (p person) waiting() *webtest.Page {
	p.room.T.Helper()
	p.regular()
	return p.Get("/apply/preview").Want(200).Submit(submitForm, nil).Want(200)
}

const confirmForm = "form[action$='/design'][method=post]"

func TestChangeOfDesign(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	page := p.waiting()
	first := r.caseOf(p)

	design := page.Click("a[href$='/design']").Want(200).Lacks(confirmForm).WantText("main", "还没有改动").WantText("main", "送达日期不变")
	gallery := design.Click("a[href*='/design/face']").Want(200)
	confirm := gallery.Submit("form[action$='/design']", map[string]string{"face": "donghu"}).Want(200).Has(confirmForm).WantText("main", "12月14日")
	require.Equal(t, first.Face, r.caseOf(p).Face, "nothing is changed before it is confirmed")

	upload := confirm.Click("a[href*='/design/photo']").Want(200)
	p.upload(upload, "me.jpg", phototest.Refused(), nil).Want(422).WantError("photo", photo.Finding{Code: photo.SeveralFaces}.Text())
	confirm = p.upload(upload, "me.jpg", phototest.Good(), nil).Want(200).WantText(".check-list", "东湖").Has(confirmForm)
	confirm.Submit(confirmForm, map[string]string{"hash": ""}).Want(422).WantText(".form-error", "请先核对").Has(confirmForm)
	confirm.Submit(confirmForm, map[string]string{"hash": strings.Repeat("0", 64)}).Want(409).WantText(".form-error", "请核对最新的预览").Has(confirmForm)
	require.Equal(t, first.Face, r.caseOf(p).Face)
	done := confirm.Submit(confirmForm, nil).Want(200).WantText(".flash-ok", "已按您确认的卡面更新").Has("[data-action=change-design]")
	confirm.Submit(confirmForm, nil).Want(200) // a double click

	now := r.caseOf(p)
	require.Equal(t, "donghu", now.Face)
	require.NotEqual(t, first.PhotoID, now.PhotoID)
	require.Equal(t, first.PromisedUntil, now.PromisedUntil)
	require.Equal(t, first.CardNumber, now.CardNumber)
	require.Equal(t, 1, done.Find("[data-action=change-design]").Length())

	// A face that was withdrawn stays with who has it, and is given to nobody else.
	r.designs.withdrawn.Store("donghu", true)
	r.designs.withdrawn.Store("changjiang", true)
	p.Get("/cards/" + now.ID.String() + "/design").Want(200).Lacks(".form-error")
	p.Get("/cards/"+now.ID.String()+"/design?face=changjiang").WantText(".form-error", "已经停用").Lacks(confirmForm)
	p.Get("/cards/"+now.ID.String()+"/design?face=nothing").WantText(".form-error", "已经停用").Lacks(confirmForm)
	confirm.Submit(confirmForm, map[string]string{"face": "changjiang"}).Want(409).WantText("main", "已经停用")
}

// After the freeze nothing can be changed: each page says why, and what can be done.
func TestNothingChangesAfterTheFreeze(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	path := p.waiting().Path()
	confirm := p.Get(path + "/design?face=donghu").Want(200)
	upload := p.Get(path + "/design/photo").Want(200)
	before := r.caseOf(p)
	r.exec("UPDATE application SET state = 'producing'")

	for _, page := range []string{"/design", "/design/photo", "/design/face", "/phone", "/branch", "/withdraw"} {
		p.Get(path+page).Want(409).WantText("h1", "现在不能修改").WantText("main", "可以怎么办")
	}
	confirm.Submit(confirmForm, nil).Want(409).WantText("main", "已进入制卡批次")
	p.upload(upload, "me.jpg", phototest.Good(), nil).Want(409)
	p.Post(path+"/phone", url.Values{"phone": {"13912345678"}}).Want(409)
	p.Post(path+"/branch", url.Values{"branch_id": {r.rows.Branch("乙网点").String()}}).Want(409)
	p.Post(path+"/withdraw", nil).Want(409)
	p.Get(path).Want(200).WantText("main", "不能再修改").Lacks("a[href$='/phone']").Lacks("a[href$='/withdraw']").Lacks("a[href$='/branch']")
	after := r.caseOf(p)
	require.Equal(t, before.Face, after.Face)
	require.Equal(t, before.BranchID, after.BranchID)
	require.Equal(t, card.Producing, after.State)
	require.Equal(t, 1, r.count("SELECT count(*) FROM photo"))
}

// A photo that was refused is named with its reason; another one is confirmed and reviewed again.
func TestMendingAPhoto(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	p.regular(func(d *card.Draft) { d.PhotoID = p.kept("doubtful", "dark") })
	page := p.Get("/apply/preview").Submit(submitForm, nil).Want(200).WantText("h1", "照片审核中")
	cs := r.caseOf(p)
	reviewer := r.rows.Staff("赵审核", "reviewer")
	r.exec("UPDATE application SET reviewer_id = $1, review_until = $2", reviewer, r.Clock.Now().AddDate(0, 0, 1))
	_, err := cardstore.RegularProcess{Process: r.process.Process}.DecidePhoto(context.Background(), cardstore.PhotoDecision{
		ApplicationID: cs.ID, StaffID: reviewer, PhotoID: *cs.PhotoID, Reason: "脸部太暗 <b>",
	})
	require.NoError(t, err)

	page = p.Get(page.Path()).WantText("h1", "等您修改确认").WantText(".reason", "脸部太暗 <b>").WantText(".timeline", "脸部太暗 <b>").Lacks("[data-promise]")
	design := page.Click(".actions a[href$='/design']").Want(200).WantText(".blocked", "脸部太暗 <b>").WantText(".form-error", "没有通过审核").Lacks(confirmForm)
	confirm := p.upload(design.Click("a[href*='/design/photo']"), "me.jpg", phototest.Good(), nil).Want(200)
	confirm.WantText("main", "从您确认那天起算").Submit(confirmForm, nil).Want(200).WantText("h1", "照片审核中").Has("[data-promise]")
}

func TestChangeOfPhoneAndBranch(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	page := p.waiting()
	path := page.Path()

	ask := page.Click("a[href$='/phone']").Want(200).WantText("main", "送达日期都不受影响")
	ask.Submit("main form", map[string]string{"phone": "123"}).Want(422).WantError("phone", "11 位")
	p.Get(path + "/phone/code").WantAt(path + "/phone") // nothing was sent yet
	code := ask.Submit("main form", map[string]string{"phone": phoneTwo}).WantAt(path + "/phone/code")
	sent := messages(t, r.Env)[0]
	require.Equal(t, phoneTwo, sent.Phone)
	wrong := "000000"
	if sent.Code == wrong {
		wrong = "000001"
	}
	code.Submit("form[action$='/phone/code']", map[string]string{"code": wrong}).Want(422).WantError("code", "不正确")
	code.Submit("form[action$='/phone/resend']", nil).Want(429).WantText(".form-error", "频繁")
	code.Submit("form[action$='/phone/code']", map[string]string{"code": sent.Code}).WantAt(path).WantText(".flash-ok", "139****4321")
	var sealed []byte
	require.NoError(t, r.DB.QueryRow(t.Context(), "SELECT phone FROM application").Scan(&sealed))
	phone, err := r.Vault.UnsealString(sealed, cardstore.LabelPhone)
	require.NoError(t, err)
	require.Equal(t, phoneTwo, phone)

	other := r.rows.Branch("乙网点") // without a single general card
	choice := p.Get(path+"/branch").Want(200).WantText("main", "送达日期不变")
	choice.Submit("form[method=post]", map[string]string{"branch_id": other.String()}).WantAt(path).WantText(".flash-ok", "送达日期不变")
	require.Equal(t, other, r.caseOf(p).BranchID)
	require.Equal(t, card.Waiting, p.state())

	// One that was not collected waits where it lies.
	r.exec("UPDATE application SET state = 'lapsed', ready_at = $1, pickup_until = $1", r.Clock.Now())
	again := p.Get(path+"/branch").Want(200).WantText("h1", "重新预约领取").Lacks("#branches")
	again.Submit("form[action$='/branch']", map[string]string{"branch_id": r.branch.String()}).Want(409).WantError("branch_id", "只能在该网点领取")
	again.Submit("form[action$='/branch']", nil).WantAt(path).WantText(".flash-ok", "已重新预约")
	require.Equal(t, card.Ready, p.state())
}
