package main

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/server/tools/common/schema"
)

// schemaTx lets Temporal's schema tasks work in one transaction. Their own connection commits
// each statement, so that a first start that is cut short leaves a schema that no second start
// can finish.
type schemaTx struct {
	ctx      context.Context //nolint:containedctx // the interface of the tasks has no contexts
	tx       pgx.Tx
	database string
}

var _ schema.DB = (*schemaTx)(nil)

// Exec implements schema.DB. An index cannot be made concurrently within a transaction; here
// nobody works beside it.
func (t *schemaTx) Exec(stmt string, args ...any) error {
	_, err := t.tx.Exec(t.ctx, strings.Replace(stmt, "INDEX CONCURRENTLY", "INDEX", 1), args...)
	return err
}

// CreateSchemaVersionTables implements schema.DB with the tables that the server reads.
func (t *schemaTx) CreateSchemaVersionTables() error {
	return t.Exec(`
		CREATE TABLE IF NOT EXISTS schema_version (
		  version_partition int NOT NULL, db_name varchar(255) NOT NULL, creation_time timestamp,
		  curr_version varchar(64), min_compatible_version varchar(64),
		  PRIMARY KEY (version_partition, db_name));
		CREATE TABLE IF NOT EXISTS schema_update_history (
		  version_partition int NOT NULL, year int NOT NULL, month int NOT NULL, update_time timestamp NOT NULL,
		  description varchar(255), manifest_md5 varchar(64), new_version varchar(64), old_version varchar(64),
		  PRIMARY KEY (version_partition, year, month, update_time))`)
}

// ReadSchemaVersion implements schema.DB; pgx.ErrNoRows where there is none yet.
func (t *schemaTx) ReadSchemaVersion() (string, error) {
	var version string
	err := t.tx.QueryRow(t.ctx,
		"SELECT curr_version FROM schema_version WHERE version_partition = 0 AND db_name = $1", t.database).Scan(&version)
	return version, err
}

// UpdateSchemaVersion implements schema.DB.
func (t *schemaTx) UpdateSchemaVersion(version, compatible string) error {
	return t.Exec(`
		INSERT INTO schema_version (version_partition, db_name, creation_time, curr_version, min_compatible_version)
		VALUES (0, $1, now() AT TIME ZONE 'UTC', $2, $3)
		ON CONFLICT (version_partition, db_name) DO UPDATE SET creation_time = excluded.creation_time,
		  curr_version = excluded.curr_version, min_compatible_version = excluded.min_compatible_version`,
		t.database, version, compatible)
}

// WriteSchemaUpdateLog implements schema.DB. The time is part of the key, so it is each statement's own.
func (t *schemaTx) WriteSchemaUpdateLog(from, to, md5, description string) error {
	return t.Exec(`
		INSERT INTO schema_update_history
		  (version_partition, year, month, update_time, old_version, new_version, manifest_md5, description)
		SELECT 0, extract(year FROM at)::int, extract(month FROM at)::int, at, $1, $2, $3, $4
		  FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS at) t`, from, to, md5, description)
}

// DropAllTables implements schema.DB. Nothing here overwrites a schema.
func (t *schemaTx) DropAllTables() error { return errors.New("temporal-dev drops no tables") }

// Close implements schema.DB; the transaction is not the tasks' to end.
func (t *schemaTx) Close() {}

// Type implements schema.DB.
func (t *schemaTx) Type() string { return "sql" }
