package admission

import (
	"fmt"
	"slices"
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
	alone       bool   // in its namespace
	stranger    string // an image that is claimed for another workload, of the same namespace if there is one
}

// shape is what workloads have in common to which the policies say the same, but for names, images and namespaces: how the pod is put
// together. Values of the environment, arguments after the first and quantities no policy reads; a policy that did would be found by the
// objects that it then refuses.
func (w *workload) shape() string {
	var s strings.Builder
	fmt.Fprint(&s, w.maker.GetKind(), w.Guard != "", w.Runs.Canary != nil, w.alone, w.certificate != nil, w.policy != nil)
	pod := &w.template.Spec
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		fmt.Fprint(&s, "\n", c.Name, len(c.Args) > 0, c.Command, c.RestartPolicy != nil, len(c.Env) > 0, len(c.EnvFrom) > 0, c.SecurityContext)
		for _, m := range c.VolumeMounts {
			fmt.Fprint(&s, " ", m.Name)
		}
	}
	for _, v := range pod.Volumes {
		fmt.Fprint(&s, "\n", v.Name, v.Secret != nil, v.Projected != nil, v.ConfigMap != nil, v.CSI != nil)
	}
	return s.String()
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
		certificate := t.index.Object(index.Key{Group: "cert-manager.io", Kind: "Certificate", Namespace: w.Namespace, Name: w.Name})
		if certificate != nil && !sound(certificate, "spec", "issuerRef") {
			certificate = nil
		}
		policy := t.index.Object(index.Key{Group: "cilium.io", Kind: "CiliumNetworkPolicy", Namespace: w.Namespace, Name: w.Name})
		if policy != nil && !sound(policy, "spec") {
			policy = nil
		}
		all = append(all, &workload{
			Workload: w, maker: p.Object, template: &p.Template, alone: spaces[w.Namespace] == 1,
			certificate: certificate, policy: policy,
		})
	}
	for i, w := range all {
		w.stranger = stranger(w, all[(i+1)%len(all)], all[(i+len(all)-1)%len(all)])
	}
	return all
}

// stranger is an image of one of a workload's neighbours, in its own namespace before another. Workloads of a namespace follow one another.
func stranger(w *workload, neighbours ...*workload) string {
	image := "registry.example.com/agents/stranger:1.0.0@sha256:" + strings.Repeat("1", 64)
	for _, other := range neighbours {
		if i := slices.IndexFunc(other.Images, func(image string) bool { return !slices.Contains(w.Images, image) }); i >= 0 {
			image = other.Images[i]
			if other.Namespace == w.Namespace {
				break
			}
		}
	}
	return image
}

// pods wants let in what the controllers make of a workload: its pods, with each of the claimed images, and of a Deployment the ReplicaSet.
// What was rendered has been asked about already; here account, images and SPIFFE id are those of the claims, so that a Deployment and a
// policy that agree on something else are found.
func (t *trial) pods(w *workload) error {
	if w.certificate != nil {
		c := w.certificate.DeepCopy()
		set(c, []any{w.SPIFFE}, "spec", "uris")
		r := request{user: t.env.Environment.Delivery.Applier, operation: admissionv1.Create, object: c}
		if err := t.admitted(r, w.certificate, "the certificate of "+w.SPIFFE); err != nil {
			return err
		}
	}
	rendered := request{user: w.user(), operation: admissionv1.Create, object: raw(w.pod("as-rendered"))}
	if err := t.admitted(rendered, w.maker, "a pod of "+w.Name+" as it is rendered"); err != nil {
		return err
	}
	for _, image := range w.Images {
		p := w.pod("as-compiled")
		p.Spec.Containers[0].Image = image
		p.Spec.ServiceAccountName, p.Labels[index.AgentLabel] = w.Account, w.Account
		if w.Guard != "" && len(p.Spec.InitContainers) > 0 {
			p.Spec.InitContainers[0].Image = w.Guard
		}
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
	if p.Labels == nil {
		p.Labels = map[string]string{}
	}
	p.Namespace, p.Name = w.Namespace, w.Name+"-"+suffix
	owner := metav1.OwnerReference{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: w.Name + "-6c8f9d7b5", UID: "4d0c9f8e-5a0b-4f9a-9c56-0c7f3b1b8a11", Controller: yes()}
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
	rs.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: w.Name, UID: "4d0c9f8e-5a0b-4f9a-9c56-0c7f3b1b8a10", Controller: yes()}})
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
