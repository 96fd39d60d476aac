#!/usr/bin/env bash
# Everything that proves the project: unit, store, workflow and replay tests, then the whole
# process, the browser walks and the faults. Arguments go to `go test`, as in
# `scripts/test.sh -run TestSubmit`.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh test
scripts/tools.sh
scripts/build.sh

exec scripts/with-postgres.sh bash -euo pipefail -c '
	# The browser walks and the faults start whole systems, so they run one package at a time,
	# after everything that is quicker to fail.
	whole=$(go list ./test/... 2>/dev/null || true)
	quick=$(go list ./... | grep -v "^volcard/test/" || true)
	failed=0
	run() { # run TITLE FLAGS… -- PACKAGES…
		echo; echo "== $1"; shift
		.bin/gotestsum --format pkgname --format-hide-empty-pkg -- "$@" || failed=1
	}
	run "unit, store, page and workflow tests" -timeout 10m "$@" $quick
	(cd cmd/temporal-dev && echo && echo "== temporal-dev" &&
		../../.bin/gotestsum --format pkgname --format-hide-empty-pkg -- -timeout 10m "$@" ./...) || failed=1
	if [ -n "$whole" ]; then
		run "whole process, browser, faults" -timeout 20m -p 1 "$@" $whole
	fi
	exit $failed
' test "$@"
