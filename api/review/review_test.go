package review_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/review"
	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/photo/demo"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/photostore"
	"volcard/internal/store/storetest"
	"volcard/internal/store/storetest/stage"
	"volcard/workflows"
)

// direct carries decisions out without Temporal. A test says what goes wrong on the way.
type direct struct {
	process cardstore.RegularProcess
	instead error // answered, and nothing is done
	after   error // answered although it is done
	calls   int
}

func (d *direct) DecidePhoto(ctx context.Context, in workflows.PhotoDecision) error {
	return d.do(func() error { _, err := d.process.DecidePhoto(ctx, in); return err })
}

func (d *direct) RetractPhoto(ctx context.Context, in workflows.PhotoRetraction) error {
	return d.do(func() error { _, err := d.process.RetractPhoto(ctx, in); return err })
}

func (d *direct) do(decide func() error) error {
	d.calls++
	if d.instead != nil {
		return d.instead
	}
	if err := decide(); err != nil {
		return err
	}
	return d.after
}

// house is a server with the reviewers' room.
type house struct {
	*webtest.Env
	works     stage.Works
	process   *direct
	me, other uuid.UUID
	branch    uuid.UUID
	n         int
}

func setup(t *testing.T) *house {
	t.Helper()
	env := webtest.New(t)
	w := stage.On(t, env.DB, env.Vault, env.Clock, func(in cardstore.Intent) (string, string, error) { return "TOKEN" + in.Number, "TEST", nil })
	w.Rows.SigningKey("TEST")
	h := &house{
		Env: env, works: w, process: &direct{process: w.Regular},
		me: w.Rows.Staff("林审核", "reviewer"), other: w.Rows.Staff("吴审核", "reviewer"), branch: w.Rows.Branch("光谷支行"),
	}
	review.Routes(env.Router, review.Deps{Kit: env.Kit, Process: h.process, Reviews: photostore.Reviews{Photos: w.Photos}})
	env.Start()
	return h
}

// doubtful is a case whose photo a person has to look at, submitted a minute after the last one.
func (h *house) doubtful(name string, findings ...string) stage.Applicant {
	h.T.Helper()
	h.n++
	h.Clock.Advance(time.Minute)
	return h.works.Apply(name, storetest.IDNumber(h.n), h.branch, demo.Portrait(h.n), findings...)
}

// settled is where a case stands once nothing about it can be taken back.
func (h *house) settled(c stage.Applicant) card.State {
	h.T.Helper()
	h.Clock.Advance(card.RetractWindow)
	snap, err := h.works.Process.Look(context.Background(), c.ID)
	require.NoError(h.T, err)
	return snap.State
}

func (h *house) client() *webtest.Client { return h.Reviewer(h.me) }

func (h *house) text(sql string, args ...any) (text string) {
	h.T.Helper()
	require.NoError(h.T, h.DB.QueryRow(context.Background(), sql, args...).Scan(&text))
	return text
}

func path(c stage.Applicant) string { return "/review/cases/" + c.ID.String() }

func TestReviewerGoesThroughTheQueue(t *testing.T) {
	t.Parallel()
	h := setup(t)
	me := h.client()
	me.Get("/review").Want(http.StatusOK).Has("#calm")
	me.Post("/review/next", nil).WantAt("/review").WantText(".flash", "没有等待审核")
	wang, li := h.doubtful("王𠮷", "dark", "busy_background"), h.doubtful("李娜", "blurred")

	page := me.Get("/review").WantText("#waiting", "2").WantText(".start", "10:01").Submit("#next", nil).WantAt(path(wang))
	page.WantText("h1", "王𠮷").WantText(".sheet", "社会志愿者").WantText("#hints", "照片太暗").WantText("#hints", "背景不干净").Lacks("#before")
	page.Has("img#photo[src*='" + wang.Photo.String() + "']")

	// Refused with two reasons and a note; the next case opens at once.
	values := url.Values{"photo": {wang.Photo.String()}, "reason": {"light", "background"}, "note": {"请把刘海拨开。"}}
	me.Post(path(wang)+"/refuse", values).WantAt(path(li)).WantText(".flash", "已退回")
	require.Equal(t, card.Mending, h.works.State(wang))
	told := h.text("SELECT detail->>'reason' FROM audit_entry WHERE subject_id = $1 AND action = 'refuse-photo'", wang.ID)
	require.Equal(t, "光线太暗或过亮，请面向窗户、避开强光重拍；背景不干净，请站在白墙或纯色的墙前重拍；请把刘海拨开", told)
	// A double click is told as done, and does not skip a case.
	me.Post(path(wang)+"/refuse", values).WantAt(path(li))
	require.Equal(t, "1", h.text("SELECT count(*)::text FROM audit_entry WHERE subject_id = $1 AND action = 'refuse-photo'", wang.ID))

	me.Get(path(li)).Submit("#approve", nil).WantAt("/review").WantText("#retract", "已通过 李*").WantText(".flash", "现在没有等待审核的照片。")
	require.Equal(t, card.Waiting, h.settled(li))
	require.Equal(t, "approved", h.text("SELECT decision FROM photo WHERE id = $1 AND decided_by = $2", li.Photo, h.me))
}

