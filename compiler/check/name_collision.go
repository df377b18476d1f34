package check

import (
	"strings"

	"agentc/compiler/model"
	"agentc/schema"
)

// nameCollision refuses two things that would share a name: the second would silently replace the first.
func nameCollision(p *pass) {
	callers, policies, features := names{p: p, what: "name"}, names{p: p, what: "name"}, names{p: p, what: "name"}
	for _, doc := range p.Written.Agents {
		callers.add(in(doc, "metadata.name"), doc.Agent.Metadata.Name)
	}
	for i, c := range p.platform().Platform.Spec.Clients {
		callers.add(in(p.platform(), "spec.clients[%d].name", i), c.Name)
	}
	for _, doc := range p.Written.Policies {
		policies.add(in(doc, "metadata.name"), doc.Policy.Metadata.Name)
	}
	for _, doc := range p.Written.Features {
		features.add(in(doc, "metadata.name"), doc.Features.Metadata.Name)
	}
	platformNames(p)
	clusterNames(p)
	for _, doc := range p.Written.Agents {
		skills := names{p: p, what: "skill"}
		for i, s := range doc.Agent.Spec.Card.Skills {
			skills.add(in(doc, "spec.card.skills[%d].id", i), s.ID)
		}
		uses := names{p: p, what: "endpoint"}
		for i, u := range doc.Agent.Spec.Endpoints {
			uses.add(in(doc, "spec.endpoints[%d].name", i), u.Name)
		}
	}
	for _, doc := range p.Written.Policies {
		policyNames(p, doc)
	}
	for _, env := range p.Environments {
		namespaceNames(p, env)
	}
	clientAccounts(p)
}

// names remembers what was seen, whatever its case.
type names struct {
	p    *pass
	what string
	seen map[string]schema.Ref
}

func (n *names) add(ref schema.Ref, name string) {
	key := strings.ToLower(name)
	if first, ok := n.seen[key]; ok {
		n.p.report(ref, "%s %q is taken already (%s)", n.what, name, first.Position())
		return
	}
	if n.seen == nil {
		n.seen = map[string]schema.Ref{}
	}
	if name != "" {
		n.seen[key] = ref
	}
}

func platformNames(p *pass) {
	doc := p.platform()
	spec := &doc.Platform.Spec
	teams, endpoints, actuators := names{p: p, what: "team"}, names{p: p, what: "endpoint"}, names{p: p, what: "actuator"}
	intakes, environments := names{p: p, what: "intake"}, names{p: p, what: "environment"}
	for i, t := range spec.Teams {
		teams.add(in(doc, "spec.teams[%d].name", i), t.Name)
	}
	for i, e := range spec.Endpoints {
		endpoints.add(in(doc, "spec.endpoints[%d].name", i), e.Name)
		tools := names{p: p, what: "tool"}
		for j, t := range e.Tools {
			tools.add(in(doc, "spec.endpoints[%d].tools[%d].name", i, j), t.Name)
		}
	}
	for i, a := range spec.Actuators {
		actuators.add(in(doc, "spec.actuators[%d].name", i), a.Name)
	}
	for i, x := range spec.Intake {
		intakes.add(in(doc, "spec.intake[%d].name", i), x.Name)
	}
	for i, e := range spec.Environments {
		environments.add(in(doc, "spec.environments[%d].name", i), e.Name)
		keys := names{p: p, what: "key"}
		for j, k := range e.Bundle.Keys {
			keys.add(in(doc, "spec.environments[%d].bundle.keys[%d].id", i, j), k.ID)
		}
	}
}

func policyNames(p *pass, doc *schema.Document) {
	spec := &doc.Policy.Spec
	rules, routes, overrides := names{p: p, what: "rule"}, names{p: p, what: "route"}, names{p: p, what: "override"}
	classes, forests := names{p: p, what: "class"}, names{p: p, what: "forest of agent"}
	for i, r := range spec.Rules {
		rules.add(in(doc, "spec.rules[%d].id", i), r.ID)
	}
	if spec.Escalation != nil {
		for i, r := range spec.Escalation.Routes {
			routes.add(in(doc, "spec.escalation.routes[%d].name", i), r.Name)
		}
		peopleNames(p, doc, spec.Escalation.People)
	}
	if spec.Anomaly != nil {
		for i, o := range spec.Anomaly.Overrides {
			overrides.add(in(doc, "spec.anomaly.overrides[%d].id", i), o.ID)
		}
		for i, c := range spec.Anomaly.Classes {
			classes.add(in(doc, "spec.anomaly.classes[%d].id", i), c.ID)
		}
		for i, f := range spec.Anomaly.Forests {
			forests.add(in(doc, "spec.anomaly.forests[%d].agent", i), f.Agent)
		}
	}
}

// peopleNames refuses one name for two people, wherever they are known by it: each could decide as the other.
func peopleNames(p *pass, doc *schema.Document, people []schema.Person) {
	persons, emails, chat := names{p: p, what: "person"}, names{p: p, what: "email"}, names{p: p, what: "Mattermost user"}
	for i, person := range people {
		ref := in(doc, "spec.escalation.people[%d]", i)
		persons.add(at(ref, "name"), person.Name)
		emails.add(at(ref, "email"), person.Email)
		chat.add(at(ref, "mattermost"), person.Mattermost)
	}
}

// clusterNames refuses one cluster for two environments: the namespaces of both would be the same. The address that every
// cluster has for itself tells nothing.
func clusterNames(p *pass) {
	clusters := names{p: p, what: "cluster"}
	for _, env := range p.Environments {
		if _, host, _ := strings.Cut(env.Cluster, "://"); host != "kubernetes.default.svc" {
			clusters.add(at(env.From, "cluster"), host)
		}
	}
}

// namespaceNames refuses a namespace for two owners: an agent and a team of one name, or two long names that were shortened
// to the same.
func namespaceNames(p *pass, env *model.Environment) {
	owners := map[string]string{}
	for _, a := range env.Agents {
		switch first := owners[a.Namespace]; first {
		case "":
			owners[a.Namespace] = owner(a)
		case owner(a):
		default:
			p.reportIn(env, in(a.Doc, "metadata.name"), "namespace %s would be both that of %s and that of %s; rename one", a.Namespace, first, owner(a))
		}
	}
}

// owner says whose an agent's namespace is.
func owner(a *model.Agent) string {
	if a.Shared {
		return "team " + a.Team.Name
	}
	return "agent " + a.Name
}

// clientAccounts refuses two clients, or two posters of events, with one service account: their certificates would be the same,
// and so would what they may ask for, or which events they bring. An agent's namespace is nobody else's, as name-reserved says.
func clientAccounts(p *pass) {
	accounts := names{p: p, what: "service account"}
	for i, c := range p.platform().Platform.Spec.Clients {
		if c.Namespace != "" && c.ServiceAccount != "" {
			accounts.add(in(p.platform(), "spec.clients[%d].serviceAccount", i), c.Namespace+"/"+c.ServiceAccount)
		}
	}
	posters := names{p: p, what: "service account"}
	for i, x := range p.platform().Platform.Spec.Intake {
		if c := x.Client; c != nil && c.Namespace != "" && c.ServiceAccount != "" {
			posters.add(in(p.platform(), "spec.intake[%d].client.serviceAccount", i), c.Namespace+"/"+c.ServiceAccount)
		}
	}
}
