package audit_test

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/audit"
	"volcard/internal/card"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/storetest/stage"
)

// now is when the books are read.
var now = time.Date(2026, 12, 16, 1, 0, 0, 0, time.UTC)

// books makes a small clean world and returns the URL of its owner. Of general cards one waits, one is handed
// over, one case was withdrawn. Of regular ones one is at every station from the reviewer to the counter.
func books(t *testing.T) (ownerURL string) {
	t.Helper()
	ctx := context.Background()
	s := stage.New(t)
	serials := s.Rows.Stock(s.Branch, 5)
	for i := range 3 {
		a := s.Person("clear")
		d := s.Draft(a)
		d.Edition, d.PhotoID, d.Face = card.General, uuid.Nil, ""
		accepted, reasons, err := s.Submissions.Submit(ctx, s.Form(a, d))
		require.NoError(t, err)
		require.Empty(t, reasons)
		s.Clock.Advance(time.Second)
		_, err = s.Process.Issue(ctx, accepted.ID)
		require.NoError(t, err)
		s.Clock.Advance(time.Second)
		switch i {
		case 1:
			_, err = s.Process.HandOver(ctx, cardstore.HandOver{ApplicationID: accepted.ID, BranchID: s.Branch, StaffID: s.Clerk, Serial: serials[4]})
		case 2:
			_, err = s.Process.Withdraw(ctx, accepted.ID, a.Person)
		}
		require.NoError(t, err)
	}
	regularBooks(t, s)
	s.DB.Close()
	return s.Owner
}

func regularBooks(t *testing.T, s *stage.Stage) {
	t.Helper()
	ctx := context.Background()
	s.Clock.Advance(time.Second)
	collected := s.Reviewing()
	require.Equal(t, card.Waiting, s.Approve(collected).State)
	first := s.Freeze()
	s.Make(first)
	s.Arrive(first, s.Branch)
	_, err := s.Process.HandOver(ctx, s.HandOver(collected))
	require.NoError(t, err)
	taken, rejected := s.Waiting(s.Branch), s.Waiting(s.Other)
	id := s.Freeze()
	_, err = s.DB.Exec(ctx, "UPDATE batch_card SET design_hash = sha256('other') WHERE application_id = $1", rejected.ID)
	require.NoError(t, err)
	s.Make(id)
	s.Arrive(id, s.Branch)
	require.Equal(t, card.Ready, s.State(taken))
	s.Waiting(s.Branch)
	producing := s.Freeze()
	s.Render(producing)
	late := s.Waiting(s.Other)
	s.Clock.Advance(22 * 24 * time.Hour)
	_, err = s.Regular.TellOverdue(ctx, late.ID)
	require.NoError(t, err)
	s.Mending()
	s.Reviewing()
	// What the clock passed on its way is done, as the processes would have done it.
	for _, a := range s.Texts("SELECT id::text FROM application WHERE edition = 'regular' ORDER BY id") {
		application := uuid.FromStringOrNil(a)
		_, err = s.Regular.TellOverdue(ctx, application)
		require.NoError(t, err)
		_, err = s.Regular.GiveUp(ctx, application)
		require.NoError(t, err)
	}
	for _, b := range s.Texts("SELECT id::text FROM batch") {
		require.NoError(t, s.Batches.DropFiles(ctx, uuid.FromStringOrNil(b)))
	}
	_, err = s.DB.Exec(ctx, "UPDATE message SET state = 'sent'")
	require.NoError(t, err)
}

// copyOf is a world of its own, for a fault that is planted by the owner behind the program's back.
func copyOf(t *testing.T, ownerURL string) (auditURL string, owner *pgx.Conn) {
	t.Helper()
	ctx := context.Background()
	u, err := url.Parse(ownerURL)
	require.NoError(t, err)
	books := strings.TrimPrefix(u.Path, "/")
	server := *u
	server.Path = "/postgres"
	admin, err := pgx.Connect(ctx, server.String())
	require.NoError(t, err)
	name := "a_" + strings.ReplaceAll(uuid.Must(uuid.NewV4()).String(), "-", "")
	_, err = admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+books)
	require.NoError(t, err)
	u.Path = "/" + name
	owner, err = pgx.Connect(ctx, u.String())
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = owner.Close(ctx)
		_, err := admin.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
		require.NoError(t, err)
		_ = admin.Close(ctx)
	})
	_, err = owner.Exec(ctx, "UPDATE database_identity SET database_oid = (SELECT oid FROM pg_database WHERE datname = current_database())")
	require.NoError(t, err)
	u.User = url.User("volcard_audit")
	return u.String(), owner
}

