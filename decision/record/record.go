// Package record is the decision log: what was decided, by what, and what came of it, one JSON object on a line, with the names that Open Policy Agent's decision log has. Each
// line holds the hash of the one before, and signed checkpoints say how far the chain went, so that nobody changes, removes or adds a line unseen:
// what a checkpoint does not cover yet, whoever can write to the folder can still cut off.
//
// How long logs are kept is not decided here: segments that are closed are never touched again, and may be moved away.
package record

import (
	"bytes"
	"encoding/json"
	"time"
)

// Kinds of records.
const (
	Decision   = "decision"   // a question was answered
	Escalation = "escalation" // a step of one: State
	Quarantine = "quarantine" // somebody was put into it, or taken out: Hold
	Bundle     = "bundle"     // one was taken, or refused: Offer
	Event      = "event"      // one was read by an intake: Filtered
	Torn       = "torn"       // a crash left half a line, which is gone: Cut
)

// Record is a line. What it does not need it leaves out.
type Record struct {
	Kind       string    `json:"kind"`
	Timestamp  time.Time `json:"timestamp"`
	DecisionID string    `json:"decision_id,omitempty"`
	TraceID    string    `json:"trace_id,omitempty"`
	RequestID  string    `json:"request_id,omitempty"`

	Bundles  map[string]Revision `json:"bundles,omitempty"` // by environment
	Sequence int64               `json:"bundle_sequence,omitempty"`

	Path        string   `json:"path,omitempty"` // that was evaluated
	Input       any      `json:"input,omitempty"`
	Erased      []string `json:"erased,omitempty"` // JSON pointers to what the input had
	Result      any      `json:"result,omitempty"`
	RequestedBy string   `json:"requested_by,omitempty"` // SPIFFE id, or mail address
	Source      string   `json:"source,omitempty"`       // address:port of the connection
	Destination string   `json:"destination,omitempty"`

	Verdict      string   `json:"verdict,omitempty"`
	Rules        []string `json:"rules,omitempty"`
	Caller       string   `json:"caller,omitempty"`
	Callee       string   `json:"callee,omitempty"`
	Skill        string   `json:"skill,omitempty"`
	ActionDigest string   `json:"action_digest,omitempty"`
	ApprovalID   string   `json:"approval_id,omitempty"`
	TookNs       int64    `json:"took_ns,omitempty"`
}

// Revision of a bundle.
type Revision struct {
	Revision string `json:"revision"`
}

// State is the result of an escalation's record.
type State struct {
	ID     string `json:"id"`
	From   string `json:"from,omitempty"`
	To     string `json:"to"`
	By     string `json:"by,omitempty"`
	Via    string `json:"via,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Hold is the result of a quarantine's record.
type Hold struct {
	Agent  string    `json:"agent"`
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	Lifted bool      `json:"lifted,omitempty"`
}

// Offer is the result of a bundle's record.
type Offer struct {
	Digest  string `json:"digest,omitempty"`
	Refused string `json:"refused,omitempty"` // why; empty: it is in force
}

// Filtered is the result of an event's record.
type Filtered struct {
	Intake     string   `json:"intake"`
	UUID       string   `json:"uuid,omitempty"`
	Why        string   `json:"why"` // it was passed on, or not
	Percentile float64  `json:"percentile"`
	Threshold  float64  `json:"threshold"`
	Class      string   `json:"class,omitempty"`
	Features   []string `json:"features,omitempty"` // that made it unusual
	Error      string   `json:"error,omitempty"`
}

// Cut is the result of a torn line's record.
type Cut struct {
	Bytes int    `json:"bytes"`
	File  string `json:"file"`
}

// encode a record as what stands behind its place in the chain.
func encode(r Record) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
