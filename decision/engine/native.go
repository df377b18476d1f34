package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"path"
	"strings"

	"agentc/decision/bundle"
	"agentc/decision/fleet"
	"agentc/policies/core"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
)

// When the table may answer in the place of the bundle's Rego, and how it is set up.

// tabular says whether the table answers as the bundle's Rego would: the core is the one that it was written after, nobody adds to the core, and the
// data says no more and no less than its types hold.
func (p *policy) tabular(b *bundle.Bundle, f *fleet.Fleet) bool {
	modules, err := core.Modules()
	if err != nil {
		return false
	}
	shipped := map[string][]byte{}
	for _, m := range modules {
		shipped["agentc/"+m.Name] = m.Text
	}
	for name, text := range shipped {
		if !bytes.Equal(b.Files[name], text) {
			return false
		}
	}
	for name, module := range p.modules {
		if _, is := teamOf(module); !is && shipped[name] == nil {
			return false
		}
	}
	return complete(f) && faithful(p.data, f)
}

// teamOf a module of package reviewers.<team>.
func teamOf(module *ast.Module) (string, bool) {
	parts := module.Package.Path
	if len(parts) != 3 || !parts.HasPrefix(reviewersRef) {
		return "", false
	}
	team, is := parts[2].Value.(ast.String)
	return string(team), is
}

var (
	reviewersRef   = ast.MustParseRef("data.reviewers")
	agentcRef      = ast.MustParseRef("data.agentc")
	environmentRef = ast.MustParseRef("data.agentc.environment")
)

// complete says whether nothing lacks whose absence Rego tells from a zero.
func complete(f *fleet.Fleet) bool {
	for _, agent := range f.Fleet.Agents {
		if agent == nil {
			return false
		}
		for _, skill := range agent.Skills {
			if skill == nil {
				return false
			}
			for _, grant := range skill.Callers {
				if grant == nil || grant.Rules == nil {
					return false
				}
			}
		}
		for _, caller := range agent.Callers {
			if caller == nil {
				return false
			}
		}
	}
	for _, rule := range f.Rules {
		if rule == nil || rule.Verdict == "" || rule.Reason == "" || rule.When == nil {
			return false
		}
	}
	for _, route := range f.Escalation.Routes {
		if route == nil || route.Quorum < 1 {
			return false
		}
	}
	return true
}

// faithful says whether the types hold what the data says, to the letter: no key in other letters or twice, no number that a float64 would round, no null.
func faithful(data map[string]any, f *fleet.Fleet) bool {
	text, err := json.Marshal(f)
	if err != nil {
		return false
	}
	typed, err := object(text)
	return err == nil && same(data, typed)
}

// same says whether a value was read as it is written; what was not written is zero.
func same(written, read any) bool {
	switch read := read.(type) {
	case map[string]any:
		written, is := written.(map[string]any)
		for name, value := range written {
			if there, known := read[name]; !known || !same(value, there) {
				return false
			}
		}
		for name, value := range read {
			if _, there := written[name]; !there && !zero(value) {
				return false
			}
		}
		return is
	case []any:
		written, is := written.([]any)
		if !is || len(written) != len(read) {
			return false
		}
		for i := range read {
			if !same(written[i], read[i]) {
				return false
			}
		}
		return true
	}
	return written == read && read != nil
}

func zero(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for _, inner := range value {
			if !zero(inner) {
				return false
			}
		}
		return true
	case []any:
		return len(value) == 0
	}
	return value == nil || value == false || value == "" || value == json.Number("0")
}

// useTable for what the data says, and the bundle's Rego for what the teams say. Both together are asked the bundle's own questions, and so is the Rego
// alone: they must say the same.
func (e *Engine) useTable(ctx context.Context, p *policy, b *bundle.Bundle) error {
	decision, err := p.prepare(ctx, "data.agentc.decision", store(p.data, false))
	if err != nil {
		return err
	}
	n, s, err := p.native(ctx, e.Fleet)
	if err != nil {
		return err
	}
	if e.threshold, err = p.prepare(ctx, "data.agentc.threshold", s); err != nil {
		return err
	}
	e.answerer, e.Native = n, true
	return e.selfTest(ctx, b.Files["selftest.json"], asked{decision})
}

