package admission

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"agentc/verify/internal/judged"
	"agentc/verify/judge"
	"agentc/verify/object"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// TestAdmission runs the tests that the compiler wrote for Kyverno's command line, on the policies and Namespaces that
// Argo CD will apply.
func TestAdmission(t *testing.T) {
	for _, s := range shippedSites(t) {
		k := s.kyverno(t)
		files, err := filepath.Glob(filepath.Join(s.tests, "*", "kyverno-test.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range append(files, filepath.Join(s.tests, "kyverno-test.yaml")) {
			t.Run(strings.TrimPrefix(file, generatedFiles), func(t *testing.T) { k.examples(t, file) })
		}
		// TestShipped asks for everything rendered as this user: it must be the one whom these tests take for Argo CD.
		if claimed := s.env.Environment.Delivery.Applier; s.applier(t) != claimed {
			t.Errorf("%s is about %s, not %s", s.tests, s.applier(t), claimed)
		}
	}
}

// generatedFiles holds the tests for the command line, which the judge is not given: Argo CD does not apply them.
const generatedFiles = judged.Root + "/generated/"

// site is one shipped environment, and the folder of its tests for the command line.
type site struct {
	env   *judge.Environment
	tests string
}

// shippedSites are all environments of the shipped fleet, at least one.
func shippedSites(t *testing.T) []site {
	t.Helper()
	envs, findings := judged.Input(t).Environments()
	if len(envs) == 0 || len(findings) > 0 {
		t.Fatalf("%d environments, and %v", len(envs), findings)
	}
	var all []site
	for _, env := range envs {
		all = append(all, site{env, path.Join(generatedFiles, env.Folder, "admission-tests")})
	}
	return all
}

// applier is the user of the tests about what Argo CD applies.
func (s site) applier(t *testing.T) string {
	t.Helper()
	_, user := exampleIn(t, filepath.Join(s.tests, "kyverno-test.yaml"))
	return user
}

// tested is Kyverno with the policies of a site, all of which must compile and answer.
type tested struct {
	*kyverno
	site
}

func (s site) kyverno(t *testing.T) tested {
	t.Helper()
	k := tested{site: s}
	report, err := judge.Run(s.env, []judge.Layer{{Name: "admission", Judge: func(env *judge.Environment, r *judge.Report) error {
		k.kyverno = newKyverno(env, r)
		return nil
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) > 0 {
		t.Fatal(report.Findings)
	}
	t.Cleanup(func() { // one that is silent would look as if it passed over what it is asked
		for policy := range k.silent {
			t.Errorf("%s does not answer", policy)
		}
	})
	return k
}

// says is what one policy says: pass, fail, error, skip where a condition of the policy is not met, or none where it does
// not look at such requests. The last two are not a pass: what a test expects to pass must have been looked at.
func (k tested) says(t *testing.T, r request, policy string) (status, message string) {
	t.Helper()
	called := 0
	for _, o := range judge.Of(k.env.Manifests, "ValidatingPolicy") {
		if o.GetName() == policy {
			called++
		}
	}
	if called != 1 {
		t.Fatalf("%d policies are called %s", called, policy)
	}
	verdicts, err := k.ask(r, policy)
	if err != nil {
		t.Fatal(err)
	}
	status = "none"
	for _, v := range verdicts {
		status, message = v.status, v.message
	}
	return status, message
}

// wants one policy to say one thing.
func (k tested) wants(t *testing.T, r request, policy, want string) {
	t.Helper()
	if got, message := k.says(t, r, policy); got != want {
		about := object.Object{Unstructured: *r.subject()}
		t.Errorf("%s of %s: %s, not %s (%s)", policy, strings.TrimSpace(fmt.Sprintln(r.operation, about.String(), r.resource)), got, want, message)
	}
}

// admitted wants no policy to refuse.
func (k tested) admitted(t *testing.T, r request) {
	t.Helper()
	verdicts, err := k.ask(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.refuses() {
			t.Errorf("%s %s %s: %s: %s", r.subject().GetKind(), r.subject().GetName(), v.policy, v.status, v.message)
		}
	}
}

// example is what matters here of cli.kyverno.io/v1alpha1.
type example struct {
	Resources []string
	Results   []struct {
		Policy, Kind, Operation, Result string
		Resources                       []string
	}
}

// exampleIn reads a test for the command line, and the name of its user.
func exampleIn(t *testing.T, file string) (test example, user string) {
	t.Helper()
	var who struct{ UserInfo authenticationv1.UserInfo }
	for name, into := range map[string]any{file: &test, filepath.Join(filepath.Dir(file), "user.yaml"): &who} {
		if err := yaml.Unmarshal(contents(t, name), into); err != nil {
			t.Fatal(err)
		}
	}
	if len(test.Results) == 0 || who.UserInfo.Username == "" {
		t.Fatalf("%s expects nothing, or of nobody", file)
	}
	return test, who.UserInfo.Username
}

func (k tested) examples(t *testing.T, file string) {
	folder := filepath.Dir(file)
	test, user := exampleIn(t, file)
	objects := map[string]*unstructured.Unstructured{}
	for _, name := range test.Resources {
		for _, o := range objectsIn(t, filepath.Join(folder, name)) {
			objects[o.String()] = &o.Unstructured
			if name == "resources-good.yaml" {
				k.admitted(t, request{user: user, operation: admissionv1.Create, object: &o.Unstructured})
			}
		}
	}
	for _, want := range test.Results {
		o := objects[want.Kind+" "+want.Resources[0]]
		if o == nil {
			t.Fatalf("no %s %s", want.Kind, want.Resources[0])
		}
		r := request{user: user, operation: admissionv1.Create, object: o}
		switch want.Operation {
		case "UPDATE":
			r.operation, r.old = admissionv1.Update, o
		case "DELETE":
			r.operation, r.object, r.old = admissionv1.Delete, nil, o
		}
		k.wants(t, r, want.Policy, want.Result)
	}
}

func contents(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run `agentc compile` first", err)
	}
	return data
}

func objectsIn(t *testing.T, file string) []*object.Object {
	t.Helper()
	all, err := object.Split(file, contents(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return all
}
