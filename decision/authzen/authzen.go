// Package authzen is the decision point's interface: the AuthZEN Authorization API 1.0 (https://openid.net/specs/authorization-api-1_0.html). A denial is
// an answer (200), a question that cannot be understood is none (400), and both are told apart from our own failure.
package authzen

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"

	"agentc/decision/engine"
	"agentc/decision/escalation"
	"agentc/decision/loader"
	"agentc/decision/point"
	"agentc/decision/strict"
)

// Server answers questions.
type Server struct {
	Point *point.Point
	Who   func(*http.Request) (point.By, error)
	URL   string // under which clients know it: https://agentd.soc-system.svc:8444

	// Requests is where a denial that people may lift is gone on with (AuthZEN's Access Request and Approval Profile): a URL; empty: nowhere.
	Requests string

	Refused func(why string) // hears of requests that get no decision: identity, request, forbidden, bundle; nil: nobody does
}

// Paths of the API.
const (
	pathEvaluation    = "/access/v1/evaluation"
	pathEvaluations   = "/access/v1/evaluations"
	pathConfiguration = "/.well-known/authzen-configuration"
)

// Handler of the API.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+pathEvaluation, s.answering((*asking).evaluation))
	mux.Handle("POST "+pathEvaluations, s.answering((*asking).evaluations))
	mux.HandleFunc("GET "+pathConfiguration, func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, map[string]any{
			"policy_decision_point": s.URL, "access_evaluation_endpoint": s.URL + pathEvaluation, "access_evaluations_endpoint": s.URL + pathEvaluations,
			"access_request_endpoint": s.Requests, "capabilities": []string{"urn:openid:authzen:capability:access-request"},
		})
	})
	return mux
}

// fault is a question that is none, or a server that cannot answer.
type fault struct {
	Status  int    `json:"status"`
	Message string `json:"message"`

	why string
}

func (f *fault) Error() string { return f.Message }

func bad(format string, args ...any) *fault {
	return &fault{http.StatusBadRequest, fmt.Sprintf(format, args...), "request"}
}

// maxRequestID is how long a request's id may be. A longer one is none: it is neither sent back nor recorded.
const maxRequestID = 256

func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-ID"); len(id) <= maxRequestID {
		return id
	}
	return ""
}

// answering reads the question, and writes what a function answers.
func (s *Server) answering(answer func(*asking, map[string]any) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := requestID(r); id != "" {
			w.Header().Set("X-Request-ID", id)
		}
		reply, err := func() (any, error) {
			by, err := s.Who(r)
			if err != nil {
				return nil, &fault{http.StatusForbidden, err.Error(), "identity"}
			}
			f, err := s.Point.Bundle()
			if err != nil {
				return nil, &fault{http.StatusServiceUnavailable, err.Error(), "bundle"}
			}
			question, err := read(r)
			if err != nil {
				return nil, err
			}
			return answer(&asking{s, f, r, by}, question)
		}()
		var f *fault
		switch {
		case err == nil:
			write(w, http.StatusOK, reply)
		case errors.As(err, &f):
			s.refuse(w, f)
		default: // the connection ended, or took too long
			s.refuse(w, &fault{http.StatusBadRequest, "the question could not be read", "request"})
		}
	})
}

func (s *Server) refuse(w http.ResponseWriter, f *fault) {
	if s.Refused != nil {
		s.Refused(f.why)
	}
	write(w, f.Status, map[string]any{"error": f})
}

func write(w http.ResponseWriter, status int, reply any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.Encode(reply) // whoever went away needs no answer
}

// read the object of a request.
func read(r *http.Request) (map[string]any, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" || len(r.Header.Values("Content-Type")) != 1 {
		return nil, bad("the content type is %.100q; it is application/json", r.Header.Get("Content-Type"))
	}
	if packed := strings.Join(r.Header.Values("Content-Encoding"), ", "); packed != "" {
		return nil, bad("the content is encoded as %.100q; it is sent as it is", packed)
	}
	value, err := strict.Read(r.Body)
	var refused *strict.Error
	switch {
	case errors.As(err, &refused):
		return nil, bad("the request is refused: %v", refused)
	case err != nil:
		return nil, err
	}
	question, is := value.(map[string]any)
	if !is {
		return nil, bad("the request is no JSON object")
	}
	return question, nil
}

