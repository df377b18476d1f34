package claims

import (
	"crypto/sha256"
	"encoding/hex"

	"agentc/compiler/model"
	"agentc/schema"
)

// Decisions is what the decision layer must say: who may ask whom for what, and what then becomes of it.
type Decisions struct {
	Fleet      string     `json:"fleet"`
	ConfigMap  string     `json:"configMap,omitempty"` // <namespace>/<name> of the bundle; empty where agentd fetches it elsewhere
	From       *From      `json:"from,omitempty"`      // where it fetches it; nil where it is in the ConfigMap
	Agents     []Callee   `json:"agents"`              // by name
	Rules      []Rule     `json:"rules"`               // by id
	Rego       []Rego     `json:"rego,omitempty"`      // by file
	Escalation Escalation `json:"escalation"`
	Runtime    Runtime    `json:"runtime"`
	Anomaly    *Anomaly   `json:"anomaly,omitempty"` // nil: no prefilter
}

// From is where agentd fetches the bundle.
type From struct {
	URL        string `json:"url"`
	Credential string `json:"credential,omitempty"` // the endpoint whose credential it shows
}

// Callee is one agent as the one that is asked, with what its guard is told of it.
type Callee struct {
	Name       string  `json:"name"`
	At         At      `json:"at"`
	SPIFFE     string  `json:"spiffe"`
	Host       string  `json:"host"`
	Team       string  `json:"team"`
	Entry      bool    `json:"entry,omitempty"`
	RequestMs  int64   `json:"requestMs"`
	ShutdownMs int64   `json:"shutdownMs"`
	Skills     []Skill `json:"skills"`    // by id
	Callers    []Edge  `json:"callers"`   // by caller
	Endpoints  []Use   `json:"endpoints"` // by name
}

// Skill is one thing that an agent can be asked for.
type Skill struct {
	ID   string   `json:"id"`
	At   At       `json:"at"`
	Risk string   `json:"risk"`
	Tags []string `json:"tags,omitempty"` // sorted
}

// Edge is one caller's permission: both sides agreed on every grant in it.
type Edge struct {
	Caller    string  `json:"caller"` // agent, client, or agentd
	SPIFFE    string  `json:"spiffe"`
	Grants    []Grant `json:"grants"`              // by skill
	AllSkills bool    `json:"allSkills,omitempty"` // a call may name no skill
	Requested At      `json:"requested"`
	Accepted  At      `json:"accepted"`
}

// Grant is one skill of an edge, with the ids of the rules that can apply to it.
type Grant struct {
	Skill string   `json:"skill"`
	Rules []string `json:"rules,omitempty"`
}

// Use is one agent's permission, or agentd's, to reach one endpoint.
type Use struct {
	Name      string `json:"name"`
	At        At     `json:"at"`
	Type      string `json:"type"`
	Host      string `json:"host"`
	Port      int32  `json:"port"`
	TimeoutMs int64  `json:"timeoutMs"`
	TLS       bool   `json:"tls"`
	Tools     []Tool `json:"tools,omitempty"` // by name

	Credential bool `json:"credential,omitempty"` // whether it wants one
}

// Tool of an MCP server, with the digest of its definition.
type Tool struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// Rule is one reviewer rule. What it matches stands in the grants.
type Rule struct {
	ID         string `json:"id"` // <policy>/<rule>
	At         At     `json:"at"`
	Team       string `json:"team"`
	Reason     string `json:"reason"`
	Verdict    string `json:"verdict"`
	Route      string `json:"route,omitempty"`      // of an escalation
	Confidence *Range `json:"confidence,omitempty"` // 0 to 1; nil: any, and unknown
	Anomaly    *Range `json:"anomaly,omitempty"`    // 0 to 100
}

// Range is atLeast <= value < below, with either end open.
type Range struct {
	AtLeast *float64 `json:"atLeast,omitempty"`
	Below   *float64 `json:"below,omitempty"`
}

// Rego is one file of the reviewers. What it says is not claimed: it can only make a verdict stricter.
type Rego struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"` // hex
}

// Escalation is how humans are asked.
type Escalation struct {
	LifetimeMs   int64    `json:"lifetimeMs"`
	DefaultRoute string   `json:"defaultRoute"`
	Page         string   `json:"page,omitempty"`   // URL; empty: nobody reaches one
	Routes       []Route  `json:"routes"`           // by name
	People       []Person `json:"people,omitempty"` // by name
}

