package verdict

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"agentc/compiler/claims"

	"github.com/open-policy-agent/opa/v1/bundle"
)

// What agentc/data.json must hold, as the core reads it; the compiler has types of its own for it. Empty lists and objects are written.
type (
	data struct {
		Environment environmentData     `json:"environment"`
		Fleet       fleetData           `json:"fleet"`
		Rules       map[string]ruleData `json:"rules"`
		Escalation  escalationData      `json:"escalation"`
		Runtime     runtimeData         `json:"runtime"`
		Anomaly     *anomalyData        `json:"anomaly,omitempty"`
	}
	environmentData struct {
		Name        string `json:"name"`
		Fleet       string `json:"fleet"`
		TrustDomain string `json:"trustDomain"`
	}
	fleetData struct {
		Agents map[string]agentData `json:"agents"`
	}
	agentData struct {
		ID         string                  `json:"id"`
		Host       string                  `json:"host"`
		Team       string                  `json:"team"`
		At         string                  `json:"at"`
		Entry      bool                    `json:"entry"`
		RequestMs  int64                   `json:"requestMs"`
		ShutdownMs int64                   `json:"shutdownMs"`
		Skills     map[string]skillData    `json:"skills"`
		Callers    map[string]callerData   `json:"callers"`
		Endpoints  map[string]endpointData `json:"endpoints"`
	}
	skillData struct {
		Risk    string               `json:"risk"`
		Tags    []string             `json:"tags"`
		Callers map[string]grantData `json:"callers"`
	}
	grantData struct {
		Rules []string `json:"rules"`
	}
	callerData struct {
		Agent     string   `json:"agent"`
		Skills    []string `json:"skills"`
		AllSkills bool     `json:"allSkills"`
	}
	endpointData struct {
		Type      string            `json:"type"`
		Host      string            `json:"host"`
		Port      int32             `json:"port"`
		TimeoutMs int64             `json:"timeoutMs"`
		TLS       bool              `json:"tls"`
		Tools     map[string]string `json:"tools,omitempty"`

		Credential bool `json:"credential,omitempty"`
	}
	ruleData struct {
		Team    string                   `json:"team"`
		Reason  string                   `json:"reason"`
		Verdict string                   `json:"verdict"`
		Route   string                   `json:"route,omitempty"`
		At      string                   `json:"at"`
		When    map[string]*claims.Range `json:"when"`
	}
	escalationData struct {
		LifetimeMs   int64                 `json:"lifetimeMs"`
		DefaultRoute string                `json:"defaultRoute"`
		Page         string                `json:"page,omitempty"`
		Routes       map[string]routeData  `json:"routes"`
		People       map[string]personData `json:"people"`
	}
	personData struct {
		Email      string   `json:"email"`
		Mattermost string   `json:"mattermost,omitempty"`
		Team       string   `json:"team"`
		Groups     []string `json:"groups"`
	}
	routeData struct {
		Endpoint  string        `json:"endpoint"`
		Channel   string        `json:"channel"`
		Approvers []string      `json:"approvers"`
		Quorum    int32         `json:"quorum"`
		Hours     *claims.Hours `json:"hours,omitempty"`
	}
	runtimeData struct {
		ID        string                  `json:"id"`
		Endpoints map[string]endpointData `json:"endpoints"`
		Intakes   map[string]intakeData   `json:"intakes"`
	}
	intakeData struct {
		Endpoint string        `json:"endpoint,omitempty"`
		Topic    string        `json:"topic,omitempty"`
		Client   string        `json:"client,omitempty"`
		Agent    string        `json:"agent"`
		Skill    string        `json:"skill"`
		Forward  *claims.Topic `json:"forward,omitempty"`
	}
	anomalyData struct {
		Always    []string              `json:"always"`
		Classes   []classData           `json:"classes"`
		Overrides []claims.Override     `json:"overrides"`
		Forests   map[string]forestData `json:"forests"`
	}
	classData struct {
		ID string `json:"id"`
		claims.Events
		Percentile float64  `json:"percentile"`
		Min        float64  `json:"min"`
		Max        float64  `json:"max"`
		PerHour    int32    `json:"perHour,omitempty"`
		Shadow     *float64 `json:"shadow,omitempty"`
		Sample     float64  `json:"sample,omitempty"`
	}
	forestData struct {
		Model    string `json:"model"`
		Feedback string `json:"feedback,omitempty"`
	}
)

