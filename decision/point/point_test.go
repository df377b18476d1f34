package point

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"agentc/decision/engine"
	"agentc/decision/engine/enginetest"
	"agentc/decision/escalation"
	"agentc/decision/fleet"
	"agentc/decision/loader"

	"go.opentelemetry.io/otel/trace/noop"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC) // a Monday

func id(agent string) string { return "spiffe://prod.soc.example/ns/soc-" + agent + "/sa/" + agent }

// rig is a point on the shipped fleet's bundle, whose surroundings a test breaks.
type rig struct {
	*Point
	bundle    *loader.InForce
	requested []escalation.Request
	consumed  []string
	records   []Decision
	store     error                        // that everything ends in
	stored    func(*escalation.Escalation) // changes what people approved; nil: nothing
	late      error                        // that consumption ends in
	log       error                        // that records end in
	held      map[string]string
	listing   error
}

func newRig(t *testing.T) *rig {
	t.Helper()
	e := enginetest.Shipped(t)
	r := &rig{bundle: &loader.InForce{Engine: e}, held: map[string]string{}}
	r.Point = &Point{
		Bundle: func() (*loader.InForce, error) { return r.bundle, nil }, Escalations: r, Tracer: noop.Tracer{}, Now: func() time.Time { return noon },
		Quarantined: func(agent string) (string, error) { return r.held[agent], r.listing },
		Record: func(_ context.Context, d *Decision) error {
			r.records = append(r.records, *d)
			return r.log
		},
	}
	return r
}

func (r *rig) Request(_ context.Context, q escalation.Request) (escalation.Escalation, error) {
	r.requested = append(r.requested, q)
	return escalation.Escalation{ID: "e1", Request: q, State: escalation.Pending}, r.store
}

func (r *rig) Get(_ context.Context, id string) (escalation.Escalation, error) {
	e := escalation.Escalation{ID: id, State: escalation.Approved}
	e.Revision, e.Route, e.Quorum, e.Groups = "older", "oncall", 1, []string{"soc-oncall"}
	e.Environment, e.Owners, e.Assurance = "prod", []string{"ai"}, escalation.Verified
	e.Digest, _, _ = (&Decision{Asked: contain()}).action()
	e.Caller = contain().Subject.ID
	if r.stored != nil {
		r.stored(&e)
	}
	return e, r.store
}

func (r *rig) Consume(_ context.Context, id, digest, caller string) (escalation.Escalation, error) {
	r.consumed = append(r.consumed, id+" "+digest+" "+caller)
	return escalation.Escalation{ID: id, State: escalation.Consumed}, cmp.Or(r.late, r.store)
}

// contain is the shipped fleet's containment, which a human decides.
func contain() Asked {
	return Asked{Question: engine.Question{
		Subject: engine.Entity{Type: "agent", ID: id("coordinator")}, Action: "isolate-workload", Resource: engine.Entity{Type: "agent", ID: "remediate"},
		Context: map[string]any{"confidence": json.Number("0.9"), "anomaly": map[string]any{"percentile": json.Number("99.2")}, "parameters": map[string]any{"namespace": "shop", "name": "web"}},
	}, By: By{ID: id("remediate")}, TraceID: "4bf92f3577b34da6a3ce929d0e0e4736"}
}

// incident is what the shipped fleet executes.
func incident() Asked {
	a := contain()
	a.Subject.ID, a.Action, a.Resource.ID, a.By.ID = id("detect"), "handle-incident", "coordinator", id("coordinator")
	return a
}

