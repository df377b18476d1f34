// Package escalation holds the actions that wait for a human. An escalation is bound to one exact action, has a lifetime, a route and one outcome:
//
//	pending  -- enough people approve --> approved  -- the same action comes again --> consumed
//	pending  -- one rejects ----------> rejected    -- its time is over -----------> expired
//	pending  -- its time is over -----> expired     -- withdrawn ------------------> cancelled
//	pending  -- withdrawn ------------> cancelled
//
// What is not approved is rejected: no answer never becomes a yes. Every step is a compare-and-swap in one transaction with a row of the audit trail and
// one of the outbox, so that a crash leaves it done or not done.
package escalation

import (
	"encoding/json"
	"fmt"
	"time"
)

// State of an escalation.
type State string

// The states. Those from Consumed on are final.
const (
	Pending   State = "pending"
	Approved  State = "approved"
	Consumed  State = "consumed"
	Rejected  State = "rejected"
	Expired   State = "expired"
	Cancelled State = "cancelled"
)

// Final states never change.
func (s State) Final() bool { return s != Pending && s != Approved }

// Assurance is how well somebody is known who votes.
type Assurance string

// The assurances.
const (
	Chat     Assurance = "chat"     // a chat server says who it was
	Verified Assurance = "verified" // a certificate does
)

// Request asks people about one action.
type Request struct {
	Action json.RawMessage `json:"action"` // in canonical form (decision/action): what people see
	Digest string          `json:"digest"` // of it: sha256:<hex>

	Caller string `json:"caller"` // SPIFFE id
	Callee string `json:"callee"` // name of the agent
	Skill  string `json:"skill"`
	Risk   string `json:"risk"`

	Owners  []string        `json:"owners"`  // teams of caller and callee: their members do not decide
	Reasons []Reason        `json:"reasons"` // why people are asked
	Known   json.RawMessage `json:"known"`   // what else the verdict knew: confidence, anomaly with its features

	Route     string    `json:"route"`
	Endpoint  string    `json:"endpoint"`  // that the question is posted by
	Channel   string    `json:"channel"`   // where
	Groups    []string  `json:"groups"`    // whose members decide
	Quorum    int       `json:"quorum"`    // different people who must approve
	Assurance Assurance `json:"assurance"` // that an approval needs at least; a rejection needs none

	TraceID     string `json:"trace_id"`
	DecisionID  string `json:"decision_id"`
	Environment string `json:"environment"`
	Revision    string `json:"revision"` // of the bundle
	Sequence    int64  `json:"sequence"`

	Lifetime time.Duration `json:"-"` // until it expires
}

// Reason is one finding of the policy.
type Reason struct {
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
	At     string `json:"at,omitempty"` // file:line of the spec
}

// Escalation is a request with what became of it.
type Escalation struct {
	ID string `json:"id"` // 32 hexadecimal digits, by chance
	Request
	State         State     `json:"state"`
	Created       time.Time `json:"created"`
	Expires       time.Time `json:"expires"`
	ApprovedUntil time.Time `json:"approved_until,omitzero"` // until then the approved action may come again
	Votes         []Vote    `json:"votes"`
	Ended         time.Time `json:"ended,omitzero"`
	Why           string    `json:"why,omitempty"` // said by whoever rejected or cancelled
}

// Person is somebody who votes, as the bundle knows them.
type Person struct {
	Name   string   `json:"name"`
	Team   string   `json:"team"`
	Groups []string `json:"groups"`
}

// Vote of one person. Everybody has one.
type Vote struct {
	Person    Person    `json:"person"`
	Approve   bool      `json:"approve"`
	Reason    string    `json:"reason,omitempty"`
	Via       string    `json:"via"` // page, cli, mattermost
	Assurance Assurance `json:"assurance"`
	At        time.Time `json:"at"`
}

// Refusal says why something was not done. Nothing changed.
type Refusal struct {
	Rule   string // unknown, ended, expired, pending, not-approver, own, voted, assurance, digest, caller, limit, nonce, lease, posted
	Reason string // for people
}

func (r *Refusal) Error() string { return fmt.Sprintf("%s [%s]", r.Reason, r.Rule) }

// Quarantine keeps an agent from everything: all calls from and to it are rejected.
type Quarantine struct {
	Agent  string    `json:"agent"`
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // zero: until somebody lifts it
}

// Notice is a step that somebody must hear of: it is handed out until it is acknowledged.
type Notice struct {
	ID         int64
	Escalation Escalation // as it is now
	Kind       string     // created, voted, approved, consumed, rejected, expired, cancelled
	Attempts   int        // how often it was handed out, this time included
}

// Step of an escalation, as the audit trail has it.
type Step struct {
	Number int64     `json:"number"` // counts all steps of all escalations
	Kind   string    `json:"kind"`   // as of a notice
	State  State     `json:"state"`  // after it
	By     string    `json:"by,omitempty"`
	Via    string    `json:"via,omitempty"` // of a vote
	Note   string    `json:"note,omitempty"`
	At     time.Time `json:"at"`
}
