package archtest

import (
	"fmt"
	"go/ast"
	"strings"
)

// Beyond these limits a file, a folder or a type has come to hold more than one area in every code base that we looked at.
const (
	maxLines   = 500
	maxFiles   = 20
	maxMethods = 20
)

const splitReason = "split by area before it is large"

// Sizes checks files, folders and types. Tests and generated code may be longer.
func (t *Tree) Sizes() []Violation {
	var out []Violation
	files := map[string]int{}
	methods := map[string]int{}
	for _, f := range t.Files {
		if f.Test || f.Generated {
			continue
		}
		if f.Lines > maxLines {
			out = append(out, Violation{f.Path, fmt.Sprintf("has %d lines, more than %d", f.Lines, maxLines), splitReason})
		}
		files[f.Dir]++
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil {
				methods[f.Dir+"."+receiver(fn)]++
			}
		}
	}
	for dir, n := range files {
		if n > maxFiles {
			out = append(out, Violation{dir, fmt.Sprintf("has %d Go files, more than %d", n, maxFiles), splitReason})
		}
	}
	for typ, n := range methods {
		if n > maxMethods {
			out = append(out, Violation{typ, fmt.Sprintf("has %d methods, more than %d", n, maxMethods), splitReason})
		}
	}
	return out
}

func receiver(fn *ast.FuncDecl) string {
	expr := fn.Recv.List[0].Type
	for {
		switch x := expr.(type) {
		case *ast.StarExpr:
			expr = x.X
		case *ast.IndexExpr:
			expr = x.X
		case *ast.IndexListExpr:
			expr = x.X
		case *ast.Ident:
			return x.Name
		default:
			return "?"
		}
	}
}

// Leftovers finds what was put off.
func (t *Tree) Leftovers() []Violation {
	var out []Violation
	for _, f := range t.Files {
		for _, group := range f.ast.Comments {
			for _, c := range group.List {
				for _, word := range []string{"TODO", "FIXME", "XXX"} {
					if strings.Contains(c.Text, word+":") || strings.Contains(c.Text, word+"(") || strings.HasPrefix(strings.Trim(c.Text, "/* \t"), word+" ") {
						out = append(out, Violation{t.place(c.Pos()), word + " in a comment", "what is not done is an issue, not a comment"})
					}
				}
			}
		}
	}
	return out
}
