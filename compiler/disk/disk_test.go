package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"agentc/compiler/artifact"
	"agentc/compiler/lock"

	"github.com/google/go-cmp/cmp"
)

// fleet is a tree of n files; version goes into the content of the first half, so that two versions share some files.
func fleet(t testing.TB, n, version int) (*artifact.Tree, *lock.Lock) {
	t.Helper()
	var files []artifact.File
	for i := range n {
		text := fmt.Sprintf("file %d\n", i)
		if i < n/2 {
			text = fmt.Sprintf("file %d, version %d\n", i, version)
		}
		files = append(files, artifact.File{Path: fmt.Sprintf("prod/manifests/ns%d/agent.yaml", i), Data: []byte(text)})
	}
	tree := artifact.NewTree()
	if err := tree.Add(nil, files); err != nil {
		t.Fatal(err)
	}
	return tree, lock.New("test", "soc", nil, tree)
}

func write(t *testing.T, dir string, n, version int) *Status {
	t.Helper()
	tree, lock := fleet(t, n, version)
	s, err := Write(dir, tree, lock, false)
	if err != nil {
		t.Fatalf("Write: %v (%+v)", err, s)
	}
	return s
}

// clean fails unless the folder holds exactly the tree.
func clean(t *testing.T, dir string, n, version int) {
	t.Helper()
	tree, lock := fleet(t, n, version)
	s, err := Compare(dir, tree, lock)
	if err != nil || !s.Clean() {
		t.Fatalf("folder is not clean: %v %+v", err, s)
	}
	if leftover, _ := filepath.Glob(filepath.Join(dir, "*"+tempSuffix)); len(leftover) > 0 {
		t.Errorf("left behind: %v", leftover)
	}
	if _, err := os.Stat(filepath.Join(dir, nextName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there", nextName)
	}
}

func TestWriteChangesOnlyWhatDiffers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "generated")
	if s := write(t, dir, 6, 1); len(s.Missing) != 6 {
		t.Errorf("first run wrote %d files, want 6", len(s.Missing))
	}
	before := inodes(t, dir)
	if s := write(t, dir, 6, 1); !s.Clean() {
		t.Errorf("second run changed something: %+v", s)
	}
	if diff := cmp.Diff(before, inodes(t, dir)); diff != "" {
		t.Errorf("second run touched files:\n%s", diff)
	}
	s := write(t, dir, 4, 2)
	if len(s.Stale) != 3 || len(s.Obsolete) != 2 { // 0 and 1 have another version, 2 has none any more; 4 and 5 are gone
		t.Errorf("stale %v, obsolete %v", s.Stale, s.Obsolete)
	}
	clean(t, dir, 4, 2)
	if _, err := os.Stat(filepath.Join(dir, "prod/manifests/ns5")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the folder of a removed file is still there")
	}
}

