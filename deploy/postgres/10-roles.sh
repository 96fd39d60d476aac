#!/bin/bash
# Runs once, when the image makes the cluster: a database and roles for the program (owner,
# worker, auditor), and databases of its own for Temporal. Nobody may connect to another's.
set -euo pipefail

secret() { cat "/run/secrets/$1_password"; }

psql -v ON_ERROR_STOP=1 --username postgres --dbname postgres \
	-v owner="$(secret owner)" -v app="$(secret app)" -v audit="$(secret audit)" -v temporal="$(secret temporal)" <<'SQL'
CREATE ROLE volcard_owner LOGIN PASSWORD :'owner';
CREATE ROLE volcard_app LOGIN PASSWORD :'app';
CREATE ROLE volcard_audit LOGIN PASSWORD :'audit';
ALTER ROLE volcard_audit SET default_transaction_read_only = on;
CREATE ROLE temporal LOGIN PASSWORD :'temporal';

CREATE DATABASE volcard OWNER volcard_owner;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;

REVOKE CONNECT ON DATABASE postgres, volcard, temporal, temporal_visibility FROM PUBLIC;
GRANT CONNECT ON DATABASE volcard TO volcard_owner, volcard_app, volcard_audit;
GRANT CONNECT ON DATABASE temporal, temporal_visibility TO temporal;
SQL
psql -v ON_ERROR_STOP=1 --username postgres --dbname volcard <<'SQL'
ALTER SCHEMA public OWNER TO volcard_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
SQL
