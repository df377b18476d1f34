package point

import (
	"bytes"
	"context"
	"encoding/json"

	"agentc/decision/engine"
	"agentc/decision/escalation"
)

// Usable says whether an approval may be used up without its question being asked again: the guard of the callee may consume it by itself. What was approved is judged again
// by what is in force now, and recorded, all before the approval is spent.
func (p *Point) Usable(ctx context.Context, e escalation.Escalation) error {
	f, err := p.Bundle()
	if err != nil {
		return &escalation.Refusal{Rule: engine.Failed, Reason: err.Error()}
	}
	a, err := askedOf(e)
	if err != nil {
		return &escalation.Refusal{Rule: engine.Failed, Reason: "What was approved cannot be read: ask again with the approval."}
	}
	if callee := f.Fleet.Agent(e.Callee); callee != nil {
		a.By.ID = callee.ID
	}
	d, err := p.judge(ctx, f, a)
	if err != nil {
		return &escalation.Refusal{Rule: engine.Failed, Reason: err.Error()}
	}
	d.Digest = e.Digest
	if d.Verdict != engine.Reject {
		if err := d.enough(&e); err != nil {
			d.refuse("The approval does not count", err)
		} else {
			d.Allowed = true
		}
	}
	p.record(ctx, d)
	if !d.Allowed {
		return &escalation.Refusal{Rule: d.Rules[0], Reason: d.Reasons[0].Reason}
	}
	return nil
}

// askedOf is the question that an escalation is about.
func askedOf(e escalation.Escalation) (a Asked, err error) {
	var form, known map[string]any
	for _, part := range []struct {
		text []byte
		into *map[string]any
	}{{e.Action, &form}, {e.Known, &known}} {
		d := json.NewDecoder(bytes.NewReader(part.text))
		d.UseNumber()
		if err := d.Decode(part.into); err != nil {
			return a, err
		}
	}
	if a.Context = known; known == nil {
		a.Context = map[string]any{}
	}
	for _, name := range []string{"parameters", "message"} {
		if value, said := form[name]; said {
			a.Context[name] = value
		}
	}
	a.Subject, a.Action, a.Resource = engine.Entity{Type: "agent", ID: e.Caller}, e.Skill, engine.Entity{Type: "agent", ID: e.Callee}
	a.TraceID, a.Approval = e.TraceID, e.ID
	return a, nil
}
