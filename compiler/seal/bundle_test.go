package seal_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"agentc/compiler/artifact"
	"agentc/compiler/model"
	"agentc/compiler/seal"

	"github.com/google/go-cmp/cmp"
	opa "github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/rego"
)

// load is how stock OPA loads a bundle whose signature it is to verify. Nothing of ours has a say in it.
func load(archive []byte, id, algorithm, public string) (opa.Bundle, error) {
	keys := map[string]*opa.KeyConfig{id: {Key: public, Algorithm: algorithm}}
	return opa.NewReader(bytes.NewReader(archive)).WithBundleVerificationConfig(opa.NewVerificationConfig(keys, "", "", nil)).Read()
}

// verifier loads by a key.
func verifier(t testing.TB, id, algorithm string, key *seal.Key) func(archive []byte) (opa.Bundle, error) {
	t.Helper()
	public, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	return func(archive []byte) (opa.Bundle, error) { return load(archive, id, algorithm, public) }
}

// TestOPAAccepts: both algorithms, in a ConfigMap and as a file; and the sealed bundle decides as the compiled one does.
func TestOPAAccepts(t *testing.T) {
	for _, algorithm := range []string{seal.ES256, seal.RS256} {
		key := newKey(t, algorithm)
		keys := ", keys: [" + listed(t, "publisher", key) + "]"
		out := compile(t, same, "{trust: key"+keys+"}", "{trust: key, endpoint: store, path: /demo/bundle.tar.gz"+keys+"}")
		r := apply(t, out, nil, at(noon, key))
		for _, env := range out.Fleet.Environments {
			sealed := archive(t, r.Tree, env)
			b, err := verifier(t, "publisher", algorithm, key)(sealed)
			if err != nil {
				t.Fatalf("%s %s: %v", algorithm, env.Name, err)
			}
			want := map[string]any{"format": 1.0, "environment": env.Name, "fleet": "demo", "sequence": 1.0, "not_after": "2027-05-30T12:00:00Z"}
			got := map[string]any{}
			for name, value := range b.Manifest.Metadata {
				got[name] = value
				if n, ok := value.(interface{ Float64() (float64, error) }); ok {
					got[name], _ = n.Float64()
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s %s: %s", algorithm, env.Name, d)
			}
			unsealed, err := opa.NewReader(bytes.NewReader(archive(t, out.Tree, env))).Read()
			if err != nil {
				t.Fatal(err)
			}
			for _, caller := range []string{"greeter", "stranger"} {
				before, after := verdict(t, unsealed, env, caller), verdict(t, b, env, caller)
				if before != after || (caller == "stranger") != (after == "auto-reject") {
					t.Errorf("%s asks hello in %s: %q as compiled, %q sealed", caller, env.Name, before, after)
				}
			}
			inFolder(t, r.Tree, env, unpack(t, sealed))
		}
	}
}

// verdict of a bundle on a call of hello.
func verdict(t *testing.T, b opa.Bundle, env *model.Environment, caller string) string {
	t.Helper()
	input := map[string]any{
		"subject":  map[string]any{"type": "agent", "id": "spiffe://" + env.TrustDomain + "/ns/demo-" + caller + "/sa/" + caller},
		"action":   map[string]any{"name": "greet"},
		"resource": map[string]any{"type": "agent", "id": "hello"},
		"context":  map[string]any{},
	}
	rs, err := rego.New(rego.ParsedBundle("demo", &b), rego.Query("data.agentc.decision.context.verdict"), rego.Input(input), rego.StrictBuiltinErrors(true)).Eval(context.Background())
	if err != nil || len(rs) != 1 {
		t.Fatal(rs, err)
	}
	return rs[0].Expressions[0].Value.(string)
}

// inFolder: the folder for reviewers holds what the archive holds.
func inFolder(t *testing.T, tree *artifact.Tree, env *model.Environment, files []artifact.File) {
	t.Helper()
	packed, folder := map[string]string{}, map[string]string{}
	for _, f := range files {
		packed[f.Path] = string(f.Data)
	}
	for path, data := range contents(tree) {
		if name, ok := strings.CutPrefix(path, env.Name+"/bundle/"); ok {
			folder[name] = data
		}
	}
	if d := cmp.Diff(folder, packed); d != "" {
		t.Errorf("%s: the archive is not the folder (-folder +archive):\n%s", env.Name, d)
	}
	if !slices.IsSortedFunc(files, func(a, b artifact.File) int { return strings.Compare(a.Path, b.Path) }) {
		t.Error("the archive is not sorted")
	}
}

// TestOPARefuses: one byte of any file, a file more or less, another key, the seal of another environment.
func TestOPARefuses(t *testing.T) {
	key, other := newKey(t, seal.ES256), newKey(t, seal.ES256)
	bundle := "{trust: key, keys: [" + listed(t, "publisher", key) + "]}"
	out := compile(t, same, bundle, bundle)
	r := apply(t, out, nil, at(noon, key))
	env := out.Fleet.Environments[0]
	files := unpack(t, archive(t, r.Tree, env))
	accepts := verifier(t, "publisher", seal.ES256, key)
	refuse := func(what string, files []artifact.File) {
		t.Helper()
		if _, err := accepts(pack(t, files)); err == nil {
			t.Errorf("OPA accepts a bundle with %s", what)
		}
	}
	if _, err := accepts(pack(t, files)); err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		changed := slices.Clone(files)
		changed[i].Data = flip(f.Data)
		refuse("one byte changed in "+f.Path, changed)
		refuse("no "+f.Path, slices.Delete(slices.Clone(files), i, i+1))
	}
	for _, name := range []string{"agentc/more.rego", "more/data.json", "more.txt"} {
		refuse("a file more, "+name, append(slices.Clone(files), artifact.File{Path: name, Data: []byte("{}")}))
	}
	foreign := unpack(t, archive(t, r.Tree, out.Fleet.Environments[1]))
	changed := slices.Clone(files)
	changed[1] = foreign[1]
	if changed[1].Path != ".signatures.json" {
		t.Fatal(changed[1].Path)
	}
	refuse("the signature of another environment's bundle", changed)
	if _, err := verifier(t, "publisher", seal.ES256, other)(pack(t, files)); err == nil {
		t.Error("OPA accepts the bundle by another key of the same id")
	}
	if _, err := verifier(t, "publisher-2", seal.ES256, key)(pack(t, files)); err == nil {
		t.Error("OPA accepts the bundle by a key of another id")
	}
	if _, err := load(archive(t, out.Tree, env), "publisher", seal.ES256, ""); err == nil {
		t.Error("OPA accepts the bundle as it was compiled")
	}
}

// flip changes one letter or digit in the middle of a text: white space means nothing in data.
func flip(data []byte) []byte {
	changed := bytes.Clone(data)
	for i := len(changed) / 2; i < len(changed); i++ {
		if c := changed[i]; c >= 'b' && c <= 'y' || c >= '1' && c <= '8' {
			changed[i]++
			return changed
		}
	}
	panic("nothing to change")
}
