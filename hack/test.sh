#!/usr/bin/env bash
# Everything that must hold before a change is merged. Each step says what it shows; the first that fails ends the run.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0 # as in the Makefile

step() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }

step "what the tests need is there"
hack/tools.sh

step "formatted and vetted"
unformatted=$(gofmt -l $(git ls-files '*.go'))
if [ -n "$unformatted" ]; then
	printf 'gofmt would change:\n%s\n' "$unformatted"
	exit 1
fi
go vet ./...

step "tests of the compiler" # -short: of what judges decisions, samples; make mutate tries everything
go test -short ./...

step "generated/ follows from the spec, and compiling again changes nothing"
go run ./cmd/agentc check --strict
go run ./cmd/agentc compile --strict
if [ -n "$(git status --porcelain generated schema docs)" ]; then
	git status --porcelain generated schema docs
	echo "compile, and commit what it wrote"
	exit 1
fi

step "stock opa reads the Rego and the bundles"
hack/opa.sh

step "kube-score finds nothing in the workloads"
hack/score.sh

step "a release is the same bytes in two places"
(cd hack/release && go vet ./... && go test -count=1 ./...)

step "the judge, by its own tests"
# -count=1: the go command does not see that files outside the module changed, and would show the last answer.
(cd verify && go vet ./... && go test -short -count=1 ./...)

step "the layers of the shipped fleet agree"
make --no-print-directory judge
bin/agentc verify

step "the judge is awake: a mutant of each kind, a few random fleets; publishing asks it"
go vet -tags judge ./hack/prove ./cmd/agentc
go test -tags judge -count=1 ./hack/prove
go test -tags judge -count=1 -run Judged ./cmd/agentc

step "the delivery objects before Argo CD's own types and rules"
(cd verify/argo && go test -vet=off -count=1 ./...) # vetting would build everything twice

step "done"
