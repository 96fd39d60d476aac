#!/usr/bin/env bash
# Measures the house and the bare alternatives in one run and prints the ratios. Arguments go to
# bench/, as in `scripts/bench.sh -rows ab -rounds 3`. docs/performance.md holds a run with its
# machine and date.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh run
scripts/build.sh
VOLCARD_BENCH=1 exec go test ./bench -run '^TestBench$' -count=1 -timeout 30m -v -args "$@"
