package emit

import (
	"agentc/compiler/artifact"
	"agentc/compiler/model"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// network writes what Cilium enforces: for each agent one CiliumNetworkPolicy with one rule for each edge, endpoint and peer
// that it has, and for each namespace a core NetworkPolicy that denies everything. agentd's own policy is the runtime's.
func network(env *model.Environment, out *Out) error {
	for _, ns := range env.Namespaces {
		var from []artifact.Origin
		for _, a := range ns.Agents {
			from = append(from, fromAgent(a))
		}
		out.Object(namespaceFile(env, ns.Name), wavePolicy, defaultDeny(env, ns.Name), from...)
	}
	system := env.System.Namespace
	out.Object(namespaceFile(env, system), wavePolicy, defaultDeny(env, system), origin("", env.Runtime.From))
	for _, a := range env.Agents {
		if err := agentPolicy(a).add(out, agentFile(a)); err != nil {
			return err
		}
	}
	return nil
}

// defaultDeny is a core NetworkPolicy that isolates every pod of a namespace and allows nothing. Cilium adds up what both
// kinds of policy allow, so it takes nothing from an agent. It is there for two cases: a CiliumNetworkPolicy that Cilium
// calls invalid is not enforced at all, and would leave its pods open; and a pod without an agent's service account is
// selected by none.
func defaultDeny(env *model.Environment, namespace string) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: meta(env, namespace, "default-deny", wavePolicy),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
		},
	}
}

// agentPolicy allows what the agent's edges, endpoints and the cluster's peers need: edges first, then the implicit ones.
func agentPolicy(a *model.Agent) *ciliumPolicy {
	p := newCiliumPolicy(a.Env, a.Identity, agentMeta(a, a.Name, wavePolicy), fromAgent(a))
	for _, e := range a.Callers {
		if onlyByTopic(e) {
			continue
		}
		p.allowFrom(podsOf(e.Caller), model.PortA2A, e.Accepted, e.Requested)
	}
	p.allowPrometheus()

	for _, e := range a.Calls {
		p.allowTo(e.Callee.Host, podsOf(e.Callee.Identity), model.PortA2A, e.Requested, e.Accepted)
	}
	for _, u := range a.Uses {
		p.allowEndpoint(u.Endpoint, u.From)
	}
	p.allowTo(a.Env.System.Host, podsOf(a.Env.System), model.PortDecision, a.Env.Runtime.From)
	p.allowTraces()
	p.allowNames()
	return p
}
