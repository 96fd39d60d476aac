// Package demo holds two portraits for the demo's cases and for pictures of the faces in documents.
// They are 295 × 413 pixels, as internal/photo makes them.
package demo

import _ "embed"

var (
	// astronaut is Eileen Collins, a portrait by NASA in the public domain.
	//
	//go:embed astronaut.jpg
	astronaut []byte
	// man stands before a white wall; a test picture of the module pigo, MIT.
	//
	//go:embed man.jpg
	man []byte
)

// Portrait is the demo's portrait for its n-th person.
func Portrait(n int) []byte {
	if n%2 == 0 {
		return man
	}
	return astronaut
}
