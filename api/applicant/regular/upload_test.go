package regular

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/limit"
)

type free struct{}

func (free) Allow(context.Context, limit.Kind, string) error  { return nil }
func (free) Forget(context.Context, limit.Kind, string) error { return nil }

// A process that holds as many uploads as it may reads the next one without keeping it, and says so.
func TestUploadsInMemoryAreBounded(t *testing.T) {
	s := Studio{Limits: free{}}
	upload := func() *Received {
		body := "--b\r\nContent-Disposition: form-data; name=\"version\"\r\n\r\n7\r\n" +
			"--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\r\n" + strings.Repeat("a", 1000) + "\r\n--b--\r\n"
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		in, err := s.Receive(r, &web.Principal{})
		require.NoError(t, err)
		require.Equal(t, "7", in.Form.Get("version"))
		_, err = r.Body.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, "a browser hears the answer once everything is read")
		return in
	}
	require.True(t, memory.TryAcquire(inMemory-2000))
	first := upload()
	require.Len(t, first.file, 1000)
	second := upload()
	require.Empty(t, second.file)
	_, _, status, err := s.Accept(t.Context(), uuid.Nil, second)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, second.Form.Error(card.FieldPhoto), "人较多")
	second.Close()
	first.Close()
	third := upload()
	require.Len(t, third.file, 1000)
	third.Close()
	memory.Release(inMemory - 2000)
	require.True(t, memory.TryAcquire(inMemory), "everything was given back")
	memory.Release(inMemory)
}
