package schemas_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"agentc/verify/object"
	"agentc/verify/schemas"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// product is the module whose go.mod says which versions the compiler writes for. The definitions are those of the same
// versions, so they are not pinned a second time.
const product = "../.."

// definitions are the CustomResourceDefinitions: a module, and the files below its folder.
var definitions = []struct {
	module, files string
	copied        bool // some of them are in crds
}{
	{"github.com/argoproj/argo-cd/v2", "manifests/crds/*-crd.yaml", true},
	{"github.com/argoproj/argo-rollouts", "manifests/crds/*-crd.yaml", true},
	{"github.com/cert-manager/cert-manager", "deploy/crds/*.yaml", true},
	{"github.com/cilium/cilium", "pkg/k8s/apis/cilium.io/client/crds/v2/*policies.yaml", true},
	{"github.com/kyverno/api", "config/crds/*.yaml", true},
	{"github.com/kyverno/kyverno", "config/crds/kyverno/*.yaml", false},
	{"github.com/kyverno/kyverno", "cmd/cli/kubectl-kyverno/config/crds/*.yaml", false},
}

// Prometheus' operator publishes its definitions outside of its Go modules; ours are generated from the types of this one.
const prometheus = "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring"

var generatedDefinitions = []string{
	"crds/monitoring.coreos.com_podmonitors.yaml",
	"crds/monitoring.coreos.com_prometheusrules.yaml",
}

// all are the schemas of every kind that a test meets: more than the judge carries.
type all struct {
	*schemas.Set
	native *openAPI
}

func (a *all) check(o *object.Object) []string {
	if !a.Knows(o.GroupVersionKind()) {
		return a.native.check(o)
	}
	var texts []string
	for _, p := range a.Check(o) {
		texts = append(texts, p.Text)
	}
	return texts
}

func (a *all) source(gvk schema.GroupVersionKind) string {
	return cmp.Or(a.Source(gvk), a.native.source(gvk))
}

// loaded is for all tests of the package: reading the definitions takes a second.
var loaded *all

func allSchemas(t *testing.T) *all {
	t.Helper()
	if loaded == nil {
		loaded = load(t)
	}
	return loaded
}

func load(t *testing.T) *all {
	t.Helper()
	kubernetes := download(t, ".", "k8s.io/kubernetes")
	native := &openAPI{"k8s.io/kubernetes " + kubernetes.Version, filepath.Join(kubernetes.Dir, "api", "openapi-spec", "v3"), map[schema.GroupVersionKind]*spec.Schema{}}
	set := schemas.New()
	for _, d := range definitions {
		m := download(t, product, d.module)
		files, err := filepath.Glob(filepath.Join(m.Dir, d.files))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s %s has no %s (%v)", d.module, m.Version, d.files, err)
		}
		for _, file := range files {
			addCRDs(t, set, d.module+" "+m.Version, file)
		}
	}
	source := prometheus + " " + download(t, product, prometheus).Version
	for _, file := range generatedDefinitions {
		addCRDs(t, set, source, file)
	}
	return &all{set, native}
}

func addCRDs(t *testing.T, set *schemas.Set, source, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = set.AddCRDs(source, data)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// TestCopies: the definitions that the judge carries are those of the modules that the compiler writes for.
func TestCopies(t *testing.T) {
	about, err := os.ReadFile("crds/README.md")
	if err != nil {
		t.Fatal(err)
	}
	published := map[string]string{} // by file name
	for _, d := range definitions {
		m := download(t, product, d.module)
		files, _ := filepath.Glob(filepath.Join(m.Dir, d.files))
		for _, file := range files {
			published[filepath.Base(file)] = file
		}
		if d.copied && !strings.Contains(string(about), "| "+m.Version+" |") {
			t.Errorf("crds/README.md does not name %s %s", d.module, m.Version)
		}
	}
	copies, _ := filepath.Glob("crds/*.yaml")
	for _, file := range copies {
		if slices.Contains(generatedDefinitions, file) {
			continue // published by nobody
		}
		ours, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := os.ReadFile(published[filepath.Base(file)])
		if err != nil || !bytes.Equal(ours, theirs) {
			t.Errorf("%s is not %s: copy it again (%v)", file, published[filepath.Base(file)], err)
		}
	}
	if len(copies) == 0 {
		t.Error("no copies")
	}
}

// TestEmbedded: every copy is used, and each gives the kind that the table says.
func TestEmbedded(t *testing.T) {
	for _, problem := range schemas.Unusable() {
		t.Error(problem)
	}
}

type module struct{ Version, Dir string }

// download finds a module of the build list of the module in a folder, and brings it into the cache if it is not there.
func download(t *testing.T, folder, path string) module {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", path)
	cmd.Dir = folder
	cmd.Stderr = &bytes.Buffer{}
	out, err := cmd.Output()
	var m module
	if err == nil {
		err = json.Unmarshal(out, &m)
	}
	if err != nil || m.Dir == "" {
		t.Fatalf("%s: %v\n%s%s", path, err, out, cmd.Stderr)
	}
	return m
}

// The definitions that were generated say from which version; that must be the one that the compiler links.
func TestGeneratedDefinitions(t *testing.T) {
	want := prometheus + " " + download(t, product, prometheus).Version + ","
	for _, file := range generatedDefinitions {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(string(data), "\n"); !strings.Contains(first, want) {
			t.Errorf("%s: generate it again: it is not from %s", file, want)
		}
	}
}
