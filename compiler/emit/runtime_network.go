package emit

import (
	"fmt"
	"slices"

	"agentc/compiler/model"
	"agentc/schema"

	"github.com/cilium/cilium/pkg/policy/api"
)

// guardsPerPolicy keeps a policy of agentd's well below the 1.5 MB that etcd stores: a guard takes up to 250 bytes.
const guardsPerPolicy = 2000

// runtimePolicies are agentd's CiliumNetworkPolicies: one, or with very many agents several, which Cilium adds up.
func runtimePolicies(env *model.Environment) []*ciliumPolicy {
	p := runtimePolicy(env, runtimeName)
	policies := []*ciliumPolicy{p}
	for i, agents := range slices.Collect(slices.Chunk(env.Agents, guardsPerPolicy)) {
		if i > 0 {
			policies = append(policies, runtimePolicy(env, fmt.Sprintf("%s-%d", runtimeName, i+1)))
		}
		policies[i].allowGuards(agents)
	}

	p.allowPrometheus()
	for _, e := range callbackSources(env) {
		p.allowFrom(p.pods("endpoint "+e.Name, *e.Pods), model.PortCallback, e.From)
	}
	for _, in := range env.Intakes {
		if in.Client != nil {
			p.allowFrom(p.pods("intake "+in.Name, schema.Pods{Namespace: in.Client.Namespace, ServiceAccount: in.Client.Account}), model.PortDecision, in.From)
		}
	}
	if page := env.Page; page != nil {
		p.allowFrom(p.pods("the page", page.Pods), model.PortDecision, page.From)
	}
	p.allowIntake()
	for _, e := range env.Runtime.Endpoints {
		p.allowEndpoint(e)
	}
	p.allowTraces()
	p.allowNames()
	return policies
}

func runtimePolicy(env *model.Environment, name string) *ciliumPolicy {
	return newCiliumPolicy(env, env.System, runtimeMeta(env, name, wavePolicy), origin("", env.Runtime.From))
}

// allowGuards lets the guards of agents ask for decisions and bundles: one rule that lists them all. They all get the same,
// and a rule each would repeat the port thousands of times in a policy that Cilium computes on every change of an identity.
func (p *ciliumPolicy) allowGuards(agents []*model.Agent) {
	var guards []api.EndpointSelector
	for i, a := range agents {
		guards = append(guards, podsOf(a.Identity))
		p.from = append(p.from, origin(fmt.Sprintf("spec.ingress[%d].fromEndpoints[%d]", len(p.spec.Ingress), i), fromAgent(a).Ref))
	}
	p.spec.Ingress = append(p.spec.Ingress, api.IngressRule{
		IngressCommonRule: api.IngressCommonRule{FromEndpoints: guards},
		ToPorts:           p.tcp(model.PortDecision),
	})
}

// allowIntake lets agentd pass events on to the agents that accept them.
func (p *ciliumPolicy) allowIntake() {
	for _, a := range p.env.Agents {
		for _, e := range a.Callers {
			if e.Caller == p.env.System && !onlyByTopic(e) {
				p.allowTo(a.Host, podsOf(a.Identity), model.PortA2A, e.Requested, e.Accepted)
			}
		}
	}
}

// onlyByTopic says of an edge that it is agentd's, and that no intake calls the agent: it reads from a topic all that comes along it.
func onlyByTopic(e *model.Edge) bool {
	env := e.Callee.Env
	return e.Caller == env.System && !slices.ContainsFunc(env.Intakes, func(in *model.Intake) bool { return in.To == e.Callee && in.Forward == nil })
}

// callbackSources are the Mattermost servers whose buttons reach agentd. One outside the cluster has no pods that a policy
// could name; its questions are answered on agentd's page or command line.
func callbackSources(env *model.Environment) []*model.Endpoint {
	var sources []*model.Endpoint
	for _, e := range env.Runtime.Endpoints {
		if e.Type == "mattermost" && e.Pods != nil {
			sources = append(sources, e)
		}
	}
	return sources
}

func callbackHost(env *model.Environment) string {
	return runtimeCallback + "." + env.System.Namespace + ".svc." + env.ClusterDomain
}
