package formfill_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"

	"volcard/api/web/formfill"
)

const page = `<!doctype html>
<p>1 < 2 &amp; "quotes"</p>
<form method="post">
  <input name="name" value="old"><input type="tel" name="phone">
  <input type="hidden" name="version" value="7">
  <input type="password" name="password" value=""><input name="code" autocomplete="one-time-code" value="">
  <input type="checkbox" name="consent" value="a" checked><input type="checkbox" name="consent" value="b">
  <input type="radio" name="sex" value="f"><input type="radio" name="sex" value="m" checked>
  <select name="city"><option value="1" selected>one</option><option value="2">two</option></select>
  <textarea name="note">before</textarea><textarea name="other">stays</textarea>
  <input name="untouched" value="stays">
</form>
<form method="post" action="/elsewhere"><input name="name" value="old"></form>
<form method="get"><input name="name" value="old"></form>
<script nonce="x">if (1 < 2) { "<input name=name>" }</script>
`

func TestFill(t *testing.T) {
	t.Parallel()
	typed := url.Values{
		"name": {`王"𠮷"<b>`}, "phone": {""}, "version": {"3"}, "password": {"secret"}, "code": {"123456"},
		"consent": {"b"}, "sex": {"f"}, "city": {"2"}, "note": {"\n</textarea><script>"}, "unknown": {"x"},
	}
	filled := string(formfill.Fill([]byte(page), "/here", "/here", typed))
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(filled))
	require.NoError(t, err)
	value := func(selector string) string { return doc.Find(selector).First().AttrOr("value", "none") }
	require.Equal(t, `王"𠮷"<b>`, value(`input[name="name"]`))
	require.Empty(t, value(`input[name="phone"]`))
	require.Equal(t, "7", value(`input[name="version"]`), "hidden fields are the page's")
	require.Empty(t, value(`input[name="password"]`))
	require.Empty(t, value(`input[name="code"]`))
	require.Equal(t, "b", value(`input[name="consent"][checked]`))
	require.Equal(t, 1, doc.Find(`input[name="consent"][checked]`).Length())
	require.Equal(t, "f", value(`input[name="sex"][checked]`))
	require.Equal(t, 1, doc.Find(`input[name="sex"][checked]`).Length())
	require.Equal(t, "2", value(`option[selected]`))
	require.Equal(t, "\n</textarea><script>", doc.Find(`textarea[name="note"]`).Text())
	require.Equal(t, "stays", doc.Find(`textarea[name="other"]`).Text())
	require.Equal(t, "stays", value(`input[name="untouched"]`))
	require.Equal(t, "old", value(`form[action] input`), "another form")
	require.Equal(t, "old", value(`form[method="get"] input`))
	require.Equal(t, 1, doc.Find("script").Length())
	require.NotContains(t, filled, "secret")
}

func TestEverythingElseStays(t *testing.T) {
	t.Parallel()
	require.Equal(t, page, string(formfill.Fill([]byte(page), "/here", "/there", url.Values{"name": {"x"}})))
}

// Whatever was typed is one value of one field, and the page's other text is the same.
func FuzzFill(f *testing.F) {
	for _, text := range []string{"", `"`, "<", "&quot;", "\x00", "\r\n", "</select>", "'", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const before, after = `<form method=post><input name=a value="x"><textarea name=b></textarea>`, `<p id=end>end</p></form>`
		filled := formfill.Fill([]byte(before+after), "/", "/", url.Values{"a": {text}, "b": {text}})
		require.True(t, strings.HasSuffix(string(filled), after))
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(string(filled)))
		require.NoError(t, err)
		require.Equal(t, 1, doc.Find("#end").Length())
		require.Equal(t, 1, doc.Find("input").Length())
		require.Equal(t, 4, doc.Find("form *").Length()+1)
	})
}
