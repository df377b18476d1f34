#!/usr/bin/env bash
# One component of the cluster: component.sh start|stop|kill|log NAME. start returns at once; whoever needs the component waits for it.
# What exits by itself is started again, as the kubelet does: some controllers exit when they have not reached the API server for long.
set -euo pipefail
cd "$(dirname "$0")"
. ./env.sh

conf() { echo "$E2E_STATE/kubeconfig/$1"; }

# The name of the binary, then its arguments, one to a line.
command_of() {
	case $1 in
	etcd)
		local client=http://127.0.0.1:$(port etcd) peer=http://127.0.0.1:$(port etcd-peer)
		echo etcd --name=e2e --data-dir="$E2E_STATE/etcd" --listen-client-urls="$client" --advertise-client-urls="$client" \
			--unsafe-no-fsync --listen-peer-urls="$peer" --initial-advertise-peer-urls="$peer" --initial-cluster="e2e=$peer" --log-level=warn
		;;
	kube-apiserver)
		echo kube-apiserver --etcd-servers="http://127.0.0.1:$(port etcd)" --bind-address=127.0.0.1 --advertise-address=127.0.0.1 \
			--secure-port="$(port apiserver)" --cert-dir="$E2E_STATE/apiserver" \
			--tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" \
			--service-account-key-file="$pki/sa.pub" --service-account-signing-key-file="$pki/sa.key" \
			--service-account-issuer=https://kubernetes.default.svc --service-cluster-ip-range=10.0.0.0/24 \
			--authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --endpoint-reconciler-type=none --allow-privileged \
			--requestheader-client-ca-file="$pki/ca.crt" --requestheader-allowed-names=aggregator \
			--requestheader-extra-headers-prefix=X-Remote-Extra- --requestheader-group-headers=X-Remote-Group \
			--requestheader-username-headers=X-Remote-User \
			--proxy-client-cert-file="$pki/aggregator.crt" --proxy-client-key-file="$pki/aggregator.key"
		;;
	kube-controller-manager)
		echo kube-controller-manager --kubeconfig="$(conf kcm)" --authentication-kubeconfig="$(conf kcm)" \
			--authorization-kubeconfig="$(conf kcm)" --bind-address=127.0.0.1 --secure-port="$(port kcm)" \
			--cert-dir="$E2E_STATE/kcm" --leader-elect=false --use-service-account-credentials \
			--service-account-private-key-file="$pki/sa.key" --root-ca-file="$pki/ca.crt" \
			--horizontal-pod-autoscaler-sync-period=5s \
			--controllers=*,-node-ipam-controller,-cloud-node-lifecycle-controller,-node-route-controller,-service-lb-controller
		;;
	kube-scheduler)
		echo kube-scheduler --kubeconfig="$(conf scheduler)" --authentication-kubeconfig="$(conf scheduler)" \
			--authorization-kubeconfig="$(conf scheduler)" --bind-address=127.0.0.1 --secure-port="$(port scheduler)" \
			--cert-dir="$E2E_STATE/scheduler" --leader-elect=false
		;;
	kwok)
		echo kwok --kubeconfig="$(conf kwok)" --config="$E2E_STATE/stages.yaml" --manage-all-nodes=true \
			--server-address="127.0.0.1:$(port kwok)" --node-lease-duration-seconds=40
		;;
	certmanager) echo certmanager --kubeconfig="$(conf certmanager)" ;;
	rollouts)
		echo rollouts-controller --kubeconfig="$(conf rollouts)" --namespace=argo-rollouts --leader-elect=false \
			--metricsPort="$(port rollouts-metrics)" --healthzPort="$(port rollouts-health)"
		;;
	redis) echo redis-server "$E2E_STATE/redis.conf" ;;
	repo-server)
		echo argocd-repo-server --address=127.0.0.1 --port="$(port repo-server)" --metrics-address=127.0.0.1 \
			--metrics-port="$(port repo-metrics)" --redis="127.0.0.1:$(port redis)" --logformat=text
		;;
	argocd)
		echo argocd-application-controller --kubeconfig="$(conf argocd)" --namespace=argocd --metrics-port="$(port argocd-metrics)" \
			--redis="127.0.0.1:$(port redis)" --repo-server="127.0.0.1:$(port repo-server)" --logformat=text
		;;
	kyverno)
		echo kyverno --kubeconfig="$(conf kyverno)" --serverIP="127.0.0.1:$(port kyverno)" --webhookServerHost=127.0.0.1 \
			--webhookServerPort="$(port kyverno)" --caSecretName=kyverno-svc.kyverno.svc.kyverno-tls-ca \
			--tlsSecretName=kyverno-svc.kyverno.svc.kyverno-tls-pair \
			--backgroundServiceAccountName=system:serviceaccount:kyverno:kyverno-background-controller \
			--reportsServiceAccountName=system:serviceaccount:kyverno:kyverno-reports-controller \
			--disableMetrics=true --controllerRuntimeMetricsAddress=0 --loggingFormat=json --v=2 --generateValidatingAdmissionPolicy=true
		;;
	names)
		echo standins names "127.0.0.1:$(port names)" "kubernetes.dev.soc.example:6443=127.0.0.1:$(port apiserver)" \
			"git.soc.example:443=127.0.0.1:$(port git)" \
			"prometheus-operated.monitoring.svc.cluster.local:9090=127.0.0.1:$(port prometheus)"
		;;
	git) echo standins git "127.0.0.1:$(port git)" "$pki/git.crt" "$pki/git.key" "$E2E_STATE/git" ;;
	prometheus) echo standins prometheus "127.0.0.1:$(port prometheus)" "$E2E_STATE/error-rate" ;;
	metrics) echo standins metrics "127.0.0.1:$(port metrics)" "$pki/metrics.crt" "$pki/metrics.key" "$(conf metrics)" ;;
	*) echo "no component is called $1" >&2 && return 1 ;;
	esac
}

