package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

// Assets serves the static files from memory. Their addresses hold a hash of their content, so
// browsers keep them for ever; text is compressed once, at start.
type Assets struct {
	urls   map[string]string // "app.css" → "/static/app.1a2b3c4d.css"
	byPath map[string]*asset // by hashed and by plain address
}

type asset struct {
	plain, gzipped []byte
	mime, etag     string
}

const staticRoot = "/static/"

func loadAssets(files fs.FS) (*Assets, error) {
	a := &Assets{urls: map[string]string{}, byPath: map[string]*asset{}}
	err := fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		name = strings.TrimPrefix(name, "static/")
		sum := sha256.Sum256(content)
		hash := hex.EncodeToString(sum[:4])
		ext := path.Ext(name)
		item := &asset{plain: content, mime: mimeOf(ext), etag: `"` + hash + `"`}
		if compressible(item.mime) {
			var buf bytes.Buffer
			zw, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
			if err != nil {
				return err
			}
			if _, err := zw.Write(content); err != nil {
				return err
			}
			if err := zw.Close(); err != nil {
				return err
			}
			if buf.Len() < len(content) {
				item.gzipped = buf.Bytes()
			}
		}
		a.urls[name] = staticRoot + strings.TrimSuffix(name, ext) + "." + hash + ext
		a.byPath[a.urls[name]] = item
		a.byPath[staticRoot+name] = item
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("static files: %w", err)
	}
	return a, nil
}

// URL is the address of a static file; an unknown name is a mistake in a template.
func (a *Assets) URL(name string) (string, error) {
	u, ok := a.urls[name]
	if !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return u, nil
}

// AssetURL is the address of a static file by its name, with the hash of its content.
func (g *Guard) AssetURL(name string) (string, error) { return g.assets.URL(name) }

// AssetTag identifies the content of the static file at an address, with or without a hash in it.
func (g *Guard) AssetTag(address string) (string, error) {
	item, ok := g.assets.byPath[address]
	if !ok {
		return "", fmt.Errorf("no static file at %q", address)
	}
	return item.etag, nil
}

func (a *Assets) serve(w http.ResponseWriter, r *http.Request) bool {
	item, ok := a.byPath[r.URL.Path]
	if !ok {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", item.mime)
	h.Set("ETag", item.etag)
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.URL.Path, "."+strings.Trim(item.etag, `"`)+".") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	if r.Header.Get("If-None-Match") == item.etag {
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	body := item.plain
	if item.gzipped != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = item.gzipped
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that has left is no failure
	}
	return true
}

func mimeOf(ext string) string {
	switch ext { // the system's table differs between machines
	case ".css":
		return "text/css; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".png":
		return "image/png"
	case ".jpg":
		return "image/jpeg"
	case ".woff2":
		return "font/woff2"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	if m := mime.TypeByExtension(ext); m != "" {
		return m
	}
	return "application/octet-stream"
}

func compressible(m string) bool {
	return strings.HasPrefix(m, "text/") || strings.HasPrefix(m, "application/json") ||
		strings.HasPrefix(m, "application/manifest") || strings.HasPrefix(m, "image/svg")
}
