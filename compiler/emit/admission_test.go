package emit

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"agentc/compiler/artifact"
	"agentc/compiler/model"
	"agentc/schema"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	gocmp "github.com/google/go-cmp/cmp"
	policiesv1 "github.com/kyverno/api/api/policies.kyverno.io/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// admissionEnv is the workload layer's fleet with two actuators, one that is enforced and one that is reported.
func admissionEnv() *model.Environment {
	env := workloadEnv()
	env.Cluster = inCluster
	env.Page = &model.Page{URL: "https://approvals.soc.example", Host: "approvals.soc.example"}
	env.Fleet.Git.ArgoNamespace = "argocd"
	env.Actuators = []*model.Actuator{
		{Actuator: schema.Actuator{
			Name: "containment", Namespace: "soc-tools", ServiceAccount: "cluster-tools", Mode: "enforce",
			Resources: []schema.ActuatorResource{{Group: "networking.k8s.io", Resource: "networkpolicies", Verbs: []string{"create", "delete", "update"}}},
		}},
		{Actuator: schema.Actuator{
			Name: "patcher", Namespace: "soc-tools", ServiceAccount: "patcher", Mode: "report",
			Resources: []schema.ActuatorResource{{Group: "apps", Resource: "deployments", Verbs: []string{"update"}}},
		}},
	}
	return env
}

