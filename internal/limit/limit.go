// Package limit says how often something may be tried: sliding windows, all in one catalogue.
// It decides on times that it is given; codestore counts them in PostgreSQL, so that two
// processes share one count.
package limit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"volcard/internal/fault"
)

// Window allows at most N attempts within Per.
type Window struct {
	N   int
	Per time.Duration
}

// Kind is one thing that is counted, with its windows. Two kinds never share a count.
type Kind struct {
	Name    string
	Windows []Window
}

const day = 24 * time.Hour

// The catalogue. Numbers per phone are those of domain.md ("SMS codes"). Those per address
// leave room for a campus or an office behind one address, and bound what a single sender can
// make us pay for.
var (
	CodePhone   = Kind{"code-phone", []Window{{1, time.Minute}, {5, time.Hour}, {10, day}}}
	CodeAccount = Kind{"code-account", []Window{{1, time.Minute}, {5, time.Hour}, {10, day}}}
	CodeSession = Kind{"code-session", []Window{{3, time.Minute}, {10, time.Hour}, {20, day}}}
	CodeAddress = Kind{"code-address", []Window{{20, time.Minute}, {120, time.Hour}, {500, day}}}
	// CodeNetwork is for IPv6, where one sender may own many addresses and a mobile network has
	// many phones close together.
	CodeNetwork = Kind{"code-network", []Window{{100, time.Minute}, {1000, time.Hour}, {3000, day}}}
	// ResetPhone counts what was sent to a phone to reset passwords. It is apart from CodePhone,
	// whose refusals everybody sees: those would tell whose phone a reset went to.
	ResetPhone = Kind{"reset-phone", []Window{{1, time.Minute}, {5, time.Hour}, {10, day}}}

	// LoginAccount counts under At: whoever guesses from elsewhere does not lock the holder out.
	// LoginAnywhere bounds what many networks together can guess of one password.
	LoginAccount  = Kind{"login-account", []Window{{5, 15 * time.Minute}, {20, day}}}
	LoginAnywhere = Kind{"login-anywhere", []Window{{30, time.Hour}, {100, day}}}
	LoginAddress  = Kind{"login-address", []Window{{30, time.Minute}, {300, time.Hour}}}

	// A member of staff is locked out after five failures (等保 2.0), for a quarter of an hour.
	// StaffLogin counts under At; StaffCode counts what follows a right password, from wherever,
	// so only somebody who knows the password can lock the account as a whole.
	StaffLogin        = Kind{"staff-login", []Window{{5, 15 * time.Minute}, {20, day}}}
	StaffCode         = Kind{"staff-code", []Window{{5, 15 * time.Minute}, {20, day}}}
	StaffLoginAddress = Kind{"staff-login-address", []Window{{20, time.Minute}, {100, time.Hour}}}
	// AdminToken guards the page on which the first administrator is made.
	AdminToken = Kind{"admin-token", []Window{{5, 15 * time.Minute}}}

	// Password is asked again before sensitive changes of somebody who is logged in.
	Password = Kind{"password", []Window{{5, 15 * time.Minute}}}

	// StatusNumber and StatusAddress guard the page that finds a case without login: four
	// characters of an ID number are 11,000 guesses.
	StatusNumber  = Kind{"status-number", []Window{{5, 15 * time.Minute}, {20, day}}}
	StatusAddress = Kind{"status-address", []Window{{20, time.Minute}, {200, time.Hour}}}

	// PhotoUpload bounds the photos that one person has us decode, kept or not: a person finds a good one in
	// a few tries, and only two are decoded at once.
	PhotoUpload = Kind{"photo-upload", []Window{{10, time.Minute}, {60, time.Hour}, {200, day}}}

	// CounterSearch bounds what one clerk can look up; a busy counter has 60 people an hour.
	CounterSearch = Kind{"counter-search", []Window{{30, time.Minute}, {600, time.Hour}}}
	// CounterTail bounds a clerk's guesses of the last four characters of one person's ID number.
	CounterTail = Kind{"counter-tail", []Window{{5, 15 * time.Minute}, {20, day}}}
)

// Kinds lists the catalogue.
func Kinds() []Kind {
	return []Kind{
		CodePhone, CodeAccount, CodeSession, CodeAddress, CodeNetwork, ResetPhone, LoginAccount, LoginAnywhere,
		LoginAddress, StaffLogin, StaffCode, StaffLoginAddress, AdminToken, Password, StatusNumber, StatusAddress,
		PhotoUpload, CounterSearch, CounterTail,
	}
}

// Longest is the longest window of the catalogue: older attempts count nowhere.
func Longest() time.Duration {
	var longest time.Duration
	for _, k := range Kinds() {
		for _, w := range k.Windows {
			longest = max(longest, w.Per)
		}
	}
	return longest
}

// Most is the number of newest attempts that must be known to decide.
func (k Kind) Most() int {
	most := 0
	for _, w := range k.Windows {
		most = max(most, w.N)
	}
	return most
}

// Wait tells how long until one more attempt is allowed; zero means now. Past are the times of
// the attempts, in any order.
func (k Kind) Wait(past []time.Time, now time.Time) time.Duration {
	newest := slices.Clone(past)
	slices.SortFunc(newest, func(a, b time.Time) int { return b.Compare(a) })
	var wait time.Duration
	for _, w := range k.Windows {
		if w.N <= 0 {
			wait = max(wait, w.Per)
			continue
		}
		if len(newest) < w.N {
			continue
		}
		// The N-th newest attempt must have left the window.
		wait = max(wait, newest[w.N-1].Add(w.Per).Sub(now))
	}
	return wait
}

// Limiter counts attempts. Keys are normalised by the caller: a phone is person.Phone.String(),
// an address AddressKey. They are stored as keyed hashes only.
type Limiter interface {
	// Allow counts one attempt, or refuses it with Exceeded's fault and counts nothing.
	Allow(ctx context.Context, kind Kind, key string) error
	// Forget drops the attempts of a key: a right password ends the row of wrong ones. Those of an
	// account are dropped with what At counted of it, whatever the network.
	Forget(ctx context.Context, kind Kind, key string) error
}

type exceeded struct {
	kind string
	wait time.Duration
}

func (e *exceeded) Error() string { return "limit " + e.kind }

// Exceeded is the fault of an attempt that came too early.
func Exceeded(k Kind, wait time.Duration) error {
	return &fault.Error{
		Kind: fault.TooMany, Msg: "操作太频繁，请在" + Text(wait) + "后再试。",
		Err: &exceeded{kind: k.Name, wait: wait},
	}
}

// RetryAfter tells how long to wait after a fault of Exceeded.
func RetryAfter(err error) (time.Duration, bool) {
	var e *exceeded
	if !errors.As(err, &e) {
		return 0, false
	}
	return e.wait, true
}

// Text says a waiting time the way people do, never too short.
func Text(wait time.Duration) string {
	switch {
	case wait <= 90*time.Second:
		return fmt.Sprintf(" %d 秒", max(1, int(math.Ceil(wait.Seconds()))))
	case wait <= 90*time.Minute:
		return fmt.Sprintf(" %d 分钟", int(math.Ceil(wait.Minutes())))
	default:
		return fmt.Sprintf(" %d 小时", int(math.Ceil(wait.Hours())))
	}
}