// native answers, and the data that the bundle's Rego still needs.
func (p *policy) native(ctx context.Context, f *fleet.Fleet) (native, storage.Store, error) {
	s := store(p.readable(), true)
	said, err := p.prepare(ctx, "data.agentc.said", s)
	return native{newTable(f), p.speaks(), said}, s, err
}

// readable is the part of the data that the teams' Rego and the threshold read. The core reads agents, rules and routes; a team may read an agent.
func (p *policy) readable() map[string]any {
	part := map[string]any{"environment": p.data["environment"]}
	if anomaly, there := p.data["anomaly"]; there {
		part["anomaly"] = anomaly
	}
	for name, module := range p.compiler.Modules {
		if path.Dir(name) == "agentc" {
			continue
		}
		all := false
		ast.WalkRefs(module, func(ref ast.Ref) bool {
			// Either may be a prefix of the other: `data` alone is everything, and so is data[x].
			all = all || ref[0].Equal(ast.DefaultRootDocument) && !ref.HasPrefix(reviewersRef) && !ref.HasPrefix(environmentRef)
			return false
		})
		if all {
			return p.data
		}
	}
	return part
}

// speaks says whether any team has a set that the core asks for.
func (p *policy) speaks() bool { return len(p.written()) > 0 }

// native answers from the table, and asks the teams' Rego for its part.
type native struct {
	table *table
	teams bool // whether any team may say something
	said  rego.PreparedEvalQuery
}

func (n native) answer(ctx context.Context, q Question) (Answer, error) {
	if p := q.Properties; !plain(q.Context) || p.Subject != nil || p.Action != nil || p.Resource != nil {
		if _, err := q.terms(); err != nil {
			return Answer{}, err
		}
	}
	var space [4]grant
	grants := n.table.grants(q, space[:0])
	if len(grants) == 0 {
		return n.table.refusal(q), nil
	}
	var room [8]finding
	findings := n.table.stated(q, grants, room[:0])
	if n.teams {
		reviewed, err := n.reviewed(ctx, q, grants)
		if err != nil {
			return Answer{}, err
		}
		findings = append(findings, reviewed...)
	}
	return n.table.conclude(q, grants, findings), nil
}

// maxPlain is the length of a number that OPA takes for sure; it takes none beyond 2^100000, wherever it stands.
const maxPlain = 300

// plain says whether OPA takes a value for sure. Of others it is asked.
func plain(value any) bool {
	switch value := value.(type) {
	case nil, bool, string, int:
		return true
	case json.Number:
		return len(value) <= maxPlain && strings.Trim(string(value), "-.0123456789") == "" && value != ""
	case []any:
		for _, inner := range value {
			if !plain(inner) {
				return false
			}
		}
		return true
	case map[string]any:
		for _, inner := range value {
			if !plain(inner) {
				return false
			}
		}
		return true
	}
	return false
}

// reviewed is what the teams say of each skill that is asked for.
func (n native) reviewed(ctx context.Context, q Question, grants []grant) ([]finding, error) {
	v, err := q.terms()
	if err != nil {
		return nil, err
	}
	var all []finding
	for _, g := range grants {
		results, err := evaluate(ctx, n.said, v.input(q, g.name))
		if err != nil {
			return nil, err
		}
		for _, result := range results {
			said, _ := result.Expressions[0].Value.([]any)
			for _, item := range said {
				all = append(all, findingOf(item))
			}
		}
	}
	return all, nil
}

// findingOf what the core makes of a team's message.
func findingOf(item any) finding {
	object, _ := item.(map[string]any)
	text := func(name string) string {
		s, _ := object[name].(string)
		return s
	}
	return finding{verdict: text("verdict"), Reason: Reason{Rule: text("rule"), Reason: text("reason")}}
}
