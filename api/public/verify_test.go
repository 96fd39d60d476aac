package public_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/public"
	"volcard/api/web"
	"volcard/api/web/webtest"
	"volcard/internal/credential"
	"volcard/internal/credential/credentialtest"
	"volcard/internal/person"
	"volcard/internal/store"
	"volcard/internal/store/keystore"
	"volcard/internal/store/storetest"
	"volcard/internal/store/verifystore"
)

// checks is a server with the pages that check cards, its keys, and cards that a test makes up.
type checks struct {
	*webtest.Env
	ring   *credential.Keyring
	keys   keystore.Store
	rows   storetest.Rows
	branch uuid.UUID
	made   int
}

func newChecks(t testing.TB, perMinute int, change ...func(*web.Options)) *checks {
	t.Helper()
	env := webtest.New(t, change...)
	c := &checks{
		Env: env, keys: keystore.Store{DB: env.DB, Vault: env.Vault, Clock: env.Clock},
		rows: storetest.Rows{T: t, DB: env.DB, Vault: env.Vault, Now: env.Clock.Now()},
	}
	require.NoError(t, c.keys.Ensure(t.Context(), store.Process("test")))
	c.ring = credential.NewKeyring(c.keys)
	require.NoError(t, c.ring.Refresh(t.Context()))
	c.branch = c.rows.Branch("测试网点")
	cards := verifystore.Store{DB: env.DB}
	public.Verify{
		Kit: env.Kit, Keys: c.ring, Cards: cards, PerMinute: perMinute,
		List:    credential.NewStatusPublisher(c.ring, cards, "https://volcard.example.cn"+public.StatusListPath),
		OldList: credential.NewPublisher(c.ring, cards),
	}.Routes(env.Router)
	env.Start()
	return c
}

// sign makes the token of a card of this name that ends then.
func (c *checks) sign(name string, end time.Time) (number, token string) {
	c.T.Helper()
	c.made++
	number = "4226000000" + string(rune('0'+c.made/10)) + string(rune('0'+c.made%10)) + "00"
	parsed, err := person.ParseName(name)
	require.NoError(c.T, err)
	token, _, err = c.ring.Sign(credential.Claims{
		CardNumber: number, Edition: "general", MaskedName: parsed.Masked(), IssuedOn: end.AddDate(-5, 0, 1), ExpiresOn: end,
	})
	require.NoError(c.T, err)
	return number, token
}

// card issues a card in this status.
func (c *checks) card(name, status string, end time.Time) (number, token string) {
	c.T.Helper()
	number, token = c.sign(name, end)
	kid := ""
	require.NoError(c.T, c.DB.QueryRow(c.T.Context(), "SELECT kid FROM signing_key WHERE retired_at IS NULL").Scan(&kid))
	c.rows.Card(storetest.CardRow{
		Person: c.rows.Person(name, "42010619900101"+number[10:12]+"00"), Branch: c.branch, Number: number, Name: name,
		Token: token, KID: kid, Status: status, Issued: end.AddDate(-5, 0, 1), End: end,
	})
	return number, token
}

func TestCheckShowsEachStatus(t *testing.T) {
	t.Parallel()
	c := newChecks(t, 0)
	soon, over := c.Clock.Now().AddDate(3, 0, 0), c.Clock.Now().AddDate(0, 0, -2)
	for _, tc := range []struct {
		status, want, word string
		end                time.Time
	}{
		{"valid", "valid", "有效", soon},
		{"suspended", "suspended", "已暂停使用", soon},
		{"replaced", "replaced", "已换发新证", soon},
		{"cancelled", "cancelled", "已注销", soon},
		{"valid", "expired", "已过期", over},
		{"cancelled", "cancelled", "已注销", over},
	} {
		number, token := c.card("阿卜杜热合曼·买买提", tc.status, tc.end)
		for _, path := range []string{"/V/" + token, "/v/" + token, "/v/" + strings.ToLower(token)} {
			page := c.Client().Get(path).Want(http.StatusOK)
			page.Has(`.verdict[data-status="`+tc.want+`"]`).WantText(".verdict .word", tc.word)
			page.WantText(".verdict dl", "阿*****·买**").WantText(".verdict dl", "通用版").WantText(".verdict dl", tc.end.AddDate(-5, 0, 1).Format("2006"))
			require.NotContains(t, string(page.Body), number, "no number")
			require.NotContains(t, string(page.Body), "阿卜", "no name")
			require.Equal(t, "no-store", page.Response.Header.Get("Cache-Control"))
			require.Equal(t, "no-referrer", page.Response.Header.Get("Referrer-Policy"))
			require.Empty(t, page.Response.Cookies(), "nobody is followed")
		}
		c.Client().Do(http.MethodHead, "/v/"+token, "", nil).Want(http.StatusOK)
	}
}

