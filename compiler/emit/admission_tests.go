package emit

import (
	"cmp"
	"slices"

	"agentc/compiler/model"

	policiesv1 "github.com/kyverno/api/api/policies.kyverno.io/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
)

// Tests for `kyverno test`, beside the manifests and never applied: what was compiled for a few agents must be admitted, and
// each rogue be refused by the policy that is there for it. The CLI stops at a policy file with another kind of object in
// it, so the policies are here once more; and it tests as one user at a time, so each user has a folder:
//
//	<env>/admission-tests/policies.yaml
//	<env>/admission-tests/kyverno-test.yaml                   as Argo CD, with resources-good.yaml and resources-bad.yaml
//	<env>/admission-tests/person/kyverno-test.yaml            as somebody with every right
//	<env>/admission-tests/actuator-<name>/kyverno-test.yaml   as an actuator
//
// What the CLI cannot ask, for a subresource or with an old object of another content, is asked in verify/.
func admissionTests(env *model.Environment, policies []*policiesv1.ValidatingPolicy, out *Out) {
	agents := testedAgents(env)
	if len(agents) == 0 {
		return
	}
	for _, p := range policies {
		out.Object(env.Name+"/admission-tests/policies.yaml", 0, p, origin("", env.From))
	}
	namespaces := testedNamespaces(agents, out)

	compiled := newTestSet(env, "", applier(env))
	testCompiled(compiled, agents, out)
	testRogues(compiled, agents[0], out)
	compiled.write(namespaces, out)

	controller := newTestSet(env, "controller", replicaSetController)
	testMade(controller, agents, out)
	controller.write(namespaces, out)

	person := newTestSet(env, "person", "alice@example.com")
	testPerson(person, agents[0], policies[0], out)
	person.write(namespaces, out)

	for _, a := range env.Actuators {
		actuator := newTestSet(env, "actuator-"+a.Name, actuatorUser(a))
		testActuator(actuator, a)
		actuator.write(namespaces, out)
	}
}

// testedAgents are few, since all take the same way through the same policies: the first, and the first canary.
func testedAgents(env *model.Environment) []*model.Agent {
	var agents []*model.Agent
	if len(env.Agents) > 0 {
		agents = env.Agents[:1]
	}
	i := slices.IndexFunc(env.Agents, func(a *model.Agent) bool { return a.Workload.Canary != nil })
	if i > 0 {
		agents = append(agents[:1:1], env.Agents[i])
	}
	return agents
}

// testedNamespaces are the Namespaces as they were compiled: the policies read them.
func testedNamespaces(agents []*model.Agent, out *Out) []corev1.Namespace {
	var list []corev1.Namespace
	for _, a := range agents {
		n, ok := written[*corev1.Namespace](out, namespaceFile(a.Env, a.Namespace))
		known := slices.ContainsFunc(list, func(o corev1.Namespace) bool { return o.Name == a.Namespace })
		if ok && !known {
			list = append(list, *n)
		}
	}
	return list
}

// written finds the first object of a type in a file.
func written[T any](out *Out, file string) (found T, ok bool) {
	for i := range out.Objects {
		if out.Objects[i].File == file {
			if found, ok = out.Objects[i].Value.(T); ok {
				return found, true
			}
		}
	}
	return found, false
}

// Kinds of the Kyverno CLI, cli.kyverno.io/v1alpha1. Its own types bring some 1,900 packages along.
type (
	kyvernoTest struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        testMeta      `json:"metadata"`
		Policies        []string      `json:"policies"`
		Resources       []string      `json:"resources"`
		UserInfo        string        `json:"userinfo"`
		Values          testValues    `json:"values"`
		Results         []testVerdict `json:"results"`
	}
	testMeta struct {
		Name string `json:"name"`
	}
	testValues struct {
		Namespaces []corev1.Namespace `json:"namespaces"`
	}
	testVerdict struct {
		Policy             string   `json:"policy"`
		IsValidatingPolicy bool     `json:"isValidatingPolicy"`
		Kind               string   `json:"kind"`
		Resources          []string `json:"resources"`
		Operation          string   `json:"operation,omitempty"`
		Result             string   `json:"result"`
	}
	testUser struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        testMeta                  `json:"metadata"`
		UserInfo        authenticationv1.UserInfo `json:"userInfo"`
	}
)

// testObject is a Kubernetes object in a test.
type testObject interface {
	metav1.Object
	apiruntime.Object
}

// testSet collects the tests of one user.
type testSet struct {
	env    *model.Environment
	folder string
	user   string
	test   kyvernoTest
	cases  []testCase
}

type testCase struct {
	file   string
	object testObject
}

func newTestSet(env *model.Environment, name, user string) *testSet {
	s := &testSet{env: env, folder: env.Name + "/admission-tests/", user: user}
	policies := "policies.yaml"
	if name != "" {
		s.folder += name + "/"
		policies = "../" + policies
	}
	s.test = kyvernoTest{
		TypeMeta: metav1.TypeMeta{APIVersion: "cli.kyverno.io/v1alpha1", Kind: "Test"},
		Metadata: testMeta{Name: env.Fleet.Name + "-" + env.Name + "-" + cmp.Or(name, "compiled")},
		Policies: []string{policies},
		UserInfo: "user.yaml",
	}
	return s
}

// pass says that policies admit the creation of an object.
func (s *testSet) pass(file string, o testObject, policies ...string) {
	for _, p := range policies {
		s.add(file, o, "", p, "pass")
	}
}

// fail says that a policy refuses an operation on an object; none means its creation.
func (s *testSet) fail(file string, o testObject, policy string, operations ...string) {
	for _, operation := range operations {
		s.add(file, o, operation, policy, "fail")
	}
	if len(operations) == 0 {
		s.add(file, o, "", policy, "fail")
	}
}

func (s *testSet) add(file string, o testObject, operation, policy, result string) {
	if !slices.Contains(s.test.Resources, file) {
		s.test.Resources = append(s.test.Resources, file)
	}
	if c := (testCase{file, o}); !slices.Contains(s.cases, c) {
		s.cases = append(s.cases, c)
	}
	name := o.GetName()
	if ns := o.GetNamespace(); ns != "" {
		name = ns + "/" + name
	}
	s.test.Results = append(s.test.Results, testVerdict{
		Policy:             s.env.Fleet.Name + "-" + policy,
		IsValidatingPolicy: true,
		Kind:               o.GetObjectKind().GroupVersionKind().Kind,
		Resources:          []string{name},
		Operation:          operation,
		Result:             result,
	})
}

func (s *testSet) write(namespaces []corev1.Namespace, out *Out) {
	from := origin("", s.env.From)
	s.test.Values.Namespaces = namespaces
	out.Object(s.folder+"kyverno-test.yaml", 0, &s.test, from)
	out.Object(s.folder+"user.yaml", 0, &testUser{
		TypeMeta: metav1.TypeMeta{APIVersion: "cli.kyverno.io/v1alpha1", Kind: "UserInfo"},
		Metadata: testMeta{Name: "user"},
		UserInfo: authenticationv1.UserInfo{Username: s.user},
	}, from)
	for _, c := range s.cases {
		out.Object(s.folder+c.file, 0, c.object, from)
	}
}
