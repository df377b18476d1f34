package intake

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"time"

	"agentc/forest/events"
	"agentc/forest/prefilter"
)

// Event is what became of one event, for the decision log. The event itself is not in it: it is found by its uuid or its digest.
type Event struct {
	Time      time.Time       `json:"timestamp"`
	Intake    string          `json:"intake"`
	From      string          `json:"from,omitempty"` // topic/partition/offset, or the line
	Agent     string          `json:"agent"`
	Skill     string          `json:"skill"`
	TraceID   string          `json:"trace_id"`
	MessageID string          `json:"message_id"`     // the same for the same bytes
	UUID      string          `json:"uuid,omitempty"` // that falcosidekick gave it
	Digest    string          `json:"digest"`         // sha256:<hex> of its bytes
	Outcome   Outcome         `json:"outcome"`
	Error     string          `json:"error,omitempty"`   // why it failed
	Damaged   string          `json:"damaged,omitempty"` // why it is no event
	Anomaly                   // what the prefilter knows
	Shadow    bool            `json:"shadow,omitempty"`   // the threshold that is tried out would pass it on
	AtBound   bool            `json:"at_bound,omitempty"` // the budget would raise the threshold further
	About     prefilter.About `json:"about"`
	Revision  string          `json:"revision"` // of the bundle
	Sequence  int64           `json:"sequence"`

	parent string // span of the traceparent that goes on
}

// Anomaly is how unusual an event is. What is not known is left out, and is not 0.
type Anomaly struct {
	Score      *float64        `json:"score,omitempty"`
	Percentile *float64        `json:"percentile,omitempty"`
	Threshold  *float64        `json:"threshold,omitempty"` // from which it is passed on; none where no score decides
	Class      string          `json:"class,omitempty"`
	Rules      []string        `json:"rules,omitempty"` // that set the threshold
	Why        prefilter.Why   `json:"why,omitempty"`
	Failure    string          `json:"failure,omitempty"`  // why it could not be judged
	Features   []events.Reason `json:"features,omitempty"` // the weightiest, of an event that is passed on
}

func newEvent(f *filters, r *route, a arrival, now time.Time) Event {
	sum := sha256.Sum256(a.raw)
	m := f.engine.Manifest
	e := Event{
		Time: now.UTC(), Intake: a.intake, From: a.from, Agent: r.intake.Agent, Skill: r.intake.Skill, Digest: "sha256:" + hex.EncodeToString(sum[:]),
		MessageID: messageID(m.Metadata.Fleet, m.Metadata.Environment, a.intake, sum), Revision: m.Revision, Sequence: m.Metadata.Sequence,
	}
	e.TraceID, e.parent = trace(a.parent)
	return e
}

func (e *Event) judged(d *prefilter.Decision) {
	e.Why, e.Class, e.Rules, e.Shadow, e.AtBound = d.Why, d.Class, d.Rules, d.Shadow, d.AtBound
	if d.Scored {
		e.Score, e.Percentile = &d.Score, &d.Percentile
	}
	if d.Class != "" && d.Err == nil {
		e.Threshold = &d.Threshold
	}
	if d.Err != nil {
		e.Failure = d.Err.Error()
	}
}

// messageID is a UUID that follows from an event's bytes and the intake that they came by: whoever gets it twice knows it for the same.
func messageID(fleet, environment, intake string, sum [sha256.Size]byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %x", fleet, environment, intake, sum)
	id := h.Sum(nil)[:16]
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // version 8, RFC 9562: a digest of our own
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

var traceParent = regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$`)

const (
	noTrace = "00000000000000000000000000000000"
	noSpan  = "0000000000000000"
)

// trace that an event belongs to: the one that it came with, or else a new one. The span is always new, and is the hand-over's.
func trace(parent string) (id, traceparent string) {
	var b [24]byte
	rand.Read(b[:]) // it never fails
	id = hex.EncodeToString(b[:16])
	if m := traceParent.FindStringSubmatch(parent); m != nil && m[1] != noTrace && m[2] != noSpan {
		id = m[1]
	}
	return id, "00-" + id + "-" + hex.EncodeToString(b[16:]) + "-01"
}
