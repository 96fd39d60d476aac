package archtest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"volcard/internal/archtest"
)

// planted is a house of the given files. A check that cannot fail is not a check: each rule
// sees a violation here, and beside it the nearest thing that is allowed.
func planted(t *testing.T, files map[string]string) *archtest.Tree {
	t.Helper()
	root := fstest.MapFS{}
	for name, content := range files {
		root[name] = &fstest.MapFile{Data: []byte(content)}
	}
	tree, err := archtest.Load(root)
	require.NoError(t, err)
	return tree
}

// importing is the source of a file with these imports.
func importing(targets ...string) string {
	return "package p\n\nimport (\n\t_ \"" + strings.Join(targets, "\"\n\t_ \"") + "\"\n)\n"
}

func TestPlantedImports(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file, imports, reason string // an empty reason: allowed
	}{
		{"internal/person/a.go", "volcard/internal/store", "no I/O"},
		{"internal/person/a.go", "github.com/jackc/pgx/v5", "no I/O"},
		{"internal/person/a.go", "go.temporal.io/sdk/workflow", "processes"},
		{"internal/person/a.go", "net/http", "no I/O"},
		{"internal/person/a.go", "os", "no I/O"},
		{"internal/person/a.go", "context", "pure function"},
		{"internal/person/a.go", "volcard/workflows", "no process"},
		{"internal/newarea/a.go", "database/sql", "no I/O"}, // a room is rules until it says otherwise
		{"internal/person/a.go", "volcard/internal/fault", ""},
		{"internal/card/a.go", "volcard/internal/person", ""},
		{"internal/person/a.go", "golang.org/x/text/unicode/norm", ""},
		{"internal/person/a_test.go", "volcard/internal/store/storetest", ""},

		{"internal/store/cardstore/a.go", "volcard/internal/store/personstore", "store areas"},
		{"internal/store/cardstore/a.go", "volcard/internal/store", ""},
		{"internal/store/a.go", "volcard/internal/store/cardstore", "knows no area"},
		{"internal/store/cardstore/a.go", "volcard/workflows", "nobody above"},
		{"internal/store/cardstore/a.go", "go.temporal.io/sdk/client", "nobody above"},
		{"internal/store/cardstore/a.go", "github.com/jackc/pgx/v5/pgxpool", ""},

		{"activities/a.go", "volcard/workflows", "one step"},
		{"activities/a.go", "volcard/internal/store/cardstore", ""},
		{"workflows/a.go", "volcard/api/web", "no page"},
		{"workflows/a.go", "github.com/jackc/pgx/v5", "learns facts"},
		{"workflows/a.go", "volcard/activities", ""},
		{"api/applicant/a.go", "go.temporal.io/sdk/client", "never through the SDK"},
		{"api/applicant/a.go", "go.temporal.io/api/serviceerror", "never through the SDK"},
		{"api/applicant/a.go", "volcard/activities", "only through workflows' client"},
		{"api/applicant/a.go", "github.com/jackc/pgx/v5", "store areas"},
		{"api/applicant/a.go", "volcard/api/branch", "audience rooms"},
		{"api/web/a.go", "volcard/api/branch", "audience rooms"},
		{"api/web/a.go", "volcard/internal/card", "nothing about cards"},
		{"api/applicant/a.go", "volcard/api/web", ""},
		{"api/applicant/a.go", "volcard/api/web/form", ""},
		{"api/router.go", "volcard/api/applicant", ""},
		{"api/applicant/a.go", "volcard/workflows", ""},
		{"api/applicant/a.go", "volcard/internal/store/cardstore", ""},
		{"internal/notify/a.go", "volcard/cmd/volcard", "at the top"},
		{"internal/notify/a.go", "volcard/internal/devstack", "no part of production"},
		{"cmd/volcard/a.go", "volcard/internal/devstack", ""},
		{"internal/clock/a.go", "volcard/internal/fault", "import nobody"},

		{"api/applicant/a.go", "github.com/jung-kurt/gofpdf", "BMP"},
		{"internal/render/pdf/a.go", "github.com/jung-kurt/gofpdf", ""},
		{"internal/credential/a.go", "github.com/tink-crypto/tink-go/v2/aead", "seals and opens"},
		{"internal/render/a.go", "github.com/veraison/go-cose", "signed and redeemed"},
		{"internal/notify/a.go", "github.com/jackc/pgx/v5", "store areas"},
		{"internal/notify/a.go", "go.temporal.io/sdk/log", "process engine"},
		{"cmd/volcard/a.go", "github.com/stretchr/testify/require", "tests' tools"},
		{"internal/store/storetest/a.go", "testing", ""},
		{"cmd/volcard/a.go", "volcard/internal/store/storetest", "sets a scene"},

		{"internal/limit/a.go", "math/rand/v2", "computed by others"},
		{"internal/limit/a.go", "math/rand", "computed by others"},
		{"internal/limit/a.go", "crypto/rand", ""},
		{"api/web/a.go", "text/template", "html/template"},
		{"cmd/volcard/a.go", "log", "slog"},
		{"cmd/volcard/a.go", "log/slog", ""},
		{"cmd/temporal-dev/main.go", "log", ""},
	} {
		t.Run(tt.file+" "+tt.imports, func(t *testing.T) {
			t.Parallel()
			got := planted(t, map[string]string{tt.file: importing("fmt", tt.imports)}).Imports()
			if tt.reason == "" {
				assert.Empty(t, got)
				return
			}
			require.NotEmpty(t, got)
			assert.Contains(t, fmt.Sprint(got), tt.reason)
			assert.Equal(t, tt.file+":5", got[0].Where)
		})
	}
}

