package card_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/card"
)

// contradictions are sentences of which a page may say one and not the other.
var contradictions = [][2]string{
	{"可以领卡", "不能为您发卡"},
	{"可以领卡", "不能发卡"},
	{"可以领卡", "暂停"},
	{"可以领卡", "注销"},
	{"可以领卡", "换发"},
	{"可以领卡", "期限已过"},
	{"电子证有效", "暂停"},
	{"电子证已经生效", "暂停"},
	{"电子证继续有效", "暂停"},
	{"电子证不受影响", "暂停"},
	{"电子证照常有效", "暂停"},
	{"电子证有效", "不再有效"},
	{"电子证已经生效", "不再有效"},
	{"电子证继续有效", "不再有效"},
	{"电子证不受影响", "不再有效"},
	{"预计", "没有在承诺的日期送达。电子证照常"},
	{"几秒钟", "人工"},
}

// Over every combination of what a headline depends on, the outlook says one thing.
func TestTheOutlookDoesNotContradictItself(t *testing.T) {
	t.Parallel()
	promised := submitted.AddDate(0, 0, 21)
	for _, edition := range []card.Edition{card.General, card.Regular} {
		for _, state := range card.States() {
			for _, status := range append(card.Statuses(), "") {
				for bits := range 16 {
					missing, overdue, afterPromise, afterPickup := bits&1 > 0, bits&2 > 0, bits&4 > 0, bits&8 > 0
					now := submitted.Add(time.Minute)
					s := situation(state, now)
					s.Edition, s.CardStatus, s.Overdue = edition, status, overdue && edition == card.Regular
					if edition == card.Regular && state != card.Mending {
						s.PromisedUntil = promised
					}
					if missing {
						s.Missing = []string{"向领卡银行提供信息"}
					}
					if afterPromise {
						s.Now = promised.Add(time.Hour)
					}
					if afterPickup && !s.PickupUntil.IsZero() {
						s.Now = s.PickupUntil.Add(time.Hour)
					}
					checkOutlook(t, s, fmt.Sprintf("%s %s %q missing %t overdue %t now %s", edition, state, status, missing, overdue, s.Now))
				}
			}
		}
	}
}

func checkOutlook(t *testing.T, s card.Situation, name string) {
	t.Helper()
	o := card.LookAhead(s)
	said := o.Headline + "。" + o.Lead
	for _, m := range o.Ahead {
		require.False(t, !m.Until.IsZero() && m.Until.Before(s.Now), "%s: a deadline that is over", name)
		said += m.Text + "。"
	}
	for _, pair := range contradictions {
		require.False(t, strings.Contains(said, pair[0]) && strings.Contains(said, pair[1]), "%s: %s", name, said)
	}
	inForce := s.CardStatus == card.Valid || s.CardStatus == ""
	open := s.PickupUntil.IsZero() || !s.Now.After(s.PickupUntil)
	collect := s.State == card.Ready && inForce && len(s.Missing) == 0 && open
	require.Equal(t, collect, o.Collect, name)
	require.Equal(t, collect, o.Headline == "可以领卡", name)
	over := s.State == card.Withdrawn || s.State == card.Refused
	if !inForce && !over {
		require.NotEqual(t, card.ToneGood, o.Tone, name)
		require.NotEqual(t, s.State.Text(), o.Headline, name)
		require.False(t, o.ChooseBranch, name)
	}
	if o.Late && inForce && s.State != card.Mending {
		require.Equal(t, card.ToneWarn, o.Tone, name)
		require.NotContains(t, said, "一般", name)
	}
	require.NotEmpty(t, o.Headline, name)
	require.NotEmpty(t, o.Lead, name)
	require.NotEmpty(t, o.Tone, name)
}

func TestTheGravestHindranceDecides(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state         card.State
		status        card.Status
		missing, late bool
		want          card.Hindrance
	}{
		{card.Ready, card.Valid, false, false, card.Unhindered},
		{card.Ready, card.Valid, true, false, card.ConsentMissing},
		{card.Ready, card.Suspended, true, false, card.CardSuspended},
		{card.Ready, card.Cancelled, true, false, card.CardCancelled},
		{card.Collected, card.Replaced, false, false, card.CardReplaced},
		{card.Producing, card.Valid, false, true, card.PromiseBroken},
		{card.Producing, card.Suspended, false, true, card.CardSuspended},
		{card.Mending, "", false, true, card.Unhindered},
		{card.Withdrawn, card.Cancelled, true, true, card.Unhindered},
	} {
		require.Equal(t, c.want, card.HindranceOf(c.state, c.status, c.missing, c.late), "%+v", c)
	}
}
