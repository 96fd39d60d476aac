package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vendored are the folders whose every file is somebody else's work. Go files in them are ours.
var vendored = []string{"templates/static/vendor", "internal/render/fonts"}

func manifest(t *testing.T, root string) []asset {
	t.Helper()
	assets, err := readManifest(filepath.Join(root, manifestFile))
	require.NoError(t, err)
	return assets
}

// problems compares a manifest with the files below root.
func problems(root string, assets []asset) []string {
	var out []string
	listed := map[string]bool{}
	for _, a := range assets {
		for field, v := range map[string]string{"name": a.Name, "version": a.Version, "license": a.License, "source": a.Source} {
			if v == "" {
				out = append(out, a.Name+" has no "+field)
			}
		}
		if text, err := os.ReadFile(filepath.Join(root, a.LicenseFile)); err != nil || len(text) < 200 {
			out = append(out, a.Name+" has no licence text "+a.LicenseFile)
		}
		if len(a.Files) == 0 {
			out = append(out, a.Name+" has no files")
		}
		for _, f := range a.Files {
			if listed[f.Path] {
				out = append(out, f.Path+" is listed twice")
			}
			listed[f.Path] = true
			content, err := os.ReadFile(filepath.Join(root, f.Path))
			if err != nil {
				out = append(out, f.Path+" does not exist")
				continue
			}
			if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != f.SHA256 {
				out = append(out, f.Path+" has the SHA-256 "+hex.EncodeToString(sum[:]))
			}
		}
	}
	for _, dir := range vendored {
		_ = filepath.WalkDir(filepath.Join(root, dir), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(p, ".go") || d.Name() == "README.md" {
				return nil // a folder that does not exist holds nothing
			}
			if rel, _ := filepath.Rel(root, p); !listed[filepath.ToSlash(rel)] {
				out = append(out, filepath.ToSlash(rel)+" is not listed")
			}
			return nil
		})
	}
	return out
}

func TestManifestIsUpToDate(t *testing.T) {
	t.Parallel()
	assert.Empty(t, problems("../..", manifest(t, "../..")))
}

func TestPlantedProblems(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(name, content string) {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	write("templates/static/vendor/a.css", "a")
	write("templates/static/vendor/b.css", "b")
	write("internal/render/fonts/fonts.go", "package fonts")
	write("licenses/a.txt", strings.Repeat("licence ", 50))
	good := asset{
		Name: "a", Version: "1", License: "MIT", LicenseFile: "licenses/a.txt", Source: "npm: a@1",
		Files: []assetFile{{"templates/static/vendor/a.css", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}},
	}
	assert.Equal(t, []string{"templates/static/vendor/b.css is not listed"}, problems(root, []asset{good}))
	bad := good
	bad.Version, bad.LicenseFile = "", "licenses/b.txt"
	bad.Files = []assetFile{{"templates/static/vendor/b.css", "00"}, {"templates/static/vendor/c.css", ""}, {"templates/static/vendor/c.css", ""}}
	got := strings.Join(problems(root, []asset{good, bad}), "\n")
	for _, want := range []string{"a has no version", "no licence text licenses/b.txt", "b.css has the SHA-256 3e23", "c.css does not exist", "c.css is listed twice"} {
		assert.Contains(t, got, want)
	}
}

// The document is compared without asking the module cache: the licences stand in it.
func TestNoticesAreUpToDate(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join("../..", noticesFile))
	require.NoError(t, err)
	licenses := map[string]string{}
	for line := range strings.Lines(string(content)) {
		if cells := strings.Split(strings.Trim(line, "| \n"), " | "); len(cells) == 3 {
			licenses[cells[0]+" "+cells[1]] = cells[2]
		}
	}
	var all []module
	for _, root := range roots {
		required, err := requirements(filepath.Join("../..", root, "go.mod"))
		require.NoError(t, err)
		require.NotEmpty(t, required)
		for _, m := range required {
			m.license = licenses[m.path+" "+m.version]
			all = append(all, m)
		}
	}
	assert.Equal(t, string(render(manifest(t, "../.."), all)), string(content), "run `make generate`")
}

func TestRequirements(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "go.mod")
	require.NoError(t, os.WriteFile(path, []byte("module x\n\ngo 1.26.0\n\nrequire a.b/c v1.2.3\n\nrequire (\n\td.e/f/v2 v2.0.0-20200617195104-da1b6568686e // indirect\n\t// x.y/z v1.0.0\n)\n"), 0o600))
	got, err := requirements(path)
	require.NoError(t, err)
	assert.Equal(t, []module{{path: "a.b/c", version: "v1.2.3"}, {path: "d.e/f/v2", version: "v2.0.0-20200617195104-da1b6568686e"}}, got)
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Permission is hereby granted,\nfree of charge, to any person": "MIT",
		"Apache License\n Version 2.0, January 2004":                   "Apache-2.0",
		"Redistribution and use in source and binary forms":            "BSD-2-Clause",
		"GNU LESSER GENERAL PUBLIC LICENSE Version 3":                  "",
		"All rights reserved.":                                         "",
	} {
		assert.Equal(t, want, classify(text), text)
	}
	names := []string{"LICENSE", "LICENSE.md", "LICENCE.txt", "COPYING", "license-mit"}
	assert.False(t, slices.ContainsFunc(names, func(n string) bool { return !licenseNames.MatchString(n) }))
	assert.False(t, licenseNames.MatchString("licenses.go"))
}
