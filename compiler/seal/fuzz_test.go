package seal_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"strings"
	"testing"

	"agentc/compiler/lock"
	"agentc/compiler/seal"

	"github.com/google/go-cmp/cmp"
)

// FuzzApply writes text over some part of good seals, as anybody could who may push to the branch. What Apply keeps, OPA
// verifies; what it does not keep is as it was compiled; and what comes out is stable.
func FuzzApply(f *testing.F) {
	key := sameKey(f)
	out := compile(f, same, "{trust: git, keys: ["+listed(f, "publisher", key)+"]}")
	env := out.Fleet.Environments[0]
	good := apply(f, out, nil, at(noon, key))
	compiled := archive(f, out.Tree, env)
	public, err := key.PublicPEM()
	if err != nil {
		f.Fatal(err)
	}
	data, err := good.Seals.Bytes()
	if err != nil {
		f.Fatal(err)
	}
	over := func(old, new string) {
		i := strings.Index(string(data), old)
		f.Add(uint16(i), uint16(i+len(old)), new)
	}
	over(`"sequence": 1`, `"sequence": 2`)
	over(`"key": "publisher"`, `"key": ""`)
	over(`"not_after": "2027`, `"not_after": "2099`)
	over(`"cards": {`, `"sequences": {"env-0": 3}, "cards": {`)
	over(`"bundles": {`, `"bundles": null, "Bundles": {`)
	over(string(data), `{"format":1}`)
	f.Fuzz(func(t *testing.T, from, to uint16, text string) {
		start, end := min(int(from), len(data)), min(int(to), len(data))
		old, err := lock.ParseSeals([]byte(string(data[:start]) + text + string(data[max(start, end):])))
		if err != nil {
			return
		}
		r, err := seal.Apply(out.Fleet.Environments, out.Tree, old, seal.Options{})
		if err != nil {
			return
		}
		packed := archive(t, r.Tree, env)
		switch s, sealed := r.Seals.Bundles["env-0"]; {
		case !sealed && !bytes.Equal(packed, compiled):
			t.Error("the bundle changed without a seal")
		case sealed:
			b, err := load(packed, "publisher", seal.ES256, public)
			if err != nil || s != old.Bundles["env-0"] || b.Manifest.Metadata["not_after"] != s.NotAfter {
				t.Errorf("kept %+v: %v", s, err)
			}
		}
		for name, c := range r.Seals.Cards {
			if c != good.Seals.Cards[name] {
				t.Errorf("kept %s: %+v", name, c)
			}
		}
		again := apply(t, out, r.Seals, seal.Options{})
		if d := cmp.Diff(r.Seals, again.Seals); d != "" {
			t.Error(d)
		}
	})
}

// sameKey is the same key in every process that fuzzes.
func sameKey(f *testing.F) *seal.Key {
	f.Helper()
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	if err != nil {
		f.Fatal(err)
	}
	f.Setenv("TEST_SEAL_KEY", string(pkcs8(private)))
	key, err := seal.LoadKey("env:TEST_SEAL_KEY")
	if err != nil {
		f.Fatal(err)
	}
	return key
}
