// Package rego reads the users' Rego: what reviewers write themselves, where the rules of a ReviewerPolicy do not suffice.
//
// A file belongs to package reviewers.<team>. It adds messages to the sets `reject` and `escalate`, and may give a number
// `threshold`; rules of other names help these. It cannot execute anything, reach the network, read a clock, or look at
// what other teams wrote: the same input has the same answer, and a bundle means what its review said.
package rego

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"agentc/policies/core"
	"agentc/schema"

	"github.com/open-policy-agent/opa/v1/ast"
)

// The IDs of the rules.
const (
	ruleSyntax    = "rego-syntax"    // what OPA's parser and compiler refuse, in strict mode
	rulePackage   = "rego-package"   // a file belongs to a team
	ruleRule      = "rego-rule"      // the shape of reject, escalate and threshold; whatever else must serve them
	ruleBuiltin   = "rego-builtin"   // only what is deterministic and has no side effect
	ruleReference = "rego-reference" // only the input, the own package and a little of the fleet
)

// RuleIDs are the IDs of all problems that Check reports.
var RuleIDs = []string{ruleSyntax, rulePackage, ruleRule, ruleBuiltin, ruleReference}

// Team is the team that a file belongs to. The file must have passed Check.
func Team(file schema.Rego) (string, error) {
	module, err := parse(file)
	if err != nil {
		return "", err
	}
	if team, ok := teamOf(module); ok {
		return team, nil
	}
	return "", fmt.Errorf("%s: %s is not a package of reviewers", file.File, module.Package)
}

// Check finds what the authors of the files must change. Teams are the names that may follow `reviewers.` in a package.
func Check(files []schema.Rego, teams []string) []schema.Problem {
	c := &checker{teams: teams, modules: map[string]*ast.Module{}, packages: map[string][]*ast.Module{}}
	for _, file := range files {
		c.read(file)
	}
	for _, file := range files {
		if module := c.modules[file.File]; module != nil {
			c.builtins(module)
			c.references(module)
		}
	}
	// Where a file could not be read, the rest would be blamed for what it misses.
	if len(files) > 0 && len(c.modules) == len(files) {
		for _, modules := range c.packages {
			c.rules(modules)
		}
		c.compile()
	}
	return schema.SortProblems(c.problems)
}

type checker struct {
	teams    []string
	modules  map[string]*ast.Module   // by file; those that were read and belong to a team
	packages map[string][]*ast.Module // by team, by file
	problems []schema.Problem
}

func (c *checker) report(at *ast.Location, rule, format string, args ...any) {
	c.problems = append(c.problems, schema.Problem{
		// OPA leaves out where it is when it means the whole file.
		Position: schema.Position{File: at.File, Line: max(1, at.Row), Column: max(1, at.Col)},
		Severity: schema.Error,
		Message:  fmt.Sprintf(format, args...),
		Rule:     rule,
	})
}

func parse(file schema.Rego) (*ast.Module, error) {
	return ast.ParseModuleWithOpts(file.File, string(file.Text), ast.ParserOptions{RegoVersion: ast.RegoV1})
}

// teamOf is the team in the name of a package.
func teamOf(module *ast.Module) (string, bool) {
	path := module.Package.Path // data.reviewers.<team>
	if len(path) != 3 || path[1].Value.Compare(ast.String("reviewers")) != 0 {
		return "", false
	}
	team, ok := path[2].Value.(ast.String)
	return string(team), ok
}

// read parses one file and finds its team. A file that fails here is not looked at any further.
func (c *checker) read(file schema.Rego) {
	module, err := parse(file)
	if err != nil {
		c.refused(file.File, err)
		return
	}
	team, ok := teamOf(module)
	if !ok {
		c.report(module.Package.Location, rulePackage, "%s is not a package of reviewers; write `package reviewers.<team>`", module.Package.Path)
		return
	}
	if !slices.Contains(c.teams, team) {
		c.report(module.Package.Location, rulePackage, "unknown team %q; %s", team, oneOf(team, c.teams))
		return
	}
	c.modules[file.File] = module
	c.packages[team] = append(c.packages[team], module)
}

// oneOf names the nearest word, or all.
func oneOf(word string, known []string) string {
	if near := schema.Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "known are " + strings.Join(known, ", ")
}

// refused reports what OPA says of a file, or of all of them.
func (c *checker) refused(file string, err error) {
	var all ast.Errors
	if one := (*ast.Error)(nil); errors.As(err, &one) {
		all = ast.Errors{one}
	} else if !errors.As(err, &all) {
		c.report(&ast.Location{File: file}, ruleSyntax, "%v", err)
		return
	}
	for _, e := range all {
		at := e.Location
		if at == nil {
			at = &ast.Location{File: file}
		}
		c.report(at, ruleSyntax, "%s", strings.Join(strings.Fields(e.Message), " "))
	}
}

// compile lets OPA compile everything together with the core. What it says of the core itself, and of recursion, which mostly
// goes through the core, follows from something that was reported before; if nothing was, it is said of the first file
// rather than of none.
func (c *checker) compile() {
	compiler := ast.NewCompiler().WithStrict(true).SetErrorLimit(0)
	modules, files := map[string]*ast.Module{}, []string{}
	for name, module := range c.modules {
		modules[name] = module
		files = append(files, name)
	}
	slices.Sort(files)
	if err := addCore(modules); err != nil {
		c.refused(files[0], err)
		return
	}
	compiler.Compile(modules)
	var direct, indirect ast.Errors
	for _, e := range compiler.Errors {
		switch {
		case e.Location == nil || c.modules[e.Location.File] == nil:
			indirect = append(indirect, &ast.Error{Message: e.Error()})
		case e.Code == ast.RecursionErr:
			indirect = append(indirect, e)
		default:
			direct = append(direct, e)
		}
	}
	c.refused(files[0], direct)
	if len(c.problems) == 0 {
		c.refused(files[0], indirect)
	}
}

// addCore adds the core's modules, under names that no file of a user has.
func addCore(modules map[string]*ast.Module) error {
	files, err := core.Modules()
	if err != nil {
		return err
	}
	for _, m := range files {
		name := "core:" + m.Name
		if modules[name], err = parse(schema.Rego{File: name, Text: m.Text}); err != nil {
			return err
		}
	}
	return nil
}