// Route leads to humans.
type Route struct {
	Name      string   `json:"name"`
	At        At       `json:"at"`
	Endpoint  string   `json:"endpoint"`
	Channel   string   `json:"channel"`
	Approvers []string `json:"approvers"` // sorted
	Quorum    int32    `json:"quorum"`
	Hours     *Hours   `json:"hours,omitempty"` // nil: always
}

// Hours of a route, in UTC.
type Hours struct {
	Days      []string `json:"days"` // in the order of the week
	From      int32    `json:"from"`
	Until     int32    `json:"until"`
	Otherwise string   `json:"otherwise"`
}

// Person is somebody who may decide.
type Person struct {
	Name       string   `json:"name"`
	At         At       `json:"at"`
	Email      string   `json:"email"`
	Mattermost string   `json:"mattermost,omitempty"`
	Team       string   `json:"team"`
	Groups     []string `json:"groups"` // sorted
}

// Runtime is what agentd is told of itself.
type Runtime struct {
	At        At       `json:"at"`
	SPIFFE    string   `json:"spiffe"`
	Endpoints []Use    `json:"endpoints,omitempty"` // by name
	Intakes   []Intake `json:"intakes,omitempty"`   // by name
}

// Intake is where events come from, and whom they are for: a topic of an endpoint, or a client that posts them.
type Intake struct {
	Name     string `json:"name"`
	At       At     `json:"at"`
	Endpoint string `json:"endpoint,omitempty"`
	Topic    string `json:"topic,omitempty"`
	Client   string `json:"client,omitempty"` // SPIFFE id of who posts the events
	Agent    string `json:"agent"`
	Skill    string `json:"skill"`
	Forward  *Topic `json:"forward,omitempty"`
}

// Topic is one topic of an endpoint.
type Topic struct {
	Endpoint string `json:"endpoint"`
	Topic    string `json:"topic"`
}

// Anomaly holds the thresholds of the prefilter, as percentiles.
type Anomaly struct {
	At        At         `json:"at"`
	Always    []string   `json:"always,omitempty"`    // priorities that pass whatever their score, sorted
	Classes   []Class    `json:"classes"`             // an event belongs to the first that fits; the last is the policy's own
	Overrides []Override `json:"overrides,omitempty"` // by id
	Forests   []Forest   `json:"forests,omitempty"`   // by agent
}

