package admission

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"agentc/verify/object"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// What the command line cannot ask: subresources, and changes of one object into another.

// onEachSite checks each environment with a Deployment that the compiler gives as a good example.
func onEachSite(t *testing.T, check func(t *testing.T, k tested, deployment *unstructured.Unstructured)) {
	for _, s := range shippedSites(t) {
		t.Run(s.env.Name, func(t *testing.T) {
			objects := objectsIn(t, filepath.Join(s.tests, "resources-good.yaml"))
			i := slices.IndexFunc(objects, func(o *object.Object) bool { return o.GetKind() == "Deployment" })
			if i < 0 {
				t.Fatal("no Deployment among the good resources")
			}
			check(t, s.kyverno(t), &objects[i].Unstructured)
		})
	}
}

func TestAccess(t *testing.T) {
	onEachSite(t, func(t *testing.T, k tested, d *unstructured.Unstructured) {
		for _, c := range []struct {
			kind, resource string
			operation      admissionv1.Operation
		}{
			{"PodExecOptions", "pods/exec", admissionv1.Connect},
			{"PodAttachOptions", "pods/attach", admissionv1.Connect},
			{"PodPortForwardOptions", "pods/portforward", admissionv1.Connect},
			{"PodProxyOptions", "pods/proxy", admissionv1.Connect},
			{"ServiceProxyOptions", "services/proxy", admissionv1.Connect},
			{"Pod", "pods/ephemeralcontainers", admissionv1.Update},
			{"TokenRequest", "serviceaccounts/token", admissionv1.Create},
		} {
			for namespace, want := range map[string]string{d.GetNamespace(): "fail", "default": "none"} {
				r := request{user: person, operation: c.operation, object: made("v1", c.kind, namespace, ""), resource: c.resource}
				k.wants(t, r, k.env.Fleet+"-access", want)
			}
		}
	})
}

// The Deployment controller must be able to scale down what is no longer admitted, and nobody to bring it back.
func TestOldReplicaSets(t *testing.T) {
	onEachSite(t, func(t *testing.T, k tested, d *unstructured.Unstructured) {
		changed := d.DeepCopy()
		setImage(t, changed, "registry.example/gone@sha256:0")
		old := renamed(changed, d.GetName()+"-5d4f8c7b9")
		old.SetKind("ReplicaSet")
		scaled := old.DeepCopy()
		set(scaled, int64(0), "spec", "replicas")
		for _, policy := range []string{"workloads", "images", "hardening"} {
			k.wants(t, request{user: deployments, operation: admissionv1.Update, object: scaled, old: old}, k.env.Fleet+"-"+policy, "skip")
		}
		k.wants(t, request{user: deployments, operation: admissionv1.Create, object: old}, k.env.Fleet+"-workloads", "fail")
		for _, policy := range []string{"workloads", "protection"} {
			k.wants(t, request{user: person, operation: admissionv1.Update, object: changed, old: d}, k.env.Fleet+"-"+policy, "fail")
		}
	})
}

// setImage gives the first container of a pod template another image.
func setImage(t *testing.T, o *unstructured.Unstructured, image string) {
	t.Helper()
	containers, _, err := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
	if err != nil || len(containers) == 0 {
		t.Fatalf("no containers in %s: %v", o.GetName(), err)
	}
	containers[0].(map[string]any)["image"] = image
	set(o, containers, "spec", "template", "spec", "containers")
}

// A namespace cannot leave the fleet, nor admit more, by another hand than Argo CD's.
func TestNamespaces(t *testing.T) {
	onEachSite(t, func(t *testing.T, k tested, d *unstructured.Unstructured) {
		policy := k.env.Fleet + "-namespaces"
		ns := made("v1", "Namespace", "", d.GetNamespace())
		ns.SetLabels(k.namespace(d.GetNamespace()).Labels)
		ns.SetAnnotations(k.namespace(d.GetNamespace()).Annotations)
		for _, c := range []struct {
			name   string
			change func(*unstructured.Unstructured)
			want   string
		}{
			{"leaves", func(o *unstructured.Unstructured) { o.SetLabels(minus(o.GetLabels(), "agents.d/fleet")) }, "fail"},
			{"relaxes", func(o *unstructured.Unstructured) {
				o.SetLabels(minus(o.GetLabels(), "pod-security.kubernetes.io/enforce"))
			}, "fail"},
			{"admits", func(o *unstructured.Unstructured) { o.SetAnnotations(map[string]string{admittedAnnotation: "x/y=z"}) }, "fail"},
			{"is annotated", func(o *unstructured.Unstructured) {
				o.SetAnnotations(plus(o.GetAnnotations(), "example.org/note", "mine"))
			}, "pass"},
		} {
			changed := ns.DeepCopy()
			c.change(changed)
			t.Run(c.name, func(t *testing.T) {
				k.wants(t, request{user: person, operation: admissionv1.Update, object: changed, old: ns}, policy, c.want)
			})
		}
		k.wants(t, request{user: k.applier(t), operation: admissionv1.Delete, old: ns}, policy, "skip")
		other := renamed(ns, "somebody-else")
		other.SetLabels(nil)
		k.wants(t, request{user: person, operation: admissionv1.Update, object: other, old: other}, policy, "skip")
	})
}

// An approval is for one change.
func TestFreshApprovals(t *testing.T) {
	for _, s := range shippedSites(t) {
		k := s.kyverno(t)
		folders, err := filepath.Glob(filepath.Join(s.tests, "actuator-*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, folder := range folders {
			t.Run(strings.TrimPrefix(folder, generatedFiles), func(t *testing.T) { k.freshApprovals(t, folder) })
		}
	}
}

// freshApprovals changes objects of the kinds that the actuator may update: those are told from the others by the result
// that the compiler expects for one without an approval.
func (k tested) freshApprovals(t *testing.T, folder string) {
	test, user := exampleIn(t, filepath.Join(folder, "kyverno-test.yaml"))
	objects := objectsIn(t, filepath.Join(folder, "resources.yaml"))
	for _, r := range test.Results {
		if r.Operation != "UPDATE" || r.Result != "fail" || !strings.HasSuffix(r.Resources[0], "-silent") {
			continue
		}
		approved := strings.TrimSuffix(r.Resources[0], "silent") + "approved"
		i := slices.IndexFunc(objects, func(o *object.Object) bool { return o.GetNamespace()+"/"+o.GetName() == approved })
		if i < 0 {
			t.Fatalf("no %s", approved)
		}
		old := &objects[i].Unstructured
		another := plus(old.GetAnnotations(), "agents.d/approval", strings.Repeat("7", 32))
		for _, c := range []struct {
			annotations map[string]string
			want        string
		}{
			{another, "pass"},
			{plus(another, "agents.d/approval", "yes"), "fail"},
			{minus(another, "agents.d/trace"), "fail"},
		} {
			changed := old.DeepCopy()
			changed.SetAnnotations(c.annotations)
			k.wants(t, request{user: user, operation: admissionv1.Update, object: changed, old: old}, r.Policy, c.want)
		}
	}
}

func plus(m map[string]string, key, value string) map[string]string {
	more := maps.Clone(m)
	more[key] = value
	return more
}

func minus(m map[string]string, key string) map[string]string {
	rest := maps.Clone(m)
	delete(rest, key)
	return rest
}
