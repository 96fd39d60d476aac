#!/usr/bin/env bash
# Makes the passwords and keys that docker-compose.yml mounts, each in a file of deploy/secrets.
# What exists is kept, so running it again does no harm. Keep a copy of the folder elsewhere:
# without vault_keyset nobody can read the personal data again.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=deploy/secrets
mkdir -p $dir
# Compose mounts the files as they are, and the images read them as users of their own: so the
# folder is closed and the files in it are open.
chmod 700 $dir

random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }
make_secret() { # make_secret NAME COMMAND…
	local name=$1
	shift
	[ -s "$dir/$name" ] || { "$@" >"$dir/$name.new" && mv "$dir/$name.new" "$dir/$name"; }
}
keys() { # from a program built here, or from the image
	if [ -x .bin/volcard ]; then
		.bin/volcard admin keys --only="$1"
	else
		docker build --quiet --target volcard --tag volcard:local . >&2
		docker run --rm --network none volcard:local admin keys --only="$1"
	fi
}
url() { echo "postgres://volcard_$1:$(cat "$dir/$1_password")@postgres:5432/volcard?sslmode=disable"; }

for role in postgres owner app audit temporal; do
	make_secret "${role}_password" random
done
for role in owner app audit; do
	make_secret "${role}_url" url "$role"
done
make_secret vault_index_key keys index-key
make_secret vault_keyset keys keyset
[ -e $dir/sms_key_secret ] || : >$dir/sms_key_secret
chmod 444 $dir/*
ls -l $dir
