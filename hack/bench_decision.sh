#!/usr/bin/env bash
# Measures agentd beside `opa run --server`, pinned in hack/tools, and prints a table. Flags are benchdecision's: -sizes, -rounds, -each.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -C hack/tools -o "$bin/opa" github.com/open-policy-agent/opa
go build -o "$bin/" ./cmd/agentc ./cmd/agentd ./hack/benchdecision
"$bin/benchdecision" -agentc "$bin/agentc" -agentd "$bin/agentd" -opa "$bin/opa" "$@"
