package schemas_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"agentc/verify/schemas"
)

// product is the module whose go.mod says which versions the compiler writes for. The definitions are those of the same
// versions, so they are not pinned a second time.
const product = "../.."

// definitions are the CustomResourceDefinitions: a module, and the files below its folder.
var definitions = []struct{ module, files string }{
	{"github.com/argoproj/argo-cd/v2", "manifests/crds/*-crd.yaml"},
	{"github.com/argoproj/argo-rollouts", "manifests/crds/*-crd.yaml"},
	{"github.com/cert-manager/cert-manager", "deploy/crds/*.yaml"},
	{"github.com/cilium/cilium", "pkg/k8s/apis/cilium.io/client/crds/v2/*policies.yaml"},
	{"github.com/kyverno/api", "config/crds/*.yaml"},
	{"github.com/kyverno/kyverno", "config/crds/kyverno/*.yaml"},
	{"github.com/kyverno/kyverno", "cmd/cli/kubectl-kyverno/config/crds/*.yaml"},
}

// Prometheus' operator publishes its definitions outside of its Go modules; ours are generated from the types of this one.
const prometheus = "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring"

var generatedDefinitions = []string{
	"testdata/monitoring.coreos.com_podmonitors.yaml",
	"testdata/monitoring.coreos.com_prometheusrules.yaml",
}

// loaded is the Set for all tests of the package, which run one after the other: reading the definitions takes a second.
var loaded *schemas.Set

func allSchemas(t *testing.T) *schemas.Set {
	t.Helper()
	if loaded == nil {
		loaded = load(t)
	}
	return loaded
}

func load(t *testing.T) *schemas.Set {
	t.Helper()
	kubernetes := download(t, ".", "k8s.io/kubernetes")
	set := schemas.New("k8s.io/kubernetes "+kubernetes.Version, filepath.Join(kubernetes.Dir, "api", "openapi-spec", "v3"))
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
	return set
}

func addCRDs(t *testing.T, set *schemas.Set, source, file string) {
	t.Helper()
	if err := set.AddCRDs(source, file); err != nil {
		t.Fatal(err)
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
