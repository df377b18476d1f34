#!/usr/bin/env bash
# Stock opa, pinned in hack/tools, judges what agentd will load: strict mode, the Rego's own tests, and decisions of the
# compiled bundles by their own self-test vectors.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -C hack/tools -o "$bin/opa" github.com/open-policy-agent/opa
opa=$bin/opa

"$opa" check --strict --ignore '*.json' --ignore '*.yaml' policies
"$opa" test --ignore '*.json' --ignore '*.yaml' policies
"$opa" test --ignore '*.json' --ignore '*.yaml' --coverage --threshold 100 policies >/dev/null
echo "every line of the Rego is covered"

decide() { # environment caller callee skill context → verdict
	local id="spiffe://$1.soc.example/ns/soc-$2/sa/$2"
	printf '{"subject":{"type":"agent","id":"%s"},"action":{"name":"%s"},"resource":{"type":"agent","id":"%s"},"context":%s}' \
		"$id" "$4" "$3" "$5" |
		"$opa" eval --strict-builtin-errors --stdin-input --format raw --bundle "generated/$1/bundle" data.agentc.decision.context.verdict
}

expect() { # verdict, then what decide takes
	local want=$1 got
	shift
	got=$(decide "$@")
	printf '%s: %s -> %s/%s %s: %s\n' "$1" "$2" "$3" "$4" "$5" "$got"
	if [ "$got" != "$want" ]; then
		echo "want $want"
		exit 1
	fi
}

for env in dev prod; do
	expect auto-reject "$env" detect remediate isolate-workload '{}'
	expect auto-reject "$env" coordinator remediate no-such-skill '{}'
	expect escalate "$env" coordinator remediate isolate-workload '{"parameters":{"namespace":"shop"}}'
done

# A sealed bundle: what `agentc publish` pushes, verified by nobody of ours; and again after one changed byte.
(
	go build -o "$bin/agentc" ./cmd/agentc
	cd "$bin"
	./agentc init >/dev/null
	./agentc key new --out publisher.pem --id publisher | sed 's/^/            /' >listed.yaml
	sed -i -e '/bundle: {trust: git}/{s/.*/      bundle:\n        trust: key\n        keys:/;r listed.yaml' -e '}' agents.d/platform.yaml
	git init -q -b main . && git add agents.d policies && git -c user.name=a -c user.email=a@example.com commit -qm spec
	git init -q --bare -b main remote.git
	./agentc publish --to remote.git --seal-key publisher.pem --author 'A <a@example.com>' --unverified 2>/dev/null
	git clone -q remote.git published
	sed -n '/BEGIN PUBLIC/,/END PUBLIC/s/^ *//p' agents.d/platform.yaml >public.pem
	verify() {
		tar -C published/generated/dev/bundle -czf bundle.tar.gz $(ls -A published/generated/dev/bundle)
		./opa build --bundle -o /dev/null --verification-key public.pem --verification-key-id publisher --signing-alg ES256 bundle.tar.gz
	}
	verify
	echo "opa verifies the sealed bundle"
	sed -i 's/"escalate"/"escalatE"/' published/generated/dev/bundle/agentc/decision.rego
	if refusal=$(verify 2>&1); then
		echo "and also after a byte of it was changed"
		exit 1
	fi
	echo "opa refuses it after one changed byte: $refusal"
)
