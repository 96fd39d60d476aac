package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/credential"
	"volcard/internal/photo/demo"
	"volcard/internal/store"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/checkstore"
	"volcard/internal/store/keystore"
	"volcard/internal/store/storetest"
	"volcard/internal/store/storetest/stage"
)

// issuedWorld has a general card, a printed one, one that waits, and one whose applicant is to confirm again.
type issuedWorld struct {
	recheck recheck
	clock   *clock.Fake
	owner   *pgx.Conn
	printed stage.Applicant
	general string
}

func newIssuedWorld(t *testing.T) *issuedWorld {
	t.Helper()
	ctx := t.Context()
	db, ownerURL := storetest.NewWithURL(t)
	w := &issuedWorld{clock: clock.NewFake(stage.Start), general: card.CardNumber(2026, 90000001)}
	v := storetest.Vault(t)
	keys := keystore.Store{DB: db, Vault: v, Clock: w.clock}
	require.NoError(t, keys.Ensure(ctx, store.Process("test")))
	p := &parts{keys: credential.NewKeyring(keys)}
	require.NoError(t, p.keys.Refresh(ctx))
	print := newPrinter(t)
	print.clock = w.clock
	w.recheck = recheck{issued: checkstore.Issued{DB: db, Vault: v}, keys: p.keys, printer: print}

	works := stage.On(t, db, v, w.clock, p.sign)
	works.Process.Regular.Designs = print.designs
	works.Regular.Process, works.Submissions.Regular = works.Process, works.Process.Regular
	branch := works.Rows.Branch("光谷支行")
	general := credential.Claims{CardNumber: w.general, Edition: "general", MaskedName: "张*", IssuedOn: stage.Start, ExpiresOn: stage.Start.AddDate(5, 0, 0)}
	token, kid, err := p.keys.Sign(general)
	require.NoError(t, err)
	works.Rows.Card(storetest.CardRow{
		Person: works.Rows.Person("张䶮", storetest.IDNumber(1)), Branch: branch, Number: w.general, Name: "张䶮",
		Token: token, KID: kid, Issued: general.IssuedOn, End: general.ExpiresOn,
	})
	w.clock.Advance(time.Hour)
	w.printed = works.Apply("王𠮷", storetest.IDNumber(2), branch, demo.Portrait(0))
	rejected := works.Apply("陶喆", storetest.IDNumber(3), branch, demo.Portrait(1))
	batch := works.Freeze()
	_, err = db.Exec(ctx, "UPDATE batch_card SET design_hash = sha256('other') WHERE application_id = $1", rejected.ID)
	require.NoError(t, err)
	cards, err := works.Batches.Cards(ctx, batch, 1)
	require.NoError(t, err)
	file, err := print.Print(ctx, cards, func() {})
	require.NoError(t, err)
	require.Len(t, file.Rejected, 1)
	_, err = works.Batches.WriteFile(ctx, batch, batchstore.File{Kind: batchstore.Print, N: 1, Body: file.PDF, Hashes: file.Hashes},
		batchstore.Rejection{Seqs: file.Rejected, MendUntil: w.clock.Now().Add(time.Hour)})
	require.NoError(t, err)
	works.Apply("阿卜杜热合曼·买买提", storetest.IDNumber(4), branch, demo.Portrait(1))

	w.owner, err = pgx.Connect(ctx, ownerURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.owner.Close(context.Background()) })
	for _, table := range []string{"card", "application", "photo", "batch_card", "batch_file"} {
		w.exec(t, "CREATE TABLE was_"+table+" AS TABLE "+table)
	}
	return w
}

func (w *issuedWorld) exec(t *testing.T, sql string) {
	t.Helper()
	tag, err := w.owner.Exec(t.Context(), sql)
	require.NoError(t, err)
	require.NotZero(t, tag.RowsAffected(), sql)
}

// restore takes a planted fault back.
func (w *issuedWorld) restore(t *testing.T) {
	t.Helper()
	for _, sql := range []string{
		`UPDATE card c SET (number, edition, holder_name, volunteer_no, token, issued_at, expires_at) =
		   (w.number, w.edition, w.holder_name, w.volunteer_no, w.token, w.issued_at, w.expires_at) FROM was_card w WHERE w.id = c.id`,
		"UPDATE application a SET (face, design_hash) = (w.face, w.design_hash) FROM was_application w WHERE w.id = a.id",
		"UPDATE photo p SET image = w.image FROM was_photo w WHERE w.id = p.id",
		`UPDATE batch_card b SET (design_hash, print_hash) = (w.design_hash, w.print_hash) FROM was_batch_card w
		  WHERE w.batch_id = b.batch_id AND w.seq = b.seq`,
		"UPDATE batch_file f SET (body, size, sha256) = (w.body, w.size, w.sha256) FROM was_batch_file w WHERE w.id = f.id",
	} {
		w.exec(t, sql)
	}
}

func (w *issuedWorld) run(t *testing.T, since time.Time, limit int) (lines []string, err error) {
	t.Helper()
	r := w.recheck
	r.say = func(line string) { lines = append(lines, line) }
	err = r.run(t.Context(), since, limit)
	return lines, err
}

