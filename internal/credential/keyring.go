package credential

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Key is one signing key. Only the active one has its private part.
type Key struct {
	KID       string
	Public    ed25519.PublicKey
	Private   ed25519.PrivateKey
	NotBefore time.Time
	Retired   time.Time // zero while active
	Until     time.Time // the last expiry that it signed; zero while active
}

// NewKey makes a key from 32 random bytes.
func NewKey(seed []byte, now time.Time) Key {
	private := ed25519.NewKeyFromSeed(seed)
	public := ed25519.PublicKey(private[ed25519.SeedSize:])
	return Key{KID: kidOf(public), Public: public, Private: private, NotBefore: now}
}

// Source tells the keys in force: the active one, with its private part, and those retired ones
// whose cards are not all expired.
type Source interface {
	Keys(ctx context.Context) ([]Key, error)
}

// Keyring signs with the active key and verifies with every published one, all from memory: it
// is asked within transactions. Run keeps it fresh.
type Keyring struct {
	source Source
	random io.Reader
	keys   atomic.Pointer[keys]

	mu    sync.Mutex // one refresh at a time
	asked time.Time  // when an unknown key was last looked for
}

type keys struct {
	active *Key
	byKID  map[string]Key
	all    []Key
}

// NewKeyring makes an empty ring; Refresh or Run fills it.
func NewKeyring(source Source) *Keyring { return &Keyring{source: source, random: rand.Reader} }

// NewKeyringFrom makes a ring that takes the random part of its tokens from a reader: for tokens that are the same
// each time a test makes them.
func NewKeyringFrom(source Source, random io.Reader) *Keyring {
	return &Keyring{source: source, random: random}
}

// Refresh reads the keys again.
func (r *Keyring) Refresh(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refresh(ctx)
}

func (r *Keyring) refresh(ctx context.Context) error {
	all, err := r.source.Keys(ctx)
	if err != nil {
		return err
	}
	next := &keys{byKID: make(map[string]Key, len(all))}
	for _, k := range all {
		if len(k.Public) != ed25519.PublicKeySize || kidOf(k.Public) != k.KID {
			continue // a row whose name is not its content was not made by us
		}
		next.all = append(next.all, k)
		next.byKID[k.KID] = k
		if k.Retired.IsZero() && k.Private != nil {
			next.active = &k
		}
	}
	r.keys.Store(next)
	return nil
}

// Run refreshes until ctx ends. A failure leaves the keys as they are: they are still right.
func (r *Keyring) Run(ctx context.Context, every time.Duration, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := r.Refresh(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "signing keys not refreshed", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Ready tells whether there is a key to sign with.
func (r *Keyring) Ready() bool {
	k := r.keys.Load()
	return k != nil && k.active != nil
}

// Sign makes the token of a card and reads it back: what is published is what was meant. The same claims signed
// twice are two tokens, so that a number that a restored database issues again has no old token.
func (r *Keyring) Sign(c Claims) (token, kid string, err error) {
	k := r.keys.Load()
	if k == nil || k.active == nil {
		return "", "", ErrNoKey
	}
	random := make([]byte, saltBytes)
	if _, err := io.ReadFull(r.random, random); err != nil {
		return "", "", fmt.Errorf("credential: random: %w", err)
	}
	content, err := encode(c, random)
	if err != nil {
		return "", "", err
	}
	data, err := signMessage(*k.active, content, aadToken, nil)
	if err != nil {
		return "", "", err
	}
	token = text32.EncodeToString(data)
	said, err := r.Verify(token, c.IssuedOn)
	if err != nil {
		return "", "", fmt.Errorf("credential: the token of card %s does not verify: %w", c.CardNumber, err)
	}
	if !said.equal(c) {
		return "", "", fmt.Errorf("credential: the token of card %s says something else", c.CardNumber)
	}
	return token, k.active.KID, nil
}

// Verify reads a token as Candidates returns it. With ErrExpired the claims are true as well; with
// any other error there are none.
func (r *Keyring) Verify(token string, now time.Time) (Claims, error) {
	data, err := fromText(token)
	if err != nil {
		return Claims{}, err
	}
	m, err := r.open(data, aadToken)
	if err != nil {
		return Claims{}, err
	}
	c, err := decode(m.Payload)
	if err != nil {
		return Claims{}, err
	}
	if c.expired(now) {
		return c, ErrExpired
	}
	return c, nil
}

// Peek reads a token without checking its signature: enough to find the row to compare it with.
func Peek(token string) (Claims, error) {
	data, err := fromText(token)
	if err != nil {
		return Claims{}, err
	}
	m, _, err := split(data)
	if err != nil {
		return Claims{}, err
	}
	return decode(m.Payload)
}

// open checks the signature of a message with the key that it names.
func (r *Keyring) open(data, aad []byte) (sealed, error) {
	m, kid, err := split(data)
	if err != nil {
		return sealed{}, err
	}
	key, err := r.key(kid)
	if err != nil {
		return sealed{}, err
	}
	return m, verifyMessage(key, m, aad)
}

// key finds a published key.
func (r *Keyring) key(kid string) (Key, error) {
	if k := r.keys.Load(); k != nil {
		if key, ok := k.byKID[kid]; ok {
			return key, nil
		}
	}
	return Key{}, &unknownKey{kid}
}

type unknownKey struct{ kid string }

func (e *unknownKey) Error() string { return "credential: key " + e.kid + " is not ours" }
func (e *unknownKey) Unwrap() error { return ErrUnknownKey }

// unknownPause is how long a look for an unknown key holds: a forged key id costs one read of the
// key table in this time, not one a request.
const unknownPause = 2 * time.Second

// Redeem reads what was scanned, pasted or typed: the first of its Candidates that redeems counts,
// an expired one with ErrExpired. Where none does, the error tells why the first was refused. The
// token comes back as it is stored with the card.
func (r *Keyring) Redeem(ctx context.Context, scanned string, now time.Time) (token string, c Claims, err error) {
	for _, candidate := range Candidates(scanned) {
		c, refused := r.verifyFresh(ctx, candidate, now)
		if refused == nil || errors.Is(refused, ErrExpired) {
			return candidate, c, refused
		}
		if err == nil {
			err = refused
		}
	}
	if err == nil {
		err = fmt.Errorf("%w (no token)", ErrMalformed)
	}
	return "", Claims{}, err
}

// verifyFresh verifies a token. Where its key is unknown it looks once whether another process has
// rotated the keys in the meantime.
func (r *Keyring) verifyFresh(ctx context.Context, token string, now time.Time) (Claims, error) {
	c, err := r.Verify(token, now)
	var unknown *unknownKey
	if !errors.As(err, &unknown) || !r.lookFor(ctx, now) {
		return c, err
	}
	return r.Verify(token, now)
}

// lookFor refreshes the keys unless that was just done, and tells whether it did.
func (r *Keyring) lookFor(ctx context.Context, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.asked.IsZero() && now.Sub(r.asked) < unknownPause && now.After(r.asked) {
		return false
	}
	r.asked = now
	return r.refresh(ctx) == nil
}
