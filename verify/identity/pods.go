package identity

import (
	"net/url"
	"slices"

	"agentc/verify/claims"
	"agentc/verify/internal/index"

	corev1 "k8s.io/api/core/v1"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
)

// pod wants of what a pod is given that it has its own identity, in one container, and nobody else's.
func (j *judging) pod(p *index.Pod) {
	w := p.Workload
	if w == nil {
		j.foreign(p, nil)
		return // the workload layer says that nobody claims it
	}
	if spec := &p.Template.Spec; spec.ServiceAccountName != w.Account {
		j.At(p.Object, p.Path("spec", "serviceAccountName"), w.At, "serviceAccountName is %q, not %q", spec.ServiceAccountName, w.Account)
	}
	j.noToken(p, w)
	j.foreign(p, w)
	guard, ok := p.Guarded()
	if !ok {
		j.At(p.Object, p.Path("spec"), w.At, "has no container that could hold the identity of %s", w.Name)
		return
	}
	j.mounted(p, w, guard)
	j.authority(p, w, guard)
	j.arguments(p, w, guard)
	j.told(p, w, guard)
	j.volumes(p, w)
}

// noToken: no container can ask the cluster for anything, not even who it is.
func (j *judging) noToken(p *index.Pod, w *claims.Workload) {
	if mounts := p.Template.Spec.AutomountServiceAccountToken; mounts == nil || *mounts {
		j.At(p.Object, p.Path("spec", "automountServiceAccountToken"), w.At, "its pods are given a token of the cluster")
	}
	for i, v := range p.Template.Spec.Volumes {
		if v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			if source.ServiceAccountToken != nil || source.PodCertificate != nil {
				j.At(p.Object, p.Path("spec", "volumes", i), w.At, "volume %s gives its pods another identity, issued by the cluster", v.Name)
			}
		}
	}
}

// foreign finds the keys of others among the secrets that a pod names in any way.
func (j *judging) foreign(p *index.Pod, w *claims.Workload) {
	own := 0
	namespace := p.Object.GetNamespace()
	podutil.VisitPodSecretNames(&corev1.Pod{Spec: p.Template.Spec}, func(name string) bool {
		switch holder := j.secrets[index.Name{Namespace: namespace, Name: name}]; {
		case holder == nil: // a credential: the platform's, not an identity
		case holder == w:
			own++
		default:
			j.At(p.Object, p.Path("spec"), j.index.SpecOf(p.Object), "uses the secret %s, which holds the key of %s", name, holder.Name)
		}
		return true
	})
	if w != nil && own != 1 {
		j.At(p.Object, p.Path("spec"), w.At, "names the secret with its key %d times, not once as the volume of its guard", own)
	}
}

// mounted wants the secret in one container: whole, so that a renewed certificate arrives, and where that container looks for it.
func (j *judging) mounted(p *index.Pod, w *claims.Workload, guard index.Container) {
	volume := slices.IndexFunc(p.Template.Spec.Volumes, func(v corev1.Volume) bool {
		return v.Secret != nil && j.secrets[index.Name{Namespace: w.Namespace, Name: v.Secret.SecretName}] == w
	})
	if volume < 0 {
		j.At(p.Object, p.Path("spec", "volumes"), w.At, "no volume is the secret with its key")
		return
	}
	v := p.Template.Spec.Volumes[volume]
	if len(v.Secret.Items) > 0 || v.Secret.Optional != nil && *v.Secret.Optional {
		j.At(p.Object, p.Path("spec", "volumes", volume), w.At, "volume %s is not the whole secret, or may be without it", v.Name)
	}
	mounts := 0
	for _, c := range p.Containers() {
		for i, m := range c.VolumeMounts {
			if m.Name != v.Name {
				continue
			}
			path := append(slices.Clip(c.Path), "volumeMounts", i)
			switch {
			case c.Container != guard.Container:
				j.At(p.Object, path, w.At, "container %s mounts the key of %s, which only %s may", c.Name, w.Name, guard.Name)
			case m.SubPath != "" || m.SubPathExpr != "":
				j.At(p.Object, path, w.At, "mounts a part of the secret with its key: a renewed certificate would never arrive")
			case !slices.Equal(values(guard, "tls"), []string{m.MountPath}):
				j.At(p.Object, path, w.At, "%s looks for its certificate in %q, and it is mounted in %q", c.Name, values(guard, "tls"), m.MountPath)
			}
			mounts++
		}
	}
	if mounts == 0 {
		j.At(p.Object, guard.Path, w.At, "container %s does not mount its key", guard.Name)
	}
}

