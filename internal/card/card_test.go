package card

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"volcard/internal/calendar"
	"volcard/internal/clock"
	"volcard/internal/place"
)

func TestMovesAreClosed(t *testing.T) {
	t.Parallel()
	for _, m := range Moves() {
		if m.From != "" {
			require.Contains(t, States(), m.From)
		}
		require.Contains(t, States(), m.To)
		to, ok := Next(m.From, m.Action)
		require.True(t, ok)
		require.Equal(t, m.To, to, "%s from %s leads to one state only", m.Action, m.From)
	}
	for _, s := range States() {
		require.NotEmpty(t, s.Text())
		if s.Live() && s != Producing {
			require.True(t, Allowed(General, s, Withdraw), "a live application (%s) can be withdrawn", s)
		}
	}
	_, ok := Next(Withdrawn, HandOver)
	require.False(t, ok)
	require.ElementsMatch(t, []State{Held, Reviewing, Mending, Waiting, Ready, Lapsed}, From(ChooseBranch))
	// What is made is made: neither branch nor withdrawal can be asked for between freeze and hand-over.
	for _, s := range []State{Producing, Ready} {
		require.False(t, Allowed(Regular, s, Withdraw), s)
		require.False(t, Allowed(Regular, s, ChooseBranch), s)
	}
	require.True(t, Allowed(Regular, Waiting, ChooseBranch))
	require.True(t, Allowed(Regular, Held, ChooseBranch))
	require.False(t, Allowed(General, Held, ChooseBranch), "its stock card is reserved")
	require.False(t, Allowed(General, Held, ChangeDesign))
	require.True(t, Allowed(Regular, Lapsed, ChooseBranch), "to wait again where it lies")
}

func TestCardNumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := CardNumber(rapid.IntRange(2026, 2099).Draw(t, "year"), rapid.Int64Range(1, 99_999_999).Draw(t, "n"))
		got, ok := ParseCardNumber(n[:4] + " " + n[4:8] + "-" + n[8:])
		if !ok || got != n {
			t.Fatalf("%s does not come back: %s %v", n, got, ok)
		}
		// MOD 97-10 finds every slip of one digit.
		at := rapid.IntRange(2, 13).Draw(t, "at")
		other := rapid.IntRange(1, 9).Draw(t, "by")
		b := []byte(n)
		b[at] = '0' + (b[at]-'0'+byte(other))%10
		if _, ok := ParseCardNumber(string(b)); ok {
			t.Fatalf("%s: a wrong digit at %d goes unseen", n, at)
		}
	})
}

func TestApplicationNumber(t *testing.T) {
	t.Parallel()
	// 00:30 in Shanghai is still the day before in UTC.
	n, err := ApplicationNumber(time.Date(2026, 11, 22, 16, 30, 0, 0, time.UTC), 0, bytes.NewReader(make([]byte, 8)))
	require.NoError(t, err)
	require.Equal(t, "HB2611230000000", n[:15])
	for _, typed := range []string{n, strings.ToLower(n), " " + n[:8] + " " + n[8:], "ＨＢ" + n[2:]} {
		got, ok := ParseApplicationNumber(typed)
		require.True(t, ok, typed)
		require.Equal(t, n, got)
	}
	for _, typed := range []string{"", "HB", n[:15], n + "0", "XX" + n[2:], n[:15] + fmt.Sprint((int(n[15]-'0')+1)%10)} {
		_, ok := ParseApplicationNumber(typed)
		require.False(t, ok, typed)
	}
	_, err = ApplicationNumber(time.Time{}, 0, bytes.NewReader(nil))
	require.Error(t, err)
}

func TestParseSerial(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"hb00000123":           "HB00000123",
		" HB-0000 0123\r\n":    "HB00000123",
		"HB00000123HB00000123": "HB00000123", // the scanner fired twice
		"ＨＢ００００００１":            "HB0000001",
	} {
		got, ok := ParseSerial(typed)
		require.True(t, ok, typed)
		require.Equal(t, want, got)
	}
	for _, typed := range []string{"", "HB1", "HB0000012?", strings.Repeat("A", 21), "卡00000123"} {
		_, ok := ParseSerial(typed)
		require.False(t, ok, typed)
	}
}

func TestSerialRange(t *testing.T) {
	t.Parallel()
	got, ok := SerialRange("HB000098", "HB000101", 1000)
	require.True(t, ok)
	require.Equal(t, []string{"HB000098", "HB000099", "HB000100", "HB000101"}, got)
	for _, c := range [][2]string{
		{"HB000101", "HB000098"}, {"HB000001", "HC000002"}, {"HB000001", "HB0000010"}, {"ABCDEFG", "ABCDEFG"}, {"HB000000", "HB001000"},
	} {
		_, ok := SerialRange(c[0], c[1], 1000)
		require.False(t, ok, "%v", c)
	}
}

