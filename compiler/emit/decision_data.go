package emit

import (
	"fmt"

	"agentc/compiler/model"
	"agentc/schema"
)

// BundleFormat is the version of what this file describes. Who loads a bundle refuses a format that it does not know.
const BundleFormat = 1

// manifestData is OPA's .manifest.
type manifestData struct {
	Revision    string           `json:"revision"`     // of the content
	Roots       []string         `json:"roots"`        // what of OPA's data belongs to the bundle
	RegoVersion int              `json:"rego_version"` // of every module
	Metadata    manifestMetadata `json:"metadata"`
}

// manifestMetadata is what OPA does not know of a bundle. Sequence and NotAfter are the seal's: publish sets them.
type manifestMetadata struct {
	Format      int    `json:"format"`
	Environment string `json:"environment"`
	Fleet       string `json:"fleet"`
	Sequence    int64  `json:"sequence"`  // 0 as compiled; a sealed bundle never replaces one with a higher sequence
	NotAfter    string `json:"not_after"` // RFC 3339, UTC; empty as compiled
}

// bundleData is agentc/data.json, which the core Rego sees as data.agentc. Everything is reached by key and nothing by a
// search. policies/core/data.schema.json describes the same.
type bundleData struct {
	Environment environmentData     `json:"environment"`
	Fleet       fleetData           `json:"fleet"`
	Rules       map[string]ruleData `json:"rules"` // by <policy>/<rule>
	Escalation  escalationData      `json:"escalation"`
	Runtime     runtimeData         `json:"runtime"`
	Anomaly     *anomalyData        `json:"anomaly,omitempty"` // missing: no prefilter
}

type environmentData struct {
	Name        string `json:"name"`
	Fleet       string `json:"fleet"`
	TrustDomain string `json:"trustDomain"`
}

type fleetData struct {
	Agents map[string]agentData `json:"agents"` // by name
}

// agentData is one agent as callee, and what its guard needs to know of it.
type agentData struct {
	ID         string                  `json:"id"`   // SPIFFE id, which its callers find in its certificate
	Host       string                  `json:"host"` // where its guard listens
	Team       string                  `json:"team"` // owner: nobody decides on an escalation of their own agent
	At         string                  `json:"at"`   // <file>:<line> of the spec, for whoever is asked or reads the decision log
	Entry      bool                    `json:"entry"`
	RequestMs  int64                   `json:"requestMs"`
	ShutdownMs int64                   `json:"shutdownMs"`
	Skills     map[string]skillData    `json:"skills"`    // by id
	Callers    map[string]callerData   `json:"callers"`   // by SPIFFE id
	Endpoints  map[string]endpointData `json:"endpoints"` // by name
}

type skillData struct {
	Risk    string               `json:"risk"`
	Tags    []string             `json:"tags"`    // for users' Rego
	Callers map[string]grantData `json:"callers"` // by SPIFFE id: who may ask for the skill
}

// grantData is one skill of one edge.
type grantData struct {
	Rules []string `json:"rules"` // the rules that can apply, by what is known before run time
}

// callerData is one edge.
type callerData struct {
	Agent     string   `json:"agent"` // the caller's name
	Skills    []string `json:"skills"`
	AllSkills bool     `json:"allSkills"` // a call that names no skill is decided as the strictest of all skills
}

// endpointData is one endpoint that an agent or agentd may reach, for the guard in front of the agent, or for agentd.
type endpointData struct {
	Type      string            `json:"type"`
	Host      string            `json:"host"`
	Port      int32             `json:"port"`
	TimeoutMs int64             `json:"timeoutMs"`
	TLS       bool              `json:"tls"`
	Tools     map[string]string `json:"tools,omitempty"` // of an MCP server: name → digest of its definition

	Credential bool `json:"credential,omitempty"` // whether it wants one
}

type ruleData struct {
	Team    string      `json:"team"`
	Reason  string      `json:"reason"`
	Verdict string      `json:"verdict"`
	Route   string      `json:"route,omitempty"` // of an escalation
	At      string      `json:"at"`              // <file>:<line> of the spec
	When    schema.When `json:"when"`            // empty: always
}

type escalationData struct {
	LifetimeMs   int64                 `json:"lifetimeMs"`
	DefaultRoute string                `json:"defaultRoute"`
	Page         string                `json:"page,omitempty"` // URL; missing: nobody reaches one
	Routes       map[string]routeData  `json:"routes"`         // by name
	People       map[string]personData `json:"people"`         // by name
}

