package model

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"agentc/schema"
)

// Resolve makes the fleet of what was written. It never fails: what cannot be resolved (an edge without its other half, an
// unknown endpoint) is simply not in the fleet, so that nothing widens, and check says what is missing. Only a spec without
// exactly one Platform gives no fleet at all; the problem says so.
func Resolve(src *schema.Source) (*Fleet, []schema.Problem) {
	if len(src.Platforms) != 1 {
		return nil, []schema.Problem{onePlatform(src)}
	}
	doc := src.Platforms[0]
	p := &doc.Platform.Spec
	fleet := &Fleet{Name: p.Fleet, Teams: sorted(p.Teams, func(t schema.Team) string { return t.Name }), Git: p.Git, Written: src}
	fleet.Git.Path = cmp.Or(p.Git.Path, "generated")
	fleet.Git.ArgoNamespace = cmp.Or(p.Git.ArgoNamespace, "argocd")
	for i := range p.Environments {
		fleet.Environments = append(fleet.Environments, resolveEnvironment(fleet, doc, i))
	}
	slices.SortStableFunc(fleet.Environments, func(a, b *Environment) int { return cmp.Compare(a.Name, b.Name) })
	return fleet, nil
}

// onePlatform is the problem of a spec with no Platform, or with several.
func onePlatform(src *schema.Source) schema.Problem {
	p := schema.Problem{Severity: schema.Error, Rule: "one-platform", Position: schema.Position{File: "agents.d", Line: 1, Column: 1},
		Message: "there is no document of kind Platform; write one, say agents.d/platform.yaml (`agentc init` shows one)"}
	if len(src.Platforms) > 1 {
		p.Position = src.Platforms[1].At("kind")
		p.Message = fmt.Sprintf("a second Platform; there is one for the whole fleet, and %s has it", src.Platforms[0].File)
	}
	return p
}

func resolveEnvironment(fleet *Fleet, doc *schema.Document, i int) *Environment {
	w := &doc.Platform.Spec.Environments[i]
	env := &Environment{
		Fleet:         fleet,
		Name:          w.Name,
		TrustDomain:   w.TrustDomain,
		Cluster:       clusterURL(w.Cluster),
		ClusterDomain: cmp.Or(w.ClusterDomain, "cluster.local"),
		Repository:    cmp.Or(w.Repository, fleet.Git.Repository),
		Revision:      cmp.Or(w.Revision, "main"),
		Issuer:        schema.Issuer{Kind: cmp.Or(w.Issuer.Kind, "ClusterIssuer"), Name: w.Issuer.Name},
		CA:            certificates(w.CA),
		Duration:      cmp.Or(time.Duration(w.Certificates.Duration), defaultDuration),
		RenewBefore:   cmp.Or(time.Duration(w.Certificates.RenewBefore), defaultRenewBefore),
		Trust:         cmp.Or(w.Bundle.Trust, "key"),
		Keys:          sorted(w.Bundle.Keys, func(k schema.PublicKey) string { return k.ID }),
		Peers:         peers(doc.Platform.Spec.Peers),
		From:          schema.Ref{Doc: doc, Path: fmt.Sprintf("spec.environments[%d]", i)},
	}
	env.System = env.identity("agentd", Join(fleet.Name, "system"))
	env.Endpoints = resolveEndpoints(doc, w)
	env.BundleFrom = resolveBundleSource(env, w.Bundle)
	env.Page = resolvePage(env, doc, w.Page)
	env.Actuators = resolveActuators(doc)
	env.Agents = resolveAgents(env, doc, i)
	env.Namespaces = namespaces(env.Agents)
	env.Policy = resolvePolicy(env)
	resolveEdges(env)
	env.Intakes = resolveIntakes(env, doc)
	env.Runtime = resolveRuntime(env, doc)
	grantRules(env)
	return env
}

func (e *Environment) identity(name, namespace string) Identity {
	return Identity{
		Name:      name,
		Namespace: namespace,
		Account:   name,
		SPIFFE:    "spiffe://" + e.TrustDomain + "/ns/" + namespace + "/sa/" + name,
		Host:      name + "." + namespace + ".svc." + e.ClusterDomain,
	}
}

