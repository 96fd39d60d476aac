package render_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/render"
)

func generalFace(t testing.TB) *render.Face {
	t.Helper()
	faces, err := render.LoadFaces(os.DirFS("../../templates/faces"))
	require.NoError(t, err)
	face, err := faces.Face("general")
	require.NoError(t, err)
	return face
}

func layout(t testing.TB, data render.CardData) *render.DisplayList {
	t.Helper()
	list, err := render.Layout(generalFace(t), data)
	require.NoError(t, err)
	return list
}

// tool runs a program that `make test` installs. Only a laptop may lack it.
func tool(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not installed: run make test, which installs it", name)
		}
		t.Skipf("%s is not installed", name)
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS=disabled:")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s %v", name, args)
	return out
}

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, data, 0o600))
	return file
}
