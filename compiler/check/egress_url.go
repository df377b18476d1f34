package check

// egressURL refuses a URL, a path or a port where a host is meant.
func egressURL(p *pass) {
	for _, h := range p.hosts() {
		if isURL(h.name) && !isAddress(h.name) {
			p.report(h.at, "egress host %q is more than a host; write the name alone, the port goes into `port`", h.name)
		}
	}
}
