package config

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// adder collects one fault. Its arguments must hold no secret.
type adder func(variable, format string, args ...any)

// checker is a part or a process that has rules beyond the types of its fields.
type checker interface{ check(add adder) }

// resolver is a part that takes settings from elsewhere too. It runs before the variables are parsed and may
// set those that are not set.
type resolver interface {
	resolve(vars map[string]string, add adder)
}

// resolve walks the parts of a settings struct, which is addressable.
func resolve(v reflect.Value, vars map[string]string, add adder) {
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Struct && f.NumField() > 0 && f.CanInterface() {
			resolve(f, vars, add)
		}
	}
	if r, ok := v.Addr().Interface().(resolver); ok {
		r.resolve(vars, add)
	}
}

// check walks the parts of a settings struct and collects the faults of all of them.
func check(v reflect.Value, add adder) {
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Struct && f.NumField() > 0 && f.CanInterface() {
			check(f, add)
		}
	}
	if c, ok := v.Interface().(checker); ok {
		c.check(add)
	}
}

const minIndexKey = 32

// Keys returns the vault's keys as internal/vault takes them.
func (v Vault) Keys() (keysetJSON, indexKey []byte) {
	key, err := base64.StdEncoding.DecodeString(v.IndexKey.Reveal())
	if err != nil {
		return nil, nil
	}
	return []byte(v.Keyset.Reveal()), key
}

func (v Vault) check(add adder) {
	if !json.Valid([]byte(v.Keyset.Reveal())) {
		add("VOLCARD_VAULT_KEYSET", "is no JSON: `volcard admin keys` makes a key set")
	}
	key, err := base64.StdEncoding.DecodeString(v.IndexKey.Reveal())
	switch {
	case err != nil:
		add("VOLCARD_VAULT_INDEX_KEY", "is no base64")
	case len(key) < minIndexKey:
		add("VOLCARD_VAULT_INDEX_KEY", "has %d bytes; it needs %d or more", len(key), minIndexKey)
	}
}

// checkDatabase checks a URL. Of several hosts the driver takes the first that answers, a standby too, so
// the URL must say which one is meant; wanted are the words for it.
func checkDatabase(variable string, s Secret, add adder, wanted ...string) {
	// The parser's error repeats the URL, password included, so it is not passed on.
	c, err := pgconn.ParseConfig(s.Reveal())
	if err != nil {
		add(variable, "is no PostgreSQL URL, as in postgres://role:password@host:5432/database")
		return
	}
	several := slices.ContainsFunc(c.Fallbacks, func(f *pgconn.FallbackConfig) bool { return f.Host != c.Host || f.Port != c.Port })
	attrs := sessionAttrs.FindStringSubmatch(s.Reveal())
	switch {
	case attrs == nil && several:
		add(variable, "names several hosts: add target_session_attrs=%s", wanted[0])
	case attrs != nil && !slices.Contains(wanted, attrs[1]):
		add(variable, "target_session_attrs=%s would not do: %s", attrs[1], strings.Join(wanted, " or "))
	}
}

var sessionAttrs = regexp.MustCompile(`target_session_attrs\s*=\s*'?([a-z-]*)`)

func (d Database) check(add adder) {
	checkDatabase("VOLCARD_DATABASE_URL", d.URL, add, "read-write", "primary")
	// Three is what one submission needs beside the dispatcher and a health check.
	between(add, "VOLCARD_DATABASE_MAX_CONNS", int64(d.MaxConns), 3, 1000)
}

func (d OwnerDatabase) check(add adder) {
	checkDatabase("VOLCARD_DATABASE_OWNER_URL", d.URL, add, "read-write", "primary")
}

// The auditor's role writes nowhere, so that it finds no server that is read-write.
func (d AuditDatabase) check(add adder) {
	checkDatabase("VOLCARD_DATABASE_AUDIT_URL", d.URL, add, "primary", "prefer-standby", "standby", "any")
}