// TestFaults is the table of docs/agentd.md: whatever fails, what is answered never executes.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		asked  Asked
		spoil  func(*rig)
		want   string
		allows bool
	}{
		{"nothing", incident(), func(*rig) {}, "reviewers/incident-opens", true},
		{"the record cannot be written", incident(), func(r *rig) { r.log = errors.New("disk full") }, RuleUnrecorded, false},
		{"the caller is in quarantine", incident(), func(r *rig) { r.held["detect"] = "odd" }, RuleQuarantined, false},
		{"the callee is in quarantine", incident(), func(r *rig) { r.held["coordinator"] = "odd" }, RuleQuarantined, false},
		{"another is in quarantine", incident(), func(r *rig) { r.held["notify"] = "odd" }, "reviewers/incident-opens", true},
		{"nobody knows who is in quarantine", incident(), func(r *rig) { r.listing = errors.New("away") }, RuleQuarantineUnknown, false},
		{"people can be asked", contain(), func(*rig) {}, "reviewers/containment-asks", false},
		{"the store is away", contain(), func(r *rig) { r.store = errors.New("away") }, RuleEscalationFailed, false},
		{"too many wait already", contain(), func(r *rig) { r.store = &escalation.Refusal{Rule: "limit", Reason: "20 wait"} }, "limit", false},
		{"no route leads to people", contain(), func(r *rig) { delete(r.bundle.Fleet.Escalation.Routes, "oncall") }, RuleNoRoute, false},
		{"what is executed asks nobody", incident(), func(*rig) {}, "reviewers/incident-opens", true},
	} {
		r := newRig(t)
		c.spoil(r)
		d, err := r.Decide(t.Context(), r.bundle, c.asked)
		if err != nil || d.Allowed != c.allows || !slices.Equal(d.Rules, []string{c.want}) || !c.allows && c.want != "reviewers/containment-asks" && d.Verdict != engine.Reject {
			t.Errorf("%s: %+v, %v", c.name, d, err)
		}
		if len(r.records) != 1 || r.records[0].ID != d.ID {
			t.Errorf("%s: %d records", c.name, len(r.records))
		}
	}
}

// TestAsk: what people are asked is the whole of it, bound to the action.
func TestAsk(t *testing.T) {
	r := newRig(t)
	d, err := r.Decide(t.Context(), r.bundle, contain())
	if err != nil || d.Requested == nil || d.Verdict != engine.Escalate || d.Allowed || len(r.requested) != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	q := r.requested[0]
	if q.Digest != d.Digest || q.Caller != id("coordinator") || q.Callee != "remediate" || q.Skill != "isolate-workload" || q.Risk != "high" || q.Assurance != escalation.Verified ||
		q.Channel != "soc-approvals" || q.Quorum != 1 || q.Lifetime != 15*time.Minute || !slices.Equal(q.Owners, []string{"ai"}) || q.TraceID == "" || q.DecisionID != d.ID ||
		!strings.Contains(string(q.Action), `"namespace":"shop"`) || !strings.Contains(string(q.Known), `"percentile":99.2`) || q.Reasons[0].Rule != "reviewers/containment-asks" {
		t.Errorf("%+v", q)
	}
	changed := contain()
	changed.Context["parameters"] = map[string]any{"namespace": "shop", "name": "db"}
	if other, err := r.Decide(t.Context(), r.bundle, changed); err != nil || other.Digest == d.Digest {
		t.Errorf("another action has the digest %s: %v", other.Digest, err)
	}
	again := contain()
	again.TraceID, again.RequestID = "0af7651916cd43dd8448eb211c80319c", "r-2"
	if same, err := r.Decide(t.Context(), r.bundle, again); err != nil || same.Digest != d.Digest {
		t.Errorf("the same action in another trace has the digest %s: %v", same.Digest, err)
	}
	linked := contain()
	linked.Context["message"] = map[string]any{"parts": []any{map[string]any{"url": "https://example.com/x"}}}
	if d, err := r.Decide(t.Context(), r.bundle, linked); err != nil || d.Requested != nil || !slices.Equal(d.Rules, []string{RuleEscalationFailed}) {
		t.Errorf("what can change behind a link was put before people: %+v, %v", d, err)
	}
}

