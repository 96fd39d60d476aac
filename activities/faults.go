package activities

import (
	"context"
	"errors"
	"log/slog"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"volcard/internal/fault"
)

// Faults is the one place that decides which failures of an activity are retried. A fault that
// no retry can mend ends the activity with the kind as its type and the sentence as its message;
// the workflows' client turns it back. Everything else is retried, and its text stays in our log:
// a database error may quote a row.
type Faults struct {
	interceptor.WorkerInterceptorBase
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (*Faults) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	i := &faultInterceptor{}
	i.Next = next
	return i
}

type faultInterceptor struct {
	interceptor.ActivityInboundInterceptorBase
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (i *faultInterceptor) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	result, err := i.Next.ExecuteActivity(ctx, in)
	if err == nil {
		return result, nil
	}
	var already *temporal.ApplicationError
	if errors.As(err, &already) || errors.Is(err, activity.ErrResultPending) || errors.Is(err, context.Canceled) {
		return result, err
	}
	kind := fault.KindOf(err)
	info := activity.GetInfo(ctx)
	switch kind {
	case fault.Invalid, fault.Unauthenticated, fault.Forbidden, fault.NotFound, fault.Conflict:
		return nil, temporal.NewNonRetryableApplicationError(fault.Sentence(err), string(kind), nil)
	case fault.TooMany, fault.Unavailable, fault.Internal:
	}
	slog.ErrorContext(ctx, "activity failed", "activity", info.ActivityType.Name,
		"workflow", info.WorkflowExecution.ID, "attempt", info.Attempt, "error", err)
	return nil, temporal.NewApplicationError(fault.Sentence(err), string(kind))
}
