// Package deploy checks the files of a deployment against the program: no engine is needed to
// see that a variable is misspelt, a secret is missing or a dependency points nowhere.
package deploy

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"volcard/api/applicant/regular"
	"volcard/internal/config"
	"volcard/internal/store/placestore"
)

type compose struct {
	Services map[string]service        `yaml:"services"`
	Networks map[string]network        `yaml:"networks"`
	Volumes  map[string]any            `yaml:"volumes"`
	Secrets  map[string]map[string]any `yaml:"secrets"`
}

type network struct {
	Internal bool `yaml:"internal"`
	IPAM     struct {
		Config []struct {
			Subnet string `yaml:"subnet"`
		} `yaml:"config"`
	} `yaml:"ipam"`
}

type service struct {
	Image       string            `yaml:"image"`
	Build       map[string]string `yaml:"build"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Secrets     []string          `yaml:"secrets"`
	Networks    []string          `yaml:"networks"`
	Volumes     []string          `yaml:"volumes"`
	Ports       []string          `yaml:"ports"`
	Profiles    []string          `yaml:"profiles"`
	Restart     string            `yaml:"restart"`
	DependsOn   map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Healthcheck struct {
		Test    []string `yaml:"test"`
		Disable bool     `yaml:"disable"`
	} `yaml:"healthcheck"`
	ReadOnly bool     `yaml:"read_only"`
	CapDrop  []string `yaml:"cap_drop"`
	Memory   string   `yaml:"mem_limit"`
	PIDs     int      `yaml:"pids_limit"`
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", name))
	require.NoError(t, err)
	return string(content)
}

func load(t *testing.T) compose {
	t.Helper()
	return loadAll(t, "docker-compose.yml")
}

// loadAll merges files as Compose does when it is given several.
func loadAll(t *testing.T, files ...string) compose {
	t.Helper()
	var merged any
	for _, file := range files {
		var node yaml.Node
		require.NoError(t, yaml.Unmarshal([]byte(read(t, file)), &node))
		merged = merge("", merged, plain(t, node.Content[0]))
	}
	text, err := yaml.Marshal(merged)
	require.NoError(t, err)
	var c compose
	require.NoError(t, yaml.Unmarshal(text, &c))
	return c
}

// reset and override are what Compose's tags of these names say about a value.
type (
	reset    struct{}
	override struct{ value any }
)

// plain turns a node into values, its tags into reset and override.
func plain(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Tag {
	case "!reset":
		return reset{}
	case "!override":
		bare := *n
		bare.Tag = ""
		return override{plain(t, &bare)}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return plain(t, n.Alias)
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, plain(t, item))
		}
		return list
	case yaml.MappingNode:
		all := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			key, value := n.Content[i], plain(t, n.Content[i+1])
			if key.Value != "<<" {
				continue
			}
			parts, several := value.([]any)
			if !several {
				parts = []any{value}
			}
			for _, part := range parts {
				maps.Copy(all, part.(map[string]any))
			}
		}
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value != "<<" {
				all[n.Content[i].Value] = plain(t, n.Content[i+1])
			}
		}
		return all
	default:
		var value any
		require.NoError(t, n.Decode(&value))
		return value
	}
}

// merge puts one value over another: mappings join, sequences are appended, except what is one command.
func merge(key string, under, over any) any {
	switch over := over.(type) {
	case override:
		return over.value
	case []any:
		if list, ok := under.([]any); ok && !slices.Contains([]string{"command", "entrypoint", "test"}, key) {
			return slices.Concat(list, over)
		}
		return over
	case map[string]any:
		joined := map[string]any{}
		if m, ok := under.(map[string]any); ok {
			maps.Copy(joined, m)
		}
		for k, v := range over {
			if _, gone := v.(reset); gone {
				delete(joined, k)
				continue
			}
			joined[k] = merge(k, joined[k], v)
		}
		return joined
	}
	return over
}

// ours are the services that run the program, with the process that each runs.
func ours(c compose) map[string]string {
	out := map[string]string{}
	for name, s := range c.Services {
		if s.Build["target"] == "volcard" && len(s.Command) > 0 {
			out[name] = s.Command[0]
		}
	}
	return out
}

func TestShape(t *testing.T) {
	t.Parallel()
	c := load(t)
	count := map[string]int{}
	for _, process := range ours(c) {
		count[process]++
	}
	assert.Equal(t, 2, count["api"])
	assert.Equal(t, 2, count["worker"])
	assert.Equal(t, 1, count["migrate"])
	for _, name := range []string{"postgres", "temporal", "proxy"} {
		assert.Contains(t, c.Services, name)
	}
	var published []string
	for name, s := range c.Services {
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				published = append(published, name)
			}
		}
	}
	assert.Equal(t, []string{"proxy"}, slices.Compact(published), "only the proxy faces the world")
}

// What a service is given is known to the program, complete for its process, and enough to start.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	c := load(t)
	known := config.Known()
	for name, process := range ours(c) {
		s := c.Services[name]
		for variable, value := range s.Environment {
			if variable != memoryLimit {
				assert.Contains(t, known, variable, name)
			}
			if secret, ok := strings.CutPrefix(value, "/run/secrets/"); ok {
				assert.Contains(t, s.Secrets, secret, "%s reads %s", name, value)
			}
		}
		for _, required := range config.Required(process) {
			_, plain := s.Environment[required]
			_, file := s.Environment[required+"_FILE"]
			assert.NotEqual(t, plain, file, "%s needs %s or %s_FILE", name, required, required)
		}
	}
}

// The settings as compose would pass them are without fault, for a demonstration and for real.
func TestSettingsAreAccepted(t *testing.T) {
	t.Parallel()
	c := load(t)
	secrets := t.TempDir()
	for name, content := range map[string]string{
		"app_url": "postgres://volcard_app:p@postgres:5432/volcard", "owner_url": "postgres://volcard_owner:p@postgres:5432/volcard",
		"audit_url": "postgres://volcard_audit:p@postgres:5432/volcard", "vault_keyset": "{}", "sms_key_secret": "s",
		"vault_index_key": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(secrets, name), []byte(content), 0o600))
	}
	for kind, dotenv := range map[string]map[string]string{
		"demo": {"VOLCARD_SITE": "localhost", "VOLCARD_DEMO": "true", "VOLCARD_SMS_GATEWAY": "outbox"},
		"real": {
			"VOLCARD_SITE": "card.example.cn", "VOLCARD_SMS_GATEWAY": "alibaba", "VOLCARD_SMS_KEY_ID": "id",
			"VOLCARD_SMS_KEY_SECRET_FILE": "/run/secrets/sms_key_secret", "VOLCARD_SMS_SIGN_NAME": "n", "VOLCARD_SMS_TEMPLATES": "code=1",
		},
	} {
		for name, process := range ours(c) {
			var environ []string
			for k, v := range c.Services[name].Environment {
				v = strings.ReplaceAll(interpolate(t, v, dotenv), "/run/secrets", secrets)
				environ = append(environ, k+"="+v)
			}
			var err error
			switch process {
			case "api":
				_, err = config.Load[config.API](environ)
			case "worker":
				_, err = config.Load[config.Worker](environ)
			case "migrate":
				_, err = config.Load[config.Migrate](environ)
			case "audit":
				_, err = config.Load[config.Audit](environ)
			case "admin":
				_, err = config.Load[config.Admin](environ)
			default:
				t.Errorf("%s runs %q, which is no process", name, process)
			}
			assert.NoError(t, err, "%s, %s", kind, name)
		}
	}
}

var variable = regexp.MustCompile(`\$\{([A-Z_]+)(:?[-?])([^}]*)\}`)

func interpolate(t *testing.T, value string, dotenv map[string]string) string {
	t.Helper()
	return variable.ReplaceAllStringFunc(value, func(ref string) string {
		m := variable.FindStringSubmatch(ref)
		if v := dotenv[m[1]]; v != "" {
			return v
		}
		require.Equal(t, ":-", m[2], "%s is required and not set", m[1])
		return m[3]
	})
}

// .env.example names exactly what docker-compose.yml asks for, and gives no secret away.
func TestDotEnv(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	for _, m := range variable.FindAllStringSubmatch(read(t, "docker-compose.yml"), -1) {
		asked[m[1]] = true
	}
	offered := map[string]bool{}
	for line := range strings.Lines(read(t, ".env.example")) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		offered[name] = true
		if strings.Contains(name, "PASSWORD") || strings.Contains(name, "SECRET") {
			assert.Empty(t, value, name)
		}
	}
	assert.ElementsMatch(t, slices.Collect(maps.Keys(asked)), slices.Collect(maps.Keys(offered)))
	assert.NotRegexp(t, `(?i)(password|secret|keyset)[A-Z_]*:\s*['"]?[a-z0-9]+['"]?\s*$`, read(t, "docker-compose.yml"), "no value stands in the file")
}