func TestRefusalWantsAReason(t *testing.T) {
	t.Parallel()
	h := setup(t)
	wang := h.doubtful("王𠮷", "dark")
	me := h.client()
	page := me.Post("/review/next", nil).WantAt(path(wang))
	page.Submit("#refuse", nil).Want(http.StatusUnprocessableEntity).WantError("reason", "至少选一个")
	me.Post(path(wang)+"/refuse", url.Values{"photo": {wang.Photo.String()}, "reason": {"conjured"}}).Want(http.StatusUnprocessableEntity).WantError("reason", "至少选一个")
	for note, want := range map[string]string{
		strings.Repeat("长", 61): "最多 60", "王𠮷请重拍": "不要写姓名", "请致电 02712345678": "不要写姓名", "请致电０２７１": "不要写姓名",
	} {
		got := page.Submit("#refuse", map[string]string{"reason": "light", "note": note}).Want(http.StatusUnprocessableEntity).WantError("note", want)
		require.Equal(t, note, got.Find("#f-note").AttrOr("value", ""), "what was typed stays")
		got.Has(`input[value="light"][checked]`)
	}
	me.Post(path(wang)+"/approve", nil).Want(http.StatusUnprocessableEntity).WantError("", "看清照片")
	me.Post(path(wang)+"/approve", url.Values{"photo": {"x"}}).Want(http.StatusUnprocessableEntity)
	require.Equal(t, card.Reviewing, h.works.State(wang))
	require.Zero(t, h.process.calls)
}

func TestEachReviewerHasACaseOfTheirOwn(t *testing.T) {
	t.Parallel()
	h := setup(t)
	wang, li := h.doubtful("王𠮷", "dark"), h.doubtful("李娜", "dark")
	me, other := h.client(), h.Reviewer(h.other)
	me.Post("/review/next", nil).WantAt(path(wang))
	other.Post("/review/next", nil).WantAt(path(li))
	me.Post("/review/next", nil).WantAt(path(wang)) // still the one that is open

	other.Get(path(wang)).Want(http.StatusNotFound).WantText(".sentence", "已不由您审核").Has("#next")
	other.Get(path(wang) + "/photo.jpg").Want(http.StatusNotFound)
	for _, do := range []string{"/approve", "/refuse"} {
		form := url.Values{"photo": {wang.Photo.String()}, "reason": {"light"}}
		other.Post(path(wang)+do, form).Want(http.StatusConflict).WantText(".sentence", "已不由您审核")
		h.process.instead = &fault.Error{Kind: fault.Conflict, Msg: "这项办理已经结束。", Err: workflows.ErrEnded}
		other.Post("/review/cases/"+uuid.Must(uuid.NewV7()).String()+do, form).Want(http.StatusConflict).WantText(".sentence", "已不由您审核")
		h.process.instead = nil
		other.Post("/review/cases/x"+do, form).Want(http.StatusConflict)
	}
	require.Equal(t, card.Reviewing, h.works.State(wang))
	other.Post(path(wang)+"/release", nil).WantAt("/review")
	me.Get(path(wang)).Want(http.StatusOK)
	me.Get(path(wang)).Submit("#release", map[string]string{"remark": "像是翻拍"}).WantAt("/review")
	me.Get(path(wang)).Want(http.StatusNotFound)
	other.Get(path(li)).Submit("#approve", nil).WantAt(path(wang))
}

