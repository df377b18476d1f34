package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"agentc/compiler"
	"agentc/compiler/lock"
	"agentc/compiler/seal"
	"agentc/schema"
)

// cli runs the command and gives its exit code and what it printed.
func cli(args ...string) (int, string) {
	var out bytes.Buffer
	code := run(args, &out, &out)
	return code, out.String()
}

// sealedFolder is the fleet of `agentc init`, with generated/ as publishing leaves it.
type sealedFolder struct {
	dir   string // of the fleet
	key   *seal.Key
	seals *lock.Seals
}

func (f *sealedFolder) path(file string) string { return filepath.Join(f.dir, "generated", file) }

func (f *sealedFolder) write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(f.path(file), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (f *sealedFolder) read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(f.path(file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// edit replaces text in a file of the fleet.
func (f *sealedFolder) edit(t *testing.T, file, old, new string) {
	t.Helper()
	path := filepath.Join(f.dir, file)
	data, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(data, []byte(old)) {
		t.Fatalf("%s: %v, or no %q in it", file, err, old)
	}
	if err := os.WriteFile(path, bytes.Replace(data, []byte(old), []byte(new), 1), 0o644); err != nil {
		t.Fatal(err)
	}
}

// compiled compiles the folder in memory.
func (f *sealedFolder) compiled(t *testing.T) *compiler.Output {
	t.Helper()
	var dirs []schema.Dir
	for _, name := range []string{"agents.d", "policies"} {
		dirs = append(dirs, schema.Dir{Name: name, FS: os.DirFS(filepath.Join(f.dir, name))})
	}
	out, problems, err := compiler.Compile(false, dirs...)
	if err != nil || out == nil {
		t.Fatal(err, problems)
	}
	return out
}

func newSealedFolder(t *testing.T) *sealedFolder {
	t.Helper()
	key, _, err := seal.NewKey(seal.ES256)
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	f := &sealedFolder{dir: t.TempDir(), key: key}
	if code, out := cli("init", "-C", f.dir); code != exitFine {
		t.Fatal(out)
	}
	f.edit(t, "agents.d/platform.yaml", "bundle: {trust: git}", fmt.Sprintf("bundle: {trust: key, keys: [{id: publisher, key: %q}]}", public))
	if code, out := cli("compile", "-C", f.dir); code != exitFine {
		t.Fatal(out)
	}
	out := f.compiled(t)
	result, err := seal.Apply(out.Fleet.Environments, out.Tree, nil, seal.Options{Keys: []*seal.Key{key}, Now: time.Now(), Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	f.seals = result.Seals
	for file := range f.seals.Files {
		data, _ := result.Tree.File(file)
		f.write(t, file, data)
	}
	data, _ := result.Tree.File(lock.SealName)
	f.write(t, lock.SealName, data)
	f.write(t, lock.StatementName, f.statement(t, out, data))
	return f
}

func (f *sealedFolder) statement(t *testing.T, out *compiler.Output, sealData []byte) []byte {
	t.Helper()
	lockData, err := out.Lock.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	p := seal.Provenance{Repository: "https://git.example.com/demo/agents.git", Commit: strings.Repeat("0123456789", 4), Compiler: compiler.Version}
	data, err := seal.NewStatement(lockData, sealData, []string{"dev"}, p, []*seal.Key{f.key}, [][]schema.PublicKey{out.Fleet.Environments[0].Keys})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// bundleFile is a manifest that sealing changed.
func (f *sealedFolder) bundleFile(t *testing.T) string {
	t.Helper()
	files := slices.Sorted(maps.Keys(f.seals.Files))
	i := slices.IndexFunc(files, func(file string) bool { return strings.Contains(file, "/manifests/") })
	if i < 0 {
		t.Fatalf("sealing changed no manifest: %v", files)
	}
	return files[i]
}

func TestCheckOfSealedFolder(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, f *sealedFolder)
		want   []string // the lines of the output hold these, in this order; none: no drift
	}{
		{name: "as published", change: func(*testing.T, *sealedFolder) {}},
		{name: "no statement", change: func(t *testing.T, f *sealedFolder) { os.Remove(f.path(lock.StatementName)) }},
		{name: "a sealed file edited by hand", change: func(t *testing.T, f *sealedFolder) {
			file := f.bundleFile(t)
			f.write(t, file, append(f.read(t, file), "# by hand\n"...))
		}, want: []string{"was edited by hand"}},
		{name: "a file that no seal touches edited by hand", change: func(t *testing.T, f *sealedFolder) {
			f.write(t, "CODEOWNERS", []byte("* @eve\n"))
		}, want: []string{"CODEOWNERS:1:1: error: was edited by hand"}},
		{name: "a statement about another lock", change: func(t *testing.T, f *sealedFolder) {
			out := f.compiled(t)
			out.Lock.Fleet = "another"
			f.write(t, lock.StatementName, f.statement(t, out, f.read(t, lock.SealName)))
		}, want: []string{"agentc.intoto.json:1:1: error: does not vouch for these files: it is not about this"}},
		{name: "a statement by somebody else", change: func(t *testing.T, f *sealedFolder) {
			other, _, err := seal.NewKey(seal.ES256)
			if err != nil {
				t.Fatal(err)
			}
			public, err := other.PublicPEM()
			if err != nil {
				t.Fatal(err)
			}
			out := f.compiled(t)
			f.key, out.Fleet.Environments[0].Keys[0].Key = other, public
			f.write(t, lock.StatementName, f.statement(t, out, f.read(t, lock.SealName)))
		}, want: []string{"agentc.intoto.json:1:1: error: does not vouch for these files: its signature is by no key"}},
		{name: "a damaged statement", change: func(t *testing.T, f *sealedFolder) { f.write(t, lock.StatementName, []byte("<<<<<<<\n")) },
			want: []string{"agentc.intoto.json:1:1: error: does not vouch for these files"}},
		{name: "a signed statement, and no seals", want: []string{"agentc.intoto.json:1:1: error: does not vouch for these files"}, change: func(t *testing.T, f *sealedFolder) {
			if code, out := cli("compile", "-C", f.dir); code != exitFine {
				t.Fatal(out)
			}
			f.write(t, lock.StatementName, f.statement(t, f.compiled(t), nil))
		}},
		{name: "a seal that does not hold", change: func(t *testing.T, f *sealedFolder) {
			for env, s := range f.seals.Bundles {
				s.Sequence++
				f.seals.Bundles[env] = s
			}
			data, err := f.seals.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			f.write(t, lock.SealName, data)
		}, want: []string{"agentc.intoto.json:1:1: error: does not vouch for", "agentc.seal.json:1:1: error: does not follow", "manifests/"}},
		{name: "a field too many in the seals", change: func(t *testing.T, f *sealedFolder) {
			f.write(t, lock.SealName, bytes.Replace(f.read(t, lock.SealName), []byte("{"), []byte(`{"more": 1,`), 1))
		}, want: []string{"agentc.seal.json is damaged"}},
		{name: "seals of a newer agentc", change: func(t *testing.T, f *sealedFolder) {
			f.write(t, lock.SealName, []byte(`{"format": 99}`))
		}, want: []string{"agentc.seal.json has format 99"}},
		{name: "a pipe for seals", change: func(t *testing.T, f *sealedFolder) {
			if err := errors.Join(os.Remove(f.path(lock.SealName)), syscall.Mkfifo(f.path(lock.SealName), 0o644)); err != nil {
				t.Fatal(err)
			}
		}, want: []string{"agentc.seal.json:1:1: error: is not ours"}},
		{name: "a link for seals", change: func(t *testing.T, f *sealedFolder) {
			if err := errors.Join(os.Rename(f.path(lock.SealName), f.path("../seals")), os.Symlink("../seals", f.path(lock.SealName))); err != nil {
				t.Fatal(err)
			}
		}, want: []string{"agentc.seal.json:1:1: error: is not ours"}},
		{name: "the spec changed", change: func(t *testing.T, f *sealedFolder) {
			f.edit(t, "agents.d/hello.yaml", "Says hello", "Says good day")
		}, want: []string{"agentc.intoto.json:1:1: error: does not vouch", "agentc.lock.json:1:1: error: is not the lock of this spec"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newSealedFolder(t)
			test.change(t, f)
			code, out := cli("check", "-C", f.dir)
			if len(test.want) == 0 && (code != exitFine || out != "") {
				t.Errorf("exit code %d, want no drift\n%s", code, out)
			}
			rest := out
			for _, want := range test.want {
				_, after, found := strings.Cut(rest, want)
				if code != exitSpec || !found {
					t.Errorf("exit code %d, want %d and %q\n%s", code, exitSpec, want, out)
				}
				rest = after
			}
		})
	}
}

// Compile takes the seals away again, and calls nothing edited.
func TestCompileOverSealedFolder(t *testing.T) {
	f := newSealedFolder(t)
	if len(f.seals.Bundles) == 0 || len(f.seals.Cards) == 0 {
		t.Fatalf("not everything is sealed: %+v", f.seals)
	}
	if code, out := cli("compile", "-C", f.dir); code != exitFine || !strings.Contains(out, "3 removed") {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	for _, name := range []string{lock.SealName, lock.StatementName} {
		if _, err := os.Stat(f.path(name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	if code, out := cli("check", "-C", f.dir); code != exitFine || out != "" {
		t.Errorf("exit code %d\n%s", code, out)
	}
	var written lock.Lock
	if err := json.Unmarshal(f.read(t, lock.Name), &written); err != nil {
		t.Fatal(err)
	}
	for file, digest := range written.Artifacts {
		if got := lock.Digest(f.read(t, file)); got != digest {
			t.Errorf("%s is not what the lock says", file)
		}
	}
}
