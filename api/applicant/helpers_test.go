package applicant_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
)

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// idNumber completes an ID number of the unassigned area 420199 for this birth date.
func idNumber(birth string) string {
	body := "420199" + birth + "001"
	sum := 0
	for i, weight := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(body[i]-'0') * weight
	}
	return fmt.Sprintf("%s%c", body, "10X98765432"[sum%11])
}

// shot keeps pictures for somebody to look at, where a folder for them is named.
func shot(t *testing.T, b *webtest.Browser, c *webtest.Client, path, name string) {
	t.Helper()
	folder := os.Getenv("VOLCARD_SHOTS")
	if folder == "" {
		return
	}
	tab := b.Tab(c, path, 375, 812)
	require.NoError(t, os.WriteFile(filepath.Join(folder, name+"-375.png"), b.Picture(tab), 0o600))
	b.Dark(tab)
	require.NoError(t, os.WriteFile(filepath.Join(folder, name+"-375-dark.png"), b.Picture(tab), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, name+"-1280.png"), b.Picture(b.Tab(c, path, 1280, 900)), 0o600))
}
