package public

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// workerPath is above pagePath, since a worker's scope lies below its own folder.
const workerPath = "/verify-worker.js"

// staticFile is the address of a static file in a page.
var staticFile = regexp.MustCompile(`"(/static/[^"]+)"`)

// worker answers with the service worker that keeps the page for when there is no network. It names the page's files
// as the page does; its text, and so the worker, is another one as soon as any of them is.
func (v Verify) worker(w http.ResponseWriter, r *http.Request) error {
	page := recorder{header: http.Header{}}
	if err := v.page(&page, r); err != nil {
		return err
	}
	version := sha256.New()
	version.Write(page.body.Bytes())
	files := []string{}
	for _, found := range staticFile.FindAllSubmatch(page.body.Bytes(), -1) {
		path := string(found[1])
		if slices.Contains(files, path) {
			continue
		}
		files = append(files, path)
		tag, err := v.Kit.AssetTag(path)
		if err != nil {
			return err
		}
		version.Write([]byte(path + tag))
	}
	program, err := v.Kit.AssetURL("verify/worker.js")
	if err != nil {
		return err
	}
	setup, err := json.Marshal(map[string]any{
		"version": hex.EncodeToString(version.Sum(nil)[:8]), "page": pagePath, "files": files,
	})
	if err != nil {
		return err
	}
	var script strings.Builder
	fmt.Fprintf(&script, "self.volcardVerify = %s;\nimportScripts(%q);\n", setup, program)
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	_, err = w.Write([]byte(script.String()))
	return err
}

// recorder keeps an answer that is not sent.
type recorder struct {
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
func (r *recorder) WriteHeader(int)             {}
