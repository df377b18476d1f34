package network

import (
	"iter"
	"maps"
	"slices"

	"agentc/verify/claims"

	"github.com/cilium/cilium/pkg/u8proto"
)

// permitted looks up what the claims allow.
type permitted struct {
	u       *universe
	parties map[*one]map[string]bool // the parties that somebody is
	ones    map[string][]*one        // the reverse
	from    map[string][]claims.Flow // by caller
	to      map[string][]claims.Flow // by callee
	outside map[string][]claims.Outside
	hosts   map[string]*one

	selectors map[string]bool // of the parties
}

func newPermitted(u *universe) *permitted {
	p := &permitted{u, map[*one]map[string]bool{}, map[string][]*one{}, map[string][]claims.Flow{}, map[string][]claims.Flow{}, map[string][]claims.Outside{}, map[string]*one{}, map[string]bool{}}
	spaces := map[string][]*claims.Party{}
	for i := range u.env.Parties {
		party := &u.env.Parties[i]
		spaces[party.Namespace] = append(spaces[party.Namespace], party)
		p.selectors[selectorOf(party)] = true
	}
	for _, o := range u.all {
		p.parties[o] = map[string]bool{}
		if o.host != "" {
			p.hosts[o.host] = o
		}
		for _, party := range spaces[o.namespace] {
			if o.namespace != "" && is(o, party) {
				p.parties[o][party.Name] = true
				p.ones[party.Name] = append(p.ones[party.Name], o)
			}
		}
	}
	for _, f := range u.env.Flows {
		p.from[f.From] = append(p.from[f.From], f)
		p.to[f.To] = append(p.to[f.To], f)
	}
	for _, o := range u.env.Outside {
		p.outside[o.From] = append(p.outside[o.From], o)
	}
	return p
}

// is says whether a pod is one of a party's: of its namespace, with its service account and its labels, where it has any.
func is(o *one, p *claims.Party) bool {
	if p.Account != "" && p.Account != o.account {
		return false
	}
	for key, value := range p.Labels {
		if o.labels[key] != value {
			return false
		}
	}
	return true
}

// claimedPeers are those that a subject may exchange packets with, in one direction.
type claimedPeers map[*one]map[packet]claims.At

func (c claimedPeers) packets() iter.Seq[packet] {
	return func(yield func(packet) bool) {
		for _, packets := range c {
			for p := range packets {
				if !yield(p) {
					return
				}
			}
		}
	}
}

func (c claimedPeers) add(o *one, p packet, at claims.At) {
	if c[o] == nil {
		c[o] = map[packet]claims.At{}
	}
	c[o][p] = at
}

// of are the claimed peers of a subject.
func (p *permitted) of(s *one, ingress bool) claimedPeers {
	all := claimedPeers{}
	for party := range p.parties[s] {
		flows, other := p.from[party], func(f claims.Flow) string { return f.To }
		if ingress {
			flows, other = p.to[party], func(f claims.Flow) string { return f.From }
		}
		for _, f := range flows {
			for _, peer := range p.ones[other(f)] {
				for _, proto := range f.Protocols {
					all.add(peer, packet{protocolOf(proto), uint16(f.Port)}, f.At)
				}
			}
		}
		if ingress {
			continue
		}
		for _, o := range p.outside[party] {
			for _, h := range o.Hosts {
				if peer := p.hosts[h]; peer != nil {
					all.add(peer, packet{u8proto.TCP, uint16(o.Port)}, o.At)
				}
			}
		}
	}
	return all
}

func protocolOf(name string) u8proto.U8proto {
	proto, err := u8proto.ParseProtocol(name)
	if err != nil {
		return 0 // no packet has it: nothing is claimed by it, and what was meant shows as missing
	}
	return proto
}

// names are the hosts that a subject may resolve, each with where the spec says so.
func (p *permitted) names(s *one) map[string]claims.At {
	all := map[string]claims.At{}
	for party := range p.parties[s] {
		for _, f := range p.from[party] {
			for _, h := range f.Hosts {
				all[h] = f.At
			}
		}
		for _, o := range p.outside[party] {
			for _, h := range o.Hosts {
				all[h] = o.At
			}
		}
	}
	return all
}

// resolvers are the pods that answer questions about names: those that a subject may ask by UDP.
func (p *permitted) resolvers(s *one) []*one {
	var all []*one
	for peer, packets := range p.of(s, false) {
		if slices.ContainsFunc(slices.Collect(maps.Keys(packets)), func(p packet) bool { return p.proto == u8proto.UDP }) {
			all = append(all, peer)
		}
	}
	slices.SortFunc(all, func(a, b *one) int { return int(a.id.ID) - int(b.id.ID) })
	return all
}
