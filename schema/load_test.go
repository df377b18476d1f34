package schema

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const goodAgent = `apiVersion: agents.d/v1alpha1
kind: Agent
metadata: {name: %s}
spec:
  team: ai
  description: Detects what is unusual.
  image: registry.soc.example/detect:1.0.0@sha256:abababababababababababababababababababababababababababababababab
  artifacts: {prompt: prompts/detect.md}
  card:
    version: 1.0.0
    skills:
      - {id: score, name: Score, description: Gives a percentile., tags: [triage], risk: low}
  accepts: [{from: agentd, skills: [score]}]
  requests: [{to: analyse, skills: ["*"]}]
  endpoints: [{name: mistral}]
  workload:
    replicas: {min: 2, max: 6}
    resources: {limits: {cpu: 500m, memory: 512Mi, ephemeralStorage: 256Mi}}
    timeouts: {request: 30s, shutdown: 45s}
    env: {LOG_LEVEL: info}
`

func filesOf(texts map[string]string) fstest.MapFS {
	files := fstest.MapFS{"agents.d": {Mode: fs.ModeDir}}
	for name, text := range texts {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestLoad(t *testing.T) {
	source, problems := loadFS(t, filesOf(map[string]string{
		"agents.d/z.yaml":            fmt.Sprintf(goodAgent, "z"),
		"agents.d/team/a.yml":        fmt.Sprintf(goodAgent, "a"),
		"agents.d/prompts/detect.md": "Detect.\n",
		"agents.d/prompts/unused.md": "Not read.\n",
		"policies/b.rego":            "package b\n",
		"policies/a.rego":            "package a\n",
		"policies/a_test.rego":       "package a_test\n",
		"policies/core/c.rego":       "package c\n",
		"policies/team/core/d.rego":  "package d\n",
	}))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got []string
	for _, d := range source.Agents {
		got = append(got, d.File+" "+d.Agent.Metadata.Name)
	}
	for _, r := range source.Rego {
		got = append(got, r.File+" "+string(r.Text))
	}
	for _, i := range source.Inputs {
		got = append(got, i.File+" "+i.SHA256[:8])
	}
	want := []string{
		"agents.d/team/a.yml a", "agents.d/z.yaml z",
		"policies/a.rego package a\n", "policies/b.rego package b\n", "policies/team/core/d.rego package d\n",
		"agents.d/prompts/detect.md " + sum([]byte("Detect.\n"))[:8],
		"agents.d/team/a.yml " + sum(fmt.Appendf(nil, goodAgent, "a"))[:8],
		"agents.d/z.yaml " + sum(fmt.Appendf(nil, goodAgent, "z"))[:8],
		"policies/a.rego " + sum([]byte("package a\n"))[:8], "policies/b.rego " + sum([]byte("package b\n"))[:8],
		"policies/team/core/d.rego " + sum([]byte("package d\n"))[:8],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if want := map[string]ArtifactFile{"agents.d/prompts/detect.md": {SHA256: sum([]byte("Detect.\n"))}}; !cmp.Equal(want, source.Artifacts) {
		t.Errorf("artifacts %v", source.Artifacts)
	}
	if source.Incomplete {
		t.Error("the source counts as incomplete")
	}
}

// TestPartly decodes what a problem leaves whole.
func TestPartly(t *testing.T) {
	source, problems := loadFS(t, filesOf(map[string]string{
		"agents.d/prompts/detect.md": "Detect.\n",
		"agents.d/a.yaml":            strings.Replace(fmt.Sprintf(goodAgent, "a"), "min: 2", "min: two", 1),
	}))
	if len(problems) != 1 || source.Incomplete {
		t.Fatal(problems, source.Incomplete)
	}
	r := source.Agents[0].Agent.Spec.Workload.Replicas
	if r.Min != nil || r.Max == nil || *r.Max != 6 {
		t.Errorf("replicas %+v", r)
	}
}

func TestIncomplete(t *testing.T) {
	for name, text := range map[string]string{
		"agents.d/a.yaml": "kind: [", "agents.d/b.yaml": "kind: agent\n", "agents.d/c.yaml": "", "policies/d.rego": "\x00",
		"agents.d/e.yaml": "# \xff\n", "agents.d/f.yaml": strings.Repeat("#", maxFile+1), "agents.d/g.yaml": "%YAML 1.1\n---\n",
	} {
		source, problems := loadFS(t, filesOf(map[string]string{name: text}))
		if !source.Incomplete || len(problems) == 0 {
			t.Errorf("%s: incomplete %v, problems %v", name, source.Incomplete, problems)
		}
		if len(source.Agents)+len(source.Rego) > 0 {
			t.Errorf("%s was decoded", name)
		}
	}
}

func TestTooLarge(t *testing.T) {
	long := strings.Repeat("x", maxText)
	for want, text := range map[string]string{
		"": "# " + strings.Repeat("#", maxFile-2*len(goodAgent)) + "\n" + fmt.Sprintf(goodAgent, "a"),
		"a.yaml:1:1: error: this file is larger than 1 MiB [too-large]":                           strings.Repeat("#", maxFile+1),
		"a.yaml:20:14: error: this value has 65537 bytes; it must have at most 65536 [too-large]": strings.Replace(fmt.Sprintf(goodAgent, "a"), "LOG_LEVEL: info", "A: "+long+"x, B: "+long, 1),
	} {
		_, problems := loadFS(t, filesOf(map[string]string{"agents.d/a.yaml": text, "agents.d/prompts/detect.md": ""}))
		got := ""
		for _, p := range problems {
			got += strings.TrimPrefix(p.String(), "agents.d/")
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestManyProblems stops where nobody would read on, and says so.
func TestManyProblems(t *testing.T) {
	var text strings.Builder
	text.WriteString("kind: Agent\n")
	for i := range 10_000 {
		fmt.Fprintf(&text, "field%d: 1\n", i)
	}
	_, problems := loadFS(t, filesOf(map[string]string{"agents.d/a.yaml": text.String()}))
	if len(problems) != maxProblems+1 || !slices.ContainsFunc(problems, func(p Problem) bool { return p.Rule == ruleTooLarge }) {
		t.Errorf("%d problems", len(problems))
	}
}

func TestMissingFolders(t *testing.T) {
	agents := below(t, filesOf(nil), "agents.d")
	if _, problems, err := Load(agents, Dir{Name: "policies"}); err != nil || len(problems) > 0 {
		t.Errorf("without policies: %v %v", problems, err)
	}
	if _, problems, err := Load(agents, below(t, filesOf(nil), "policies")); err != nil || len(problems) > 0 {
		t.Errorf("without policies: %v %v", problems, err)
	}
	if _, _, err := Load(Dir{Name: "agents.d"}); err == nil {
		t.Error("no error without agents.d")
	}
	if _, _, err := Load(below(t, filesOf(nil), "else")); err == nil {
		t.Error("no error without agents.d")
	}
}

// TestDisk tries what only a real folder has: links, permissions, pipes.
func TestDisk(t *testing.T) {
	root := t.TempDir()
	agents := filepath.Join(root, "agents.d")
	write(t, filepath.Join(root, "outside.yaml"), fmt.Sprintf(goodAgent, "outside"))
	write(t, filepath.Join(root, "outside.d", "a.yaml"), fmt.Sprintf(goodAgent, "outside"))
	write(t, filepath.Join(agents, "real", "a.yaml"), strings.Replace(fmt.Sprintf(goodAgent, "a"), "prompts/detect.md", "secret.md", 1))
	for link, target := range map[string]string{
		"inside.yaml": "real/a.yaml", "out.yaml": "../outside.yaml", "absolute.yaml": "/etc/hostname", "team": "../outside.d",
		"folder": "real", "broken.yaml": "nowhere.yaml", "self.yaml": "self.yaml", "secret.md": "../outside.yaml",
	} {
		if err := os.Symlink(target, filepath.Join(agents, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(agents, "pipe.yaml"), 0o644); err != nil {
		t.Fatal(err)
	}
	source, problems := loadDisk(t, agents)
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		"agents.d/absolute.yaml:1:1: error: this file cannot be read: it is a symbolic link that cannot be followed inside agents.d: path escapes from parent [unreadable-file]",
		"agents.d/broken.yaml:1:1: error: this file cannot be read: it is a symbolic link that cannot be followed inside agents.d: no such file or directory [unreadable-file]",
		"agents.d/folder:1:1: error: this file cannot be read: it is a symbolic link to a folder, and these are not followed [unreadable-file]",
		`agents.d/inside.yaml:8:23: error: the artifact "agents.d/secret.md" cannot be read: path escapes from parent [unreadable-file]`,
		"agents.d/out.yaml:1:1: error: this file cannot be read: it is a symbolic link that cannot be followed inside agents.d: path escapes from parent [unreadable-file]",
		"agents.d/pipe.yaml:1:1: error: this file cannot be read: it is not a regular file (p---------) [unreadable-file]",
		`agents.d/real/a.yaml:8:23: error: the artifact "agents.d/secret.md" cannot be read: path escapes from parent [unreadable-file]`,
		"agents.d/secret.md:1:1: error: this file cannot be read: it is a symbolic link that cannot be followed inside agents.d: path escapes from parent [unreadable-file]",
		"agents.d/self.yaml:1:1: error: this file cannot be read: it is a symbolic link that cannot be followed inside agents.d: too many levels of symbolic links [unreadable-file]",
		"agents.d/team:1:1: error: this file cannot be read: it is a symbolic link that cannot be followed inside agents.d: path escapes from parent [unreadable-file]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(source.Agents) != 2 || !source.Incomplete {
		t.Errorf("%d agents, incomplete %v", len(source.Agents), source.Incomplete)
	}
}

// denied refuses to open some files, as a disk does to those without permission; root is never refused by a real one.
type denied struct{ fs.FS }

func (d denied) Open(name string) (fs.File, error) {
	if strings.Contains(name, "denied") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.FS.Open(name)
}

func TestPermission(t *testing.T) {
	files := below(t, filesOf(map[string]string{
		"agents.d/denied.yaml": "x", "agents.d/denied/a.yaml": "x", "agents.d/prompts/detect.md": "",
		"agents.d/ok.yaml": fmt.Sprintf(goodAgent, "ok"),
	}), "agents.d")
	source, problems, err := Load(Dir{Name: files.Name, FS: denied{files.FS}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		"agents.d/denied:1:1: error: this file cannot be read: permission denied [unreadable-file]",
		"agents.d/denied.yaml:1:1: error: this file cannot be read: permission denied [unreadable-file]",
	}
	if diff := cmp.Diff(want, got); diff != "" || len(source.Agents) != 1 {
		t.Errorf("%s, %d agents", diff, len(source.Agents))
	}
}

func TestLoadIsDeterministic(t *testing.T) {
	texts := map[string]string{"agents.d/prompts/detect.md": ""}
	for i := range 50 {
		texts[fmt.Sprintf("agents.d/a%d.yaml", i)] = strings.Replace(fmt.Sprintf(goodAgent, "a"), "min: 2", "min: x", i%2)
	}
	files := filesOf(texts)
	first, problems := loadFS(t, files)
	for range 20 {
		again, p := loadFS(t, files)
		if diff := cmp.Diff(problems, p); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(first.Inputs, again.Inputs); diff != "" {
			t.Fatal(diff)
		}
		for i, doc := range first.Agents {
			if again.Agents[i].File != doc.File {
				t.Fatalf("%s stands where %s stood", again.Agents[i].File, doc.File)
			}
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func loadDisk(t *testing.T, folder string) (*Source, []Problem) {
	t.Helper()
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	source, problems, err := Load(Dir{Name: filepath.Base(folder), FS: root.FS()})
	if err != nil {
		t.Fatal(err)
	}
	return source, problems
}

func BenchmarkLoad(b *testing.B) {
	texts := map[string]string{"agents.d/prompts/detect.md": "Detect.\n"}
	for i := range 1000 {
		texts[fmt.Sprintf("agents.d/agent%d.yaml", i)] = fmt.Sprintf(goodAgent, fmt.Sprintf("agent%d", i))
	}
	files := filesOf(texts)
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := loadFS(b, files); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
