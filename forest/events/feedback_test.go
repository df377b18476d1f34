package events_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"agentc/forest"
	"agentc/forest/events"
	"agentc/forest/synthetic"
	"agentc/schema"
)

var labelsDigest = "sha256:" + strings.Repeat("0", 64)

// taught is a model, and the same with the labels of a list; each is written as "+ a" or "- a": the event's command line after the verdict.
func taught(t *testing.T, said ...string) (m, with *events.Model, fb *forest.Feedback) {
	t.Helper()
	m, err := events.Train(shipped(t), source(t, day(t, synthetic.Options{Seed: 1, Events: 2000})), forest.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for _, s := range said {
		verdict := map[byte]string{'+': "incident", '-': "benign"}[s[0]]
		fmt.Fprintf(&list, `{"event": %s, "verdict": %q, "by": "jo@soc.example", "day": "2026-11-03"}`+"\n", shell(s[2:]), verdict)
	}
	labels, err := events.ReadLabels(strings.NewReader(list.String()), events.SourceFalco)
	if err != nil {
		t.Fatal(err)
	}
	if fb, err = events.Fold(m, labels, forest.Basis{Labels: labelsDigest}); err != nil {
		t.Fatal(err)
	}
	if with, err = m.With(fb); err != nil {
		t.Fatal(err)
	}
	return m, with, fb
}

func shell(cmdline string) string {
	return fmt.Sprintf(`{"rule": "Terminal shell in container", "priority": "Notice", "output_fields": {"proc.name": "sh", "proc.pname": "java", "proc.cmdline": %q}}`, cmdline)
}

func depthSum(t *testing.T, m *events.Model, line string) float64 {
	t.Helper()
	r, err := m.Scorer().Score(parsed(t, line))
	if err != nil {
		t.Fatal(err)
	}
	return r.DepthSum
}

func parsed(t *testing.T, line string) *events.Event {
	t.Helper()
	e, err := events.Parse([]byte(line), events.SourceFalco)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestFeedback: an event like one that was an incident counts as more unusual, for the feedback's sake; one like a benign event as less.
func TestFeedback(t *testing.T) {
	m, more, fb := taught(t, "+ sh -c id", "+ sh -c ls")
	if fb.Incidents != 2 || fb.Benign != 0 || fb.Forest != m.Digest() || more.Digest() != m.Digest() {
		t.Errorf("%+v", fb.Basis)
	}
	_, less, _ := taught(t, "- sh -c id", "- sh -c ls")
	plain := depthSum(t, m, shell("sh -c ps"))
	if a, b := depthSum(t, more, shell("sh -c ps")), depthSum(t, less, shell("sh -c ps")); !(a < plain && plain < b) {
		t.Errorf("%v with incidents, %v without, %v with benign ones", a, plain, b)
	}
	for name, c := range map[string]struct {
		m     *events.Model
		named bool
	}{"incidents": {more, true}, "none": {m, false}, "benign": {less, false}} {
		reasons, err := c.m.Scorer().Reasons(parsed(t, shell("sh -c ps")), 100)
		if err != nil {
			t.Fatal(err)
		}
		named := false
		for i, r := range reasons {
			if r.Feature == events.FeedbackReason {
				named = true
				if r.Value <= 0 || r.Value > 1 {
					t.Errorf("%s: two verdicts spared %v cuts a tree", name, r.Value)
				}
			}
			if i > 0 && r.Credit > reasons[i-1].Credit {
				t.Errorf("%s: %+v is out of order", name, r)
			}
		}
		if named != c.named {
			t.Errorf("%s: %+v", name, reasons)
		}
	}
}

// TestFoldCorrected: of two verdicts on an event the later one counts, in its place in the list.
func TestFoldCorrected(t *testing.T) {
	_, _, corrected := taught(t, "- a", "+ b", "+ a", "+ b")
	_, _, once := taught(t, "+ a", "+ b")
	for i := range once.Trees {
		if fmt.Sprint(corrected.Trees[i]) != fmt.Sprint(once.Trees[i]) {
			t.Fatalf("tree %d: %v, and %v if it is right from the first", i, corrected.Trees[i], once.Trees[i])
		}
	}
	if corrected.Incidents != 2 || corrected.Benign != 0 {
		t.Errorf("%d incidents, %d benign", corrected.Incidents, corrected.Benign)
	}
}

// TestFeedbackOfAnother: a forest takes no feedback but its own.
func TestFeedbackOfAnother(t *testing.T) {
	m, _, fb := taught(t, "+ a")
	fb.Forest = "sha256:" + strings.Repeat("a", 64)
	if _, err := m.With(fb); err == nil || !strings.HasPrefix(err.Error(), "it is feedback of the forest sha256:aaa") {
		t.Errorf("%v", err)
	}
	wrong := events.Check(&schema.FeaturesSpec{Features: []schema.Feature{{Name: "feedback", Present: "x"}}})
	if len(wrong) != 1 || !strings.HasPrefix(wrong[0].Message, "feedback is what the reasons call") {
		t.Errorf("%v", wrong)
	}
}

// TestShipped: the shipped fleet's forest and feedback are what `make forest` makes.
func TestShipped(t *testing.T) {
	var week bytes.Buffer
	for seed := uint64(2); seed <= 8; seed++ {
		err := synthetic.Write(&week, synthetic.Options{Seed: seed, Events: 5000, Start: time.Date(2026, 11, int(seed), 0, 0, 0, 0, time.UTC), Length: 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
	}
	m, err := events.Train(shipped(t), source(t, week.Bytes()), forest.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		data, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if written(t, m) != string(read("agents.d/forests/falco.json")) {
		t.Error("agents.d/forests/falco.json is another forest; run `make forest`")
	}
	said := read("policies/soc/labels.jsonl")
	labels, err := events.ReadLabels(bytes.NewReader(said), events.SourceFalco)
	if err != nil {
		t.Fatal(err)
	}
	fb, err := events.Fold(m, labels, forest.Basis{Labels: fmt.Sprintf("sha256:%x", sha256.Sum256(said))})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := fb.Write(&b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), read("policies/soc/feedback.json")) {
		t.Error("policies/soc/feedback.json is other feedback; run `make forest`")
	}
}

// FuzzReadLabels: whatever a file holds, it is labels with events that can be scored, or refused.
func FuzzReadLabels(f *testing.F) {
	f.Add([]byte(`{"event": {"uuid": "a", "output_fields": {"user.uid": 0}}, "verdict": "incident", "by": "jo@soc.example", "day": "2026-11-03"}`+"\n"), events.SourceFalco)
	f.Add([]byte(`{"event": {"caller": "a", "request": {}}, "verdict": "benign", "by": "x", "day": "2026-11-03"}`), events.SourceCalls)
	f.Fuzz(func(t *testing.T, data []byte, source string) {
		labels, err := events.ReadLabels(bytes.NewReader(data), source)
		if err != nil {
			return
		}
		for _, l := range labels {
			if l.By == "" || l.Day == "" || l.Event.ID() == "" {
				t.Errorf("%+v", l)
			}
		}
		if said := events.Incidents(labels); len(said) > len(labels) {
			t.Errorf("%d events of %d labels", len(said), len(labels))
		}
	})
}
