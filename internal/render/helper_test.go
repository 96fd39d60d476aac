package render_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/render"
)

func facesOf(t testing.TB) render.Faces {
	t.Helper()
	faces, err := render.LoadFaces(os.DirFS("../../templates/faces"))
	require.NoError(t, err)
	return faces
}

func generalFace(t testing.TB) *render.Face {
	t.Helper()
	face, err := facesOf(t).Face("general")
	require.NoError(t, err)
	return face
}

// noisyPhoto is a picture that no two places of have the same colours.
func noisyPhoto(width, height int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		img.Pix[i] = byte(random.Uint32()) | byte(255*(i%4/3))
	}
	return img
}

func jpegOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var buf bytes.Buffer
	require.NoError(t, jpeg.Encode(&buf, img, nil))
	return buf.Bytes()
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
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	require.NoError(t, err, "%s %v: %s", name, args, said.String())
	return out
}

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, data, 0o600))
	return file
}
