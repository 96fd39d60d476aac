package credential_test

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/skip2/go-qrcode"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"volcard/internal/clock"
	"volcard/internal/credential"
	"volcard/internal/fault"
)

var issued = time.Date(2026, 11, 23, 10, 0, 0, 0, clock.Shanghai)

func seed(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// source is a key table in memory.
type source struct {
	keys []credential.Key
	err  error
	asks int
}

func (s *source) Keys(context.Context) ([]credential.Key, error) {
	s.asks++
	return s.keys, s.err
}

func ring(t testing.TB, keys ...credential.Key) *credential.Keyring {
	t.Helper()
	r := credential.NewKeyring(&source{keys: keys})
	require.NoError(t, r.Refresh(t.Context()))
	return r
}

func claims() credential.Claims {
	return credential.Claims{
		CardNumber: "42260000000117", Edition: "general", MaskedName: "阿*****·买**",
		IssuedOn: issued, ExpiresOn: issued.AddDate(5, 0, -1),
	}
}

func sign(t testing.TB, r *credential.Keyring, c credential.Claims) string {
	t.Helper()
	token, _, err := r.Sign(c)
	require.NoError(t, err)
	return token
}

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	for _, name := range []string{"王*", "阿*****·买**", "*", "𠮷*", "J*** S****", strings.Repeat("阿*", 25)} {
		c := claims()
		c.MaskedName = name
		token, kid, err := r.Sign(c)
		require.NoError(t, err)
		require.Len(t, kid, 8)
		got, err := r.Verify(token, issued)
		require.NoError(t, err)
		require.Equal(t, c.CardNumber, got.CardNumber)
		require.Equal(t, name, got.MaskedName)
		require.Equal(t, "2026-11-23", got.IssuedOn.Format(time.DateOnly))
		require.Equal(t, "2031-11-22", got.ExpiresOn.Format(time.DateOnly))
		require.NotEqual(t, token, sign(t, r, c), "the same claims signed again are another token")
	}
}

// A token that was signed before tokens had a random part is as good as ever.
func TestTokenWithoutRandomPart(t *testing.T) {
	t.Parallel()
	const token = "2KCEVIQBE4CEKNDVB6ML3ICYE2SQCGYAAATG63CJZB2QEAIDDFISYBAZLBGQK37JTC7SUKRKFIVMFN7EXGYCUKSYICMEHRZB5VAPQ74M2YQOOZV2YXRKX2WVC5GEXHXOMTJWDBWRT6KMC4OQ3LETONBY5UN2LHVNU6CT466V3NFPSMGMYQ32OSHDP5RPEPYK"
	c, err := ring(t, credential.NewKey(bytes.Repeat([]byte{1}, 32), issued)).Verify(token, issued)
	require.NoError(t, err)
	require.Equal(t, claims().CardNumber, c.CardNumber)
	require.Equal(t, claims().MaskedName, c.MaskedName)
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	for name, spoil := range map[string]func(*credential.Claims){
		"no number":       func(c *credential.Claims) { c.CardNumber = "" },
		"leading zero":    func(c *credential.Claims) { c.CardNumber = "01234567" },
		"letters":         func(c *credential.Claims) { c.CardNumber = "42X60000000117" },
		"no edition":      func(c *credential.Claims) { c.Edition = "" },
		"unknown edition": func(c *credential.Claims) { c.Edition = "gold" },
		"no name":         func(c *credential.Claims) { c.MaskedName = "" },
		"name too long":   func(c *credential.Claims) { c.MaskedName = strings.Repeat("阿", 44) },
		"name not UTF-8":  func(c *credential.Claims) { c.MaskedName = "\xff" },
		"name with break": func(c *credential.Claims) { c.MaskedName = "王\n*" },
		"no dates":        func(c *credential.Claims) { c.IssuedOn, c.ExpiresOn = time.Time{}, time.Time{} },
		"ends early":      func(c *credential.Claims) { c.ExpiresOn = c.IssuedOn.AddDate(0, 0, -1) },
		"far future":      func(c *credential.Claims) { c.ExpiresOn = c.IssuedOn.AddDate(500, 0, 0) },
	} {
		c := claims()
		spoil(&c)
		_, _, err := r.Sign(c)
		require.Error(t, err, name)
	}
	_, _, err := credential.NewKeyring(&source{}).Sign(claims())
	require.ErrorIs(t, err, credential.ErrNoKey)
}

