#!/usr/bin/env bash
# The end-to-end test: the shipped fleet, published to Git and applied by Argo CD to a cluster of real components on loopback.
# docs/e2e.md says what it shows and what it cannot show. AGENTC_E2E_KEEP=1 leaves the cluster running and says how to end it.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v redis-server >/dev/null; then
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		echo "the end-to-end test needs redis-server: install it" >&2
		exit 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get install -qq -y --no-install-recommends redis-server >/dev/null ||
		{ apt-get update -qq && apt-get install -qq -y --no-install-recommends redis-server >/dev/null; }
fi

E2E_STATE=$(mktemp -d -t agentc-e2e.XXXXXX)
case $E2E_STATE in *[[:space:]]*) echo "a folder without spaces is needed, not $E2E_STATE" >&2 && exit 1 ;; esac
export E2E_STATE
# shellcheck source=env.sh
. ./env.sh

end() {
	local status=$?
	trap - EXIT INT TERM
	if [ "${AGENTC_E2E_KEEP:-}" = 1 ]; then
		echo "kept: KUBECONFIG=$KUBECONFIG; end it with E2E_STATE=$E2E_STATE hack/e2e/down.sh"
		exit "$status"
	fi
	./down.sh || status=3
	rm -rf "$E2E_STATE"
	exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

for ((i = 0; i < 19; i++)); do
	if (exec 3<>"/dev/tcp/127.0.0.1/$((E2E_PORT + i))") 2>/dev/null; then
		echo "port $((E2E_PORT + i)) is taken: set AGENTC_E2E_PORT to the first of nineteen that are free" >&2
		exit 1
	fi
done

mkdir -p "$TMPDIR" "$HOME"
printf '== build (the first time it compiles a cluster: twenty minutes on two idle cores)\n'
./build.sh
printf '== start (%ss)\n' "$SECONDS"
if ! ./up.sh; then
	for log in "$E2E_STATE"/logs/*.log; do printf -- '--- the end of %s\n' "$(basename "$log")" && tail -n 8 "$log" | cut -c1-400; done
	exit 1
fi
printf '== claims (%ss)\n' "$SECONDS"
E2E_NAMES=$(port names) E2E_TLS=$(port tls)
export E2E_NAMES E2E_TLS
status=0
"$E2E_BIN/check" || status=$?
printf '%s s in all\n' "$SECONDS"
exit "$status"