type routeData struct {
	Endpoint  string     `json:"endpoint"`
	Channel   string     `json:"channel"`
	Approvers []string   `json:"approvers"`
	Quorum    int32      `json:"quorum"`
	Hours     *hoursData `json:"hours,omitempty"` // missing: always
}

// hoursData is when somebody is there, in UTC.
type hoursData struct {
	Days      []string `json:"days"`
	From      int32    `json:"from"`
	Until     int32    `json:"until"`
	Otherwise string   `json:"otherwise"`
}

// personData is somebody who may decide.
type personData struct {
	Email      string   `json:"email"`                // in the certificate
	Mattermost string   `json:"mattermost,omitempty"` // missing: not in the chat
	Team       string   `json:"team"`                 // of whose agents the person does not decide
	Groups     []string `json:"groups"`
}

// runtimeData is agentd's own part.
type runtimeData struct {
	ID        string                  `json:"id"`        // SPIFFE id
	Endpoints map[string]endpointData `json:"endpoints"` // by name: those that it reaches
	Intakes   map[string]intakeData   `json:"intakes"`   // by name
}

// intakeData is where events come from, and whom they are for: a topic of an endpoint, or a client that posts them.
type intakeData struct {
	Endpoint string     `json:"endpoint,omitempty"`
	Topic    string     `json:"topic,omitempty"`
	Client   string     `json:"client,omitempty"` // SPIFFE id
	Agent    string     `json:"agent"`
	Skill    string     `json:"skill"`
	Forward  *topicData `json:"forward,omitempty"` // missing: to the agent's guard, by A2A
}

type topicData struct {
	Endpoint string `json:"endpoint"`
	Topic    string `json:"topic"`
}

type anomalyData struct {
	Always    []string              `json:"always"`  // priorities that pass whatever their score
	Classes   []classData           `json:"classes"` // an event belongs to the first that fits; the last fits all
	Overrides []overrideData        `json:"overrides"`
	Forests   map[string]forestData `json:"forests"` // by agent
}

