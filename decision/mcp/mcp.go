// Package mcp lets agents ask before they act, by the Model Context Protocol: what would be decided, why, and what waits for people. It reads, and changes nothing: no
// person is asked, no approval is consumed, no decision is recorded as one that somebody acted on.
package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"agentc/decision/engine"
	"agentc/decision/escalation"
	"agentc/decision/fleet"
	"agentc/decision/loader"
	"agentc/decision/point"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// Server of the tools.
type Server struct {
	Point   *point.Point
	Who     func(*http.Request) (point.By, error)
	Pending func(ctx context.Context, caller string) ([]escalation.Escalation, error) // that somebody asked for; of an empty caller, all
	Version string
}

// maxBody of a request.
const maxBody = 256 << 10

// Handler of MCP's streamable HTTP. There are no sessions: each request is its own, and is whose certificate it comes with.
func (s *Server) Handler() http.Handler {
	return sdk.NewStreamableHTTPHandler(func(r *http.Request) *sdk.Server {
		by, err := s.Who(r)
		if err != nil || by.ID == "" && !by.Anybody { // a person: the page shows what they may see
			return nil
		}
		return s.of(by)
	}, &sdk.StreamableHTTPOptions{Stateless: true, JSONResponse: true, MaxRequestBodyBytes: maxBody})
}

// of one client.
func (s *Server) of(by point.By) *sdk.Server {
	server := sdk.NewServer(&sdk.Implementation{Name: "agentd", Version: s.Version}, nil)
	server.AddReceivingMiddleware(recovering)
	c := &client{s, by}
	reads := func(title string) *sdk.ToolAnnotations {
		return &sdk.ToolAnnotations{Title: title, ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: new(bool)}
	}
	sdk.AddTool(server, &sdk.Tool{
		Name: "decide", Annotations: reads("May I?"),
		Description: "Says what would be decided if you asked an agent for a skill now: auto-execute, auto-reject or escalate (a human decides), and why. Nothing happens.",
	}, c.decide)
	sdk.AddTool(server, &sdk.Tool{
		Name: "explain", Annotations: reads("By which rules?"),
		Description: "Lists the rules that decide on your asking an agent for a skill: their verdicts, conditions, reasons, and where they stand in the policy.",
	}, c.explain)
	sdk.AddTool(server, &sdk.Tool{
		Name: "pending", Annotations: reads("What waits for people?"),
		Description: "Lists your actions that wait for a human, or that one approved and that you have not repeated yet.",
	}, c.pending)
	return server
}

// recovering keeps what panics from ending the process: the tools run beside the request, where net/http would not notice.
func recovering(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, r sdk.Request) (result sdk.Result, err error) {
		defer func() {
			if recover() != nil {
				result, err = nil, errors.New("something went wrong here, and nothing is known")
			}
		}()
		return next(ctx, method, r)
	}
}

type client struct {
	*Server
	by point.By
}

// Asked is an action that somebody thinks of.
type Asked struct {
	Caller     string         `json:"caller,omitempty" jsonschema:"SPIFFE id of whoever would ask; yourself if you leave it out"`
	Callee     string         `json:"callee" jsonschema:"name of the agent that would be asked"`
	Skill      string         `json:"skill" jsonschema:"id of the skill"`
	Confidence *float64       `json:"confidence,omitempty" jsonschema:"how sure you are, 0 to 1; your own claim"`
	Parameters map[string]any `json:"parameters,omitempty" jsonschema:"of the action"`
}

// Decided is what would be decided.
type Decided struct {
	Decision bool            `json:"decision"`
	Verdict  string          `json:"verdict"`
	Rules    []string        `json:"rules"`
	Reasons  []engine.Reason `json:"reasons"`
	Risk     string          `json:"risk,omitempty"`
	Route    string          `json:"route,omitempty"`
	Revision string          `json:"revision"`
	Sequence int64           `json:"sequence"`
}

func (c *client) decide(ctx context.Context, _ *sdk.CallToolRequest, in Asked) (*sdk.CallToolResult, Decided, error) {
	f, err := c.Point.Bundle()
	if err != nil {
		return nil, Decided{}, err
	}
	known := map[string]any{}
	if in.Confidence != nil {
		known["confidence"] = json.Number(fmt.Sprint(*in.Confidence))
	}
	if in.Parameters != nil {
		if known["parameters"], err = exact(in.Parameters); err != nil {
			return nil, Decided{}, err
		}
	}
	d, err := c.Point.Preview(ctx, f, point.Asked{By: c.by, Question: engine.Question{
		Subject: engine.Entity{Type: "agent", ID: c.caller(in.Caller)}, Action: in.Skill, Resource: engine.Entity{Type: "agent", ID: in.Callee}, Context: known,
	}})
	if err != nil {
		return nil, Decided{}, err
	}
	m := f.Manifest
	return nil, Decided{d.Allowed, d.Verdict, d.Rules, d.Reasons, d.Risk, d.Route, m.Revision, m.Metadata.Sequence}, nil
}

