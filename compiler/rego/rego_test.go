package rego

import (
	"strings"
	"testing"

	"agentc/policies/core"
	"agentc/schema"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
)

func TestCheck(t *testing.T) {
	const soc = "package reviewers.soc\n"
	for _, test := range []struct {
		name  string
		files []string // a.rego, b.rego
		want  []string
	}{
		{"none", nil, nil},
		{"everything that is allowed", []string{`package reviewers.soc

import data.reviewers.soc.words as bad_words

reject contains "forbidden word" if {
	some word in bad_words
	contains(lower(input.context.parameters.text), word)
}

reject contains sprintf("%s is on the block list", [input.subject.id]) if input.subject.id in blocked

escalate contains message if {
	not office_hours(input.context.hour)
	callee := data.agentc.fleet.agents[input.resource.id]
	callee.skills[input.action.name].risk == "high"
	message := $"{input.action.name} at night in {data.agentc.environment.name}"
}

default threshold := 97

threshold := 90 if input.event.source == "falco"

office_hours(hour) if {
	hour >= 8
	hour < 18
}
`, `package reviewers.soc

words := {"drop", "wipe"}

blocked contains "spiffe://soc.example/ns/soc-a/sa/a"
`}, nil},
		{"two teams", []string{soc + `reject contains "a" if input.action`, "package reviewers.ai\n" + `reject contains "a" if input.action`}, nil},

		{"empty", []string{""}, []string{"a.rego:1:1: error: empty module [rego-syntax]"}},
		{"no Rego", []string{soc + "reject contains"}, []string{
			"a.rego:2:15: error: unexpected eof token [rego-syntax]",
			"a.rego:2:15: error: unexpected eof token: expected rule key term (e.g., reject contains <VALUE> { ... }) [rego-syntax]",
		}},
		{"a file that cannot be read blames no other", []string{"package", soc + "words := {\"a\"}"}, []string{
			"a.rego:1:7: error: unexpected eof token [rego-syntax]",
		}},
		{"Rego v0", []string{soc + `reject["no"] { input.action }`}, []string{
			"a.rego:2:1: error: `contains` keyword is required for partial set rules [rego-syntax]",
			"a.rego:2:1: error: `if` keyword is required before rule body [rego-syntax]",
		}},
		{"unsafe variable", []string{soc + `reject contains message if input.action`}, []string{
			"a.rego:2:17: error: var message is unsafe [rego-syntax]",
		}},
		{"type error", []string{soc + `reject contains "no" if 1 + "a" == 2`}, []string{
			"a.rego:2:25: error: plus: invalid argument(s) [rego-syntax]",
		}},
		{"unused variable is strict", []string{soc + "reject contains \"no\" if {\n\tx := 1\n\tinput.action\n}"}, []string{
			"a.rego:3:2: error: assigned var x unused [rego-syntax]",
		}},
		{"columns count characters", []string{soc + `reject contains "größer" if undefined_function(1)`}, []string{
			"a.rego:2:29: error: undefined function undefined_function [rego-syntax]",
		}},
		{"recursion", []string{soc + "reject contains \"a\" if _b\n_b if _c\n_c if _b"}, []string{
			"a.rego:3:1: error: rule data.reviewers.soc._b is recursive: data.reviewers.soc._b -> data.reviewers.soc._c -> data.reviewers.soc._b [rego-syntax]",
			"a.rego:4:1: error: rule data.reviewers.soc._c is recursive: data.reviewers.soc._c -> data.reviewers.soc._b -> data.reviewers.soc._c [rego-syntax]",
		}},

		{"other package", []string{"package agentc\ndecision := true"}, []string{
			"a.rego:1:1: error: data.agentc is not a package of reviewers; write `package reviewers.<team>` [rego-package]",
		}},
		{"package of nobody", []string{"package reviewers\nreject contains \"a\""}, []string{
			"a.rego:1:1: error: data.reviewers is not a package of reviewers; write `package reviewers.<team>` [rego-package]",
		}},
		{"package below a team", []string{"package reviewers.soc.night\nreject contains \"a\""}, []string{
			"a.rego:1:1: error: data.reviewers.soc.night is not a package of reviewers; write `package reviewers.<team>` [rego-package]",
		}},
		{"unknown team", []string{"package reviewers.sok\nreject contains \"a\""}, []string{
			"a.rego:1:1: error: unknown team \"sok\"; did you mean \"soc\"? [rego-package]",
		}},

		{"reject is a value", []string{soc + "reject if input.action"}, []string{
			"a.rego:2:1: error: reject must be a set of messages: `reject contains \"why\" if ...` [rego-rule]",
		}},
		{"reject is an object", []string{soc + "reject[\"a\"] := 1 if input.action"}, []string{
			"a.rego:2:1: error: reject must be a set of messages: `reject contains \"why\" if ...` [rego-rule]",
		}},
		{"reject is a function", []string{soc + "reject(x) := x"}, []string{
			"a.rego:2:1: error: reject must be a set of messages: `reject contains \"why\" if ...` [rego-rule]",
		}},
		{"escalate below", []string{soc + "escalate.high contains \"a\" if input.action"}, []string{
			"a.rego:2:1: error: escalate must be a set of messages: `escalate contains \"why\" if ...` [rego-rule]",
		}},
		{"threshold is a set", []string{soc + "threshold contains 97"}, []string{
			"a.rego:2:1: error: threshold must be one number: `threshold := 97 if ...` [rego-rule]",
		}},
		{"misspelt", []string{soc + "rejects contains \"a\" if input.action"}, []string{
			"a.rego:2:1: error: nothing uses rule \"rejects\"; did you mean \"reject\"? [rego-rule]",
		}},
		{"execute", []string{soc + "execute contains \"a\" if input.action"}, []string{
			"a.rego:2:1: error: nothing uses rule \"execute\"; known are escalate, reject, threshold [rego-rule]",
		}},
		{"helper of a helper that nothing uses", []string{soc + "a if b\nb if input.action"}, []string{
			"a.rego:2:1: error: nothing uses rule \"a\"; known are escalate, reject, threshold [rego-rule]",
			"a.rego:3:1: error: nothing uses rule \"b\"; known are escalate, reject, threshold [rego-rule]",
		}},

		{"network", []string{soc + `reject contains "a" if http.send({"method": "get", "url": input.context}).status_code == 200`}, []string{
			"a.rego:2:24: error: builtin http.send is not allowed: a review must have no side effect and depend on its input alone [rego-builtin]",
		}},
		{"clock", []string{soc + `reject contains "a" if time.now_ns() > 5`}, []string{
			"a.rego:2:24: error: builtin time.now_ns is not allowed: a review must have no side effect and depend on its input alone [rego-builtin]",
		}},
		{"environment", []string{soc + `reject contains opa.runtime().env.HOME`}, []string{
			"a.rego:2:17: error: builtin opa.runtime is not allowed: a review must have no side effect and depend on its input alone [rego-builtin]",
		}},
		{"print", []string{soc + "reject contains \"a\" if {\n\tprint(input)\n}"}, []string{
			"a.rego:3:2: error: builtin print is not allowed: a review must have no side effect and depend on its input alone [rego-builtin]",
		}},
		{"builtin replaced", []string{soc + "reject contains \"a\" if input.action with http.send as 1"}, []string{
			"a.rego:2:42: error: builtin http.send is not allowed: a review must have no side effect and depend on its input alone [rego-builtin]",
		}},

		{"another team's package", []string{soc + "reject contains \"a\" if data.reviewers.ai.reject"}, []string{
			"a.rego:2:24: error: data.reviewers.ai.reject is not readable here; allowed are input, data.reviewers.soc, data.agentc.environment and data.agentc.fleet.agents[input.resource.id] [rego-reference]",
		}},
		{"all teams' packages", []string{soc + "reject contains x if x := data.reviewers[_].reject"}, []string{
			"a.rego:2:27: error: data.reviewers[_].reject is not readable here; allowed are input, data.reviewers.soc, data.agentc.environment and data.agentc.fleet.agents[input.resource.id] [rego-reference]",
		}},
		{"all data", []string{soc + "reject contains \"a\" if count(data) > 1"}, []string{
			"a.rego:2:30: error: data is not readable here; allowed are input, data.reviewers.soc, data.agentc.environment and data.agentc.fleet.agents[input.resource.id] [rego-reference]",
		}},
		{"the decision itself", []string{soc + "reject contains \"a\" if data.agentc.decision.decision"}, []string{
			"a.rego:2:24: error: data.agentc.decision.decision is not readable here; allowed are input, data.reviewers.soc, data.agentc.environment and data.agentc.fleet.agents[input.resource.id] [rego-reference]",
		}},
		{"the whole fleet", []string{soc + "reject contains \"a\" if {\n\tsome a in data.agentc.fleet.agents\n\ta.id == input.subject.id\n}"}, []string{
			"a.rego:3:12: error: data.agentc.fleet.agents is not readable here; allowed are input, data.reviewers.soc, data.agentc.environment and data.agentc.fleet.agents[input.resource.id] [rego-reference]",
		}},
		{"any agent", []string{soc + "reject contains \"a\" if {\n\tsome a\n\tdata.agentc.fleet.agents[a].id == input.subject.id\n}"}, []string{
			"a.rego:4:2: error: data.agentc.fleet.agents[a].id is not readable here; allowed are input, data.reviewers.soc, data.agentc.environment and data.agentc.fleet.agents[input.resource.id] [rego-reference]",
		}},
		{"import of the fleet", []string{"package reviewers.soc\nimport data.agentc.fleet\nreject contains \"a\" if fleet.agents[_].id"}, []string{
			"a.rego:2:8: error: data.agentc.fleet is not readable here; allowed are input, data.reviewers.soc, data.agentc.environment and data.agentc.fleet.agents[input.resource.id] [rego-reference]",
		}},
		{"several mistakes at once", []string{soc + "rejects contains \"a\" if time.now_ns() > 5", "package reviewers.soc\nreject contains data.x"}, []string{
			"a.rego:2:1: error: nothing uses rule \"rejects\"; did you mean \"reject\"? [rego-rule]",
			"a.rego:2:25: error: builtin time.now_ns is not allowed: a review must have no side effect and depend on its input alone [rego-builtin]",
			"b.rego:2:17: error: data.x is not readable here; allowed are input, data.reviewers.soc, data.agentc.environment and data.agentc.fleet.agents[input.resource.id] [rego-reference]",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var files []schema.Rego
			for i, text := range test.files {
				files = append(files, schema.Rego{File: string(rune('a'+i)) + ".rego", Text: []byte(text)})
			}
			var got []string
			for _, p := range Check(files, []string{"ai", "soc"}) {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What is allowed must exist and, as far as OPA itself says so, be deterministic.
func TestAllowedBuiltins(t *testing.T) {
	for _, name := range core.Builtins {
		switch builtin := ast.BuiltinMap[name]; {
		case builtin == nil:
			t.Errorf("there is no builtin %s", name)
		case builtin.IsNondeterministic() || builtin.IsDeprecated():
			t.Errorf("builtin %s is deprecated or not deterministic", name)
		}
	}
}

func TestTeam(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"package reviewers.soc\nreject contains \"a\"", "soc"},
		{"package reviewers[\"night-shift\"]\nreject contains \"a\"", "night-shift"},
		{"package agentc\nreject contains \"a\"", ""},
		{"package", ""},
	} {
		got, err := Team(schema.Rego{File: "a.rego", Text: []byte(test.text)})
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("Team(%q) = %q, %v; want %q", test.text, got, err, test.want)
		}
	}
}

// The core itself needs nothing that is not allowed.
func TestCoreKeepsToTheList(t *testing.T) {
	modules, err := core.Modules()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules {
		c := &checker{}
		module, err := parse(schema.Rego{File: m.Name, Text: m.Text})
		if err != nil {
			t.Fatal(err)
		}
		if c.builtins(module); len(c.problems) > 0 {
			t.Error(c.problems)
		}
	}
}

// FuzzCheck tries that no text makes Check fail and that every problem lies in its file.
func FuzzCheck(f *testing.F) {
	for _, text := range []string{
		"package reviewers.soc\nreject contains \"a\" if input.action == data.b with http.send as 1",
		"package reviewers.soc\nimport data.reviewers.soc.b as c\nthreshold := c\nb := 3 if false\nelse := 4",
		"package a", "package reviewers[x]\n", "", "\x00", "package reviewers.soc\np[x][y] contains 1 if some x, y in {}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range Check([]schema.Rego{{File: "a.rego", Text: []byte(text)}}, []string{"soc"}) {
			if lines := 1 + strings.Count(text, "\n"); p.File != "a.rego" || p.Line < 1 || p.Line > lines || p.Column < 1 {
				t.Errorf("%v lies outside the file", p)
			}
		}
	})
}
