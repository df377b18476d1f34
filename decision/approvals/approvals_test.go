package approvals

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"agentc/decision/action"
	"agentc/decision/escalation"
	"agentc/decision/fleet"

	"github.com/google/jsonschema-go/jsonschema"
	"sigs.k8s.io/yaml"
)

const (
	coordinator = "spiffe://dev.soc.example/ns/soc-coordinator/sa/coordinator"
	remediate   = "spiffe://dev.soc.example/ns/soc-remediate/sa/remediate"
	notify      = "spiffe://dev.soc.example/ns/soc-notify/sa/notify"
)

var (
	asel = escalation.Person{Name: "asel", Team: "soc", Groups: []string{"soc-oncall"}}
	dara = escalation.Person{Name: "dara", Team: "ai", Groups: []string{"soc-oncall"}}
	emil = escalation.Person{Name: "emil", Team: "soc"}
)

// desk is the API over a real store, and checks every answer against the description.
type desk struct {
	*Server
	t       *testing.T
	handler http.Handler
	schemas *description31
	mu      sync.Mutex
	now     time.Time
	who     Identity
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, now: time.Date(2026, 4, 30, 21, 10, 0, 0, time.UTC), schemas: described(t)}
	clock := func() time.Time { d.mu.Lock(); defer d.mu.Unlock(); return d.now }
	service, err := escalation.Open(context.Background(), filepath.Join(t.TempDir(), "escalations.db"), escalation.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { service.Close() })
	f := new(fleet.Fleet)
	f.Fleet.Agents = map[string]*fleet.Agent{"coordinator": {ID: coordinator, Team: "ai"}, "remediate": {ID: remediate, Team: "ai"}, "notify": {ID: notify, Team: "ai"}}
	f.Escalation.Routes = map[string]*fleet.Route{"oncall": {Approvers: []string{"soc-oncall"}, Quorum: 1}}
	d.Server = &Server{Service: service, Fleet: func() *fleet.Fleet { return f }, Watch: NewWatch(service.Version, 5*time.Millisecond), Now: clock,
		URL: "https://agentd.example:8444", Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Who: func(*http.Request) (Identity, error) { return d.who, nil }}
	d.handler = d.Handler()
	return d
}

func (d *desk) pass(by time.Duration) { d.mu.Lock(); d.now = d.now.Add(by); d.mu.Unlock() }

func (d *desk) ask(workload string) escalation.Escalation {
	d.t.Helper()
	form, err := action.Action{Caller: coordinator, Callee: "remediate", Skill: "isolate-workload", Parameters: map[string]any{"workload": workload}}.Canonical()
	if err != nil {
		d.t.Fatal(err)
	}
	e, err := d.Service.Request(context.Background(), escalation.Request{Action: form, Digest: action.Digest(form), Caller: coordinator, Callee: "remediate", Skill: "isolate-workload",
		Risk: "high", Owners: []string{"ai"}, Reasons: []escalation.Reason{{Rule: "soc/asks", Reason: "It stops a workload.", At: "policies/soc.yaml:3"}}, Known: json.RawMessage(`{"confidence":0.8}`),
		Route: "oncall", Endpoint: "mattermost", Channel: "soc", Groups: []string{"soc-oncall"}, Quorum: 1, Assurance: escalation.Verified, TraceID: strings.Repeat("a", 32),
		DecisionID: strings.Repeat("b", 32), Environment: "dev", Revision: "r1", Sequence: 7, Lifetime: 15 * time.Minute})
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

// call the API, and hold the answer against the description.
func (d *desk) call(who Identity, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	d.who = who
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if method == "POST" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	d.schemas.check(d.t, r, w)
	return w
}

func person(p escalation.Person) Identity { return Identity{Person: &p} }
func program(id string) Identity          { return Identity{SPIFFE: id} }

// description31 is the OpenAPI file, as the tests read it.
type description31 struct {
	paths map[string]map[string]struct {
		Responses map[string]struct {
			Ref     string `json:"$ref"`
			Content map[string]struct{ Schema json.RawMessage }
		}
	}
	defs json.RawMessage
}

func described(t *testing.T) *description31 {
	t.Helper()
	text, err := yaml.YAMLToJSONStrict(description)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Schemas json.RawMessage }
	}
	text = []byte(strings.ReplaceAll(string(text), "#/components/schemas/", "#/$defs/"))
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	d := &description31{defs: file.Components.Schemas}
	d.paths = map[string]map[string]struct {
		Responses map[string]struct {
			Ref     string `json:"$ref"`
			Content map[string]struct{ Schema json.RawMessage }
		}
	}{}
	for path, methods := range file.Paths {
		d.paths[path] = map[string]struct {
			Responses map[string]struct {
				Ref     string `json:"$ref"`
				Content map[string]struct{ Schema json.RawMessage }
			}
		}{}
		for method, operation := range methods {
			if method == "parameters" {
				continue
			}
			m := d.paths[path][method]
			if err := json.Unmarshal(operation, &m); err != nil {
				t.Fatal(err)
			}
			d.paths[path][method] = m
		}
	}
	return d
}

