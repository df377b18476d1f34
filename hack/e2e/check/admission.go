package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Who applies, and who makes pods.
const (
	argoManager = "system:serviceaccount:kube-system:argocd-manager"
	podMaker    = "system:serviceaccount:kube-system:replicaset-controller"
)

var rehearse = []string{metav1.DryRunAll}

// catalogue is a kyverno-test.yaml, as far as it is asked about here.
type catalogue struct {
	folder    string
	user      string
	objects   []*unstructured.Unstructured
	UserInfo  string   `json:"userinfo"`
	Resources []string `json:"resources"`
	Results   []result `json:"results"`
}

type result struct {
	Policy    string   `json:"policy"`
	Kind      string   `json:"kind"`
	Resources []string `json:"resources"`
	Operation string   `json:"operation"`
	Result    string   `json:"result"`
}

// tally counts how the API server answered.
type tally struct {
	byPolicy   map[string]int
	byAnother  int      // refused by another policy of the fleet: the API server asks all at once and reports one
	earlier    []string // refused, but by something that the API server asks before Kyverno
	admitted   int
	violations []string
}

// roguesRefused plays the admission tests that the compiler wrote for Kyverno's command line against the API server, each as the
// user that it names.
func roguesRefused(ctx context.Context, c *cluster) (string, error) {
	folder := filepath.Join(c.state, "published")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	archive := exec.Command("bash", "-c", `git --git-dir "$1" archive main generated/dev/admission-tests | tar -x -C "$2"`, "-",
		filepath.Join(c.state, "git/soc/agents.git"), folder)
	if out, err := archive.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s%w", out, err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "generated/dev/admission-tests", "*", "kyverno-test.yaml"))
	if err != nil {
		return "", err
	}
	files = append(files, filepath.Join(folder, "generated/dev/admission-tests/kyverno-test.yaml"))
	t := &tally{byPolicy: map[string]int{}}
	for _, file := range files {
		tests, err := readCatalogue(file)
		if err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
		if err := c.play(ctx, tests, t); err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
	}
	if err := c.enters(t); err != nil {
		return "", err
	}
	seen := t.String()
	if len(t.violations) > 0 {
		return seen, errors.New("\n" + strings.Join(t.violations, "\n"))
	}
	return seen, nil
}

func (t *tally) String() string {
	var counts []string
	total := 0
	for policy, n := range t.byPolicy {
		counts = append(counts, fmt.Sprintf("%s %d", policy, n))
		total += n
	}
	slices.Sort(counts)
	text := fmt.Sprintf("%d refused by the policy that is named (%s); %d admitted that should be", total, strings.Join(counts, ", "), t.admitted)
	if t.byAnother > 0 {
		text += fmt.Sprintf("\n%d refused by another policy of the fleet, which answered first", t.byAnother)
	}
	if len(t.earlier) > 0 {
		text += fmt.Sprintf("\n%d refused before Kyverno was asked: %s", len(t.earlier), strings.Join(t.earlier, "; "))
	}
	return text
}

func readCatalogue(file string) (*catalogue, error) {
	tests := &catalogue{folder: filepath.Dir(file)}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(text, tests); err != nil {
		return nil, err
	}
	var user struct {
		UserInfo struct {
			Username string `json:"username"`
		} `json:"userInfo"`
	}
	if text, err = os.ReadFile(filepath.Join(tests.folder, tests.UserInfo)); err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(text, &user); err != nil {
		return nil, err
	}
	tests.user = user.UserInfo.Username
	for _, name := range tests.Resources {
		objects, err := readObjects(filepath.Join(tests.folder, name))
		if err != nil {
			return nil, err
		}
		tests.objects = append(tests.objects, objects...)
	}
	return tests, nil
}

func readObjects(file string) ([]*unstructured.Unstructured, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(f, 4096)
	for {
		u := &unstructured.Unstructured{}
		if err := decoder.Decode(u); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		if len(u.Object) > 0 {
			out = append(out, u)
		}
	}
}