// Events says which are meant; what is empty is any.
type Events struct {
	Source    string `json:"source,omitempty"`
	Priority  string `json:"priority,omitempty"`
	Agent     string `json:"agent,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

// Class is some events with a threshold of their own.
type Class struct {
	ID string `json:"id"`
	At At     `json:"at"`
	Events
	Percentile float64  `json:"percentile"`
	Min        float64  `json:"min"`
	Max        float64  `json:"max"`
	PerHour    int32    `json:"perHour,omitempty"` // 0: no budget
	Shadow     *float64 `json:"shadow,omitempty"`
	Sample     float64  `json:"sample,omitempty"` // in percent
}

// Override is another percentile for some events, for some time.
type Override struct {
	ID string `json:"id"`
	Events
	Percentile float64 `json:"percentile"`
	Expires    string  `json:"expires"` // last day, UTC
}

// Forest is the anomaly model before an agent.
type Forest struct {
	Agent    string `json:"agent"`
	At       At     `json:"at"`
	Model    string `json:"model"`              // sha256:<hex>, as the reviewers agreed to it
	Feedback string `json:"feedback,omitempty"` // sha256:<hex>
}

func decisions(env *model.Environment) Decisions {
	d := Decisions{
		Fleet: env.Fleet.Name, Escalation: escalation(env.Policy.Escalation), Runtime: runtimeOf(env), Anomaly: anomaly(env.Policy.Anomaly),
	}
	if from := env.BundleFrom; from == nil {
		d.ConfigMap = env.System.Namespace + "/" + model.Join(env.Fleet.Name, "bundle")
	} else {
		d.From = &From{URL: "https://" + hostPort(from.Endpoint.Host, from.Endpoint.Port) + from.Path}
		if from.Endpoint.Credential != nil {
			d.From.Credential = from.Endpoint.Name
		}
	}
	for _, a := range env.Agents {
		d.Agents = append(d.Agents, callee(a))
	}
	for _, r := range env.Policy.Rules {
		d.Rules = append(d.Rules, Rule{
			ID: r.ID, At: at(r.From), Team: r.Team, Reason: r.Reason, Verdict: r.Verdict, Route: r.Route,
			Confidence: scale(r.When.Confidence), Anomaly: scale(r.When.Anomaly),
		})
	}
	for _, r := range env.Policy.Rego {
		sum := sha256.Sum256(r.Text)
		d.Rego = append(d.Rego, Rego{File: r.File, SHA256: hex.EncodeToString(sum[:])})
	}
	if env.Page != nil {
		d.Escalation.Page = env.Page.URL
	}
	return d
}

func callee(a *model.Agent) Callee {
	c := Callee{
		Name: a.Name, At: at(schema.Ref{Doc: a.Doc}), SPIFFE: a.SPIFFE, Host: a.Host, Team: a.Team.Name, Entry: a.Entry,
		RequestMs: a.Workload.RequestTimeout.Milliseconds(), ShutdownMs: a.Workload.ShutdownTimeout.Milliseconds(),
	}
	for _, s := range a.Skills {
		c.Skills = append(c.Skills, Skill{ID: s.ID, At: at(s.From), Risk: s.Risk, Tags: s.Tags})
	}
	for _, e := range a.Callers {
		edge := Edge{Caller: e.Caller.Name, SPIFFE: e.Caller.SPIFFE, AllSkills: e.AllSkills, Requested: at(e.Requested), Accepted: at(e.Accepted)}
		for _, g := range e.Grants {
			grant := Grant{Skill: g.Skill.ID}
			for _, r := range g.Rules {
				grant.Rules = append(grant.Rules, r.ID)
			}
			edge.Grants = append(edge.Grants, grant)
		}
		c.Callers = append(c.Callers, edge)
	}
	for _, u := range a.Uses {
		use := use(u.Endpoint, u.From)
		for _, t := range u.Tools {
			use.Tools = append(use.Tools, Tool{t.Name, t.Schema})
		}
		c.Endpoints = append(c.Endpoints, use)
	}
	return c
}

func use(e *model.Endpoint, from schema.Ref) Use {
	return Use{Name: e.Name, At: at(from), Type: e.Type, Host: e.Host, Port: e.Port, TimeoutMs: e.Timeout.Milliseconds(), TLS: e.TLS, Credential: e.Credential != nil}
}

func runtimeOf(env *model.Environment) Runtime {
	r := Runtime{At: at(env.Runtime.From), SPIFFE: env.System.SPIFFE}
	for _, e := range env.Runtime.Endpoints {
		r.Endpoints = append(r.Endpoints, use(e, e.From))
	}
	for _, in := range env.Intakes {
		r.Intakes = append(r.Intakes, intake(in))
	}
	return r
}

func intake(in *model.Intake) Intake {
	x := Intake{Name: in.Name, At: at(in.From), Topic: in.Topic, Agent: in.To.Name, Skill: in.Skill.ID}
	if in.Endpoint != nil {
		x.Endpoint = in.Endpoint.Name
	}
	if in.Client != nil {
		x.Client = in.Client.SPIFFE
	}
	if in.Forward != nil {
		x.Forward = &Topic{Endpoint: in.Forward.Endpoint.Name, Topic: in.Forward.Topic}
	}
	return x
}

func scale(r *schema.Range) *Range {
	if r == nil {
		return nil
	}
	return &Range{r.AtLeast, r.Below}
}

func escalation(e model.Escalation) Escalation {
	all := Escalation{LifetimeMs: e.Lifetime.Milliseconds(), DefaultRoute: e.Default}
	for _, r := range e.Routes {
		route := Route{Name: r.Name, At: at(r.From), Endpoint: r.Endpoint.Name, Channel: r.Channel, Approvers: r.Approvers, Quorum: r.Quorum}
		if h := r.Hours; h != nil {
			route.Hours = &Hours{h.Days, h.From, h.Until, h.Otherwise}
		}
		all.Routes = append(all.Routes, route)
	}
	for _, p := range e.People {
		all.People = append(all.People, Person{p.Name, at(p.From), p.Email, p.Mattermost, p.Team, p.Groups})
	}
	return all
}

func anomaly(a *model.Anomaly) *Anomaly {
	if a == nil {
		return nil
	}
	all := &Anomaly{At: at(a.From), Always: a.Always}
	for _, c := range a.Classes {
		all.Classes = append(all.Classes, Class{c.ID, at(c.From), Events(c.Match), c.Percentile, c.Min, c.Max, c.PerHour, c.Shadow, c.Sample})
	}
	for _, o := range a.Overrides {
		all.Overrides = append(all.Overrides, Override{o.ID, Events(o.EventMatch), *o.Percentile, o.Expires})
	}
	for _, f := range a.Forests {
		forest := Forest{Agent: f.Agent.Name, At: at(f.From), Model: f.Agreed}
		if f.Feedback != nil {
			forest.Feedback = "sha256:" + f.Feedback.SHA256
		}
		all.Forests = append(all.Forests, forest)
	}
	return all
}
