package chaos_test

import (
	"flag"
	"os"
	"testing"
)

// Subtests here wait for timeouts of the server far more than they compute, so more of them than
// the machine has cores may go on side by side.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "14"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
