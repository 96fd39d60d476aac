// Package devstack starts and stops PostgreSQL and the Temporal server as child processes, for
// `volcard dev` and for tests of whole processes. Nothing that it starts outlives the process
// that started it, however that one ends.
package devstack
