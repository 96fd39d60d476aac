// Package tlstest makes the certificates of a test that speaks TLS on the loopback interface.
package tlstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
)

// Name is what the server's certificate holds beside 127.0.0.1.
const Name = "server.example"

// Certificates are the paths of PEM files that end with the test.
type Certificates struct {
	CA                    string // the authority of server and client
	Client, ClientKey     string // signed by it
	Stranger, StrangerKey string // signed by another authority
	authority             *x509.CertPool
	server                tls.Certificate
}

// New makes them.
func New(t testing.TB) Certificates {
	t.Helper()
	dir := t.TempDir()
	ours, theirs := newAuthority(t, "ours"), newAuthority(t, "theirs")
	cert, key := ours.sign(t)
	strangerCert, strangerKey := theirs.sign(t)
	c := Certificates{authority: x509.NewCertPool()}
	c.authority.AddCert(ours.cert)
	for _, f := range []struct {
		path    *string
		name    string
		content []byte
	}{
		{&c.CA, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ours.cert.Raw})},
		{&c.Client, "client.pem", cert},
		{&c.ClientKey, "client.key", key},
		{&c.Stranger, "stranger.pem", strangerCert},
		{&c.StrangerKey, "stranger.key", strangerKey},
	} {
		*f.path = filepath.Join(dir, f.name)
		require.NoError(t, os.WriteFile(*f.path, f.content, 0o600))
	}
	var err error
	c.server, err = tls.X509KeyPair(ours.sign(t))
	require.NoError(t, err)
	return c
}

// Server is the configuration of a server that asks its clients for a certificate as clients says.
func (c Certificates) Server(clients tls.ClientAuthType) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{c.server}, ClientAuth: clients, ClientCAs: c.authority,
		NextProtos: []string{"h2"}, // gRPC refuses a server that names no protocol
		MinVersion: tls.VersionTLS12,
	}
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name string) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: clock.System{}.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return authority{cert, key}
}

// sign makes a certificate and its private key, in PEM.
func (a authority) sign(t testing.TB) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: clock.System{}.Now().Add(time.Hour), DNSNames: []string{Name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, private.Public(), a.key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}
