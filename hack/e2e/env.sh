# Where everything lies and listens; read by the other scripts.
export CGO_ENABLED=0 # as in the Makefile: the judge shares what is compiled
export AGENTC_E2E=${AGENTC_E2E:-$HOME/.cache/agentc-e2e} # binaries; kept
E2E_BIN=$AGENTC_E2E/bin
E2E_STATE=${E2E_STATE:?the folder of this run, which run.sh makes and removes}
E2E_PORT=${AGENTC_E2E_PORT:-21000} # the first of nineteen ports on loopback
export E2E_BIN E2E_STATE E2E_PORT

port() { # name → port
	local names=(etcd etcd-peer apiserver kcm scheduler kwok argocd-metrics repo-server repo-metrics redis
		rollouts-metrics rollouts-health kyverno kyverno-metrics git names prometheus metrics tls) i
	for i in "${!names[@]}"; do
		[ "${names[$i]}" = "$1" ] && echo $((E2E_PORT + i)) && return
	done
	echo "no port is called $1" >&2
	return 1
}

pki=$E2E_STATE/pki
# What this run writes stays in its folder: caches, sockets, temporary files; all but what the go command keeps.
GOENV=$(go env GOENV) GOMODCACHE=$(go env GOMODCACHE) GOCACHE=$(go env GOCACHE) GOPATH=$(go env GOPATH)
export GOENV GOMODCACHE GOCACHE GOPATH
export HOME=$E2E_STATE/home TMPDIR=$E2E_STATE/tmp KUBECONFIG=$E2E_STATE/kubeconfig/admin
export PATH=$E2E_BIN:$PATH