// What stands behind the link, as a chat program or an input method leaves it in the address, is no part of the card.
func TestCheckOfLengthenedLink(t *testing.T) {
	t.Parallel()
	c := newChecks(t, 0)
	_, token := c.card("阿卜杜热合曼·买买提", "valid", c.Clock.Now().AddDate(3, 0, 0))
	for name, text := range credentialtest.Sent(token) {
		if len(text) > 4096 {
			continue // no browser's address holds it
		}
		for _, path := range []string{"/V/", "/v/"} {
			page := c.Client().Get(path + (&url.URL{Path: text}).EscapedPath())
			require.Equal(t, http.StatusOK, page.Response.StatusCode, name)
			page.Has(`.verdict[data-status="valid"]`)
			page = c.Client().Get(path + url.PathEscape(text))
			require.Equal(t, http.StatusOK, page.Response.StatusCode, name)
		}
	}
	for _, behind := range []string{"/", "//", "/x", "&from=timeline", "?from=timeline", "%E3%80%82", "%EF%BC%89", "%25E3%2580%2582", "%2F", "%20x", ".", "。", "）", "，谢谢", "%22", ";a=b"} {
		page := c.Client().Get("/v/" + token + behind).Want(http.StatusOK)
		page.Has(`.verdict[data-status="valid"]`)
		require.Equal(t, "no-store", page.Response.Header.Get("Cache-Control"))
		c.Client().Do(http.MethodHead, "/V/"+token+behind, "", nil).Want(http.StatusOK)
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	c := newChecks(t, 0)
	end := c.Clock.Now().AddDate(3, 0, 0)
	_, good := c.card("王𠮷", "valid", end)
	_, never := c.sign("王五", end)
	// A signature over another name for a number that exists: what a stolen key could make.
	number, _ := c.card("李四", "valid", end)
	forged, _, err := c.ring.Sign(credential.Claims{
		CardNumber: number, Edition: "general", MaskedName: "张*", IssuedOn: end.AddDate(-5, 0, 1), ExpiresOn: end,
	})
	require.NoError(t, err)
	stranger := credential.NewKeyring(strangersKeys{})
	require.NoError(t, stranger.Refresh(t.Context()))
	foreign, _, err := stranger.Sign(credential.Claims{
		CardNumber: number, Edition: "general", MaskedName: "李*", IssuedOn: end.AddDate(-5, 0, 1), ExpiresOn: end,
	})
	require.NoError(t, err)
	altered := []byte(good)
	altered[60]++
	if altered[60] > 'Z' || altered[60] == '8' {
		altered[60] = 'A'
	}
	for name, tc := range map[string]struct{ token, sentence string }{
		"cut short":        {good[:len(good)-8], "不完整"},
		"altered":          {string(altered), "改动"},
		"unknown key":      {foreign, "不是由本系统签发"},
		"never issued":     {never, "系统里没有这张证件"},
		"another's number": {forged, "系统里没有这张证件"},
		"no token":         {"HELLO", "不完整"},
		"markup":           {"%3Cscript%3Ealert(1)%3C%2Fscript%3E", "不完整"},
		"very long":        {strings.Repeat("A", 3000), "不完整"},
	} {
		page := c.Client().Get("/v/" + tc.token).Want(http.StatusNotFound)
		page.Has(`.verdict[data-status="unknown"]`).WantText(".verdict .sentence", tc.sentence)
		require.Equal(t, 1, page.Find(".verdict dl[hidden]").Length(), name)
		require.NotContains(t, string(page.Body), "alert(1)", name)
		require.Equal(t, "no-store", page.Response.Header.Get("Cache-Control"), name)
	}
}

type strangersKeys struct{}

func (strangersKeys) Keys(context.Context) ([]credential.Key, error) {
	return []credential.Key{credential.NewKey(make([]byte, 32), webtest.Today)}, nil
}

// After the keys were rotated by another process, its first card is good here at once.
func TestCheckAfterRotation(t *testing.T) {
	t.Parallel()
	c := newChecks(t, 0)
	end := c.Clock.Now().AddDate(3, 0, 0)
	_, old := c.card("王五", "valid", end)
	_, err := c.keys.Rotate(t.Context(), store.Process("test"), end)
	require.NoError(t, err)
	mine := c.ring
	c.ring = credential.NewKeyring(c.keys) // the other process
	require.NoError(t, c.ring.Refresh(t.Context()))
	_, fresh := c.card("李四", "valid", end)
	require.NotSame(t, mine, c.ring)
	c.Client().Get("/V/" + fresh).Want(http.StatusOK).Has(`.verdict[data-status="valid"]`)
	c.Client().Get("/V/" + old).Want(http.StatusOK).Has(`.verdict[data-status="valid"]`)
}

func TestCheckIsLimited(t *testing.T) {
	t.Parallel()
	c := newChecks(t, 3)
	for range 3 {
		c.Client().Get("/v/X").Want(http.StatusNotFound)
	}
	page := c.Client().Get("/v/X").Want(http.StatusTooManyRequests)
	page.WantText("main", "一分钟后再试")
	c.Client().Get("/verify").Want(http.StatusOK)
}

func TestCheckWithoutDatabase(t *testing.T) {
	t.Parallel()
	c := newChecks(t, 0)
	_, token := c.card("王五", "valid", c.Clock.Now().AddDate(3, 0, 0))
	c.DB.Close()
	page := c.Client().Get("/v/" + token)
	require.GreaterOrEqual(t, page.Response.StatusCode, 500, "never a verdict that nobody looked up")
	page.Lacks(".verdict")
}

func TestPublishedFiles(t *testing.T) {
	t.Parallel()
	c := newChecks(t, 0)
	number, token := c.card("王五", "suspended", c.Clock.Now().AddDate(3, 0, 0))

	keys := c.Client().Get("/.well-known/volcard/keys").Want(http.StatusOK)
	require.Equal(t, "application/json", keys.Response.Header.Get("Content-Type"))
	require.Contains(t, string(keys.Body), `"crv":"Ed25519"`)

	// old and listed are what the two forms of the list say of the card.
	old := func(page *webtest.Page) string {
		_, _, status, err := c.ring.ReadList(page.Body)
		require.NoError(t, err)
		return status(token)
	}
	listed := func(page *webtest.Page) string {
		_, _, status, err := c.ring.ReadStatusList(page.Body)
		require.NoError(t, err)
		said, ok := status(number)
		require.True(t, ok, "the list covers it")
		return said
	}
	status := c.Client().Get(public.StatusListPath).Want(http.StatusOK)
	require.Equal(t, "application/statuslist+cwt", status.Response.Header.Get("Content-Type"))
	require.Equal(t, "suspended", listed(status))
	list := c.Client().Get("/.well-known/volcard/revoked").Want(http.StatusOK)
	require.Equal(t, "suspended", old(list))
	for _, page := range []*webtest.Page{keys, list, status} {
		h := page.Response.Header
		require.Equal(t, "*", h.Get("Access-Control-Allow-Origin"))
		require.Contains(t, h.Get("Cache-Control"), "max-age=2")
		c.Client().With("If-None-Match", h.Get("ETag")).Get(page.Path()).Want(http.StatusNotModified)
	}

	// Found again: off the list within seconds (T11 the other way round).
	_, err := c.DB.Exec(t.Context(), "UPDATE card SET status = 'valid'")
	require.NoError(t, err)
	c.Clock.Advance(2 * time.Second)
	require.Empty(t, listed(c.Client().Get(public.StatusListPath).Want(http.StatusOK)))
	require.Empty(t, old(c.Client().Get("/.well-known/volcard/revoked").Want(http.StatusOK)))
}

// BenchmarkCheck compares the page of a card with a bare handler that does one SELECT, both over HTTP.
func BenchmarkCheck(b *testing.B) {
	c := newChecks(b, 0)
	number, token := c.card("王五", "valid", c.Clock.Now().AddDate(3, 0, 0))
	bare := chi.NewRouter()
	bare.Get("/{number}", func(w http.ResponseWriter, r *http.Request) {
		var status string
		err := c.DB.QueryRow(r.Context(), "SELECT status FROM card WHERE number = $1", chi.URLParam(r, "number")).Scan(&status)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = w.Write([]byte(status))
	})
	server := httptest.NewServer(bare)
	b.Cleanup(server.Close)
	for name, target := range map[string]string{"bare": server.URL + "/" + number, "page": c.URL + "/V/" + token} {
		b.Run(name, func(b *testing.B) {
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, target, nil)
					if err != nil {
						b.Error(err)
						return
					}
					answer, err := client.Do(req)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
				}
			})
		})
	}
}
