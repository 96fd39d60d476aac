#!/usr/bin/env bash
# Brings a backup back and makes it the database in service, before any api or worker starts:
#
#   restore.sh BACKUP        a folder that backup.sh wrote, into an empty database
#   restore.sh --recovered   the database is there already: point-in-time recovery, a copied data directory
#
#   VOLCARD_DATABASE_OWNER_URL          the database that is to be in service, as its owner
#   TEMPORAL_DATABASE_URL, TEMPORAL_VISIBILITY_DATABASE_URL   where the backup holds Temporal's
#   VOLCARD                             the program; volcard
#   RESTORE_GAP                         most card numbers issued since the backup; 100000
#   RESTORE_REACHED                     file that keeps what earlier restores reached; restored beside the backup
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: restore.sh BACKUP | --recovered" >&2; exit 2; }
: "${VOLCARD_DATABASE_OWNER_URL:?}"
volcard=${VOLCARD:-volcard}

ask() { # ask URL SQL
	psql --no-psqlrc --dbname="$1" --tuples-only --no-align --command="$2"
}
refuse() {
	echo "restore.sh: $1" >&2
	exit 1
}
load() { # load URL FILE
	[ "$(ask "$1" "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")" = 0 ] ||
		refuse "the database for ${2##*/} is not empty: rename it and make a new one"
	pg_restore --dbname="$1" --no-owner --single-transaction --exit-on-error "$2"
}

[ "$(ask "$VOLCARD_DATABASE_OWNER_URL" \
	"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'volcard_app'")" = 0 ] ||
	refuse "an api or a worker is connected: stop all of them first"

if [ "$1" = --recovered ]; then
	reached=${RESTORE_REACHED:?names the file that keeps what earlier restores reached}
else
	backup=${1%/}
	[ -f "$backup/volcard.dump" ] || refuse "$backup is no whole backup"
	reached=${RESTORE_REACHED:-${backup%/*}/restored}
	load "$VOLCARD_DATABASE_OWNER_URL" "$backup/volcard.dump"
	[ ! -f "$backup/temporal.dump" ] || load "${TEMPORAL_DATABASE_URL:?}" "$backup/temporal.dump"
	[ ! -f "$backup/temporal_visibility.dump" ] ||
		load "${TEMPORAL_VISIBILITY_DATABASE_URL:?}" "$backup/temporal_visibility.dump"
fi

"$volcard" migrate
# What an earlier restore of the same backup issued is in no backup: the file remembers how far it may have come.
beyond=0
[ ! -s "$reached" ] || beyond=$(sort -n "$reached" | tail -n 1)
said=$("$volcard" admin restored --yes --gap="${RESTORE_GAP:-100000}" --beyond="$beyond")
echo "$said"
sed -n 's/^reached //p' <<<"$said" >>"$reached"
echo "now start the workers and the apis, then: volcard admin check; volcard audit; volcard admin recheck"
