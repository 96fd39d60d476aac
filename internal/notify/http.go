package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"
)

// maxAnswer bounds what is read of a gateway's answer; real ones have under 2 KB.
const maxAnswer = 64 << 10

// httpClient speaks to a gateway. It follows no redirect: a signed request is for one address.
type httpClient struct{ client *http.Client }

func newHTTP(timeout time.Duration) httpClient {
	if timeout <= 0 {
		timeout = 5 * time.Second
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	transport.MaxIdleConnsPerHost = 4
	transport.ResponseHeaderTimeout = timeout
	return httpClient{&http.Client{
		Transport: transport, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// do sends a request and decodes the JSON answer into out, whatever its status. Where it fails,
// the error tells whether the request can have reached the gateway.
func (h httpClient) do(r *http.Request, out any) (status int, err error) {
	var wrote atomic.Bool
	trace := &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }}
	resp, err := h.client.Do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace))) //nolint:gosec // the address is the operator's setting
	if err != nil {
		if !wrote.Load() {
			return 0, &SendError{Outcome: Refused, Code: "no connection", Err: err}
		}
		return 0, &SendError{Outcome: Unknown, Code: "no answer", Err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errors.New("answer too long")
	}
	if err != nil {
		return resp.StatusCode, &SendError{Outcome: Unknown, Code: "half an answer", Err: err}
	}
	if err := json.Unmarshal(body, out); err != nil {
		return resp.StatusCode, &SendError{Outcome: Unknown, Code: "unreadable answer", Err: err}
	}
	return resp.StatusCode, nil
}

// codeRule says what a gateway's code means, by its beginning.
type codeRule struct {
	prefix    string
	outcome   Outcome
	permanent bool
}

// refusal finds the meaning of a code. A code that is not listed is a refusal that may pass:
// mostly a setting that an operator must mend, for which the message can wait.
func refusal(code string, status int, rules []codeRule) *SendError {
	for _, r := range rules {
		if strings.HasPrefix(code, r.prefix) {
			return &SendError{Outcome: r.outcome, Permanent: r.permanent, Code: code}
		}
	}
	if code == "" || status >= http.StatusInternalServerError {
		return &SendError{Outcome: Unknown, Code: "status without a known code"}
	}
	return &SendError{Outcome: Refused, Code: code}
}

func hashHex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
