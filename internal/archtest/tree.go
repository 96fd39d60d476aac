// Package archtest says whether the house is built as docs/architecture.md draws it: who may
// import whom, how large things may grow, who reads the clock, that the database and the code
// name the same states. It parses the files itself: a check that runs `go list` would be
// answered from Go's test cache.
package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Module is the path of the root module.
const Module = "volcard"

// Violation is one place that breaks a rule.
type Violation struct {
	Where  string // file, or file:line
	What   string
	Reason string // why the rule exists
}

func (v Violation) String() string { return fmt.Sprintf("%s: %s (%s)", v.Where, v.What, v.Reason) }

// File is one parsed Go file.
type File struct {
	Path      string // relative to the root, with slashes
	Dir       string // its folder
	Test      bool   // a _test.go file
	Generated bool
	Lines     int

	ast *ast.File
}

// Tree is everything that the rules look at.
type Tree struct {
	Files []File
	SQL   map[string]string // migrations, by path
	fset  *token.FileSet
}

// skipped are folders without code of ours.
var skipped = map[string]bool{
	".git": true, ".data": true, ".bin": true, ".cache": true, "node_modules": true, "testdata": true,
}

const migrations = "internal/store/migrations"

// Load parses every Go file below the root and reads the migrations.
func Load(root fs.FS) (*Tree, error) {
	t := &Tree{SQL: map[string]string{}, fset: token.NewFileSet()}
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skipped[d.Name()] {
				return fs.SkipDir
			}
			return nil
		}
		switch {
		case strings.HasSuffix(p, ".go"):
			return t.addGo(root, p)
		case path.Dir(p) == migrations:
			content, err := fs.ReadFile(root, p)
			t.SQL[p] = string(content)
			return err
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("archtest: %w", err)
	}
	return t, nil
}

func (t *Tree) addGo(root fs.FS, p string) error {
	source, err := fs.ReadFile(root, p)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(t.fset, p, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	t.Files = append(t.Files, File{
		Path: p, Dir: path.Dir(p), Test: strings.HasSuffix(p, "_test.go"), Generated: ast.IsGenerated(parsed),
		Lines: bytes.Count(source, []byte("\n")), ast: parsed,
	})
	return nil
}

// imports calls fn with each import of a file: its path, the name it is used by, and its place.
func (t *Tree) imports(f File, fn func(target, name, where string)) {
	for _, spec := range f.ast.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has seen to it
		}
		name := path.Base(target)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		fn(target, name, t.place(spec.Pos()))
	}
}

func (t *Tree) place(pos token.Pos) string {
	p := t.fset.Position(pos)
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// within tells whether a folder or an import path lies in a room. A room that ends in "/..."
// has everything below it as well; "volcard/" may be left out.
func within(p, room string) bool {
	p = strings.TrimPrefix(p, Module+"/")
	if base, all := strings.CutSuffix(room, "/..."); all {
		return p == base || strings.HasPrefix(p, base+"/")
	}
	return p == room
}

func withinAny(p string, rooms []string) bool {
	for _, r := range rooms {
		if within(p, r) {
			return true
		}
	}
	return false
}
