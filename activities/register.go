package activities

import "go.temporal.io/sdk/worker"

// All is every struct of activities that a worker offers.
type All struct {
	Card  *Card
	Batch *Batch
	Dates *Dates
	Check *Check
}

// Register offers them. Names are the methods' and unique in the worker.
func (a All) Register(r worker.ActivityRegistry) {
	r.RegisterActivity(a.Card)
	r.RegisterActivity(a.Batch)
	r.RegisterActivity(a.Dates)
	r.RegisterActivity(a.Check)
}
