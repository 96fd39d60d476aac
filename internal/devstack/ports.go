package devstack

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
)

// portsFile remembers the ports between two starts, so that a bookmark of the Web UI stays right.
type portsFile struct {
	Temporal int `json:"temporal"`
	UI       int `json:"ui"`
}

// RememberedPorts returns the ports of the last start as far as they are free, and zeros
// otherwise. A file that cannot be read is no obstacle: ports are a convenience.
func RememberedPorts(ctx context.Context, path string) (temporal, ui int) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, 0
	}
	var p portsFile
	if err := json.Unmarshal(text, &p); err != nil {
		return 0, 0
	}
	return ifFree(ctx, p.Temporal), ifFree(ctx, p.UI)
}

func ifFree(ctx context.Context, port int) int {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0
	}
	_ = l.Close()
	return port
}

// RememberPorts writes the ports of this server for the next start.
func (t *Temporal) RememberPorts(path string) error {
	text, err := json.Marshal(portsFile{Temporal: t.options.Port, UI: t.options.UIPort})
	if err != nil {
		return fmt.Errorf("ports: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("ports: %w", err)
	}
	return nil
}
