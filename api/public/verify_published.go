package public

import (
	"net/http"
	"strconv"

	"volcard/internal/credential"
)

// Where the keys and the list of revoked cards are published, for our own page and for anybody
// who checks cards with a program of theirs.
const (
	keysPath       = "/.well-known/volcard/keys"
	StatusListPath = "/.well-known/volcard/status-list"
	revokedPath    = "/.well-known/volcard/revoked"
)

func (v Verify) keys(w http.ResponseWriter, r *http.Request) error {
	document, etag, err := v.Keys.Published()
	if err != nil {
		return err
	}
	publish(w, r, "application/json", etag, document)
	return nil
}

func (v Verify) statusList(w http.ResponseWriter, r *http.Request) error {
	return v.publishList(w, r, v.List, "application/statuslist+cwt")
}

func (v Verify) revoked(w http.ResponseWriter, r *http.Request) error {
	return v.publishList(w, r, v.OldList, "application/cose; cose-type=\"cose-sign1\"")
}

func (v Verify) publishList(w http.ResponseWriter, r *http.Request, publisher *credential.Publisher, kind string) error {
	list, err := publisher.List(r.Context(), v.Kit.Now())
	if err != nil {
		return err
	}
	w.Header().Set("Last-Modified", list.Issued.UTC().Format(http.TimeFormat))
	publish(w, r, kind, list.ETag, list.Data)
	return nil
}

// publish writes a file that any site may read. A copy is good for two seconds: an old QR is to be
// refused that soon.
func publish(w http.ResponseWriter, r *http.Request, kind, etag string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=2")
	h.Set("ETag", etag)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // who asked may have left
}
