package page

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"agentc/decision/approvals"
	"agentc/decision/escalation"
)

var evening = time.Date(2026, 4, 30, 21, 10, 0, 0, time.UTC)

// get a page as a person.
func (s *site) get(t testing.TB, p escalation.Person, path string) (int, string, *http.Cookie) {
	t.Helper()
	s.who = p
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "http://agentd.example"+path, nil))
	var cookie *http.Cookie
	if c := w.Result().Cookies(); len(c) > 0 {
		cookie = c[0]
	}
	return w.Code, w.Body.String(), cookie
}

var tokenField = regexp.MustCompile(`name="token" value="([0-9a-f]+)"`)

// form is what a browser sends.
type form struct {
	person escalation.Person
	path   string
	fields url.Values
	change func(*http.Request) // nil: it is genuine
}

// send a form as a browser does that has read a page before.
func (s *site) send(t testing.TB, f form) (int, string) {
	t.Helper()
	_, page, cookie := s.get(t, f.person, agents)
	f.fields.Set("token", tokenField.FindStringSubmatch(page)[1])
	r := httptest.NewRequest("POST", "http://agentd.example"+f.path, strings.NewReader(f.fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "http://agentd.example")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.AddCookie(cookie)
	if f.change != nil {
		f.change(r)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Code, w.Header().Get("Location") + w.Body.String()
}

func (s *site) state(t testing.TB, e escalation.Escalation) escalation.Escalation {
	t.Helper()
	e, err := s.Service.Get(context.Background(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestForged: a form that this person did not send from this page changes nothing.
func TestForged(t *testing.T) {
	s := newSite(t, evening)
	e := s.ask(t, usual("checkout-api"))
	_, others, _ := s.get(t, bence, agents)
	for name, change := range map[string]func(*http.Request){
		"another site":     func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"the same site":    func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"a typed address":  func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") },
		"another origin":   func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") },
		"no origin":        func(r *http.Request) { r.Header.Del("Origin"); r.Header.Del("Sec-Fetch-Site") },
		"the origin null":  func(r *http.Request) { r.Header.Set("Origin", "null") },
		"no cookie":        func(r *http.Request) { r.Header.Del("Cookie") },
		"another browser":  func(r *http.Request) { r.Header.Set("Cookie", "agentd="+strings.Repeat("0", 32)) },
		"a strange cookie": func(r *http.Request) { r.Header.Set("Cookie", "agentd=1") },
		"no form":          func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
		"no token":         func(r *http.Request) { r.PostForm = url.Values{"digest": {e.Digest}}; r.Form = r.PostForm },
		"another's token": func(r *http.Request) {
			r.PostForm = url.Values{"digest": {e.Digest}, "token": {tokenField.FindStringSubmatch(others)[1]}}
			r.Form = r.PostForm
		},
	} {
		code, text := s.send(t, form{asel, Pending + "/" + e.ID + "/approve", url.Values{"digest": {e.Digest}}, change})
		if code != http.StatusForbidden || !strings.Contains(text, "does not come from this page") {
			t.Errorf("%s: answered with %d", name, code)
		}
	}
	if after := s.state(t, e); after.State != escalation.Pending {
		t.Fatalf("a forged form made it %s", after.State)
	}
	if code, text := s.send(t, form{asel, Pending + "/" + e.ID + "/approve", url.Values{"digest": {e.Digest}}, nil}); code != http.StatusSeeOther {
		t.Errorf("a genuine form is answered with %d %s", code, text)
	}
	if after := s.state(t, e); after.State != escalation.Approved || after.Votes[0].Assurance != escalation.Verified {
		t.Errorf("a genuine form made it %s with %v", after.State, after.Votes)
	}
}

// TestDecisions: who may decide, with what, and what the page says otherwise.
func TestDecisions(t *testing.T) {
	s := newSite(t, evening)
	e := s.ask(t, usual("checkout-api"))
	at := Pending + "/" + e.ID
	for _, c := range []struct {
		name   string
		person escalation.Person
		path   string
		fields url.Values
		code   int
		says   string
	}{
		{"without the second step", asel, at + "/approve", url.Values{}, 409, "another"},
		{"with another action's digest", asel, at + "/approve", url.Values{"digest": {"sha256:00"}}, 409, "another"},
		{"without a reason", asel, at + "/reject", url.Values{"reason": {"  "}}, 400, "reason is missing"},
		{"with too much of one", asel, at + "/reject", url.Values{"reason": {strings.Repeat("a", 3000)}}, 400, "too long"},
		{"as an owner", dara, at + "/approve", url.Values{"digest": {e.Digest}}, 409, "Nothing was changed"},
		{"as a bystander", emil, at + "/approve", url.Values{"digest": {e.Digest}}, 409, "Nothing was changed"},
		{"withdrawn by a bystander", emil, at + "/cancel", url.Values{"reason": {"r"}}, 403, "not yours"},
		{"what is not there", asel, Pending + "/" + strings.Repeat("0", 32) + "/reject", url.Values{"reason": {"r"}}, 404, "no such"},
		{"nothing ticked", asel, Pending + "/reject", url.Values{"reason": {"r"}}, 400, "Nothing is ticked"},
		{"an agent that is none", asel, agents, url.Values{"agent": {"nobody"}, "reason": {"r"}}, 400, "no such agent"},
		{"lifted by an owner", dara, agents + "/lift", url.Values{"agent": {"notify"}, "reason": {"r"}}, 403, "not yours"},
	} {
		if code, text := s.send(t, form{c.person, c.path, c.fields, nil}); code != c.code || !strings.Contains(text, c.says) {
			t.Errorf("%s: answered with %d, not %d with %q", c.name, code, c.code, c.says)
		}
	}
	if after := s.state(t, e); after.State != escalation.Pending || len(after.Votes) > 0 {
		t.Errorf("something of that made it %s", after.State)
	}
	for _, p := range []escalation.Person{dara, emil} {
		_, page, _ := s.get(t, p, at)
		if strings.Contains(page, "/approve") || strings.Contains(page, "/reject") || !strings.Contains(page, "You cannot decide this.") {
			t.Errorf("%s is shown buttons, or not told why there are none", p.Name)
		}
	}
	s.clock.add(16 * time.Minute)
	if code, _ := s.send(t, form{asel, at + "/approve", url.Values{"digest": {e.Digest}}, nil}); code != 409 {
		t.Errorf("a late approval is answered with %d", code)
	}
	if _, page, _ := s.get(t, asel, at); strings.Contains(page, "/approve") || !strings.Contains(page, "nobody decided in time") {
		t.Error("what is over can still be approved")
	}
}

// TestBulk rejects what is ticked; what was decided meanwhile does not keep the others.
func TestBulk(t *testing.T) {
	s := newSite(t, evening)
	a, b, c := s.ask(t, usual("a")), s.ask(t, usual("b")), s.ask(t, usual("c"))
	s.vote(t, b, asel, true, "")
	code, to := s.send(t, form{asel, Pending + "/reject", url.Values{"id": {a.ID, b.ID, a.ID}, "reason": {"Load test."}}, nil})
	if code != http.StatusSeeOther || to != Pending+"?done=rejected&n=1&failed=1" {
		t.Errorf("it is answered with %d %s", code, to)
	}
	if a, b, c := s.state(t, a), s.state(t, b), s.state(t, c); a.State != escalation.Rejected || a.Why != "Load test." || b.State != escalation.Approved || c.State != escalation.Pending {
		t.Errorf("they are %s, %s, %s", a.State, b.State, c.State)
	}
	if _, page, _ := s.get(t, asel, to); !strings.Contains(page, "1 action rejected; 1 not") {
		t.Error("nobody is told what was not rejected")
	}
}

// TestQuarantine sets one and lifts it.
func TestQuarantine(t *testing.T) {
	s := newSite(t, evening)
	e := s.ask(t, usual("a"))
	if code, _ := s.send(t, form{emil, agents, url.Values{"agent": {"remediate"}, "span": {"1h"}, "reason": {"It isolates everything."}}, nil}); code != http.StatusSeeOther {
		t.Errorf("it is answered with %d", code)
	}
	if list, err := s.Service.Quarantines(context.Background()); err != nil || len(list) != 1 || list[0].By != "emil" || !list[0].Until.Equal(evening.Add(time.Hour)) {
		t.Errorf("there are %v, %v", list, err)
	}
	if _, page, _ := s.get(t, asel, Pending+"/"+e.ID); !strings.Contains(page, "remediate is under quarantine") {
		t.Error("whoever decides is not told of the quarantine")
	}
	if code, _ := s.send(t, form{asel, agents + "/lift", url.Values{"agent": {"remediate"}, "reason": {"Fixed."}}, nil}); code != http.StatusSeeOther {
		t.Errorf("lifting is answered with %d", code)
	}
	if list, _ := s.Service.Quarantines(context.Background()); len(list) != 0 {
		t.Errorf("there are still %v", list)
	}
}

// TestHostile: what an agent says is neither markup nor hidden, and nothing of it is an address.
func TestHostile(t *testing.T) {
	s := newSite(t, evening)
	nasty := "<script>alert(1)</script>\" onmouseover=\"x\u202Egnp.\u0000\u200B{{.Token}}javascript:x" + strings.Repeat("long ", 500) + "the end"
	e := s.ask(t, asked{caller: "coordinator", callee: "remediate", skill: "isolate-workload", risk: "<b>", parameters: map[string]any{nasty[:60]: nasty},
		reasons: []escalation.Reason{{Rule: nasty, Reason: nasty, At: nasty}}, known: `{"confidence":0.5,"anomaly":{"percentile":50,"features":[{"feature":"<i>","value":{"a":"<u>"},"credit":1}]},"<s>":"\u202e"}`})
	s.vote(t, e, asel, false, "<em>\u202E")
	for _, path := range []string{Pending, Pending + "/" + e.ID, history, history + "?skill=%22%3E%3Cscript%3E", Pending + "/" + url.PathEscape("<script>")} {
		_, page, _ := s.get(t, asel, path)
		for _, bad := range []string{"<script>", "\" onmouseover", "\u202E", "\u0000", "\u200B", "<b>", "<i>", "<u>", "<s>", "<em>", "style="} {
			if strings.Contains(page, bad) {
				t.Errorf("%s has %q", path, bad)
			}
		}
		if path == Pending+"/"+e.ID && (!strings.Contains(page, `<span class="esc">U&#43;202E</span>`) || !strings.Contains(page, "the end") || !strings.Contains(page, "more characters")) {
			t.Error("something of it is not shown")
		}
	}
}

// TestHeaders: the browser is told what the page does, on every answer.
func TestHeaders(t *testing.T) {
	s := newSite(t, evening)
	s.Plain = false
	for _, path := range []string{"/", Pending, history, agents, Pending + "/none", "/nowhere", style.Path, script.Path} {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		h := w.Header()
		if h.Get("Content-Security-Policy") != policy || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" || h.Get("Cache-Control") == "" {
			t.Errorf("%s comes with %v", path, h)
		}
		for _, c := range w.Result().Cookies() {
			if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || !strings.HasPrefix(c.Name, "__Host-") || c.Path != "/" || c.Domain != "" {
				t.Errorf("%s sets the cookie %v", path, c)
			}
		}
		if strings.Contains(w.Body.String(), "http://") || strings.Contains(w.Body.String(), "https://") {
			t.Errorf("%s refers to something elsewhere", path)
		}
	}
	s.Server.Who = func(*http.Request) (approvals.Identity, error) {
		return approvals.Identity{SPIFFE: spiffe("notify")}, nil
	}
	w := httptest.NewRecorder()
	if s.Handler().ServeHTTP(w, httptest.NewRequest("GET", Pending, nil)); w.Code != 403 {
		t.Errorf("a program is shown the page with %d", w.Code)
	}
	s.Service.Close()
	s.Server.Who = func(*http.Request) (approvals.Identity, error) { return approvals.Identity{Person: &asel}, nil }
	w = httptest.NewRecorder()
	if s.Handler().ServeHTTP(w, httptest.NewRequest("GET", Pending, nil)); w.Code != 503 || strings.Contains(w.Body.String(), "sql") {
		t.Errorf("without the store it is answered with %d %s", w.Code, w.Body)
	}
}

// TestEvents: a step is told as soon as it is taken.
func TestEvents(t *testing.T) {
	s := newSite(t, evening)
	version, err := s.Service.Version(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	defer web.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, "GET", web.URL+events+"?since=0", nil)
	r.Header.Set("Last-Event-ID", "0")
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("it is answered with %v, %v", answer, err)
	}
	defer answer.Body.Close()
	s.ask(t, usual("a"))
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if lines.Text() == "event: version" {
			break
		}
	}
	if err := lines.Err(); err != nil {
		t.Errorf("after version %d nothing is told: %v", version, err)
	}
}

// TestHistory: filters and pages.
func TestHistory(t *testing.T) {
	s := newSite(t, evening)
	for range 52 {
		s.clock.add(time.Second)
		s.ask(t, usual(s.clock.now().String()))
	}
	s.vote(t, s.ask(t, usual("x")), asel, false, "No.")
	for query, want := range map[string]int{"": 50, "?state=rejected": 1, "?caller=coordinator&callee=remediate": 50, "?caller=notify": 0, "?skill=block-image": 0, "?state=": 50} {
		if code, page, _ := s.get(t, asel, history+query); code != 200 || strings.Count(page, `<th scope="row">`) != want {
			t.Errorf("%s shows %d with %d", query, strings.Count(page, `<th scope="row">`), code)
		}
	}
	_, page, _ := s.get(t, asel, history)
	older := regexp.MustCompile(`href="(\?before=[^"]+)" rel="next"`).FindStringSubmatch(page)
	if older == nil {
		t.Fatal("there is no way to the older ones")
	}
	if _, page, _ := s.get(t, asel, history+older[1]); strings.Count(page, `<th scope="row">`) != 3 {
		t.Errorf("the second page has %d", strings.Count(page, `<th scope="row">`))
	}
	if code, _, _ := s.get(t, asel, history+"?state=maybe"); code != 400 {
		t.Errorf("a strange filter is answered with %d", code)
	}
}

func TestMixed(t *testing.T) {
	for s, want := range map[string]string{"paypal": "", "p\u0430ypal": "Latin and Cyrillic", "Москва paypal": "", "αlpha": "Latin and Greek", "日本 text": ""} {
		if got := mixed(s); got != want {
			t.Errorf("%q mixes %q, not %q", s, got, want)
		}
	}
}

func FuzzKnown(f *testing.F) {
	for _, s := range []string{`{"confidence":0.5}`, `{"anomaly":{"percentile":99,"features":[{"feature":"a","credit":1e308}]}}`, `{"anomaly":{"percentile":99,"features":[{"feature":"a","credit":1e308},{"feature":"b","credit":0}]}}`, `[]`, `null`, `{"anomaly":[1]}`, `{"a":{"b":[1,{}]}}`, `x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, feature := range knownOf([]byte(s)).Features {
			if feature.Share < 0 || feature.Share > 100 {
				t.Errorf("%s gives a bar of %d %%", s, feature.Share)
			}
		}
		actionOf([]byte(s))
		brief([]byte(s))
	})
}
