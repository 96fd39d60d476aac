package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	workflowpb "go.temporal.io/api/common/v1"
	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	patience = 30 * time.Second       // how long the server may take to answer its first question
	perShard = 200 * time.Millisecond // and for each history shard on top; it took 25 ms on two busy cores
	pause    = 20 * time.Millisecond  // between two tries
)

func dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

// registerNamespace makes the namespace, or gives an existing one the wanted retention, and
// returns when every history shard answers in it.
func registerNamespace(ctx context.Context, s settings, frontend string) error {
	conn, err := dial(frontend)
	if err != nil {
		return fmt.Errorf("frontend: %w", err)
	}
	defer func() { _ = conn.Close() }()
	c := workflowservice.NewWorkflowServiceClient(conn)
	first, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := until(first, func() error { return keepFor(first, c, s.namespace, s.retention) }); err != nil {
		return fmt.Errorf("register namespace %s: %w", s.namespace, err)
	}
	if err := shardsAnswer(ctx, c, s.namespace); err != nil {
		return fmt.Errorf("history shards of namespace %s: %w", s.namespace, err)
	}
	return nil
}

// shardsAnswer asks each shard once. How many there are, the database decided at its first start.
func shardsAnswer(ctx context.Context, c workflowservice.WorkflowServiceClient, namespace string) error {
	cluster, err := c.GetClusterInfo(ctx, &workflowservice.GetClusterInfoRequest{})
	if err != nil {
		return err
	}
	found, err := c.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience+time.Duration(cluster.GetHistoryShardCount())*perShard)
	defer cancel()
	asked := map[int32]bool{}
	for i := 0; len(asked) < int(cluster.GetHistoryShardCount()); i++ {
		id := "ready-" + strconv.Itoa(i)
		shard := common.WorkflowIDToHistoryShard(found.GetNamespaceInfo().GetId(), id, cluster.GetHistoryShardCount())
		if asked[shard] {
			continue
		}
		if err := until(ctx, func() error { return shardAnswers(ctx, c, namespace, id) }); err != nil {
			return fmt.Errorf("%d of %d answer: %w", len(asked), cluster.GetHistoryShardCount(), err)
		}
		asked[shard] = true
	}
	return nil
}

func keepFor(ctx context.Context, c workflowservice.WorkflowServiceClient, namespace string, d time.Duration) error {
	retention := durationpb.New(d)
	found, err := c.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	var missing *serviceerror.NamespaceNotFound
	if errors.As(asServiceError(err), &missing) {
		_, err = c.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
			Namespace: namespace, WorkflowExecutionRetentionPeriod: retention,
		})
		return err
	}
	if err != nil || found.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration() == d {
		return err
	}
	_, err = c.UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
		Namespace: namespace,
		Config:    &namespacepb.NamespaceConfig{WorkflowExecutionRetentionTtl: retention},
	})
	return err
}

// shardAnswers asks for a workflow that does not exist: only a shard that works can say so.
func shardAnswers(ctx context.Context, c workflowservice.WorkflowServiceClient, namespace, id string) error {
	_, err := c.DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: namespace, Execution: &workflowpb.WorkflowExecution{WorkflowId: id},
	})
	var notFound *serviceerror.NotFound
	if errors.As(asServiceError(err), &notFound) {
		return nil
	}
	return err
}

// until tries again until f succeeds; when ctx ends it returns the last failure.
func until(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// health asks a running server; a container's health check is its caller.
func health(ctx context.Context, s settings) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	conn, err := dial(hostPort(s.dialHost(), s.port))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{
		Service: "temporal.api.workflowservice.v1.WorkflowService",
	})
	if err != nil {
		return err
	}
	if answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("the frontend says %s", answer.GetStatus())
	}
	_, err = workflowservice.NewWorkflowServiceClient(conn).DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: s.namespace})
	return err
}

// asServiceError gives a gRPC error the type that Temporal means by it.
func asServiceError(err error) error { return serviceerror.FromStatus(status.Convert(err)) }
