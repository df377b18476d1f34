package emit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"agentc/compiler/artifact"
	"agentc/compiler/model"

	policiesv1 "github.com/kyverno/api/api/policies.kyverno.io/v1"
	policiesv1beta1 "github.com/kyverno/api/api/policies.kyverno.io/v1beta1"
	"github.com/kyverno/kyverno/api/kyverno"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What the cluster admits, as Kyverno policies in CEL. The logic is the same for every fleet and stands in a dozen
// cluster-scoped policies; what differs from namespace to namespace, which container of which agent may run which image, is
// data and stands on the Namespace, in annotationAdmitted, where the policies read it as namespaceObject.
//
// It is not in a NamespacedValidatingPolicy for each namespace, though Kyverno 1.19 has them: Kyverno pins the webhook of such
// a policy to its namespace (pkg/controllers/webhook/validating.go, resolveNamespaceSelector), so that each is a webhook of
// some 2 KB, its CA certificate included, in the one ValidatingWebhookConfiguration. At some six hundred namespaces that
// object outgrows etcd's 1.5 MB, and from then on Kyverno can enforce no new policy of anybody's.
//
// Kyverno drops a policy that does not compile with a line in its debug log. Every expression here is therefore compiled in
// the tests, and judged by Kyverno's own engine in verify/.

// annotationAdmitted is on every Namespace of the fleet: a line `<service account>/<container>=<image>` for each container
// that may run there.
const annotationAdmitted = "agents.d/admitted"

// admittedLimit keeps the annotation well below the 256 KiB that Kubernetes allows for all annotations of an object.
const admittedLimit = 192 << 10

// admission writes on each Namespace what may run there, the policies that read it, and tests of them for Kyverno's own
// command line.
func admission(env *model.Environment, out *Out) error {
	if err := admit(env, out); err != nil {
		return err
	}
	policies := admissionPolicies(env)
	for _, p := range policies {
		out.Object(clusterFile(env), wavePolicy, p, admissionOrigins(env, p.Name)...)
	}
	admissionTests(env, policies, out)
	return nil
}

// admit annotates the Namespaces that the workload layer wrote. A namespace without its list would run nothing.
func admit(env *model.Environment, out *Out) error {
	admitted := map[string]string{env.System.Namespace: admittedRuntime(env)}
	for _, ns := range env.Namespaces {
		admitted[ns.Name] = admittedAgents(ns)
		if n := len(admitted[ns.Name]); n > admittedLimit {
			return fmt.Errorf("the images of the %d agents in namespace %s fill %d bytes of annotation, more than %d: "+
				"agents need namespaces of their own", len(ns.Agents), ns.Name, n, admittedLimit)
		}
	}
	for i := range out.Objects {
		if ns, ok := out.Objects[i].Value.(*corev1.Namespace); ok && admitted[ns.Name] != "" {
			ns.Annotations[annotationAdmitted] = admitted[ns.Name]
			delete(admitted, ns.Name)
		}
	}
	if len(admitted) > 0 {
		return fmt.Errorf("the Namespaces %v were not written before the admission layer", slices.Sorted(maps.Keys(admitted)))
	}
	return nil
}

func admissionPolicies(env *model.Environment) []*policiesv1.ValidatingPolicy {
	rules := []admissionRule{
		workloadRule(env),
		makerRule(env),
		imageRule(env),
		hardeningRule(env),
		kindRule(env),
		identityRule(env),
		issuanceRule(env),
		accessRule(env),
		bindingRule(env),
		protectionRule(env),
		namespaceRule(env),
		policyRule(env),
	}
	rules = append(rules, actuatorRules(env)...)
	policies := make([]*policiesv1.ValidatingPolicy, len(rules))
	for i, r := range rules {
		policies[i] = r.policy(env)
	}
	return policies
}

// admissionOrigins lead to the environment, and for what speaks of actuators to them.
func admissionOrigins(env *model.Environment, policy string) []artifact.Origin {
	from := []artifact.Origin{origin("", env.From)}
	if strings.HasPrefix(policy, env.Fleet.Name+"-"+actuatorsName) {
		for _, a := range env.Actuators {
			from = append(from, origin("spec", a.From))
		}
	}
	return from
}

// admittedAgents is the value of annotationAdmitted for a namespace of agents. A canary's stable image stands beside its new
// one: were it refused, an aborted canary could not return.
func admittedAgents(ns *model.Namespace) string {
	var lines []string
	for _, a := range ns.Agents {
		lines = append(lines, admittedLine(a.Name, guardContainer, a.Env.Runtime.Image), admittedLine(a.Name, agentContainer, a.Image))
		if c := a.Workload.Canary; c != nil && c.Stable != a.Image {
			lines = append(lines, admittedLine(a.Name, agentContainer, c.Stable))
		}
	}
	return strings.Join(lines, "\n")
}

