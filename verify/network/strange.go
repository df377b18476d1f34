package network

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"agentc/verify/claims"
	"agentc/verify/judge"

	"github.com/cilium/cilium/pkg/policy/api"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// strange reports what the compiler never writes and the engine does not judge in full.
func (c *comparison) strange(report *judge.Report, p *rendered, i int, r *api.Rule) {
	at := specOf(c.env, p.object)
	say := func(what string, path ...any) {
		report.At(p.object, append(base(p, i), path...), at, "has %s, which nothing in a spec can mean", what)
	}
	for j, in := range r.Ingress {
		kinds := map[string]bool{
			"fromCIDR": len(in.FromCIDR) > 0, "fromCIDRSet": len(in.FromCIDRSet) > 0, "fromGroups": len(in.FromGroups) > 0, "fromNodes": len(in.FromNodes) > 0,
			"authentication": in.Authentication != nil,
		}
		c.sayEach(kinds, func(kind string) { say(kind, "ingress", j, kind) })
		c.strangePorts(in.ToPorts, false, func(what string) { say(what, "ingress", j, "toPorts") })
	}
	for j, out := range r.Egress {
		kinds := map[string]bool{
			"toCIDR": len(out.ToCIDR) > 0, "toCIDRSet": len(out.ToCIDRSet) > 0, "toGroups": len(out.ToGroups) > 0, "toNodes": len(out.ToNodes) > 0,
			"toServices": len(out.ToServices) > 0, "authentication": out.Authentication != nil,
		}
		c.sayEach(kinds, func(kind string) { say(kind, "egress", j, kind) })
		c.strangePorts(out.ToPorts, true, func(what string) { say(what, "egress", j, "toPorts") })
		for _, f := range out.ToFQDNs {
			if f.MatchName == "" {
				say("the pattern "+strconv.Quote(f.MatchPattern)+" of hosts", "egress", j, "toFQDNs")
			}
		}
	}
}

func (c *comparison) sayEach(kinds map[string]bool, say func(string)) {
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if kinds[kind] {
			say(kind)
		}
	}
}

func (c *comparison) strangePorts(ports api.PortRules, egress bool, say func(string)) {
	for _, p := range ports {
		c.sayEach(map[string]bool{
			"serverNames": len(p.ServerNames) > 0, "a listener": p.Listener != nil, "TLS termination": p.TerminatingTLS != nil || p.OriginatingTLS != nil,
		}, say)
		if l7 := p.Rules; l7 != nil && (len(l7.HTTP) > 0 || len(l7.DNS) == 0 || !egress) {
			say("a rule of layer 7 that is not about names")
		}
		if p.Rules != nil && slices.ContainsFunc(p.Ports, func(port api.PortProtocol) bool { return port.Port != c.resolver }) {
			say("a rule about names at a port where nobody is asked for names")
		}
	}
}

// selectors reports peers that are no party of the spec. The engine was asked about the parties and some strangers; a selector that none of these
// satisfies may still be satisfied by somebody in the cluster.
func (c *comparison) selectors(report *judge.Report, p *rendered) {
	at := specOf(c.env, p.object)
	if p.object.GetKind() == "NetworkPolicy" {
		for _, list := range []string{"ingress", "egress"} {
			if rules, _, _ := unstructured.NestedSlice(p.object.Object, "spec", list); len(rules) > 0 {
				report.At(p.object, []any{"spec", list}, at, "allows something; of this kind only what denies everything is ever rendered")
			}
		}
		return
	}
	for field, spec := range map[string][]any{"spec": {p.object.Object["spec"]}, "specs": list(p.object.Object["specs"])} {
		for i, one := range spec {
			rule, _ := one.(map[string]any)
			path := []any{field}
			if field == "specs" {
				path = append(path, i)
			}
			for direction, peers := range map[string]string{"ingress": "fromEndpoints", "egress": "toEndpoints"} {
				for j, r := range list(rule[direction]) {
					entry, _ := r.(map[string]any)
					for k, selector := range list(entry[peers]) {
						if !c.claims.selectors[canonical(selector)] {
							report.At(p.object, append(slices.Clone(path), direction, j, peers, k), at, "selects pods that are no party of the spec")
						}
					}
				}
			}
		}
	}
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// canonical is a selector as text, by which equal ones are known; empty where it holds anything but labels.
func canonical(selector any) string {
	s, _ := selector.(map[string]any)
	match, _ := s["matchLabels"].(map[string]any)
	if len(s) != 1 || len(match) == 0 {
		return ""
	}
	labels := map[string]string{}
	for key, value := range match {
		labels[strings.TrimPrefix(key, "k8s:")], _ = value.(string)
	}
	return text(labels)
}

func text(labels map[string]string) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		all = append(all, key+"="+labels[key])
	}
	return strings.Join(all, ",")
}

// selectorOf is the selector of a party's pods.
func selectorOf(p *claims.Party) string {
	labels := map[string]string{"io.kubernetes.pod.namespace": p.Namespace}
	maps.Copy(labels, p.Labels)
	if p.Account != "" {
		labels["io.cilium.k8s.policy.serviceaccount"] = p.Account
	}
	return text(labels)
}

// base is where a rule of a policy stands.
func base(p *rendered, i int) []any {
	if p.object.Object["spec"] == nil {
		return []any{"specs", i}
	}
	return []any{"spec"}
}
