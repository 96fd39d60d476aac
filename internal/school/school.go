// Package school knows the universities of Hubei as a student looks for them: by full or former
// name, by the short name that everyone uses (武大, 华科), or by the initials of the pinyin.
package school

import (
	_ "embed" // the project's list is data beside this file
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/mozillazg/go-pinyin"
	"golang.org/x/text/unicode/norm"
)

// ListCSV is the project's own list, in the form that an administrator imports. It serves until
// the first import replaces it.
//
//go:embed universities.csv
var ListCSV []byte

// Levels of a university.
const (
	LevelBachelor = "本科"
	LevelCollege  = "专科"
)

// University is one row of the list. Initials are Initials(Name).
type University struct {
	Code        string
	Name        string
	ShortNames  []string
	FormerNames []string
	Initials    string
	CityCode    string
	Level       string
}

// keywordLimit is more than any name has; what is longer is cut before the work begins.
const keywordLimit = 40

// Ranks of a match, best first.
const (
	rankWhole               = iota // exactly the name, a short or a former name
	rankInitials                   // exactly the initials of the name or a short name
	rankPrefix                     // the name begins with it
	rankAliasPrefix                // a short or former name begins with it
	rankInside                     // the name contains it
	rankAliasInside                // a short or former name contains it
	rankInitialsPrefix             // the name's initials begin with it
	rankFormerInitials             // exactly the initials of a former name
	rankAliasInitialsPrefix        // the initials of a short or former name begin with it
	rankInitialsInside             // the name's initials contain it
	rankAliasInitialsInside        // the initials of a short or former name contain it
	rankScattered                  // the name has its characters in this order
	rankNone
)

// ranks are what a match with one kind of name is worth: with the text, and with its initials.
type ranks struct{ prefix, inside, initials, initialsPrefix, initialsInside int }

var (
	ofName   = ranks{rankPrefix, rankInside, rankInitials, rankInitialsPrefix, rankInitialsInside}
	ofShort  = ranks{rankAliasPrefix, rankAliasInside, rankInitials, rankAliasInitialsPrefix, rankAliasInitialsInside}
	ofFormer = ranks{rankAliasPrefix, rankAliasInside, rankFormerInitials, rankAliasInitialsPrefix, rankAliasInitialsInside}
)

// Search returns at most limit universities that match the keyword, best first; among equals
// 本科 before 专科, shorter names first, then by code. An empty keyword matches nothing. Matches
// whose characters are scattered over the name (华中科大) count only where nothing else matches.
func Search(list []University, keyword string, limit int) []University {
	key := fold(keyword)
	if rs := []rune(key); len(rs) > keywordLimit {
		key = string(rs[:keywordLimit])
	}
	if key == "" || limit <= 0 {
		return nil
	}
	type hit struct {
		rank int
		u    *University
	}
	var hits []hit
	best := rankNone
	for i := range list {
		if r := rank(&list[i], key); r < rankNone {
			hits = append(hits, hit{r, &list[i]})
			best = min(best, r)
		}
	}
	if best < rankScattered {
		hits = slices.DeleteFunc(hits, func(h hit) bool { return h.rank == rankScattered })
	}
	slices.SortFunc(hits, func(a, b hit) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		if a.u.Level != b.u.Level {
			return strings.Compare(b.u.Level, a.u.Level) // 本 U+672C sorts after 专 U+4E13
		}
		if n := utf8.RuneCountInString(a.u.Name) - utf8.RuneCountInString(b.u.Name); n != 0 {
			return n
		}
		return strings.Compare(a.u.Code, b.u.Code)
	})
	out := make([]University, 0, min(limit, len(hits)))
	for _, h := range hits[:min(limit, len(hits))] {
		out = append(out, *h.u)
	}
	return out
}

func rank(u *University, key string) int {
	best := rankName(fold(u.Name), key, ofName)
	for _, a := range u.ShortNames {
		best = min(best, rankName(fold(a), key, ofShort))
	}
	for _, a := range u.FormerNames {
		best = min(best, rankName(fold(a), key, ofFormer))
	}
	if best == rankNone && scattered(fold(u.Name), key) {
		best = rankScattered
	}
	return best
}

func rankName(name, key string, of ranks) int {
	switch {
	case name == key:
		return rankWhole
	case strings.HasPrefix(name, key):
		return of.prefix
	case strings.Contains(name, key):
		return of.inside
	case !isLetters(key):
		return rankNone
	}
	switch at, whole := matchInitials(name, key); {
	case at < 0:
		return rankNone
	case whole:
		return of.initials
	case at == 0:
		return of.initialsPrefix
	case len(key) >= 2: // one letter is inside nearly every name
		return of.initialsInside
	}
	return rankNone
}

// scattered needs two characters at least, the first of which begins the name.
func scattered(name, key string) bool {
	rs := []rune(key)
	if len(rs) < 2 || isLetters(key) || !strings.HasPrefix(name, string(rs[:1])) {
		return false
	}
	for _, r := range rs {
		i := strings.IndexRune(name, r)
		if i < 0 {
			return false
		}
		name = name[i+utf8.RuneLen(r):]
	}
	return true
}

// fold makes the ways of typing a name alike: full width, case, blanks, brackets and dots, and traditional
// characters.
func fold(s string) string {
	if len(s) > 16*keywordLimit {
		s = s[:16*keywordLimit]
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return simplified(unicode.ToLower(r))
	}, norm.NFKC.String(strings.ToValidUTF8(s, "")))
}

func isLetters(s string) bool {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return s != ""
}

// Characters whose first reading in the dictionary is not the one in names of places and schools.
var readings = map[rune]byte{'长': 'c', '厦': 'x', '重': 'c', '石': 's'}

// Initials are the first letters of the name's pinyin, lower case; digits and letters stay, the
// rest is left out.
func Initials(name string) string {
	var b strings.Builder
	for _, r := range fold(name) {
		if set := initialsOf(r); set != "" {
			b.WriteByte(set[0])
		}
	}
	return b.String()
}

// known keeps the answers of readInitials: a search asks for some thousand characters, of which
// the list holds a few hundred. What people type is never looked up, so it cannot grow.
var known sync.Map // rune → string

// initialsOf gives every letter that a character's readings begin with, the usual one first.
func initialsOf(r rune) string {
	if r < utf8.RuneSelf {
		return string(r)
	}
	kept, _ := known.Load(r)
	if set, ok := kept.(string); ok {
		return set
	}
	set := readInitials(r)
	known.Store(r, set)
	return set
}

func readInitials(r rune) string {
	args := pinyin.NewArgs()
	args.Style = pinyin.FirstLetter
	args.Heteronym = true
	var set []byte
	if b, ok := readings[r]; ok {
		set = append(set, b)
	}
	for _, p := range pinyin.SinglePinyin(r, args) {
		if p != "" && !slices.Contains(set, p[0]) {
			set = append(set, p[0])
		}
	}
	return string(set)
}

// matchInitials finds key among the initials of name, any reading of a character counting
// (长 answers to c and to z). It tells where the match begins, -1 for none, and whether it is all.
func matchInitials(name, key string) (at int, whole bool) {
	var sets []string
	for _, r := range name {
		if set := initialsOf(r); set != "" {
			sets = append(sets, set)
		}
	}
	for i := 0; i+len(key) <= len(sets); i++ {
		hit := true
		for j := range len(key) {
			if strings.IndexByte(sets[i+j], key[j]) < 0 {
				hit = false
				break
			}
		}
		if hit {
			return i, len(key) == len(sets)
		}
	}
	return -1, false
}
