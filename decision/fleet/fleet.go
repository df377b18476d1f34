// Package fleet is what a bundle's data says, in Go: who there is, who may ask whom, by which rules, who is asked when a human must decide, where events
// come from. The compiler writes it (agentc/data.json); policies/core/data.schema.json describes the same.
package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
)

// Fleet of one environment.
type Fleet struct {
	Environment Environment `json:"environment"`
	Fleet       struct {
		Agents map[string]*Agent `json:"agents"` // by name
	} `json:"fleet"`
	Rules      map[string]*Rule `json:"rules"` // by <policy>/<rule>
	Escalation Escalation       `json:"escalation"`
	Runtime    Runtime          `json:"runtime"`
	Anomaly    json.RawMessage  `json:"anomaly,omitempty"` // the threshold's, which the core's Rego reads
}

// Agent of that name; nil: there is none.
func (f *Fleet) Agent(name string) *Agent { return f.Fleet.Agents[name] }

// Environment that the bundle is for.
type Environment struct {
	Name        string `json:"name"`
	Fleet       string `json:"fleet"`
	TrustDomain string `json:"trustDomain"`
}

// Agent as callee.
type Agent struct {
	ID         string               `json:"id"`   // SPIFFE id
	Host       string               `json:"host"` // where its guard listens
	Team       string               `json:"team"` // owner: its members do not decide on escalations of the agent
	At         string               `json:"at"`   // file:line of the spec
	Entry      bool                 `json:"entry"`
	RequestMs  int64                `json:"requestMs"`
	ShutdownMs int64                `json:"shutdownMs"`
	Skills     map[string]*Skill    `json:"skills"`    // by id
	Callers    map[string]*Caller   `json:"callers"`   // by SPIFFE id
	Endpoints  map[string]*Endpoint `json:"endpoints"` // by name
}

// Skill of an agent.
type Skill struct {
	Risk    string            `json:"risk"`
	Tags    []string          `json:"tags"`
	Callers map[string]*Grant `json:"callers"` // by SPIFFE id: who may ask for it
}

// Grant is one skill of one edge.
type Grant struct {
	Rules []string `json:"rules"` // that can apply
}

// Caller is one edge.
type Caller struct {
	Agent     string   `json:"agent"` // its name
	Skills    []string `json:"skills"`
	AllSkills bool     `json:"allSkills"` // a call that names no skill is decided as the strictest of all
}

// Endpoint outside the fleet.
type Endpoint struct {
	Type      string            `json:"type"`
	Host      string            `json:"host"`
	Port      int32             `json:"port"`
	TimeoutMs int64             `json:"timeoutMs"`
	TLS       bool              `json:"tls"`
	Tools     map[string]string `json:"tools,omitempty"` // of an MCP server: name → digest of its definition

	Credential bool `json:"credential,omitempty"` // whether it wants one
}

// URL of an endpoint that speaks HTTP.
func (e *Endpoint) URL() string {
	scheme := "http"
	if e.TLS {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))
}

// Rule of the reviewers.
type Rule struct {
	Team    string           `json:"team"`
	Reason  string           `json:"reason"`
	Verdict string           `json:"verdict"`
	Route   string           `json:"route,omitempty"` // of an escalation
	At      string           `json:"at"`              // file:line of the spec
	When    map[string]Range `json:"when"`            // by what is known: anomaly, confidence; empty: always
}

// Range is atLeast <= value < below, with either end open.
type Range struct {
	AtLeast *float64 `json:"atLeast,omitempty"`
	Below   *float64 `json:"below,omitempty"`
}

// Escalation says how humans are asked.
type Escalation struct {
	LifetimeMs   int64              `json:"lifetimeMs"`
	DefaultRoute string             `json:"defaultRoute"`
	Page         string             `json:"page,omitempty"` // URL under which people reach agentd's page; empty: nobody gave one
	Routes       map[string]*Route  `json:"routes"`         // by name
	People       map[string]*Person `json:"people"`         // by name
}

// Route leads to humans.
type Route struct {
	Endpoint  string   `json:"endpoint"`
	Channel   string   `json:"channel"`
	Approvers []string `json:"approvers"` // groups
	Quorum    int      `json:"quorum"`
	Hours     *Hours   `json:"hours,omitempty"` // in which it is staffed; nil: always
}

// Hours of a route, in UTC. Outside of them another route is taken.
type Hours struct {
	Days      []string `json:"days"`  // mon, tue, wed, thu, fri, sat, sun
	From      int      `json:"from"`  // hour, 0 to 23
	Until     int      `json:"until"` // hour, 1 to 24; from < until
	Otherwise string   `json:"otherwise"`
}

// Person who may decide.
type Person struct {
	Email      string   `json:"email"`                // in the certificate: verified
	Mattermost string   `json:"mattermost,omitempty"` // user name there: chat
	Team       string   `json:"team"`                 // of whose agents they do not decide
	Groups     []string `json:"groups"`
}

// Runtime is agentd's own part.
type Runtime struct {
	ID        string               `json:"id"`        // its SPIFFE id
	Endpoints map[string]*Endpoint `json:"endpoints"` // that it reaches, by name
	Intakes   map[string]*Intake   `json:"intakes"`   // by name
}

// Intake is where events come from, and whom they are for: a topic of an endpoint, or a client that posts them.
type Intake struct {
	Endpoint string  `json:"endpoint,omitempty"`
	Topic    string  `json:"topic,omitempty"`
	Client   string  `json:"client,omitempty"` // SPIFFE id
	Agent    string  `json:"agent"`
	Skill    string  `json:"skill"`
	Forward  *Target `json:"forward,omitempty"` // nil: to the agent's guard, by A2A
}

// Target is a topic that events are passed on to.
type Target struct {
	Endpoint string `json:"endpoint"`
	Topic    string `json:"topic"`
}

// Read the data of a bundle. What it does not know might have been a restriction, and is refused.
func Read(data []byte) (*Fleet, error) {
	f := new(Fleet)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(f); err != nil {
		return nil, fmt.Errorf("the bundle's data: %w", err)
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("the bundle's data: %w", err)
	}
	return f, nil
}
