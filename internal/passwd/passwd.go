// Package passwd hashes passwords with argon2id. Few hashes run at once and few more wait, so that
// a storm of logins queues, and is turned away, instead of eating the machine. An unknown account
// costs as much time as a known one.
package passwd

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/text/unicode/norm"

	"volcard/internal/fault"
)

// A hash keeps a core busy for its whole time, so at most half of them hash: the rest answers pages.
// Beyond waitingEach for each that hashes, nobody waits: it would take longer than patience.
const (
	waitingEach = 16
	patience    = 2 * time.Second
)

// atOnce is how many hashes run at the same time in a process with so many cores.
func atOnce(cores int) int { return max(1, cores/2) }

// maxBytes refuses books before they are hashed; person.PasswordMax runes fit. maxTyped is the same as it may be
// typed: NFC makes a text up to three times shorter (UAX 15).
const (
	maxBytes = 64 * utf8.UTFMax
	maxTyped = 3 * maxBytes
)

// normal is what is hashed of a password: the same one in NFC or NFD, as keyboards differ, is one password (RFC
// 8265). ok is false where it is too long.
func normal(password string) (nfc string, ok bool) {
	if len(password) > maxTyped {
		return "", false
	}
	nfc = norm.NFC.String(password)
	return nfc, len(nfc) <= maxBytes
}

// Params are the costs of a hash. They are written into each hash, so they can be raised later.
type Params = argon2id.Params

// Standard is OWASP's choice with the most memory (46 MiB, one pass, one lane): one core each.
func Standard() Params {
	return Params{Memory: 46 * 1024, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// Hasher makes and compares hashes. It is safe for concurrent use; one process has one.
type Hasher struct {
	params  Params
	slots   chan struct{}
	waiting chan struct{} // those who hash, too
	decoy   string
}

// New makes a hasher for the cores of this process. It hashes once, for the comparison with accounts that do not exist.
func New(p Params) (*Hasher, error) {
	decoy, err := argon2id.CreateHash("no account has this password", &p)
	if err != nil {
		return nil, fmt.Errorf("passwd: %w", err)
	}
	n := atOnce(runtime.GOMAXPROCS(0))
	return &Hasher{params: p, slots: make(chan struct{}, n), waiting: make(chan struct{}, n*(1+waitingEach)), decoy: decoy}, nil
}

var errBusy = fault.New(fault.Unavailable, "现在登录的人太多，请稍等几秒再试。")

func (h *Hasher) enter(ctx context.Context) error {
	select {
	case h.waiting <- struct{}{}:
	default:
		return errBusy
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-h.waiting
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		return errBusy
	}
}

func (h *Hasher) leave() {
	<-h.slots
	<-h.waiting
}

// Hash makes the text that is stored for a password.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	password, ok := normal(password)
	if !ok {
		return "", fault.New(fault.Invalid, "密码太长。")
	}
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	hash, err := argon2id.CreateHash(password, &h.params)
	if err != nil {
		return "", fmt.Errorf("passwd: %w", err)
	}
	return hash, nil
}

// Check reports whether the password belongs to the hash. An empty hash stands for an account that
// does not exist: the answer is no, after the same time. Hashes were once made of what was typed: where that is
// not the normal form it is tried second, in the same place of the queue, whether or not the account exists.
func (h *Hasher) Check(ctx context.Context, password, hash string) (bool, error) {
	known := hash != ""
	if !known {
		hash = h.decoy
	}
	nfc, ok := normal(password)
	if !ok {
		password, nfc, known = "", "", false
	}
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer h.leave()
	match, err := argon2id.ComparePasswordAndHash(nfc, hash)
	if err == nil && !match && password != nfc && len(password) <= maxBytes {
		match, err = argon2id.ComparePasswordAndHash(password, hash)
	}
	if err != nil {
		return false, fmt.Errorf("passwd: stored hash: %w", err)
	}
	return match && known, nil
}
