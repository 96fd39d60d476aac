// Package calendarstore keeps the years that an administrator imported. Versions are only added: what
// was promised when can be told from them.
package calendarstore

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/calendar"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/store"
)

// Years keeps the announced years.
type Years struct {
	DB    *store.DB
	Clock clock.Clock
}

// maxYears bounds the years in force; the table cannot hold more.
const maxYears = 86

// Load gives the calendar in force: the built-in years, under those that were imported. version counts the
// imports, so that it grows with each.
func (s Years) Load(ctx context.Context) (cal *calendar.Calendar, version int, err error) {
	return load(ctx, s.DB)
}

func load(ctx context.Context, q store.Querier) (*calendar.Calendar, int, error) {
	rows, err := q.Query(ctx, `
		SELECT DISTINCT ON (year) year, version, notice, off, make_up
		  FROM calendar_year ORDER BY year, version DESC LIMIT $1`, maxYears)
	if err != nil {
		return nil, 0, store.Translate(err)
	}
	version := 0
	imported, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (y calendar.Year, err error) {
		var off, makeUp []time.Time
		err = row.Scan(&y.Year, &y.Version, &y.Notice, &off, &makeUp)
		y.Off, y.MakeUp = datesOf(off), datesOf(makeUp)
		version += y.Version // versions of a year have no gaps
		return y, err
	})
	if err != nil {
		return nil, 0, store.Translate(err)
	}
	return calendar.New(append(calendar.BuiltIn(), imported...)...), version, nil
}

func datesOf(times []time.Time) []calendar.Date {
	out := make([]calendar.Date, len(times))
	for i, t := range times {
		out[i] = calendar.DateIn(t)
	}
	return out
}

func timesOf(dates []calendar.Date) []time.Time {
	out := make([]time.Time, len(dates))
	for i, d := range dates {
		out[i] = d.UTC()
	}
	return out
}

// Import is a year that is put into force.
type Import struct {
	Year   calendar.Year
	SHA256 [32]byte // of the file
	// Over is the version of the calendar that whoever imports has looked at.
	Over  int
	Actor store.Actor
	Staff uuid.UUID // nil for an operator
}

// importTime bounds each statement of an import, which may wait for another.
const importTime = time.Minute

// Import puts a year into force from the next Load on. It is refused where the year cannot be, and where the
// calendar is another by now: what was shown is what is applied.
func (s Years) Import(ctx context.Context, in Import) (calendar.Year, error) {
	y := in.Year
	if problems := calendar.Validate(y); len(problems) > 0 {
		return y, fault.New(fault.Invalid, problems[0].Msg)
	}
	ctx = store.Allow(ctx, importTime)
	err := s.DB.InTx(ctx, func(tx pgx.Tx) error {
		// One import at a time: the second waits, and then finds the first.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('calendar_year'))`); err != nil {
			return store.Translate(err)
		}
		now, version, err := load(ctx, tx)
		if err != nil {
			return err
		}
		if version != in.Over {
			return fault.New(fault.Conflict, "日历在您查看之后有变化，请重新核对后再确认。")
		}
		before, _ := now.Announced(y.Year)
		y.Version = before.Version + 1
		id, at := uuid.Must(uuid.NewV7()), s.Clock.Now()
		if _, err := tx.Exec(ctx, `
			INSERT INTO calendar_year (id, year, version, notice, sha256, off, make_up, staff_id, at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, nullif($8, '00000000-0000-0000-0000-000000000000'::uuid), $9)`,
			id, y.Year, y.Version, y.Notice, in.SHA256[:], timesOf(y.Off), timesOf(y.MakeUp), in.Staff, at); err != nil {
			return store.Translate(err)
		}
		return store.Audit(ctx, tx, store.AuditEntry{
			SubjectKind: "calendar", SubjectID: id, At: at, Actor: in.Actor, Action: "imported",
			Detail: map[string]any{
				"year": y.Year, "version": y.Version, "sha256": hex.EncodeToString(in.SHA256[:]),
				"off": len(y.Off), "make_up": len(y.MakeUp),
			},
		})
	})
	return y, err
}

// Imported is one import, for people.
type Imported struct {
	Year    int
	Version int
	Notice  string
	By      string // "": the system
	SHA256  []byte
	At      time.Time
}

// maxImported bounds the list.
const maxImported = 50

// Imported lists the newest imports.
func (s Years) Imported(ctx context.Context, limit int) ([]Imported, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT y.year, y.version, y.notice, coalesce(s.name, ''), y.sha256, y.at
		  FROM calendar_year y LEFT JOIN staff s ON s.id = y.staff_id
		 ORDER BY y.at DESC, y.id DESC LIMIT $1`, min(max(limit, 1), maxImported))
	if err != nil {
		return nil, store.Translate(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Imported])
	return out, store.Translate(err)
}
