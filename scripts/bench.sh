#!/usr/bin/env bash
# Measures the house and the bare alternatives in one run and prints the ratios. Arguments go to
# the program in bench/. docs/performance.md holds a run with its machine and date.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh run
scripts/build.sh
exec go run ./bench "$@"
