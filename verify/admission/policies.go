package admission

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"agentc/verify/claims"
	"agentc/verify/judge"
	"agentc/verify/object"

	policiesv1beta1 "github.com/kyverno/api/api/policies.kyverno.io/v1beta1"
	"github.com/kyverno/kyverno/pkg/cel/policies/vpol/compiler"
	"github.com/kyverno/kyverno/pkg/cel/policies/vpol/engine"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// compile reads and compiles one policy, as Kyverno does: for itself, and once more for each kind that it generates rules for.
func compile(o *object.Object) (*policiesv1beta1.ValidatingPolicy, []engine.Policy, error) {
	if c, known := compilations.Load(string(o.YAML)); known {
		return c.(*compilation).policy, c.(*compilation).compiled, nil
	}
	c := &compilation{policy: &policiesv1beta1.ValidatingPolicy{}}
	if err := o.Into(c.policy); err != nil {
		return nil, nil, err
	}
	provider, err := engine.NewProvider(compiler.NewCompiler(), []policiesv1beta1.ValidatingPolicyLike{c.policy}, nil)
	if err != nil {
		return nil, nil, err
	}
	if c.compiled, err = provider.Fetch(context.Background()); err != nil {
		return nil, nil, err
	}
	compilations.Store(string(o.YAML), c)
	return c.policy, c.compiled, nil
}

// compilations are kept by the text of their policy: the environments of a fleet share most of theirs.
var compilations sync.Map

type compilation struct {
	policy   *policiesv1beta1.ValidatingPolicy
	compiled []engine.Policy
}

// effective reports what the engine does not look at, and what would make the policy's word worth nothing.
func effective(env *judge.Environment, report *judge.Report, o *object.Object, p *policiesv1beta1.ValidatingPolicy) {
	s := &p.Spec
	say := func(field, what string) { report.At(o, []any{"spec", field}, env.At, "%s", what) }
	reports := p.Name == env.Fleet+"-actuators-report" && // the only one that is there to report
		slices.ContainsFunc(env.Actuators, func(a claims.Actuator) bool { return !a.Enforce })
	if !reports && (len(s.ValidationAction) != 1 || s.ValidationAction[0] != admissionregistrationv1.Deny) {
		say("validationActions", fmt.Sprintf("does %v where it ought to deny", s.ValidationAction))
	}
	if s.FailurePolicy == nil || *s.FailurePolicy != "Fail" {
		say("failurePolicy", "lets everything in while Kyverno is down")
	}
	if !p.Spec.AdmissionEnabled() {
		say("evaluation", "is not asked at admission")
	}
	if s.EvaluationMode() != "Kubernetes" {
		say("evaluation", "is not about requests to the API server")
	}
	if w := s.WebhookConfiguration; w != nil && w.TimeoutSeconds != nil && (*w.TimeoutSeconds < 1 || *w.TimeoutSeconds > 30) {
		say("webhookConfiguration", "waits for a time that the API server does not accept: its webhook is never installed")
	}
	if m := s.MatchConstraints; m != nil && (len(m.ExcludeResourceRules) > 0 || m.MatchPolicy == nil || *m.MatchPolicy != "Equivalent") {
		say("matchConstraints", "passes over requests that it ought to look at: an exclusion, or a match of one version alone")
	}
	if m := s.MatchConstraints; m != nil && !(selectsAll(m.ObjectSelector) && (selectsAll(m.NamespaceSelector) || selectsFleet(m.NamespaceSelector, env.Fleet))) {
		say("matchConstraints", "passes over what its selectors do not select: it may select the namespaces of the fleet by their label, and nothing else")
	}
	if m := s.MatchConstraints; m != nil && slices.ContainsFunc(m.ResourceRules, func(r admissionregistrationv1.NamedRuleWithOperations) bool { return len(r.ResourceNames) > 0 }) {
		say("matchConstraints", "looks at objects of some names alone")
	}
}

func selectsAll(s *metav1.LabelSelector) bool {
	return s == nil || len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0
}

func selectsFleet(s *metav1.LabelSelector, fleet string) bool {
	return len(s.MatchExpressions) == 0 && maps.Equal(s.MatchLabels, map[string]string{"agents.d/fleet": fleet})
}
