package page

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"agentc/decision/action"
	"agentc/decision/approvals"
	"agentc/decision/escalation"
	"agentc/decision/fleet"
)

// clock that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

var (
	asel  = escalation.Person{Name: "asel", Team: "soc", Groups: []string{"soc-oncall"}}
	bence = escalation.Person{Name: "bence", Team: "soc", Groups: []string{"soc-leads"}}
	carla = escalation.Person{Name: "carla", Team: "platform", Groups: []string{"platform-oncall"}}
	dara  = escalation.Person{Name: "dara", Team: "ai", Groups: []string{"soc-oncall"}}
	emil  = escalation.Person{Name: "emil", Team: "soc"}
)

func spiffe(agent string) string { return "spiffe://dev.soc.example/ns/soc-" + agent + "/sa/" + agent }

func testFleet() *fleet.Fleet {
	f := new(fleet.Fleet)
	f.Environment = fleet.Environment{Name: "dev", Fleet: "soc", TrustDomain: "dev.soc.example"}
	f.Fleet.Agents = map[string]*fleet.Agent{}
	for _, name := range []string{"analyse", "coordinator", "detect", "notify", "remediate"} {
		f.Fleet.Agents[name] = &fleet.Agent{ID: spiffe(name), Team: "ai"}
	}
	f.Escalation.Routes = map[string]*fleet.Route{"oncall": {Approvers: []string{"soc-oncall"}, Quorum: 1}, "leads": {Approvers: []string{"soc-leads", "platform-oncall"}, Quorum: 2}}
	return f
}

// site is a page over a real store.
type site struct {
	*Server
	clock *clock
	who   escalation.Person // who looks
	n     int
}

func newSite(t testing.TB, start time.Time) *site {
	t.Helper()
	c := &clock{t: start}
	service, err := escalation.Open(context.Background(), filepath.Join(t.TempDir(), "escalations.db"), escalation.Options{Now: c.now, PerCaller: 500})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { service.Close() })
	f := testFleet()
	s := &site{clock: c, who: asel}
	s.Server = &Server{
		Service: service, Fleet: func() *fleet.Fleet { return f }, Watch: approvals.NewWatch(service.Version, 10*time.Millisecond), Now: c.now,
		Who: func(*http.Request) (approvals.Identity, error) {
			p := s.who
			return approvals.Identity{Person: &p}, nil
		},
		Key: []byte("0123456789abcdef0123456789abcdef"), Plain: true, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	return s
}

// asked is a question that the tests put.
type asked struct {
	caller, callee, skill, risk string
	parameters                  any
	reasons                     []escalation.Reason
	known                       string
	leads                       bool
	lifetime                    time.Duration
}

