package public_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
)

// clockOff opens the page again on a device whose clock is ahead by this much.
func (c checker) clockOff(ahead time.Duration) {
	c.t.Helper()
	do(c, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: fmt.Sprintf(`(now => { Date.now = () => now() + %d; })(Date.now.bind(Date))`, ahead.Milliseconds()),
		})
		return chromedp.Void{}, err
	})
	do(c, chromedp.Reload())
}

// A card is not blamed for the checker's clock (T67): with a list fetched just now the server's time counts, and the
// answer names the clock.
func TestVerifyOnADeviceWithAWrongClock(t *testing.T) {
	c := newChecks(t, 0)
	c.today()
	_, good := c.card("王五", "valid", c.Clock.Now().AddDate(0, 0, 10))
	_, over := c.card("李四", "valid", c.Clock.Now().AddDate(0, 0, -3))
	b := webtest.NewBrowser(t)
	for _, tc := range []struct {
		ahead time.Duration
		says  string
	}{
		{0, ""},
		{3 * time.Minute, ""},
		{3 * time.Hour, "快了约 3 小时"},
		{40 * 24 * time.Hour, "快了约 40 天"},
		{-20 * time.Minute, "慢了约 20 分钟"},
		{-400 * 24 * time.Hour, "慢了约 400 天"},
	} {
		p := checker{t, b.Tab(c.Client(), "/verify", 375, 812)}
		p.clockOff(tc.ahead)
		p.ready()
		for token, want := range map[string]string{good: "valid", over: "expired"} {
			status, _ := p.paste(token)
			require.Equal(t, want, status, tc.ahead)
			said := do(p, chromedp.Text(chromedp.CSS("#result")))
			if tc.says == "" {
				require.NotContains(t, said, "设备时间", tc.ahead)
				continue
			}
			require.Contains(t, said, "您的设备时间不对，"+tc.says)
		}
		require.Contains(t, do(p, chromedp.Text(chromedp.CSS("#basis"))), "不到 1 分钟前", "nor the list")
		keep(t, b, p.tab, "verify-clock-"+tc.ahead.String())
		require.NoError(t, chromedp.Cancel(p.tab))
	}
}

// The clock of the page itself: sleep, a clock that is put right, and a list without a server's time.
func TestPageClock(t *testing.T) {
	c := newChecks(t, 0)
	p := checker{t, webtest.NewBrowser(t).Tab(c.Client(), "/verify", 375, 812)}
	const hour = 3600000
	wrong := do(p, chromedp.Evaluate[[]string](fmt.Sprintf(`(async (hour) => {
		const { Clock, wrongClock } = await import("/static/verify/clock.js");
		const wrong = [], want = (name, got, is) => { if (got !== is) wrong.push(name + ": " + got + " instead of " + is); };
		let wall = 0, steady = 0;
		const make = (at) => { wall = at; steady = 5; return new Clock(() => wall, () => steady); };

		let clock = make(50 * hour);
		want("nothing known", clock.now(), 50 * hour);
		want("nothing known, off", clock.wrongBy, 0);
		clock.atLeast(60 * hour);
		want("kept list from the future", clock.now(), 60 * hour);
		want("names the clock", wrongClock(clock), "您的设备时间不对，慢了约 10 小时。请校准设备时间后再核验。");
		clock.atLeast(40 * hour);
		want("kept list", clock.now(), 50 * hour);

		clock = make(50 * hour);
		clock.learn(10 * hour, new Date(10 * hour + 30000).toUTCString());
		want("the answer's date", clock.now(), 10 * hour + 30000);
		clock.learn(10 * hour, null);
		want("no date", clock.now(), 10 * hour);
		clock.learn(10 * hour, new Date(9 * hour).toUTCString());
		want("a date before the signature", clock.now(), 10 * hour);
		steady += hour; wall += hour;
		want("an hour later", clock.now(), 11 * hour);
		wall += hour;
		want("after an hour of sleep", clock.now(), 12 * hour);
		wall = 12 * hour;
		want("put right", clock.now(), 11 * hour);
		clock.learn(12 * hour, new Date(12 * hour).toUTCString());
		want("and learned anew", wrongClock(clock), "");
		return wrong;
	})(%d)`, hour), chromedp.EvalAwaitPromise))
	require.Empty(t, wrong)
}
