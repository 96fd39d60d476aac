package school_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"volcard/internal/place"
	"volcard/internal/school"
)

func own(t testing.TB) []school.University {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(school.ListCSV)).ReadAll()
	require.NoError(t, err)
	list := make([]school.University, 0, len(rows))
	split := func(s string) []string {
		if s == "" {
			return nil
		}
		return strings.Split(s, "|")
	}
	for _, r := range rows[1:] {
		list = append(list, school.University{
			Code: r[0], Name: r[1], ShortNames: split(r[2]), FormerNames: split(r[3]),
			Initials: school.Initials(r[1]), CityCode: r[4], Level: r[5],
		})
	}
	return list
}

func names(list []school.University) []string {
	out := make([]string, 0, len(list))
	for _, u := range list {
		out = append(out, u.Name)
	}
	return out
}

func TestSearchFirst(t *testing.T) {
	t.Parallel()
	list := own(t)
	for key, want := range map[string]string{
		"武汉大学": "武汉大学", "武大": "武汉大学", " 武 大 ": "武汉大学", "whdx": "武汉大学", "WHDX": "武汉大学", "ｗｈｄｘ": "武汉大学",
		"华科": "华中科技大学", "华中科大": "华中科技大学", "华中理工大学": "华中科技大学", "同济医科": "华中科技大学", "hzkjdx": "华中科技大学",
		"华师": "华中师范大学", "地大": "中国地质大学（武汉）", "中国地质大学(武汉)": "中国地质大学（武汉）", "地质大学武汉": "中国地质大学（武汉）",
		"理工大": "武汉理工大学", "武汉理工": "武汉理工大学", "whlg": "武汉理工大学",
		"长江大学": "长江大学", "cjdx": "长江大学", "zjdx": "长江大学", // 长 has two readings
		"襄樊学院": "湖北文理学院", "咸宁学院": "湖北科技学院", "珞珈学院": "武汉晴川学院", "三峡大": "三峡大学",
		"恩施职": "恩施职业技术学院", "武职": "武汉职业技术大学", "铁路桥梁": "武汉铁路桥梁职业学院",
		"湖北生态职业": "湖北生态工程职业技术学院", // scattered
		"邮电":     "武汉工程大学邮电与信息工程学院",
		"武漢大學":   "武汉大学", "華中科技": "华中科技大学", "長江大學": "长江大学", "中國地質大學（武漢）": "中国地质大学（武汉）", "三峽": "三峡大学", "華師": "华中师范大学",
		"hzkj": "华中科技大学", "hzkjd": "华中科技大学", "hzsf": "华中师范大学",
	} {
		got := school.Search(list, key, 5)
		require.NotEmpty(t, got, key)
		require.Equal(t, want, got[0].Name, "%s: %v", key, names(got))
	}
}

func TestSearchOrderAndBounds(t *testing.T) {
	t.Parallel()
	list := own(t)
	got := school.Search(list, "湖北工业", 10)
	require.Equal(t, []string{"湖北工业大学", "湖北工业大学工程技术学院", "湖北工业职业技术学院", "湖北商贸学院"}, names(got),
		"prefix, 本科 first, shorter first; then former names")
	require.Len(t, school.Search(list, "武汉", 7), 7)
	for _, key := range []string{"", "  ", "（）", "北京大学", "清华", "xyzq", "%", "' OR 1=1", "\xff\xfe", "大学湖北"} {
		require.Empty(t, school.Search(list, key, 10), "%q", key)
	}
	require.Empty(t, school.Search(list, "武大", 0))
	require.Empty(t, school.Search(nil, "武大", 5))
	require.Empty(t, school.Search(list, strings.Repeat("武汉大学", 10000), 5))
}

// Typed in traditional characters a name finds what it finds in simplified ones.
func TestTraditionalFindsTheSame(t *testing.T) {
	t.Parallel()
	list := own(t)
	raw, err := os.ReadFile("TSCharacters.txt")
	require.NoError(t, err)
	forms := map[rune][]rune{} // by the simplified character
	for line := range strings.Lines(string(raw)) {
		if from, to, found := strings.Cut(strings.TrimSpace(line), "\t"); found && !strings.HasPrefix(line, "#") {
			forms[[]rune(to)[0]] = append(forms[[]rune(to)[0]], []rune(from)[0])
		}
	}
	require.Contains(t, forms['汉'], '漢')
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(list).Draw(t, "university").Name
		typed := []rune(name)
		for i, r := range typed {
			if len(forms[r]) > 0 {
				typed[i] = rapid.SampledFrom(forms[r]).Draw(t, "form")
			}
		}
		require.Equal(t, names(school.Search(list, name, 10)), names(school.Search(list, string(typed), 10)), string(typed))
	})
}

