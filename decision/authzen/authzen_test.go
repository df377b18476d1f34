package authzen

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"agentc/decision/engine"
	"agentc/decision/engine/enginetest"
	"agentc/decision/escalation"
	"agentc/decision/loader"
	"agentc/decision/point"

	"go.opentelemetry.io/otel/trace/noop"
)

// shipped serves the example's bundle at noon, to somebody by name, or to anybody.
func shipped(t testing.TB, who string) http.Handler {
	t.Helper()
	e := enginetest.Shipped(t)
	return serving(t, e, point.By{ID: id(who), Anybody: who == ""})
}

func serving(t testing.TB, e *engine.Engine, by point.By) http.Handler {
	t.Helper()
	s := Server{
		Point: &point.Point{
			Bundle: func() (*loader.InForce, error) { return &loader.InForce{Engine: e}, nil }, Quarantined: func(string) (string, error) { return "", nil },
			Record: func(context.Context, *point.Decision) error { return nil }, Tracer: noop.Tracer{}, Now: func() time.Time { return time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC) },
			Escalations: &people{},
		},
		Who: func(*http.Request) (point.By, error) { return by, nil }, URL: "https://agentd.example", Requests: "https://agentd.example/requests",
	}
	return s.Handler()
}

// people are asked, and have approved what they were asked last, as e2 and under no other name.
type people struct{ last escalation.Request }

func (p *people) Request(_ context.Context, r escalation.Request) (escalation.Escalation, error) {
	p.last = r
	return escalation.Escalation{ID: "e1", Request: r, State: escalation.Pending}, nil
}

func (p *people) Get(_ context.Context, id string) (escalation.Escalation, error) {
	e := escalation.Escalation{ID: id, Request: p.last, State: escalation.Pending}
	if id == "e2" {
		e.State = escalation.Approved
	}
	return e, nil
}

func (p *people) Consume(_ context.Context, id, digest, _ string) (escalation.Escalation, error) {
	ana := escalation.Vote{Person: escalation.Person{Name: "ana"}, Approve: true}
	return escalation.Escalation{ID: id, State: escalation.Consumed, Request: escalation.Request{Digest: digest}, Votes: []escalation.Vote{ana}}, nil
}

func id(name string) string { return "spiffe://prod.soc.example/ns/soc-" + name + "/sa/" + name }

