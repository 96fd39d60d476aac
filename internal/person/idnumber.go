package person

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/typed"
)

// IDNumber is a citizen's identity number of 18 characters (GB 11643), the number of a residence
// permit for people from Hong Kong, Macao and Taiwan (81, 82, 83), or of a foreigner's
// permanent residence card of 2023 (leading 9). The zero value stands for "none".
type IDNumber struct{ s string }

// provinces are the first two digits that GB/T 2260 has; 83 is used by residence permits only.
var provinces = map[string]string{
	"11": "北京市", "12": "天津市", "13": "河北省", "14": "山西省", "15": "内蒙古自治区",
	"21": "辽宁省", "22": "吉林省", "23": "黑龙江省",
	"31": "上海市", "32": "江苏省", "33": "浙江省", "34": "安徽省", "35": "福建省", "36": "江西省", "37": "山东省",
	"41": "河南省", "42": "湖北省", "43": "湖南省", "44": "广东省", "45": "广西壮族自治区", "46": "海南省",
	"50": "重庆市", "51": "四川省", "52": "贵州省", "53": "云南省", "54": "西藏自治区",
	"61": "陕西省", "62": "甘肃省", "63": "青海省", "64": "宁夏回族自治区", "65": "新疆维吾尔自治区",
	"71": "台湾省", "81": "香港特别行政区", "82": "澳门特别行政区", "83": "台湾省",
}

// earlierResidence is the number on foreigners' permanent residence cards from before December 2023.
var earlierResidence = regexp.MustCompile(`^[A-Z]{3}[0-9]{12}$`)

// ParseIDNumber reads a number as a person types it. An unknown county is no error: people keep
// the code of the year in which the number was given. Numbers of 15 digits are refused: a person
// has an 18-digit card, and an upgraded guess is not what stands on it.
func ParseIDNumber(in string) (IDNumber, error) {
	s := typed.Upper(typed.Compact(in))
	if s == "" {
		return IDNumber{}, invalid("请填写身份证号码。")
	}
	if earlierResidence.MatchString(s) {
		return IDNumber{}, invalid("这是旧版外国人永久居留身份证的号码（3 个字母和 12 位数字）。请填写 2023 年起换发的新版证件上的 18 位号码，以 9 开头。")
	}
	for _, r := range s {
		if r != 'X' && (r < '0' || r > '9') {
			return IDNumber{}, invalid("身份证号码只能由数字组成，最后一位可以是字母 X。")
		}
	}
	if len(s) == 15 && !strings.Contains(s, "X") {
		return IDNumber{}, invalid("这是 15 位的旧号码，请填写身份证上的 18 位号码。")
	}
	if len(s) != 18 {
		return IDNumber{}, fault.Newf(fault.Invalid, "身份证号码应为 18 位，现在是 %d 位。", len(s))
	}
	if strings.Contains(s[:17], "X") {
		return IDNumber{}, invalid("字母 X 只能出现在身份证号码的最后一位。")
	}
	id := IDNumber{s}
	if id.Province() == "" {
		return IDNumber{}, invalid("身份证号码的省级代码不存在，请核对开头几位。")
	}
	if _, ok := birthDate(s); !ok {
		return IDNumber{}, invalid("身份证号码中的出生日期不存在，请核对第 7 至 14 位。")
	}
	if checkDigit(s[:17]) != s[17] {
		return IDNumber{}, invalid("身份证号码的校验位不对，请逐位核对。")
	}
	return id, nil
}

// ParseImportedIDNumber is ParseIDNumber for lists: it upgrades a number of 15 digits (people born
// before 2000 only), and names the spreadsheet's fault where a numeric cell has eaten digits.
func ParseImportedIDNumber(in string) (IDNumber, error) {
	s := typed.Compact(in)
	if strings.ContainsAny(s, "eE.") {
		return IDNumber{}, invalid("单元格是数字格式，号码已经丢失位数：请把该列设为文本格式后重新填写。")
	}
	if len(s) == 15 && strings.Trim(s, "0123456789") == "" {
		s = s[:6] + "19" + s[6:]
		s += string(checkDigit(s))
	}
	return ParseIDNumber(s)
}