environment_of() {
	local proxy=http://127.0.0.1:$(port names)
	case $1 in
	argocd | repo-server)
		echo "HTTPS_PROXY=$proxy" ARGOCD_GPG_ENABLED=false ARGOCD_CONTROLLER_REPLICAS=1 ARGOCD_RECONCILIATION_TIMEOUT=10s \
			ARGOCD_RECONCILIATION_JITTER=0s ARGOCD_SYNC_WAVE_DELAY=1 ARGOCD_APPLICATION_CONTROLLER_PERSIST_RESOURCE_HEALTH=true ARGOCD_TLS_DATA_PATH="$E2E_STATE/argocd/tls" ARGOCD_SSH_DATA_PATH="$E2E_STATE/argocd/ssh" \
			ARGOCD_GPG_DATA_PATH="$E2E_STATE/argocd/gpg" ARGOCD_PLUGINSOCKFILEPATH="$E2E_STATE/argocd/plugin" \
			ARGOCD_ASK_PASS_SOCK="$E2E_STATE/argocd/askpass.sock"
		;;
	rollouts) echo "HTTP_PROXY=$proxy" ;;
	kyverno)
		echo KYVERNO_NAMESPACE=kyverno KYVERNO_SERVICEACCOUNT_NAME=kyverno-admission-controller KYVERNO_POD_NAME=kyverno-e2e \
			KYVERNO_ROLE_NAME=kyverno:admission-controller KYVERNO_DEPLOYMENT=kyverno-admission-controller KYVERNO_SVC=kyverno-svc \
			INIT_CONFIG=kyverno METRICS_CONFIG=kyverno-metrics
		;;
	esac
}

name=${2:?which component?}
pid=$E2E_STATE/pids/$name
log=$E2E_STATE/logs/$name.log
case $1 in
start)
	mkdir -p "$E2E_STATE"/{pids,logs}
	setsid ./component.sh run "$name" >>"$log" 2>&1 </dev/null &
	echo $! >"$pid"
	;;
run)
	while :; do
		# Word splitting is meant: no path or argument here holds a space, and run.sh refuses a folder that does.
		# shellcheck disable=SC2046
		env $(environment_of "$name") $(command_of "$name") || true
		echo "--- $name has ended and is started again"
		sleep 1
	done
	;;
stop | kill)
	[ -f "$pid" ] || exit 0
	group=$(cat "$pid") # the leader of a group of its own
	if [ "$1" = stop ]; then
		kill -- "-$group" 2>/dev/null || true
		for _ in $(seq 100); do
			kill -0 -- "-$group" 2>/dev/null || break
			sleep 0.1
		done
	fi
	kill -9 -- "-$group" 2>/dev/null || true
	rm -f "$pid"
	;;
log) tail -n "${3:-40}" "$log" ;;
*) echo "component.sh start|stop|kill|log NAME" >&2 && exit 2 ;;
esac
