package card_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/place"
)

var submitted = time.Date(2026, 11, 23, 10, 0, 0, 0, clock.Shanghai)

// pickupUntil is the last day at a branch that names no hours.
func pickupUntil() time.Time {
	return card.DefaultTerms().PickupUntil(submitted, place.Opening{Calendar: calendar.New()})
}

func situation(s card.State, now time.Time) card.Situation {
	until := pickupUntil()
	sit := card.Situation{State: s, Now: now, SubmittedAt: submitted, Branch: "甲网点", Terms: card.DefaultTerms()}
	switch s {
	case card.Ready, card.Lapsed:
		sit.PickupUntil = until
	case card.Collected, card.Closed:
		sit.PickupUntil, sit.ClosedAt = until, submitted.Add(time.Hour)
	case card.Withdrawn, card.Refused:
		sit.ClosedAt = submitted.Add(time.Hour)
	case card.Accepted, card.Held, card.Reviewing, card.Mending, card.Waiting, card.Producing:
	}
	return sit
}

// TestLookAheadOfARegularCard: what its applicant reads, who acts next, and what may be changed still.
func TestLookAheadOfARegularCard(t *testing.T) {
	t.Parallel()
	promised := time.Date(2026, 12, 14, 23, 59, 59, 0, clock.Shanghai)
	for _, c := range []struct {
		state card.State
		tone  card.Tone
		who   card.Party
		until time.Time
		may   string // w: withdraw, b: choose a branch, d: change the design, p: change the phone
	}{
		{card.Accepted, card.ToneWait, card.System, time.Time{}, "w"},
		{card.Held, card.ToneWait, card.Admin, promised, "wbdp"},
		{card.Reviewing, card.ToneWait, card.Reviewer, promised, "wbdp"},
		{card.Mending, card.ToneWarn, card.Applicant, promised.AddDate(0, 0, -3), "wbdp"},
		{card.Waiting, card.ToneGood, card.Factory, promised, "wbdp"},
		{card.Producing, card.ToneGood, card.Factory, promised, ""},
		{card.Ready, card.ToneGood, card.Applicant, pickupUntil(), "p"},
		{card.Lapsed, card.ToneWarn, card.Applicant, pickupUntil().Add(180 * 24 * time.Hour), "bp"},
	} {
		sit := situation(c.state, submitted.Add(time.Second))
		sit.Edition, sit.PromisedUntil, sit.MendUntil = card.Regular, promised, promised.AddDate(0, 0, -3)
		o := card.LookAhead(sit)
		require.Equal(t, c.tone, o.Tone, c.state)
		require.Equal(t, c.who, o.Ahead[0].Who, c.state)
		require.True(t, c.until.Equal(o.Ahead[0].Until), "%s: %s", c.state, o.Ahead[0].Until)
		may := ""
		for letter, yes := range map[string]bool{"w": o.Withdraw, "b": o.ChooseBranch, "d": o.ChangeDesign, "p": o.ChangePhone} {
			if yes {
				may += letter
			}
		}
		require.ElementsMatch(t, []byte(c.may), []byte(may), c.state)

		if _, unmade := card.Next(c.state, card.Overdue); !unmade {
			continue
		}
		sit.Overdue = true
		late := card.LookAhead(sit)
		require.Equal(t, card.ToneWarn, late.Tone, c.state)
		require.Contains(t, late.Lead, "没有在承诺的日期送达", c.state)
	}
}

// TestLookAheadOfAHeldRegularCard: between the check of the name and the card its applicant confirms the
// preview, and nothing is issued before that.
func TestLookAheadOfAHeldRegularCard(t *testing.T) {
	t.Parallel()
	steps := func(s card.Situation) (texts []string) {
		for _, m := range card.LookAhead(s).Ahead {
			texts = append(texts, string(m.Who)+"："+m.Text)
		}
		return texts
	}
	sit := situation(card.Held, submitted.Add(time.Hour))
	sit.Edition = card.Regular
	require.Equal(t, []string{"省级管理员：核对姓名用字", "您本人：确认卡面，签发电子证", "制卡厂：制卡并送达甲网点", "您本人：带身份证到甲网点领取实体卡"}, steps(sit))
	require.Contains(t, card.LookAhead(sit).Lead, "请您确认一次卡面")

	sit.State, sit.ConfirmOnly = card.Mending, true
	require.Equal(t, "请确认卡面", card.LookAhead(sit).Headline)
	require.Equal(t, "您本人：确认卡面", steps(sit)[0])
	sit.ConfirmOnly = false
	require.Equal(t, "等您修改确认", card.LookAhead(sit).Headline)
	require.Equal(t, "等申请人修改确认", card.Mending.StaffText())
}

// A regular card was never reserved: nothing of it is given up.
func TestLapseOfARegularCard(t *testing.T) {
	t.Parallel()
	sit := situation(card.Ready, submitted.AddDate(0, 0, 40))
	sit.Edition = card.Regular
	require.Contains(t, card.LookAhead(sit).Lead, "卡片仍在甲网点")
	require.NotContains(t, card.LookAhead(sit).Lead, "预留")
	require.Equal(t, "逾期未领，卡片由网点保管", card.Lapse.TextOf(card.Regular))
	require.Equal(t, "逾期未领，预留取消", card.Lapse.TextOf(card.General))
}

