package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"agentc/decision/engine/enginetest"
	"agentc/decision/escalation"
	"agentc/decision/loader"
	"agentc/decision/point"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"go.opentelemetry.io/otel/trace/noop"
)

func id(agent string) string { return "spiffe://prod.soc.example/ns/soc-" + agent + "/sa/" + agent }

// connected is the official client, speaking to the shipped fleet's bundle as an agent.
func connected(t *testing.T, agent string, change func(*Server)) *sdk.ClientSession {
	t.Helper()
	e := enginetest.Shipped(t)
	s := &Server{
		Version: "test", Who: func(*http.Request) (point.By, error) { return point.By{ID: id(agent)}, nil },
		Point: &point.Point{
			Bundle: func() (*loader.InForce, error) { return &loader.InForce{Engine: e}, nil }, Quarantined: func(string) (string, error) { return "", nil },
			Record: func(context.Context, *point.Decision) error {
				t.Error("a question that changes nothing is recorded")
				return nil
			}, Tracer: noop.Tracer{}, Now: time.Now,
		},
		Pending: func(_ context.Context, caller string) ([]escalation.Escalation, error) {
			return []escalation.Escalation{{ID: "e1", State: escalation.Pending, Request: escalation.Request{Caller: caller, Callee: "remediate", Skill: "isolate-workload", Quorum: 1}}}, nil
		},
	}
	if change != nil {
		change(s)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	session, err := sdk.NewClient(&sdk.Implementation{Name: agent, Version: "1"}, nil).Connect(t.Context(), &sdk.StreamableClientTransport{Endpoint: server.URL}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

func call[T any](t *testing.T, s *sdk.ClientSession, tool string, args map[string]any) (v T, fault string) {
	t.Helper()
	r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return v, err.Error()
	}
	text, err := json.Marshal(r.StructuredContent)
	if err != nil {
		t.Fatal(err)
	}
	if r.IsError {
		text, _ := json.Marshal(r.Content)
		return v, string(text)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v, ""
}

func TestTools(t *testing.T) {
	s := connected(t, "coordinator", nil)
	list, err := s.ListTools(t.Context(), nil)
	if err != nil || len(list.Tools) != 3 {
		t.Fatal(list, err)
	}
	for _, tool := range list.Tools {
		if !tool.Annotations.ReadOnlyHint {
			t.Errorf("%s may change something", tool.Name)
		}
	}
	d, fault := call[Decided](t, s, "decide", map[string]any{"callee": "remediate", "skill": "isolate-workload", "confidence": 0.9, "parameters": map[string]any{"namespace": "shop"}})
	if d.Verdict != "escalate" || d.Decision || d.Route != "oncall" || d.Risk != "high" || fault != "" {
		t.Errorf("%+v, %s", d, fault)
	}
	if d, fault := call[Decided](t, s, "decide", map[string]any{"callee": "remediate", "skill": "isolate-workload", "confidence": 0.1}); d.Verdict != "auto-reject" || fault != "" {
		t.Errorf("%+v, %s", d, fault)
	}
	e, fault := call[Explained](t, s, "explain", map[string]any{"callee": "remediate", "skill": "isolate-workload"})
	if !e.Granted || e.Risk != "high" || len(e.Rules) != 2 || e.Rules[0].ID != "reviewers/containment-asks" || fault != "" {
		t.Errorf("%+v, %s", e, fault)
	}
	if e, fault := call[Explained](t, s, "explain", map[string]any{"callee": "detect", "skill": "assess-event"}); e.Granted || fault != "" {
		t.Errorf("%+v, %s", e, fault)
	}
	w, fault := call[Waiting](t, s, "pending", map[string]any{})
	if len(w.Escalations) != 1 || w.Escalations[0].ID != "e1" || w.Escalations[0].Quorum != 1 || fault != "" {
		t.Errorf("%+v, %s", w, fault)
	}
}

// TestRefused: of others' calls nobody hears, and what fails says so without saying more.
func TestRefused(t *testing.T) {
	s := connected(t, "notify", func(s *Server) {
		s.Pending = func(context.Context, string) ([]escalation.Escalation, error) {
			return nil, errors.New("password=secret")
		}
	})
	for tool, args := range map[string]map[string]any{
		"decide":  {"caller": id("coordinator"), "callee": "remediate", "skill": "isolate-workload"},
		"explain": {"caller": id("coordinator"), "callee": "remediate", "skill": "isolate-workload"},
		"pending": {},
		"else":    {},
	} {
		if v, fault := call[map[string]any](t, s, tool, args); fault == "" || strings.Contains(fault, "secret") {
			t.Errorf("%s: %v, %s", tool, v, fault)
		}
	}
	for _, args := range []map[string]any{{"callee": 7, "skill": "x"}, {"callee": "remediate"}, {"callee": "remediate", "skill": "x", "more": 1}} {
		if v, fault := call[map[string]any](t, s, "decide", args); fault == "" {
			t.Errorf("%v: %v", args, v)
		}
	}
	nobody := &Server{Who: func(*http.Request) (point.By, error) { return point.By{}, errors.New("who are you?") }}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if nobody.Handler().ServeHTTP(w, r); w.Code < 400 {
		t.Errorf("nobody: %d %s", w.Code, w.Body)
	}
}

// TestPanic: a fault of ours ends the answer, and not the process.
func TestPanic(t *testing.T) {
	s := connected(t, "coordinator", func(s *Server) { s.Point.Quarantined = func(string) (string, error) { panic("a fault of ours") } })
	for range 2 {
		if v, fault := call[map[string]any](t, s, "decide", map[string]any{"callee": "remediate", "skill": "isolate-workload"}); fault == "" || strings.Contains(fault, "ours") {
			t.Errorf("%v, %s", v, fault)
		}
	}
}

// TestPeople have no tools: without an id of their own they would be asked about as nobody, who waits for everything.
func TestPeople(t *testing.T) {
	s := &Server{
		Who: func(*http.Request) (point.By, error) { return point.By{}, nil },
		Pending: func(_ context.Context, caller string) ([]escalation.Escalation, error) {
			t.Errorf("somebody reads what waits for %q", caller)
			return nil, nil
		},
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "pending", "arguments": {}}}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	s.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}