// The last day counts in full, in Shanghai.
func TestExpiry(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	token := sign(t, r, claims())
	last := time.Date(2031, 11, 22, 23, 59, 59, 0, clock.Shanghai)
	_, err := r.Verify(token, last.UTC())
	require.NoError(t, err)
	c, err := r.Verify(token, last.Add(time.Second).UTC())
	require.ErrorIs(t, err, credential.ErrExpired)
	require.Equal(t, "42260000000117", c.CardNumber, "an expired token is still read")
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	token := sign(t, r, claims())
	stranger := sign(t, ring(t, credential.NewKey(seed(2), issued)), claims())
	list, err := r.SignList(nil, issued)
	require.NoError(t, err)
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(token)
	require.NoError(t, err)
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString
	// The unprotected header is not signed: a message that carries one more entry there would be
	// the same card under another name on the revocation list.
	padded := append(append(bytes.Clone(raw[:13]), 0xa1, 0x05, 0x00), raw[14:]...)
	require.Equal(t, byte(0xa0), raw[13])
	for name, tc := range map[string]struct {
		token string
		want  error
	}{
		"empty":             {"", credential.ErrMalformed},
		"cut short by one":  {token[:len(token)-1], credential.ErrMalformed},
		"cut in half":       {token[:len(token)/2], credential.ErrMalformed},
		"one more":          {token + "A", credential.ErrMalformed},
		"trailing bytes":    {text(append(bytes.Clone(raw), 0, 0, 0, 0, 0)), credential.ErrMalformed},
		"no tag":            {text(raw[1:]), credential.ErrMalformed},
		"unprotected entry": {text(padded), credential.ErrMalformed},
		"lower case":        {strings.ToLower(token), credential.ErrMalformed},
		"unknown key":       {stranger, credential.ErrUnknownKey},
		"a list, no token":  {text(list.Data), credential.ErrSignature},
	} {
		_, err := r.Verify(tc.token, issued)
		require.ErrorIs(t, err, tc.want, name)
		require.Equal(t, fault.Invalid, fault.KindOf(err), name)
	}
}

// Any bit flip is refused, wherever it is.
func TestEveryBitFlip(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	enc := base32.StdEncoding.WithPadding(base32.NoPadding)
	raw, err := enc.DecodeString(sign(t, r, claims()))
	require.NoError(t, err)
	for i := range raw {
		for bit := range 8 {
			altered := bytes.Clone(raw)
			altered[i] ^= 1 << bit
			c, err := r.Verify(enc.EncodeToString(altered), issued)
			require.Error(t, err, "byte %d bit %d", i, bit)
			require.Zero(t, c)
		}
	}
}

// Any replacement of a stretch of characters is refused, and never another card.
func TestAlteredText(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued), credential.NewKey(seed(3), issued))
	token := sign(t, r, claims())
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(token)-1).Draw(t, "at")
		n := rapid.IntRange(0, min(8, len(token)-at)).Draw(t, "cut")
		with := rapid.StringMatching(`[A-Z2-7]{0,8}`).Draw(t, "with")
		altered := token[:at] + with + token[at+n:]
		c, err := r.Verify(altered, issued)
		if altered == token {
			return
		}
		if err == nil || c != (credential.Claims{}) {
			t.Fatalf("accepted %q", altered)
		}
	})
}

