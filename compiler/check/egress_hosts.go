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
		for j, alias := range e.Aliases {
			all = append(all, host{in(doc, "spec.endpoints[%d].aliases[%d]", i, j), alias})
		}
	}
	for i, env := range spec.Environments {
		for name, e := range env.Endpoints {
			all = append(all, host{in(doc, "spec.environments[%d].endpoints.%s.host", i, name), e.Host})
			for j, alias := range e.Aliases {
				all = append(all, host{in(doc, "spec.environments[%d].endpoints.%s.aliases[%d]", i, name, j), alias})
			}
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

// What an author may write where the name of a host is meant. Each but the last has a rule of its own.
const (
	aName = iota // fully qualified, as it must be
	aURL         // or a path or a port
	aWildcard
	anAddress
	somethingElse
)

func kindOf(host string) int {
	_, address := netip.ParseAddr(strings.Trim(host, "[]"))
	_, withPort := netip.ParseAddrPort(host)
	_, port, hasPort := strings.Cut(host, ":")
	switch {
	case host == "":
		return aName // it is required, or not written
	case address == nil || withPort == nil:
		return anAddress
	case strings.ContainsAny(host, "/@?#") || hasPort && !strings.Contains(port, ":"):
		return aURL
	case strings.Contains(host, "*"):
		return aWildcard
	case !hostname.MatchString(host) || strings.HasSuffix(host, ".svc"):
		return somethingElse
	}
	return aName
}

var userinfo = regexp.MustCompile(`(//|^)[^/@]*@`)

// hostname has at least two labels, in lower case, and no final dot.
var hostname = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)
