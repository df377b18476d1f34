package emit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"agentc/compiler/model"
)

// selfTestData is selftest.json: questions with the answers that a loader must get before it uses the bundle. OPA itself
// does not read it. A loader puts each question as a call would: subject and resource of type agent, the caller and the
// callee as their ids, the skill as the action's name, and the context of each case.
//
// Its size is linear in edges and rules. Each skill of an edge is asked once for each verdict that it can get; the boundaries
// of rules are asked once for each list of rules, since skills with equal lists behave alike. Of what nobody may ask there are
// samples: beside each edge, a skill that it does not grant and a call without a skill; for each agent, strangers.
//
// What is equal is written once, or a large fleet's bundle would be mostly this: skills with equal lists of rules share
// their cases, and the questions of one caller to one callee share a line.
type selfTestData struct {
	Format  int                     `json:"format"`
	Cases   map[string][]vectorCase `json:"cases"`
	Vectors []vector                `json:"vectors"`
}

// vector is what one caller asks of one callee.
type vector struct {
	Caller string            `json:"caller"` // SPIFFE id
	Callee string            `json:"callee"`
	Skills map[string]string `json:"skills"` // the skill, empty where the call names none → the name of its cases
}

// vectorCase is one circumstance with its answer: Verdict and Rules where it is known exactly, else AtLeast. Where users'
// Rego takes part, only the mildest verdict that is possible is known without asking the engine that is under test.
type vectorCase struct {
	Context vectorContext `json:"context"`
	Verdict string        `json:"verdict,omitempty"`
	Rules   []string      `json:"rules,omitempty"`
	AtLeast string        `json:"atLeast,omitempty"`
}

type vectorContext struct {
	Confidence *float64       `json:"confidence,omitempty"`
	Anomaly    *vectorAnomaly `json:"anomaly,omitempty"`
}

type vectorAnomaly struct {
	Percentile float64 `json:"percentile"`
}

// encode writes a line for each name and each vector: a review shows which calls changed.
func (s selfTestData) encode() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out) // ends each value in a newline
	enc.SetEscapeHTML(false)
	var failed error
	line := func(first bool, key string, v any) {
		if !first {
			out.WriteByte(',')
		}
		out.WriteString(key)
		if err := enc.Encode(v); err != nil {
			failed = err
		}
	}
	fmt.Fprintf(&out, "{\"format\": %d, \"cases\": {\n", s.Format)
	for i, name := range slices.Sorted(maps.Keys(s.Cases)) {
		line(i == 0, fmt.Sprintf("%q: ", name), s.Cases[name])
	}
	out.WriteString("}, \"vectors\": [\n")
	for i, v := range s.Vectors {
		line(i == 0, "", v)
	}
	out.WriteString("]}\n")
	return out.Bytes(), failed
}

// What no spec can name.
const (
	strangeSkill = "no such skill"
	strangeAgent = "no such agent"
)

// Names of cases beside those that are lists of rules. What is refused is named after the reason.
const (
	noEdge         = "no-edge"
	noSkill        = "no-skill"
	noRules        = "no-rule"
	everySkill     = "every skill: "
	withBoundaries = ", at the boundaries"
)

// vectors collects the self-test of one environment.
type vectors struct {
	env  *model.Environment
	data selfTestData
}

func selfTestOf(env *model.Environment) selfTestData {
	v := &vectors{env, selfTestData{Format: BundleFormat, Cases: map[string][]vectorCase{noEdge: refused(noEdge), noSkill: refused(noSkill)}}}
	v.ask(env.System.SPIFFE, strangeAgent, strangeSkill, noEdge)
	for _, a := range env.Agents {
		v.agent(a)
	}
	return v.data
}

func (v *vectors) agent(a *model.Agent) {
	if len(a.Skills) > 0 {
		v.ask(a.SPIFFE, a.Name, a.Skills[0].ID, noEdge) // itself
	}
	for i, e := range a.Callers {
		skills := v.edge(e)
		if i == 0 {
			skills[strangeSkill] = noEdge
			v.ask(foreign(e.Caller), a.Name, e.Grants[0].Skill.ID, noEdge)
		}
		v.data.Vectors = append(v.data.Vectors, vector{e.Caller.SPIFFE, a.Name, skills})
	}
}

// foreign is a caller of the same name in another trust domain.
func foreign(caller model.Identity) string {
	return strings.Replace(caller.SPIFFE, "spiffe://", "spiffe://elsewhere.", 1)
}

// edge is what the caller asks for, granted or not.
func (v *vectors) edge(e *model.Edge) map[string]string {
	skills := map[string]string{"": noSkill}
	for _, g := range e.Grants {
		skills[g.Skill.ID] = v.granted(e, g)
	}
	if s := notGranted(e); s != nil {
		skills[s.ID] = noEdge
	}
	if e.AllSkills {
		skills[""] = v.unnamed(e.Grants)
	}
	return skills
}

// notGranted is a skill of the callee that the edge does not grant, if there is one.
func notGranted(e *model.Edge) *model.Skill {
	for _, s := range e.Callee.Skills {
		if !slices.ContainsFunc(e.Grants, func(g *model.Grant) bool { return g.Skill.ID == s.ID }) {
			return s
		}
	}
	return nil
}

func (v *vectors) ask(caller, callee, skill, cases string) {
	v.data.Vectors = append(v.data.Vectors, vector{caller, callee, map[string]string{skill: cases}})
}

// refused is the answer where no rule of a reviewer is asked.
func refused(reason string) []vectorCase {
	return []vectorCase{{Verdict: "auto-reject", Rules: []string{reason}}}
}

// granted names the cases of a list of rules. Where the list is new, its boundaries are asked as well.
func (v *vectors) granted(e *model.Edge, g *model.Grant) string {
	name := listName(g)
	if _, known := v.data.Cases[name]; known {
		return name
	}
	list := newRuleList(g)
	v.data.Cases[name] = v.casesOf(list.verdicts, g)
	if further := uniqueSituations(slices.Concat(list.verdicts, list.boundaries))[len(list.verdicts):]; len(further) > 0 {
		v.data.Cases[name+withBoundaries] = v.casesOf(further, g)
		v.ask(e.Caller.SPIFFE, e.Callee.Name, g.Skill.ID, name+withBoundaries)
	}
	return name
}

// unnamed names the cases of a call that names no skill on an edge that grants them all.
func (v *vectors) unnamed(grants []*model.Grant) string {
	var lists []string
	for _, g := range grants {
		lists = append(lists, listName(g))
	}
	slices.Sort(lists)
	name := everySkill + strings.Join(slices.Compact(lists), "; ")
	if _, known := v.data.Cases[name]; !known {
		v.data.Cases[name] = v.casesOf([]situation{{}}, grants...)
	}
	return name
}

// listName is the rules that can apply to a grant.
func listName(g *model.Grant) string {
	if len(g.Rules) == 0 {
		return noRules
	}
	return strings.Join(ruleIDs(g), " ")
}

func (v *vectors) casesOf(situations []situation, grants ...*model.Grant) []vectorCase {
	var cases []vectorCase
	for _, s := range situations {
		c := vectorCase{Context: vectorContext{Confidence: s.confidence}}
		if s.anomaly != nil {
			c.Context.Anomaly = &vectorAnomaly{Percentile: *s.anomaly}
		}
		r := judge(s, grants...)
		if len(v.env.Policy.Rego) > 0 {
			c.AtLeast = r.verdict
		} else {
			c.Verdict, c.Rules = r.verdict, r.rules
		}
		cases = append(cases, c)
	}
	return cases
}
