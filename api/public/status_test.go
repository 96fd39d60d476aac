package public_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/public"
	"volcard/api/web"
	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/photo/demo"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/codestore"
	"volcard/internal/store/storetest"
	"volcard/internal/store/storetest/stage"
)

// openStatus serves the page, with one case that is ready, and returns the case's number.
func openStatus(t *testing.T) (*webtest.Env, string) {
	t.Helper()
	env := webtest.New(t, func(o *web.Options) { o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	base := cardstore.Store{DB: env.DB, Vault: env.Vault, Clock: env.Clock}
	public.Status{
		Kit: env.Kit, Cases: cardstore.Cases{Store: base}, Terms: card.DefaultTerms(),
		Limits: codestore.Limiter{DB: env.DB, Vault: env.Vault, Clock: env.Clock},
	}.Routes(env.Router)
	env.Start()

	rows := storetest.Rows{T: t, DB: env.DB, Vault: env.Vault, Now: env.Clock.Now()}
	rows.SigningKey("TESTKEY1")
	branch := rows.Branch("甲网点")
	rows.Stock(branch, 1)
	person := rows.Person("阿卜杜热合曼·买买提", "42019920040229004X")
	ctx := context.Background()
	d := card.Draft{
		Edition: card.General, Identity: card.Social, NoticeVersion: card.NoticeVersion, Phone: "13800000000",
		PhoneVerifiedAt: env.Clock.Now(), UnitName: "东湖社区", DivisionCode: "420106", Address: "八一路1号", BranchID: branch,
	}
	_, err := cardstore.Drafts{Store: base}.Save(ctx, person, d, 0)
	require.NoError(t, err)
	submissions := cardstore.Submissions{Store: base}
	f, err := submissions.Facts(ctx, person, d)
	require.NoError(t, err)
	accepted, reasons, err := submissions.Submit(ctx, cardstore.Submission{
		PersonID: person, IdempotencyKey: uuid.Must(uuid.NewV4()), Content: card.ContentHash(d, f),
	})
	require.NoError(t, err)
	require.Empty(t, reasons)
	process := cardstore.Process{
		Store: base, Terms: card.DefaultTerms(), Missing: func(string) []rune { return nil },
		Sign: func(cardstore.Intent) (string, string, error) { return "TOKEN", "TESTKEY1", nil },
	}
	_, err = process.Issue(ctx, accepted.ID)
	require.NoError(t, err)
	return env, accepted.Number
}

func ask(env *webtest.Env, number, tail string) *webtest.Page {
	return env.Client().Get("/status").Want(200).Submit("form", map[string]string{"number": number, "tail": tail})
}

func TestStatus(t *testing.T) {
	t.Parallel()
	env, number := openStatus(t)
	for _, typed := range [][2]string{
		{number, "004X"},
		{strings.ToLower(number[:6]) + " " + number[6:], "００４ｘ"},
	} {
		page := ask(env, typed[0], typed[1]).Want(200)
		page.WantText("h1", "可以领卡").WantText(".timeline .next", "12月23日（周三，含当日）前").Has("[data-action=issue]").Has("[data-action=submit]")
		for _, private := range []string{"阿卜杜热合曼", "买买提", "13800000000", "138****", "甲网点", "东湖社区", "TOKEN"} {
			require.NotContains(t, string(page.Body), private, "states and times only")
		}
	}
}

// A regular case tells its dates until the card is made, and when its applicant must act.
// The headline knows of the card and of the consent beside the state.
func TestStatusOfACardThatCannotBeCollected(t *testing.T) {
	t.Parallel()
	env, number := openStatus(t)
	headline := func(change string) string {
		t.Helper()
		_, err := env.DB.Exec(t.Context(), change)
		require.NoError(t, err)
		return ask(env, number, "004X").Want(200).Text("h1")
	}
	require.Equal(t, "可以领卡", headline("SELECT"))
	require.Equal(t, "证件已暂停使用", headline("UPDATE card SET status = 'suspended'"))
	require.Equal(t, "需要您授权后才能领卡", headline("WITH c AS (UPDATE card SET status = 'valid') UPDATE consent SET withdrawn_at = now() WHERE purpose = 'bank'"))
	require.Equal(t, "证件已注销", headline("UPDATE card SET status = 'cancelled'"))
}

func TestStatusOfARegularCase(t *testing.T) {
	t.Parallel()
	env, _ := openStatus(t)
	works := stage.On(t, env.DB, env.Vault, env.Clock, func(cardstore.Intent) (string, string, error) { return "TOKEN2", "TESTKEY1", nil })
	branch := works.Rows.Branch("乙网点")
	made := works.Apply("王𠮷", "420199199001010013", branch, demo.Portrait(0))
	page := ask(env, made.Number, "0013").Want(200).WantText("h1", "等待制卡").WantText("[data-promise]", "预计 12月7日（周一）至 12月14日（周一）送达网点")
	page.WantText(".timeline .next", "12月14日（周一，含当日）前").Has("[data-action=approve]")

	works.Freeze()
	ask(env, made.Number, "0013").WantText("h1", "制卡中").Has("[data-promise]")
	_, err := env.DB.Exec(t.Context(), "UPDATE application SET overdue_at = $1 WHERE id = $2", env.Clock.Now(), made.ID)
	require.NoError(t, err)
	ask(env, made.Number, "0013").Has(".state.tone-warn")
	_, err = env.DB.Exec(t.Context(), "UPDATE application SET state = 'mending', mend_from = $1, mend_until = $2 WHERE id = $3",
		env.Clock.Now(), env.Clock.Now().AddDate(0, 0, 21), made.ID)
	require.NoError(t, err)
	ask(env, made.Number, "0013").WantText("h1", "等您修改确认").Lacks("[data-promise]").WantText(".timeline .next", "12月14日（周一）10:00 之前")
}

func TestStatusTellsNothing(t *testing.T) {
	t.Parallel()
	env, number := openStatus(t)
	wrong := ask(env, number, "0041").Want(422).WantError("", "没有找到匹配的申请").Lacks("[data-state]")
	unknown := ask(env, "HB26112300000000", "004X").Want(422)
	require.Equal(t, wrong.Text("main form, .form-error"), unknown.Text("main form, .form-error"), "one answer for both")
	ask(env, "HB26112300000001", "004X").Want(422).WantError("number", "申请编号不完整或有误")
	ask(env, "", "").Want(422).WantError("number", "申请编号").WantError("tail", "最后四位")
	for _, tail := range []string{"04X", "00X4", "004Y", "0 04XX"} {
		ask(env, number, tail).Want(422).WantError("tail", "最后四位")
	}
}

func TestStatusLimits(t *testing.T) {
	t.Parallel()
	env, number := openStatus(t)
	for range 4 {
		ask(env, number, "0001").Want(422)
	}
	for range 7 { // right answers are no guesses, and forgive the wrong ones before
		ask(env, number, "004X").Want(200)
	}
	for range 5 {
		ask(env, number, "0001").Want(422)
	}
	ask(env, number, "004X").Want(429).WantError("", "操作太频繁") // the right one as well: no guess is answered
	env.Clock.Advance(16 * time.Minute)
	ask(env, number, "004X").Want(200).WantText("h1", "可以领卡")

	// T78: a stranger elsewhere closes the page to nobody but that network, and the holder's login passes anyway.
	for i := range 30 {
		env.Client().With("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i)).Get("/status").Submit("form", map[string]string{"number": number, "tail": "0001"}).Want(422)
	}
	ask(env, number, "004X").Want(429).WantError("", "或者登录后查看")
	var owner uuid.UUID
	require.NoError(t, env.DB.QueryRow(t.Context(), "SELECT person_id FROM application WHERE number = $1", number).Scan(&owner))
	env.Person(owner, "买买提").Get("/status").Submit("form", map[string]string{"number": number, "tail": "004X"}).Want(200).WantText("h1", "可以领卡")
	env.Person(uuid.Must(uuid.NewV7()), "别人").Get("/status").Submit("form", map[string]string{"number": number, "tail": "004X"}).Want(429)
	env.Clock.Advance(time.Hour)

	// One address may not try many numbers either.
	for range 20 {
		ask(env, "HB26112300000000", "004X")
		env.Clock.Advance(time.Second)
	}
	ask(env, number, "004X").Want(429)
}