func (tests *catalogue) object(kind, name string) *unstructured.Unstructured {
	for _, u := range tests.objects {
		if u.GetKind() == kind && strings.TrimPrefix(u.GetNamespace()+"/"+u.GetName(), "/") == name {
			return u
		}
	}
	return nil
}

func (c *cluster) play(ctx context.Context, tests *catalogue, t *tally) error {
	for _, r := range tests.Results {
		for _, name := range r.Resources {
			u := tests.object(r.Kind, name)
			if u == nil {
				return fmt.Errorf("no %s %s in its resources", r.Kind, name)
			}
			user := tests.user
			if user == argoManager && r.Kind == "Pod" { // Argo CD may make no pods at all, which would be all that is said
				user = podMaker
			}
			answer, err := c.attempt(ctx, user, r, u)
			if err != nil {
				return fmt.Errorf("%s %s: %w", r.Kind, name, err)
			}
			t.count(strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Kind, name, r.Operation)), r, answer)
		}
	}
	return nil
}

// count compares the API server's answer with the result that the catalogue has for one policy.
func (t *tally) count(what string, r result, answer error) {
	said := ""
	if answer != nil {
		said = answer.Error()
	}
	byFleet := strings.Contains(said, "kyverno") && strings.Contains(said, "Policy soc-")
	switch {
	case r.Result == "fail" && byFleet && strings.Contains(said, "Policy "+r.Policy+" "):
		t.byPolicy[r.Policy]++
	case r.Result == "fail" && byFleet:
		t.byAnother++
	case r.Result == "fail" && strings.Contains(said, "violates PodSecurity"):
		t.earlier = append(t.earlier, what+" (Pod Security)")
	case r.Result == "fail" && !byFleet && apierrors.IsInvalid(answer):
		t.earlier = append(t.earlier, what+" (schema)")
	case r.Result == "pass" && (answer == nil || strings.Contains(said, "exceeded quota")): // quotas come after Kyverno
		t.admitted++
	default:
		t.violations = append(t.violations, fmt.Sprintf("%s: %s is to %s it, but the API server said: %.300s", what, r.Policy, r.Result, said))
	}
}

