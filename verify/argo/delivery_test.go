// Package argo asks Argo CD's own types and rules what the generated delivery/ means. It is a module of its own: these types
// need an engine to be replaced (gitops-engine/go.mod says why), and older libraries than the compiler may have.
package argo

import (
	"path/filepath"
	"testing"

	"github.com/argoproj/argo-cd/v2/pkg/apis/application/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// delivery is what Argo CD is given for one environment, and what it was made of.
type delivery struct {
	platform     platform
	env          environment
	folder       string // of the environment
	project      v1alpha1.AppProject
	applications []v1alpha1.Application
	manifests    map[string][]unstructured.Unstructured // by file, below the folder that is synced
}

var questions = []struct {
	name string
	ask  func(*testing.T, delivery)
}{
	{"written again", writtenAgain},
	{"project", validProject},
	{"repository", onlyThisRepository},
	{"namespaces", onlyTheFleetsNamespaces},
	{"cluster", onlyThisCluster},
	{"manifests", manifestsArePermitted},
	{"foreign kinds", foreignKinds},
	{"kinds stay in place", kindsStayInPlace},
	{"Applications of others", applicationsOfOthers},
	{"every file once", everyFileOnce},
	{"source", source},
	{"destination", destination},
	{"sync policy", syncPolicy},
	{"retries", retries},
	{"deletion", deletion},
}

// TestDelivery asks every question of every environment: of this repository's fleet as it is committed, of another one, and of
// that with all that a Platform can say of Git.
func TestDelivery(t *testing.T) {
	payments := filepath.Join(product, "compiler", "testdata", "payments")
	allSaid := withAllSaid(t, payments, "4AEE18F83AFDEB23", "ABCDEF0123456789")
	for name, f := range map[string]fleet{
		"soc":                {product, filepath.Join(product, "generated")},
		"payments":           {payments, compile(t, payments)},
		"payments, all said": {allSaid, compile(t, allSaid)},
	} {
		for _, d := range deliveries(t, f) {
			for _, q := range questions {
				t.Run(name+"/"+d.env.Name+"/"+q.name, func(t *testing.T) { q.ask(t, d) })
			}
		}
	}
}

func deliveries(t *testing.T, f fleet) []delivery {
	t.Helper()
	p := written(t, f.root)
	if len(p.Spec.Environments) == 0 {
		t.Fatalf("%s has no environment", f.root)
	}
	var all []delivery
	for _, env := range p.Spec.Environments {
		folder := filepath.Join(f.generated, env.Name)
		projects := decoded[v1alpha1.AppProject](t, filepath.Join(folder, "delivery", "project.yaml"))
		applications := decoded[v1alpha1.Application](t, filepath.Join(folder, "delivery", "applications.yaml"))
		if len(projects) != 1 {
			t.Fatalf("%s has %d projects", folder, len(projects))
		}
		all = append(all, delivery{p, env, folder, projects[0], applications, manifests(t, filepath.Join(folder, "manifests"))})
	}
	return all
}

// decoded reads the documents of a file strictly into one of Argo CD's types.
func decoded[T any](t *testing.T, file string) []T {
	t.Helper()
	var all []T
	for _, doc := range documents(t, file) {
		var o T
		if err := yaml.UnmarshalStrict(doc, &o); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, o)
	}
	return all
}
