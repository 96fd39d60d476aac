package public_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"volcard/api/public"
	"volcard/api/web/webtest"
	"volcard/internal/clock"
	"volcard/internal/credential"
	"volcard/internal/credential/credentialtest"
)

var update = flag.Bool("update", false, "write the vectors of the page's program anew")

// vectors are texts and what Go says of them; the page's program must say the same.
type vectors struct {
	Keys    json.RawMessage `json:"keys"`
	List    string          `json:"list"` // base64
	BadList []string        `json:"badList"`
	Cases   []vector        `json:"cases"`
}

type vector struct {
	Name   string    `json:"name"`
	Text   string    `json:"text"`
	Now    time.Time `json:"now"`
	NoList bool      `json:"noList,omitempty"`
	Status string    `json:"status"`
	Reason string    `json:"reason,omitempty"`
	Holder string    `json:"holder,omitempty"`
	Year   int       `json:"year,omitempty"`
}

type fixedKeys []credential.Key

func (k fixedKeys) Keys(context.Context) ([]credential.Key, error) { return k, nil }

// beforeRandom is a token without a random part, signed with the key of makeVectors.
const beforeRandom = "2KCEVIQBE4CEKNDVB6ML3ICYE2SQCGYAAATG63CJZB2QEAIDDFISYBAZLBGQK37JTC7SUKRKFIVMFN7EXGYCUKSYICMEHRZB5VAPQ74M2YQOOZV2YXRKX2WVC5GEXHXOMTJWDBWRT6KMC4OQ3LETONBY5UN2LHVNU6CT466V3NFPSMGMYQ32OSHDP5RPEPYK"

