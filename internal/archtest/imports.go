package archtest

import (
	"fmt"
	"path"
	"strings"
)

// importRule forbids a room to import something. Test files are free of it: they may reach
// across the house to set a scene.
type importRule struct {
	from      []string // rooms; "" stands for the whole house
	forbidden []string
	except    []string // rooms that may, or targets that are fine
	reason    string
}

// technology lists the rooms below internal that do input and output or stand for the house as
// a whole. All others below internal are rules.
var technology = []string{
	"internal/archtest/...", "internal/audit/...", "internal/blob/...", "internal/clock/...", "internal/config/...",
	"internal/credential/...", "internal/devstack/...", "internal/fault/...", "internal/killpoint/...", "internal/limit/...",
	"internal/notify/...", "internal/photo/...",
	"internal/passwd/...", "internal/render/...", "internal/store/...", "internal/telemetry/...", "internal/vault/...",
}

func isRules(dir string) bool {
	return within(dir, "internal/...") && dir != "internal" && !withinAny(dir, technology)
}

// rulesMayNot is what no rule package imports.
var rulesMayNot = []struct{ target, reason string }{
	{"context", "a rule is a pure function: it neither waits nor asks"},
	{"net/...", "rules do no I/O"},
	{"os/...", "rules do no I/O; data is embedded"},
	{"database/...", "rules do no I/O"},
	{"log", "rules return what they have to say"},
	{"volcard/workflows/...", "rules know no process"},
	{"volcard/activities/...", "rules know no process"},
	{"volcard/api/...", "rules know no page"},
	{"volcard/templates/...", "rules know no page"},
}

// rulesMay are the exceptions to rulesMayNot: values without I/O, and slog.LogValuer, by
// which a value masks itself.
var rulesMay = []string{"net/netip", "net/url", "log/slog"}

// modulesOfRules are the modules that a rule package may use: none of them does I/O.
var modulesOfRules = []string{
	"volcard/internal/clock",       // for the zone; clock.System is forbidden to rules
	"volcard/internal/fault",       // the kinds of failure
	"github.com/gofrs/uuid/v5/...", // values of ids
	"github.com/mozillazg/go-pinyin/...",
	"github.com/6tail/lunar-go/...",
	"golang.org/x/text/...",
}

