package applicant_test

import (
	"bytes"
	"crypto/sha256"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/consent"
	"volcard/internal/photo/demo"
	"volcard/internal/photo/phototest"
	"volcard/internal/store/photostore"
)

// multipartBody is a form with a file, as a browser sends it.
func multipartBody(t testing.TB, fields map[string]string, name string, file []byte) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for key, value := range fields {
		require.NoError(t, w.WriteField(key, value))
	}
	part, err := w.CreateFormFile("photo", name)
	require.NoError(t, err)
	_, err = part.Write(file)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return w.FormDataContentType(), b.Bytes()
}

const uploadForm = "form[data-photo]"

// upload sends the page's upload form with a file.
func (p person) upload(page *webtest.Page, name string, file []byte, changes map[string]string) *webtest.Page {
	p.room.T.Helper()
	form := page.Find(uploadForm)
	require.Equal(p.room.T, 1, form.Length(), page.Path())
	fields := map[string]string{}
	for key, values := range webtest.FormValues(form) {
		if key != "photo" {
			fields[key] = values[0]
		}
	}
	for key, value := range changes {
		fields[key] = value
	}
	contentType, body := multipartBody(p.room.T, fields, name, file)
	return p.Do(http.MethodPost, form.AttrOr("action", ""), contentType, bytes.NewReader(body))
}

// kept stores a photo of the person as the gate would.
func (p person) kept(verdict string, findings ...string) uuid.UUID {
	p.room.T.Helper()
	jpeg := demo.Portrait(len(p.id) % 2)
	id, err := p.room.photos.Add(p.room.T.Context(), p.id, photostore.New{JPEG: jpeg, SHA256: sha256.Sum256(jpeg), Verdict: verdict, Findings: findings})
	require.NoError(p.room.T, err)
	return id
}

// regular makes the draft one of the regular edition.
func (p person) regular(change ...func(*card.Draft)) card.Draft {
	p.room.T.Helper()
	return p.draft(append([]func(*card.Draft){func(d *card.Draft) {
		d.Edition, d.PhotoID, d.Face = card.Regular, p.kept("clear"), "huanghelou"
	}}, change...)...)
}

func TestRegularWalk(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("阿卜杜热合曼·买买提", adultID)
	p.draft(func(d *card.Draft) { *d = card.Draft{} })

	page := p.Get("/apply").WantAt("/apply/edition")
	page.WantText(".promise", "预计 12月7日（周一）至 12月14日（周一）送达网点")
	page = page.Submit(form("edition"), map[string]string{"edition": "regular"}).WantAt("/apply/identity").WantText(".where summary", "第 2 步，共 9 步")
	page = page.Submit(form("identity"), map[string]string{"identity": "student"}).WantAt("/apply/photo").Has(".bar a.back[href='/apply/identity']")
	page.Submit(uploadForm, nil).Want(422) // a form without the file
	page = p.upload(page, "me.jpg", phototest.Good(), nil).WantAt("/apply/photo").Has(".portrait img").Lacks(uploadForm)
	src, _ := page.Find(".portrait img").Attr("src")
	image := p.Get(src).Want(200)
	require.Equal(t, "image/jpeg", image.Response.Header.Get("Content-Type"))
	require.Equal(t, "no-store", image.Response.Header.Get("Cache-Control"))
	require.Equal(t, "nosniff", image.Response.Header.Get("X-Content-Type-Options"))
	require.Contains(t, image.Response.Header.Get("Content-Security-Policy"), "sandbox")

	page = page.Submit(form("photo"), nil).WantAt("/apply/face")
	require.GreaterOrEqual(t, page.Find("[data-face]").Length(), 4)
	picture, _ := page.Find("[data-face=donghu] img").Attr("src")
	require.Equal(t, "image/jpeg", p.Get(picture).Want(200).Response.Header.Get("Content-Type"))
	page = page.Submit(form("face"), nil).Want(422).WantError("face", "请选择卡面")
	page = page.Submit(form("face"), map[string]string{"face": "donghu"}).WantAt("/apply/notice").WantText(".notice-text", "10–15 个工作日")
	page.Submit(form("notice"), map[string]string{"notice": card.NoticeVersion}).WantAt("/apply/phone")
	p.draft(func(d *card.Draft) {
		saved, _, err := r.drafts.Load(t.Context(), p.id)
		require.NoError(t, err)
		d.Edition, d.PhotoID, d.Face = saved.Edition, saved.PhotoID, saved.Face
	})
	page = p.Get("/apply").WantAt("/apply/preview").WantText("[data-promise]", "预计 12月7日（周一）至 12月14日（周一）送达网点")
	require.Equal(t, 2, page.Find(".faces img").Length())
	page = page.Submit(submitForm, nil).Want(200)
	page.WantText("h1", "等待制卡").WantText("[data-promise]", "12月14日").Has("[data-card-qr]").Has("a[href$='/design']").Has("a[href$='/phone']")
	require.Zero(t, r.count("SELECT count(*) FROM stock_card WHERE state = 'reserved'"))
	for _, path := range []string{"card.jpg", "card.pdf", "card.svg", "design.jpg"} {
		p.Get("/cards/" + p.caseID().String() + "/" + path).Want(200)
	}
	require.NotContains(t, strings.ToLower(string(page.Body)), "13800000000")
}

