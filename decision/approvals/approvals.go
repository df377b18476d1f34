// Package approvals is how programs reach escalations, and people who prefer a command: an HTTP API. Its first half is what an enforcement point needs, after
// the AuthZEN Access Request and Approval Profile (draft 1 of 2026): the denied question is submitted, which joins the escalation that the decision
// point has already begun; its task is looked at until it ends; an approval is then carried into a new evaluation, and only that permits anything. The
// second half the profile leaves open: people list, read, vote and withdraw, guards consume, agents are put under quarantine.
//
// The profile is a draft and may change: its version stands in the path of the endpoint, which enforcement points take from the decision point's
// metadata, and as a parameter of the content type. A later draft gets a path of its own.
//
// A foreign web page cannot make a browser use the API with the certificate of whoever sits in front of it: everything that changes something demands
// application/json, which a browser sends to another origin only after asking by CORS, and that is never granted; and what a browser says of where a
// request comes from is checked. Hence there is no token here as the page has.
package approvals

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"agentc/decision/escalation"
	"agentc/decision/fleet"
)

// Paths of the API.
const (
	Draft       = "arap-draft-1"                                 // of the profile
	Requests    = "/access/v1/" + Draft + "/requests"            // the profile's access_request_endpoint
	Escalations = "/access/v1/escalations"                       // what the profile leaves open
	Quarantines = "/access/v1/quarantines"                       //
	Description = "/access/v1/openapi.yaml"                      // of the API
	Capability  = "urn:openid:authzen:capability:access-request" // for the decision point's metadata
)

// Server answers.
type Server struct {
	Service *escalation.Service
	Fleet   func() *fleet.Fleet // that is in force; nil: none, and programs see nothing
	Who     func(*http.Request) (Identity, error)
	Watch   *Watch
	Now     func() time.Time

	// Usable says whether an approval may still be used, by what is in force now: an error is why not. Nil: nothing stands against it.
	Usable func(context.Context, escalation.Escalation) error

	URL string // under which clients know it: https://agentd.soc-system.svc:8444
	Log *slog.Logger
}

// route is one thing that can be asked.
type route struct {
	method, path string
	answer       func(*asking) (*reply, error)
}

var routes = []route{
	{"POST", Requests, (*asking).submit},
	{"GET", Requests + "/{id}", (*asking).task},
	{"POST", Requests + "/{id}/cancel", (*asking).cancel},
	{"GET", Escalations, (*asking).list},
	{"GET", Escalations + "/{id}", (*asking).show},
	{"POST", Escalations + "/{id}/votes", (*asking).vote},
	{"POST", Escalations + "/{id}/consume", (*asking).consume},
	{"GET", Quarantines, (*asking).quarantines},
	{"POST", Quarantines, (*asking).quarantine},
	{"POST", Quarantines + "/{agent}/lift", (*asking).lift},
}

//go:embed openapi.yaml
var description []byte

// Handler of the API.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.Handle(r.method+" "+r.path, s.answering(r.answer))
	}
	mux.HandleFunc("GET "+Description, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		w.Write(description)
	})
	return mux
}

// asking is one request, by somebody who is known.
type asking struct {
	*Server
	ctx     context.Context
	request *http.Request
	writer  http.ResponseWriter
	who     Identity
}

// reply to a request.
type reply struct {
	status int
	body   any // nil: nothing
	header map[string]string
}

func ok(body any) (*reply, error) { return &reply{status: http.StatusOK, body: body}, nil }

// answering finds out who asks, and writes what a function answers.
func (s *Server) answering(answer func(*asking) (*reply, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply, err := func() (*reply, error) {
			if err := foreign(r); err != nil {
				return nil, err
			}
			who, err := s.Who(r)
			if err != nil {
				return nil, &problem{Type: typeIdentity, Status: http.StatusUnauthorized, Title: "It is not known who asks", Detail: err.Error()}
			}
			if who.Person == nil && who.SPIFFE == "" {
				return nil, &problem{Type: typeIdentity, Status: http.StatusUnauthorized, Title: "It is not known who asks"}
			}
			return answer(&asking{s, r.Context(), r, w, who})
		}()
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		for name, value := range reply.header {
			w.Header().Set(name, value)
		}
		write(w, reply.status, "application/json; profile="+Draft, reply.body)
	})
}

// refuse says why, where that is the client's business.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p == nil {
		if !errors.Is(err, context.Canceled) {
			s.Log.Error("an escalation could not be read or changed", "path", r.URL.Path, "err", err)
		}
		p = &problem{Type: typeUnavailable, Status: http.StatusServiceUnavailable, Title: "The store of escalations cannot be used now",
			Detail: "Nothing was changed that this answer does not know of; ask for the state before trying again."}
	}
	write(w, p.Status, "application/problem+json", p)
}

func write(w http.ResponseWriter, status int, kind string, body any) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if body == nil {
		w.WriteHeader(status)
		return
	}
	h.Set("Content-Type", kind)
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.Encode(body) // whoever went away needs no answer
}
