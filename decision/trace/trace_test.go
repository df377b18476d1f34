package trace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"agentc/decision/record"

	cilium "github.com/cilium/cilium/api/v1/flow"
	"github.com/cilium/cilium/api/v1/observer"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	id      = "0af7651916cd43dd8448eb211c80319c"
	again   = "1bf7651916cd43dd8448eb211c80319c"
	caller  = "spiffe://dev.soc.example/ns/soc-team/sa/coordinator"
	client  = "10.0.0.7:41234"
	server  = "10.0.1.9:8443"
	later   = "10.0.0.7:41300"
	another = "10.0.3.3:50000"
)

// when is so many seconds after the first event.
func when(seconds float64) time.Time {
	return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

// replica writes records into a log, and gives its folder.
func replica(t testing.TB, records ...record.Record) string {
	t.Helper()
	dir := t.TempDir()
	l, err := record.Open(dir, record.Options{Now: func() time.Time { return when(-60) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := l.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func decided(at float64, trace, verdict, source, approval string) record.Record {
	return record.Record{
		Kind: record.KindDecision, Timestamp: when(at), TraceID: trace, Verdict: verdict, Rules: []string{"soc/critical"}, Caller: caller, Callee: "remediate",
		Skill: "isolate", Source: source, Destination: server, ApprovalID: approval,
	}
}

func step(at float64, trace string, e record.Escalation) record.Record {
	return record.Record{Kind: record.KindEscalation, Timestamp: when(at), TraceID: trace, Caller: caller, Callee: "remediate", Skill: "isolate", ApprovalID: e.ID, Result: e}
}

// fleet is two replicas' logs of one event that a human decided on, beside others.
func fleet(t testing.TB) []string {
	t.Helper()
	percentile, threshold := 99.8, 98.0
	return []string{
		replica(t,
			record.Record{Kind: record.KindEvent, Timestamp: when(0), TraceID: id, Result: record.Event{
				Intake: "falco", Agent: "triage", Percentile: &percentile, Threshold: &threshold, Passed: true, Why: "unusual",
				Features: []record.Feature{{Feature: "parent-rarity", Value: 7.5, Credit: 60}},
			}},
			decided(1, id, "escalate", client, "a1"),
			decided(1.1, "ffffffffffffffffffffffffffffffff", "auto-reject", another, ""),
			step(30, id, record.Escalation{ID: "a1", From: "pending", To: "approved", By: "alice", Via: "page", Reason: "it is \x1b[31mours"}),
			step(31, "", record.Escalation{ID: "a2", To: "pending"}),
		),
		replica(t,
			step(1, id, record.Escalation{ID: "a1", To: "pending", By: "agentd"}),
			step(40, again, record.Escalation{ID: "a1", From: "approved", To: "consumed"}),
			decided(40, again, "auto-execute", later, "a1"),
			record.Record{Kind: record.KindOutcome, Timestamp: when(41), TraceID: again, Caller: caller, Callee: "remediate", Skill: "isolate", ApprovalID: "a1",
				Result: record.Outcome{State: "forwarded", Status: 200}},
			record.Record{Kind: record.KindQuarantine, Timestamp: when(50), TraceID: id, Result: record.Quarantine{Agent: "triage", By: "bob", Reason: "noisy"}},
			record.Record{Kind: record.KindBundle, Timestamp: when(51), TraceID: id, Result: record.Activation{State: record.Refused, Revision: "6d1c", Sequence: 7, Why: "it is older"}},
		),
	}
}

// TestTell is the chain of two replicas, in order, and across the trace of the second attempt.
func TestTell(t *testing.T) {
	logs := fleet(t)
	r, err := Tell(Query{TraceID: id, Logs: logs})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Text(&b); err != nil {
		t.Fatal(err)
	}
	got := strings.NewReplacer(logs[0], "A", logs[1], "B").Replace(b.String())
	want := `2026-01-02T12:00:00.000Z  event       falco → triage                   passed on; percentile 99.8, threshold 98: unusual (parent-rarity 7.5)                                                      A#2
2026-01-02T12:00:01.000Z  decision    coordinator → remediate/isolate  escalate by soc/critical; approval a1; 10.0.0.7:41234 → 10.0.1.9:8443                                              A#3
2026-01-02T12:00:01.000Z  escalation  coordinator → remediate/isolate  created by agentd; approval a1                                                                                     B#2
2026-01-02T12:00:30.000Z  escalation  coordinator → remediate/isolate  pending → approved by alice via page: it is �[31mours; approval a1                                                 A#5
2026-01-02T12:00:40.000Z  escalation  coordinator → remediate/isolate  approved → consumed; approval a1; in trace 1bf7651916cd43dd8448eb211c80319c                                        B#3
2026-01-02T12:00:40.000Z  decision    coordinator → remediate/isolate  auto-execute by soc/critical; approval a1; 10.0.0.7:41300 → 10.0.1.9:8443; in trace 1bf7651916cd43dd8448eb211c80319c  B#4
2026-01-02T12:00:41.000Z  outcome     coordinator → remediate/isolate  forwarded (status 200); in trace 1bf7651916cd43dd8448eb211c80319c                                                  B#5
2026-01-02T12:00:50.000Z  quarantine  triage                           imposed by bob: noisy                                                                                              B#6
2026-01-02T12:00:51.000Z  bundle      bundle                           refused: revision 6d1c, sequence 7: it is older                                                                    B#7
outcome: forwarded (status 200)
`
	words := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	if d := cmp.Diff(words(want), words(got)); d != "" {
		t.Errorf("%s\n%s", d, got)
	}
	if r, err := Tell(Query{TraceID: strings.Repeat("a", 32), Logs: logs}); err != nil || len(r.Steps) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := Tell(Query{TraceID: id, Logs: []string{t.TempDir()}}); err == nil {
		t.Error("an empty folder is a log")
	}
}

// seen is what Hubble prints of a packet, made with Hubble's own types.
func seen(t testing.TB, at float64, from, to string, change ...func(*cilium.Flow)) string {
	t.Helper()
	cut := func(a string) (ip string, port uint32) {
		ip, text, _ := strings.Cut(a, ":")
		fmt.Sscan(text, &port)
		return ip, port
	}
	fromIP, fromPort := cut(from)
	toIP, toPort := cut(to)
	f := &cilium.Flow{
		Time: timestamppb.New(when(at)), Verdict: cilium.Verdict_FORWARDED, NodeName: "node-1", IP: &cilium.IP{Source: fromIP, Destination: toIP, IpVersion: cilium.IPVersion_IPv4},
		L4:     &cilium.Layer4{Protocol: &cilium.Layer4_TCP{TCP: &cilium.TCP{SourcePort: fromPort, DestinationPort: toPort, Flags: &cilium.TCPFlags{SYN: true}}}},
		Source: &cilium.Endpoint{Namespace: "soc-team", PodName: "coordinator-0"}, Destination: &cilium.Endpoint{Namespace: "soc-team", PodName: "remediate-0"},
		IsReply: wrapperspb.Bool(false), Type: cilium.FlowType_L3_L4, Summary: "TCP Flags: SYN",
	}
	for _, c := range change {
		c(f)
	}
	text, err := json.Marshal(&observer.GetFlowsResponse{ResponseTypes: &observer.GetFlowsResponse_Flow{Flow: f}, NodeName: "node-1", Time: f.Time})
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

func flowsOf(t testing.TB, lines ...string) *Flows {
	t.Helper()
	f, err := ReadFlows(strings.NewReader(strings.Join(lines, "")), 8443)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func replies(f *cilium.Flow)  { f.IsReply = wrapperspb.Bool(true) }
func unsure(f *cilium.Flow)   { f.IsReply = nil }
func dropped(f *cilium.Flow)  { f.Verdict = cilium.Verdict_DROPPED }
func carrying(f *cilium.Flow) { f.L4.GetTCP().Flags = &cilium.TCPFlags{ACK: true, PSH: true} }

// TestHubble: which connections count as bypasses, and which decisions as unseen.
func TestHubble(t *testing.T) {
	one := func(at float64, source string) string { return replica(t, decided(at, id, "auto-execute", source, "")) }
	for name, c := range map[string]struct {
		log              string
		flows            []string
		bypasses, unseen int
	}{
		"joined":                        {one(1, client), []string{seen(t, 0.9, client, server)}, 0, 0},
		"no decision":                   {one(1, client), []string{seen(t, 0.9, client, server), seen(t, 1, another, server)}, 1, 0},
		"no flow":                       {one(1, client), []string{seen(t, 0.9, client, "10.0.9.9:9092")}, 0, 1},
		"other client port":             {one(1, client), []string{seen(t, 0.9, later, server)}, 1, 1},
		"too late":                      {one(4, client), []string{seen(t, 0.9, client, server), seen(t, 9, client, "10.0.9.9:9092")}, 1, 1},
		"a lasting connection":          {one(60, client), []string{seen(t, 0.9, client, server), seen(t, 61, client, server, carrying)}, 0, 0},
		"the same ports again":          {one(60, client), []string{seen(t, 0.9, client, server), seen(t, 60, client, server)}, 1, 0},
		"seen by two nodes":             {one(1, client), []string{seen(t, 0.9, client, server), seen(t, 0.901, client, server)}, 0, 0},
		"only the answer":               {one(1, client), []string{seen(t, 1, server, client, replies)}, 0, 0},
		"only the answer, not known so": {one(1, client), []string{seen(t, 1, server, client, unsure)}, 0, 0},
		"an answer without a decision":  {one(1, client), []string{seen(t, 1, client, server), seen(t, 1, server, another, replies)}, 1, 0},
		"dropped":                       {one(1, client), []string{seen(t, 1, client, server), seen(t, 1, another, server, dropped)}, 0, 0},
		"dropped, and then let through": {one(1, client), []string{seen(t, 1, client, server), seen(t, 1, another, server, dropped), seen(t, 2, another, server)}, 1, 0},
		"another port":                  {one(1, client), []string{seen(t, 1, client, server), seen(t, 1, another, "10.0.1.9:8080")}, 0, 0},
		"before Hubble watched":         {one(-100, client), []string{seen(t, 1, client, "10.0.9.9:9092")}, 0, 0},
		"no flows":                      {one(1, client), nil, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Tell(Query{Logs: []string{c.log}, Flows: flowsOf(t, c.flows...), Window: 2 * time.Second, Port: 8443})
			if err != nil {
				t.Fatal(err)
			}
			if n := r.Network; len(n.Bypasses) != c.bypasses || len(n.Unseen) != c.unseen || n.Passed != 0 || n.Flows != len(c.flows) || len(r.Steps) != 0 {
				t.Errorf("%+v, want %d bypasses and %d unseen", n, c.bypasses, c.unseen)
			}
		})
	}
}

// TestHubbleLines: what is no flow, or was lost, is counted; the rest is read.
func TestHubbleLines(t *testing.T) {
	lost, err := json.Marshal(&observer.GetFlowsResponse{ResponseTypes: &observer.GetFlowsResponse_LostEvents{LostEvents: &cilium.LostEvent{NumEventsLost: 12}}})
	if err != nil {
		t.Fatal(err)
	}
	udp := seen(t, 1, client, server, func(f *cilium.Flow) {
		f.L4 = &cilium.Layer4{Protocol: &cilium.Layer4_UDP{UDP: &cilium.UDP{SourcePort: 1}}}
	})
	six := seen(t, 1, client, server, func(f *cilium.Flow) { f.IP = &cilium.IP{Source: "fd00::1", Destination: "fd00::2"} })
	f := flowsOf(t, string(lost)+"\n", "torn\n", strings.Repeat("x", maxFlow+10)+"\n", udp, six, `{"flow":{"l4":{"TCP":{"source_port":1}}}}`+"\n", strings.TrimSpace(seen(t, 1, client, server)))
	if f.Lost != 1 || f.Passed != 3 || f.Read != 2 {
		t.Errorf("%+v", f)
	}
	c := f.seen[1].Connection
	if c.From != "soc-team/coordinator-0" || c.To != "soc-team/remediate-0" || c.Node != "node-1" || c.Source.String() != client || c.Destination.String() != server || !c.First.Equal(when(1)) {
		t.Errorf("%+v", c)
	}
	if !f.seen[1].begins || f.seen[0].Source.String() != "[fd00::1]:41234" {
		t.Errorf("%+v", f.seen)
	}
}

// TestBoth: a step says that it was seen, and both lists stand below.
func TestBoth(t *testing.T) {
	r, err := Tell(Query{TraceID: id, Logs: fleet(t), Flows: flowsOf(t, seen(t, 1, client, server), seen(t, 60, "10.0.4.4:1", server)), Window: 2 * time.Second, Port: 8443})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Text(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"10.0.0.7:41234 → 10.0.1.9:8443, seen by Hubble", "possible bypasses, connections to guards without a decision: 1", "10.0.4.4:1 → 10.0.1.9:8443, 1 flows",
		"decisions without a flow: 2", "auto-reject; 10.0.3.3:50000 → 10.0.1.9:8443",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s\nwant %s", b.String(), want)
		}
	}
	text, err := json.Marshal(r)
	if err != nil || !bytes.Contains(text, []byte(`"bypasses":[{"first":"2026-01-02T12:01:00Z"`)) || !bytes.Contains(text, []byte(`"source":"10.0.0.7:41234"`)) {
		t.Errorf("%s, %v", text, err)
	}
}

// FuzzFlows: whatever stands in the file is joined or passed over.
func FuzzFlows(f *testing.F) {
	f.Add([]byte(seen(f, 1, client, server)))
	f.Add([]byte(`{"flow":{"time":"2026-01-02T12:00:00Z","IP":{"source":"::1","destination":"::1"},"l4":{"TCP":{}}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		flows, err := ReadFlows(bytes.NewReader(text), 8443)
		if err != nil {
			t.Fatal(err)
		}
		if n := flows.join(nil, nil, time.Second, 8443); len(n.Bypasses) > n.Flows || len(n.Unseen) > 0 {
			t.Errorf("%+v", n)
		}
	})
}
