// Package authzen is the decision point's interface: the AuthZEN Authorization API 1.0 (https://openid.net/specs/authorization-api-1_0.html). A denial is
// an answer (200), a question that cannot be understood is none (400), and both are told apart from our own failure.
package authzen

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"

	"agentc/decision/engine"
	"agentc/decision/strict"
)

// Server answers questions.
type Server struct {
	Engine func() *engine.Engine // that is in force; nil: none, and nothing is decided
	Now    func() time.Time
	URL    string // under which clients know it: https://agentd.soc-system.svc:8444

	// Trusted says whether a request comes from somebody who may say how unusual an event was. What others say of it is left out, so that it counts
	// as unknown.
	Trusted func(*http.Request) bool
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
		write(w, http.StatusOK, map[string]string{
			"policy_decision_point": s.URL, "access_evaluation_endpoint": s.URL + pathEvaluation, "access_evaluations_endpoint": s.URL + pathEvaluations,
		})
	})
	return mux
}

// fault is a question that is none, or a server that cannot answer.
type fault struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
}

func (f *fault) Error() string { return f.Message }

func bad(format string, args ...any) *fault {
	return &fault{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// maxRequestID is how many bytes of a request's id are sent back.
const maxRequestID = 256

// answering reads the question, and writes what a function answers.
func (s *Server) answering(answer func(*asking, map[string]any) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := r.Header.Get("X-Request-ID"); id != "" && len(id) <= maxRequestID {
			w.Header().Set("X-Request-ID", id)
		}
		reply, err := func() (any, error) {
			e := s.Engine()
			if e == nil {
				return nil, &fault{http.StatusServiceUnavailable, "there is no bundle yet, and nothing is decided without one"}
			}
			question, err := read(r)
			if err != nil {
				return nil, err
			}
			return answer(&asking{s, e, r, s.Now().UTC()}, question)
		}()
		var f *fault
		switch {
		case err == nil:
			write(w, http.StatusOK, reply)
		case errors.As(err, &f):
			write(w, f.Status, map[string]any{"error": f})
		default:
			write(w, http.StatusInternalServerError, map[string]any{"error": fault{http.StatusInternalServerError, "the question could not be read"}})
		}
	})
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
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, bad("the content type is %q; it is application/json", r.Header.Get("Content-Type"))
	}
	if packed := r.Header.Get("Content-Encoding"); packed != "" {
		return nil, bad("the content is encoded as %q; it is sent as it is", packed)
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

// asking is one request and what answers it: all its questions are put to one bundle, at one time.
type asking struct {
	server  *Server
	engine  *engine.Engine
	request *http.Request
	now     time.Time
}

func (a *asking) evaluation(object map[string]any) (any, error) {
	q, err := questionOf(object)
	if err != nil {
		return nil, err
	}
	return a.decide(q)
}

// reply to one question.
type reply struct {
	Decision bool `json:"decision"`
	Context  any  `json:"context"`
}

// why a reply is as it is, and by what it was decided.
type why struct {
	Verdict     string          `json:"verdict"`
	Rules       []string        `json:"rules"`
	Reasons     []engine.Reason `json:"reasons"`
	Route       string          `json:"route,omitempty"` // of an escalation
	Risk        string          `json:"risk,omitempty"`  // of the skill
	Environment string          `json:"environment"`
	Revision    string          `json:"revision"` // of the bundle
	Sequence    int64           `json:"sequence"`
	Digest      string          `json:"digest,omitempty"`
	TraceID     string          `json:"trace_id,omitempty"`
	DecisionID  string          `json:"decision_id"`
}

func (a *asking) decide(q engine.Question) (*reply, error) {
	trace, err := a.trace(q.Context)
	if err != nil {
		return nil, err
	}
	if !a.server.Trusted(a.request) {
		delete(q.Context, "anomaly")
	}
	q.Context["today"], q.Context["hour"] = a.now.Format(time.DateOnly), a.now.Hour()
	answer := a.engine.Decide(a.request.Context(), q)
	m := a.engine.Manifest
	return &reply{answer.Verdict == engine.Execute, why{
		answer.Verdict, answer.Rules, answer.Reasons, answer.Route, answer.Risk,
		m.Metadata.Environment, m.Revision, m.Metadata.Sequence, a.engine.Digest, trace, newID(),
	}}, nil
}

var traceParent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$`)

const noTrace = "00000000000000000000000000000000"

// trace is the W3C trace id of a question: what its context says, or else the header.
func (a *asking) trace(context map[string]any) (string, error) {
	if said, there := context["trace_id"]; there {
		id, is := said.(string)
		if !is || len(id) != len(noTrace) || strings.Trim(id, "0123456789abcdef") != "" || id == noTrace {
			return "", bad("context.trace_id is no W3C trace id: 32 hexadecimal digits in lower case, not all of them 0")
		}
		return id, nil
	}
	if m := traceParent.FindStringSubmatch(a.request.Header.Get("traceparent")); m != nil && m[1] != noTrace {
		context["trace_id"] = m[1]
		return m[1], nil
	}
	return "", nil
}

// newID names a decision.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}
