package admission

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"agentc/verify/internal/generated"
	"agentc/verify/internal/judged"
	"agentc/verify/judge"
	"agentc/verify/object"

	"sigs.k8s.io/yaml"
)

const spec = "spec.matchConstraints."

// mutants are changes to one policy, or to the Namespace of one agent, that widen or narrow what is admitted.
var mutants = []struct {
	name, object string // the policy without the fleet's name, or a Namespace
	change       generated.Change
	want         string
}{
	{"audited", "workloads", generated.Put("spec.validationActions", []any{"Audit"}), "where it ought to deny"},
	{"fails open", "workloads", generated.Put("spec.failurePolicy", "Ignore"), "while Kyverno is down"},
	{"not at admission", "images", generated.Put("spec.evaluation.admission.enabled", false), "not asked at admission"},
	{"does not compile", "kinds", generated.Put("spec.validations.0.expression", "nonsense("), "does not compile"},
	{"admits every account", "workloads", generated.Put("spec.validations.0.expression", "false"), "is refused by the policy soc-workloads"},
	{"any label", "workloads", generated.Put("spec.validations.1.expression", "true"), "the label of another"},
	{"any owner", "workloads", generated.Put("spec.validations.2.expression", "true"), "an owner of another kind"},
	{"any image", "workloads", generated.Put("spec.validations.3.expression", "true"), "another image"},
	{"any command", "workloads", generated.Put("spec.validations.4.expression", "true"), "a command"},
	{"no guard", "workloads", generated.Put("spec.validations.5.expression", "true"), "a guard that ends"},
	{"no pods", "workloads", generated.Put(spec+"resourceRules.0.resources", []any{"podtemplates"}), "another image"},
	{"another fleet", "workloads", generated.Put(spec+"namespaceSelector.matchLabels", map[string]any{"agents.d/fleet": "other"}), "does not look at it"},
	{"made by anybody", "makers", generated.Put("spec.validations.0.expression", "true"), "a pod that a person makes"},
	{"tags", "images", generated.Put("spec.validations.0.expression", "true"), "a tag for a digest"},
	{"tokens", "hardening", generated.Put("spec.validations.0.expression", "true"), "a token by default"},
	{"secrets", "hardening", generated.Put("spec.validations.4.expression", "true"), "the key in the environment"},
	{"jobs", "kinds", generated.Put(spec+"resourceRules.2.resources", []any{"cronjobs"}), "as a Job"},
	{"any id", "identities", generated.Put("spec.validations.0.expression", "true"), "somebody whom nobody compiled"},
	{"any signer", "issuance", generated.Put("spec.validations.1.expression", "true"), "a certificate request of a person's"},
	{"exec", "access", generated.Put(spec+"resourceRules.0.resources", []any{"pods/attach", "pods/portforward", "pods/proxy", "services/proxy"}), "pods/exec"},
	{"rights", "bindings", generated.Put("spec.validations.0.expression", "true"), "rights for its service account"},
	{"hands off", "protection", generated.Put("spec.validations.0.expression", "true"), "changed by a person"},
	{"namespaces", "namespaces", generated.Put("spec.validations.0.expression", "true"), "leaves the fleet"},
	{"exceptions", "policies", generated.Put("spec.validations.1.expression", "true"), "an exception from"},
	{"undeclared", "actuators", generated.Put("spec.validations.1.expression", "true"), "which is not declared"},
	{"a line more", "Namespace soc-detect", listed("detect/agent=x.example/miner@sha256:" + strings.Repeat("2", 64)), "lets a pod run that nobody compiled"},
	{"an account more", "Namespace soc-detect", listed("miner/agent=x.example/miner@sha256:" + strings.Repeat("2", 64)), "lets a pod run that nobody compiled"},
	{"an agent less", "Namespace soc-detect", unlisted, "is refused by the policy soc-workloads"},
}

// listed adds a line to what a Namespace admits.
func listed(line string) generated.Change {
	return func(o map[string]any) {
		a := o["metadata"].(map[string]any)["annotations"].(map[string]any)
		a[admittedAnnotation] = a[admittedAnnotation].(string) + "\n" + line
	}
}

// unlisted takes the list of what it admits from a Namespace.
func unlisted(o map[string]any) {
	delete(o["metadata"].(map[string]any)["annotations"].(map[string]any), admittedAnnotation)
}

// mutate changes one object of an environment as if it had been generated so.
func mutate(t *testing.T, env *judge.Environment, name string, change generated.Change) {
	t.Helper()
	if !strings.Contains(name, " ") {
		name = "ValidatingPolicy " + env.Fleet + "-" + name
	}
	i := slices.IndexFunc(env.Manifests, func(o *object.Object) bool { return o.String() == name })
	if i < 0 {
		t.Fatalf("no %s", name)
	}
	broken := env.Manifests[i].DeepCopy().Object
	change(broken)
	doc, err := yaml.Marshal(broken)
	if err != nil {
		t.Fatal(err)
	}
	if string(doc) == string(env.Manifests[i].YAML) {
		t.Fatal("the change changes nothing")
	}
	all, err := object.Split(env.Manifests[i].File, doc)
	if err != nil {
		t.Fatal(err)
	}
	env.Manifests = slices.Clone(env.Manifests)
	env.Manifests[i] = all[0]
}

func findings(t *testing.T, env *judge.Environment, everything bool) []string {
	t.Helper()
	report, err := judge.Run(env, []judge.Layer{{Name: "admission", Judge: func(env *judge.Environment, r *judge.Report) error { return run(env, r, everything) }}})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range report.Findings {
		all = append(all, f.Object+" "+f.Message)
	}
	return all
}

// short picks some of many cases, which cost a second or two each: `make mutate` tries all.
func short(i int) bool { return testing.Short() && i%5 != 0 }

func TestMutants(t *testing.T) {
	for i, m := range mutants {
		if short(i) {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			envs, _ := judged.Input(t).Environments()
			mutate(t, envs[0], m.object, m.change)
			all := findings(t, envs[0], false)
			if !slices.ContainsFunc(all, func(f string) bool { return strings.Contains(f, m.want) }) {
				t.Errorf("nothing says %q but %d findings, %.300q", m.want, len(all), fmt.Sprint(all))
			}
		})
	}
}

// TestEveryWorkload: the whole catalogue on every workload finds nothing that it does not find on one of each shape. Whose the finding is
// does not matter: a policy that forgot a rule forgot it for all of a shape.
func TestEveryWorkload(t *testing.T) {
	for i, name := range []string{"", "any command", "tokens", "jobs", "a line more", "an agent less", "no pods"} {
		if short(i) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			envs, _ := judged.Input(t).Environments()
			for _, m := range mutants {
				if m.name == name {
					mutate(t, envs[0], m.object, m.change)
				}
			}
			few, whole := kinds(envs[0], findings(t, envs[0], false)), kinds(envs[0], findings(t, envs[0], true))
			if !slices.Equal(few, whole) {
				t.Errorf("one of each shape:\n%s\nall:\n%s", strings.Join(few, "\n"), strings.Join(whole, "\n"))
			}
		})
	}
}

// kinds are the findings without the workloads that they are about.
func kinds(env *judge.Environment, findings []string) []string {
	var names []string
	for i := range env.Workloads {
		names = append(names, regexp.QuoteMeta(env.Workloads[i].Name))
	}
	workload := regexp.MustCompile(`\b(` + strings.Join(names, "|") + `)\b`)
	var all []string
	for _, f := range findings {
		all = append(all, workload.ReplaceAllString(f, "<workload>"))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
