package public

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/httprate"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/credential"
	"volcard/internal/fault"
	"volcard/internal/store/verifystore"
)

// DefaultVerifyPerMinute bounds the cards that one address may check in a minute: a school behind
// one address at the entrance of an event.
const DefaultVerifyPerMinute = 300

// Verify tells anybody whether a card is genuine and in force. It shows the masked name, the
// edition and the year, and no number.
type Verify struct {
	Kit   *web.Kit
	Keys  *credential.Keyring
	Cards verifystore.Store
	List  *credential.Publisher // the status list
	// OldList is the form that pages opened before the status list go by.
	OldList *credential.Publisher
	// PerMinute bounds the checks of one address; 0: no bound.
	PerMinute int
}

// Routes mounts the pages and the published files. The QR holds the upper-case path.
func (v Verify) Routes(r chi.Router) {
	show := v.Kit.Handle(v.show)
	checks := r.With(v.limit())
	for _, path := range []string{"/v/{token}", "/V/{token}"} {
		for _, path := range []string{path, path + "/*"} { // a link may come with a slash, or with more, behind it
			checks.Get(path, show)
			checks.Head(path, show)
		}
	}
	r.Get(pagePath, v.Kit.Handle(v.page))
	checks.With(web.BodyLimit(maxForm)).Post(pagePath, v.Kit.Handle(v.check))
	r.Get(workerPath, v.Kit.Handle(v.worker))
	r.Get(keysPath, v.Kit.Handle(v.keys))
	r.Get(StatusListPath, v.Kit.Handle(v.statusList))
	r.Get(revokedPath, v.Kit.Handle(v.revoked))
}

func (v Verify) limit() func(http.Handler) http.Handler {
	if v.PerMinute <= 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	return httprate.LimitBy(v.PerMinute, time.Minute,
		func(r *http.Request) (string, error) { return web.ClientIP(r), nil },
		httprate.WithResponseHeaders(httprate.ResponseHeaders{RetryAfter: "Retry-After"}),
		httprate.WithLimitHandler(func(w http.ResponseWriter, r *http.Request) {
			v.Kit.Fail(w, r, fault.New(fault.TooMany, "这个网络里核验得太频繁了，请一分钟后再试。"))
		}))
}

// Verdict is what a checker reads first. Tone chooses colour and icon; the word says it as well.
type Verdict struct {
	Key, Tone, Title, Sentence string
}

// verdicts are all that can be said of a card. The last two are said without network only.
var verdicts = []Verdict{
	{"valid", "ok", "有效", "这是一张真实、有效的志愿者证。"},
	{"suspended", "warn", "已暂停使用", "证件已挂失或被暂停，目前不能使用。"},
	{"replaced", "bad", "已换发新证", "这张证件已由新证代替，请持证人出示新证。"},
	{"expired", "warn", "已过期", "证件是真实的，但已超过有效期。"},
	{"cancelled", "bad", "已注销", "这张证件已注销，不能再使用。"},
	{"unknown", "bad", "不是有效的志愿者证", "系统里没有这张证件。"},
	{"stale", "warn", "真实，但名单已旧", "签名是真的；吊销名单已超过一天没有更新，请联网后再查。"},
	{"unlisted", "warn", "暂时不能确认", "还没有取得公钥或吊销名单，或名单里还没有这张证件，请联网后再查。"},
}

func verdict(key string) Verdict {
	for _, v := range verdicts {
		if v.Key == key {
			return v
		}
	}
	return Verdict{Key: "unknown", Tone: "bad"}
}

// facts is what a card shows of itself to a checker.
type facts struct {
	Verdict
	Name, Edition string
	Year          int // 0: nothing is known
}

type verdictPage struct {
	web.Frame
	Facts facts
	At    time.Time
}

// show answers for one token from the database: the truth of this moment.
func (v Verify) show(w http.ResponseWriter, r *http.Request) error {
	now := v.Kit.Now()
	said, _, err := v.look(r.Context(), r.URL.Path, now)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Referrer-Policy", "no-referrer") // the address is the card
	status := http.StatusOK
	if said.Year == 0 {
		status = http.StatusNotFound
	}
	return v.Kit.Render(w, r, status, "public/verify-card", &verdictPage{
		Frame: web.Frame{Title: "核验：" + said.Title, Anonymous: true}, Facts: said, At: now,
	})
}

// look compares each candidate with the token that was published for its card. Where they are the
// same, the signature was checked before it was published and says nothing more; where none is, the
// text holds nobody's card, and the signature tells why.
func (v Verify) look(ctx context.Context, text string, now time.Time) (f facts, token string, err error) {
	for _, token = range credential.Candidates(text) {
		c, err := credential.Peek(token)
		if err != nil {
			continue
		}
		row, _, err := v.Cards.Lookup(ctx, c.CardNumber)
		if err != nil {
			return facts{}, "", err
		}
		if row.Token != token {
			continue
		}
		key := string(row.Status)
		if row.Status == card.Valid && now.After(row.ExpiresAt) {
			key = "expired"
		}
		return factsOf(key, c), token, nil
	}
	_, c, err := v.Keys.Redeem(ctx, text, now)
	if err == nil || errors.Is(err, credential.ErrExpired) {
		// A database that was lost may have issued it.
		revoked, err := v.Cards.RangeRevoked(ctx, c.CardNumber)
		if err != nil {
			return facts{}, "", err
		}
		if revoked {
			return factsOf("cancelled", c), "", nil
		}
	}
	return v.unknown(err), "", nil
}

func factsOf(key string, c credential.Claims) facts {
	return facts{
		Verdict: verdict(key), Name: c.MaskedName, Edition: card.Edition(c.Edition).Text(), Year: c.IssuedOn.Year(),
	}
}

// unknown is the verdict on what is no card of ours, with the reason where there is one to tell.
func (Verify) unknown(err error) facts {
	f := facts{Verdict: verdict("unknown")}
	if err != nil && !errors.Is(err, credential.ErrExpired) {
		f.Sentence = fault.Sentence(err)
	}
	return f
}
