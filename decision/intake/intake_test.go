package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"agentc/decision/bundle"
	"agentc/decision/engine"
	"agentc/decision/fleet"
	"agentc/forest/prefilter"
	"agentc/forest/synthetic"

	"github.com/prometheus/client_golang/prometheus"
)

// inForce is the shipped fleet's bundle, with intakes.
type inForce struct {
	mu     sync.Mutex
	engine *engine.Engine
	fleet  *fleet.Fleet
}

func (f *inForce) get() (*engine.Engine, *fleet.Fleet) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.engine, f.fleet
}

func (f *inForce) now() *engine.Engine {
	e, _ := f.get()
	return e
}

func (f *inForce) set(e *engine.Engine, to *fleet.Fleet) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.engine, f.fleet = e, to; e != nil && e.Fleet != to {
		e.Fleet = to
	}
}

// opened without its sample: what is dropped is always the same.
var opened = sync.OnceValues(func() (*bundle.Bundle, error) {
	b, err := bundle.Open("../../generated/prod/bundle")
	if err == nil {
		b.Files["agentc/data.json"] = bytes.ReplaceAll(b.Files["agentc/data.json"], []byte(`"sample": 0.5`), []byte(`"sample": 0`))
	}
	return b, err
})

var prepared = sync.OnceValues(func() (*engine.Engine, error) {
	b, err := opened()
	if err != nil {
		return nil, err
	}
	return engine.New(context.Background(), b, engine.Options{})
})

func open(t testing.TB) (*engine.Engine, *fleet.Fleet) {
	t.Helper()
	b, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	once, err := prepared()
	if err != nil {
		t.Fatal(err)
	}
	e := new(engine.Engine)
	*e = *once // as another bundle of the same content
	f, err := fleet.Read(b.Files["agentc/data.json"])
	if err != nil {
		t.Fatal(err)
	}
	f.Runtime.Endpoints = map[string]*fleet.Endpoint{"kafka": {Type: "kafka", Host: "kafka.example", Port: 9093, TLS: true, Credential: true}}
	f.Runtime.Intakes = map[string]*fleet.Intake{
		"falco":   {Endpoint: "kafka", Topic: "falco-events", Agent: "detect", Skill: "assess-event"},
		"webhook": {Client: "spiffe://prod.soc.example/ns/falco/sa/falcosidekick", Agent: "detect", Skill: "assess-event"},
	}
	return e, f
}

// hop that remembers what it was handed.
type hop struct {
	mu  sync.Mutex
	got []*Message
	say func(n int, m *Message) error // to the n-th attempt, from 1
	n   int
}

func (h *hop) Hand(_ context.Context, m *Message) error {
	h.mu.Lock()
	h.n++
	n, say := h.n, h.say
	h.mu.Unlock()
	if say != nil {
		if err := say(n, m); err != nil {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got = append(h.got, m)
	return nil
}

// count of the messages with their ids.
func (h *hop) count() (all int, ids map[string]int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids = map[string]int{}
	for _, m := range h.got {
		ids[m.ID]++
	}
	return len(h.got), ids
}

// rig is a service with everything around it.
type rig struct {
	*Service
	bundle   *inForce
	registry *prometheus.Registry
	logged   *logs

	mu       sync.Mutex
	recorded []Event
	now      time.Time // which waits move
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// logs of a service.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (r *rig) records() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Event(nil), r.recorded...)
}

// at is a working day of the shipped fleet: overrides hold, budgets do not rise within it.
var at = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func newRig(t testing.TB, h Hop, change func(*Config)) *rig {
	t.Helper()
	r := &rig{bundle: &inForce{}, registry: prometheus.NewRegistry(), logged: &logs{}, now: at}
	r.bundle.set(open(t))
	c := Config{
		InForce: r.bundle.now, Hop: func(*fleet.Intake) (Hop, error) { return h, nil }, Allowed: func(*http.Request, fleet.Intake) bool { return true },
		Now: r.clock, Metrics: r.registry, Log: slog.New(slog.NewTextHandler(r.logged, nil)),
		Record: func(e Event) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.recorded = append(r.recorded, e)
		},
		Wait: func(ctx context.Context, d time.Duration) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.now = r.now.Add(d)
			return ctx.Err()
		},
	}
	if change != nil {
		change(&c)
	}
	var err error
	if r.Service, err = New(c); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) counted(o Outcome) int { return int(r.series(metricEvents)[string(o)]) }

