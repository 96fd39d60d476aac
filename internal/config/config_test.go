package config_test

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"volcard/internal/config"
)

var update = flag.Bool("update", false, "write docs/config.md instead of comparing it")

const password = "hunter2-of-the-test"

// complete is an environment with which every process starts.
func complete() map[string]string {
	return map[string]string{
		"VOLCARD_DATABASE_URL":       "postgres://volcard_app:" + password + "@localhost/volcard",
		"VOLCARD_DATABASE_OWNER_URL": "postgres://volcard_owner:" + password + "@localhost/volcard",
		"VOLCARD_DATABASE_AUDIT_URL": "postgres://volcard_audit:" + password + "@localhost/volcard",
		"VOLCARD_VAULT_KEYSET":       `{"primaryKeyId": 1, "` + password + `": 0}`,
		"VOLCARD_VAULT_INDEX_KEY":    base64.StdEncoding.EncodeToString([]byte(strings.Repeat(password, 2))),
		"VOLCARD_DEMO":               "true",
	}
}

func environ(vars map[string]string, more ...string) []string {
	out := []string{"PATH=/bin", "HOME=/"}
	for k, v := range vars {
		out = append(out, k+"="+v)
	}
	return append(out, more...)
}

func faultsOf(t *testing.T, err error) map[string]string {
	t.Helper()
	var faults config.Faults
	require.ErrorAs(t, err, &faults)
	out := map[string]string{}
	for _, f := range faults {
		out[f.Variable] += f.Problem
	}
	return out
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	api, err := config.Load[config.API](environ(complete()))
	require.NoError(t, err)
	const day = 24 * time.Hour
	assert.Equal(t, 30*day, api.Cards.PickupPeriod)
	assert.Equal(t, []time.Duration{7 * day, 23 * day, 28 * day}, api.Cards.Reminders)
	assert.Equal(t, 180*day, api.Cards.LapsedPeriod)
	assert.Equal(t, 10*time.Minute, api.Cards.UndoWindow)
	assert.Equal(t, 8080, api.HTTP.Port)
	assert.Equal(t, "localhost:8080", api.HTTP.Public.URL().Host)
	keyset, index := api.Vault.Keys()
	assert.Equal(t, complete()["VOLCARD_VAULT_KEYSET"], string(keyset))
	assert.Equal(t, strings.Repeat(password, 2), string(index))

	// make run works in an empty environment.
	dev, err := config.Load[config.Dev](nil)
	require.NoError(t, err)
	assert.Equal(t, ".data", dev.Data)
}

// A health check needs none of the settings that its process cannot do without.
func TestMetricsAddr(t *testing.T) {
	t.Parallel()
	addr, err := config.MetricsAddr([]string{"VOLCARD_METRICS_ADDR=0.0.0.0:9191"})
	require.NoError(t, err)
	assert.Equal(t, "0.0.0.0:9191", addr)
	_, err = config.MetricsAddr([]string{"VOLCARD_METRICS_ADDR=here"})
	assert.Contains(t, faultsOf(t, err)["VOLCARD_METRICS_ADDR"], "no host:port")
}

func TestValues(t *testing.T) {
	t.Parallel()
	api, err := config.Load[config.API](environ(complete(),
		"PORT=9000",
		"VOLCARD_PICKUP_PERIOD=20d",
		"VOLCARD_LOG_LEVEL=", // empty means the default
		"VOLCARD_HTTP_TRUSTED_PROXIES=10.0.0.0/8,fd00::/8",
		"VOLCARD_SMS_TEMPLATES=code=SMS_1,card_ready=SMS_2",
		"VOLCARD_BASE_URL=https://card.example.cn"))
	require.NoError(t, err)
	assert.Equal(t, 9000, api.HTTP.Port)
	assert.Equal(t, 20*24*time.Hour, api.Cards.PickupPeriod)
	assert.Equal(t, []time.Duration{7 * 24 * time.Hour}, api.Cards.RemindersWithin())
	assert.Equal(t, "info", api.Log.Level)
	require.Len(t, api.HTTP.TrustedProxies, 2)
	assert.Equal(t, "fd00::/8", api.HTTP.TrustedProxies[1].String())

	worker, err := config.Load[config.Worker](environ(complete(), "VOLCARD_SMS_TEMPLATES=code=SMS_1,card_ready=SMS_2"))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"code": "SMS_1", "card_ready": "SMS_2"}, worker.SMS.Templates)
}

