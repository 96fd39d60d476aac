package devstack

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// StartStandby starts a second server that follows this one by streaming replication. From then on a commit is
// acknowledged when both have it, and the URLs name both.
func (p *Postgres) StartStandby(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	if err := p.copyTo(ctx, o); err != nil {
		return nil, err
	}
	standby, err := StartPostgres(ctx, o)
	if err != nil {
		return nil, err
	}
	for _, sql := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
		if err := p.operate(ctx, sql); err != nil {
			_ = standby.Stop()
			return nil, err
		}
	}
	p.standby = standby
	return standby, nil
}

// copyTo makes a data directory that follows this server.
func (p *Postgres) copyTo(ctx context.Context, o PostgresOptions) error {
	acc, err := serverAccount()
	if err != nil {
		return err
	}
	bin, err := chooseBinaries(ctx, p.options.Dir)
	if err != nil {
		return err
	}
	log, err := openLog(o.Log)
	if err != nil {
		return err
	}
	defer log.Close()
	return makeData(ctx, acc, o.Dir, log, bin.path("pg_basebackup"), "--host="+p.socket, "--port="+strconv.Itoa(socketPort),
		"--username=postgres", "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
}

// Promote makes a standby the primary.
func (p *Postgres) Promote(ctx context.Context) error {
	return p.operate(ctx, "SELECT pg_promote()")
}

// operate runs a statement as the operator of this server.
func (p *Postgres) operate(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, p.ownURL())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, sql)
	return err
}
