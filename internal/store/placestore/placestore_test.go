package placestore_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/calendar"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/place"
	"volcard/internal/school"
	"volcard/internal/store"
	"volcard/internal/store/placestore"
	"volcard/internal/store/storetest"
)

var now = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

func seeded(t *testing.T) (*store.DB, placestore.Store) {
	t.Helper()
	db := storetest.New(t)
	require.NoError(t, placestore.Seed(context.Background(), db, clock.NewFake(now)))
	return db, placestore.New(db)
}

// stock lays one free general card at a branch.
func stock(t *testing.T, db *store.DB, branch uuid.UUID, serial string) {
	t.Helper()
	_, err := db.Exec(context.Background(),
		`INSERT INTO stock_card (serial, branch_id, state) VALUES ($1, $2, 'in_stock')`, serial, branch)
	require.NoError(t, err)
}

func byCode(t *testing.T, s placestore.Store, code string) placestore.Branch {
	t.Helper()
	b, err := s.BranchByCode(context.Background(), code)
	require.NoError(t, err)
	return b
}

func branchCodes(list []placestore.Branch) []string {
	out := []string{}
	for _, b := range list {
		out = append(out, b.Code)
	}
	return out
}

func TestSeed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db, s := seeded(t)
	list, err := s.Branches(ctx, placestore.BranchFilter{})
	require.NoError(t, err)
	require.Len(t, list, 26)
	cities := map[string]bool{}
	for _, b := range list {
		require.True(t, b.Demo)
		require.Contains(t, b.Name, "（演示）")
		require.Contains(t, b.Address, "虚构地址")
		require.False(t, b.Hours.IsZero())
		require.False(t, b.HasStock)
		require.NotEmpty(t, b.Services)
		_, city, _, ok := place.Path(b.DivisionCode)
		require.True(t, ok)
		cities[city] = true
	}
	require.Len(t, cities, 17, "every 市州 has one")
	unis, err := s.Universities(ctx)
	require.NoError(t, err)
	require.Len(t, unis, 134)
	require.Equal(t, "武汉大学", school.Search(unis, "武大", 3)[0].Name)

	var imports, audits int
	require.NoError(t, placestore.Seed(ctx, db, clock.NewFake(now)))
	require.NoError(t, db.QueryRow(ctx, `SELECT count(*) FROM list_import`).Scan(&imports))
	require.NoError(t, db.QueryRow(ctx, `SELECT count(*) FROM audit_entry WHERE subject_kind = 'list'`).Scan(&audits))
	require.Equal(t, 2, imports, "a second seed leaves what is there")
	require.Equal(t, 2, audits)
}

func TestSeedAtOnce(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() { errs <- placestore.Seed(context.Background(), db, clock.NewFake(now)) }()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	var n int
	require.NoError(t, db.QueryRow(context.Background(), `SELECT count(*) FROM list_import`).Scan(&n))
	require.Equal(t, 2, n)
}

func TestBranchesByDivision(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db, s := seeded(t)
	optics := byCode(t, s, "DEMO-0105")
	stock(t, db, optics.ID, "G00000001")
	_, err := db.Exec(ctx, `UPDATE branch SET closed_at = $1 WHERE code = 'DEMO-0106'`, now)
	require.NoError(t, err)

	for _, c := range []struct {
		name   string
		filter placestore.BranchFilter
		want   []string
	}{
		{"district", placestore.BranchFilter{Division: "420111"}, []string{"DEMO-0105"}},
		{"city", placestore.BranchFilter{Division: "420500"}, []string{"DEMO-0501", "DEMO-0502"}},
		{"city without districts", placestore.BranchFilter{Division: "429004"}, []string{"DEMO-9004"}},
		{"page", placestore.BranchFilter{Division: "420100", MaxBranches: 2, AfterCode: "DEMO-0102"}, []string{"DEMO-0103", "DEMO-0104"}},
		{"elsewhere", placestore.BranchFilter{Division: "430102"}, []string{}},
		{"no division", placestore.BranchFilter{Division: "420199"}, []string{}},
		{"not a code", placestore.BranchFilter{Division: "'; --"}, []string{}},
	} {
		list, err := s.Branches(ctx, c.filter)
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, branchCodes(list), c.name)
	}
	all, err := s.Branches(ctx, placestore.BranchFilter{MaxBranches: 100000})
	require.NoError(t, err)
	require.Len(t, all, 25)

	require.True(t, byCode(t, s, "DEMO-0105").HasStock)
	require.False(t, byCode(t, s, "DEMO-0106").Open())
	_, err = db.Exec(ctx, `UPDATE stock_card SET state = 'spoiled'`)
	require.NoError(t, err)
	got, err := s.Branch(ctx, optics.ID)
	require.NoError(t, err)
	require.False(t, got.HasStock, "a spoiled card is no stock")
	opening := place.Opening{Hours: got.Hours, Calendar: calendar.New(calendar.BuiltIn()...)}
	require.True(t, opening.OpenAt(now), "Monday, ten in Shanghai")

	_, err = s.Branch(ctx, uuid.Must(uuid.NewV7()))
	require.True(t, fault.Is(err, fault.NotFound))
	_, err = s.BranchByCode(ctx, "DEMO-0000")
	require.True(t, fault.Is(err, fault.NotFound))
}

func TestNearest(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db, s := seeded(t)
	here := place.WGS84ToGCJ02(114.3985, 30.5045) // beside Optics Valley Square
	near, err := s.Nearest(ctx, here, 3, false)
	require.NoError(t, err)
	require.Equal(t, "DEMO-0105", near[0].Code)
	require.Less(t, near[0].Distance, 1000.0)
	require.Len(t, near, 3)
	require.LessOrEqual(t, near[0].Distance, near[1].Distance)
	require.LessOrEqual(t, near[1].Distance, near[2].Distance)
	require.InDelta(t, place.Distance(here, near[2].Position), near[2].Distance, 1e-6)

	stock(t, db, byCode(t, s, "DEMO-9021").ID, "G00000001")
	near, err = s.Nearest(ctx, here, 3, true)
	require.NoError(t, err)
	require.Len(t, near, 1)
	require.Equal(t, "DEMO-9021", near[0].Code)

	_, err = db.Exec(ctx, `UPDATE branch SET closed_at = $1 WHERE code = 'DEMO-0105'`, now)
	require.NoError(t, err)
	near, err = s.Nearest(ctx, here, 1000, false)
	require.NoError(t, err)
	require.Len(t, near, placestore.NearestMax)
	require.NotEqual(t, "DEMO-0105", near[0].Code)

	for _, p := range []place.Point{{Lng: 181}, {Lat: 91}, {Lng: math.NaN()}, {Lat: math.Inf(1)}} {
		_, err = s.Nearest(ctx, p, 3, false)
		require.True(t, fault.Is(err, fault.Invalid))
	}
}

func TestUniversity(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db, s := seeded(t)
	u, err := s.University(ctx, "HB005")
	require.NoError(t, err)
	require.Equal(t, "中国地质大学（武汉）", u.Name)
	require.Equal(t, "zgdzdxwh", u.Initials)
	_, err = db.Exec(ctx, `UPDATE university SET closed_at = $1 WHERE code = 'HB005'`, now)
	require.NoError(t, err)
	for _, code := range []string{"HB005", "10001", "", "北京大学"} {
		_, err = s.University(ctx, code)
		require.True(t, fault.Is(err, fault.NotFound), code)
	}
	list, err := s.Universities(ctx)
	require.NoError(t, err)
	require.Len(t, list, 133)
}