var importRules = []importRule{
	// Direction.
	{
		from: []string{"api/..."}, forbidden: []string{"cmd/...", "activities/..."},
		reason: "api touches a process only through workflows' client",
	},
	{
		from: []string{"api/...", "templates/..."}, forbidden: []string{"go.temporal.io/..."},
		reason: "api touches a process only through workflows' client, never through the SDK",
	},
	{
		from: []string{"api/...", "templates/..."}, forbidden: []string{"github.com/jackc/pgx/...", "database/sql"},
		reason: "SQL is written in the store areas",
	},
	{
		from: []string{"workflows/..."}, forbidden: []string{"cmd/...", "api/...", "templates/..."},
		reason: "a process knows no page",
	},
	{
		from:      []string{"workflows/..."},
		forbidden: []string{"github.com/jackc/pgx/...", "database/sql", "net/http", "internal/notify/...", "internal/render/...", "internal/credential/..."},
		reason:    "a workflow learns facts, it does not look them up: activities do the work",
	},
	{
		from: []string{"activities/..."}, forbidden: []string{"cmd/...", "api/...", "workflows/...", "templates/..."},
		reason: "activities do one step and do not know the process",
	},
	{
		from: []string{"internal/store/..."}, forbidden: []string{
			"cmd/...", "api/...", "workflows/...", "activities/...", "templates/...", "go.temporal.io/...", "net/http",
			"internal/notify/...", "internal/render/...", "internal/telemetry/...", "internal/config/...",
		},
		reason: "stores answer with rows and faults and know nobody above them",
	},
	{
		from: []string{"internal/..."}, forbidden: []string{"cmd/...", "api/...", "workflows/..."}, except: []string{"internal/devstack/..."},
		reason: "the arrow points downwards: cmd, api, workflows, activities, stores, rules",
	},
	{
		from: []string{"internal/fault", "internal/clock"}, forbidden: []string{"volcard/..."},
		reason: "everybody imports these two, so they import nobody",
	},
	{
		from: []string{"templates/..."}, forbidden: []string{"internal/store/...", "workflows/...", "activities/..."},
		reason: "a template gets the struct of its page",
	},
	{
		from: []string{""}, forbidden: []string{"cmd/..."}, except: []string{"cmd/..."},
		reason: "programs are at the top",
	},
	{
		from: []string{""}, forbidden: []string{"internal/devstack/...", "internal/archtest/..."},
		except: []string{"cmd/...", "internal/devstack/...", "test/...", "bench/..."},
		reason: "what serves development and tests is no part of production code",
	},
	{
		from: []string{"api/web/..."}, forbidden: []string{"internal/card/...", "internal/school/...", "internal/render/...", "internal/credential/..."},
		reason: "the kit knows HTTP and nothing about cards",
	},

	// One outside technology each.
	{
		from: []string{""}, forbidden: []string{"github.com/jung-kurt/gofpdf/..."},
		except: []string{"internal/render/...", "bench/..."},
		reason: "gofpdf panics on characters beyond the BMP; internal/render knows how to keep it from that",
	},
	{
		from: []string{""}, forbidden: []string{"image/jpeg", "image/png", "image/gif", "github.com/esimov/pigo/..."},
		except: []string{"internal/photo/...", "internal/render/...", "bench/..."},
		reason: "a picture from outside is decoded in one place, which bounds its size and how many are decoded at once",
	},
	{
		from: []string{""}, forbidden: []string{"github.com/skip2/go-qrcode/...", "rsc.io/qr/..."},
		except: []string{"internal/render/...", "bench/..."},
		reason: "internal/render draws a QR code as one path, which every reader can read",
	},
	{
		from: []string{""}, forbidden: []string{"github.com/tink-crypto/..."}, except: []string{"internal/vault/..."},
		reason: "one place seals and opens, so that key ids and rotation hold for all",
	},
	{
		from: []string{""}, forbidden: []string{"github.com/veraison/go-cose/...", "github.com/fxamacker/cbor/..."},
		except: []string{"internal/credential/..."},
		reason: "a token is signed and redeemed in one package",
	},
	{
		from: []string{""}, forbidden: []string{"github.com/jackc/pgx/..."},
		except: []string{
			"internal/store/...", "internal/audit/...", "internal/devstack/...", "cmd/...", "test/...", "bench/...",
			"internal/config", // checks URLs with pgx's own parser
		},
		reason: "SQL is written in the store areas and in the auditor, which shares none of theirs",
	},
	{
		from: []string{""}, forbidden: []string{"go.temporal.io/..."},
		except: []string{
			"workflows/...", "activities/...", "cmd/...", "internal/audit/...", "internal/devstack/...",
			"internal/telemetry", "internal/killpoint", "test/...", "bench/...",
			"internal/config", // reads the SDK's own variables with its own reader
		},
		reason: "the process engine is known to the processes and to those who start them",
	},
	{
		from: []string{""}, forbidden: []string{"github.com/caarlos0/env/..."}, except: []string{"internal/config"},
		reason: "all settings are documented in one place",
	},
	{
		from: []string{""}, forbidden: []string{"github.com/alexedwards/argon2id/..."}, except: []string{"internal/passwd"},
		reason: "at most two hashes at once: the room counts them",
	},
	{
		from: []string{""}, forbidden: []string{"github.com/alexedwards/scs/..."}, except: []string{"api/...", "internal/store/sessionstore", "cmd/..."},
		reason: "sessions belong to the web kit",
	},
	{
		from: []string{""}, forbidden: []string{"github.com/pressly/goose/..."}, except: []string{"internal/store"},
		reason: "migrations run in one place, under one lock",
	},
	{
		from: []string{""}, forbidden: []string{
			"testing", "github.com/stretchr/testify/...", "pgregory.net/rapid/...", "go.uber.org/goleak/...", "github.com/chromedp/...", "net/http/httptest",
		},
		except: []string{"internal/store/storetest/...", "api/web/webtest/...", "internal/devstack/...", "test/...", "bench/..."},
		reason: "a program that carries its tests' tools is larger and easier to break into",
	},

	{
		from: []string{""}, forbidden: []string{"internal/store/storetest/...", "api/web/webtest/...", "workflows/workflowtest/..."},
		except: []string{"internal/store/storetest/...", "api/web/webtest/...", "internal/devstack/...", "test/...", "bench/..."},
		reason: "what sets a scene for tests is no part of production code",
	},

	{
		from: []string{""}, forbidden: []string{"golang.org/x/text/width"},
		except: []string{"internal/place", "internal/person", "cmd/..."},
		reason: "internal/typed folds what people type, so that no field forgives less than another",
	},

	// Trust.
	{
		from: []string{""}, forbidden: []string{"math/rand/..."},
		except: []string{"bench/...", "test/..."},
		reason: "its numbers can be computed by others; crypto/rand is quick enough for everything here",
	},
	{
		from: []string{""}, forbidden: []string{"text/template/..."},
		reason: "it does not escape: html/template for every byte of HTML",
	},
	{
		from: []string{""}, forbidden: []string{"unsafe"},
		reason: "nothing here needs it",
	},
	{
		from: []string{""}, forbidden: []string{"log"},
		reason: "log/slog masks personal data",
	},
}

