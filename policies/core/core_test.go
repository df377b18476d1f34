package core

import (
	"context"
	"io/fs"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/tester"
)

// parse reads every Rego file of the folder, the tests included.
func parse(t *testing.T) map[string]*ast.Module {
	t.Helper()
	names, err := fs.Glob(files, "*.rego")
	if err != nil {
		t.Fatal(err)
	}
	modules := map[string]*ast.Module{}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		modules[name], err = ast.ParseModuleWithOpts(name, string(text), ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			t.Fatal(err)
		}
	}
	return modules
}

func TestModulesLeaveTestsOut(t *testing.T) {
	modules, err := Modules()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range modules {
		names = append(names, m.Name)
	}
	if got, want := strings.Join(names, " "), "decision.rego reviewers.rego rules.rego threshold.rego"; got != want {
		t.Errorf("modules are %q, want %q", got, want)
	}
}

// Strict is what `opa check --strict` asks for.
func TestStrict(t *testing.T) {
	compiler := ast.NewCompiler().WithStrict(true)
	compiler.Compile(parse(t))
	if compiler.Failed() {
		t.Fatal(compiler.Errors)
	}
}

// TestRego runs the Rego tests. Every line of the core must be reached by one of them.
func TestRego(t *testing.T) {
	modules, coverage := parse(t), cover.New()
	results, err := tester.NewRunner().
		RaiseBuiltinErrors(true).
		SetCoverageQueryTracer(coverage).
		Run(context.Background(), modules)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for result := range results {
		ran++
		if !result.Pass() {
			t.Errorf("%v %s", result.Location, result)
		}
	}
	if ran == 0 {
		t.Error("no test ran")
	}
	report := coverage.Report(modules)
	for file, r := range report.Files {
		if len(r.NotCovered) > 0 {
			t.Errorf("%s: no test reaches lines %v", file, r.NotCovered)
		}
	}
	if report.Coverage != 100 {
		t.Errorf("the tests cover %v %% of the core, want 100", report.Coverage)
	}
}
