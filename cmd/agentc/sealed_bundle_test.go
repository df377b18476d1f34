package main

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"agentc/compiler"
	"agentc/compiler/seal"
	"agentc/decision/bundle"
	"agentc/decision/engine"
	"agentc/schema"
)

// TestSealedBundle: what the publisher seals, agentd takes, by either kind of key, and by no other.
func TestSealedBundle(t *testing.T) {
	for _, algorithm := range []string{seal.ES256, seal.RS256} {
		key, _, err := seal.NewKey(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		out := shippedWith(t, key)
		sealed, err := seal.Apply(out.Fleet.Environments, out.Tree, nil, seal.Options{Keys: []*seal.Key{key}, Now: time.Now(), Life: 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{}
		for _, path := range sealed.Tree.Paths() {
			if name, inside := strings.CutPrefix(path, "prod/bundle/"); inside {
				files[name], _ = sealed.Tree.File(path)
			}
		}
		b, err := bundle.Of(files)
		if err != nil || !b.Sealed() || b.Manifest.Metadata.Sequence != 1 {
			t.Fatalf("%s: %+v, %v", algorithm, b, err)
		}
		if err := b.Verify(bundle.Keys{"publisher-2026": key.Signer.Public()}); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
		other, _, err := seal.NewKey(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Verify(bundle.Keys{"publisher-2026": other.Signer.Public()}); err == nil {
			t.Errorf("%s: another key is taken", algorithm)
		}
		if _, err := engine.New(t.Context(), b, engine.Options{}); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

var listedKey = regexp.MustCompile(`(?s)( *)-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n`)

// shippedWith is the shipped fleet, whose prod is sealed by a key of the test's.
func shippedWith(t *testing.T, key *seal.Key) *compiler.Output {
	t.Helper()
	public, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	public = strings.TrimSpace(public)
	var dirs []schema.Dir
	for _, name := range []string{"agents.d", "policies"} {
		files := fstest.MapFS{}
		err := fs.WalkDir(os.DirFS("../../"+name), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile("../../" + name + "/" + path)
			files[path] = &fstest.MapFile{Data: data, Mode: 0o644}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if platform := files["platform.yaml"]; platform != nil {
			platform.Data = listedKey.ReplaceAllFunc(platform.Data, func(old []byte) []byte {
				indent := string(listedKey.FindSubmatch(old)[1])
				return []byte(indent + strings.ReplaceAll(public, "\n", "\n"+indent) + "\n")
			})
		}
		dirs = append(dirs, schema.Dir{Name: name, FS: files})
	}
	out, problems, err := compiler.Compile(false, dirs...)
	if err != nil || out == nil {
		t.Fatal(err, problems)
	}
	return out
}