// Imports checks the direction of every import.
func (t *Tree) Imports() []Violation {
	var out []Violation
	for _, f := range t.Files {
		// The nested modules are programs of their own with other laws.
		if f.Test || within(f.Dir, "cmd/temporal-dev/...") || within(f.Dir, "tools/...") {
			continue
		}
		t.imports(f, func(target, _, where string) {
			add := func(reason string) {
				out = append(out, Violation{where, fmt.Sprintf("%s imports %s", f.Dir, target), reason})
			}
			for _, r := range importRules {
				if r.applies(f.Dir, target) {
					add(r.reason)
				}
			}
			if reason := neighbours(f.Dir, target); reason != "" {
				add(reason)
			}
			if reason := fromRules(f.Dir, target); reason != "" {
				add(reason)
			}
		})
	}
	return out
}

func (r importRule) applies(dir, target string) bool {
	if r.from[0] != "" && !withinAny(dir, r.from) {
		return false
	}
	if withinAny(dir, r.except) {
		return false
	}
	for _, bad := range r.forbidden {
		if bad == Module+"/..." && strings.HasPrefix(target, Module+"/") || within(target, bad) {
			return true
		}
	}
	return false
}

// neighbours forbids rooms of the same kind to know each other.
func neighbours(dir, target string) string {
	target = strings.TrimPrefix(target, Module+"/")
	switch {
	case within(dir, "internal/store/...") && within(target, "internal/store/...") && dir != "internal/store":
		if area(dir, 3) != area(target, 3) && target != "internal/store" && area(dir, 3) != "internal/store/storetest" {
			return "store areas do not import each other: what two areas need is joined above them, or in SQL"
		}
	case dir == "internal/store" && strings.HasPrefix(target, "internal/store/"):
		return "the pool knows no area"
	case within(dir, "api/...") && within(target, "api/...") && dir != "api":
		if area(dir, 2) != area(target, 2) && area(target, 2) != "api/web" {
			return "audience rooms do not import each other: who may enter is decided once, at each door"
		}
	}
	return ""
}

func area(dir string, depth int) string {
	parts := strings.Split(dir, "/")
	return strings.Join(parts[:min(depth, len(parts))], "/")
}

func fromRules(dir, target string) string {
	if !isRules(dir) {
		return ""
	}
	trimmed := strings.TrimPrefix(target, Module+"/")
	switch {
	case withinAny(target, rulesMay), withinAny(trimmed, []string{"internal/clock", "internal/fault"}):
		return ""
	case target != trimmed && isRules(trimmed):
		return ""
	}
	for _, no := range rulesMayNot {
		if within(target, strings.TrimPrefix(no.target, Module+"/")) {
			return no.reason
		}
	}
	external := strings.Contains(strings.Split(target, "/")[0], ".")
	if (external || target != trimmed) && !withinAny(target, modulesOfRules) {
		return "rules import rules, fault and clock, and modules that do no I/O"
	}
	return ""
}

// Doors checks that every audience room is built with the kit.
func (t *Tree) Doors() []Violation {
	rooms := map[string]bool{}
	for _, f := range t.Files {
		if f.Test || path.Dir(f.Dir) != "api" || f.Dir == "api/web" {
			continue
		}
		rooms[f.Dir] = rooms[f.Dir] || false
		t.imports(f, func(target, _, _ string) {
			if target == Module+"/api/web" {
				rooms[f.Dir] = true
			}
		})
	}
	var out []Violation
	for room, uses := range rooms {
		if !uses {
			out = append(out, Violation{room, "does not import api/web", "the kit maps errors, checks origins and renders, for every room alike"})
		}
	}
	return out
}
