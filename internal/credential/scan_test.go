package credential_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/credential"
)

func TestParseScan(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	token := sign(t, r, claims())
	base, err := url.Parse("http://localhost:8080")
	require.NoError(t, err)
	link := credential.URL(base, token)
	require.Equal(t, "HTTP://LOCALHOST:8080/V/"+token, link)

	wide := strings.Map(func(r rune) rune {
		if r > ' ' && r <= '~' {
			return r + 0xFEE0
		}
		return r
	}, link)
	for name, text := range map[string]string{
		"bare":             token,
		"bare, lower":      strings.ToLower(token),
		"link":             link,
		"link, lower":      strings.ToLower(link),
		"other host":       "https://card.example.cn/v/" + token,
		"Enter":            link + "\r\n",
		"split":            link[:40] + "\r\n  " + link[40:90] + "\t" + link[90:],
		"twice":            link + link,
		"twice with Enter": link + "\n" + link + "\n",
		"bare twice":       token + token,
		"full width":       wide,
		"zero width":       "\ufeff" + link[:50] + "\u200b" + link[50:],
		"query":            link + "?utm_source=x",
		"fragment":         link + "#top",
		"slash":            link + "/",
		"words before":     "扫码结果：" + link,
	} {
		got, err := credential.ParseScan(text)
		require.NoError(t, err, name)
		require.Equal(t, token, got, name)
	}
	for name, text := range map[string]string{
		"empty":       "",
		"other site":  "https://weixin.qq.com/r/abcdefg",
		"own page":    "https://volcard.example.cn/verify",
		"digits":      strings.Repeat("1", 180),
		"short":       token[:100],
		"three times": token + token + token,
		"long":        strings.Repeat("A", 5000),
		"words":       strings.Repeat("志愿者证", 40),
	} {
		_, err := credential.ParseScan(text)
		require.ErrorIs(t, err, credential.ErrMalformed, name)
	}
}

func FuzzParseScan(f *testing.F) {
	r := ring(f, credential.NewKey(seed(1), issued))
	token := sign(f, r, claims())
	f.Add(token)
	f.Add("https://x/v/" + token + "\n")
	f.Add("HTTP://LOCALHOST:8080/V/" + token[:90])
	f.Add("１２３／Ｖ／")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := credential.ParseScan(text)
		if err != nil {
			require.ErrorIs(t, err, credential.ErrMalformed)
			return
		}
		again, err := credential.ParseScan(got)
		require.NoError(t, err)
		require.Equal(t, got, again)
		_, _ = r.Verify(got, issued)
	})
}

// FuzzVerify: no text makes it panic, and nothing but the token itself is accepted.
func FuzzVerify(f *testing.F) {
	r := ring(f, credential.NewKey(seed(1), issued))
	token := sign(f, r, claims())
	f.Add(token)
	f.Add(token[:len(token)-3] + "AAA")
	f.Add("2KCEJ" + token[5:])
	f.Add(strings.Repeat("A", 200))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := r.Verify(text, issued)
		if err == nil {
			require.Equal(t, token, text)
			require.Equal(t, "42260000000117", c.CardNumber)
		}
	})
}

// FuzzReadList: the same for the list.
func FuzzReadList(f *testing.F) {
	r := ring(f, credential.NewKey(seed(1), issued))
	list, err := r.SignList([]credential.Revoked{{Token: sign(f, r, claims()), Status: "suspended"}}, issued)
	require.NoError(f, err)
	f.Add(list.Data)
	f.Add(list.Data[:60])
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _, _, err := r.ReadList(data)
		if err == nil {
			require.Equal(t, list.Data, data)
		}
	})
}