// authority wants the guard to believe the claimed CA certificates and no others.
func (j *judging) authority(p *index.Pod, w *claims.Workload, guard index.Container) {
	folder := values(guard, "ca")
	mount := slices.IndexFunc(guard.VolumeMounts, func(m corev1.VolumeMount) bool { return len(folder) == 1 && m.MountPath == folder[0] })
	if mount < 0 {
		j.At(p.Object, guard.Path, w.At, "%s looks for CA certificates in %q, where nothing is mounted", guard.Name, folder)
		return
	}
	m := guard.VolumeMounts[mount]
	volume := slices.IndexFunc(p.Template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
	if volume < 0 {
		return // the API server's own validation says so
	}
	source := p.Template.Spec.Volumes[volume].ConfigMap
	if source == nil || len(source.Items) > 0 || m.SubPath != "" || m.SubPathExpr != "" {
		j.At(p.Object, p.Path("spec", "volumes", volume), w.At, "the CA certificates of %s are not a whole ConfigMap", guard.Name)
		return
	}
	o := j.index.Object(index.Key{Kind: "ConfigMap", Namespace: w.Namespace, Name: source.Name})
	if o == nil {
		j.At(p.Object, p.Path("spec", "volumes", volume), w.At, "there is no ConfigMap %s/%s with the CA certificates", w.Namespace, source.Name)
		return
	}
	data, _ := o.Object["data"].(map[string]any)
	_, binary := o.Object["binaryData"]
	if len(data) != 1 || data["ca.crt"] != j.env.Identity.CA || binary {
		j.At(o, []any{"data", "ca.crt"}, j.env.Identity.At, "does not hold exactly the CA certificates of %s", j.env.Name)
	}
}

// arguments wants the guard to know itself, and agentd, by the claimed names.
func (j *judging) arguments(p *index.Pod, w *claims.Workload, guard index.Container) {
	want := map[string]string{"environment": j.env.Name}
	if w != j.agentd {
		want["agent"] = w.Name
		want["identity"] = w.SPIFFE
		if j.agentd != nil {
			want["decision-identity"] = j.agentd.SPIFFE
			j.decision(p, w, guard)
		}
	}
	for _, flag := range []string{"agent", "environment", "identity", "decision-identity"} {
		j.argument(p, w, guard, flag, want[flag])
	}
}

func (j *judging) argument(p *index.Pod, w *claims.Workload, c index.Container, flag, want string) {
	got, paths := c.Arguments(flag)
	if want == "" && len(got) == 0 || len(got) == 1 && got[0] == want {
		return
	}
	path := append(slices.Clip(c.Path), "args")
	if len(paths) > 0 {
		path = paths[len(paths)-1]
	}
	j.At(p.Object, path, w.At, "--%s of %s is %q, not %q", flag, c.Name, got, want)
}

// decision wants the guard to ask agentd, under one of the names of its certificate, and not by way of the page's gateway.
func (j *judging) decision(p *index.Pod, w *claims.Workload, c index.Container) {
	got, paths := c.Arguments("decision")
	if len(got) == 1 {
		u, err := url.Parse(got[0])
		if err == nil && u.Scheme == "https" && slices.Contains(j.agentd.Names, u.Hostname()) && u.Hostname() != j.env.Decisions.Escalation.PageHost() {
			return
		}
	}
	path := append(slices.Clip(c.Path), "args")
	if len(paths) > 0 {
		path = paths[len(paths)-1]
	}
	j.At(p.Object, path, w.At, "--decision of %s is %q, none of agentd's names by https", c.Name, got)
}

func values(c index.Container, flag string) []string {
	v, _ := c.Arguments(flag)
	return v
}
