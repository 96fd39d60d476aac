package deploy

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// memoryLimit is the Go runtime's own setting, which every Go program reads.
const memoryLimit = "GOMEMLIMIT"

// Every service is bounded in memory and processes, and Go's collector works harder before the engine kills a program.
func TestServicesAreBounded(t *testing.T) {
	t.Parallel()
	for name, s := range load(t).Services {
		most := megabytes(t, s.Memory)
		assert.GreaterOrEqual(t, most, 128, name)
		assert.GreaterOrEqual(t, s.PIDs, 64, name)
		if name == "postgres" { // no Go
			continue
		}
		limit := megabytes(t, s.Environment[memoryLimit])
		assert.Less(t, limit, most*9/10, "%s: what is no heap needs room, too", name)
		assert.Greater(t, limit, most/2, name)
	}
}

func megabytes(t *testing.T, text string) int {
	t.Helper()
	for unit, factor := range map[string]int{"MiB": 1, "m": 1, "g": 1024} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.Atoi(number)
			require.NoError(t, err, text)
			return n * factor
		}
	}
	t.Fatalf("%q is no size", text)
	return 0
}
