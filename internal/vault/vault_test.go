package vault_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"volcard/internal/vault"
)

const number = "42010620040229002X"

func fresh(t testing.TB) (v *vault.Vault, keysetJSON, indexKey []byte) {
	t.Helper()
	keysetJSON, indexKey, err := vault.Generate()
	require.NoError(t, err)
	v, err = vault.New(keysetJSON, indexKey)
	require.NoError(t, err)
	return v, keysetJSON, indexKey
}

func TestSealAndUnseal(t *testing.T) {
	t.Parallel()
	v, _, _ := fresh(t)
	for _, plain := range []string{number, "", "王𠮷", strings.Repeat("长", 10_000)} {
		sealed, err := v.SealString(plain, "person.id_number")
		require.NoError(t, err)
		if plain != "" {
			require.False(t, bytes.Contains(sealed, []byte(plain)))
		}
		again, err := v.SealString(plain, "person.id_number")
		require.NoError(t, err)
		require.NotEqual(t, sealed, again, "equal values do not look equal")
		got, err := v.UnsealString(sealed, "person.id_number")
		require.NoError(t, err)
		require.Equal(t, plain, got)
	}
}

func TestUnsealRefuses(t *testing.T) {
	t.Parallel()
	v, _, _ := fresh(t)
	sealed, err := v.SealString(number, "person.id_number")
	require.NoError(t, err)
	_, err = v.UnsealString(sealed, "person.phone")
	require.Error(t, err, "a value moved to another column")
	require.NotContains(t, err.Error(), number)
	for i := range sealed {
		forged := bytes.Clone(sealed)
		forged[i] ^= 1
		_, err := v.UnsealString(forged, "person.id_number")
		require.Error(t, err, "byte %d", i)
	}
	for n := range sealed {
		_, err := v.UnsealString(sealed[:n], "person.id_number")
		require.Error(t, err, "cut to %d bytes", n)
	}
	other, _, _ := fresh(t)
	_, err = other.UnsealString(sealed, "person.id_number")
	require.Error(t, err, "another installation's key")
}

func TestIndex(t *testing.T) {
	t.Parallel()
	v, keyset, indexKey := fresh(t)
	require.Len(t, v.Index("a", number), 32)
	same := v.Index("a", number)
	require.Equal(t, same, v.Index("a", number))
	require.NotEqual(t, v.Index("a", number), v.Index("b", number), "uses are apart")
	require.NotEqual(t, v.Index("a", "bc"), v.Index("ab", "c"), "label and value cannot trade letters")
	rotated, err := vault.Rotate(keyset)
	require.NoError(t, err)
	after, err := vault.New(rotated, indexKey)
	require.NoError(t, err)
	require.Equal(t, v.Index("a", number), after.Index("a", number), "rotation leaves the indexes alone")
	other, _, _ := fresh(t)
	require.NotEqual(t, v.Index("a", number), other.Index("a", number), "without the key nobody can compute it")
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, good, index := fresh(t)
	for name, c := range map[string]struct{ keyset, index []byte }{
		"no key set":        {nil, index},
		"garbage":           {[]byte(`{"primaryKeyId": 1, "key": "secret-material"`), index},
		"an empty set":      {[]byte(`{}`), index},
		"a short index key": {good, index[:31]},
	} {
		_, err := vault.New(c.keyset, c.index)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "secret-material", name)
	}

	// A key that leaves its id out of the values would make a rotation blind.
	template := aead.AES256GCMNoPrefixKeyTemplate()
	handle, err := keyset.NewHandle(template)
	require.NoError(t, err)
	var buf bytes.Buffer
	require.NoError(t, insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&buf)))
	_, err = vault.New(buf.Bytes(), index)
	require.ErrorContains(t, err, "variant TINK")
}

func TestRotation(t *testing.T) {
	t.Parallel()
	before, one, index := fresh(t)
	old, err := before.SealString(number, "person.id_number")
	require.NoError(t, err)

	two, err := vault.Rotate(one)
	require.NoError(t, err)
	keys, err := vault.Keys(two)
	require.NoError(t, err)
	require.Len(t, keys, 2)
	require.False(t, keys[0].Primary)
	require.True(t, keys[1].Primary)
	during, err := vault.New(two, index)
	require.NoError(t, err)
	got, err := during.UnsealString(old, "person.id_number")
	require.NoError(t, err)
	require.Equal(t, number, got, "what was sealed before stays readable")
	id, err := vault.KeyID(old)
	require.NoError(t, err)
	require.Equal(t, keys[0].ID, id)

	moved, err := during.Reseal(old, "person.id_number")
	require.NoError(t, err)
	id, err = vault.KeyID(moved)
	require.NoError(t, err)
	require.Equal(t, keys[1].ID, id)
	again, err := during.Reseal(moved, "person.id_number")
	require.NoError(t, err)
	require.Equal(t, moved, again, "twice changes nothing")
	_, err = during.Reseal(old, "person.phone")
	require.Error(t, err)
	_, err = before.UnsealString(moved, "person.id_number")
	require.Error(t, err, "a process with the old set must be restarted first")

	three, err := vault.Retire(two)
	require.NoError(t, err)
	keys, err = vault.Keys(three)
	require.NoError(t, err)
	require.Len(t, keys, 1)
	after, err := vault.New(three, index)
	require.NoError(t, err)
	got, err = after.UnsealString(moved, "person.id_number")
	require.NoError(t, err)
	require.Equal(t, number, got)
	_, err = after.UnsealString(old, "person.id_number")
	require.Error(t, err)

	for _, f := range []func([]byte) ([]byte, error){vault.Prepare, vault.Rotate, vault.Retire} {
		_, err := f([]byte("secret-material"))
		require.Error(t, err)
		require.NotContains(t, err.Error(), "secret-material")
	}
	_, err = vault.Keys(nil)
	require.Error(t, err)
	_, err = vault.KeyID([]byte(number))
	require.Error(t, err)
}

// While processes are restarted one by one, each can read what the others write.
func TestPrepare(t *testing.T) {
	t.Parallel()
	_, one, index := fresh(t)
	two, err := vault.Prepare(one)
	require.NoError(t, err)
	three, err := vault.Rotate(two)
	require.NoError(t, err)
	keys, err := vault.Keys(three)
	require.NoError(t, err)
	require.Len(t, keys, 2, "the prepared key is used")
	require.True(t, keys[1].Primary)
	sets := [][]byte{one, two, three}
	for i := range sets {
		for _, j := range []int{i - 1, i + 1} {
			if j < 0 || j >= len(sets) {
				continue
			}
			writer, err := vault.New(sets[i], index)
			require.NoError(t, err)
			reader, err := vault.New(sets[j], index)
			require.NoError(t, err)
			sealed, err := writer.SealString(number, "a")
			require.NoError(t, err)
			_, err = reader.UnsealString(sealed, "a")
			require.NoError(t, err, "set %d reads what set %d wrote", j, i)
		}
	}
}

func FuzzUnseal(f *testing.F) {
	v, _, _ := fresh(f)
	sealed, err := v.SealString(number, "a")
	require.NoError(f, err)
	f.Add(sealed, "a")
	f.Add([]byte{}, "")
	f.Add(sealed[:7], "a")
	f.Fuzz(func(t *testing.T, b []byte, label string) {
		if bytes.Equal(b, sealed) && label == "a" {
			return
		}
		if _, err := v.Unseal(b, label); err == nil {
			t.Fatal("opened what was never sealed")
		}
	})
}
