package model

import (
	"time"

	"agentc/schema"
)

// Policy is everything that the reviewers say in one environment.
type Policy struct {
	Rules      []*Rule  // by id
	Floors     []*Floor // in the order of their documents
	Escalation Escalation
	Anomaly    *Anomaly      // nil: no prefilter
	Rego       []schema.Rego // users' Rego, by file
}

// Rule is one reviewer rule.
type Rule struct {
	ID      string // <policy>/<rule>
	Team    string
	Reason  string
	Match   schema.Match
	When    schema.When
	Verdict string
	Route   string // set where the verdict is escalate
	From    schema.Ref
}

// Floor is the lowest risk that may be claimed for the skills that it names.
type Floor struct {
	schema.Floor
	Policy string
	From   schema.Ref
}

// Escalation says how humans are asked.
type Escalation struct {
	Lifetime time.Duration
	Default  string
	Routes   []*Route // by name
}

// Route leads to humans.
type Route struct {
	Name      string
	Endpoint  *Endpoint
	Channel   string
	Approvers []string // sorted
	Quorum    int32
	From      schema.Ref
}

// Anomaly holds the thresholds of the prefilter.
type Anomaly struct {
	Percentile float64
	Min, Max   float64
	Always     []string          // Falco priorities, sorted
	Overrides  []schema.Override // by id
	From       schema.Ref
}
