package verdict

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"agentc/compiler/claims"

	"github.com/open-policy-agent/opa/v1/ast"
)

// What no spec can name.
const (
	noSuchAgent = "no such agent"
	noSuchSkill = "no such skill"
	typeAgent   = "agent"
)

// question is one call.
type question struct {
	caller, callee, skill string
	subject, resource     string // their types
	situation
}

func (q question) input() ast.Value {
	var context []*[2]*ast.Term
	if q.confidence.sent != nil {
		context = append(context, &[2]*ast.Term{ast.InternedTerm("confidence"), ast.NewTerm(q.confidence.sent)})
	}
	if q.anomaly.sent != nil {
		context = append(context, &[2]*ast.Term{ast.InternedTerm("anomaly"), ast.NewTerm(q.anomaly.sent)})
	}
	now := ast.NewObject()
	for _, pair := range context {
		now.Insert(pair[0], pair[1])
	}
	return object("subject", object("type", text(q.subject), "id", text(q.caller)), "action", object("name", text(q.skill)),
		"resource", object("type", text(q.resource), "id", text(q.callee)), "context", now)
}

func text(s string) ast.Value { return ast.String(s) }

// object makes an object of keys and values.
func object(pairs ...any) ast.Object {
	o := ast.NewObject()
	for i := 0; i < len(pairs); i += 2 {
		o.Insert(ast.InternedTerm(pairs[i].(string)), ast.NewTerm(pairs[i+1].(ast.Value)))
	}
	return o
}

// asker puts questions to OPA and compares the answers with what is declared.
type asker struct {
	spec    *spec
	engines *engines
	keys    map[string]agentKeys // of the data that is judged, by agent
	options
	lists   map[string][]situation // lists of rules that were tried in every situation, with what is left to try of others like them
	answers sync.Map               // of the whole bundle, by question: the self-test mostly asks what was asked before
	count   atomic.Int64
}

// all asks everything. What is asked of one agent is decided first, so that the answers do not depend on who is faster.
func (a *asker) all(ctx context.Context, r *report, packed map[string][]byte) error {
	tests, faults := a.selfTests(packed[selfTestFile])
	for _, some := range [][]task{append(a.tasks(), a.thresholds), tests} {
		faults = append(faults, concurrently(ctx, some)...)
	}
	for _, f := range faults {
		r.fault(f)
	}
	return ctx.Err()
}

// concurrently does tasks as fast as the machine can, and returns what they found in their order.
func concurrently(ctx context.Context, tasks []task) []fault {
	found := make([][]fault, len(tasks))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(tasks)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				found[i] = tasks[i](ctx)
			}
		})
	}
	workers.Wait()
	return slices.Concat(found...)
}

// task asks one agent's questions.
type task func(ctx context.Context) []fault

func (a *asker) tasks() []task {
	var all []task
	add := func(questions []question) {
		all = append(all, func(ctx context.Context) []fault {
			var faults []fault
			for _, q := range questions {
				if f, differs := a.ask(ctx, q); differs {
					faults = append(faults, f)
				}
			}
			return faults
		})
	}
	for i := range a.spec.Agents {
		add(a.questions(&a.spec.Agents[i]))
	}
	unknown := []string{noSuchAgent, ""}
	for _, name := range sortedKeys(a.keys) {
		if a.spec.agents[name] == nil {
			unknown = append(unknown, name)
		}
	}
	for _, name := range unknown {
		add(a.questionsOfNobody(name))
	}
	return all
}

// questionsOfNobody ask for an agent that is not there.
func (a *asker) questionsOfNobody(name string) []question {
	var all []question
	for _, caller := range append(a.others(name, nil), a.keys[name].callers...) {
		for _, skill := range append([]string{"", noSuchSkill}, a.keys[name].skills...) {
			all = append(all, question{caller, name, skill, typeAgent, typeAgent, situation{}})
		}
	}
	return all
}

