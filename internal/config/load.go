package config

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Process is one of the settings structs.
type Process interface {
	API | Worker | Migrate | Audit | Admin | Dev
}

// prefix is what every variable of ours starts with, except PORT.
const prefix = "VOLCARD_"

// testPrefix is the corner of the namespace that belongs to the tests and their harness.
const testPrefix = "VOLCARD_TEST_"

// fileSuffix marks the variable that names a file with a secret instead of the secret.
const fileSuffix = "_FILE"

// Fault is one thing that is wrong with the settings. It never holds a secret's value.
type Fault struct {
	Variable string
	Problem  string
}

// Faults is everything that is wrong.
type Faults []Fault

func (f Faults) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d setting(s) are wrong (docs/config.md lists them all):", len(f))
	for _, one := range f {
		fmt.Fprintf(&b, "\n  %s: %s", one.Variable, one.Problem)
	}
	return b.String()
}

// Load reads the settings of one process from an environment in the form of os.Environ.
// The error is a Faults with every fault, or nil.
func Load[T Process](environ []string) (T, error) {
	var t T
	faults := load(&t, environ)
	if len(faults) > 0 {
		var none T
		return none, faults
	}
	return t, nil
}

func load(target any, environ []string) Faults {
	vars := map[string]string{}
	for _, kv := range environ {
		if k, v, ok := strings.Cut(kv, "="); ok {
			vars[k] = v
		}
	}
	var faults Faults
	add := func(variable, format string, args ...any) {
		faults = append(faults, Fault{variable, fmt.Sprintf(format, args...)})
	}
	known := Known()
	for name := range vars {
		if strings.HasPrefix(name, prefix) && !strings.HasPrefix(name, testPrefix) && !slices.Contains(known, name) {
			add(name, "there is no such setting%s", didYouMean(name, known))
		}
	}
	fields := fieldsOf(reflect.TypeOf(target).Elem())
	readFiles(fields, vars, add)
	// An empty variable means the default, as a compose file's ${NAME:-} writes it.
	maps.DeleteFunc(vars, func(_, v string) bool { return v == "" })
	resolve(reflect.ValueOf(target).Elem(), vars, add)

	err := env.ParseWithOptions(target, env.Options{
		Environment: vars,
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[time.Duration](): func(s string) (any, error) { return ParseDuration(s) },
		},
	})
	for _, e := range flatten(err) {
		variable, problem := explain(e, fields, vars)
		add(variable, "%s", problem)
	}
	if err == nil {
		check(reflect.ValueOf(target).Elem(), add)
	}
	slices.SortStableFunc(faults, func(a, b Fault) int { return strings.Compare(a.Variable, b.Variable) })
	return slices.Compact(faults)
}

// readFiles puts the content of NAME_FILE in the place of a secret NAME.
func readFiles(fields []field, vars map[string]string, add adder) {
	for _, f := range fields {
		path := vars[f.variable+fileSuffix]
		if !f.secret || path == "" {
			continue
		}
		if vars[f.variable] != "" {
			add(f.variable, "is set, and so is %s%s: set one of them", f.variable, fileSuffix)
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			// Only a process that was given the secret can read it; the path is no secret.
			add(f.variable+fileSuffix, "%v", err)
			continue
		}
		if vars[f.variable] = strings.TrimSpace(string(content)); vars[f.variable] == "" {
			add(f.variable+fileSuffix, "the file %s is empty", path)
		}
	}
}

// ParseDuration is time.ParseDuration that also understands whole days, as in 30d.
func ParseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n > 100_000 || n < -100_000 {
			return 0, fmt.Errorf("%q is no number of days, as in 30d", s)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration, as in 30d, 12h, 90s", s)
	}
	return d, nil
}

func flatten(err error) []error {
	if err == nil {
		return nil
	}
	var all env.AggregateError
	if errors.As(err, &all) {
		return all.Errors
	}
	return []error{err}
}

