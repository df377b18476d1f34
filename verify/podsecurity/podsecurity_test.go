package podsecurity

import (
	"testing"

	"agentc/verify/internal/generated"
	"agentc/verify/object"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
)

const root = "../../generated"

func TestRestricted(t *testing.T) {
	templates := 0
	for _, o := range generated.Read(t, root, "manifests") {
		template, ok := podTemplate(t, o)
		if !ok {
			continue
		}
		templates++
		for _, problem := range refusals(t, template) {
			t.Errorf("%s: %s", o, problem)
		}
	}
	if templates == 0 {
		t.Error("no pod template is generated")
	}
}

// TestNamespaces: it is these levels that the Namespaces of the fleet enforce.
func TestNamespaces(t *testing.T) {
	namespaces := 0
	for _, o := range generated.Read(t, root, "manifests") {
		if o.GetKind() != "Namespace" {
			continue
		}
		namespaces++
		for label, want := range map[string]string{
			api.EnforceLevelLabel: "restricted", api.EnforceVersionLabel: "v1.36",
			api.WarnLevelLabel: "restricted", api.WarnVersionLabel: "latest",
			api.AuditLevelLabel: "restricted", api.AuditVersionLabel: "latest",
		} {
			if got := o.GetLabels()[label]; got != want {
				t.Errorf("%s: %s is %q, not %q", o, label, got, want)
			}
		}
	}
	if namespaces == 0 {
		t.Error("no Namespace is generated")
	}
}

func TestRefused(t *testing.T) {
	objects := generated.Read(t, root, "manifests")
	const pod, container = "spec.template.spec.", "spec.template.spec.containers.0.securityContext."
	for name, change := range map[string]generated.Change{
		"privileged":                generated.Put(container+"privileged", true),
		"allowPrivilegeEscalation":  generated.Drop(container + "allowPrivilegeEscalation"),
		"capabilities":              generated.Drop(container + "capabilities"),
		"root":                      generated.Put(container+"runAsUser", int64(0)),
		"runAsNonRoot":              generated.Put(container+"runAsNonRoot", false),
		"seccompProfile":            generated.Drop(pod + "securityContext.seccompProfile"),
		"hostNetwork":               generated.Put(pod+"hostNetwork", true),
		"hostPath":                  generated.Put(pod+"volumes", []any{map[string]any{"name": "host", "hostPath": map[string]any{"path": "/"}}}),
		"escalation in the sidecar": generated.Drop("spec.template.spec.initContainers.0.securityContext.allowPrivilegeEscalation"),
	} {
		t.Run(name, func(t *testing.T) {
			template, ok := podTemplate(t, generated.Changed(t, objects, "Deployment", change))
			if !ok || len(refusals(t, template)) == 0 {
				t.Error("not refused")
			}
		})
	}
}

// podTemplate is the template of an object of any kind that has one.
func podTemplate(t *testing.T, o *object.Object) (*corev1.PodTemplateSpec, bool) {
	t.Helper()
	found, ok, err := unstructured.NestedMap(o.Object, "spec", "template")
	if err != nil || !ok {
		return nil, false
	}
	template := &corev1.PodTemplateSpec{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(found, template, true); err != nil {
		t.Fatalf("%s: spec.template is not a pod's: %v", o, err)
	}
	return template, true
}

func refusals(t *testing.T, template *corev1.PodTemplateSpec) []string {
	t.Helper()
	problems, err := Refusals(template)
	if err != nil {
		t.Fatal(err)
	}
	return problems
}
