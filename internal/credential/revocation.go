package credential

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"volcard/internal/fault"
)

// Status of a card that is on the list, as the list writes it. Valid and expired cards are not.
const (
	listSuspended = 1
	listReplaced  = 2
	listCancelled = 3
)

var listStatus = map[string]int{"suspended": listSuspended, "replaced": listReplaced, "cancelled": listCancelled}

// Revoked is one card that must not be accepted.
type Revoked struct {
	Token  string
	Status string // suspended, replaced or cancelled
}

// Revocations tells which cards are revoked and not yet expired.
type Revocations interface {
	// Fingerprint changes whenever the answer of Revoked would.
	Fingerprint(ctx context.Context, now time.Time) (string, error)
	// Revoked lists at most limit+1 cards.
	Revoked(ctx context.Context, now time.Time, limit int) ([]Revoked, error)
}

// listPayload is the signed content of the list. Entries holds for each status the sorted
// RevocationIDs, one after the other.
type listPayload struct {
	Issued  int64          `cbor:"1,keyasint"` // Unix seconds
	Next    int64          `cbor:"2,keyasint"` // when a newer one should be at hand
	Entries map[int][]byte `cbor:"3,keyasint"`
}

// List is a published list.
type List struct {
	Issued time.Time
	Next   time.Time
	Data   []byte // the COSE_Sign1 message
	ETag   string
}

const (
	// listLimit bounds the list: 1.6 MB. With more, publishing fails and verifying without network
	// says that it has no list, which is better than a list that leaves somebody out.
	listLimit = 200_000
	// listCheck is how long the published list stands before the cards are asked again: so soon an
	// old QR is refused.
	listCheck = 2 * time.Second
	// listRenew is how often an unchanged list is signed anew, so that its age says something.
	listRenew = time.Minute
	// listLife is how long a reader without network may go on with a list before it must warn.
	listLife = 24 * time.Hour
)

// Publisher makes the signed revocation list and keeps it for a moment.
type Publisher struct {
	ring  *Keyring
	cards Revocations

	mu      sync.Mutex
	list    List
	print   string
	kid     string
	checked time.Time
}

// NewPublisher makes a publisher that signs with the ring's active key.
func NewPublisher(ring *Keyring, cards Revocations) *Publisher {
	return &Publisher{ring: ring, cards: cards}
}

// List returns the list as of now, at most two seconds old. While the cards cannot be asked it
// returns the last one: it tells its own age.
func (p *Publisher) List(ctx context.Context, now time.Time) (List, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	have := p.list.Data != nil
	if have && !now.Before(p.checked) && now.Sub(p.checked) < listCheck {
		return p.list, nil
	}
	fresh, err := p.make(ctx, now)
	switch {
	case err == nil:
		p.list = fresh
	case !have || !fault.Is(err, fault.Unavailable) || errors.Is(err, ErrNoKey):
		return List{}, err
	}
	p.checked = now // a database that is away is not asked by every request either
	return p.list, nil
}

func (p *Publisher) make(ctx context.Context, now time.Time) (List, error) {
	k := p.ring.keys.Load()
	if k == nil || k.active == nil {
		return List{}, ErrNoKey
	}
	print, err := p.cards.Fingerprint(ctx, now)
	if err != nil {
		return List{}, err
	}
	if print == p.print && k.active.KID == p.kid && p.list.Data != nil && now.Sub(p.list.Issued) < listRenew {
		return p.list, nil
	}
	cards, err := p.cards.Revoked(ctx, now, listLimit)
	if err != nil {
		return List{}, err
	}
	if len(cards) > listLimit {
		return List{}, fault.Wrap(fault.Internal, fmt.Errorf("credential: more than %d revoked cards", listLimit), "")
	}
	list, err := p.ring.SignList(cards, now)
	if err == nil {
		p.print, p.kid = print, k.active.KID
	}
	return list, err
}

// SignList makes a list of these cards as of now.
func (r *Keyring) SignList(cards []Revoked, now time.Time) (List, error) {
	k := r.keys.Load()
	if k == nil || k.active == nil {
		return List{}, ErrNoKey
	}
	ids := map[int][][]byte{}
	for _, c := range cards {
		status, ok := listStatus[c.Status]
		if !ok {
			return List{}, fmt.Errorf("credential: status %q is not for the list", c.Status)
		}
		id, err := RevocationID(c.Token)
		if err != nil {
			continue // what cannot be read back cannot be shown to anybody either
		}
		ids[status] = append(ids[status], id)
	}
	now = now.Truncate(time.Second)
	body := listPayload{Issued: now.Unix(), Next: now.Add(listLife).Unix(), Entries: map[int][]byte{}}
	for status, list := range ids {
		slices.SortFunc(list, bytes.Compare)
		body.Entries[status] = bytes.Join(list, nil)
	}
	content, err := encoder.Marshal(body)
	if err != nil {
		return List{}, fmt.Errorf("credential: list: %w", err)
	}
	data, err := signMessage(*k.active, content, aadList)
	if err != nil {
		return List{}, err
	}
	sum := sha256.Sum256(data)
	return List{Issued: now, Next: now.Add(listLife), Data: data, ETag: `"` + hex.EncodeToString(sum[:8]) + `"`}, nil
}

// ReadList checks a published list and returns a function that tells the status of a token on it;
// empty for one that is not.
func (r *Keyring) ReadList(data []byte) (issued, next time.Time, status func(token string) string, err error) {
	m, err := r.open(data, aadList)
	if err != nil {
		return issued, next, nil, err
	}
	var body listPayload
	if err := decoder.Unmarshal(m.Payload, &body); err != nil {
		return issued, next, nil, fmt.Errorf("%w (list)", ErrMalformed)
	}
	names := map[string]string{}
	for name, number := range listStatus {
		for id := range slices.Chunk(body.Entries[number], idBytes) {
			names[string(id)] = name
		}
	}
	status = func(token string) string {
		id, err := RevocationID(token)
		if err != nil {
			return ""
		}
		return names[string(id)]
	}
	return time.Unix(body.Issued, 0), time.Unix(body.Next, 0), status, nil
}
