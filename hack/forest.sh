#!/usr/bin/env bash
# Trains the shipped fleet's anomaly model on a week of events that were made up, none of which belongs to an incident. The same file comes of it
# wherever and whenever this runs.
set -euo pipefail
out=$(realpath "$1")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for day in 2 3 4 5 6 7 8; do
	go run ./hack/synthetic -seed "$day" -events 5000 -incidents 0 -day "2026-11-0$day" >>"$work/week.jsonl"
done
go run ./cmd/agentc forest train --events "$work/week.jsonl" --features policies/soc/features.yaml --out "$out"
