package emit

import (
	"agentc/compiler/model"

	admissionv1 "k8s.io/api/admissionregistration/v1"
)

// What may run in a fleet's namespaces. The rules look at pods and at what makes pods. A change that leaves the pod template as
// it was passes: the Deployment controller scales the old ReplicaSet down while the new image is already the only admitted one,
// and were that refused, no rollout would ever end.

// podKinds are what holds a pod template that we compile, or becomes one.
func podKinds() []admissionv1.NamedRuleWithOperations {
	return []admissionv1.NamedRuleWithOperations{
		matching(onWrite, "", "pods"),
		matching(onWrite, "apps", "deployments", "replicasets", "statefulsets"),
	}
}

// newTemplate is true where pods of another shape may follow.
const newTemplate = `request.operation == 'CREATE' ||
object.metadata.?labels != oldObject.metadata.?labels ||
(object.kind == 'Pod' ? object.spec != oldObject.spec : object.spec.template != oldObject.spec.template)`

// Variables of the rules on pods.
var (
	celAdmitted   = variable("admitted", `namespaceObject.metadata.?annotations[?'`+annotationAdmitted+`'].orValue('').split('\n')`)
	celPod        = variable("pod", `object.kind == 'Pod' ? object : object.spec.template`)
	celAccount    = variable("account", `variables.pod.spec.?serviceAccountName.orValue('default')`)
	celInit       = variable("init", `variables.pod.spec.?initContainers.orValue([])`)
	celContainers = variable("containers", `variables.pod.spec.containers + variables.init + variables.pod.spec.?ephemeralContainers.orValue([])`)
)

// podRule is a rule on pods.
func podRule(name, title string, variables []admissionv1.Variable, validations ...admissionv1.Validation) admissionRule {
	return admissionRule{
		name: name, title: title, fleet: true, background: true,
		matches:     podKinds(),
		conditions:  []admissionv1.MatchCondition{{Name: "new-template", Expression: newTemplate}},
		variables:   variables,
		validations: validations,
	}
}

// notRehearsed is false for a dry run. Argo CD rehearses a sync before it applies anything, when what a Namespace admits is still what it was: a
// new image, or a new agent in a namespace that is there, would be refused, and never come. Nothing is stored of such a
// request, and what follows it is looked at. Who asks cannot be a part of it: a background scan does not know.
var notRehearsed = admissionv1.MatchCondition{Name: "not-rehearsed", Expression: `!request.?dryRun.orValue(false)`}

// workloadRule admits the pods of compiled agents, made by what we compiled, and nothing else.
func workloadRule(env *model.Environment) admissionRule {
	rule := podRule("workloads", "Only compiled workloads run in the fleet",
		[]admissionv1.Variable{celAdmitted, celPod, celAccount, celInit, celContainers,
			variable("owners", `object.metadata.?ownerReferences.orValue([]).filter(o, o.?controller.orValue(false))`),
		},
		validation("the service account belongs to no agent that was compiled into this namespace",
			`variables.admitted.exists(line, line.startsWith(variables.account + '/'))`),
		validation("the label "+labelAgent+" must name the agent, as the service account does",
			`variables.pod.metadata.?labels[?'`+labelAgent+`'].orValue('') == variables.account`),
		validation("an agent runs as the Deployment that was compiled for it: no bare pods, no second Deployment",
			`object.kind == 'Pod' ? variables.owners.exists(o,
    (o.kind == 'ReplicaSet' && o.name.startsWith(variables.account + '-')) ||
    (o.kind == 'StatefulSet' && o.name == variables.account)) :
object.kind == 'ReplicaSet' ? variables.owners.exists(o, o.kind in ['Deployment', 'Rollout'] && o.name == variables.account) :
object.metadata.name == variables.account`),
		validation("a container or its image is not among those that were compiled for this agent",
			`variables.containers.all(c, (variables.account + '/' + c.name + '=' + c.image) in variables.admitted)`),
		// Who can create a pod can write whatever its owner references say. What runs in it is therefore bound as well: the
		// program of each image, and for the guard, which holds the keys, no variable that would change what it loads.
		validation("a container runs what its image starts: no command, no arguments of the agent's, only guard or serve for the runtime's image",
			`variables.containers.all(c, !has(c.command) &&
    (c.name == '`+agentContainer+`' ? c.?args.orValue([]).size() == 0 :
    c.?args.orValue([]).size() > 0 && c.args[0] in ['guard', 'serve'] && c.?env.orValue([]).size() == 0 && !has(c.envFrom)))`),
		validation("the guard must stand before the agent: the first init container, with restartPolicy Always",
			`!variables.admitted.exists(line, line.startsWith(variables.account + '/`+guardContainer+`=')) || (
    variables.init.size() == 1 && variables.init[0].name == '`+guardContainer+`' &&
    variables.init[0].?restartPolicy.orValue('') == 'Always' && variables.pod.spec.containers.size() == 1)`),
	)
	rule.conditions = append(rule.conditions, notRehearsed)
	return rule
}