func TestCleanBooks(t *testing.T) {
	t.Parallel()
	auditURL, _ := copyOf(t, books(t))
	findings, err := audit.Run(context.Background(), auditURL, audit.Options{Now: now})
	require.NoError(t, err)
	require.Empty(t, findings)
}

// Each check must be able to fail: a fault is planted behind the program's back, by the owner.
func TestPlantedFaultsAreFound(t *testing.T) {
	t.Parallel()
	const (
		ready     = "(SELECT id FROM application WHERE edition = 'general' AND state = 'ready')"
		collected = "(SELECT id FROM application WHERE edition = 'general' AND state = 'collected')"
		producing = "(SELECT id FROM application WHERE state = 'producing')"
		waiting   = "(SELECT id FROM application WHERE state = 'waiting')"
		mending   = "(SELECT id FROM application WHERE state = 'mending')"
		atCounter = "(SELECT id FROM application WHERE edition = 'regular' AND state = 'ready')"
		overdue   = "(SELECT id FROM application WHERE overdue_at IS NOT NULL LIMIT 1)"
		withdrawn = "(SELECT id FROM application WHERE state = 'withdrawn')"
	)
	planted := map[string][]string{
		"accepted application left undone":                   {"UPDATE application SET state = 'accepted', submitted_at = '2026-11-01' WHERE id = " + ready},
		"more than one live application of a person":         {"DROP INDEX application_live", "UPDATE application SET person_id = (SELECT person_id FROM application WHERE edition = 'general' AND state = 'ready'), state = 'lapsed', closed_at = NULL, pickup_until = '2026-12-24' WHERE id = " + withdrawn},
		"more than one valid card of a person":               {"DROP INDEX card_valid", "UPDATE card SET status = 'valid', person_id = (SELECT person_id FROM application WHERE edition = 'general' AND state = 'ready')"},
		"approved application without its one card":          {"DELETE FROM card WHERE application_id = " + ready},
		"card of an application that was not approved":       {"UPDATE card SET status = 'valid' WHERE application_id = " + withdrawn},
		"card that says something else than its application": {"UPDATE card SET holder_name = '张三' WHERE application_id = " + ready},
		"card number with wrong check digits":                {"UPDATE card SET number = '42260000000198' WHERE application_id = " + ready},
		"card in a revoked range":                            {"INSERT INTO revoked_range (first, last, at) SELECT min(substr(number, 5, 8)::bigint), max(substr(number, 5, 8)::bigint), now() FROM card"},
		"card number above the sequence":                     {"SELECT setval('card_number_seq', 1)"},
		"number used twice":                                  {"ALTER TABLE card DROP CONSTRAINT card_number_key CASCADE", "UPDATE card SET number = (SELECT min(number) FROM card)"},
		"card signed with a key that is not known":           {"UPDATE card SET token = '' WHERE application_id = " + ready},
		"hand-over that does not fit its application":        {"DELETE FROM hand_over"},
		"hand-over by somebody else's clerk":                 {"UPDATE staff SET role = 'province_admin', branch_id = NULL"},
		"hand-over before the card was ready":                {"UPDATE hand_over SET at = '2026-11-01'"},
		"hand-over without its plastic card":                 {"UPDATE stock_card SET state = 'reserved' WHERE state = 'handed_over'"},
		"plastic card handed over without a record":          {"DELETE FROM hand_over"},
		"reservation that does not fit its application":      {"UPDATE stock_card SET state = 'in_stock', application_id = NULL WHERE state = 'reserved'"},
		"stock that differs from its ledger":                 {"DELETE FROM stock_entry WHERE kind = 'reserve'"},
		"more than one message for one event":                {"ALTER TABLE message DROP CONSTRAINT message_dedupe_key_key", "UPDATE message SET dedupe_key = 'same'"},
		"ready case whose holder was not told":               {"DELETE FROM message"},
		"message unsent for long":                            {"UPDATE message SET state = 'pending', due_at = '2026-11-01'"},
		"broken audit chain":                                 {"UPDATE audit_entry SET actor_id = 'nobody' WHERE action = 'issue'"},
		"state that its audit chain does not end in":         {"UPDATE application SET state = 'lapsed' WHERE id = " + ready},
		"audit chain whose moves do not join":                {"UPDATE audit_entry SET from_state = 'held' WHERE action = 'issue' AND subject_kind = 'application'"},
		"audit chain without its application":                {"UPDATE audit_entry SET subject_id = gen_random_uuid() WHERE action = 'submit' AND subject_id = " + ready},
		"move that is not in the table of moves":             {"UPDATE audit_entry SET action = 'conjure' WHERE action = 'issue' AND subject_kind = 'application'"},
		"decision of a person without a person":              {"UPDATE audit_entry SET actor_kind = 'process' WHERE action = 'hand-over'"},
		"card whose print differs from what was confirmed":   {"UPDATE application SET design_hash = sha256('other') WHERE id = " + producing},
		"print that cannot be of its card":                   {"UPDATE batch_card SET print_hash = design_hash WHERE application_id = " + producing},
		"files that do not hold their batch":                 {"UPDATE batch_file SET size = size + 1"},
		"batch frozen for long":                              {"UPDATE batch SET state = 'frozen' WHERE state = 'rendered'"},
		"parcel under way for long":                          {"UPDATE parcel SET arrived_at = NULL, arrived_by = NULL"},
		"promise that is not of the promised length":         {"UPDATE application SET promised_from = promise_start + 9 WHERE id = " + producing},
		"card that is in two batches":                        {"INSERT INTO batch_card (batch_id, application_id, seq, card_number, branch_id, design_hash, state) SELECT b.id, c.application_id, 99, c.card_number, c.branch_id, c.design_hash, 'frozen' FROM batch_card c, batch b WHERE c.application_id = " + atCounter + " AND b.state = 'rendered'"},
		"batch that does not add up":                         {"UPDATE batch SET cards = cards + 1 WHERE state = 'rendered'"},
		"parcel that does not hold its cards":                {"UPDATE parcel SET arrived_at = NULL, arrived_by = NULL WHERE id = (SELECT id FROM parcel WHERE arrived_at IS NOT NULL LIMIT 1)"},
		"parcel confirmed by somebody else's clerk":          {"UPDATE parcel SET arrived_by = (SELECT id FROM staff WHERE role = 'factory') WHERE arrived_at IS NOT NULL"},
		"card in production without its batch":               {"UPDATE application SET state = 'producing' WHERE id = " + waiting},
		"regular card at its branch that never arrived":      {"UPDATE batch_card SET state = 'frozen' WHERE application_id = " + atCounter},
		"promise whose dates are out of order":               {"UPDATE application SET promised_from = promised_until + 1 WHERE id = " + producing},
		"overdue card about which nobody was told":           {"UPDATE application SET overdue_at = NULL WHERE id = " + overdue},
		"case that was to be mended and was not given up":    {"UPDATE application SET mend_until = '2026-12-15 16:00Z', mend_from = '2026-12-01' WHERE id = " + mending},
		"photo of somebody else":                             {"ALTER TABLE application DROP CONSTRAINT application_photo", "UPDATE application SET photo_id = (SELECT photo_id FROM application WHERE id = " + mending + ") WHERE id = " + waiting},
		"card with a photo that nobody passed":               {"UPDATE photo SET verdict = 'doubtful' WHERE id = (SELECT photo_id FROM application WHERE id = " + waiting + ")"},
		"approval of a photo that did not take effect":       {"UPDATE application SET decided_until = '2026-12-15' WHERE state = 'reviewing'"},
		"photo approved after its approval was taken back":   {"UPDATE audit_entry SET action = 'retract-approval' WHERE action = 'pre-approve-photo'"},
		"photo decided by somebody who is no reviewer":       {"UPDATE photo SET decided_by = (SELECT id FROM staff WHERE role = 'factory') WHERE decided_by IS NOT NULL"},
		"regular card handed over under another number":      {"UPDATE hand_over SET card_number = (SELECT number FROM card WHERE application_id = " + atCounter + ") WHERE card_number IS NOT NULL"},
		"regular card handed over before it arrived":         {"UPDATE parcel SET arrived_at = '2026-12-15' WHERE arrived_at IS NOT NULL"},
		"batch whose state its audit chain does not end in":  {"UPDATE batch SET state = 'printed' WHERE state = 'rendered'"},
		"batch move that is not in the table of moves":       {"UPDATE audit_entry SET actor_kind = 'process' WHERE action = 'batch-ship'"},
		"files of a batch that is done":                      {"UPDATE batch SET state = 'done', done_at = '2026-12-15' WHERE state = 'rendered'"},
		"last day on which the branch is closed":             {"UPDATE application SET pickup_until = '2026-12-26 15:59:59Z' WHERE id = " + ready},
		"application whose times run backwards":              {"UPDATE application SET ready_at = '2026-11-01' WHERE id = " + collected},
	}
	// Other ways in which the same checks fail. Those of one round share a world and do not cause each other's.
	rounds := []map[string]string{
		{
			"print that cannot be of its card":         "UPDATE batch_card SET print_hash = '\\x00' WHERE application_id = " + producing,
			"files that do not hold their batch":       "UPDATE batch_file SET sha256 = ''",
			"promise whose dates are out of order":     "UPDATE application SET promise_due = promise_due - interval '1 second' WHERE id = " + producing,
			"overdue card about which nobody was told": "UPDATE message SET dedupe_key = replace(dedupe_key, ':overdue-', ':over-')",
			"ready case whose holder was not told":     "UPDATE message SET dedupe_key = replace(dedupe_key, ':ready-', ':read-')",
		},
		{
			"print that cannot be of its card":     "UPDATE batch_card SET print_hash = sha256('one') WHERE print_hash IS NOT NULL",
			"files that do not hold their batch":   "UPDATE batch_file SET cards = cards + 1 WHERE kind = 'print'",
			"promise whose dates are out of order": "UPDATE application SET promise_due = promise_due + interval '1 second' WHERE id = " + atCounter,
			"ready case whose holder was not told": "UPDATE message SET dedupe_key = '0' || dedupe_key",
		},
		{
			"print that cannot be of its card":     "UPDATE batch_card SET print_hash = sha256('taken out') WHERE state = 'rejected'",
			"files that do not hold their batch":   "DELETE FROM batch_file WHERE kind = 'print'",
			"promise whose dates are out of order": "UPDATE application SET promised_from = promise_start WHERE id = " + producing,
		},
		{
			"files that do not hold their batch":         "DELETE FROM batch_file WHERE kind = 'manifest'",
			"promise that is not of the promised length": "UPDATE application SET promised_until = promise_start + 14 WHERE id = " + producing,
		},
		{"last day on which the branch is closed": `INSERT INTO calendar_year (id, year, version, notice, sha256, off, make_up, at)
			SELECT gen_random_uuid(), 2026, 1, '', sha256(''), ARRAY[(pickup_until AT TIME ZONE 'Asia/Shanghai')::date], '{}', '2026-11-01' FROM application WHERE id = ` + ready},
		{"last day on which the branch is closed": `UPDATE branch SET hours = hours - 'wed'`},
		{"promise that is not of the promised length": "UPDATE application SET promised_from = promise_start + 35 WHERE id = " + producing},
		{"promise that is not of the promised length": "UPDATE application SET promised_until = promise_start + 45 WHERE id = " + waiting},
	}
	world := books(t)
	found := func(t *testing.T, sqls ...string) (checks []string) {
		t.Helper()
		ctx := context.Background()
		auditURL, owner := copyOf(t, world)
		for _, sql := range sqls {
			tag, err := owner.Exec(ctx, sql)
			require.NoError(t, err)
			if tag.Update() || tag.Delete() {
				require.NotZero(t, tag.RowsAffected(), sql)
			}
		}
		findings, err := audit.Run(ctx, auditURL, audit.Options{Now: now})
		require.NoError(t, err)
		for _, f := range findings {
			checks = append(checks, f.Check)
		}
		return checks
	}
	for _, name := range audit.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, planted, name, "a check that nobody has seen fail")
			require.Contains(t, found(t, planted[name]...), name)
		})
	}
	for _, round := range rounds {
		t.Run("other ways", func(t *testing.T) {
			t.Parallel()
			require.Subset(t, found(t, slices.Collect(maps.Values(round))...), slices.Collect(maps.Keys(round)))
		})
	}
}