func TestPlantedDoors(t *testing.T) {
	t.Parallel()
	got := planted(t, map[string]string{
		"api/branch/a.go":      importing("net/http"),
		"api/branch/a_test.go": importing("volcard/api/web"),
		"api/applicant/a.go":   importing("volcard/api/web"),
		"api/applicant/b.go":   importing("fmt"),
		"api/web/a.go":         importing("net/http"),
		"api/router.go":        importing("net/http"),
	}).Doors()
	require.Len(t, got, 1)
	assert.Equal(t, "api/branch", got[0].Where)
}

func TestPlantedUses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file, source, what string // an empty what: allowed
	}{
		{"internal/notify/a.go", `import "time"; var x = time.Now()`, "time.Now"},
		{"internal/notify/a.go", `import "time"; var now = time.Now`, "time.Now"},
		{"internal/notify/a.go", `import t "time"; func f(x t.Time) t.Duration { return t.Since(x) }`, "time.Since"},
		{"internal/notify/a_test.go", `import "time"; var x = time.Now()`, "time.Now"},
		{"internal/notify/a_test.go", `import "time"; func f() { time.Sleep(1) }`, "time.Sleep"},
		{"internal/notify/a.go", `import "time"; var x = time.Local`, "time.Local"},
		{"internal/clock/a.go", `import "time"; var x = time.Now()`, ""},
		{"internal/notify/a.go", `type c struct{ Now func() }; func f(time c) { time.Now() }`, ""},
		{"internal/notify/a.go", `import "time"; var x = time.Second`, ""},
		{"internal/person/a.go", `import "volcard/internal/clock"; var x = clock.System{}`, "clock.System"},
		{"internal/person/a.go", `import "volcard/internal/clock"; var x = clock.Shanghai`, ""},
		{"internal/notify/a.go", `import "volcard/internal/clock"; var x = clock.System{}`, ""},
		{"internal/notify/a.go", `import "context"; var x = context.TODO()`, "context.TODO"},
		{"api/branch/a.go", `import "html/template"; var x = template.HTML("<b>")`, "template.HTML"},
		{"api/web/a.go", `import "html/template"; var x = template.HTML("<b>")`, ""},
		{"api/branch/a.go", `import "os"; var x = os.Getenv("HOME")`, "os.Getenv"},
		{"api/branch/a_test.go", `import "os"; var x = os.Getenv("HOME")`, ""},
		{"internal/config/a.go", `import "os"; var x = os.Environ()`, ""},
		{"api/a.go", `import "net/http"; var x = http.ListenAndServe`, "http.ListenAndServe"},
		{"api/a.go", `import "github.com/go-chi/chi/v5/middleware"; var x = middleware.RealIP`, "middleware.RealIP"},
		{"api/a.go", `import "github.com/go-chi/httprate"; var x = httprate.LimitByIP`, "httprate.LimitByIP"},
		{"api/a.go", `import "github.com/go-chi/httprate"; var x = httprate.LimitBy`, ""},
	} {
		t.Run(tt.file+" "+tt.source, func(t *testing.T) {
			t.Parallel()
			got := planted(t, map[string]string{tt.file: "package p\n" + tt.source + "\n"}).Uses()
			if tt.what == "" {
				assert.Empty(t, got)
				return
			}
			require.Len(t, got, 1)
			assert.Contains(t, got[0].String(), tt.what)
			assert.Equal(t, tt.file+":2", got[0].Where)
		})
	}
}