func TestReferences(t *testing.T) {
	t.Parallel()
	wantReferences(t, load(t))
}

// wantReferences sees that everything that is named in it exists.
func wantReferences(t *testing.T, c compose) {
	t.Helper()
	script := read(t, "deploy/secrets.sh")
	for name, s := range c.Services {
		for _, secret := range s.Secrets {
			assert.Contains(t, c.Secrets, secret, name)
		}
		for _, network := range s.Networks {
			assert.Contains(t, c.Networks, network, name)
		}
		assert.NotEmpty(t, s.Networks, name)
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if source == "./deploy/secrets/temporal" { // an operator's files
				continue
			}
			if strings.HasPrefix(source, "./") {
				_, err := os.Stat(filepath.Join("..", source))
				assert.NoError(t, err, name)
			} else {
				assert.Contains(t, c.Volumes, source, name)
			}
		}
		for other, d := range s.DependsOn {
			require.Contains(t, c.Services, other, name)
			switch d.Condition {
			case "service_healthy":
				assert.False(t, c.Services[other].Healthcheck.Disable, "%s waits for the health of %s", name, other)
			case "service_completed_successfully":
				assert.NotEqual(t, "unless-stopped", c.Services[other].Restart, "%s waits for the end of %s", name, other)
			default:
				t.Errorf("%s depends on %s with the condition %q", name, other, d.Condition)
			}
		}
		if len(s.Profiles) == 0 {
			assert.NotEmpty(t, s.Restart, name)
		}
		if s.Build != nil {
			assert.True(t, s.ReadOnly, name)
			assert.Equal(t, []string{"ALL"}, s.CapDrop, name)
		}
	}
	for name, secret := range c.Secrets {
		assert.Equal(t, "deploy/secrets/"+name, secret["file"])
		family := name
		if i := strings.LastIndexByte(name, '_'); strings.HasSuffix(name, "_password") || strings.HasSuffix(name, "_url") {
			family = "${role}" + name[i:]
			assert.Regexp(t, `for role in [a-z ]*\b`+name[:i]+`\b`, script)
		}
		assert.Contains(t, script, family, "deploy/secrets.sh makes %s", name)
	}
}

