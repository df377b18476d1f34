package intake

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Handler takes events that are posted, one at a time, as falcosidekick's webhook posts them: POST /intake/<name>, a JSON object, and 202 once it was dropped
// or handed over. falcosidekick neither queues nor tries again: what it is told to bring again is lost. So a post waits first, and is turned away last.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /intake/{name}", s.post)
	return mux
}

// refusal of a post.
type refusal struct {
	status int
	label  string
	says   string
}

func (s *Service) post(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if why := s.admit(r, name); why != nil {
		s.refuse(w, why)
		return
	}
	raw, why := body(r)
	if why != nil {
		s.refuse(w, why)
		return
	}
	s.mayWait(w, name)
	// Whoever hangs up takes nothing back: what was begun is ended, so that it is known what became of the event.
	e, err := s.take(context.WithoutCancel(r.Context()), arrival{intake: name, raw: raw, parent: r.Header.Get("traceparent")})
	switch {
	case errors.Is(err, errNoBundle):
		s.refuse(w, &refusal{http.StatusServiceUnavailable, refusedNoBundle, err.Error()})
	case errors.Is(err, errUnknown):
		s.refuse(w, &refusal{http.StatusNotFound, refusedUnknown, "there is no such intake"})
	case errors.Is(err, errFull):
		s.refuse(w, &refusal{http.StatusTooManyRequests, refusedFull, errFull.Error()})
	case err != nil:
		s.Log.Error("an event could not be taken", "intake", name, "error", err)
		s.refuse(w, &refusal{http.StatusServiceUnavailable, refusedNoBundle, "the event could not be taken"})
	case e.Outcome == Failed && len(raw) > MaxEvent:
		answer(w, http.StatusRequestEntityTooLarge, said{Error: e.Error, TraceID: e.TraceID})
	case e.Outcome == Failed:
		answer(w, http.StatusBadGateway, said{Outcome: e.Outcome, Error: e.Error, TraceID: e.TraceID})
	default:
		answer(w, http.StatusAccepted, said{Outcome: e.Outcome, TraceID: e.TraceID})
	}
}

// admit a request before its body is read.
func (s *Service) admit(r *http.Request, name string) *refusal {
	e := s.InForce()
	if e == nil {
		return &refusal{http.StatusServiceUnavailable, refusedNoBundle, errNoBundle.Error()}
	}
	in := e.Fleet.Runtime.Intakes[name]
	switch {
	case in == nil:
		return &refusal{http.StatusNotFound, refusedUnknown, "there is no such intake"}
	case !s.Allowed(r, *in):
		return &refusal{http.StatusForbidden, refusedSender, "you may not post events here"}
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	switch {
	case len(r.Header.Values("Content-Type")) != 1 || err != nil || kind != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8"):
		return &refusal{http.StatusUnsupportedMediaType, refusedRequest, "the content type is application/json, in UTF-8"}
	case r.Header.Get("Content-Encoding") != "":
		return &refusal{http.StatusUnsupportedMediaType, refusedRequest, "the content is sent as it is, and not encoded"}
	}
	return nil
}

// mostBody is read of a post: of what is longer than an event may be only the digest is wanted.
const mostBody = 1 << 20

func body(r *http.Request) ([]byte, *refusal) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, mostBody+1))
	switch {
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, refusedRequest, "the request ends too early"}
	case len(strings.TrimSpace(string(raw[:min(len(raw), 16)]))) == 0 && len(raw) <= 16:
		return nil, &refusal{http.StatusBadRequest, refusedRequest, "the request is empty"}
	case len(raw) > mostBody:
		return nil, &refusal{http.StatusRequestEntityTooLarge, refusedRequest, "the request is too large"}
	}
	return raw, nil
}

// mayWait lets the answer take as long as a hand-over may.
func (s *Service) mayWait(w http.ResponseWriter, name string) {
	most := s.Patience + defaultTimeout
	if f := s.current.Load(); f != nil && f.routes[name] != nil {
		most = s.Patience + f.routes[name].timeout
	}
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(most + mostWait)) // a server that cannot has no deadline
}

// said to whoever posted.
type said struct {
	Outcome Outcome `json:"outcome,omitempty"`
	TraceID string  `json:"trace_id,omitempty"`
	Error   string  `json:"error,omitempty"`
}

// comeAgain is when somebody who is turned away may come again.
const comeAgain = 5 * time.Second

func (s *Service) refuse(w http.ResponseWriter, why *refusal) {
	s.metrics.refused.WithLabelValues(why.label).Inc()
	if why.status == http.StatusTooManyRequests || why.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(int(comeAgain/time.Second)))
	}
	answer(w, why.status, said{Error: why.says})
}

func answer(w http.ResponseWriter, status int, reply said) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.Encode(reply) // whoever went away needs no answer
}
