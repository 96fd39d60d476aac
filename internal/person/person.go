// Package person holds the rules on people that every other room relies on: identity numbers,
// names, phones, ages, guardians and passwords. Each value type is right once made: text is
// parsed at the edge, and only the type travels further. Failures are fault.Invalid with a
// sentence for the person, which never repeats what was typed.
package person

import "volcard/internal/fault"

func invalid(msg string) error { return fault.New(fault.Invalid, msg) }
