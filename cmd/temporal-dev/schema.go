package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/tools/common/schema"
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

// setUpSchemas brings both databases to the schema of this server. Doing it again does no harm,
// and a set-up that is cut short leaves nothing half done.
func setUpSchemas(ctx context.Context, s settings) error {
	g, both := errgroup.WithContext(ctx)
	g.Go(func() error { return setUpSchema(both, s, mainDatabase, "postgresql/v12/temporal") })
	g.Go(func() error { return setUpSchema(both, s, visibilityDatabase, "postgresql/v12/visibility") })
	return g.Wait()
}

func setUpSchema(ctx context.Context, s settings, database, name string) error {
	conn, err := connect(ctx, s, database)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "3D000" { // there is no such database
		if err := createDatabase(ctx, s, database); err != nil {
			return fmt.Errorf("create database %s: %w", database, err)
		}
		conn, err = connect(ctx, s, database)
	}
	if err != nil {
		return fmt.Errorf("database %s: %w", database, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// Two servers that start at once would both see the old version.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(7234502)"); err != nil {
			return err
		}
		db := &schemaTx{ctx: ctx, tx: tx, database: database}
		// The tasks log at level error what they also return.
		logger := log.NewNoopLogger()
		if err := db.CreateSchemaVersionTables(); err != nil {
			return fmt.Errorf("set up schema of %s: %w", database, err)
		}
		if _, err := db.ReadSchemaVersion(); errors.Is(err, pgx.ErrNoRows) {
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
	})
}

func connect(ctx context.Context, s settings, database string) (*pgx.Conn, error) {
	c, err := pgx.ParseConfig("host=127.0.0.1 sslmode=disable")
	if err != nil {
		return nil, err
	}
	c.Host, c.Port, c.User, c.Password, c.Database = s.dbHost, uint16(s.dbPort), s.dbUser, s.dbPassword, database
	return pgx.ConnectConfig(ctx, c)
}

func createDatabase(ctx context.Context, s settings, database string) error {
	conn, err := connect(ctx, s, "postgres")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{database}.Sanitize())
	return err
}
