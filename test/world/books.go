package world

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"volcard/internal/audit"
	"volcard/internal/calendar"
	"volcard/internal/clock"
	"volcard/internal/store/messagestore"
	"volcard/workflows"
)

// WantCleanBooks runs the auditor over everything and looks through the logs: no finding, no
// panic, no data race, nothing personal. Work may still be under way.
func (w *System) WantCleanBooks() {
	w.T.Helper()
	findings, err := w.audited(0)
	require.NoError(w.T, err)
	require.Empty(w.T, findings)
	w.wantCleanLogs()
}

// WantSettled waits until nothing is left to do and sees that everything was done once: each case has its
// process, each message went out, no process failed or is stuck, and the books are clean with nothing
// late in them. Every world ends with it (Start), so a worker has to run by then.
func (w *System) WantSettled() {
	w.T.Helper()
	w.endClaims()
	// What is late now is done in a moment; what is wrong stays wrong.
	var findings []audit.Finding
	var err error
	Insist(func() bool {
		findings, err = w.audited(time.Nanosecond)
		return err == nil && len(findings) == 0
	})
	require.NoError(w.T, err)
	require.Empty(w.T, findings)
	w.WantMessagesSent()
	w.WantEveryCaseHasItsProcess()
	w.wantProcessesWell()
	w.wantCleanLogs()
}

// Spoil lets a test plant a fault: what came before is audited now, and nothing more at the end.
func (w *System) Spoil() {
	w.T.Helper()
	if !w.shared.spoiled {
		w.WantSettled()
		w.shared.spoiled = true
	}
}

// endClaims lets time pass for the messages that a killed dispatcher holds: for a minute and more nobody else
// may take them.
func (w *System) endClaims() {
	w.T.Helper()
	w.Until("claims end", func() bool {
		_, err := w.DB.Exec(context.Background(), "UPDATE message SET due_at = $1 WHERE state = 'sending' AND due_at > $1", clock.System{}.Now())
		return err == nil
	})
}

// WantMessagesSent waits until every message has gone out, and sees that each went out once.
func (w *System) WantMessagesSent() {
	w.T.Helper()
	w.Until("every message is sent", func() bool { return w.Count("SELECT count(*) FROM message WHERE state <> 'sent'") == 0 })
	require.Equal(w.T, w.Count("SELECT count(*) FROM message"), w.Count("SELECT count(*) FROM outbox_page"), "each message went out once")
}

// WantEveryCaseHasItsProcess waits until exactly the live and the just collected cases have a
// running process, one each.
func (w *System) WantEveryCaseHasItsProcess() {
	w.T.Helper()
	// Visibility follows the histories a little later.
	w.Until("each open case has one running process", func() bool {
		ctx := context.Background()
		running, err := w.Processes(Queue).RunningCases(ctx)
		if err != nil || len(w.Runs("WorkflowType = '"+workflows.CardApplicationType+"' AND ExecutionStatus = 'Running'")) != len(running) {
			return false
		}
		rows, err := w.DB.Query(ctx, "SELECT id FROM application WHERE closed_at IS NULL OR state = 'collected'")
		if err != nil {
			return false
		}
		defer rows.Close()
		open := 0
		for rows.Next() {
			var id uuid.UUID
			if rows.Scan(&id) != nil || !running[id] {
				return false
			}
			open++
		}
		return rows.Err() == nil && open == len(running)
	})
}

// mostAttempts is how often something may have been tried that is under way when everything has settled. What has ended
// may have taken more: a deed is tried for as long as the database is away.
const mostAttempts = 5