func (t Temporal) check(add adder) {
	checkHostPort("VOLCARD_TEMPORAL_ADDRESS", t.Address, add)
}

func (m Metrics) check(add adder) {
	if m.Addr != "" {
		checkHostPort("VOLCARD_METRICS_ADDR", m.Addr, add)
	}
}

func checkHostPort(variable, addr string, add adder) {
	if !hostPort(addr) {
		add(variable, "%q is no host:port", addr)
	}
}

func hostPort(addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	return err == nil
}

func (l Log) check(add adder) {
	oneOf(add, "VOLCARD_LOG_LEVEL", l.Level, "debug", "info", "warn", "error")
	oneOf(add, "VOLCARD_LOG_FORMAT", l.Format, "json", "text")
}

func (p Public) check(add adder) {
	u, err := url.Parse(p.BaseURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		add("VOLCARD_BASE_URL", "%q is no http address", p.BaseURL)
		return
	}
	if u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		add("VOLCARD_BASE_URL", "must be scheme and host only, without a path or a slash at the end")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		add("VOLCARD_BASE_URL", "must be https: login cookies travel over https only, except on this machine")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || (ip != nil && ip.IsLoopback())
}

func (h HTTP) check(add adder) {
	between(add, "PORT", int64(h.Port), 0, 65535)
	for _, d := range []struct {
		variable string
		value    time.Duration
	}{
		{"VOLCARD_HTTP_READ_HEADER_TIMEOUT", h.ReadHeaderTimeout},
		{"VOLCARD_HTTP_READ_TIMEOUT", h.ReadTimeout},
		{"VOLCARD_HTTP_WRITE_TIMEOUT", h.WriteTimeout},
		{"VOLCARD_HTTP_IDLE_TIMEOUT", h.IdleTimeout},
		{"VOLCARD_HTTP_SHUTDOWN_GRACE", h.ShutdownGrace},
	} {
		within(add, d.variable, d.value, time.Second, 10*time.Minute)
	}
	between(add, "VOLCARD_HTTP_MAX_HEADER_BYTES", int64(h.MaxHeaderBytes), 4<<10, 1<<20)
	between(add, "VOLCARD_HTTP_MAX_BODY_BYTES", h.MaxBodyBytes, 16<<10, 16<<20)
}

func (a Admission) check(add adder) {
	for _, d := range []struct {
		variable string
		value    int
	}{
		{"VOLCARD_LOAD_PAGES", a.Pages},
		{"VOLCARD_LOAD_LOGINS", a.Logins},
		{"VOLCARD_LOAD_SUBMISSIONS", a.Submissions},
		{"VOLCARD_LOAD_DECISIONS", a.Decisions},
		{"VOLCARD_LOAD_UPLOADS", a.Uploads},
	} {
		between(add, d.variable, int64(d.value), 0, 10_000)
	}
	within(add, "VOLCARD_DATABASE_CONNECTION_TIMEOUT", a.Connection, 100*time.Millisecond, time.Minute)
	within(add, "VOLCARD_DATABASE_STATEMENT_TIMEOUT", a.Statement, time.Second, time.Minute)
}

func (c Cards) check(add adder) {
	const day = 24 * time.Hour
	// A minute lets a test or a demonstration see the end of the period.
	within(add, "VOLCARD_PICKUP_PERIOD", c.PickupPeriod, time.Minute, 400*day)
	within(add, "VOLCARD_LAPSED_PERIOD", c.LapsedPeriod, time.Minute, 4000*day)
	within(add, "VOLCARD_UNDO_WINDOW", c.UndoWindow, time.Minute, day)
	between(add, "VOLCARD_PROMISE_FROM", int64(c.PromiseFrom), 1, 60)
	between(add, "VOLCARD_PROMISE_UNTIL", int64(c.PromiseUntil), int64(c.PromiseFrom), 60)
	between(add, "VOLCARD_MEND_DAYS", int64(c.MendDays), 1, 60)
	between(add, "VOLCARD_BATCH_HOUR", int64(c.BatchHour), 0, 23)
	if c.Workday != 0 {
		within(add, "VOLCARD_WORKDAY", c.Workday, time.Second, day)
	}
	between(add, "VOLCARD_CARD_VALIDITY_YEARS", int64(c.ValidityYears), 1, 20)
	for _, r := range c.Reminders {
		within(add, "VOLCARD_PICKUP_REMINDERS", r, time.Second, 400*day)
	}
	if !slices.IsSorted(c.Reminders) {
		add("VOLCARD_PICKUP_REMINDERS", "must be in ascending order")
	}
}

