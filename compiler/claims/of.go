package claims

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"agentc/compiler/model"
	"agentc/schema"
)

// Of reads the claims off a fleet.
func Of(fleet *model.Fleet) *Claims {
	c := &Claims{Format: Format, Fleet: fleet.Name}
	for _, env := range fleet.Environments {
		c.Environments = append(c.Environments, environment(env))
	}
	return c
}

func environment(env *model.Environment) Environment {
	e := Environment{
		Name: env.Name, At: at(env.From), TrustDomain: env.TrustDomain, ClusterDomain: env.ClusterDomain,
		Platform: platform(env), Workloads: workloads(env),
		Identity: Identity{
			At: at(field(env.From, "issuer")), Issuer: env.Issuer.Kind + "/" + env.Issuer.Name,
			Duration: env.Duration.String(), RenewBefore: env.RenewBefore.String(), CA: strings.Join(env.CA, ""), Trust: env.Trust, Keys: keys(env),
		},
		Delivery: Delivery{
			At: at(field(env.From, "cluster")), Namespace: env.Fleet.Git.ArgoNamespace, Repository: env.Repository, Path: env.Fleet.Git.Path,
			Revision: env.Revision, Cluster: env.Cluster, Applier: applier(env), SignatureKeys: env.Fleet.Git.SignatureKeys,
		},
		Decisions: decisions(env),
	}
	for _, a := range env.Actuators {
		actuator := Actuator{Name: a.Name, At: at(a.From), User: "system:serviceaccount:" + a.Namespace + ":" + a.ServiceAccount, Enforce: a.Mode != "report"}
		for _, r := range a.Resources {
			for _, verb := range r.Verbs {
				actuator.May = append(actuator.May, r.Group+"/"+r.Resource+" "+verb)
			}
		}
		e.Actuators = append(e.Actuators, actuator)
	}
	f := &flows{env: env, parties: map[string]Party{}, resolves: map[string]bool{}}
	f.all()
	e.Parties, e.Flows, e.Outside = f.sorted()
	return e
}

// keys are the public ones that seal bundles; where Git is trusted there may be none.
func keys(env *model.Environment) map[string]string {
	all := map[string]string{}
	for _, k := range env.Keys {
		all[k.ID] = k.Key
	}
	return all
}

// applier is the user by which Argo CD writes: its own account in its own cluster, and in another the one that `argocd cluster add` makes.
func applier(env *model.Environment) string {
	if env.Cluster == "https://kubernetes.default.svc" {
		return "system:serviceaccount:" + env.Fleet.Git.ArgoNamespace + ":argocd-application-controller"
	}
	return "system:serviceaccount:kube-system:argocd-manager"
}

// runtime is what agentd is called beside the agents.
const runtime = "agentd"

