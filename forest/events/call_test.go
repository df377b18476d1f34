package events_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"agentc/forest"
	"agentc/forest/events"
	"agentc/forest/synthetic"
	"agentc/schema"
)

// documented are the features of calls that docs/forest.md shows.
func documented(t testing.TB) schema.FeaturesSpec {
	t.Helper()
	page, err := os.ReadFile("../../docs/forest.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "# file: policies/calls.yaml\n")
	text, _, there := strings.Cut(text, "```")
	doc, problems := schema.ReadFeatures("calls.yaml", []byte(text))
	if !there || len(problems) > 0 {
		t.Fatal(there, problems)
	}
	return doc.Features.Spec
}

func calls(t testing.TB, o synthetic.Options) []byte {
	t.Helper()
	o.Start, o.Length = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), 24*time.Hour
	var b bytes.Buffer
	if err := synthetic.Calls(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sourceOfCalls(lines []byte) events.Source {
	return func(each func(*events.Event) error) error {
		s, err := events.NewStream(bytes.NewReader(lines), events.SourceCalls)
		if err != nil {
			return err
		}
		return events.Each(s, each, func(d *events.DamagedError) error { return d })
	}
}

// TestMisuse: on a day that the forest did not see, most misuses are among the twentieth of the calls that are most unusual.
func TestMisuse(t *testing.T) {
	m, err := events.Train(documented(t), sourceOfCalls(calls(t, synthetic.Options{Seed: 1, Events: 8000})), forest.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := m.Scorer()
	type scored struct {
		score float64
		kind  string // of the incident
	}
	var all []scored
	incidents, caught := map[string]int{}, map[string]int{}
	for line := range bytes.Lines(calls(t, synthetic.Options{Seed: 2, Events: 8000, Incidents: 0.02})) {
		e, err := events.Parse(line, events.SourceCalls)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Score(e)
		if err != nil {
			t.Fatal(err)
		}
		_, kind, _ := strings.Cut(string(line), `"incident":"`)
		kind, _, _ = strings.Cut(kind, `"`)
		all = append(all, scored{r.Score, kind})
		incidents[kind]++
	}
	slices.SortFunc(all, func(a, b scored) int { return cmp.Compare(a.score, b.score) })
	for _, c := range all[:len(all)/20] {
		caught[c.kind]++
	}
	delete(incidents, "")
	t.Logf("%v of %v", caught, incidents)
	if len(incidents) != 5 {
		t.Error("not all kinds of incidents happened")
	}
	for kind, n := range incidents {
		if float64(caught[kind]) < 0.75*float64(n) {
			t.Errorf("%s: %d of %d", kind, caught[kind], n)
		}
	}
}

const guard = `"time": "2026-11-02T09:00:00Z", "caller": "coordinator", "callee": "detect", "skill": "assess-event", "hops": 1`

// TestCall: what is said of a call.
func TestCall(t *testing.T) {
	vouched := map[string]string{"time": "2026-11-02T09:00:00Z", "caller": "coordinator", "callee": "detect", "skill": "assess-event", "hops": "1"}
	for _, c := range []struct{ name, request, size, fields string }{
		{"1.0", `{"jsonrpc": "2.0", "id": 7, "method": "SendMessage", "params": {"tenant": "t", "metadata": {"a": 1}, "message": {"messageId": "m", "contextId": "c", "taskId": "t",
			"role": "ROLE_USER", "parts": [{"text": "a\n"}, {"text": "b"}, {"data": {"x": 1}}, {"raw": "aGk=", "filename": "f"}, {"url": "https://example.com/f", "mediaType": "text/plain"}],
			"metadata": {"b": 1, "c": 2}, "extensions": ["https://example.com/e"]}}}`, "",
			`extensions=1 message.context=c message.id=m message.role=ROLE_USER message.task=t metadata=3 method=SendMessage parts=5 parts.data=1 parts.file=2 parts.text=2 text=a||b`},
		{"0.3", `{"method": "message/send", "params": {"message": {"kind": "message", "role": "user", "parts": [{"kind": "text", "text": "a"}, {"kind": "file", "file": {"uri": "x"}}, {"kind": "data", "data": {}}]}}}`, "",
			`message.role=user method=message/send parts=3 parts.data=1 parts.file=1 parts.text=1 text=a`},
		{"no message", `{"method": "GetTask", "params": {"id": "t"}}`, "44", `method=GetTask`},
		{"a tool", `{"params": {"message": {"parts": [{"data": {"name": "delete_pod", "args": {}}, "metadata": {"adk_type": "function_call"}}, {"data": {"name": "x"}, "metadata": {"adk_type": "other"}}, {"data": {"name": "y"}},
			{"data": {"name": 7}, "metadata": {"type": "function_call"}}, {"data": {"name": "z"}, "metadata": {"kagent_type": "function_response"}}]}}}`, "",
			`parts=5 parts.data=5 parts.file=0 parts.text=0 tool=delete_pod|z`},
		// A message cannot say who calls, nor hide by being odd.
		{"forged", `{"caller": "soc", "callee": "x", "skill": "y", "hops": 0, "params": {"caller": "soc", "message": {"caller": "soc", "size": 1, "output_fields": {"caller": "soc"}, "parts": [{"caller": "soc", "text": "a"}], "metadata": {"caller": "soc", "parts": 0}}}}`, "",
			`metadata=2 parts=1 parts.data=0 parts.file=0 parts.text=1 text=a`},
		{"a text", `"{\"method\": \"SendMessage\"}"`, "31", ``},
		{"a number", `7`, "1", ``},
		{"a list", `[{"method": "SendMessage"}]`, "27", ``},
		{"empty", `{}`, "2", ``},
		{"wrong types", `{"method": 1, "params": {"metadata": [], "message": {"role": {}, "messageId": 2, "contextId": null, "taskId": [], "parts": {"text": "a"}, "metadata": "x", "extensions": {}}}}`, "", ``},
		{"params is a list", `{"method": "SendMessage", "params": [{"message": {}}]}`, "", `method=SendMessage`},
		{"odd parts", `{"params": {"message": {"parts": [1, null, [], {}, "text", {"text": 7}, {"text": null, "data": null}, {"text": "a", "data": 1, "raw": ""}]}}}`, "",
			`parts=8 parts.data=1 parts.file=1 parts.text=1 text=a`},
		{"twice", `{"method": "a", "method": "b", "params": {"message": {"parts": [{"text": "hidden"}]}}, "params": {"message": {"parts": [{"text": "x", "text": "y"}], "role": "r", "role": null}}}`, "",
			`method=b parts=1 parts.data=0 parts.file=0 parts.text=1 text=y`},
		{"a part of a pair", `{"method": "\ud800"}`, "20", "method=\ufffd"},
		{"no UTF-8", "{\"method\": \"\xff\"}", "17", "method=\ufffd"},
		{"other letters", `{"METHOD": "SendMessage", "Params": {}}`, "", ``},
	} {
		e, err := events.Parse([]byte(`{`+guard+`, "request": `+c.request+`, "unknown": 1}`), events.SourceCalls)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want := maps.Clone(vouched)
		if want["size"] = c.size; c.size == "" {
			want["size"] = fmt.Sprint(len(c.request))
		}
		for said := range strings.FieldsSeq(c.fields) {
			name, value, _ := strings.Cut(said, "=")
			want[name] = strings.ReplaceAll(value, "|", "\n")
		}
		if got := e.All(); !maps.Equal(got, want) {
			t.Errorf("%s:\n %q, want\n %q", c.name, got, want)
		}
	}
}

// TestCallGuard: what the guard vouches for is there or absent, or the line is damaged.
func TestCallGuard(t *testing.T) {
	deep := func(n int) string {
		return `{` + guard + `, "request": ` + strings.Repeat(`{"params":`, n) + `1` + strings.Repeat(`}`, n) + `}`
	}
	for line, want := range map[string]string{
		`{}`: ``,
		`{"caller": null, "hops": null, "request": null}`: ``,
		`{"caller": ""}`:                                    `caller=`,
		`{"caller": "a", "caller": "b"}`:                    `caller=b`,
		`{"Caller": "a", "uuid": "x", "message.role": "r"}`: ``,
		`{"caller": "a", "output_fields": {"skill": "x"}}`:  `caller=a`,
		`{"caller": 7}`:                                     `!no text`,
		`{"callee": {"name": "a"}}`:                         `!no text`,
		`{"skill": ["a"]}`:                                  `!no text`,
		`{"time": true}`:                                    `!no text`,
		`{"hops": "1"}`:                                     `!no number`,
		`{"hops": true}`:                                    `!no number`,
		`{"hops": -1.5e3}`:                                  `hops=-1.5e3`,
		`[]`:                                                `!no JSON object`,
		`"a"`:                                               `!no JSON object`,
		`null`:                                              `!no JSON object`,
		`{"request": {"params": {]}}`:                       `!no JSON object`,
		`{"request": {}} {}`:                                `!no JSON object`,
		`{"caller": "a"`:                                    `!no JSON object: ends too early`,
		deep(10_000):                                        `!no JSON object: is nested too deeply`,
		`{"request": {"params": ` + strings.Repeat("[", 1<<19):     `!no JSON object: is nested too deeply`,
		`{"caller": "` + strings.Repeat(`\u0061`, 1<<17) + `"}`:    `caller=` + strings.Repeat("a", 1<<17),
		`{` + strings.Repeat(`"caller":"x",`, 1<<16) + `"hops":1}`: `caller=x hops=1`,
	} {
		e, err := events.Parse([]byte(line), events.SourceCalls)
		if refused, is := strings.CutPrefix(want, "!"); is {
			if err == nil || !strings.Contains(err.Error(), refused) {
				t.Errorf("%.200s: %v, want %s", line, err, refused)
			}
			continue
		}
		fields := map[string]string{}
		for said := range strings.FieldsSeq(want) {
			name, value, _ := strings.Cut(said, "=")
			fields[name] = value
		}
		if err != nil || !maps.Equal(e.All(), fields) {
			t.Errorf("%.200s: %v, %v", line, err, e)
		}
	}
	if _, err := events.Parse([]byte(deep(9_999)), events.SourceCalls); err != nil {
		t.Error(err)
	}
}

// TestHugeCall: a call of the greatest size is read in a time that its size explains.
func TestHugeCall(t *testing.T) {
	for name, parts := range map[string]string{
		"many parts":   strings.Repeat(`{},`, 1<<18) + `{}`,
		"many texts":   strings.Repeat(`{"text":"a"},`, 1<<16) + `{}`,
		"a long text":  `{"text":"` + strings.Repeat(`\n`, 1<<19) + `"}`,
		"many keys":    `{` + strings.Repeat(`"text":1,`, 1<<16) + `"text":"a"}`,
		"nested parts": strings.Repeat(`{"data":`, 9_000) + `1` + strings.Repeat(`}`, 9_000),
	} {
		line := []byte(`{` + guard + `, "request": {"params": {"message": {"parts": [` + parts + `]}}}}`)
		start := time.Now()
		e, err := events.Parse(line, events.SourceCalls)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		t.Logf("%s: %d bytes in %v", name, len(line), time.Since(start))
		if n, _ := e.Get("parts"); n == "" {
			t.Errorf("%s: no parts", name)
		}
	}
}

// FuzzCall: whatever a request holds, what the guard vouched for stands, and the call can be scored.
func FuzzCall(f *testing.F) {
	for line := range bytes.Lines(calls(f, synthetic.Options{Seed: 3, Events: 20, Incidents: 0.5})) {
		_, request, _ := bytes.Cut(bytes.TrimSpace(line), []byte(`"request":`))
		request, _, _ = bytes.Cut(request, []byte(`,"synthetic"`))
		f.Add(request)
	}
	f.Add([]byte(`{"params": {"message": {"parts": [{"text": 7, "data": null}, 1]}}}, "caller": "soc"`))
	m, err := events.Train(documented(f), sourceOfCalls(calls(f, synthetic.Options{Seed: 1, Events: 50})), forest.Options{Trees: 2})
	if err != nil {
		f.Fatal(err)
	}
	s := m.Scorer()
	f.Fuzz(func(t *testing.T, request []byte) {
		e, err := events.Parse([]byte(`{"request": `+string(request)+`, `+guard+`}`), events.SourceCalls)
		if err != nil {
			return
		}
		if caller, _ := e.Get("caller"); caller != "coordinator" {
			t.Errorf("the caller is %q", caller)
		}
		if r, err := s.Score(e); err != nil || r.Score < -1 || r.Score > 0 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// BenchmarkCall: most is passing over the line, and over the request in it once more for each level down to the parts.
func BenchmarkCall(b *testing.B) {
	lines := calls(b, synthetic.Options{Seed: 1, Events: 500})
	list := slices.Collect(bytes.Lines(lines))
	b.SetBytes(int64(len(lines) / len(list)))
	for i := range b.N {
		if _, err := events.Parse(list[i%len(list)], events.SourceCalls); err != nil {
			b.Fatal(err)
		}
	}
}
