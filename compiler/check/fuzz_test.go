package check_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"agentc/compiler"
	"agentc/schema"

	"github.com/google/go-cmp/cmp"
)

// FuzzCheck spoils the template or the shipped fleet in a few places and expects an answer: no panic, every problem at a
// place that exists, the same problems twice, and no failure of ours on what the rules let through.
func FuzzCheck(f *testing.F) {
	fleets := []fstest.MapFS{template(f), read(f, "../..", "agents.d", "policies")}
	for seed := range uint64(150) {
		f.Add(seed%3 == 0, seed)
	}
	f.Fuzz(func(t *testing.T, shipped bool, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 0))
		files := maps.Clone(fleets[0])
		if shipped {
			files = maps.Clone(fleets[1])
		}
		for range 1 + random.IntN(4) {
			spoil(files, random)
		}
		found := compile(t, files)
		for _, p := range found {
			if !inside(files, p) {
				t.Errorf("no such place: %v", p)
			}
		}
		if diff := cmp.Diff(found, compile(t, files)); diff != "" {
			t.Errorf("the second time (-first +second):\n%s", diff)
		}
		if _, _, err := compiler.Compile(false, folders(t, files)...); err != nil {
			t.Errorf("the author should have been told by a rule, and is told by a failure: %v", err)
		}
	})
}

// spoil changes one line of one file: it goes, comes twice, changes places with another, or gets another value.
func spoil(files fstest.MapFS, random *rand.Rand) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".rego") && !strings.HasPrefix(name, "policies/core/") {
			names = append(names, name)
		}
	}
	name := names[random.IntN(len(names))]
	lines := strings.SplitAfter(string(files[name].Data), "\n")
	i, j := random.IntN(len(lines)), random.IntN(len(lines))
	switch random.IntN(6) {
	case 0:
		lines = slices.Delete(lines, i, i+1)
	case 1:
		lines = slices.Insert(lines, i, lines[i])
	case 2:
		lines[i], lines[j] = lines[j], lines[i]
	default:
		lines[i] = revalued(lines[i], values[random.IntN(len(values))])
	}
	files[name] = &fstest.MapFile{Data: []byte(strings.Join(lines, "")), Mode: 0o644}
}

// revalued puts another value behind the last key of a line that takes one.
func revalued(line, value string) string {
	at := strings.LastIndex(line, ": ")
	if at < 0 {
		return line
	}
	end := strings.IndexAny(line[at+2:], ",}]\n#")
	if end < 0 {
		end = len(line) - at - 2
	}
	return line[:at+2] + value + line[at+2+end:]
}

// values are right for some fields and wrong for most.
var values = []string{
	"", "~", "{}", "[]", "[{}]", `""`, `"*"`, `["*"]`, "0", "1", "-1", "100", "1e9", "0.5", "1h", "1ms", "500m", "2Gi", "true",
	"agentd", "hello", "greeter", "coordinator", "detect", "chat", "kafka", "ai", "soc", "dev", "prod", "Platform", "Agent",
	"high", "critical", "auto-execute", "auto-reject", "escalate", "canary", "team", "key", "git", "mcp", "a/b", "hello/greet",
	"{atLeast: 0}", "{below: 0}", "{min: 1, max: 100}", "kube", "kube-system", "https://x", "x.svc.cluster.local", "10.0.0.1",
	strings.Repeat("a", 63), strings.Repeat("long-", 100),
}

// inside says whether a problem is at a place of a file. A fleet without a Platform has no such place.
func inside(files fstest.MapFS, p schema.Problem) bool {
	file := files[p.File]
	if file == nil {
		return p.Rule == "one-platform" && p.File == "agents.d"
	}
	lines := strings.Split(string(file.Data), "\n")
	return p.Line >= 1 && p.Line <= len(lines) && p.Column >= 1 && p.Column <= 1+utf8.RuneCountInString(lines[p.Line-1])
}
