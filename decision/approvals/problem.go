package approvals

import (
	"errors"
	"fmt"
	"net/http"

	"agentc/decision/escalation"
)

// problem is an answer after RFC 9457.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Rule   string `json:"rule,omitempty"` // of the store, which refused
}

func (p *problem) Error() string { return p.Title + ": " + p.Detail }

// Types of problems: the profile's, and ours.
const (
	arap = "urn:openid:authzen:access-request:error:"
	ours = "urn:agents.d:escalation:"

	typeNotRequestable = arap + "not_requestable"
	typeBinding        = arap + "invalid_denial_binding"
	typeExpiredDenial  = arap + "expired_denial"
	typeUnknownTask    = arap + "unknown_task"
	typeExpiredTask    = arap + "task_expired"
	typeState          = arap + "invalid_task_state"

	typeMalformed   = ours + "malformed"
	typeIdentity    = ours + "identity"
	typeForeign     = ours + "foreign-site"
	typeUnavailable = ours + "unavailable"
	typePerson      = ours + "person"
)

// refusals of the store, as problems. Those not in it are forbidden.
var refusals = map[string]struct {
	kind   string
	status int
}{
	"unknown": {typeUnknownTask, http.StatusNotFound},
	"ended":   {typeState, http.StatusConflict},
	"pending": {typeState, http.StatusConflict},
	"expired": {typeExpiredTask, http.StatusGone},
	"voted":   {ours + "voted", http.StatusConflict},
	"digest":  {ours + "digest", http.StatusConflict},
	"limit":   {ours + "limit", http.StatusTooManyRequests},
}

// problemOf an error; nil: our own failure, which is not the client's business.
func problemOf(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	var r *escalation.Refusal
	if !errors.As(err, &r) {
		return nil
	}
	as, known := refusals[r.Rule]
	if !known {
		as.kind, as.status = ours+r.Rule, http.StatusForbidden
	}
	return &problem{Type: as.kind, Title: "The step was refused, and nothing changed", Status: as.status, Detail: r.Reason, Rule: r.Rule}
}

func malformed(format string, args ...any) error {
	return &problem{Type: typeMalformed, Title: "The request cannot be understood", Status: http.StatusBadRequest, Detail: fmt.Sprintf(format, args...)}
}

// hidden is the answer where there is nothing, and where somebody may not know that there is something.
func hidden() error {
	return &problem{Type: typeUnknownTask, Title: "There is no such escalation", Status: http.StatusNotFound, Rule: "unknown"}
}

func forbidden(detail string) error {
	return &problem{Type: typePerson, Title: "This is not yours to do", Status: http.StatusForbidden, Detail: detail}
}