func TestLookAhead(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 12, 23, 23, 59, 59, 0, clock.Shanghai)
	soon, later := 3*time.Second, 30*time.Second
	for name, c := range map[string]struct {
		state   card.State
		after   time.Duration
		tone    card.Tone
		lead    string
		next    card.Milestone
		recheck time.Duration
		may     string // w: withdraw, b: choose a branch, a: apply again
	}{
		"just accepted": {
			card.Accepted, time.Second, card.ToneWait, "一般几秒钟", card.Milestone{Text: "自动核对，签发电子证", Who: card.System}, soon, "w",
		},
		"accepted, the engine is away": {
			card.Accepted, time.Minute, card.ToneWait, "不用重复提交", card.Milestone{Text: "自动核对，签发电子证", Who: card.System}, soon, "w",
		},
		"accepted, the engine stays away": {
			card.Accepted, 3 * time.Minute, card.ToneWait, "不用重复提交", card.Milestone{Text: "自动核对，签发电子证", Who: card.System}, later, "w",
		},
		"held": {
			card.Held, time.Hour, card.ToneWait, "字库", card.Milestone{Text: "核对姓名用字，签发电子证", Who: card.Admin}, later, "w",
		},
		"ready": {
			card.Ready, time.Hour, card.ToneGood, "甲网点",
			card.Milestone{Text: "带身份证到甲网点领取实体卡", Who: card.Applicant, Until: until},
			later, "wb",
		},
		"ready, the time is just over": {
			card.Ready, until.Sub(submitted) + time.Minute, card.ToneWarn, "期限已过",
			card.Milestone{Text: "带身份证到甲网点领取实体卡", Who: card.Applicant},
			soon, "wb",
		},
		"ready, the time is over": {
			card.Ready, 40 * 24 * time.Hour, card.ToneWarn, "期限已过",
			card.Milestone{Text: "带身份证到甲网点领取实体卡", Who: card.Applicant},
			later, "wb",
		},
		"lapsed": {
			card.Lapsed, 40 * 24 * time.Hour, card.ToneWarn, "电子证不受影响",
			card.Milestone{Text: "重新选择领卡网点", Who: card.Applicant, Until: until.Add(180 * 24 * time.Hour)},
			later, "wb",
		},
		"collected, can be undone": {card.Collected, 65 * time.Minute, card.ToneGood, "已经由您本人领取", card.Milestone{}, later, ""},
		"collected":                {card.Collected, 2 * time.Hour, card.ToneGood, "已经由您本人领取", card.Milestone{}, 0, ""},
		"closed":                   {card.Closed, 2 * time.Hour, card.ToneOver, "电子证继续有效", card.Milestone{}, 0, ""},
		"withdrawn":                {card.Withdrawn, 2 * time.Hour, card.ToneOver, "注销", card.Milestone{}, 0, "a"},
		"refused":                  {card.Refused, 2 * time.Hour, card.ToneOver, "原因", card.Milestone{}, 0, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := card.LookAhead(situation(c.state, submitted.Add(c.after)))
			require.Equal(t, c.tone, o.Tone)
			if c.lead == "期限已过" {
				require.Equal(t, "领取期限已过", o.Headline)
			} else {
				require.Equal(t, c.state.Text(), o.Headline)
			}
			require.Contains(t, o.Lead, c.lead)
			require.Equal(t, c.recheck, o.Recheck)
			if c.next == (card.Milestone{}) {
				require.Empty(t, o.Ahead)
			} else {
				require.Equal(t, c.next.Text, o.Ahead[0].Text)
				require.Equal(t, c.next.Who, o.Ahead[0].Who)
				require.True(t, c.next.Until.Equal(o.Ahead[0].Until), o.Ahead[0].Until)
			}
			may := ""
			for letter, yes := range map[string]bool{"w": o.Withdraw, "b": o.ChooseBranch, "a": o.Reapply} {
				if yes {
					may += letter
				}
			}
			require.ElementsMatch(t, []byte(c.may), []byte(may))
		})
	}
}

// Whatever the state, the page has something to say, and what it offers is in the table of moves.
func TestLookAheadSaysSomethingOfEveryState(t *testing.T) {
	t.Parallel()
	for _, s := range card.States() {
		o := card.LookAhead(situation(s, submitted.Add(time.Hour)))
		require.NotEmpty(t, o.Headline, s)
		require.NotEmpty(t, o.Lead, s)
		require.NotEmpty(t, o.Tone, s)
		require.Equal(t, s.Live(), len(o.Ahead) > 0, "a live case has a next step, an ended one has none: %s", s)
		for _, m := range o.Ahead {
			require.NotEmpty(t, m.Text, s)
			require.NotEqual(t, card.Nobody, m.Who, s)
		}
		require.False(t, o.Reapply && s.Live(), s)
	}
	for _, m := range card.Moves() {
		require.NotEmpty(t, m.Action.Text(), m.Action)
	}
}
