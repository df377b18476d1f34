package object

import (
	"strings"
	"testing"
)

const file = `# a comment
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  text: |
    ---no separator
    b
---
# nothing here
---
apiVersion: v1
kind: Service
metadata:
  name: b
spec:
  ports:
  - port: 80
  - port: 81
`

func TestSplit(t *testing.T) {
	all, err := Split("f.yaml", []byte(file))
	if err != nil || len(all) != 2 || all[0].Line != 1 || all[1].Line != 13 {
		t.Fatal(all, err)
	}
	line, column := all[1].At("spec", "ports", 1, "port")
	if got := strings.Split(file, "\n")[line-1]; got != "  - port: 81" || column != 5 {
		t.Errorf("%d:%d: %q", line, column, got)
	}
	if line, _ := all[1].At("spec", "ports", 7, "port"); line != 18 {
		t.Errorf("the list that lacks the item is on line 18, not %d", line)
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"apiVersion: v1\nkind: A\nkind: B\n":     `key "kind" already set in map`,
		"a: b\n":                                 "neither apiVersion nor kind may be missing",
		"- a\n":                                  "cannot unmarshal array",
		"apiVersion: v1\nkind: A\n---\n\tb: c\n": "f.yaml:4: ",
		"apiVersion: v1\nkind: A\n--- # more\nkind: B\n":                                 "f.yaml:3: only a line that is `---`",
		"apiVersion: v1\nkind: A\n---\tb: c\n":                                           "f.yaml:3: only a line",
		"apiVersion: v1\nkind: A\n...\nkind: B\n":                                        "f.yaml:3: only a line",
		"%YAML 1.2\n---\napiVersion: v1\nkind: A\n":                                      "f.yaml:1: only a line",
		`{"apiVersion": "v1", "kind": "A"}` + "\n" + `{"apiVersion": "v1", "kind": "B"}`: "f.yaml:1: ",
		"a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b,*c]\n":                                      "unknown anchor",
	} {
		if _, err := Split("f.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte(file), "spec.ports[1].port")
	f.Add([]byte("apiVersion: v1\nkind: List\nitems: [{}]\n---\r\n--- \nx"), "items[0]")
	f.Fuzz(func(t *testing.T, data []byte, path string) {
		all, err := Split("f.yaml", data)
		if err != nil {
			return
		}
		lines := strings.Count(string(data), "\n") + 1
		for _, o := range all {
			if line, column := o.At(Path(path)...); line < o.Line || line > lines || column < 1 {
				t.Errorf("%s is at %d:%d of %d lines", path, line, column, lines)
			}
		}
	})
}
