// Package check holds the rules that a fleet must keep before anything is written. One rule is one file, one ID, one golden
// case in testdata and one heading in docs/rules.md, all the same word.
//
// A rule reads the fleet and reports what is wrong at the place where it was written. It never changes anything and never
// stops another rule.
package check

import (
	"fmt"
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
}

// Run applies every rule to a fleet. What holds in several environments is reported once.
func Run(fleet *model.Fleet) []schema.Problem {
	var problems []schema.Problem
	for _, r := range Rules {
		p := &pass{Fleet: fleet, rule: r}
		r.run(p)
		problems = append(problems, p.problems...)
	}
	return schema.SortProblems(problems)
}

// report says what is wrong at a value of the spec.
func (p *pass) report(at schema.Ref, format string, args ...any) {
	p.problems = append(p.problems, schema.Problem{
		Position: at.Position(),
		Severity: p.rule.Severity,
		Message:  fmt.Sprintf(format, args...),
		Rule:     p.rule.ID,
	})
}

// unknown reports a name that stands for nothing, with the nearest one that does.
func (p *pass) unknown(at schema.Ref, kind, name string, known []string) {
	switch near := schema.Nearest(name, known); {
	case near != "":
		p.report(at, "unknown %s %q; did you mean %q?", kind, name, near)
	case len(known) == 0:
		p.report(at, "unknown %s %q; there is none", kind, name)
	default:
		p.report(at, "unknown %s %q; there are %s", kind, name, list(known))
	}
}

// list names up to eight words for a message.
func list(words []string) string {
	const most = 8
	if len(words) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), len(words)-most)
	}
	return strings.Join(words, ", ")
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
