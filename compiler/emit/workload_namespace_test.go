package emit

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestNamespaces(t *testing.T) {
	objects := workloadObjects(t, workloadEnv())
	for _, name := range []string{"soc-system", "soc-detect", "soc-remediate"} {
		labels := objectNamed[corev1.Namespace](t, objects, name).Labels
		for label, want := range map[string]string{
			"kubernetes.io/metadata.name":                name,
			"pod-security.kubernetes.io/enforce":         "restricted",
			"pod-security.kubernetes.io/enforce-version": "v1.36",
			"pod-security.kubernetes.io/audit":           "restricted",
			"pod-security.kubernetes.io/audit-version":   "latest",
			"pod-security.kubernetes.io/warn":            "restricted",
			"pod-security.kubernetes.io/warn-version":    "latest",
			"agents.d/fleet":                             "soc",
			"agents.d/environment":                       "prod",
		} {
			if labels[label] != want {
				t.Errorf("%s: %s is %q, want %q", name, label, labels[label], want)
			}
		}
	}
	confirm := func(name string) string {
		return objectNamed[corev1.Namespace](t, objects, name).Annotations["argocd.argoproj.io/sync-options"]
	}
	if confirm("soc-system") == "" || confirm("soc-detect") != "" {
		t.Errorf("who is asked before deletion: system %q, an agent's %q", confirm("soc-system"), confirm("soc-detect"))
	}
}

// TestQuotaIsTheSum works the numbers out by hand: analyse may have 2*6+1 = 13 pods and detect 2*2+1 = 5, each pod 1250m CPU,
// 1152Mi memory and 320Mi storage.
func TestQuotaIsTheSum(t *testing.T) {
	objects := workloadObjects(t, workloadEnv())
	got := map[string]string{}
	for _, o := range objects {
		if q, ok := o.Value.(*corev1.ResourceQuota); ok && q.Namespace == "soc-detect" {
			for name, amount := range q.Spec.Hard {
				got[string(name)] = amount.String()
			}
		}
	}
	want := map[string]string{
		"pods": "18", "persistentvolumeclaims": "0", "services.loadbalancers": "0", "services.nodeports": "0",
		"requests.cpu": "22500m", "requests.memory": "20736Mi", "requests.ephemeral-storage": "5760Mi",
		"limits.cpu": "22500m", "limits.memory": "20736Mi", "limits.ephemeral-storage": "5760Mi",
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestLimitRangeAdmitsEveryContainer, and no larger one.
func TestLimitRangeAdmitsEveryContainer(t *testing.T) {
	env := workloadEnv()
	env.Runtime.GuardResources.Limits.EphemeralStorage = resource.MustParse("1Gi")
	for _, o := range workloadObjects(t, env) {
		l, ok := o.Value.(*corev1.LimitRange)
		if !ok {
			continue
		}
		item := l.Spec.Limits[0]
		want := map[corev1.ResourceName]string{"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"}
		for name, amount := range want {
			for what, list := range map[string]corev1.ResourceList{"max": item.Max, "default": item.Default, "request": item.DefaultRequest} {
				if q := list[name]; q.String() != amount {
					t.Errorf("%s: %s of %s is %s, want %s", l.Namespace, what, name, q.String(), amount)
				}
			}
		}
	}
}

// TestSharedPodCodeKeepsItsInput: quantities are values, and summing them up must not change the fleet.
func TestSharedPodCodeKeepsItsInput(t *testing.T) {
	env := workloadEnv()
	workloadObjects(t, env)
	if d := gocmp.Diff(workloadEnv().Runtime.GuardResources, env.Runtime.GuardResources); d != "" {
		t.Error(d)
	}
}
