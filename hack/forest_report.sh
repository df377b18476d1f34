#!/usr/bin/env bash
# Measures how good and how fast forests are, beside scikit-learn, and writes the tables into docs/forest-quality.md.
#
#   hack/forest_report.sh [quality] [speed] [picture]     these parts, or all
#
# Needs scikit-learn (Debian: python3-sklearn); PYTHON names the interpreter that has it. Quality takes three minutes and is the same on any machine, but
# for scikit-learn's version; speed takes three minutes, and wants a quiet machine.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 # one thread on either side
python=${PYTHON:-python3}
page=docs/forest-quality.md
sets=(annthyroid breastw ionosphere mammography pima satellite)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

theirs="scikit-learn $("$python" hack/forest_report.py version)"

quality() {
	"$python" hack/forest_report.py quality 30 "${sets[@]}" >"$work/theirs.csv"
	printf 'With %s and %s.\n\n' "$(go env GOVERSION)" "$theirs"
	go run ./hack/forestreport "$work/theirs.csv"
}

speed() {
	printf 'On %s cores of a shared machine, with %s and %s.\n\n' "$(getconf _NPROCESSORS_ONLN)" "$(go env GOVERSION)" "$theirs"
	go test -count=1 -run '^TestSpeed$' ./forest -v -speed "$(command -v "$python")" >"$work/said"
	sed -n '/^|/,/^Scoring/p' "$work/said"
}

# The picture of docs/forest.md: two days that were made up, of which the first trains; a forest that was taught a third day's labels, and one that was not.
picture() {
	go build -o "$work/" ./cmd/agentc ./hack/synthetic
	"$work/synthetic" -seed 1 -incidents 0 >"$work/first.jsonl"
	"$work/synthetic" -seed 2 -incidents 0.005 -day 2026-11-03 >"$work/second.jsonl"
	"$work/synthetic" -seed 2 -incidents 0.005 -day 2026-11-03 -labels >"$work/held-back.jsonl"
	"$work/synthetic" -seed 3 -incidents 0.002 -labels >"$work/labels.jsonl"
	"$work/agentc" forest train --events "$work/first.jsonl" --features policies/soc/features.yaml --labels "$work/labels.jsonl" --feedback "$work/feedback.json" --out "$work/forest.json"
	"$work/agentc" forest report --forest "$work/forest.json" --feedback "$work/feedback.json" --old "$work/forest.json" --events "$work/second.jsonl" \
		--labels "$work/held-back.jsonl" --svg docs/forest-report.svg
}

# into puts what a part printed between its two marks on the page.
into() {
	"$1" >"$work/$1"
	sed -i -e "/^<!-- $1 -->$/,/^<!-- end of $1 -->$/{/^<!-- $1 -->$/r $work/$1" -e '/^<!-- /!d}' "$page"
	cat "$work/$1"
}

[ $# -gt 0 ] || set -- quality speed picture
for part; do
	case $part in
	quality | speed) into "$part" ;;
	picture) picture ;;
	*)
		echo "forest_report.sh: no part $part; there are quality, speed and picture" >&2
		exit 2
		;;
	esac
done
