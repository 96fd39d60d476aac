#!/usr/bin/env bash
# Everything that can be said about the code without running it. All checks run, even if one
# fails, and each says how long it took. `scripts/check.sh lint tidy` runs only these two.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

scripts/setup.sh check || exit 1
scripts/tools.sh || exit 1
PATH=$PWD/.bin:$PATH
modules=(. cmd/temporal-dev tools)

format() {
	local bad
	bad=$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 -r gofumpt -l) || return 1
	[ -z "$bad" ] || { echo "not formatted with gofumpt (make fmt):"; echo "$bad"; return 1; }
}
# In temporal-dev only linters that do not look into dependencies: the Temporal server's 1,800
# packages would cost minutes, for 500 lines of ours.
lint() {
	local bad=0
	golangci-lint run ./... || bad=1
	(cd cmd/temporal-dev && golangci-lint run --config ../../.golangci.yml --enable-only \
		errcheck,errorlint,gosec,ineffassign,misspell,noctx,nolintlint,revive,sloglint,unconvert ./...) || bad=1
	return $bad
}
# What would make a workflow behave differently when its history is replayed.
workflow() { [ ! -d workflows ] || workflowcheck ./workflows/...; }
# -count=1: what it reads are files, which the test cache sees only in part.
arch() { go test -count=1 ./internal/archtest/...; }
generated() { go test -count=1 -run 'UpToDate' ./internal/config ./third_party/...; }
tidy() {
	local m said bad=0
	for m in "${modules[@]}"; do
		# Kept whole before it is cut: a closed pipe would kill go where an empty cache makes it
		# name many downloads.
		said=$(cd "$m" && go mod tidy -diff 2>&1) && continue
		grep -v '^go: downloading ' <<<"$said" | head -40
		echo "$m/go.mod: run go mod tidy"
		bad=1
	done
	return $bad
}
shell() { git ls-files -z --cached --others --exclude-standard 'scripts/*.sh' 'deploy/*.sh' .ci/run | xargs -0 shellcheck; }

passed=0 failed=()
[ $# -gt 0 ] || set -- format shell arch generated workflow tidy lint
for check in "$@"; do
	start=$SECONDS
	if "$check"; then
		passed=$((passed + 1))
		echo "ok    $check  $((SECONDS - start))s"
	else
		failed+=("$check")
		echo "FAIL  $check  $((SECONDS - start))s"
	fi
done
echo "$passed passed, ${#failed[@]} failed"
[ ${#failed[@]} = 0 ]
