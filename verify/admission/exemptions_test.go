package admission

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"agentc/verify/internal/generated"
	"agentc/verify/internal/judged"
	"agentc/verify/judge"
)

const mallory = "mallory@evil.example"

// says wants one of the findings about an object to hold a text.
func says(t *testing.T, all []string, object, want string) {
	t.Helper()
	if !slices.ContainsFunc(all, func(f string) bool { return strings.HasPrefix(f, object+" ") && strings.Contains(f, want) }) {
		t.Errorf("nothing says %q of %s but %d findings, %.600q", want, object, len(all), fmt.Sprint(all))
	}
}

// TestExempted: a policy that lets one attacker through is found, whichever policy it is. That about actuators looks at nobody else anyway.
func TestExempted(t *testing.T) {
	envs, _ := judged.Input(t).Environments()
	env := envs[0]
	policies := []string{"workloads", "makers", "images", "hardening", "kinds", "identities", "issuance", "access", "bindings", "protection", "namespaces", "policies"}
	for _, name := range policies {
		mutate(t, env, name, func(o map[string]any) {
			s := o["spec"].(map[string]any)
			list, _ := s["matchConditions"].([]any)
			s["matchConditions"] = append(list, map[string]any{"name": "mine", "expression": "request.userInfo.username != '" + mallory + "'"})
		})
	}
	all := findings(t, env, false)
	for _, name := range policies {
		says(t, all, "ValidatingPolicy "+env.Fleet+"-"+name, "by "+mallory)
	}
}

func TestExemptions(t *testing.T) {
	for _, c := range []struct {
		name, policy string
		change       generated.Change
		want         string
	}{
		{"a maker more", "makers", generated.Put("spec.validations.0.expression", "request.userInfo.username in ['"+mallory+"', '"+replicaSets+"', '"+statefulSets+"', 'system:kube-controller-manager']"), "by " + mallory},
		{"a group", "access", generated.Put("spec.validations.0.expression", "'mallories' in request.userInfo.groups"), "by mallories"},
		{"objects by label", "hardening", generated.Put(spec+"objectSelector", map[string]any{"matchLabels": map[string]any{"a": "b"}}), "its selectors do not select"},
		{"namespaces by another label", "bindings", generated.Put(spec+"namespaceSelector", map[string]any{"matchExpressions": []any{map[string]any{"key": "a", "operator": "DoesNotExist"}}}), "its selectors do not select"},
		{"an action more", "actuators", func(o map[string]any) {
			v := o["spec"].(map[string]any)["variables"].([]any)[0].(map[string]any)
			v["expression"] = strings.Replace(v["expression"].(string), "/pods UPDATE'", "/pods UPDATE', 'system:serviceaccount:mcp-system:cluster-tools batch/jobs CREATE'", 1)
		}, "create batch/jobs, which is not declared"},
	} {
		t.Run(c.name, func(t *testing.T) {
			envs, _ := judged.Input(t).Environments()
			mutate(t, envs[0], c.policy, c.change)
			says(t, findings(t, envs[0], false), "ValidatingPolicy "+envs[0].Fleet+"-"+c.policy, c.want)
		})
	}
}

// firstOf a kind among the manifests, by its name.
func firstOf(t *testing.T, env *judge.Environment, kind string) string {
	t.Helper()
	all := judge.Of(env.Manifests, kind)
	if len(all) == 0 {
		t.Fatalf("no %s", kind)
	}
	return all[0].String()
}

// TestOdd: objects that no rogue can be made of are no end of the judging.
func TestOdd(t *testing.T) {
	container := func(change func(map[string]any)) generated.Change {
		return func(o map[string]any) {
			pod := o["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
			change(pod["containers"].([]any)[0].(map[string]any))
		}
	}
	for _, c := range []struct {
		kind   string
		change generated.Change
	}{
		{"Deployment", container(func(c map[string]any) { c["image"] = "" })},
		{"Deployment", container(func(c map[string]any) { delete(c, "securityContext") })},
		{"Certificate", func(o map[string]any) { o["spec"] = []any{} }},
		{"CiliumNetworkPolicy", func(o map[string]any) { o["spec"] = "x" }},
		{"Namespace", func(o map[string]any) { o["metadata"] = []any{1} }},
	} {
		t.Run(c.kind, func(t *testing.T) {
			envs, _ := judged.Input(t).Environments()
			mutate(t, envs[0], firstOf(t, envs[0], c.kind), c.change)
			for _, f := range findings(t, envs[0], false) {
				if strings.Contains(f, "cannot judge") {
					t.Error(f)
				}
			}
		})
	}
}

// TestUnlabelled: where the object lacks what the policy looks at, the object is at fault.
func TestUnlabelled(t *testing.T) {
	envs, _ := judged.Input(t).Environments()
	name := firstOf(t, envs[0], "ConfigMap")
	mutate(t, envs[0], name, func(o map[string]any) {
		delete(o["metadata"].(map[string]any)["labels"].(map[string]any), "app.kubernetes.io/managed-by")
	})
	all := findings(t, envs[0], false)
	says(t, all, name, "is not protected by the policy")
	if i := slices.IndexFunc(all, func(f string) bool { return strings.HasPrefix(f, "ValidatingPolicy ") }); i >= 0 {
		t.Error(all[i])
	}
}

// TestSilent: a policy that counts for too long is reported, be it that CEL ends it or that it takes its time, and keeps nobody from being judged.
func TestSilent(t *testing.T) {
	defer func(d time.Duration) { patience = d }(patience)
	bomb := "true"
	for _, v := range "abcdefgh" {
		bomb = "[1,2,3,4,5,6,7,8,9,10].all(" + string(v) + ", " + bomb + ")"
	}
	for _, patience = range []time.Duration{10 * time.Second, 100 * time.Millisecond} {
		envs, _ := judged.Input(t).Environments()
		mutate(t, envs[0], "kinds", generated.Put("spec.validations.0.expression", "!"+bomb))
		mutate(t, envs[0], "makers", generated.Put("spec.validations.0.expression", "true"))
		all := findings(t, envs[0], false)
		says(t, all, "ValidatingPolicy "+envs[0].Fleet+"-kinds", "does not answer within")
		if patience > time.Second { // the shorter one may be too short for others on a busy machine
			says(t, all, "ValidatingPolicy "+envs[0].Fleet+"-makers", "a pod that a person makes")
		}
	}
}
