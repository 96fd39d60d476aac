package review_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// T81: a photo that was given back is not handed to the same reviewer at once, and the next one reads why.
func TestReleasedPhotoGoesToAnotherReviewer(t *testing.T) {
	t.Parallel()
	h := setup(t)
	wang, li := h.doubtful("王𠮷", "dark"), h.doubtful("李娜", "dark")
	me, other := h.client(), h.Reviewer(h.other)
	me.Post("/review/next", nil).WantAt(path(wang)).Lacks("#notes").Submit("#release", map[string]string{"remark": "像是翻拍"}).
		WantAt("/review").WantText(".flash", "已退回队列").WantText("#waiting", "2").WantText("#released", "其中 1 份您退回过")
	me.Post("/review/next", nil).WantAt(path(li)).Submit("#release", map[string]string{"remark": "方向不正"}).WantAt("/review").
		WantText("#released", "都是您退回过的").WantText("#next", "再看退回过的")

	page := other.Post("/review/next", nil).WantAt(path(wang)).WantText("#notes", "像是翻拍").WantText("#notes", "林审核，2026年")
	me.Post("/review/next", nil).WantAt(path(li)).WantText("#notes", "方向不正")
	page.Submit("#approve", nil)
	other.Get("/review").WantText("#calm", "没有等您审核的照片").WantText(".start", "其他审核员正在看 1 份").Lacks("#waiting")
}

func TestReleaseWantsANote(t *testing.T) {
	t.Parallel()
	h := setup(t)
	wang := h.doubtful("王𠮷", "dark")
	me := h.client()
	page := me.Post("/review/next", nil).WantAt(path(wang))
	for note, want := range map[string]string{
		"": "写一句", "  ": "写一句", strings.Repeat("长", 61): "最多 60", "王𠮷像是翻拍": "不要写姓名", "请问02712345678": "不要写姓名",
	} {
		got := page.Submit("#release", map[string]string{"remark": note}).Want(http.StatusUnprocessableEntity).WantError("remark", want)
		require.Equal(t, strings.TrimSpace(note), got.Find("#f-remark").AttrOr("value", ""), "what was typed stays")
	}
	require.Equal(t, "0", h.text("SELECT count(*)::text FROM review_release"))
	values := url.Values{"remark": {strings.Repeat("长", 60)}}
	for range 2 { // a double click
		me.Post(path(wang)+"/release", values).WantAt("/review")
	}
	require.Equal(t, "1", h.text("SELECT count(*)::text FROM review_release"))
	me.Post("/review/cases/x/release", values).Want(http.StatusConflict)
}
