package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/a2aproject/a2a-go/v2/a2a"
	"github.com/a2aproject/a2a-go/v2/a2aclient"
)

// Agents is the hop to agents' guards, by A2A 1.0 over JSON-RPC. An event is handed over once the agent has answered: how fast the agent is decides how fast
// events come in.
type Agents struct {
	Client *http.Client // with our certificate
}

// mostReply is what an agent's answer may have. Nobody reads more of it than whether it took the event.
const mostReply = 1 << 20

// Hand over an event as a message.
func (a *Agents) Hand(ctx context.Context, m *Message) error {
	ctx = a2aclient.AttachServiceParams(ctx, a2aclient.ServiceParams{"traceparent": {m.TraceParent}, a2a.SvcParamExtensions: {SkillKey, AnomalyKey}})
	wire := &http.Client{Transport: statuses{a.Client}}
	client, err := a2aclient.NewFromEndpoints(ctx, []*a2a.AgentInterface{a2a.NewAgentInterface(m.URL, a2a.TransportProtocolJSONRPC)},
		a2aclient.WithDefaultsDisabled(), a2aclient.WithJSONRPCTransport(wire))
	if err != nil {
		return err
	}
	result, err := client.SendMessage(ctx, &a2a.SendMessageRequest{Message: m.a2a()})
	if err != nil {
		return judge(err)
	}
	if task, is := result.(*a2a.Task); is && task.Status.State == a2a.TaskStateRejected {
		return &Refusal{"the agent rejected the task"}
	}
	return nil
}

// a2a is the message for an agent. An event that is no JSON goes as its bytes.
func (m *Message) a2a() *a2a.Message {
	part := a2a.NewRawPart(m.Raw)
	part.MediaType = "application/octet-stream"
	metadata := map[string]any{SkillKey: m.Skill, AnomalyKey: m.Anomaly, TraceKey: m.TraceParent}
	if m.Data != nil {
		part = a2a.NewDataPart(m.Data)
		part.MediaType = "application/json"
	} else {
		metadata[DamagedKey] = m.Damaged
	}
	message := a2a.NewMessage(a2a.MessageRoleUser, part)
	message.ID, message.Metadata, message.Extensions = m.ID, metadata, []string{SkillKey, AnomalyKey}
	return message
}

// judge an error of the exchange: refused for good, unsure, or the way is closed.
func judge(err error) error {
	var status *statusError
	var said *a2a.Error
	switch {
	case errors.As(err, &status):
		return status.judge()
	case errors.As(err, &said):
		for _, final := range finals {
			if errors.Is(said, final) {
				return &Refusal{"the agent refuses it: " + beginning(said.Error())}
			}
		}
		return &unsure{err: fmt.Errorf("the agent fails: %s", beginning(said.Error()))}
	}
	var closed *closedError
	if errors.As(err, &closed) {
		return &busy{err: err}
	}
	return &unsure{err: err} // no answer, or one that is none
}

// finals are the errors of A2A that the same message would meet again.
var finals = []error{
	a2a.ErrParseError, a2a.ErrInvalidRequest, a2a.ErrMethodNotFound, a2a.ErrInvalidParams, a2a.ErrTaskNotFound, a2a.ErrUnsupportedOperation,
	a2a.ErrUnsupportedContentType, a2a.ErrExtensionSupportRequired, a2a.ErrVersionNotSupported, a2a.ErrUnauthenticated, a2a.ErrUnauthorized,
}

// statuses makes errors of HTTP's statuses, which the client of A2A has only as text, and bounds what is read. No redirect is followed.
type statuses struct{ client *http.Client }

func (s statuses) RoundTrip(r *http.Request) (*http.Response, error) {
	transport := s.client.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	var written atomic.Bool
	trace := &httptrace.ClientTrace{WroteRequest: func(i httptrace.WroteRequestInfo) { written.Store(i.Err == nil) }}
	reply, err := transport.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	switch {
	case err != nil && written.Load():
		return nil, err
	case err != nil:
		return nil, &closedError{err}
	}
	if reply.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(reply.Body, mostSaid))
		reply.Body.Close()
		return nil, &statusError{reply.StatusCode, reply.Header.Get("Retry-After"), string(said)}
	}
	reply.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(reply.Body, mostReply), reply.Body}
	return reply, nil
}

// closedError is an exchange that did not come about: the other side has not got the request.
type closedError struct{ err error }

func (c *closedError) Error() string { return c.err.Error() }
func (c *closedError) Unwrap() error { return c.err }

// statusError is an answer that HTTP calls an error.
type statusError struct {
	code  int
	after string
	said  string
}

func (s *statusError) Error() string {
	return fmt.Sprintf("%d %s: %s", s.code, http.StatusText(s.code), beginning(s.said))
}

func (s *statusError) judge() error {
	after := retryAfter(s.after)
	switch s.code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return &busy{err: s, after: after}
	}
	if s.code/100 == 5 {
		return &unsure{err: s, after: after}
	}
	return &Refusal{"the agent refuses it: " + s.Error()}
}

// mostSaid is how much of somebody else's words is kept.
const mostSaid = 300

// beginning of somebody else's text, as it may stand in a log.
func beginning(text string) string {
	return fmt.Sprintf("%.*q", mostSaid, text)
}