// check one answer: its status is described, and it has the members that are described and no others.
func (d *description31) check(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	_, path, is := strings.Cut(r.Pattern, " ")
	if !is || path == Description {
		return // no route, or no JSON
	}
	response, found := d.paths[path][strings.ToLower(r.Method)].Responses[fmt.Sprint(w.Code)]
	schema := json.RawMessage(`{"$ref":"#/$defs/Problem"}`)
	switch {
	case found && len(response.Content) > 0:
		for _, content := range response.Content {
			schema = content.Schema
		}
	case found:
		if w.Body.Len() > 0 {
			t.Errorf("%s %s: an answer with %d has a body", r.Method, path, w.Code)
		}
		return
	case w.Code < 400:
		t.Errorf("%s %s: an answer with %d is not described", r.Method, path, w.Code)
		return
	case w.Header().Get("Content-Type") != "application/problem+json":
		t.Errorf("%s %s: a problem comes as %s", r.Method, path, w.Header().Get("Content-Type"))
	}
	if err := d.valid(schema, w.Body.Bytes()); err != nil {
		t.Errorf("%s %s: %d: %v\n%s", r.Method, path, w.Code, err, w.Body)
	}
}

func (d *description31) valid(schema json.RawMessage, text []byte) error {
	var root jsonschema.Schema
	if err := json.Unmarshal(fmt.Appendf(nil, `{"allOf":[%s],"$defs":%s}`, schema, d.defs), &root); err != nil {
		return err
	}
	resolved, err := root.Resolve(nil)
	if err != nil {
		return err
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	return resolved.Validate(value)
}

// TestDescriptionIsStrict: an answer with a member too many or too few would be noticed.
func TestDescriptionIsStrict(t *testing.T) {
	d := described(t)
	for text, want := range map[string]bool{
		`{"type":"t","title":"t","status":400}`: true, `{"type":"t","title":"t","status":400,"more":1}`: false, `{"type":"t","status":400}`: false, `{"type":"t","title":"t","status":"400"}`: false,
	} {
		if err := d.valid(json.RawMessage(`{"$ref":"#/$defs/Problem"}`), []byte(text)); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestDescribed: what can be asked is described, and what is described can be asked.
func TestDescribed(t *testing.T) {
	d := described(t)
	want := map[string]bool{"get " + Description: true}
	for _, r := range routes {
		want[strings.ToLower(r.method)+" "+r.path] = true
	}
	for path, methods := range d.paths {
		for method := range methods {
			if !want[method+" "+path] {
				t.Errorf("%s %s is described and cannot be asked", method, path)
			}
			delete(want, method+" "+path)
		}
	}
	for missing := range want {
		t.Errorf("%s is not described", missing)
	}
	desk := newDesk(t)
	if w := desk.call(program(notify), "GET", Description, ""); w.Code != 200 || w.Body.String() != string(description) {
		t.Errorf("the description comes with %d", w.Code)
	}
}

func submission(e escalation.Escalation, change func(map[string]any)) string {
	s := map[string]any{
		"subject": map[string]any{"type": "agent", "id": e.Caller}, "resource": map[string]any{"type": "agent", "id": e.Callee}, "action": map[string]any{"name": e.Skill},
		"context": map[string]any{"workload": "a"},
		"denial":  map[string]any{"binding_token": e.ID, "evaluation_id": e.DecisionID, "expires_at": e.Expires.Format(time.RFC3339), "reason": "approval_required"},
	}
	if change != nil {
		change(s)
	}
	text, _ := json.Marshal(s)
	return string(text)
}

// TestWalk goes through the life of an approval as an enforcement point, a person and a guard see it.
func TestWalk(t *testing.T) {
	d := newDesk(t)
	e := d.ask("a")
	w := d.call(program(coordinator), "POST", Requests, submission(e, nil))
	at := d.URL + Requests + "/" + e.ID
	if w.Code != 202 || w.Header().Get("Location") != at || !strings.Contains(w.Body.String(), `"status":"pending"`) {
		t.Fatalf("the submission is answered with %d %s", w.Code, w.Body)
	}
	task := func(want string) *httptest.ResponseRecorder {
		t.Helper()
		w := d.call(program(coordinator), "GET", Requests+"/"+e.ID, "")
		if w.Code != 200 || !strings.Contains(w.Body.String(), `"status":"`+want+`"`) {
			t.Fatalf("the task is %d %s", w.Code, w.Body)
		}
		return w
	}
	tag := task("pending").Header().Get("ETag")
	if w := d.call(program(coordinator), "GET", Requests+"/"+e.ID, "", "If-None-Match", tag); w.Code != 304 {
		t.Errorf("what is known comes again with %d", w.Code)
	}
	if w := d.call(person(asel), "GET", Escalations+"/"+e.ID, ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"hindrance":""`) {
		t.Errorf("a person sees %d %s", w.Code, w.Body)
	}
	vote := Escalations + "/" + e.ID + "/votes"
	if w := d.call(person(asel), "POST", vote, `{"approve":true,"digest":"`+e.Digest+`"}`); w.Code != 200 {
		t.Fatalf("the vote is answered with %d %s", w.Code, w.Body)
	}
	if w := task("approved"); !strings.Contains(w.Body.String(), `"result":{"mode":"reevaluate","approval":{"id":"`+e.ID) || strings.Contains(w.Body.String(), "asel") {
		t.Errorf("the approval comes as %s", w.Body)
	}
	asked := 0
	d.Usable = func(_ context.Context, of escalation.Escalation) error {
		if asked++; asked == 1 {
			return &escalation.Refusal{Rule: "quarantined", Reason: of.Callee + " is in quarantine"}
		}
		return nil
	}
	consume, body := Escalations+"/"+e.ID+"/consume", `{"digest":"`+e.Digest+`","caller":"`+coordinator+`"}`
	for _, c := range []struct {
		who  Identity
		body string
		want int
	}{
		{program(remediate), body, 403}, // what is in force now is against it
		{program(coordinator), body, 403}, {program(notify), body, 404}, {person(asel), body, 403},
		{program(remediate), strings.Replace(body, e.Digest, "sha256:00", 1), 409}, {program(remediate), strings.Replace(body, coordinator, notify, 1), 403},
		{program(remediate), body, 200}, {program(remediate), body, 409},
	} {
		if w := d.call(c.who, "POST", consume, c.body); w.Code != c.want {
			t.Errorf("%v consumes with %s: %d %s", c.who, c.body, w.Code, w.Body)
		}
	}
	if asked != 2 {
		t.Errorf("it was asked %d times whether the approval may be used", asked)
	}
	if w := task("consumed"); strings.Contains(w.Body.String(), "result") {
		t.Errorf("a used approval still is one: %s", w.Body)
	}
	if w := d.call(program(coordinator), "POST", Requests, submission(e, nil)); w.Code != 201 {
		t.Errorf("what has ended is answered with %d", w.Code)
	}
}

// TestRefused: what the API does not do, and what it says.
func TestRefused(t *testing.T) {
	d := newDesk(t)
	e, vote := d.ask("a"), Escalations+"/"
	vote += e.ID + "/votes"
	yes := `{"approve":true,"digest":"` + e.Digest + `"}`
	set := func(object, member string, value any) string {
		return submission(e, func(s map[string]any) { s[object].(map[string]any)[member] = value })
	}
	for name, c := range map[string]struct {
		who          Identity
		method, path string
		body         string
		headers      []string
		want         int
		problem      string
	}{
		"nobody":                 {Identity{}, "GET", Escalations, "", nil, 401, typeIdentity},
		"foreign program":        {program(notify), "GET", Requests + "/" + e.ID, "", nil, 404, typeUnknownTask},
		"foreign details":        {program(notify), "GET", Escalations + "/" + e.ID, "", nil, 404, typeUnknownTask},
		"no such":                {person(asel), "GET", Escalations + "/" + strings.Repeat("0", 32), "", nil, 404, typeUnknownTask},
		"no id":                  {person(asel), "GET", Escalations + "/a%27b", "", nil, 404, typeUnknownTask},
		"program votes":          {program(coordinator), "POST", vote, yes, nil, 403, typePerson},
		"not an approver":        {person(emil), "POST", vote, yes, nil, 403, ours + "not-approver"},
		"owner":                  {person(dara), "POST", vote, yes, nil, 403, ours + "own"},
		"no digest":              {person(asel), "POST", vote, `{"approve":true}`, nil, 409, ours + "digest"},
		"another digest":         {person(asel), "POST", vote, `{"approve":true,"digest":"sha256:00"}`, nil, 409, ours + "digest"},
		"reject without reason":  {person(asel), "POST", vote, `{"approve":false,"reason":" "}`, nil, 400, typeMalformed},
		"unknown member":         {person(asel), "POST", vote, `{"aprove":true}`, nil, 400, typeMalformed},
		"twice":                  {person(asel), "POST", vote, `{"approve":false,"approve":true}`, nil, 400, typeMalformed},
		"other letters":          {person(asel), "POST", vote, `{"approve":false,"Approve":true}`, nil, 400, typeMalformed},
		"behind":                 {person(asel), "POST", vote, yes + "{}", nil, 400, typeMalformed},
		"a form":                 {person(asel), "POST", vote, yes, []string{"Content-Type", "text/plain"}, 415, typeMalformed},
		"another profile":        {person(asel), "POST", vote, yes, []string{"Content-Type", "application/json; profile=arap-draft-9"}, 415, typeMalformed},
		"compressed":             {person(asel), "POST", vote, yes, []string{"Content-Encoding", "gzip"}, 415, typeMalformed},
		"another site":           {person(asel), "POST", vote, yes, []string{"Sec-Fetch-Site", "cross-site"}, 403, typeForeign},
		"another origin":         {person(asel), "POST", vote, yes, []string{"Origin", "https://evil.example"}, 403, typeForeign},
		"person submits":         {person(asel), "POST", Requests, submission(e, nil), nil, 403, typePerson},
		"foreign submits":        {program(notify), "POST", Requests, submission(e, nil), nil, 400, typeBinding},
		"another subject":        {program(coordinator), "POST", Requests, set("subject", "id", notify), nil, 400, typeBinding},
		"another resource":       {program(coordinator), "POST", Requests, set("resource", "id", "notify"), nil, 400, typeBinding},
		"another skill":          {program(coordinator), "POST", Requests, set("action", "name", "block-image"), nil, 400, typeBinding},
		"no token":               {program(coordinator), "POST", Requests, set("denial", "binding_token", ""), nil, 400, typeBinding},
		"a later end":            {program(coordinator), "POST", Requests, set("denial", "expires_at", "2030-01-01T00:00:00Z"), nil, 400, typeBinding},
		"bulk":                   {program(coordinator), "POST", Requests, submission(e, func(s map[string]any) { s["items"] = []any{} }), nil, 400, typeMalformed},
		"foreign cancel":         {program(notify), "POST", Requests + "/" + e.ID + "/cancel", "", nil, 404, typeUnknownTask},
		"bystander cancels":      {person(emil), "POST", Requests + "/" + e.ID + "/cancel", "", nil, 403, typePerson},
		"list of others":         {program(notify), "GET", Escalations + "?caller=" + coordinator, "", nil, 403, typePerson},
		"strange state":          {person(asel), "GET", Escalations + "?state=maybe", "", nil, 400, typeMalformed},
		"program quarantines":    {program(coordinator), "POST", Quarantines, `{"agent":"notify","reason":"r"}`, nil, 403, typePerson},
		"quarantine of nobody":   {person(asel), "POST", Quarantines, `{"agent":"nobody","reason":"r"}`, nil, 400, typeMalformed},
		"no reason":              {person(asel), "POST", Quarantines, `{"agent":"notify"}`, nil, 400, typeMalformed},
		"over before it begins":  {person(asel), "POST", Quarantines, `{"agent":"notify","reason":"r","until":"2020-01-01T00:00:00Z"}`, nil, 400, typeMalformed},
		"lift what is not there": {person(asel), "POST", Quarantines + "/notify/lift", `{"reason":"r"}`, nil, 404, typeUnknownTask},
		"owner lifts":            {person(dara), "POST", Quarantines + "/notify/lift", `{"reason":"r"}`, nil, 403, typePerson},
	} {
		t.Run(name, func(t *testing.T) {
			d.t = t
			w := d.call(c.who, c.method, c.path, c.body, c.headers...)
			var p problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.want || p.Type != c.problem || p.Status != c.want {
				t.Errorf("it is answered with %d %s, %v; want %d %s", w.Code, w.Body, err, c.want, c.problem)
			}
		})
	}
	if after, err := d.Service.Get(context.Background(), e.ID); err != nil || after.State != escalation.Pending || len(after.Votes) > 0 {
		t.Errorf("something of that left it %s with %v, %v", after.State, after.Votes, err)
	}
	d.t = t
	d.pass(16 * time.Minute)
	if w := d.call(program(coordinator), "POST", Requests, submission(e, nil)); w.Code != 410 {
		t.Errorf("what is too old is answered with %d %s", w.Code, w.Body)
	}
	if w := d.call(person(asel), "POST", vote, yes); w.Code != 410 {
		t.Errorf("a late approval is answered with %d %s", w.Code, w.Body)
	}
}

// TestLists: people see all, programs what is theirs, and no people.
func TestLists(t *testing.T) {
	d := newDesk(t)
	for i := range 3 {
		e := d.ask(fmt.Sprint(i))
		d.pass(time.Second)
		if i == 0 {
			d.call(person(asel), "POST", Escalations+"/"+e.ID+"/votes", `{"approve":false,"reason":"No."}`)
		}
	}
	for _, c := range []struct {
		who   Identity
		query string
		want  int
	}{
		{person(emil), "", 3}, {person(emil), "?state=rejected", 1}, {person(emil), "?state=pending&state=rejected&limit=2", 2}, {program(coordinator), "", 3},
		{program(remediate), "?callee=remediate", 3}, {program(remediate), "", 0}, {program(notify), "", 0}, {program(notify), "?callee=remediate", 0},
	} {
		w := d.call(c.who, "GET", Escalations+c.query, "")
		var list List
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list.Escalations) != c.want {
			t.Errorf("%v lists %s: %d, %v", c.who, c.query, len(list.Escalations), err)
		}
		if c.who.Person == nil && strings.Contains(w.Body.String(), "asel") {
			t.Errorf("a program learns who decides: %s", w.Body)
		}
	}
	d.call(person(emil), "POST", Quarantines, `{"agent":"notify","reason":"It posts and posts.","until":"2026-05-01T00:00:00Z"}`)
	if w := d.call(program(remediate), "GET", Quarantines, ""); !strings.Contains(w.Body.String(), `"agent":"notify"`) {
		t.Errorf("a guard sees the quarantines %s", w.Body)
	}
	if w := d.call(person(asel), "POST", Quarantines+"/notify/lift", `{}`); w.Code != 200 || strings.Contains(w.Body.String(), "notify") {
		t.Errorf("lifting is answered with %d %s", w.Code, w.Body)
	}
}

// TestWait: an answer is held back until somebody votes, and no longer than was asked for.
func TestWait(t *testing.T) {
	d := newDesk(t)
	e := d.ask("a")
	path := Requests + "/" + e.ID
	if w := d.call(program(coordinator), "GET", path, "", "Prefer", "wait=0"); w.Code != 200 || w.Header().Get("Preference-Applied") != "wait=0" || w.Header().Get("Retry-After") == "" {
		t.Errorf("without patience it is answered with %d %v", w.Code, w.Header())
	}
	var once sync.Once
	d.Watch = NewWatch(func(ctx context.Context) (int64, error) { // which is asked only while somebody waits
		once.Do(func() {
			if _, err := d.Service.Vote(ctx, e.ID, escalation.Vote{Person: asel, Reason: "No.", Via: "page", Assurance: escalation.Verified}); err != nil {
				t.Error(err)
			}
		})
		return d.Service.Version(ctx)
	}, time.Millisecond)
	w := d.call(program(coordinator), "GET", path, "", "Prefer", "respond-async, wait=99")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"denied"`) || w.Header().Get("Preference-Applied") != "wait=30" {
		t.Errorf("after the vote it is answered with %d %s %v", w.Code, w.Body, w.Header())
	}
	if w := d.call(program(coordinator), "GET", path, "", "Prefer", "wait=1", "If-None-Match", w.Header().Get("ETag")); w.Code != 304 {
		t.Errorf("without anything new it is answered with %d", w.Code)
	}
}

// TestWatch: one look serves all who wait, and nobody looks while nobody waits.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var version, looks atomic.Int64
		version.Store(1)
		w := NewWatch(func(context.Context) (int64, error) { looks.Add(1); return version.Load(), nil }, time.Second)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if got, waited := w.Wait(t.Context(), 1); got != 2 || !waited {
					t.Errorf("it waited for %d, %t", got, waited)
				}
			})
		}
		time.Sleep(10*time.Second + time.Millisecond)
		if n := looks.Load(); n != 11 {
			t.Errorf("100 who wait for 10 s cost %d looks", n)
		}
		version.Store(2)
		all.Wait()
		time.Sleep(5 * time.Second)
		before := looks.Load()
		time.Sleep(time.Hour)
		if n := looks.Load(); n != before {
			t.Errorf("nobody waits, and it looked %d times", n-before)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if got, waited := w.Wait(ctx, 7); got != 7 || !waited || ctx.Err() == nil {
			t.Errorf("without anything new it says %d, %t", got, waited)
		}
		time.Sleep(2 * time.Second) // the last look ends
	})
}

// TestPeople: an address that two people have is nobody's.
func TestPeople(t *testing.T) {
	f := new(fleet.Fleet)
	f.Escalation.People = map[string]*fleet.Person{"asel": {Email: "asel@soc.example", Team: "soc"}, "bence": {Email: "b@soc.example"}, "carla": {Email: "b@soc.example"}, "dara": {}}
	for email, want := range map[string]string{"asel@soc.example": "asel", "Asel@soc.example": "asel", "b@soc.example": "", "": "", "x": ""} {
		got := PersonWith(f, email)
		if (got == nil) != (want == "") || got != nil && got.Name != want {
			t.Errorf("%q is %v", email, got)
		}
	}
	if PersonNamed(f, "nobody") != nil || PersonNamed(nil, "asel") != nil || PersonNamed(f, "asel").Team != "soc" {
		t.Error("a name is not found as it is")
	}
}

func FuzzVisible(f *testing.F) {
	for _, s := range []string{"invoice \u202Efdp.exe", "a\x1b[31mb", "\xff\xfe", "z\u0300\u0300\u0300\u0300\u0300", "\u200b\ufeff\u3164\U000E0041"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range Visible(s) {
			if r != ' ' && hides(r) {
				t.Errorf("%q still hides in %q", r, Visible(s))
			}
		}
	})
}

func FuzzVote(f *testing.F) {
	for _, s := range []string{`{"approve":true}`, `{"approve":false,"reason":"No."}`, `[]`, `{"approve":"true"}`, ``, `{"approve":true,"digest":{}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		d := newDesk(t)
		e := d.ask("a")
		d.call(person(asel), "POST", Escalations+"/"+e.ID+"/votes", body)
		if after, err := d.Service.Get(context.Background(), e.ID); err != nil || after.State == escalation.Approved && !strings.Contains(body, e.Digest) {
			t.Errorf("%s made it %s, %v", body, after.State, err)
		}
	})
}