// Images are pinned, come without the name of a registry, and are built by stages that exist.
func TestImages(t *testing.T) {
	t.Parallel()
	c := load(t)
	dockerfile := read(t, "Dockerfile")
	stages := map[string]bool{}
	pinned := regexp.MustCompile(`^[a-z]+:[0-9]+\.[0-9]+(\.[0-9]+)?-[a-z]+$`) // nothing that moves with the next release
	for _, m := range regexp.MustCompile(`(?m)^FROM (\S+) AS (\S+)$`).FindAllStringSubmatch(dockerfile, -1) {
		if !stages[m[1]] {
			assert.Regexp(t, pinned, m[1])
		}
		stages[m[2]] = true
	}
	assert.Len(t, stages, strings.Count(dockerfile, "FROM "))
	for _, m := range regexp.MustCompile(`--from=(\S+)`).FindAllStringSubmatch(dockerfile, -1) {
		assert.Contains(t, stages, m[1])
	}
	for name, s := range c.Services {
		if s.Build != nil {
			assert.True(t, stages[s.Build["target"]], name)
			continue
		}
		assert.Regexp(t, pinned, s.Image, name)
	}
	// The compiler in the image is the one that go.mod asks for, or a later one of its line.
	golang := regexp.MustCompile(`FROM golang:(\d+\.\d+)\.`).FindStringSubmatch(dockerfile)
	require.NotNil(t, golang)
	assert.Contains(t, read(t, "go.mod"), "\ngo "+golang[1]+".")
	for _, target := range []string{"volcard", "temporal"} {
		_, stage, found := strings.Cut(dockerfile, " AS "+target+"\n")
		require.True(t, found)
		stage, _, _ = strings.Cut(stage, "\nFROM ")
		assert.Contains(t, stage, "HEALTHCHECK", target)
		assert.Contains(t, stage, "ENTRYPOINT [", target)
	}
	assert.Contains(t, dockerfile, "USER 10001:10001")
	// What the image sets must be known as well.
	for _, m := range regexp.MustCompile(`VOLCARD_[A-Z_]+`).FindAllString(dockerfile, -1) {
		assert.Contains(t, config.Known(), m)
	}
}