// attempt does as the user what the catalogue says. What is to be admitted is a dry run, which passes admission and changes nothing;
// what is to be refused is not, since a policy may let Argo CD's dry runs pass. What it wants to change or delete and the fleet does
// not have is put there first, by whom admission lets do so, and taken away again.
func (c *cluster) attempt(ctx context.Context, who string, r result, u *unstructured.Unstructured) (answer, err error) {
	mapped, _, err := c.mapping(u.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	user, err := c.as(who)
	if err != nil {
		return nil, err
	}
	full := u.DeepCopy()
	complete(full)
	as := user.Resource(mapped).Namespace(u.GetNamespace())
	if r.Operation == "" || r.Operation == "CREATE" {
		options := metav1.CreateOptions{DryRun: rehearse}
		if r.Result == "fail" {
			options.DryRun = nil
		}
		_, answer := as.Create(ctx, full, options)
		if answer == nil && r.Result == "fail" {
			return nil, c.objects.Resource(mapped).Namespace(u.GetNamespace()).Delete(ctx, u.GetName(), metav1.DeleteOptions{})
		}
		if apierrors.IsAlreadyExists(answer) { // admission comes first: it was admitted
			answer = nil
		}
		return answer, nil
	}
	argo, err := c.as(argoManager)
	if err != nil {
		return nil, err
	}
	live, err := c.get(ctx, mapped, u.GetNamespace(), u.GetName())
	if gone(err) {
		putter := argo.Resource(mapped).Namespace(u.GetNamespace())
		if u.GetKind() == "Pod" {
			putter = c.objects.Resource(mapped).Namespace(u.GetNamespace())
		}
		if live, err = putter.Create(ctx, full, metav1.CreateOptions{}); err == nil {
			defer putter.Delete(context.WithoutCancel(ctx), u.GetName(), metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
		}
	}
	if err != nil {
		return nil, err
	}
	if r.Operation == "DELETE" {
		return as.Delete(ctx, u.GetName(), metav1.DeleteOptions{DryRun: rehearse}), nil
	}
	_, answer = as.Update(ctx, live, metav1.UpdateOptions{DryRun: rehearse})
	for tries := 0; apierrors.IsConflict(answer) && tries < 10; tries++ { // a controller was quicker
		if live, err = c.get(ctx, mapped, u.GetNamespace(), u.GetName()); err != nil {
			return nil, err
		}
		_, answer = as.Update(ctx, live, metav1.UpdateOptions{DryRun: rehearse})
	}
	return answer, nil
}

// complete adds what the API server demands of an object before it asks Kyverno, and what the catalogue, which is about other things,
// leaves out.
func complete(u *unstructured.Unstructured) {
	set := func(value any, path ...string) {
		if _, found, _ := unstructured.NestedFieldNoCopy(u.Object, path...); !found {
			unstructured.SetNestedField(u.Object, value, path...)
		}
	}
	switch u.GetKind() {
	case "Pod":
		set([]any{map[string]any{"name": "agent", "image": "registry.soc.example/agents/none@sha256:" + strings.Repeat("0", 64)}}, "spec", "containers")
		unstructured.SetNestedMap(u.Object, map[string]any{"runAsNonRoot": true, "seccompProfile": map[string]any{"type": "RuntimeDefault"}}, "spec", "securityContext")
		for _, field := range []string{"containers", "initContainers"} {
			hardened(u, "spec", field)
		}
	case "Job":
		set("Never", "spec", "template", "spec", "restartPolicy")
	case "Deployment":
		set(map[string]any{
			"selector": map[string]any{"matchLabels": map[string]any{"a": "b"}},
			"template": map[string]any{
				"metadata": map[string]any{"labels": map[string]any{"a": "b"}},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "agent", "image": "none"}}},
			},
		}, "spec")
	case "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy":
		if _, specs := u.Object["specs"]; !specs {
			set(map[string]any{"endpointSelector": map[string]any{}, "ingress": []any{map[string]any{}}}, "spec")
		}
	case "ValidatingPolicy":
		set(map[string]any{
			"matchConstraints": map[string]any{"resourceRules": []any{map[string]any{
				"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"configmaps"},
			}}},
			"validations": []any{map[string]any{"expression": "true"}},
		}, "spec")
	case "NamespacedMutatingPolicy":
		set(map[string]any{
			"matchConstraints": map[string]any{"resourceRules": []any{map[string]any{
				"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"configmaps"},
			}}},
			"mutations": []any{map[string]any{"patchType": "ApplyConfiguration", "applyConfiguration": map[string]any{
				"expression": `Object{metadata: Object.metadata{labels: Object.metadata.labels{a: "b"}}}`,
			}}},
		}, "spec")
	case "Policy":
		set(map[string]any{"rules": []any{map[string]any{
			"name":     "none",
			"match":    map[string]any{"any": []any{map[string]any{"resources": map[string]any{"kinds": []any{"ConfigMap"}}}}},
			"validate": map[string]any{"message": "none", "pattern": map[string]any{"metadata": map[string]any{"name": "?*"}}},
		}}}, "spec")
	case "Issuer":
		set(map[string]any{"selfSigned": map[string]any{}}, "spec")
	}
}

func hardened(u *unstructured.Unstructured, path ...string) {
	containers, found, _ := unstructured.NestedSlice(u.Object, path...)
	if !found {
		return
	}
	for _, container := range containers {
		m := container.(map[string]any)
		context, _ := m["securityContext"].(map[string]any)
		if context == nil {
			context = map[string]any{}
		}
		context["allowPrivilegeEscalation"] = false
		context["capabilities"] = map[string]any{"drop": []any{"ALL"}}
		m["securityContext"] = context
	}
	unstructured.SetNestedSlice(u.Object, containers, path...)
}