func TestRedeemLooksForRotatedKey(t *testing.T) {
	t.Parallel()
	old, next := credential.NewKey(seed(1), issued), credential.NewKey(seed(2), issued)
	s := &source{keys: []credential.Key{old}}
	r := credential.NewKeyring(s)
	require.NoError(t, r.Refresh(t.Context()))
	token := sign(t, ring(t, next), claims())

	_, _, err := r.Redeem(t.Context(), token, issued)
	require.ErrorIs(t, err, credential.ErrUnknownKey)
	require.Equal(t, 2, s.asks)
	s.keys = []credential.Key{next, old} // another process rotated
	_, _, err = r.Redeem(t.Context(), token, issued.Add(time.Second))
	require.ErrorIs(t, err, credential.ErrUnknownKey, "a flood of unknown keys does not become a flood of reads")
	require.Equal(t, 2, s.asks)
	got, c, err := r.Redeem(t.Context(), " https://x.example/v/"+strings.ToLower(token)+"\r\n", issued.Add(3*time.Second))
	require.NoError(t, err)
	require.Equal(t, token, got)
	require.Equal(t, claims().CardNumber, c.CardNumber)
	require.True(t, r.Ready())
}

func TestRefreshKeepsKeysOnFailure(t *testing.T) {
	t.Parallel()
	s := &source{keys: []credential.Key{credential.NewKey(seed(1), issued)}}
	r := credential.NewKeyring(s)
	require.NoError(t, r.Refresh(t.Context()))
	s.err = errors.New("away")
	require.Error(t, r.Refresh(t.Context()))
	require.True(t, r.Ready())
}

// A key whose row was exchanged in the database is not used.
func TestKeyMustBeWhatItsNameSays(t *testing.T) {
	t.Parallel()
	a, b := credential.NewKey(seed(1), issued), credential.NewKey(seed(2), issued)
	a.Public = b.Public
	r := ring(t, a)
	require.False(t, r.Ready())
	_, _, err := r.Published()
	require.ErrorIs(t, err, credential.ErrNoKey)
}

func TestPublished(t *testing.T) {
	t.Parallel()
	old, next := credential.NewKey(seed(1), issued), credential.NewKey(seed(2), issued)
	old.Private, old.Retired, old.Until = nil, issued, issued.AddDate(5, 0, 1)
	r := ring(t, next, old)
	doc, etag, err := r.Published()
	require.NoError(t, err)
	require.NotEmpty(t, etag)
	require.Contains(t, string(doc), old.KID)
	require.Contains(t, string(doc), `"retired":"2026-11-23T02:00:00Z"`)
	require.NotContains(t, string(doc), `"d"`, "never a private part")
	again, same, err := r.Published()
	require.NoError(t, err)
	require.Equal(t, doc, again)
	require.Equal(t, etag, same)
}

// The QR of a usual card stays within 49 modules at level M, and all but those of the longest names within 61.
func TestSizes(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	base, err := url.Parse("https://volcard.example.cn")
	require.NoError(t, err)
	for _, tc := range []struct {
		name           string
		bytes, modules int
	}{
		{"王*", 117, 49},
		{"阿*****·买**", 128, 53},
		{"王" + strings.Repeat("*", 49), 166, 57},
		{strings.Repeat("阿*", 25), 214, 65},
	} {
		c := claims()
		c.MaskedName = tc.name
		token := sign(t, r, c)
		text := credential.URL(base, token)
		require.Regexp(t, `^HTTPS://VOLCARD\.EXAMPLE\.CN/V/[A-Z2-7]+$`, text)
		q, err := qrcode.New(text, qrcode.Medium)
		require.NoError(t, err)
		q.DisableBorder = true
		require.LessOrEqual(t, len(token)*5/8, tc.bytes, tc.name)
		require.LessOrEqual(t, len(q.Bitmap()), tc.modules, tc.name)
		t.Logf("%-14.14s %3d bytes %3d characters %d modules", tc.name, len(token)*5/8, len(text), len(q.Bitmap()))
	}
}

func BenchmarkSign(b *testing.B) {
	r := ring(b, credential.NewKey(seed(1), issued))
	c := claims()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := r.Sign(c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	r := ring(b, credential.NewKey(seed(1), issued))
	token := sign(b, r, claims())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Verify(token, issued); err != nil {
			b.Fatal(err)
		}
	}
}
