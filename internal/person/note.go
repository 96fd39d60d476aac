package person

import (
	"strings"

	"volcard/internal/typed"
)

// GivesAway tells whether a note that others will read names its person: the name itself, or a number of
// four digits or more, of either width.
func GivesAway(note, name string) bool {
	note = typed.Text(note) // what is invisible between the digits hides nothing from a reader
	if name != "" && strings.Contains(note, name) {
		return true
	}
	run := 0
	for _, r := range note {
		if (r >= '0' && r <= '9') || (r >= '０' && r <= '９') {
			run++
		} else {
			run = 0
		}
		if run >= 4 {
			return true
		}
	}
	return false
}
