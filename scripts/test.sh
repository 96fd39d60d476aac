#!/usr/bin/env bash
# Everything that proves the project: unit, store, workflow and replay tests, then the whole
# process, the browser walks and the faults. Arguments go to `go test`, as in
# `scripts/test.sh -run TestSubmit`.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${VOLCARD_TEST_DATABASE:-}" ]; then
	scripts/setup.sh test
	scripts/tools.sh
	scripts/build.sh
	exec go run ./internal/devstack/withpostgres scripts/test.sh "$@"
fi

failed=0
run() { # run TITLE FLAGS… PACKAGES…
	echo
	echo "== $1"
	shift
	"$root/.bin/gotestsum" --format pkgname --format-hide-empty-pkg -- "$@" || failed=1
}
root=$PWD

all=$(go list ./...) # a line of its own: inside < <(…) its failure would be an empty list
mapfile -t quick < <(grep -v '^volcard/test/' <<<"$all")
run "unit, store, page and workflow tests" -timeout 25m "$@" "${quick[@]}"
cd cmd/temporal-dev
run "temporal-dev" -timeout 10m "$@" ./...
cd "$root"
# The browser walks and the faults start whole systems, so one package runs at a time, after
# everything that is quicker to fail.
if [ -d test ]; then
	run "whole process, browser, faults" -timeout 35m -p 1 "$@" ./test/...
fi
exit $failed
