package defaults_test

import (
	"fmt"
	"strings"
	"testing"

	"agentc/verify/defaults"
	"agentc/verify/internal/generated"
	"agentc/verify/object"
	"agentc/verify/schemas"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"
)

const root = "../../generated"

// exceptions are the differences that are meant. One that is not needed any more fails the test.
var exceptions = []struct {
	path, reason string
	applies      func(o *object.Object, autoscaled map[string]bool) bool
}{
	{".status", "it is the cluster's to write", always},
	{".spec.template.spec.serviceAccount", "the old name of serviceAccountName, which the server fills from it; checkers refuse who writes it", always},
	{".spec.replicas", "the autoscaler writes it; in Git it would undo what the autoscaler did", func(o *object.Object, autoscaled map[string]bool) bool {
		return autoscaled[identity(o.GetNamespace(), o.GetKind(), o.GetName())]
	}},
}

func always(*object.Object, map[string]bool) bool { return true }

// TestStored: what the API server stores is what Git holds, or Argo CD would see a difference for ever.
func TestStored(t *testing.T) {
	objects := native(t)
	autoscaled := targets(objects)
	needed := map[string]bool{}
	for _, o := range objects {
		stored, err := defaults.Stored(o)
		if err != nil {
			t.Errorf("%s: %v", o, err)
			continue
		}
		for _, d := range schemas.Differences(o.Object, stored) {
			if path := exception(o, d, autoscaled); path != "" {
				needed[path] = true
				continue
			}
			t.Errorf("%s: %s", o, d)
		}
	}
	for _, e := range exceptions {
		if !needed[e.path] {
			t.Errorf("no object differs in %s: the exception is not needed", e.path)
		}
	}
}

// exception is the path of the exception for a difference, if there is one. What was written is never excepted.
func exception(o *object.Object, d schemas.Difference, autoscaled map[string]bool) string {
	for _, e := range exceptions {
		if e.path == d.Path && d.Written == nil && e.applies(o, autoscaled) {
			return e.path
		}
	}
	return ""
}

// native are the generated objects of Kubernetes' own kinds, known here or not; the others are judged in package schemas.
func native(t *testing.T) []*object.Object {
	t.Helper()
	var found []*object.Object
	for _, o := range generated.Read(t, root, "manifests", "delivery") {
		if scheme.Scheme.Recognizes(o.GroupVersionKind()) {
			found = append(found, o)
		}
	}
	return found
}

// targets says which workloads an autoscaler scales.
func targets(objects []*object.Object) map[string]bool {
	found := map[string]bool{}
	for _, o := range objects {
		if o.GetKind() == "HorizontalPodAutoscaler" {
			kind, _, _ := unstructured.NestedString(o.Object, "spec", "scaleTargetRef", "kind")
			name, _, _ := unstructured.NestedString(o.Object, "spec", "scaleTargetRef", "name")
			found[identity(o.GetNamespace(), kind, name)] = true
		}
	}
	return found
}

func identity(namespace, kind, name string) string { return namespace + " " + kind + " " + name }

// TestMissing takes one default at a time out of generated objects and wants it to be missed, and a value that the server
// would write in another way to be seen.
func TestMissing(t *testing.T) {
	objects := native(t)
	for _, c := range []struct {
		kind   string
		change generated.Change
		want   string
	}{
		{"Deployment", generated.Drop("spec.strategy"), ".spec.strategy: written <nil>, stored map[rollingUpdate:map[maxSurge:25% maxUnavailable:25%] type:RollingUpdate]"},
		{"Deployment", generated.Drop("spec.template.spec.containers.0.terminationMessagePath"), ".spec.template.spec.containers[0].terminationMessagePath: written <nil>, stored /dev/termination-log"},
		{"Deployment", generated.Drop("spec.template.spec.volumes.0.secret.defaultMode"), ".spec.template.spec.volumes[0].secret.defaultMode: written <nil>, stored 420"},
		{"Deployment", generated.Put("spec.template.spec.containers.0.resources.limits.cpu", "3000m"), ".spec.template.spec.containers[0].resources.limits.cpu: written 3000m, stored 3"},
		{"Deployment", generated.Put("metadata.creationTimestamp", nil), ".metadata.creationTimestamp: written <nil>, stored <nil>"},
		{"StatefulSet", generated.Drop("spec.podManagementPolicy"), ".spec.podManagementPolicy: written <nil>, stored OrderedReady"},
		{"Service", generated.Drop("spec.ports.0.protocol"), ".spec.ports[0].protocol: written <nil>, stored TCP"},
		{"NetworkPolicy", generated.Drop("spec.policyTypes"), ".spec.policyTypes: written <nil>, stored [Ingress]"},
		{"LimitRange", generated.Drop("spec.limits.0.defaultRequest"), ".spec.limits[0].defaultRequest: written <nil>, stored map["},
	} {
		t.Run(c.want, func(t *testing.T) {
			o := generated.Changed(t, objects, c.kind, c.change)
			stored, err := defaults.Stored(o)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(schemas.Differences(o.Object, stored)); !strings.Contains(got, c.want) {
				t.Error(got)
			}
		})
	}
}

// TestRefused breaks generated objects in ways that no schema knows of.
func TestRefused(t *testing.T) {
	objects := native(t)
	for _, c := range []struct {
		kind   string
		change generated.Change
		want   string
	}{
		{"Deployment", generated.Put("spec.selector.matchLabels", map[string]any{"app": "other"}), "`selector` does not match template `labels`"},
		{"Deployment", generated.Put("spec.template.spec.containers.0.livenessProbe.successThreshold", int64(2)), "successThreshold: Invalid value: 2: must be 1"},
		{"Deployment", generated.Put("spec.template.spec.containers.0.resources.requests.memory", "1Ti"), "must be less than or equal to memory limit"},
		{"Deployment", generated.Put("spec.template.spec.containers.0.volumeMounts.0.name", "gone"), `volumeMounts[0].name: Not found: "gone"`},
		{"Deployment", generated.Drop("metadata.namespace"), "metadata.namespace: Required value"},
		{"Service", generated.Put("spec.ports.0.name", "A2A"), "spec.ports[0].name: Invalid value"},
		{"PodDisruptionBudget", generated.Put("spec.minAvailable", int64(1)), "cannot be both set"},
		{"Namespace", generated.Put("metadata.name", "Fleet"), "metadata.name: Invalid value"},
		{"Namespace", generated.Put("kind", "Node"), "no validation is listed for v1 Node"},
		{"Deployment", generated.Put("apiVersion", "apps/v1beta1"), "no validation is listed for apps/v1beta1 Deployment"},
		{"Namespace", generated.Put("spec.finalisers", []any{}), `unknown field "spec.finalisers"`},
		{"Namespace", generated.Put("Spec", map[string]any{}), `unknown field "Spec"`},
	} {
		t.Run(c.want, func(t *testing.T) {
			if _, err := defaults.Stored(generated.Changed(t, objects, c.kind, c.change)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("not refused so: %v", err)
			}
		})
	}
}