func birthDate(s string) (time.Time, bool) {
	// Nobody alive was born before 1900, and the year of a date to come is the age rule's matter.
	if s[6:10] < "1900" || s[6:10] > "2099" {
		return time.Time{}, false
	}
	t, err := time.ParseInLocation("20060102", s[6:14], clock.Shanghai)
	return t, err == nil
}

// checkDigit is ISO 7064 MOD 11-2 as GB 11643 writes it out.
func checkDigit(s17 string) byte {
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(s17[i]-'0') * w
	}
	return "10X98765432"[sum%11]
}

// String is the full number. It belongs into sealed columns and blind indexes only.
func (id IDNumber) String() string { return id.s }

// LogValue keeps the number out of the log.
func (id IDNumber) LogValue() slog.Value { return slog.StringValue(id.Masked()) }

// Format makes every verb, and so every template, print the masked form: only an explicit
// String() tells the number.
func (id IDNumber) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(id.Masked())) }

// IsZero tells whether there is no number.
func (id IDNumber) IsZero() bool { return id.s == "" }

// Masked shows the first and the last character. The last four are what the counter and the
// public status page ask for as proof, so no page may show them.
func (id IDNumber) Masked() string {
	if id.s == "" {
		return ""
	}
	return id.s[:1] + strings.Repeat("*", 16) + id.s[17:]
}

// Last4 is what a clerk compares with the card on the counter.
func (id IDNumber) Last4() string {
	if id.s == "" {
		return ""
	}
	return id.s[14:]
}

// ParseLast4 reads the last four characters of an ID number as a counter or the status page asks for them: three
// digits, and a digit or X. ok is false where the text is no such thing.
func ParseLast4(in string) (last4 string, ok bool) {
	s := typed.Upper(typed.Compact(in))
	if len(s) != 4 || !typed.Digits(s[:3], 3) || (s[3] != 'X' && !typed.Digits(s[3:], 1)) {
		return "", false
	}
	return s, true
}

// BirthDate is midnight in Shanghai of the day of birth.
func (id IDNumber) BirthDate() time.Time {
	if id.s == "" {
		return time.Time{}
	}
	t, _ := birthDate(id.s)
	return t
}

// Age is 周岁 on the day of `on` in Shanghai. It counts from the day after the birthday
// (最高人民法院 on 刑法 17, and the way 民法典 200–203 count periods); who was born on
// 29 February is a year older on 1 March. A birth date to come gives a negative age.
func (id IDNumber) Age(on time.Time) int {
	born := id.BirthDate()
	y, m, d := on.In(clock.Shanghai).Date()
	age := y - born.Year()
	if m < born.Month() || (m == born.Month() && d <= born.Day()) {
		age--
	}
	return age
}

// CheckBorn returns why nobody has this number yet: its birth date lies after the day of `on` in Shanghai. "" means
// that somebody may.
func (id IDNumber) CheckBorn(on time.Time) string {
	if id.IsZero() || !id.BirthDate().After(on) {
		return ""
	}
	return "身份证号码中的出生日期还没有到，请核对第 7 至 14 位。"
}

// Province is the name of the province of issue; empty for a code that does not exist.
func (id IDNumber) Province() string {
	if id.s == "" {
		return ""
	}
	if id.PermanentResident() {
		if id.s[1] > '6' {
			return "" // only the mainland's provinces issue the card
		}
		return provinces[id.s[1:3]]
	}
	return provinces[id.s[:2]]
}

// ResidencePermit tells whether it is a permit of a person from Hong Kong, Macao or Taiwan.
func (id IDNumber) ResidencePermit() bool { return strings.HasPrefix(id.s, "8") }

// PermanentResident tells whether it is a foreigner's permanent residence card.
func (id IDNumber) PermanentResident() bool { return strings.HasPrefix(id.s, "9") }

// Document names the kind of document that bears the number.
func (id IDNumber) Document() string {
	switch {
	case id.IsZero():
		return ""
	case id.ResidencePermit():
		return "港澳台居民居住证"
	case id.PermanentResident():
		return "外国人永久居留身份证"
	}
	return "居民身份证"
}
