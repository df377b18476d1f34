package schemas_test

import (
	"slices"
	"strings"
	"testing"

	"agentc/verify/internal/generated"
	"agentc/verify/schemas"
)

// TestRefused breaks generated objects, each in one way, and wants the schemas to say so.
func TestRefused(t *testing.T) {
	set := allSchemas(t)
	objects := generated.Read(t, root, "manifests", "delivery")
	for _, c := range []struct {
		name, kind string
		change     generated.Change
		want       string
	}{
		{"misspelt field, by OpenAPI", "Deployment", generated.Rename("spec.template.spec.containers.0.imagePullPolicy", "imagePulPolicy"), "unknown field .spec.template.spec.containers[0].imagePulPolicy"},
		{"misspelt field, by the type", "Deployment", generated.Rename("spec.template.spec.containers.0.imagePullPolicy", "imagePulPolicy"), `json: unknown field "imagePulPolicy"`},
		{"misspelt field, by CRD", "CiliumNetworkPolicy", generated.Rename("spec.ingress.0.toPorts", "toPort"), "unknown field spec.ingress[0].toPort"},
		{"misspelt field of metadata", "Certificate", generated.Rename("metadata.labels", "label"), "unknown field metadata.label"},
		{"field that is elsewhere", "Application", generated.Put("spec.source.revision", "HEAD"), "unknown field spec.source.revision"},
		{"text for a number", "Service", generated.Put("spec.ports.0.port", "8443"), "spec.ports[0].port in body must be of type integer"},
		{"number for text", "CiliumNetworkPolicy", generated.Put("spec.ingress.0.toPorts.0.ports.0.port", int64(8443)), "spec.ingress[0].toPorts[0].ports[0].port: Invalid value"},
		{"list for text", "ConfigMap", generated.Put("data.key", []any{"a"}), "data.key in body must be of type string"},
		{"text for a list", "PrometheusRule", generated.Put("spec.groups", "none"), "spec.groups: Invalid value"},
		{"missing field", "Deployment", generated.Drop("spec.selector"), "spec.selector in body is required"},
		{"missing field of a custom kind", "Certificate", generated.Drop("spec.secretName"), "spec.secretName: Required value"},
		{"value outside of an enumeration", "Certificate", generated.Put("spec.privateKey.algorithm", "DSA"), `spec.privateKey.algorithm: Unsupported value: "DSA"`},
		{"CEL rule", "CiliumNetworkPolicy", generated.Drop("spec"), "spec or specs must be provided"},
		{"two items of one key", "PrometheusRule", generated.Repeat("spec.groups"), `]: Duplicate value: {"name":`},
		{"name that is none", "AppProject", generated.Put("metadata.name", "Fleet_1"), "metadata.name: Invalid value"},
		{"no namespace", "Certificate", generated.Drop("metadata.namespace"), "metadata.namespace: Required value"},
		{"namespace of a cluster-wide kind", "ValidatingPolicy", generated.Put("metadata.namespace", "default"), "metadata.namespace: Forbidden"},
		{"deprecated version", "ValidatingPolicy", generated.Put("apiVersion", "policies.kyverno.io/v1alpha1"), "the version policies.kyverno.io/v1alpha1 is deprecated"},
		{"version that is gone", "Deployment", generated.Put("apiVersion", "apps/v1beta1"), "no schema for apps/v1beta1 Deployment"},
		{"unknown kind", "Service", generated.Put("kind", "Servise"), "no schema for v1 Servise"},
		{"unknown group", "Certificate", generated.Put("apiVersion", "certmanager.example/v1"), "no schema for certmanager.example/v1 Certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems := strings.Join(set.check(generated.Changed(t, objects, c.kind, c.change)), "\n")
			if !strings.Contains(problems, c.want) {
				t.Errorf("not %q but %q", c.want, problems)
			}
		})
	}
}

// A default that is left out is a difference between Git and the cluster.
func TestMissingDefault(t *testing.T) {
	o := generated.Changed(t, generated.Read(t, root, "manifests"), "ValidatingPolicy", generated.Drop("spec.evaluation.background.enabled"))
	stored, _ := allSchemas(t).Stored(o)
	got := schemas.Differences(o.Object, stored)
	want := []schemas.Difference{{Path: ".spec.evaluation.background.enabled", Stored: true}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}