// TeamNames lists the teams.
func (f *Fleet) TeamNames() []string {
	var names []string
	for _, t := range f.Teams {
		if t.Name != "" { // one that could not be read
			names = append(names, t.Name)
		}
	}
	return names
}

// ReviewerNames lists the teams that may write policies.
func (f *Fleet) ReviewerNames() []string {
	var names []string
	for _, t := range f.Teams {
		if t.Name != "" && t.Owns == "policies" {
			names = append(names, t.Name)
		}
	}
	return names
}

// Agent finds an agent by name; nil if there is none.
func (e *Environment) Agent(name string) *Agent { return find(e.Agents, name, (*Agent).key) }

// Endpoint finds an endpoint by name; nil if there is none.
func (e *Environment) Endpoint(name string) *Endpoint {
	return find(e.Endpoints, name, func(x *Endpoint) string { return x.Name })
}

// Skill finds a skill by id; nil if there is none.
func (a *Agent) Skill(id string) *Skill {
	return find(a.Skills, id, func(s *Skill) string { return s.ID })
}

func (a *Agent) key() string { return a.Name }

// clusterURL spells an API server's address in one way, by which Argo CD and the rules compare it.
func clusterURL(written string) string {
	url := strings.TrimSuffix(strings.TrimRight(written, "/"), ":443")
	return strings.Replace(url, "kubernetes.default.svc.cluster.local", "kubernetes.default.svc", 1)
}

func certificates(written []string) []string {
	var pem []string
	for _, c := range written {
		pem = append(pem, strings.TrimSpace(c)+"\n")
	}
	return pem
}

func peers(w schema.Peers) Peers {
	dns := w.DNS
	dns.Namespace = cmp.Or(dns.Namespace, "kube-system")
	dns.Port = cmp.Or(dns.Port, 53)
	if len(dns.Labels) == 0 {
		dns.Labels = map[string]string{"k8s-app": "kube-dns"}
	}
	return Peers{DNS: dns, Prometheus: w.Prometheus, OTLP: w.OTLP}
}

func resolveEndpoints(doc *schema.Document, env *schema.Environment) []*Endpoint {
	var all []*Endpoint
	for i, w := range doc.Platform.Spec.Endpoints {
		over := env.Endpoints[w.Name]
		e := &Endpoint{
			Name:       w.Name,
			Type:       w.Type,
			Host:       cmp.Or(over.Host, w.Host),
			Aliases:    aliases(w, over),
			Port:       cmp.Or(over.Port, w.Port),
			Pods:       cmp.Or(over.Pods, w.Pods),
			Tools:      sorted(w.Tools, func(t schema.Tool) string { return t.Name }),
			Credential: credential(w.Credential),
			Timeout:    cmp.Or(time.Duration(w.Timeout), defaultEndpointTimeout),
			From:       schema.Ref{Doc: doc, Path: fmt.Sprintf("spec.endpoints[%d]", i)},
		}
		// A host that only this environment gives is outside the cluster unless it gives the pods as well.
		if over.Host != "" && over.Pods == nil {
			e.Pods = nil
		}
		e.TLS = e.Pods == nil
		if tls := cmp.Or(over.TLS, w.TLS); tls != nil {
			e.TLS = *tls
		}
		all = append(all, e)
	}
	return unique(all, func(e *Endpoint) string { return e.Name })
}

// aliases belong to a host: an overlay that replaces the host replaces them too.
func aliases(w schema.Endpoint, over schema.EndpointOverlay) []string {
	names := over.Aliases
	if over.Host == "" && names == nil {
		names = w.Aliases
	}
	names = sorted(names, func(s string) string { return s })
	return slices.Compact(names)
}

func credential(w *schema.Credential) *schema.Credential {
	if w == nil {
		return nil
	}
	return &schema.Credential{Secret: w.Secret, Key: cmp.Or(w.Key, "token")}
}

func resolveBundleSource(env *Environment, w schema.BundleTrust) *BundleSource {
	if e := env.Endpoint(w.Endpoint); e != nil {
		return &BundleSource{Endpoint: e, Path: w.Path}
	}
	return nil
}

