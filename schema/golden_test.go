package schema

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the problems in testdata")

// TestGolden reads the files of each archive and compares the problems with those in its file `problems`. A file whose
// name ends in `.quoted` holds Go strings, one a line, for what an editor would hide or change.
func TestGolden(t *testing.T) {
	for _, id := range RuleIDs {
		t.Run(id, func(t *testing.T) {
			name := filepath.Join("testdata", id+".txtar")
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := problemsOf(t, archive)
			if !strings.Contains(got, "["+id+"]") {
				t.Errorf("no problem of rule %s", id)
			}
			want := archive.Files[len(archive.Files)-1]
			if want.Name != "problems" {
				t.Fatalf("the last file of %s is %s, not problems", name, want.Name)
			}
			if *update {
				archive.Files[len(archive.Files)-1].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want.Data), got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGoldenOrphans(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		id := strings.TrimSuffix(filepath.Base(f), ".txtar")
		if !slices.Contains(RuleIDs, id) && id != "none" {
			t.Errorf("%s belongs to no rule", f)
		}
	}
}

// TestAccepted reads what looks doubtful and is right.
func TestAccepted(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/none.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if got := problemsOf(t, archive); got != "" {
		t.Errorf("problems:\n%s", got)
	}
}

func problemsOf(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	files := fstest.MapFS{"agents.d": {Mode: fs.ModeDir}}
	for _, f := range archive.Files {
		if f.Name == "problems" {
			continue
		}
		name, data := f.Name, f.Data
		if strings.HasSuffix(name, ".quoted") {
			name, data = strings.TrimSuffix(name, ".quoted"), unquoteLines(t, f.Data)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	_, problems := loadFS(t, files)
	var out strings.Builder
	for _, p := range problems {
		out.WriteString(p.String() + "\n")
	}
	return out.String()
}

func unquoteLines(t *testing.T, data []byte) []byte {
	t.Helper()
	var out []byte
	for line := range strings.Lines(string(data)) {
		text, err := strconv.Unquote(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		out = append(out, text...)
	}
	return out
}

// loadFS loads agents.d and policies of one file system.
func loadFS(t testing.TB, files fs.FS) (*Source, []Problem) {
	t.Helper()
	source, problems, err := Load(below(t, files, "agents.d"), below(t, files, "policies"))
	if err != nil {
		t.Fatal(err)
	}
	return source, problems
}

func below(t testing.TB, files fs.FS, name string) Dir {
	t.Helper()
	sub, err := fs.Sub(files, name)
	if err != nil {
		t.Fatal(err)
	}
	return Dir{Name: name, FS: sub}
}