func TestRecheck(t *testing.T) {
	t.Parallel()
	w := newIssuedWorld(t)
	lines, err := w.run(t, stage.Start, 0)
	require.NoError(t, err, lines)
	require.Equal(t, []string{"4 cards and 1 files examined; 0 findings"}, lines)

	var number string
	require.NoError(t, w.owner.QueryRow(t.Context(), "SELECT number FROM card WHERE application_id = $1", w.printed.ID).Scan(&number))
	other := card.CardNumber(2026, 90000002)
	slip := other[:12] + w.general[12:]
	of := " WHERE application_id = '" + w.printed.ID.String() + "'"
	general := " WHERE number = '" + w.general + "'"
	for _, f := range []struct{ sql, want string }{
		{"UPDATE card SET number = '" + slip + "'" + general, "card " + slip + ": its number has wrong check digits"},
		{"UPDATE card SET number = '" + other + "'" + general, "card " + other + ": its token says another number"},
		{"UPDATE card SET volunteer_no = 'v-1'" + general, "card " + w.general + ": its volunteer number has not the form of one"},
		{"UPDATE card SET holder_name = '李䶮'" + general, "card " + w.general + ": its token says another name"},
		{"UPDATE card SET edition = 'regular'" + general, "card " + w.general + ": its token says another edition"},
		{"UPDATE card SET issued_at = issued_at + interval '1 day'" + general, "card " + w.general + ": its token says another first day"},
		{"UPDATE card SET expires_at = expires_at + interval '1 day'" + general, "card " + w.general + ": its token says another last day"},
		{"UPDATE card SET token = left(token, -1)" + general, "card " + w.general + ": its token does not redeem"},
		{"UPDATE card SET token = lower(token)" + general, "card " + w.general + ": its token says another text"},
		{"UPDATE card SET holder_name = '张' || chr(917503)" + general, "card " + w.general + ": no font has all characters of its name"},
		{"UPDATE card SET holder_name = '12'" + general, "card " + w.general + ": its name is none by the rules"},
		{"UPDATE card SET holder_name = '王吉'" + of, "card " + number + ": its layout is not what was confirmed"},
		{"UPDATE application SET face = 'donghu' WHERE id = '" + w.printed.ID.String() + "'", "card " + number + ": its layout is not what was confirmed"},
		{"UPDATE application SET face = 'gone' WHERE id = '" + w.printed.ID.String() + "'", "card " + number + ": it cannot be laid out any more"},
		{"UPDATE photo SET image = '' WHERE id = '" + w.printed.Photo.String() + "'", "card " + number + ": its layout is not what was confirmed"},
		{"UPDATE batch_card SET design_hash = sha256('other')" + of, "card " + number + ": its batch holds another design than was confirmed"},
		{"UPDATE batch_card SET print_hash = sha256('other')" + of, "card " + number + ": its layout is not what was printed"},
		{"UPDATE batch_file SET size = size + 1", "file PC2026112301 print 1: its content is not what was written"},
		{"UPDATE batch_file SET sha256 = sha256('other')", "file PC2026112301 print 1: its content is not what was written"},
		{"UPDATE batch_file SET body = sha256('other')", "file PC2026112301 print 1: it does not open"},
	} {
		w.exec(t, f.sql)
		lines, err = w.run(t, stage.Start, 0)
		require.ErrorIs(t, err, errFindings, f.sql)
		require.Contains(t, lines, f.want)
		require.Equal(t, fmt.Sprintf("4 cards and 1 files examined; %d findings", len(lines)-1), lines[len(lines)-1])
		require.NotContains(t, strings.Join(lines, ""), "王")
		w.restore(t)
	}
	lines, err = w.run(t, stage.Start, 0)
	require.NoError(t, err, lines)
}

// What is examined is bounded by day and number, the newest first.
func TestRecheckBounds(t *testing.T) {
	t.Parallel()
	w := newIssuedWorld(t)
	w.exec(t, "UPDATE card SET volunteer_no = 'v-1' WHERE number = '"+w.general+"'")
	lines, err := w.run(t, stage.Start.Add(time.Minute), 0)
	require.NoError(t, err)
	require.Equal(t, []string{"3 cards and 1 files examined; 0 findings"}, lines)
	lines, err = w.run(t, stage.Start, 3)
	require.NoError(t, err)
	require.Equal(t, []string{"3 cards and 1 files examined, older ones are left out (--limit); 0 findings"}, lines)
	lines, err = w.run(t, stage.Start, 4)
	require.ErrorIs(t, err, errFindings)
	require.Equal(t, []string{"card " + w.general + ": its volunteer number has not the form of one", "4 cards and 1 files examined; 1 findings"}, lines)

	// Pages join: nothing is left out or comes twice.
	var numbers []string
	for before := uuid.Max; ; {
		page, err := w.recheck.issued.Cards(t.Context(), before, 3)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			numbers, before = append(numbers, c.Number), c.ID
		}
	}
	require.Len(t, numbers, 4)
	require.Equal(t, w.general, numbers[3])
}

// The key of an expired card is published no longer: that is no fault of the card.
func TestRecheckOfExpiredCards(t *testing.T) {
	t.Parallel()
	w := newIssuedWorld(t)
	w.clock.Advance(6 * 365 * 24 * time.Hour)
	for range 2 {
		lines, err := w.run(t, stage.Start, 0)
		require.NoError(t, err)
		require.Equal(t, "4 cards and 1 files examined; 0 findings", lines[0])
		// Again with a ring in which no key is left.
		w.recheck.keys = credential.NewKeyring(none{})
	}
}

// none is a source of keys that has none.
type none struct{}

func (none) Keys(context.Context) ([]credential.Key, error) { return nil, nil }