func admitted(t *testing.T, env *model.Environment) *Out {
	t.Helper()
	out := &Out{}
	for _, emit := range []func(*model.Environment, *Out) error{workload, identity, admission} {
		if err := emit(env, out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func admissionPoliciesIn(out *Out, file string) []*policiesv1.ValidatingPolicy {
	var list []*policiesv1.ValidatingPolicy
	for _, o := range out.Objects {
		if p, ok := o.Value.(*policiesv1.ValidatingPolicy); ok && o.File == file {
			list = append(list, p)
		}
	}
	return list
}

// Kyverno drops without a word what does not compile. This is the compiler of its CEL, with the same functions but without
// its types; verify/ has Kyverno itself.
func TestAdmissionExpressionsCompile(t *testing.T) {
	var vars []cel.EnvOption
	for _, name := range []string{"object", "oldObject", "namespaceObject", "request", "variables"} {
		vars = append(vars, cel.Variable(name, cel.DynType))
	}
	env, err := cel.NewEnv(append(vars, cel.OptionalTypes(), ext.Strings())...)
	if err != nil {
		t.Fatal(err)
	}
	policies := admissionPoliciesIn(admitted(t, admissionEnv()), "prod/manifests/cluster.yaml")
	if len(policies) != 14 {
		t.Fatalf("%d policies, not 14", len(policies))
	}
	for _, p := range policies {
		for _, v := range p.Spec.Variables {
			compileCEL(t, env, p.Name, v.Expression)
		}
		for _, c := range p.Spec.MatchConditions {
			if got := compileCEL(t, env, p.Name, c.Expression); got != cel.BoolType {
				t.Errorf("%s: condition %s is of type %s", p.Name, c.Name, got)
			}
		}
		for _, v := range p.Spec.Validations {
			if got := compileCEL(t, env, p.Name, v.Expression); got != cel.BoolType {
				t.Errorf("%s: %q is of type %s", p.Name, v.Message, got)
			}
			if v.Message == "" {
				t.Errorf("%s refuses without saying why: %s", p.Name, v.Expression)
			}
		}
	}
}

func compileCEL(t *testing.T, env *cel.Env, policy, expression string) *cel.Type {
	t.Helper()
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		t.Fatalf("%s: %v", policy, issues.Err())
	}
	return ast.OutputType()
}

// A variable that is used must be declared, and one that is declared be used.
func TestAdmissionVariables(t *testing.T) {
	for _, p := range admissionPoliciesIn(admitted(t, admissionEnv()), "prod/manifests/cluster.yaml") {
		for i, v := range p.Spec.Variables {
			var later strings.Builder
			for _, w := range p.Spec.Variables[i+1:] {
				later.WriteString(w.Expression)
			}
			for _, d := range p.Spec.Validations {
				later.WriteString(d.Expression)
			}
			if !strings.Contains(later.String(), "variables."+v.Name) {
				t.Errorf("%s: variable %s is used nowhere", p.Name, v.Name)
			}
		}
	}
}

func TestAdmissionSettingsAreWrittenOut(t *testing.T) {
	for _, p := range admissionPoliciesIn(admitted(t, admissionEnv()), "prod/manifests/cluster.yaml") {
		s := p.Spec
		if s.FailurePolicy == nil || *s.FailurePolicy != "Fail" {
			t.Errorf("%s fails open", p.Name)
		}
		want := "Deny"
		if p.Name == "soc-actuators-report" {
			want = "Audit"
		}
		if len(s.ValidationAction) != 1 || string(s.ValidationAction[0]) != want {
			t.Errorf("%s: actions %v, not %s", p.Name, s.ValidationAction, want)
		}
		if s.WebhookConfiguration == nil || s.WebhookConfiguration.TimeoutSeconds == nil {
			t.Errorf("%s has no timeout of its own", p.Name)
		}
		if s.EvaluationConfiguration == nil || s.EvaluationConfiguration.Mode != "Kubernetes" || s.EvaluationConfiguration.Admission == nil ||
			!*s.EvaluationConfiguration.Admission.Enabled || s.EvaluationConfiguration.Background == nil {
			t.Errorf("%s: evaluation is not written out: %+v", p.Name, s.EvaluationConfiguration)
		}
		usesRequest := strings.Contains(fmt.Sprint(s.MatchConditions, s.Variables, s.Validations), "request.userInfo")
		if usesRequest && s.BackgroundEnabled() {
			t.Errorf("%s asks who the user is, which a background scan cannot say", p.Name)
		}
	}
}

func TestAdmittedImages(t *testing.T) {
	out := admitted(t, admissionEnv())
	for _, c := range []struct{ namespace, want string }{
		{"soc-system", "agentd/agentd=" + workloadImage("agentd", "a")},
		{"soc-remediate", "remediate/guard=" + workloadImage("agentd", "a") + "\nremediate/agent=" + workloadEnv().Agents[2].Image +
			"\nremediate/agent=" + workloadImage("remediate", "c")},
	} {
		ns, ok := written[*corev1.Namespace](out, "prod/manifests/"+c.namespace+"/_namespace.yaml")
		if !ok {
			t.Fatalf("no Namespace %s", c.namespace)
		}
		if diff := gocmp.Diff(c.want, ns.Annotations[annotationAdmitted]); diff != "" {
			t.Errorf("%s: %s", c.namespace, diff)
		}
	}
}

func TestAdmissionWantsItsNamespaces(t *testing.T) {
	err := admission(admissionEnv(), &Out{})
	if err == nil || !strings.Contains(err.Error(), "soc-detect") {
		t.Errorf("without Namespaces: %v", err)
	}
	env := admissionEnv()
	for range 1000 {
		env.Namespaces[0].Agents = append(env.Namespaces[0].Agents, env.Agents[0])
	}
	if err := admit(env, &Out{}); err == nil || !strings.Contains(err.Error(), "1002 agents") {
		t.Errorf("a thousand agents in one namespace: %v", err)
	}
}

// Agents and namespaces that come and go do not lengthen one expression beyond what CEL reads.
func TestFleetNamespacesStayReadable(t *testing.T) {
	env := admissionEnv()
	for i := range 10000 {
		env.Namespaces = append(env.Namespaces, &model.Namespace{Name: fmt.Sprintf("soc-%058d", i)})
	}
	variables, member := fleetNamespaces(env)
	for _, v := range variables {
		if len(v.Expression) > 90000 {
			t.Errorf("%s has %d characters", v.Name, len(v.Expression))
		}
	}
	if n := len(member("s.namespace")); n > 90000 {
		t.Errorf("membership has %d characters", n)
	}
}

func TestAdmissionReadsBackStrictly(t *testing.T) {
	out := admitted(t, admissionEnv())
	for _, p := range admissionPoliciesIn(out, "prod/manifests/cluster.yaml") {
		data, err := artifact.YAML(p)
		if err != nil {
			t.Fatal(err)
		}
		var back policiesv1.ValidatingPolicy
		if err := yaml.UnmarshalStrict(data, &back); err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		if diff := gocmp.Diff(*p, back); diff != "" {
			t.Errorf("%s: %s", p.Name, diff)
		}
	}
}

// Every policy has a rogue that it refuses, but for those that only meet subresources.
func TestEveryPolicyIsTested(t *testing.T) {
	out := admitted(t, admissionEnv())
	refuses := map[string]bool{"soc-access": true, "soc-issuance": false}
	for _, o := range out.Objects {
		if test, ok := o.Value.(*kyvernoTest); ok {
			for _, r := range test.Results {
				refuses[r.Policy] = refuses[r.Policy] || r.Result == "fail"
			}
		}
	}
	for _, p := range admissionPoliciesIn(out, "prod/admission-tests/policies.yaml") {
		if !refuses[p.Name] {
			t.Errorf("nothing shows that %s refuses", p.Name)
		}
	}
}

func TestAdmissionIsDeterministic(t *testing.T) {
	var first []byte
	for range 20 {
		var all []byte
		for _, o := range admitted(t, admissionEnv()).Objects {
			data, err := artifact.YAML(o.Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(append(all, o.File...), data...)
		}
		if first == nil {
			first = all
		}
		if !bytes.Equal(first, all) {
			t.Fatal("two runs, two results")
		}
	}
}

func TestAdmissionOfNothing(t *testing.T) {
	env := admissionEnv()
	env.Agents, env.Namespaces, env.Actuators = nil, nil, nil
	out := admitted(t, env)
	if n := len(admissionPoliciesIn(out, "prod/manifests/cluster.yaml")); n != 12 {
		t.Errorf("%d policies without actuators, not 12", n)
	}
	if slices.ContainsFunc(out.Objects, func(o artifact.Object) bool { return strings.Contains(o.File, "admission-tests") }) {
		t.Error("tests of no agent")
	}
}

func TestApplier(t *testing.T) {
	env := admissionEnv()
	if got := applier(env); got != "system:serviceaccount:argocd:argocd-application-controller" {
		t.Error(got)
	}
	env.Cluster = "https://prod.soc.example:6443"
	if got := applier(env); got != "system:serviceaccount:kube-system:argocd-manager" {
		t.Error(got)
	}
}

func TestCELString(t *testing.T) {
	if got := celList(`a'b\c`, "x\ny"); got != `['a\'b\\c', 'x\ny']` {
		t.Error(got)
	}
}