// inodes tells whether a file was replaced.
func inodes(t *testing.T, dir string) map[string]uint64 {
	t.Helper()
	all := map[string]uint64{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			all[p] = info.Sys().(*syscall.Stat_t).Ino
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatOthersDidIsKept(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 4, 1)
	edited := filepath.Join(dir, "prod/manifests/ns0/agent.yaml")
	gone := filepath.Join(dir, "prod/manifests/ns3/agent.yaml")
	stranger := filepath.Join(dir, "prod/manifests/ns0/other.yaml")
	for _, p := range []string{edited, gone, stranger} {
		if err := os.WriteFile(p, []byte("by hand\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree, lock := fleet(t, 3, 2)
	s, err := Write(dir, tree, lock, false)
	if !errors.Is(err, ErrEdited) {
		t.Fatalf("Write: %v, want ErrEdited", err)
	}
	want := &Status{Stale: nil, Edited: []string{"prod/manifests/ns0/agent.yaml", "prod/manifests/ns3/agent.yaml"},
		Strangers: []string{"prod/manifests/ns0/other.yaml"}}
	if diff := cmp.Diff([][]string{want.Edited, want.Strangers}, [][]string{s.Edited, s.Strangers}); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if data, _ := os.ReadFile(edited); string(data) != "by hand\n" {
		t.Error("an edited file was overwritten")
	}
	if _, err := Write(dir, tree, lock, true); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(stranger); string(data) != "by hand\n" {
		t.Error("a stranger was touched")
	}
	if _, err := os.Stat(gone); !errors.Is(err, fs.ErrNotExist) {
		t.Error("an edited file that is no longer wanted survived --discard-edits")
	}
}

func TestDamagedLockStopsTheRun(t *testing.T) {
	for name, text := range map[string]string{"no JSON": "<<<<<<< ours", "another format": `{"format": 99, "compiler": "9.0.0"}`} {
		dir := t.TempDir()
		write(t, dir, 2, 1)
		if err := os.WriteFile(filepath.Join(dir, lock.Name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		tree, next := fleet(t, 2, 2)
		var damaged *lock.Error
		if _, err := Write(dir, tree, next, true); !errors.As(err, &damaged) {
			t.Errorf("%s: %v, want a lock.Error", name, err)
		}
	}
}

// TestKilledAtEveryStep kills one process at each change that it makes, lets a second be killed at each of its own, and
// expects the third to find nothing that it would call edited.
func TestKilledAtEveryStep(t *testing.T) {
	if dieAt := os.Getenv("AGENTC_TEST_DIE_AT"); dieAt != "" {
		crash(t, dieAt)
		return
	}
	const n = 4
	for first := 1; ; first++ {
		dir := t.TempDir()
		write(t, dir, n+1, 1)
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
			if first < 9 { // two for the next lock, four for two files, one removal, the rename
				t.Fatalf("a run has only %d steps; the test no longer sees them", first)
			}
			return
		}
	}
}

// kill runs this test in a process of its own that dies at a step; it answers false once there is no such step.
func kill(t *testing.T, dir string, step, version int) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledAtEveryStep$")
	cmd.Env = append(os.Environ(), "AGENTC_TEST_DIE_AT="+strconv.Itoa(step), "AGENTC_TEST_DIR="+dir, "AGENTC_TEST_VERSION="+strconv.Itoa(version))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("step %d: %v\n%s", step, err, out)
	}
	return true
}

// crash writes a version and dies at a step, without a chance to clean up.
func crash(t *testing.T, dieAt string) {
	left, _ := strconv.Atoi(dieAt)
	version, _ := strconv.Atoi(os.Getenv("AGENTC_TEST_VERSION"))
	step = func() {
		if left--; left == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	write(t, os.Getenv("AGENTC_TEST_DIR"), 4, version)
}

// TestFullDisk lets every write fail beyond a size, as a full disk would, and expects the error, the old files, and a next
// run that finishes.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv("AGENTC_TEST_FULL"); dir != "" {
		limit := syscall.Rlimit{Cur: 10, Max: 10}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		tree, lock := fleet(t, 4, 2)
		if _, err := Write(dir, tree, lock, false); !errors.Is(err, syscall.EFBIG) {
			t.Fatalf("Write: %v, want EFBIG", err)
		}
		return
	}
	dir := t.TempDir()
	write(t, dir, 4, 1)
	cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$")
	cmd.Env = append(os.Environ(), "AGENTC_TEST_FULL="+dir)
	// The child can write no report of its own either: what it says comes back through a pipe.
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("PASS")) {
		t.Fatalf("%v\n%s", err, out)
	}
	clean(t, dir, 4, 1)
	write(t, dir, 4, 2)
	clean(t, dir, 4, 2)
}

func TestTwoCompilesAtOnce(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		tree, lock := fleet(t, 40, 1)
		wg.Go(func() { _, errs[i] = Write(dir, tree, lock, false) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil && !errors.Is(err, ErrBusy) {
			t.Errorf("a compile beside others failed: %v", err)
		}
	}
	write(t, dir, 40, 1)
	clean(t, dir, 40, 1)
}

// A link where a file of ours, or a folder of ours, is wanted is somebody's: it stays until they allow otherwise.
func TestLinksInTheWay(t *testing.T) {
	for _, link := range []string{"prod/manifests/ns0/agent.yaml", "prod/manifests/ns1"} {
		dir := t.TempDir()
		write(t, dir, 3, 1)
		elsewhere := filepath.Join(dir, "elsewhere")
		if err := errors.Join(os.Rename(filepath.Join(dir, link), elsewhere), os.Symlink(elsewhere, filepath.Join(dir, link))); err != nil {
			t.Fatal(err)
		}
		tree, lock := fleet(t, 3, 1)
		s, err := Write(dir, tree, lock, false)
		if !errors.Is(err, ErrEdited) || cmp.Diff([]string{link}, s.Edited) != "" {
			t.Errorf("%s: %v %+v, want it to count as edited", link, err, s)
		}
		if _, err := Write(dir, tree, lock, true); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(filepath.Join(dir, link)); err != nil || info.Mode()&os.ModeSymlink != 0 {
			t.Errorf("%s is still a link: %v", link, err)
		}
		if s, err := Compare(dir, tree, lock); err != nil || len(s.Missing)+len(s.Stale)+len(s.Edited) > 0 {
			t.Errorf("%s: %v %+v", link, err, s)
		}
	}
}

// What only looks like ours is not: a temporary file of no file of ours, a pipe for a lock, a file where a folder is wanted.
func TestWhatOnlyLooksLikeOurs(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 2, 1)
	notes, inTheWay := filepath.Join(dir, "notes"+tempSuffix), filepath.Join(dir, "prod/manifests/ns2")
	for _, p := range []string{notes, inTheWay} {
		if err := os.WriteFile(p, []byte("mine\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree, wanted := fleet(t, 3, 1)
	s, err := Write(dir, tree, wanted, false)
	if !errors.Is(err, ErrEdited) || cmp.Diff([]string{"prod/manifests/ns2"}, s.Edited) != "" || cmp.Diff([]string{"notes" + tempSuffix}, s.Strangers) != "" {
		t.Errorf("%v %+v", err, s)
	}
	if _, err := Write(dir, tree, wanted, true); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(notes); err != nil || string(data) != "mine\n" {
		t.Errorf("somebody's file is gone: %v", err)
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, lock.Name)), syscall.Mkfifo(filepath.Join(dir, lock.Name), 0o644)); err != nil {
		t.Fatal(err)
	}
	var damaged *lock.Error
	if _, err := Compare(dir, tree, wanted); !errors.As(err, &damaged) {
		t.Errorf("%v, want a LockError for a pipe", err)
	}
}

func TestLinksAreNotFollowed(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "prod"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "prod/manifests")); err != nil {
		t.Fatal(err)
	}
	tree, lock := fleet(t, 2, 1)
	if _, err := Write(dir, tree, lock, false); !errors.Is(err, ErrEdited) {
		t.Errorf("%v, want ErrEdited for a link that leads out of the folder", err)
	}
	if _, err := Write(dir, tree, lock, true); err != nil { // which takes the link away
		t.Error(err)
	}
	if entries, _ := os.ReadDir(outside); len(entries) > 0 {
		t.Errorf("something was written outside: %v", entries)
	}
}
