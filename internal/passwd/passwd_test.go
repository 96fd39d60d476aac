package passwd_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"volcard/internal/fault"
	"volcard/internal/passwd"
)

func hasher(t testing.TB) *passwd.Hasher {
	t.Helper()
	h, err := passwd.New(passwd.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	return h
}

func TestHashAndCheck(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := hasher(t)
	one, err := h.Hash(ctx, "长密码 correct 1")
	require.NoError(t, err)
	two, err := h.Hash(ctx, "长密码 correct 1")
	require.NoError(t, err)
	require.NotEqual(t, one, two, "each hash has its salt")
	require.NotContains(t, one, "correct")

	for _, c := range []struct {
		password, hash string
		want           bool
	}{
		{"长密码 correct 1", one, true},
		{"长密码 correct 1", two, true},
		{"长密码 correct 2", one, false},
		{"", one, false},
		{"no account has this password", "", false},
		{"", "", false},
		{strings.Repeat("x", 100_000), one, false},
	} {
		got, err := h.Check(ctx, c.password, c.hash)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	_, err = h.Check(ctx, "x", "not a hash")
	require.Error(t, err)
	_, err = h.Hash(ctx, strings.Repeat("x", 100_000))
	require.True(t, fault.Is(err, fault.Invalid))
}

// However a keyboard composes it, a password is one password; a hash that was made of what was typed goes on.
func TestNFCAndNFDAreOnePassword(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := hasher(t)
	for _, pw := range []string{"Zoë's café 7", "mật khẩu 1", "비밀번호 1234", "plain 1234", "密码 1234 が"} {
		nfc, nfd := norm.NFC.String(pw), norm.NFD.String(pw)
		for _, made := range []string{nfc, nfd} {
			hash, err := h.Hash(ctx, made)
			require.NoError(t, err)
			for _, typed := range []string{nfc, nfd} {
				match, err := h.Check(ctx, typed, hash)
				require.NoError(t, err)
				require.True(t, match, "made of %q, typed as %q", made, typed)
			}
		}
		// Of an earlier version: hashed as it was typed.
		params := passwd.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
		for _, made := range []string{nfc, nfd} {
			old, err := argon2id.CreateHash(made, &params)
			require.NoError(t, err)
			match, err := h.Check(ctx, made, old)
			require.NoError(t, err)
			require.True(t, match, "%q", made)
			match, err = h.Check(ctx, made+"x", old)
			require.NoError(t, err)
			require.False(t, match)
		}
	}
	// The longest password fits in either form.
	longest := strings.Repeat("한", 63) + "1"
	hash, err := h.Hash(ctx, norm.NFD.String(longest))
	require.NoError(t, err)
	match, err := h.Check(ctx, longest, hash)
	require.NoError(t, err)
	require.True(t, match)
}

func TestOlderCostsStayReadable(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	cheap, err := hasher(t).Hash(ctx, "pass 1234")
	require.NoError(t, err)
	dear, err := passwd.New(passwd.Params{Memory: 128, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	ok, err := dear.Check(ctx, "pass 1234", cheap)
	require.NoError(t, err)
	require.True(t, ok)
}

func TestWaitsAreBoundedByTheContext(t *testing.T) {
	t.Parallel()
	h := hasher(t)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, err := h.Hash(context.Background(), "pass 1234")
			require.NoError(t, err)
			_, err = h.Hash(ended, "pass 1234")
			if err != nil {
				require.ErrorIs(t, err, context.Canceled)
			}
		})
	}
	wg.Wait()
}

func BenchmarkStandard(b *testing.B) {
	h, err := passwd.New(passwd.Standard())
	require.NoError(b, err)
	for b.Loop() {
		_, err := h.Hash(context.Background(), "pass 1234")
		require.NoError(b, err)
	}
}