func TestPlantedSizes(t *testing.T) {
	t.Parallel()
	long := "package p\n" + strings.Repeat("\n", 500)
	methods := "package p\n\ntype T[K any] struct{}\n"
	for i := range 21 {
		methods += fmt.Sprintf("func (t *T[K]) m%d() {}\n", i)
	}
	files := map[string]string{
		"a/long.go":      long,
		"a/long_test.go": long,
		"a/made.go":      "// Code generated by x. DO NOT EDIT.\n\n" + long,
		"a/testdata/x":   long,
		"b/methods.go":   methods,
		"c/methods.go":   strings.ReplaceAll(methods, "m20", "M"),
	}
	for i := range 21 {
		files[fmt.Sprintf("d/f%d.go", i)] = "package p\n"
		files[fmt.Sprintf("e/f%d_test.go", i)] = "package p\n"
	}
	delete(files, "c/methods.go")
	files["c/methods.go"] = strings.Replace(methods, "func (t *T[K]) m20() {}\n", "func m20() {}\n", 1)
	var got []string
	for _, v := range planted(t, files).Sizes() {
		got = append(got, v.Where+" "+v.What)
	}
	assert.ElementsMatch(t, []string{
		"a/long.go has 501 lines, more than 500",
		"b.T has 21 methods, more than 20",
		"d has 21 Go files, more than 20",
	}, got)
}

func TestPlantedLeftovers(t *testing.T) {
	t.Parallel()
	got := planted(t, map[string]string{
		"a.go": "package p\n\n// TODO: later\nvar a = 1 // FIXME(me) now\n\n/* XXX why */\n\n// A TODOLIST is fine, and context.TODO.\n",
	}).Leftovers()
	assert.Len(t, got, 3)
}

func TestPlantedMigrations(t *testing.T) {
	t.Parallel()
	const good = "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n"
	at := func(name string) string { return "internal/store/migrations/" + name }
	assert.Empty(t, planted(t, map[string]string{at("00001_a.sql"): good, at("00002_b.sql"): good}).Migrations())
	for name, files := range map[string]map[string]string{
		"00003 where 00002":     {at("00001_a.sql"): good, at("00003_c.sql"): good},
		"00001 where 00002":     {at("00001_a.sql"): good, at("00001_b.sql"): good},
		"not named":             {at("first.sql"): good},
		"no -- +goose Up":       {at("00001_a.sql"): "-- +goose Down\nDROP TABLE a;\n"},
		"no way back":           {at("00001_a.sql"): "-- +goose Up\nSELECT 1;\n"},
		"below -- +goose Down":  {at("00001_a.sql"): "-- +goose Up\nSELECT 1;\n-- +goose Down\n-- nothing\n"},
		"00002 where 00001 com": {at("00002_a.sql"): good},
	} {
		assert.Contains(t, fmt.Sprint(planted(t, files).Migrations()), name)
	}
}

func TestPlantedCheckLists(t *testing.T) {
	t.Parallel()
	tree := planted(t, map[string]string{
		"internal/store/migrations/00001_a.sql": `-- +goose Up
CREATE TABLE card (
    id    uuid PRIMARY KEY,
    -- CHECK (state IN ('not this'))
    state text NOT NULL CHECK (state IN ('a', -- first
          'b')),
    note  text CHECK (length(note) < 5),
    CHECK ((id IS NULL) = (state IN ('b')))
);
CREATE TABLE other (
    kind text CHECK (kind IN ('x'))
);
-- +goose Down
DROP TABLE card, other;
`,
		"internal/store/migrations/00002_b.sql": `-- +goose Up
ALTER TABLE card DROP CONSTRAINT card_state_check, ADD CHECK (state IN ('a', 'b', 'c'));
-- +goose Down
ALTER TABLE card ADD CHECK (state IN ('a', 'b'));
`,
	})
	assert.Equal(t, map[string][]string{"card.state": {"a", "b", "c"}, "other.kind": {"x"}}, tree.CheckLists())
	assert.Empty(t, tree.CompareLists(map[string][]string{"card.state": {"c", "b", "a"}, "other.kind": {"x"}}))
	got := fmt.Sprint(tree.CompareLists(map[string][]string{"card.state": {"a", "b"}, "gone.state": {"x"}}))
	assert.Contains(t, got, "card.state allows [a b c], the code says [a b]")
	assert.Contains(t, got, "gone.state has no CHECK")
	assert.Contains(t, got, "other.kind has a CHECK")
}
