package credential_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/credential"
	"volcard/internal/fault"
)

func TestList(t *testing.T) {
	t.Parallel()
	key := credential.NewKey(seed(1), issued)
	r := ring(t, key)
	tokens := map[string]string{}
	var cards []credential.Revoked
	for i, status := range []string{"suspended", "replaced", "cancelled", "suspended", "valid"} {
		c := claims()
		c.CardNumber = fmt.Sprintf("4226000000%04d", i)
		token := sign(t, r, c)
		tokens[token] = status
		if status != "valid" {
			cards = append(cards, credential.Revoked{Token: token, Status: status})
		}
	}
	list, err := r.SignList(cards, issued)
	require.NoError(t, err)
	made, next, status, err := r.ReadList(list.Data)
	require.NoError(t, err)
	require.True(t, issued.Equal(made))
	require.True(t, next.After(made))
	for token, want := range tokens {
		if want == "valid" {
			want = ""
		}
		require.Equal(t, want, status(token))
		id, err := credential.RevocationID(token)
		require.NoError(t, err)
		require.Len(t, id, 8)
	}
	require.NotContains(t, hex.EncodeToString(list.Data), hex.EncodeToString([]byte("4226")), "no card number")

	for i := range list.Data {
		altered := append([]byte(nil), list.Data...)
		altered[i] ^= 1
		_, _, _, err := r.ReadList(altered)
		require.Error(t, err, "byte %d", i)
	}
	_, err = r.SignList([]credential.Revoked{{Token: cards[0].Token, Status: "valid"}}, issued)
	require.Error(t, err)
}

// cards is table card in memory.
type cards struct {
	print   string
	revoked []credential.Revoked
	err     error
	reads   int
}

func (c *cards) Fingerprint(context.Context, time.Time) (string, error) { return c.print, c.err }

func (c *cards) Revoked(context.Context, time.Time, int) ([]credential.Revoked, error) {
	c.reads++
	return c.revoked, c.err
}

func TestPublisher(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	token := sign(t, r, claims())
	c := &cards{print: "none"}
	p := credential.NewPublisher(r, c)
	at := func(after time.Duration) credential.List {
		l, err := p.List(t.Context(), issued.Add(after))
		require.NoError(t, err)
		return l
	}
	status := func(l credential.List) string {
		_, _, status, err := r.ReadList(l.Data)
		require.NoError(t, err)
		return status(token)
	}

	first := at(0)
	require.Empty(t, status(first))
	c.print, c.revoked = "one", []credential.Revoked{{Token: token, Status: "suspended"}}
	require.Equal(t, first.ETag, at(time.Second).ETag, "kept for a moment")
	second := at(2 * time.Second)
	require.Equal(t, "suspended", status(second), "an old QR is refused within seconds")
	require.NotEqual(t, first.ETag, second.ETag)

	require.Equal(t, second.ETag, at(30*time.Second).ETag)
	require.Equal(t, 2, c.reads, "an unchanged list is not read again")
	require.True(t, at(2*time.Minute).Issued.After(second.Issued), "but signed anew, so that its age means something")

	c.err = fault.New(fault.Unavailable, "")
	old := at(10 * time.Minute)
	require.Equal(t, "suspended", status(old), "the database is away: the last list, which tells its age")
	require.True(t, old.Issued.Before(issued.Add(3*time.Minute)))

	_, err := credential.NewPublisher(r, c).List(t.Context(), issued)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	c.err = errors.New("broken")
	_, err = p.List(t.Context(), issued.Add(time.Hour))
	require.Error(t, err)
	_, err = credential.NewPublisher(credential.NewKeyring(&source{}), &cards{}).List(t.Context(), issued)
	require.ErrorIs(t, err, credential.ErrNoKey)
}

func TestPublisherRefusesToLeaveSomebodyOut(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	many := &cards{print: "many", revoked: make([]credential.Revoked, 200_001)}
	_, err := credential.NewPublisher(r, many).List(t.Context(), issued)
	require.Error(t, err)
}