// data compares what OPA holds as data with the claims. The files may say the same in another order and with other blanks, and in nothing
// else.
func (r *report) data(spec *spec, loaded *bundle.Bundle) {
	want := map[string]any{"agentc": spec.data()}
	for _, d := range differences(want, loaded.Data) {
		f := fault{kind: kindData, file: dataFile, path: d.path, message: d.String(), spec: spec.env.At}
		if len(d.path) > 1 && d.path[0] == "agentc" {
			f.path = d.path[1:]
			d.path = f.path
			f.message, f.spec = d.String(), spec.at(f.path)
		}
		if len(f.path) > 3 && f.path[0] == "fleet" {
			f.group = f.path[2]
		}
		r.fault(f)
	}
}

// data is what follows from the claims, as JSON is held in memory.
func (s *spec) data() map[string]any {
	d := data{
		Environment: environmentData{s.env.Name, s.Fleet, s.env.TrustDomain},
		Fleet:       fleetData{map[string]agentData{}},
		Rules:       map[string]ruleData{},
		Escalation:  escalationData{s.Escalation.LifetimeMs, s.Escalation.DefaultRoute, s.Escalation.Page, map[string]routeData{}, map[string]personData{}},
		Runtime:     runtimeDataOf(&s.Runtime),
	}
	for i := range s.Agents {
		d.Fleet.Agents[s.Agents[i].Name] = agentDataOf(&s.Agents[i])
	}
	for _, r := range s.Rules {
		rule := ruleData{Team: r.Team, Reason: r.Reason, Verdict: r.Verdict, Route: r.Route, At: place(r.At), When: map[string]*claims.Range{}}
		if r.Confidence != nil {
			rule.When["confidence"] = r.Confidence
		}
		if r.Anomaly != nil {
			rule.When["anomaly"] = r.Anomaly
		}
		d.Rules[r.ID] = rule
	}
	for _, r := range s.Escalation.Routes {
		d.Escalation.Routes[r.Name] = routeData{r.Endpoint, r.Channel, full(r.Approvers), r.Quorum, r.Hours}
	}
	for _, p := range s.Escalation.People {
		d.Escalation.People[p.Name] = personData{p.Email, p.Mattermost, p.Team, full(p.Groups)}
	}
	if a := s.Anomaly; a != nil {
		d.Anomaly = anomalyDataOf(a)
	}
	return generic(d)
}

func agentDataOf(a *claims.Callee) agentData {
	d := agentData{
		ID: a.SPIFFE, Host: a.Host, Team: a.Team, At: place(a.At), Entry: a.Entry, RequestMs: a.RequestMs, ShutdownMs: a.ShutdownMs,
		Skills: map[string]skillData{}, Callers: map[string]callerData{},
	}
	for _, s := range a.Skills {
		d.Skills[s.ID] = skillData{s.Risk, full(s.Tags), map[string]grantData{}}
	}
	for _, e := range a.Callers {
		caller := callerData{Agent: e.Caller, Skills: []string{}, AllSkills: e.AllSkills}
		for _, g := range e.Grants {
			caller.Skills = append(caller.Skills, g.Skill)
			d.Skills[g.Skill].Callers[e.SPIFFE] = grantData{full(g.Rules)}
		}
		d.Callers[e.SPIFFE] = caller
	}
	d.Endpoints = endpointsOf(a.Endpoints)
	return d
}

func endpointsOf(uses []claims.Use) map[string]endpointData {
	all := map[string]endpointData{}
	for _, u := range uses {
		tools := map[string]string{}
		for _, t := range u.Tools {
			tools[t.Name] = t.Digest
		}
		all[u.Name] = endpointData{u.Type, u.Host, u.Port, u.TimeoutMs, u.TLS, tools, u.Credential}
	}
	return all
}

func runtimeDataOf(r *claims.Runtime) runtimeData {
	d := runtimeData{ID: r.SPIFFE, Endpoints: endpointsOf(r.Endpoints), Intakes: map[string]intakeData{}}
	for _, in := range r.Intakes {
		d.Intakes[in.Name] = intakeData{in.Endpoint, in.Topic, in.Client, in.Agent, in.Skill, in.Forward}
	}
	return d
}

