package network

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"agentc/verify/claims"
	"agentc/verify/judge"

	"github.com/cilium/cilium/pkg/policy/api"
)

// names compares what the engine does not decide: which names may be resolved, and that no rule holds a kind of peer or of condition that no spec can
// mean. The engine was asked about a few addresses only, and Cilium's agent about services, groups and nodes that nobody has here.
func (c *comparison) names(report *judge.Report) {
	byNamespace := map[string][]*rendered{}
	for _, p := range c.rendered {
		byNamespace[p.object.GetNamespace()] = append(byNamespace[p.object.GetNamespace()], p)
		for i, r := range p.rules {
			c.strange(report, p, i, r)
		}
		c.selectors(report, p)
	}
	for _, s := range c.all {
		if s.workload != nil && s.subject {
			c.resolved(report, s, slices.Concat(byNamespace[s.namespace], byNamespace[""]))
		}
	}
}

// resolved compares the names that a workload may resolve with the claimed ones, both ways.
func (c *comparison) resolved(report *judge.Report, s *one, policies []*rendered) {
	claimed := c.claims.names(s)
	resolvers := c.claims.resolvers(s)
	allowed := map[string]bool{}
	var own place
	for _, p := range policies {
		for i, r := range p.rules {
			if !selects(r.EndpointSelector, s) {
				continue
			}
			if own.object == nil {
				own = place{p.object, append(base(p, i), "egress")}
			}
			for j, rule := range r.Egress {
				for k, ports := range rule.ToPorts {
					path := append(base(p, i), "egress", j, "toPorts", k)
					c.asks(report, s, p, path, rule, ports, resolvers, claimed, allowed)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(claimed)) {
		if !allowed[name] && own.object != nil {
			report.At(own.object, own.path, claimed[name], "does not let %s resolve %s; the spec does", s.name, name)
		}
	}
}

// asks collects the names of one rule, and reports one that nobody claims. A rule that leads to a resolver and lists no names lets every
// name be asked, and so any text be carried out.
func (c *comparison) asks(report *judge.Report, s *one, p *rendered, path []any, rule api.EgressRule, ports api.PortRule, resolvers []*one, claimed map[string]claims.At, allowed map[string]bool) {
	at := s.workload.At
	if ports.Rules == nil || len(ports.Rules.DNS) == 0 {
		if i := slices.IndexFunc(resolvers, func(r *one) bool { return leadsTo(rule, ports, r, c.dnsPort(s)) }); i >= 0 {
			report.At(p.object, path, at, "lets %s ask %s about every name; the spec names %d", s.name, resolvers[i].name, len(claimed))
		}
		return
	}
	for n, dns := range ports.Rules.DNS {
		name := strings.TrimSuffix(dns.MatchName, ".")
		if _, ok := claimed[name]; name == "" || !ok {
			report.At(p.object, append(slices.Clone(path), "rules", "dns", n), at, "lets %s resolve %s; the spec does not", s.name, strconv.Quote(dns.MatchName+dns.MatchPattern))
			continue
		}
		allowed[name] = true
	}
}

// dnsPort is where a workload's resolvers listen.
func (c *comparison) dnsPort(s *one) uint16 {
	for party := range c.claims.parties[s] {
		for _, f := range c.claims.from[party] {
			if len(f.Protocols) > 1 {
				return uint16(f.Port)
			}
		}
	}
	return 53
}

// leadsTo says whether a rule by itself lets a packet through to a port of a pod. A rule without a kind of peer leads everywhere.
func leadsTo(rule api.EgressRule, ports api.PortRule, to *one, port uint16) bool {
	covers := slices.ContainsFunc(ports.Ports, func(p api.PortProtocol) bool {
		first, err := strconv.ParseUint(p.Port, 10, 16)
		if err != nil {
			return true // a name: what it leads to is not known here
		}
		last := max(uint64(p.EndPort), first)
		return first == 0 || first <= uint64(port) && uint64(port) <= last
	})
	if !covers && len(ports.Ports) > 0 {
		return false
	}
	if len(rule.ToFQDNs) > 0 {
		return false
	}
	return rule.ToEndpoints == nil || slices.ContainsFunc(rule.ToEndpoints, func(e api.EndpointSelector) bool { return selects(e, to) })
}
