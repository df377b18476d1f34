package schema

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity of a problem.
type Severity string

// An error stops the compiler; a warning does so under --strict.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Position is a place in a file. Line and Column count from 1; columns count characters.
type Position struct {
	File   string
	Line   int
	Column int
}

func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Problem is an author's mistake: where it is, what it is, what is allowed, and the rule that says so.
// Our own failures are errors, never problems.
type Problem struct {
	Position
	Severity Severity
	Message  string
	Rule     string

	// Spec is the line of the spec that a problem of a generated file goes back to; zero where Position is in the spec.
	Spec Position
}

func (p Problem) String() string {
	return fmt.Sprintf("%s: %s: %s [%s]", p.Position, p.Severity, p.Message, p.Rule)
}

// SortProblems orders problems by position, then by rule and message, and drops repetitions.
func SortProblems(problems []Problem) []Problem {
	slices.SortFunc(problems, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(problems)
}