// Whose own name begins with the initials stands before whoever only had such a name.
func TestOwnInitialsBeforeFormerOnes(t *testing.T) {
	t.Parallel()
	list := own(t)
	for _, u := range list {
		for n := 3; n < len(u.Initials); n++ {
			key, former := u.Initials[:n], ""
			for _, found := range school.Search(list, key, len(list)) {
				begins := strings.HasPrefix(found.Initials, key)
				now := []school.University{{Name: found.Name}} // any reading of a character counts as its own
				for _, short := range found.ShortNames {
					now = append(now, school.University{Name: short})
				}
				if len(school.Search(now, key, 1)) == 0 {
					former = found.Name
				} else if begins {
					require.Empty(t, former, "%s: %s behind %s", key, found.Name, former)
				}
			}
		}
	}
}

func TestInitials(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"武汉大学": "whdx", "长江大学": "cjdx", "中国地质大学（武汉）": "zgdzdxwh", "恩施职业技术学院": "eszyjsxy",
		"ＡＢＣ大学2": "abcdx2", "": "", "·": "",
	} {
		require.Equal(t, want, school.Initials(name))
	}
}

// Whatever part of whatever name is typed, the university is among the answers.
func TestSearchFindsEveryPart(t *testing.T) {
	t.Parallel()
	list := own(t)
	rapid.Check(t, func(t *rapid.T) {
		u := rapid.SampledFrom(list).Draw(t, "university")
		all := append(append([]string{u.Name}, u.ShortNames...), u.FormerNames...)
		rs := []rune(rapid.SampledFrom(all).Draw(t, "name"))
		from := rapid.IntRange(0, len(rs)-1).Draw(t, "from")
		to := rapid.IntRange(from+1, len(rs)).Draw(t, "to")
		key := string(rs[from:to])
		if strings.Trim(key, "（）") == "" {
			return
		}
		require.Contains(t, names(school.Search(list, key, len(list))), u.Name)
		ini := school.Initials(u.Name)
		require.Contains(t, names(school.Search(list, ini, len(list))), u.Name)
	})
}

func TestOwnList(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, u := range own(t) {
		require.Regexp(t, `^HB[0-9]{3}$`, u.Code)
		require.False(t, seen[u.Code] || seen[u.Name], u.Name)
		seen[u.Code], seen[u.Name] = true, true
		require.True(t, place.InHubei(u.CityCode), u.Name)
		require.NotEmpty(t, place.Children(u.CityCode), "%s: %s is no city", u.Name, u.CityCode)
		require.Contains(t, []string{school.LevelBachelor, school.LevelCollege}, u.Level)
		require.NotEmpty(t, u.ShortNames, u.Name)
		require.NotContains(t, u.ShortNames, "")
		require.NotContains(t, u.FormerNames, u.Name)
	}
}

// The Ministry's list lies outside the project; where it is, ours is held against it.
func TestOwnListAgainstReference(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../../../shared/data/hubei_universities.csv")
	if err != nil {
		t.Skip("no reference list here")
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	ours := map[string]school.University{}
	for _, u := range own(t) {
		ours[u.Name] = u
	}
	covered := 0
	for _, r := range rows[1:] {
		u, ok := ours[r[2]]
		if !ok {
			t.Logf("not covered: %s", r[2])
			continue
		}
		covered++
		delete(ours, r[2])
		if u.CityCode != r[4] || u.Level != r[5] {
			t.Errorf("%s: have %s %s, want %s %s", u.Name, u.CityCode, u.Level, r[4], r[5])
		}
	}
	t.Logf("covered %d of %d", covered, len(rows)-1)
	require.GreaterOrEqual(t, covered, 130)
	require.Empty(t, ours, "names that the Ministry does not have")
}

func FuzzSearch(f *testing.F) {
	list := own(f)
	for _, s := range []string{"武大", "whdx", "（武汉）", "Ａ１", "\xff", "𠮷", "大学"} {
		f.Add(s, 5)
	}
	f.Fuzz(func(t *testing.T, key string, limit int) {
		require.LessOrEqual(t, len(school.Search(list, key, limit)), max(limit, 0))
	})
}

func BenchmarkSearchInitials(b *testing.B) {
	list := own(b)
	for b.Loop() {
		school.Search(list, "whlgdx", 10)
	}
}
