package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"agentc/decision/engine"
	"agentc/decision/fleet"
)

// sidekick is what falcosidekick posts to a webhook: types.FalcoPayload, in its order, with a line's end, as encoding/json has it.
const sidekick = `{"uuid":"4d7e1f3c-5a8b-4a0e-9d2f-0b1c2d3e4f50","output":"11:59:01.000000000: Critical Detected an attempt to escape (proc.cmdline=release_agent)",` +
	`"priority":"Critical","rule":"Detect release_agent File Container Escapes","time":"2026-11-28T11:59:01.123456789Z",` +
	`"output_fields":{"container.id":"3f2a","evt.time":1795953541123456789,"k8s.ns.name":"shop","k8s.pod.name":"web-0","proc.cmdline":"sh -c id","user.name":null},` +
	`"source":"syscall","tags":["container","mitre_privilege_escalation"],"hostname":"node-3"}` + "\n"

// post as falcosidekick does: with its headers, and what its user configured.
func post(t testing.TB, h http.Handler, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "Falcosidekick")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Del(headers[i])
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPost(t *testing.T) {
	h := &hop{}
	r := newRig(t, h, nil)
	w := post(t, r.Handler(), "/intake/webhook", sidekick, "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if w.Code != http.StatusAccepted || w.Body.String() != `{"outcome":"passed","trace_id":"0af7651916cd43dd8448eb211c80319c"}`+"\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	e := r.records()[0]
	if len(h.got) != 1 || e.UUID != "4d7e1f3c-5a8b-4a0e-9d2f-0b1c2d3e4f50" || e.About.Namespace != "shop" || e.About.Source != "webhook" || e.About.Priority != "Critical" {
		t.Errorf("%+v", e)
	}
	if w := post(t, r.Handler(), "/intake/webhook", string(notice(t))); w.Code != http.StatusAccepted || !strings.Contains(w.Body.String(), `"outcome":"dropped"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	h.say = func(int, *Message) error { return &Refusal{"not you"} }
	if w := post(t, r.Handler(), "/intake/webhook", sidekick); w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "not you") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	h.say = nil
	if w := post(t, r.Handler(), "/intake/webhook", "no event"); w.Code != http.StatusAccepted || h.got[1].Damaged == "" {
		t.Errorf("%d %s, %+v", w.Code, w.Body, h.got)
	}
}

// TestTurnedAway: who may not post, and what is none. None of it is counted as an event.
func TestTurnedAway(t *testing.T) {
	h := &hop{}
	r := newRig(t, h, func(c *Config) {
		c.Allowed = func(r *http.Request, in fleet.Intake) bool {
			return in.Client != "" && r.Header.Get("X-Test") != "stranger"
		}
	})
	for name, c := range map[string]struct {
		path, body string
		headers    []string
		want       int
		reason     string
	}{
		"a stranger":             {"/intake/webhook", sidekick, []string{"X-Test", "stranger"}, 403, refusedSender},
		"an intake with a topic": {"/intake/falco", sidekick, nil, 403, refusedSender},
		"no such intake":         {"/intake/nothing", sidekick, nil, 404, refusedUnknown},
		"no content type":        {"/intake/webhook", sidekick, []string{"Content-Type", ""}, 415, refusedRequest},
		"a form":                 {"/intake/webhook", sidekick, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, refusedRequest},
		"text":                   {"/intake/webhook", sidekick, []string{"Content-Type", "text/plain; application/json"}, 415, refusedRequest},
		"another charset":        {"/intake/webhook", sidekick, []string{"Content-Type", "application/json; charset=utf-16"}, 415, refusedRequest},
		"packed":                 {"/intake/webhook", sidekick, []string{"Content-Encoding", "gzip"}, 415, refusedRequest},
		"nothing":                {"/intake/webhook", "", nil, 400, refusedRequest},
		"space":                  {"/intake/webhook", " \n", nil, 400, refusedRequest},
		"far too much":           {"/intake/webhook", strings.Repeat("x", mostBody+1), nil, 413, refusedRequest},
	} {
		before := r.series(metricRefused)[c.reason]
		w := post(t, r.Handler(), c.path, c.body, c.headers...)
		if w.Code != c.want || r.series(metricRefused)[c.reason] != before+1 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.want)
		}
	}
	if len(h.got)+len(r.records()) != 0 {
		t.Errorf("%d handed over, %d recorded", len(h.got), len(r.records()))
	}
	if w := post(t, r.Handler(), "/intake/webhook", strings.Repeat("x", MaxEvent+1)); w.Code != 413 || r.counted(Failed) != 1 {
		t.Errorf("an event that is too long: %d %s", w.Code, w.Body)
	}
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/intake/webhook", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
	broken := httptest.NewRequest(http.MethodPost, "/intake/webhook", io.MultiReader(strings.NewReader("{"), badReader{}))
	broken.Header.Set("Content-Type", "application/json")
	w = httptest.NewRecorder()
	if r.Handler().ServeHTTP(w, broken); w.Code != http.StatusBadRequest {
		t.Errorf("a body that breaks off: %d", w.Code)
	}
}

type badReader struct{}

func (badReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestNoBundle: without a bundle a post is turned away, and a source that can wait does.
func TestNoBundle(t *testing.T) {
	h := &hop{}
	r := newRig(t, h, nil)
	e, f := r.bundle.get()
	r.bundle.set(nil, nil)
	w := post(t, r.Handler(), "/intake/webhook", sidekick)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || r.series(metricRefused)[refusedNoBundle] != 1 {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	waited := 0
	r.Wait = func(context.Context, time.Duration) error {
		if waited++; waited == 3 {
			r.bundle.set(e, f)
		}
		return nil
	}
	counts, err := r.ReadLines(t.Context(), "falco", strings.NewReader(sidekick))
	if err != nil || counts[Passed] != 1 || waited != 3 {
		t.Errorf("%v, %v after %d waits", counts, err, waited)
	}
	f.Runtime.Intakes["webhook"].Agent = "nobody"
	r.bundle.set(reopened(t), f)
	if w := post(t, r.Handler(), "/intake/webhook", sidekick); w.Code != http.StatusServiceUnavailable || !strings.Contains(r.logged.String(), "leads to the agent nobody") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	waited = 0
	r.Wait = func(context.Context, time.Duration) error {
		if waited++; waited == 3 {
			r.bundle.set(open(t))
		}
		return nil
	}
	counts, err = r.ReadLines(t.Context(), "falco", strings.NewReader(sidekick))
	if err != nil || counts[Passed] != 1 || waited != 3 {
		t.Errorf("a bundle that leads nowhere: %v, %v after %d waits", counts, err, waited)
	}
}

func reopened(t testing.TB) *engine.Engine {
	e, _ := open(t)
	return e
}

// TestFull: while nothing gets through, some posts wait, others are told to come again, and in the end each event was handed over once.
func TestFull(t *testing.T) {
	const workers, queue, posts = 2, 3, 20
	held := make(chan struct{})
	h := &hop{say: func(int, *Message) error {
		<-held
		return nil
	}}
	r := newRig(t, h, func(c *Config) { c.Workers, c.Queue, c.Patience = workers, queue, time.Hour })
	server := httptest.NewServer(r.Handler())
	defer server.Close()
	send := func(i int) (code int) {
		reply, err := http.Post(server.URL+"/intake/webhook", "application/json", bytes.NewReader(alert(i)))
		if err != nil {
			t.Error(err)
			return 0
		}
		reply.Body.Close()
		if reply.StatusCode == http.StatusTooManyRequests && reply.Header.Get("Retry-After") == "" {
			t.Error("nobody says when to come again")
		}
		return reply.StatusCode
	}
	turnedAway := make(chan int, posts)
	var all sync.WaitGroup
	for i := range posts {
		all.Go(func() {
			switch code := send(i); code {
			case http.StatusTooManyRequests:
				turnedAway <- i
			case http.StatusAccepted:
			default:
				t.Errorf("event %d: %d", i, code)
			}
		})
	}
	var again []int
	for range posts - workers - queue { // nobody has room for them
		again = append(again, <-turnedAway)
	}
	if w := post(t, r.Handler(), "/intake/webhook", string(notice(t))); w.Code != http.StatusAccepted {
		t.Errorf("what is dropped needs no room: %d", w.Code)
	}
	close(held)
	all.Wait()
	if n, _ := h.count(); n != workers+queue || len(turnedAway) != 0 {
		t.Errorf("%d handed over at first, and %d turned away that had room", n, len(turnedAway))
	}
	for _, i := range again {
		if code := send(i); code != http.StatusAccepted {
			t.Errorf("event %d, the second time: %d", i, code)
		}
	}
	if n, ids := h.count(); n != posts || len(ids) != posts || r.counted(Passed) != posts {
		t.Errorf("%d handed over, of %d ids, %d counted", n, len(ids), r.counted(Passed))
	}
}

// TestPatience: a post whose event cannot be handed over is turned away in the end, and its event is not counted.
func TestPatience(t *testing.T) {
	h := &hop{say: func(int, *Message) error { return &busy{err: errors.New("connection refused")} }}
	r := newRig(t, h, nil)
	w := post(t, r.Handler(), "/intake/webhook", sidekick)
	if w.Code != http.StatusTooManyRequests || h.n < 2 || r.clock().Sub(at) > r.Patience || len(r.records()) != 0 {
		t.Errorf("%d after %d attempts and %s", w.Code, h.n, r.clock().Sub(at))
	}
}

// TestHangUp: whoever hangs up takes nothing back.
func TestHangUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := hopFunc(func(ctx context.Context, _ *Message) error {
		cancel()
		return ctx.Err()
	})
	r := newRig(t, h, nil)
	request := httptest.NewRequest(http.MethodPost, "/intake/webhook", strings.NewReader(sidekick)).WithContext(ctx)
	request.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if r.Handler().ServeHTTP(w, request); w.Code != http.StatusAccepted || r.counted(Passed) != 1 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestSwap: bundles come and go under load; every event is answered once, by one bundle, and the topic of the moment gets it.
func TestSwap(t *testing.T) {
	const posts, swaps = 400, 8
	first, second := &hop{}, &hop{}
	r := newRig(t, nil, func(c *Config) {
		c.Workers, c.Queue = 16, posts
		c.Hop = func(in *fleet.Intake) (Hop, error) {
			if in.Forward != nil {
				return second, nil
			}
			return first, nil
		}
	})
	plain, f := r.bundle.get()
	other, g := open(t)
	other.Manifest.Revision = "other"
	g.Runtime.Intakes["webhook"].Forward = &fleet.Target{Endpoint: "kafka", Topic: "unusual"}
	h := r.Handler()
	var all sync.WaitGroup
	next := make(chan int)
	for range 8 {
		all.Go(func() {
			for i := range next {
				if w := post(t, h, "/intake/webhook", string(alert(i))); w.Code != http.StatusAccepted {
					t.Errorf("event %d: %d %s", i, w.Code, w.Body)
				}
			}
		})
	}
	for i := range posts {
		if i%(posts/swaps) == 0 {
			if i/(posts/swaps)%2 == 0 {
				r.bundle.set(plain, f)
			} else {
				r.bundle.set(other, g)
			}
		}
		next <- i
	}
	close(next)
	all.Wait()
	n, ids := first.count()
	m, others := second.count()
	if n+m != posts || len(ids)+len(others) != posts || n == 0 || m == 0 || r.counted(Passed) != posts {
		t.Errorf("%d and %d handed over, of %d and %d ids; %d counted", n, m, len(ids), len(others), r.counted(Passed))
	}
	for _, e := range r.records() {
		if hops := map[bool]map[string]int{true: others, false: ids}; hops[e.Revision == "other"][e.MessageID] != 1 {
			t.Errorf("decided by one bundle and passed on by another: %+v", e)
		}
	}
}

func FuzzPost(f *testing.F) {
	for _, seed := range []string{sidekick, "", "{}", "[", `{"tags": 1}`, `{"output_fields": {"a": {"b": [null]}}}`, `{"a": "\ud800"}`, `{"a":1e400}`, "\xef\xbb\xbf{}"} {
		f.Add([]byte(seed), "")
	}
	f.Add([]byte("{}"), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	h := &hop{}
	r := newRig(f, h, nil)
	f.Fuzz(func(t *testing.T, raw []byte, parent string) {
		h.got, r.recorded = nil, nil
		a := arrival{intake: "webhook", raw: raw, parent: parent}
		e, err := r.take(t.Context(), a)
		if err != nil || len(r.records()) != 1 || (e.Outcome == Passed) != (len(h.got) == 1) {
			t.Fatalf("%+v, %v, %d handed over", e, err, len(h.got))
		}
		if !traceParent.MatchString(fmt.Sprintf("00-%s-%s-01", e.TraceID, "b7ad6b7169203331")) {
			t.Fatalf("trace %q", e.TraceID)
		}
		if len(h.got) == 1 {
			m := h.got[0]
			if (m.Data == nil) != (m.Damaged != "") || m.Data != nil && !json.Valid(m.Data) {
				t.Fatalf("%+v", m)
			}
			if _, err := json.Marshal(m.a2a()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
