#!/usr/bin/env bash
# Trains the shipped fleet's anomaly model on a week of events that were made up, none of which belongs to an incident, and teaches it what analysts
# said of some events of the week before. The same files come of it wherever and whenever this runs.
#
#   hack/forest.sh FOREST FEEDBACK
set -euo pipefail
forest=$(realpath "$1") feedback=$(realpath "$2")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for day in 2 3 4 5 6 7 8; do
	go run ./hack/synthetic -seed "$day" -events 5000 -incidents 0 -day "2026-11-0$day" >>"$work/week.jsonl"
done
go run ./cmd/agentc forest train --events "$work/week.jsonl" --features policies/soc/features.yaml \
	--labels policies/soc/labels.jsonl --feedback "$feedback" --out "$forest"