// omitted are the settings that an operator of this deployment has no need to change.
var omitted = map[string]string{
	"PORT":                                   "the image sets it; the proxy knows it",
	"VOLCARD_HTTP_HOST":                      "the image sets it",
	"VOLCARD_METRICS_ADDR":                   "the image sets it; the proxy knows it",
	"VOLCARD_HTTP_READ_HEADER_TIMEOUT":       "goes with the proxy's",
	"VOLCARD_HTTP_READ_TIMEOUT":              "goes with the proxy's",
	"VOLCARD_HTTP_WRITE_TIMEOUT":             "goes with the proxy's",
	"VOLCARD_HTTP_IDLE_TIMEOUT":              "goes with the proxy's",
	"VOLCARD_HTTP_MAX_HEADER_BYTES":          "goes with the proxy's",
	"VOLCARD_HTTP_MAX_BODY_BYTES":            "goes with the proxy's",
	"VOLCARD_HTTP_SHUTDOWN_GRACE":            "goes with stop_grace_period",
	"VOLCARD_TEMPORAL_ADDRESS":               "TEMPORAL_ADDRESS, as Temporal's own programs call it",
	"VOLCARD_TEMPORAL_NAMESPACE":             "TEMPORAL_NAMESPACE, as Temporal's own programs call it",
	"TEMPORAL_CONFIG_FILE":                   "the variables suffice for one connection",
	"TEMPORAL_PROFILE":                       "of that file",
	"TEMPORAL_TLS_SERVER_CA_CERT_DATA":       "a container gets files",
	"TEMPORAL_TLS_CLIENT_CERT_DATA":          "a container gets files",
	"TEMPORAL_TLS_CLIENT_KEY_DATA":           "a container gets files",
	"TEMPORAL_TLS_DISABLE_HOST_VERIFICATION": "not in production",
	"TEMPORAL_CLIENT_AUTHORITY":              "the server's name suffices",
	"VOLCARD_TEMPORAL_TASK_QUEUE":            "this engine serves nobody else",
	"VOLCARD_SWEEP_EVERY":                    "the default suits every size",
	"VOLCARD_SWEEP_AFTER":                    "the default suits every size",
	"VOLCARD_LOG_FORMAT":                     "the engine's log driver expects JSON",
	"VOLCARD_WORKDAY":                        "for a demonstration only: real people's dates would be wrong",
	"VOLCARD_DATA":                           "of volcard dev",
}

// Every setting is passed to each process that reads it, or is left out for a reason.
func TestEverySettingCanBeSet(t *testing.T) {
	t.Parallel()
	c := load(t)
	for name, process := range ours(c) {
		for _, setting := range config.Variables(process) {
			_, plain := c.Services[name].Environment[setting]
			_, file := c.Services[name].Environment[setting+"_FILE"]
			// The last two do one thing, end, and have nothing to be set beside their database.
			if plain || file || omitted[setting] != "" || process == "migrate" || process == "audit" {
				continue
			}
			t.Errorf("%s: %s can set %s nowhere: pass it on, or say why not", name, process, setting)
		}
	}
	for setting := range omitted {
		assert.Contains(t, config.Known(), setting)
	}
}

