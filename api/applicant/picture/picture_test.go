package picture

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/fault"
)

// Some draw, some wait, and whoever comes then is refused at once; room that was taken is given back.
func TestTheQueueIsBounded(t *testing.T) {
	t.Parallel()
	p := NewPainter()
	let, done := make(chan struct{}), make(chan error)
	draw := func() ([]byte, error) {
		<-let
		return nil, nil
	}
	for range drawers + queue {
		go func() {
			_, err := p.Draw(t.Context(), draw)
			done <- err
		}()
	}
	for len(p.waiting) < drawers+queue {
		runtime.Gosched()
	}
	_, err := p.Draw(t.Context(), draw)
	require.True(t, fault.Is(err, fault.Unavailable))
	close(let)
	for range drawers + queue {
		require.NoError(t, <-done)
	}
	_, err = p.Draw(t.Context(), draw)
	require.NoError(t, err)
	require.Empty(t, p.waiting)
}
