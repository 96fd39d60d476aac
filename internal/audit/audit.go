// Package audit reads the books with its own eyes. It shares no code and no table of moves with
// what it checks, connects with a role that can only read, and names each bad row. Every check
// cites its number in docs/operations.md, which lists what must always be true.
package audit

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Finding is one bad row.
type Finding struct {
	Check string // name of the check
	Row   string // identifiers of the row; nothing personal
}

func (f Finding) String() string { return f.Check + ": " + f.Row }

// findingsPerCheck bounds the report: past it, more rows of the same kind tell nothing new.
const findingsPerCheck = 100

// Options tells the auditor what counts as late.
type Options struct {
	// Now is the time against which "for long" is measured.
	Now time.Time
	// Grace is how long an accepted application or a message may stay undone. Zero: ten minutes.
	Grace time.Duration
	// From and Until are the working days that the settings promise. Zero: 10 and 15.
	From, Until int
	// Calendar are the announced years that the program has. Years that were imported go over them.
	Calendar []Year
	// Paced tells that working days are, or were, shorter than the calendar's: a demonstration.
	Paced bool
}

// Year is an announced year: days off, and weekend days that are worked. The days are midnights in UTC.
type Year struct {
	Year   int         `json:"year"`
	Off    []time.Time `json:"off"`
	MakeUp []time.Time `json:"make_up"`
}

// check is a query that returns one text column: a line for each bad row. It may ask for @late, before which
// nothing may still be undone, and for @from, @until, @paced and @calendar of the options.
type check struct {
	name, sql string
}

// Run reads the database at url and returns every finding. An error means that the books could not
// be read, which is not the same as clean books.
func Run(ctx context.Context, url string, o Options) ([]Finding, error) {
	if o.Grace == 0 {
		o.Grace = 10 * time.Minute
	}
	if o.From == 0 {
		o.From = 10
	}
	if o.Until == 0 {
		o.Until = 15
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	// One snapshot for all checks: a case that moves meanwhile is seen before or after, not between.
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()

	years := o.Calendar
	if years == nil {
		years = []Year{} // in JSON a list
	}
	args := pgx.NamedArgs{"late": o.Now.Add(-o.Grace), "from": o.From, "until": o.Until, "paced": o.Paced, "calendar": years}
	var findings []Finding
	for _, c := range all() {
		rows, err := tx.Query(ctx, c.sql+fmt.Sprintf(" LIMIT %d", findingsPerCheck), args)
		if err != nil {
			return nil, fmt.Errorf("audit: %s: %w", c.name, err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return nil, fmt.Errorf("audit: %s: %w", c.name, err)
		}
		for _, line := range lines {
			findings = append(findings, Finding{Check: c.name, Row: line})
		}
	}
	return findings, nil
}

// Names lists the checks in the order in which they run.
func Names() []string {
	list := all()
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = c.name
	}
	return names
}

// all is every check: those of both editions, then those of the regular one.
func all() []check { return slices.Concat(checks, regularChecks) }
