package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"agentc/decision/bundle"
	"agentc/policies/core"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// The bundle's Rego, evaluated by Open Policy Agent: the reference for whatever else answers.

// policy is the bundle's Rego and its data, ready to be asked.
type policy struct {
	modules  map[string]*ast.Module // as they are written, by the name of their file
	compiler *ast.Compiler
	data     map[string]any
}

func newPolicy(b *bundle.Bundle) (*policy, error) {
	modules, compiler, err := compile(b)
	if err != nil {
		return nil, fmt.Errorf("the bundle's Rego: %w", err)
	}
	data, err := object(b.Files["agentc/data.json"])
	if err != nil {
		return nil, fmt.Errorf("the bundle's data: %w", err)
	}
	return &policy{modules, compiler, data}, nil
}

// compile as strictly as the compiler does that made the bundle, with the builtins that it allows and no other.
func compile(b *bundle.Bundle) (modules map[string]*ast.Module, _ *ast.Compiler, err error) {
	modules, compiled := map[string]*ast.Module{}, map[string]*ast.Module{}
	for name, text := range b.Files {
		if path.Ext(name) != ".rego" {
			continue
		}
		if modules[name], err = ast.ParseModuleWithOpts(name, string(text), ast.ParserOptions{RegoVersion: ast.RegoV1}); err != nil {
			return nil, nil, err
		}
		compiled[name] = modules[name].Copy()
	}
	capabilities := ast.CapabilitiesForThisVersion()
	capabilities.Builtins = slices.DeleteFunc(slices.Clone(capabilities.Builtins), func(b *ast.Builtin) bool { return !slices.Contains(core.Builtins, b.Name) })
	capabilities.AllowNet = []string{}
	compiler := ast.NewCompiler().WithStrict(true).WithCapabilities(capabilities)
	if compiler.Compile(compiled); compiler.Failed() {
		return nil, nil, compiler.Errors
	}
	return modules, compiler, nil
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

// store of the data below data.agentc. For what is asked often it holds Rego's own values.
func store(data map[string]any, often bool) storage.Store {
	return inmem.NewFromObjectWithOpts(map[string]any{"agentc": data}, inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(often))
}

// prepare a query.
func (p *policy) prepare(ctx context.Context, query string, s storage.Store) (rego.PreparedEvalQuery, error) {
	prepared, err := rego.New(rego.Query(query), rego.Compiler(p.compiler), rego.Store(s), rego.StrictBuiltinErrors(true)).PrepareForEval(ctx)
	if err != nil {
		return prepared, fmt.Errorf("the bundle's Rego: %w", err)
	}
	return prepared, nil
}

// patience with one evaluation. The shipped fleet's takes less than a thousandth of it.
const patience = 2 * time.Second

// evaluate a prepared query. The index would pass over a rule of whose builtin it knows that it cannot hold, or that it fails: `endswith` of a number.
// A failure must be one. So is what takes too long: a team's Rego may compare all of a question with all of it.
func evaluate(ctx context.Context, prepared rego.PreparedEvalQuery, input ast.Value) (rego.ResultSet, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return prepared.Eval(ctx, rego.EvalParsedInput(input), rego.EvalRuleIndexing(false))
}

// asked is an engine that leaves everything to the bundle's Rego.
type asked struct{ decision rego.PreparedEvalQuery }

func (r asked) answer(ctx context.Context, q Question) (Answer, error) {
	v, err := q.terms()
	if err != nil {
		return Answer{}, err
	}
	results, err := evaluate(ctx, r.decision, v.input(q, q.Action))
	if err != nil {
		return Answer{}, err
	}
	if len(results) != 1 {
		return Answer{}, errors.New("the bundle has no decision")
	}
	return read(results[0].Expressions[0].Value)
}

// terms of a question that are the same for each of its skills, as Rego's.
type terms struct{ context, subject, action, resource *ast.Term }

func (q Question) terms() (v terms, err error) {
	for _, one := range []struct {
		said map[string]any
		term **ast.Term
	}{{q.Context, &v.context}, {q.Properties.Subject, &v.subject}, {q.Properties.Action, &v.action}, {q.Properties.Resource, &v.resource}} {
		if one.said == nil && one.term != &v.context {
			continue
		}
		value, err := ast.InterfaceToValue(one.said)
		if err != nil {
			return v, err
		}
		*one.term = ast.NewTerm(value)
	}
	return v, nil
}

// input of a question about a skill, which may be none.
func (v terms) input(q Question, skill string) ast.Value {
	action := ast.NewObject()
	if skill != "" {
		action.Insert(nameTerm, ast.StringTerm(skill))
	}
	if v.action != nil {
		action.Insert(propertiesTerm, v.action)
	}
	return ast.NewObject(
		ast.Item(subjectTerm, q.Subject.term(v.subject)), ast.Item(actionTerm, ast.NewTerm(action)),
		ast.Item(resourceTerm, q.Resource.term(v.resource)), ast.Item(contextTerm, v.context),
	)
}

func (e Entity) term(properties *ast.Term) *ast.Term {
	o := ast.NewObject(ast.Item(typeTerm, ast.StringTerm(e.Type)), ast.Item(idTerm, ast.StringTerm(e.ID)))
	if properties != nil {
		o.Insert(propertiesTerm, properties)
	}
	return ast.NewTerm(o)
}

var (
	subjectTerm, actionTerm, resourceTerm, contextTerm = ast.InternedTerm("subject"), ast.InternedTerm("action"), ast.InternedTerm("resource"), ast.InternedTerm("context")
	typeTerm, idTerm, nameTerm, propertiesTerm         = ast.InternedTerm("type"), ast.InternedTerm("id"), ast.InternedTerm("name"), ast.InternedTerm("properties")
)

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