// makeVectors signs with fixed keys: the file is the same each time.
func makeVectors(t *testing.T) []byte {
	t.Helper()
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, clock.Shanghai)
	now := at.Add(time.Hour)
	active := credential.NewKey(bytes.Repeat([]byte{1}, 32), at)
	retired := credential.NewKey(bytes.Repeat([]byte{2}, 32), at.AddDate(-2, 0, 0))
	salt := rand.NewChaCha8([32]byte{})
	before := credential.NewKeyringFrom(fixedKeys{retired}, salt)
	stranger := credential.NewKeyringFrom(fixedKeys{credential.NewKey(bytes.Repeat([]byte{3}, 32), at)}, salt)
	old := retired
	old.Private, old.Retired, old.Until = nil, at, at.AddDate(5, 0, 0)
	ring := credential.NewKeyringFrom(fixedKeys{active, old}, salt)
	for _, r := range []*credential.Keyring{before, stranger, ring} {
		require.NoError(t, r.Refresh(t.Context()))
	}
	claims := func(number, name string) credential.Claims {
		return credential.Claims{
			CardNumber: number, Edition: "general", MaskedName: name, IssuedOn: at, ExpiresOn: at.AddDate(5, 0, -1),
		}
	}
	sign := func(r *credential.Keyring, c credential.Claims) string {
		token, _, err := r.Sign(c)
		require.NoError(t, err)
		return token
	}
	good := sign(ring, claims("42260000000117", "阿*****·买**"))
	suspended := sign(ring, claims("42260000000214", "王*"))
	replaced := sign(ring, claims("42260000000311", "李*"))
	cancelled := sign(ring, claims("42260000000408", "𠮷*"))
	const listed = 30_000 // and the number below comes after them
	statuses := credential.NewStatuses(listed)
	for sequence, status := range map[int64]string{2: "suspended", 3: "replaced", 4: "cancelled"} {
		require.NoError(t, statuses.Set(sequence, status))
	}
	random := rand.New(rand.NewPCG(1, 2)) // content that needs every kind of code
	for sequence := int64(100); sequence < listed; sequence += 1 + random.Int64N(40) {
		require.NoError(t, statuses.Set(sequence, []string{"suspended", "replaced", "cancelled"}[random.IntN(3)]))
	}
	list, err := ring.SignStatusList(statuses, "https://volcard.example.cn"+public.StatusListPath, at)
	require.NoError(t, err)
	swap := func(s string, i int) string {
		b := []byte(s)
		if b[i]++; b[i] > 'Z' {
			b[i] = 'A'
		} else if b[i] == '8' {
			b[i] = '2'
		}
		return string(b)
	}
	regular := claims("42260000000505", "J*** S****")
	regular.Edition = "regular"

	v := vectors{List: base64.StdEncoding.EncodeToString(list.Data)}
	v.Keys, _, err = ring.Published()
	require.NoError(t, err)
	foreign, err := stranger.SignStatusList(statuses, "", at)
	require.NoError(t, err)
	oldForm, err := ring.SignList(nil, at)
	require.NoError(t, err)
	bent := bytes.Clone(list.Data)
	bent[40] ^= 1
	for _, data := range [][]byte{foreign.Data, oldForm.Data, bent, list.Data[:50], {}} {
		v.BadList = append(v.BadList, base64.StdEncoding.EncodeToString(data))
	}
	add := func(name, text string, now time.Time, noList bool) {
		v.Cases = append(v.Cases, judge(t, ring, list.Data, vector{Name: name, Text: text, Now: now, NoList: noList}))
	}
	last := time.Date(2031, 11, 22, 23, 59, 59, 0, clock.Shanghai)
	add("valid", good, now, false)
	add("signed before tokens had a random part", beforeRandom, now, false)
	add("link", "HTTPS://VOLCARD.EXAMPLE.CN/V/"+good, now, false)
	add("scanner", strings.ToLower("http://localhost:8080/v/"+good)+"\r\n", now, false)
	add("twice", good+"\n"+good+"\n", now, false)
	add("split", good[:30]+" \r\n\u200b"+good[30:]+"?x=1", now, false)
	sent := credentialtest.Sent("https://volcard.example.cn/v/" + good)
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		add("sent: "+name, sent[name], now, false)
	}
	add("two cards", suspended+" "+good, now, false)
	add("two cards, the other way round", "/V/"+good+"/V/"+suspended, now, false)
	add("too long", strings.Repeat("证", credential.MaxScan)+good, now, false)
	for i, text := range lengthened(good, 60) {
		add("random "+strconv.Itoa(i), text, now, false)
	}
	add("retired key", sign(before, claims("42240000000018", "王*")), now, false)
	add("other edition", sign(ring, regular), now, false)
	add("longest name", sign(ring, claims("42260000000602", strings.Repeat("阿*", 25))), now, false)
	add("large number", sign(ring, claims("999999999999999999", "王*")), now, false)
	add("first after the list", sign(ring, claims("42260003000000", "王*")), now, false)
	add("last of the list", sign(ring, claims("42260002999900", "王*")), now, false)
	add("over and after the list", sign(ring, claims("42260003000000", "王*")), last.Add(time.Second), false)
	add("suspended", suspended, now, false)
	add("replaced", replaced, now, false)
	add("cancelled", cancelled, now, false)
	add("old list", good, at.Add(25*time.Hour), false)
	add("no list", good, now, true)
	add("last second", good, last, true)
	add("over", good, last.Add(time.Second), true)
	add("unknown key", sign(stranger, claims("42260000000117", "王*")), now, false)
	for _, i := range []int{0, 3, 10, 20, 21, 22, 25, 40, 60, 80, 120, 150, len(good) - 2, len(good) - 1} {
		add("altered", swap(good, i), now, false)
	}
	add("cut short", good[:len(good)-1], now, false)
	add("cut in half", good[:len(good)/2], now, false)
	add("another page", "https://volcard.example.cn/verify", now, false)
	add("empty", " ", now, false)
	out, err := json.MarshalIndent(v, "", " ")
	require.NoError(t, err)
	return append(out, '\n')
}

// lengthened puts random text around and into a token, the same each time.
func lengthened(token string, n int) (texts []string) {
	random := rand.New(rand.NewPCG(1, 2))
	runes := []rune("/Vv/.。、：:？?&#%=ABCXYZabc2345670189 \n\t\u3000\u200b\ufe0f\u2066“”（）𠮷İıſK\u0085\u00a0\ufeff\x00")
	words := func(most int) string {
		var b strings.Builder
		for range random.IntN(most) {
			b.WriteRune(runes[random.IntN(len(runes))])
		}
		return b.String()
	}
	for range n {
		at := random.IntN(len(token))
		middle := []string{"", "", " ", "\n", "\u200b", "。", "A"}[random.IntN(7)]
		texts = append(texts, words(30)+token[:at]+middle+token[at:]+words(30))
	}
	return texts
}

