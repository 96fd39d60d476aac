package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
)

// useRule forbids a name of a package. It holds for tests as well.
type useRule struct {
	pkg    string
	names  []string
	from   func(dir string) bool // nil: everywhere
	except []string
	reason string
}

var useRules = []useRule{
	{
		pkg: "time", names: []string{"Now", "Since", "Until"},
		except: []string{
			"internal/clock",
			"bench/...",            // measures with the monotonic clock
			"cmd/temporal-dev/...", // a module of its own, which cannot import ours
		},
		reason: "time comes from internal/clock, so that a test can stand at a stated date",
	},
	{
		pkg: "time", names: []string{"Sleep"}, except: []string{"bench/..."},
		reason: "who sleeps is deaf to its context and makes tests slow and flaky: wait for what you wait for",
	},
	{
		pkg: "time", names: []string{"Local", "LoadLocation"},
		reason: "dates are meant in clock.Shanghai, whatever the machine says or lacks",
	},
	{
		pkg: Module + "/internal/clock", names: []string{"System"}, from: isRules,
		reason: "time comes into a rule as a value",
	},
	{
		pkg: "context", names: []string{"TODO"},
		reason: "somebody above has a context",
	},
	{
		pkg: "html/template", names: []string{"HTML", "JS", "JSStr", "CSS", "URL", "HTMLAttr", "Srcset"},
		from:   func(dir string) bool { return !withinAny(dir, []string{"api/web", "templates/..."}) },
		reason: "text that is not escaped is made in one room, from constants",
	},
	{
		pkg: "net/http", names: []string{"DefaultServeMux", "Handle", "HandleFunc", "ListenAndServe", "ListenAndServeTLS"},
		reason: "the default server has no timeouts and a registry that any package can write to",
	},
	{
		pkg: "os", names: []string{"Getenv", "LookupEnv", "Environ"},
		from: func(dir string) bool {
			return !withinAny(dir, []string{"cmd/...", "internal/config", "internal/store/storetest", "internal/devstack/...", "internal/killpoint", "test/...", "bench/...", "api/web/webtest/..."})
		},
		reason: "settings come from internal/config, which checks and documents them",
	},
	{
		pkg: "github.com/go-chi/chi/v5/middleware", names: []string{"RealIP"},
		reason: "believes any X-Forwarded-For; three advisories: use ClientIPFrom…",
	},
	{
		pkg: "github.com/go-chi/httprate", names: []string{"Limit", "LimitByIP", "LimitByRealIP", "KeyByRealIP"},
		reason: "deprecated, and keyed on what the asker writes: LimitBy",
	},
}

// Uses checks the names that only some rooms may use.
func (t *Tree) Uses() []Violation {
	var out []Violation
	for _, f := range t.Files {
		names := map[string]string{} // name in this file → import path
		t.imports(f, func(target, name, _ string) { names[localName(target, name)] = target })
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			id, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			for _, r := range useRules {
				if names[id.Name] != r.pkg || !slices.Contains(r.names, sel.Sel.Name) || withinAny(f.Dir, r.except) {
					continue
				}
				if r.from != nil && (f.Test || !r.from(f.Dir)) {
					continue
				}
				out = append(out, Violation{t.place(sel.Pos()), fmt.Sprintf("uses %s.%s", r.pkg, sel.Sel.Name), r.reason})
			}
			return true
		})
	}
	return out
}

// localName is the name of an import without a name of its own: a version at the end is not it.
func localName(target, name string) string {
	if name == path.Base(target) && versionEnd.MatchString(name) {
		return path.Base(path.Dir(target))
	}
	return name
}

var versionEnd = regexp.MustCompile(`^v[0-9]+$`)