// enters tries what the catalogue cannot say: to open a shell in an agent's pod, and to take a token of its account.
func (c *cluster) enters(t *tally) error {
	pod, err := exec.Command("kubectl", "get", "pods", "-n", "soc-analyse", "-o", "name").Output()
	if err != nil {
		return err
	}
	name, _, _ := strings.Cut(strings.TrimSpace(string(pod)), "\n")
	for _, args := range [][]string{
		{"exec", "-n", "soc-analyse", name, "-c", "agent", "--", "sh"},
		{"create", "token", "-n", "soc-analyse", "analyse"},
	} {
		out, err := exec.Command("kubectl", args...).CombinedOutput()
		if err == nil {
			err = errors.New("nothing")
		}
		t.count(strings.Join(args[:2], " "), result{Policy: "soc-access", Result: "fail"}, fmt.Errorf("%s%w", out, err))
	}
	return nil
}

// othersLeftAlone does as a person what is not the fleet's matter.
func othersLeftAlone(ctx context.Context, c *cluster) (string, error) {
	objects, err := readObjects("check/others.yaml")
	if err != nil {
		return "", err
	}
	alice, err := c.as("alice@example.com")
	if err != nil {
		return "", err
	}
	var refused []string
	for _, u := range objects {
		mapped, _, err := c.mapping(u.GroupVersionKind())
		if err != nil {
			return "", err
		}
		if _, err := alice.Resource(mapped).Namespace(u.GetNamespace()).Create(ctx, u, metav1.CreateOptions{DryRun: rehearse}); err != nil {
			refused = append(refused, fmt.Sprintf("%s %s: %.300s", u.GetKind(), u.GetName(), err))
		}
	}
	if len(refused) > 0 {
		return "", errors.New("refused:\n" + strings.Join(refused, "\n"))
	}
	return fmt.Sprintf("%d objects of somebody else's are admitted, cluster-scoped policies among them", len(objects)), nil
}

// builtinRefusals shows that the API server's own checks are on.
func builtinRefusals(ctx context.Context, c *cluster) (string, error) {
	argo, err := c.as(argoManager)
	if err != nil {
		return "", err
	}
	pod := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "privileged", "namespace": "soc-analyse"},
		"spec": map[string]any{"containers": []any{map[string]any{"name": "c", "image": "busybox", "securityContext": map[string]any{"privileged": true}}}},
	}}
	_, err = argo.Resource(pods).Namespace("soc-analyse").Create(ctx, pod, metav1.CreateOptions{DryRun: rehearse})
	if err == nil || !strings.Contains(err.Error(), `violates PodSecurity "restricted:`) {
		return "", fmt.Errorf("a privileged pod: %v", err)
	}
	for _, wrong := range []struct {
		path  []string
		where string
		read  func() (*unstructured.Unstructured, error)
	}{
		{[]string{"spec", "replica"}, "Deployment", func() (*unstructured.Unstructured, error) { return c.get(ctx, deployments, "soc-analyse", "analyse") }},
		{[]string{"spec", "renewBefor"}, "Certificate", func() (*unstructured.Unstructured, error) {
			return c.get(ctx, certificates, "soc-analyse", "analyse")
		}},
		{[]string{"spec", "egres"}, "CiliumNetworkPolicy", func() (*unstructured.Unstructured, error) {
			return c.get(ctx, ciliumRules, "soc-analyse", "analyse")
		}},
	} {
		u, err := wrong.read()
		if err != nil {
			return "", err
		}
		unstructured.SetNestedField(u.Object, "x", wrong.path...)
		mapped, _, err := c.mapping(u.GroupVersionKind())
		if err != nil {
			return "", err
		}
		_, err = argo.Resource(mapped).Namespace(u.GetNamespace()).Update(ctx, u, metav1.UpdateOptions{DryRun: rehearse, FieldValidation: "Strict"})
		if err == nil || !strings.Contains(err.Error(), wrong.path[1]) {
			return "", fmt.Errorf("%s with %s: %v", wrong.where, wrong.path[1], err)
		}
	}
	return "a privileged pod is refused by Pod Security restricted; a misspelt field in Deployment, Certificate and CiliumNetworkPolicy by the schema", nil
}
