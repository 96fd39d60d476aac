package web

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
)

func TestDeadline(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, clock.Shanghai)
	for want, at := range map[string]time.Time{
		"12月5日（周六，含当日）前":     time.Date(2026, 12, 5, 23, 59, 59, 0, clock.Shanghai).UTC(),
		"2027年1月3日（周日，含当日）前": time.Date(2027, 1, 3, 23, 59, 59, 0, clock.Shanghai),
		"11月23日（周一）10:02 之前": time.Date(2026, 11, 23, 10, 2, 40, 0, clock.Shanghai),
	} {
		require.Equal(t, want, deadline(at, now))
	}
}