// asking is one request and what answers it: all its questions are put to one bundle.
type asking struct {
	server  *Server
	bundle  *loader.InForce
	request *http.Request
	by      point.By
}

func (a *asking) evaluation(object map[string]any) (any, error) {
	asked, err := a.asked(object)
	if err != nil {
		return nil, err
	}
	return a.decide(asked)
}

// reply to one question.
type reply struct {
	Decision bool `json:"decision"`
	Context  any  `json:"context"`
}

// why a reply is as it is, and by what it was decided.
type why struct {
	Verdict       string          `json:"verdict"`
	Rules         []string        `json:"rules"`
	Reasons       []engine.Reason `json:"reasons"`
	Route         string          `json:"route,omitempty"` // of an escalation
	Risk          string          `json:"risk,omitempty"`  // of the skill
	Environment   string          `json:"environment"`
	Revision      string          `json:"revision"` // of the bundle
	Sequence      int64           `json:"sequence"`
	Digest        string          `json:"digest,omitempty"`
	TraceID       string          `json:"trace_id,omitempty"`
	DecisionID    string          `json:"decision_id"`
	EvaluationID  string          `json:"evaluation_id"` // the same, as the request profile calls it
	Escalation    *escalated      `json:"escalation,omitempty"`
	AccessRequest *requestable    `json:"access_request,omitempty"`
}

// escalated says what people were asked, or what they approved.
type escalated struct {
	ID         string    `json:"id"`
	State      string    `json:"state"`
	Expires    time.Time `json:"expires"`
	ApprovedBy []string  `json:"approved_by,omitempty"`
	Action     string    `json:"action_digest"`
}

// requestable is what the request profile needs to go on with a denial: where, until when, and which one it was.
type requestable struct {
	Endpoint     string    `json:"endpoint"`
	ExpiresAt    time.Time `json:"expires_at"`
	BindingToken string    `json:"binding_token"`
}

func (a *asking) decide(asked point.Asked) (*reply, error) {
	d, err := a.server.Point.Decide(a.request.Context(), a.bundle, asked)
	var forbidden *point.Forbidden
	if errors.As(err, &forbidden) {
		return nil, &fault{http.StatusForbidden, forbidden.Reason, "forbidden"}
	} else if err != nil {
		return nil, err
	}
	m := d.Bundle.Manifest
	w := why{
		Verdict: d.Verdict, Rules: d.Rules, Reasons: d.Reasons, Route: d.Route, Risk: d.Risk,
		Environment: m.Metadata.Environment, Revision: m.Revision, Sequence: m.Metadata.Sequence, Digest: d.Bundle.Digest,
		TraceID: d.TraceID, DecisionID: d.ID, EvaluationID: d.ID,
	}
	switch e := d.Requested; {
	case d.Approved != nil:
		w.Escalation = escalatedOf(d.Approved)
	case e != nil:
		w.Escalation, w.AccessRequest = escalatedOf(e), &requestable{a.server.Requests, e.Expires, e.ID}
	}
	return &reply{d.Allowed, w}, nil
}

func escalatedOf(e *escalation.Escalation) *escalated {
	return &escalated{e.ID, string(e.State), e.Expires, approvers(e), e.Digest}
}

func approvers(e *escalation.Escalation) []string {
	var names []string
	for _, v := range e.Votes {
		if v.Approve {
			names = append(names, v.Person.Name)
		}
	}
	return names
}

// asked reads a question whole: with its trace, and the approval that it comes with.
func (a *asking) asked(object map[string]any) (point.Asked, error) {
	asked, err := Question(object)
	if err != nil {
		return asked, err
	}
	if asked.TraceID == "" {
		if id := TraceOf(a.request); id != "" {
			asked.TraceID, asked.Context["trace_id"] = id, id
		}
	}
	asked.By, asked.RequestID = a.by, requestID(a.request)
	return asked, nil
}

var traceParent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$`)

const noTrace = "00000000000000000000000000000000"

// TraceOf a request, by its header: the W3C trace id, or none.
func TraceOf(r *http.Request) string {
	if m := traceParent.FindStringSubmatch(r.Header.Get("traceparent")); m != nil && m[1] != noTrace {
		return m[1]
	}
	return ""
}