// place is a position of the spec as the data has it: without the column.
func place(at claims.At) string { return fmt.Sprintf("%s:%d", at.File, at.Line) }

func anomalyDataOf(a *claims.Anomaly) *anomalyData {
	d := &anomalyData{Always: full(a.Always), Overrides: full(a.Overrides), Forests: map[string]forestData{}}
	for _, c := range byPrecedence(a.Classes) {
		d.Classes = append(d.Classes, classData{c.ID, c.Events, c.Percentile, c.Min, c.Max, c.PerHour, c.Shadow, c.Sample})
	}
	for _, f := range a.Forests {
		d.Forests[f.Agent] = forestData{f.Model, f.Feedback}
	}
	return d
}

// full makes an empty list of none, which JSON would call null.
func full[T any](list []T) []T { return append([]T{}, list...) }

// generic is a value as OPA reads it.
func generic(d data) map[string]any {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // of types that are all JSON's, and numbers that came from JSON or YAML
	}
	var m map[string]any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&m); err != nil {
		panic(err)
	}
	return m
}

// at is the place in the spec that a path in the data is about.
func (s *spec) at(path []string) claims.At {
	key := func(i int) string {
		if i < len(path) {
			return path[i]
		}
		return ""
	}
	switch key(0) {
	case "rules":
		if r := s.rules[key(1)]; r != nil {
			return r.At
		}
	case "escalation":
		return s.atEscalation(key(1), key(2))
	case "runtime":
		return s.atRuntime(key(1), key(2))
	case "anomaly":
		if s.Anomaly != nil {
			return s.atAnomaly(key(1), key(2))
		}
	case "fleet":
		if a := s.agents[key(2)]; a != nil {
			return s.atAgent(a, path[3:])
		}
	}
	return s.env.At
}

func (s *spec) atEscalation(list, of string) claims.At {
	switch list {
	case "routes":
		if r := s.routes[of]; r != nil {
			return r.At
		}
	case "page":
		if i := slices.IndexFunc(s.env.Parties, func(p claims.Party) bool { return p.Name == "page" }); i >= 0 {
			return s.env.Parties[i].At
		}
	case "people":
		if i := slices.IndexFunc(s.Escalation.People, func(p claims.Person) bool { return p.Name == of }); i >= 0 {
			return s.Escalation.People[i].At
		}
	}
	return s.env.At
}

func (s *spec) atRuntime(list, of string) claims.At {
	switch r := &s.Runtime; list {
	case "endpoints":
		if i := slices.IndexFunc(r.Endpoints, func(u claims.Use) bool { return u.Name == of }); i >= 0 {
			return r.Endpoints[i].At
		}
	case "intakes":
		if i := slices.IndexFunc(r.Intakes, func(in claims.Intake) bool { return in.Name == of }); i >= 0 {
			return r.Intakes[i].At
		}
	}
	return s.Runtime.At
}

func (s *spec) atAnomaly(list, of string) claims.At {
	switch a := s.Anomaly; list {
	case "classes":
		if i, err := strconv.Atoi(of); err == nil && i < len(a.Classes) {
			return byPrecedence(a.Classes)[i].At
		}
	case "forests":
		if i := slices.IndexFunc(a.Forests, func(f claims.Forest) bool { return f.Agent == of }); i >= 0 {
			return a.Forests[i].At
		}
	}
	return s.Anomaly.At
}

func (s *spec) atAgent(a *claims.Callee, path []string) claims.At {
	if len(path) < 2 {
		return a.At
	}
	caller := ""
	switch name := path[1]; path[0] {
	case "endpoints":
		if i := slices.IndexFunc(a.Endpoints, func(u claims.Use) bool { return u.Name == name }); i >= 0 {
			return a.Endpoints[i].At
		}
	case "callers":
		caller = name
	case "skills":
		if len(path) > 3 {
			caller = path[3]
		} else if i := slices.IndexFunc(a.Skills, func(k claims.Skill) bool { return k.ID == name }); i >= 0 {
			return a.Skills[i].At
		}
	}
	if e := s.edge(a.Name, caller); e != nil {
		return e.Accepted
	}
	return a.At
}