func ask(h http.Handler, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// answer as clients read it.
type answer struct {
	Decision bool
	Context  struct {
		Verdict, Route, Environment string
		Rules                       []string
		Sequence                    *int64
		Revision                    string
		TraceID                     string `json:"trace_id"`
		DecisionID                  string `json:"decision_id"`
		Error                       *fault
	}
}

func decoded[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s: %s", w.Code, w.Header(), w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func caller(name string) string {
	return `"subject": {"type": "agent", "id": "` + id(name) + `"}`
}

func callee(agent, skill string) string {
	return `"action": {"name": "` + skill + `"}, "resource": {"type": "agent", "id": "` + agent + `"}`
}

const (
	sure  = `"context": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "confidence": 0.9, "anomaly": {"percentile": 99.2}, "parameters": {"namespace": "shop"}}`
	trace = "4bf92f3577b34da6a3ce929d0e0e4736"
)

func TestEvaluation(t *testing.T) {
	h := shipped(t, "")
	for _, c := range []struct {
		body, verdict, rule, route string
	}{
		{caller("detect") + "," + callee("coordinator", "handle-incident") + "," + sure, "auto-execute", "reviewers/incident-opens", ""},
		{caller("coordinator") + "," + callee("remediate", "isolate-workload") + "," + sure, "escalate", "reviewers/containment-asks", "oncall"},
		{caller("notify") + "," + callee("remediate", "isolate-workload") + "," + sure, "auto-reject", "no-edge", ""},
		{caller("detect") + "," + callee("coordinator", "handle-incident"), "escalate", "prod-only/incident-needs-anomaly", "oncall"},
	} {
		a := decoded[answer](t, ask(h, pathEvaluation, "{"+c.body+"}"))
		if x := a.Context; a.Decision != (c.verdict == "auto-execute") || x.Verdict != c.verdict || x.Rules[0] != c.rule || x.Route != c.route ||
			x.Environment != "prod" || x.Sequence == nil || x.Revision == "" || len(x.DecisionID) != 32 {
			t.Errorf("%s: %+v", c.body, a)
		}
	}
}

// TestApproval: an escalated action says whom to wait for, and with an approval it is permitted.
func TestApproval(t *testing.T) {
	h := shipped(t, "remediate")
	contain := func(approval string) string {
		return "{" + caller("coordinator") + "," + callee("remediate", "isolate-workload") + "," + strings.TrimSuffix(sure, "}") + approval + "}}"
	}
	type escalated struct {
		Decision bool
		Context  struct {
			Verdict       string
			Rules         []string
			AccessRequest struct{ Endpoint, Binding_token string } `json:"access_request"`
			Escalation    struct {
				ID, State string
				By        []string `json:"approved_by"`
				Digest    string   `json:"action_digest"`
			}
		}
	}
	asked := decoded[escalated](t, ask(h, pathEvaluation, contain("")))
	if c := asked.Context; asked.Decision || c.Verdict != "escalate" || c.AccessRequest.Endpoint != "https://agentd.example/requests" || c.AccessRequest.Binding_token != "e1" || c.Escalation.State != "pending" {
		t.Errorf("%+v", asked)
	}
	approved := decoded[escalated](t, ask(h, pathEvaluation, contain(`, "approval": {"id": "e2"}`)))
	if c := approved.Context; !approved.Decision || c.Escalation.State != "consumed" || len(c.Escalation.By) != 1 || c.Escalation.Digest != asked.Context.Escalation.Digest || c.AccessRequest.Endpoint != "" {
		t.Errorf("%+v", approved)
	}
	refused := decoded[escalated](t, ask(h, pathEvaluation, contain(`, "approval": {"id": "e1"}`)))
	if c := refused.Context; refused.Decision || c.Verdict != "auto-reject" || c.Rules[0] != "pending" || c.AccessRequest.Endpoint != "" {
		t.Errorf("%+v", refused)
	}
	for _, approval := range []string{`, "approval": "e2"`, `, "approval": {}`, `, "approval": {"id": 7}`} {
		if w := ask(h, pathEvaluation, contain(approval)); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", approval, w.Code, w.Body)
		}
	}
}

// TestWhatIsBelieved: how unusual an event was, and what time it is, nobody says for himself.
func TestWhatIsBelieved(t *testing.T) {
	incident := "{" + caller("detect") + "," + callee("coordinator", "handle-incident") + "," + sure + "}"
	if a := decoded[answer](t, ask(shipped(t, "detect"), pathEvaluation, incident)); a.Decision || a.Context.Verdict != "escalate" {
		t.Errorf("a stranger's percentile counts: %+v", a)
	}
	if a := decoded[answer](t, ask(shipped(t, "coordinator"), pathEvaluation, incident)); !a.Decision {
		t.Errorf("the percentile of the resource's guard does not count: %+v", a)
	}
	for _, who := range []string{"notify", "agentd"} {
		if w := ask(shipped(t, who), pathEvaluation, incident); w.Code != http.StatusForbidden {
			t.Errorf("%s asks for another: %d %s", who, w.Code, w.Body)
		}
	}
	if a := decoded[answer](t, ask(shipped(t, ""), pathEvaluation, incident, "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")); a.Context.TraceID != trace {
		t.Errorf("the trace is %q", a.Context.TraceID)
	}
	if a := decoded[answer](t, ask(shipped(t, ""), pathEvaluation, "{"+caller("detect")+","+callee("coordinator", "handle-incident")+"}", "traceparent", "00-"+trace+"-b7ad6b7169203331-01")); a.Context.TraceID != trace {
		t.Errorf("the header's trace is %q", a.Context.TraceID)
	}
}

