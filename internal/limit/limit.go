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
	"strconv"
	"strings"
	"time"

	"volcard/internal/fault"
)

// Window allows at most N attempts within Per.
type Window struct {
	N   int
	Per time.Duration
}

// UnmarshalText reads a window as settings write it: 60/1m, at most 60 in a minute. None is longer than a day,
// since older attempts are not kept.
func (w *Window) UnmarshalText(text []byte) error {
	n, per, ok := strings.Cut(string(text), "/")
	number, errN := strconv.Atoi(strings.TrimSpace(n))
	length, errPer := time.ParseDuration(strings.TrimSpace(per))
	if !ok || errN != nil || errPer != nil || number < 1 || length < time.Second || length > day {
		return fmt.Errorf("%q is no number and period, as in 60/1m; a period has a second to 24h", text)
	}
	*w = Window{N: number, Per: length}
	return nil
}

// Kind is one thing that is counted, with its windows. Two kinds never share a count.
type Kind struct {
	Name    string
	Windows []Window
	// Shared: everybody behind one address is counted together, as in a lecture hall. The refusal says so,
	// since the person who reads it may have done nothing yet.
	Shared bool
	// Way is what a refused person can do at once instead of waiting; empty: wait.
	Way string
}

// WithWindows is the kind with windows that an operator has set.
func (k Kind) WithWindows(windows []Window) Kind {
	k.Windows = windows
	return k
}

const day = 24 * time.Hour

// What an account, or an application's number, that strangers guess at leaves open to its holder.
const (
	wayByCode  = "或者用绑定手机的验证码找回密码。"
	wayByLogin = "或者登录后查看自己的申请。"
)

// The catalogue. Numbers per phone are those of domain.md ("SMS codes"). Those per address
// leave room for a campus or an office behind one address, and bound what a single sender can
// make us pay for.
var (
	CodePhone   = Kind{Name: "code-phone", Windows: []Window{{1, time.Minute}, {5, time.Hour}, {10, day}}}
	CodeAccount = Kind{Name: "code-account", Windows: []Window{{1, time.Minute}, {5, time.Hour}, {10, day}}}
	CodeSession = Kind{Name: "code-session", Windows: []Window{{3, time.Minute}, {10, time.Hour}, {20, day}}}
	// CodeAddress has windows that an operator can set (VOLCARD_CODES_PER_NETWORK): a full lecture hall stands behind one address.
	CodeAddress = Kind{Name: "code-address", Windows: []Window{{60, time.Minute}, {600, time.Hour}, {2000, day}}, Shared: true}
	// CodeNetwork is for IPv6, where one sender may own many addresses and a mobile network has
	// many phones close together.
	CodeNetwork = Kind{Name: "code-network", Windows: []Window{{100, time.Minute}, {1000, time.Hour}, {3000, day}}, Shared: true}
	// ResetPhone counts what was sent to a phone to reset passwords. It is apart from CodePhone,
	// whose refusals everybody sees: those would tell whose phone a reset went to.
	ResetPhone = Kind{Name: "reset-phone", Windows: []Window{{1, time.Minute}, {5, time.Hour}, {10, day}}}

	// LoginAccount counts under At: whoever guesses from elsewhere does not lock the holder out.
	// LoginAnywhere bounds what many networks together can guess of one password.
	// LoginDevice counts, apart from these two and from LoginAddress, the tries of a browser from which the
	// account was used before: what strangers do never locks it out.
	LoginAccount  = Kind{Name: "login-account", Windows: []Window{{5, 15 * time.Minute}, {20, day}}, Way: wayByCode}
	LoginAnywhere = Kind{Name: "login-anywhere", Windows: []Window{{30, time.Hour}, {100, day}}, Way: wayByCode}
	LoginDevice   = Kind{Name: "login-device", Windows: []Window{{5, 15 * time.Minute}, {20, day}}, Way: wayByCode}
	LoginAddress  = Kind{Name: "login-address", Windows: []Window{{30, time.Minute}, {300, time.Hour}}, Shared: true}

	// A member of staff is locked out after five failures (等保 2.0), for a quarter of an hour.
	// StaffLogin counts under At, StaffDevice as LoginDevice does; StaffCode counts what follows a right
	// password, from wherever, so only somebody who knows the password can lock the account as a whole.
	StaffLogin        = Kind{Name: "staff-login", Windows: []Window{{5, 15 * time.Minute}, {20, day}}}
	StaffDevice       = Kind{Name: "staff-device", Windows: []Window{{5, 15 * time.Minute}, {20, day}}}
	StaffCode         = Kind{Name: "staff-code", Windows: []Window{{5, 15 * time.Minute}, {20, day}}}
	StaffLoginAddress = Kind{Name: "staff-login-address", Windows: []Window{{20, time.Minute}, {100, time.Hour}}, Shared: true}
	// AdminToken guards the page on which the first administrator is made.
	AdminToken = Kind{Name: "admin-token", Windows: []Window{{5, 15 * time.Minute}}, Shared: true}

	// Password is asked again before sensitive changes of somebody who is logged in.
	Password = Kind{Name: "password", Windows: []Window{{5, 15 * time.Minute}}}

	// The page that finds a case without login is guarded by three counts: four characters of an ID number
	// are 11,000 guesses. StatusNumber counts under At, so that a stranger does not close the page to the
	// holder; StatusAnywhere bounds what many networks together can guess of one number.
	StatusNumber   = Kind{Name: "status-number", Windows: []Window{{5, 15 * time.Minute}, {20, day}}, Way: wayByLogin}
	StatusAnywhere = Kind{Name: "status-anywhere", Windows: []Window{{30, time.Hour}, {100, day}}, Way: wayByLogin}
	StatusAddress  = Kind{Name: "status-address", Windows: []Window{{20, time.Minute}, {200, time.Hour}}, Shared: true}

	// PhotoUpload bounds the photos that one person has us decode, kept or not: a person finds a good one in
	// a few tries, and only two are decoded at once.
	PhotoUpload = Kind{Name: "photo-upload", Windows: []Window{{10, time.Minute}, {60, time.Hour}, {200, day}}}

	// CounterSearch bounds what one clerk can look up; a busy counter has 60 people an hour.
	CounterSearch = Kind{Name: "counter-search", Windows: []Window{{30, time.Minute}, {600, time.Hour}}}
	// CounterTail bounds a clerk's guesses of the last four characters of one person's ID number.
	CounterTail = Kind{Name: "counter-tail", Windows: []Window{{5, 15 * time.Minute}, {20, day}}}
)

// Kinds lists the catalogue.
func Kinds() []Kind {
	return []Kind{
		CodePhone, CodeAccount, CodeSession, CodeAddress, CodeNetwork, ResetPhone, LoginAccount, LoginAnywhere, LoginDevice,
		LoginAddress, StaffLogin, StaffDevice, StaffCode, StaffLoginAddress, AdminToken, Password, StatusNumber, StatusAnywhere,
		StatusAddress, PhotoUpload, CounterSearch, CounterTail,
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

// Exceeded is the fault of an attempt that came too early. Its sentence names the network where that is
// what was counted, and another way where there is one.
func Exceeded(k Kind, wait time.Duration) error {
	what, way := "操作太频繁", k.Way
	if k.Shared {
		what, way = "您所在的网络（如校园网、办公网）里操作太频繁", "或者换用手机流量。"
	}
	end := "。"
	if way != "" {
		end = "，"
	}
	return &fault.Error{
		Kind: fault.TooMany, Msg: what + "，请在" + Text(wait) + "后再试" + end + way,
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
