package verify

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	celengine "github.com/kyverno/kyverno/pkg/cel/engine"
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// What the command line cannot ask: subresources, and changes of one object into another.

const person = "alice@example.com"

func eachJudge(t *testing.T, check func(t *testing.T, j *judge, deployment *unstructured.Unstructured)) {
	for _, env := range environments(t) {
		t.Run(filepath.Base(env), func(t *testing.T) {
			objects := objectsIn(t, filepath.Join(env, "admission-tests", "resources-good.yaml"))
			i := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == "Deployment" })
			if i < 0 {
				t.Fatal("no Deployment among the good resources")
			}
			check(t, newJudge(t, env), objects[i])
		})
	}
}

func (j *judge) want(t *testing.T, r celengine.EngineRequest, policy, want string) {
	t.Helper()
	if got, message := j.ask(t, r, j.fleet+"-"+policy); got != want {
		t.Errorf("%s %s %s/%s: %s, not %s (%s)", policy, r.Request.Operation, r.Request.Resource.Resource, r.Request.SubResource, got, want, message)
	}
}

func TestAccess(t *testing.T) {
	eachJudge(t, func(t *testing.T, j *judge, d *unstructured.Unstructured) {
		for _, c := range []struct {
			kind, resource, subresource string
			operation                   admissionv1.Operation
		}{
			{"PodExecOptions", "pods", "exec", admissionv1.Connect},
			{"PodAttachOptions", "pods", "attach", admissionv1.Connect},
			{"PodPortForwardOptions", "pods", "portforward", admissionv1.Connect},
			{"PodProxyOptions", "pods", "proxy", admissionv1.Connect},
			{"ServiceProxyOptions", "services", "proxy", admissionv1.Connect},
			{"Pod", "pods", "ephemeralcontainers", admissionv1.Update},
			{"TokenRequest", "serviceaccounts", "token", admissionv1.Create},
		} {
			for namespace, want := range map[string]string{d.GetNamespace(): "fail", "default": "none"} {
				o := &unstructured.Unstructured{}
				o.SetAPIVersion("v1")
				o.SetKind(c.kind)
				o.SetNamespace(namespace)
				r := request(person, c.operation, o, nil)
				r.Request.Resource.Resource, r.Request.SubResource = c.resource, c.subresource
				j.want(t, r, "access", want)
			}
		}
	})
}

// The Deployment controller must be able to scale down what is no longer admitted, and nobody to bring it back.
func TestOldReplicaSets(t *testing.T) {
	eachJudge(t, func(t *testing.T, j *judge, d *unstructured.Unstructured) {
		old := d.DeepCopy()
		old.SetKind("ReplicaSet")
		old.SetName(d.GetName() + "-5d4f8c7b9")
		set(t, old, "registry.example/gone@sha256:0", "spec", "template", "spec", "containers", "0", "image")
		scaled := old.DeepCopy()
		set(t, scaled, int64(0), "spec", "replicas")
		const controller = "system:serviceaccount:kube-system:deployment-controller"
		for _, policy := range []string{"workloads", "images", "hardening"} {
			j.want(t, request(controller, admissionv1.Update, scaled, old), policy, "skip")
		}
		j.want(t, request(controller, admissionv1.Create, old, nil), "workloads", "fail")

		changed := d.DeepCopy()
		set(t, changed, "registry.example/gone@sha256:0", "spec", "template", "spec", "containers", "0", "image")
		j.want(t, request(person, admissionv1.Update, changed, d), "workloads", "fail")
		j.want(t, request(person, admissionv1.Update, changed, d), "protection", "fail")
	})
}

