package check

// egressWildcard refuses a wildcard host: it allows names that nobody reviewed, and names that somebody else can register.
func egressWildcard(p *pass) {
	for _, h := range p.hosts() {
		if isWildcard(h.name) {
			p.report(h.at, "egress host %q is a wildcard; list each host (a wildcard would not cover its own apex anyway)", h.name)
		}
	}
}
