#!/usr/bin/env bash
# Starts the cluster in $E2E_STATE and installs what a platform has before the first agent: kinds, controllers with the rights that
# their own projects give them, an issuer, nodes and volumes. Each controller runs as the account that it has in a real cluster,
# since the fleet's admission policies know who asks.
set -euo pipefail
cd "$(dirname "$0")"
. ./env.sh

start() { ./component.sh start "$1"; }
step() { printf '  %3ss  %s\n' "$SECONDS" "$1"; }
wait_for() { # what, seconds, command...
	local what=$1 until=$((SECONDS + $2))
	shift 2
	while [ "$SECONDS" -lt "$until" ]; do
		"$@" >/dev/null 2>&1 && return
		sleep 0.2
	done
	echo "$what did not come in time" >&2
	return 1
}
module() { go mod download "$1" && go list -m -f '{{.Dir}}' "$1"; } # its folder in the module cache
apply() { kubectl apply --server-side "$@" >/dev/null; }

mkdir -p "$HOME" "$TMPDIR" "$pki" "$E2E_STATE"/{kubeconfig,git,argocd/tls,argocd/ssh,argocd/gpg,argocd/plugin}

# --- keys

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$pki/$1.key"; }
authority() { # file, common name
	key "$1"
	openssl req -x509 -new -key "$pki/$1.key" -days 30 -subj "/CN=$2" -out "$pki/$1.crt" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}
signed() { # file, subject, extensions
	key "$1"
	openssl req -new -key "$pki/$1.key" -subj "$2" -out "$pki/$1.csr"
	openssl x509 -req -in "$pki/$1.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days 30 -out "$pki/$1.crt" \
		-extfile <(printf '%s\n' "${@:3}") 2>/dev/null
}
client=extendedKeyUsage=clientAuth
server=extendedKeyUsage=serverAuth
authority ca e2e-cluster
authority fleet "soc dev CA"    # signs the agents; its certificate goes into the spec
authority stranger "soc dev CA" # the same name, another key
signed apiserver /CN=kube-apiserver "$server" \
	"subjectAltName=DNS:kubernetes.dev.soc.example,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.0.0.1"
signed git /CN=git "$server" subjectAltName=DNS:git.soc.example
signed metrics /CN=metrics "$server" subjectAltName=DNS:localhost
signed aggregator /CN=aggregator "$client"
signed admin /O=system:masters/CN=admin "$client"
signed kcm /CN=system:kube-controller-manager "$client"
signed scheduler /CN=system:kube-scheduler "$client"
openssl genrsa -out "$pki/sa.key" 2048 2>/dev/null
openssl rsa -in "$pki/sa.key" -pubout -out "$pki/sa.pub" 2>/dev/null

kubeconfig() { # name, then the flags of its credentials
	local file=$E2E_STATE/kubeconfig/$1
	kubectl config --kubeconfig="$file" set-cluster e2e --server="https://127.0.0.1:$(port apiserver)" \
		--certificate-authority="$pki/ca.crt" --embed-certs >/dev/null
	kubectl config --kubeconfig="$file" set-credentials "$1" "${@:2}" >/dev/null
	kubectl config --kubeconfig="$file" set-context e2e --cluster=e2e --user="$1" >/dev/null
	kubectl config --kubeconfig="$file" use-context e2e >/dev/null
}
for user in admin kcm scheduler; do
	kubeconfig "$user" --client-certificate="$pki/$user.crt" --client-key="$pki/$user.key" --embed-certs
done
as_account() { # component, namespace, service account
	kubeconfig "$1" --token="$(kubectl create token --duration=24h -n "$2" "$3")"
}

# --- the control plane

start etcd
start kube-apiserver
start names
wait_for "the API server" 90 kubectl get --raw /readyz
start kube-controller-manager
start kube-scheduler
step "API server, controller manager and scheduler"

# --- kinds, from the modules that the controllers are built from

certmanager=$(module github.com/cert-manager/cert-manager)
argocd=$(module github.com/argoproj/argo-cd/v3)
rollouts=$(module github.com/argoproj/argo-rollouts)
kwok=$(module sigs.k8s.io/kwok)
cilium=$(cd ../../verify && module github.com/cilium/cilium)
kyverno=$(cd kyverno && module github.com/kyverno/kyverno)

crds=(-f "$certmanager/deploy/crds/")
for crd in application appproject applicationset; do crds+=(-f "$argocd/manifests/crds/$crd-crd.yaml"); done
for crd in rollout analysis-run analysis-template cluster-analysis-template experiment; do
	crds+=(-f "$rollouts/manifests/crds/$crd-crd.yaml")
done
for crd in ciliumnetworkpolicies ciliumclusterwidenetworkpolicies; do
	crds+=(-f "$cilium/pkg/k8s/apis/cilium.io/client/crds/v2/$crd.yaml")
