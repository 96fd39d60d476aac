package archtest_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/archtest"
	"volcard/internal/batch"
	"volcard/internal/card"
	"volcard/internal/school"
)

// house is the real one, two folders up.
func house(t *testing.T) *archtest.Tree {
	t.Helper()
	tree, err := archtest.Load(os.DirFS("../.."))
	require.NoError(t, err)
	require.NotEmpty(t, tree.Files)
	require.NotEmpty(t, tree.SQL)
	return tree
}

func none(t *testing.T, violations []archtest.Violation) {
	t.Helper()
	for _, v := range violations {
		t.Error(v)
	}
}

func TestImports(t *testing.T)    { t.Parallel(); none(t, house(t).Imports()) }
func TestDoors(t *testing.T)      { t.Parallel(); none(t, house(t).Doors()) }
func TestSizes(t *testing.T)      { t.Parallel(); none(t, house(t).Sizes()) }
func TestUses(t *testing.T)       { t.Parallel(); none(t, house(t).Uses()) }
func TestLeftovers(t *testing.T)  { t.Parallel(); none(t, house(t).Leftovers()) }
func TestMigrations(t *testing.T) { t.Parallel(); none(t, house(t).Migrations()) }

// Every closed list in the database is here, with the list of the code where there is one.
func TestCheckLists(t *testing.T) {
	t.Parallel()
	none(t, house(t).CompareLists(map[string][]string{
		"application.edition":    texts([]card.Edition{card.General, card.Regular}),
		"application.identity":   texts(card.Identities()),
		"application.state":      texts(card.States()),
		"card.edition":           texts([]card.Edition{card.General, card.Regular}),
		"card.status":            texts(card.Statuses()),
		"stock_card.state":       {"in_stock", "reserved", "handed_over", "spoiled"},
		"stock_entry.kind":       {"receive", "reserve", "release", "hand_over", "undo", "spoil"},
		"hand_over.collector":    {"self"},
		"audit_entry.actor_kind": {"person", "staff", "process", "operator"},
		"message.state":          {"pending", "sending", "sent", "unknown", "failed"},
		"staff.role":             {"clerk", "province_admin", "reviewer", "factory"},
		"photo.verdict":          {"clear", "doubtful"},
		"photo.decision":         {"approved", "refused"},
		"batch.state":            texts(batch.States()),
		"batch_card.state":       {"frozen", "rejected", "arrived"},
		"batch_file.kind":        {"print", "manifest"},
		"university.level":       {school.LevelBachelor, school.LevelCollege},
		"list_import.list":       {"branch", "university"},
	}))
}

func texts[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}
