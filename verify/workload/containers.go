package workload

import (
	"net"
	"net/url"
	"slices"

	"agentc/verify/claims"
	"agentc/verify/internal/index"

	corev1 "k8s.io/api/core/v1"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
)

// containers wants the claimed images and nothing beside them: the agent, and the guard before it and around it.
func (j *judging) containers(p *index.Pod, w *claims.Workload) {
	spec := &p.Template.Spec
	if len(spec.Containers) != 1 || len(w.Images) == 0 {
		j.At(p.Object, p.Path("spec", "containers"), w.At, "runs %d containers of its own, not one", len(spec.Containers))
		return
	}
	own := p.Containers()[len(spec.InitContainers)]
	if own.Image != w.Images[0] {
		j.At(p.Object, append(own.Path, "image"), w.At, "container %s runs %s, not %s", own.Name, own.Image, w.Images[0])
	}
	if len(spec.EphemeralContainers) > 0 {
		j.At(p.Object, p.Path("spec", "ephemeralContainers"), w.At, "has ephemeral containers")
	}
	if spec.ShareProcessNamespace != nil && *spec.ShareProcessNamespace {
		j.At(p.Object, p.Path("spec", "shareProcessNamespace"), w.At, "its containers see each other's processes, and so each other's files and keys")
	}
	if w.Guard == "" {
		if len(spec.InitContainers) > 0 {
			j.At(p.Object, p.Path("spec", "initContainers"), w.At, "has init containers; %s has none", w.Name)
		}
		return
	}
	if len(spec.InitContainers) != 1 {
		j.At(p.Object, p.Path("spec", "initContainers"), w.At, "starts %d containers before the agent, not its guard alone", len(spec.InitContainers))
		return
	}
	guard := p.Containers()[0]
	if guard.Image != w.Guard {
		j.At(p.Object, append(guard.Path, "image"), w.At, "the guard runs %s, not %s", guard.Image, w.Guard)
	}
	if guard.RestartPolicy == nil || *guard.RestartPolicy != corev1.ContainerRestartPolicyAlways {
		j.At(p.Object, append(guard.Path, "restartPolicy"), w.At, "the guard is no sidecar: it ends before the agent starts")
	}
	j.guarded(p, w, guard, own)
}

// guarded wants the agent to be reached by its guard alone, and to hold nothing that its guard holds.
func (j *judging) guarded(p *index.Pod, w *claims.Workload, guard, agent index.Container) {
	if len(agent.Ports) > 0 {
		j.At(p.Object, append(agent.Path, "ports"), w.At, "the agent has ports of its own, which its guard does not stand before")
	}
	j.loopback(p, w, guard, agent, "upstream", "AGENTC_LISTEN")
	j.loopback(p, w, guard, agent, "egress", "AGENTC_EGRESS_URL")
	j.separate(p, w, guard, agent)
}

// loopback wants a flag of the guard and a variable of the agent to name the same address, on loopback.
func (j *judging) loopback(p *index.Pod, w *claims.Workload, guard, agent index.Container, flag, variable string) {
	values, _ := guard.Arguments(flag)
	var set []string
	for _, e := range agent.Env {
		if e.Name == variable {
			set = append(set, e.Value)
		}
	}
	if len(values) != 1 || len(set) != 1 || address(values[0]) != address(set[0]) {
		j.At(p.Object, append(agent.Path, "env"), w.At, "%s of the agent is %q, and --%s of its guard %q", variable, set, flag, values)
		return
	}
	host, _, err := net.SplitHostPort(address(set[0]))
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		j.At(p.Object, append(agent.Path, "env"), w.At, "%s of the agent is %q, which is not on loopback", variable, set)
	}
	j.references++
}

// address is `host:port` of that or of a URL of it.
func address(text string) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		return u.Host
	}
	return text
}

// separate wants no volume in both containers, and no secret in the agent's: it holds no key and no credential.
func (j *judging) separate(p *index.Pod, w *claims.Workload, guard, agent index.Container) {
	guards := map[string]bool{}
	for _, m := range guard.VolumeMounts {
		guards[m.Name] = true
	}
	mounted := map[string]bool{}
	for i, m := range agent.VolumeMounts {
		mounted[m.Name] = true
		if guards[m.Name] {
			j.At(p.Object, append(slices.Clip(agent.Path), "volumeMounts", i), w.At, "the agent mounts %s, which is its guard's", m.Name)
		}
	}
	only := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{*agent.Container}}}
	for _, v := range p.Template.Spec.Volumes {
		if mounted[v.Name] {
			only.Spec.Volumes = append(only.Spec.Volumes, v)
		}
	}
	podutil.VisitPodSecretNames(only, func(name string) bool {
		j.At(p.Object, agent.Path, w.At, "the agent is given the secret %s, which only its guard may hold", name)
		return true
	})
}
