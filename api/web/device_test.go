package web_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/api/web"
	"volcard/api/web/webtest"
)

// browser keeps the device cookie between requests.
type browser struct {
	d      *web.Devices
	cookie *http.Cookie
}

func (b *browser) request() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/login", nil)
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	return r
}

func (b *browser) remember(kind, account string) {
	w := httptest.NewRecorder()
	b.d.Remember(w, b.request(), kind, account)
	b.cookie = w.Result().Cookies()[0]
}

func (b *browser) known(kind, account string) string { return b.d.Known(b.request(), kind, account) }

func TestDevices(t *testing.T) {
	t.Parallel()
	d := webtest.New(t).Kit.Devices
	one, two := &browser{d: d}, &browser{d: d}
	require.Empty(t, one.known(web.KindPerson, "a"), "no cookie")
	one.remember(web.KindPerson, "a")
	two.remember(web.KindPerson, "a")
	require.NotEmpty(t, one.known(web.KindPerson, "a"))
	require.NotEqual(t, one.known(web.KindPerson, "a"), two.known(web.KindPerson, "a"), "each browser has a count of its own")
	require.Empty(t, one.known(web.KindPerson, "b"))
	require.Empty(t, one.known(web.KindStaff, "a"))
	require.True(t, one.cookie.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, one.cookie.SameSite)

	// A family's phone keeps the newest accounts; the oldest gives way.
	key := one.known(web.KindPerson, "a")
	for i := range 3 {
		one.remember(web.KindPerson, fmt.Sprint(i))
		one.remember(web.KindPerson, fmt.Sprint(i))
	}
	require.Equal(t, key, one.known(web.KindPerson, "a"), "four accounts have room, under one id")
	one.remember(web.KindPerson, "b")
	require.Empty(t, one.known(web.KindPerson, "a"))
	for i := range 3 {
		require.NotEmpty(t, one.known(web.KindPerson, fmt.Sprint(i)))
	}

	// What somebody made up, cut short or put together is no known device, and is replaced at the next login.
	raw, err := base64.RawURLEncoding.DecodeString(one.cookie.Value)
	require.NoError(t, err)
	theirs, err := base64.RawURLEncoding.DecodeString(two.cookie.Value)
	require.NoError(t, err)
	for _, value := range []string{
		"", "x", base64.RawURLEncoding.EncodeToString(raw[:20]), base64.RawURLEncoding.EncodeToString(make([]byte, 80)),
		base64.RawURLEncoding.EncodeToString(make([]byte, 4000)),
		base64.RawURLEncoding.EncodeToString(append(append([]byte{}, raw[:16]...), theirs[16:]...)),
	} {
		b := &browser{d: d, cookie: &http.Cookie{Name: two.cookie.Name, Value: value}}
		require.Empty(t, b.known(web.KindPerson, "a"), value)
		b.remember(web.KindPerson, "a")
		require.NotEmpty(t, b.known(web.KindPerson, "a"), value)
	}
}
