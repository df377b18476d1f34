package seal_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"agentc/compiler"
	"agentc/compiler/artifact"
	"agentc/compiler/emit"
	"agentc/compiler/fleettest"
	"agentc/compiler/lock"
	"agentc/compiler/model"
	"agentc/compiler/seal"
	"agentc/schema"

	corev1 "k8s.io/api/core/v1"
)

// noon is when the tests seal, for ninety days.
var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	day  = 24 * time.Hour
	life = 90 * day
)

func at(now time.Time, keys ...*seal.Key) seal.Options {
	return seal.Options{Keys: keys, Now: now, Life: life}
}

func newKey(t testing.TB, algorithm string) *seal.Key {
	t.Helper()
	key, _, err := seal.NewKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// listed is a bundle.keys entry.
func listed(t testing.TB, id string, key *seal.Key) string {
	t.Helper()
	text, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("{id: %s, key: %q}", id, text)
}

// Changes of the agent hello: one that its bundle shows, and one that only its cards do.
var (
	same    = [2]string{}
	tagged  = [2]string{"[writing]", "[writing, greeting]"}
	politer = [2]string{"Says hello", "Says good day"}
)

// compile makes the fleet of `agentc init`, with an environment for each of the bundle settings: env-0, env-1 …
func compile(t testing.TB, change [2]string, bundles ...string) *compiler.Output {
	t.Helper()
	files := fstest.MapFS{}
	for _, path := range []string{"agents.d/platform.yaml", "agents.d/greeter.yaml", "agents.d/hello.yaml", "policies/reviewers.yaml"} {
		files[path] = &fstest.MapFile{Data: []byte(fleettest.Template(path)), Mode: 0o644}
	}
	platform := replace(t, fleettest.Template("agents.d/platform.yaml"), "  endpoints:\n",
		"  endpoints:\n    - {name: store, type: service, host: store.example.com, port: 443}\n")
	head, env, _ := strings.Cut(platform, "    - name: dev")
	for i, bundle := range bundles {
		one := "    - name: env-" + fmt.Sprint(i) + env
		one = replace(t, one, "trustDomain: dev.", fmt.Sprintf("trustDomain: env-%d.", i))
		one = replace(t, one, pemOf(t, one), authority(t))
		one = replace(t, one, "{trust: git} # later: key, with the public key that seals bundles", bundle)
		head += one
	}
	files["agents.d/platform.yaml"].Data = []byte(head)
	if change != same {
		files["agents.d/hello.yaml"].Data = []byte(replace(t, fleettest.Template("agents.d/hello.yaml"), change[0], change[1]))
	}
	var dirs []schema.Dir
	for _, name := range []string{"agents.d", "policies"} {
		sub, err := fs.Sub(files, name)
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, schema.Dir{Name: name, FS: sub})
	}
	out, problems, err := compiler.Compile(false, dirs...)
	if err != nil || out == nil {
		t.Fatal(err, problems)
	}
	return out
}

// pemOf is the certificate in a text, in the lines of a YAML list.
func pemOf(t testing.TB, text string) string {
	t.Helper()
	_, block, ok := strings.Cut(text, "-----BEGIN CERTIFICATE-----\n")
	block, _, found := strings.Cut(block, "-----END CERTIFICATE-----\n")
	if !ok || !found {
		t.Fatal("the template has no certificate")
	}
	return block
}

// authority is the certificate of a new CA, in lines like those.
func authority(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "example CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-day), NotAfter: time.Now().Add(1000 * day),
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), "\n")
	const indent = "          "
	return indent + strings.Join(lines[1:len(lines)-2], "\n"+indent) + "\n" + indent
}

func replace(t testing.TB, text, old, new string) string {
	t.Helper()
	if strings.Count(text, old) != 1 {
		t.Fatalf("the template has not one %q", old)
	}
	return strings.Replace(text, old, new, 1)
}

func apply(t testing.TB, out *compiler.Output, old *lock.Seals, o seal.Options) *seal.Result {
	t.Helper()
	r, err := seal.Apply(out.Fleet.Environments, out.Tree, old, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// archive is the packed bundle of an environment as a tree holds it.
func archive(t testing.TB, tree *artifact.Tree, env *model.Environment) []byte {
	t.Helper()
	if data, ok := tree.File(env.Name + "/bundle.tar.gz"); ok {
		return data
	}
	for _, o := range tree.Objects(env.Name + "/manifests/demo-system/bundle.yaml") {
		if c, ok := o.Value.(*corev1.ConfigMap); ok && c.Name == "demo-bundle" {
			return c.BinaryData["bundle.tar.gz"]
		}
	}
	t.Fatalf("%s has no packed bundle", env.Name)
	return nil
}

// unpack lists the files of an archive.
func unpack(t testing.TB, archive []byte) []artifact.File {
	t.Helper()
	zr, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	var files []artifact.File
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, artifact.File{Path: h.Name, Data: data})
	}
}

func pack(t testing.TB, files []artifact.File) []byte {
	t.Helper()
	data, err := emit.PackBundle(files)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// contents of a tree, by path.
func contents(tree *artifact.Tree) map[string]string {
	all := map[string]string{}
	for _, path := range tree.Paths() {
		data, _ := tree.File(path)
		all[path] = string(data)
	}
	return all
}
