package person

import "regexp"

var volunteerNo = regexp.MustCompile(`^[0-9A-Z]{6,20}$`)

// IsVolunteerNo tells whether a text has the form of a volunteer's number: opaque, and without check
// digits, since the official form is not public.
func IsVolunteerNo(s string) bool { return volunteerNo.MatchString(s) }