func FuzzParseTyped(f *testing.F) {
	for _, s := range []string{"HB26112300000005", "42260000000197", "HB00000123", "１２３４５６７８", "", "\x00", "𠮷"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, ok := ParseSerial(s); ok {
			again, ok := ParseSerial(n)
			require.True(t, ok)
			require.LessOrEqual(t, len(again), len(n))
		}
		if n, ok := ParseCardNumber(s); ok {
			require.Len(t, n, 14)
		}
		if n, ok := ParseApplicationNumber(s); ok {
			require.Len(t, n, 16)
		}
		if n, ok := ParsePickupCode(s); ok {
			require.Len(t, n, 8)
		}
	})
}

func good() (Draft, Facts) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	d := Draft{
		Edition: General, Identity: Student, NoticeVersion: NoticeVersion, Phone: "13800000000",
		PhoneVerifiedAt: now.Add(-time.Hour), UniversityCode: "HB001", DivisionCode: "420106",
		Address: "八一路299号", BranchID: uuid.Must(uuid.NewV7()),
	}
	return d, Facts{
		Now: now, HolderName: "王𠮷", Age: 20, UniversityName: "武汉大学", DivisionKnown: true,
		BranchKnown: true, BranchOpen: true, BranchStock: true,
	}
}

// regular makes the good draft one of a regular card.
func regular(d *Draft, f *Facts) {
	d.Edition, d.PhotoID, d.Face = Regular, uuid.Must(uuid.NewV7()), "donghu"
	f.PhotoKnown, f.FaceOffered, f.DesignHash = true, true, [32]byte{1}
}

func TestCheckSubmission(t *testing.T) {
	t.Parallel()
	d, f := good()
	require.Empty(t, CheckSubmission(d, f))
	regular(&d, &f)
	f.BranchStock = false // of general cards
	require.Empty(t, CheckSubmission(d, f))

	cases := map[string]struct {
		change func(*Draft, *Facts)
		field  string
	}{
		"thirteen":               {func(_ *Draft, f *Facts) { f.Age = 13; f.HasGuardian = true }, FieldPerson},
		"minor without guardian": {func(_ *Draft, f *Facts) { f.Age = 17 }, FieldPerson},
		"blocked":                {func(_ *Draft, f *Facts) { f.Blocked = true }, FieldPerson},
		"live application":       {func(_ *Draft, f *Facts) { f.LiveApplication = "HB1" }, FieldPerson},
		"valid card":             {func(_ *Draft, f *Facts) { f.ValidCard = true }, FieldPerson},
		"consent":                {func(_ *Draft, f *Facts) { f.MissingConsents = []string{"招商银行"} }, FieldConsent},
		"no edition":             {func(d *Draft, _ *Facts) { d.Edition = "" }, FieldEdition},
		"regular without photo":  {func(d *Draft, f *Facts) { regular(d, f); d.PhotoID = uuid.Nil }, FieldPhoto},
		"photo gone or refused":  {func(d *Draft, f *Facts) { regular(d, f); f.PhotoKnown = false }, FieldPhoto},
		"regular without face":   {func(d *Draft, f *Facts) { regular(d, f); d.Face = "" }, FieldFace},
		"face withdrawn":         {func(d *Draft, f *Facts) { regular(d, f); f.FaceOffered = false }, FieldFace},
		"forged edition":         {func(d *Draft, _ *Facts) { d.Edition = "gold" }, FieldEdition},
		"no identity":            {func(d *Draft, _ *Facts) { d.Identity = ""; d.UnitName = "某某公司" }, FieldIdentity},
		"old notice":             {func(d *Draft, _ *Facts) { d.NoticeVersion = "2020-01" }, FieldNotice},
		"phone not verified":     {func(d *Draft, _ *Facts) { d.PhoneVerifiedAt = time.Time{} }, FieldPhone},
		"phone proof too old":    {func(d *Draft, f *Facts) { d.PhoneVerifiedAt = f.Now.Add(-25 * time.Hour) }, FieldPhone},
		"student without school": {func(d *Draft, _ *Facts) { d.UniversityCode = ""; d.UnitName = "清华大学" }, FieldUniversity},
		"school outside Hubei":   {func(_ *Draft, f *Facts) { f.UniversityName = "" }, FieldUniversity},
		"social without unit":    {func(d *Draft, _ *Facts) { d.Identity = Social; d.UnitName = " 社 " }, FieldUnit},
		"unit too long":          {func(d *Draft, _ *Facts) { d.Identity = Worker; d.UnitName = strings.Repeat("长", 61) }, FieldUnit},
		"division":               {func(_ *Draft, f *Facts) { f.DivisionKnown = false }, FieldDivision},
		"unit with an emoji":     {func(d *Draft, _ *Facts) { d.Identity = Worker; d.UnitName = "某某公司🏫" }, FieldUnit},
		"address with an emoji":  {func(d *Draft, _ *Facts) { d.Address = "珞喻路 😀 号" }, FieldAddress},
		"address":                {func(d *Draft, _ *Facts) { d.Address = " " }, FieldAddress},
		"address too long":       {func(d *Draft, _ *Facts) { d.Address = strings.Repeat("路", 101) }, FieldAddress},
		"no branch":              {func(d *Draft, _ *Facts) { d.BranchID = uuid.Nil }, FieldBranch},
		"branch closed":          {func(_ *Draft, f *Facts) { f.BranchOpen = false }, FieldBranch},
		"branch without stock":   {func(_ *Draft, f *Facts) { f.BranchStock = false }, FieldBranch},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, f := good()
			c.change(&d, &f)
			reasons := CheckSubmission(d, f)
			require.Len(t, reasons, 1)
			require.Equal(t, c.field, reasons[0].Field)
			require.NotEmpty(t, reasons[0].Text)
		})
	}
	require.Greater(t, len(CheckSubmission(Draft{}, Facts{})), 7, "every reason at once")
}

