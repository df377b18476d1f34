package admission

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"agentc/verify/claims"
	"agentc/verify/judge"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// others are the rogues that are about no workload: namespaces, the policies themselves, everybody's rights, certificate requests and actuators.
func (t *trial) others() []func() error {
	var tasks []func() error
	for _, r := range t.aboutNobody() {
		tasks = append(tasks, func() error { return t.refused(r.request, nil, r.name, r.policy) })
	}
	for i := range t.env.Actuators {
		tasks = append(tasks, func() error { return t.actuator(&t.env.Actuators[i]) })
	}
	return tasks
}

func (t *trial) aboutNobody() []rogue {
	return slices.Concat(t.namespaces(), t.policies(), t.strangers())
}

// namespaces of the fleet that a person changes.
func (t *trial) namespaces() []rogue {
	var all []rogue
	for _, o := range judge.Of(t.env.Manifests, "Namespace") {
		if !sound(o, "metadata", "annotations") {
			continue
		}
		ns := &o.Unstructured
		relabelled := func(key string) *unstructured.Unstructured {
			c := ns.DeepCopy()
			labels := maps.Clone(c.GetLabels())
			delete(labels, key)
			c.SetLabels(labels)
			return c
		}
		admits := ns.DeepCopy()
		set(admits, "x/agent=y", "metadata", "annotations", "agents.d/admitted")
		about := " namespace " + o.GetName()
		all = append(all,
			rogue{"leaves the fleet:" + about, "namespaces", true, request{user: person, operation: admissionv1.Update, from: o, old: ns, object: relabelled("agents.d/fleet")}},
			rogue{"is relaxed:" + about, "namespaces", true, request{user: person, operation: admissionv1.Update, from: o, old: ns, object: relabelled("pod-security.kubernetes.io/enforce")}},
			rogue{"admits somebody else:" + about, "namespaces", true, request{user: person, operation: admissionv1.Update, from: o, old: ns, object: admits}},
			rogue{"is removed:" + about, "namespaces", true, request{user: person, operation: admissionv1.Delete, from: o, old: ns}})
	}
	joins := made("v1", "Namespace", "", "joins")
	joins.SetLabels(map[string]string{"agents.d/fleet": t.env.Fleet})
	return append(all, rogue{"joins the fleet", "namespaces", true, request{user: person, operation: admissionv1.Create, object: joins}})
}

// policies of the fleet that a person changes, or gets around.
func (t *trial) policies() []rogue {
	var all []rogue
	for _, name := range slices.Sorted(maps.Keys(t.kyverno.objects)) {
		from := t.kyverno.objects[name]
		o := &from.Unstructured
		edited := o.DeepCopy()
		set(edited, []any{"Audit"}, "spec", "validationActions")
		exception := made("policies.kyverno.io/v1", "PolicyException", elsewhere, "mine")
		set(exception, []any{map[string]any{"kind": "ValidatingPolicy", "name": name}}, "spec", "policyRefs")
		all = append(all,
			rogue{"an edit of " + name, "policies", true, request{user: person, operation: admissionv1.Update, from: from, old: o, object: edited}},
			rogue{"the end of " + name, "policies", true, request{user: person, operation: admissionv1.Delete, from: from, old: o}},
			rogue{"an exception from " + name, "policies", true, request{user: person, operation: admissionv1.Create, object: exception}})
	}
	for _, kind := range []string{"ConfigMap", "ServiceAccount", "ResourceQuota", "LimitRange", "NetworkPolicy"} {
		for i, o := range judge.Of(t.env.Manifests, kind) {
			if !sound(o, "metadata", "annotations") {
				continue
			}
			edited := o.DeepCopy()
			set(edited, "mine", "metadata", "annotations", "example.com/mine")
			about := fmt.Sprintf(" %s %s/%s", kind, o.GetNamespace(), o.GetName())
			all = append(all, rogue{"is edited by a person:" + about, "protection", true, request{user: person, operation: admissionv1.Update, from: o, old: &o.Unstructured, object: edited}})
			if i == 0 {
				all = append(all, rogue{"is removed by a person:" + about, "protection", true, request{user: person, operation: admissionv1.Delete, from: o, old: &o.Unstructured}})
			}
		}
	}
	for i := range t.env.Workloads {
		if w := &t.env.Workloads[i]; i == 0 || w.Namespace != t.env.Workloads[i-1].Namespace {
			wide := made("cilium.io/v2", "CiliumClusterwideNetworkPolicy", "", "wide")
			set(wide, map[string]any{"endpointSelector": map[string]any{"matchLabels": map[string]any{"k8s:io.kubernetes.pod.namespace": w.Namespace}}}, "spec")
			all = append(all, rogue{"a cluster-wide network policy for " + w.Namespace, "policies", true, request{user: person, operation: admissionv1.Create, object: wide}})
			all = append(all, rogue{"a NetworkPolicy of a person's in " + w.Namespace, "protection", true,
				request{user: person, operation: admissionv1.Create, object: made("networking.k8s.io/v1", "NetworkPolicy", w.Namespace, "mine")}})
		}
	}
	everybody := made("cilium.io/v2", "CiliumClusterwideNetworkPolicy", "", "wide")
	set(everybody, map[string]any{"endpointSelector": map[string]any{}}, "spec")
	return append(all, rogue{"a cluster-wide network policy for everybody", "policies", true, request{user: person, operation: admissionv1.Create, object: everybody}})
}

