package emit

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"agentc/compiler/artifact"
	"agentc/compiler/model"
	"agentc/schema"

	ciliumio "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slimv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Labels by which Cilium knows a pod. It sets them itself, and drops labels of that name that a pod brings along; the
// source `k8s:` keeps labels from elsewhere out.
const (
	sourceK8s       = "k8s:"
	labelNamespace  = sourceK8s + ciliumio.PodNamespaceLabel
	labelServiceAcc = sourceK8s + ciliumio.PolicyLabelServiceAccount
)

// ciliumPolicy is a CiliumNetworkPolicy in the making, which knows the line of the spec behind each of its rules.
//
// Every rule has exactly one kind of peer and one port, and every peer names its namespace: Cilium reads a rule without a
// peer as the whole world, a selector without a namespace as its own, and refuses (that is: does not enforce) two kinds of
// peer in one rule. There is no L7 rule but for DNS, since Cilium cannot look into mTLS, and no `authentication`, which is
// deprecated.
type ciliumPolicy struct {
	env   *model.Environment
	meta  metav1.ObjectMeta
	spec  *api.Rule
	names []string // hosts that the rules lead to, and so may be resolved
	from  []artifact.Origin
	err   error
}

// newCiliumPolicy begins the policy of one workload. Both directions are denied unless a rule allows, and it says so.
func newCiliumPolicy(env *model.Environment, who model.Identity, meta metav1.ObjectMeta, from artifact.Origin) *ciliumPolicy {
	return &ciliumPolicy{
		env:  env,
		meta: meta,
		from: []artifact.Origin{from},
		spec: &api.Rule{
			Description: "All that " + who.Name + " may reach and be reached by; anything else is denied in both directions.",
			// The namespace is implied: Cilium confines the selector to that of the policy.
			EndpointSelector:  selectPods(map[string]string{labelServiceAcc: who.Account}),
			EnableDefaultDeny: api.DefaultDenyConfig{Ingress: ptr(true), Egress: ptr(true)},
		},
	}
}

// allowFrom lets pods call a port.
func (p *ciliumPolicy) allowFrom(peer api.EndpointSelector, port int32, from ...schema.Ref) {
	p.origins("spec.ingress", len(p.spec.Ingress), from)
	p.spec.Ingress = append(p.spec.Ingress, api.IngressRule{
		IngressCommonRule: api.IngressCommonRule{FromEndpoints: []api.EndpointSelector{peer}},
		ToPorts:           p.tcp(port),
	})
}

// allowPrometheus lets Prometheus, if there is one, read the metrics.
func (p *ciliumPolicy) allowPrometheus() {
	if peer := p.env.Peers.Prometheus; peer != nil {
		p.allowFrom(p.pods("prometheus", schema.Pods{Namespace: peer.Namespace, Labels: peer.Labels}),
			model.PortMetrics, p.peer("prometheus"))
	}
}

// allowTo lets the workload resolve a host and call the pods behind it. The port is the pods': Cilium decides after a
// Service's address and port were translated.
func (p *ciliumPolicy) allowTo(host string, peer api.EndpointSelector, port int32, from ...schema.Ref) {
	p.egress(host, api.EgressRule{
		EgressCommonRule: api.EgressCommonRule{ToEndpoints: []api.EndpointSelector{peer}},
		ToPorts:          p.tcp(port),
	}, from)
}

// allowEndpoint lets the workload resolve and call an endpoint, inside the cluster or outside.
func (p *ciliumPolicy) allowEndpoint(e *model.Endpoint, from ...schema.Ref) {
	from = append(from, e.From)
	p.names = append(p.names, e.Aliases...)
	if e.Pods != nil {
		p.allowTo(e.Host, p.pods("endpoint "+e.Name, *e.Pods), e.Port, from...)
		return
	}
	p.egress(e.Host, api.EgressRule{
		ToFQDNs: hosts(e),
		ToPorts: p.tcp(e.Port),
	}, from)
}

func hosts(e *model.Endpoint) api.FQDNSelectorSlice {
	list := api.FQDNSelectorSlice{{MatchName: e.Host}}
	for _, alias := range e.Aliases {
		list = append(list, api.FQDNSelector{MatchName: alias})
	}
	return list
}

// allowTraces lets the workload send its traces to the collector, if there is one.
func (p *ciliumPolicy) allowTraces() {
	if peer := p.env.Peers.OTLP; peer != nil {
		p.allowTo(peer.Host, p.pods("otlp", schema.Pods{Namespace: peer.Namespace, Labels: peer.Labels}), peer.Port, p.peer("otlp"))
	}
}