func workloads(env *model.Environment) []Workload {
	agentd := Workload{
		Name: runtime, At: at(env.Runtime.From), Namespace: env.System.Namespace, Account: env.System.Account, SPIFFE: env.System.SPIFFE,
		Names: certified(env.System), Images: []string{env.Runtime.Image}, Runs: runsAgentd(env),
	}
	if callbacks(env) {
		agentd.Names = append(agentd.Names, runtime+"-callback."+env.System.Namespace+".svc."+env.ClusterDomain)
	}
	if env.Page != nil {
		agentd.Names = append(agentd.Names, env.Page.Host)
	}
	slices.Sort(agentd.Names)
	all := []Workload{agentd}
	for _, a := range env.Agents {
		w := Workload{
			Name: a.Name, At: at(schema.Ref{Doc: a.Doc}), Namespace: a.Namespace, Account: a.Account, SPIFFE: a.SPIFFE,
			Names: certified(a.Identity), Images: []string{a.Image}, Guard: env.Runtime.Image, Runs: runsOf(a),
		}
		if c := a.Workload.Canary; c != nil {
			w.Images = append(w.Images, c.Stable)
		}
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b Workload) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// certified are the names under which a workload is dialled: within the cluster, short and in full.
func certified(id model.Identity) []string {
	names := []string{id.Name + "." + id.Namespace + ".svc", id.Host}
	slices.Sort(names)
	return names
}

// callbacks says whether a Mattermost server within the cluster calls agentd back.
func callbacks(env *model.Environment) bool {
	return slices.ContainsFunc(env.Runtime.Endpoints, callsBack)
}

func callsBack(e *model.Endpoint) bool { return e.Type == "mattermost" && e.Pods != nil }

func field(ref schema.Ref, name string) schema.Ref {
	return schema.Ref{Doc: ref.Doc, Path: ref.Path + "." + name}
}

// flows collects who may connect to whom.
type flows struct {
	env      *model.Environment
	parties  map[string]Party
	flows    []Flow
	outside  []Outside
	resolves map[string]bool // who has a host to dial
}

// all are the edges, the endpoints, and the implicit flows: a closed list.
func (f *flows) all() {
	env := f.env
	agentd := f.workload(runtime, env.System, env.Runtime.From)
	fleet := []string{agentd}
	for _, a := range env.Agents {
		me := f.workload("agent "+a.Name, a.Identity, schema.Ref{Doc: a.Doc})
		fleet = append(fleet, me)
		for _, e := range a.Callers {
			if e.Caller == env.System && !handed(env, a) {
				continue
			}
			f.flow(f.caller(e), me, model.PortA2A, e.Requested, a.Host)
		}
		for _, u := range a.Uses {
			f.endpoint(me, u.Endpoint, u.From)
		}
		f.flow(me, agentd, model.PortDecision, env.Runtime.From, env.System.Host)
	}
	for _, e := range env.Runtime.Endpoints {
		f.endpoint(agentd, e, env.Runtime.From)
		if callsBack(e) {
			f.flow(f.pods("endpoint "+e.Name, *e.Pods, e.From), agentd, model.PortCallback, e.From)
		}
	}
	for _, in := range env.Intakes {
		if c := in.Client; c != nil {
			f.flow(f.pods("intake "+in.Name, schema.Pods{Namespace: c.Namespace, ServiceAccount: c.Account}, in.From), agentd, model.PortDecision, in.From)
		}
	}
	if p := env.Page; p != nil {
		f.flow(f.pods("page", p.Pods, p.From), agentd, model.PortDecision, p.From)
	}
	for _, me := range fleet {
		f.peers(me)
	}
}

// handed says whether agentd calls an agent: one that gets all events by a topic is called by nobody of that name.
func handed(env *model.Environment, to *model.Agent) bool {
	for _, in := range env.Intakes {
		if in.To == to && in.Forward == nil {
			return true
		}
	}
	return false
}

// peers are the cluster's own services: Prometheus reads metrics, traces go to the collector, and whoever has a host to dial may ask
// for its address.
func (f *flows) peers(me string) {
	p := &f.env.Peers
	if p.Prometheus != nil {
		at := f.peer("prometheus")
		f.flow(f.pods("peer prometheus", podsOf(*p.Prometheus), at), me, model.PortMetrics, at)
	}
	if p.OTLP != nil {
		at := f.peer("otlp")
		f.flow(me, f.pods("peer otlp", podsOf(*p.OTLP), at), p.OTLP.Port, at, p.OTLP.Host)
	}
	if f.resolves[me] {
		at := f.peer("dns")
		f.flow(me, f.pods("peer dns", podsOf(p.DNS), at), p.DNS.Port, at)
		f.flows[len(f.flows)-1].Protocols = []string{"TCP", "UDP"}
	}
}

func (f *flows) peer(name string) schema.Ref {
	return schema.Ref{Doc: f.env.From.Doc, Path: "spec.peers." + name}
}

func podsOf(p schema.Peer) schema.Pods { return schema.Pods{Namespace: p.Namespace, Labels: p.Labels} }

func (f *flows) caller(e *model.Edge) string {
	switch {
	case e.CallerAgent != nil:
		return f.workload("agent "+e.Caller.Name, e.Caller, schema.Ref{Doc: e.CallerAgent.Doc})
	case e.Caller == f.env.System:
		return f.workload(runtime, e.Caller, f.env.Runtime.From)
	default:
		return f.pods("client "+e.Caller.Name, schema.Pods{Namespace: e.Caller.Namespace, ServiceAccount: e.Caller.Account}, e.Requested)
	}
}

func (f *flows) endpoint(me string, e *model.Endpoint, from schema.Ref) {
	hosts := append([]string{e.Host}, e.Aliases...)
	if e.Pods != nil {
		f.flow(me, f.pods("endpoint "+e.Name, *e.Pods, e.From), e.Port, from, hosts...)
		return
	}
	slices.Sort(hosts)
	f.resolves[me] = true
	f.outside = append(f.outside, Outside{From: me, Hosts: hosts, Port: e.Port, At: at(from)})
}

func (f *flows) workload(name string, id model.Identity, from schema.Ref) string {
	if _, known := f.parties[name]; !known {
		f.parties[name] = Party{Name: name, At: at(from), Namespace: id.Namespace, Account: id.Account, Workload: id.Name}
	}
	return name
}

func (f *flows) pods(name string, p schema.Pods, from schema.Ref) string {
	if _, known := f.parties[name]; !known {
		f.parties[name] = Party{Name: name, At: at(from), Namespace: p.Namespace, Account: p.ServiceAccount, Labels: p.Labels}
	}
	return name
}

func (f *flows) flow(from, to string, port int32, ref schema.Ref, hosts ...string) {
	slices.Sort(hosts)
	f.resolves[from] = f.resolves[from] || len(hosts) > 0
	f.flows = append(f.flows, Flow{From: from, To: to, Port: port, Protocols: []string{"TCP"}, Hosts: hosts, At: at(ref)})
}

func (f *flows) sorted() ([]Party, []Flow, []Outside) {
	var parties []Party
	for _, p := range f.parties {
		parties = append(parties, p)
	}
	slices.SortFunc(parties, func(a, b Party) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(f.flows, func(a, b Flow) int {
		return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.To, b.To), cmp.Compare(a.Port, b.Port))
	})
	slices.SortStableFunc(f.outside, func(a, b Outside) int {
		return cmp.Or(strings.Compare(a.From, b.From), cmp.Compare(a.Port, b.Port))
	})
	return parties, f.flows, f.outside
}

func hostPort(host string, port int32) string { return fmt.Sprintf("%s:%d", host, port) }
