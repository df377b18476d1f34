#!/usr/bin/env bash
# A publisher's key in a PKCS #11 token (smart card, HSM), for agentc's `exec:` keys: --seal-key exec:./pkcs11-signer.sh
# Copy it and change it. Needs pkcs11-tool (Debian: opensc) and openssl, and these settings in the environment:
#   PKCS11_MODULE  the token's library     PKCS11_KEY  label of the key pair
#   PKCS11_TOKEN   label of the token      PKCS11_PIN  the PIN; keep it in the CI's secrets
# `public` prints the public key in PEM. `sign` reads a SHA-256 digest and prints its signature.
set -euo pipefail

token() { pkcs11-tool --module "$PKCS11_MODULE" --token-label "$PKCS11_TOKEN" --label "$PKCS11_KEY" "$@"; }
public() { token --read-object --type pubkey | openssl pkey -pubin -inform DER; }

case ${1-} in
public) public ;;
sign)
	input=$(mktemp) # the tool reads a pipe once, and takes what it got by then for all
	trap 'rm -f "$input"' EXIT
	if [[ $(public | openssl pkey -pubin -noout -text) == *prime256v1* ]]; then
		cat >"$input"
		how=(--mechanism ECDSA --signature-format openssl)
	else # RSA signs the digest with the name of its algorithm before it
		{ printf '\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20' && cat; } >"$input"
		how=(--mechanism RSA-PKCS)
	fi
	# The PIN's name, not the PIN: every user of a machine sees the arguments of its programs.
	token --login --pin env:PKCS11_PIN --sign "${how[@]}" --input-file "$input" --output-file /dev/stdout
	;;
*)
	echo "usage: $0 public|sign" >&2
	exit 2
	;;
esac
