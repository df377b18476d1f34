# One screen: everything that can be done here.
GO ?= go

# Nothing here needs C. Go's own linker takes a fifth of the time of the system's, and the judge and the cluster share what is compiled.
export CGO_ENABLED = 0

.PHONY: compile forest test quick judge verify mutate e2e fuzz sklearn forest-report demo page bench bench-publish bench-verify bench-decision differential release lint golden
compile: ## compile the shipped fleet into generated/
	$(GO) run ./cmd/agentc compile

demo: ## agentd on this machine: an action is executed, one rejected, one approved by you; a few seconds, and nothing is left
	@hack/demo.sh

forest: ## the shipped fleet's anomaly model, trained on a made-up week; a new digest goes into policies/soc/reviewers.yaml
	hack/forest.sh agents.d/forests/falco.json policies/soc/feedback.json

test: ## everything that CI runs: needs Go and what hack/tools.sh lists, which it installs on Debian
	hack/test.sh

quick: ## the product's own tests only
	$(GO) test ./...

golden: ## rewrite golden files, the catalogue, the JSON Schema and generated/; read the difference
	$(GO) test ./compiler/check ./schema ./cmd/agentc -update
	$(GO) run ./cmd/agentc schema > schema/agents.d.schema.json
	$(GO) run ./cmd/agentc compile

judge: ## bin/agentc and bin/agentc-verify beside it; the first time it compiles the engines, for some ten minutes
	$(GO) build -o bin/agentc ./cmd/agentc
	cd verify && $(GO) build -o ../bin/agentc-verify ./cmd/agentc-verify

verify: judge ## the shipped fleet: do all layers say what the spec says?
	bin/agentc verify

mutate: judge ## is the judge awake? all kinds of mutants, 200 random fleets, a bug in each emitter: about an hour; docs/verify.md
	$(GO) test -count=1 -timeout 30m ./compiler/verdict
	cd verify && $(GO) test -count=1 -timeout 30m ./...
	$(GO) test -tags judge -count=1 -timeout 90m -v ./hack/prove -all
	hack/prove/planted.sh

e2e: judge ## the shipped fleet on a real API server with Argo CD, cert-manager, Kyverno; docs/e2e.md
	AGENTC_JUDGE=$(CURDIR)/bin/agentc-verify hack/e2e/run.sh

fuzz: ## every fuzz test for a minute
	hack/fuzz.sh 60s

bench: ## the compiler's cost for 10 to 10,000 agents, and its encoder beside sigs.k8s.io/yaml
	$(GO) test -run '^$$' -bench . -benchtime 1x -benchmem ./compiler/... ./schema

bench-publish: ## publishing 1,000 and 10,000 files beside `git add -A && git commit` of the same files
	$(GO) test -run '^$$' -bench 'Publish/' -benchtime 3x -timeout 30m ./compiler/publish

sklearn: ## ten forests of scikit-learn's, exported, imported and asked the same: needs python3-sklearn
	hack/sklearn.sh

forest-report: ## how good and how fast forests are beside scikit-learn, into docs/forest-quality.md: needs python3-sklearn
	hack/forest_report.sh

bench-verify: judge ## verifying 100 and 1,000 agents with four edges each, and asking the engine about each pair
	$(GO) test -tags judge -run '^$$' -bench Verify -benchtime 1x -timeout 30m ./compiler/judge
	cd verify && $(GO) test -run '^$$' -bench Flows ./network

bench-decision: ## agentd beside `opa run --server`: CPU, latency, memory, for 10 to 1,000 agents; wants a quiet machine
	hack/bench_decision.sh

differential: ## a million answers of the table, compared with stock OPA's: about twenty minutes
	$(GO) test ./decision/engine -count=1 -timeout 2h -run TestDifferential -v -decisions 1000000

page: ## the page of agentd in headless Chromium: overflow, contrast, keyboard, news: needs chromium
	$(GO) test -tags browser -count=1 ./decision/page

release: ## binaries, images and bills of materials of this commit in bin/release; docs/releases.md
	hack/release.sh

lint:
	gofmt -l . && $(GO) vet ./...
