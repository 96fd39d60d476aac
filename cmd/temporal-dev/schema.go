package main

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/tools/common/schema"
	"go.temporal.io/server/tools/sql"
	"golang.org/x/sync/errgroup"
)

// The two databases: histories, and the lists of workflows.
const (
	mainDatabase       = "temporal"
	visibilityDatabase = "temporal_visibility"

	databaseConns = 20 // most connections to each, of each service
)

// sqlConfig names one database. A socket's folder goes into the attributes, since the plugin
// builds a URL, in whose host part a folder has no place.
func (s settings) sqlConfig(database string) *config.SQL {
	c := &config.SQL{
		PluginName:   postgresql.PluginNamePGX,
		DatabaseName: database,
		User:         s.dbUser,
		Password:     s.dbPassword,
		MaxConns:     databaseConns,
		MaxIdleConns: databaseConns,
	}
	port := strconv.Itoa(s.dbPort)
	if filepath.IsAbs(s.dbHost) {
		c.ConnectAttributes = map[string]string{"host": s.dbHost, "port": port}
	} else {
		c.ConnectAddr = net.JoinHostPort(s.dbHost, port)
	}
	return c
}

// setUpSchemas brings both databases to the schema of this server. Doing it again does no harm.
func setUpSchemas(s settings) error {
	var g errgroup.Group
	g.Go(func() error { return setUpSchema(s, mainDatabase, "postgresql/v12/temporal") })
	g.Go(func() error { return setUpSchema(s, visibilityDatabase, "postgresql/v12/visibility") })
	return g.Wait()
}

func setUpSchema(s settings, database, name string) error {
	// The tools log at level error what they also return.
	logger := log.NewNoopLogger()
	db, err := sql.NewConnection(s.sqlConfig(database), logger)
	if err != nil {
		// Either the database is not there yet, or the server is not: making it tells which.
		if err := sql.DoCreateDatabase(s.sqlConfig(database), "postgres", logger); err != nil {
			return fmt.Errorf("create database %s: %w", database, err)
		}
		if db, err = sql.NewConnection(s.sqlConfig(database), logger); err != nil {
			return fmt.Errorf("database %s: %w", database, err)
		}
	}
	defer db.Close()
	if _, err := db.ReadSchemaVersion(); err != nil {
		setup := &schema.SetupConfig{InitialVersion: "0.0"}
		if err := schema.NewSetupSchemaTask(db, setup, logger).Run(); err != nil {
			return fmt.Errorf("set up schema of %s: %w", database, err)
		}
	}
	update := &schema.UpdateConfig{DBName: database, SchemaName: name}
	if err := schema.NewUpdateSchemaTask(db, update, logger).Run(); err != nil {
		return fmt.Errorf("update schema of %s: %w", database, err)
	}
	return nil
}