// TestBadRequests are no denials: 400, with what is wrong.
func TestBadRequests(t *testing.T) {
	h := shipped(t, "")
	good := caller("detect") + "," + callee("coordinator", "handle-incident")
	for body, want := range map[string]string{
		``:                               "the request is refused: it ends too early",
		`[]`:                             "the request is no JSON object",
		`{}`:                             "subject is missing",
		`{"subject": 7}`:                 "subject is no object",
		`{"subject": {"type": "agent"}}`: "subject.id is missing",
		`{"subject": {"type": "agent", "id": 7}}`:      "subject.id is no text, or an empty one",
		`{"subject": {"type": "", "id": "x"}}`:         "subject.type is no text, or an empty one",
		`{` + caller("detect") + `}`:                   "resource is missing",
		`{` + good + `, "context": []}`:                "context is no object",
		`{` + good + `, "context": {"trace_id": "x"}}`: "context.trace_id is no W3C trace id",
		`{` + good + `, "Subject": {}}`:                "a key comes again in other letters",
		`{` + good + `, "subject": {}}`:                "a key comes twice",
		`{` + good + `} {}`:                            "something stands behind the value",
		`{"Subject": {}, ` + callee("a", "b") + `}`:    "subject is missing",
		`{` + caller("x") + `, "action": {"name": ""}, "resource": {"type": "agent", "id": "x"}}`: "action.name is no text, or an empty one",
	} {
		w := ask(h, pathEvaluation, body, "X-Request-ID", "r-1")
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) || w.Header().Get("X-Request-ID") != "r-1" {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	good = "{" + good + "}"
	for header, want := range map[[2]string]int{
		{"Content-Type", "text/plain"}: 400, {"Content-Type", ""}: 400, {"Content-Type", "application/json; charset=utf-8"}: 200, {"Content-Encoding", "gzip"}: 400,
	} {
		if w := ask(h, pathEvaluation, good, header[0], header[1]); w.Code != want {
			t.Errorf("%v: %d %s", header, w.Code, w.Body)
		}
	}
	if w := ask(h, pathEvaluation, good, "X-Request-ID", strings.Repeat("x", 1000)); w.Header().Get("X-Request-ID") != "" {
		t.Error("a long id is sent back")
	}
	twice := httptest.NewRequest(http.MethodPost, pathEvaluation, strings.NewReader(good))
	twice.Header["Content-Type"] = []string{"application/json", "text/plain"}
	answer := httptest.NewRecorder()
	if h.ServeHTTP(answer, twice); answer.Code != http.StatusBadRequest {
		t.Errorf("two content types: %d %s", answer.Code, answer.Body)
	}
	for _, body := range []string{strings.Replace(good, `"handle-incident"`, `"`+strings.Repeat("x", 2049)+`"`, 1), strings.Replace(good, `"coordinator"`, `"`+strings.Repeat("x", 2049)+`"`, 1)} {
		if w := ask(h, pathEvaluation, body); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "is longer than 2048 bytes") {
			t.Errorf("a long name: %d %s", w.Code, w.Body)
		}
	}
	r := httptest.NewRequest(http.MethodGet, pathEvaluation, nil)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
	none := Server{
		Point: &point.Point{Bundle: func() (*loader.InForce, error) { return nil, errors.New("there is no bundle yet") }},
		Who:   func(*http.Request) (point.By, error) { return point.By{}, nil },
	}
	if w := ask(none.Handler(), pathEvaluation, good); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "no bundle yet") {
		t.Errorf("without a bundle: %d %s", w.Code, w.Body)
	}
	none.Who = func(*http.Request) (point.By, error) { return point.By{}, errors.New("who are you?") }
	if w := ask(none.Handler(), pathEvaluation, good); w.Code != http.StatusForbidden {
		t.Errorf("nobody: %d %s", w.Code, w.Body)
	}
}