// resolvePage is where people reach agentd's page in an environment that may have a URL of its own for it.
func resolvePage(env *Environment, doc *schema.Document, own string) *Page {
	w := doc.Platform.Spec.Runtime.Page
	if w == nil {
		return nil
	}
	p := &Page{URL: w.URL, Pods: w.Pods, From: schema.Ref{Doc: doc, Path: "spec.runtime.page.url"}}
	if own != "" {
		p.URL, p.From.Path = own, env.From.Path+".page"
	}
	if u, err := url.Parse(p.URL); err == nil {
		p.Host = u.Hostname()
	}
	return p
}

func resolveActuators(doc *schema.Document) []*Actuator {
	var all []*Actuator
	for i, w := range doc.Platform.Spec.Actuators {
		w.Mode = cmp.Or(w.Mode, "enforce")
		w.Resources = sorted(w.Resources, func(r schema.ActuatorResource) string { return r.Group + "/" + r.Resource })
		all = append(all, &Actuator{Actuator: w, From: schema.Ref{Doc: doc, Path: fmt.Sprintf("spec.actuators[%d]", i)}})
	}
	return unique(all, func(a *Actuator) string { return a.Name })
}

func namespaces(agents []*Agent) []*Namespace {
	byName := map[string]*Namespace{}
	var all []*Namespace
	for _, a := range agents {
		ns := byName[a.Namespace]
		if ns == nil {
			ns = &Namespace{Name: a.Namespace, Team: a.Team.Name}
			byName[a.Namespace] = ns
			all = append(all, ns)
		}
		ns.Agents = append(ns.Agents, a)
	}
	return sorted(all, func(n *Namespace) string { return n.Name })
}

func resolveIntakes(env *Environment, doc *schema.Document) []*Intake {
	var all []*Intake
	for i, w := range doc.Platform.Spec.Intake {
		in := &Intake{Name: w.Name, Endpoint: env.Endpoint(w.Endpoint), Topic: w.Topic, To: env.Agent(w.To),
			From: schema.Ref{Doc: doc, Path: fmt.Sprintf("spec.intake[%d]", i)}}
		if c := w.Client; c != nil {
			in.Client = new(env.identity(c.ServiceAccount, c.Namespace))
		}
		if (in.Endpoint == nil) == (in.Client == nil) || in.To == nil || in.To.Skill(w.Skill) == nil {
			continue
		}
		if f := w.Forward; f != nil {
			in.Forward = &Topic{Endpoint: env.Endpoint(f.Endpoint), Topic: f.Topic}
			if in.Forward.Endpoint == nil { // by A2A they would go another way than was written
				continue
			}
		}
		in.Skill = in.To.Skill(w.Skill)
		all = append(all, in)
	}
	return unique(all, func(i *Intake) string { return i.Name })
}

func resolveRuntime(env *Environment, doc *schema.Document) Runtime {
	w := doc.Platform.Spec.Runtime
	r := Runtime{
		Image:          w.Image,
		Replicas:       1,
		Resources:      resources(w.Resources, defaultRuntimeLimits),
		GuardResources: resources(w.GuardResources, defaultGuardLimits),
		Storage:        cmp.Or(w.Storage, schema.Quantity(defaultStorage)).Value(),
		StorageClass:   w.StorageClass,
		Database:       env.Endpoint(w.Database),
		From:           schema.Ref{Doc: doc, Path: "spec.runtime"},
	}
	if r.Database != nil {
		r.Replicas = defaultRuntimeReplicas
		r.Endpoints = append(r.Endpoints, r.Database)
	}
	if w.Replicas != nil {
		r.Replicas = *w.Replicas
	}
	for _, name := range w.Endpoints {
		if e := env.Endpoint(name); e != nil {
			r.Endpoints = append(r.Endpoints, e)
		}
	}
	for _, in := range env.Intakes {
		if in.Endpoint != nil {
			r.Endpoints = append(r.Endpoints, in.Endpoint)
		}
		if in.Forward != nil {
			r.Endpoints = append(r.Endpoints, in.Forward.Endpoint)
		}
	}
	for _, route := range env.Policy.Escalation.Routes {
		r.Endpoints = append(r.Endpoints, route.Endpoint)
	}
	if env.BundleFrom != nil {
		r.Endpoints = append(r.Endpoints, env.BundleFrom.Endpoint)
	}
	r.Endpoints = unique(r.Endpoints, func(e *Endpoint) string { return e.Name })
	return r
}
