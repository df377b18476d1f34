// Package compiler turns the spec of a fleet of agents into every layer that enforces it. Compile names the stages in order
// and is the place to start reading.
package compiler

import (
	"errors"

	"agentc/compiler/artifact"
	"agentc/compiler/check"
	"agentc/compiler/emit"
	"agentc/compiler/lock"
	"agentc/compiler/model"
	"agentc/compiler/rego"
	"agentc/schema"
)

// Version of the compiler; it stands in the lock.
const Version = "0.1.0"

// Output is a compiled fleet, in memory.
type Output struct {
	Fleet *model.Fleet
	Tree  *artifact.Tree
	Lock  *lock.Lock
}

// Compile reads a spec and compiles it. Mistakes of the author come back as problems, sorted by position; if any of them
// stops the compiler (an error, or with strict a warning) there is no output. The error is our own failure.
func Compile(strict bool, dirs ...schema.Dir) (*Output, []schema.Problem, error) {
	fleet, problems, err := Check(dirs...)
	if err != nil || Stops(problems, strict) {
		return nil, problems, err
	}
	tree, err := emit.All(fleet)
	var large *emit.BundleTooLargeError
	switch {
	case errors.As(err, &large):
		return nil, schema.SortProblems(append(problems, bundleSize(large))), nil
	case err != nil:
		return nil, problems, err
	}
	return &Output{fleet, tree, lock.New(Version, fleet.Name, fleet.Written.Inputs, tree)}, problems, nil
}

// Check is the front half of Compile: it reads, resolves and checks. Where a file could not be read at all, the rest is not
// checked against the others: every mistake would be reported many times over.
func Check(dirs ...schema.Dir) (*model.Fleet, []schema.Problem, error) {
	source, problems, err := schema.Load(dirs...)
	if err != nil || source.Incomplete {
		return nil, schema.SortProblems(problems), err
	}
	foreign, err := foreignCore(dirs)
	if err != nil {
		return nil, nil, err
	}
	problems = append(problems, foreign...)
	fleet, missing := model.Resolve(source)
	problems = append(problems, missing...)
	if fleet != nil {
		problems = append(problems, check.Run(fleet)...)
		problems = append(problems, rego.Check(source.Rego, fleet.ReviewerNames())...)
	}
	return fleet, schema.SortProblems(problems), nil
}

// RuleBundleSize is the ID of the one problem that shows only when everything is emitted.
const RuleBundleSize = "bundle-size"

func bundleSize(large *emit.BundleTooLargeError) schema.Problem {
	at := large.Environment.From.Position()
	return schema.Problem{Position: at, Severity: schema.Error, Message: large.Error(), Rule: RuleBundleSize}
}

// Stops says whether any of the problems stops the compiler.
func Stops(problems []schema.Problem, strict bool) bool {
	for _, p := range problems {
		if strict || p.Severity == schema.Error {
			return true
		}
	}
	return false
}
