package placestore_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/simplifiedchinese"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/store/placestore"
	"volcard/internal/store/storetest"
)

const (
	branchHead = "网点编号,网点名称,地址,区划代码,电话,经度,纬度,营业时间,服务,每日容量,演示\n"
	branchRow  = "A-001,甲网点,武汉市某路 1 号,420111,027-1234567,114.4,30.5,周一至周五 9:00–17:00,领卡,50,否\n"
	uniHead    = "代码,名称,简称,曾用名,城市代码,层次\n"
)

var operator = placestore.Importer{Actor: store.Actor{Kind: "operator", ID: "test"}}

func counts(s placestore.Summary) [4]int {
	return [4]int{s.Added, s.Changed, s.Closed, s.Unchanged}
}

func TestImportBranches(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db, s := seeded(t)
	before := byCode(t, s, "DEMO-0105")

	// The exported file is the list: importing it changes nothing, however often.
	file, err := s.Export(ctx, placestore.Branches)
	require.NoError(t, err)
	for range 2 {
		sum, err := placestore.Apply(ctx, db, placestore.Branches, file, operator, now)
		require.NoError(t, err)
		require.Equal(t, [4]int{0, 0, 0, 26}, counts(sum))
	}

	// One row changes, one is new, one is gone.
	text := strings.Replace(string(file), "光谷支行（演示）", "光谷广场（演示）", 1)
	lines := strings.SplitAfter(text, "\n")
	text = lines[0] + strings.Join(lines[2:], "") + branchRow
	dry, err := s.DryRun(ctx, placestore.Branches, []byte(text))
	require.NoError(t, err)
	require.Empty(t, dry.Errors)
	require.Equal(t, [4]int{1, 1, 1, 24}, counts(dry))
	require.Contains(t, dry.Changes, placestore.Change{Kind: placestore.Added, Code: "A-001", Name: "甲网点"})
	require.Contains(t, dry.Changes, placestore.Change{
		Kind: placestore.Changed, Code: "DEMO-0105", Name: "招商银行演示网点·光谷广场（演示）", Fields: []placestore.Field{{Name: "网点名称", Old: "招商银行演示网点·光谷支行（演示）", New: "招商银行演示网点·光谷广场（演示）"}},
	})
	require.True(t, byCode(t, s, "DEMO-0101").Open(), "a dry run changes nothing")

	sum, err := placestore.Apply(ctx, db, placestore.Branches, []byte(text), operator, now)
	require.NoError(t, err)
	require.Equal(t, dry, sum)
	after := byCode(t, s, "DEMO-0105")
	require.Equal(t, before.ID, after.ID, "a changed row stays the same branch")
	require.Equal(t, "招商银行演示网点·光谷广场（演示）", after.Name)
	require.False(t, byCode(t, s, "DEMO-0101").Open())

	// Listed again: the same row opens.
	sum, err = placestore.Apply(ctx, db, placestore.Branches, file, operator, now)
	require.NoError(t, err)
	require.Equal(t, [4]int{0, 2, 1, 24}, counts(sum))
	require.True(t, byCode(t, s, "DEMO-0101").Open())
	require.False(t, byCode(t, s, "A-001").Open())

	var added, changed, closed int
	require.NoError(t, db.QueryRow(ctx, `SELECT added, changed, closed FROM list_import ORDER BY id DESC LIMIT 1`).
		Scan(&added, &changed, &closed))
	require.Equal(t, []int{0, 2, 1}, []int{added, changed, closed})
}

// Spreadsheets where a comma is the decimal sign write semicolons, and what is pasted from a table has tabs.
func TestImportTakesOtherSeparators(t *testing.T) {
	t.Parallel()
	_, s := seeded(t)
	for _, list := range []placestore.List{placestore.Branches, placestore.Universities} {
		file, err := s.Export(t.Context(), list)
		require.NoError(t, err)
		for _, separator := range []string{";", "\t"} {
			sum, err := s.DryRun(t.Context(), list, []byte(strings.ReplaceAll(string(file), ",", separator)))
			require.NoError(t, err)
			require.Empty(t, sum.Errors)
			require.Zero(t, sum.Added+sum.Changed+sum.Closed, "%s %q", list, separator)
		}
	}
}

