// Package clock is the only place that reads the machine's time, so that a test can
// stand at a stated date. archtest refuses time.Now anywhere else.
package clock

import (
	"sync"
	"time"
)

// Shanghai is the zone in which every date of the house is meant. It is a fixed offset:
// China has had no daylight saving since 1991, and no machine lacks the zone this way.
var Shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// Day is the date of t as pages and messages say it: 2026年12月7日.
func Day(t time.Time) string { return t.In(Shanghai).Format("2006年1月2日") }

// Clock tells the time.
type Clock interface {
	Now() time.Time
}

// System is the machine's clock, cut to the microseconds that PostgreSQL stores.
type System struct{}

// Now returns the machine's time in UTC.
func (System) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Fake stands still until it is moved. It is safe for concurrent use.
type Fake struct {
	mu  sync.Mutex
	now time.Time
}

// NewFake returns a clock that stands at t.
func NewFake(t time.Time) *Fake { return &Fake{now: t.UTC().Truncate(time.Microsecond)} }

// Now returns the time at which the clock stands.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Advance moves the clock.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// Inclusive stands behind the last day of a period: the day itself still counts.
const Inclusive = "含当日"
