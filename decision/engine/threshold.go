package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"agentc/forest"
	"agentc/forest/events"
	"agentc/forest/prefilter"

	"github.com/open-policy-agent/opa/v1/rego"
)

// The prefilter's part of a bundle: the threshold, its second entry point, and the forests.

// Limit of an event at a time; at the zero time neither day nor hour is known.
func (e *Engine) Limit(ctx context.Context, about prefilter.About, at time.Time) (prefilter.Limit, error) {
	event := map[string]any{}
	for name, value := range map[string]string{"source": about.Source, "priority": about.Priority, "agent": about.Agent, "namespace": about.Namespace} {
		if value != "" {
			event[name] = value
		}
	}
	now := map[string]any{}
	if at = at.UTC(); !at.IsZero() {
		now["today"], now["hour"] = at.Format(time.DateOnly), at.Hour()
	}
	results, err := e.threshold.Eval(ctx, rego.EvalInput(map[string]any{"event": event, "context": now}), rego.EvalRuleIndexing(false))
	if err != nil {
		return prefilter.Limit{}, err
	}
	if len(results) != 1 {
		return prefilter.Limit{}, fmt.Errorf("the bundle has no threshold for %+v", about)
	}
	text, err := json.Marshal(results[0].Expressions[0].Value)
	if err != nil {
		return prefilter.Limit{}, err
	}
	var limit prefilter.Limit
	return limit, json.Unmarshal(text, &limit)
}

// Forest before an agent, with what was taught to it; nil where there is none.
func (e *Engine) Forest(agent string) (*events.Model, error) {
	name := "forests/" + agent
	file, there := e.forests[name+".json"]
	if !there {
		return nil, nil
	}
	m, err := events.Read(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%s.json: %w", name, err)
	}
	taught, there := e.forests[name+".feedback.json"]
	if !there {
		return m, nil
	}
	fb, err := forest.ReadFeedback(bytes.NewReader(taught))
	if err == nil {
		m, err = m.With(fb)
	}
	if err != nil {
		return nil, fmt.Errorf("%s.feedback.json: %w", name, err)
	}
	return m, nil
}
