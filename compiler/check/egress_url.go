package check

// egressURL refuses a URL, a path or a port where a host is meant.
func egressURL(p *pass) {
	for _, h := range p.hosts() {
		if kindOf(h.name) == aURL {
			p.report(h.at, "egress host %q is more than a host; write the name alone, as in api.example.com, and the port into `port`", withoutUser(h.name))
		}
	}
}

// withoutUser leaves out of a URL what may be a password, since messages end in logs.
func withoutUser(url string) string { return userinfo.ReplaceAllString(url, "${1}…@") }
