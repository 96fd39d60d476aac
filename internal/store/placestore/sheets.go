package placestore

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"volcard/internal/fault"
	"volcard/internal/place"
	"volcard/internal/school"
	"volcard/internal/typed"
)

var (
	branchCode     = regexp.MustCompile(`^[0-9A-Z-]{3,20}$`)
	universityCode = regexp.MustCompile(`^[0-9A-Z]{3,20}$`)
	telephone      = regexp.MustCompile(`^[0-9][0-9 -]{4,28}[0-9]$`)
)

// The frame around Hubei, wide enough for every place in it. It catches swapped columns and
// positions of another datum's order of magnitude, not a branch across the border.
var frame = struct{ west, east, south, north float64 }{108.3, 116.2, 29.0, 33.3}

// columnHours is the column of a branch's opening hours.
const columnHours = "营业时间"

var branchSheet = sheet[Branch]{
	unique: []int{0},
	columns: []column[Branch]{
		{
			name: "网点编号",
			set: func(b *Branch, v string) string {
				b.Code = v
				return unless(branchCode.MatchString(v), "应为 3 至 20 位大写字母、数字或连字符。")
			},
			get: func(b Branch) string { return b.Code },
		},
		{
			name: "网点名称",
			set: func(b *Branch, v string) string {
				b.Name = v
				return checkText(v, 2, 60)
			},
			get: func(b Branch) string { return b.Name },
		},
		{
			name: "地址",
			set: func(b *Branch, v string) string {
				b.Address = v
				return checkText(v, 4, 100)
			},
			get: func(b Branch) string { return b.Address },
		},
		{
			name: "区划代码",
			set: func(b *Branch, v string) string {
				b.DivisionCode = v
				return unless(place.IsDistrict(v) && place.InHubei(v), "不是湖北省的县级区划代码。")
			},
			get: func(b Branch) string { return b.DivisionCode },
		},
		{
			name:     "电话",
			optional: true,
			set: func(b *Branch, v string) string {
				b.Phone = v
				return unless(telephone.MatchString(v), "应为数字、空格和连字符。")
			},
			get: func(b Branch) string { return b.Phone },
		},
		{
			name: "经度",
			set: func(b *Branch, v string) string {
				return parseDegree(v, frame.west, frame.east, &b.Position.Lng)
			},
			get: func(b Branch) string { return degreeText(b.Position.Lng) },
		},
		{
			name: "纬度",
			set: func(b *Branch, v string) string {
				return parseDegree(v, frame.south, frame.north, &b.Position.Lat)
			},
			get: func(b Branch) string { return degreeText(b.Position.Lat) },
		},
		{
			name: columnHours,
			set: func(b *Branch, v string) string {
				h, err := place.ParseWeekHours(v)
				if err != nil {
					return fault.Sentence(err)
				}
				b.Hours = h
				return ""
			},
			get: func(b Branch) string { return b.Hours.Text() },
		},
		{
			name:     "服务",
			optional: true,
			set:      func(b *Branch, v string) string { return parseWords(v, &b.Services) },
			get:      func(b Branch) string { return strings.Join(b.Services, "|") },
		},
		{
			name: "每日容量",
			set: func(b *Branch, v string) string {
				n, err := strconv.Atoi(v)
				b.Capacity = n
				return unless(err == nil && n >= 0 && n <= 10000, "应为 0 至 10000 的整数。")
			},
			get: func(b Branch) string { return strconv.Itoa(b.Capacity) },
		},
		{
			name: "演示",
			set: func(b *Branch, v string) string {
				b.Demo = v == "是"
				return unless(v == "是" || v == "否", "应为“是”或“否”。")
			},
			get: func(b Branch) string {
				if b.Demo {
					return "是"
				}
				return "否"
			},
		},
	},
}

var universitySheet = sheet[school.University]{
	unique: []int{0, 1},
	columns: []column[school.University]{
		{
			name: "代码",
			set: func(u *school.University, v string) string {
				u.Code = v
				return unless(universityCode.MatchString(v), "应为 3 至 20 位大写字母或数字。")
			},
			get: func(u school.University) string { return u.Code },
		},
		{
			name: "名称",
			set: func(u *school.University, v string) string {
				u.Name, u.Initials = v, school.Initials(v)
				return checkText(v, 2, 60)
			},
			get: func(u school.University) string { return u.Name },
		},
		{
			name:     "简称",
			optional: true,
			set:      func(u *school.University, v string) string { return parseWords(v, &u.ShortNames) },
			get:      func(u school.University) string { return strings.Join(u.ShortNames, "|") },
		},
		{
			name:     "曾用名",
			optional: true,
			set:      func(u *school.University, v string) string { return parseWords(v, &u.FormerNames) },
			get:      func(u school.University) string { return strings.Join(u.FormerNames, "|") },
		},
		{
			name: "城市代码",
			set: func(u *school.University, v string) string {
				u.CityCode = v
				city := slices.ContainsFunc(place.Children(place.HubeiCode), func(d place.Division) bool { return d.Code == v })
				return unless(city, "不是湖北省的市州代码。")
			},
			get: func(u school.University) string { return u.CityCode },
		},
		{
			name: "层次",
			set: func(u *school.University, v string) string {
				u.Level = v
				return unless(v == school.LevelBachelor || v == school.LevelCollege, "应为“本科”或“专科”。")
			},
			get: func(u school.University) string { return u.Level },
		},
	},
}

func unless(ok bool, msg string) string {
	if ok {
		return ""
	}
	return msg
}

func checkText(v string, least, most int) string {
	if n := utf8.RuneCountInString(v); n < least || n > most {
		return "应为 " + strconv.Itoa(least) + " 至 " + strconv.Itoa(most) + " 个字。"
	}
	if wrong := typed.RefuseText(v); wrong != "" {
		return "单元格" + wrong
	}
	return unless(strings.ContainsFunc(v, func(r rune) bool { return unicode.IsLetter(r) || typed.IsHan(r) }), "应含有文字。")
}

func parseDegree(v string, low, high float64, to *float64) string {
	d, err := strconv.ParseFloat(v, 64)
	if err != nil || strings.ContainsAny(v, "xXeEnN_") {
		return "应为小数形式的度数。"
	}
	if d < low || d > high {
		return "不在湖北省范围内（经纬度是否填反）。"
	}
	*to = d
	return ""
}

func degreeText(d float64) string { return strconv.FormatFloat(d, 'f', -1, 64) }

// parseWords reads words parted by | or 、, each once.
func parseWords(v string, to *[]string) string {
	var out []string
	for w := range strings.SplitSeq(strings.NewReplacer("、", "|", "｜", "|").Replace(v), "|") {
		w = strings.TrimSpace(w)
		if w == "" || slices.Contains(out, w) {
			continue
		}
		if n := utf8.RuneCountInString(w); n > 40 {
			return "每一项最多 40 个字。"
		}
		out = append(out, w)
	}
	if len(out) > 20 {
		return "最多 20 项。"
	}
	*to = out
	return ""
}
