//go:build !killpoint

package killpoint

import (
	"go.temporal.io/sdk/interceptor"
	"google.golang.org/grpc"
)

// Interceptors returns none: this program was built without kill points.
func Interceptors() []interceptor.WorkerInterceptor { return nil }

// DialOptions returns none: this program was built without kill points.
func DialOptions() []grpc.DialOption { return nil }
