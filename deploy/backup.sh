#!/usr/bin/env bash
# Writes a backup of the databases into a folder of its own: backup.sh FOLDER
#
#   VOLCARD_DATABASE_OWNER_URL          the project's database, as its owner
#   TEMPORAL_DATABASE_URL               Temporal's two, as their owner; left out, open cases get new
#   TEMPORAL_VISIBILITY_DATABASE_URL    workflows after a restore, from their rows
#
# The keys of personal data are no part of it: keep them apart (docs/operations.md, "Backup"). A folder
# whose name does not end in .part is whole.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: backup.sh FOLDER" >&2; exit 2; }
: "${VOLCARD_DATABASE_OWNER_URL:?}"
umask 077

backup="$1/$(date -u +%Y%m%dT%H%M%SZ)"
mkdir -p "$backup.part"
dump() { # dump URL NAME
	pg_dump --dbname="$1" --format=custom --no-owner --file="$backup.part/$2.dump"
}
# The project's last: its rows are then never older than what Temporal knows of them.
[ -z "${TEMPORAL_DATABASE_URL:-}" ] || dump "$TEMPORAL_DATABASE_URL" temporal
[ -z "${TEMPORAL_VISIBILITY_DATABASE_URL:-}" ] || dump "$TEMPORAL_VISIBILITY_DATABASE_URL" temporal_visibility
dump "$VOLCARD_DATABASE_OWNER_URL" volcard
mv "$backup.part" "$backup"
echo "$backup"
