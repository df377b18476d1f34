package emit

import (
	"fmt"
	"slices"
	"strings"

	"agentc/compiler/model"

	admissionv1 "k8s.io/api/admissionregistration/v1"
)

// What keeps the other layers as they were compiled: nobody enters an agent's pod, no agent is given rights, and what we wrote
// changes by Git alone.

const inCluster = "https://kubernetes.default.svc"

// applier is the account under which Argo CD applies: its own in its own cluster, and elsewhere the one that
// `argocd cluster add` makes.
func applier(env *model.Environment) string {
	if env.Cluster == inCluster {
		return "system:serviceaccount:" + env.Fleet.Git.ArgoNamespace + ":argocd-application-controller"
	}
	return "system:serviceaccount:kube-system:argocd-manager"
}

// notByApplier is true for everybody else. The garbage collector and the namespace controller finish deletions that were
// admitted before; where the controllers share one user, it is theirs.
func notByApplier(env *model.Environment) admissionv1.MatchCondition {
	return admissionv1.MatchCondition{Name: "not-by-argo-cd", Expression: `!(request.userInfo.username in ` + celList(
		applier(env),
		"system:serviceaccount:kube-system:generic-garbage-collector",
		"system:serviceaccount:kube-system:namespace-controller",
		"system:kube-controller-manager",
	) + `)`}
}

// accessRule closes the ways into a pod that pass by its network policy, and to a token that no pod needs.
func accessRule(env *model.Environment) admissionRule {
	return admissionRule{
		name: "access", title: "Nobody enters an agent's pod", fleet: true,
		matches: []admissionv1.NamedRuleWithOperations{
			matching([]admissionv1.OperationType{admissionv1.Connect}, "",
				"pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy"),
			matching(onWrite, "", "pods/ephemeralcontainers", "serviceaccounts/token"),
		},
		validations: []admissionv1.Validation{
			validation("pods of the fleet are not entered, debugged or proxied to, and its service accounts get no token", `false`),
		},
	}
}

// bindingRule sees to it that no binding gives rights to an agent, under any of the names by which the API server knows one.
// The bindings of system:authenticated and system:serviceaccounts that the API server makes for itself are excepted by their roles.
func bindingRule(env *model.Environment) admissionRule {
	variables, member := fleetNamespaces(env)
	return admissionRule{
		name: "bindings", title: "Agents have no rights in the cluster", background: true,
		matches: []admissionv1.NamedRuleWithOperations{
			matching(onWrite, "rbac.authorization.k8s.io", "rolebindings", "clusterrolebindings"),
		},
		variables: append(variables, variable("subjects", `object.?subjects.orValue([])`)),
		validations: []admissionv1.Validation{
			validation("agents have no rights in the cluster: a subject is a service account of the fleet",
				`variables.subjects.all(s, s.kind != 'ServiceAccount' || !`+member(`s.?namespace.orValue('')`)+`)`),
			validation("agents have no rights in the cluster: a subject is the user or the group of a service account of the fleet",
				`variables.subjects.all(s,
    !(s.name.startsWith('system:serviceaccount:') && `+member(`(s.name + '::').split(':')[2]`)+`) &&
    !(s.name.startsWith('system:serviceaccounts:') && `+member(`s.name.replace('system:serviceaccounts:', '')`)+`))`),
			validation("agents have no rights in the cluster: a subject is a group that all service accounts are in",
				`variables.subjects.all(s, !(s.kind == 'Group' && s.name in ['system:serviceaccounts', 'system:authenticated'])) ||
object.roleRef.name in ['system:basic-user', 'system:discovery', 'system:public-info-viewer',
    'system:service-account-issuer-discovery']`),
		},
	}
}

// namespacesEach bounds a list in one expression; CEL reads at most 100,000 characters of one.
const namespacesEach = 500

// fleetNamespaces are variables that hold the names of all namespaces of the fleet, and the expression that tells whether a
// name is among them. A common prefix would not do: soc-tools may be somebody else's.
func fleetNamespaces(env *model.Environment) (variables []admissionv1.Variable, member func(string) string) {
	names := []string{env.System.Namespace}
	for _, ns := range env.Namespaces {
		names = append(names, ns.Name)
	}
	for part := range slices.Chunk(names, namespacesEach) {
		variables = append(variables, variable(fmt.Sprintf("namespaces%d", len(variables)), celList(part...)))
	}
	return variables, func(name string) string {
		var in []string
		for _, v := range variables {
			in = append(in, name+" in variables."+v.Name)
		}
		return "(" + strings.Join(in, " || ") + ")"
	}
}

// ours are the namespaced kinds that the compiler writes and that others write too.
var ours = []string{"configmaps", "serviceaccounts", "resourcequotas", "limitranges"}

