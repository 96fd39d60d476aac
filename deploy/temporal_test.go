package deploy

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"volcard/internal/config"
)

// A new installation gets the history shards of a production, whichever image makes it: the number holds for good.
func TestHistoryShards(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "512", load(t).Services["temporal"].Environment["TEMPORAL_DEV_HISTORY_SHARDS"])
	assert.Equal(t, "512", official(t).Services["temporal"].Environment["NUM_HISTORY_SHARDS"])
	assert.Contains(t, read(t, "cmd/temporal-dev/settings.go"), `"history-shards", 4,`, "for a laptop and for tests")
}

func official(t *testing.T) compose {
	t.Helper()
	return loadAll(t, "docker-compose.yml", "deploy/temporal-official.yml")
}

// The official images stand in the place of the project's own: same version, same databases, same role, nothing of
// the project's left behind, and nothing published that was not.
func TestOfficialTemporal(t *testing.T) {
	t.Parallel()
	c, own := official(t), load(t)
	wantReferences(t, c)
	version := func(module string) string {
		m := regexp.MustCompile(regexp.QuoteMeta(module) + ` v(\S+)`).FindStringSubmatch(read(t, "cmd/temporal-dev/go.mod"))
		require.NotNil(t, m)
		return m[1]
	}
	server := c.Services["temporal"]
	assert.Equal(t, "temporalio/server:"+version("go.temporal.io/server"), server.Image)
	for _, name := range []string{"temporal-schema", "temporal-namespace"} {
		assert.Equal(t, "temporalio/admin-tools:"+version("go.temporal.io/server"), c.Services[name].Image, name)
	}
	assert.Equal(t, "temporalio/ui:"+version("github.com/temporalio/ui-server/v2"), c.Services["temporal-ui"].Image)
	assert.Nil(t, server.Build)
	for variable := range server.Environment {
		assert.False(t, strings.HasPrefix(variable, "TEMPORAL_DEV_"), variable)
	}
	assert.Equal(t, own.Services["temporal"].Environment["TEMPORAL_DEV_DATABASE_HOST"], server.Environment["POSTGRES_SEEDS"])
	assert.Equal(t, own.Services["temporal"].Environment["TEMPORAL_DEV_DATABASE_USER"], server.Environment["POSTGRES_USER"])
	assert.Equal(t, own.Services["temporal"].Environment["TEMPORAL_DEV_DATABASE_USER"], c.Services["temporal-schema"].Environment["SQL_USER"])
	assert.Equal(t, []string{"temporal_password"}, server.Secrets)
	assert.Equal(t, []string{"inside"}, server.Networks)
	for name, s := range c.Services {
		for _, p := range s.Ports {
			assert.True(t, name == "proxy" || strings.HasPrefix(p, "127.0.0.1:"), "%s publishes %s", name, p)
		}
	}
	// What was measured to matter is said to both servers.
	var dynamic map[string][]struct {
		Value any `yaml:"value"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/temporal-dynamic-config.yaml")), &dynamic))
	for setting, constant := range map[string]string{
		"matching.numTaskqueueReadPartitions":  "MatchingNumTaskqueueReadPartitions",
		"matching.numTaskqueueWritePartitions": "MatchingNumTaskqueueWritePartitions",
		"history.hostLevelCacheMaxSize":        "HistoryCacheHostLevelMaxSize",
	} {
		m := regexp.MustCompile(constant + `\.Key\(\): +(\d+)`).FindStringSubmatch(read(t, "cmd/temporal-dev/server.go"))
		require.NotNil(t, m, constant)
		require.Len(t, dynamic[setting], 1)
		value, err := yaml.Marshal(dynamic[setting][0].Value)
		require.NoError(t, err)
		assert.Equal(t, m[1]+"\n", string(value), setting)
	}
	assert.Len(t, dynamic, 3)
}

// An engine elsewhere: nothing waits for the one here, who talks to it gets a way out and its keys, and the settings
// that .env would name are accepted.
func TestTemporalElsewhere(t *testing.T) {
	t.Parallel()
	c := loadAll(t, "docker-compose.yml", "deploy/temporal-elsewhere.yml")
	wantReferences(t, c)
	assert.NotEmpty(t, c.Services["temporal"].Profiles)
	for name, s := range c.Services {
		assert.NotContains(t, s.DependsOn, "temporal", name)
	}
	for name, process := range ours(c) {
		uses := slices.Contains(config.Variables(process), "TEMPORAL_ADDRESS")
		assert.Equal(t, uses, slices.Contains(c.Services[name].Networks, "outward"), name)
		assert.Equal(t, uses, slices.Contains(c.Services[name].Volumes, "./deploy/secrets/temporal:/run/temporal:ro"), name)
		for _, variable := range []string{"TEMPORAL_ADDRESS", "TEMPORAL_API_KEY_FILE", "TEMPORAL_TLS_CLIENT_KEY_PATH"} {
			_, passed := c.Services[name].Environment[variable]
			assert.Equal(t, uses, passed, "%s: %s", name, variable)
		}
	}
	assert.True(t, c.Networks["inside"].Internal)
}
