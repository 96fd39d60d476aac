package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
	"volcard/internal/store"
	"volcard/internal/store/placestore"
	"volcard/internal/store/storetest"
)

// A new installation has universities to choose from; what an administrator has imported stays.
func TestMigrateBringsUniversities(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, owner := storetest.NewWithURL(t)
	list := func() (names []string) {
		all, err := placestore.New(db).Universities(ctx)
		require.NoError(t, err)
		for _, u := range all {
			names = append(names, u.Name)
		}
		return names
	}
	require.Empty(t, list())
	for range 2 {
		require.NoError(t, migrate(ctx, owner))
		require.Contains(t, list(), "武汉大学")
		var imports int
		require.NoError(t, db.QueryRow(ctx, "SELECT count(*) FROM list_import").Scan(&imports))
		require.Equal(t, 1, imports)
	}
	file := "代码,名称,简称,曾用名,城市代码,层次\nHB900,测试大学,,,420100,本科\n"
	_, err := placestore.Apply(ctx, db, placestore.Universities, []byte(file),
		placestore.Importer{Actor: store.Actor{Kind: "operator", ID: "test"}}, clock.System{}.Now())
	require.NoError(t, err)
	require.NoError(t, migrate(ctx, owner))
	require.Equal(t, []string{"测试大学"}, list())
}
