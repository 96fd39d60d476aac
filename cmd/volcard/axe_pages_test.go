package main

import (
	"bytes"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/templates"
)

// notWhole are the templates that no browser is shown as a page of its own, and why.
var notWhole = map[string]string{
	"public/divisions": "a part that pages ask for",
}

// witness notes which of the templates a browser was shown, by the texts that only one template has.
type witness struct {
	texts map[string][]string

	mu   sync.Mutex
	seen map[string]bool
}

var action = regexp.MustCompile(`(?s)\{\{.*?\}\}`)

// shortestMark is how long a text must be to tell templates apart by it.
const shortestMark = 16

func newWitness(t *testing.T) *witness {
	t.Helper()
	w := &witness{texts: map[string][]string{}, seen: map[string]bool{}}
	sources, count := map[string][]string{}, map[string]int{}
	require.NoError(t, fs.WalkDir(templates.FS, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".html") || strings.HasPrefix(path, "static/") {
			return err
		}
		source, err := fs.ReadFile(templates.FS, path)
		for _, text := range action.Split(string(source), -1) {
			if text = strings.TrimSpace(text); len(text) >= shortestMark {
				sources[path] = append(sources[path], text)
			}
		}
		for _, text := range slices.Compact(slices.Sorted(slices.Values(sources[path]))) {
			count[text]++
		}
		return err
	}))
	for path, texts := range sources {
		if strings.HasPrefix(path, "layout/") || strings.HasPrefix(path, "part/") {
			continue
		}
		page := strings.TrimSuffix(path, ".html")
		w.texts[page] = slices.DeleteFunc(texts, func(text string) bool { return count[text] > 1 })
		require.NotEmpty(t, w.texts[page], "%s has no text of its own", page)
	}
	return w
}

// watch notes what a browser is answered; the tests' own clients prepare things and look at nothing.
func (w *witness) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.UserAgent(), "Chrome/") {
			next.ServeHTTP(rw, r)
			return
		}
		kept := &keeper{ResponseWriter: rw}
		next.ServeHTTP(kept, r)
		if strings.HasPrefix(rw.Header().Get("Content-Type"), "text/html") {
			w.note(kept.body.String())
		}
	})
}

func (w *witness) note(body string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for page, texts := range w.texts {
		if !w.seen[page] && slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(body, text) }) {
			w.seen[page] = true
		}
	}
}

// unseen lists the pages that nobody looked at.
func (w *witness) unseen() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for page := range w.texts {
		if !w.seen[page] && notWhole[page] == "" {
			list = append(list, page)
		}
	}
	slices.Sort(list)
	return list
}

// keeper keeps a copy of what is written.
type keeper struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (k *keeper) Write(b []byte) (int, error) {
	k.body.Write(b)
	return k.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (k *keeper) Unwrap() http.ResponseWriter { return k.ResponseWriter }
