package stage

import (
	"context"
	"sync"

	"volcard/internal/calendar"
)

// Almanac keeps the calendar in force.
type Almanac struct {
	mu  sync.Mutex
	cal *calendar.Calendar
}

func (c *Almanac) get(context.Context) (*calendar.Calendar, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cal, nil
}

// Import puts another calendar in force.
func (c *Almanac) Import(cal *calendar.Calendar) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cal = cal
}

// Calendar is the calendar in force.
func (c *Almanac) Calendar() *calendar.Calendar {
	cal, _ := c.get(context.Background())
	return cal
}