// explain names the variable behind an error of the env library, which names fields.
func explain(err error, fields []field, vars map[string]string) (variable, problem string) {
	var missing env.VarIsNotSetError
	if errors.As(err, &missing) {
		for _, f := range fields {
			if f.variable == missing.Key && f.secret {
				return missing.Key, "is required (itself, or " + missing.Key + fileSuffix + " with the path of a file)"
			}
		}
		return missing.Key, "is required"
	}
	var parse env.ParseError
	if errors.As(err, &parse) {
		var names []string
		for _, f := range fields {
			if f.name == parse.Name && f.typ == parse.Type && vars[f.variable] != "" {
				names = append(names, f.variable)
			}
		}
		var number *strconv.NumError
		if errors.As(parse.Err, &number) {
			return strings.Join(names, " or "), fmt.Sprintf("%q is no %s", number.Num, typeName(parse.Type))
		}
		return strings.Join(names, " or "), parse.Err.Error()
	}
	return "settings", err.Error()
}

// field is one leaf of a settings struct.
type field struct {
	name      string
	typ       reflect.Type
	variable  string
	byDefault string
	required  bool
	secret    bool
	doc       string
	part      string // the doc of the struct that holds it
}

func fieldsOf(t reflect.Type) []field {
	var out []field
	part := ""
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Name == "_" {
			part = sf.Tag.Get("doc")
			continue
		}
		tag, ok := sf.Tag.Lookup("env")
		if !ok {
			if sf.Type.Kind() == reflect.Struct {
				out = append(out, fieldsOf(sf.Type)...)
			}
			continue
		}
		variable, options, _ := strings.Cut(tag, ",")
		out = append(out, field{
			name: sf.Name, typ: sf.Type, variable: variable, byDefault: sf.Tag.Get("envDefault"),
			required: strings.Contains(options, "required"), secret: sf.Type == reflect.TypeFor[Secret](),
			doc: sf.Tag.Get("doc"), part: part,
		})
	}
	return out
}

// Known lists every variable of every process, and the file variants of secrets. All
// processes accept all of them, since one environment often serves several.
func Known() []string {
	var names []string
	for _, p := range processes {
		for _, f := range fieldsOf(p.typ) {
			names = append(names, f.variable)
			if f.secret {
				names = append(names, f.variable+fileSuffix)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Variables lists what the named process reads.
func Variables(process string) []string {
	return variables(process, func(field) bool { return true })
}

// Required lists the variables without which the named process does not start.
func Required(process string) []string {
	return variables(process, func(f field) bool { return f.required })
}

func variables(process string, which func(field) bool) []string {
	var names []string
	for _, p := range processes {
		for _, f := range fieldsOf(p.typ) {
			if p.name == process && which(f) {
				names = append(names, f.variable)
			}
		}
	}
	return names
}

var processes = []struct {
	name string
	typ  reflect.Type
}{
	{"api", reflect.TypeFor[API]()},
	{"worker", reflect.TypeFor[Worker]()},
	{"migrate", reflect.TypeFor[Migrate]()},
	{"audit", reflect.TypeFor[Audit]()},
	{"admin", reflect.TypeFor[Admin]()},
	{"dev", reflect.TypeFor[Dev]()},
}

func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "duration"
	case t == reflect.TypeFor[Secret]():
		return "secret"
	case t.Kind() == reflect.Slice:
		return "list of " + typeName(t.Elem()) + "s"
	case t.Kind() == reflect.Map:
		return "list of name=value"
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return "network"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int32, t.Kind() == reflect.Int64:
		return "number"
	default:
		return "text"
	}
}

// didYouMean finds the setting that differs in at most a third of its letters.
func didYouMean(name string, known []string) string {
	best, least := "", len(name)/3
	for _, k := range known {
		if d := editDistance(name, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// MetricsAddr reads only where the metrics of the process with this environment listen. A health
// check runs beside that process and must not need its secrets.
func MetricsAddr(environ []string) (string, error) {
	var part struct{ Metrics Metrics }
	if faults := load(&part, environ); len(faults) > 0 {
		return "", faults
	}
	return part.Metrics.Addr, nil
}
