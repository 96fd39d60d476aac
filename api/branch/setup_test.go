package branch_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/branch"
	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/credential"
	"volcard/internal/person"
	"volcard/internal/store"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/codestore"
	"volcard/internal/store/keystore"
	"volcard/internal/store/placestore"
	"volcard/internal/store/storetest"
	"volcard/internal/store/storetest/stage"
	"volcard/workflows"
)

// direct carries decisions out without Temporal. A test says what goes wrong on the way.
type direct struct {
	process cardstore.Process
	works   stage.Works
	before  func() // happens before a hand-over
	instead error  // answered, and nothing is done
	after   error  // answered although the deed is done
	calls   int
}

func (d *direct) HandOver(ctx context.Context, in workflows.HandOverInput) error {
	d.calls++
	if d.before != nil {
		d.before()
	}
	if d.instead != nil {
		return d.instead
	}
	if _, err := d.process.HandOver(ctx, in); err != nil {
		return err
	}
	return d.after
}

func (d *direct) UndoHandOver(ctx context.Context, in workflows.UndoInput) error {
	d.calls++
	if d.instead != nil {
		return d.instead
	}
	if _, err := d.process.UndoHandOver(ctx, in); err != nil {
		return err
	}
	return d.after
}

func (d *direct) ConfirmArrival(ctx context.Context, in workflows.ArrivalInput) error {
	d.calls++
	if d.instead != nil {
		return d.instead
	}
	if _, err := d.works.Batches.ConfirmArrival(ctx, in, d.works.Until); err != nil {
		return err
	}
	return d.after
}

// counter is a server with two branches, a clerk at each, and stock at the first.
type counter struct {
	*webtest.Env
	rows    storetest.Rows
	store   cardstore.Store
	process *direct
	works   stage.Works
	ring    *credential.Keyring
	branch  uuid.UUID
	other   uuid.UUID
	clerk   uuid.UUID
	away    uuid.UUID // the clerk of the other branch
	serials []string
}

const longName = "阿卜杜热合曼·买买提明·阿卜杜克里木·吐尔逊·艾合买提·依明·玉素甫·麦麦提·古丽巴哈尔·热依汗古丽"

func setup(t *testing.T) *counter {
	t.Helper()
	env := webtest.New(t)
	c := &counter{
		Env:   env,
		rows:  storetest.Rows{T: t, DB: env.DB, Vault: env.Vault, Now: env.Clock.Now()},
		store: cardstore.Store{DB: env.DB, Vault: env.Vault, Clock: env.Clock},
	}
	keys := keystore.Store{DB: env.DB, Vault: env.Vault, Clock: env.Clock}
	require.NoError(t, keys.Ensure(t.Context(), store.Actor{Kind: "operator", ID: "test"}))
	c.ring = credential.NewKeyring(keys)
	require.NoError(t, c.ring.Refresh(t.Context()))
	c.process = &direct{process: cardstore.Process{
		Store: c.store, Terms: card.DefaultTerms(), Sign: c.sign,
		Missing: func(string) []rune { return nil },
	}}
	c.works = stage.On(t, env.DB, env.Vault, env.Clock, c.sign)
	c.process.works = c.works
	c.branch, c.other = c.rows.Branch("光谷演示支行"), c.rows.Branch("江汉演示支行")
	c.clerk, c.away = c.rows.Clerk("周敏", c.branch), c.rows.Clerk("吴芳", c.other)
	c.serials = c.rows.Stock(c.branch, 6)
	c.rows.University("HB001", "武汉大学")
	branch.Routes(env.Router, branch.Deps{
		Kit: env.Kit, Process: c.process, Counter: cardstore.Counter{Store: c.store}, Stock: cardstore.Stock{Store: c.store},
		Batches: batchstore.Reads{Store: c.works.Batches.Store}, Photos: c.works.Photos,
		Places: placestore.New(env.DB), Keyring: c.ring, Terms: card.DefaultTerms(),
		Limiter: codestore.Limiter{DB: env.DB, Vault: env.Vault, Clock: env.Clock},
	})
	env.Start()
	return c
}

func (c *counter) sign(in cardstore.Intent) (token, kid string, err error) {
	name, err := person.ParseName(in.HolderName)
	if err != nil {
		return "", "", err
	}
	return c.ring.Sign(credential.Claims{
		CardNumber: in.Number, Edition: string(in.Edition), MaskedName: name.Masked(), IssuedOn: in.IssuedAt, ExpiresOn: in.ExpiresAt,
	})
}

// waiting is a case that is ready at the first branch.
func (c *counter) waiting(name, idNumber string) cardstore.Case {
	c.T.Helper()
	ctx := context.Background()
	who := c.rows.Person(name, idNumber)
	d := card.Draft{
		Edition: card.General, Identity: card.Student, NoticeVersion: card.NoticeVersion, Phone: "13800000000",
		PhoneVerifiedAt: c.Clock.Now(), UniversityCode: "HB001", DivisionCode: "420106", Address: "八一路299号", BranchID: c.branch,
	}
	_, err := cardstore.Drafts{Store: c.store}.Save(ctx, who, d, 0)
	require.NoError(c.T, err)
	submissions := cardstore.Submissions{Store: c.store}
	facts, err := submissions.Facts(ctx, who, d)
	require.NoError(c.T, err)
	accepted, reasons, err := submissions.Submit(ctx, cardstore.Submission{
		PersonID: who, IdempotencyKey: uuid.Must(uuid.NewV4()), Content: card.ContentHash(d, facts),
	})
	require.NoError(c.T, err)
	require.Empty(c.T, reasons)
	_, err = c.process.process.Issue(ctx, accepted.ID)
	require.NoError(c.T, err)
	return c.read(who, accepted.ID)
}

func (c *counter) read(who, id uuid.UUID) cardstore.Case {
	c.T.Helper()
	got, _, err := cardstore.Cases{Store: c.store}.Get(context.Background(), who, id)
	require.NoError(c.T, err)
	return got
}

func (c *counter) state(id uuid.UUID) card.State {
	c.T.Helper()
	s, err := cardstore.Cases{Store: c.store}.State(context.Background(), id)
	require.NoError(c.T, err)
	return s
}

func (c *counter) me() *webtest.Client { return c.Clerk(c.clerk, c.branch) }

func (c *counter) count(sql string, args ...any) int {
	c.T.Helper()
	var n int
	require.NoError(c.T, c.DB.QueryRow(context.Background(), sql, args...).Scan(&n))
	return n
}

// shots keeps pictures of a page at both sizes for somebody to look at, where a folder is named.
func shots(t *testing.T, b *webtest.Browser, c *webtest.Client, path, name string) {
	t.Helper()
	folder := os.Getenv("VOLCARD_SHOTS")
	if folder == "" {
		return
	}
	for size, width := range map[string]int64{"1280": 1280, "375": 375} {
		tab := b.Tab(c, path, width, 800)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name+"-"+size+".png"), b.Picture(tab), 0o600))
	}
	tab := b.Tab(c, path, 1280, 800)
	b.Dark(tab)
	require.NoError(t, os.WriteFile(filepath.Join(folder, name+"-dark.png"), b.Picture(tab), 0o600))
}

func picture(t *testing.T, b *webtest.Browser, tab context.Context, name string) {
	t.Helper()
	if folder := os.Getenv("VOLCARD_SHOTS"); folder != "" {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name+".png"), b.Picture(tab), 0o600))
	}
}
