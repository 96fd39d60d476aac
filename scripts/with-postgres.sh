#!/usr/bin/env bash
# with-postgres.sh COMMAND…: runs the command with VOLCARD_TEST_DATABASE set to the URL of a
# PostgreSQL server of its own, and throws the server away afterwards. Its data is not synced
# to disk: tests that try the loss of power or of a process start servers of their own.
set -euo pipefail

if [ -n "${VOLCARD_TEST_DATABASE:-}" ]; then
	exec "$@"
fi

bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
bin=${bin:-$(dirname "$(command -v initdb || command -v postgres || echo /nowhere/x)")}
if [ ! -x "$bin/initdb" ]; then
	echo "no PostgreSQL server found: run scripts/setup.sh test" >&2
	exit 1
fi

# A socket's path has 107 bytes at most, so the folder is not below the project.
dir=$(mktemp -d "${TMPDIR:-/tmp}/volcard-pg.XXXXXX")
as=()
if [ "$(id -u)" = 0 ]; then # the server refuses to run as root
	chown postgres: "$dir"
	as=(setpriv --reuid=postgres --regid=postgres --init-groups)
fi
chmod 755 "$dir"
stop() {
	(cd / && "${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1) || true
	rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM

(
	cd /
	"${as[@]}" "$bin/initdb" -D "$dir/data" -U volcard_owner -A trust -E UTF8 --locale=C.UTF-8 >"$dir/initdb.log" 2>&1 ||
		{ cat "$dir/initdb.log" >&2; exit 1; }
	"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -t 60 start -o "-k $dir -p 5499 \
		-c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
		-c max_connections=300 -c shared_buffers=256MB -c log_min_messages=warning" >/dev/null ||
		{ cat "$dir/data/server.log" >&2; exit 1; }
)
export VOLCARD_TEST_DATABASE="postgres://volcard_owner@/postgres?host=$dir&port=5499"
"$@"
