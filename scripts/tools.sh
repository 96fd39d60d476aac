#!/usr/bin/env bash
# Builds the tools that tools/go.mod pins into .bin, unless they are there already.
# Built once, they start in no time; `go tool` would link golangci-lint anew for each clone.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=.bin/tools.stamp
want=$(cat tools/go.mod tools/go.sum <(go env GOVERSION) | sha256sum)
if [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
	exit 0
fi
mkdir -p .bin
rm -f "$stamp"
echo "building the tools into .bin (about a minute; some five the first time) …"
(cd tools && go build -ldflags='-s -w' -o ../.bin/ tool)
echo "$want" >"$stamp"
