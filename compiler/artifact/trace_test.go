package artifact

import (
	"strings"
	"testing"

	"agentc/schema"

	"github.com/google/go-cmp/cmp"
)

func TestTrace(t *testing.T) {
	type part struct {
		Gone  *int           `json:"gone"`
		Name  string         `json:"name"`
		Ports []int          `json:"ports"`
		Data  map[string]any `json:"data"`
	}
	tree := NewTree()
	err := tree.Add([]Object{
		{File: "a.yaml", Wave: 2, Value: map[string]any{"last": true}},
		{File: "a.yaml", Wave: 1, Value: part{
			Name:  "x",
			Ports: []int{1, 2},
			Data:  map[string]any{"a.b/c": "one\n\ntwo\n", "list": []any{[]any{part{Name: "z"}}, nil, map[string]any{"gone": nil}}, "none": map[string]any{}},
		}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := tree.File("a.yaml")
	var got strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		object, path := Trace(tree.Objects("a.yaml"), i+1)
		wave := "-"
		if object != nil {
			wave = string(rune('0' + object.Wave))
		}
		got.WriteString(strings.TrimRight(line, " ") + "  <" + wave + " " + path + ">\n")
	}
	want := strings.TrimSuffix(header, "\n") + `  <- >
name: x  <1 name>
ports:  <1 ports>
- 1  <1 ports[0]>
- 2  <1 ports[1]>
data:  <1 data>
  a.b/c: |  <1 data["a.b/c"]>
    one  <1 data["a.b/c"]>
  <1 data["a.b/c"]>
    two  <1 data["a.b/c"]>
  list:  <1 data.list>
  - - name: z  <1 data.list[0][0].name>
  - null  <1 data.list[1]>
  - {}  <1 data.list[2]>
  none: {}  <1 data.none>
---  <2 >
last: true  <2 last>
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, line := range []int{-1, 0, strings.Count(string(data), "\n") + 1, 1000} {
		if object, path := Trace(tree.Objects("a.yaml"), line); object != nil || path != "" {
			t.Errorf("line %d: got %v at %q", line, object, path)
		}
	}
}

// TestTraceChangesNothing: what is traced is what was written.
func TestTraceChangesNothing(t *testing.T) {
	for _, object := range append(agentObjects("detect"), moreObjects("detect")...) {
		e := encoder{trace: &tracer{}}
		if err := e.document(object); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(mustYAML(t, object)), string(e.out)); diff != "" {
			t.Errorf("%T:\n%s", object, diff)
		}
		if len(e.trace.path) != 0 {
			t.Errorf("%T: the path ends at %s", object, e.trace.path)
		}
	}
}

func TestOriginAt(t *testing.T) {
	o := Object{From: []Origin{
		{Path: "", Ref: schema.Ref{Path: "all"}},
		{Path: "spec.ports", Ref: schema.Ref{Path: "ports"}},
		{Path: "spec.ports[1].name", Ref: schema.Ref{Path: "name"}},
		{Path: "spec.ports", Ref: schema.Ref{Path: "second"}},
		{Path: `data["a.b"]`, Ref: schema.Ref{Path: "ab"}},
	}}
	for path, want := range map[string]string{
		"":                     "all",
		"kind":                 "all",
		"spec":                 "all",
		"spec.port":            "all",
		"spec.portsOther":      "all",
		"spec.ports":           "ports",
		"spec.ports[1]":        "ports",
		"spec.ports[1].name":   "name",
		"spec.ports[1].name.x": "name",
		"spec.ports[1].names":  "ports",
		"spec.ports[11].name":  "ports",
		`data["a.b"]`:          "ab",
		`data["a.b"].c`:        "ab",
		`data["a.bc"]`:         "all",
	} {
		if got := o.OriginAt(path).Ref.Path; got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	if got := (&Object{}).OriginAt("spec"); got != (Origin{}) {
		t.Errorf("without origins: got %v", got)
	}
}