// TestApproval: an approval is consumed for this action, after it was judged again and recorded.
func TestApproval(t *testing.T) {
	approved := contain()
	approved.Approval = "e1"
	r := newRig(t)
	d, err := r.Decide(t.Context(), r.bundle, approved)
	if err != nil || !d.Allowed || d.Approved == nil || d.Verdict != engine.Escalate || len(r.records) != 1 || !r.records[0].Allowed {
		t.Fatalf("%+v, %v", d, err)
	}
	if want := []string{"e1 " + d.Digest + " " + id("coordinator")}; !slices.Equal(r.consumed, want) {
		t.Errorf("%v, want %v", r.consumed, want)
	}
	for name, c := range map[string]struct {
		spoil    func(*rig, *Asked)
		consumes bool
		want     string
	}{
		"the policy rejects it now":   {func(_ *rig, a *Asked) { a.Context["parameters"] = map[string]any{"namespace": "kube-system"} }, false, "reviewers.soc.reject"},
		"it cannot be recorded":       {func(r *rig, _ *Asked) { r.log = errors.New("full") }, false, RuleUnrecorded},
		"it is consumed already":      {func(r *rig, _ *Asked) { r.store = &escalation.Refusal{Rule: "ended", Reason: "It is consumed."} }, false, "ended"},
		"somebody was faster":         {func(r *rig, _ *Asked) { r.late = &escalation.Refusal{Rule: "ended", Reason: "It is consumed."} }, true, "ended"},
		"the store is away":           {func(r *rig, _ *Asked) { r.store = errors.New("away") }, false, RuleEscalationFailed},
		"more must agree by now":      {func(r *rig, _ *Asked) { r.bundle.Fleet.Escalation.Routes["oncall"].Quorum = 2 }, false, RuleOldTerms},
		"others must agree by now":    {func(r *rig, _ *Asked) { r.bundle.Fleet.Escalation.Routes["oncall"].Approvers = []string{"soc-leads"} }, false, RuleOldTerms},
		"nobody agrees by now":        {func(r *rig, _ *Asked) { delete(r.bundle.Fleet.Escalation.Routes, "oncall") }, false, RuleOldTerms},
		"another action was approved": {func(r *rig, _ *Asked) { r.stored = func(e *escalation.Escalation) { e.Digest = "sha256:0" } }, false, "digest"},
		"another caller asked":        {func(r *rig, _ *Asked) { r.stored = func(e *escalation.Escalation) { e.Caller = id("detect") } }, false, "caller"},
		"nobody has decided":          {func(r *rig, _ *Asked) { r.stored = func(e *escalation.Escalation) { e.State = escalation.Pending } }, false, "pending"},
		"it is used up":               {func(r *rig, _ *Asked) { r.stored = func(e *escalation.Escalation) { e.State = escalation.Consumed } }, false, "ended"},
		"another route asks by now": {func(r *rig, _ *Asked) {
			r.bundle.Fleet.Escalation.Routes["leads"] = &fleet.Route{Quorum: 2, Approvers: []string{"leads"}}
			for _, rule := range r.bundle.Fleet.Rules {
				rule.Route = "leads"
			}
		}, false, RuleOldTerms},
		"a chat is no proof by now": {func(r *rig, _ *Asked) {
			r.stored = func(e *escalation.Escalation) { e.Assurance = escalation.Chat }
		}, false, RuleOldTerms},
		"owners may not by now": {func(r *rig, _ *Asked) {
			r.stored = func(e *escalation.Escalation) { e.Owners = []string{"others"} }
		}, false, RuleOldTerms},
		"it is of another environment": {func(r *rig, _ *Asked) {
			r.stored = func(e *escalation.Escalation) {
				e.Environment, e.Revision = "dev", r.bundle.Manifest.Revision
			}
		}, false, RuleOldTerms},
		"the caller is held": {func(r *rig, _ *Asked) { r.held["coordinator"] = "odd" }, false, RuleQuarantined},
	} {
		r, a := newRig(t), contain()
		a.Approval = "e1"
		c.spoil(r, &a)
		d, err := r.Decide(t.Context(), r.bundle, a)
		if err != nil || d.Allowed || d.Verdict != engine.Reject || !slices.Equal(d.Rules, []string{c.want}) || (len(r.consumed) == 1) != c.consumes {
			t.Errorf("%s: %+v, %v, %v", name, d, err, r.consumed)
		}
		if last := r.records[len(r.records)-1]; last.Verdict != engine.Reject && c.want != RuleUnrecorded {
			t.Errorf("%s: the last record is %+v", name, last)
		}
		if allowed := slices.ContainsFunc(r.records, func(d Decision) bool { return d.Allowed }); allowed && !c.consumes && c.want != RuleUnrecorded {
			t.Errorf("%s: a record says that it was allowed", name)
		}
	}
	executes := incident()
	executes.Approval = "e1"
	r = newRig(t)
	if d, err := r.Decide(t.Context(), r.bundle, executes); err != nil || !d.Allowed || len(r.consumed) != 0 {
		t.Errorf("what needs no approval takes one: %+v, %v", d, err)
	}
}

