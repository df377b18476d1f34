package artifact

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"agentc/schema"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// fleet is the objects of n agents, one file for each agent.
func fleet(n int) []Object {
	var objects []Object
	for i := range n {
		name := fmt.Sprintf("agent-%d", i)
		for _, value := range agentObjects(name) {
			objects = append(objects, Object{File: "prod/manifests/soc-" + name + "/" + name + ".yaml", Value: value})
		}
	}
	return objects
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}}
}

func TestTree(t *testing.T) {
	one, two := schema.Ref{Path: "one"}, schema.Ref{Path: "two"}
	tree := NewTree()
	err := tree.Add([]Object{
		{File: "prod/b.yaml", Wave: 0, Value: configMap("late"), From: []Origin{{Ref: one}}},
		{File: "prod/a.yaml", Wave: 0, Value: configMap("alone")},
		{File: "prod/b.yaml", Wave: -2, Value: configMap("first"), From: []Origin{{Ref: two}, {Path: "data", Ref: one}}},
		{File: "prod/b.yaml", Wave: 0, Value: configMap("later")},
	}, []File{{Path: "prod/c.rego", Data: []byte("package c\n"), From: []Origin{{Ref: two}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Add(nil, []File{{Path: "CODEOWNERS", Data: []byte("* @soc\n")}}); err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff([]string{"CODEOWNERS", "prod/a.yaml", "prod/b.yaml", "prod/c.rego"}, tree.Paths()); diff != "" {
		t.Errorf("paths:\n%s", diff)
	}
	document := func(name string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n  namespace: ns\n"
	}
	want := header + document("first") + "---\n" + document("late") + "---\n" + document("later")
	got, _ := tree.File("prod/b.yaml")
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := fmt.Sprintf("%x", sha256.Sum256(got)); tree.Digest("prod/b.yaml") != want {
		t.Errorf("digest %s, want %s", tree.Digest("prod/b.yaml"), want)
	}
	if diff := cmp.Diff([]schema.Ref{two, one}, tree.Origins("prod/b.yaml"), cmp.AllowUnexported(schema.Ref{})); diff != "" {
		t.Errorf("origins:\n%s", diff)
	}
	if diff := cmp.Diff([]schema.Ref{two}, tree.Origins("prod/c.rego")); diff != "" {
		t.Errorf("origins:\n%s", diff)
	}
	if objects, files := tree.Count(); objects != 4 || files != 4 || len(tree.Objects("prod/b.yaml")) != 3 {
		t.Errorf("%d objects, %d files, %d in b.yaml", objects, files, len(tree.Objects("prod/b.yaml")))
	}
	if data, ok := tree.File("nothing"); ok || data != nil || tree.Digest("nothing") != "" || tree.Objects("nothing") != nil || tree.Origins("nothing") != nil {
		t.Error("a file that is not there is there")
	}
}

func TestTreeRefuses(t *testing.T) {
	file := func(paths ...string) (files []File) {
		for _, path := range paths {
			files = append(files, File{Path: path})
		}
		return files
	}
	for name, c := range map[string]struct {
		objects []Object
		files   []File
		want    string
	}{
		"one path":          {nil, file("a/b", "a/b"), "two artifacts with one path: a/b and a/b"},
		"one path, folded":  {nil, file("a/B", "A/b"), "two artifacts with one path: a/B and A/b"},
		"objects and file":  {[]Object{{File: "a.yaml", Value: 1}}, file("a.yaml"), "two artifacts with one path"},
		"parent":            {nil, file("../a"), "below the output folder"},
		"inner parent":      {nil, file("a/../../b"), "below the output folder"},
		"absolute":          {nil, file("/a"), "below the output folder"},
		"empty":             {nil, file(""), "below the output folder"},
		"the folder":        {nil, file("."), "below the output folder"},
		"backslash":         {nil, file(`a\..\..\b`), "below the output folder"},
		"objects outside":   {[]Object{{File: "../a.yaml", Value: 1}}, nil, "below the output folder"},
		"one object":        {[]Object{{File: "p/manifests/a", Value: configMap("x")}, {File: "p/manifests/b", Value: configMap("x")}}, nil, "v1 ConfigMap ns/x is both in p/manifests/a and in p/manifests/b"},
		"one object, value": {[]Object{{File: "p/delivery/a", Value: configMap("x")}, {File: "p/delivery/b", Value: *configMap("x")}}, nil, "v1 ConfigMap ns/x is both"},
		"one object, file":  {[]Object{{File: "p/test/a", Value: configMap("x")}, {File: "p/test/a", Value: configMap("x")}}, nil, "v1 ConfigMap ns/x is both"},
		"not encodable":     {[]Object{{File: "a", Value: configMap("x")}, {File: "b", Value: []any{func() {}}}, {File: "c", Value: make(chan int)}}, nil, "b: document: [0]: func() cannot"},
	} {
		err := NewTree().Add(c.objects, c.files)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// TestTreeScopes: environments, and what nobody applies, may repeat an object.
func TestTreeScopes(t *testing.T) {
	err := NewTree().Add([]Object{
		{File: "prod/manifests/a.yaml", Value: configMap("x")},
		{File: "dev/manifests/a.yaml", Value: configMap("x")},
		{File: "prod/delivery/a.yaml", Value: configMap("x")},
		{File: "prod/tests/good.yaml", Value: configMap("x")},
		{File: "prod/tests/bad.yaml", Value: configMap("x")},
	}, nil)
	if err != nil {
		t.Error(err)
	}
}

// TestSizes: the sizes are those of the files, and no object is encoded twice.
func TestSizes(t *testing.T) {
	objects := fleet(40)
	sizes, err := Sizes(objects)
	if err != nil {
		t.Fatal(err)
	}
	before := objects[7].yaml
	objects[7].Value = nil
	tree := NewTree()
	if err := tree.Add(objects, nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range tree.Paths() {
		if data, _ := tree.File(path); len(data) != sizes[path] {
			t.Errorf("%s: %d bytes, announced %d", path, len(data), sizes[path])
		}
	}
	if data, _ := tree.File(objects[7].File); !bytes.Contains(data, before) {
		t.Error("the bytes of an object were not used again")
	}
}

func TestJSON(t *testing.T) {
	got, err := JSON(struct {
		Z string         `json:"z"`
		M map[string]any `json:"m"`
	}{"<a> & b", map[string]any{"b": 0.1, "a": []int{}}})
	want := "{\n  \"z\": \"<a> & b\",\n  \"m\": {\n    \"a\": [],\n    \"b\": 0.1\n  }\n}\n"
	if err != nil || string(got) != want {
		t.Errorf("got %s and %v, want %s", got, err, want)
	}
	if out, err := JSON(make(chan int)); err == nil || out != nil {
		t.Errorf("a channel: %s, %v", out, err)
	}
}
