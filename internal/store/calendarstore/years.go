// Package calendarstore keeps the imported calendars.
package calendarstore

import (
	"context"

	"volcard/internal/calendar"
	"volcard/internal/clock"
	"volcard/internal/store"
)

// Years are the announced years.
type Years struct {
	DB    *store.DB
	Clock clock.Clock
}

// Load gives the calendar in force and the number of imports behind it.
func (s Years) Load(context.Context) (*calendar.Calendar, int, error) {
	return calendar.New(calendar.BuiltIn()...), 0, nil
}
