#!/usr/bin/env bash
# Builds the components into $AGENTC_E2E/bin. What was built from the same pins and sources is not looked at again.
set -euo pipefail
cd "$(dirname "$0")"
. ./env.sh

mkdir -p "$E2E_BIN"
# The tests of ../../verify build most of the same packages, at the same versions: both share the build cache, as long as their
# flags are the same, so there is no -trimpath here.
kubernetes="-X k8s.io/component-base/version.gitVersion=v1.36.3 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"

build() { # binary, folder of the module, package, what it is built from
	local stamp since=$SECONDS
	stamp=$(cd "$2" && { go version && cat go.mod go.sum && [ "$3" = "${3#./}" ] || cat "$3"/*.go; } | sha256sum)
	[ -x "$E2E_BIN/$1" ] && [ "$(cat "$E2E_BIN/.$1" 2>/dev/null)" = "$stamp" ] && return
	printf '  building %s ...\n' "$1"
	(cd "$2" && go build -ldflags "-s -w $kubernetes" -o "$E2E_BIN/$1" "$3")
	echo "$stamp" >"$E2E_BIN/.$1"
	printf '  built %s in %s s, %s s since the start\n' "$1" $((SECONDS - since)) "$SECONDS"
}

build etcd . go.etcd.io/etcd/server/v3
build kube-apiserver . k8s.io/kubernetes/cmd/kube-apiserver
build kube-controller-manager . k8s.io/kubernetes/cmd/kube-controller-manager
build kube-scheduler . k8s.io/kubernetes/cmd/kube-scheduler
build kubectl . k8s.io/kubernetes/cmd/kubectl
build kwok . sigs.k8s.io/kwok/cmd/kwok
build rollouts-controller . github.com/argoproj/argo-rollouts/cmd/rollouts-controller
build certmanager . ./certmanager
build standins . ./standins
build argocd . ./argocd
build kyverno kyverno github.com/kyverno/kyverno/cmd/kyverno
build check . ./check
# agentc changes all the time; the go command knows whether it did. A release can be tried instead.
if [ -n "${AGENTC:-}" ]; then install -m 755 "$AGENTC" "$E2E_BIN/agentc"; else go build -C ../.. -o "$E2E_BIN/agentc" ./cmd/agentc; fi

for name in argocd-application-controller argocd-repo-server argocd-git-ask-pass; do
	ln -sf argocd "$E2E_BIN/$name"
done
# The repo server calls it for every revision, even where no signature is demanded.
install -m 755 "$(go list -m -f '{{.Dir}}' github.com/argoproj/argo-cd/v3)/hack/git-verify-wrapper.sh" "$E2E_BIN/"