// Which day is a working day the options tell, and an import that went over them.
func TestLastDaysAreMeasuredByTheCalendar(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	auditURL, owner := copyOf(t, books(t))
	found := func(y audit.Year) (rows int) {
		t.Helper()
		findings, err := audit.Run(ctx, auditURL, audit.Options{Now: now, Calendar: []audit.Year{y}})
		require.NoError(t, err)
		for _, f := range findings {
			if f.Check == "last day on which the branch is closed" {
				rows++
			}
		}
		return rows
	}
	wednesday, saturday := time.Date(2026, 12, 23, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 26, 0, 0, 0, 0, time.UTC)
	require.Zero(t, found(audit.Year{Year: 2026}))
	require.NotZero(t, found(audit.Year{Year: 2026, Off: []time.Time{wednesday}}))
	_, err := owner.Exec(ctx, "UPDATE application SET pickup_until = '2026-12-26 15:59:59Z' WHERE state = 'ready'")
	require.NoError(t, err)
	require.NotZero(t, found(audit.Year{Year: 2026}))
	require.Zero(t, found(audit.Year{Year: 2026, MakeUp: []time.Time{saturday}}))
	_, err = owner.Exec(ctx, `INSERT INTO calendar_year (id, year, version, notice, sha256, off, make_up, at)
		VALUES (gen_random_uuid(), 2026, 1, '', sha256(''), '{}', '{}', '2026-11-01')`)
	require.NoError(t, err)
	require.NotZero(t, found(audit.Year{Year: 2026, MakeUp: []time.Time{saturday}}), "the import counts")
}

