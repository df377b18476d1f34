package admission

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"agentc/verify/internal/index"
	"agentc/verify/judge"
	"agentc/verify/object"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
)

// What may run in a namespace stands on the Namespace, where rogues that begin with what is rendered find nothing that is there too much.
// Every line of it is therefore taken at its word: a pod is made of it, and it must be a claimed one, or be refused.

const admittedAnnotation = "agents.d/admitted"

// lists tries each line of each namespace.
func (t *trial) lists(all []*workload) []func() error {
	first := map[string]*workload{}
	accounts := map[index.Name]*workload{}
	for _, w := range all {
		accounts[index.Name{Namespace: w.Namespace, Name: w.Account}] = w
		if first[w.Namespace] == nil {
			first[w.Namespace] = w
		}
	}
	var tasks []func() error
	for _, ns := range judge.Of(t.env.Manifests, "Namespace") {
		for line := range strings.SplitSeq(ns.GetAnnotations()[admittedAnnotation], "\n") {
			account, container, image := cutLine(line)
			w := accounts[index.Name{Namespace: ns.GetName(), Name: account}]
			if w != nil && w.claims(container, image) {
				continue // its pods are among those that must be admitted
			}
			if w == nil {
				w = first[ns.GetName()]
			}
			if w != nil {
				tasks = append(tasks, func() error { return t.listed(ns, w, line) })
			}
		}
	}
	return tasks
}

func cutLine(line string) (account, container, image string) {
	name, image, _ := strings.Cut(line, "=")
	account, container, _ = strings.Cut(name, "/")
	return account, container, image
}

// claims says whether this container may run this image, by the claims.
func (w *workload) claims(container, image string) bool {
	if w.Guard != "" && len(w.template.Spec.InitContainers) > 0 && container == w.template.Spec.InitContainers[0].Name {
		return image == w.Guard
	}
	return container == w.template.Spec.Containers[0].Name && slices.Contains(w.Images, image)
}

// listed wants the pods of a line that nobody claims refused.
func (t *trial) listed(ns *object.Object, like *workload, line string) error {
	t.count("rogues refused")
	for _, p := range like.podsOf(cutLine(line)) {
		verdicts, err := t.kyverno.ask(request{user: like.user(), operation: admissionv1.Create, object: raw(p)})
		if err != nil {
			return fmt.Errorf("%s: %w", ns, err)
		}
		if !slices.ContainsFunc(verdicts, verdict.refuses) {
			t.at(ns, []any{"metadata", "annotations", admittedAnnotation}, like.At, "lets a pod run that nobody compiled: %q", line)
			return nil
		}
	}
	return nil
}

// podsOf are a pod of the account with this image in its container, the rest as it is; and one that holds nothing else.
func (w *workload) podsOf(account, container, image string) []*corev1.Pod {
	whole, alone := w.pod("listed"), w.pod("listed")
	alone.Spec.InitContainers = nil
	alone.Spec.Containers = alone.Spec.Containers[:1]
	alone.Spec.Containers[0].Name, alone.Spec.Containers[0].Image = container, image
	if len(w.template.Spec.InitContainers) > 0 && container == w.template.Spec.InitContainers[0].Name {
		alone.Spec.Containers[0].Args = w.template.Spec.InitContainers[0].Args
	}
	for _, containers := range [][]corev1.Container{whole.Spec.InitContainers, whole.Spec.Containers} {
		for i := range containers {
			if containers[i].Name == container {
				containers[i].Image = image
			}
		}
	}
	pods := []*corev1.Pod{whole, alone}
	for _, p := range pods {
		p.Spec.ServiceAccountName, p.Labels[index.AgentLabel] = account, account
		p.OwnerReferences[0].Name = strings.Replace(p.OwnerReferences[0].Name, w.Name, account, 1)
	}
	return pods
}

// namedImages are those that the policies themselves speak of: a rogue image that is made up would not meet an exception for one.
func (k *kyverno) namedImages() []string {
	var all []string
	for _, o := range k.objects {
		all = append(all, imagePattern.FindAllString(string(o.YAML), -1)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

var imagePattern = regexp.MustCompile(`[a-z0-9][\w./:-]*@sha256:[0-9a-f]{64}`)
