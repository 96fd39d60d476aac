package config

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

// Temporal is the connection to the workflow engine. Its own two variables win over the SDK's; their
// defaults hold where neither is set.
type Temporal struct {
	_ struct{} `doc:"Temporal"`

	Address   string `env:"VOLCARD_TEMPORAL_ADDRESS" envDefault:"127.0.0.1:7233" doc:"host and port of the Temporal frontend; wins over TEMPORAL_ADDRESS"`
	Namespace string `env:"VOLCARD_TEMPORAL_NAMESPACE" envDefault:"volcard" doc:"namespace of the workflows; wins over TEMPORAL_NAMESPACE"`
	TaskQueue string `env:"VOLCARD_TEMPORAL_TASK_QUEUE" envDefault:"volcard" doc:"task queue between api and worker"`
	SDK       TemporalSDK

	// connection is a function so that no way of printing the settings reaches the keys that it holds.
	connection func() client.Options
}

// TemporalSDK are the variables of the SDK's own environment configuration, as Temporal's other programs
// read them. The SDK takes their values; here they are made known, documented and readable from files.
type TemporalSDK struct {
	_ struct{} `doc:"Temporal, by the variables of its SDK"`

	ConfigFile     string `env:"TEMPORAL_CONFIG_FILE" doc:"client configuration of Temporal's tools (TOML); the variables below win over it. Without this and TEMPORAL_PROFILE no file is read"`
	Profile        string `env:"TEMPORAL_PROFILE" doc:"profile of that file; empty: default"`
	Address        string `env:"TEMPORAL_ADDRESS" doc:"host and port of the Temporal frontend"`
	Namespace      string `env:"TEMPORAL_NAMESPACE" doc:"namespace of the workflows"`
	APIKey         Secret `env:"TEMPORAL_API_KEY" doc:"API key of Temporal Cloud, or a bearer token of a cluster; turns TLS on"`
	TLS            string `env:"TEMPORAL_TLS" doc:"true: TLS with the certificates of the system; false: none. Each of the variables below turns it on"`
	ServerCAPath   string `env:"TEMPORAL_TLS_SERVER_CA_CERT_PATH" doc:"file of the authority that has signed the server's certificate (PEM); empty: those of the system"`
	ServerCAData   string `env:"TEMPORAL_TLS_SERVER_CA_CERT_DATA" doc:"the same, as text"`
	ServerName     string `env:"TEMPORAL_TLS_SERVER_NAME" doc:"name in the server's certificate; empty: the host of the address"`
	ClientCertPath string `env:"TEMPORAL_TLS_CLIENT_CERT_PATH" doc:"file of this client's certificate (PEM), for mTLS; read at the start"`
	ClientCertData string `env:"TEMPORAL_TLS_CLIENT_CERT_DATA" doc:"the same, as text"`
	ClientKeyPath  string `env:"TEMPORAL_TLS_CLIENT_KEY_PATH" doc:"file of its private key (PEM)"`
	ClientKeyData  Secret `env:"TEMPORAL_TLS_CLIENT_KEY_DATA" doc:"the same, as text"`
	Unverified     string `env:"TEMPORAL_TLS_DISABLE_HOST_VERIFICATION" doc:"true: believe any certificate; for an attempt only, it gives the API key to whoever answers"`
	Authority      string `env:"TEMPORAL_CLIENT_AUTHORITY" doc:"value of the :authority header; empty: the host of the address"`
}

// sdkPrefix is what the SDK's variables start with.
const sdkPrefix = "TEMPORAL_"

// grpcMeta starts a variable that names a header of every call, as in TEMPORAL_GRPC_META_TENANT.
const grpcMeta = sdkPrefix + "GRPC_META_"

// ClientOptions returns the address, namespace, TLS and credentials of a Temporal client. Who calls
// it adds the rest.
func (t Temporal) ClientOptions() client.Options {
	var o client.Options
	if t.connection != nil {
		o = t.connection()
	}
	o.HostPort, o.Namespace = t.Address, t.Namespace
	return o
}