// questions are everything that there is to ask of one agent.
func (a *asker) questions(callee *claims.Callee) []question {
	keys := a.keys[callee.Name]
	var skills, callers []string
	for _, s := range callee.Skills {
		skills = append(skills, s.ID)
	}
	for _, e := range callee.Callers {
		callers = append(callers, e.SPIFFE)
	}
	skills = append(merged(skills, keys.skills), "", noSuchSkill)
	callers = merged(callers, keys.callers)
	var all []question
	ask := func(caller string, skills []string) {
		for _, skill := range skills {
			q := question{caller, callee.Name, skill, typeAgent, typeAgent, situation{}}
			for _, now := range a.situations(q) {
				q.situation = now
				all = append(all, q)
			}
		}
	}
	for _, caller := range callers {
		ask(caller, skills)
	}
	if a.large() {
		skills = skills[:1]
	}
	for _, caller := range a.others(callee.Name, callers) {
		ask(caller, skills)
	}
	return append(all, a.wrongTypes(callee)...)
}

// large says whether samples stand for those without an edge.
func (a *asker) large() bool { return len(a.spec.env.Workloads) > a.few && !a.exhaustive }

// wrongTypes are calls that would be granted if they were between agents.
func (a *asker) wrongTypes(callee *claims.Callee) []question {
	var all []question
	for _, e := range callee.Callers[:min(1, len(callee.Callers))] {
		skills := []string{e.Grants[0].Skill}
		if !a.large() || e.AllSkills {
			skills = append(skills, "")
		}
		for _, skill := range skills {
			for _, types := range [][2]string{{"user", typeAgent}, {typeAgent, "endpoint"}, {"", typeAgent}, {typeAgent, ""}} {
				all = append(all, question{e.SPIFFE, callee.Name, skill, types[0], types[1], situation{}})
			}
		}
	}
	return all
}

// situations are those in which a call is tried: all where it uses a list of rules that was not tried yet, else the one where nothing is
// known and the mildest.
func (a *asker) situations(q question) []situation {
	edge := a.spec.edge(q.callee, q.caller)
	if edge == nil {
		return []situation{{}}
	}
	var rules []*claims.Rule
	var list []string
	for _, g := range edge.Grants {
		if g.Skill == q.skill || q.skill == "" && edge.AllSkills {
			// In the data the list may be another one: then it was not tried.
			list = append(list, strings.Join(g.Rules, " "), strings.Join(a.keys[q.callee].rules[[2]string{g.Skill, q.caller}], " "))
			for _, id := range g.Rules {
				rules = append(rules, a.spec.rules[id])
			}
		}
	}
	if list == nil {
		return []situation{{}}
	}
	name := strings.Join(list, "\n")
	if sparse, tried := a.lists[name]; tried && !a.exhaustive {
		return sparse
	}
	all := situationsOf(rules)
	a.lists[name] = unique([]situation{{}, a.mildest(q, all)})
	return all
}

// mildest is the first situation with the mildest verdict.
func (a *asker) mildest(q question, all []situation) situation {
	mildest, least := all[0], len(severities)
	for _, now := range all {
		q.situation = now
		if s := severity(a.spec.declared(q).verdict); s < least {
			mildest, least = now, s
		}
	}
	return mildest
}

// others are those without an edge: the other workloads of the fleet, a stranger, and the callers' names in another trust domain.
func (a *asker) others(callee string, callers []string) []string {
	workloads := a.spec.env.Workloads
	start := slices.IndexFunc(workloads, func(w claims.Workload) bool { return w.Name == callee })
	var all []string
	for i := range workloads {
		w := workloads[(i+max(start, 0))%len(workloads)] // the agent itself first, then its neighbours
		if slices.Contains(callers, w.SPIFFE) {
			continue
		}
		if all = append(all, w.SPIFFE); len(all) == 3 && a.large() {
			break
		}
	}
	domain := a.spec.env.TrustDomain
	all = append(all, "spiffe://"+domain+"/ns/nobody/sa/nobody", "")
	for i, caller := range callers {
		if i == 0 || a.exhaustive {
			all = append(all, strings.Replace(caller, "spiffe://", "spiffe://elsewhere.", 1))
		}
	}
	return all
}

// ask puts one question. It says what is wrong with the answer, if anything is.
func (a *asker) ask(ctx context.Context, q question) (fault, bool) {
	want := a.spec.declared(q)
	got := a.decide(ctx, q)
	if reviewers := reviewersOf(got.rules); a.engines.core != nil && len(reviewers) > 0 {
		if plain := a.decideAlone(ctx, q); !plain.equal(want) {
			return a.wrong(q, plain, want), true
		}
		if strings.HasPrefix(reviewers[0], failedRego) {
			return fault{}, false // there is no answer, and nothing is executed
		}
		want = a.spec.heard(want, got.verdict, reviewers)
		if !spokenFor(got.verdict, reviewers) {
			return a.wrong(q, got, want), true
		}
	}
	if got.equal(want) {
		return fault{}, false
	}
	return a.wrong(q, got, want), true
}

