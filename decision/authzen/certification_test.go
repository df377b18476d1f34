package authzen

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"agentc/decision/bundle"
	"agentc/decision/engine"
	"agentc/decision/point"
)

// The certification scenario of the OpenID Foundation's AuthZEN working group for the Authorization API 1.0, as of its repository's
// certification/authorization-api-1_0-scenario.md: the levels Basic, Batch (both with properties) and Discovery. The decision point under test answers by the
// scenario's own eight rules; everything else is what it is in production. Search, which is a level of its own, is not served.

// fixture is the scenario's policy.
const fixture = `package agentc

decision := {"decision": permitted, "context": {"verdict": verdict, "rules": ["fixture"], "reasons": []}}

threshold := {"percentile": 0, "rules": ["fixture"]}

verdict := {true: "auto-execute", false: "auto-reject"}[permitted]

default permitted := false

archived if input.resource.properties.status == "archived"

admin if input.subject.properties.role == "admin"

record if input.resource.type == "record"

permitted if {
	record
	input.action.name == "read"
	input.subject.id in {"alice", "bob"}
}

permitted if {
	record
	input.action.name == "write"
	input.subject.id == "alice"
	not archived
}

permitted if {
	record
	input.action.name == "write"
	archived
	admin
}

permitted if {
	record
	input.action.name == "delete"
	input.action.properties.soft == true
	input.subject.id == "alice"
}
`

