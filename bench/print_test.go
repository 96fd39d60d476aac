package bench_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/render/rendertest"
)

// The cards of a print file, and the most memory that making one may take.
const (
	printed      = 500
	printBudget  = 300 << 20
	printedFace  = "huanghelou"
	envPrintFile = "VOLCARD_BENCH_PRINT_FILE"
)

// prints is row h: what the regular edition's cards cost, by processor time, beside plain gofpdf
// with the whole fonts in each document and beside poppler.
func prints(t *testing.T, out *table) {
	t.Helper()
	cost, err := rendertest.NewCost(printedFace)
	require.NoError(t, err)
	var document, plain, preview, asPNG, asJPEG time.Duration
	add := func(to *time.Duration, d time.Duration) { *to += d / time.Duration(*rounds) }
	for range *rounds {
		ours, theirs, err := cost.Documents(20)
		require.NoError(t, err)
		add(&document, ours)
		add(&plain, theirs)
		ours, theirs, err = cost.Previews(t.Context(), 10, t.TempDir(), "png")
		require.NoError(t, err)
		add(&preview, ours/2)
		add(&asPNG, theirs)
		ours, theirs, err = cost.Previews(t.Context(), 10, t.TempDir(), "jpeg")
		require.NoError(t, err)
		add(&preview, ours/2)
		add(&asJPEG, theirs)
	}
	file, peak := filesAlone(t)
	ratio := func(a, b time.Duration) float64 { return float64(a) / float64(b) }
	out.row(fmt.Sprintf("print PDF of %d regular cards, CPU for each card", printed), ms(file), ms(plain), ratio(file, plain), 1.0/15, false)
	out.row("one regular card's PDF, CPU", ms(document), ms(plain), ratio(document, plain), 1.0/7, false)
	out.row("preview picture, CPU, pdftoppm -png", ms(preview), ms(asPNG), ratio(preview, asPNG), 1.0/5, false)
	out.row("preview picture, CPU, pdftoppm -jpeg", ms(preview), ms(asJPEG), ratio(preview, asJPEG), 1.0/5, false)
	out.row(fmt.Sprintf("print PDF of %d regular cards, peak memory", printed),
		fmt.Sprintf("%d MB", peak>>20), fmt.Sprintf("%d MB", printBudget>>20), float64(peak)/printBudget, 1, false)
}

// filesAlone makes print files in a process that does nothing else, as a worker makes those of a batch, and returns
// the CPU time for each card and the most memory that the process took.
func filesAlone(t *testing.T) (each time.Duration, peak int64) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestPrintFilesAlone$")
	cmd.Env = append(os.Environ(), envPrintFile+"="+strconv.Itoa(*rounds))
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
	found := regexp.MustCompile(`each card (\S+)`).FindSubmatch(said)
	require.NotNil(t, found, "%s", said)
	each, err = time.ParseDuration(string(found[1]))
	require.NoError(t, err)
	used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	require.True(t, ok)
	return each, used.Maxrss << 10
}

// TestPrintFilesAlone makes print files, one after the other, for filesAlone. The first does not count.
func TestPrintFilesAlone(t *testing.T) {
	files, err := strconv.Atoi(os.Getenv(envPrintFile))
	if err != nil {
		t.Skip("filesAlone starts it in a process of its own")
	}
	cost, err := rendertest.NewCost(printedFace)
	require.NoError(t, err)
	var spent time.Duration
	for n := range files + 1 {
		each, err := cost.File(printed)
		require.NoError(t, err)
		if n > 0 {
			spent += each
		}
	}
	fmt.Println("each card", spent/time.Duration(files))
}
