package verdict

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// load reads a bundle with OPA's own reader. Signatures are the publisher's and are not verified: the keys are not here.
func load(files map[string][]byte) (*bundle.Bundle, error) {
	archive, err := pack(files)
	if err != nil {
		return nil, err
	}
	loader := bundle.NewTarballLoaderWithBaseURL(bytes.NewReader(archive), "")
	b, err := bundle.NewCustomReader(loader).WithSkipBundleVerification(true).Read()
	return &b, err
}

// engine answers both entry points.
type engine struct{ decision, threshold rego.PreparedEvalQuery }

// engines are the bundle as it is loaded and, where the users wrote Rego, the core without it: what the users reject or escalate hides what
// the compiled rules say.
type engines struct {
	whole engine
	core  *engine // nil: the whole is the core
}

func prepare(ctx context.Context, b *bundle.Bundle) (*engines, error) {
	store := inmem.NewFromObjectWithOpts(b.Data, inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	modules := b.ParsedModules("")
	whole, err := newEngine(ctx, modules, store)
	if err != nil {
		return nil, err
	}
	own := maps.Clone(modules)
	maps.DeleteFunc(own, func(name string, _ *ast.Module) bool { return isReviewers(name) })
	if len(own) == len(modules) {
		return &engines{whole: *whole}, nil
	}
	core, err := newEngine(ctx, own, store)
	if err != nil {
		return nil, err
	}
	return &engines{*whole, core}, nil
}

func isReviewers(name string) bool {
	return strings.HasPrefix(strings.TrimPrefix(name, "/"), "reviewers/")
}

// newEngine compiles as strictly as the product does.
func newEngine(ctx context.Context, modules map[string]*ast.Module, store storage.Store) (*engine, error) {
	copies := map[string]*ast.Module{} // the compiler rewrites them
	for name, module := range modules {
		copies[name] = module.Copy()
	}
	compiler := ast.NewCompiler().WithStrict(true)
	if compiler.Compile(copies); compiler.Failed() {
		return nil, compiler.Errors
	}
	query := func(text string) (rego.PreparedEvalQuery, error) {
		return rego.New(rego.Query(text), rego.Compiler(compiler), rego.Store(store), rego.StrictBuiltinErrors(true)).PrepareForEval(ctx)
	}
	decision, err := query("data.agentc.decision")
	if err != nil {
		return nil, err
	}
	threshold, err := query("data.agentc.threshold")
	return &engine{decision, threshold}, err
}

// noAnswer stands in the place of a verdict where there is none.
const noAnswer = "nothing"

// decide is what the bundle says, which is never an error: what goes wrong is an answer that nobody declared.
func (e *engine) decide(ctx context.Context, input ast.Value, environment string) ruling {
	var answer struct {
		Decision bool
		Context  struct {
			Verdict, Route, Risk, Environment string
			Rules                             []string
			Reasons                           []struct{ Rule string }
		}
	}
	if err := evaluate(ctx, e.decision, input, &answer); err != nil {
		return failed(err)
	}
	c := answer.Context
	var reasons []string
	for _, r := range c.Reasons {
		reasons = append(reasons, r.Rule)
	}
	slices.Sort(reasons)
	switch {
	case answer.Decision != (c.Verdict == "auto-execute"):
		return failed(fmt.Errorf("the decision is %t and the verdict %s", answer.Decision, c.Verdict))
	case !slices.Equal(slices.Compact(reasons), c.Rules):
		return failed(fmt.Errorf("the reasons are of %v and the rules %v", reasons, c.Rules))
	case c.Environment != environment:
		return failed(fmt.Errorf("the environment is %q", c.Environment))
	}
	return ruling{c.Verdict, c.Rules, c.Route, c.Risk}
}

// failed is a ruling that says what went wrong. Where users' Rego fails, nothing is executed: for them it is a way to reject.
func failed(err error) ruling {
	var e *topdown.Error
	if errors.As(err, &e) && e.Location != nil && isReviewers(e.Location.File) {
		return ruling{verdict: "auto-reject", rules: []string{failedRego + e.Message}}
	}
	return ruling{verdict: noAnswer, rules: []string{err.Error()}}
}

// failedRego begins the rule that stands for users' Rego that failed.
const failedRego = "reviewers.error: "

// evaluate reads one answer into a value.
func evaluate(ctx context.Context, query rego.PreparedEvalQuery, input ast.Value, answer any) error {
	// As agentd asks: with its index OPA passes over a rule of which it knows that a builtin in it fails, and says nothing.
	results, err := query.Eval(ctx, rego.EvalParsedInput(input), rego.EvalRuleIndexing(false))
	if err != nil {
		return err
	}
	if len(results) != 1 {
		return fmt.Errorf("%d answers", len(results))
	}
	text, err := json.Marshal(results[0].Expressions[0].Value)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}
