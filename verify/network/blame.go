package network

import (
	"fmt"
	"slices"
	"strings"

	"agentc/verify/claims"
	"agentc/verify/judge"
	"agentc/verify/object"

	"github.com/cilium/cilium/pkg/identity"
	ipcachetypes "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/policy/utils"
)

// place is the rule that a disagreement is reported at.
type place struct {
	object *object.Object
	path   []any
}

// report turns the mismatches of a subject into findings: one for each rule that lets something through, which names the first few of
// whom it lets through.
func (c *comparison) report(report *judge.Report, s *one, all []mismatch) {
	type key struct {
		at      string
		ingress bool
		wider   bool
	}
	var order []key
	grouped := map[key][]mismatch{}
	places := map[key]place{}
	for _, m := range all {
		at := c.place(s, m, len(places) > blamed)
		k := key{fmt.Sprint(at.object, at.path), m.ingress, m.wider}
		if grouped[k] == nil {
			order = append(order, k)
			places[k] = at
		}
		grouped[k] = append(grouped[k], m)
	}
	for _, k := range order {
		c.finding(report, s, places[k], grouped[k])
	}
}

// blamed bounds how many rules of one subject are looked for: each costs an engine of its own.
const blamed = 20

func (c *comparison) finding(report *judge.Report, s *one, at place, group []mismatch) {
	first := group[0]
	const shown = 3
	var peers []string
	for _, m := range group[:min(shown, len(group))] {
		peers = append(peers, fmt.Sprintf("%s (%s)", m.peer.name, m))
	}
	who := strings.Join(peers, ", ")
	if more := len(group) - shown; more > 0 {
		who += fmt.Sprintf(" and %d more", more)
	}
	spec := first.at
	if spec == (claims.At{}) {
		spec = c.env.At
		if s.workload != nil {
			spec = s.workload.At
		}
	}
	verb := map[[2]bool]string{
		{true, true}: "lets %[2]s reach %[1]s; the spec does not", {false, true}: "lets %[1]s reach %[2]s; the spec does not",
		{true, false}: "does not let %[2]s reach %[1]s; the spec does", {false, false}: "does not let %[1]s reach %[2]s; the spec does",
	}[[2]bool{first.ingress, first.wider}]
	if at.object == nil {
		report.Missing(c.env.Folder+"manifests/"+s.namespace, spec, "no policy that Cilium enforces "+verb, s.name, who)
		return
	}
	report.At(at.object, at.path, spec, verb, s.name, who)
}

// place finds the rule that lets something through: the one that does so alone. Where something is not let through, or everything since
// nothing denies, it is the subject's own policy.
func (c *comparison) place(s *one, m mismatch, enough bool) place {
	list := "egress"
	if m.ingress {
		list = "ingress"
	}
	var own place
	for _, p := range c.rendered {
		if ns := p.object.GetNamespace(); ns != "" && ns != s.namespace {
			continue
		}
		if p.rules != nil && slices.ContainsFunc(p.rules, func(r *api.Rule) bool { return selects(r.EndpointSelector, s) }) && own.object == nil {
			own = place{p.object, []any{"spec", list}}
		}
		if !m.wider || enough {
			continue
		}
		for _, part := range parts(p, m.ingress) {
			if c.alone(s, m, part.entries) {
				return place{p.object, part.path}
			}
		}
	}
	if own.object == nil {
		for _, p := range c.rendered {
			if p.object.GetNamespace() == s.namespace {
				return place{p.object, []any{"spec"}}
			}
		}
	}
	return own
}

// part is one rule of a policy by itself.
type part struct {
	path    []any
	entries types.PolicyEntries
}

func parts(p *rendered, ingress bool) []part {
	if p.rules == nil {
		return []part{{[]any{"spec"}, p.entries}}
	}
	var all []part
	for i, r := range p.rules {
		base := []any{"spec"}
		if p.object.Object["spec"] == nil {
			base = []any{"specs", i}
		}
		for j := range rulesOf(r, ingress) {
			only := *r
			only.Ingress, only.Egress = nil, nil
			list := "egress"
			if ingress {
				list, only.Ingress = "ingress", r.Ingress[j:j+1]
			} else {
				only.Egress = r.Egress[j : j+1]
			}
			all = append(all, part{append(slices.Clone(base), list, j), utils.RulesToPolicyEntries(api.Rules{&only})})
		}
	}
	return all
}

func rulesOf(r *api.Rule, ingress bool) int {
	if ingress {
		return len(r.Ingress)
	}
	return len(r.Egress)
}

// alone says whether a rule lets something through when all else denies.
func (c *comparison) alone(s *one, m mismatch, entries types.PolicyEntries) bool {
	deny := &api.Rule{EndpointSelector: api.WildcardEndpointSelector, Ingress: []api.IngressRule{{}}, Egress: []api.EgressRule{{}}}
	if deny.Sanitize() != nil {
		return false
	}
	all := source{ipcachetypes.NewResourceID(ipcachetypes.ResourceKindCNP, s.namespace, "alone"), append(utils.RulesToPolicyEntries(api.Rules{deny}), entries...)}
	ends := []*identity.Identity{s.id}
	if m.peer.id.ID != s.id.ID {
		ends = append(ends, m.peer.id)
	}
	reach, err := newEngine(ends, all).of(s.id, s.named)
	if err != nil {
		return false
	}
	defer reach.release()
	return slices.ContainsFunc(m.packets, func(p packet) bool { return reach.allows(m.ingress, m.peer.id.ID, p.proto, p.port) })
}
