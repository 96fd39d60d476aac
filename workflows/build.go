package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
)

// build is what every worker calls itself. Which binary did a task is told by its identity and its log.
const build = "volcard"

func init() { worker.SetBinaryChecksum(build) }

// begunBy is the search attribute that Temporal writes when a worker completes the first task of a process.
// Given at the start, the row of each case in the visibility store, with its 73 indexes, is written once and
// not twice. Should a server spell it in another way, it writes a second time, as it would without.
var begunBy = temporal.NewSearchAttributes(
	temporal.NewSearchAttributeKeyKeywordList("BuildIds").ValueSet([]string{"unversioned", "unversioned:" + build}))