func (c Contacts) check(add adder) {
	for _, line := range c.List {
		if strings.Count(line, "|") != 3 {
			add("VOLCARD_CONTACTS", "each contact has four parts: who|what for|person|phone; person and phone may be empty")
			return
		}
	}
}

func (s Sweep) check(add adder) {
	within(add, "VOLCARD_SWEEP_EVERY", s.Every, time.Second, time.Hour)
	within(add, "VOLCARD_SWEEP_AFTER", s.After, time.Second, time.Hour)
	within(add, "VOLCARD_PHOTO_RETENTION", s.Photo, time.Hour, 400*24*time.Hour)
}

func (s SMS) check(add adder) {
	oneOf(add, "VOLCARD_SMS_GATEWAY", s.Gateway, "outbox", "alibaba", "tencent")
	within(add, "VOLCARD_SMS_TIMEOUT", s.Timeout, time.Second, time.Minute)
	if s.Endpoint != "" {
		if u, err := url.Parse(s.Endpoint); err != nil || u.Host == "" || (u.Scheme != "https" && !loopback(u.Hostname())) {
			add("VOLCARD_SMS_ENDPOINT", "%q is no https address", s.Endpoint)
		}
	}
	if s.Gateway != "alibaba" && s.Gateway != "tencent" {
		return
	}
	needed := map[string]bool{
		"VOLCARD_SMS_KEY_ID":     s.KeyID == "",
		"VOLCARD_SMS_KEY_SECRET": s.KeySecret.Reveal() == "",
		"VOLCARD_SMS_SIGN_NAME":  s.SignName == "",
		"VOLCARD_SMS_TEMPLATES":  len(s.Templates) == 0,
	}
	if s.Gateway == "tencent" {
		needed["VOLCARD_SMS_TENCENT_APP_ID"] = s.TencentAppID == ""
	}
	for variable, missing := range needed {
		if missing {
			add(variable, "is required with the gateway %s", s.Gateway)
		}
	}
}

func (w Worker) check(add adder) { checkGateway(w.SMS, w.Demo, add) }

// checkGateway finds two mistakes that are silent otherwise: nobody gets a code, or a page shows real ones.
func checkGateway(s SMS, d Demo, add adder) {
	if s.Gateway == "outbox" && !d.On {
		add("VOLCARD_SMS_GATEWAY", "outbox sends nothing to anybody: set a real gateway, or VOLCARD_DEMO=true")
	}
	if s.Gateway != "outbox" && d.On {
		add("VOLCARD_DEMO", "shows fictional data and cannot be used with a real gateway")
	}
}

func (d Dev) check(add adder) {
	between(add, "PORT", int64(d.Port), 1, 65535)
	if info, err := os.Stat(d.Data); err == nil && !info.IsDir() {
		add("VOLCARD_DATA", "%q is a file, not a folder", d.Data)
	}
}

func between(add adder, variable string, n, least, most int64) {
	if n < least || n > most {
		add(variable, "%d is not between %d and %d", n, least, most)
	}
}

func within(add adder, variable string, d, least, most time.Duration) {
	if d < least || d > most {
		add(variable, "%v is not between %v and %v", d, least, most)
	}
}

func oneOf(add adder, variable, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		add(variable, "%q is none of %s", value, strings.Join(allowed, ", "))
	}
}