func TestRegularPagesAreAccessible(t *testing.T) {
	r := open(t)
	b := webtest.NewBrowser(t)
	p := r.person("阿卜杜热合曼·买买提", adultID)
	show := func(name, path string) {
		b.Shots(p.Client, path, name)
		webtest.Axe(t, b, p.Client, path)
	}
	show("regular-edition", "/apply/edition")
	p.regular(func(d *card.Draft) { d.PhotoID, d.Face = uuid.Nil, "" })
	show("regular-photo-empty", "/apply/photo")
	p.regular(func(d *card.Draft) { d.PhotoID, d.Face = p.kept("doubtful", "dark", "busy_background"), "" })
	show("regular-photo-doubtful", "/apply/photo")
	show("regular-face", "/apply/face")
	show("regular-notice", "/apply/notice")
	p.regular()
	show("regular-branch", "/apply/branch")
	show("regular-photo", "/apply/photo")
	show("regular-preview", "/apply/preview")
	page := p.Get("/apply/preview").Submit(submitForm, nil).Want(200)
	show("regular-card", page.Path())
	show("regular-design", page.Path()+"/design")
	show("regular-design-photo", page.Path()+"/design/photo")
	show("regular-design-face", page.Path()+"/design/face")
	show("regular-design-confirm", page.Path()+"/design?face=donghu")
	show("regular-branch-change", page.Path()+"/branch")
	show("regular-phone", page.Path()+"/phone")
	show("regular-withdraw", page.Path()+"/withdraw")
	show("regular-cards", "/cards")
	r.exec("UPDATE application SET state = 'mending', mend_from = $1, mend_until = $2", r.Clock.Now(), r.Clock.Now().AddDate(0, 0, 21))
	show("regular-mending", page.Path())
	show("regular-mending-design", page.Path()+"/design")
	r.exec("UPDATE application SET state = 'producing'")
	show("regular-producing", page.Path())
	show("regular-frozen", page.Path()+"/design")
}

// A photo is sensitive data, and the factory receives it: each is asked for by itself, the first before a
// photo is taken, and neither where the card is a general one.
func TestRegularConsents(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	r.exec("UPDATE consent SET withdrawn_at = $1 WHERE purpose IN ('photo', 'factory')", r.Clock.Now())
	p.draft(func(d *card.Draft) { d.NoticeVersion = "" })
	p.Get("/apply/notice").Want(200).Lacks("[data-consent=photo]").Lacks("[data-consent=factory]")

	p.regular(func(d *card.Draft) { d.PhotoID, d.NoticeVersion = uuid.Nil, "" })
	before := r.count("SELECT count(*) FROM photo")
	page := p.Get("/apply/photo").Want(200).WantText("[data-consent=photo]", "单独同意处理我的照片")
	page.WantText(".photo-rules", "照片审核员、制卡厂和为您发卡的网点")
	page = p.upload(page, "me.jpg", phototest.Good(), nil).Want(422).WantError("consent", "需要您单独同意这一项")
	page.Has("#f-consent[aria-invalid=true][aria-describedby=f-consent-error]")
	require.Equal(t, before, r.count("SELECT count(*) FROM photo"), "nothing is kept without it")

	item, _ := consent.Lookup(consent.Photo)
	page = p.upload(page, "me.jpg", phototest.Good(), map[string]string{"consent": "photo@2020-01"}).Want(422).Has("#f-consent:not([checked])")
	p.upload(page, "me.jpg", phototest.Good(), map[string]string{"consent": item.Key()}).WantAt("/apply/photo").Has(".portrait img")
	require.Equal(t, 1, r.count("SELECT count(*) FROM consent WHERE purpose = 'photo' AND withdrawn_at IS NULL AND version = $1 AND recipient = $2", item.Version, item.Recipient))
	p.Get("/apply/photo?new=1").Has(uploadForm).Lacks("#f-consent")

	page = p.Get("/apply/notice").Want(200).Has("[data-consent=photo].given").Has("[data-consent=factory] input:not([checked])")
	page = page.Submit(form("notice"), map[string]string{"notice": card.NoticeVersion}).Want(422)
	page.WantText("[data-consent=factory]", "需要您单独同意这一项").WantText("[data-consent=factory]", "制卡厂")
	factory, _ := consent.Lookup(consent.Factory)
	page.Submit(form("notice"), map[string]string{"notice": card.NoticeVersion, "consent": factory.Key()}).WantAt("/apply/preview").Lacks(".blocked")
}

// Who takes a new photo for a running case is asked as well where the consent was taken back since.
func TestAnotherPhotoNeedsTheConsent(t *testing.T) {
	t.Parallel()
	r := open(t)
	p := r.person("王𠮷", adultID)
	at := p.waiting().Path()
	r.exec("UPDATE consent SET withdrawn_at = $1 WHERE purpose = 'photo'", r.Clock.Now())
	page := p.Get(at + "/design/photo").Want(200).Has("#f-consent")
	page = p.upload(page, "me.jpg", phototest.Good(), nil).Want(422).WantError("consent", "需要您单独同意这一项")
	item, _ := consent.Lookup(consent.Photo)
	page = p.upload(page, "me.jpg", phototest.Good(), map[string]string{"consent": item.Key()}).Want(200)
	require.True(t, strings.HasPrefix(page.Path(), at+"/design?"), page.Path())
}