// All faults come at once: missing, of the wrong type, against a rule, misspelt.
func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Load[config.API]([]string{
		"VOLCARD_DATABASE_MAX_CONNS=many",
		"VOLCARD_PICKUP_PERIOD=a month",
		"VOLCARD_HTTP_TRUSTED_PROXIES=10.0.0.1",
		"VOLCARD_DEMO=perhaps",
		"VOLCARD_PICKUP_PEROID=20d",
		"VOLCARD_TEST_DATABASE=postgres://",
	})
	faults := faultsOf(t, err)
	assert.Contains(t, faults["VOLCARD_DATABASE_URL"], "required")
	assert.Contains(t, faults["VOLCARD_VAULT_KEYSET"], "VOLCARD_VAULT_KEYSET_FILE")
	assert.Contains(t, faults["VOLCARD_VAULT_INDEX_KEY"], "required")
	assert.Contains(t, faults["VOLCARD_DATABASE_MAX_CONNS"], `"many" is no number`)
	assert.Contains(t, faults["VOLCARD_PICKUP_PERIOD"], "no duration")
	assert.Contains(t, faults["VOLCARD_HTTP_TRUSTED_PROXIES"], "10.0.0.1")
	assert.Contains(t, faults["VOLCARD_DEMO"], "perhaps")
	assert.Contains(t, faults["VOLCARD_PICKUP_PEROID"], "did you mean VOLCARD_PICKUP_PERIOD?")
	assert.Len(t, faults, 8)
	assert.Contains(t, err.Error(), "8 setting(s) are wrong")
}

func TestRules(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		set, variable, problem string
	}{
		{"PORT=70000", "PORT", "not between"},
		{"VOLCARD_DATABASE_URL=mysql://x", "VOLCARD_DATABASE_URL", "no PostgreSQL URL"},
		{"VOLCARD_DATABASE_MAX_CONNS=1", "VOLCARD_DATABASE_MAX_CONNS", "not between 3"},
		{"VOLCARD_TEMPORAL_ADDRESS=temporal", "VOLCARD_TEMPORAL_ADDRESS", "no host:port"},
		{"VOLCARD_METRICS_ADDR=:port", "VOLCARD_METRICS_ADDR", "no host:port"},
		{"VOLCARD_VAULT_KEYSET=not json", "VOLCARD_VAULT_KEYSET", "no JSON"},
		{"VOLCARD_VAULT_INDEX_KEY=c2hvcnQ=", "VOLCARD_VAULT_INDEX_KEY", "has 5 bytes"},
		{"VOLCARD_VAULT_INDEX_KEY=%%%", "VOLCARD_VAULT_INDEX_KEY", "no base64"},
		{"VOLCARD_BASE_URL=http://card.example.cn", "VOLCARD_BASE_URL", "must be https"},
		{"VOLCARD_BASE_URL=https://card.example.cn/", "VOLCARD_BASE_URL", "without a path"},
		{"VOLCARD_BASE_URL=card.example.cn", "VOLCARD_BASE_URL", "no http address"},
		{"VOLCARD_LOG_LEVEL=loud", "VOLCARD_LOG_LEVEL", "none of debug, info, warn, error"},
		{"VOLCARD_LOG_FORMAT=xml", "VOLCARD_LOG_FORMAT", "none of json, text"},
		{"VOLCARD_CODES_PER_NETWORK=60/1m,many", "VOLCARD_CODES_PER_NETWORK", "as in 60/1m"},
		{"VOLCARD_HTTP_READ_TIMEOUT=0s", "VOLCARD_HTTP_READ_TIMEOUT", "not between"},
		{"VOLCARD_HTTP_MAX_BODY_BYTES=1", "VOLCARD_HTTP_MAX_BODY_BYTES", "not between"},
		{"VOLCARD_LOAD_PAGES=-1", "VOLCARD_LOAD_PAGES", "not between 0"},
		{"VOLCARD_DATABASE_CONNECTION_TIMEOUT=1ms", "VOLCARD_DATABASE_CONNECTION_TIMEOUT", "not between"},
		{"VOLCARD_DATABASE_STATEMENT_TIMEOUT=1h", "VOLCARD_DATABASE_STATEMENT_TIMEOUT", "not between"},
		{"VOLCARD_PICKUP_PERIOD=-3d", "VOLCARD_PICKUP_PERIOD", "not between"},
		{"VOLCARD_PICKUP_PERIOD=1.5d", "VOLCARD_PICKUP_PERIOD", "no number of days"},
		{"VOLCARD_PICKUP_REMINDERS=7d,3d", "VOLCARD_PICKUP_REMINDERS", "ascending"},
		{"VOLCARD_PICKUP_REMINDERS=7d,soon", "VOLCARD_PICKUP_REMINDERS", "no duration"},
		{"VOLCARD_CARD_VALIDITY_YEARS=0", "VOLCARD_CARD_VALIDITY_YEARS", "not between 1 and 20"},
	} {
		t.Run(tt.set, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load[config.API](environ(complete(), tt.set))
			faults := faultsOf(t, err)
			assert.Contains(t, faults[tt.variable], tt.problem)
			assert.Len(t, faults, 1)
		})
	}
}