func TestContentHash(t *testing.T) {
	t.Parallel()
	d, f := good()
	want := ContentHash(d, f)
	require.Equal(t, want, ContentHash(d, f))
	for _, change := range []func(*Draft){
		func(d *Draft) { d.Address += "1" },
		func(d *Draft) { d.Phone = "13900000000" },
		func(d *Draft) { d.DivisionCode, d.Address = d.DivisionCode+d.Address[:3], d.Address[3:] },
		func(d *Draft) { d.BranchID = uuid.Must(uuid.NewV7()) },
	} {
		d, _ := good()
		change(&d)
		require.NotEqual(t, want, ContentHash(d, f))
	}
}

func TestContentHashOfARegularCard(t *testing.T) {
	t.Parallel()
	d, f := good()
	regular(&d, &f)
	want := ContentHash(d, f)
	for _, change := range []func(*Draft, *Facts){
		func(d *Draft, _ *Facts) { d.PhotoID = uuid.Must(uuid.NewV7()) },
		func(d *Draft, _ *Facts) { d.Face = "changjiang" },
		func(_ *Draft, f *Facts) { f.DesignHash[31]++ },
	} {
		d, f := d, f
		change(&d, &f)
		require.NotEqual(t, want, ContentHash(d, f))
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	terms := DefaultTerms()
	ready := time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC) // 09:00 in Shanghai
	branch := place.Opening{Calendar: calendar.New()}      // that names no hours
	until := terms.PickupUntil(ready, branch)
	require.Equal(t, "2026-12-23 23:59:59", until.In(clock.Shanghai).Format(time.DateTime))
	require.Len(t, terms.RemindersAfter(ready, until, branch), 3)

	terms.Pickup = 20 * 24 * time.Hour
	until = terms.PickupUntil(ready, branch)
	require.Equal(t, "2026-12-13", until.In(clock.Shanghai).Format(time.DateOnly))
	require.Len(t, terms.RemindersAfter(ready, until, branch), 1, "a reminder after the end makes no sense")

	require.Equal(t, "2031-11-22 23:59:59", terms.ExpiresAt(ready).In(clock.Shanghai).Format(time.DateTime))
}

