package world

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/stretchr/testify/require"
)

// Proxy stands between a process and PostgreSQL. It can lose the answer to a commit: the server
// has committed, and the process never hears of it.
type Proxy struct {
	dir, socket string
	port        int
	listener    net.Listener

	mu    sync.Mutex
	after string
	lost  int
	conns map[net.Conn]bool
}

// Proxy starts one. It ends with the test.
func (w *World) Proxy() *Proxy {
	w.T.Helper()
	// The path of a socket must be short.
	dir, err := os.MkdirTemp("/tmp", "volcard-proxy-")
	require.NoError(w.T, err)
	target, port := w.Postgres.Socket()
	name := fmt.Sprintf(".s.PGSQL.%d", port)
	p := &Proxy{dir: dir, socket: filepath.Join(target, name), port: port, conns: map[net.Conn]bool{}}
	p.listener, err = net.Listen("unix", filepath.Join(dir, name))
	require.NoError(w.T, err)
	go p.serve()
	w.T.Cleanup(func() {
		_ = p.listener.Close()
		p.Cut()
		_ = os.RemoveAll(dir)
	})
	return p
}

// URL is a database's URL through the proxy.
func (p *Proxy) URL(url string) string {
	target := filepath.Dir(p.socket)
	return strings.NewReplacer(
		strings.ReplaceAll(target, "/", "%2F"), strings.ReplaceAll(p.dir, "/", "%2F"), target, p.dir).Replace(url)
}

// LoseAnswer arms the proxy once: the next commit of a transaction in which a statement with this
// text was prepared goes through, its answer and its connection are lost.
func (p *Proxy) LoseAnswer(after string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.after = after
}

// Lost counts the lost answers.
func (p *Proxy) Lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// Cut ends every connection, so that statements are prepared anew.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.socket)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		l := &link{proxy: p, client: client, server: server}
		go l.answers()
		go l.requests()
	}
}

// link is one connection. answers and requests end together.
type link struct {
	proxy          *Proxy
	client, server net.Conn

	mu   sync.Mutex
	lose bool
}

func (l *link) close() {
	_ = l.client.Close()
	_ = l.server.Close()
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	delete(l.proxy.conns, l.client)
	delete(l.proxy.conns, l.server)
}

// answers copies what the server says, until an answer is to be lost.
func (l *link) answers() {
	defer l.close()
	buf := make([]byte, 32<<10)
	for {
		n, err := l.server.Read(buf)
		if err != nil {
			return
		}
		l.mu.Lock()
		lose := l.lose
		l.mu.Unlock()
		if lose {
			l.proxy.mu.Lock()
			l.proxy.lost++
			l.proxy.mu.Unlock()
			return
		}
		if _, err := l.client.Write(buf[:n]); err != nil {
			return
		}
	}
}

// requests copies the client's messages one by one and looks for the commit.
func (l *link) requests() {
	defer l.close()
	first, marked := true, false
	for {
		kind, raw, err := message(l.client, first)
		if err != nil {
			return
		}
		first = false
		l.proxy.mu.Lock()
		if after := l.proxy.after; after != "" {
			marked = marked || (kind == 'P' && bytes.Contains(raw, []byte(after)))
			if marked && kind == 'Q' && strings.EqualFold(string(raw[5:len(raw)-1]), "commit") {
				l.proxy.after = ""
				l.mu.Lock()
				l.lose = true
				l.mu.Unlock()
			}
		}
		l.proxy.mu.Unlock()
		if _, err := l.server.Write(raw); err != nil {
			return
		}
	}
}

// message reads one message of the protocol. The first of a connection has no kind.
func message(r io.Reader, first bool) (kind byte, raw []byte, err error) {
	head := make([]byte, 5)
	if first {
		head = head[1:]
	}
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	size := int(binary.BigEndian.Uint32(head[len(head)-4:])) - 4
	if size < 0 || size > 16<<20 {
		return 0, nil, errors.New("world: no message of PostgreSQL")
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, err
	}
	if !first {
		kind = head[0]
	}
	return kind, slices.Concat(head, body), nil
}
