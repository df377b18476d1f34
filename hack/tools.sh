#!/usr/bin/env bash
# The tests publish over a real sshd, verify with a real gpg, sign with a real PKCS #11 token, keep escalations in a real
# PostgreSQL, and ask a real Prometheus when it calls people. This installs what is missing on Debian and its kin, and says what to install elsewhere.
set -euo pipefail
export PATH=$PATH:/usr/sbin:$(printf %s: /usr/lib/postgresql/*/bin)

missing=()
for tool in git:git gpg:gnupg ssh-keygen:openssh-client sshd:openssh-server softhsm2-util:softhsm2 pkcs11-tool:opensc initdb:postgresql promtool:prometheus curl:curl; do
	command -v "${tool%%:*}" >/dev/null || missing+=("${tool##*:}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo "the tests need ${missing[*]}: install them" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null ||
	{ apt-get update -qq && apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null; }
