package rego

import (
	"slices"

	"agentc/policies/core"

	"github.com/open-policy-agent/opa/v1/ast"
)

// outputs are the rules that the core reads.
var outputs = []string{"escalate", "reject", "threshold"}

// rules checks the shape of the rules of one team and that each of them has an effect: a misspelt `rejects` would be read by
// nobody, and what it was to stop would happen.
func (c *checker) rules(modules []*ast.Module) {
	uses := map[string][]string{} // by name of a rule: the names in it
	for _, module := range modules {
		uses[imported] = append(uses[imported], importsOf(module)...)
		for _, rule := range module.Rules {
			c.shape(rule)
			uses[name(rule)] = append(uses[name(rule)], namesIn(rule)...)
		}
	}
	used := reach(uses, append([]string{imported}, outputs...))
	for _, module := range modules {
		for _, rule := range module.Rules {
			if !used[name(rule)] {
				c.report(rule.Location, ruleRule, "nothing uses rule %q; %s", name(rule), oneOf(name(rule), outputs))
			}
		}
	}
}

func (c *checker) shape(rule *ast.Rule) {
	head := rule.Head
	switch name := name(rule); {
	case name == "threshold":
		if len(head.Ref()) != 1 || len(head.Args) > 0 || head.RuleKind() != ast.SingleValue {
			c.report(rule.Location, ruleRule, "threshold must be one number: `threshold := 97 if ...`")
		}
	case slices.Contains(outputs, name):
		if len(head.Ref()) != 1 || len(head.Args) > 0 || head.RuleKind() != ast.MultiValue {
			c.report(rule.Location, ruleRule, "%s must be a set of messages: `%s contains \"why\" if ...`", name, name)
		}
	}
}

// name is what a rule is called in its package: the first word of its head.
func name(rule *ast.Rule) string {
	head, _ := rule.Head.Ref()[0].Value.(ast.Var)
	return string(head)
}

// namesIn are all names in a rule that may be those of rules. A variable of the same name counts too: that can excuse a rule
// which nothing uses, and blame none.
func namesIn(rule *ast.Rule) []string {
	var names []string
	ast.WalkVars(rule, func(v ast.Var) bool {
		names = append(names, string(v))
		return false
	})
	ast.WalkRefs(rule, func(ref ast.Ref) bool {
		if len(ref) > 3 && ref.HasPrefix(ast.MustParseRef("data.reviewers")) {
			names = append(names, text(ref[3])) // data.reviewers.<team>.<name>
		}
		return false
	})
	// The rule's own head is no use of it.
	return slices.DeleteFunc(names, func(n string) bool { return n == name(rule) })
}

// text is a term's text, or nothing where it is something else.
func text(term *ast.Term) string {
	s, _ := term.Value.(ast.String)
	return string(s)
}

// imported stands for all imports where rules have their names.
const imported = "import"

// importsOf are the names of the rules that a file imports from its own package, perhaps to call them something else.
func importsOf(module *ast.Module) []string {
	var names []string
	for _, i := range module.Imports {
		if ref, ok := i.Path.Value.(ast.Ref); ok && len(ref) > 3 {
			names = append(names, text(ref[3])) // data.reviewers.<team>.<name>
		}
	}
	return names
}

// reach finds what some names use, directly or not.
func reach(uses map[string][]string, next []string) map[string]bool {
	used := map[string]bool{}
	for len(next) > 0 {
		name := next[0]
		next = next[1:]
		if !used[name] {
			used[name] = true
			next = append(next, uses[name]...)
		}
	}
	return used
}

// builtins refuses all but core.Builtins, also where they are only named.
func (c *checker) builtins(module *ast.Module) {
	ast.WalkRefs(module, func(ref ast.Ref) bool {
		name := ref.String()
		if _, exists := ast.BuiltinMap[name]; exists && !slices.Contains(core.Builtins, name) {
			c.report(ref[0].Location, ruleBuiltin, "builtin %s is not allowed: a review must have no side effect and depend on its input alone", name)
		}
		return false
	})
}

// references refuses all data but the team's own package, the environment, and the agents that the input names.
func (c *checker) references(module *ast.Module) {
	team, _ := teamOf(module)
	own := ast.MustParseRef("data.reviewers").Append(ast.StringTerm(team))
	check := func(ref ast.Ref) bool {
		if ref[0].Value.Compare(ast.DefaultRootDocument.Value) == 0 && !readable(ref, own) {
			c.report(ref[0].Location, ruleReference,
				"%s is not readable here; allowed are input, %s, data.agentc.environment and data.agentc.fleet.agents[input.resource.id]", ref, own)
		}
		if ref[0].Value.Compare(ast.InputRootDocument.Value) == 0 {
			c.input(ref)
		}
		return false
	}
	for _, i := range module.Imports {
		if ref, ok := i.Path.Value.(ast.Ref); ok {
			check(ref)
		}
	}
	for _, rule := range module.Rules { // not the module: its package is a reference, too
		ast.WalkRefs(rule, check)
	}
}

// inputs are what the input has, of both entry points; docs/reviewers.md says what each is. What is not listed below a name is open.
var inputs = map[string][]string{
	"input":         {"subject", "action", "resource", "context", "event"},
	"input.context": {"trace_id", "confidence", "anomaly", "parameters", "hour", "today"},
	"input.event":   {"source", "priority", "agent", "namespace"},
}

// input refuses what the input never has: a rule that asks for it would never hold, and nobody would notice.
func (c *checker) input(ref ast.Ref) {
	path := "input"
	for _, term := range ref[1:] {
		known, closed := inputs[path]
		word, is := term.Value.(ast.String)
		if !closed || !is {
			return
		}
		if !slices.Contains(known, string(word)) {
			c.report(term.Location, ruleReference, "%s has no %q; %s", path, string(word), oneOf(string(word), known))
			return
		}
		path += "." + string(word)
	}
}

// readable tells whether a reference into data is allowed. An agent is taken by a name that stands in the text or in the
// input, so that no review walks over the whole fleet.
func readable(ref, own ast.Ref) bool {
	if ref.HasPrefix(own) || ref.HasPrefix(ast.MustParseRef("data.agentc.environment")) {
		return true
	}
	agents := ast.MustParseRef("data.agentc.fleet.agents")
	if !ref.HasPrefix(agents) || len(ref) == len(agents) {
		return false
	}
	switch agent := ref[len(agents)].Value.(type) {
	case ast.String:
		return true
	case ast.Ref:
		return agent.HasPrefix(ast.InputRootRef) && agent.IsGround()
	}
	return false
}
