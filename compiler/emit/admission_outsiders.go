package emit

import (
	"strings"

	"agentc/compiler/model"

	certv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	ciliumv2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/policy/api"
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
	s.fail(outsiderFile, certificateRequest(s.env), "issuance")
	s.fail(outsiderFile, policy, "policies", "UPDATE", "DELETE")
	s.fail(outsiderFile, clusterwide("every-pod", nil), "policies")
	s.fail(outsiderFile, clusterwide("agents", map[string]string{labelNamespace: a.Namespace}), "policies")
	s.pass(outsiderFile, clusterwide("others", map[string]string{labelNamespace: foreignNamespace}), "policies")
	for _, o := range otherBounds(a) {
		s.fail(outsiderFile, o, "protection", "CREATE", "UPDATE", "DELETE")
	}
	if d, ok := written[*appsv1.Deployment](out, agentFile(a)); ok {
		s.fail(outsiderFile, d, "protection", "CREATE", "DELETE")
		s.fail(outsiderFile, podOf(lean(d), "by-hand"), "makers")
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

// clusterwide is a policy that would let everybody in to what it selects.
func clusterwide(name string, selected map[string]string) *ciliumv2.CiliumClusterwideNetworkPolicy {
	return &ciliumv2.CiliumClusterwideNetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: ciliumv2.SchemeGroupVersion.String(), Kind: ciliumv2.CCNPKindDefinition},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: &api.Rule{
			EndpointSelector: selectPods(selected),
			Ingress:          []api.IngressRule{{IngressCommonRule: api.IngressCommonRule{FromEntities: api.EntitySlice{api.EntityAll}}}},
		},
	}
}

// otherBounds are objects in an agent's namespace that would change what bounds it. Their names differ, since the CLI finds
// objects by name alone.
func otherBounds(a *model.Agent) []testObject {
	byHand := metav1.ObjectMeta{Namespace: a.Namespace, Name: "network-by-hand"}
	list := []testObject{&networkingv1.NetworkPolicy{
		TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}, ObjectMeta: byHand,
		Spec: networkingv1.NetworkPolicySpec{Ingress: []networkingv1.NetworkPolicyIngressRule{{}}},
	}}
	for _, k := range []struct{ apiVersion, kind, name string }{
		{"cilium.io/v2", "CiliumNetworkPolicy", "cilium"},
		{"policies.kyverno.io/v1", "NamespacedMutatingPolicy", "mutation"},
		{"kyverno.io/v1", "Policy", "policy"},
		{"cert-manager.io/v1", "Issuer", "issuer"},
	} {
		list = append(list, &metav1.PartialObjectMetadata{
			TypeMeta:   metav1.TypeMeta{APIVersion: k.apiVersion, Kind: k.kind},
			ObjectMeta: metav1.ObjectMeta{Namespace: a.Namespace, Name: k.name + "-by-hand"},
		})
	}
	return list
}

func certificateRequest(env *model.Environment) *certv1.CertificateRequest {
	return &certv1.CertificateRequest{
		TypeMeta:   metav1.TypeMeta{APIVersion: certv1.SchemeGroupVersion.String(), Kind: certv1.CertificateRequestKind},
		ObjectMeta: metav1.ObjectMeta{Namespace: env.Agents[0].Namespace, Name: "request-by-hand"},
		Spec: certv1.CertificateRequestSpec{
			Request:   []byte("-----BEGIN CERTIFICATE REQUEST-----\n"),
			IssuerRef: certmeta.IssuerReference{Group: certv1.SchemeGroupVersion.Group, Kind: env.Issuer.Kind, Name: env.Issuer.Name},
		},
	}
}

// actuatorKinds are the kinds that tests of actuators can speak of, with the resources by which actuators name them.
var actuatorKinds = []struct{ group, resource, apiVersion, kind string }{
	{"policies.kyverno.io", "validatingpolicies", "policies.kyverno.io/v1", "ValidatingPolicy"},
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
			compiled := acted(k.apiVersion, k.kind, "compiled", true)
			compiled.Labels = map[string]string{"app.kubernetes.io/managed-by": "agentc"}
			s.fail(outsiderFile, compiled, actuatorsName)
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
		ObjectMeta: metav1.ObjectMeta{Namespace: foreignNamespace, Name: strings.ToLower(kind) + "-" + name},
	}
	if kind == "ClusterRole" || kind == "ValidatingPolicy" {
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