// judge writes down what Go says of a text.
func judge(t *testing.T, ring *credential.Keyring, list []byte, v vector) vector {
	t.Helper()
	_, next, statusOf, err := ring.ReadStatusList(list)
	require.NoError(t, err)
	_, c, err := ring.Redeem(t.Context(), v.Text, v.Now)
	listed, covered := statusOf(c.CardNumber)
	switch {
	case errors.Is(err, credential.ErrMalformed):
		v.Status, v.Reason = "unknown", "malformed"
	case errors.Is(err, credential.ErrUnknownKey):
		v.Status, v.Reason = "unknown", "unknown-key"
	case errors.Is(err, credential.ErrSignature):
		v.Status, v.Reason = "unknown", "altered"
	case !v.NoList && listed != "":
		v.Status = listed
	case errors.Is(err, credential.ErrExpired):
		v.Status = "expired"
	case err != nil:
		t.Fatal(err)
	case v.NoList || !covered:
		v.Status = "unlisted"
	case v.Now.After(next):
		v.Status = "stale"
	default:
		v.Status = "valid"
	}
	if v.Reason == "" {
		v.Holder, v.Year = c.MaskedName, c.IssuedOn.Year()
	}
	return v
}

// runVectors runs in the page: all vectors, by what the browser has (Ed25519, DecompressionStream) and by the
// programs that stand in for it.
const runVectors = `(async (given) => {
  const { check, readKeys } = await import("/static/verify/token.js");
  const { readStatusList } = await import("/static/verify/statuslist.js");
  const inflaters = await import("/static/verify/inflate.js");
  const { native, pure } = await import("/static/verify/ed25519.js");
  const bytes = (b64) => Uint8Array.from(atob(b64), (c) => c.charCodeAt(0));
  const keys = readKeys(given.keys);
  const wrong = [];
  for (const [how, verify] of Object.entries({ native, pure })) {
    const list = await readStatusList(bytes(given.list), keys, verify, inflaters[how]);
    for (const bad of given.badList) {
      const taken = await readStatusList(bytes(bad), keys, verify, inflaters[how]).then(() => true, () => false);
      if (taken) wrong.push(how + ": took a bad list");
    }
    for (const want of given.cases) {
      const got = await check(want.text, { keys, list: want.noList ? null : list, verify, now: Date.parse(want.now) });
      const said = [got.status, got.reason, got.claims?.name, got.claims?.year].join();
      const meant = [want.status, want.reason, want.holder, want.year].join();
      if (said !== meant) wrong.push(how + ": " + want.name + ": " + said + " instead of " + meant);
    }
    const text = given.cases[0].text;
    for (let i = 0; i < text.length; i++) {
      for (const c of "AQ7") {
        const altered = text.slice(0, i) + c + text.slice(i + 1);
        if (altered === text) continue;
        const got = await check(altered, { keys, list, verify, now: Date.parse(given.cases[0].now) });
        if (got.status !== "unknown") wrong.push(how + ": accepts " + altered);
      }
    }
  }
  return wrong;
})`

// The vectors are up to date, and the page's program agrees with every one of them.
func TestPageProgramAgreesWithGo(t *testing.T) {
	file := filepath.Join("testdata", "verify-vectors.json")
	made := makeVectors(t)
	if *update {
		require.NoError(t, os.WriteFile(file, made, 0o600))
	}
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(kept), string(made), "the token's form has changed: cards in people's hands must stay good; then go test -update")

	c := newChecks(t, 0)
	b := webtest.NewBrowser(t)
	tab := b.Tab(c.Client(), "/verify", 375, 812)
	wrong, err := chromedp.Run(tab, chromedp.Evaluate[[]string](runVectors+"("+string(kept)+")", chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	require.Empty(t, wrong, strings.Join(wrong, "\n"))

	// The harness can see a difference: once by each of the two programs.
	spoilt := strings.Replace(string(kept), `"holder": "王*"`, `"holder": "张*"`, 1)
	wrong, err = chromedp.Run(tab, chromedp.Evaluate[[]string](runVectors+"("+spoilt+")", chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	require.Len(t, wrong, 2)
}
