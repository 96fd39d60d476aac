package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"volcard/internal/audit"
	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/config"
)

type auditCommand struct{}

// Run prints each finding on a line of its own.
func (auditCommand) Run(ctx context.Context) error {
	cfg, err := config.Load[config.Audit](os.Environ())
	if err != nil {
		return err
	}
	findings, err := audit.Run(ctx, cfg.Reader.URL.Reveal(), auditOptions(clock.System{}.Now(), regularTermsOf(cfg.Cards), cfg.Demo.On))
	if err != nil {
		return err
	}
	for _, f := range findings {
		fmt.Println(f)
	}
	if len(findings) > 0 {
		return errFindings
	}
	fmt.Printf("%d checks, nothing found\n", len(audit.Names()))
	return nil
}

// auditOptions tells the auditor what the settings promise. A demonstration may have run at another pace before.
func auditOptions(now time.Time, t card.RegularTerms, demo bool) audit.Options {
	return audit.Options{
		Now: now, From: t.Promise.From, Until: t.Promise.Until, Paced: demo || t.Pace.Workday > 0, Calendar: auditCalendar(),
	}
}

// auditCalendar is the calendar of the program, as bare days.
func auditCalendar() (years []audit.Year) {
	bare := func(days []calendar.Date) (out []time.Time) {
		for _, d := range days {
			out = append(out, d.UTC())
		}
		return out
	}
	for _, y := range calendar.BuiltIn() {
		years = append(years, audit.Year{Year: y.Year, Off: bare(y.Off), MakeUp: bare(y.MakeUp)})
	}
	return years
}
