// Package check holds the rules that a fleet must keep before anything is written. One rule is one file, one ID, one golden
// case in testdata and one heading in docs/rules.md, all the same word.
//
// A rule reads the fleet and reports what is wrong at the place where it was written. It never changes anything.
package check

import (
	"fmt"
	"slices"
	"strings"

	"agentc/compiler/model"
	"agentc/schema"
)

// Rule is one thing that a spec must keep.
type Rule struct {
	ID       string
	Severity schema.Severity
	run      func(*pass)
}

// pass is one rule at work on one fleet.
type pass struct {
	*model.Fleet
	rule     Rule
	problems []schema.Problem
	partial  map[schema.Problem][]string // the environments in which a problem shows
}

// Run applies every rule to a fleet.
func Run(fleet *model.Fleet) []schema.Problem {
	var problems []schema.Problem
	for _, r := range Rules {
		if slices.Contains(speakOfGaps, r.ID) && (slices.ContainsFunc(problems, makesGap) || slices.ContainsFunc(fleet.Written.Agents, nameless)) {
			continue
		}
		p := &pass{Fleet: fleet, rule: r, partial: map[schema.Problem][]string{}}
		r.run(p)
		problems = append(problems, p.problems...)
		problems = append(problems, p.merged()...)
	}
	return schema.SortProblems(problems)
}

// A misspelt name takes an edge or an endpoint out of the fleet. Rules about what nobody accepts, asks for, calls or reaches
// would then speak of the hole rather than of the mistake: they wait until the names are right.
var (
	makeGaps    = []string{"unknown-agent", "unknown-skill", "unknown-endpoint", "edge-not-accepted"}
	speakOfGaps = []string{"edge-not-accepted", "edge-not-requested", "skill-unreachable", "endpoint-unused", "rule-unmatched", "rule-never-matters"}
)

func makesGap(p schema.Problem) bool { return slices.Contains(makeGaps, p.Rule) }

// nameless says that an agent's name could not be read.
func nameless(doc *schema.Document) bool { return doc.Agent.Metadata.Name == "" }

// report says what is wrong at a value of the spec.
func (p *pass) report(at schema.Ref, format string, args ...any) {
	p.problems = append(p.problems, p.problem(at.Position(), format, args...))
}

// reportIn says what is wrong in one environment. What holds in all of them is said once, and names none.
func (p *pass) reportIn(env *model.Environment, at schema.Ref, format string, args ...any) {
	problem := p.problem(at.Position(), format, args...)
	p.partial[problem] = append(p.partial[problem], env.Name)
}

func (p *pass) problem(at schema.Position, format string, args ...any) schema.Problem {
	return schema.Problem{Position: at, Severity: p.rule.Severity, Message: fmt.Sprintf(format, args...), Rule: p.rule.ID}
}

func (p *pass) merged() []schema.Problem {
	var all []schema.Problem
	for problem, envs := range p.partial { // Run sorts them
		if envs = slices.Compact(envs); len(envs) < len(p.Environments) {
			problem.Message += " (in " + and(envs) + ")"
		}
		all = append(all, problem)
	}
	return all
}

// unknown reports a name that stands for nothing, with the nearest one that does. Among known names, an empty one is a name
// that could not be read: it may be the one that is meant, and the reader has spoken of it.
func (p *pass) unknown(at schema.Ref, kind, name string, known []string) {
	if name != "" && !slices.Contains(known, "") {
		p.report(at, "unknown %s %q; %s", kind, name, instead(name, known))
	}
}

// unknownIn is unknown for names that an environment may lack.
func (p *pass) unknownIn(env *model.Environment, at schema.Ref, kind, name string, known []string) {
	if name != "" && !slices.Contains(known, "") {
		p.reportIn(env, at, "unknown %s %q; %s", kind, name, instead(name, known))
	}
}

// instead says which name may have been meant.
func instead(name string, known []string) string {
	switch near := schema.Nearest(name, known); {
	case near != "":
		return fmt.Sprintf("did you mean %q?", near)
	case len(known) == 0:
		return "there is none"
	case len(known) == 1:
		return "there is only " + known[0]
	default:
		return "there are " + list(known)
	}
}

// list names up to eight words for a message.
func list(words []string) string {
	const most = 8
	if len(words) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), len(words)-most)
	}
	return and(words)
}

// and joins words: `a, b and c`.
func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// in makes a reference into a document of the spec.
func in(doc *schema.Document, format string, args ...any) schema.Ref {
	return schema.Ref{Doc: doc, Path: fmt.Sprintf(format, args...)}
}

// at goes on from a reference to a value below it.
func at(ref schema.Ref, format string, args ...any) schema.Ref {
	ref.Path = strings.TrimPrefix(ref.Path+"."+fmt.Sprintf(format, args...), ".")
	return ref
}

// nearest leads to the first of several workload values of an agent that somebody wrote, those in the agent's own file
// first; where nobody wrote any, to otherwise.
func nearest(a *model.Agent, otherwise schema.Ref, paths ...string) schema.Ref {
	var elsewhere []schema.Ref
	for _, path := range paths {
		switch from := a.Source(path); {
		case from.Layer == "default":
		case from.Doc == a.Doc:
			return from.Ref
		default:
			elsewhere = append(elsewhere, from.Ref)
		}
	}
	return append(elsewhere, otherwise)[0]
}
