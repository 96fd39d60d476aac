package workflows

import "volcard/activities"

// The inputs of decisions, under names that pages may use: they know this package, not activities.
type (
	ChooseBranchInput = activities.ChooseBranchInput
	WithdrawInput     = activities.WithdrawInput
	DecideHeldInput   = activities.DecideHeldInput
)