// allowNames lets the workload resolve the hosts that the rules so far lead to, and no others: a name that may be asked
// for is a way out. Without such a host there is no rule, for a DNS rule that lists no names allows them all. Names are
// absolute, since ndots is 1 in every pod.
func (p *ciliumPolicy) allowNames() {
	slices.Sort(p.names)
	names := slices.Compact(p.names)
	if len(names) == 0 {
		return
	}
	dns := p.env.Peers.DNS
	port := p.port(dns.Port)
	rules := &api.L7Rules{}
	for _, n := range names {
		rules.DNS = append(rules.DNS, api.PortRuleDNS{MatchName: n})
	}
	p.egress("", api.EgressRule{
		EgressCommonRule: api.EgressCommonRule{ToEndpoints: []api.EndpointSelector{
			p.pods("dns", schema.Pods{Namespace: dns.Namespace, Labels: dns.Labels}),
		}},
		ToPorts: api.PortRules{{
			Ports: []api.PortProtocol{{Port: port, Protocol: api.ProtoUDP}, {Port: port, Protocol: api.ProtoTCP}},
			Rules: rules,
		}},
	}, []schema.Ref{p.peer("dns")})
}

// add puts the policy into a file. A direction in which nothing is allowed gets one empty rule, which matches nothing:
// Cilium takes an empty list for "does not apply".
func (p *ciliumPolicy) add(out *Out, file string) error {
	if p.err != nil {
		return p.err
	}
	if len(p.spec.Ingress) == 0 {
		p.spec.Ingress = []api.IngressRule{{}}
	}
	if len(p.spec.Egress) == 0 {
		p.spec.Egress = []api.EgressRule{{}}
	}
	out.Object(file, wavePolicy, &ciliumv2.CiliumNetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: ciliumv2.SchemeGroupVersion.String(), Kind: ciliumv2.CNPKindDefinition},
		ObjectMeta: p.meta,
		Spec:       p.spec,
	}, p.from...)
	return nil
}

func (p *ciliumPolicy) egress(host string, rule api.EgressRule, from []schema.Ref) {
	if host != "" {
		p.names = append(p.names, host)
	}
	p.origins("spec.egress", len(p.spec.Egress), from)
	p.spec.Egress = append(p.spec.Egress, rule)
}

// origins leads from one rule to the lines that asked for it: for an edge its own side first, then the other's.
func (p *ciliumPolicy) origins(list string, i int, from []schema.Ref) {
	for _, ref := range from {
		p.from = append(p.from, origin(fmt.Sprintf("%s[%d]", list, i), ref))
	}
}

// peer is where the platform declares one of the cluster's services.
func (p *ciliumPolicy) peer(name string) schema.Ref {
	return schema.Ref{Doc: p.env.From.Doc, Path: "spec.peers." + name}
}

// pods selects pods that are not the fleet's own. A selector that names no pods would select a whole namespace, or all.
func (p *ciliumPolicy) pods(what string, w schema.Pods) api.EndpointSelector {
	if w.Namespace == "" || w.ServiceAccount == "" && len(w.Labels) == 0 {
		p.refuse("the pods of %s need a namespace, and a service account or labels", what)
	}
	match := map[string]string{labelNamespace: w.Namespace}
	if w.ServiceAccount != "" {
		match[labelServiceAcc] = w.ServiceAccount
	}
	for key, value := range w.Labels {
		if strings.HasPrefix(key, "io.kubernetes.") || strings.HasPrefix(key, "io.cilium.") {
			p.refuse("the pods of %s are selected by %s, which Cilium sets itself: it would replace the namespace or the service account", what, key)
		}
		match[sourceK8s+key] = value
	}
	return selectPods(match)
}

func (p *ciliumPolicy) tcp(port int32) api.PortRules {
	return api.PortRules{{Ports: []api.PortProtocol{{Port: p.port(port), Protocol: api.ProtoTCP}}}}
}

// port as the CRD wants it, a string. Cilium reads 0 as every port.
func (p *ciliumPolicy) port(n int32) string {
	if n < 1 || n > 65535 {
		p.refuse("%d is no port", n)
	}
	return strconv.Itoa(int(n))
}

// refuse remembers what Cilium would read as more than was meant; the policy is then never written.
func (p *ciliumPolicy) refuse(format string, args ...any) {
	p.err = errors.Join(p.err, fmt.Errorf("policy %s/%s: "+format, append([]any{p.meta.Namespace, p.meta.Name}, args...)...))
}

// podsOf selects the pods of an agent, or of agentd.
func podsOf(who model.Identity) api.EndpointSelector {
	return selectPods(map[string]string{labelNamespace: who.Namespace, labelServiceAcc: who.Account})
}

func selectPods(match map[string]string) api.EndpointSelector {
	return api.EndpointSelector{LabelSelector: &slimv1.LabelSelector{MatchLabels: match}}
}
