package calendarstore_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/calendar"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/store/calendarstore"
	"volcard/internal/store/storetest"
)

var (
	now      = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)
	operator = store.Actor{Kind: "operator", ID: "test"}
)

func setup(t *testing.T) calendarstore.Years {
	t.Helper()
	return calendarstore.Years{DB: storetest.New(t), Clock: clock.NewFake(now)}
}

// of is 2027 as the rule lays it out, with other days off.
func of(extra ...calendar.Date) calendar.Year {
	y, _ := calendar.New().YearOf(2027)
	y.Notice, y.Off = "国办发明电〔2026〕9号", append(extra, y.Off...)
	return y
}

func TestImport(t *testing.T) {
	t.Parallel()
	s, ctx := setup(t), t.Context()
	cal, version, err := s.Load(ctx)
	require.NoError(t, err)
	require.Zero(t, version)
	require.Len(t, cal.Years(), 4)
	_, announced := cal.Announced(2027)
	require.False(t, announced)

	in := calendarstore.Import{Year: of(calendar.Day(2027, 2, 11)), SHA256: sha256.Sum256([]byte("file")), Over: version, Actor: operator}
	in.Year.MakeUp = []calendar.Date{calendar.Day(2026, 12, 26)}
	y, err := s.Import(ctx, in)
	require.NoError(t, err)
	require.Equal(t, 1, y.Version)
	cal, version, err = s.Load(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, version)
	got, announced := cal.Announced(2027)
	require.True(t, announced)
	require.Equal(t, y, got)
	kind, _ := cal.Kind(calendar.Day(2026, 12, 26))
	require.Equal(t, calendar.MakeUp, kind, "a notice sets the December before")

	// What was looked at is what is replaced.
	_, err = s.Import(ctx, in)
	require.True(t, fault.Is(err, fault.Conflict), err)
	in.Over, in.Year = version, of(calendar.Day(2027, 2, 12))
	y, err = s.Import(ctx, in)
	require.NoError(t, err)
	require.Equal(t, 2, y.Version)
	// A built-in year is replaced like any other.
	built, _ := cal.Announced(2026)
	built.Off = append(built.Off, calendar.Day(2026, 12, 31))
	in.Over, in.Year = 2, built
	y, err = s.Import(ctx, in)
	require.NoError(t, err)
	require.Equal(t, 1, y.Version)
	cal, version, err = s.Load(ctx)
	require.NoError(t, err)
	require.Equal(t, 3, version)
	works, _ := cal.IsWorkday(calendar.Day(2026, 12, 31))
	require.False(t, works)
	kind, _ = cal.Kind(calendar.Day(2026, 12, 26))
	require.Equal(t, calendar.Weekend, kind, "the second version of 2027 says nothing of it")

	list, err := s.Imported(ctx, 10)
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, []int{2026, 2027, 2027}, []int{list[0].Year, list[1].Year, list[2].Year})
	require.Equal(t, 2, list[1].Version)
	var entries int
	require.NoError(t, s.DB.QueryRow(ctx, `SELECT count(*) FROM audit_entry WHERE subject_kind = 'calendar' AND action = 'imported'`).Scan(&entries))
	require.Equal(t, 3, entries)
}

func TestImportRefused(t *testing.T) {
	t.Parallel()
	s, ctx := setup(t), t.Context()
	y := of()
	y.MakeUp = []calendar.Date{calendar.Day(2027, 1, 5)} // a Tuesday
	_, err := s.Import(ctx, calendarstore.Import{Year: y, Actor: operator})
	require.True(t, fault.Is(err, fault.Invalid), err)
	require.Contains(t, fault.Sentence(err), "2027年1月5日是星期二")
	_, version, err := s.Load(ctx)
	require.NoError(t, err)
	require.Zero(t, version)
}

// Of several who looked at the same calendar one imports, and the others are told.
func TestImportAtOnce(t *testing.T) {
	t.Parallel()
	s, ctx := setup(t), t.Context()
	errs := make(chan error, 5)
	for range cap(errs) {
		go func() {
			_, err := s.Import(ctx, calendarstore.Import{Year: of(), Actor: operator})
			errs <- err
		}()
	}
	done := 0
	for range cap(errs) {
		if err := <-errs; err == nil {
			done++
		} else {
			require.True(t, fault.Is(err, fault.Conflict), err)
		}
	}
	require.Equal(t, 1, done)
}
