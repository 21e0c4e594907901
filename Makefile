MAKEFLAGS += --no-print-directory
export CGO_ENABLED ?= 0

lint     := bin/golangci-lint
FUZZTIME ?= 60s

# In a clone that belongs to another user git names no commit to stamp.
ifeq ($(shell git rev-parse --verify -q HEAD 2>/dev/null),)
export GOFLAGS += -buildvcs=false
endif

.PHONY: help run test check bench chaos chaos-short fuzz lint fmt build spec screenshots
.PHONY: check-builds check-spec

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## install what is missing, build, run everything on this machine
	@deploy/setup.sh run
	@$(MAKE) build
	@exec bin/nglive up

test: ## install what is missing, run every test, chaos-short first
	@deploy/setup.sh test
	@$(MAKE) chaos-short
	CGO_ENABLED=1 go test -race -timeout 20m ./...

check: lint check-builds check-spec test ## everything that CI runs

bench: ## measure: a table for people, then one JSON line a figure
	@deploy/setup.sh run
	@go test -tags bench -run '^TestBench' -count=1 -timeout 60m -v .

chaos: ## kill, drop, double, fill the disk for ten minutes: nothing may be lost
	@$(call chaos,full)

chaos-short: ## the same in about two minutes
	@$(call chaos,short)

# The verdict is the last line, and the exit code is the test's.
define chaos
set -e; deploy/setup.sh run; mkdir -p bin; rm -f bin/chaos.txt; code=0; \
CHAOS=$(1) CHAOS_LINE="$(CURDIR)/bin/chaos.txt" go test -tags chaos -run '^TestChaos$$' -count=1 -timeout 60m -v . || code=$$?; \
cat bin/chaos.txt 2>/dev/null || echo "chaos: it came to no verdict; the lines above say why"; exit $$code
endef

fuzz: ## run every fuzz target for FUZZTIME (60s)
	@set -e; grep -rl --include='*_test.go' '^func Fuzz' . | xargs -r -n1 dirname | sort -u | while read -r dir; do \
		for target in $$(grep -h -o '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go | cut -c6- | sort -u); do \
			echo "$$dir $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s "$$dir" </dev/null; \
		done; \
	done

lint: $(lint) ## look for mistakes and for style
	@$(lint) run ./...

fmt: $(lint) ## format every file
	@$(lint) fmt ./...

build: ## build bin/nglive
	@go build -o bin/nglive .

spec: ## write openapi/openapi.yaml from the handlers
	@mkdir -p openapi bin
	@go run . openapi >bin/openapi.yaml
	@mv bin/openapi.yaml openapi/openapi.yaml

screenshots: ## take the README's pictures of the page
	@deploy/setup.sh test
	@go test -tags screenshots -run '^TestScreenshots' -count=1 -timeout 10m -v .

# Built once a version; its own tools.mod keeps its modules out of ours.
$(lint): tools.mod
	@echo "building golangci-lint (once) / 正在编译 golangci-lint（仅一次）"
	@go build -modfile=tools.mod -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

# Linux is what is tested; elsewhere it must at least compile.
check-builds:
	@go vet ./...
	@GOOS=windows go build ./...
	@GOOS=darwin go build ./...

check-spec:
	@mkdir -p bin
	@go run . openapi >bin/openapi.yaml
	@diff -u openapi/openapi.yaml bin/openapi.yaml || { echo "openapi/openapi.yaml is not what the handlers say: run make spec" >&2; exit 1; }
