// Package workflows tells the processes of the house: one file, one process, read as a story, with
// its names and messages on top. The outside starts and messages a process only through Client.
package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// untilDone is for a deed that the process owes: tried until it succeeds. Ten seconds are plenty
// for a transaction, so a killed worker's deed is taken over soon.
func untilDone() workflow.LocalActivityOptions {
	return workflow.LocalActivityOptions{
		// Unset, it would be the ten seconds of one try, and a short absence of the database would
		// end the process.
		ScheduleToCloseTimeout: 10 * 365 * 24 * time.Hour,
		StartToCloseTimeout:    10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
	}
}

// whileSomebodyWaits is for a deed that a person waits for: tried for a few seconds, then refused,
// so that the person reads a sentence and may press again.
func whileSomebodyWaits() workflow.LocalActivityOptions {
	return workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: 8 * time.Second,
		StartToCloseTimeout:    5 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: time.Second,
		},
	}
}

// whileAParcelMoves is for a deed that a person waits for and that moves up to ten thousand cases. Who does not
// wait so long finds it done later; the process hears nothing else meanwhile.
func whileAParcelMoves() workflow.LocalActivityOptions {
	options := whileSomebodyWaits()
	options.ScheduleToCloseTimeout, options.StartToCloseTimeout = 2*time.Minute, time.Minute
	return options
}
