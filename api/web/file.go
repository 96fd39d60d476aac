package web

import (
	"net/http"
	"strconv"
)

// SendPrivate answers with a file that nobody else may see: no cache keeps it, and a browser that opens
// it as a page runs nothing. name makes it a download; empty: shown in place.
func SendPrivate(w http.ResponseWriter, r *http.Request, mime, name string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if name != "" {
		h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	}
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(body)
	return ignoreGone(r, err)
}
