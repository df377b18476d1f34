// Package engine answers what a bundle says: the verdict on an action that an agent proposes. Open Policy Agent is embedded, and nothing of it but
// the evaluation: it is the reference. What the compiler emitted as data is answered from a table, as long as both say the same (native.go). A failure
// on the way is never an execution.
package engine

import (
	"context"
	"fmt"
	"maps"
	"path"

	"agentc/decision/bundle"
	"agentc/decision/fleet"

	"github.com/open-policy-agent/opa/v1/rego"
)

// The verdicts.
const (
	Execute  = "auto-execute"
	Reject   = "auto-reject"
	Escalate = "escalate"
)

// Question is AuthZEN's: may this subject take this action on this resource?
type Question struct {
	Subject  Entity
	Action   string         // id of the skill; empty where the call names none
	Resource Entity         // of type agent, by its name
	Context  map[string]any // as JSON, numbers as json.Number

	// Properties of the three, for Rego: the core looks at none.
	Properties struct{ Subject, Action, Resource map[string]any }
}

// Entity of a question.
type Entity struct{ Type, ID string }

// Answer of a bundle.
type Answer struct {
	Verdict string
	Rules   []string // that decide, sorted
	Reasons []Reason // in the order of their texts
	Route   string   // of an escalation
	Risk    string   // of the skill; empty where nothing is granted
}

// Reason is one finding that carries the verdict.
type Reason struct {
	Rule    string `json:"rule"`
	Reason  string `json:"reason"`
	Unknown any    `json:"unknown,omitempty"` // what its rule asked for and nobody knew
	At      string `json:"at,omitempty"`      // file:line where that is written: of the spec, or of the bundle's Rego
}

// Failed names the rule of an answer that is none of the bundle's: something went wrong.
const Failed = "failed"

// Options of an engine.
type Options struct {
	Rego bool // everything is asked of the bundle's Rego, and nothing of the table
}

// Engine is a bundle that is ready to answer. Any number may ask it at the same time.
type Engine struct {
	Manifest bundle.Manifest
	Digest   string
	Fleet    *fleet.Fleet // to be read only
	Native   bool         // whether the table answers; otherwise the bundle's Rego does, as the options or a core of the bundle's own demand

	forests   map[string][]byte // files below forests/
	written   map[string]string // where the teams' sets begin, by rule: reviewers.soc.reject → reviewers/soc/a.rego:7
	answerer  answerer
	threshold rego.PreparedEvalQuery
}

// answerer is the table or the bundle's Rego.
type answerer interface {
	answer(context.Context, Question) (Answer, error)
}

// New prepares a bundle, and refuses one whose Rego calls what it must not, or that does not answer its own questions as it says it would.
func New(ctx context.Context, b *bundle.Bundle, o Options) (*Engine, error) {
	p, err := newPolicy(b)
	if err != nil {
		return nil, err
	}
	f, err := fleet.Read(b.Files["agentc/data.json"])
	if err != nil {
		return nil, err
	}
	e := &Engine{Manifest: b.Manifest, Digest: b.Digest, Fleet: f, forests: maps.Clone(b.Files), written: p.written()}
	maps.DeleteFunc(e.forests, func(name string, _ []byte) bool { return path.Dir(name) != "forests" })
	if !o.Rego && p.tabular(b, f) {
		return e, e.useTable(ctx, p, b)
	}
	return e, e.useRego(ctx, p, b)
}

// useRego for everything.
func (e *Engine) useRego(ctx context.Context, p *policy, b *bundle.Bundle) error {
	s := store(p.data, true)
	decision, err := p.prepare(ctx, "data.agentc.decision", s)
	if err != nil {
		return err
	}
	e.answerer = asked{decision}
	if e.threshold, err = p.prepare(ctx, "data.agentc.threshold", s); err != nil {
		return err
	}
	return e.selfTest(ctx, b.Files["selftest.json"], nil)
}

// Decide answers a question. It is never an error: whatever fails is rejected, and the reason says so.
func (e *Engine) Decide(ctx context.Context, q Question) Answer {
	a := decide(ctx, e.answerer, q)
	e.locate(a.Reasons, q.Resource.ID)
	return a
}

func decide(ctx context.Context, by answerer, q Question) (a Answer) {
	defer func() {
		if r := recover(); r != nil {
			a = failed(fmt.Errorf("%v", r))
		}
	}()
	a, err := by.answer(ctx, q)
	if err != nil {
		return failed(err)
	}
	return a
}

func failed(err error) Answer {
	return Answer{Verdict: Reject, Rules: []string{Failed}, Reasons: []Reason{{Rule: Failed, Reason: err.Error()}}}
}
