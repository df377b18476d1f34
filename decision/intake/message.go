package intake

import (
	"bytes"
	"encoding/json"
	"time"

	"agentc/decision/strict"
)

// Keys of what goes with an event: in the metadata of an A2A message, and headers of a record.
const (
	SkillKey   = "urn:agents.d:skill:v1"   // the skill that is asked for
	AnomalyKey = "urn:agents.d:anomaly:v1" // how unusual the event is, as Anomaly
	TraceKey   = "urn:agents.d:trace:v1"   // the traceparent, which outlives the request here
	DamagedKey = "urn:agents.d:damaged:v1" // why the bytes are no event
)

// Message is an event on its way to the next hop.
type Message struct {
	ID          string // UUID that follows from the event: the same for the same one
	TraceParent string
	URL         string // of the agent's skill
	Skill       string
	Raw         []byte          // the event as it came
	Data        json.RawMessage // the event as JSON that all readers understand alike; nil where it cannot be that
	Damaged     string          // why it cannot
	Anomaly     Anomaly
}

// mostData is what an event may have as JSON, with what encoding/json does to it. A longer one goes as its bytes.
const mostData = 192 << 10

func messageOf(e *Event, r *route, raw []byte, parsed bool) *Message {
	m := &Message{ID: e.MessageID, TraceParent: e.parent, URL: r.url, Skill: e.Skill, Raw: raw, Damaged: e.Damaged, Anomaly: e.Anomaly}
	if !parsed {
		return m
	}
	var err error
	if m.Data, err = unambiguous(raw); err != nil {
		m.Damaged = err.Error()
		e.Damaged = m.Damaged
	}
	return m
}

// unambiguous JSON of an event, read as the prefilter read it: of a key that comes twice the last counts, and what is no UTF-8 is U+FFFD. Falco prints what an
// attacker typed, so that this happens; whoever reads strictly would refuse the event. What still can be read in two ways is refused here.
func unambiguous(raw []byte) (json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	data, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	if len(data) > mostData {
		return nil, &strict.Error{Reason: "it is too long as JSON"}
	}
	if _, err := strict.Read(bytes.NewReader(data)); err != nil {
		return nil, err
	}
	return data, nil
}

// retryAfter of a reply, in seconds; dates are not read.
func retryAfter(text string) time.Duration {
	seconds, err := json.Number(text).Int64()
	if err != nil || seconds < 0 || seconds > int64(mostWait/time.Second) {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