func TestStaleDecisions(t *testing.T) {
	t.Parallel()
	h := setup(t)
	wang := h.doubtful("王𠮷", "dark")
	me := h.client()
	page := me.Post("/review/next", nil).WantAt(path(wang))

	// Another photo was uploaded while the reviewer looked at the old one.
	newer := h.works.Rows.Photo(wang.Person, "doubtful", demo.Portrait(5))
	_, err := h.DB.Exec(t.Context(), "UPDATE application SET photo_id = $2 WHERE id = $1", wang.ID, newer)
	require.NoError(t, err)
	page = page.Submit("#approve", nil).Want(http.StatusConflict).WantError("", "换了照片")
	page.Has("img#photo[src*='" + newer.String() + "']")

	h.process.instead = &fault.Error{Kind: fault.Unavailable, Msg: "办理系统暂时繁忙，请稍后再试。"}
	busy := page.Submit("#approve", nil).Want(http.StatusServiceUnavailable).WantError("", "再按一次")
	require.NotEmpty(t, busy.Response.Header.Get("Retry-After"))
	h.process.instead = nil

	// The claim runs out: the photo is closed, the decision refused, another reviewer takes the case.
	h.Clock.Advance(16 * time.Minute)
	me = h.client()
	me.Post(path(wang)+"/approve", url.Values{"photo": {newer.String()}}).Want(http.StatusConflict).WantText(".sentence", "超时")
	me.Get(path(wang) + "/photo.jpg").Want(http.StatusNotFound)
	other := h.Reviewer(h.other)
	h.process.after = &fault.Error{Kind: fault.Unavailable, Msg: "办理系统暂时繁忙，请稍后再试。"}
	other.Post("/review/next", nil).WantAt(path(wang)).Submit("#approve", nil).WantAt("/review").WantText("#retract", "已通过") // only the answer was lost
	require.Equal(t, card.Waiting, h.settled(wang))
	me.Post(path(wang)+"/refuse", url.Values{"photo": {newer.String()}, "reason": {"light"}}).Want(http.StatusConflict)
	require.Equal(t, card.Waiting, h.works.State(wang))
}

func TestEarlierRefusalsAreTold(t *testing.T) {
	t.Parallel()
	h := setup(t)
	wang := h.doubtful("王𠮷", "dark")
	me := h.client()
	me.Post("/review/next", nil).WantAt(path(wang)).Submit("#refuse", map[string]string{"reason": "light"}).WantAt("/review")
	// A photo that the rules pass is looked at again after a refusal.
	newer := h.works.Rows.Photo(wang.Person, "clear", demo.Portrait(4))
	_, err := h.works.Regular.ChangeDesign(t.Context(), h.works.Design(wang, newer, stage.Face))
	require.NoError(t, err)
	page := me.Post("/review/next", nil).WantAt(path(wang)).WantText("#before", "此前已退回 1 次").WantText("#hints", "没有提示")
	require.Equal(t, demo.Portrait(4), me.Get(path(wang)+"/photo.jpg").Body)
	page.Submit("#approve", nil).WantAt("/review")
	require.Equal(t, card.Waiting, h.settled(wang))
}

func TestPhotoIsForItsReviewer(t *testing.T) {
	t.Parallel()
	h := setup(t)
	wang := h.doubtful("王𠮷", "dark")
	me := h.client()
	me.Get(path(wang) + "/photo.jpg").Want(http.StatusNotFound) // not taken yet
	me.Post("/review/next", nil).WantAt(path(wang))
	jpeg := me.Get(path(wang) + "/photo.jpg").Want(http.StatusOK)
	require.Equal(t, demo.Portrait(1), jpeg.Body)
	header := jpeg.Response.Header
	require.Equal(t, "image/jpeg", header.Get("Content-Type"))
	require.Equal(t, "no-store", header.Get("Cache-Control"))
	require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
	require.Contains(t, header.Get("Content-Security-Policy"), "sandbox")
	for who, c := range map[string]*webtest.Client{
		"clerk": h.Clerk(h.works.Rows.Clerk("周敏", h.branch), h.branch), "admin": h.Admin(uuid.Must(uuid.NewV7())),
		"factory": h.Factory(uuid.Must(uuid.NewV7())), "person": h.Person(wang.Person, "王𠮷"),
	} {
		for _, p := range []string{"/review", path(wang), path(wang) + "/photo.jpg"} {
			require.Equal(t, http.StatusForbidden, c.Get(p).Response.StatusCode, who+" "+p)
		}
		for _, p := range []string{"/review/next", path(wang) + "/approve", path(wang) + "/refuse", path(wang) + "/release", path(wang) + "/retract"} {
			require.Equal(t, http.StatusForbidden, c.Post(p, url.Values{"photo": {wang.Photo.String()}}).Response.StatusCode, who+" "+p)
		}
	}
	require.Contains(t, h.Client().Still().Get(path(wang)).Location(), "/staff/login")
	require.Equal(t, card.Reviewing, h.works.State(wang))
}