// A promise of 8 to 12 working days is one where the settings say so, and in a demonstration a case is
// overdue before its day has ended.
func TestPromiseIsMeasuredByTheSettings(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	auditURL, owner := copyOf(t, books(t))
	for _, c := range []struct {
		sql       string
		says      audit.Options
		otherwise audit.Options
	}{
		{
			`UPDATE application SET promised_from = promise_start + 8, promised_until = promise_start + 12,
		    promise_due = (promise_start + 12 + time '23:59:59') AT TIME ZONE 'Asia/Shanghai' WHERE edition = 'regular'`,
			audit.Options{Now: now, From: 8, Until: 12},
			audit.Options{Now: now},
		},
		{
			"UPDATE application SET promise_due = submitted_at + interval '75 seconds' WHERE edition = 'regular' AND (overdue_at IS NOT NULL OR state = 'collected')",
			audit.Options{Now: now, From: 8, Until: 12, Paced: true},
			audit.Options{Now: now, From: 8, Until: 12},
		},
	} {
		_, err := owner.Exec(ctx, c.sql)
		require.NoError(t, err)
		findings, err := audit.Run(ctx, auditURL, c.says)
		require.NoError(t, err)
		require.Empty(t, findings)
		findings, err = audit.Run(ctx, auditURL, c.otherwise)
		require.NoError(t, err)
		require.NotEmpty(t, findings)
	}
}

