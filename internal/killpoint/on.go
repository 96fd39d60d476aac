//go:build killpoint

package killpoint

import (
	"context"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"google.golang.org/grpc"
)

var (
	setting, stop  = strings.CutSuffix(os.Getenv("VOLCARD_TEST_KILL_POINT"), ":stop")
	name, point, _ = strings.Cut(setting, ":")
	// done is set when the named activity has had its effect in this process.
	done atomic.Bool
)

// die does to this process what an operator's kill -9 or a power cut does: no handler runs. With
// ":stop" it only stops, once, and goes on at a SIGCONT as if no time had passed.
func die() {
	if !stop {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	once.Do(func() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) })
}

var once sync.Once

// Interceptors returns the interceptor that dies before the named activity or after its effect.
func Interceptors() []interceptor.WorkerInterceptor {
	return []interceptor.WorkerInterceptor{&killer{}}
}

type killer struct {
	interceptor.WorkerInterceptorBase
}

func (k *killer) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	i := &killInbound{}
	i.Next = next
	return i
}

type killInbound struct {
	interceptor.ActivityInboundInterceptorBase
}

func (i *killInbound) Init(next interceptor.ActivityOutboundInterceptor) error {
	o := &killOutbound{}
	o.Next = next
	return i.Next.Init(o)
}

// killOutbound dies at the second sign of life: the deed has done a part of its work.
type killOutbound struct {
	interceptor.ActivityOutboundInterceptorBase
	signs atomic.Int32
}

func (o *killOutbound) RecordHeartbeat(ctx context.Context, details ...any) {
	if point == "inside" && activity.GetInfo(ctx).ActivityType.Name == name && o.signs.Add(1) == 2 {
		die()
	}
	o.Next.RecordHeartbeat(ctx, details...)
}

func (i *killInbound) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	mine := activity.GetInfo(ctx).ActivityType.Name == name
	if mine && point == "before" {
		die()
	}
	result, err := i.Next.ExecuteActivity(ctx, in)
	if mine && err == nil {
		if point == "effect" {
			die()
		}
		done.Store(true)
	}
	return result, err
}

// DialOptions returns the gRPC interceptor that dies around the next answer to the server after
// the named activity: a local activity's result travels in the workflow task's completion.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(
		func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			answer := strings.HasSuffix(method, "/RespondWorkflowTaskCompleted") || strings.HasSuffix(method, "/RespondActivityTaskCompleted")
			if answer && done.Load() && point == "ack" {
				die()
			}
			err := invoke(ctx, method, req, reply, cc, opts...)
			if answer && done.Load() && point == "told" && err == nil {
				die()
			}
			return err
		})}
}
