package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"volcard/activities"
)

// Two activities of the same name panic on a real worker only; the test environment keeps the last.
func TestEverythingRegistersOnARealWorker(t *testing.T) {
	t.Parallel()
	c, err := client.NewLazyClient(client.Options{})
	require.NoError(t, err)
	defer c.Close()
	require.NotPanics(t, func() {
		NewWorker(c, "test", activities.All{
			Card: &activities.Card{}, Batch: &activities.Batch{}, Dates: &activities.Dates{}, Check: &activities.Check{},
		}, false)
	})
}