func (c *client) caller(said string) string {
	if said == "" {
		return c.by.ID
	}
	return said
}

// exact numbers, as the engine takes them.
func exact(value any) (v any, err error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return v, d.Decode(&v)
}

// Edge is a skill of an agent that somebody may ask for.
type Edge struct {
	Caller string `json:"caller,omitempty" jsonschema:"SPIFFE id of whoever would ask; yourself if you leave it out"`
	Callee string `json:"callee" jsonschema:"name of the agent that would be asked"`
	Skill  string `json:"skill" jsonschema:"id of the skill"`
}

// Explained is an edge and its rules. Where teams have Rego of their own, it may reject or escalate beside them.
type Explained struct {
	Granted bool   `json:"granted"`
	Risk    string `json:"risk,omitempty"`
	At      string `json:"at,omitempty"` // where the spec says who may ask the agent
	Rules   []Rule `json:"rules"`
}

// Rule of the reviewers.
type Rule struct {
	ID      string                 `json:"id"`
	Verdict string                 `json:"verdict"`
	Reason  string                 `json:"reason"`
	When    map[string]fleet.Range `json:"when,omitempty"`
	Route   string                 `json:"route,omitempty"`
	At      string                 `json:"at,omitempty"`
}

func (c *client) explain(_ context.Context, _ *sdk.CallToolRequest, in Edge) (*sdk.CallToolResult, Explained, error) {
	f, err := c.Point.Bundle()
	if err != nil {
		return nil, Explained{}, err
	}
	return nil, explained(f, c.caller(in.Caller), in), c.mayAskAbout(f, c.caller(in.Caller), in.Callee)
}

func (c *client) mayAskAbout(f *loader.InForce, caller, callee string) error {
	agent := f.Fleet.Agent(callee)
	if c.by.Anybody || caller == c.by.ID || agent != nil && agent.ID == c.by.ID {
		return nil
	}
	return errors.New("you may ask about your own calls, and about those that reach you")
}

func explained(f *loader.InForce, caller string, in Edge) Explained {
	e := Explained{Rules: []Rule{}}
	agent := f.Fleet.Agent(in.Callee)
	if agent == nil || agent.Skills[in.Skill] == nil || agent.Skills[in.Skill].Callers[caller] == nil {
		return e
	}
	skill := agent.Skills[in.Skill]
	e.Granted, e.Risk, e.At = true, skill.Risk, agent.At
	for _, id := range skill.Callers[caller].Rules {
		if r := f.Fleet.Rules[id]; r != nil {
			e.Rules = append(e.Rules, Rule{id, r.Verdict, r.Reason, r.When, r.Route, r.At})
		}
	}
	return e
}

// Nothing is asked of pending.
type Nothing struct{}

// Waiting are somebody's actions that people decide on.
type Waiting struct {
	Escalations []Escalated `json:"escalations"`
}

// Escalated is one of them.
type Escalated struct {
	ID       string    `json:"id"`
	State    string    `json:"state"`
	Callee   string    `json:"callee"`
	Skill    string    `json:"skill"`
	Digest   string    `json:"action_digest"`
	Expires  time.Time `json:"expires"`
	Approved int       `json:"approved"` // people so far
	Quorum   int       `json:"quorum"`
}

func (c *client) pending(ctx context.Context, _ *sdk.CallToolRequest, _ Nothing) (*sdk.CallToolResult, Waiting, error) {
	w := Waiting{Escalations: []Escalated{}}
	list, err := c.Pending(ctx, c.by.ID)
	if err != nil {
		return nil, w, errors.New("the store of escalations is away")
	}
	for _, e := range list {
		one := Escalated{ID: e.ID, State: string(e.State), Callee: e.Callee, Skill: e.Skill, Digest: e.Digest, Expires: e.Expires, Quorum: e.Quorum}
		for _, v := range e.Votes {
			if v.Approve {
				one.Approved++
			}
		}
		w.Escalations = append(w.Escalations, one)
	}
	return nil, w, nil
}
