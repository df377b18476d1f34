package check_test

import (
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"agentc/compiler"
	"agentc/compiler/check"
	"agentc/compiler/rego"
	"agentc/schema"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files and the catalogue; read the difference before you commit it")

// base is the fleet that every case edits: the one that `agentc init` writes.
const base = "../../cmd/agentc/template"

// Sections of a case that are not files of the spec.
const (
	editSection     = "edit"     // what differs from the base, as a difference of whole lines
	problemsSection = "problems" // what the compiler says about it
)

// allRules lists every rule there is: the reader's, the model's, check's, the emitters' and those of users' Rego.
func allRules() []string {
	ids := slices.Concat(schema.RuleIDs, []string{"one-platform", "product-core"})
	for _, r := range check.Rules {
		ids = append(ids, r.ID)
	}
	ids = append(ids, compiler.RuleBundleSize)
	return append(ids, rego.RuleIDs...)
}

// TestGolden compiles each case and compares what the compiler says with what the case says.
func TestGolden(t *testing.T) {
	for _, id := range allRules() {
		t.Run(id, func(t *testing.T) {
			path := "testdata/" + id + ".txtar"
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatalf("the rule has no golden case: %v", err)
			}
			got := problems(t, archive)
			if !strings.Contains(got, "["+id+"]") {
				t.Errorf("the case does not show its rule; the compiler says:\n%s", got)
			}
			if *update {
				set(archive, problemsSection, got)
				write(t, path, txtar.Format(archive))
			}
			if diff := cmp.Diff(section(archive, problemsSection), got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBaseHasNoProblems: what a case shows is the case's own doing.
func TestBaseHasNoProblems(t *testing.T) {
	if got := problems(t, &txtar.Archive{}); got != "" {
		t.Errorf("the template has problems:\n%s", got)
	}
}

func TestNoOrphans(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if id := strings.TrimSuffix(filepath.Base(f), ".txtar"); !slices.Contains(allRules(), id) {
			t.Errorf("%s belongs to no rule", f)
		}
	}
}

// TestOneFilePerRule: a newcomer who knows a rule's ID knows its file.
func TestOneFilePerRule(t *testing.T) {
	for _, r := range check.Rules {
		if _, err := os.Stat(strings.ReplaceAll(r.ID, "-", "_") + ".go"); err != nil {
			t.Errorf("rule %s has no file of its own: %v", r.ID, err)
		}
	}
}

const catalogue = "../../docs/rules.md"

const preamble = `# Rules

Every mistake that agentc reports ends with the ID of a rule. Each is shown here by an example: what is written differently
from the fleet that ` + "`agentc init`" + ` writes, and what the compiler says about it. This page is made from the cases in
compiler/check/testdata, which the tests run.

In the examples, lines with a minus go, lines with a plus come, and the others are there to find the place; a file that is
shown whole is new. An error stops the compiler; a warning does so under --strict.
`

// links leads to the headings of all rules of one severity. Only those of check can be warnings.
func links(severity schema.Severity) string {
	severities := map[string]schema.Severity{}
	for _, r := range check.Rules {
		severities[r.ID] = r.Severity
	}
	var links []string
	for _, id := range allRules() {
		if (severities[id] == schema.Warning) == (severity == schema.Warning) {
			links = append(links, fmt.Sprintf("[%s](#%[1]s)", id))
		}
	}
	return strings.Join(links, ",\n")
}

// TestCatalogue keeps docs/rules.md equal to the cases.
func TestCatalogue(t *testing.T) {
	var page strings.Builder
	page.WriteString(preamble)
	fmt.Fprintf(&page, "\nErrors: %s.\n\nWarnings: %s.\n", links(schema.Error), links(schema.Warning))
	for _, id := range allRules() {
		archive, err := txtar.ParseFile("testdata/" + id + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&page, "\n## %s\n\n%s\n", id, strings.TrimSpace(string(archive.Comment)))
		for _, f := range archive.Files {
			switch f.Name {
			case problemsSection:
			case editSection:
				fmt.Fprintf(&page, "\n```diff\n%s\n```\n", strings.TrimSpace(string(f.Data)))
			default:
				fmt.Fprintf(&page, "\n`%s`:\n\n```\n%s\n```\n", f.Name, printable(f.Data))
			}
		}
		fmt.Fprintf(&page, "\n```\n%s\n```\n", strings.TrimSpace(section(archive, problemsSection)))
	}
	if *update {
		write(t, catalogue, []byte(page.String()))
	}
	have, err := os.ReadFile(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), page.String()); diff != "" {
		t.Errorf("%s is not what the cases say; run `go test ./compiler/check -update` (-have +want):\n%s", catalogue, diff)
	}
}

// printable shortens what a page should not hold: very long files, and characters that a case is about.
func printable(data []byte) string {
	text := strings.TrimSpace(string(data))
	if len(text) > 2000 {
		text = text[:2000] + "\n… and so on"
	}
	return text
}

// problems is what the compiler says about the base with a case's edits and files.
func problems(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	files := template(t)
	for _, f := range archive.Files {
		switch f.Name {
		case problemsSection:
		case editSection:
			edit(t, files, string(f.Data))
		default:
			files[f.Name] = &fstest.MapFile{Data: grown(f.Data), Mode: 0o644}
		}
	}
	_, found, err := compiler.Compile(false, folders(t, files)...)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, p := range found {
		fmt.Fprintln(&out, p)
	}
	return out.String()
}

// grown is a file that is too long to stand in a case: `# N random letters` becomes a comment of so many letters.
func grown(data []byte) []byte {
	return lettersLine.ReplaceAllFunc(data, func(line []byte) []byte {
		n, _ := strconv.Atoi(string(lettersLine.FindSubmatch(line)[1]))
		random := rand.New(rand.NewPCG(1, uint64(n)))
		comment := []byte("# ")
		for range n {
			comment = append(comment, 'a'+byte(random.IntN(26)))
		}
		return comment
	})
}

var lettersLine = regexp.MustCompile(`(?m)^# ([0-9]+) random letters$`)

// template is the base, in memory.
func template(t testing.TB) fstest.MapFS { return read(t, base, "agents.d", "policies") }

// read copies folders below root into memory.
func read(t testing.TB, root string, folders ...string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for _, folder := range folders {
		err := fs.WalkDir(os.DirFS(root), folder, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(filepath.Join(root, p))
			files[p] = &fstest.MapFile{Data: data, Mode: 0o644}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func compile(t testing.TB, files fstest.MapFS) []schema.Problem {
	t.Helper()
	_, found, err := compiler.Check(folders(t, files)...)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func folders(t testing.TB, files fstest.MapFS) []schema.Dir {
	t.Helper()
	spec, err := fs.Sub(files, "agents.d")
	if err != nil {
		t.Fatal(err)
	}
	policies, err := fs.Sub(files, "policies")
	if err != nil {
		t.Fatal(err)
	}
	return []schema.Dir{{Name: "agents.d", FS: spec}, {Name: "policies", FS: policies}}
}

// edit applies a difference: a line with a path, then what changes in that file; and again. Lines that begin with `- ` are
// taken away, those with `+ ` are new, and those with two spaces stay; an empty line goes on to another place of the file.
// The lines of one place stand together in the file, and only there. `deleted <path>` takes the file away.
func edit(t *testing.T, files fstest.MapFS, text string) {
	t.Helper()
	var file string
	var old, now []string
	apply := func() {
		t.Helper()
		if len(old)+len(now) > 0 {
			files[file] = &fstest.MapFile{Data: replace(t, file, string(files[file].Data), lines(old), lines(now)), Mode: 0o644}
		}
		old, now = nil, nil
	}
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		gone, isGone := strings.CutPrefix(line, "deleted ")
		switch {
		case isGone:
			apply()
			delete(files, gone)
		case line == "":
			apply()
		case strings.HasPrefix(line, "- "):
			old = append(old, line[2:])
		case strings.HasPrefix(line, "+ "):
			now = append(now, line[2:])
		case strings.HasPrefix(line, "  "):
			old, now = append(old, line[2:]), append(now, line[2:])
		default:
			apply()
			if file = line; files[file] == nil {
				t.Fatalf("the base has no file %s", file)
			}
		}
	}
	apply()
}

func lines(list []string) string { return strings.Join(append(list, ""), "\n") }

// replace exchanges whole lines that stand in the text exactly once.
func replace(t *testing.T, file, text, old, now string) []byte {
	t.Helper()
	text = "\n" + text
	if n := strings.Count(text, "\n"+old); old == "" || n != 1 {
		t.Fatalf("%s holds these lines %d times, want once:\n%s", file, n, old)
	}
	return []byte(strings.Replace(text, "\n"+old, "\n"+now, 1)[1:])
}

func section(archive *txtar.Archive, name string) string {
	for _, f := range archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func set(archive *txtar.Archive, name, text string) {
	for i, f := range archive.Files {
		if f.Name == name {
			archive.Files[i].Data = []byte(text)
			return
		}
	}
	archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(text)})
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
