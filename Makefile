# One screen: everything that can be done here.
GO ?= go

.PHONY: compile test quick fuzz bench bench-publish verify release lint golden
compile: ## compile the shipped fleet into generated/
	$(GO) run ./cmd/agentc compile

test: ## everything that CI runs: needs Go and what hack/tools.sh lists, which it installs on Debian
	hack/test.sh

quick: ## the product's own tests only
	$(GO) test ./...

golden: ## rewrite golden files, the catalogue, the JSON Schema and generated/; read the difference
	$(GO) test ./compiler/check ./schema ./cmd/agentc -update
	$(GO) run ./cmd/agentc schema > schema/agents.d.schema.json
	$(GO) run ./cmd/agentc compile

verify: ## the generated files judged by schemas, Kyverno's engine and Argo CD's types; the first run compiles for ten minutes
	cd verify && $(GO) test -count=1 ./...
	cd verify/argo && $(GO) test -vet=off -count=1 ./...

fuzz: ## every fuzz test for a minute
	hack/fuzz.sh 60s

bench: ## the compiler's cost for 10 to 10,000 agents, and its encoder beside sigs.k8s.io/yaml
	$(GO) test -run '^$$' -bench . -benchtime 1x -benchmem ./compiler/... ./schema

bench-publish: ## publishing 1,000 and 10,000 files beside `git add -A && git commit` of the same files
	$(GO) test -run '^$$' -bench 'Publish/' -benchtime 3x -timeout 30m ./compiler/publish

release: ## binaries, images and bills of materials of this commit in bin/release; docs/releases.md
	hack/release.sh

lint:
	gofmt -l . && $(GO) vet ./...
