package workflows

import "go.temporal.io/sdk/workflow"

// looksAfterRefusals: a process looks at its row after a decision that failed. Processes that were refused one
// before 2026-11-28 did not.
func looksAfterRefusals(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "look-after-refusal", workflow.DefaultVersion, 1) == 1
}

// looksDaily: a batch that waits for people looks at its row once a day. Batches that were opened before
// 2026-11-28 do not.
func looksDaily(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "look-daily", workflow.DefaultVersion, 1) == 1
}
