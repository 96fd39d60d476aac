package workflows

import (
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"volcard/activities"
)

// NewWorker makes a worker with every process and every deed of the house. The api runs one as
// well: eager starts need a worker behind the same client. That one is eager: it runs processes
// and their short deeds, and leaves the long activities (the nightly checks) to the workers, which
// have what those need. An error on fatal ends the worker.
func NewWorker(c client.Client, queue string, a activities.All, eager bool, extra ...interceptor.WorkerInterceptor) (w worker.Worker, fatal <-chan error) {
	failed := make(chan error, 1)
	w = worker.New(c, queue, worker.Options{
		Interceptors: append([]interceptor.WorkerInterceptor{&activities.Faults{}}, extra...),
		OnFatalError: func(err error) {
			select {
			case failed <- err:
			default:
			}
		},
		LocalActivityWorkerOnly: eager,
		// A worker that is asked to stop lets running deeds end.
		WorkerStopTimeout:                       10 * time.Second,
		MaxConcurrentWorkflowTaskPollers:        4,
		MaxConcurrentWorkflowTaskExecutionSize:  200,
		MaxConcurrentLocalActivityExecutionSize: 100,
	})
	Register(w, a)
	return w, failed
}

// All is every process by its name.
func All() map[string]any {
	return map[string]any{
		CardApplicationType: CardApplication, NightlyCheckType: NightlyCheck, ProductionBatchType: ProductionBatch,
		CalendarChangeType: CalendarChange, ProductionDayType: ProductionDay,
	}
}

// Register puts every workflow and activity under its name. Two activities of the same name make a
// real worker panic here, so a test registers everything on one.
func Register(r worker.Registry, a activities.All) {
	for name, process := range All() {
		r.RegisterWorkflowWithOptions(process, workflow.RegisterOptions{Name: name})
	}
	a.Register(r)
}