func (s *site) ask(t testing.TB, a asked) escalation.Escalation {
	t.Helper()
	form, err := action.Action{Caller: spiffe(a.caller), Callee: a.callee, Skill: a.skill, Parameters: a.parameters}.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	s.n++
	r := escalation.Request{
		Action: form, Digest: action.Digest(form), Caller: spiffe(a.caller), Callee: a.callee, Skill: a.skill, Risk: a.risk, Owners: []string{"ai"}, Reasons: a.reasons,
		Known: json.RawMessage(`{}`), Route: "oncall", Endpoint: "mattermost", Channel: "soc-approvals", Groups: []string{"soc-oncall"}, Quorum: 1,
		Assurance: escalation.Verified, TraceID: fmt.Sprintf("4bf92f3577b34da6a3ce929d0e0e%04x", s.n), DecisionID: fmt.Sprintf("%032x", s.n), Environment: "dev",
		Revision: "9c41f0d7a2b1", Sequence: 42, Lifetime: 15 * time.Minute,
	}
	if a.leads {
		r.Route, r.Groups, r.Quorum = "leads", []string{"platform-oncall", "soc-leads"}, 2
	}
	if a.known != "" {
		r.Known = json.RawMessage(a.known)
	}
	if a.lifetime > 0 {
		r.Lifetime = a.lifetime
	}
	e, err := s.Service.Request(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (s *site) vote(t testing.TB, e escalation.Escalation, p escalation.Person, approve bool, reason string) {
	t.Helper()
	v := escalation.Vote{Person: p, Approve: approve, Reason: reason, Via: "page", Assurance: escalation.Verified}
	if _, err := s.Service.Vote(context.Background(), e.ID, v); err != nil {
		t.Fatal(err)
	}
}

// usual is a question as they come.
func usual(workload string) asked {
	return asked{caller: "coordinator", callee: "remediate", skill: "isolate-workload", risk: "high",
		parameters: map[string]any{"namespace": "payments", "workload": workload},
		reasons:    []escalation.Reason{{Rule: "reviewers/containment-asks", Reason: "Containment stops somebody's workload.", At: "policies/soc/reviewers.yaml:31"}}}
}

// story is a night on call: what happened, and what waits now.
func (s *site) story(t testing.TB) (shown escalation.Escalation) {
	t.Helper()
	for i, name := range []string{"ledger-sync", "checkout-api", "fraud-score", "checkout-api", "web-front", "batch-export", "checkout-api"} {
		e := s.ask(t, usual(fmt.Sprintf("%s-%d", name, i)))
		s.clock.add(3*time.Minute + 11*time.Second)
		switch i % 4 {
		case 1:
			s.vote(t, e, asel, false, "Planned load test, see change 4711.")
		case 2:
			s.clock.add(20 * time.Minute)
		default:
			s.vote(t, e, asel, true, "")
			s.clock.add(4 * time.Second)
			if _, err := s.Service.Consume(context.Background(), e.ID, e.Digest, e.Caller); err != nil {
				t.Fatal(err)
			}
		}
		s.clock.add(41 * time.Minute)
	}
	shown = s.ask(t, asked{caller: "coordinator", callee: "remediate", skill: "isolate-workload", risk: "high",
		parameters: map[string]any{"namespace": "payments", "workload": "checkout-api", "kind": "Deployment", "direction": "egress", "allow": []any{"cluster-dns"},
			"reason": "Reverse shell from checkout-api-7d9f to 203.0.113.77:4444, confirmed by analyse."},
		reasons: []escalation.Reason{
			{Rule: "reviewers/containment-asks", Reason: "Containment stops somebody's workload.", At: "policies/soc/reviewers.yaml:31"},
			{Rule: "reviewers/unusual-asks", Reason: "The event is more unusual than 99 % of last week's.", At: "policies/soc/reviewers.yaml:52"}},
		known: `{"confidence":0.86,"anomaly":{"score":0.7134,"percentile":99.6,"features":[{"feature":"destination port is rare","value":"4444","credit":-31.2},
			{"feature":"process below a shell","value":"nc","credit":-22.9},{"feature":"new image for namespace","value":"yes","credit":-9.4},{"feature":"hour of the day","value":"3","credit":-4.1}]}}`})
	s.clock.add(2*time.Minute + 38*time.Second)
	critical := s.ask(t, asked{caller: "coordinator", callee: "remediate", skill: "block-image", risk: "critical", leads: true, lifetime: 11 * time.Minute,
		parameters: map[string]any{"image": "registry.soc.example/base/node:22", "scope": "cluster"},
		reasons:    []escalation.Reason{{Rule: "reviewers/critical-asks", Reason: "A mistake would stop workloads in the whole cluster.", At: "policies/soc/reviewers.yaml:40"}}})
	s.vote(t, critical, bence, true, "The image is the one in the advisory.")
	s.ask(t, asked{caller: "analyse", callee: "notify", skill: "open-ticket", risk: "low",
		parameters: map[string]any{"queue": "soc-tier-2", "title": "Invoice \u202Efdp.exe\u202C opened by ‮user\u200B", "p\u0430yee": "examp\u043Be-bank"},
		reasons:    []escalation.Reason{{Rule: "reviewers/nothing-matched", Reason: "No rule says what happens to this.", At: ""}}})
	s.clock.add(9*time.Minute + 2*time.Second - 2*time.Minute)
	return shown
}
