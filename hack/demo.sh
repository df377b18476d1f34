#!/usr/bin/env bash
# agentd on this machine, by the shipped fleet's bundle: an action is executed, one is rejected, one waits for a human, who approves it for one time.
# It leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d) server=
finish() {
	[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true
	cd / && rm -rf "$work"
}
trap finish EXIT
bold='' dim='' off=''
[ ! -t 1 ] || bold=$'\e[1m' dim=$'\e[36m' off=$'\e[0m'

say() { printf '\n%s# %s%s\n' "$dim" "$*" "$off"; }
# run shows a command, then does it.
run() {
	printf '%s$ %s%s\n' "$bold" "$*" "$off"
	eval "$*" 2>&1
}

${GO:-go} build -o "$work/agentd" ./cmd/agentd
export PATH=$work:$PATH
at=http://127.0.0.1:${PORT:-8444}

say "The shipped fleet: a security team's five agents. This machine alone, no TLS, and you are jonas, who is on call."
: >"$work/log"
printf '%s$ agentd serve --dev --dev-person jonas --bundle generated/dev/bundle --listen %s --data DATA &%s\n' "$bold" "${at#http://}" "$off"
agentd serve --dev --dev-person jonas --bundle generated/dev/bundle --listen "${at#http://}" --data "$work/data" 2>"$work/log" &
server=$!
until grep -q 'agentd listens' "$work/log"; do
	kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; echo "agentd does not start; is the port taken? PORT=8555 hack/demo.sh" >&2; exit 1; }
	sleep 0.1
done

trace=0af7651916cd43dd8448eb211c80319c
# question CALLER CALLEE SKILL CONFIDENCE [APPROVAL]
question() {
	local approval=
	[ $# -lt 5 ] || approval=", \"approval\": {\"id\": \"$5\"}"
	cat >question.json <<-JSON
		{"subject": {"type": "agent", "id": "spiffe://dev.soc.example/ns/soc-$1/sa/$1"}, "action": {"name": "$3"}, "resource": {"type": "agent", "id": "$2"},
		 "context": {"trace_id": "$trace", "confidence": $4, "anomaly": {"percentile": 99.7},
		             "parameters": {"namespace": "shop", "workload": "web"}$approval}}
	JSON
	run cat question.json
	ask
}
# ask the question, and show of the answer what was decided and why.
ask() {
	run "curl -s $at/access/v1/evaluation -H 'Content-Type: application/json' -d @question.json | tee answer.json | grep -oE '\"(decision|verdict|reason)\":(\"[^\"]*\"|\w+)'"
}
cd "$work"

say "detect asks the coordinator to open an incident: the event is unusual, the agent is sure. It is executed."
question detect coordinator handle-incident 0.9

say "The coordinator asks for a workload to be isolated, and is not sure itself. It is rejected."
question coordinator remediate isolate-workload 0.2

say "It is sure now. Containment stops somebody's workload: a human decides."
question coordinator remediate isolate-workload 0.9

say "You are that human. You see the exact action, and approve it."
run agentd approvals list --dev "$at"
approval=$(grep -oE '"escalation":\{"id":"[0-9a-f]{32}"' answer.json | grep -oE '[0-9a-f]{32}')
run agentd approvals approve "$approval" --yes --reason "'The pod is compromised.'" --dev "$at"

say "The coordinator asks again for exactly this. It is executed, once."
question coordinator remediate isolate-workload 0.9 "$approval"

say "And once more: the approval is used up."
ask

say "All of it is one story, and nobody has changed it. (The log is signed every ten seconds, and at the end.)"
run agentd trace $trace --log data
run agentd audit verify --log data

say "An agent that misbehaves is cut off at once, until somebody lifts it."
run agentd quarantine coordinator --reason "'It asks for what it never asked for.'" --until 2h --dev "$at"
question detect coordinator handle-incident 0.9
run agentd quarantine --lift coordinator --reason "'Its prompt is fixed.'" --dev "$at"

say "agentd stops; nothing of this is left."
