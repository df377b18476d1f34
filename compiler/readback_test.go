package compiler_test

import (
	"strings"
	"testing"

	"agentc/compiler"
	"agentc/compiler/artifact"

	rollouts "github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	certv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	policiesv1 "github.com/kyverno/api/api/policies.kyverno.io/v1"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// upstream are the Go types of everything below manifests/. Argo CD's kinds, which stand in delivery/, have none that could
// be linked; their CRDs judge them.
var upstream = map[string]func() any{
	"v1 Namespace":                            func() any { return &corev1.Namespace{} },
	"v1 ConfigMap":                            func() any { return &corev1.ConfigMap{} },
	"v1 LimitRange":                           func() any { return &corev1.LimitRange{} },
	"v1 ResourceQuota":                        func() any { return &corev1.ResourceQuota{} },
	"v1 Service":                              func() any { return &corev1.Service{} },
	"v1 ServiceAccount":                       func() any { return &corev1.ServiceAccount{} },
	"apps/v1 Deployment":                      func() any { return &appsv1.Deployment{} },
	"apps/v1 StatefulSet":                     func() any { return &appsv1.StatefulSet{} },
	"policy/v1 PodDisruptionBudget":           func() any { return &policyv1.PodDisruptionBudget{} },
	"networking.k8s.io/v1 NetworkPolicy":      func() any { return &networkingv1.NetworkPolicy{} },
	"autoscaling/v2 HorizontalPodAutoscaler":  func() any { return &autoscalingv2.HorizontalPodAutoscaler{} },
	"cert-manager.io/v1 Certificate":          func() any { return &certv1.Certificate{} },
	"cilium.io/v2 CiliumNetworkPolicy":        func() any { return &ciliumv2.CiliumNetworkPolicy{} },
	"policies.kyverno.io/v1 ValidatingPolicy": func() any { return &policiesv1.ValidatingPolicy{} },
	"argoproj.io/v1alpha1 Rollout":            func() any { return &rollouts.Rollout{} },
	"argoproj.io/v1alpha1 AnalysisTemplate":   func() any { return &rollouts.AnalysisTemplate{} },
	"monitoring.coreos.com/v1 PodMonitor":     func() any { return &monitoringv1.PodMonitor{} },
	"monitoring.coreos.com/v1 PrometheusRule": func() any { return &monitoringv1.PrometheusRule{} },
}

// TestReadBack reads every manifest strictly into its upstream type, by another reader than our writer's, and writes it again:
// the bytes must be the same.
func TestReadBack(t *testing.T) {
	seen := map[string]int{}
	for _, root := range fleets {
		out, _, err := compiler.Compile(false, open(root, same)...)
		if err != nil || out == nil {
			t.Fatal(err)
		}
		for _, path := range out.Tree.Paths() {
			if !strings.Contains(path, "/manifests/") {
				continue
			}
			data, _ := out.Tree.File(path)
			_, body, _ := strings.Cut(string(data), "\n") // the comment on top
			for _, doc := range strings.Split(body, "\n---\n") {
				seen[readBack(t, path, strings.TrimSuffix(doc, "\n")+"\n")]++
			}
		}
	}
	for kind := range upstream {
		if seen[kind] == 0 {
			t.Errorf("no fleet compiles to a %s; its type is read by nothing", kind)
		}
	}
}

func readBack(t *testing.T, path, doc string) (kind string) {
	t.Helper()
	var meta metav1.TypeMeta
	if err := yaml.Unmarshal([]byte(doc), &meta); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	kind = meta.APIVersion + " " + meta.Kind
	make := upstream[kind]
	if make == nil {
		t.Fatalf("%s: no upstream type for %s", path, kind)
	}
	object := make()
	if err := yaml.UnmarshalStrict([]byte(doc), object); err != nil {
		t.Errorf("%s: %s: %v", path, kind, err)
	}
	if r, ok := object.(*rollouts.Rollout); ok { // not serialised; without them an empty template would be written
		r.Spec.TemplateResolvedFromRef, r.Spec.SelectorResolvedFromRef = true, true
	}
	again, err := artifact.YAML(object)
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != doc {
		t.Errorf("%s: %s is not the same when it is read and written again:\n%s", path, kind, firstDifference(doc, string(again)))
	}
	return kind
}
