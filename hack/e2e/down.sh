#!/usr/bin/env bash
# Ends what this run started, by process id; the API server after the rest, which would fill their logs, and etcd at last.
set -euo pipefail
cd "$(dirname "$0")"
. ./env.sh
for component in argocd repo-server redis rollouts certmanager kwok kyverno metrics prometheus git kube-scheduler \
	kube-controller-manager names; do
	./component.sh stop "$component" &
done
wait
./component.sh stop kube-apiserver
./component.sh stop etcd
