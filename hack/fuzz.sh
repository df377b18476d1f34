#!/usr/bin/env bash
# Runs every fuzz test, of the product and of the judge, for a while: hack/fuzz.sh 60s
set -euo pipefail
cd "$(dirname "$0")/.."
for module in . verify; do
	cd "$module"
	for pkg in $(go list ./...); do
		for fuzz in $(go test -list '^Fuzz' "$pkg" | grep '^Fuzz' || true); do
			echo "== $pkg $fuzz"
			go test "$pkg" -run '^$' -fuzz "^$fuzz\$" -fuzztime "${1:-60s}"
		done
	done
done
