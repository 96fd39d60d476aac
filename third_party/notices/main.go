// Command notices writes THIRD_PARTY_NOTICES.md: the assets of third_party/manifest.json and
// the Go modules of both programs, with version and licence. `make generate` runs it.
//
// With -texts it prints the licence texts of everything that the named binaries hold, for an
// image that ships them.
package main

import (
	"bytes"
	"cmp"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	noticesFile  = "THIRD_PARTY_NOTICES.md"
	manifestFile = "third_party/manifest.json"
)

// roots are the modules whose requirements are listed: the programs that are shipped.
var roots = []string{".", "cmd/temporal-dev"}

type asset struct {
	Name        string      `json:"name"`
	Version     string      `json:"version"`
	License     string      `json:"license"`
	LicenseFile string      `json:"license_file"`
	Files       []assetFile `json:"files"`
	Source      string      `json:"source"`
}

type assetFile struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

type module struct{ path, version, license string }

func main() {
	texts := flag.Bool("texts", false, "print the licence texts of the named binaries' contents")
	flag.Parse()
	var err error
	if *texts {
		err = printTexts(context.Background(), os.Stdout, flag.Args())
	} else {
		err = write(context.Background())
	}
	if err != nil {
		slog.Error("notices", "error", err)
		os.Exit(1)
	}
}

func write(ctx context.Context) error {
	assets, err := readManifest(manifestFile)
	if err != nil {
		return err
	}
	var all []module
	var unknown []error
	for _, root := range roots {
		required, err := requirements(filepath.Join(root, "go.mod"))
		if err != nil {
			return err
		}
		dirs, err := moduleDirs(ctx, root, required)
		if err != nil {
			return err
		}
		for _, m := range required {
			if m.license, err = licenseOf(dirs[m.path]); err != nil && unstated[m.path] == "" {
				unknown = append(unknown, fmt.Errorf("%s@%s: %w", m.path, m.version, err))
			}
			m.license = cmp.Or(m.license, unstated[m.path])
			all = append(all, m)
		}
	}
	if err := errors.Join(unknown...); err != nil {
		return err
	}
	return os.WriteFile(noticesFile, render(assets, all), 0o644) //nolint:gosec // a document for everybody
}

func readManifest(path string) ([]asset, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var assets []asset
	if err := d.Decode(&assets); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	slices.SortFunc(assets, func(a, b asset) int { return strings.Compare(a.Name, b.Name) })
	return assets, nil
}

var requirement = regexp.MustCompile(`(?m)^(?:require )?\s*([a-zA-Z0-9][^\s()]*\.[^\s()]+/?[^\s()]*) (v[0-9][^\s]*)`)

// requirements reads the modules of a go.mod, direct and indirect.
func requirements(path string) ([]module, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []module
	for _, m := range requirement.FindAllStringSubmatch(string(content), -1) {
		out = append(out, module{path: m[1], version: m[2]})
	}
	return out, nil
}

// moduleDirs fetches the modules and tells where they lie.
func moduleDirs(ctx context.Context, root string, modules []module) (map[string]string, error) {
	args := []string{"mod", "download", "-json"}
	for _, m := range modules {
		args = append(args, m.path+"@"+m.version)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go mod download: %w", err)
	}
	dirs := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct{ Path, Dir string }
		if err := d.Decode(&m); err == io.EOF {
			return dirs, nil
		} else if err != nil {
			return nil, fmt.Errorf("go mod download: %w", err)
		}
		dirs[m.Path] = m.Dir
	}
}

var licenseNames = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense|notice)([-._].*)?$`)

func licenseFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && licenseNames.MatchString(e.Name()) {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, nil
}

// kinds are the licences that we may ship, by words that their texts hold. The first match counts.
var kinds = []struct {
	name  string
	words []string
}{
	{"MPL-2.0", []string{"Mozilla Public License", "2.0"}},
	{"Apache-2.0", []string{"Apache License", "Version 2.0"}},
	{"Apache-2.0", []string{"www.apache.org/licenses/LICENSE-2.0"}},
	{"MIT", []string{"Permission is hereby granted, free of charge"}},
	{"BSD-3-Clause", []string{"Redistribution and use in source and binary forms", "endorse or promote"}},
	{"BSD-2-Clause", []string{"Redistribution and use in source and binary forms"}},
	{"ISC", []string{"Permission to use, copy, modify, and"}},
	{"Unlicense", []string{"free and unencumbered software released into the public domain"}},
	{"CC0-1.0", []string{"CC0 1.0 Universal"}},
}

// unstated are modules that come without a licence text, with what is known of them.
var unstated = map[string]string{
	"github.com/cactus/go-statsd-client/statsd":    "MIT, by its source headers and its repository",
	"github.com/nexus-rpc/nexus-proto-annotations": "none stated; required by go.temporal.io/api (MIT), of the same owner",
}

// licenseOf names the licence of the module in dir. One that it does not know is an error,
// so that a person looks before it is shipped.
func licenseOf(dir string) (string, error) {
	files, err := licenseFiles(dir)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		if name := classify(string(content)); name != "" {
			return name, nil
		}
	}
	return "", fmt.Errorf("no licence that we know among %v", files)
}

func classify(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, k := range kinds {
		if !slices.ContainsFunc(k.words, func(w string) bool { return !strings.Contains(text, w) }) {
			return k.name
		}
	}
	return ""
}

func render(assets []asset, modules []module) []byte {
	var b bytes.Buffer
	b.WriteString("# Third-party notices\n\n" +
		"<!-- Generated from third_party/manifest.json and the go.mod files by `make generate`; a test compares it. -->\n\n" +
		"volcard is under the Apache License 2.0 (LICENSE). It holds and uses the work of others:\n\n" +
		"## Files in this repository\n\n| what | version | licence | from | files (SHA-256) |\n| --- | --- | --- | --- | --- |\n")
	for _, a := range assets {
		var files []string
		for _, f := range a.Files {
			files = append(files, fmt.Sprintf("%s `%s`", f.Path, f.SHA256))
		}
		fmt.Fprintf(&b, "| %s | %s | [%s](%s) | %s | %s |\n", a.Name, a.Version, a.License, a.LicenseFile, a.Source, strings.Join(files, "<br>"))
	}
	b.WriteString("\n## Go modules\n\nTheir licence texts come with the modules; an image holds them in `/usr/share/doc/volcard`.\n\n" +
		"| module | version | licence |\n| --- | --- | --- |\n")
	slices.SortFunc(modules, func(a, b module) int {
		return strings.Compare(a.path+" "+a.version, b.path+" "+b.version)
	})
	for _, m := range slices.Compact(modules) {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", m.path, m.version, m.license)
	}
	return b.Bytes()
}

// printTexts prints the licence texts of the modules that the binaries were linked from.
func printTexts(ctx context.Context, w io.Writer, binaries []string) error {
	var linked []module
	for _, binary := range binaries {
		info, err := buildinfo.ReadFile(binary)
		if err != nil {
			return err
		}
		for _, d := range info.Deps {
			if d.Replace != nil {
				d = d.Replace
			}
			linked = append(linked, module{path: d.Path, version: d.Version})
		}
	}
	dirs, err := moduleDirs(ctx, ".", linked)
	if err != nil {
		return err
	}
	for _, m := range linked {
		files, err := licenseFiles(dirs[m.path])
		if err != nil {
			return err
		}
		for _, f := range files {
			content, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "==== %s %s: %s\n\n%s\n\n", m.path, m.version, filepath.Base(f), content); err != nil {
				return err
			}
		}
	}
	return nil
}
