package events

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"agentc/forest"
)

// FeedbackReason is what the analysts' verdicts are called among the reasons, where no feature can have the name.
const FeedbackReason = "feedback"

// Digest is the sha256 of the model's file, by which its feedback names it.
func (m *Model) Digest() string {
	h := sha256.New()
	if err := m.Write(h); err != nil {
		panic(err) // a model that was read or trained can be written, and a hash takes everything
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Fold makes feedback of labels, in their order. Of two verdicts on an event the later one counts, as it does wherever a forest is measured: a
// verdict can be corrected, and none gains by being repeated.
func Fold(m *Model, labels []Label, b forest.Basis) (*forest.Feedback, error) {
	last := map[string]int{}
	for i, l := range labels {
		last[l.Event.ID()] = i
	}
	b.Forest = m.Digest()
	s := m.Scorer()
	var verdicts []forest.Verdict
	for i, l := range labels {
		if !s.Sees(l.Event) {
			return nil, fmt.Errorf("%d: the event has none of the fields that the features read; write the whole event", l.Line)
		}
		if last[l.Event.ID()] == i {
			verdicts = append(verdicts, forest.Verdict{Row: slices.Clone(s.Row(l.Event)), Incident: l.Incident})
		}
	}
	return forest.Fold(m.Forest, verdicts, b)
}

// With is the model with feedback, which must be its own.
func (m *Model) With(fb *forest.Feedback) (*Model, error) {
	if digest := m.Digest(); fb.Forest != digest {
		return nil, fmt.Errorf("it is feedback of the forest %s, and this is %s; verdicts are folded again when a forest is trained", fb.Forest, digest)
	}
	taught, err := m.Forest.With(fb)
	if err != nil {
		return nil, err
	}
	return &Model{m.Spec, m.Tables, taught}, nil
}
