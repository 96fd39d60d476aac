package config_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	tlog "go.temporal.io/sdk/log"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	"volcard/internal/config"
	"volcard/internal/devstack/tlstest"
)

// Ours win where they are set, the SDK's hold where they are not, and the defaults hold last.
func TestTemporalAddress(t *testing.T) {
	t.Parallel()
	file := write(t, "temporal.toml", "[profile.default]\naddress = \"file:1\"\nnamespace = \"of-file\"\n[profile.other]\naddress = \"other:1\"\n")
	for name, tt := range map[string]struct {
		vars               []string
		address, namespace string
	}{
		"nothing":      {nil, "127.0.0.1:7233", "volcard"},
		"the SDK's":    {[]string{"TEMPORAL_ADDRESS=sdk:1", "TEMPORAL_NAMESPACE=of-sdk"}, "sdk:1", "of-sdk"},
		"ours":         {[]string{"VOLCARD_TEMPORAL_ADDRESS=ours:1", "TEMPORAL_ADDRESS=sdk:1", "TEMPORAL_NAMESPACE=of-sdk"}, "ours:1", "of-sdk"},
		"empty":        {[]string{"VOLCARD_TEMPORAL_ADDRESS=", "TEMPORAL_ADDRESS=", "TEMPORAL_TLS="}, "127.0.0.1:7233", "volcard"},
		"a file":       {[]string{"TEMPORAL_CONFIG_FILE=" + file}, "file:1", "of-file"},
		"its profile":  {[]string{"TEMPORAL_CONFIG_FILE=" + file, "TEMPORAL_PROFILE=other"}, "other:1", "volcard"},
		"above a file": {[]string{"TEMPORAL_CONFIG_FILE=" + file, "TEMPORAL_ADDRESS=sdk:1"}, "sdk:1", "of-file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, err := config.Load[config.API](environ(complete(), tt.vars...))
			require.NoError(t, err)
			o := api.Temporal.ClientOptions()
			assert.Equal(t, tt.address, o.HostPort)
			assert.Equal(t, tt.namespace, o.Namespace)
			assert.Nil(t, o.ConnectionOptions.TLS)
			assert.Nil(t, o.Credentials)
		})
	}
}

// A file that a developer's tools have left in the home directory is not a service's.
func TestNoFileUnasked(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	dir, err := os.UserConfigDir()
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "temporalio"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "temporalio", "temporal.toml"),
		[]byte("[profile.default]\naddress = \"cloud:7233\"\napi_key = \"k\"\n"), 0o600))
	api, err := config.Load[config.API](environ(complete()))
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1:7233", api.Temporal.ClientOptions().HostPort)
	assert.Nil(t, api.Temporal.ClientOptions().Credentials)

	api, err = config.Load[config.API](environ(complete(), "TEMPORAL_PROFILE=default"))
	require.NoError(t, err)
	assert.Equal(t, "cloud:7233", api.Temporal.ClientOptions().HostPort)
	assert.NotNil(t, api.Temporal.ClientOptions().Credentials)
}

