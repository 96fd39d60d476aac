package public_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/api/public"
	"volcard/internal/store"
)

// A genuine token of a database that was lost, whose number was revoked with a range, is refused as cancelled by
// the page and by the list; so would be a row that stood in the range. A token beside the range is unknown.
func TestTokenInARevokedRange(t *testing.T) {
	t.Parallel()
	c := newChecks(t, 0)
	end := c.Clock.Now().AddDate(3, 0, 0)
	present, kept := c.card("王五", "valid", end)
	lost, token := c.sign("李四", end)
	_, beside := c.sign("张三", end)
	owner, err := store.Open(t.Context(), c.OwnerURL, 1)
	require.NoError(t, err)
	defer owner.Close()
	_, err = owner.Exec(t.Context(), "INSERT INTO revoked_range (first, last, at) SELECT n, n, now() FROM unnest($1::bigint[]) n",
		[]string{present[4:12], lost[4:12]})
	require.NoError(t, err)
	for _, text := range []string{token, kept} {
		page := c.Client().Get("/v/" + text).Want(http.StatusOK)
		page.Has(`.verdict[data-status="cancelled"]`).WantText(".verdict", "已注销")
	}
	c.Client().Get("/v/" + beside).Want(http.StatusNotFound).Has(`.verdict[data-status="unknown"]`)
	_, _, status, err := c.ring.ReadStatusList(c.Client().Get(public.StatusListPath).Want(http.StatusOK).Body)
	require.NoError(t, err)
	for _, number := range []string{present, lost} {
		said, ok := status(number)
		require.True(t, ok)
		require.Equal(t, "cancelled", said)
	}
}
