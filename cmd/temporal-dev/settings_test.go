package main

import (
	"strings"
	"testing"
	"time"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestFlagsGoBeforeTheEnvironment(t *testing.T) {
	t.Parallel()
	s, err := parse([]string{"-port", "7000", "-time-skipping"}, env(
		"TEMPORAL_DEV_PORT", "7233", "TEMPORAL_DEV_UI_PORT", "8233", "TEMPORAL_DEV_BIND", "0.0.0.0",
		"TEMPORAL_DEV_DATABASE_HOST", "db", "TEMPORAL_DEV_RETENTION", "48h", "TEMPORAL_DEV_DATABASE_PASSWORD", "p w"))
	if err != nil {
		t.Fatal(err)
	}
	if s.port != 7000 || s.uiPort != 8233 || s.dbHost != "db" || s.retention != 48*time.Hour || !s.timeSkipping || s.dbPassword != "p w" {
		t.Errorf("got %+v", s)
	}
	if s.dialHost() != "127.0.0.1" {
		t.Errorf("a server on all addresses is asked on %s", s.dialHost())
	}
}

func TestMistakesAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		env  []string
		want string
	}{
		{args: []string{"-retention", "1h"}, want: "-retention"},
		{args: []string{"-bind", "localhost"}, want: "-bind"},
		{args: []string{"-health"}, want: "-port"},
		{args: []string{"-history-shards", "0"}, want: "-history-shards"},
		{env: []string{"TEMPORAL_DEV_HISTORY_SHARDS", "100000"}, want: "-history-shards"},
		{args: []string{"extra"}, want: `"extra"`},
		{env: []string{"TEMPORAL_DEV_PORT", "many"}, want: "TEMPORAL_DEV_PORT"},
	} {
		_, err := parse(c.args, env(c.env...))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v %v: got %v, want %q in it", c.args, c.env, err, c.want)
		}
	}
}

func TestSocketStaysOutOfTheAddress(t *testing.T) {
	t.Parallel()
	c := settings{dbHost: "/run/db", dbPort: 5433}.sqlConfig("temporal")
	if c.ConnectAddr != "" || c.ConnectAttributes["host"] != "/run/db" || c.ConnectAttributes["port"] != "5433" {
		t.Errorf("got %q %v", c.ConnectAddr, c.ConnectAttributes)
	}
	c = settings{dbHost: "db", dbPort: 5433}.sqlConfig("temporal")
	if c.ConnectAddr != "db:5433" || len(c.ConnectAttributes) > 0 {
		t.Errorf("got %q %v", c.ConnectAddr, c.ConnectAttributes)
	}
}
