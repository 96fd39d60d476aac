package credential_test

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"volcard/internal/credential"
)

const listAddress = "https://volcard.example.cn/.well-known/volcard/status-list"

// open takes a status list apart with nothing of the package: a message of RFC 9052, the claims of the draft.
func open(t testing.TB, data []byte) (header, claims map[any]any, packed []byte) {
	t.Helper()
	var tag cbor.RawTag
	require.NoError(t, cbor.Unmarshal(data, &tag))
	require.EqualValues(t, 18, tag.Number)
	var parts []any
	require.NoError(t, cbor.Unmarshal(tag.Content, &parts))
	require.Len(t, parts, 4)
	require.NoError(t, cbor.Unmarshal(parts[0].([]byte), &header))
	require.NoError(t, cbor.Unmarshal(parts[2].([]byte), &claims))
	list := claims[uint64(65533)].(map[any]any)
	require.EqualValues(t, 2, list["bits"])
	z, err := zlib.NewReader(bytes.NewReader(list["lst"].([]byte)))
	require.NoError(t, err)
	packed, err = io.ReadAll(z)
	require.NoError(t, err)
	return header, claims, packed
}

// The example of the draft for two bits, section 4.1: twelve statuses in three bytes.
func TestStatusListIsTheDraftsForm(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	statuses := credential.NewStatuses(12)
	names := []string{"valid", "cancelled", "suspended", "replaced"} // 0 VALID, 1 INVALID, 2 SUSPENDED, 3 ours
	for sequence, code := range []int{1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3} {
		require.NoError(t, statuses.Set(int64(sequence), names[code]))
	}
	list, err := r.SignStatusList(statuses, listAddress, issued)
	require.NoError(t, err)
	header, claims, packed := open(t, list.Data)
	require.Equal(t, "application/statuslist+cwt", header[uint64(16)])
	require.EqualValues(t, -8, header[uint64(1)])
	require.Equal(t, listAddress, claims[uint64(2)])
	require.EqualValues(t, issued.Unix(), claims[uint64(6)])
	require.EqualValues(t, list.Next.Unix(), claims[uint64(4)])

	example, err := base64.RawURLEncoding.DecodeString("eNo76fITAAPfAgc")
	require.NoError(t, err)
	z, err := zlib.NewReader(bytes.NewReader(example))
	require.NoError(t, err)
	want, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, want, packed)
}

func number(sequence int64) string { return fmt.Sprintf("4226%08d00", sequence) }

func TestStatusList(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	want := map[int64]string{}
	statuses := credential.NewStatuses(1000)
	for sequence := range statuses.Size() {
		status := []string{"valid", "cancelled", "suspended", "replaced"}[rand.IntN(4)]
		require.NoError(t, statuses.Set(sequence, "replaced"))
		require.NoError(t, statuses.Set(sequence, status), "a status is set over another one")
		if want[sequence] = status; status == "valid" {
			want[sequence] = ""
		}
	}
	for _, sequence := range []int64{-1, 1000} {
		require.Error(t, statuses.Set(sequence, "cancelled"))
	}
	require.Error(t, statuses.Set(1, "lost"))
	list, err := r.SignStatusList(statuses, listAddress, issued)
	require.NoError(t, err)
	made, next, status, err := r.ReadStatusList(list.Data)
	require.NoError(t, err)
	require.True(t, issued.Equal(made))
	require.True(t, list.Next.Equal(next))
	for sequence, said := range want {
		got, ok := status(number(sequence))
		require.True(t, ok)
		require.Equal(t, said, got)
	}
	for _, other := range []string{number(1000), number(99_999_999), "999999999999999999", "4226", "", "42260000000x00", "４2260000000100"} {
		_, ok := status(other)
		require.False(t, ok, other)
	}
}

func TestStatusListRefusesWhatItDidNotSign(t *testing.T) {
	t.Parallel()
	key := credential.NewKey(seed(1), issued)
	r := ring(t, key)
	statuses := credential.NewStatuses(8)
	list, err := r.SignStatusList(statuses, listAddress, issued)
	require.NoError(t, err)
	for i := range list.Data {
		altered := bytes.Clone(list.Data)
		altered[i] ^= 1
		_, _, _, err := r.ReadStatusList(altered)
		require.Error(t, err, "byte %d", i)
		_, _, _, err = r.ReadStatusList(list.Data[:i])
		require.Error(t, err, "cut at %d", i)
	}
	foreign, err := ring(t, credential.NewKey(seed(2), issued)).SignStatusList(statuses, listAddress, issued)
	require.NoError(t, err)
	_, _, _, err = r.ReadStatusList(foreign.Data)
	require.ErrorIs(t, err, credential.ErrUnknownKey)

	// What is signed as one kind is none of the others.
	old, err := r.SignList(nil, issued)
	require.NoError(t, err)
	_, _, _, err = r.ReadStatusList(old.Data)
	require.Error(t, err)
	_, _, _, err = r.ReadList(list.Data)
	require.Error(t, err)
	_, err = credential.NewKeyring(&source{}).SignStatusList(statuses, listAddress, issued)
	require.ErrorIs(t, err, credential.ErrNoKey)
}

// sixMillion are the statuses of six million cards of which every twentieth is not in force.
func sixMillion(t testing.TB) *credential.Statuses {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	statuses := credential.NewStatuses(6_000_000)
	for range statuses.Size() / 20 {
		err := statuses.Set(random.Int64N(statuses.Size()), []string{"cancelled", "suspended", "replaced"}[random.IntN(3)])
		require.NoError(t, err)
	}
	return statuses
}

// What the list costs on a phone: 400 KB for six million cards, and next to nothing for a range.
func TestStatusListIsSmall(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	statuses := sixMillion(t)
	list, err := r.SignStatusList(statuses, listAddress, issued)
	require.NoError(t, err)
	require.LessOrEqual(t, len(list.Data), 400_000)
	wider := credential.NewStatuses(statuses.Size())
	plain, err := r.SignStatusList(wider, listAddress, issued)
	require.NoError(t, err)
	for sequence := int64(1_000_000); sequence < 1_100_000; sequence++ {
		require.NoError(t, wider.Set(sequence, "cancelled"))
	}
	ranged, err := r.SignStatusList(wider, listAddress, issued)
	require.NoError(t, err)
	require.Less(t, len(ranged.Data)-len(plain.Data), 200)
}

func BenchmarkSignStatusList(b *testing.B) {
	r := ring(b, credential.NewKey(seed(1), issued))
	statuses := sixMillion(b)
	for b.Loop() {
		list, err := r.SignStatusList(statuses, listAddress, issued)
		require.NoError(b, err)
		b.ReportMetric(float64(len(list.Data)), "bytes")
	}
}
