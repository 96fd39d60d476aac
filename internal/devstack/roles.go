package devstack

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// Roles and databases of the project. Migrations make the first roles without login where they
// are missing; production gives them passwords, here the closed socket does.
const (
	roleOwner    = "volcard_owner"
	roleApp      = "volcard_app"
	roleAudit    = "volcard_audit"
	roleTemporal = "temporal"

	database = "volcard"
)

// OwnerURL is for migrations.
func (p *Postgres) OwnerURL() string { return p.URL(roleOwner, database) }

// AppURL is for the program.
func (p *Postgres) AppURL() string { return p.URL(roleApp, database) }

// AuditURL is for the auditor, which only reads.
func (p *Postgres) AuditURL() string { return p.URL(roleAudit, database) }

// URL is for any role and database. Where there is a standby it names both servers, and which of them is meant.
func (p *Postgres) URL(role, database string) string {
	if p.standby == nil {
		return urlOf(role, database, url.Values{"host": {p.socket}, "port": {strconv.Itoa(socketPort)}})
	}
	// The auditor's role is read-only on every server.
	meant := map[bool]string{true: "primary", false: "read-write"}[role == roleAudit]
	return urlOf(role, database, url.Values{
		"host": {p.socket + "," + p.standby.socket}, "port": {fmt.Sprintf("%d,%d", socketPort, socketPort)},
		"target_session_attrs": {meant},
	})
}

func urlOf(role, database string, query url.Values) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database, RawQuery: query.Encode()}
	return u.String()
}

// ownURL is an operator's, of this server alone.
func (p *Postgres) ownURL() string {
	return urlOf("postgres", "postgres", url.Values{"host": {p.socket}, "port": {strconv.Itoa(socketPort)}})
}

// Socket is the folder of the server's socket, for clients that take host and port apart, and
// for a proxy that stands between.
func (p *Postgres) Socket() (dir string, port int) { return p.socket, socketPort }

// provision makes what is missing. Doing it again does no harm.
func provision(ctx context.Context, p *Postgres) error {
	conn, err := pgx.Connect(ctx, p.ownURL())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var follows bool
	if err := conn.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&follows); err != nil || follows {
		return err // a standby has what its primary has
	}
	var have []string
	err = conn.QueryRow(ctx, `SELECT array(SELECT rolname::text FROM pg_roles UNION ALL
		SELECT 'database ' || datname FROM pg_database)`).Scan(&have)
	if err != nil {
		return fmt.Errorf("roles: %w", err)
	}
	for _, role := range []string{roleOwner, roleApp, roleAudit, roleTemporal} {
		if !slices.Contains(have, role) {
			if _, err := conn.Exec(ctx, "CREATE ROLE "+role+" LOGIN"); err != nil {
				return fmt.Errorf("role %s: %w", role, err)
			}
		}
	}
	for _, db := range []struct{ name, owner string }{
		{database, roleOwner}, {"temporal", roleTemporal}, {"temporal_visibility", roleTemporal},
	} {
		if !slices.Contains(have, "database "+db.name) {
			if _, err := conn.Exec(ctx, "CREATE DATABASE "+db.name+" OWNER "+db.owner); err != nil {
				return fmt.Errorf("database %s: %w", db.name, err)
			}
		}
	}
	_, err = conn.Exec(ctx, `
		-- Only those named may connect; everybody could by default.
		REVOKE ALL ON DATABASE volcard, temporal, temporal_visibility FROM PUBLIC;
		GRANT CONNECT ON DATABASE volcard TO volcard_app, volcard_audit;
		ALTER ROLE volcard_audit SET default_transaction_read_only = on`)
	if err != nil {
		return fmt.Errorf("rights: %w", err)
	}
	return nil
}
