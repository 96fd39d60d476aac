package credential

import (
	"bytes"
	"context"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type oneKey struct{ key Key }

func (o oneKey) Keys(context.Context) ([]Key, error) { return []Key{o.key}, nil }

// A token that is signed rightly and lacks a field, or has an odd one, is refused and breaks nothing
// (OpenCRVS#6422); one that says more than we know is read.
func TestSignedOddFields(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	key := NewKey(bytes.Repeat([]byte{1}, 32), at)
	ring := NewKeyring(oneKey{key})
	require.NoError(t, ring.Refresh(t.Context()))
	whole := map[int]any{1: 42260000000117, 2: 1, 3: day(at), 4: day(at) + 1825, 5: "王*"}
	verify := func(content any) error {
		data, err := encoder.Marshal(content)
		require.NoError(t, err)
		msg, err := signMessage(key, data, aadToken, nil)
		require.NoError(t, err)
		_, err = ring.Verify(text32.EncodeToString(msg), at)
		return err
	}
	with := func(k int, v any) map[int]any {
		m := maps.Clone(whole)
		m[k] = v
		return m
	}
	require.NoError(t, verify(whole))
	require.NoError(t, verify(with(6, []byte{1, 2, 3})))
	require.NoError(t, verify(with(7, "later")))
	for k := 1; k <= 5; k++ {
		m := maps.Clone(whole)
		delete(m, k)
		require.ErrorIs(t, verify(m), ErrMalformed, "without %d", k)
	}
	for name, content := range map[string]any{
		"text for number":  with(1, "42260000000117 and more"),
		"negative number":  with(1, -5),
		"short number":     with(1, 7),
		"unknown edition":  with(2, 9),
		"ends before":      with(4, 3),
		"beyond all dates": with(4, 1<<40),
		"empty name":       with(5, ""),
		"number as name":   with(5, 12),
		"name with escape": with(5, "王\x1b[2J"),
		"an array":         []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		"a text":           "a text that is long enough to make the token long enough",
		"text for random":  with(6, "text"),
		"deep":             with(7, []any{[]any{[]any{[]any{[]any{1}}}}}),
	} {
		require.ErrorIs(t, verify(content), ErrMalformed, name)
	}
}
