package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"agentc/compiler/artifact"
	"agentc/compiler/lock"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// target is a real bare repository, read through go-git's storage; it notes what was read.
type target struct {
	t     testing.TB
	dir   string
	store *filesystem.Storage
	trees int
	asked [][]plumbing.Hash
}

func newTarget(t testing.TB) *target {
	t.Helper()
	g := &target{t: t, dir: t.TempDir()}
	g.git("init", "-q", "--bare", "-b", "main")
	return g
}

func (g *target) git(args ...string) string { g.t.Helper(); return g.gitIn("", args...) }

func (g *target) gitIn(stdin string, args ...string) string {
	g.t.Helper()
	out, err := g.try(stdin, args...)
	if err != nil {
		g.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

func (g *target) try(stdin string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = g.dir, strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (g *target) Tree(id plumbing.Hash) ([]object.TreeEntry, error) {
	g.trees++
	return readTree(g.storage(), id)
}

func (g *target) Blobs(_ context.Context, ids []plumbing.Hash) (map[plumbing.Hash][]byte, error) {
	g.asked = append(g.asked, ids)
	blobs := map[plumbing.Hash][]byte{}
	for _, id := range ids {
		blobs[id] = g.blob(id)
	}
	return blobs, nil
}

func (g *target) blob(id plumbing.Hash) []byte {
	g.t.Helper()
	blob, err := object.GetBlob(g.storage(), id)
	if err != nil {
		g.t.Fatal(err)
	}
	in, err := blob.Reader()
	if err != nil {
		g.t.Fatal(err)
	}
	defer in.Close()
	data, err := io.ReadAll(in)
	if err != nil {
		g.t.Fatal(err)
	}
	return data
}

// storage is opened anew where git has written to the repository.
func (g *target) storage() *filesystem.Storage {
	if g.store == nil {
		g.store = filesystem.NewStorage(osfs.New(g.dir), cache.NewObjectLRUDefault())
	}
	return g.store
}

// tree writes a tree from lines `MODE PATH CONTENT`; the content of a submodule is its commit. Nothing checks it, as nothing
// checks what a remote holds.
func (g *target) tree(lines ...string) plumbing.Hash {
	g.t.Helper()
	var entries []object.TreeEntry
	inside := map[string][]string{}
	for _, line := range lines {
		mode, rest, _ := strings.Cut(line, " ")
		path, content, _ := strings.Cut(rest, " ")
		if dir, below, deeper := strings.Cut(path, "/"); deeper {
			inside[dir] = append(inside[dir], mode+" "+below+" "+content)
			continue
		}
		number, err := strconv.ParseUint(mode, 8, 32)
		if err != nil {
			g.t.Fatal(err)
		}
		id := plumbing.NewHash(content)
		if filemode.FileMode(number) != filemode.Submodule {
			id = g.write("blob", content)
		}
		entries = append(entries, object.TreeEntry{Name: path, Mode: filemode.FileMode(number), Hash: id})
	}
	for dir, lines := range inside {
		entries = append(entries, object.TreeEntry{Name: dir, Mode: filemode.Dir, Hash: g.tree(lines...)})
	}
	slices.SortFunc(entries, func(a, b object.TreeEntry) int {
		return strings.Compare(sortKey(a.Name, a.Mode == filemode.Dir), sortKey(b.Name, b.Mode == filemode.Dir))
	})
	return g.write("tree", string(encodeTree(entries)))
}

func (g *target) write(kind, data string) plumbing.Hash {
	g.t.Helper()
	g.store = nil
	return plumbing.NewHash(g.gitIn(data, "hash-object", "-t", kind, "-w", "--literally", "--stdin"))
}

// land puts what was built on the branch, as a remote would, and lets git judge the repository.
func (g *target) land(b *Built, parent plumbing.Hash, ignore ...string) plumbing.Hash {
	g.t.Helper()
	commit, err := NewCommit(Draft{
		Tree: b.Tree, Parent: parent, Author: Person{"Ada", "ada@soc.example"}, Committer: Person{"Bob", "bob@soc.example"},
		When: time.Unix(1_790_000_000, 0), Message: Message{Subject: "Publish"},
	}, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	pack, err := b.Pack(commit)
	if err != nil {
		g.t.Fatal(err)
	}
	g.gitIn(string(pack), "index-pack", "--stdin")
	g.git("update-ref", "refs/heads/main", commit.Hash.String())
	g.store = nil
	args := []string{}
	for _, i := range ignore {
		args = append(args, "-c", "fsck."+i+"=ignore")
	}
	if out := g.git(append(args, "fsck", "--strict", "--full", "--no-dangling", "--no-progress")...); out != "" {
		g.t.Errorf("git fsck --strict: %s", out)
	}
	return commit.Hash
}

// list is what a tree holds, as lines for tree.
func (g *target) list(id plumbing.Hash) (lines []string) {
	g.t.Helper()
	entries, err := g.Tree(id)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, e := range entries {
		var content string
		switch e.Mode {
		case filemode.Dir:
			for _, line := range g.list(e.Hash) {
				mode, rest, _ := strings.Cut(line, " ")
				lines = append(lines, mode+" "+e.Name+"/"+rest)
			}
			continue
		case filemode.Submodule:
			content = e.Hash.String()
		default:
			content = string(g.blob(e.Hash))
		}
		lines = append(lines, fmt.Sprintf("%o %s %s", uint32(e.Mode), e.Name, content))
	}
	return lines
}

// wantedFiles makes files from lines `PATH CONTENT`.
func wantedFiles(t testing.TB, lines ...string) *artifact.Tree {
	t.Helper()
	var files []artifact.File
	for _, line := range lines {
		path, content, _ := strings.Cut(line, " ")
		files = append(files, artifact.File{Path: path, Data: []byte(content)})
	}
	tree := artifact.NewTree()
	if err := tree.Add(nil, files); err != nil {
		t.Fatal(err)
	}
	return tree
}

func ownedFiles(lines ...string) map[string][]string {
	owned := map[string][]string{}
	for _, line := range lines {
		path, content, _ := strings.Cut(line, " ")
		owned[path] = append(owned[path], lock.Digest([]byte(content)))
	}
	return owned
}

func changeLines(changes []Change) []string {
	var lines []string
	for _, c := range changes {
		lines = append(lines, string(c.Op)+" "+c.Path)
	}
	return lines
}

const someCommit = "1111111111111111111111111111111111111111"

// Each case runs twice. Where edited stops the first run, discarded and wantThen are what the second one, with Discard, does.
var buildCases = []struct {
	name      string
	branch    []string
	owned     []string
	wanted    []string
	changes   []string
	edited    []string
	strangers []string
	want      []string
	discarded []string // the changes with Discard, where edited is not empty
	wantThen  []string // the tree then
	ignore    string   // what git fsck finds in what is somebody else's
}{
	{
		name:   "first commit",
		wanted: []string{"a 1", "b/c 2", "b/d/e 3"}, changes: []string{"A gen/a", "A gen/b/c", "A gen/b/d/e"},
		want: []string{"100644 gen/a 1", "100644 gen/b/c 2", "100644 gen/b/d/e 3"},
	},
	{
		name:   "nothing to do",
		branch: []string{"100644 gen/a 1", "100644 gen/b/c 2", "100644 README hello"}, owned: []string{"a 1", "b/c 2"},
		wanted: []string{"a 1", "b/c 2"}, want: []string{"100644 README hello", "100644 gen/a 1", "100644 gen/b/c 2"},
	},
	{
		name:   "one of each",
		branch: []string{"100644 gen/a 1", "100644 gen/b/c 2", "100644 gen/d/e 3", "100755 run.sh x"}, owned: []string{"a 1", "b/c 2", "d/e 3"},
		wanted: []string{"a 1", "b/c 22", "f/g 4"}, changes: []string{"M gen/b/c", "D gen/d/e", "A gen/f/g"},
		want: []string{"100644 gen/a 1", "100644 gen/b/c 22", "100644 gen/f/g 4", "100755 run.sh x"},
	},
	{
		name:   "the last file of the repository",
		branch: []string{"100644 gen/a 1"}, owned: []string{"a 1"}, changes: []string{"D gen/a"},
	},
	{
		name:   "what is gone already, and what somebody removed",
		branch: []string{"100644 README x", "100644 gen/note n"}, owned: []string{"old 1", "a 2", "x/y 3"}, wanted: []string{"a 2"},
		changes: []string{"A gen/a"}, strangers: []string{"gen/note"}, want: []string{"100644 README x", "100644 gen/a 2", "100644 gen/note n"},
	},
	{
		name:   "strangers",
		branch: []string{"100644 gen/a 1", "100644 gen/notes n", "100644 gen/sub/b 2", "100755 gen/sub/tool t", "100644 gen/mine/x 1", "100644 gen/mine/y/z 1"},
		owned:  []string{"a 1", "sub/b 2"}, wanted: []string{"a 11"},
		changes: []string{"M gen/a", "D gen/sub/b"}, strangers: []string{"gen/mine/", "gen/notes", "gen/sub/tool"},
		want: []string{"100644 gen/a 11", "100644 gen/mine/x 1", "100644 gen/mine/y/z 1", "100644 gen/notes n", "100755 gen/sub/tool t"},
	},
	{
		name:   "two digests of one file",
		branch: []string{"100644 gen/a 1", "100644 gen/b 2"}, owned: []string{"a 0", "a 1", "b 2", "b 3"}, wanted: []string{"a 9", "b 9"},
		changes: []string{"M gen/a", "M gen/b"}, want: []string{"100644 gen/a 9", "100644 gen/b 9"},
	},
	{
		name:   "edited, wanted or not",
		branch: []string{"100644 gen/a edited", "100644 gen/b edited", "100644 gen/c 3"}, owned: []string{"a 1", "b 2", "c 3"}, wanted: []string{"a 1", "c 4"},
		edited: []string{"gen/a", "gen/b"}, discarded: []string{"M gen/a", "D gen/b", "M gen/c"}, wantThen: []string{"100644 gen/a 1", "100644 gen/c 4"},
	},
	{
		name:   "edited into what is wanted",
		branch: []string{"100644 gen/a 2"}, owned: []string{"a 1"}, wanted: []string{"a 2"}, want: []string{"100644 gen/a 2"},
	},
	{
		name:   "a file that was never ours",
		branch: []string{"100644 gen/a theirs"}, wanted: []string{"a 1"},
		edited: []string{"gen/a"}, discarded: []string{"M gen/a"}, wantThen: []string{"100644 gen/a 1"},
	},
	{
		name:   "other kinds of entries",
		branch: []string{"100755 gen/a 1", "120000 gen/b 2", "160000 gen/c " + someCommit, "100755 gen/d 4", "120000 gen/e 5"},
		owned:  []string{"a 1", "b 2", "c 3", "d 4", "e 5"}, wanted: []string{"a 1", "b 2", "c 3"},
		edited: []string{"gen/a", "gen/b", "gen/c", "gen/d", "gen/e"}, discarded: []string{"M gen/a", "M gen/b", "M gen/c", "D gen/d", "D gen/e"},
		wantThen: []string{"100644 gen/a 1", "100644 gen/b 2", "100644 gen/c 3"},
	},
	{
		name:   "a stranger's folder where a file is wanted",
		branch: []string{"100644 gen/a/x 1", "100644 gen/a/y/z 1"}, wanted: []string{"a 1"},
		edited: []string{"gen/a/"}, discarded: []string{"A gen/a", "D gen/a/"}, wantThen: []string{"100644 gen/a 1"},
	},
	{
		name:   "our folder where a file is wanted",
		branch: []string{"100644 gen/a/x 1", "100644 gen/a/y/z 2"}, owned: []string{"a/x 1", "a/y/z 2"}, wanted: []string{"a 1"},
		changes: []string{"A gen/a", "D gen/a/x", "D gen/a/y/z"}, want: []string{"100644 gen/a 1"},
	},
	{
		name:   "our folder where a file is wanted, with a stranger in it",
		branch: []string{"100644 gen/a/x 1", "100644 gen/a/y/note n"}, owned: []string{"a/x 1"}, wanted: []string{"a 1"},
		edited: []string{"gen/a/y/"}, discarded: []string{"A gen/a", "D gen/a/x", "D gen/a/y/"}, wantThen: []string{"100644 gen/a 1"},
	},
	{
		name:   "our file where a folder is wanted",
		branch: []string{"100644 gen/a 1"}, owned: []string{"a 1"}, wanted: []string{"a/x 1"},
		changes: []string{"D gen/a", "A gen/a/x"}, want: []string{"100644 gen/a/x 1"},
	},
	{
		name:   "files, links and submodules where folders are wanted",
		branch: []string{"100644 gen/a 1", "120000 gen/b elsewhere", "160000 gen/c " + someCommit}, wanted: []string{"a/x 1", "b/x 2", "c/x 3"},
		edited:    []string{"gen/a", "gen/b", "gen/c"},
		discarded: []string{"D gen/a", "A gen/a/x", "D gen/b", "A gen/b/x", "D gen/c", "A gen/c/x"},
		wantThen:  []string{"100644 gen/a/x 1", "100644 gen/b/x 2", "100644 gen/c/x 3"},
	},
	{
		name:   "twins",
		branch: []string{"100644 gen/Prod/x 1", "100644 gen/prod/A.yaml 2", "100644 gen/prod/a.yaml 3", "100644 gen/stage/note 4"},
		owned:  []string{"prod/a.yaml 3"}, wanted: []string{"prod/a.yaml 33"},
		edited: []string{"gen/Prod/", "gen/prod/A.yaml"}, strangers: []string{"gen/stage/"},
		discarded: []string{"D gen/Prod/", "D gen/prod/A.yaml", "M gen/prod/a.yaml"},
		wantThen:  []string{"100644 gen/prod/a.yaml 33", "100644 gen/stage/note 4"},
	},
	{
		name:   "our own file under a name of other case",
		branch: []string{"100644 gen/A.yaml 1", "100644 gen/B/x 2"}, owned: []string{"A.yaml 1", "B/x 2"}, wanted: []string{"a.yaml 1", "b/x 2"},
		changes: []string{"D gen/A.yaml", "D gen/B/x", "A gen/a.yaml", "A gen/b/x"}, want: []string{"100644 gen/a.yaml 1", "100644 gen/b/x 2"},
	},
	{
		name:   "Git's order",
		branch: []string{"100644 gen/a.b 1", "100644 gen/a/x 1", "100644 gen/a0 1", "100644 gen/a- 1"}, owned: []string{"a0 1"}, wanted: []string{"a/x 2", "a.c 3", "a0/y 4"},
		edited: []string{"gen/a/x"}, strangers: []string{"gen/a-", "gen/a.b"}, discarded: []string{"A gen/a.c", "M gen/a/x", "D gen/a0", "A gen/a0/y"},
		wantThen: []string{"100644 gen/a- 1", "100644 gen/a.b 1", "100644 gen/a.c 3", "100644 gen/a/x 2", "100644 gen/a0/y 4"},
	},
	{
		name:   "old modes",
		branch: []string{"100664 gen/a 1", "100664 gen/b 2", "100664 gen/note n", "100664 top t"}, owned: []string{"a 1", "b 2"}, wanted: []string{"a 1", "b 22"},
		changes: []string{"M gen/b"}, strangers: []string{"gen/note"}, ignore: "badFilemode",
		want: []string{"100664 gen/a 1", "100644 gen/b 22", "100664 gen/note n", "100664 top t"},
	},
}

func TestBuild(t *testing.T) {
	for _, c := range buildCases {
		t.Run(c.name, func(t *testing.T) {
			g := newTarget(t)
			var root plumbing.Hash
			if c.branch != nil {
				root = g.tree(c.branch...)
			}
			plan := Plan{Dir: "gen", Files: wantedFiles(t, c.wanted...), Owned: ownedFiles(c.owned...)}
			b := g.build(root, plan)
			g.expect(b, c.changes, c.edited, c.strangers)
			if len(c.edited) == 0 {
				g.expectTree(b, root, c.want, c.ignore)
			} else if !b.Tree.IsZero() {
				t.Errorf("there is a tree, though the run stops")
			}
			if c.discarded == nil {
				c.discarded, c.wantThen = c.changes, c.want
			}
			plan.Discard, g.asked = true, nil
			b = g.build(root, plan)
			if g.asked != nil {
				t.Errorf("files were read, though they are replaced whatever they are")
			}
			g.expect(b, c.discarded, nil, c.strangers)
			g.expectTree(b, root, c.wantThen, c.ignore)
		})
	}
}

func (g *target) build(root plumbing.Hash, p Plan) *Built {
	g.t.Helper()
	b, err := build(g.t.Context(), g, root, p)
	if err != nil {
		g.t.Fatal(err)
	}
	return b
}

func (g *target) expect(b *Built, changes, edited, strangers []string) {
	g.t.Helper()
	for what, pair := range map[string][2][]string{
		"changes": {changes, changeLines(b.Changes)}, "edited": {edited, b.Edited}, "strangers": {strangers, b.Strangers},
	} {
		if diff := cmp.Diff(pair[0], pair[1], cmpopts.EquateEmpty()); diff != "" {
			g.t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

// expectTree compares the tree with what is wanted, and where nothing changed, with the branch's own.
func (g *target) expectTree(b *Built, root plumbing.Hash, want []string, ignore string) {
	g.t.Helper()
	if len(b.Changes) == 0 && b.Tree != root {
		g.t.Errorf("nothing changed, and the tree went from %s to %s", root, b.Tree)
	}
	if len(b.Changes) == 0 {
		return
	}
	if ignore != "" {
		g.land(b, plumbing.ZeroHash, ignore)
	} else {
		g.land(b, plumbing.ZeroHash)
	}
	if diff := cmp.Diff(want, g.list(b.Tree), cmpopts.EquateEmpty()); diff != "" {
		g.t.Errorf("tree (-want +got):\n%s", diff)
	}
}

// TestBuildReadsWhatDiffers counts what is read: in a wide repository only the folders on the way to a change, and all files
// that have to be seen at once.
func TestBuildReadsWhatDiffers(t *testing.T) {
	g := newTarget(t)
	var lines, held []string
	for i := range 50 {
		lines = append(lines, fmt.Sprintf("n%d/agent %d", i, i))
		held = append(held, fmt.Sprintf("100644 gen/n%d/agent %d", i, i))
	}
	root := g.tree(append(held, "100644 README x", "100644 docs/a x")...)
	owned := ownedFiles(lines...)
	b := g.build(root, Plan{Dir: "gen", Files: wantedFiles(t, lines...), Owned: owned})
	if g.trees != 1 || len(g.asked) != 0 || b.Tree != root || len(b.objects) != 0 {
		t.Errorf("nothing changed: %d trees and %d files read, %d objects made", g.trees, len(g.asked), len(b.objects))
	}
	g.trees = 0
	lines[7], lines[9], lines[11] = "n7/agent new", "n9/agent other", "n11/agent new"
	b = g.build(root, Plan{Dir: "gen", Files: wantedFiles(t, lines...), Owned: owned})
	g.expect(b, []string{"M gen/n11/agent", "M gen/n7/agent", "M gen/n9/agent"}, nil, nil)
	if g.trees != 2+3 || len(g.asked) != 1 || len(g.asked[0]) != 3 {
		t.Errorf("three files changed: %d trees read, files %v", g.trees, g.asked)
	}
	if len(b.objects) != 2+3-1+2 { // root, gen, three folders of which two are the same, as are their two files
		t.Errorf("three files changed: %d objects made", len(b.objects))
	}
}

func TestBuildRefusesThePlace(t *testing.T) {
	cases := []struct {
		name, dir, want string
		branch          []string
	}{
		{"link", "gen/out", "gen is a symbolic link in the branch", []string{"120000 gen elsewhere"}},
		{"link below", "a/gen", "a/gen is a symbolic link in the branch", []string{"120000 a/gen elsewhere"}},
		{"submodule", "gen", "gen is a submodule in the branch", []string{"160000 gen " + someCommit}},
		{"file", "gen", "gen is a file in the branch", []string{"100644 gen x"}},
		{"twin", "gen", "Gen and gen would be the same", []string{"100644 Gen/x x"}},
		{"empty", "", `"" is no name of a file`, nil},
		{"dots", "a/../b", `".." is no name of a file`, nil},
		{"root", "/gen", `"" is no name of a file`, nil},
		{"git", "a/.GIT", `".GIT" would be Git's own folder`, nil},
		{"dots in the branch", "gen", `cannot stay in the branch: ".." is no name`, []string{"100644 .. x"}},
		{"git in the branch", "gen", `gen/.git cannot stay in the branch: ".git" would be`, []string{"100644 gen/.git x"}},
	}
	for _, c := range cases {
		for _, discard := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, discard %v", c.name, discard), func(t *testing.T) {
				g := newTarget(t)
				var root plumbing.Hash
				if c.branch != nil {
					root = g.tree(c.branch...)
				}
				_, err := build(t.Context(), g, root, Plan{Dir: c.dir, Files: wantedFiles(t, "a/b 1"), Discard: discard})
				if place := new(PlaceError); !errors.As(err, &place) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
			})
		}
	}
}

// TestBuildRefusesHostileTrees writes trees that no git makes.
func TestBuildRefusesHostileTrees(t *testing.T) {
	cases := []struct {
		name, want string
		tree       func(file, folder string) string // from the hashes of a file and of a folder, as they stand in a tree
	}{
		{"slash", `"a/b" is no name`, func(file, _ string) string { return "100644 a/b\x00" + file }},
		{"escape", `"gen/\x1b[2J/x" cannot stay`, func(file, _ string) string { return "100644 \x1b[2J/x\x00" + file }},
		{"file twice", "gen/a cannot stay in the branch: it is there twice", func(file, _ string) string { return "100644 a\x00" + file + "100644 a\x00" + file }},
		{"file and folder", "gen/a cannot stay in the branch: it is there twice", func(file, folder string) string {
			return "100644 a\x00" + file + "100644 a.b\x00" + file + "40000 a\x00" + folder
		}},
		{"order", "gen/a cannot stay in the branch: it is in the wrong place", func(file, _ string) string { return "100644 b\x00" + file + "100644 a\x00" + file }},
		{"no content", "gen/z cannot stay in the branch: it has no content", func(string, string) string { return "100644 z\x00" + strings.Repeat("\x00", 20) }},
		{"padded mode", "gen/ is not written as Git writes trees today", func(_, folder string) string { return "040000 z\x00" + folder }},
		{"cut off", "is cut off", func(file, _ string) string { return "100644 z\x00" + file[:19] }},
		{"mode", `has the mode "10x"`, func(file, _ string) string { return "10x z\x00" + file }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := newTarget(t)
			file, folder := g.write("blob", "x"), g.tree("100644 x x")
			gen := g.write("tree", c.tree(string(file[:]), string(folder[:])))
			root := g.write("tree", "40000 gen\x00"+string(gen[:]))
			_, err := build(t.Context(), g, root, Plan{Dir: "gen", Files: wantedFiles(t, "new 1")})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestBuildRefusesOurOwnFaults(t *testing.T) {
	for _, wanted := range [][]string{{"a 1", "a/b 1"}, {".git/config 1"}, {"a/.Git 1"}} {
		if _, err := build(t.Context(), newTarget(t), plumbing.ZeroHash, Plan{Dir: "gen", Files: wantedFiles(t, wanted...)}); err == nil {
			t.Errorf("%v is not refused", wanted)
		}
	}
}

// TestBuildAboveDir leaves alone what stands beside the folder, and creates it as deep as it has to be.
func TestBuildAboveDir(t *testing.T) {
	g := newTarget(t)
	root := g.tree("100644 GEN/x 1", "100644 gen/deep.txt 1", "100644 gen/deep/Out 1", "120000 link x")
	b := g.build(root, Plan{Dir: "gen/deep/out.d", Files: wantedFiles(t, "a/b 1")})
	g.expect(b, []string{"A gen/deep/out.d/a/b"}, nil, nil)
	g.expectTree(b, root, []string{"100644 GEN/x 1", "100644 gen/deep.txt 1", "100644 gen/deep/Out 1", "100644 gen/deep/out.d/a/b 1", "120000 link x"}, "")
	b = g.build(b.Tree, Plan{Dir: "gen/deep/out.d", Files: wantedFiles(t), Owned: ownedFiles("a/b 1")})
	g.expect(b, []string{"D gen/deep/out.d/a/b"}, nil, nil)
	if b.Tree != root {
		t.Error("what was added and removed again leaves something behind")
	}
}

// TestBuildIsWhatGitWrites goes from a tree of random files to another one, and compares with what git makes of the same files
// on a disk. The names are those that Git sorts otherwise than a dictionary.
func TestBuildIsWhatGitWrites(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	names := []string{"a", "a-", "a.b", "a0", "b", "b.", "c+", "c"}
	files := func() map[string]string {
		made := map[string]string{}
		for range 1 + random.IntN(12) {
			path := names[random.IntN(len(names))]
			for range random.IntN(3) {
				path += "/" + names[random.IntN(len(names))]
			}
			made[path] = strconv.Itoa(random.IntN(4))
		}
		for path := range made { // no file is a folder
			for other := range made {
				if strings.HasPrefix(other, path+"/") {
					delete(made, other)
				}
			}
		}
		return made
	}
	lines := func(files map[string]string, prefix string) (lines []string) {
		for _, path := range slices.Sorted(maps.Keys(files)) {
			lines = append(lines, prefix+path+" "+files[path])
		}
		return lines
	}
	g := newTarget(t)
	tip, held := g.land(g.build(plumbing.ZeroHash, Plan{Dir: "x", Files: wantedFiles(t, "stay 1")}), plumbing.ZeroHash), map[string]string{}
	root := plumbing.NewHash(g.git("rev-parse", tip.String()+"^{tree}"))
	for range 40 {
		next := files()
		b := g.build(root, Plan{Dir: "gen", Files: wantedFiles(t, lines(next, "")...), Owned: ownedFiles(lines(held, "")...)})
		g.expect(b, changeLines(b.Changes), nil, nil)
		disk := t.TempDir()
		put(t, disk, "x/stay", "1")
		for path, content := range next {
			put(t, disk, "gen/"+path, content)
		}
		os.Remove(filepath.Join(g.dir, "index"))
		g.git("--work-tree", disk, "add", "-A")
		if want := g.git("write-tree"); b.Tree.String() != want {
			t.Fatalf("from %v to %v: tree %s, git says %s", held, next, b.Tree, want)
		}
		tip, root, held = g.land(b, tip), b.Tree, next
	}
}

// TestPack packs objects of all sizes at which the form of a size changes.
func TestPack(t *testing.T) {
	g := newTarget(t)
	var lines []string
	for _, size := range []int{0, 1, 15, 16, 17, 2047, 2048, 2049, 1<<18 - 1, 1 << 18, 5 << 20} {
		lines = append(lines, fmt.Sprintf("f%d %s", size, strings.Repeat("x", size)), fmt.Sprintf("again/f%d %s", size, strings.Repeat("x", size)))
	}
	b := g.build(plumbing.ZeroHash, Plan{Dir: "gen", Files: wantedFiles(t, lines...)})
	if len(b.objects) != 11+3 {
		t.Errorf("%d objects: equal files are packed more than once", len(b.objects))
	}
	g.land(b, plumbing.ZeroHash)
	if got := len(g.list(b.Tree)); got != len(lines) {
		t.Errorf("%d files arrived, of %d", got, len(lines))
	}
}

// TestBuildOnAFetch builds on what a remote sent.
func TestBuildOnAFetch(t *testing.T) {
	g := newTarget(t)
	root := g.tree("100644 README x", "100644 gen/a 1", "100644 gen/b/c 2", "100644 gen/b/note n")
	commit := g.git("-c", "user.name=Ada", "-c", "user.email=ada@soc.example", "commit-tree", "-m", "first", root.String())
	g.git("update-ref", "refs/heads/main", commit)
	remote, err := Open(g.dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	base, err := remote.Fetch(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	b, err := base.Build(t.Context(), Plan{Dir: "gen", Files: wantedFiles(t, "a 11", "d 3"), Owned: ownedFiles("a 1", "b/c 2")})
	if err != nil {
		t.Fatal(err)
	}
	g.expect(b, []string{"M gen/a", "D gen/b/c", "A gen/d"}, nil, []string{"gen/b/note"})
	g.land(b, base.Tip)
	if diff := cmp.Diff([]string{"100644 README x", "100644 gen/a 11", "100644 gen/b/note n", "100644 gen/d 3"}, g.list(b.Tree)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}