// series of a metric, by the value of its one label.
func (r *rig) series(metric string) map[string]float64 {
	families, err := r.registry.Gather()
	if err != nil {
		return nil
	}
	all := map[string]float64{}
	for _, family := range families {
		if family.GetName() != metric {
			continue
		}
		for _, m := range family.GetMetric() {
			label := ""
			if len(m.GetLabel()) == 1 {
				label = m.GetLabel()[0].GetValue()
			}
			all[label] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return all
}

// stream of events as falcosidekick sends them.
func stream(t testing.TB, n int) [][]byte {
	t.Helper()
	var b bytes.Buffer
	if err := synthetic.Write(&b, synthetic.Options{Seed: 7, Events: n, Incidents: 0.02, Start: at.Add(-24 * time.Hour), Length: 24 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(b.Bytes()), []byte("\n"))
}

// alert is passed on by its priority, whatever its score.
func alert(i int) []byte {
	return fmt.Appendf(nil, `{"uuid": "alert-%d", "priority": "Critical", "rule": "Terminal shell in container", "time": "2026-11-28T11:59:00Z", "output_fields": {"k8s.ns.name": "shop"}}`, i)
}

// notice is usual: something that the shop does every day.
func notice(t testing.TB) []byte {
	t.Helper()
	for _, raw := range stream(t, 50) {
		if bytes.Contains(raw, []byte(`"rule":"Unexpected outbound connection"`)) {
			return raw
		}
	}
	t.Fatal("the stream has no outbound connection")
	return nil
}

// TestLines: a day of events goes through the shipped bundle; each has one outcome, and says why.
func TestLines(t *testing.T) {
	h := &hop{}
	r := newRig(t, h, nil)
	const n = 2000
	counts, err := r.ReadLines(t.Context(), "falco", bytes.NewReader(bytes.Join(stream(t, n), []byte("\n\n"))))
	if err != nil {
		t.Fatal(err)
	}
	passed, ids := h.count()
	if counts[Passed]+counts[Dropped] != n || counts[Passed] != passed || len(ids) != passed {
		t.Errorf("%v of %d; the hop has %d, of %d ids", counts, n, passed, len(ids))
	}
	if counts[Passed] < n/100 || counts[Passed] > n/2 {
		t.Errorf("%d of %d events are passed on; the forest is asleep", counts[Passed], n)
	}
	if r.counted(Passed) != passed || r.counted(Dropped) != n-passed {
		t.Errorf("counted: %d passed, %d dropped", r.counted(Passed), r.counted(Dropped))
	}
	why := map[prefilter.Why]int{}
	for _, e := range r.records() {
		why[e.Why]++
		judged := e.Percentile != nil && e.Score != nil && len(e.TraceID) == 32 && e.UUID != "" && e.Revision != "" && len(e.Rules) > 0
		if !judged || (e.Why == prefilter.Score) != (e.Threshold != nil && *e.Percentile >= *e.Threshold && e.Class != "") {
			t.Fatalf("%+v", e)
		}
		if e.Why == prefilter.Score && (len(e.Features) == 0 || e.Outcome != Passed) {
			t.Fatalf("an event is passed on, and nobody knows for which features: %+v", e)
		}
	}
	if why[prefilter.Below] == 0 || why[prefilter.Score] == 0 || why[prefilter.Always] == 0 || why[prefilter.Failed] > 0 {
		t.Errorf("reasons: %v", why)
	}
	if levels := r.series(metricThreshold); levels["policy"] < 80 || levels["policy"] > 99.5 {
		t.Errorf("thresholds: %v", levels)
	}
}

// TestNeverHidden: what cannot be read or scored goes on, and says so.
func TestNeverHidden(t *testing.T) {
	for name, c := range map[string]struct{ raw, damaged, failure string }{
		"no JSON":              {"\xff\x00 no event", "is no JSON object", "it is no event"},
		"a list":               {`[1]`, "is no JSON object", "it is no event"},
		"half an event":        {`{"rule": "x", "output_fields": {"a"`, "ends too early", "it is no event"},
		"fields that are none": {`{"rule": "x", "output_fields": 7}`, "output_fields", "it is no event"},
		"no priority":          {`{"rule": "x", "output_fields": {"k8s.ns.name": "shop"}}`, "", "without one of Falco's priorities"},
		"a key in two cases":   {`{"priority": "Critical", "rule": "x", "Rule": "y"}`, "a key comes again in other letters", ""},
		"deep":                 {`{"priority": "Critical", "x": ` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "nested deeper", ""},
		"markup":               {`{"priority": "Critical", "x": "` + strings.Repeat("<", 100_000) + `"}`, "too long as JSON", ""},
	} {
		h := &hop{}
		r := newRig(t, h, nil)
		e, err := r.take(t.Context(), arrival{intake: "falco", raw: []byte(c.raw)})
		if err != nil || e.Outcome != Passed || len(h.got) != 1 {
			t.Errorf("%s: %+v, %v, %d handed over", name, e, err, len(h.got))
			continue
		}
		m := h.got[0]
		if (m.Data == nil) != (c.damaged != "") || !strings.Contains(m.Damaged, c.damaged) || !strings.Contains(e.Failure, c.failure) || string(m.Raw) != c.raw {
			t.Errorf("%s: %+v, %+v", name, m, e)
		}
	}
}

// TestAmbiguous: an event that two readers would understand in two ways reaches the agent as the prefilter understood it.
func TestAmbiguous(t *testing.T) {
	h := &hop{}
	r := newRig(t, h, nil)
	raw := []byte("{\"priority\": \"Debug\", \"priority\": \"Critical\", \"n\": 12345678901234567890, \"output_fields\": {\"proc.cmdline\": \"\xff\"}}")
	if _, err := r.take(t.Context(), arrival{intake: "falco", raw: raw}); err != nil || len(h.got) != 1 {
		t.Fatal(err, len(h.got))
	}
	if got, want := string(h.got[0].Data), `{"n":12345678901234567890,"output_fields":{"proc.cmdline":"�"},"priority":"Critical"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestScorerFails: a forest that cannot be read, and one that breaks, hide nothing.
func TestScorerFails(t *testing.T) {
	b, err := bundle.Open("../../generated/prod/bundle")
	if err != nil {
		t.Fatal(err)
	}
	b.Files["forests/detect.json"] = []byte("{}")
	e, err := engine.New(t.Context(), b, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := &hop{}
	r := newRig(t, h, nil)
	_, f := r.bundle.get()
	r.bundle.set(e, f)
	got, err := r.take(t.Context(), arrival{intake: "falco", raw: notice(t)})
	if err != nil || got.Outcome != Passed || got.Why != prefilter.Failed || !strings.Contains(got.Failure, "forests/detect.json") || got.Percentile != nil {
		t.Errorf("%+v, %v", got, err)
	}
	if !strings.Contains(r.logged.String(), "no forest stands before the agent") {
		t.Error(r.logged)
	}
	current := r.current.Load()
	current.routes["falco"].filter.filter = nil // whatever it is that breaks
	got, err = r.take(t.Context(), arrival{intake: "falco", raw: notice(t)})
	if err != nil || got.Outcome != Passed || got.Why != prefilter.Failed || !strings.Contains(got.Failure, "nil pointer") {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestHandOver: what is tried again, how often, and what ends it.
func TestHandOver(t *testing.T) {
	closed := &busy{err: errors.New("connection refused")}
	for name, c := range map[string]struct {
		say      func(n int, m *Message) error
		outcome  Outcome
		attempts int
	}{
		"a way that is closed for long": {func(n int, _ *Message) error {
			if n < 50 {
				return closed
			}
			return nil
		}, Passed, 50},
		"refused for good":        {func(int, *Message) error { return &Refusal{"no"} }, Failed, 1},
		"refused after a failure": {func(n int, _ *Message) error { return []error{closed, &Refusal{"no"}}[n-1] }, Failed, 2},
		"an agent that starts again": {func(n int, _ *Message) error {
			if n < 20 {
				return &unsure{err: errors.New("502")}
			}
			return nil
		}, Passed, 20},
		"an agent that chokes, slowly": {func(int, *Message) error { return &unsure{errors.New("500"), unsureFor} }, Failed, 21},
	} {
		h := &hop{say: c.say}
		r := newRig(t, h, nil)
		e, err := r.take(t.Context(), arrival{intake: "falco", raw: alert(1), waits: true})
		if err != nil || e.Outcome != c.outcome || h.n != c.attempts || r.counted(c.outcome) != 1 || len(r.records()) != 1 {
			t.Errorf("%s: %+v, %v after %d attempts", name, e, err, h.n)
		}
		if c.outcome == Failed && (e.Error == "" || !strings.Contains(r.logged.String(), e.MessageID)) {
			t.Errorf("%s: nobody says why: %+v %s", name, e, r.logged)
		}
	}
}

// TestPauses grow, stay within bounds, and heed what the other side asks for.
func TestPauses(t *testing.T) {
	for attempt, want := range map[int]time.Duration{0: firstWait, 3: 8 * firstWait, 100: mostWait} {
		for range 100 {
			if got := pauseAfter(errors.New("x"), attempt); got < want/2 || got >= want {
				t.Fatalf("attempt %d: %s, want up to %s", attempt, got, want)
			}
		}
	}
	if got := pauseAfter(fmt.Errorf("x: %w", &busy{after: 7 * time.Second}), 0); got != 7*time.Second {
		t.Error(got)
	}
	for text, want := range map[string]time.Duration{"7": 7 * time.Second, "-1": 0, "": 0, "1e3": 0, "999999": 0, "Wed, 21 Oct 2026 07:28:00 GMT": 0} {
		if got := retryAfter(text); got != want {
			t.Errorf("Retry-After %q: %s", text, got)
		}
	}
}

// TestIdentity: the same bytes have the same message id, and others have another; a trace that comes in is kept, and one that is none is not.
func TestIdentity(t *testing.T) {
	h := &hop{}
	r := newRig(t, h, nil)
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, a := range []arrival{
		{intake: "falco", raw: alert(1)}, {intake: "falco", raw: alert(1), parent: parent}, {intake: "falco", raw: alert(2)}, {intake: "webhook", raw: alert(1)},
		{intake: "falco", raw: alert(3), parent: "00-00000000000000000000000000000000-b7ad6b7169203331-01"}, {intake: "falco", raw: alert(3), parent: "x"},
	} {
		if _, err := r.take(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	all := r.records()
	if all[0].MessageID != all[1].MessageID || all[0].MessageID == all[2].MessageID || all[0].MessageID == all[3].MessageID {
		t.Errorf("message ids: %+v", all)
	}
	traces := map[string]bool{}
	for i, e := range all {
		m := traceParent.FindStringSubmatch(h.got[i].TraceParent)
		if m == nil || m[1] != e.TraceID || traces[e.TraceID] || m[1] == noTrace {
			t.Errorf("event %d: trace %s, traceparent %s", i, e.TraceID, h.got[i].TraceParent)
		}
		traces[e.TraceID] = true
	}
	if !traces["0af7651916cd43dd8448eb211c80319c"] || strings.Contains(h.got[1].TraceParent, "b7ad6b7169203331") {
		t.Errorf("the trace that came in: %s", h.got[1].TraceParent)
	}
}

// TestTooLong: what no guard would read is counted, recorded with its digest, and the source goes on.
func TestTooLong(t *testing.T) {
	h := &hop{}
	r := newRig(t, h, nil)
	lines := bytes.Join([][]byte{alert(1), bytes.Repeat([]byte("x"), MaxEvent+1), bytes.Repeat([]byte("x"), 1<<20+1), alert(2)}, []byte("\n"))
	counts, err := r.ReadLines(t.Context(), "falco", bytes.NewReader(lines))
	if err != nil || counts[Passed] != 2 || counts[Failed] != 2 || r.counted(Failed) != 2 || !strings.Contains(r.logged.String(), "digest=sha256:") {
		t.Errorf("%v, %v, %s", counts, err, r.logged)
	}
}
