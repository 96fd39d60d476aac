package consent_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/card"
	"volcard/internal/consent"
)

func TestCatalogueIsComplete(t *testing.T) {
	t.Parallel()
	seen := map[consent.Purpose]bool{}
	for _, i := range consent.All() {
		require.False(t, seen[i.Purpose], "%s twice", i.Purpose)
		seen[i.Purpose] = true
		for _, text := range []string{i.Version, i.Title, i.Recipient, i.Text, i.Withdrawn} {
			require.NotEmpty(t, text, i.Purpose)
		}
		got, ok := consent.Lookup(i.Purpose)
		require.True(t, ok)
		require.Equal(t, i, got)
	}
	_, ok := consent.Lookup("everything")
	require.False(t, ok)
}

func TestRegistrationAsksTheLeast(t *testing.T) {
	t.Parallel()
	need := []consent.Purpose{consent.Terms, consent.Privacy, consent.Sensitive}
	require.Empty(t, consent.MissingForRegistration(need, false))
	require.Equal(t, []string{"监护人同意"}, consent.MissingForRegistration(need, true))
	require.Len(t, consent.MissingForRegistration(nil, true), 4)
}

func TestCardNeedsEachPartyApart(t *testing.T) {
	t.Parallel()
	var given []string
	for _, i := range consent.All() {
		if i.Register || i.Card {
			given = append(given, i.Key())
		}
	}
	require.Empty(t, consent.MissingForCard(given, card.General))
	bank, _ := consent.Lookup(consent.Bank)
	without := slices.DeleteFunc(slices.Clone(given), func(k string) bool { return k == bank.Key() })
	require.Equal(t, []string{bank.Title}, consent.MissingForCard(without, card.General))
	require.Equal(t, []string{bank.Title}, consent.MissingForCard(append(without, "bank@2026-11"), card.General), "an older text does not count")

	platform, _ := consent.Lookup(consent.Platform)
	require.NotContains(t, given, platform.Key(), "what the card does not need is not asked for as a condition")
}

// A photo is sensitive, and a manufacturer receives it (PIPL 23, 29): only a regular card has one.
func TestRegularCardNeedsPhotoAndFactory(t *testing.T) {
	t.Parallel()
	purposes := func(items []consent.Item) []consent.Purpose {
		var list []consent.Purpose
		for _, i := range items {
			list = append(list, i.Purpose)
		}
		return list
	}
	general := []consent.Purpose{consent.Sensitive, consent.Association, consent.Bank, consent.Platform}
	require.Equal(t, general, purposes(consent.ForCard(card.General)))
	require.Equal(t, general, purposes(consent.ForCard("")), "no edition is chosen yet")
	require.Equal(t, []consent.Purpose{consent.Sensitive, consent.Photo, consent.Association, consent.Bank, consent.Factory, consent.Platform},
		purposes(consent.ForCard(card.Regular)))

	var given []string
	for _, i := range consent.All() {
		if i.Needs(card.General) {
			given = append(given, i.Key())
		}
	}
	photo, _ := consent.Lookup(consent.Photo)
	factory, _ := consent.Lookup(consent.Factory)
	require.Equal(t, []string{photo.Title, factory.Title}, consent.MissingForCard(given, card.Regular))
	require.Empty(t, consent.MissingForCard(append(given, photo.Key(), factory.Key()), card.Regular))
}
