#!/usr/bin/env bash
# Builds .bin/volcard and .bin/temporal-dev and shows that it is alive meanwhile: the first
# build compiles the Temporal server, which takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .bin

# Go stamps the revision into the program and fails where git refuses to read the clone, as in a
# container that mounts somebody else's folder.
if ! git rev-parse HEAD >/dev/null 2>&1; then
	GOFLAGS="$(go env GOFLAGS) -buildvcs=false"
	export GOFLAGS
fi

# build DIRECTORY PACKAGE NAME: go build -v prints each package once it is compiled; count
# them, tell the time every few seconds, and let everything else (downloads aside) through, since
# it is an error.
build() {
	local tty=0
	if [ -t 1 ]; then tty=1; fi
	(
		cd "$1"
		(while sleep 5 >/dev/null 2>&1; do echo "@tick"; done) &
		ticker=$!
		trap 'kill $ticker 2>/dev/null || true' EXIT
		go build -v -o "$OLDPWD/.bin/$3" "$2" 2>&1
	) | awk -v name="$3" -v tty="$tty" '
		/^@tick$/ { seconds += 5; if (tty || seconds % 20 == 0) show(); next }
		/^go: downloading/ { modules++; if (tty) show(); next }
		/^[[:alnum:]_.\/@+~-]+$/ && !/^#/ { packages++; if (tty) show(); next }
		{ if (open) print ""; open = 0; print }
		function show() {
			text = sprintf("  building %s … %d:%02d, %d packages compiled", name, seconds / 60, seconds % 60, packages)
			if (modules) text = text ", " modules " modules fetched"
			if (tty) { printf "\r%s   ", text; open = 1 } else print text
			fflush()
		}
		END { if (open) print "" }'
}

if [ ! -x .bin/temporal-dev ]; then
	echo "building .bin/volcard and .bin/temporal-dev (the Temporal server takes some minutes the first time) …"
fi
build . ./cmd/volcard volcard
build cmd/temporal-dev . temporal-dev
