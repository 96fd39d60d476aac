package archtest

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

var (
	migrationName = regexp.MustCompile(`^([0-9]{5})_[a-z0-9_]+\.sql$`)
	createTable   = regexp.MustCompile(`(?is)CREATE TABLE (?:IF NOT EXISTS )?([a-z_]+)\s*\((.*?)\n\);`)
	checkList     = regexp.MustCompile(`(?is)CHECK\s*\(\s*([a-z_]+)\s+IN\s*\(([^()]*)\)\s*\)`)
	alterCheck    = regexp.MustCompile(`(?is)ALTER TABLE (?:IF EXISTS )?([a-z_]+)([^;]*);`)
	quoted        = regexp.MustCompile(`'([^']*)'`)
	comment       = regexp.MustCompile(`--[^\n]*`)
)

const migrationReason = "two branches that both add a migration must meet here, not in production"

// Migrations checks the numbers of the migrations and that each can be taken back.
func (t *Tree) Migrations() []Violation {
	var out []Violation
	var names []string
	for p := range t.SQL {
		names = append(names, p)
	}
	sort.Strings(names)
	for i, p := range names {
		add := func(what string) { out = append(out, Violation{p, what, migrationReason}) }
		m := migrationName.FindStringSubmatch(path.Base(p))
		if m == nil {
			add("is not named 00000_name.sql")
			continue
		}
		if n, err := strconv.Atoi(m[1]); err != nil || n != i+1 {
			add(fmt.Sprintf("has the number %s where %05d comes next", m[1], i+1))
		}
		up, down, found := strings.Cut(t.SQL[p], "-- +goose Down")
		if !strings.Contains(up, "-- +goose Up") {
			add("has no -- +goose Up")
		}
		if !found || strings.TrimSpace(comment.ReplaceAllString(down, "")) == "" {
			add("has no way back below -- +goose Down")
		}
	}
	return out
}

// CheckLists returns the values that CHECK (column IN (…)) allows, by "table.column", as they
// are after all migrations.
func (t *Tree) CheckLists() map[string][]string {
	var names []string
	for p := range t.SQL {
		names = append(names, p)
	}
	sort.Strings(names)
	lists := map[string][]string{}
	for _, p := range names {
		up, _, _ := strings.Cut(t.SQL[p], "-- +goose Down")
		_, up, _ = strings.Cut(up, "-- +goose Up")
		up = comment.ReplaceAllString(up, "")
		for _, re := range []*regexp.Regexp{createTable, alterCheck} {
			for _, table := range re.FindAllStringSubmatch(up, -1) {
				for _, c := range checkList.FindAllStringSubmatch(table[2], -1) {
					var values []string
					for _, q := range quoted.FindAllStringSubmatch(c[2], -1) {
						values = append(values, q[1])
					}
					lists[table[1]+"."+c[1]] = values
				}
			}
		}
	}
	return lists
}

const listReason = "a state that only one side knows is refused at the worst moment"

// CompareLists tells where the lists of the code and those of the database differ.
func (t *Tree) CompareLists(code map[string][]string) []Violation {
	var out []Violation
	database := t.CheckLists()
	for column, want := range code {
		got, ok := database[column]
		if !ok {
			out = append(out, Violation{migrations, column + " has no CHECK … IN", listReason})
			continue
		}
		a, b := slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))
		if !slices.Equal(a, b) {
			out = append(out, Violation{migrations, fmt.Sprintf("%s allows %v, the code says %v", column, b, a), listReason})
		}
	}
	for column := range database {
		if _, ok := code[column]; !ok {
			out = append(out, Violation{migrations, column + " has a CHECK … IN and no list in archtest_test.go", listReason})
		}
	}
	return out
}
