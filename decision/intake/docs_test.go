package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"agentc/forest/prefilter"
)

var update = flag.Bool("update", false, "write the examples into docs/intake.md")

// example of docs/intake.md: what stands between its marks is what the test got.
func example(t *testing.T, name, got string) {
	t.Helper()
	const file = "../../docs/intake.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?s)(<!-- ` + name + ` -->\n` + "```[a-z]*\n)(.*?)(```\n)")
	m := block.FindSubmatchIndex(text)
	if m == nil {
		t.Fatalf("%s has no example %s", file, name)
	}
	if string(text[m[4]:m[5]]) == got {
		return
	}
	if !*update {
		t.Fatalf("the example %s in %s is not what there is (-update writes it):\n%s", name, file, got)
	}
	if err := os.WriteFile(file, append(append(append([]byte{}, text[:m[4]]...), got...), text[m[5]:]...), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestDocs: the page shows a post and a message as they are.
func TestDocs(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var unusual *Message
	var raw []byte
	r := newRig(t, hopFunc(func(_ context.Context, m *Message) error {
		unusual = m
		return nil
	}), nil)
	for _, line := range stream(t, 2000) {
		e, err := r.take(t.Context(), arrival{intake: "webhook", raw: line})
		if err != nil {
			t.Fatal(err)
		}
		if e.Why == prefilter.Score && bytes.Contains(line, []byte(`"incident":`)) {
			raw = line
			break
		}
	}
	w := post(t, r.Handler(), "/intake/webhook", string(raw), "traceparent", parent)
	example(t, "post", "POST /intake/webhook\nContent-Type: application/json; charset=utf-8\n\n"+wrapped(raw)+"\n\n202 "+http.StatusText(w.Code)+"\n"+w.Body.String())
	unusual.TraceParent = strings.Replace(unusual.TraceParent, unusual.TraceParent[36:52], parent[36:52], 1) // the span is of chance
	message, err := json.Marshal(unusual.a2a())
	if err != nil {
		t.Fatal(err)
	}
	example(t, "message", wrapped(message)+"\n")
}

// wrapped JSON, so that it fits on a page.
func wrapped(raw []byte) string {
	return breaks.ReplaceAllString(string(raw), "$1\n $2")
}

var breaks = regexp.MustCompile(`([,{])("(?:metadata|urn:[^"]*|features|parts|output|priority|tags|output_fields|proc.cmdline|fd.name|role)":)`)
