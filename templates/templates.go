// Package templates holds every page, its layouts and parts, and the static files, as they are
// built into the program. A page is a file in a folder of its audience; it begins with its
// layout, {{template "phone" .}} or {{template "console" .}}, and defines "main".
package templates

import "embed"

// FS holds layout/, part/, one folder per audience, and static/.
//
//go:embed */*.html */*/*.html all:static
var FS embed.FS