// admittedRuntime is the value of annotationAdmitted for agentd's namespace.
func admittedRuntime(env *model.Environment) string {
	return admittedLine(runtimeName, runtimeName, env.Runtime.Image)
}

func admittedLine(account, container, image string) string {
	return account + "/" + container + "=" + image
}

// admissionRule is what differs between the policies.
type admissionRule struct {
	name        string
	title       string
	fleet       bool // only in the fleet's namespaces; cluster-scoped objects match in any case
	background  bool // meaningful for objects that exist already: it asks neither who nor what was before
	report      bool // admit and report
	matches     []admissionv1.NamedRuleWithOperations
	conditions  []admissionv1.MatchCondition
	variables   []admissionv1.Variable
	validations []admissionv1.Validation
}

// policy writes down every setting that Kyverno or its CRD would choose by itself, but for autogen.podControllers: an empty
// list cannot be written with Kyverno's type, and no policy of ours matches pods alone, which is when it would count.
func (r admissionRule) policy(env *model.Environment) *policiesv1.ValidatingPolicy {
	m := meta(env, "", env.Fleet.Name+"-"+r.name, wavePolicy)
	m.Annotations[kyverno.AnnotationPolicyCategory] = "Agents"
	m.Annotations[kyverno.AnnotationPolicySeverity] = "high"
	m.Annotations[annotationTitle] = r.title
	action := admissionv1.Deny
	if r.report {
		action = admissionv1.Audit
	}
	return &policiesv1.ValidatingPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: policiesv1.GroupVersion.String(), Kind: "ValidatingPolicy"},
		ObjectMeta: m,
		Spec: policiesv1.ValidatingPolicySpec{
			FailurePolicy:    ptr(admissionv1.Fail),
			ValidationAction: []admissionv1.ValidationAction{action},
			MatchConstraints: r.constraints(env),
			MatchConditions:  r.conditions,
			Variables:        r.variables,
			Validations:      r.validations,
			AutogenConfiguration: &policiesv1.ValidatingPolicyAutogenConfiguration{
				ValidatingAdmissionPolicy: &policiesv1.VapGenerationConfiguration{Enabled: ptr(false)},
			},
			EvaluationConfiguration: &policiesv1beta1.EvaluationConfiguration{
				Mode:       "Kubernetes",
				Admission:  &policiesv1beta1.AdmissionConfiguration{Enabled: ptr(true)},
				Background: &policiesv1beta1.BackgroundConfiguration{Enabled: ptr(r.background)},
			},
			WebhookConfiguration: &policiesv1.WebhookConfiguration{TimeoutSeconds: ptr(int32(10))},
		},
	}
}

// annotationTitle is Kyverno's, but not among the constants that it exports.
const annotationTitle = "policies.kyverno.io/title"

func (r admissionRule) constraints(env *model.Environment) *admissionv1.MatchResources {
	c := &admissionv1.MatchResources{
		MatchPolicy:       ptr(admissionv1.Equivalent),
		NamespaceSelector: &metav1.LabelSelector{},
		ObjectSelector:    &metav1.LabelSelector{},
		ResourceRules:     slices.Clone(r.matches), // some are of several policies
	}
	if r.fleet {
		c.NamespaceSelector.MatchLabels = map[string]string{labelFleet: env.Fleet.Name}
		// What is in no namespace passes a selector of namespaces, whatever that demands (of the same resources, say every kind of
		// policies.kyverno.io): without this the fleet would forbid everybody's.
		for i := range c.ResourceRules {
			c.ResourceRules[i].Scope = ptr(admissionv1.NamespacedScope)
		}
	}
	return c
}

// Operations by which objects come into being, change, and go.
var (
	onWrite  = []admissionv1.OperationType{admissionv1.Create, admissionv1.Update}
	onChange = []admissionv1.OperationType{admissionv1.Create, admissionv1.Update, admissionv1.Delete}
)

// matching is one line of what a policy looks at, in all versions of the API: a version that is left out is a way round.
func matching(operations []admissionv1.OperationType, group string, resources ...string) admissionv1.NamedRuleWithOperations {
	return admissionv1.NamedRuleWithOperations{RuleWithOperations: admissionv1.RuleWithOperations{
		Operations: operations,
		Rule: admissionv1.Rule{
			APIGroups:   []string{group},
			APIVersions: []string{"*"},
			Resources:   resources,
			Scope:       ptr(admissionv1.AllScopes),
		},
	}}
}

// validation is one demand. What it says to the person who meets it stands beside it.
func validation(message, expression string) admissionv1.Validation {
	return admissionv1.Validation{Expression: expression, Message: message, Reason: ptr(metav1.StatusReasonForbidden)}
}

func variable(name, expression string) admissionv1.Variable {
	return admissionv1.Variable{Name: name, Expression: expression}
}

// celString is a CEL literal. Names, images and ids need no more than quotes; what else might come is escaped.
func celString(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(s) + "'"
}

// celList is a CEL list of strings.
func celList(items ...string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = celString(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
