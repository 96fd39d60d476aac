package audit_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/audit"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/storetest"
)

var now = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

// books makes a small clean world: one card waits, one is handed over, one case was withdrawn.
func books(t *testing.T) (auditURL string, owner *pgx.Conn) {
	t.Helper()
	ctx := context.Background()
	db, ownerURL := storetest.NewWithURL(t)
	v := storetest.Vault(t)
	fake := clock.NewFake(now)
	rows := storetest.Rows{T: t, DB: db, Vault: v, Now: now}
	s := cardstore.Store{DB: db, Vault: v, Clock: fake}
	p := cardstore.Process{
		Store: s, Terms: card.DefaultTerms(),
		Sign:    func(in cardstore.Intent) (string, string, error) { return "TOKEN" + in.Number, "TEST", nil },
		Missing: func(string) []rune { return nil },
	}
	branch := rows.Branch("光谷支行")
	clerk := rows.Clerk("李柜员", branch)
	serials := rows.Stock(branch, 5)
	rows.SigningKey("TEST")
	for i, number := range []string{"420199200402290023", "420199200505040019", "420199200612310117"} {
		person := rows.Person("王𠮷", number)
		d := card.Draft{
			Edition: card.General, Identity: card.Social, NoticeVersion: card.NoticeVersion, Phone: "13800000000",
			PhoneVerifiedAt: now, UnitName: "光谷社区", DivisionCode: "420106", Address: "一号", BranchID: branch,
		}
		_, err := cardstore.Drafts{Store: s}.Save(ctx, person, d, 0)
		require.NoError(t, err)
		f, err := cardstore.Submissions{Store: s}.Facts(ctx, person, d)
		require.NoError(t, err)
		a, reasons, err := cardstore.Submissions{Store: s}.Submit(ctx, cardstore.Submission{
			PersonID: person, IdempotencyKey: uuid.Must(uuid.NewV4()), Content: card.ContentHash(d, f),
		})
		require.NoError(t, err)
		require.Empty(t, reasons)
		fake.Advance(time.Second)
		_, err = p.Issue(ctx, a.ID)
		require.NoError(t, err)
		fake.Advance(time.Second)
		switch i {
		case 1:
			_, err = p.HandOver(ctx, cardstore.HandOver{ApplicationID: a.ID, BranchID: branch, StaffID: clerk, Serial: serials[4]})
		case 2:
			_, err = p.Withdraw(ctx, a.ID, person)
		}
		require.NoError(t, err)
	}
	owner, err := pgx.Connect(ctx, ownerURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = owner.Close(ctx) })
	u, err := url.Parse(ownerURL)
	require.NoError(t, err)
	u.User = url.User("volcard_audit")
	return u.String(), owner
}

func TestCleanBooks(t *testing.T) {
	t.Parallel()
	auditURL, _ := books(t)
	findings, err := audit.Run(context.Background(), auditURL, audit.Options{Now: now})
	require.NoError(t, err)
	require.Empty(t, findings)
}

// Each check must be able to fail: a fault is planted behind the program's back, by the owner.
func TestPlantedFaultsAreFound(t *testing.T) {
	t.Parallel()
	const (
		ready     = "(SELECT id FROM application WHERE state = 'ready')"
		collected = "(SELECT id FROM application WHERE state = 'collected')"
		withdrawn = "(SELECT id FROM application WHERE state = 'withdrawn')"
	)
	planted := map[string][]string{
		"accepted application left undone":                   {"UPDATE application SET state = 'accepted', submitted_at = '2026-11-01' WHERE id = " + ready},
		"more than one live application of a person":         {"DROP INDEX application_live", "UPDATE application SET person_id = (SELECT person_id FROM application WHERE state = 'ready'), state = 'lapsed', closed_at = NULL, pickup_until = '2026-12-24' WHERE id = " + withdrawn},
		"more than one valid card of a person":               {"DROP INDEX card_valid", "UPDATE card SET status = 'valid', person_id = (SELECT person_id FROM application WHERE state = 'ready')"},
		"approved application without its one card":          {"DELETE FROM card WHERE application_id = " + ready},
		"card of an application that was not approved":       {"UPDATE card SET status = 'valid' WHERE application_id = " + withdrawn},
		"card that says something else than its application": {"UPDATE card SET holder_name = '张三' WHERE application_id = " + ready},
		"card number with wrong check digits":                {"UPDATE card SET number = '42260000000198' WHERE application_id = " + ready},
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
		"message unsent for long":                            {"UPDATE message SET due_at = '2026-11-01'"},
		"broken audit chain":                                 {"UPDATE audit_entry SET actor_id = 'nobody' WHERE action = 'issue'"},
		"state that its audit chain does not end in":         {"UPDATE application SET state = 'lapsed' WHERE id = " + ready},
		"audit chain whose moves do not join":                {"UPDATE audit_entry SET from_state = 'held' WHERE action = 'issue' AND subject_kind = 'application'"},
		"audit chain without its application":                {"UPDATE audit_entry SET subject_id = gen_random_uuid() WHERE action = 'submit' AND subject_id = " + ready},
		"move that is not in the table of moves":             {"UPDATE audit_entry SET action = 'conjure' WHERE action = 'issue' AND subject_kind = 'application'"},
		"decision of a person without a person":              {"UPDATE audit_entry SET actor_kind = 'process' WHERE action = 'hand-over'"},
		"application whose times run backwards":              {"UPDATE application SET ready_at = '2026-11-01' WHERE id = " + collected},
	}
	for _, name := range audit.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			require.Contains(t, planted, name, "a check that nobody has seen fail")
			auditURL, owner := books(t)
			for _, sql := range planted[name] {
				tag, err := owner.Exec(ctx, sql)
				require.NoError(t, err)
				if tag.Update() || tag.Delete() {
					require.NotZero(t, tag.RowsAffected(), sql)
				}
			}
			findings, err := audit.Run(ctx, auditURL, audit.Options{Now: now})
			require.NoError(t, err)
			var found []string
			for _, f := range findings {
				found = append(found, f.Check)
			}
			require.Contains(t, found, name)
		})
	}
}

func TestAuditorCannotWrite(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	auditURL, _ := books(t)
	conn, err := pgx.Connect(ctx, auditURL)
	require.NoError(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "UPDATE application SET state = 'closed'")
	require.Error(t, err)
}

func TestUnreadableBooksAreAnError(t *testing.T) {
	t.Parallel()
	_, err := audit.Run(context.Background(), "postgres://nobody@/none?host=/nonexistent", audit.Options{Now: now})
	require.Error(t, err)
}
