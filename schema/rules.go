package schema

// The rules of the reader. Each has a golden case of its name in testdata and a heading in the catalogue.
const (
	ruleUnreadable   = "unreadable-file"
	ruleTooLarge     = "too-large"
	ruleBadText      = "bad-text"
	ruleSyntax       = "yaml-syntax"
	ruleSeveral      = "several-documents"
	ruleFeature      = "yaml-feature"
	ruleWrongKind    = "wrong-kind"
	ruleUnknownField = "unknown-field"
	ruleDuplicateKey = "duplicate-key"
	ruleMissingField = "missing-field"
	ruleWrongType    = "wrong-type"
	ruleQuoteIt      = "quote-it"
	ruleBadValue     = "bad-value"
	ruleArtifact     = "artifact-missing"
	ruleIgnored      = "ignored-file"
)

// RuleIDs are the IDs of all problems that Load reports.
var RuleIDs = []string{
	ruleUnreadable, ruleTooLarge, ruleBadText, ruleSyntax, ruleSeveral, ruleFeature, ruleWrongKind, ruleUnknownField,
	ruleDuplicateKey, ruleMissingField, ruleWrongType, ruleQuoteIt, ruleBadValue, ruleArtifact, ruleIgnored,
}

// maxProblems of one file. A file of a megabyte can hold a hundred thousand mistakes; nobody reads them.
const maxProblems = 500

// reporter collects the problems of one file.
type reporter struct {
	file     string
	problems []Problem
}

func (r *reporter) report(line, column int, rule, message string) {
	if len(r.problems) > maxProblems {
		return
	}
	if len(r.problems) == maxProblems {
		rule, message = ruleTooLarge, "this file has more problems than are listed; they show when the others are gone"
	}
	at := Position{File: r.file, Line: line, Column: column}
	r.problems = append(r.problems, Problem{Position: at, Severity: Error, Message: message, Rule: rule})
}