// A namespace cannot leave the fleet, nor admit more, by another hand than Argo CD's.
func TestNamespaces(t *testing.T) {
	eachJudge(t, func(t *testing.T, j *judge, d *unstructured.Unstructured) {
		ns := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{}}}
		ns.SetAPIVersion("v1")
		ns.SetKind("Namespace")
		ns.SetName(d.GetNamespace())
		ns.SetLabels(j.namespace(d.GetNamespace()).Labels)
		ns.SetAnnotations(j.namespace(d.GetNamespace()).Annotations)
		for name, c := range map[string]struct {
			change func(*unstructured.Unstructured)
			want   string
		}{
			"leaves": {func(o *unstructured.Unstructured) { o.SetLabels(without(o.GetLabels(), "agents.d/fleet")) }, "fail"},
			"relaxes": {func(o *unstructured.Unstructured) {
				o.SetLabels(without(o.GetLabels(), "pod-security.kubernetes.io/enforce"))
			}, "fail"},
			"admits": {func(o *unstructured.Unstructured) { o.SetAnnotations(map[string]string{"agents.d/admitted": "x/y=z"}) }, "fail"},
			"is annotated": {func(o *unstructured.Unstructured) {
				a := o.GetAnnotations()
				a["example.org/note"] = "mine"
				o.SetAnnotations(a)
			}, "pass"},
		} {
			changed := ns.DeepCopy()
			c.change(changed)
			t.Run(name, func(t *testing.T) {
				j.want(t, request(person, admissionv1.Update, changed, ns), "namespaces", c.want)
			})
		}
		_, applier := testIn(t, filepath.Join(j.env, "admission-tests", "kyverno-test.yaml"))
		j.want(t, request(applier, admissionv1.Delete, nil, ns), "namespaces", "skip")
		other := ns.DeepCopy()
		other.SetName("somebody-else")
		other.SetLabels(nil)
		j.want(t, request(person, admissionv1.Update, other, other), "namespaces", "skip")
	})
}

func without(labels map[string]string, key string) map[string]string {
	rest := maps.Clone(labels)
	delete(rest, key)
	return rest
}

// set writes a value at a path. Of a list it takes the first element, whatever the path says there.
func set(t *testing.T, o *unstructured.Unstructured, value any, path ...string) {
	t.Helper()
	var at any = o.Object
	for i, name := range path {
		switch here := at.(type) {
		case map[string]any:
			if i == len(path)-1 {
				here[name] = value
			}
			at = here[name]
		case []any:
			at = here[0]
		default:
			t.Fatalf("no %v in %s", path[:i+1], o.GetName())
		}
	}
}

// An approval is for one change.
func TestFreshApprovals(t *testing.T) {
	for _, env := range environments(t) {
		j := newJudge(t, env)
		folders, err := filepath.Glob(filepath.Join(env, "admission-tests", "actuator-*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, folder := range folders {
			t.Run(folder, func(t *testing.T) { freshApprovals(t, j, folder) })
		}
	}
}

// freshApprovals changes objects of the kinds that the actuator may update: those are told from the others by the result
// that the compiler expects for one without an approval.
func freshApprovals(t *testing.T, j *judge, folder string) {
	test, user := testIn(t, filepath.Join(folder, "kyverno-test.yaml"))
	objects := objectsIn(t, filepath.Join(folder, "resources.yaml"))
	for _, r := range test.Results {
		if r.Operation != "UPDATE" || r.Result != "fail" || !strings.HasSuffix(r.Resources[0], "-silent") {
			continue
		}
		i := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool {
			return o.GetNamespace()+"/"+o.GetName() == strings.TrimSuffix(r.Resources[0], "silent")+"approved"
		})
		old := objects[i]
		changed := old.DeepCopy()
		changed.SetAnnotations(with(old.GetAnnotations(), "agents.d/approval", strings.Repeat("7", 32)))
		j.want(t, request(user, admissionv1.Update, changed, old), strings.TrimPrefix(r.Policy, j.fleet+"-"), "pass")

		changed.SetAnnotations(with(old.GetAnnotations(), "agents.d/approval", "yes"))
		j.want(t, request(user, admissionv1.Update, changed, old), strings.TrimPrefix(r.Policy, j.fleet+"-"), "fail")

		changed.SetAnnotations(without(with(old.GetAnnotations(), "agents.d/approval", strings.Repeat("7", 32)), "agents.d/trace"))
		j.want(t, request(user, admissionv1.Update, changed, old), strings.TrimPrefix(r.Policy, j.fleet+"-"), "fail")
	}
}

func with(m map[string]string, key, value string) map[string]string {
	more := maps.Clone(m)
	more[key] = value
	return more
}
