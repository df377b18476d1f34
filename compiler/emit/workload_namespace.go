package emit

import (
	"agentc/compiler/artifact"
	"agentc/compiler/model"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// podSecurityVersion pins what Pod Security enforces to the Kubernetes whose types we compile against. With `latest`, a
// cluster upgrade could refuse to restart a pod that ran yesterday; audit and warn do follow the latest, so that an upgrade
// says beforehand what a later version of agentc has to satisfy.
const podSecurityVersion = "v1.36"

// namespaceObjects bound what the agents of one namespace may be and may use.
func namespaceObjects(env *model.Environment, ns *model.Namespace, out *Out) {
	file := namespaceFile(env, ns.Name)
	object := agentNamespace(env, ns)
	out.Object(file, waveNamespace, object, fromAgents(ns)...)
	out.Object(file, waveNamespace, namespaceQuota(env, ns), fromAgents(ns, "workload.replicas", "workload.resources")...)
	out.Object(file, waveNamespace, namespaceLimits(env, ns), fromAgents(ns, "workload.resources")...)
}

// fromAgents is the origin of an object that the agents of a namespace share: they themselves, then the values of each.
func fromAgents(ns *model.Namespace, values ...string) []artifact.Origin {
	var from []artifact.Origin
	for _, a := range ns.Agents {
		from = append(from, fromAgent(a))
	}
	for _, a := range ns.Agents {
		for _, v := range values {
			from = append(from, origin("spec", a.At(v)))
		}
	}
	return from
}

func agentNamespace(env *model.Environment, ns *model.Namespace) *corev1.Namespace {
	n := restrictedNamespace(env, ns.Name)
	n.Labels[labelTeam] = ns.Team
	return n
}

// systemNamespace holds agentd. Its volumes are the audit log: Argo CD asks a person before it deletes them.
func systemNamespace(env *model.Environment) *corev1.Namespace {
	n := restrictedNamespace(env, env.System.Namespace)
	n.Annotations["argocd.argoproj.io/sync-options"] = "Delete=confirm,Prune=confirm"
	return n
}

// restrictedNamespace carries the strictest Pod Security level, and the label that the API server gives every namespace.
func restrictedNamespace(env *model.Environment, name string) *corev1.Namespace {
	m := meta(env, "", name, waveNamespace)
	m.Labels[corev1.LabelMetadataName] = name
	for _, mode := range []struct{ name, version string }{
		{"enforce", podSecurityVersion}, {"audit", "latest"}, {"warn", "latest"},
	} {
		m.Labels["pod-security.kubernetes.io/"+mode.name] = "restricted"
		m.Labels["pod-security.kubernetes.io/"+mode.name+"-version"] = mode.version
	}
	return &corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: m}
}

// namespaceQuota is a ceiling that a correct fleet never meets: for each agent as many pods as podsAtMost, each with the
// requests and limits of its two containers. What no agent needs is zero: volumes, and ways in from outside.
func namespaceQuota(env *model.Environment, ns *model.Namespace) *corev1.ResourceQuota {
	hard := corev1.ResourceList{
		"persistentvolumeclaims": *resource.NewQuantity(0, resource.DecimalSI),
		"services.loadbalancers": *resource.NewQuantity(0, resource.DecimalSI),
		"services.nodeports":     *resource.NewQuantity(0, resource.DecimalSI),
	}
	for _, a := range ns.Agents {
		pods := podsAtMost(a)
		addTo(hard, corev1.ResourcePods, *resource.NewQuantity(pods, resource.DecimalSI), 1)
		for _, r := range containerResources(a) {
			for _, name := range countedResources {
				addTo(hard, "requests."+name, r.Requests[name], pods)
				addTo(hard, "limits."+name, r.Limits[name], pods)
			}
		}
	}
	return &corev1.ResourceQuota{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ResourceQuota"},
		ObjectMeta: meta(env, ns.Name, "agents", waveNamespace),
		Spec:       corev1.ResourceQuotaSpec{Hard: hard},
	}
}

// podsAtMost is how many pods of an agent can count against the quota at one moment: the most that may run, the one that a
// rollout may add, and for each of those that may run a predecessor that is still shutting down, since a stopping pod counts
// until it is gone. A canary needs no more: without a traffic router its pods are among the wanted number. The same room
// serves an agent that moves from a rolling update to a canary, when one controller's pods stop while the other's start.
func podsAtMost(a *model.Agent) int64 {
	return 2*int64(a.Workload.MaxReplicas) + surge
}

var countedResources = []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage}

// containerResources are those of the agent and of its guard.
func containerResources(a *model.Agent) []corev1.ResourceRequirements {
	return []corev1.ResourceRequirements{resources(a.Workload.Resources), resources(a.Env.Runtime.GuardResources)}
}

func addTo(list corev1.ResourceList, name corev1.ResourceName, amount resource.Quantity, times int64) {
	if amount.IsZero() {
		return
	}
	product := amount.DeepCopy()
	product.Mul(times)
	sum := list[name]
	sum.Add(product)
	list[name] = sum
}

// namespaceLimits bounds each container by the largest that the compiler wrote. A container that says nothing would get
// that much: the API server makes the maximum the default, which is written down here.
func namespaceLimits(env *model.Environment, ns *model.Namespace) *corev1.LimitRange {
	largest := corev1.ResourceList{}
	for _, a := range ns.Agents {
		for _, r := range containerResources(a) {
			for _, name := range countedResources {
				raise(largest, name, r.Limits[name])
			}
		}
	}
	return &corev1.LimitRange{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "LimitRange"},
		ObjectMeta: meta(env, ns.Name, "agents", waveNamespace),
		Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
			Type:           corev1.LimitTypeContainer,
			Max:            largest,
			Default:        largest.DeepCopy(),
			DefaultRequest: largest.DeepCopy(),
		}}},
	}
}

func raise(list corev1.ResourceList, name corev1.ResourceName, amount resource.Quantity) {
	if now := list[name]; amount.Cmp(now) > 0 {
		list[name] = amount
	}
}
