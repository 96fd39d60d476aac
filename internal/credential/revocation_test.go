package credential_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/card"
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
	mark    string
	revoked []credential.Revoked
	err     error
	reads   int
}

func (c *cards) StatusMarker(context.Context) (string, error) { return c.mark, c.err }

func (c *cards) Statuses(context.Context) (*credential.Statuses, error) {
	c.reads++
	statuses := credential.NewStatuses(1 << 20)
	for _, r := range c.revoked {
		claims, err := credential.Peek(r.Token)
		if err != nil {
			return nil, err
		}
		sequence, _ := card.SequenceOf(claims.CardNumber)
		if err := statuses.Set(sequence, r.Status); err != nil {
			return nil, err
		}
	}
	return statuses, c.err
}

func (c *cards) Revoked(context.Context, time.Time, int) ([]credential.Revoked, error) {
	c.reads++
	return c.revoked, c.err
}

func TestPublisher(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]struct {
		publisher func(*credential.Keyring, *cards) *credential.Publisher
		status    func(r *credential.Keyring, data []byte, token string) (string, error)
	}{
		"status list": {
			func(r *credential.Keyring, c *cards) *credential.Publisher {
				return credential.NewStatusPublisher(r, c, "https://volcard.example.cn/list")
			},
			func(r *credential.Keyring, data []byte, _ string) (string, error) {
				_, _, status, err := r.ReadStatusList(data)
				if err != nil {
					return "", err
				}
				said, _ := status(claims().CardNumber)
				return said, nil
			},
		},
		"old form": {
			func(r *credential.Keyring, c *cards) *credential.Publisher { return credential.NewPublisher(r, c) },
			func(r *credential.Keyring, data []byte, token string) (string, error) {
				_, _, status, err := r.ReadList(data)
				if err != nil {
					return "", err
				}
				return status(token), nil
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := &source{keys: []credential.Key{credential.NewKey(seed(1), issued)}}
			r := credential.NewKeyring(keys)
			require.NoError(t, r.Refresh(t.Context()))
			token := sign(t, r, claims())
			c := &cards{mark: "none"}
			p := form.publisher(r, c)
			at := func(after time.Duration) credential.List {
				l, err := p.List(t.Context(), issued.Add(after))
				require.NoError(t, err)
				return l
			}
			status := func(l credential.List) string {
				said, err := form.status(r, l.Data, token)
				require.NoError(t, err)
				return said
			}

			first := at(0)
			require.Empty(t, status(first))
			c.mark, c.revoked = "one", []credential.Revoked{{Token: token, Status: "suspended"}}
			require.Equal(t, first.ETag, at(time.Second).ETag, "kept for a moment")
			second := at(2 * time.Second)
			require.Equal(t, "suspended", status(second), "an old QR is refused within seconds")
			require.NotEqual(t, first.ETag, second.ETag)

			require.Equal(t, second.ETag, at(30*time.Second).ETag)
			require.True(t, at(2*time.Minute).Issued.After(second.Issued), "signed anew, so that its age means something")
			require.Equal(t, "suspended", status(at(3*time.Minute)))
			require.Equal(t, 2, c.reads, "an unchanged list is made without reading a card")

			retired := keys.keys[0]
			retired.Private, retired.Retired, retired.Until = nil, issued, issued.AddDate(5, 0, 0)
			keys.keys = []credential.Key{retired, credential.NewKey(seed(2), issued)}
			require.NoError(t, r.Refresh(t.Context()))
			rotated := at(3*time.Minute + 2*time.Second)
			require.Equal(t, "suspended", status(rotated))
			keys.keys = keys.keys[1:]
			require.NoError(t, r.Refresh(t.Context()))
			require.Equal(t, "suspended", status(rotated), "signed with the new key at once")
			require.Equal(t, 2, c.reads)

			c.err = fault.New(fault.Unavailable, "")
			old := at(10 * time.Minute)
			require.Equal(t, "suspended", status(old), "the database is away: the last list, which tells its age")
			require.True(t, old.Issued.Before(issued.Add(4*time.Minute)))

			_, err := form.publisher(r, c).List(t.Context(), issued)
			require.Equal(t, fault.Unavailable, fault.KindOf(err))
			c.err = errors.New("broken")
			_, err = p.List(t.Context(), issued.Add(time.Hour))
			require.Error(t, err)
			_, err = form.publisher(credential.NewKeyring(&source{}), &cards{}).List(t.Context(), issued)
			require.ErrorIs(t, err, credential.ErrNoKey)
		})
	}
}

func TestOldFormEndsRatherThanLeaveSomebodyOut(t *testing.T) {
	t.Parallel()
	r := ring(t, credential.NewKey(seed(1), issued))
	many := &cards{mark: "many", revoked: make([]credential.Revoked, 200_001)}
	_, err := credential.NewPublisher(r, many).List(t.Context(), issued)
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}