// The proxy lets through what the api takes: a photo that it refuses itself gets a page that knows nothing of photos.
func TestProxyTakesWhatTheAPITakes(t *testing.T) {
	t.Parallel()
	caddy := read(t, "deploy/Caddyfile")
	sizes := regexp.MustCompile(`request_body @(\w+) \{\s*max_size (\d+)(MB|MiB)`).FindAllStringSubmatch(caddy, -1)
	require.Len(t, sizes, 2)
	for _, m := range sizes {
		size, err := strconv.Atoi(m[2])
		require.NoError(t, err)
		size *= map[string]int{"MB": 1_000_000, "MiB": 1 << 20}[m[3]]
		if m[1] == "photo" {
			assert.Greater(t, size, regular.MaxUpload)
			continue
		}
		assert.Greater(t, size, placestore.MaxBytes*3/2+64<<10, "the administrators' lists")
		assert.Less(t, size, regular.MaxUpload)
	}
	// The paths are those of the routes that take photos.
	var want []string
	for _, file := range []string{"api/applicant/apply.go", "api/applicant/regular/change.go"} {
		for _, m := range regexp.MustCompile(`UploadBody\(\)\)\.Post\("([^"]+)"`).FindAllStringSubmatch(read(t, file), -1) {
			want = append(want, regexp.MustCompile(`\{\w+\}`).ReplaceAllString(m[1], "*"))
		}
	}
	require.Len(t, want, 2)
	for _, matcher := range []string{"@photo path ", "@other not path "} {
		_, paths, found := strings.Cut(caddy, matcher)
		require.True(t, found)
		paths, _, _ = strings.Cut(paths, "\n")
		assert.ElementsMatch(t, want, strings.Fields(paths))
	}
	// Each kind of refusal has its own words.
	assert.Regexp(t, `\n\s+413 "文件太大"`, caddy)
	assert.Regexp(t, `\n\s+default "请稍后再试"`, caddy)
	assert.NotContains(t, caddy, "fail_duration", "what a stranger sends must not count against the api")
}

// The proxy knows every api process, its port and the port of its health.
func TestProxy(t *testing.T) {
	t.Parallel()
	caddy := read(t, "deploy/Caddyfile")
	for name, process := range ours(load(t)) {
		if process == "api" {
			assert.Contains(t, caddy, name+":8080")
		}
	}
	// The proxy faces the world: it meets the apis and nobody else, on the one network whose addresses
	// are trusted.
	c := load(t)
	proxy := c.Services["proxy"].Networks
	for name, s := range c.Services {
		var shared []string
		for _, n := range s.Networks {
			if slices.Contains(proxy, n) && name != "proxy" {
				shared = append(shared, n)
			}
		}
		if s.Build["target"] == "volcard" && s.Command[0] == "api" {
			assert.Equal(t, []string{"front"}, shared, name)
			assert.Equal(t, c.Networks["front"].IPAM.Config[0].Subnet, s.Environment["VOLCARD_HTTP_TRUSTED_PROXIES"], name)
		} else {
			assert.Empty(t, shared, "%s meets the proxy", name)
		}
	}
	assert.True(t, c.Networks["front"].Internal)
	assert.True(t, c.Networks["inside"].Internal)
	assert.Contains(t, caddy, "health_port 9090")
	assert.Contains(t, caddy, "health_uri /readyz")
	assert.Contains(t, read(t, "Dockerfile"), "PORT=8080 VOLCARD_HTTP_HOST=0.0.0.0 VOLCARD_METRICS_ADDR=0.0.0.0:9090")
}

// The roles that the migrations grant to are those that the first start makes.
func TestRoles(t *testing.T) {
	t.Parallel()
	roles := read(t, "deploy/postgres/10-roles.sh")
	c := load(t)
	for _, role := range []string{"owner", "app", "audit"} {
		assert.Contains(t, roles, "CREATE ROLE volcard_"+role+" LOGIN")
		assert.Contains(t, c.Services["postgres"].Secrets, role+"_password")
	}
	assert.Contains(t, c.Services["postgres"].Secrets, "temporal_password")
	for _, m := range regexp.MustCompile(`TO (volcard_[a-z]+)`).FindAllStringSubmatch(read(t, "internal/store/migrations/00001_foundation.sql"), -1) {
		assert.Contains(t, roles, "CREATE ROLE "+m[1]+" ")
	}
}
