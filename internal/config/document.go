package config

import (
	"fmt"
	"slices"
	"strings"
)

// head is the top of docs/config.md.
const head = `# Settings

<!-- Generated from internal/config by ` + "`make generate`" + `; a test compares it. Do not edit. -->

Every process reads its settings from the environment when it starts. It refuses to start while
one is missing, wrong or misspelt, and then names all faults at once. An empty variable means the
default. A duration is a number with a unit: ` + "`30d`, `12h`, `10m`, `90s`" + `. A list is separated by commas.

A **secret** can be given as ` + "`NAME_FILE`" + ` with the path of a file that holds it; it is never logged.

` + "`make run`" + ` needs none of these: ` + "`volcard dev`" + ` makes every setting of the processes that it starts.
Those that are set already are passed on, as in ` + "`VOLCARD_PICKUP_PERIOD=20d make run`" + `.
To change a default for good, change the ` + "`envDefault`" + ` beside the field in ` + "`internal/config/config.go`" + `
and run ` + "`make generate`" + `.

## Processes

| process | what it is |
| --- | --- |
`

// Document renders docs/config.md from the structs.
func Document() []byte {
	var b strings.Builder
	b.WriteString(head)
	for _, p := range processes {
		fmt.Fprintf(&b, "| `volcard %s` | %s |\n", p.name, p.typ.Field(0).Tag.Get("doc"))
	}
	type row struct {
		field
		users []string
	}
	var parts []string
	rows := map[string][]*row{}
	for _, p := range processes {
		for _, f := range fieldsOf(p.typ) {
			if f.part == p.typ.Field(0).Tag.Get("doc") {
				f.part = "Only " + p.name
			}
			if !slices.Contains(parts, f.part) {
				parts = append(parts, f.part)
			}
			i := slices.IndexFunc(rows[f.part], func(r *row) bool { return r.variable == f.variable })
			if i < 0 {
				rows[f.part] = append(rows[f.part], &row{field: f})
				i = len(rows[f.part]) - 1
			}
			if r := rows[f.part][i]; !slices.Contains(r.users, p.name) {
				r.users = append(r.users, p.name)
			}
		}
	}
	for _, part := range parts {
		fmt.Fprintf(&b, "\n## %s\n\n| variable | type | default | read by | meaning |\n| --- | --- | --- | --- | --- |\n", part)
		for _, r := range rows[part] {
			byDefault := "`" + r.byDefault + "`"
			switch {
			case r.required:
				byDefault = "**required**"
			case r.byDefault == "":
				byDefault = "empty"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n",
				r.variable, typeName(r.typ), byDefault, strings.Join(r.users, ", "), r.doc)
		}
	}
	return []byte(b.String())
}
