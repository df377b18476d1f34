package check

// egressHost refuses what is not a fully qualified name in lower case. A short name would depend on DNS search lists, which
// the network policy does not allow.
func egressHost(p *pass) {
	for _, h := range p.hosts() {
		if kindOf(h.name) == somethingElse {
			p.report(h.at, "egress host %q is no full name; write it whole, in lower case and without a final dot, as in api.example.com or name.namespace.svc.cluster.local", h.name)
		}
	}
}
