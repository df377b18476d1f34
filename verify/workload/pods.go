package workload

import (
	"agentc/verify/internal/index"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
)

// pod wants what a pod refers to to be there. Secrets beside its own key are the platform's to provide.
func (j *judging) pod(p *index.Pod) {
	namespace, at := p.Object.GetNamespace(), j.index.SpecOf(p.Object)
	podutil.VisitPodConfigmapNames(&corev1.Pod{Spec: p.Template.Spec}, func(name string) bool {
		if j.found(index.Key{Kind: "ConfigMap", Namespace: namespace, Name: name}) == nil {
			j.At(p.Object, p.Path("spec", "volumes"), at, "refers to the ConfigMap %s, which is not there", name)
		}
		return true
	})
	for i, v := range p.Template.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			j.At(p.Object, p.Path("spec", "volumes", i), at, "volume %s is of the claim %s, which is not there", v.Name, v.PersistentVolumeClaim.ClaimName)
		}
	}
	for _, c := range p.Containers() {
		j.probe(p, c, "livenessProbe", c.LivenessProbe)
		j.probe(p, c, "readinessProbe", c.ReadinessProbe)
		j.probe(p, c, "startupProbe", c.StartupProbe)
	}
}

// probe wants somebody in the pod to listen where the kubelet asks. Of the agent it asks the guard: the agent is on loopback.
func (j *judging) probe(p *index.Pod, c index.Container, name string, probe *corev1.Probe) {
	if probe == nil {
		return
	}
	var port intstr.IntOrString
	switch {
	case probe.HTTPGet != nil:
		port = probe.HTTPGet.Port
	case probe.TCPSocket != nil:
		port = probe.TCPSocket.Port
	case probe.GRPC != nil:
		port = intstr.FromInt32(probe.GRPC.Port)
	default:
		j.At(p.Object, append(c.Path, name), j.index.SpecOf(p.Object), "runs a program in container %s; the kubelet should ask its guard", c.Name)
		return
	}
	j.references++
	if port.Type == intstr.String && portNamed(c, port.StrVal) == 0 || port.Type == intstr.Int && !listens(p, port.IntVal) {
		j.At(p.Object, append(c.Path, name), j.index.SpecOf(p.Object), "container %s is asked at port %s, where nobody listens", c.Name, port.String())
	}
}

func portNamed(c index.Container, name string) int32 {
	for _, p := range c.Ports {
		if p.Name == name {
			return p.ContainerPort
		}
	}
	return 0
}

func listens(p *index.Pod, port int32) bool {
	for _, c := range p.Containers() {
		for _, own := range c.Ports {
			if own.ContainerPort == port {
				return true
			}
		}
	}
	return false
}
