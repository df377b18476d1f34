package schema

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzLoad reads anything. It must not panic or hang, and every problem must stand at a place that an editor can show.
func FuzzLoad(f *testing.F) {
	for _, text := range []string{
		fmt.Sprintf(goodAgent, "detect"),
		strings.ReplaceAll(fmt.Sprintf(goodAgent, "detect"), "\n", "\r\n"),
		"a: &a [x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: &d [*c, *c]\n", "&a [*a]", "a: &a {<<: *a}",
		strings.Repeat("[", 100), strings.Repeat("- ", 100), strings.Repeat("{a: ", 70), "? ? ? ?", "a:\n- b:\n  - c:\n    - d\n",
		"---\n---\n", "a: b\n...\n%TAG ! x\n---\n", "%YAML 1.1\n", "\ufeffkind: Agent\n", "kind: A\ufeff\n", "kind: \u202eAgent\n",
		"kind: Agent\nspec: {entry: yes, team: no, workload: {replicas: {min: 1_0}}}\n", "kind: Agent\n\tspec: x\n",
		"kind: ReviewerPolicy\nspec: {rules: [{when: {confidence: {below: 1}}}], anomaly: {percentile: .nan}}\n",
		"kind: Platform\nspec: {git: {repository: git@a:b}, runtime: {storage: 1Gi}}\n",
		"kind: |\n  Agent\nspec: >-\n", "\"kind\": 'Agent'\n? metadata\n: !!map {name: !x y}\n", "kind: Agent #\r", "\xff\xfe", "a\u2028b: c\n", "a: \"\\u202e\"", "\"x\\ufe0f\"", "a: *\u202e\n", "a: !%E2%80%AE x\n",
	} {
		f.Add([]byte(text))
	}
	for _, id := range RuleIDs {
		archive, err := txtar.ParseFile("testdata/" + id + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		source, problems := loadFS(t, filesOf(map[string]string{"agents.d/a.yaml": string(data), "policies/a.rego": string(data)}))
		lines := bytes.Split(bytes.TrimPrefix(data, []byte(byteOrderMark)), []byte("\n"))
		for _, p := range problems {
			if p.Line < 1 || p.Line > len(lines) {
				t.Fatalf("%v is outside of %d lines", p, len(lines))
			}
			width := utf8.RuneCount(bytes.TrimSuffix(lines[p.Line-1], []byte("\r")))
			if p.Column < 1 || p.Column > width+1 {
				t.Fatalf("%v is outside of %d columns", p, width)
			}
			if strings.ContainsFunc(p.Message, func(c rune) bool { return hidden(c, 0) != "" || c == '\n' || c == utf8.RuneError }) {
				t.Fatalf("the message %q holds what it should name", p.Message)
			}
		}
		documents := len(source.Agents) + len(source.Platforms) + len(source.Policies)
		if documents == 0 && !source.Incomplete || documents == 0 && len(problems) == 0 {
			t.Fatalf("no document, incomplete %v, problems %v", source.Incomplete, problems)
		}
	})
}