// protectionRule leaves to Argo CD what bounds the agents of a namespace. A Deployment may be scaled by others, the Rollout's
// controller among them, as long as its template stays.
func protectionRule(env *model.Environment) admissionRule {
	return admissionRule{
		name: "protection", title: "What the compiler wrote changes by Git alone", fleet: true,
		matches: []admissionv1.NamedRuleWithOperations{
			matching(onChange, "networking.k8s.io", "networkpolicies"),
			matching(onChange, "cilium.io", "ciliumnetworkpolicies"),
			matching(onChange, "policies.kyverno.io", "*"),
			matching(onChange, "kyverno.io", "policies", "policyexceptions", "cleanuppolicies"),
			matching(onChange, "cert-manager.io", "certificates", "issuers"),
			matching(onChange, "apps", "deployments", "statefulsets"),
			matching(onChange, "", ours...),
		},
		conditions: []admissionv1.MatchCondition{notByApplier(env)},
		validations: []admissionv1.Validation{
			validation("this belongs to the fleet and changes by Git alone: Argo CD applies it",
				`request.resource.resource in `+celList(ours...)+` ? !(`+managed+`) :
request.resource.resource in ['deployments', 'statefulsets'] && request.operation == 'UPDATE' &&
    object.spec.template == oldObject.spec.template`),
		},
	}
}

// managed is true for an object that the compiler wrote, before or after the change.
const managed = `(request.operation != 'DELETE' && object.metadata.?labels[?'app.kubernetes.io/managed-by'].orValue('') == 'agentc') ||
(request.operation != 'CREATE' && oldObject.metadata.?labels[?'app.kubernetes.io/managed-by'].orValue('') == 'agentc')`

// namespaceRule protects the labels by which every rule here finds the fleet, and the list of what it admits. It selects by no
// label: a change that takes the label away would then not match.
func namespaceRule(env *model.Environment) admissionRule {
	label := `.metadata.?labels[?'` + labelFleet + `'].orValue('') == ` + celString(env.Fleet.Name)
	return admissionRule{
		name: "namespaces", title: "The fleet's namespaces change by Git alone",
		matches: []admissionv1.NamedRuleWithOperations{matching(onChange, "", "namespaces")},
		conditions: []admissionv1.MatchCondition{notByApplier(env), {
			Name: "of-the-fleet",
			Expression: `(request.operation != 'DELETE' && object` + label + `) ||
(request.operation != 'CREATE' && oldObject` + label + `)`,
		}},
		validations: []admissionv1.Validation{
			validation("a namespace of the fleet, its labels and what it admits change by Git alone: Argo CD applies them",
				`request.operation == 'UPDATE' && object.metadata.?labels == oldObject.metadata.?labels &&
object.metadata.?annotations[?'`+annotationAdmitted+`'] == oldObject.metadata.?annotations[?'`+annotationAdmitted+`']`),
		},
	}
}

// policyRule protects these policies themselves, from everybody but Argo CD and in all from exceptions, and keeps Cilium's
// cluster-wide policies off the fleet's pods: a policy more can only widen what those of the fleet allow.
func policyRule(env *model.Environment) admissionRule {
	variables, member := fleetNamespaces(env)
	ofTheFleet := `.startsWith(` + celString(env.Fleet.Name+"-") + `)`
	return admissionRule{
		name: "policies", title: "No exception from the fleet's policies",
		matches: []admissionv1.NamedRuleWithOperations{
			matching(onChange, "policies.kyverno.io", "validatingpolicies"),
			matching(onWrite, "policies.kyverno.io", "policyexceptions"),
			matching(onWrite, "cilium.io", "ciliumclusterwidenetworkpolicies"),
		},
		variables: append(variables,
			variable("applier", `!(`+notByApplier(env).Expression+`)`),
			variable("name", `request.operation == 'DELETE' ? oldObject.metadata.name : object.metadata.name`),
			variable("rules", `request.resource.resource != 'ciliumclusterwidenetworkpolicies' ? [] :
(has(object.spec) ? [object.spec] : []) + object.?specs.orValue([])`),
		),
		validations: []admissionv1.Validation{
			validation("a policy of the fleet changes by Git alone: Argo CD applies it",
				`request.resource.resource != 'validatingpolicies' || variables.applier || !variables.name`+ofTheFleet+` || !(
`+managed+`)`),
			validation("there is no exception from a policy of the fleet",
				`request.resource.resource != 'policyexceptions' || object.spec.policyRefs.all(p, !p.name`+ofTheFleet+`)`),
			validation("a CiliumClusterwideNetworkPolicy must name the namespace that it selects, and none of the fleet",
				`variables.applier || variables.rules.all(r, has(r.nodeSelector) ||
    r.?endpointSelector.?matchLabels.orValue({}).exists(k,
        k.endsWith('io.kubernetes.pod.namespace') && !`+member(`r.endpointSelector.matchLabels[k]`)+`))`),
		},
	}
}
