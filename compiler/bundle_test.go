package compiler_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"agentc/compiler"
	"agentc/compiler/fleettest"
	"agentc/schema"

	corev1 "k8s.io/api/core/v1"
)

// bundleFleet is the fleet that `agentc init` writes, with other words about the bundle and further files.
func bundleFleet(t *testing.T, bundle string, more map[string]string) []schema.Dir {
	t.Helper()
	files := fstest.MapFS{}
	for _, path := range []string{"agents.d/platform.yaml", "agents.d/greeter.yaml", "agents.d/hello.yaml", "policies/reviewers.yaml"} {
		files[path] = &fstest.MapFile{Data: []byte(fleettest.Template(path)), Mode: 0o644}
	}
	for path, text := range more {
		files[path] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	if bundle != "" {
		platform := string(files["agents.d/platform.yaml"].Data)
		for _, change := range [][2]string{
			{"      bundle: {trust: git} # later: key, with the public key that seals bundles\n", bundle},
			{"  endpoints:\n", "  endpoints:\n    - {name: store, type: service, host: store.example.com, port: 443}\n"},
		} {
			if strings.Count(platform, change[0]) != 1 {
				t.Fatalf("the template has not one line %q", change[0])
			}
			platform = strings.Replace(platform, change[0], change[1], 1)
		}
		files["agents.d/platform.yaml"].Data = []byte(platform)
	}
	var dirs []schema.Dir
	for _, name := range []string{"agents.d", "policies"} {
		sub, err := fs.Sub(files, name)
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, schema.Dir{Name: name, FS: sub})
	}
	return dirs
}

// fetched says that agentd fetches sealed bundles from an endpoint.
func fetched(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return fmt.Sprintf("      bundle: {trust: key, endpoint: store, path: /demo/bundle.tar.gz, keys: [{id: publisher, key: %q}]}\n", text)
}

// noise is Rego of some 2 MB, in files as large as may be, that no compression brings below the limit of a ConfigMap.
func noise() map[string]string {
	random := mathrand.New(mathrand.NewPCG(1, 1))
	files := map[string]string{}
	for i := range 2 {
		letters := make([]byte, 1_000_000)
		for j := range letters {
			letters[j] = 'a' + byte(random.IntN(26))
		}
		files[fmt.Sprintf("policies/noise-%d.rego", i)] = fmt.Sprintf("package reviewers.soc\n\n# %s\n", letters)
	}
	return files
}

// TestBundleFromEndpoint: where the platform names an endpoint, the bundle is a file to be put there, every layer follows,
// and its size does not matter.
func TestBundleFromEndpoint(t *testing.T) {
	out, problems, err := compiler.Compile(true, bundleFleet(t, fetched(t), noise())...)
	if err != nil || out == nil {
		t.Fatal(err, problems)
	}
	if archive, _ := out.Tree.File("dev/bundle.tar.gz"); len(archive) < 900<<10 {
		t.Errorf("the bundle has %d bytes", len(archive))
	}
	if _, found := out.Tree.File("dev/manifests/demo-system/bundle.yaml"); found {
		t.Error("there is a ConfigMap too")
	}
	agentd, _ := out.Tree.File("dev/manifests/demo-system/agentd.yaml")
	for _, line := range []string{"--bundle=https://store.example.com:443/demo/bundle.tar.gz", "- matchName: store.example.com\n"} {
		if !strings.Contains(string(agentd), line) {
			t.Errorf("agentd.yaml does not hold %q", line)
		}
	}
	if strings.Contains(string(agentd), "demo-bundle") {
		t.Error("agentd mounts the ConfigMap that is not there")
	}
}

// TestBundleSize: a bundle that outgrows its ConfigMap is the author's problem, at the environment.
func TestBundleSize(t *testing.T) {
	out, problems, err := compiler.Compile(false, bundleFleet(t, "", noise())...)
	if err != nil || out != nil || len(problems) != 1 {
		t.Fatalf("got %v %v, want one problem", problems, err)
	}
	above, _, _ := strings.Cut(fleettest.Template("agents.d/platform.yaml"), "    - name: dev")
	want := schema.Position{File: "agents.d/platform.yaml", Line: strings.Count(above, "\n") + 1, Column: len("    - ") + 1}
	p := problems[0]
	if p.Rule != compiler.RuleBundleSize || p.Severity != schema.Error || p.Position != want {
		t.Errorf("got %v, want %s at %v", p, compiler.RuleBundleSize, want)
	}
	for _, way := range []string{"bundle.endpoint", "split the fleet"} {
		if !strings.Contains(p.Message, way) {
			t.Errorf("%q does not name %q", p.Message, way)
		}
	}
}

// TestBundleOfTenThousandAgentsFits, judged by a twentieth of them: the bundle grows with the fleet, and no faster.
func TestBundleOfTenThousandAgentsFits(t *testing.T) {
	out, problems, err := compiler.Compile(true, fleettest.Fleet(500, 0)...)
	if err != nil || out == nil {
		t.Fatal(err, problems)
	}
	objects := out.Tree.Objects("dev/manifests/demo-system/bundle.yaml")
	if len(objects) != 1 {
		t.Fatalf("%d objects, want the ConfigMap", len(objects))
	}
	if size := len(objects[0].Value.(*corev1.ConfigMap).BinaryData["bundle.tar.gz"]); size > 900<<10/20 {
		t.Errorf("500 agents take %d bytes of a ConfigMap", size)
	}
}
