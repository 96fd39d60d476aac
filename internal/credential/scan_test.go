package credential_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"volcard/internal/credential"
	"volcard/internal/credential/credentialtest"
)

// Around a genuine link or token, in the forms in which people and programs have sent them, the card stays the same.
func TestGenuineLinkRedeems(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	token := sign(t, r, claims())
	base, err := url.Parse("http://localhost:8080")
	require.NoError(t, err)
	link := credential.URL(base, token)
	require.Equal(t, "HTTP://LOCALHOST:8080/V/"+token, link)

	for _, l := range []string{link, strings.ToLower(link), token, strings.ToLower(token), "https://card.example.cn/v/" + token} {
		for name, text := range credentialtest.Sent(l) {
			got, c, err := r.Redeem(t.Context(), text, issued)
			require.NoError(t, err, name)
			require.Equal(t, token, got, name)
			require.Equal(t, claims().CardNumber, c.CardNumber)
		}
	}
}

func TestNoTokenNoCandidate(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	token := sign(t, r, claims())
	altered := []byte(token)
	altered[60] = map[bool]byte{true: 'B', false: 'A'}[altered[60] == 'A']
	for name, tc := range map[string]struct {
		text string
		want error
	}{
		"empty":              {"", credential.ErrMalformed},
		"other site":         {"https://weixin.qq.com/r/abcdefg", credential.ErrMalformed},
		"own page":           {"https://volcard.example.cn/verify", credential.ErrMalformed},
		"digits":             {strings.Repeat("1", 180), credential.ErrMalformed},
		"short":              {token[:100], credential.ErrMalformed},
		"cut, with words":    {token[:len(token)-3] + " THANK YOU", credential.ErrMalformed},
		"long":               {strings.Repeat("A", 5000), credential.ErrMalformed},
		"words":              {strings.Repeat("志愿者证", 40), credential.ErrMalformed},
		"too long":           {strings.Repeat("x", credential.MaxScan) + token, credential.ErrMalformed},
		"altered":            {string(altered) + "。谢谢", credential.ErrSignature},
		"altered in a query": {"/V/" + string(altered) + "?x=" + token[20:60], credential.ErrSignature},
	} {
		_, _, err := r.Redeem(t.Context(), tc.text, issued)
		require.ErrorIs(t, err, tc.want, name)
	}
}

// A text with several genuine tokens is the last one's; a damaged one behind takes nothing away.
func TestLastTokenCounts(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	first := sign(t, r, claims())
	other := claims()
	other.CardNumber = "42260000000214"
	second := sign(t, r, other)
	for text, want := range map[string]string{
		first + " " + second:                     second,
		first + second:                           second,
		second + "/V/" + first:                   first,
		"/v/" + first + " /v/" + second[:100]:    first,
		"/v/" + first + "?next=/V/" + second[5:]: first,
	} {
		got, _, err := r.Redeem(t.Context(), text, issued)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// Any text around a genuine link is the same card; nothing made of parts of genuine links is another's.
func TestCandidatesProperties(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	token := sign(t, r, claims())
	other := claims()
	other.CardNumber, other.MaskedName = "42260000000214", "李*"
	second := sign(t, r, other)
	words := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("/V/v.。、：?&#%=ABCabc234189 \n\t“”（）"))))
	rapid.Check(t, func(t *rapid.T) {
		link := rapid.SampledFrom([]string{"HTTPS://A.CN/V/", "https://a.cn/v/", ""}).Draw(t, "address") + token
		if rapid.Bool().Draw(t, "lower") {
			link = strings.ToLower(link)
		}
		at := rapid.IntRange(0, len(link)).Draw(t, "break")
		link = link[:at] + rapid.SampledFrom([]string{"", " ", "\r\n", "\u3000", "\u200b"}).Draw(t, "white space") + link[at:]
		if rapid.Bool().Draw(t, "wide") {
			link = credentialtest.FullWidth(link)
		}
		text := words.Draw(t, "before") + link + words.Draw(t, "behind")
		got, _, err := r.Redeem(t.Context(), text, issued)
		if err != nil || got != token {
			t.Fatalf("%q: %v", text, err)
		}
	})
	rapid.Check(t, func(t *rapid.T) { // parts of two tokens, joined anyhow: only a whole one redeems, and as itself
		var b strings.Builder
		for range rapid.IntRange(1, 6).Draw(t, "parts") {
			from := rapid.SampledFrom([]string{token, second}).Draw(t, "of")
			i := rapid.IntRange(0, len(from)).Draw(t, "from")
			b.WriteString(from[i:rapid.IntRange(i, len(from)).Draw(t, "to")])
			b.WriteString(rapid.SampledFrom([]string{"", " ", "/V/", "。"}).Draw(t, "joint"))
		}
		text := b.String()
		got, c, err := r.Redeem(t.Context(), text, issued)
		if err != nil {
			return
		}
		if whole := strings.ReplaceAll(text, " ", ""); !strings.Contains(whole, got) || (got == token) != (c.CardNumber == claims().CardNumber) {
			t.Fatalf("%q became %s", text, c.CardNumber)
		}
	})
}

// FuzzCandidates: no text makes it panic; a candidate is of the alphabet, within bounds, and one of its own.
func FuzzCandidates(f *testing.F) {
	r := ring(f, credential.NewKey(seed(1), issued))
	token := sign(f, r, claims())
	f.Add(token)
	f.Add("https://x/v/" + token + "\n")
	f.Add("HTTP://LOCALHOST:8080/V/" + token[:90])
	f.Add("１２３／Ｖ／" + credentialtest.FullWidth(token) + "。")
	f.Add(strings.Repeat(token[:13], 50))
	f.Fuzz(func(t *testing.T, text string) {
		for _, candidate := range credential.Candidates(text) {
			require.Regexp(t, "^[A-Z2-7]{1,480}$", candidate)
			require.Contains(t, credential.Candidates(candidate), candidate)
		}
		got, _, err := r.Redeem(t.Context(), text, issued)
		if err == nil {
			require.Equal(t, token, got)
		}
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
