package limit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"volcard/internal/fault"
	"volcard/internal/limit"
)

var start = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

func TestWait(t *testing.T) {
	t.Parallel()
	at := func(seconds ...int) []time.Time {
		var ts []time.Time
		for _, s := range seconds {
			ts = append(ts, start.Add(-time.Duration(s)*time.Second))
		}
		return ts
	}
	for name, c := range map[string]struct {
		past []time.Time
		want time.Duration
	}{
		"the first":                {nil, 0},
		"a second one at once":     {at(0), time.Minute},
		"after half a minute":      {at(30), 30 * time.Second},
		"after a minute":           {at(60), 0},
		"the sixth of an hour":     {at(70, 700, 1400, 2100, 2800), 800 * time.Second},
		"in any order":             {at(2800, 70, 1400, 700, 2100), 800 * time.Second},
		"an hour after the oldest": {at(70, 700, 1400, 2100, 3600), 0},
		"the eleventh of a day":    {at(4000, 8000, 12000, 16000, 20000, 24000, 28000, 32000, 36000, 40000), 46400 * time.Second},
	} {
		require.Equal(t, c.want, max(0, limit.CodePhone.Wait(c.past, start)), name)
	}
	closed := limit.Kind{Name: "closed", Windows: []limit.Window{{0, time.Hour}}}
	require.Equal(t, time.Hour, closed.Wait(nil, start))
}

// However attempts arrive, those that were allowed never exceed any window, and after the wait
// that was named one more is allowed.
func TestWaitKeepsEveryWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kind := limit.CodePhone
		now := start
		var allowed []time.Time
		for _, gap := range rapid.SliceOfN(rapid.IntRange(0, 4000), 1, 60).Draw(t, "gaps") {
			now = now.Add(time.Duration(gap) * time.Second)
			if wait := kind.Wait(allowed, now); wait > 0 {
				later := now.Add(wait)
				if kind.Wait(allowed, later) > 0 || kind.Wait(allowed, later.Add(-time.Second)) <= 0 {
					t.Fatalf("the wait %v is not the shortest", wait)
				}
				continue
			}
			allowed = append(allowed, now)
			for _, w := range kind.Windows {
				n := 0
				for _, a := range allowed {
					if now.Sub(a) < w.Per {
						n++
					}
				}
				if n > w.N {
					t.Fatalf("%d within %v", n, w.Per)
				}
			}
		}
	})
}

func TestExceeded(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{
		0:                             "操作太频繁，请在 1 秒后再试。",
		41*time.Second + 1:            "操作太频繁，请在 42 秒后再试。",
		90 * time.Second:              "操作太频繁，请在 90 秒后再试。",
		91 * time.Second:              "操作太频繁，请在 2 分钟后再试。",
		26*time.Minute + time.Second:  "操作太频繁，请在 27 分钟后再试。",
		5*time.Hour + 20*time.Minute:  "操作太频繁，请在 6 小时后再试。",
		23*time.Hour + 59*time.Minute: "操作太频繁，请在 24 小时后再试。",
	} {
		err := limit.Exceeded(limit.CodePhone, wait)
		require.Equal(t, want, fault.Sentence(err))
		require.Equal(t, fault.TooMany, fault.KindOf(err))
		got, ok := limit.RetryAfter(err)
		require.True(t, ok)
		require.Equal(t, wait, got)
	}
	_, ok := limit.RetryAfter(fault.New(fault.TooMany, "no"))
	require.False(t, ok)
}

// A refusal for what others did names the network, or what else to do.
func TestExceededNamesTheNetworkAndTheWay(t *testing.T) {
	t.Parallel()
	for _, k := range limit.Kinds() {
		got := fault.Sentence(limit.Exceeded(k, time.Minute))
		require.Equal(t, k.Shared, strings.Contains(got, "网络"), k.Name)
		require.Contains(t, got, "请在 60 秒后再试", k.Name)
		require.True(t, strings.HasSuffix(got, "。"), k.Name)
		if k.Way != "" {
			require.Contains(t, got, k.Way, k.Name)
		}
	}
}

func TestWindowText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]limit.Window{
		"60/1m": {N: 60, Per: time.Minute}, " 5 / 1h30m ": {N: 5, Per: 90 * time.Minute}, "1/24h": {N: 1, Per: 24 * time.Hour},
		"": {}, "60": {}, "0/1m": {}, "-1/1m": {}, "60/": {}, "60/25h": {}, "60/1ms": {}, "x/1m": {}, "60/1m/2h": {},
	} {
		var got limit.Window
		require.Equal(t, want == limit.Window{}, got.UnmarshalText([]byte(in)) != nil, in)
		require.Equal(t, want, got, in)
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, k := range limit.Kinds() {
		require.False(t, seen[k.Name], "%s twice: two limits would share a count", k.Name)
		seen[k.Name] = true
		require.NotEmpty(t, k.Windows)
		require.LessOrEqual(t, k.Windows[len(k.Windows)-1].Per, limit.Longest())
	}
	require.Equal(t, 10, limit.CodePhone.Most())
}

func TestAddressKey(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"192.0.2.7":              "192.0.2.7",
		"192.0.2.7:5678":         "192.0.2.7",
		"::ffff:192.0.2.7":       "192.0.2.7",
		"[2001:db8::1]:443":      "2001:db8::/64",
		"2001:db8::ffff:1":       "2001:db8::/64",
		"2001:db8:0:1::1":        "2001:db8:0:1::/64",
		"fe80::1%eth0":           "fe80::/64",
		"":                       "unknown",
		"evil, 192.0.2.7":        "unknown",
		"192.0.2.7\x00":          "unknown",
		"２００.0.2.7":              "unknown",
		"192.0.2.7.example.test": "unknown",
	} {
		require.Equal(t, want, limit.AddressKey(in), in)
	}
}

func TestNetworkKey(t *testing.T) {
	t.Parallel()
	require.Equal(t, "192.0.2.7", limit.NetworkKey("192.0.2.7:5678"))
	require.Equal(t, "2001:db8:7::/48", limit.NetworkKey("2001:db8:7:1::1"))
	require.Equal(t, "2001:db8:7::/48", limit.NetworkKey("2001:db8:7:2::"))
	require.Equal(t, limit.At("a", "2001:db8:7:1::"), limit.At("a", "2001:db8:7:2::"))
	require.NotEqual(t, limit.At("a", "192.0.2.7"), limit.At("a", "192.0.2.8"))
}

func FuzzAddressKey(f *testing.F) {
	for _, s := range []string{"192.0.2.7", "[::1]:1", "fe80::1%eth0", "", "a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key := limit.AddressKey(s)
		if key == "" || len(key) > 64 {
			t.Fatalf("key %q", key)
		}
	})
}