// TestEvaluations: defaults, the three semantics, and one question that is none among others.
func TestEvaluations(t *testing.T) {
	h := shipped(t, "")
	asked := func(options, evaluations string) string {
		return "{" + caller("detect") + "," + callee("coordinator", "handle-incident") + "," + sure + `, "options": ` + options + `, "evaluations": ` + evaluations + "}"
	}
	const yes, no, none = `{}`, `{"resource": {"type": "agent", "id": "remediate"}}`, `{"action": 7}`
	for _, c := range []struct{ options, evaluations, want string }{
		{`{}`, `[` + yes + `,` + no + `,` + none + `,` + yes + `]`, "yes no bad yes"},
		{`{"evaluations_semantic": "execute_all"}`, `[` + no + `,` + yes + `]`, "no yes"},
		{`{"evaluations_semantic": "deny_on_first_deny"}`, `[` + yes + `,` + no + `,` + yes + `]`, "yes no"},
		{`{"evaluations_semantic": "deny_on_first_deny"}`, `[` + none + `,` + yes + `]`, "bad"},
		{`{"evaluations_semantic": "permit_on_first_permit"}`, `[` + no + `,` + yes + `,` + no + `]`, "no yes"},
		{`{}`, `[7, ` + yes + `]`, "bad yes"},
		{`{}`, `[{"resource": {"id": "remediate"}}, {"resource": {"type": "agent"}}]`, "no yes"}, // what names a part is the request's where it is missing
		{`{}`, `[{"context": {}}, ` + yes + `]`, "no yes"},                                       // a context of its own takes the place of the whole
	} {
		all := decoded[struct{ Evaluations []answer }](t, ask(h, pathEvaluations, asked(c.options, c.evaluations)))
		var got []string
		for _, a := range all.Evaluations {
			switch {
			case a.Context.Error != nil && !a.Decision:
				got = append(got, "bad")
			case a.Decision:
				got = append(got, "yes")
			default:
				got = append(got, "no")
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %s: %v, want %s", c.options, c.evaluations, got, c.want)
		}
	}
	if a := decoded[answer](t, ask(h, pathEvaluations, asked(`{}`, `[]`))); !a.Decision || a.Context.Verdict != "auto-execute" {
		t.Errorf("without evaluations: %+v", a)
	}
	for _, c := range [][2]string{
		{asked(`{"evaluations_semantic": "any"}`, `[{}]`), "evaluations_semantic is unknown"}, {asked(`7`, `[{}]`), "options is no object"},
		{asked(`{}`, `{}`), "evaluations is no list"}, {asked(`{}`, "["+strings.Repeat("{},", maxQuestions)+"{}]"), "at most 100"},
	} {
		if w := ask(h, pathEvaluations, c[0]); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), c[1]) {
			t.Errorf("%d %s, want %s", w.Code, w.Body, c[1])
		}
	}
}

func TestConfiguration(t *testing.T) {
	w := httptest.NewRecorder()
	shipped(t, "").ServeHTTP(w, httptest.NewRequest(http.MethodGet, pathConfiguration, nil))
	got := decoded[map[string]any](t, w)
	if got["policy_decision_point"] != "https://agentd.example" || got["access_evaluation_endpoint"] != "https://agentd.example/access/v1/evaluation" ||
		got["access_evaluations_endpoint"] != "https://agentd.example/access/v1/evaluations" {
		t.Errorf("%v", got)
	}
}

// FuzzEvaluations: whatever is asked, the answer is 200 or 400, and strangers are never permitted anything.
func FuzzEvaluations(f *testing.F) {
	h := shipped(f, "")
	f.Add("{" + caller("detect") + "," + callee("coordinator", "handle-incident") + "," + sure + `, "evaluations": [{}]}`)
	f.Add(`{"evaluations": [{"subject": {"type": "agent", "id": "x"}}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		w := ask(h, pathEvaluations, body)
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if !strings.Contains(body, "spiffe") && strings.Contains(w.Body.String(), `"decision":true`) && !strings.Contains(body, `\u`) {
			t.Errorf("%s: %s", body, w.Body)
		}
	})
}