func TestImportCountsStranded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db, s := seeded(t)
	branch := byCode(t, s, "DEMO-0105")
	person := uuid.Must(uuid.NewV7())
	_, err := db.Exec(ctx, `INSERT INTO person (id, name, id_number, id_index, phone, phone_index, division_code, address,
		volunteer_no, password_hash, created_at, updated_at)
		VALUES ($1, '王𠮷', 'x', 'x', 'x', 'x', '420111', 'x', 'TEST000001', 'x', $2, $2)`, person, now)
	require.NoError(t, err)
	_, err = db.Exec(ctx, `INSERT INTO application (id, number, person_id, edition, state, identity, holder_name, unit_name,
		division_code, address, phone, branch_id, content_hash, idempotency_key, pickup_code, submitted_at)
		VALUES ($1, 'N1', $2, 'general', 'accepted', 'social', '王𠮷', '某单位', '420111', 'x', 'x', $3,
		        decode(repeat('00', 32), 'hex'), $1, '12345678', $4)`,
		uuid.Must(uuid.NewV7()), person, branch.ID, now)
	require.NoError(t, err)
	dry, err := s.DryRun(ctx, placestore.Branches, []byte(branchHead+branchRow))
	require.NoError(t, err)
	require.Equal(t, [4]int{1, 0, 26, 0}, counts(dry))
	require.Equal(t, 1, dry.Stranded)
}

func TestImportUniversities(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db, s := seeded(t)
	// The official list has other codes for the same names, and two names change places.
	first := uniHead + "10486,武汉大学,武大,,420100,本科\n10487,华中科技大学,,,420100,本科\n"
	sum, err := placestore.Apply(ctx, db, placestore.Universities, []byte(first), operator, now)
	require.NoError(t, err)
	require.Equal(t, [4]int{2, 0, 134, 0}, counts(sum))
	swapped := uniHead + "10486,华中科技大学,,,420100,本科\n10487,武汉大学,,,420100,本科\n"
	for _, want := range [][4]int{{0, 2, 0, 0}, {0, 0, 0, 2}} {
		sum, err = placestore.Apply(ctx, db, placestore.Universities, []byte(swapped), operator, now)
		require.NoError(t, err)
		require.Equal(t, want, counts(sum))
	}
	u, err := s.University(ctx, "10486")
	require.NoError(t, err)
	require.Equal(t, "华中科技大学", u.Name)
	require.Equal(t, "hzkjdx", u.Initials)
	_, err = s.University(ctx, "HB001")
	require.True(t, fault.Is(err, fault.NotFound))
}

