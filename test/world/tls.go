package world

import (
	"crypto/tls"
	"io"
	"net"

	"github.com/stretchr/testify/require"

	"volcard/internal/devstack"
	"volcard/internal/devstack/tlstest"
)

// BehindTLS puts a proxy before Temporal that demands TLS and a client's certificate. It returns the settings
// with which a process reaches it by the SDK's variables alone.
func (w *World) BehindTLS() map[string]string {
	w.T.Helper()
	certs := tlstest.New(w.T)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", certs.Server(tls.RequireAndVerifyClientCert))
	require.NoError(w.T, err)
	w.T.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", w.Temporal.Address())
			if err != nil {
				_ = client.Close()
				continue
			}
			go relay(client, server)
			go relay(server, client)
		}
	}()
	return map[string]string{
		"VOLCARD_TEMPORAL_ADDRESS": "", "VOLCARD_TEMPORAL_NAMESPACE": "",
		"TEMPORAL_ADDRESS": listener.Addr().String(), "TEMPORAL_NAMESPACE": devstack.Namespace,
		"TEMPORAL_TLS_SERVER_CA_CERT_PATH": certs.CA,
		"TEMPORAL_TLS_CLIENT_CERT_PATH":    certs.Client, "TEMPORAL_TLS_CLIENT_KEY_PATH": certs.ClientKey,
	}
}

// relay copies one direction and ends both with it.
func relay(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
	_ = from.Close()
}