// strangers ask for what only the fleet has.
func (t *trial) strangers() []rogue {
	var all []rogue
	for _, group := range []string{"system:serviceaccounts", "system:authenticated"} {
		b := made("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", "rights")
		set(b, []any{map[string]any{"kind": "Group", "name": group}}, "subjects")
		set(b, map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}, "roleRef")
		all = append(all, rogue{"rights for " + group, "bindings", true, request{user: person, operation: admissionv1.Create, object: b}})
	}
	kind, name, _ := strings.Cut(t.env.Identity.Issuer, "/")
	namespaces := []string{t.env.Workloads[0].Namespace}
	if kind == "ClusterIssuer" {
		namespaces = append(namespaces, elsewhere)
	}
	for _, ns := range namespaces {
		r := made("cert-manager.io/v1", "CertificateRequest", ns, "mine")
		set(r, map[string]any{"name": name, "kind": kind, "group": "cert-manager.io"}, "spec", "issuerRef")
		all = append(all, rogue{"a certificate request of a person's in " + ns, "issuance", true, request{user: person, operation: admissionv1.Create, object: r}})
	}
	return all
}

// actuator wants a declared action let in with a fresh approval and refused without, and what is not declared refused in any case.
func (t *trial) actuator(a *claims.Actuator) error {
	may := map[string]bool{}
	for _, line := range a.May {
		may[line] = true
	}
	for _, resource := range []string{"/pods", "/secrets", "/namespaces", "/serviceaccounts", "apps/deployments", "networking.k8s.io/networkpolicies", "policies.kyverno.io/validatingpolicies", "rbac.authorization.k8s.io/rolebindings"} {
		for _, verb := range []string{"create", "update", "delete"} {
			if err := t.action(a, resource, verb, may[resource+" "+verb]); err != nil {
				return err
			}
		}
	}
	for _, line := range t.kyverno.actions() {
		resource, verb, _ := strings.Cut(line, " ")
		if verb = strings.ToLower(verb); !may[resource+" "+verb] {
			if err := t.action(a, resource, verb, false); err != nil {
				return err
			}
		}
	}
	return nil
}

const approval, trace = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"

func (t *trial) action(a *claims.Actuator, resource, verb string, declared bool) error {
	approved := t.target(resource, map[string]string{"agents.d/approval": approval, "agents.d/trace": trace})
	bare := t.target(resource, nil)
	what := fmt.Sprintf("%s %s %s", a.Name, verb, resource)
	_, plural, _ := strings.Cut(resource, "/") // said, because the kind of what a policy names is a guess
	send := func(with *unstructured.Unstructured) request {
		switch verb {
		case "create":
			return request{user: a.User, operation: admissionv1.Create, object: with, resource: plural}
		case "update":
			return request{user: a.User, operation: admissionv1.Update, object: with, old: bare, resource: plural}
		case "connect":
			return request{user: a.User, operation: admissionv1.Connect, object: with, resource: plural}
		default:
			return request{user: a.User, operation: admissionv1.Delete, old: with, resource: plural}
		}
	}
	if !declared {
		return t.refused(send(approved), nil, what+", which is not declared", "actuators")
	}
	if verb == "delete" {
		approved = t.target(resource, map[string]string{"agents.d/approval": approval, "agents.d/trace": trace, "agents.d/approved-deletion": approval})
	}
	if policy := t.kyverno.objects[t.env.Fleet+"-actuators"]; policy != nil {
		t.count("objects admitted")
		if err := t.admitted(send(approved), policy, what+", declared and approved"); err != nil {
			return err
		}
	}
	if !a.Enforce {
		return nil
	}
	if err := t.refused(send(bare), nil, what+" without an approval", "actuators"); err != nil {
		return err
	}
	forged := t.target(resource, map[string]string{"agents.d/approval": "yes", "agents.d/trace": trace, "agents.d/approved-deletion": "yes"})
	return t.refused(send(forged), nil, what+" with an approval that is none", "actuators")
}

// target is an object of somebody else's that an actuator acts on.
func (t *trial) target(resource string, annotations map[string]string) *unstructured.Unstructured {
	group, plural, _ := strings.Cut(resource, "/")
	kind := map[string]string{"pods": "Pod", "secrets": "Secret", "namespaces": "Namespace", "serviceaccounts": "ServiceAccount", "deployments": "Deployment",
		"networkpolicies": "NetworkPolicy", "validatingpolicies": "ValidatingPolicy", "rolebindings": "RoleBinding"}[plural]
	if kind == "" {
		kind = strings.ToUpper(plural[:1]) + strings.TrimSuffix(plural[1:], "s")
	}
	version := "v1"
	if group != "" {
		version = group + "/v1"
	}
	o := made(version, kind, elsewhere, "theirs")
	if plural == "namespaces" || plural == "validatingpolicies" {
		unstructured.RemoveNestedField(o.Object, "metadata", "namespace")
	}
	o.SetAnnotations(annotations)
	return o
}