// The Ministry's list lies outside the project; where it is, it is imported as an administrator would.
func TestImportReference(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../../../../shared/data/hubei_universities.csv")
	if err != nil {
		t.Skip("no reference list here")
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	var b strings.Builder
	b.WriteString(uniHead)
	for _, r := range rows[1:] {
		fmt.Fprintf(&b, "%s,%s,,,%s,%s\n", r[0], r[2], r[4], r[5])
	}
	db, s := seeded(t)
	sum, err := placestore.Apply(context.Background(), db, placestore.Universities, []byte(b.String()), operator, now)
	require.NoError(t, err)
	require.Equal(t, [4]int{134, 0, 134, 0}, counts(sum))
	u, err := s.University(context.Background(), "4142010486")
	require.NoError(t, err)
	require.Equal(t, "武汉大学", u.Name)
}

func TestImportRowErrors(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db := storetest.New(t)
	s := placestore.New(db)
	file := branchHead + branchRow + "\n" + // an empty line is no row, but it counts
		"a1,乙,x,420199,+86,114.4,30.5,周一,=1+1,-1,也许\n" +
		"A-001,丙网点,武汉市某路 3 号,420111,,30.5,114.4,周一 9:00-17:00,,5,否\n" +
		"A-004,丁网?点,武汉市某路 4 号,420111,,1e2,30.5,周一 9:00-17:00,,5,否\n" +
		"A-005,戊网点,武汉市\uFFFD路 5 号,420111,,NaN,30.5,周一 9:00-17:00,,5,否\n" +
		"A-006,己网点\n" +
		"A-007,  ,武汉市某路 7 号,420111,,114.4,30.5,周一 9:00-17:00,,2147483648,否\n" +
		"A-008,\"跨\n行\",武汉市某路 8 号,420111,,114.4,30.5,周一 9:00-17:00,,5,否\n" +
		"A-009,壬网点,武汉市某路 9 号,420111,,114.4,30.5,周一 9:00-17:00,@x,5,否\n"
	dry, err := s.DryRun(ctx, placestore.Branches, []byte(file))
	require.NoError(t, err)
	var got []string
	for _, e := range dry.Errors {
		require.NotEmpty(t, e.Msg)
		got = append(got, fmt.Sprintf("%d %s", e.Line, e.Column))
	}
	require.Equal(t, []string{
		"4 网点编号", "4 网点名称", "4 地址", "4 区划代码", "4 电话", "4 营业时间", "4 服务", "4 每日容量", "4 演示",
		"5 经度", "5 纬度", "5 网点编号",
		"6 网点名称", "6 经度",
		"7 地址", "7 经度",
		"8 ",
		"9 网点名称", "9 每日容量",
		"10 网点名称",
		"12 服务",
	}, got)
	sum, err := placestore.Apply(ctx, db, placestore.Branches, []byte(file), operator, now)
	require.True(t, fault.Is(err, fault.Invalid))
	require.Equal(t, dry.Errors, sum.Errors)
	list, err := s.Branches(ctx, placestore.BranchFilter{})
	require.NoError(t, err)
	require.Empty(t, list, "a file with faults is refused whole")
}

func TestImportFiles(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db := storetest.New(t)
	s := placestore.New(db)
	good := branchHead + branchRow
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(good)
	require.NoError(t, err)
	rare, err := simplifiedchinese.GB18030.NewEncoder().String(uniHead + "RARE1,𠮷䶮大学,,,420100,本科\n")
	require.NoError(t, err)
	rows := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "U%05d,第%d大学,,,420100,本科\n", i, i)
		}
		return b.String()
	}
	for _, c := range []struct {
		name string
		list placestore.List
		file string
		ok   bool
		rows int
	}{
		{"UTF-8", placestore.Branches, good, true, 1},
		{"UTF-8 with mark", placestore.Branches, "\uFEFF" + good, true, 1},
		{"CRLF", placestore.Branches, strings.ReplaceAll(good, "\n", "\r\n"), true, 1},
		{"GB18030", placestore.Branches, gb, true, 1},
		{"GB18030, four bytes", placestore.Universities, rare, true, 1},
		{"5,000 rows", placestore.Universities, uniHead + rows(5000), true, 5000},
		{"5,001 rows", placestore.Universities, uniHead + rows(5001), false, 0},
		{"too large", placestore.Branches, good + strings.Repeat(" ", placestore.MaxBytes), false, 0},
		{"empty", placestore.Branches, "", false, 0},
		{"header only", placestore.Branches, branchHead, false, 0},
		{"no header", placestore.Branches, branchRow, false, 0},
		{"another list's header", placestore.Branches, uniHead, false, 0},
		{"a column twice", placestore.Universities, "代码,代码,名称,简称,曾用名,城市代码\n1,1,1,1,1,1\n", false, 0},
		{"Excel", placestore.Branches, "PK\x03\x04" + good, false, 0},
		{"UTF-16", placestore.Branches, "\xff\xfe" + good, false, 0},
		{"no such list", "person", good, false, 0},
	} {
		sum, err := s.DryRun(ctx, c.list, []byte(c.file))
		if !c.ok {
			require.True(t, fault.Is(err, fault.Invalid), "%s: %v", c.name, err)
			require.NotEmpty(t, fault.Sentence(err))
			continue
		}
		require.NoError(t, err, c.name)
		require.Empty(t, sum.Errors, c.name)
		require.Equal(t, c.rows, sum.Added, c.name)
	}
	// A stray quote ends the reading with its line.
	sum, err := s.DryRun(ctx, placestore.Branches, []byte(good+"A-002,\"乙\"丙,x\n"))
	require.NoError(t, err)
	require.Len(t, sum.Errors, 1)
	require.Equal(t, 3, sum.Errors[0].Line)
	// Bytes that are neither encoding are found in the row, not guessed.
	sum, err = s.DryRun(ctx, placestore.Branches, []byte("\uFEFF"+strings.Replace(good, "甲", "\xff\xfe", 1)))
	require.NoError(t, err)
	require.Equal(t, "网点名称", sum.Errors[0].Column)
}

func TestImportAtOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db := storetest.New(t)
	s := placestore.New(db)
	errs := make(chan error, 6)
	for i := range cap(errs) {
		file := uniHead + "10486,武汉大学,武大,,420100,本科\n"
		if i%2 == 1 {
			file = uniHead + "10511,武汉大学,,,420100,本科\n"
		}
		go func() {
			_, err := placestore.Apply(ctx, db, placestore.Universities, []byte(file), operator, clock.NewFake(now).Now())
			errs <- err
		}()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	list, err := s.Universities(ctx)
	require.NoError(t, err)
	require.Len(t, list, 1, "one file won, whole")
}

func FuzzDryRun(f *testing.F) {
	for _, s := range []string{branchHead + branchRow, branchHead, uniHead + "\x00", "\uFEFF", "\"", branchHead + "  ,,,,,,,,,,\n"} {
		f.Add([]byte(s))
	}
	// Faulty files are told of before the database is asked: the nil Querier proves it.
	s := placestore.New(nil)
	f.Fuzz(func(t *testing.T, file []byte) {
		file = append(file, "\n=broken"...)
		sum, err := s.DryRun(context.Background(), placestore.Branches, file)
		if err == nil && len(sum.Errors) == 0 {
			t.Fatal("a faulty row went unnoticed")
		}
	})
}