// matchData says which events are meant; what is missing is any.
type matchData struct {
	Source    string `json:"source,omitempty"`
	Priority  string `json:"priority,omitempty"`
	Agent     string `json:"agent,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

type classData struct {
	ID string `json:"id"`
	matchData
	Percentile float64  `json:"percentile"`
	Min        float64  `json:"min"`
	Max        float64  `json:"max"`
	PerHour    int32    `json:"perHour,omitempty"` // missing: no budget
	Shadow     *float64 `json:"shadow,omitempty"`
	Sample     float64  `json:"sample,omitempty"` // in percent
}

// overrideData is an override without what only people read of it.
type overrideData struct {
	ID string `json:"id"`
	matchData
	Percentile float64 `json:"percentile"`
	Expires    string  `json:"expires"` // last day, UTC; empty: does not hold
}

// forestData is what lies in forests/ of the bundle.
type forestData struct {
	Model    string `json:"model"`              // sha256:<hex> of forests/<agent>.json
	Feedback string `json:"feedback,omitempty"` // of forests/<agent>.feedback.json
}

func bundleDataOf(env *model.Environment) bundleData {
	data := bundleData{
		Environment: environmentData{Name: env.Name, Fleet: env.Fleet.Name, TrustDomain: env.TrustDomain},
		Fleet:       fleetData{Agents: map[string]agentData{}},
		Rules:       map[string]ruleData{},
		Escalation:  escalationDataOf(env.Policy.Escalation),
		Runtime:     runtimeDataOf(env),
		Anomaly:     anomalyDataOf(env.Policy.Anomaly),
	}
	for _, a := range env.Agents {
		data.Fleet.Agents[a.Name] = agentDataOf(a)
	}
	if env.Page != nil {
		data.Escalation.Page = env.Page.URL
	}
	for _, r := range env.Policy.Rules {
		data.Rules[r.ID] = ruleData{Team: r.Team, Reason: r.Reason, Verdict: r.Verdict, Route: r.Route, At: place(r.From), When: r.When}
	}
	return data
}

func agentDataOf(a *model.Agent) agentData {
	data := agentData{
		ID: a.SPIFFE, Host: a.Host, Team: a.Team.Name, At: place(fromAgent(a).Ref), Entry: a.Entry,
		RequestMs: a.Workload.RequestTimeout.Milliseconds(), ShutdownMs: a.Workload.ShutdownTimeout.Milliseconds(),
		Skills: map[string]skillData{}, Callers: map[string]callerData{}, Endpoints: map[string]endpointData{},
	}
	for _, s := range a.Skills {
		data.Skills[s.ID] = skillData{Risk: s.Risk, Tags: listed(s.Tags), Callers: map[string]grantData{}}
	}
	for _, e := range a.Callers {
		caller := callerData{Agent: e.Caller.Name, AllSkills: e.AllSkills}
		for _, g := range e.Grants {
			caller.Skills = append(caller.Skills, g.Skill.ID)
			data.Skills[g.Skill.ID].Callers[e.Caller.SPIFFE] = grantData{Rules: ruleIDs(g)}
		}
		data.Callers[e.Caller.SPIFFE] = caller
	}
	for _, u := range a.Uses {
		data.Endpoints[u.Endpoint.Name] = endpointDataOf(u)
	}
	return data
}

func endpointDataOf(u *model.Use) endpointData {
	e := u.Endpoint
	data := endpointData{
		Type: e.Type, Host: e.Host, Port: e.Port, TimeoutMs: e.Timeout.Milliseconds(), TLS: e.TLS, Tools: map[string]string{}, Credential: e.Credential != nil,
	}
	for _, t := range u.Tools {
		data.Tools[t.Name] = t.Schema
	}
	return data
}

func ruleIDs(g *model.Grant) []string {
	ids := []string{}
	for _, r := range g.Rules {
		ids = append(ids, r.ID)
	}
	return ids
}

func escalationDataOf(e model.Escalation) escalationData {
	data := escalationData{LifetimeMs: e.Lifetime.Milliseconds(), DefaultRoute: e.Default, Routes: map[string]routeData{}, People: map[string]personData{}}
	for _, r := range e.Routes {
		data.Routes[r.Name] = routeData{Endpoint: r.Endpoint.Name, Channel: r.Channel, Approvers: listed(r.Approvers), Quorum: r.Quorum, Hours: hoursDataOf(r.Hours)}
	}
	for _, p := range e.People {
		data.People[p.Name] = personData{Email: p.Email, Mattermost: p.Mattermost, Team: p.Team, Groups: listed(p.Groups)}
	}
	return data
}

func hoursDataOf(h *model.Hours) *hoursData {
	if h == nil {
		return nil
	}
	return &hoursData{Days: listed(h.Days), From: h.From, Until: h.Until, Otherwise: h.Otherwise}
}

func anomalyDataOf(a *model.Anomaly) *anomalyData {
	if a == nil {
		return nil
	}
	data := &anomalyData{Always: listed(a.Always), Overrides: []overrideData{}, Forests: map[string]forestData{}}
	for _, c := range a.Classes {
		data.Classes = append(data.Classes, classData{c.ID, matchData(c.Match), c.Percentile, c.Min, c.Max, c.PerHour, c.Shadow, c.Sample})
	}
	for _, o := range a.Overrides {
		data.Overrides = append(data.Overrides, overrideData{o.ID, matchData(o.EventMatch), *o.Percentile, o.Expires})
	}
	for _, f := range a.Forests {
		forest := forestData{Model: "sha256:" + f.Model.SHA256}
		if f.Feedback != nil {
			forest.Feedback = "sha256:" + f.Feedback.SHA256
		}
		data.Forests[f.Agent.Name] = forest
	}
	return data
}

func runtimeDataOf(env *model.Environment) runtimeData {
	data := runtimeData{ID: env.System.SPIFFE, Endpoints: map[string]endpointData{}, Intakes: map[string]intakeData{}}
	for _, e := range env.Runtime.Endpoints {
		data.Endpoints[e.Name] = endpointDataOf(&model.Use{Endpoint: e})
	}
	for _, in := range env.Intakes {
		data.Intakes[in.Name] = intakeDataOf(in)
	}
	return data
}

func intakeDataOf(in *model.Intake) intakeData {
	data := intakeData{Agent: in.To.Name, Skill: in.Skill.ID}
	if in.Client != nil {
		data.Client = in.Client.SPIFFE
	} else {
		data.Endpoint, data.Topic = in.Endpoint.Name, in.Topic
	}
	if f := in.Forward; f != nil {
		data.Forward = &topicData{Endpoint: f.Endpoint.Name, Topic: f.Topic}
	}
	return data
}

// place is where in the spec something stands, without the column: people read it.
func place(ref schema.Ref) string {
	p := ref.Position()
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// listed makes an empty list of none, which JSON would call null.
func listed(words []string) []string { return append([]string{}, words...) }