func TestAuditorCannotWrite(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	auditURL, _ := copyOf(t, books(t))
	conn, err := pgx.Connect(ctx, auditURL)
	require.NoError(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "UPDATE application SET state = 'closed'")
	require.Error(t, err)
}

// The auditor sees neither what opens an account, a session or a card at the counter, nor sealed data.
func TestAuditorReadsNoSecret(t *testing.T) {
	t.Parallel()
	auditURL, _ := copyOf(t, books(t))
	conn, err := pgx.Connect(t.Context(), auditURL)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), `
		SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		 WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
		   AND has_column_privilege(c.oid, a.attnum, 'SELECT')`)
	require.NoError(t, err)
	readable, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Contains(t, readable, "person.volunteer_no")
	for _, column := range readable {
		if strings.HasPrefix(column, "branch.") { // everybody reads them
			continue
		}
		require.NotRegexp(t, `^(session|sms_code|attempt|admin_token|outbox_page|application_draft)\.|password|secret|private|_code_hash|pickup_code`+
			`|\.(phone|address|params|image|guardian|id_number|id_index|phone_index)$`, column,
			"a migration grants the auditor what its checks need and no more")
	}
}

func TestUnreadableBooksAreAnError(t *testing.T) {
	t.Parallel()
	_, err := audit.Run(context.Background(), "postgres://nobody@/none?host=/nonexistent", audit.Options{Now: now})
	require.Error(t, err)
}
