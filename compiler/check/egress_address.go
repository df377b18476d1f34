package check

// egressAddress refuses a bare IP address: it says nothing to a reviewer, and another tenant has it tomorrow.
func egressAddress(p *pass) {
	for _, h := range p.hosts() {
		if kindOf(h.name) == anAddress {
			p.report(h.at, "egress host %q is an address; write the name of the host, as in api.example.com", h.name)
		}
	}
}
