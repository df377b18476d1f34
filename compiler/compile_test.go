package compiler_test

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"agentc/compiler"
	"agentc/schema"
)

// fleets are the specs that are compiled whole.
var fleets = []string{"..", "testdata/payments"}

func open(root string, wrap func(fs.FS) fs.FS) []schema.Dir {
	return []schema.Dir{
		{Name: "agents.d", FS: wrap(os.DirFS(root + "/agents.d"))},
		{Name: "policies", FS: wrap(os.DirFS(root + "/policies"))},
	}
}

func same(f fs.FS) fs.FS { return f }

// shuffled lists folders in another order each time, as another file system might.
type shuffled struct {
	fs.FS
	rand *rand.Rand
}

func (s shuffled) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(s.FS, name)
	s.rand.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	return entries, err
}

// TestDeterminism compiles each fleet twenty times from folders in different order and expects the same lock, which holds
// the digest of every artifact. What surrounds the process is varied in cmd/agentc's test of the same name.
func TestDeterminism(t *testing.T) {
	for _, root := range fleets {
		var first string
		for i := range uint64(20) {
			shuffle := func(f fs.FS) fs.FS { return shuffled{f, rand.New(rand.NewPCG(i, i))} }
			lock := compileLock(t, open(root, shuffle))
			if first == "" {
				first = lock
			}
			if lock != first {
				t.Fatalf("%s: run %d gives another lock:\n%s", root, i, firstDifference(first, lock))
			}
		}
	}
}

func compileLock(t *testing.T, dirs []schema.Dir) string {
	t.Helper()
	out, problems, err := compiler.Compile(false, dirs...)
	if err != nil || out == nil {
		t.Fatalf("%v %v", err, problems)
	}
	lock, err := out.Lock.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return string(lock)
}

func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return as[i] + "\n" + bs[i]
		}
	}
	return "one is longer"
}

// TestShippedFleetIsCompiled: generated/ is what follows from agents.d and policies.
func TestShippedFleetIsCompiled(t *testing.T) {
	lock := compileLock(t, open("..", same))
	have, err := os.ReadFile("../generated/agentc.lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if lock != string(have) {
		t.Errorf("generated/ is stale; run `make compile`:\n%s", firstDifference(string(have), lock))
	}
}

// TestNothingIsBuiltIn: no word of the shipped fleet stands in what another fleet compiles to.
func TestNothingIsBuiltIn(t *testing.T) {
	out, _, err := compiler.Compile(false, open("testdata/payments", same)...)
	if err != nil || out == nil {
		t.Fatal(err)
	}
	for _, path := range out.Tree.Paths() {
		data, _ := out.Tree.File(path)
		for _, word := range []string{"soc.example", "soc-", "remediate", "mistral", "cluster-tools"} {
			if strings.Contains(strings.ToLower(string(data)), word) {
				t.Errorf("%s of the payments fleet speaks of %q", path, word)
			}
		}
	}
}

// TestAgentsHaveNoRights: nothing that is applied gives anybody rights in the cluster; agents need none.
func TestAgentsHaveNoRights(t *testing.T) {
	for _, root := range fleets {
		out, _, err := compiler.Compile(false, open(root, same)...)
		if err != nil || out == nil {
			t.Fatal(err)
		}
		for _, path := range out.Tree.Paths() {
			data, _ := out.Tree.File(path)
			if strings.Contains(path, "/manifests/") && strings.Contains(string(data), "\napiVersion: rbac.authorization.k8s.io/") {
				t.Errorf("%s of %s holds an object of RBAC", path, root)
			}
		}
	}
}
