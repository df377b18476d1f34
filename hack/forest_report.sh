#!/usr/bin/env bash
# Measures how good and how fast forests are, beside scikit-learn, and writes the tables into docs/forest-quality.md.
#
#   hack/forest_report.sh [quality] [speed]     one part, or both
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
	printf 'On %s cores of a shared machine, with %s and %s.\n\n' "$(nproc)" "$(go env GOVERSION)" "$theirs"
	go test -count=1 -run '^TestSpeed$' ./forest -v -speed "$(command -v "$python")" >"$work/said"
	sed -n '/^|/,/^Scoring/p' "$work/said"
}

for part in "${@:-quality speed}"; do
	for name in $part; do
		case $name in
		quality | speed) "$name" >"$work/$name" ;;
		*)
			echo "forest_report.sh: no part $name; there are quality and speed" >&2
			exit 2
			;;
		esac
		# What stands between the two marks of the part is replaced.
		sed -i -e "/^<!-- $name -->$/,/^<!-- end of $name -->$/{/^<!-- $name -->$/r $work/$name" -e '/^<!-- /!d}' "$page"
		cat "$work/$name"
	done
done
