package admission

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"agentc/verify/object"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The users of the catalogue have fixed names, and so does nobody in it profit from an exemption for somebody else. Whom a policy exempts it has
// to name: each string of its expressions is therefore tried as a user, and as a group.

// controllers act on what was applied; which of them a policy lets through is below.
var (
	makers   = []string{replicaSets, statefulSets, "system:kube-controller-manager"}
	cleaners = []string{"system:serviceaccount:kube-system:generic-garbage-collector", "system:serviceaccount:kube-system:namespace-controller", "system:kube-controller-manager"}
)

// mayPass are the users whom a policy lets through rightly. To all others of the policies nobody is an exception.
func (t *trial) mayPass(policy string) []string {
	switch policy {
	case "makers":
		return makers
	case "issuance":
		return []string{"system:serviceaccount:cert-manager:cert-manager"}
	case "protection", "namespaces", "policies":
		return append([]string{t.env.Environment.Delivery.Applier}, cleaners...)
	}
	return nil
}

// exempted tries the strings of each policy as users of rogues that the policy should refuse: of all its rogues where it speaks of users, of
// one where it does not. One workload is enough, for no policy that names a user may do so for any.
func (t *trial) exempted(w *workload) []func() error {
	tried := map[string]bool{}
	var tasks []func() error
	for _, r := range t.byAnybody(w) {
		o := t.kyverno.objects[t.env.Fleet+"-"+r.policy]
		if o == nil {
			continue // refused says so
		}
		text := expressions(o)
		if tried[r.policy] && !strings.Contains(text, "userInfo") {
			continue
		}
		tried[r.policy] = true
		for _, name := range literals(text) {
			if slices.Contains(t.mayPass(r.policy), name) {
				continue
			}
			q := r.request
			q.user, q.groups = name, []string{name}
			tasks = append(tasks, func() error { return t.refused(q, nil, fmt.Sprintf("%s, by %s", r.name, name), r.policy) })
		}
	}
	return tasks
}

// byAnybody are the rogues that are rogues whoever sends them: all those about a workload, and one of each kind and operation of the others.
func (t *trial) byAnybody(w *workload) []rogue {
	var all []rogue
	for _, r := range podRogues {
		if !r.guarded || w.Guard != "" {
			p := w.pod("rogue")
			r.change(p, w)
			all = append(all, rogue{r.name, r.policy, false, request{operation: admissionv1.Create, object: raw(p)}})
		}
	}
	all = append(all, w.requests(t.env.Environment.Delivery.Applier)...)
	seen := map[string]bool{}
	for _, r := range t.aboutNobody() {
		key := fmt.Sprint(r.policy, r.operation, r.subject().GetKind())
		if seen[key] || t.lacks(r.from, t.env.Fleet+"-"+r.policy) != "" {
			continue
		}
		seen[key] = true
		all = append(all, r)
	}
	return all
}

// expressions are the CEL of a policy, by which it decides whether to refuse.
func expressions(policy *object.Object) string {
	var all strings.Builder
	for _, field := range []string{"matchConditions", "variables", "validations"} {
		list, _, _ := unstructured.NestedSlice(policy.Object, "spec", field)
		for _, item := range list {
			if m, is := item.(map[string]any); is {
				fmt.Fprintln(&all, m["expression"])
			}
		}
	}
	return all.String()
}

// literals are the strings of CEL. What is raw or escaped in it is read as it is written.
func literals(text string) []string {
	var all []string
	for _, quoted := range literalPattern.FindAllString(text, -1) {
		if name := strings.Trim(quoted, `'"`); name != "" {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

var literalPattern = regexp.MustCompile(`'[^'\n]*'|"[^"\n]*"`)

// actions are what the policies about actuators name: `apps/deployments CREATE`.
func (k *kyverno) actions() []string {
	var all []string
	for name, o := range k.objects {
		if strings.HasSuffix(name, "-actuators") || strings.HasSuffix(name, "-actuators-report") {
			all = append(all, actionPattern.FindAllString(expressions(o), -1)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

var actionPattern = regexp.MustCompile(`[a-z0-9.-]*/[a-z][a-z0-9]* (?:CREATE|UPDATE|DELETE|CONNECT)\b`)