// spokenFor says whether users' Rego can lead to a verdict: it rejects and escalates, and nothing else.
func spokenFor(verdict string, reviewers []string) bool {
	for _, rule := range reviewers {
		rejects, escalates := strings.HasSuffix(rule, ".reject"), strings.HasSuffix(rule, ".escalate")
		if !(rejects && verdict == "auto-reject" || escalates && verdict == "escalate") {
			return false
		}
	}
	return true
}

// decide asks the whole bundle.
func (a *asker) decide(ctx context.Context, q question) ruling {
	key := strings.Join([]string{q.caller, q.callee, q.skill, q.subject, q.resource, q.situation.String()}, "\x00")
	if answer, known := a.answers.Load(key); known {
		return answer.(ruling)
	}
	answer, known := a.answers.LoadOrStore(key, a.engines.whole.decide(ctx, q.input(), a.spec.env.Name))
	if !known {
		a.count.Add(1) // two that ask the same at once count once, so that the count is always the same
	}
	return answer.(ruling)
}

// decideAlone asks the core without the users' Rego.
func (a *asker) decideAlone(ctx context.Context, q question) ruling {
	a.count.Add(1)
	return a.engines.core.decide(ctx, q.input(), a.spec.env.Name)
}

// wrong words a disagreement and finds its place: the grant in the data, the deciding rule or the edge in the spec.
func (a *asker) wrong(q question, got, want ruling) fault {
	s := a.spec
	f := fault{
		kind: kindAnswer, group: cmp.Or(q.callee, "nobody"), weight: weight(got, want), file: dataFile, path: []string{"fleet", "agents", q.callee, "callers", q.caller}, spec: s.at([]string{"fleet", "agents", q.callee}),
		message: fmt.Sprintf("%s: the bundle says %s, the spec says %s", s.call(q), got.words(want), want.words(got)),
	}
	if q.skill != "" {
		f.path = []string{"fleet", "agents", q.callee, "skills", q.skill, "callers", q.caller}
	}
	edge := s.edge(q.callee, q.caller)
	if edge == nil {
		return f
	}
	f.spec = edge.Accepted
	if got.verdict == "auto-reject" && want.verdict != got.verdict {
		f.spec = edge.Requested // who asked for the edge misses it
	}
	for _, id := range want.rules {
		if rule := s.rules[id]; rule != nil && !slices.Contains(got.rules, id) {
			f.spec = rule.At // the bundle does not let it speak
		}
	}
	return f
}

// weight puts what the bundle allows beyond the spec before what it withholds, and that before what is worded otherwise.
func weight(got, want ruling) int {
	wider := severity(want.verdict) - severity(got.verdict)
	if wider > 0 {
		return wider + len(severities)
	}
	return -wider
}

// call words a question.
func (s *spec) call(q question) string {
	caller := s.names[q.caller]
	if caller == "" {
		caller = fmt.Sprintf("%q", q.caller)
	}
	skill := q.skill
	if skill == "" {
		skill = "no skill by name"
	}
	may := "may not ask"
	if s.declared(q).risk != "" { // something is granted
		may = "may ask"
	}
	words := fmt.Sprintf("%s %s %s for %s", caller, may, q.callee, skill)
	if q.subject != typeAgent || q.resource != typeAgent {
		words += fmt.Sprintf(" as %q of %q", q.subject, q.resource)
	}
	if now := q.situation.words(); now != "" {
		words += " with " + now
	}
	return words
}

// words are a ruling, with what is beside the verdict only where it differs from another's.
func (r ruling) words(other ruling) string {
	words := r.verdict
	if len(r.rules) > 0 {
		words += " (" + strings.Join(r.rules, ", ") + ")"
	}
	if r.route != other.route && r.verdict == other.verdict {
		words += fmt.Sprintf(" by route %q", r.route)
	}
	if r.risk != other.risk && r.verdict == other.verdict {
		words += fmt.Sprintf(" at risk %q", r.risk)
	}
	return words
}
