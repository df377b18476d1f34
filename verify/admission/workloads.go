package admission

import (
	"fmt"
	"strings"

	"agentc/verify/claims"
	"agentc/verify/internal/index"
	"agentc/verify/object"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Users of the controllers that make what was applied.
const (
	replicaSets  = "system:serviceaccount:kube-system:replicaset-controller"
	statefulSets = "system:serviceaccount:kube-system:statefulset-controller"
	deployments  = "system:serviceaccount:kube-system:deployment-controller"
	person       = "alice@example.com"
)

// workload is a claimed workload with what was rendered for it.
type workload struct {
	*claims.Workload
	maker       *object.Object // Deployment or StatefulSet
	certificate *object.Object
	policy      *object.Object // CiliumNetworkPolicy
	template    *corev1.PodTemplateSpec
	alone       bool // in its namespace
}

// shape is what workloads have in common to which the policies say the same, but for names, images and namespaces.
func (w *workload) shape() string {
	return fmt.Sprintf("%s guard %t canary %t alone %t", w.maker.GetKind(), w.Guard != "", w.Canary, w.alone)
}

// workloads are those that are rendered; what is claimed and is not there, the workload layer reports.
func (t *trial) workloads() []*workload {
	spaces := map[string]int{}
	for i := range t.env.Workloads {
		spaces[t.env.Workloads[i].Namespace]++
	}
	var all []*workload
	for _, p := range t.index.Pods {
		kind := p.Object.GetKind()
		if p.Workload == nil || kind != "Deployment" && kind != "StatefulSet" || len(p.Template.Spec.Containers) == 0 {
			continue
		}
		w := p.Workload
		all = append(all, &workload{
			Workload: w, maker: p.Object, template: &p.Template, alone: spaces[w.Namespace] == 1,
			certificate: t.index.Object(index.Key{Group: "cert-manager.io", Kind: "Certificate", Namespace: w.Namespace, Name: w.Name}),
			policy:      t.index.Object(index.Key{Group: "cilium.io", Kind: "CiliumNetworkPolicy", Namespace: w.Namespace, Name: w.Name}),
		})
	}
	return all
}

// pods wants let in what the controllers make of a workload: its pods, with each of the claimed images, and of a Deployment the ReplicaSet.
func (t *trial) pods(w *workload) error {
	for _, image := range w.Images {
		p := w.pod("as-compiled")
		p.Spec.Containers[0].Image = image
		what := "a pod of " + w.Name + " with the image " + image
		if err := t.admitted(request{user: w.user(), operation: admissionv1.Create, object: raw(p)}, w.maker, what); err != nil {
			return err
		}
		t.count("objects admitted")
	}
	if w.maker.GetKind() != "Deployment" {
		return nil
	}
	return t.admitted(request{user: deployments, operation: admissionv1.Create, object: w.replicaSet()}, w.maker, "a ReplicaSet of "+w.Name)
}

// user is the controller that makes the pods.
func (w *workload) user() string {
	if w.maker.GetKind() == "StatefulSet" {
		return statefulSets
	}
	return replicaSets
}

// pod is a pod as the controller makes it.
func (w *workload) pod(suffix string) *corev1.Pod {
	p := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: *w.template.ObjectMeta.DeepCopy(),
		Spec:       *w.template.Spec.DeepCopy(),
	}
	p.Namespace, p.Name = w.Namespace, w.Name+"-"+suffix
	owner := metav1.OwnerReference{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: w.Name + "-6c8f9d7b5", UID: "4d0c9f8e-5a0b-4f9a-9c56-0c7f3b1b8a11", Controller: new(bool)}
	*owner.Controller = true
	if w.maker.GetKind() == "StatefulSet" {
		owner.Kind, owner.Name = "StatefulSet", w.Name
	}
	p.OwnerReferences = []metav1.OwnerReference{owner}
	return p
}

// replicaSet is the one that the Deployment's controller makes.
func (w *workload) replicaSet() *unstructured.Unstructured {
	rs := w.maker.DeepCopy()
	rs.SetKind("ReplicaSet")
	rs.SetName(w.Name + "-6c8f9d7b5")
	yes := true
	rs.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: w.Name, UID: "4d0c9f8e-5a0b-4f9a-9c56-0c7f3b1b8a10", Controller: &yes}})
	return rs
}

// other is an image of the same repository, pinned as well, and another.
func other(image string) string {
	name, _, _ := strings.Cut(image, "@")
	return name + "@sha256:" + strings.Repeat("0", 64)
}

// raw is a typed object as Kyverno is given it.
func raw(typed any) *unstructured.Unstructured {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		panic(err) // a type of the API that cannot be written as JSON
	}
	return &unstructured.Unstructured{Object: content}
}
