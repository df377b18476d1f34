package check

// egressWildcard refuses a wildcard host: it allows names that nobody reviewed, and names that somebody else can register.
func egressWildcard(p *pass) {
	for _, h := range p.hosts() {
		if kindOf(h.name) == aWildcard {
			p.report(h.at, "egress host %q is a wildcard; list each host as an endpoint of its own (a wildcard would not cover its apex anyway)", h.name)
		}
	}
}