// T71: the last day is one on which the branch is open, and so are the days of the reminders.
func TestWaitsEndOnOpenDays(t *testing.T) {
	t.Parallel()
	const weekdays, daily = "周一至周五 9:00–17:00", "每天 9:00–17:00"
	terms := DefaultTerms()
	for _, c := range []struct {
		hours, ready, until string
		reminders           []string
	}{
		{weekdays, "2026-11-23", "2026-12-23", []string{"11-30", "12-16", "12-21"}},
		{weekdays, "2026-11-26", "2026-12-28", []string{"12-03", "12-21", "12-24"}}, // 12-26 is a Saturday
		{daily, "2026-11-26", "2026-12-26", []string{"12-03", "12-19", "12-24"}},
		{weekdays, "2026-09-01", "2026-10-08", []string{"09-08", "09-24", "09-29"}}, // 10-01 to 10-07 are off
		{daily, "2026-09-04", "2026-10-08", []string{"09-11", "09-28", "09-30"}},    // the third, on 10-02, comes before the holidays
		{weekdays, "2026-09-10", "2026-10-10", []string{"09-17", "10-08"}},          // a Saturday that is worked; two reminders meet after the holidays
		{daily, "2026-09-08", "2026-10-08", []string{"09-15", "09-30"}},             // two meet before them
		{weekdays, "2026-12-03", "2027-01-04", []string{"12-10", "12-28", "12-31"}}, // by the rule for 2027
		{"周三 9:00–17:00", "2026-09-16", "2026-10-21", []string{"09-23", "10-14"}},
	} {
		hours, err := place.ParseWeekHours(c.hours)
		require.NoError(t, err)
		branch := place.Opening{Hours: hours, Calendar: calendar.New(calendar.BuiltIn()...)}
		day, err := calendar.ParseDate(c.ready)
		require.NoError(t, err)
		ready := calendar.EndOf(day).Add(-14 * time.Hour)
		until := terms.PickupUntil(ready, branch)
		require.Equal(t, c.until, calendar.DateOf(until).String(), "%s from %s", c.hours, c.ready)
		require.Equal(t, calendar.EndOf(calendar.DateOf(until)), until)
		var got []string
		for _, at := range terms.RemindersAfter(ready, until, branch) {
			got = append(got, at.In(clock.Shanghai).Format("01-02"))
		}
		require.Equal(t, c.reminders, got, "%s from %s", c.hours, c.ready)
	}

	// A demonstration's wait of minutes knows no days.
	terms.Pickup = 30 * time.Minute
	night := time.Date(2026, 10, 1, 3, 0, 0, 0, clock.Shanghai)
	closed := place.Opening{Hours: place.WeekHours{1: {{From: 540, To: 1020}}}, Calendar: calendar.New(calendar.BuiltIn()...)}
	until := terms.PickupUntil(night, closed)
	require.Equal(t, night.Add(terms.Pickup), until)
	_, moved := LastOpenDay(until, closed)
	require.False(t, moved)
}

func TestWaitsHold(t *testing.T) {
	t.Parallel()
	cal := calendar.New(calendar.BuiltIn()...)
	rapid.Check(t, func(t *rapid.T) {
		var hours place.WeekHours
		for _, day := range rapid.SliceOfDistinct(rapid.IntRange(0, 6), rapid.ID[int]).Draw(t, "open") {
			hours[day] = []place.Interval{{From: 540, To: 1020}}
		}
		branch, terms := place.Opening{Hours: hours, Calendar: cal}, DefaultTerms()
		ready := time.Date(2026, 1, 1, 0, 0, 0, 0, clock.Shanghai).Add(time.Duration(rapid.IntRange(0, 500*1440).Draw(t, "ready")) * time.Minute)
		until := terms.PickupUntil(ready, branch)
		plain, last := calendar.DateOf(ready.Add(terms.Pickup)), calendar.DateOf(until)
		require.False(t, last.Before(plain), "never earlier")
		again, moved := LastOpenDay(until, branch)
		require.False(t, moved)
		require.Equal(t, until, again)
		if hours.IsZero() {
			require.Equal(t, plain, last)
			return
		}
		require.True(t, branch.OpenOn(last))
		for d := plain; d.Before(last); d = d.Plus(1) {
			require.False(t, branch.OpenOn(d), "the next open day")
		}
		before := ready
		for _, at := range terms.RemindersAfter(ready, until, branch) {
			require.True(t, at.After(before), "in order, and no two on a day")
			require.True(t, at.Before(until))
			before = at
		}
	})
}

func TestPickupCode(t *testing.T) {
	t.Parallel()
	code, err := PickupCode(rand.Reader)
	require.NoError(t, err)
	got, ok := ParsePickupCode(code[:4] + " " + code[4:])
	require.True(t, ok)
	require.Equal(t, code, got)
}

// The numbers of a day on which the database was restored are in no case those of before.
func TestApplicationNumberAfterARestore(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 12, 1, 4, 0, 0, 0, time.UTC)
	block := func(restores int) (lowest, highest int) {
		lowest = 10_000_000
		for i := range 2000 {
			raw := [8]byte{7: byte(i), 6: byte(i >> 8), 4: byte(i * 7), 3: byte(i * 3)}
			n, err := ApplicationNumber(day, restores, bytes.NewReader(raw[:]))
			require.NoError(t, err)
			parsed, ok := ParseApplicationNumber(n)
			require.True(t, ok)
			digits, err := strconv.Atoi(parsed[8:15])
			require.NoError(t, err)
			lowest, highest = min(lowest, digits), max(highest, digits)
		}
		return lowest, highest
	}
	before := -1
	for restores := range 5 {
		lowest, highest := block(restores)
		require.Greater(t, lowest, before)
		before = highest
	}
	_, err := ApplicationNumber(day, 5, bytes.NewReader(make([]byte, 8)))
	require.Error(t, err)
}
