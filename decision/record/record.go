// Package record is the decision log: what was decided, why, and by which bundle, so that it can be shown afterwards that nothing of it was changed or
// is missing. A record is a line of JSON with the field names of Open Policy Agent's decision logs and some of our own. Each line carries the SHA-256 of the
// line before it, and signed checkpoints say how long the chain was and what it ended in.
//
// A folder holds one log of one replica:
//
//	lock                             held by the process that appends
//	key, key.pub                     Ed25519, made at the first start
//	log/origin                       name of the log, in every checkpoint
//	log/00000000000000000001.jsonl   segments, by their first seq
//	log/checkpoints                  signed notes, one after another
//	aside-<time>/                    a log that did not verify, set aside
//
// The package removes nothing, ever: how long records are kept is not its business. Whoever archives segments keeps them with the checkpoints and verifies
// them together.
package record

import (
	"encoding/json"
	"time"
)

// Kinds of records.
const (
	KindDecision   = "decision"
	KindEscalation = "escalation" // result: Escalation
	KindQuarantine = "quarantine" // result: Quarantine
	KindBundle     = "bundle"     // result: Activation
	KindEvent      = "event"      // result: Event
	KindOutcome    = "outcome"    // result: Outcome
	KindLog        = "log"        // result: About; the log speaks of itself
)

// Record of one step. The names up to RequestID are those of Open Policy Agent.
type Record struct {
	Labels      map[string]string `json:"labels,omitempty"`
	DecisionID  string            `json:"decision_id,omitempty"`
	TraceID     string            `json:"trace_id,omitempty"`
	SpanID      string            `json:"span_id,omitempty"`
	Bundles     map[string]Bundle `json:"bundles,omitempty"` // by name
	Path        string            `json:"path,omitempty"`
	Query       string            `json:"query,omitempty"`
	Input       map[string]any    `json:"input,omitempty"` // as asked; what is written of it, Options.Keep says
	Result      any               `json:"result,omitempty"`
	Erased      []string          `json:"erased,omitempty"` // JSON pointers to what was dropped; one that ends in /* stands for more than can be named
	Masked      []string          `json:"masked,omitempty"`
	RequestedBy string            `json:"requested_by,omitempty"`
	Timestamp   time.Time         `json:"timestamp"` // zero: when it is appended
	RequestID   uint64            `json:"req_id,omitempty"`

	Kind           string   `json:"kind"`
	Verdict        string   `json:"verdict,omitempty"`
	Rules          []string `json:"rules,omitempty"`
	Caller         string   `json:"caller,omitempty"` // SPIFFE id
	Callee         string   `json:"callee,omitempty"` // name of the agent
	Skill          string   `json:"skill,omitempty"`
	ActionDigest   string   `json:"action_digest,omitempty"`
	ApprovalID     string   `json:"approval_id,omitempty"`
	BundleSequence int64    `json:"bundle_sequence,omitempty"`
	Source         string   `json:"source,omitempty"`      // ip:port of whoever called
	Destination    string   `json:"destination,omitempty"` // ip:port that was called
}

// Bundle that was in force.
type Bundle struct {
	Revision string `json:"revision"`
}

// Event that came in, and what the prefilter made of it.
type Event struct {
	Intake     string    `json:"intake"`
	Agent      string    `json:"agent"` // that it is for
	Percentile *float64  `json:"percentile,omitempty"`
	Threshold  *float64  `json:"threshold,omitempty"`
	Passed     bool      `json:"passed"` // on to the agent; else it was dropped
	Why        string    `json:"why"`
	Features   []Feature `json:"features,omitempty"` // that made it unusual, the strongest first
}

// Feature of an event.
type Feature struct {
	Feature string  `json:"feature"`
	Value   float64 `json:"value"`
	Credit  float64 `json:"credit"`
}

// Escalation is a step of one.
type Escalation struct {
	ID     string `json:"id"`
	From   string `json:"from,omitempty"` // state; empty: it was created
	To     string `json:"to"`
	By     string `json:"by,omitempty"` // who; empty: nobody, its time was over
	Via    string `json:"via,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Quarantine was imposed or lifted.
type Quarantine struct {
	Agent  string    `json:"agent"`
	Lifted bool      `json:"lifted"`
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// Activation of a bundle, or its refusal.
type Activation struct {
	State    string `json:"state"` // activated, refused
	Revision string `json:"revision,omitempty"`
	Sequence int64  `json:"sequence,omitempty"`
	Digest   string `json:"digest,omitempty"`
	Why      string `json:"why,omitempty"`
}

// The states of an activation.
const (
	Activated = "activated"
	Refused   = "refused"
)

// Outcome of an action that went through.
type Outcome struct {
	State  string `json:"state"` // forwarded, failed
	Status int    `json:"status,omitempty"`
	Why    string `json:"why,omitempty"`
}

// About is what a log says of itself: that it begins, or that a crash left half a line, which was cut off.
type About struct {
	Origin  string   `json:"origin"`
	Event   string   `json:"event"` // begun, repaired
	Cut     int64    `json:"cut_bytes,omitempty"`
	Follows *Follows `json:"follows,omitempty"` // a log that was set aside
}

// Follows names a log that was set aside, with the last checkpoint that it had.
type Follows struct {
	Folder string `json:"folder"`
	Origin string `json:"origin"`
	Size   uint64 `json:"size"`
	Hash   string `json:"hash,omitempty"`
}

// Entry is a record as it stands in a log.
type Entry struct {
	Seq      uint64 `json:"seq"`       // from 1, without gaps
	PrevHash string `json:"prev_hash"` // of the line before, hexadecimal; of the log's origin for the first
	Record
	Result json.RawMessage `json:"result,omitempty"`
}
