package workflows

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"volcard/activities"
)

const histories = "testdata/histories"

func recorded(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(histories, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// of are the recorded histories of a process.
func of(t *testing.T, process string) []string {
	t.Helper()
	files := slices.DeleteFunc(recorded(t), func(file string) bool {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		// The first event names it.
		_, first, _ := bytes.Cut(b, []byte(`"workflowType": {`))
		name, _, _ := bytes.Cut(first, []byte("}"))
		return !bytes.Contains(name, []byte(`"name": "`+process+`"`))
	})
	require.NotEmpty(t, files, "no history of %s: record one", process)
	return files
}

// replay runs a recorded history through the processes, as a worker does that takes over a case.
func replay(t *testing.T, processes map[string]any, file string) error {
	t.Helper()
	r := worker.NewWorkflowReplayer() // the recorded histories are unsealed
	for name, process := range processes {
		r.RegisterWorkflowWithOptions(process, workflow.RegisterOptions{Name: name})
	}
	return r.ReplayWorkflowHistoryFromJSONFile(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), file)
}

// Every history that released code has written goes on under the code as it is now, and every process
// has one. Where this fails, running cases would stop: give the change a version (workflow.GetVersion).
func TestHistoriesReplay(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for process := range All() {
		for _, file := range of(t, process) {
			known[file] = true
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				require.NoError(t, replay(t, All(), file))
			})
		}
	}
	for _, file := range recorded(t) {
		require.True(t, known[file], "%s is of no process that there is", file)
	}
}

// The control: a replay that passes whatever the code says proves nothing.
func TestAChangedProcessDoesNotReplay(t *testing.T) {
	t.Parallel()
	changed := map[string]func(workflow.Context, CardApplicationInput) error{
		"waits before the first deed": func(ctx workflow.Context, in CardApplicationInput) error {
			if err := workflow.Sleep(ctx, time.Minute); err != nil {
				return err
			}
			return CardApplication(ctx, in)
		},
		"another deed first": func(ctx workflow.Context, in CardApplicationInput) error {
			c := &cardCase{id: in.ApplicationID, deeds: workflow.NewMutex(ctx)}
			if err := c.do(ctx, deed.LapseCase, activities.CaseInput{ApplicationID: c.id}); err != nil {
				return err
			}
			return CardApplication(ctx, in)
		},
	}
	for name, process := range changed {
		for _, file := range of(t, CardApplicationType) {
			t.Run(name+"/"+filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				err := replay(t, map[string]any{CardApplicationType: process}, file)
				require.Error(t, err)
				require.Regexp(t, `^[\w ,()]+$`, explainReplay(err), "names of events, commands and activities, no payload")
				require.NotEqual(t, "it does not replay", explainReplay(err))
			})
		}
	}
}

// What stands in Temporal is identifiers, states and dates: the histories are recorded unsealed, so
// that this can be seen.
func TestHistoriesHoldNothingPersonal(t *testing.T) {
	t.Parallel()
	personal := regexp.MustCompile(`王|阿卜杜|(^|[^0-9])1[3-9][0-9]{9}([^0-9]|$)|42019920[0-9]{9}|八一路|武汉大学`)
	data := regexp.MustCompile(`"data": "([^"]+)"`)
	for _, file := range recorded(t) {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotContains(t, string(b), base64.StdEncoding.EncodeToString([]byte(sealedEncoding)), file)
		var text strings.Builder
		for _, field := range data.FindAllSubmatch(b, -1) {
			plain, err := base64.StdEncoding.DecodeString(string(field[1]))
			require.NoError(t, err)
			text.Write(plain)
		}
		if !strings.HasPrefix(filepath.Base(file), "calendar-change") { // which is told nothing
			require.Regexp(t, `"(ApplicationID|BatchID)":"|"(Waiting|Count)":`, text.String(), "the payloads can be read")
		}
		require.Empty(t, personal.FindString(text.String()), file)
		require.Empty(t, personal.FindString(data.ReplaceAllString(string(b), "")), file)
	}
}

// A sample is spread over all of them, the newest and the oldest among them, each once.
func TestSpread(t *testing.T) {
	t.Parallel()
	list := make([]int, 1000)
	for i := range list {
		list[i] = i
	}
	for _, n := range []int{1, 2, 3, 7, 200, 999, 1000, 5000, 0} {
		got := spread(list, n)
		want := n
		if n == 0 || n > len(list) {
			want = len(list)
		}
		require.Len(t, got, want)
		require.True(t, slices.IsSorted(got))
		require.Len(t, slices.Compact(slices.Clone(got)), want)
		require.Equal(t, len(list)-1, got[len(got)-1], "the oldest")
		if n != 1 {
			require.Zero(t, got[0], "the newest")
		}
	}
	require.Empty(t, spread([]int(nil), 5))
}