func TestReviewByKeyboard(t *testing.T) {
	h := setup(t)
	wang := h.doubtful("王𠮷", "dark", "busy_background")
	_, err := h.DB.Exec(t.Context(), "UPDATE photo SET findings = '{dark,busy_background,face_cut}' WHERE id = $1", wang.Photo)
	require.NoError(t, err)
	li, sun := h.doubtful("阿卜杜热合曼·买买提明·阿卜杜克里木·吐尔逊·艾合买提·依明·玉素甫·麦麦提", "blurred"), h.doubtful("孙浩然", "dark")
	h.Reviewer(h.other).Post("/review/next", nil).WantAt(path(wang)).Submit("#release", map[string]string{"remark": "右上角像是水印，拿不准"})
	me, b := h.client(), webtest.NewBrowser(t)
	b.Shots(me, "/review", "review-first")
	webtest.Axe(t, b, me, "/review")
	tab := b.Tab(me, "/review", 1280, 900)
	// wait sees the page that has the element, and then what its script makes of it.
	wait := func(selector, expression string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(tab, 20*time.Second)
		defer cancel()
		require.NoError(t, chromedp.Do(ctx, chromedp.WaitReady(chromedp.CSS(selector))), selector)
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](`document.readyState === "complete" && (`+expression+`)`))
		require.NoError(t, err, expression)
	}
	types := func(keys string) {
		t.Helper()
		require.NoError(t, chromedp.Do(tab, chromedp.KeyEvent(keys)))
	}
	opened := func(c stage.Applicant) {
		t.Helper()
		wait(`img[src^="`+path(c)+`/"]`, `document.getElementById("photo").naturalWidth === 295`)
	}

	wait("#waiting", `document.activeElement.textContent === "审核下一张"`)
	types("\r")
	opened(wang)
	shown, err := chromedp.Run(tab, chromedp.Evaluate[float64](`document.getElementById("photo").getBoundingClientRect().height`))
	require.NoError(t, err)
	require.GreaterOrEqual(t, shown, 420.0)
	b.Shots(me, path(wang), "review-case")
	webtest.Axe(t, b, me, path(wang))

	types("r") // without a reason: the sentence stands beside them
	wait("#f-reason-error", `document.activeElement.id === "f-reason-error"`)
	b.Axe(tab)
	types("q")
	wait("#f-remark", `document.activeElement.id === "f-remark"`)
	types("ar") // letters, in the note for the next reviewer
	require.NoError(t, chromedp.Do(tab, chromedp.KeyEvent("\u001b")))
	wait("#f-remark", `document.activeElement.id !== "f-remark" && document.getElementById("f-remark").value === "ar"`)
	types("575") // light on, background on, light off
	types("n")
	wait("#f-note", `document.activeElement.id === "f-note"`)
	types("a1r") // letters, in the note
	require.NoError(t, chromedp.Do(tab, chromedp.KeyEvent("\u001b")))
	wait("#f-note", `document.activeElement.id !== "f-note"`)
	types("r")
	opened(li)
	require.Equal(t, card.Mending, h.works.State(wang))
	require.Equal(t, "背景不干净，请站在白墙或纯色的墙前重拍；a1r",
		h.text("SELECT detail->>'reason' FROM audit_entry WHERE subject_id = $1 AND action = 'refuse-photo'", wang.ID))
	b.Shots(me, path(li), "review-long")
	types("a")
	opened(sun)
	wait("#retract", `document.activeElement.tagName !== "INPUT"`)
	b.Shots(me, path(sun), "review-retract")
	webtest.Axe(t, b, me, path(sun))
	types("z")
	opened(li) // taken back, to be decided again
	wait(".flash", `document.querySelector(".flash").textContent.includes("已撤回") && !document.getElementById("retract")`)
	types("a")
	opened(sun)
	require.Equal(t, card.Waiting, h.settled(li))
	_, err = chromedp.Run(tab, chromedp.Evaluate[bool](
		`(p => { window.right = p.getAttribute("src"); p.src = "/review/no-photo.jpg"; return true; })(document.getElementById("photo"))`))
	require.NoError(t, err)
	wait("#photo", `document.getElementById("photo").complete`)
	types("a") // on a photo that nobody has seen
	wait("#notice p", `document.getElementById("notice").textContent.includes("没有加载出来")`)
	require.Equal(t, card.Reviewing, h.works.State(sun))
	_, err = chromedp.Run(tab, chromedp.Evaluate[bool](`document.getElementById("photo").src = window.right, true`))
	require.NoError(t, err)
	opened(sun)
	wait("#notice", `document.getElementById("notice").textContent === ""`)
	types("a")
	wait("#calm", `true`)
	require.Equal(t, card.Waiting, h.settled(sun))
}
