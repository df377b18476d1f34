// Package network judges the network layer: it puts every rendered policy into Cilium's own policy engine and asks it who reaches whom.
//
// A flow between two parties is asked for each direction and each side by itself: what the caller's egress allows and what the callee's
// ingress allows must both be what the spec says. That is more than what a packet needs, which both sides must let through, for a
// side that is too wide waits only for the other to follow.
//
// What the engine answers is exact for all 65,536 ports: it is asked at both sides of every bound that its own policy map knows. Peers that
// the map of a subject does not name are alike to it, and one of them stands for all (Judge); asking about everybody gives the same answer,
// which TestEverybody shows.
package network

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"agentc/verify/claims"
	"agentc/verify/judge"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/u8proto"
)

// Judge compares what Cilium would let through with the claims.
func Judge(env *judge.Environment, report *judge.Report) error { return run(env, report, false) }

// protocols that are asked about. To ICMP a port is a type.
var protocols = []u8proto.U8proto{u8proto.TCP, u8proto.UDP, u8proto.SCTP, u8proto.ICMP}

// ports that are asked about in any case.
var ports = []uint16{1, 22, 53, 80, 443, 8443, 10250, 65535}

func run(env *judge.Environment, report *judge.Report, everybody bool) error {
	c := newComparison(env, report)
	c.everybody = everybody
	if err := c.subjects(report); err != nil {
		return err
	}
	c.names(report)
	return nil
}

// comparison is one run over one environment.
type comparison struct {
	*universe
	rendered  []*rendered
	engine    *engine
	claims    *permitted
	resolver  string // the port at which names are asked for
	everybody bool   // ask about every peer, and not about one of those that are alike
}

// newComparison puts what is rendered into the engine. A policy that Cilium would not enforce is reported.
func newComparison(env *judge.Environment, report *judge.Report) *comparison {
	configure()
	c := &comparison{rendered: policies(env, report), resolver: "53"}
	for _, f := range env.Flows {
		if f.To == "peer dns" {
			c.resolver = strconv.Itoa(int(f.Port))
		}
	}
	c.universe = newUniverse(env, c.rendered)
	var sources []source
	for _, p := range c.rendered {
		sources = append(sources, p.source())
	}
	c.engine = newEngine(c.identities(), sources...)
	c.claims = newPermitted(c.universe)
	return c
}

// subjects compares all of them, on every core.
func (c *comparison) subjects(report *judge.Report) error {
	var lock sync.Mutex
	var failed error
	var wait sync.WaitGroup
	work := make(chan *one)
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for s := range work {
				found, err := c.subject(s)
				lock.Lock()
				failed = cmp.Or(failed, err)
				report.Count("network pairs", found.pairs)
				report.Count("network flows", found.flows)
				c.report(report, s, found.mismatches)
				lock.Unlock()
			}
		})
	}
	for _, o := range c.all {
		if o.subject {
			work <- o
		}
	}
	close(work)
	wait.Wait()
	return failed
}

// compared is what came of one subject.
type compared struct {
	pairs, flows int
	mismatches   []mismatch
}

// mismatch is one peer that the policies let through where the claims do not, or the reverse.
type mismatch struct {
	ingress bool
	peer    *one
	wider   bool
	packets []packet
	every   bool // at every port that was asked
	at      claims.At
}

// packet is what a policy decides about, beside the two ends.
type packet struct {
	proto u8proto.U8proto
	port  uint16
}

func (c *comparison) subject(s *one) (compared, error) {
	var found compared
	reach, err := c.engine.of(s.id, s.named)
	if err != nil {
		return found, fmt.Errorf("%s: %w", s.name, err)
	}
	defer reach.release()
	for _, ingress := range []bool{true, false} {
		mentioned, asked := bounds(reach, ingress)
		claimed := c.claims.of(s, ingress)
		for p := range claimed.packets() {
			asked[p.port] = true
		}
		sorted := slices.Sorted(maps.Keys(asked))
		found.pairs += len(c.all)
		for _, peer := range c.peers(mentioned, claimed) {
			found.flows += len(sorted) * len(protocols)
			found.mismatches = append(found.mismatches, compare(reach, ingress, peer, claimed[peer], sorted)...)
		}
	}
	return found, nil
}

// bounds are the identities that a subject's policy map names in one direction, and the ports on both sides of each of its bounds.
func bounds(r *reach, ingress bool) (map[identity.NumericIdentity]bool, map[uint16]bool) {
	mentioned, asked := map[identity.NumericIdentity]bool{}, map[uint16]bool{}
	for _, p := range ports {
		asked[p] = true
	}
	for key := range r.policy.Entries() {
		if key.IsIngress() != ingress {
			continue
		}
		mentioned[key.Identity] = true
		for _, p := range []uint16{key.DestPort - 1, key.DestPort, key.EndPort(), key.EndPort() + 1} {
			if p != 0 {
				asked[p] = true
			}
		}
	}
	return mentioned, asked
}

// peers are those to ask about: who the map names, who is claimed, everybody that is not a pod or a host, and of the other pods and hosts
// one each.
func (c *comparison) peers(mentioned map[identity.NumericIdentity]bool, claimed claimedPeers) []*one {
	if c.everybody {
		return c.all
	}
	var all []*one
	var pod, host bool
	for _, o := range c.all {
		switch {
		case mentioned[o.id.ID] || claimed[o] != nil || o.namespace == "" && o.host == "":
		case o.host == "" && !pod:
			pod = true
		case o.host != "" && !host:
			host = true
		default:
			continue
		}
		all = append(all, o)
	}
	return all
}

func compare(r *reach, ingress bool, peer *one, claimed map[packet]claims.At, ports []uint16) []mismatch {
	wider := mismatch{ingress: ingress, peer: peer, wider: true}
	narrower := mismatch{ingress: ingress, peer: peer}
	for _, proto := range protocols {
		for _, port := range ports {
			p := packet{proto, port}
			allowed := r.allows(ingress, peer.id.ID, proto, port)
			at, declared := claimed[p]
			switch {
			case allowed && !declared:
				wider.packets = append(wider.packets, p)
			case !allowed && declared:
				narrower.packets = append(narrower.packets, p)
				narrower.at = at
			}
		}
	}
	wider.every = len(wider.packets) == len(ports)*len(protocols)
	var all []mismatch
	for _, m := range []mismatch{wider, narrower} {
		if len(m.packets) > 0 {
			all = append(all, m)
		}
	}
	return all
}

// String lists what passes: `TCP 8443, UDP 53`.
func (m mismatch) String() string {
	if m.every {
		return "every port"
	}
	const shown = 4
	var all []string
	for _, p := range m.packets {
		all = append(all, fmt.Sprintf("%s %d", p.proto, p.port))
	}
	if len(all) > shown {
		all = append(all[:shown], "…")
	}
	return strings.Join(all, ", ")
}
