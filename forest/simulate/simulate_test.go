package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"agentc/forest"
	"agentc/forest/events"
	"agentc/forest/prefilter"
	"agentc/schema"
)

// at passes on from a percentile, and Critical ones always.
type at float64

func (p at) Limit(_ context.Context, about prefilter.About, _ time.Time) (prefilter.Limit, error) {
	switch about.Priority {
	case "Critical":
		return prefilter.Limit{Rules: []string{"always"}}, nil
	case "Emergency":
		return prefilter.Limit{}, errors.New("no answer")
	}
	shadow := 50.0
	return prefilter.Limit{Percentile: float64(p), Rules: []string{"policy"}, Class: "policy", Min: 10, Max: 99, Shadow: &shadow}, nil
}

func event(t testing.TB, size int, priority string, more string) *events.Event {
	t.Helper()
	line := fmt.Appendf(nil, `{"rule": "Size <b>%d</b>", "priority": %q, "output_fields": {"size": %d, "k8s.ns.name": "shop"}%s}`, size/20, priority, size, more)
	e, err := events.Parse(line, events.SourceFalco)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// model finds an event the more unusual the larger its size is.
func model(t testing.TB) *events.Model {
	t.Helper()
	spec := schema.FeaturesSpec{Source: events.SourceFalco, Features: []schema.Feature{{Name: "size", Number: &schema.Number{Field: "size"}}}}
	m, err := events.Train(spec, func(each func(*events.Event) error) error {
		for i := range 1000 {
			if err := each(event(t, i*i/1000, "Notice", "")); err != nil {
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

func replayed(t *testing.T, now, then at, all []*events.Event, labels []events.Label) *Report {
	t.Helper()
	m := model(t)
	r := New(Of{"prod", "falco", "detect"}, Side{"now", now, m}, Side{"then", then, m}, labels)
	for _, e := range all {
		if err := r.Event(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	report, err := r.Report(t.Context(), 0.5)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestReplay(t *testing.T) {
	day := func(i int) string { return fmt.Sprintf(`, "uuid": "u%d", "time": "2026-11-%02dT12:00:00Z"`, i, 2+i%3) }
	var all []*events.Event
	var labels []events.Label
	for i := range 1000 {
		e := event(t, i, "Notice", day(i))
		all = append(all, e)
		if i == 880 || i == 999 {
			labels = append(labels, events.Label{Event: e, Incident: true})
		}
	}
	all = append(all, event(t, 1, "Critical", day(1000)))
	labels = append(labels, events.Label{Event: event(t, 900, "Notice", ""), Incident: true}, events.Label{Event: event(t, 999, "Notice", "")})
	r := replayed(t, 90, 96, all, labels)
	if r.Events != 1001 || r.Days != 2 || r.Incidents != 3 || r.Labels != 4 || r.Passes != 0 || r.Drops == 0 || r.Found != 0 || r.Lost != 2 {
		t.Errorf("%+v", r)
	}
	if r.Now.Caught != 3 || r.Then.Caught != 1 || r.Then.Benign != 1 || r.Now.Why[prefilter.Always] != 1 || r.Now.Passed != r.Then.Passed+r.Drops || r.Now.Shadow != r.Then.Shadow || r.Now.Shadow <= r.Now.Passed {
		t.Errorf("%+v, %+v", r.Now, r.Then)
	}
	if n := len(r.Moved); n < 3 || n > mostMoved || !r.Moved[0].Incident || !r.Moved[1].Incident || r.Moved[2].Incident {
		t.Fatalf("%d: %+v", n, r.Moved[0])
	}
	alike := 0
	for i, m := range r.Moved {
		if alike += m.Alike; m.Passes || m.Now.Why != prefilter.Score || m.Then.Why != prefilter.Below || m.Reasons[0].Feature != "size" {
			t.Errorf("%+v", m)
		}
		if i > 2 && m.Now.Percentile > r.Moved[i-1].Now.Percentile {
			t.Errorf("%v after %v", m.Now, r.Moved[i-1].Now)
		}
	}
	if alike != r.Drops+1 { // one of the labels alone
		t.Errorf("%d events are told, of %d", alike, r.Drops)
	}
	if same := replayed(t, 90, 90, all, labels); same.Passes+same.Drops+len(same.Moved) != 0 {
		t.Errorf("equal policies differ: %+v", same)
	}
}

func TestPrint(t *testing.T) {
	all := []*events.Event{event(t, 1, "Critical", ""), event(t, 1, "Emergency", ""), event(t, 1, "Notice", ""), event(t, 850, "Notice", "")}
	r := replayed(t, 90, 99, all, []events.Label{{Event: all[3], Incident: true}})
	var text, markdown, data bytes.Buffer
	for _, err := range []error{r.Text(&text), r.Markdown(&markdown), r.JSON(&data)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"prod, falco to detect: 4 events that do not say when they happened\n", "events passed on", "  unjudged", "0 found, 1 lost", "-0.50",
		"INCIDENT event 4 Notice Size <b>42</b> in shop: would be dropped: percentile 9", "because of size 850", "Some events could not be judged, and are passed on: no answer\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	if got := markdown.String(); !strings.Contains(got, "Size &lt;b&gt;42") || strings.Contains(got, "<b>") || !strings.Contains(got, "| incidents caught, of 1 | 1 | 0 | 0 found, 1 lost |") {
		t.Errorf("%s", got)
	}
	var read Report
	if err := json.Unmarshal(data.Bytes(), &read); err != nil || read.Lost != 1 || read.Moved[0].Incident != true {
		t.Errorf("%v: %s", err, &data)
	}
}

// TestDoubts: what makes the figures doubtful is said.
func TestDoubts(t *testing.T) {
	dated := func(i int, time string) *events.Event {
		return event(t, 850, "Notice", fmt.Sprintf(`, "uuid": "u%d", "time": %q`, i, time))
	}
	all := []*events.Event{
		dated(1, "2026-11-02T10:00:00Z"), dated(2, "2026-11-02T09:58:00Z"), dated(3, "2026-11-02T09:00:00Z"), dated(4, "2999-01-01T00:00:00Z"),
		dated(5, "1969-12-31T23:00:00Z"), dated(6, "yesterday"),
	}
	r := replayed(t, 90, 99, all, []events.Label{{Event: dated(7, "2026-11-02T10:00:00Z"), Incident: true}})
	if r.Late != 2 || r.Undated != 1 || r.Elsewhere != 1 || r.Days > 3 || r.Now.Passed != 6 || r.Now.Caught != 1 {
		t.Errorf("%+v", r)
	}
	var text bytes.Buffer
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 events are older than one before them", "1 events do not say when they happened", "1 labels are of events that are not in the recording"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
}

// TestLostIncidentsAreTold: however many kinds of other events change sides.
func TestLostIncidentsAreTold(t *testing.T) {
	var all []*events.Event
	for i := range mostAlike + 10 {
		all = append(all, event(t, 850, "Notice", fmt.Sprintf(`, "uuid": "u%d", "output_fields": {"size": 850, "k8s.ns.name": "n%d"}`, i, i)))
	}
	r := replayed(t, 90, 99, all, []events.Label{{Event: all[len(all)-1], Incident: true}})
	if r.Lost != 1 || !r.Moved[0].Incident || len(r.Moved) != mostMoved {
		t.Errorf("%+v", r.Moved[0])
	}
}

// TestAlike: twenty replays of labels alone say the same.
func TestAlike(t *testing.T) {
	var labels []events.Label
	for i := range 40 {
		labels = append(labels, events.Label{Event: event(t, 850, "Notice", fmt.Sprintf(`, "uuid": "u%d", "output_fields": {"size": 850, "k8s.ns.name": "n%d"}`, i, i)), Incident: i%2 == 0})
	}
	var first string
	for range 20 {
		var b bytes.Buffer
		if err := replayed(t, 90, 99, nil, labels).JSON(&b); err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = b.String()
		}
		if b.String() != first {
			t.Fatal("another report")
		}
	}
}
