package codestore_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/fault"
	"volcard/internal/limit"
	"volcard/internal/store/codestore"
)

func TestLimiter(t *testing.T) {
	b := setup(t)
	l := codestore.Limiter{DB: b.DB, Vault: b.Vault, Clock: b.Clock}
	for range 5 {
		require.NoError(t, l.Allow(ctx, limit.LoginAccount, "a"))
	}
	err := l.Allow(ctx, limit.LoginAccount, "a")
	require.True(t, fault.Is(err, fault.TooMany))
	wait, ok := limit.RetryAfter(err)
	require.True(t, ok)
	require.Equal(t, 15*time.Minute, wait)
	require.NoError(t, l.Allow(ctx, limit.LoginAccount, "b"), "keys are apart")
	require.NoError(t, l.Allow(ctx, limit.StaffLogin, "a"), "kinds are apart")

	b.now.Advance(15 * time.Minute)
	require.NoError(t, l.Allow(ctx, limit.LoginAccount, "a"), "refused attempts do not lengthen the wait")
	require.NoError(t, l.Forget(ctx, limit.LoginAccount, "a"))
	for range 5 {
		require.NoError(t, l.Allow(ctx, limit.LoginAccount, "a"))
	}
}

// Somebody elsewhere cannot use the tries of an account up; to forget the account forgets every network.
func TestLimiterAtNetworks(t *testing.T) {
	b := setup(t)
	l := codestore.Limiter{DB: b.DB, Vault: b.Vault, Clock: b.Clock}
	here, there := limit.At("a", "192.0.2.1"), limit.At("a", "192.0.2.2")
	use := func(key string) {
		t.Helper()
		for range 5 {
			require.NoError(t, l.Allow(ctx, limit.StaffLogin, key))
		}
		require.True(t, fault.Is(l.Allow(ctx, limit.StaffLogin, key), fault.TooMany))
	}
	use(here)
	use(there)
	use("a")
	use(limit.At("b", "192.0.2.1"))
	require.NoError(t, l.Forget(ctx, limit.StaffLogin, here))
	require.True(t, fault.Is(l.Allow(ctx, limit.StaffLogin, there), fault.TooMany))
	require.NoError(t, l.Forget(ctx, limit.StaffLogin, "a"))
	use(here)
	use(there)
	use("a")
	require.True(t, fault.Is(l.Allow(ctx, limit.StaffLogin, limit.At("b", "192.0.2.1")), fault.TooMany), "another account")
}

func TestLimiterInParallel(t *testing.T) {
	b := setup(t)
	l := codestore.Limiter{DB: b.DB, Vault: b.Vault, Clock: b.Clock}
	var allowed atomic.Int32
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if l.Allow(ctx, limit.LoginAccount, "a") == nil {
				allowed.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 5, allowed.Load())
}

func TestSweep(t *testing.T) {
	b := setup(t)
	l := codestore.Limiter{DB: b.DB, Vault: b.Vault, Clock: b.Clock}
	for range 5 {
		require.NoError(t, l.Allow(ctx, limit.LoginAccount, "a"))
	}
	_, err := b.Request(ctx, register(t, "13800000001"))
	require.NoError(t, err)
	b.now.Advance(23 * time.Hour)
	require.NoError(t, l.Allow(ctx, limit.LoginAccount, "a"))
	n, err := l.Sweep(ctx, 100)
	require.NoError(t, err)
	require.Zero(t, n, "they still count")
	b.now.Advance(2 * time.Hour)
	n, err = l.Sweep(ctx, 3)
	require.NoError(t, err)
	require.EqualValues(t, 3, n)
	n, err = l.Sweep(ctx, 100)
	require.NoError(t, err)
	require.EqualValues(t, 5, n)
	n, err = b.Sweep(ctx, 100)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	var left int
	require.NoError(t, b.DB.QueryRow(ctx, "SELECT (SELECT count(*) FROM attempt) + (SELECT count(*) FROM sms_code)").Scan(&left))
	require.Equal(t, 1, left)
}

func FuzzParseCode(f *testing.F) {
	for _, s := range []string{"123456", " 123 456 ", "１２３４５６", "12345", "1234567", "12345a", "", "123-456", "\u200b123456"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		code, ok := codestore.ParseCode(s)
		if ok != (len(code) == 6 && strings.Trim(code, "0123456789") == "") {
			t.Fatalf("%q -> %q, %v", s, code, ok)
		}
		if again, ok2 := codestore.ParseCode(code); ok && (!ok2 || again != code) {
			t.Fatalf("not stable: %q", code)
		}
	})
}

func TestParseCode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"123456": "123456", " 123 456\n": "123456", "１２３４５６": "123456", "012-345": "012345",
		"12345": "", "1234567": "", "12345x": "", "": "", "一二三四五六": "", "１２３": "",
	} {
		got, ok := codestore.ParseCode(in)
		require.Equal(t, want, got, in)
		require.Equal(t, want != "", ok, in)
	}
}
