package admission

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"agentc/verify/claims"
	"agentc/verify/judge"
	"agentc/verify/object"

	policiesv1beta1 "github.com/kyverno/api/api/policies.kyverno.io/v1beta1"
	celengine "github.com/kyverno/kyverno/pkg/cel/engine"
	"github.com/kyverno/kyverno/pkg/cel/libs"
	"github.com/kyverno/kyverno/pkg/cel/matching"
	"github.com/kyverno/kyverno/pkg/cel/policies/vpol/compiler"
	"github.com/kyverno/kyverno/pkg/cel/policies/vpol/engine"
	engineapi "github.com/kyverno/kyverno/pkg/engine/api"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// kyverno is its engine with the policies of one environment.
type kyverno struct {
	engine  engine.Engine
	objects map[string]*object.Object // the policies, by name
	spaces  map[string]*corev1.Namespace
	context *libs.FakeContextProvider

	lock   sync.Mutex
	silent map[string]bool // policies that did not answer, and are not asked again
	wasted map[string]time.Duration
}

// newKyverno reads the policies and the namespaces, whose labels and annotations they look at. One that does not compile is reported,
// and judges nothing, as in a cluster.
func newKyverno(env *judge.Environment, report *judge.Report) *kyverno {
	k := &kyverno{objects: map[string]*object.Object{}, spaces: map[string]*corev1.Namespace{}, context: libs.NewFakeContextProvider(), silent: map[string]bool{}, wasted: map[string]time.Duration{}}
	var policies []engine.Policy
	for _, o := range env.Manifests {
		switch group, _, _ := strings.Cut(o.GetAPIVersion(), "/"); {
		case o.GetKind() == "Namespace":
			ns := &corev1.Namespace{}
			if o.Into(ns) == nil {
				k.spaces[ns.Name] = ns
			}
		case group == "policies.kyverno.io" && o.GetKind() == "ValidatingPolicy":
			p, compiled, err := compile(o)
			if err != nil {
				report.At(o, []any{"spec"}, env.At, "does not compile in Kyverno, which then judges nothing by it: %v", err)
				continue
			}
			effective(env, report, o, p)
			policies = append(policies, compiled...)
			k.objects[p.Name] = o
		case group == "policies.kyverno.io" || group == "kyverno.io":
			report.At(o, nil, env.At, "is of a kind that no spec leads to, and that Kyverno would act on")
		}
	}
	all := engine.ProviderFunc(func(context.Context) ([]engine.Policy, error) { return policies, nil })
	k.engine = engine.NewEngine(all, k.namespace, matching.NewMatcher())
	return k
}

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

// namespace is one of the fleet's as it is rendered, or somebody else's.
func (k *kyverno) namespace(name string) *corev1.Namespace {
	if ns := k.spaces[name]; ns != nil {
		return ns
	}
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/metadata.name": name}}}
}

// request is one request to the API server.
type request struct {
	user        string
	groups      []string
	operation   admissionv1.Operation
	object, old *unstructured.Unstructured
	resource    string         // of the path, where the kind does not say it: `pods/exec`
	from        *object.Object // rendered, that a rogue begins with and that its policy should know by a label
}

func (r request) subject() *unstructured.Unstructured {
	if r.object != nil {
		return r.object
	}
	return r.old
}

// verdict is what one policy said: pass, fail, error, or skip where a condition of it is not met.
type verdict struct{ policy, status, message string }

// refuses is true for an error as well: every policy fails closed.
func (v verdict) refuses() bool { return v.status == "fail" || v.status == "error" }

// ask puts a request to every policy that looks at it, or to one of them.
func (k *kyverno) ask(r request, only ...string) ([]verdict, error) {
	o := r.subject()
	gvk := o.GroupVersionKind()
	gvr, _ := meta.UnsafeGuessKindToResource(gvk)
	namespace := o.GetNamespace()
	if gvk.Kind == "Namespace" {
		namespace = o.GetName() // as the API server has it
	}
	q := celengine.Request(k.context, gvk, gvr, "", o.GetName(), namespace, r.operation,
		authenticationv1.UserInfo{Username: r.user, Groups: r.groups}, orNothing(r.object), orNothing(r.old), false, nil)
	if r.resource != "" {
		q.Request.Resource.Resource, q.Request.SubResource, _ = strings.Cut(r.resource, "/")
	}
	for {
		response, asked, err := k.handle(q, only)
		if asked == "" {
			return k.verdicts(response), err
		}
		k.silence(asked)
	}
}

func (k *kyverno) silence(policy string) {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.silent[policy] = true
}

// slow counts what a policy wastes: one that takes seconds for each request would keep the judge for hours, and its API server as well.
func (k *kyverno) slow(policy string, took time.Duration) {
	if took < patience/20 {
		return
	}
	k.lock.Lock()
	defer k.lock.Unlock()
	k.wasted[policy] += took
	if k.wasted[policy] > patience {
		k.silent[policy] = true
	}
}

// tooDear is how CEL ends an expression that counts for too long.
const tooDear = "cost limit exceeded"

// patience is how long one request may take, which takes a few milliseconds. An API server waits for ten seconds too, by what is compiled.
var patience = 10 * time.Second

// handle asks the engine, and names the policy that did not answer in time. Kyverno's programs do not heed their context, so the goroutine
// is left behind; a policy leaves no more of them than there are cores, for it is not asked again.
func (k *kyverno) handle(q celengine.EngineRequest, only []string) (answer engine.EngineResponse, silent string, err error) {
	var asked atomic.Value
	asked.Store("")
	type result struct {
		response engine.EngineResponse
		err      error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		r.err = judge.Guard(func() (err error) {
			r.response, err = k.engine.Handle(context.Background(), q, func(p policiesv1beta1.ValidatingPolicyLike) bool {
				if len(only) > 0 && !slices.Contains(only, p.GetName()) || k.isSilent(p.GetName()) {
					return false
				}
				asked.Store(p.GetName())
				return true
			})
			return err
		})
		done <- r
	}()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case r := <-done:
		return r.response, "", r.err
	case <-timeout.C:
		name := asked.Load().(string)
		if name == "" {
			return answer, "", fmt.Errorf("the engine did not ask any policy for %v", patience)
		}
		return answer, name, nil
	}
}

func (k *kyverno) isSilent(policy string) bool {
	k.lock.Lock()
	defer k.lock.Unlock()
	return k.silent[policy]
}

// reportSilent says which policies did not answer. What they would have said of the catalogue nobody knows.
func (k *kyverno) reportSilent(env *judge.Environment, report *judge.Report) {
	for _, name := range slices.Sorted(maps.Keys(k.silent)) {
		report.At(k.objects[name], []any{"spec"}, env.At, "does not answer within %v or the cost that CEL allows: it refuses everything that it looks at, and cannot be judged", patience)
	}
}

func (k *kyverno) verdicts(response engine.EngineResponse) []verdict {
	var all []verdict
	for _, p := range response.Policies {
		for _, rule := range p.Rules {
			k.slow(p.Policy.GetName(), rule.Stats().ProcessingTime())
			if rule.Status() == engineapi.RuleStatusError && strings.Contains(rule.Message(), tooDear) {
				k.silence(p.Policy.GetName())
				continue
			}
			all = append(all, verdict{p.Policy.GetName(), string(rule.Status()), rule.Message()})
		}
	}
	return all
}

// orNothing keeps a missing object from becoming an interface that holds nil.
func orNothing(o *unstructured.Unstructured) runtime.Object {
	if o == nil {
		return nil
	}
	return o
}
