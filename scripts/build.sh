#!/usr/bin/env bash
# Builds .bin/volcard and .bin/temporal-dev and shows that it is alive meanwhile: the first
# build compiles the Temporal server, which takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .bin

# build DIRECTORY PACKAGE NAME: go build -v prints each package once it is compiled; count
# them, and let everything else (downloads aside) through, since it is an error.
build() {
	(cd "$1" && go build -v -o "$OLDPWD/.bin/$3" "$2" 2>&1) | awk -v name="$3" -v tty="$([ -t 1 ] && echo 1 || echo 0)" '
		/^go: downloading/ { show("modules fetched: ", ++modules); next }
		/^[[:alnum:]_.\/@+~-]+$/ && !/^#/ { show("packages compiled: ", ++packages); next }
		{ if (open) print ""; open = 0; print }
		function show(what, n) {
			if (tty) { printf "\r  building %s … %s%d   ", name, what, n; open = 1 }
			else if (n % 250 == 1) { print "  building " name " … " what n }
			fflush()
		}
		END { if (open) print "" }'
}

if [ ! -x .bin/temporal-dev ]; then
	echo "building .bin/volcard and .bin/temporal-dev (the Temporal server takes some minutes the first time) …"
fi
build . ./cmd/volcard volcard
build cmd/temporal-dev . temporal-dev
