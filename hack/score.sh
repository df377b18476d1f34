#!/usr/bin/env bash
# kube-score, pinned in hack/tools, judges the generated manifests, its optional tests included. What it finds and what it
# skips must be excepted below with a reason; an exception that nothing needs any more fails as well.
set -euo pipefail
cd "$(dirname "$0")/.."

patterns=() reasons=()
except() { # extended regular expression, reason
	patterns+=("$1")
	reasons+=("$2")
}
except ': \(agent\) (CPU|Memory|Ephemeral Storage) requests? does not match limits?$' \
	"what an agent asks for and what it may use are its spec's to say; the guard and agentd, which must not starve, have them equal"
except '^dev .* (Deployment|HPA) few replicas$' \
	"dev runs one replica by its overlay: nobody is woken when it stops"
except '^dev .*: Skipped because the deployment has less than 2 replicas$' \
	"the same; in prod these tests run"
except '/HorizontalPodAutoscaler: The HPA target does not match anything$' \
	"it scales a Rollout, a kind that kube-score does not know"
except ': Skipped as the Deployment is controlled by a HorizontalPodAutoscaler$' \
	"its replicas are the autoscaler's, whose own are tested"
except ': Skipped because the deployment is not targeted by a HorizontalPodAutoscaler$' \
	"this test looks for replicas that an autoscaler would undo"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go build -C hack/tools -o "$tmp/kube-score" github.com/zegl/kube-score/cmd/kube-score

optional=()
for name in $("$tmp/kube-score" list | awk -F, '$NF == "optional" { print $1 }'); do
	optional+=(--enable-optional-test "$name")
done

# A canary's Deployment has no replicas, since its Rollout runs the pods: kube-score, which knows no Rollouts, is shown some.
manifests() { # environment
	find "generated/$1/manifests" -name '*.yaml' | sort | while read -r file; do
		echo ---
		sed 's/^  replicas: 0$/  replicas: 2/' "$file"
	done
}

for dir in generated/*/manifests; do
	env=$(basename "$(dirname "$dir")")
	# It exits with 1 for a finding and for a failure; only after a failure is nothing OK.
	manifests "$env" | "$tmp/kube-score" score "${optional[@]}" --output-format ci - >"$tmp/scores" || true
	if ! grep -q '^\[OK\]' "$tmp/scores"; then
		echo "$env: kube-score judged nothing"
		exit 1
	fi
	echo "$env: $(grep -c '^\[OK\]' "$tmp/scores") tests passed"
	grep -v '^\[OK\]' "$tmp/scores" | sed "s/^/$env /" >>"$tmp/findings" || true
done

failed=0
for i in "${!patterns[@]}"; do
	excepted=$(grep -cE -- "${patterns[i]}" "$tmp/findings" || true)
	echo "$excepted excepted: ${reasons[i]}"
	if [ "$excepted" = 0 ]; then
		echo "nothing needs this exception: ${patterns[i]}"
		failed=1
	fi
done
if grep -vE "$(printf '%s\n' "${patterns[@]}")" "$tmp/findings"; then
	failed=1
fi
exit "$failed"
