package person

import (
	_ "embed" // the lists of refused passwords are data beside this file
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"

	"volcard/internal/typed"
)

// Bounds of a password in code points. The upper one keeps a hash from being asked over a book.
const (
	PasswordMin = 8
	PasswordMax = 64
)

// CheckPassword returns every reason why pw will not do; none means that it will. It judges the password as it is
// hashed, in NFC, and compares it in half width and lower case. The zero IDNumber and Phone are left out of
// account (staff have neither). That a password is common is said where nothing else is wrong with it.
func CheckPassword(pw string, id IDNumber, phone Phone) []string {
	var reasons []string
	pw = norm.NFC.String(pw)
	if n := utf8.RuneCountInString(pw); n < PasswordMin || n > PasswordMax {
		reasons = append(reasons, "密码应为 8 至 64 个字符。")
	}
	var letter, digit, control bool
	for _, r := range pw {
		letter = letter || unicode.IsLetter(r) || typed.IsHan(r)
		digit = digit || unicode.IsDigit(r)
		control = control || unicode.IsControl(r) || r == unicode.ReplacementChar
	}
	if !letter || !digit {
		reasons = append(reasons, "密码至少要有一个字母和一个数字。")
	}
	if control {
		reasons = append(reasons, "密码中有不能使用的字符。")
	}
	folded := strings.ToLower(width.Fold.String(pw))
	plain := strings.Map(lettersAndDigits, folded)
	if !id.IsZero() && containsAny(plain, idParts(id)) {
		reasons = append(reasons, "密码中不能有身份证号码的后六位或出生日期。")
	}
	if !phone.IsZero() && containsAny(plain, []string{phone.s, phone.s[3:]}) {
		reasons = append(reasons, "密码中不能有您的手机号码。")
	}
	if len(reasons) == 0 && isCommon(folded, plain) {
		reasons = append(reasons, "这个密码太常见，容易被猜到。")
	}
	return reasons
}

// idParts are what others know of a person or find printed: the last six of the ID number are the usual first
// password of Chinese systems, and the birthday, with four digits of the year or two, is known to every acquaintance.
func idParts(id IDNumber) []string {
	s := strings.ToLower(id.s)
	return []string{s[12:], s[6:14], s[8:14]}
}

func containsAny(s string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}

func lettersAndDigits(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsDigit(r) || typed.IsHan(r) {
		return r
	}
	return -1
}

var (
	// The 3,000 most common passwords of public leaks among those that hold a letter, a digit and eight characters;
	// scripts/build-passwords.sh makes the file.
	//
	//go:embed passwords.txt
	passwordsText string
	//go:embed words.txt
	wordsText string

	passwords = sync.OnceValue(func() map[string]bool { return setOf(passwordsText) })
	words     = sync.OnceValue(func() map[string]bool { return setOf(wordsText) })
)

// surnames count as a word alone: two of them are a name that only its bearer thinks of.
var surnames = setOf("wang zhang liu chen yang zhao huang zhou zhu gao lin guo luo liang song zheng xie han tang feng " +
	"deng cao peng zeng xiao tian dong pan yuan cai jiang yu du ye cheng wei su lv ding ren lu yao shen li wu xu sun hu he ma")

// setOf reads words parted by white space; a line that begins with # is a comment.
func setOf(text string) map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, word := range strings.Fields(line) {
			set[word] = true
		}
	}
	return set
}

// isCommon reports whether a password is one that guessers try first. plain is folded without its signs.
func isCommon(folded, plain string) bool {
	return passwords()[folded] || passwords()[plain] || isWords(plain) || isWalk([]rune(plain)) || repeats([]rune(plain))
}

// digitsBesideWords is how many digits beside a word add nothing: years, dates, lucky numbers.
const digitsBesideWords = 8

// isWords reports whether a password is words of the list, a surname or a single letter, and a few digits.
func isWords(plain string) bool {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, plain)
	if utf8.RuneCountInString(plain)-utf8.RuneCountInString(letters) > digitsBesideWords {
		return false
	}
	rs := []rune(letters)
	ends := make([]bool, len(rs)+1) // ends[i]: the first i letters are words
	ends[0] = true
	for i := 1; i <= len(rs); i++ {
		for j := range i {
			if ends[j] && words()[string(rs[j:i])] {
				ends[i] = true
				break
			}
		}
	}
	return len(rs) == 1 || surnames[letters] || (len(rs) > 0 && ends[len(rs)])
}

// lines are what fingers and children run along: rows and columns of the keyboard, digits, the alphabet.
var lines = []string{
	"1234567890", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz",
	"1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik", "9ol",
}

// Bounds of a walk: the shortest run that counts as one, and how many characters may stand beside the runs.
const (
	runMin    = 3
	besideMax = 2
)

// isWalk reports whether a password is runs along a line, in either direction, or of one character, or two runs
// of which every second character is one (1q2w3e4r).
func isWalk(rs []rune) bool {
	beside := 0
	for i := 0; i < len(rs); {
		n := run(rs[i:])
		if n < runMin {
			n = 1
			beside++
		}
		i += n
	}
	if beside <= besideMax {
		return true
	}
	var halves [2][]rune
	for i, r := range rs {
		halves[i%2] = append(halves[i%2], r)
	}
	return len(halves[1]) >= runMin && run(halves[0]) == len(halves[0]) && run(halves[1]) == len(halves[1])
}

// run is the length of the longest run at the beginning of rs.
func run(rs []rune) int {
	longest := 1
	for longest < len(rs) && rs[longest] == rs[0] {
		longest++
	}
	for _, line := range lines {
		at := strings.IndexRune(line, rs[0])
		if at < 0 {
			continue
		}
		for _, step := range []int{1, -1} {
			n := 1
			for n < len(rs) && at+n*step >= 0 && at+n*step < len(line) && rs[n] == rune(line[at+n*step]) {
				n++
			}
			longest = max(longest, n)
		}
	}
	return longest
}

// repeats reports whether a password is four characters at most, over and over.
func repeats(rs []rune) bool {
	for unit := 1; unit <= 4 && unit < len(rs); unit++ {
		same := true
		for i := unit; i < len(rs) && same; i++ {
			same = rs[i] == rs[i-unit]
		}
		if same {
			return true
		}
	}
	return false
}