// resolve implements resolver.
func (t *Temporal) resolve(vars map[string]string, add adder) {
	faulty := false
	r := sdkReader{vars: vars, add: func(variable, format string, args ...any) {
		faulty = true
		add(variable, format, args...)
	}}
	r.checkNames()
	r.checkSwitches()
	profile, ok := r.profile()
	if !ok {
		return
	}
	r.checkAddress(profile)
	r.checkTLS(profile)
	r.checkAPIKey(profile)
	if faulty {
		return
	}
	options, err := profile.ToClientOptions(envconfig.ToClientOptionsRequest{})
	if err != nil {
		add("TEMPORAL_TLS", "%v", err)
		return
	}
	t.connection = func() client.Options { return options }
}

// sdkReader reads the SDK's variables and names what is wrong with them. The SDK itself reports one
// fault at a time, without the variable, and ignores what it cannot read as true or false.
type sdkReader struct {
	vars map[string]string
	add  adder
}

// LookupEnv implements envconfig.EnvLookup. An empty variable counts as none, as everywhere here.
func (r sdkReader) LookupEnv(name string) (string, bool) {
	v := r.vars[name]
	return v, v != ""
}

// Environ implements envconfig.EnvLookup.
func (r sdkReader) Environ() []string {
	var list []string
	for name, value := range r.vars {
		if value != "" {
			list = append(list, name+"="+value)
		}
	}
	return list
}

// checkNames finds misspelt variables. The prefix is not ours alone: Kubernetes sets TEMPORAL_PORT and others
// for a service of that name. So only what looks like one of the SDK's counts, and everything about TLS.
func (r sdkReader) checkNames() {
	known := slices.DeleteFunc(Known(), func(name string) bool { return !strings.HasPrefix(name, sdkPrefix) })
	for name := range r.vars {
		if !strings.HasPrefix(name, sdkPrefix) || strings.HasPrefix(name, grpcMeta) || slices.Contains(known, name) {
			continue
		}
		close := slices.ContainsFunc(known, func(k string) bool { return editDistance(name, k) <= 2 })
		if close || strings.HasPrefix(name, "TEMPORAL_TLS_") {
			r.add(name, "there is no such setting%s", didYouMean(name, known))
		}
	}
}

func (r sdkReader) checkSwitches() {
	for _, name := range []string{"TEMPORAL_TLS", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION"} {
		if v := r.vars[name]; v != "" && !slices.Contains([]string{"true", "false", "1", "0"}, strings.ToLower(v)) {
			r.add(name, "%q is neither true nor false", v)
		}
	}
}

// profile loads the file, if one is asked for, and the variables on top of it. Temporal's tools read a file
// in the home directory unasked; a service that finds one there by chance would send a developer's API
// key to its own server, so it is read only where a variable says so.
func (r sdkReader) profile() (p envconfig.ClientConfigProfile, ok bool) {
	if file, name := r.vars["TEMPORAL_CONFIG_FILE"], r.vars["TEMPORAL_PROFILE"]; file != "" || name != "" {
		file = cmp.Or(file, envconfig.DefaultConfigFilePath())
		name = cmp.Or(name, envconfig.DefaultConfigFileProfile)
		content, err := os.ReadFile(file)
		if err != nil {
			r.add("TEMPORAL_CONFIG_FILE", "%v", err)
			return p, false
		}
		var all envconfig.ClientConfig
		if err := all.FromTOML(content, envconfig.ClientConfigFromTOMLOptions{Strict: true}); err != nil {
			r.add("TEMPORAL_CONFIG_FILE", "%s: %s", file, explainTOML(err))
			return p, false
		}
		if all.Profiles[name] == nil {
			r.add("TEMPORAL_PROFILE", "%s has no profile %q; it has %s", file, name,
				strings.Join(slices.Sorted(maps.Keys(all.Profiles)), ", "))
			return p, false
		}
		p = *all.Profiles[name]
	}
	if err := p.ApplyEnvVars(r); err != nil {
		r.add("TEMPORAL_CONFIG_FILE", "%v", err)
		return p, false
	}
	return p, true
}

