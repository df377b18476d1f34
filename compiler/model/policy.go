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
	Routes   []*Route  // by name
	People   []*Person // by name
}

// Route leads to humans.
type Route struct {
	Name      string
	Endpoint  *Endpoint
	Channel   string
	Approvers []string // sorted
	Quorum    int32
	Hours     *Hours // nil: somebody is always there
	From      schema.Ref
}

// Hours of a route, in UTC.
type Hours struct {
	Days        []string // in the order of the week
	From, Until int32    // from < until
	Otherwise   string   // the route outside of them
}

// Person is somebody who may decide.
type Person struct {
	schema.Person // groups sorted
	From          schema.Ref
}

// Anomaly holds the thresholds of the prefilter.
type Anomaly struct {
	Classes   []*Class          // the most particular first; the last is the policy's own, to which every event belongs that belongs to no other
	Always    []string          // Falco priorities, sorted
	Overrides []schema.Override // by id
	Forests   []*Forest         // by agent; those that somebody agreed to and that are there
	From      schema.Ref
}

// PolicyClass is the id of the class of all other events.
const PolicyClass = "policy"

// Policy is the class of all other events.
func (a *Anomaly) Policy() *Class { return a.Classes[len(a.Classes)-1] }

// Class is some events with a threshold of their own.
type Class struct {
	ID         string
	Match      schema.EventMatch
	Percentile float64
	Min, Max   float64
	PerHour    int32    // 0: no budget
	Shadow     *float64 // nil: nothing is tried out
	Sample     float64  // of the events below, in percent
	From       schema.Ref
}

// Forest is the anomaly model before an agent. What is in the files, the model of the fleet does not know.
type Forest struct {
	Agent    *Agent
	Model    File
	Agreed   string // digest of the model that the reviewers agreed to
	Feedback *File  // nil: nobody taught it
	From     schema.Ref
}

// File is one that the spec names.
type File struct {
	Path   string // as a user would type it
	SHA256 string // 64 hex digits
	Data   []byte
	From   schema.Ref
}
