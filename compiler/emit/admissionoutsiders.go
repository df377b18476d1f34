package emit

import (
	"strings"

	"agentc/compiler/model"

	certv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	policiesv1 "github.com/kyverno/api/api/policies.kyverno.io/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// outsiderFile holds what those who are not Argo CD are tested with.
const outsiderFile = "resources.yaml"

// testPerson wants refused what goes past Git, whatever rights somebody has.
func testPerson(s *testSet, a *model.Agent, policy *policiesv1.ValidatingPolicy, out *Out) {
	s.fail(outsiderFile, &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: metav1.ObjectMeta{Namespace: a.Namespace, Name: "open"},
		Spec:       networkingv1.NetworkPolicySpec{Ingress: []networkingv1.NetworkPolicyIngressRule{{}}},
	}, "protection", "CREATE", "UPDATE", "DELETE")
	s.fail(outsiderFile, certificateRequest(s.env), "issuance")
	s.fail(outsiderFile, policy, "policies", "UPDATE", "DELETE")
	if d, ok := written[*appsv1.Deployment](out, agentFile(a)); ok {
		s.fail(outsiderFile, d, "protection", "CREATE", "DELETE")
		s.add(outsiderFile, d, "UPDATE", "protection", "pass") // the same template: somebody scales
	}
	if ca, ok := written[*corev1.ConfigMap](out, namespaceFile(s.env, a.Namespace)); ok {
		s.fail(outsiderFile, ca, "protection", "UPDATE", "DELETE")
	}
	if ns, ok := written[*corev1.Namespace](out, namespaceFile(s.env, a.Namespace)); ok {
		s.fail(outsiderFile, ns, "namespaces", "CREATE", "DELETE")
		s.add(outsiderFile, ns, "UPDATE", "namespaces", "pass")
	}
}

func certificateRequest(env *model.Environment) *certv1.CertificateRequest {
	return &certv1.CertificateRequest{
		TypeMeta:   metav1.TypeMeta{APIVersion: certv1.SchemeGroupVersion.String(), Kind: certv1.CertificateRequestKind},
		ObjectMeta: metav1.ObjectMeta{Namespace: env.Agents[0].Namespace, Name: "by-hand"},
		Spec: certv1.CertificateRequestSpec{
			Request:   []byte("-----BEGIN CERTIFICATE REQUEST-----\n"),
			IssuerRef: certmeta.IssuerReference{Group: certv1.SchemeGroupVersion.Group, Kind: env.Issuer.Kind, Name: env.Issuer.Name},
		},
	}
}

// actuatorKinds are the kinds that tests of actuators can speak of, with the resources by which actuators name them.
var actuatorKinds = []struct{ group, resource, apiVersion, kind string }{
	{"cilium.io", "ciliumnetworkpolicies", "cilium.io/v2", "CiliumNetworkPolicy"},
	{"networking.k8s.io", "networkpolicies", "networking.k8s.io/v1", "NetworkPolicy"},
	{"apps", "deployments", "apps/v1", "Deployment"},
	{"", "configmaps", "v1", "ConfigMap"},
	{"", "pods", "v1", "Pod"},
	{"", "secrets", "v1", "Secret"},
}

// testActuator wants refused what is not declared or not approved, and admitted the rest. Only the metadata matters to these
// policies. The CLI updates an object to what it was, which brings no new approval.
func testActuator(s *testSet, a *model.Actuator) {
	s.fail(outsiderFile, acted("rbac.authorization.k8s.io/v1", "ClusterRole", "rights", true), actuatorsName)
	for _, k := range actuatorKinds {
		verbs := declaredVerbs(a, k.group, k.resource)
		approved := acted(k.apiVersion, k.kind, "approved", true)
		silent := acted(k.apiVersion, k.kind, "silent", false)
		for _, verb := range []string{"create", "update", "delete"} {
			operation := strings.ToUpper(verb)
			switch {
			case !verbs[verb]:
				s.fail(outsiderFile, approved, actuatorsName, operation)
			case a.Mode == "report":
				s.add(outsiderFile, silent, operation, actuatorsName, "pass")
				s.fail(outsiderFile, silent, actuatorsName+"-report", operation)
			default:
				s.fail(outsiderFile, silent, actuatorsName, operation)
			}
		}
		policy := actuatorsName
		if a.Mode == "report" {
			policy += "-report"
		}
		if verbs["create"] {
			s.add(outsiderFile, approved, "CREATE", policy, "pass")
		}
		if verbs["update"] {
			s.fail(outsiderFile, approved, policy, "UPDATE")
		}
		if verbs["delete"] {
			s.fail(outsiderFile, approved, policy, "DELETE")
			announced := acted(k.apiVersion, k.kind, "announced", true)
			announced.Annotations[annotationDeletion] = announced.Annotations[annotationApproval]
			s.add(outsiderFile, announced, "DELETE", policy, "pass")
		}
	}
}

func declaredVerbs(a *model.Actuator, group, resource string) map[string]bool {
	verbs := map[string]bool{}
	for _, r := range a.Resources {
		if r.Group == group && r.Resource == resource {
			for _, v := range r.Verbs {
				verbs[v] = true
			}
		}
	}
	return verbs
}

// acted is an object outside the fleet that an actuator acts on.
func acted(apiVersion, kind, name string, approved bool) *metav1.PartialObjectMetadata {
	o := &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: apiVersion, Kind: kind},
		ObjectMeta: metav1.ObjectMeta{Namespace: elsewhere, Name: strings.ToLower(kind) + "-" + name},
	}
	if kind == "ClusterRole" {
		o.Namespace = ""
	}
	if approved {
		o.Annotations = map[string]string{
			annotationApproval: "4bf92f3577b34da6a3ce929d0e0e4736",
			annotationTrace:    "0af7651916cd43dd8448eb211c80319c",
		}
	}
	return o
}
