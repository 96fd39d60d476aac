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

# build DIRECTORY PACKAGE NAME: go build -v prints each package once it is compiled.
build() {
	local out="$PWD/.bin/$3"
	(cd "$1" && exec go build -v -o "$out" "$2" 2>&1) | progress "$3"
}

# progress NAME counts what comes in and tells the time: at once on a terminal, every 20 seconds
# elsewhere. What is neither a package nor a download is an error and passes. (In bash, since the
# awk of Debian waits for a full buffer before it sees the first line.)
progress() {
	local name=$1 line status packages=0 modules=0 open="" start=$SECONDS told=$SECONDS tty=""
	if [ -t 1 ]; then tty=1; fi
	while true; do
		status=0
		IFS= read -r -t 5 line || status=$?
		if [ "$status" -gt 128 ]; then
			:
		elif [ "$status" != 0 ]; then
			break
		elif [[ $line == "go: downloading "* ]]; then
			modules=$((modules + 1))
		elif [[ $line =~ ^[[:alnum:]_./@+~-]+$ ]]; then
			packages=$((packages + 1))
		else
			echo "${open:+$'\n'}$line"
			open=""
			continue
		fi
		if [ -z "$tty" ] && [ $((SECONDS - told)) -lt "${VOLCARD_TEST_PAUSE:-20}" ]; then continue; fi
		told=$SECONDS
		line=$(printf '  building %s … %d:%02d, %d packages compiled' "$name" $(((told - start) / 60)) $(((told - start) % 60)) "$packages")
		if [ "$modules" -gt 0 ]; then line+=", $modules modules fetched"; fi
		if [ -n "$tty" ]; then
			printf '\r%s   ' "$line"
			open=1
		else
			echo "$line"
		fi
	done
	if [ -n "$open" ]; then echo; fi
}

if [ ! -x .bin/temporal-dev ]; then
	echo "building .bin/volcard and .bin/temporal-dev (the Temporal server takes some minutes the first time) …"
fi
build . ./cmd/volcard volcard
build cmd/temporal-dev . temporal-dev
