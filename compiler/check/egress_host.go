package check

// egressHost refuses what is not a fully qualified name in lower case. A short name would depend on DNS search lists, which
// the network policy does not allow.
func egressHost(p *pass) {
	for _, h := range p.hosts() {
		switch {
		case h.name == "" || isWildcard(h.name) || isAddress(h.name) || isURL(h.name): // other rules speak of these
		case !hostname.MatchString(h.name):
			p.report(h.at, "egress host %q is no fully qualified name; write it whole and in lower case, as in api.example.com", h.name)
		}
	}
}
