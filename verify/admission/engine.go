package admission

import (
	"context"
	"strings"
	"sync"
	"time"

	"agentc/verify/judge"
	"agentc/verify/object"

	celengine "github.com/kyverno/kyverno/pkg/cel/engine"
	"github.com/kyverno/kyverno/pkg/cel/libs"
	"github.com/kyverno/kyverno/pkg/cel/matching"
	"github.com/kyverno/kyverno/pkg/cel/policies/vpol/engine"
	engineapi "github.com/kyverno/kyverno/pkg/engine/api"
	admissionv1 "k8s.io/api/admission/v1"
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
