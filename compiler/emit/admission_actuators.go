package emit

import (
	"strings"

	"agentc/compiler/model"

	admissionv1 "k8s.io/api/admissionregistration/v1"
)

// Escalation, recognised at the cluster's door. An actuator is the service account of an MCP server that changes the cluster
// for agents. Whatever it sends must be declared, and must carry the escalation that approved it and the trace that led there:
//
//	metadata:
//	  annotations:
//	    agents.d/approval: 4bf92f3577b34da6a3ce929d0e0e4736   # id of the escalation
//	    agents.d/trace: 0af7651916cd43dd8448eb211c80319c      # W3C trace id
//
// An update needs another approval than the one that the object carries already: one approval, one change. A deletion brings no
// object along and cannot be annotated, so it is announced on the object first, by an update with an approval of its own:
//
//	    agents.d/approval: 7d9c…
//	    agents.d/approved-deletion: 7d9c…   # the same id
//
// The next approved update changes the one and not the other, and with that takes the announcement back. An actuator that may
// delete but not update can therefore delete nothing.
//
// The annotations are a claim, not a proof: that the escalation exists and approves exactly this is decided by agentd, before
// the guard lets the call through. Here is seen that nothing goes round it by accident or by a tool that was talked into more.

const (
	annotationApproval = "agents.d/approval"
	annotationTrace    = "agents.d/trace"
	annotationDeletion = "agents.d/approved-deletion"

	actuatorsName = "actuators"
)

// actuatorRules are none where no actuator is declared; the report is written only where one asks for it.
func actuatorRules(env *model.Environment) []admissionRule {
	var all, enforced, reported []string
	for _, a := range env.Actuators {
		user := actuatorUser(a)
		all = append(all, user)
		if a.Mode == "report" {
			reported = append(reported, user)
		} else {
			enforced = append(enforced, user)
		}
	}
	var rules []admissionRule
	if len(all) > 0 {
		rules = append(rules, actuatorRule(env, all, enforced))
	}
	if len(reported) > 0 {
		rules = append(rules, actuatorReport(reported))
	}
	return rules
}

func actuatorUser(a *model.Actuator) string {
	return "system:serviceaccount:" + a.Namespace + ":" + a.ServiceAccount
}

// everything is matched, subresources and all: what is not declared must be refused, so it must be seen. The condition on the
// user is evaluated in the API server, and nobody else's request gets as far as Kyverno. What Kyverno's own configuration keeps
// from it (by default Events, access reviews, and all of kube-system) no policy sees: there an actuator must have no rights.
var everything = []admissionv1.NamedRuleWithOperations{
	matching([]admissionv1.OperationType{admissionv1.OperationAll}, "*", "*/*"),
}

func byUsers(users []string) []admissionv1.MatchCondition {
	return []admissionv1.MatchCondition{{Name: "by-actuator", Expression: `request.userInfo.username in ` + celList(users...)}}
}

func actuatorRule(env *model.Environment, all, enforced []string) admissionRule {
	return admissionRule{
		name: actuatorsName, title: "Actuators act only as declared and approved",
		matches:    everything,
		conditions: byUsers(all),
		variables:  []admissionv1.Variable{variable("declared", celList(declared(env)...))},
		validations: []admissionv1.Validation{
			validation("no actuator touches namespaces, rights, admission, policy exceptions, or what the compiler wrote",
				`!(request.resource.group in ['rbac.authorization.k8s.io', 'admissionregistration.k8s.io']) &&
!(request.resource.resource in ['namespaces', 'policyexceptions', 'serviceaccounts']) &&
!(request.operation != 'CONNECT' && (`+managed+`))`),
			validation("the actuator is not declared to do this to this kind of object",
				`request.?subResource.orValue('') == '' &&
(request.userInfo.username + ' ' + request.resource.group + '/' + request.resource.resource + ' ' + request.operation) in variables.declared`),
			validation(approvalMessage, `!(request.userInfo.username in `+celList(enforced...)+`) || (`+approved+`)`),
		},
	}
}

func actuatorReport(users []string) admissionRule {
	return admissionRule{
		name: actuatorsName + "-report", title: "Actuators that act without an approval are reported", report: true,
		matches:     everything,
		conditions:  byUsers(users),
		validations: []admissionv1.Validation{validation(approvalMessage, approved)},
	}
}

const approvalMessage = "an action of an actuator must carry the approval that it is for (" + annotationApproval +
	", new for every change; " + annotationDeletion + " before a deletion) and its trace (" + annotationTrace + ")"

// approved is true for a change that carries a fresh approval and a trace.
var approved = strings.NewReplacer("APPROVAL", annotationApproval, "TRACE", annotationTrace, "DELETION", annotationDeletion).Replace(
	`request.operation == 'DELETE' ?
    oldObject.metadata.?annotations[?'APPROVAL'].orValue('').matches('^[0-9a-f]{32}$') &&
    oldObject.metadata.?annotations[?'TRACE'].orValue('').matches('^[0-9a-f]{32}$') &&
    oldObject.metadata.?annotations[?'APPROVAL'] == oldObject.metadata.?annotations[?'DELETION'] :
    object.metadata.?annotations[?'APPROVAL'].orValue('').matches('^[0-9a-f]{32}$') &&
    object.metadata.?annotations[?'TRACE'].orValue('').matches('^[0-9a-f]{32}$') &&
    (request.operation == 'CREATE' ?
        !object.metadata.?annotations[?'DELETION'].hasValue() :
        object.metadata.?annotations[?'APPROVAL'] != oldObject.metadata.?annotations[?'APPROVAL'])`)

// declared are the lines `<user> <group>/<resource> <operation>` that actuators may do.
func declared(env *model.Environment) []string {
	var lines []string
	for _, a := range env.Actuators {
		for _, r := range a.Resources {
			for _, verb := range r.Verbs {
				lines = append(lines, actuatorUser(a)+" "+r.Group+"/"+r.Resource+" "+strings.ToUpper(verb))
			}
		}
	}
	return lines
}
