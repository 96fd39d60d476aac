package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"volcard/internal/devstack"
	"volcard/internal/vault"
)

// secrets are the paths of the files that hold this demonstration's keys.
type secrets struct{ keyset, indexKey string }

// openSecrets makes the keys at the first start. Half a pair is refused: a new half would not
// open what was sealed with the old one.
func openSecrets(dir string) (secrets, error) {
	s := secrets{keyset: filepath.Join(dir, "vault_keyset.json"), indexKey: filepath.Join(dir, "vault_index_key")}
	_, keysetErr := os.Stat(s.keyset)
	_, indexErr := os.Stat(s.indexKey)
	if keysetErr == nil && indexErr == nil {
		return s, nil
	}
	if !errors.Is(keysetErr, os.ErrNotExist) || !errors.Is(indexErr, os.ErrNotExist) {
		return s, fmt.Errorf("%s is incomplete: restore it, or delete the whole data folder to start afresh", dir)
	}
	keyset, index, err := vault.Generate()
	if err != nil {
		return s, err
	}
	// The folder appears with both files in it or not at all.
	fresh := dir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return s, fmt.Errorf("secrets: %w", err)
	}
	if err := os.MkdirAll(fresh, 0o700); err != nil {
		return s, fmt.Errorf("secrets: %w", err)
	}
	for name, content := range map[string][]byte{
		filepath.Base(s.keyset):   keyset,
		filepath.Base(s.indexKey): []byte(base64.StdEncoding.EncodeToString(index) + "\n"),
	} {
		if err := os.WriteFile(filepath.Join(fresh, name), content, 0o600); err != nil {
			return s, fmt.Errorf("secrets: %w", err)
		}
	}
	if err := os.Rename(fresh, dir); err != nil {
		return s, fmt.Errorf("secrets: %w", err)
	}
	return s, nil
}

// environment is what the processes of this demonstration read.
type environment struct {
	given map[string]string // what stood in the environment already
	made  map[string]string // what only this start can know; it goes before the rest
}

func (d *dev) environment(environ []string, s secrets) environment {
	return makeEnvironment(environ, map[string]string{
		"PORT":                       strconv.Itoa(d.cfg.Port),
		"VOLCARD_DATABASE_URL":       d.postgres.AppURL(),
		"VOLCARD_DATABASE_OWNER_URL": d.postgres.OwnerURL(),
		"VOLCARD_DATABASE_AUDIT_URL": d.postgres.AuditURL(),
		"VOLCARD_TEMPORAL_ADDRESS":   d.temporal.Address(),
		"VOLCARD_TEMPORAL_NAMESPACE": devstack.Namespace,
		// For the operator's commands: their shell may be set up for another Temporal.
		"TEMPORAL_TLS": "false", "TEMPORAL_API_KEY": "", "TEMPORAL_CONFIG_FILE": "", "TEMPORAL_PROFILE": "",
		"VOLCARD_VAULT_KEYSET_FILE":    s.keyset,
		"VOLCARD_VAULT_INDEX_KEY_FILE": s.indexKey,
		"VOLCARD_DEMO":                 "true",
		"VOLCARD_SMS_GATEWAY":          "outbox",
		// Both processes are in this one: neither can have a fixed port.
		"VOLCARD_METRICS_ADDR": "127.0.0.1:0",
	})
}

func makeEnvironment(environ []string, made map[string]string) environment {
	e := environment{given: map[string]string{}, made: made}
	for _, kv := range environ {
		// A developer's shell may be set up for another Temporal, with a key that is not for this one.
		if name, value, ok := strings.Cut(kv, "="); ok && value != "" && !strings.HasPrefix(name, "TEMPORAL_") {
			e.given[name] = value
		}
	}
	// A secret is given itself or as a file, never both.
	for name := range made {
		delete(e.given, name+"_FILE")
		delete(e.given, strings.TrimSuffix(name, "_FILE"))
	}
	if e.given["VOLCARD_BASE_URL"] == "" {
		made["VOLCARD_BASE_URL"] = "http://localhost:" + made["PORT"]
	}
	return e
}

func (e environment) list() []string {
	all := maps.Clone(e.given)
	maps.Copy(all, e.made)
	var list []string
	for name, value := range all {
		list = append(list, name+"="+value)
	}
	return list
}

// write leaves the settings for an operator's commands: `set -a; . .data/env; .bin/volcard audit`.
func (e environment) write(path string) error {
	var b bytes.Buffer
	b.WriteString("# Written at each start of volcard dev. For an operator's commands meanwhile:\n" +
		"#   (set -a; . " + relative(path) + "; .bin/volcard audit)\n")
	for _, name := range slices.Sorted(maps.Keys(e.made)) {
		fmt.Fprintf(&b, "%s='%s'\n", name, strings.ReplaceAll(e.made[name], "'", `'\''`))
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return nil
}
