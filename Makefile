# Everything is one of these commands; the work is in scripts/.
.DEFAULT_GOAL := help
.PHONY: help run test check bench build fmt generate clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: ## install what is missing, build, start everything with demo data; WORKDAY=5s: a working day lasts 5 s
	@scripts/setup.sh run
	@scripts/build.sh
	@exec env $(if $(WORKDAY),VOLCARD_WORKDAY=$(WORKDAY)) .bin/volcard dev

test: ## everything that proves the project
	@scripts/test.sh

check: ## formatting, linters, architecture, generated files, module files
	@scripts/check.sh

bench: ## compare with the bare alternatives, side by side
	@scripts/bench.sh

build: ## build .bin/volcard and .bin/temporal-dev
	@scripts/build.sh

fmt: ## format all Go files
	@scripts/tools.sh
	@git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 -r .bin/gofumpt -w

generate: ## write the generated documents
	@go test -count=1 -run UpToDate ./internal/config -update
	@go run ./third_party/notices

clean: ## remove what was built; the demo's data in .data stays
	@rm -rf .bin