// Each fault stops the start with the name of its variable, all of them at once, and no secret is shown.
func TestTemporalFaults(t *testing.T) {
	t.Parallel()
	certs := tlstest.New(t)
	none := filepath.Join(t.TempDir(), "none")
	broken := write(t, "broken.toml", "[profile.default]\n\napi_key = "+password+"\n")
	unknown := write(t, "unknown.toml", "[profile.default]\naddresss = \"a:1\"\n")
	good := write(t, "good.toml", "[profile.default]\naddress = \"nowhere\"\n[profile.default.tls]\nclient_cert_path = \""+none+"\"\n")
	for _, tt := range []struct {
		set  []string
		want map[string]string
	}{
		{[]string{"TEMPORAL_ADDRESS=temporal"}, map[string]string{"TEMPORAL_ADDRESS": "no host:port"}},
		{[]string{"TEMPORAL_ADDRESS_=temporal:1"}, map[string]string{"TEMPORAL_ADDRESS_": "did you mean TEMPORAL_ADDRESS?"}},
		// What Temporal's command line tool called them once.
		{
			[]string{"TEMPORAL_TLS_CERT=c", "TEMPORAL_TLS_CA=c"},
			map[string]string{"TEMPORAL_TLS_CERT": "no such setting", "TEMPORAL_TLS_CA": "no such setting"},
		},
		{
			[]string{"TEMPORAL_TLS=yes", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION=on"},
			map[string]string{"TEMPORAL_TLS": "neither true nor false", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION": "neither true nor false"},
		},
		{
			[]string{"TEMPORAL_TLS_SERVER_CA_CERT_PATH=" + none, "TEMPORAL_TLS_CLIENT_CERT_PATH=" + none, "TEMPORAL_TLS_CLIENT_KEY_PATH=" + none},
			map[string]string{
				"TEMPORAL_TLS_SERVER_CA_CERT_PATH": "no such file", "TEMPORAL_TLS_CLIENT_CERT_PATH": "no such file",
				"TEMPORAL_TLS_CLIENT_KEY_PATH": "no such file",
			},
		},
		{[]string{"TEMPORAL_TLS_SERVER_CA_CERT_DATA=x"}, map[string]string{"TEMPORAL_TLS_SERVER_CA_CERT_DATA": "no certificate"}},
		{[]string{"TEMPORAL_TLS_CLIENT_CERT_PATH=" + certs.Client}, map[string]string{"TEMPORAL_TLS_CLIENT_CERT_PATH": "is not"}},
		{[]string{"TEMPORAL_TLS_CLIENT_KEY_DATA=" + password}, map[string]string{"TEMPORAL_TLS_CLIENT_KEY_DATA": "is not"}},
		{
			[]string{"TEMPORAL_TLS_CLIENT_CERT_PATH=" + certs.Client, "TEMPORAL_TLS_CLIENT_KEY_DATA=" + password},
			map[string]string{"TEMPORAL_TLS_CLIENT_CERT_PATH": "private key"},
		},
		{
			[]string{"TEMPORAL_TLS_CLIENT_CERT_PATH=" + certs.Client, "TEMPORAL_TLS_CLIENT_KEY_PATH=" + certs.StrangerKey},
			map[string]string{"TEMPORAL_TLS_CLIENT_CERT_PATH": "does not match"},
		},
		{
			[]string{"TEMPORAL_TLS_CLIENT_CERT_PATH=" + certs.Client, "TEMPORAL_TLS_CLIENT_CERT_DATA=x", "TEMPORAL_TLS_CLIENT_KEY_PATH=" + certs.ClientKey},
			map[string]string{"TEMPORAL_TLS_CLIENT_CERT_PATH": "set one of them"},
		},
		{[]string{"TEMPORAL_API_KEY=" + password + " " + password}, map[string]string{"TEMPORAL_API_KEY": "a space"}},
		{[]string{"TEMPORAL_API_KEY_FILE=" + none}, map[string]string{"TEMPORAL_API_KEY_FILE": "no such file"}},
		{
			[]string{"TEMPORAL_API_KEY=" + password, "TEMPORAL_TLS=false", "TEMPORAL_ADDRESS=temporal:7233"},
			map[string]string{"TEMPORAL_API_KEY": "unencrypted"},
		},
		{
			[]string{"TEMPORAL_API_KEY=" + password, "TEMPORAL_TLS=false", "VOLCARD_TEMPORAL_ADDRESS=temporal:7233"},
			map[string]string{"TEMPORAL_API_KEY": "unencrypted"},
		},
		{[]string{"TEMPORAL_CONFIG_FILE=" + none}, map[string]string{"TEMPORAL_CONFIG_FILE": "no such file"}},
		{[]string{"TEMPORAL_CONFIG_FILE=" + broken}, map[string]string{"TEMPORAL_CONFIG_FILE": "line 3 is no valid TOML"}},
		{[]string{"TEMPORAL_CONFIG_FILE=" + unknown}, map[string]string{"TEMPORAL_CONFIG_FILE": "profile.default.addresss"}},
		{[]string{"TEMPORAL_CONFIG_FILE=" + good, "TEMPORAL_PROFILE=x"}, map[string]string{"TEMPORAL_PROFILE": `no profile "x"; it has default`}},
		{[]string{"TEMPORAL_CONFIG_FILE=" + good}, map[string]string{"TEMPORAL_CONFIG_FILE": `"nowhere" is no host:port`}},
	} {
		t.Run(fmt.Sprint(tt.set), func(t *testing.T) {
			t.Parallel()
			_, err := config.Load[config.Worker](environ(complete(), tt.set...))
			faults := faultsOf(t, err)
			for variable, problem := range tt.want {
				assert.Contains(t, faults[variable], problem)
			}
			assert.Len(t, faults, len(tt.want))
			assert.NotContains(t, err.Error(), password)
		})
	}
}

// The prefix is not ours alone: what Kubernetes and others set is no fault.
func TestOthersVariables(t *testing.T) {
	t.Parallel()
	_, err := config.Load[config.API](environ(complete(), "TEMPORAL_PORT=tcp://10.0.0.1:7233", "TEMPORAL_SERVICE_HOST=10.0.0.1",
		"TEMPORAL_PORT_7233_TCP_ADDR=10.0.0.1", "TEMPORAL_DEV_PORT=7233", "TEMPORAL_CODEC_ENDPOINT=http://localhost", "TEMPORAL_CLI_TIMEOUT=3s"))
	require.NoError(t, err)
}

// The settings lead to a server behind TLS, show it a certificate and a key, and believe nobody else.
func TestTemporalBehindTLS(t *testing.T) {
	t.Parallel()
	certs := tlstest.New(t)
	open := serve(t, certs, tls.NoClientCert)
	mutual := serve(t, certs, tls.RequireAndVerifyClientCert)
	ca, cert, key := "TEMPORAL_TLS_SERVER_CA_CERT_PATH="+certs.CA, "TEMPORAL_TLS_CLIENT_CERT_PATH="+certs.Client, "TEMPORAL_TLS_CLIENT_KEY_PATH="+certs.ClientKey
	asText := []string{
		"TEMPORAL_TLS_SERVER_CA_CERT_DATA=" + read(t, certs.CA), "TEMPORAL_TLS_CLIENT_CERT_DATA=" + read(t, certs.Client),
		"TEMPORAL_TLS_CLIENT_KEY_DATA=" + read(t, certs.ClientKey),
	}
	toml := write(t, "temporal.toml", fmt.Sprintf(
		"[profile.here]\naddress = %q\nnamespace = \"cards\"\napi_key = %q\n[profile.here.tls]\nserver_ca_cert_path = %q\nclient_cert_path = %q\nclient_key_path = %q\n",
		mutual.address, password, certs.CA, certs.Client, certs.ClientKey))
	for name, tt := range map[string]struct {
		server  *fakeTemporal
		set     []string
		key     string
		refused bool
		because string
	}{
		"an authority":            {server: open, set: []string{ca}},
		"nobody known":            {server: open, set: []string{"TEMPORAL_TLS=true"}, refused: true, because: "unknown authority"},
		"without TLS":             {server: open, refused: true},
		"another name":            {server: open, set: []string{ca, "TEMPORAL_TLS_SERVER_NAME=else.example"}, refused: true, because: "else.example"},
		"a name":                  {server: open, set: []string{ca, "TEMPORAL_TLS_SERVER_NAME=" + tlstest.Name}},
		"unverified":              {server: open, set: []string{"TEMPORAL_TLS_DISABLE_HOST_VERIFICATION=true"}},
		"a key":                   {server: open, set: []string{ca, "TEMPORAL_API_KEY=" + password}, key: password},
		"a key of a file":         {server: open, set: []string{ca, "TEMPORAL_API_KEY_FILE=" + write(t, "key", password+"\n")}, key: password},
		"a key for a stranger":    {server: open, set: []string{"TEMPORAL_API_KEY=" + password}, refused: true, because: "unknown authority"},
		"a certificate":           {server: mutual, set: []string{ca, cert, key}},
		"a certificate as text":   {server: mutual, set: asText},
		"no certificate":          {server: mutual, set: []string{ca}, refused: true},
		"a certificate and a key": {server: mutual, set: []string{ca, cert, key, "TEMPORAL_API_KEY=" + password}, key: password},
		"a profile":               {server: mutual, set: []string{"TEMPORAL_CONFIG_FILE=" + toml, "TEMPORAL_PROFILE=here"}, key: password},
		"a stranger's certificate": {server: mutual, refused: true, set: []string{
			ca, "TEMPORAL_TLS_CLIENT_CERT_PATH=" + certs.Stranger, "TEMPORAL_TLS_CLIENT_KEY_PATH=" + certs.StrangerKey,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := tt.set
			if name != "a profile" {
				set = append(set, "TEMPORAL_ADDRESS="+tt.server.address, "TEMPORAL_NAMESPACE=cards")
			}
			api, err := config.Load[config.API](environ(complete(), append(set, "TEMPORAL_GRPC_META_CASE="+name)...))
			require.NoError(t, err)
			var log bytes.Buffer
			failed := ask(t, api.Temporal.ClientOptions(), &log)
			seen := tt.server.seen(name)
			if tt.refused {
				require.Error(t, failed)
				assert.Contains(t, failed.Error(), tt.because)
				assert.Empty(t, seen, "a server that is not believed was asked")
			} else {
				require.NoError(t, failed)
				require.NotEmpty(t, seen)
				assert.Equal(t, "cards", seen[0].namespace)
				assert.Equal(t, tt.key, strings.TrimPrefix(seen[0].authorization, "Bearer "))
			}
			shown := fmt.Sprintf("%v %+v %#v %v", api, api, api, failed) + log.String()
			assert.NotContains(t, shown, password)
			assert.NotContains(t, shown, "PRIVATE KEY")
		})
	}
}

// ask asks for the namespace of the options.
func ask(t *testing.T, o client.Options, log io.Writer) error {
	t.Helper()
	o.Logger = tlog.NewStructuredLogger(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := client.DialContext(ctx, o)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: o.Namespace})
	return err
}

// fakeTemporal answers one question and remembers who asked it.
type fakeTemporal struct {
	workflowservice.UnimplementedWorkflowServiceServer
	address string

	mu    sync.Mutex
	calls map[string][]call
}

type call struct{ namespace, authorization string }

// DescribeNamespace implements workflowservice.WorkflowServiceServer.
func (f *fakeTemporal) DescribeNamespace(ctx context.Context, in *workflowservice.DescribeNamespaceRequest) (*workflowservice.DescribeNamespaceResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	name := strings.Join(md.Get("case"), "")
	f.calls[name] = append(f.calls[name], call{in.GetNamespace(), strings.Join(md.Get("authorization"), "")})
	return &workflowservice.DescribeNamespaceResponse{}, nil
}

// seen are the questions of a case, which names itself in a header.
func (f *fakeTemporal) seen(name string) []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[name]
}

// serve starts a server behind TLS that ends with the test.
func serve(t *testing.T, c tlstest.Certificates, clients tls.ClientAuthType) *fakeTemporal {
	t.Helper()
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &fakeTemporal{address: listener.Addr().String(), calls: map[string][]call{}}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(c.Server(clients))))
	workflowservice.RegisterWorkflowServiceServer(server, f)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return f
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}
