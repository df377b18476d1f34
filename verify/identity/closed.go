package identity

import (
	"slices"
	"strings"

	"agentc/verify/claims"
	"agentc/verify/internal/index"

	corev1 "k8s.io/api/core/v1"
)

// What the guard and agentd are told is a closed list: what an unknown flag does, nobody here can judge.
var (
	guardFlags = []string{"agent", "environment", "identity", "decision", "decision-identity", "trust", "tls", "ca", "cards", "listen", "health", "admin",
		"egress", "upstream", "request-timeout", "shutdown-timeout", "data", "agent-probe", "keys", "credentials", "otlp"}
	agentdFlags = []string{"environment", "bundle", "trust", "tls", "ca", "listen", "health", "admin", "data", "keys", "callback", "callback-host",
		"credentials", "database", "bundle-credential", "otlp"}
	repeated = []string{"agent-probe"}
)

// told compares how the guard, or agentd, is started: which of its verbs, no unknown flag and none twice, and whose bundles it trusts.
func (j *judging) told(p *index.Pod, w *claims.Workload, c index.Container) {
	verb, flags := "guard", guardFlags
	if w == j.agentd {
		verb, flags = "serve", agentdFlags
	}
	path := append(slices.Clip(c.Path), "args")
	if len(c.Args) == 0 || c.Args[0] != verb {
		j.At(p.Object, path, w.At, "container %s does not begin with the verb %s", c.Name, verb)
		return
	}
	seen := map[string]bool{}
	for i, arg := range c.Args[1:] {
		name, _, ok := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if !ok || !strings.HasPrefix(arg, "--") || !slices.Contains(flags, name) || seen[name] && !slices.Contains(repeated, name) {
			j.At(p.Object, append(slices.Clone(path), i+1), w.At, "container %s is told %q, which is no flag of it, or there twice", c.Name, arg)
		}
		seen[name] = true
	}
	j.argument(p, w, c, "trust", j.env.Identity.Trust)
	j.argument(p, w, c, "otlp", j.env.Collector())
	_, bundle, _ := strings.Cut(j.env.Decisions.ConfigMap, "/")
	for flag, configMap := range map[string]string{"keys": keyRing, "cards": w.Name + "-cards", "bundle": bundle} {
		for _, value := range values(c, flag) {
			if configMap != "" && !lies(p, c, value, configMap) {
				j.At(p.Object, path, w.At, "--%s of %s is %q, where the ConfigMap %s is not mounted", flag, c.Name, value, configMap)
			}
		}
	}
	if j.env.Identity.Trust == "key" && len(values(c, "keys")) != 1 {
		j.At(p.Object, path, w.At, "container %s is not told where the keys are by which it knows a sealed bundle", c.Name)
	}
}

// lies says whether a path lies in a ConfigMap that a container mounts.
func lies(p *index.Pod, c index.Container, path, configMap string) bool {
	for _, m := range c.VolumeMounts {
		for _, v := range p.Template.Spec.Volumes {
			if m.Name == v.Name && v.ConfigMap != nil && v.ConfigMap.Name == configMap && (path == m.MountPath || strings.HasPrefix(path, m.MountPath+"/")) {
				return true
			}
		}
	}
	return false
}

// keyRing is the ConfigMap of the public keys that seal bundles.
const keyRing = "agentd-keys"

// rings compares the public keys in every namespace: whoever has the private half of one more can seal bundles.
func (j *judging) rings() {
	for _, o := range j.index.Kind("", "ConfigMap") {
		if o.GetName() != keyRing {
			continue
		}
		data, _ := o.Object["data"].(map[string]any)
		want := map[string]bool{}
		for id, key := range j.env.Identity.Keys {
			want[id+".pem"] = true
			if data[id+".pem"] != key {
				j.At(o, []any{"data", id + ".pem"}, j.env.Identity.At, "does not hold the key %s of the spec", id)
			}
		}
		for name := range data {
			if !want[name] {
				j.At(o, []any{"data", name}, j.env.Identity.At, "holds a key that the spec does not list: %s", name)
			}
		}
		if o.Object["binaryData"] != nil {
			j.At(o, []any{"binaryData"}, j.env.Identity.At, "holds more than the keys of the spec")
		}
	}
}

// volumes of a pod are a closed list too: others can bring an identity, as that of cert-manager's CSI driver, or agentd a bundle that nobody
// judged.
func (j *judging) volumes(p *index.Pod, w *claims.Workload) {
	maps := []string{"ca", keyRing, w.Name + "-cards"}
	if w == j.agentd {
		_, bundle, _ := strings.Cut(j.env.Decisions.ConfigMap, "/")
		maps = []string{"ca", keyRing, bundle}
	}
	for i, v := range p.Template.Spec.Volumes {
		path := p.Path("spec", "volumes", i)
		rest := v.VolumeSource
		rest.Secret, rest.ConfigMap, rest.EmptyDir, rest.Projected = nil, nil, nil, nil
		switch {
		case rest != (corev1.VolumeSource{}):
			j.At(p.Object, path, w.At, "volume %s is of a kind that no pod of the fleet has", v.Name)
		case v.ConfigMap != nil && !slices.Contains(maps, v.ConfigMap.Name):
			j.At(p.Object, path, w.At, "volume %s is the ConfigMap %q, none of %q", v.Name, v.ConfigMap.Name, maps)
		case v.ConfigMap != nil && len(v.ConfigMap.Items) > 0:
			j.At(p.Object, path, w.At, "volume %s is a part of a ConfigMap only", v.Name)
		}
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.Secret == nil {
				j.At(p.Object, path, w.At, "volume %s projects something else than credentials", v.Name)
			}
		}
	}
}