done
# The operator's module brings no YAML; the judge has these two.
for crd in ../../verify/schemas/crds/monitoring.coreos.com_*.yaml; do crds+=(-f "$crd"); done
# Kyverno's own installation without its Deployments: the admission controller runs beside the cluster. ReplicaSets are taken
# out of what it never looks at, as docs/generated.md demands.
awk 'BEGIN { RS = "\n---\n"; ORS = "\n---\n" } !/(^|\n)kind: Deployment\n/' "$kyverno/config/install-latest-testing.yaml" |
	sed -E '/^ *\[ReplicaSet(\/\?\*)?,\*,\*\]$/d' >"$E2E_STATE/kyverno.yaml"
kubectl create "${crds[@]}" -f "$E2E_STATE/kyverno.yaml" >/dev/null 2> >(grep -v '^Warning: unrecognized format' >&2)
kubectl wait --for=condition=Established crd --all --timeout=60s >/dev/null
step "$(kubectl get crd --no-headers | wc -l) kinds"

# --- accounts and rights, as each project gives them

for ns in argocd argo-rollouts cert-manager; do kubectl create namespace "$ns" >/dev/null; done
apply -n argocd -k "$argocd/manifests/base/config"
apply -n argocd -k "$argocd/manifests/base/application-controller-roles"
apply -n argocd -k "$argocd/manifests/cluster-rbac/application-controller"
kubectl patch secret argocd-secret -n argocd -p '{"stringData":{"server.secretkey":"e2e"}}' >/dev/null
apply -n argo-rollouts -f "$rollouts/manifests/base/argo-rollouts-sa.yaml" -f "$rollouts/manifests/role/argo-rollouts-clusterrole.yaml" \
	-f "$rollouts/manifests/cluster-install/argo-rollouts-clusterrolebinding.yaml"
apply -k "$kwok/kustomize/rbac"
apply -f manifests/
as_account kwok kube-system kwok-controller
as_account certmanager cert-manager cert-manager
as_account argocd argocd argocd-application-controller
as_account rollouts argo-rollouts argo-rollouts
as_account kyverno kyverno kyverno-admission-controller
as_account metrics kube-system metrics

kubectl create secret tls soc-dev-ca -n cert-manager --cert="$pki/fleet.crt" --key="$pki/fleet.key" >/dev/null
# The cluster as `argocd cluster add` leaves it in Argo CD's namespace.
kubectl apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Secret
metadata: {name: cluster-dev, namespace: argocd, labels: {argocd.argoproj.io/secret-type: cluster}}
stringData:
  name: dev
  server: https://kubernetes.dev.soc.example:6443
  config: |
    {"bearerToken": "$(kubectl create token --duration=24h -n kube-system argocd-manager)",
     "tlsClientConfig": {"caData": "$(base64 -w0 "$pki/ca.crt")"}}
YAML

kubectl apply -f - >/dev/null <<YAML
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.metrics.k8s.io}
spec:
  group: metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: metrics, namespace: kube-system, port: $(port metrics)}
YAML

# --- the controllers

cat "$kwok"/kustomize/stage/node/fast/node-initialize.yaml <(echo ---) \
	"$kwok"/kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml <(echo ---) \
	"$kwok"/kustomize/stage/pod/fast/pod-ready.yaml <(echo ---) "$kwok"/kustomize/stage/pod/fast/pod-complete.yaml <(echo ---) \
	"$kwok"/kustomize/stage/pod/fast/pod-delete.yaml >"$E2E_STATE/stages.yaml"
printf 'bind 127.0.0.1\nport %s\nsave ""\nappendonly no\ndir %s\n' "$(port redis)" "$E2E_STATE" >"$E2E_STATE/redis.conf"
cp "$pki/ca.crt" "$E2E_STATE/argocd/tls/git.soc.example"
touch "$E2E_STATE/argocd/ssh/ssh_known_hosts"
echo 0 >"$E2E_STATE/error-rate"
mkdir -p "$E2E_STATE/git/soc"
git init -q --bare -b main "$E2E_STATE/git/soc/agents.git"
git -C "$E2E_STATE/git/soc/agents.git" config http.receivepack true

for component in kyverno kwok certmanager rollouts metrics prometheus git redis repo-server argocd; do start "$component"; done
wait_for "a ready node" 60 kubectl wait --for=condition=Ready node --all --timeout=1s
wait_for "the issuer" 60 kubectl wait --for=condition=Ready clusterissuer/soc-dev-ca --timeout=1s
wait_for "Kyverno's webhooks" 120 kubectl get validatingwebhookconfiguration kyverno-policy-validating-webhook-cfg
wait_for "the metrics API" 60 kubectl wait --for=condition=Available apiservice/v1beta1.metrics.k8s.io --timeout=1s
step "kwok, cert-manager, Rollouts, Kyverno, Argo CD"