// wantProcessesWell sees that no process of any kind has failed, and that none is stuck at a deed or at its own code.
func (w *System) wantProcessesWell() {
	w.T.Helper()
	require.Empty(w.T, w.Runs("ExecutionStatus IN ('Failed', 'TimedOut')"), "failed processes")
	for _, run := range w.Runs("") {
		for _, event := range w.history(run).GetEvents() {
			require.NotEqual(w.T, enums.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR, event.GetWorkflowTaskFailedEventAttributes().GetCause(), run.GetWorkflowId())
		}
	}
	for _, run := range w.Runs("ExecutionStatus = 'Running'") {
		var now *workflowservice.DescribeWorkflowExecutionResponse
		w.Until("the process is described", func() (ok bool) {
			var err error
			now, err = w.Engine().DescribeWorkflowExecution(context.Background(), run.GetWorkflowId(), run.GetRunId())
			return err == nil
		})
		require.LessOrEqual(w.T, now.GetPendingWorkflowTask().GetAttempt(), int32(mostAttempts), run.GetWorkflowId())
		for _, deed := range now.GetPendingActivities() {
			require.LessOrEqual(w.T, deed.GetAttempt(), int32(mostAttempts), "%s: %s", run.GetWorkflowId(), deed)
		}
	}
}

// announced is the program's calendar, as bare days.
func announced() (years []audit.Year) {
	for _, y := range calendar.BuiltIn() {
		year := audit.Year{Year: y.Year}
		for _, d := range y.Off {
			year.Off = append(year.Off, d.UTC())
		}
		for _, d := range y.MakeUp {
			year.MakeUp = append(year.MakeUp, d.UTC())
		}
		years = append(years, year)
	}
	return years
}

// audited is what the auditor finds, where something may be late for as long as the grace.
func (w *System) audited(grace time.Duration) ([]audit.Finding, error) {
	// Some worlds run on the demonstration's clock.
	return audit.Run(context.Background(), w.Postgres.AuditURL(), audit.Options{Now: clock.System{}.Now(), Grace: grace, Paced: true, Calendar: announced()})
}

func (w *System) wantCleanLogs() {
	w.T.Helper()
	logs := w.Logs()
	for _, bad := range append([]string{"panic:", "DATA RACE", "\"msg\":\"panic"}, w.names()...) {
		if i := strings.Index(logs, bad); i >= 0 {
			w.T.Errorf("the logs hold %q: %s", bad, around(logs, i))
		}
	}
	for _, at := range personal.FindAllStringIndex(logs, -1) {
		w.T.Errorf("the logs hold an ID number or a phone: %s", around(logs, at[0]))
	}
	codes := w.codes()
	for _, at := range digits.FindAllStringSubmatchIndex(logs, -1) {
		if code := logs[at[2]:at[3]]; codes[code] {
			w.T.Errorf("the logs hold the code %s: %s", code, around(logs, at[2]))
		}
	}
}

var (
	// personal finds ID numbers of the area of demo people, also cut short, and mobile numbers.
	personal = regexp.MustCompile(`\b420199(19|20)\d\d|` + inText + `(86)?1[3-9]\d{9}\b`)
	// digits finds what may be a code.
	digits = regexp.MustCompile(inText + `(\d{6,8})\b`)
)

// inText stands before digits in a text: those after a point, or alone in a field of a line, are a measure.
const inText = `(?:[^.:\w]|[^"]:)`

func around(logs string, i int) string { return logs[max(0, i-200):min(len(logs), i+400)] }

// names are everybody's who ever applied here.
func (w *System) names() []string { return w.Texts("SELECT DISTINCT name FROM person") }

// codes are what was sent to the phones, and what opens a counter's page.
func (w *System) codes() map[string]bool {
	w.T.Helper()
	codes := map[string]bool{}
	for _, code := range w.Texts("SELECT pickup_code FROM application") {
		codes[code] = true
	}
	outbox := messagestore.Outbox{Store: messagestore.Store{DB: w.DB, Vault: w.Vault, Clock: clock.System{}}}
	w.Until("the messages are read", func() bool {
		list, err := outbox.Recent(context.Background(), 100)
		for _, m := range list {
			for _, code := range inMessage.FindAllString(m.Body, -1) {
				codes[code] = true
			}
		}
		return err == nil
	})
	return codes
}

var inMessage = regexp.MustCompile(`\b\d{6}\b`)
