#!/usr/bin/env bash
# A bug is planted in each emitter in turn. agentc is built with it, compiles the shipped fleet, and verifies what it wrote: the claims come
# from the same program, for the bug is in an emitter alone. Each must be refused by a layer that should. `make judge` comes first.
set -euo pipefail
cd "$(dirname "$0")/../.."

judge=${AGENTC_JUDGE:-bin/agentc-verify}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# plant takes the emitter, the layers of which one must refuse it, what the bug is, the file, and the sed script that plants it. Whoever changes the
# line must find it another bug: a script that changes nothing ends the run.
plant() {
	local emitter=$1 layers=$2 bug=$3 file=compiler/emit/$4 script=$5
	sed "$script" "$file" >"$work/planted.go"
	if [ "$(diff "$file" "$work/planted.go" | grep -c '^>')" != 1 ]; then
		printf '%s: the script must change one line of %s: %s\n' "$emitter" "$file" "$script"
		exit 1
	fi
	printf '{"Replace": {"%s": "%s"}}' "$PWD/$file" "$work/planted.go" >"$work/overlay.json"
	go build -overlay "$work/overlay.json" -o "$work/agentc" ./cmd/agentc
	rm -rf "$work/fleet"
	mkdir "$work/fleet"
	cp -r agents.d policies "$work/fleet"
	"$work/agentc" compile -C "$work/fleet" >/dev/null
	local code=0
	"$work/agentc" verify -C "$work/fleet" --judge "$PWD/$judge" >"$work/said" 2>&1 || code=$?
	local finding
	finding=$(grep -m 1 -E "\[layer-($layers)\]$" "$work/said") || true
	if [ "$code" = 1 ] && [ -n "$finding" ]; then
		printf '%-12s %-28s %s\n' "$emitter" "$bug" "$finding"
	else
		printf '%-12s %-28s NOT CAUGHT by %s (exit code %s): %s\n' "$emitter" "$bug" "$layers" "$code" "$(head -n 1 "$work/said")"
		failed=1
	fi
}

plant workload 'workload|identity|admission' 'agents get a token' \
	workload_pod.go 's/AutomountServiceAccountToken:  ptr(false)/AutomountServiceAccountToken: ptr(true)/'
plant workload 'workload|identity' 'the agent is asked unguarded' \
	workload_pod.go 's|"guard",$|"serve",|'
plant identity 'identity' 'certificates of clients only' \
	identity.go 's/certv1.UsageServerAuth, //'
plant network 'network' 'callers reach every port' \
	network_rules.go '/^func (p \*ciliumPolicy) allowFrom(/,/^}/s/p.tcp(port)/nil/'
plant decision 'decision' 'every edge grants all skills' \
	decision_data.go 's/AllSkills: e.AllSkills/AllSkills: true/'
plant decision 'decision' 'one approver is enough' \
	decision_data.go 's/Quorum: r.Quorum}/Quorum: 1}/'
plant admission 'admission' 'policies that only report' \
	admission.go 's/action := admissionv1.Deny/action := admissionv1.Audit/'
plant runtime 'workload|identity|decision' 'agentd trusts what is unsealed' \
	runtime_pod.go 's/"--trust=" + env.Trust/"--trust=git"/'
plant runtime 'network' 'guards reach every port' \
	runtime_network.go 's/p.tcp(model.PortDecision)/nil/'
plant observation 'workload' 'nobody is scraped' \
	observation.go 's/ptr(portNameMetrics)/ptr("metric")/'
plant observation 'manifest' 'an alert that never comes' \
	observation_alerts.go 's/name: "AgentUnreachable", lasts: "5m"/name: "AgentUnreachable", lasts: "500h"/'
plant workload 'manifest' 'probes that never fail' \
	pod.go 's/FailureThreshold: p.Failures,/FailureThreshold: 1000,/'
plant delivery 'delivery' 'what is gone stays' \
	delivery.go 's/Prune: true/Prune: false/'
exit "$failed"
