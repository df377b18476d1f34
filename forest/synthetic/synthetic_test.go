package synthetic_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"agentc/forest/events"
	"agentc/forest/synthetic"
)

// TestLabels: the labels of a stream are of its own events, read back as labels, and say of every incident that it is one.
func TestLabels(t *testing.T) {
	o := synthetic.Options{Seed: 7, Events: 2000, Incidents: 0.05, Start: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), Length: 24 * time.Hour}
	for source, write := range map[string]func(*bytes.Buffer) error{
		events.SourceFalco: func(b *bytes.Buffer) error { return synthetic.Write(b, o) },
		events.SourceCalls: func(b *bytes.Buffer) error { return synthetic.Calls(b, o) },
	} {
		var stream, said bytes.Buffer
		if err := write(&stream); err != nil {
			t.Fatal(err)
		}
		if err := synthetic.Labels(&said, source, o); err != nil {
			t.Fatal(err)
		}
		labels, err := events.ReadLabels(&said, source)
		if err != nil {
			t.Fatal(err)
		}
		verdicts := events.Incidents(labels)
		incidents, benign := 0, 0
		for line := range bytes.Lines(stream.Bytes()) {
			e, err := events.Parse(line, source)
			if err != nil {
				t.Fatal(err)
			}
			verdict, labelled := verdicts[e.ID()]
			incident := strings.Contains(string(line), `"incident":"`)
			switch {
			case incident != (labelled && verdict):
				t.Errorf("%s: an incident: %t; labelled: %t, as one: %t: %s", source, incident, labelled, verdict, line)
			case incident:
				incidents++
			case labelled:
				benign++
			}
			if !strings.Contains(string(line), `"synthetic":true`) {
				t.Errorf("does not say that it was made up: %s", line)
			}
		}
		if len(labels) != incidents+benign || incidents < 70 || benign < 70 || labels[0].By != "synthetic@example.com" || labels[0].Day != "2026-11-02" {
			t.Errorf("%s: %d labels, of %d incidents and %d other events; %+v", source, len(labels), incidents, benign, labels[0])
		}
	}
	if err := synthetic.Labels(&bytes.Buffer{}, "kafka", o); err == nil {
		t.Error("labels of a source that there is not")
	}
}
