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
	// StatusMarker is that of StatusSource.
	StatusMarker(ctx context.Context) (string, error)
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
	// listLimit bounds the old form: 1.6 MB. Above it that form ends rather than leave somebody out; the
	// status list has no such bound.
	listLimit = 200_000
	// listCheck is how long the published list stands before the cards are asked again: so soon an
	// old QR is refused.
	listCheck = 2 * time.Second
	// listRenew is how often an unchanged list is signed anew, so that its age says something.
	listRenew = time.Minute
	// listLife is how long a reader without network may go on with a list before it must warn.
	listLife = 24 * time.Hour
)

// content signs what was read once. It is signed anew while nothing changes, which reads no card.
type content func(k Key, issued time.Time) ([]byte, error)

// Publisher makes a signed list and keeps it for a moment.
type Publisher struct {
	ring   *Keyring
	marker func(ctx context.Context) (string, error)
	read   func(ctx context.Context, now time.Time) (content, error)

	mu      sync.Mutex
	list    List
	content content
	mark    string
	kid     string
	checked time.Time
}

// NewPublisher makes the publisher of the old form, which pages that were opened before the status list go by.
func NewPublisher(ring *Keyring, cards Revocations) *Publisher {
	return &Publisher{ring: ring, marker: cards.StatusMarker, read: func(ctx context.Context, now time.Time) (content, error) {
		revoked, err := cards.Revoked(ctx, now, listLimit)
		if err != nil {
			return nil, err
		}
		if len(revoked) > listLimit {
			return nil, fault.New(fault.NotFound, "吊销名单已改用新的格式，请刷新核验页面。")
		}
		return listOf(revoked)
	}}
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
	err := p.renew(ctx, now)
	if err != nil && (!have || !fault.Is(err, fault.Unavailable) || errors.Is(err, ErrNoKey)) {
		return List{}, err
	}
	p.checked = now // a database that is away is not asked by every request either
	return p.list, nil
}

// renew signs the list anew where a status has changed, the key was rotated or the list is a minute old.
// The marker is read before the cards: a change that commits between the two is seen at the next look.
func (p *Publisher) renew(ctx context.Context, now time.Time) error {
	k := p.ring.keys.Load()
	if k == nil || k.active == nil {
		return ErrNoKey
	}
	mark, err := p.marker(ctx)
	if err != nil {
		return err
	}
	same := p.content != nil && mark == p.mark
	if same && k.active.KID == p.kid && now.Sub(p.list.Issued) < listRenew {
		return nil
	}
	body := p.content
	if !same {
		if body, err = p.read(ctx, now); err != nil {
			return err
		}
	}
	list, err := p.ring.signList(body, now)
	if err != nil {
		return err
	}
	p.list, p.content, p.mark, p.kid = list, body, mark, k.active.KID
	return nil
}

// signList signs a list as of now with the active key.
func (r *Keyring) signList(body content, now time.Time) (List, error) {
	k := r.keys.Load()
	if k == nil || k.active == nil {
		return List{}, ErrNoKey
	}
	now = now.Truncate(time.Second)
	data, err := body(*k.active, now)
	if err != nil {
		return List{}, err
	}
	sum := sha256.Sum256(data)
	return List{Issued: now, Next: now.Add(listLife), Data: data, ETag: `"` + hex.EncodeToString(sum[:8]) + `"`}, nil
}

// SignList makes a list of the old form of these cards as of now.
func (r *Keyring) SignList(cards []Revoked, now time.Time) (List, error) {
	body, err := listOf(cards)
	if err != nil {
		return List{}, err
	}
	return r.signList(body, now)
}

func listOf(cards []Revoked) (content, error) {
	ids := map[int][][]byte{}
	for _, c := range cards {
		status, ok := listStatus[c.Status]
		if !ok {
			return nil, fmt.Errorf("credential: status %q is not for the list", c.Status)
		}
		id, err := RevocationID(c.Token)
		if err != nil {
			continue // what cannot be read back cannot be shown to anybody either
		}
		ids[status] = append(ids[status], id)
	}
	entries := map[int][]byte{}
	for status, list := range ids {
		slices.SortFunc(list, bytes.Compare)
		entries[status] = bytes.Join(list, nil)
	}
	return func(k Key, issued time.Time) ([]byte, error) {
		body, err := encoder.Marshal(listPayload{Issued: issued.Unix(), Next: issued.Add(listLife).Unix(), Entries: entries})
		if err != nil {
			return nil, fmt.Errorf("credential: list: %w", err)
		}
		return signMessage(k, body, aadList, nil)
	}, nil
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