// replicaSetController is one of podMakers, for the tests.
const replicaSetController = "system:serviceaccount:kube-system:replicaset-controller"

// podMakers are the accounts of the controllers that make pods of what is compiled; where the controllers share one user, it
// is the last.
var podMakers = []string{replicaSetController, "system:serviceaccount:kube-system:statefulset-controller", "system:kube-controller-manager"}

// makerRule refuses pods by hand. A pod says itself whose it is, in owner references that nobody verifies; who makes it, the
// API server knows.
func makerRule(env *model.Environment) admissionRule {
	return admissionRule{
		name: "makers", title: "Pods of the fleet are made by their controllers", fleet: true,
		matches: []admissionv1.NamedRuleWithOperations{matching([]admissionv1.OperationType{admissionv1.Create}, "", "pods")},
		validations: []admissionv1.Validation{
			validation("a pod of the fleet is made by the controller of what was compiled, and not by hand",
				`request.userInfo.username in `+celList(podMakers...)),
		},
	}
}

// imageRule holds for every image, also where the list of admitted ones should once be wrong.
func imageRule(env *model.Environment) admissionRule {
	return podRule("images", "Images of the fleet are pinned by digest",
		[]admissionv1.Variable{celPod, celInit, celContainers},
		validation("an image must be pinned by digest (…@sha256:<64 hex digits>): a tag can be moved",
			`variables.containers.all(c, c.image.matches('@sha256:[0-9a-f]{64}$'))`),
	)
}

// hardeningRule is what the Pod Security level restricted does not ask for.
func hardeningRule(env *model.Environment) admissionRule {
	return podRule("hardening", "Agents hold no cluster token and no key",
		[]admissionv1.Variable{celPod, celInit, celContainers,
			variable("volumes", `variables.pod.spec.?volumes.orValue([])`),
			variable("secrets", `variables.volumes.filter(v, has(v.secret) || has(v.csi) ||
    (has(v.projected) && v.projected.?sources.orValue([]).exists(s, has(s.secret)))).map(v, v.name)`),
		},
		validation("automountServiceAccountToken must be false: agents ask nothing of the API server",
			`!variables.pod.spec.?automountServiceAccountToken.orValue(true)`),
		validation("a projected volume may hold no service account token and no pod certificate",
			`variables.volumes.all(v, !has(v.projected) ||
    v.projected.?sources.orValue([]).all(s, !has(s.serviceAccountToken) && !has(s.podCertificate)))`),
		validation("hostNetwork, hostPID, hostIPC and shareProcessNamespace must not be set: the agent could read what the guard holds",
			`!variables.pod.spec.?hostNetwork.orValue(false) && !variables.pod.spec.?hostPID.orValue(false) &&
!variables.pod.spec.?hostIPC.orValue(false) && !variables.pod.spec.?shareProcessNamespace.orValue(false)`),
		validation("readOnlyRootFilesystem must be true in every container",
			`variables.containers.all(c, c.?securityContext.?readOnlyRootFilesystem.orValue(false))`),
		validation("only the guard holds Secrets: the agent may neither mount one nor read one into its environment",
			`variables.containers.filter(c, c.name == '`+agentContainer+`').all(c,
    c.?volumeMounts.orValue([]).all(m, !(m.name in variables.secrets)) &&
    c.?env.orValue([]).all(e, !has(e.valueFrom) || !has(e.valueFrom.secretKeyRef)) &&
    c.?envFrom.orValue([]).all(e, !has(e.secretRef)))`),
	)
}

// kindRule refuses what makes pods and is never compiled, and a Rollout that brings a template of its own.
func kindRule(env *model.Environment) admissionRule {
	return admissionRule{
		name: "kinds", title: "No workload of a kind that is never compiled", fleet: true, background: true,
		matches: []admissionv1.NamedRuleWithOperations{
			matching(onWrite, "", "replicationcontrollers"),
			matching(onWrite, "apps", "daemonsets"),
			matching(onWrite, "batch", "jobs", "cronjobs"),
			matching(onWrite, "argoproj.io", "rollouts"),
		},
		validations: []admissionv1.Validation{
			validation("agents run as Deployments, or as Rollouts that refer to the Deployment of the same name",
				`object.kind == 'Rollout' && !has(object.spec.template) &&
object.spec.?workloadRef.?kind.orValue('') == 'Deployment' &&
object.spec.?workloadRef.?name.orValue('') == object.metadata.name`),
		},
	}
}
