package disk

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"agentc/compiler/lock"

	"github.com/google/go-cmp/cmp"
)

// Files of the test's fleet that its seals changed or added: one that another version of the fleet has with other bytes, one
// that it has with the same, and one that no compiler writes.
var sealedFiles = []string{"prod/manifests/ns0/agent.yaml", "prod/manifests/ns3/agent.yaml", "prod/bundle/.signatures.json"}

// sealFolder changes a folder as publishing does.
func sealFolder(t *testing.T, dir string) {
	t.Helper()
	seals := lock.NewSeals("soc")
	put := func(file string, data []byte) {
		p := filepath.Join(dir, file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range sealedFiles {
		data := []byte("sealed\n")
		seals.Files[file] = lock.Digest(data)
		put(file, data)
	}
	data, err := seals.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	put(lock.SealName, data)
	put(lock.StatementName, []byte("{}\n"))
}

func TestWriteOverSealedFolder(t *testing.T) {
	for _, version := range []int{1, 2} {
		dir := t.TempDir()
		write(t, dir, 4, 1)
		sealFolder(t, dir)
		write(t, dir, 4, version)
		clean(t, dir, 4, version)
	}
}

func TestEditedSealedFile(t *testing.T) {
	for _, file := range sealedFiles {
		dir := t.TempDir()
		write(t, dir, 4, 1)
		sealFolder(t, dir)
		if err := os.WriteFile(filepath.Join(dir, file), []byte("by hand\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		tree, lock := fleet(t, 4, 1)
		s, err := Write(dir, tree, lock, false)
		if diff := cmp.Diff([]string{file}, s.Edited); !errors.Is(err, ErrEdited) || diff != "" {
			t.Errorf("%s: %v, want ErrEdited (-want +got):\n%s", file, err, diff)
		}
	}
}

// Seals that nobody can read make nothing ours.
func TestUnreadableSeals(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 4, 1)
	sealFolder(t, dir)
	if err := os.WriteFile(filepath.Join(dir, lock.SealName), []byte("<<<<<<<\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tree, wanted := fleet(t, 4, 1)
	s, err := Compare(dir, tree, wanted)
	want := [][]string{sealedFiles[:2], {"prod/bundle/.signatures.json"}}
	if diff := cmp.Diff(want, [][]string{s.Edited, s.Strangers}); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestKilledOverSealedFolder is TestKilledAtEveryStep, whose process it starts, in a folder that was published.
func TestKilledOverSealedFolder(t *testing.T) {
	const n = 4
	for first := 1; ; first++ {
		dir := t.TempDir()
		write(t, dir, n+1, 1)
		sealFolder(t, dir)
		died := kill(t, dir, first, 2)
		for second := 1; kill(t, dir, second, 3); second += 3 {
			tree, lock := fleet(t, n, 3)
			if s, err := Compare(dir, tree, lock); err != nil || len(s.Edited)+len(s.Strangers) > 0 {
				t.Fatalf("killed at step %d and then %d: %v %+v", first, second, err, s)
			}
		}
		write(t, dir, n, 4)
		clean(t, dir, n, 4)
		if !died {
			if first < 14 { // two for the next lock, six for three files, four removals, the rename
				t.Fatalf("a run has only %d steps; the test no longer sees them", first)
			}
			return
		}
	}
}

func TestReadAdded(t *testing.T) {
	dir := t.TempDir()
	check := func(name, dir string, want *Added) {
		t.Helper()
		got, err := ReadAdded(dir)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	check("no folder", filepath.Join(dir, "nowhere"), &Added{})
	check("nothing", dir, &Added{})
	seals, statement := filepath.Join(dir, lock.SealName), filepath.Join(dir, lock.StatementName)
	if err := errors.Join(os.WriteFile(seals, []byte("a"), 0o644), os.WriteFile(statement, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	check("both", dir, &Added{Seals: []byte("a"), Statement: []byte{}})
	if err := errors.Join(os.Truncate(seals, maxAdded+1), os.Remove(statement), os.Symlink(seals, statement)); err != nil {
		t.Fatal(err)
	}
	if a, err := ReadAdded(dir); err != nil || len(a.Seals) != maxAdded || a.Statement != nil {
		t.Errorf("a large one and a link: %v, %d and %d bytes", err, len(a.Seals), len(a.Statement))
	}
	if err := errors.Join(os.Remove(seals), syscall.Mkfifo(seals, 0o644), os.Remove(statement), os.Mkdir(statement, 0o755)); err != nil {
		t.Fatal(err)
	}
	check("a pipe and a folder", dir, &Added{})
}
