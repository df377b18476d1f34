// Package engine answers what a bundle says: the verdict on an action that an agent proposes. Open Policy Agent is embedded, and nothing of it but
// the evaluation. A failure on the way is never an execution.
package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"

	"agentc/decision/bundle"
	"agentc/decision/fleet"
	"agentc/policies/core"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
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
	Reasons []Reason
	Route   string // of an escalation
	Risk    string // of the skill; empty where nothing is granted
}

// Reason is one finding that carries the verdict.
type Reason struct {
	Rule    string `json:"rule"`
	Reason  string `json:"reason"`
	At      string `json:"at,omitempty"`      // file:line of the spec
	Unknown any    `json:"unknown,omitempty"` // what its rule asked for and nobody knew
}

// Failed names the rule of an answer that is none of the bundle's: something went wrong.
const Failed = "failed"

// Engine is a bundle that is ready to answer. Any number may ask it at the same time.
type Engine struct {
	Manifest bundle.Manifest
	Digest   string
	Fleet    *fleet.Fleet // nobody changes it

	files               map[string][]byte
	decision, threshold rego.PreparedEvalQuery
}

// New prepares a bundle, and refuses one whose Rego calls what it must not, or that does not answer its own questions as it says it would.
func New(ctx context.Context, b *bundle.Bundle) (*Engine, error) {
	compiler, err := compile(b)
	if err != nil {
		return nil, fmt.Errorf("the bundle's Rego: %w", err)
	}
	data, err := object(b.Files["agentc/data.json"])
	if err != nil {
		return nil, fmt.Errorf("the bundle's data: %w", err)
	}
	store := inmem.NewFromObjectWithOpts(map[string]any{"agentc": data}, inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	e := &Engine{Manifest: b.Manifest, Digest: b.Digest, files: b.Files}
	if e.Fleet, err = fleet.Read(b.Files["agentc/data.json"]); err != nil {
		return nil, err
	}
	for query, prepared := range map[string]*rego.PreparedEvalQuery{"data.agentc.decision": &e.decision, "data.agentc.threshold": &e.threshold} {
		*prepared, err = rego.New(rego.Query(query), rego.Compiler(compiler), rego.Store(store), rego.StrictBuiltinErrors(true)).PrepareForEval(ctx)
		if err != nil {
			return nil, fmt.Errorf("the bundle's Rego: %w", err)
		}
	}
	return e, e.selfTest(ctx, b.Files["selftest.json"])
}

// compile as strictly as the compiler does that made the bundle, with the builtins that it allows and no other.
func compile(b *bundle.Bundle) (*ast.Compiler, error) {
	modules := map[string]*ast.Module{}
	for name, text := range b.Files {
		if path.Ext(name) != ".rego" {
			continue
		}
		module, err := ast.ParseModuleWithOpts(name, string(text), ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			return nil, err
		}
		modules[name] = module
	}
	capabilities := ast.CapabilitiesForThisVersion()
	capabilities.Builtins = slices.DeleteFunc(slices.Clone(capabilities.Builtins), func(b *ast.Builtin) bool { return !slices.Contains(core.Builtins, b.Name) })
	capabilities.AllowNet = []string{}
	compiler := ast.NewCompiler().WithStrict(true).WithCapabilities(capabilities)
	if compiler.Compile(modules); compiler.Failed() {
		return nil, compiler.Errors
	}
	return compiler, nil
}

func object(text []byte) (map[string]any, error) {
	var o map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&o); err != nil {
		return nil, err
	}
	return o, nil
}

// Decide answers a question. It is never an error: whatever fails is rejected, and the reason says so.
func (e *Engine) Decide(ctx context.Context, q Question) (a Answer) {
	defer func() {
		if r := recover(); r != nil {
			a = failed(fmt.Errorf("%v", r))
		}
	}()
	a, err := e.ask(ctx, q)
	if err != nil {
		return failed(err)
	}
	return a
}

func failed(err error) Answer {
	return Answer{Verdict: Reject, Rules: []string{Failed}, Reasons: []Reason{{Rule: Failed, Reason: err.Error()}}}
}

func (e *Engine) ask(ctx context.Context, q Question) (Answer, error) {
	input, err := ast.InterfaceToValue(q.input())
	if err != nil {
		return Answer{}, err
	}
	// The index would pass over a rule of whose builtin it knows that it cannot hold, or that it fails: `endswith` of a number. A failure must be one.
	results, err := e.decision.Eval(ctx, rego.EvalParsedInput(input), rego.EvalRuleIndexing(false))
	if err != nil {
		return Answer{}, err
	}
	if len(results) != 1 {
		return Answer{}, errors.New("the bundle has no decision")
	}
	return read(results[0].Expressions[0].Value)
}

// input is the question as Rego sees it.
func (q *Question) input() map[string]any {
	action := map[string]any{}
	if q.Action != "" {
		action["name"] = q.Action
	}
	input := map[string]any{
		"subject": map[string]any{"type": q.Subject.Type, "id": q.Subject.ID}, "action": action,
		"resource": map[string]any{"type": q.Resource.Type, "id": q.Resource.ID}, "context": q.Context,
	}
	for name, properties := range map[string]map[string]any{"subject": q.Properties.Subject, "action": q.Properties.Action, "resource": q.Properties.Resource} {
		if properties != nil {
			input[name].(map[string]any)["properties"] = properties
		}
	}
	return input
}

// read what the core answers. It must agree with itself.
func read(value any) (Answer, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return Answer{}, err
	}
	var said struct {
		Decision bool
		Context  struct {
			Verdict, Route, Risk string
			Rules                []string
			Reasons              []Reason
		}
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return Answer{}, err
	}
	c := said.Context
	if said.Decision != (c.Verdict == Execute) || !slices.Contains([]string{Execute, Reject, Escalate}, c.Verdict) {
		return Answer{}, fmt.Errorf("the bundle decides %t with the verdict %q", said.Decision, c.Verdict)
	}
	return Answer{c.Verdict, c.Rules, c.Reasons, c.Route, c.Risk}, nil
}
