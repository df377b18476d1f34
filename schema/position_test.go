package schema

import "testing"

func TestPositions(t *testing.T) {
	const text = `# first
kind: Agent
spec:
  team: ai
  image:
  accepts:
    - from: a
      skills: [x, "y"]
  workload: {env: {A: b}}
  labels:
    app.kubernetes.io/name: c
    "a]\"b": d
`
	doc, _ := readDocument("f.yaml", []byte(text))
	for _, c := range []struct {
		path    string
		at, key string
		has     bool
	}{
		{"", "2:1", "2:1", true},
		{"kind", "2:7", "2:1", true},
		{"spec", "3:1", "3:1", true},
		{"spec.team", "4:9", "4:3", true},
		{"spec.image", "5:3", "5:3", true},
		{"spec.accepts", "6:3", "6:3", true},
		{"spec.accepts[0]", "7:7", "7:7", true},
		{"spec.accepts[0].from", "7:13", "7:7", true},
		{"spec.accepts[0].skills[1]", "8:19", "8:19", true},
		{"spec.accepts[0].skills[2]", "8:7", "8:7", false},
		{"spec.accepts[1].from", "6:3", "6:3", false},
		{"spec.accepts[-1]", "6:3", "6:3", false},
		{"spec.accepts[x]", "6:3", "6:3", false},
		{"spec.accepts.from", "6:3", "6:3", false},
		{"spec.workload.env.A", "9:23", "9:20", true},
		{"spec.workload.env.B", "9:14", "9:14", false},
		{`spec.labels["app.kubernetes.io/name"]`, "11:29", "11:5", true},
		{`spec.labels["a]\"b"]`, "12:14", "12:5", true},
		{"spec.labels.app.kubernetes", "10:3", "10:3", false},
		{"spec.team.name", "4:9", "4:9", false},
		{"status", "2:1", "2:1", false},
	} {
		if got := doc.At(c.path).String(); got != "f.yaml:"+c.at {
			t.Errorf("At(%s) = %s, want %s", c.path, got, c.at)
		}
		if got := doc.Key(c.path).String(); got != "f.yaml:"+c.key {
			t.Errorf("Key(%s) = %s, want %s", c.path, got, c.key)
		}
		if got := doc.Has(c.path); got != c.has {
			t.Errorf("Has(%s) = %v", c.path, got)
		}
	}
}

func TestPositionWithoutText(t *testing.T) {
	doc := &Document{File: "made.yaml", Agent: &Agent{}}
	if got := doc.At("spec.team").String(); got != "made.yaml:1:1" {
		t.Errorf("At = %s", got)
	}
	if doc.Has("") || doc.Has("spec") {
		t.Error("a document that was not read has paths")
	}
}
