//go:build race

package world

// raced tells that the test was built with -race, so the program is too.
const raced = true
