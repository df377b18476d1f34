package events

import (
	"fmt"
	"slices"
	"strings"

	"agentc/schema"
)

// Sees says whether an event has any of the fields that the features read. One that has none is hardly an event of the source.
func (s *Scorer) Sees(e *Event) bool { return s.rows.see(e) }

func (r *rows) see(e *Event) bool {
	r.read(e)
	return r.seen(e)
}

// seen is see, of the event that was read last.
func (r *rows) seen(e *Event) bool {
	return len(e.Tags) > 0 || slices.ContainsFunc(r.values, func(v found) bool { return v.there })
}

// strangers says that most of what was to be trained on is something else.
func strangers(spec *schema.FeaturesSpec, blank, all int) error {
	var fields []string
	for i := range spec.Features {
		fields = append(fields, asks(&spec.Features[i])...)
	}
	slices.Sort(fields)
	fields = slices.Compact(fields)
	return fmt.Errorf("%d of %d events have none of the fields that the features read: %s; are they events of source %s?", blank, all, strings.Join(fields, ", "), spec.Source)
}

// Idle are the features that no tree asks about: they were the same in all events, or nearly.
func (m *Model) Idle() []string {
	asked := make([]bool, len(m.Spec.Features))
	for i := range m.Forest.Trees {
		for _, f := range m.Forest.Trees[i].Feature {
			if f >= 0 {
				asked[f] = true
			}
		}
	}
	var idle []string
	for i, is := range asked {
		if !is {
			idle = append(idle, m.Spec.Features[i].Name)
		}
	}
	return idle
}
