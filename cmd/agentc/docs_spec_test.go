package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"agentc/compiler"
	"agentc/compiler/explain"
	"agentc/compiler/model"
	"agentc/schema"

	"github.com/google/go-cmp/cmp"
)

// TestSpecPage keeps the generated parts of docs/spec.md true to the types and to the built-in defaults.
func TestSpecPage(t *testing.T) {
	const page = "../../docs/spec.md"
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	fields, err := schema.Reference()
	if err != nil {
		t.Fatal(err)
	}
	want := replacePart(t, string(have), "fields", string(fields))
	want = replacePart(t, want, "defaults", defaultsTable(t))
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(have)); diff != "" {
		t.Errorf("the page is not current; run `go test ./cmd/agentc -update` (-want +page):\n%s", diff)
	}
}

// replacePart puts text between the two comments that mark a generated part of a page.
func replacePart(t *testing.T, page, name, text string) string {
	t.Helper()
	begin, end := "<!-- generated: "+name+" -->\n", "<!-- end of "+name+" -->\n"
	i, j := strings.Index(page, begin), strings.Index(page, end)
	if i < 0 || j < i {
		t.Fatalf("the page has no part between %q and %q", begin, end)
	}
	return page[:i+len(begin)] + "\n" + strings.TrimSpace(text) + "\n\n" + page[j:]
}

// follows are the defaults that repeat another value.
var follows = map[string]string{
	"workload.replicas.max":                        "`replicas.min`",
	"workload.resources.requests.cpu":              "the limit",
	"workload.resources.requests.memory":           "the limit",
	"workload.resources.requests.ephemeralStorage": "the limit",
}

// defaultsTable lists the built-in defaults in their own order, with the values that `agentc explain` shows.
func defaultsTable(t *testing.T) string {
	t.Helper()
	values := map[string][]string{}
	rolling, canary := explained(t, ""), explained(t, "    rollout: {strategy: canary, stable: "+stable+"}\n")
	for _, d := range model.Defaults {
		values[d.Path] = defaultsIn(rolling, d)
		if values[d.Path] == nil {
			values[d.Path] = defaultsIn(canary, d)
		}
	}
	out := "| field | value | why |\n| --- | --- | --- |\n"
	for _, d := range model.Defaults {
		value := follows[d.Path]
		switch {
		case values[d.Path] == nil:
			t.Errorf("agentc explain shows no default of %s", d.Path)
		case value == "":
			value = "`" + strings.Join(values[d.Path], "`, `") + "`"
		}
		out += fmt.Sprintf("| `%s` | %s | %s |\n", d.Path, value, d.Reason)
	}
	return out
}

var explainedDefault = regexp.MustCompile(`^  (\S+) +(.*?) +default: (.*)$`)

// defaultsIn are the values of one default in the output of explain; the items of a list with the names of their fields.
func defaultsIn(lines []string, d model.Default) []string {
	var values []string
	for _, l := range lines {
		m := explainedDefault.FindStringSubmatch(l)
		if m == nil || m[3] != d.Reason {
			continue
		}
		item, isItem := strings.CutPrefix(m[1], d.Path+"[")
		_, field, hasFields := strings.Cut(item, "].")
		switch {
		case m[1] == d.Path, isItem && !hasFields:
			values = append(values, m[2])
		case isItem:
			values = append(values, field+": "+m[2])
		}
	}
	return values
}

const stable = "registry.example.com/hello:0.9.0@sha256:07716875a37f133a4575c7b7dc9b07261abe75f1f687fd3cc6566f5aa288cf8f"

// explained is what `agentc explain` says of an agent of the template whose workload has some lines more.
func explained(t *testing.T, workload string) []string {
	t.Helper()
	dir := t.TempDir()
	if code := run([]string{"init", "-C", dir}, &bytes.Buffer{}, &bytes.Buffer{}); code != exitFine {
		t.Fatal("init ends with", code)
	}
	agent, err := template.ReadFile("template/agents.d/hello.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(agent), "    timeouts: {request: 10s}\n", workload+"    env: {A: b}\n", 1)
	if err := os.WriteFile(filepath.Join(dir, "agents.d/hello.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	fleet, _, err := compiler.Check(
		schema.Dir{Name: "agents.d", FS: os.DirFS(filepath.Join(dir, "agents.d"))},
		schema.Dir{Name: "policies", FS: os.DirFS(filepath.Join(dir, "policies"))})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := explain.Agent(&out, fleet, "hello"); err != nil {
		t.Fatal(err)
	}
	return strings.Split(out.String(), "\n")
}