// explainTOML names the place of a fault. The parser's own text may repeat a value, which may be a key.
func explainTOML(err error) string {
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		return fmt.Sprintf("line %d is no valid TOML of a client configuration", syntax.Position.Line)
	}
	return err.Error() // the names of unknown keys
}

// from is what gave a value: a variable, or else the file.
func (r sdkReader) from(variable string) string {
	if r.vars[variable] != "" {
		return variable
	}
	return "TEMPORAL_CONFIG_FILE"
}

// checkAddress hands address and namespace on to where ours are not set.
func (r sdkReader) checkAddress(p envconfig.ClientConfigProfile) {
	switch {
	case r.vars["VOLCARD_TEMPORAL_ADDRESS"] != "" || p.Address == "":
	case !hostPort(p.Address):
		r.add(r.from("TEMPORAL_ADDRESS"), "%q is no host:port", p.Address)
	default:
		r.vars["VOLCARD_TEMPORAL_ADDRESS"] = p.Address
	}
	if r.vars["VOLCARD_TEMPORAL_NAMESPACE"] == "" && p.Namespace != "" {
		r.vars["VOLCARD_TEMPORAL_NAMESPACE"] = p.Namespace
	}
}

func (r sdkReader) checkTLS(p envconfig.ClientConfigProfile) {
	t := p.TLS
	if t == nil || t.Disabled {
		return
	}
	ca, caFrom, _ := r.pem("SERVER_CA_CERT", t.ServerCACertData, t.ServerCACertPath)
	if len(ca) > 0 && !x509.NewCertPool().AppendCertsFromPEM(ca) {
		r.add(caFrom, "holds no certificate in PEM")
	}
	cert, certFrom, certGiven := r.pem("CLIENT_CERT", t.ClientCertData, t.ClientCertPath)
	key, keyFrom, keyGiven := r.pem("CLIENT_KEY", t.ClientKeyData, t.ClientKeyPath)
	switch {
	case certGiven && !keyGiven:
		r.add(certFrom, "is set, and the private key (TEMPORAL_TLS_CLIENT_KEY_PATH) is not")
	case keyGiven && !certGiven:
		r.add(keyFrom, "is set, and the certificate (TEMPORAL_TLS_CLIENT_CERT_PATH) is not")
	case len(cert) > 0 && len(key) > 0:
		if _, err := tls.X509KeyPair(cert, key); err != nil {
			r.add(certFrom, "certificate and private key: %v", err)
		}
	}
}

// pem reads what is given as text or as a file. It is given also where it cannot be read.
func (r sdkReader) pem(name string, data []byte, path string) (content []byte, from string, given bool) {
	asData, asPath := sdkPrefix+"TLS_"+name+"_DATA", sdkPrefix+"TLS_"+name+"_PATH"
	switch {
	case len(data) > 0 && path != "":
		r.add(r.from(asPath), "%s is set, and so is %s: set one of them", asPath, asData)
		return nil, r.from(asPath), true
	case path != "":
		content, err := os.ReadFile(path)
		if err != nil {
			r.add(r.from(asPath), "%v", err)
		}
		return content, r.from(asPath), true
	}
	return data, r.from(asData), len(data) > 0
}

// checkAPIKey keeps a key off the open network, and finds one that no header can carry.
func (r sdkReader) checkAPIKey(p envconfig.ClientConfigProfile) {
	if p.APIKey == "" {
		return
	}
	from := r.from("TEMPORAL_API_KEY")
	if strings.ContainsFunc(p.APIKey, func(c rune) bool { return c <= ' ' || c > '~' }) {
		r.add(from, "holds a space, a line break or a character that is not ASCII")
	}
	address := r.vars["VOLCARD_TEMPORAL_ADDRESS"]
	host, _, err := net.SplitHostPort(address)
	if p.TLS != nil && p.TLS.Disabled && address != "" && (err != nil || !loopback(host)) {
		r.add(from, "would go to %s unencrypted: TEMPORAL_TLS=false is for this machine only", address)
	}
}