func certified(t *testing.T) http.Handler {
	t.Helper()
	b, err := bundle.Of(map[string][]byte{
		".manifest":            []byte(`{"revision": "r", "roots": ["agentc", "reviewers"], "rego_version": 1, "metadata": {"format": 1, "environment": "test", "fleet": "test", "sequence": 0, "not_after": ""}}`),
		"agentc/decision.rego": []byte(fixture),
		"agentc/data.json":     []byte(`{"environment": {"name": "test", "fleet": "test", "trustDomain": "example"}, "fleet": {"agents": {}}, "rules": {}, "escalation": {"lifetimeMs": 0, "defaultRoute": "", "routes": {}}}`),
		"selftest.json":        []byte(`{"format": 1, "cases": {"none": [{"context": {}, "verdict": "auto-reject", "rules": ["fixture"]}]}, "vectors": [{"caller": "x", "callee": "y", "skills": {"z": "none"}}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(t.Context(), b, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return serving(t, e, point.By{Anybody: true})
}

const (
	alice   = `"subject": {"type": "user", "id": "alice"}`
	bob     = `"subject": {"type": "user", "id": "bob"}`
	admin   = `"subject": {"type": "user", "id": "bob", "properties": {"role": "admin"}}`
	record1 = `"resource": {"type": "record", "id": "record-1"}`
	active  = `"resource": {"type": "record", "id": "record-1", "properties": {"status": "active"}}`
	old     = `"resource": {"type": "record", "id": "record-2", "properties": {"status": "archived"}}`
)

func act(name string) string { return `"action": {"name": "` + name + `"}` }

func body(parts ...string) string { return "{" + strings.Join(parts, ", ") + "}" }

func soft(is string) string {
	return `"action": {"name": "delete", "properties": {"soft": ` + is + `}}`
}

// TestCertificationBasic: c-2.
func TestCertificationBasic(t *testing.T) {
	h := certified(t)
	for id, c := range map[string]struct {
		body string
		want bool
	}{
		"c-2-2-1": {body(alice, act("read"), record1), true},
		"c-2-2-2": {body(bob, act("write"), record1), false},
		"c-2-2-3": {body(alice, act("read"), record1, `"context": {"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}`), true},
		"c-2-2-4": {body(alice, act("write"), old), false},
		"c-2-2-5": {body(admin, act("write"), old), true},
		"c-2-2-6": {body(alice, soft("true"), record1), true},
		"c-2-2-7": {body(alice, soft("false"), record1), false},
		"c-2-2-8": {body(`"subject": {"type": "user", "id": "alice", "properties": {"department": "Sales", "role": "manager"}}`,
			`"action": {"name": "read", "properties": {"method": "GET"}}`, `"resource": {"type": "record", "id": "record-1", "properties": {"status": "active", "owner": "bob"}}`), true},
		"c-2-2-9": {body(alice, act("read"), record1, `"foo": "bar", "futureField": {"nested": true}`), true},
		"rule 2":  {body(alice, act("write"), record1), true},
		"rule 3":  {body(bob, act("read"), record1), true},
	} {
		for range 3 { // c-2-6: the same decision each time
			w := ask(h, pathEvaluation, c.body)
			var got struct {
				Decision *bool
				Context  map[string]any
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK || got.Decision == nil || *got.Decision != c.want {
				t.Errorf("%s: %d %s, %v", id, w.Code, w.Body, err)
			}
		}
	}
	for id, bad := range map[string]string{
		"c-2-4-1 subject": body(act("read"), record1), "c-2-4-1 action": body(alice, record1), "c-2-4-1 resource": body(alice, act("read")),
		"c-2-4-2 subject.type": body(`"subject": {"id": "alice"}`, act("read"), record1), "c-2-4-2 subject.id": body(`"subject": {"type": "user"}`, act("read"), record1),
		"c-2-4-2 action.name": body(alice, `"action": {}`, record1), "c-2-4-2 resource.type": body(alice, act("read"), `"resource": {"id": "record-1"}`),
		"c-2-4-2 resource.id": body(alice, act("read"), `"resource": {"type": "record"}`),
		"c-2-4-4":             `{"subject": `, "c-2-4-5": "",
		"c-2-4-6 subject": body(`"subject": "alice"`, act("read"), record1), "c-2-4-6 action.name": body(alice, `"action": {"name": 123}`, record1),
	} {
		if w := ask(h, pathEvaluation, bad); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", id, w.Code, w.Body)
		}
	}
	good := body(alice, act("read"), record1)
	if w := ask(h, pathEvaluation, good, "Content-Type", "text/plain"); w.Code != http.StatusBadRequest {
		t.Errorf("c-2-4-3: %d", w.Code)
	}
	if w := ask(h, pathEvaluation, good, "X-Request-ID", "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"); w.Header().Get("X-Request-ID") != "bfe9eb29-ab87-4ca3-be83-a1d5d8305716" {
		t.Errorf("c-2-5-1: %q", w.Header().Get("X-Request-ID"))
	}
	if w := ask(h, pathEvaluation, good); w.Code != http.StatusOK {
		t.Errorf("c-2-5-2: %d", w.Code)
	}
}

// TestCertificationBatch: c-3.
func TestCertificationBatch(t *testing.T) {
	h := certified(t)
	list := func(items ...string) string { return `"evaluations": [` + strings.Join(items, ", ") + `]` }
	for id, c := range map[string]struct {
		body string
		want string // of each answer: y, n, or ? where the scenario leaves it open
	}{
		"c-3-2-1":   {body(alice, act("read"), list(body(record1), body(`"resource": {"type": "record", "id": "record-2"}`))), "y?"},
		"c-3-2-2":   {body(bob, record1, list(body(act("read")), body(act("write")))), "yn"},
		"c-3-2-3":   {body(alice, act("write"), list(body(active), body(old))), "yn"},
		"c-3-2-4":   {body(act("write"), old, list(body(alice), body(admin))), "ny"},
		"c-3-2-5":   {body(list(body(alice, act("read"), record1), body(bob, act("write"), record1))), "yn"},
		"c-3-2-6":   {body(alice, act("read"), `"context": {"time": "2025-06-27T18:03-07:00"}`, list(body(record1), body(`"resource": {"type": "record", "id": "record-2"}`, `"context": {"time": "2025-06-27T19:00-07:00", "source": "batch-override"}`))), "y?"},
		"c-3-2-7":   {body(alice, act("write"), `"resource": {"type": "record"}`, list(`{"resource": {"id": "record-1", "properties": {"status": "active"}}}`, body(old))), "yn"},
		"c-3-4-1":   {body(alice, act("read"), list(body(record1), "{}")), "yn"},
		"c-3-3-1-3": {body(alice, record1, list(body(act("read")), body(act("write")), body(soft("false")), body(soft("true")))), "yyny"},
	} {
		w := ask(h, pathEvaluations, c.body)
		var got struct {
			Evaluations []struct{ Decision *bool }
			Decision    *bool
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK || got.Decision != nil || len(got.Evaluations) != len(c.want) {
			t.Errorf("%s: %d %s, %v", id, w.Code, w.Body, err)
			continue
		}
		for i, e := range got.Evaluations {
			if e.Decision == nil || c.want[i] != '?' && *e.Decision != (c.want[i] == 'y') {
				t.Errorf("%s: %d is %s", id, i, w.Body)
			}
		}
	}
	for id, one := range map[string]string{"c-3-4-2": body(alice, act("read"), record1), "c-3-4-3": body(alice, act("read"), record1, list())} {
		w := ask(h, pathEvaluations, one)
		var got struct{ Decision *bool }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK || got.Decision == nil || !*got.Decision {
			t.Errorf("%s: %d %s, %v", id, w.Code, w.Body, err)
		}
	}
}

// TestCertificationDiscovery: c-6.
func TestCertificationDiscovery(t *testing.T) {
	w := httptest.NewRecorder()
	certified(t).ServeHTTP(w, httptest.NewRequest(http.MethodGet, pathConfiguration, nil))
	got := decoded[map[string]any](t, w)
	for _, name := range []string{"policy_decision_point", "access_evaluation_endpoint", "access_evaluations_endpoint"} {
		if url, is := got[name].(string); !is || !strings.HasPrefix(url, "https://") {
			t.Errorf("%s is %v", name, got[name])
		}
	}
}