// TestWho: nobody asks for others, and only the resource's guard says how unusual an event was.
func TestWho(t *testing.T) {
	for _, c := range []struct {
		by   By
		want string // empty: it is forbidden
	}{
		{By{ID: id("coordinator")}, "reviewers/incident-opens"},
		{By{ID: id("detect")}, "prod-only/incident-needs-anomaly"},
		{By{ID: id("notify")}, ""},
		{By{}, ""},
		{By{Anybody: true}, "reviewers/incident-opens"},
	} {
		r, a := newRig(t), incident()
		a.By = c.by
		d, err := r.Decide(t.Context(), r.bundle, a)
		var forbidden *Forbidden
		if c.want == "" != errors.As(err, &forbidden) || err == nil && !slices.Contains(d.Rules, c.want) {
			t.Errorf("%+v: %+v, %v", c.by, d, err)
		}
		if a.Context["anomaly"] == nil || a.Context["today"] != nil {
			t.Errorf("%+v: the question was changed: %v", c.by, a.Context)
		}
	}
	r, a := newRig(t), incident()
	a.By, a.Resource.ID = By{ID: id("coordinator")}, "nobody"
	if _, err := r.Decide(t.Context(), r.bundle, a); err == nil {
		t.Error("a guard asks for what it does not guard")
	}
}

// TestRoutes: who is asked depends on the hour, along a chain that ends.
func TestRoutes(t *testing.T) {
	weekdays := []string{"mon", "tue", "wed", "thu", "fri"}
	e := &fleet.Escalation{Routes: map[string]*fleet.Route{
		"office": {Hours: &fleet.Hours{Days: weekdays, From: 8, Until: 18, Otherwise: "late"}},
		"late":   {Hours: &fleet.Hours{Days: weekdays, From: 18, Until: 24, Otherwise: "night"}},
		"night":  {},
		"a":      {Hours: &fleet.Hours{Otherwise: "b"}}, "b": {Hours: &fleet.Hours{Otherwise: "a"}},
		"broken": {Hours: &fleet.Hours{Otherwise: "gone"}},
	}}
	for at, want := range map[time.Duration]string{-4 * time.Hour: "office", 0: "office", -5 * time.Hour: "night", 6 * time.Hour: "late", 12 * time.Hour: "night", -24 * time.Hour: "night"} {
		if got, route := routeAt(e, "office", noon.Add(at)); got != want || route == nil {
			t.Errorf("at %v: %q, want %q", at, got, want)
		}
	}
	for _, name := range []string{"a", "broken", "gone"} {
		if got, route := routeAt(e, name, noon); route != nil {
			t.Errorf("%s leads to %q", name, got)
		}
	}
}

// TestQuarantines: what the store said last holds for some seconds, and then nothing is known.
func TestQuarantines(t *testing.T) {
	now, away := noon, error(nil)
	q := &Quarantines{Now: func() time.Time { return now }, List: func(context.Context) ([]escalation.Quarantine, error) {
		return []escalation.Quarantine{{Agent: "detect", Reason: "odd", By: "ana", Since: noon}}, away
	}}
	if _, err := q.Of("notify"); err == nil {
		t.Error("before the store was asked, something is known")
	}
	if err := q.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if why, err := q.Of("detect"); err != nil || why != "odd (ana, since 2026-11-02T12:00:00Z)" {
		t.Error(why, err)
	}
	away = errors.New("away")
	if q.Look(t.Context()) == nil {
		t.Error("the store is away, and nobody says so")
	}
	now = now.Add(quarantineStale)
	if why, err := q.Of("notify"); err != nil || why != "" {
		t.Error(why, err)
	}
	now = now.Add(1)
	if _, err := q.Of("notify"); err == nil || !strings.Contains(fmt.Sprint(err), "has not answered for 10s") {
		t.Error(err)
	}
}
