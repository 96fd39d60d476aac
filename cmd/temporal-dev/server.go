package main

import (
	"context"
	"fmt"
	"net"
	"strconv"

	ui "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

// server is a running Temporal server, with its Web UI if that was asked for.
type server struct {
	temporal     temporal.Server
	web          *ui.Server
	frontend, ui string
}

func startServer(ctx context.Context, s settings) (*server, error) {
	free, err := ports(ctx, 5)
	if err != nil {
		return nil, err
	}
	if s.port == 0 {
		s.port = free[3]
	}
	if s.uiPort == 0 {
		s.uiPort = free[4]
	}
	if err := checkFree(ctx, s.bind, s.port); err != nil {
		return nil, err
	}
	cfg, hosts := serverConfig(s, free)
	srv, err := temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithLogger(log.NewZapLogger(log.BuildZapLogger(log.Config{Level: s.logLevel, Format: "json"}))),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithDynamicConfigClient(dynamicConfig(s)),
	)
	if err != nil {
		return nil, fmt.Errorf("temporal: %w", err)
	}
	if err := srv.Start(); err != nil {
		return nil, fmt.Errorf("temporal: %w", err)
	}
	running := &server{temporal: srv, frontend: hostPort(s.dialHost(), s.port)}
	if s.uiPort > 0 {
		if err := checkFree(ctx, s.bind, s.uiPort); err != nil {
			running.stop()
			return nil, err
		}
		running.web = startUI(s, running.frontend)
		running.ui = hostPort(s.dialHost(), s.uiPort)
	}
	return running, nil
}

func (r *server) stop() {
	if r.web != nil {
		r.web.Stop()
	}
	_ = r.temporal.Stop()
}

// startUI serves the Web UI beside the server.
func startUI(s settings, frontend string) *ui.Server {
	web := ui.NewServer(server_options.WithConfigProvider(&uiconfig.Config{
		TemporalGRPCAddress: frontend,
		Host:                s.bind,
		Port:                s.uiPort,
		EnableUI:            true,
		DefaultNamespace:    s.namespace,
		DisableNewsFetch:    true, // no page of ours calls a stranger
		HideLogs:            true,
		// The Web UI speaks plain HTTP here; a browser would drop a secure cookie.
		CORS: uiconfig.CORS{CookieInsecure: true},
	}))
	go func() { _ = web.Start() }() // it ends the process itself when it fails
	return web
}

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// dynamicConfig holds what was measured to matter on one machine.
func dynamicConfig(s settings) dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		// One partition: with the default four, p99 under load is three times as long.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
		// The default lets the cache of histories grow past a gigabyte.
		dynamicconfig.HistoryCacheHostLevelMaxSize.Key(): 8192,
		dynamicconfig.WorkflowTimeSkippingEnabled.Key():  s.timeSkipping,
	}
}

func serverConfig(s settings, free []int) (*config.Config, map[primitives.ServiceName]static.Hosts) {
	frontend := hostPort(s.dialHost(), s.port)
	service := func(bind string, port int) config.Service {
		return config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: bind}}
	}
	host := func(addr string) static.Hosts { return static.Hosts{All: []string{addr}, Self: addr} }
	local := func(port int) static.Hosts { return host(hostPort("127.0.0.1", port)) }
	cfg := &config.Config{
		Persistence: config.Persistence{
			DefaultStore:     "main",
			VisibilityStore:  "visibility",
			NumHistoryShards: int32(s.historyShards),
			DataStores: map[string]config.DataStore{
				"main":       {SQL: s.sqlConfig(mainDatabase)},
				"visibility": {SQL: s.sqlConfig(visibilityDatabase)},
			},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        "active",
			CurrentClusterName:       "active",
			ClusterInformation: map[string]cluster.ClusterInformation{
				"active": {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		// Only the frontend may be reached from other machines.
		Services: map[string]config.Service{
			"frontend": service(s.bind, s.port),
			"history":  service("127.0.0.1", free[0]),
			"matching": service("127.0.0.1", free[1]),
			"worker":   service("127.0.0.1", free[2]),
		},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
		PublicClient: config.PublicClient{HostPort: frontend},
	}
	return cfg, map[primitives.ServiceName]static.Hosts{
		primitives.FrontendService: host(frontend),
		primitives.HistoryService:  local(free[0]),
		primitives.MatchingService: local(free[1]),
		primitives.WorkerService:   local(free[2]),
	}
}
