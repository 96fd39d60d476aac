package cardstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/storetest/stage"
)

func TestStandingOfACard(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := t.Context()
	a := s.Ready()
	number := s.CardNumber(a)
	standings := cardstore.Standings{Store: s.Process.Store}
	operator := store.Actor{Kind: "operator", ID: "test"}
	set := func(become card.Status) error { return standings.Set(ctx, operator, number, become, "lost") }
	chain := func() []string {
		return s.Texts(`SELECT concat_ws(' ', action, actor_kind, from_state, to_state, detail ->> 'reason') FROM audit_entry
			WHERE subject_kind = 'card' ORDER BY seq`)
	}
	require.NoError(t, set(card.Valid), "it is so already")
	for range 2 {
		require.NoError(t, set(card.Suspended))
	}
	st, err := standings.Look(ctx, number)
	require.NoError(t, err)
	require.Equal(t, card.Suspended, st.Status)

	// A suspended card is not handed over, an open case keeps its card.
	_, err = s.Process.HandOver(ctx, s.HandOver(a))
	require.True(t, fault.Is(err, fault.Conflict))
	require.Equal(t, card.Ready, s.State(a))
	require.True(t, fault.Is(set(card.Cancelled), fault.Conflict))
	require.NoError(t, set(card.Valid))
	_, err = s.Process.HandOver(ctx, s.HandOver(a))
	require.NoError(t, err)

	require.NoError(t, set(card.Suspended))
	require.NoError(t, set(card.Cancelled))
	require.True(t, fault.Is(set(card.Valid), fault.Conflict), "what was cancelled stays so")
	require.True(t, fault.Is(standings.Set(ctx, operator, "42000000000000", card.Suspended, "lost"), fault.NotFound))
	require.Equal(t, []string{
		"suspend operator valid suspended lost", "resume operator suspended valid lost",
		"suspend operator valid suspended lost", "cancel operator suspended cancelled lost",
	}, chain()[1:])
}

// Whoever withdraws with a suspended card leaves a chain that says what the card was.
func TestWithdrawalOfASuspendedCard(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	a := s.Waiting(s.Branch)
	require.NoError(t, cardstore.Standings{Store: s.Process.Store}.Set(t.Context(), store.Process("test"), s.CardNumber(a), card.Suspended, "lost"))
	_, err := s.Process.Withdraw(t.Context(), a.ID, a.Person)
	require.NoError(t, err)
	require.Equal(t, []string{"valid", "suspended", "suspended", "cancelled"}, s.Texts(`
		SELECT unnest(array_remove(array[from_state, to_state], NULL)) FROM audit_entry WHERE subject_kind = 'card' AND seq > 1 ORDER BY seq`))
}
