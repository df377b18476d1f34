package check

import (
	"net/netip"
	"regexp"
	"strings"

	"agentc/schema"
)

// host is one place that names a host to dial.
type host struct {
	at   schema.Ref
	name string
}

func (p *pass) hosts() []host {
	doc := p.platform()
	spec := &doc.Platform.Spec
	var all []host
	for i, e := range spec.Endpoints {
		all = append(all, host{in(doc, "spec.endpoints[%d].host", i), e.Host})
	}
	for i, env := range spec.Environments {
		for name, e := range env.Endpoints {
			all = append(all, host{in(doc, "spec.environments[%d].endpoints.%s.host", i, name), e.Host})
		}
	}
	if spec.Peers.Prometheus != nil {
		all = append(all, host{in(doc, "spec.peers.prometheus.host"), spec.Peers.Prometheus.Host})
	}
	if spec.Peers.OTLP != nil {
		all = append(all, host{in(doc, "spec.peers.otlp.host"), spec.Peers.OTLP.Host})
	}
	return all
}

// hostname has at least two labels, in lower case, and no final dot.
var hostname = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

func isWildcard(name string) bool { return strings.Contains(name, "*") }

func isURL(name string) bool {
	_, port, hasPort := strings.Cut(name, ":")
	return strings.ContainsAny(name, "/@?#") || hasPort && !strings.Contains(port, ":")
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil
}
