// Package faces holds the card faces, as they are built into the program. A new face is a
// folder here; docs/faces.md tells what stands in it.
package faces

import "embed"

// FS holds one folder for each face.
//
//go:embed */face.json */*.svg
var FS embed.FS
