package prefilter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"agentc/forest"
	"agentc/forest/events"
	"agentc/schema"
)

// fixed answers always the same, and counts how often it was asked.
type fixed struct {
	Limit
	err   error
	asked int
}

type policy struct{ f *fixed }

func (p policy) Limit(context.Context, About, time.Time) (Limit, error) {
	p.f.asked++
	return p.f.Limit, p.f.err
}

var start = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// model finds an event the more unusual the larger its size is.
func model(t testing.TB) *events.Model {
	t.Helper()
	spec := schema.FeaturesSpec{Source: events.SourceFalco, Features: []schema.Feature{{Name: "size", Number: &schema.Number{Field: "size"}}}}
	m, err := events.Train(spec, func(each func(*events.Event) error) error {
		for i := range 400 {
			if err := each(event(t, i%100)); err != nil {
				return err
			}
		}
		return nil
	}, forest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func event(t testing.TB, size int) *events.Event {
	t.Helper()
	e, err := events.Parse(fmt.Appendf(nil, `{"priority": "Notice", "output_fields": {"k8s.ns.name": "shop", "size": %d}}`, size), events.SourceFalco)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestDecide(t *testing.T) {
	shadow := 5.0
	class := Limit{Percentile: 95, Rules: []string{"policy"}, Class: "policy", Min: 80, Max: 99}
	sampled, shadowed := class, class
	sampled.Sample, shadowed.Shadow = 100, &shadow
	m := model(t)
	usual, odd := event(t, 50), event(t, 100000)
	for name, c := range map[string]struct {
		limit  Limit
		err    error
		model  *events.Model
		event  *events.Event
		why    Why
		passed bool
		shadow bool
	}{
		"unusual":                  {limit: class, model: m, event: odd, why: Score, passed: true},
		"usual":                    {limit: class, model: m, event: usual, why: Below},
		"by lot":                   {limit: sampled, model: m, event: usual, why: Sample, passed: true},
		"always":                   {limit: Limit{Rules: []string{"always"}}, model: m, event: usual, why: Always, passed: true},
		"no policy":                {err: errors.New("no bundle"), model: m, event: usual, why: Failed, passed: true},
		"no forest":                {limit: class, event: usual, why: Failed, passed: true},
		"no forest, and no limit":  {limit: Limit{Rules: []string{"no-prefilter"}}, event: usual, why: Always, passed: true},
		"a threshold to try out":   {limit: shadowed, model: m, event: usual, why: Below, shadow: true},
		"one that passes as it is": {limit: shadowed, model: m, event: odd, why: Score, passed: true, shadow: true},
	} {
		d := New(policy{&fixed{Limit: c.limit, err: c.err}}, c.model, [32]byte{}).Decide(t.Context(), c.event, AboutFalco(c.event, "falco", "detect"), start)
		if d.Why != c.why || d.Passed() != c.passed || d.Shadow != c.shadow {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestAbout(t *testing.T) {
	for line, want := range map[string]string{
		`{"priority": "critical"}`:   "Critical",
		`{"priority": " CRITICAL "}`: "Critical",
		`{"priority": "Severe"}`:     "",
		`{}`:                         "",
		`{"priority": null, "output_fields": {"priority": "Debug"}}`:                         "",
		`{"priority": "Critical", "priority": null, "output_fields": {"priority": "Debug"}}`: "",
		`{"priority": "Alert", "output_fields": {"priority": "Debug"}}`:                      "Alert",
	} {
		e, err := events.Parse([]byte(line), events.SourceFalco)
		if err != nil {
			t.Fatal(err)
		}
		if got := AboutFalco(e, "falco", "detect").Priority; got != want {
			t.Errorf("%s: %q", line, got)
		}
		limit := Limit{Percentile: 99, Class: "policy", Max: 99}
		if d := New(policy{&fixed{Limit: limit}}, model(t), [32]byte{}).Decide(t.Context(), e, AboutFalco(e, "falco", "detect"), start); want == "" && d.Why != Failed {
			t.Errorf("%s: %+v", line, d)
		}
	}
	if got := AboutFalco(event(t, 1), "falco", "detect"); got != (About{"falco", "Notice", "detect", "shop"}) {
		t.Errorf("%+v", got)
	}
}

// TestLimitsAreRemembered: for an hour, unless they failed.
func TestLimitsAreRemembered(t *testing.T) {
	f := &fixed{Limit: Limit{Percentile: 95, Class: "policy", Max: 99}}
	filter := New(policy{f}, model(t), [32]byte{})
	decide := func(namespace string, at time.Time) {
		filter.Decide(t.Context(), event(t, 1), About{Namespace: namespace, Priority: "Notice"}, at)
	}
	for range 10 {
		decide("shop", start)
	}
	decide("jobs", start)
	decide("shop", start.Add(59*time.Minute))
	if f.asked != 2 {
		t.Errorf("asked %d times", f.asked)
	}
	decide("shop", start.Add(time.Hour))
	if f.asked != 3 {
		t.Errorf("asked %d times with another hour", f.asked)
	}
	f.err = errors.New("no bundle")
	decide("web", start.Add(time.Hour))
	decide("web", start.Add(time.Hour))
	if f.asked != 5 {
		t.Errorf("asked %d times after a failure", f.asked)
	}
	for i := range 3 * mostLimits {
		decide(fmt.Sprint("x", i), start)
	}
	if n := len(filter.limits.known); n > mostLimits {
		t.Errorf("%d are remembered", n)
	}
}

// TestBudget: a flood raises the threshold step by step to the bound, of its namespace alone, and silence brings it back.
func TestBudget(t *testing.T) {
	limit := Limit{Percentile: 92, Class: "policy", Min: 80, Max: 96, PerHour: 100}
	f := New(policy{&fixed{Limit: limit}}, model(t), [32]byte{})
	odd := event(t, 100000) // as unusual as can be: it passes at any threshold
	decide := func(namespace string, minutes int) Decision {
		return f.Decide(t.Context(), odd, About{Namespace: namespace, Priority: "Notice"}, start.Add(time.Duration(minutes)*time.Minute))
	}
	var thresholds []string
	for minute := range 60 {
		for range 30 {
			d := decide("flooded", minute)
			if d.Threshold < 92 || d.Threshold > 96 || !d.Passed() {
				t.Fatalf("minute %d: %+v", minute, d)
			}
		}
		if minute%5 == 4 {
			d := decide("flooded", minute)
			thresholds = append(thresholds, fmt.Sprint(d.Threshold))
			if d.AtBound != (d.Threshold == 96) {
				t.Errorf("minute %d: %+v", minute, d)
			}
		}
	}
	if got := strings.Join(thresholds, " "); got != "92 92.5 93 93.5 94 94.5 95 95.5 96 96 96 96" {
		t.Errorf("thresholds were %s", got)
	}
	if d := decide("quiet", 60); d.Threshold != 92 {
		t.Errorf("another namespace: %+v", d)
	}
	if d := decide("flooded", 110); d.Threshold != 96 {
		t.Errorf("after 50 minutes, when the last of the flood is within the hour: %+v", d)
	}
	if d := decide("flooded", 145); d.Threshold >= 95 {
		t.Errorf("after 85 minutes: %+v", d)
	}
	if d := decide("flooded", 400); d.Threshold != 92 {
		t.Errorf("long after: %+v", d)
	}
	if d := decide("flooded", 395); d.Threshold != 92 {
		t.Errorf("an event that comes late: %+v", d)
	}
}

// TestBudgetsAreBounded: namespaces that somebody invents do not fill the memory.
func TestBudgetsAreBounded(t *testing.T) {
	var b budgets
	limit := Limit{Class: "policy", PerHour: 1}
	for i := range mostBudgets + 10 {
		b.at(limit, fmt.Sprint(i), start)
	}
	if len(b.of) != mostBudgets {
		t.Errorf("%d are kept", len(b.of))
	}
	b.at(limit, "later", start.Add(3*time.Hour))
	if len(b.of) != 1 {
		t.Errorf("%d are kept, hours later", len(b.of))
	}
}

// TestOddTimes: an event may say that it happened at any time, or at none.
func TestOddTimes(t *testing.T) {
	f := New(policy{&fixed{Limit: Limit{Percentile: 50, Class: "policy", Max: 99, PerHour: 1}}}, model(t), [32]byte{})
	for _, at := range []time.Time{{}, time.Unix(-1e10, 0), time.Unix(-1, 0), time.Unix(0, 0), start, time.Unix(1<<55, 0), start} {
		if d := f.Decide(t.Context(), event(t, 100000), About{Namespace: "shop", Priority: "Notice"}, at); !d.Passed() {
			t.Errorf("%v: %+v", at, d)
		}
	}
}

// TestNoNamespace: events of many hosts share no budget.
func TestNoNamespace(t *testing.T) {
	f := New(policy{&fixed{Limit: Limit{Percentile: 50, Class: "policy", Max: 99, PerHour: 1}}}, model(t), [32]byte{})
	for minute := range 120 {
		if d := f.Decide(t.Context(), event(t, 100000), About{Priority: "Notice"}, start.Add(time.Duration(minute)*time.Minute)); d.Threshold != 50 {
			t.Fatalf("%+v", d)
		}
	}
}

// TestSample: about as many as the policy says.
func TestSample(t *testing.T) {
	f := New(policy{&fixed{Limit: Limit{Percentile: 99, Class: "policy", Max: 99, Sample: 5}}}, model(t), [32]byte{1})
	usual, n := event(t, 50), 0
	for range 10000 {
		if d := f.Decide(t.Context(), usual, About{Priority: "Notice"}, start); d.Why == Sample {
			n++
		}
	}
	if n < 400 || n > 600 {
		t.Errorf("%d of 10000 at 5 %%", n)
	}
}

func BenchmarkDecide(b *testing.B) {
	f := New(policy{&fixed{Limit: Limit{Percentile: 95, Class: "policy", Max: 99, PerHour: 100}}}, model(b), [32]byte{})
	e := event(b, 50)
	about := AboutFalco(e, "falco", "detect")
	b.ReportAllocs()
	for b.Loop() {
		f.Decide(b.Context(), e, about, start)
	}
}