// Of several servers the one that is meant is said. The auditor's role is read-only on each of them.
func TestSeveralDatabaseHosts(t *testing.T) {
	t.Parallel()
	const hosts = "postgres://r:" + password + "@a:5432,b:5433/volcard"
	for _, tt := range []struct{ set, problem string }{
		{"VOLCARD_DATABASE_URL=" + hosts + "?target_session_attrs=read-write", ""},
		{"VOLCARD_DATABASE_URL=" + hosts + "?sslmode=disable&target_session_attrs=primary&connect_timeout=2", ""},
		{"VOLCARD_DATABASE_URL=host=a,b user=r password=" + password + " target_session_attrs='read-write'", ""},
		{"VOLCARD_DATABASE_URL=postgres://r@/volcard?host=/run/a,/run/b&target_session_attrs=read-write", ""},
		{"VOLCARD_DATABASE_URL=" + hosts, "names several hosts: add target_session_attrs=read-write"},
		{"VOLCARD_DATABASE_URL=" + hosts + "?target_session_attrs=any", "would not do: read-write or primary"},
		{"VOLCARD_DATABASE_URL=postgres://r@a/volcard?target_session_attrs=standby", "would not do"},
		{"VOLCARD_DATABASE_URL=postgres://r@a/volcard?sslmode=prefer", ""}, // twice the same host
		{"VOLCARD_DATABASE_URL=" + hosts + "?target_session_attrs=primaty", "no PostgreSQL URL"},
		{"VOLCARD_DATABASE_AUDIT_URL=" + hosts, "add target_session_attrs=primary"},
		{"VOLCARD_DATABASE_AUDIT_URL=" + hosts + "?target_session_attrs=read-write", "would not do: primary or"},
		{"VOLCARD_DATABASE_AUDIT_URL=" + hosts + "?target_session_attrs=primary", ""},
	} {
		_, err := config.Load[config.Worker](environ(complete(), tt.set))
		if tt.problem == "" {
			assert.NoError(t, err, tt.set)
			continue
		}
		variable, _, _ := strings.Cut(tt.set, "=")
		assert.Contains(t, faultsOf(t, err)[variable], tt.problem, tt.set)
		assert.NotContains(t, err.Error(), password)
	}
}

func TestGatewayRules(t *testing.T) {
	t.Parallel()
	load := func(vars ...string) map[string]string {
		_, err := config.Load[config.Worker](environ(complete(), vars...))
		if err == nil {
			return nil
		}
		return faultsOf(t, err)
	}
	assert.Empty(t, load())
	assert.Contains(t, load("VOLCARD_DEMO=false")["VOLCARD_SMS_GATEWAY"], "sends nothing to anybody")
	assert.Contains(t, load("VOLCARD_SMS_GATEWAY=pigeon")["VOLCARD_SMS_GATEWAY"], "none of outbox, alibaba, tencent")
	assert.Contains(t, load("VOLCARD_SMS_GATEWAY=alibaba")["VOLCARD_DEMO"], "cannot be used with a real gateway")
	tencent := load("VOLCARD_DEMO=false", "VOLCARD_SMS_GATEWAY=tencent")
	for _, v := range []string{"KEY_ID", "KEY_SECRET", "SIGN_NAME", "TEMPLATES", "TENCENT_APP_ID"} {
		assert.Contains(t, tencent["VOLCARD_SMS_"+v], "required with the gateway tencent")
	}
	assert.Empty(t, load("VOLCARD_DEMO=false", "VOLCARD_SMS_GATEWAY=alibaba", "VOLCARD_SMS_KEY_ID=i",
		"VOLCARD_SMS_KEY_SECRET=s", "VOLCARD_SMS_SIGN_NAME=n", "VOLCARD_SMS_TEMPLATES=code=1"))
	assert.Contains(t, load("VOLCARD_SMS_ENDPOINT=http://gateway.example.cn")["VOLCARD_SMS_ENDPOINT"], "no https")
}

func TestSecretFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	vars := complete()
	want := vars["VOLCARD_DATABASE_URL"]
	delete(vars, "VOLCARD_DATABASE_URL")
	api, err := config.Load[config.API](environ(vars, "VOLCARD_DATABASE_URL_FILE="+write("url", want+"\n")))
	require.NoError(t, err)
	assert.Equal(t, want, api.Database.URL.Reveal())

	_, err = config.Load[config.API](environ(vars, "VOLCARD_DATABASE_URL_FILE="+filepath.Join(dir, "none")))
	assert.Contains(t, faultsOf(t, err)["VOLCARD_DATABASE_URL_FILE"], "no such file")
	_, err = config.Load[config.API](environ(vars, "VOLCARD_DATABASE_URL_FILE="+write("empty", " \n")))
	assert.Contains(t, faultsOf(t, err)["VOLCARD_DATABASE_URL_FILE"], "is empty")
	_, err = config.Load[config.API](environ(complete(), "VOLCARD_DATABASE_URL_FILE="+write("url", want)))
	assert.Contains(t, faultsOf(t, err)["VOLCARD_DATABASE_URL"], "set one of them")
	// Only secrets have a file variant.
	_, err = config.Load[config.API](environ(complete(), "VOLCARD_LOG_LEVEL_FILE=x"))
	assert.Contains(t, faultsOf(t, err)["VOLCARD_LOG_LEVEL_FILE"], "no such setting")
}

// No way of printing the settings, and no fault, shows a secret.
func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	api, err := config.Load[config.API](environ(complete()))
	require.NoError(t, err)
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb, api)
		fmt.Fprintf(&shown, verb, api.Database.URL)
	}
	shown.WriteString(api.Vault.IndexKey.String())
	asJSON, err := json.Marshal(api)
	require.NoError(t, err)
	shown.Write(asJSON)
	for _, h := range []slog.Handler{slog.NewJSONHandler(&shown, nil), slog.NewTextHandler(&shown, nil)} {
		slog.New(h).Info("start", "config", api, "url", api.Database.URL)
	}
	for _, vars := range []string{
		"VOLCARD_DATABASE_URL=postgres://a:" + password + "@h:port/x",
		"VOLCARD_VAULT_KEYSET=" + password,
		"VOLCARD_VAULT_INDEX_KEY=" + password,
	} {
		_, err := config.Load[config.API](environ(complete(), vars))
		require.Error(t, err)
		shown.WriteString(err.Error())
	}
	for _, secret := range []string{password, fmt.Sprintf("%x", password), base64.StdEncoding.EncodeToString([]byte(password))[:20]} {
		assert.NotContains(t, shown.String(), secret)
	}
	assert.Contains(t, shown.String(), "[secret]")
}

// An error names the field, and we name the variable by the field's name and type.
func TestFieldsCanBeTold(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			variable := strings.Split(f.Tag.Get("env"), ",")[0]
			switch {
			case f.Name == "_":
				assert.NotEmpty(t, f.Tag.Get("doc"), typ.Name())
			case !f.IsExported():
			case variable == "":
				walk(f.Type)
			default:
				assert.NotEmpty(t, f.Tag.Get("doc"), variable)
				assert.True(t, variable == "PORT" || strings.HasPrefix(variable, "VOLCARD_") || strings.HasPrefix(variable, "TEMPORAL_"), variable)
				// Texts and secrets always parse, so they may share a name.
				if f.Type.Kind() != reflect.String {
					key := f.Name + " " + f.Type.String()
					if seen[key] != "" {
						assert.Equal(t, seen[key], variable, "two settings with the field %s", key)
					}
					seen[key] = variable
				}
			}
		}
	}
	for _, p := range []any{config.API{}, config.Worker{}, config.Migrate{}, config.Audit{}, config.Admin{}, config.Dev{}} {
		walk(reflect.TypeOf(p))
	}
}

func TestDocumentIsUpToDate(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "config.md")
	want := config.Document()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, want, 0o644))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "run `make generate`")
	for _, name := range config.Known() {
		// A secret's row stands for its file too.
		if secret := strings.TrimSuffix(name, "_FILE"); slices.Contains(config.Known(), secret) {
			name = secret
		}
		assert.Contains(t, string(got), "`"+name+"`")
	}
}
