// Package index finds the objects of an environment by what they are, and the pods that they describe, so that no layer has to look at
// every object for each object.
package index

import (
	"agentc/verify/claims"
	"agentc/verify/judge"
	"agentc/verify/object"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// AgentLabel says which workload an object belongs to.
const AgentLabel = "agents.d/agent"

// Key is what an object is known by in a cluster.
type Key struct{ Group, Kind, Namespace, Name string }

// Name is a name in a namespace.
type Name struct{ Namespace, Name string }

// Index of the manifests of an environment.
type Index struct {
	Env  *judge.Environment
	Pods []*Pod           // of every object that describes any
	Same []*object.Object // those that are called as one before them; Object finds the first

	objects  map[Key]*object.Object
	kinds    map[schema.GroupKind][]*object.Object
	names    map[Name]*claims.Workload
	accounts map[Name]*claims.Workload
	podsIn   map[string][]*Pod // by namespace
	scaled   map[Key]bool
}

// Of reads the environment once. What cannot be a pod's description is passed over here: the schema layer refuses it.
func Of(env *judge.Environment) *Index {
	ix := &Index{
		Env:     env,
		objects: map[Key]*object.Object{}, kinds: map[schema.GroupKind][]*object.Object{},
		names: map[Name]*claims.Workload{}, accounts: map[Name]*claims.Workload{},
		podsIn: map[string][]*Pod{}, scaled: map[Key]bool{},
	}
	for i := range env.Workloads {
		w := &env.Workloads[i]
		ix.names[Name{w.Namespace, w.Name}] = w
		ix.accounts[Name{w.Namespace, w.Account}] = w
	}
	for _, o := range env.Manifests {
		gk := o.GroupVersionKind().GroupKind()
		if ix.objects[KeyOf(o)] != nil {
			ix.Same = append(ix.Same, o)
		} else {
			ix.objects[KeyOf(o)] = o
		}
		ix.kinds[gk] = append(ix.kinds[gk], o)
		if p := podOf(o); p != nil {
			p.Workload = ix.Workload(o.GetNamespace(), o.GetName())
			ix.Pods = append(ix.Pods, p)
			ix.podsIn[o.GetNamespace()] = append(ix.podsIn[o.GetNamespace()], p)
		}
		if gk.Kind == "HorizontalPodAutoscaler" {
			ix.scaled[Target(o, "spec", "scaleTargetRef")] = true
		}
	}
	return ix
}

// KeyOf is the object's own.
func KeyOf(o *object.Object) Key {
	gvk := o.GroupVersionKind()
	return Key{gvk.Group, gvk.Kind, o.GetNamespace(), o.GetName()}
}

// Target is what an object refers to, in its own namespace, by apiVersion, kind and name.
func Target(o *object.Object, path ...string) Key {
	ref, _, _ := unstructured.NestedMap(o.Object, path...)
	version, _ := ref["apiVersion"].(string)
	kind, _ := ref["kind"].(string)
	name, _ := ref["name"].(string)
	gv, _ := schema.ParseGroupVersion(version)
	return Key{gv.Group, kind, o.GetNamespace(), name}
}

// Object finds an object; nil if there is none.
func (ix *Index) Object(k Key) *object.Object { return ix.objects[k] }

// Kind are all objects of a kind, in the order of the files.
func (ix *Index) Kind(group, kind string) []*object.Object {
	return ix.kinds[schema.GroupKind{Group: group, Kind: kind}]
}

// Workload finds a claimed workload by the name of its objects; nil if nobody claims it.
func (ix *Index) Workload(namespace, name string) *claims.Workload {
	return ix.names[Name{namespace, name}]
}

// Account finds a claimed workload by its service account; nil if it is nobody's.
func (ix *Index) Account(namespace, account string) *claims.Workload {
	return ix.accounts[Name{namespace, account}]
}

// PodsIn are the pods of a namespace.
func (ix *Index) PodsIn(namespace string) []*Pod { return ix.podsIn[namespace] }

// Scaled says whether an autoscaler decides on the replicas of an object.
func (ix *Index) Scaled(o *object.Object) bool { return ix.scaled[KeyOf(o)] }

// SpecOf is where the spec speaks of an object: its workload's place, or that of the environment.
func (ix *Index) SpecOf(o *object.Object) claims.At {
	if w := ix.Workload(o.GetNamespace(), o.GetLabels()[AgentLabel]); w != nil {
		return w.At
	}
	return ix.Env.At
}
