package admission

import (
	"slices"
	"strings"

	"agentc/verify/object"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// podRogue is a pod that differs from a compiled one in one thing.
type podRogue struct {
	name, policy string
	own          bool // depends on the workload's names and images, and so is tried on every one
	guarded      bool // makes sense only beside a guard
	change       func(*corev1.Pod, *workload)
}

var podRogues = []podRogue{
	{name: "another image", policy: "workloads", own: true, change: func(p *corev1.Pod, _ *workload) { first(p).Image = other(first(p).Image) }},
	{name: "the image of another agent", policy: "workloads", own: true, change: func(p *corev1.Pod, w *workload) { first(p).Image = w.stranger }},
	{name: "a tag for a digest", policy: "images", change: func(p *corev1.Pod, _ *workload) { first(p).Image, _, _ = strings.Cut(first(p).Image, "@") }},
	{name: "a digest that is cut", policy: "images", change: func(p *corev1.Pod, _ *workload) { first(p).Image = first(p).Image[:max(0, len(first(p).Image)-1)] }},
	{name: "another service account", policy: "workloads", own: true, change: func(p *corev1.Pod, _ *workload) { p.Spec.ServiceAccountName = "default" }},
	{name: "no service account", policy: "workloads", change: func(p *corev1.Pod, _ *workload) { p.Spec.ServiceAccountName = "" }},
	{name: "the label of another", policy: "workloads", own: true, change: func(p *corev1.Pod, _ *workload) { p.Labels["agents.d/agent"] = "somebody-else" }},
	{name: "no label", policy: "workloads", change: func(p *corev1.Pod, _ *workload) { delete(p.Labels, "agents.d/agent") }},
	{name: "no owner", policy: "workloads", change: func(p *corev1.Pod, _ *workload) { p.OwnerReferences = nil }},
	{name: "an owner of another kind", policy: "workloads", change: func(p *corev1.Pod, _ *workload) { p.OwnerReferences[0].Kind = "Job" }},
	{name: "the owner of another", policy: "workloads", change: func(p *corev1.Pod, _ *workload) { p.OwnerReferences[0].Name = "somebody-else-6c8f9d7b5" }},
	{name: "one container more", policy: "workloads", change: func(p *corev1.Pod, _ *workload) {
		p.Spec.Containers = append(p.Spec.Containers, named("miner", *first(p)))
	}},
	{name: "one init container more", policy: "workloads", change: func(p *corev1.Pod, _ *workload) {
		p.Spec.InitContainers = append(p.Spec.InitContainers, named("setup", *first(p)))
	}},
	{name: "an ephemeral container", policy: "workloads", change: func(p *corev1.Pod, _ *workload) {
		p.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: first(p).Image}}}
	}},
	{name: "a command", policy: "workloads", change: func(p *corev1.Pod, _ *workload) { first(p).Command = []string{"/bin/sh"} }},
	{name: "other arguments", policy: "workloads", change: func(p *corev1.Pod, _ *workload) { first(p).Args = []string{"--shell"} }},
	{name: "no guard", policy: "workloads", guarded: true, own: true, change: func(p *corev1.Pod, _ *workload) { p.Spec.InitContainers = nil }},
	{name: "a guard that ends", policy: "workloads", guarded: true, change: func(p *corev1.Pod, _ *workload) { guard(p).RestartPolicy = nil }},
	{name: "a guard of another image", policy: "workloads", guarded: true, own: true, change: func(p *corev1.Pod, _ *workload) {
		guard(p).Image = other(guard(p).Image)
	}},
	{name: "a guard that is the agent", policy: "workloads", guarded: true, change: func(p *corev1.Pod, _ *workload) { guard(p).Image = first(p).Image }},
	{name: "a guard with a command", policy: "workloads", guarded: true, change: func(p *corev1.Pod, _ *workload) { guard(p).Command = []string{"/bin/true"} }},
	{name: "a guard with another verb", policy: "workloads", guarded: true, change: func(p *corev1.Pod, _ *workload) { guard(p).Args = []string{"audit"} }},
	{name: "a guard without arguments", policy: "workloads", guarded: true, change: func(p *corev1.Pod, _ *workload) { guard(p).Args = nil }},
	{name: "a guard with an environment", policy: "workloads", guarded: true, change: func(p *corev1.Pod, _ *workload) {
		guard(p).Env = []corev1.EnvVar{{Name: "LD_PRELOAD", Value: "/tmp/x.so"}}
	}},
	{name: "something before the guard", policy: "workloads", guarded: true, change: func(p *corev1.Pod, _ *workload) {
		p.Spec.InitContainers = slices.Insert(p.Spec.InitContainers, 0, named("setup", *first(p)))
	}},
	{name: "a token", policy: "hardening", change: func(p *corev1.Pod, _ *workload) { p.Spec.AutomountServiceAccountToken = yes() }},
	{name: "a token by default", policy: "hardening", change: func(p *corev1.Pod, _ *workload) { p.Spec.AutomountServiceAccountToken = nil }},
	{name: "a token in a volume", policy: "hardening", change: func(p *corev1.Pod, _ *workload) {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "token", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
			Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}}}}}})
	}},
	{name: "the host's network", policy: "hardening", change: func(p *corev1.Pod, _ *workload) { p.Spec.HostNetwork = true }},
	{name: "the host's processes", policy: "hardening", change: func(p *corev1.Pod, _ *workload) { p.Spec.HostPID = true }},
	{name: "the host's IPC", policy: "hardening", change: func(p *corev1.Pod, _ *workload) { p.Spec.HostIPC = true }},
	{name: "shared processes", policy: "hardening", change: func(p *corev1.Pod, _ *workload) { p.Spec.ShareProcessNamespace = yes() }},
	{name: "a file system that can be written", policy: "hardening", change: func(p *corev1.Pod, _ *workload) {
		if s := first(p).SecurityContext; s != nil {
			s.ReadOnlyRootFilesystem = nil
		}
	}},
	{name: "the key in the agent", policy: "hardening", guarded: true, own: true, change: func(p *corev1.Pod, w *workload) {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "key", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: w.Name + "-tls"}}})
		first(p).VolumeMounts = append(first(p).VolumeMounts, corev1.VolumeMount{Name: "key", MountPath: "/key", ReadOnly: true})
	}},
	{name: "the guard's own volume in the agent", policy: "hardening", guarded: true, change: func(p *corev1.Pod, w *workload) {
		for _, v := range p.Spec.Volumes {
			if v.Secret != nil && v.Secret.SecretName == w.Name+"-tls" {
				first(p).VolumeMounts = append(first(p).VolumeMounts, corev1.VolumeMount{Name: v.Name, MountPath: "/key", ReadOnly: true})
			}
		}
	}},
	{name: "the key in the environment", policy: "hardening", guarded: true, change: func(p *corev1.Pod, w *workload) {
		first(p).Env = append(first(p).Env, corev1.EnvVar{Name: "KEY", ValueFrom: &corev1.EnvVarSource{
			SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: w.Name + "-tls"}, Key: "tls.key"}}})
	}},
	{name: "a whole Secret in the environment", policy: "hardening", guarded: true, change: func(p *corev1.Pod, w *workload) {
		first(p).EnvFrom = append(first(p).EnvFrom, corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: w.Name + "-tls"}}})
	}},
}

func first(p *corev1.Pod) *corev1.Container { return &p.Spec.Containers[0] }

// guard is a container of nobody's where there is none: the rogue is then the pod without a guard, which is to be refused as well.
func guard(p *corev1.Pod) *corev1.Container {
	if len(p.Spec.InitContainers) == 0 {
		return &corev1.Container{}
	}
	return &p.Spec.InitContainers[0]
}

func named(name string, c corev1.Container) corev1.Container {
	other := *c.DeepCopy()
	other.Name = name
	return other
}

func yes() *bool { y := true; return &y }

// rogues tries the catalogue on one workload: all of it, or what has to do with its names.
func (t *trial) rogues(w *workload, whole bool) error {
	for _, r := range podRogues {
		if !whole && !r.own || r.guarded && w.Guard == "" {
			continue
		}
		p := w.pod("rogue")
		r.change(p, w)
		if err := t.refused(request{user: w.user(), operation: admissionv1.Create, object: raw(p)}, w, r.name, r.policy); err != nil {
			return err
		}
	}
	for _, image := range t.images {
		if slices.Contains(w.Images, image) {
			continue
		}
		p := w.pod("rogue")
		first(p).Image = image
		if err := t.refused(request{user: w.user(), operation: admissionv1.Create, object: raw(p)}, w, "an image that a policy names", "workloads"); err != nil {
			return err
		}
	}
	for _, r := range w.requests(t.env.Environment.Delivery.Applier) {
		if !whole && !r.own {
			continue
		}
		if err := t.refused(r.request, w, r.name, r.policy); err != nil {
			return err
		}
	}
	return nil
}

// rogue is any other request that is to be refused.
type rogue struct {
	name, policy string
	own          bool
	request
}

// requests are the rogues that are no pods, about one workload.
func (w *workload) requests(applier string) []rogue {
	all := []rogue{
		{"a pod that a person makes", "makers", false, request{user: person, operation: admissionv1.Create, object: raw(w.pod("mine"))}},
		{"a pod that Argo CD makes", "makers", false, request{user: applier, operation: admissionv1.Create, object: raw(w.pod("mine"))}},
		{"a second one of the same pods", "workloads", true, request{user: applier, operation: admissionv1.Create, object: renamed(&w.maker.Unstructured, w.Name+"-second")}},
		{"changed by a person", "protection", false, request{user: person, operation: admissionv1.Update, old: &w.maker.Unstructured, object: without(&w.maker.Unstructured, "spec", "template", "spec", "securityContext")}},
		{"made by a person", "protection", false, request{user: person, operation: admissionv1.Create, object: &w.maker.Unstructured}},
		{"removed by a person", "protection", false, request{user: person, operation: admissionv1.Delete, old: &w.maker.Unstructured}},
	}
	for _, kind := range []struct{ version, kind string }{
		{"apps/v1", "DaemonSet"}, {"batch/v1", "Job"}, {"v1", "ReplicationController"}, {"argoproj.io/v1alpha1", "Rollout"},
	} {
		o := w.maker.DeepCopy()
		o.SetAPIVersion(kind.version)
		o.SetKind(kind.kind)
		all = append(all, rogue{"its pods as a " + kind.kind, "kinds", false, request{user: applier, operation: admissionv1.Create, object: o}})
	}
	cron := made("batch/v1", "CronJob", w.Namespace, w.Name)
	set(cron, w.maker.Object["spec"], "spec", "jobTemplate", "spec")
	all = append(all, rogue{"its pods as a CronJob", "kinds", false, request{user: applier, operation: admissionv1.Create, object: cron}})
	all = append(all, w.entries()...)
	all = append(all, w.rights(applier)...)
	if w.certificate != nil {
		all = append(all, w.impostors(applier)...)
	}
	if w.policy != nil {
		wide := w.policy.DeepCopy()
		set(wide, []any{map[string]any{"fromEntities": []any{"all"}}}, "spec", "ingress")
		all = append(all,
			rogue{"a network policy that a person widens", "protection", false, request{user: person, operation: admissionv1.Update, old: &w.policy.Unstructured, object: wide}},
			rogue{"a network policy that a person removes", "protection", false, request{user: person, operation: admissionv1.Delete, old: &w.policy.Unstructured}},
			rogue{"a network policy that a person adds", "protection", false, request{user: person, operation: admissionv1.Create, object: renamed(wide, "mine")}})
	}
	return all
}

// entries are the ways into a pod, and to a token.
func (w *workload) entries() []rogue {
	var all []rogue
	for _, e := range []struct {
		kind, resource string
		operation      admissionv1.Operation
	}{
		{"PodExecOptions", "pods/exec", admissionv1.Connect}, {"PodAttachOptions", "pods/attach", admissionv1.Connect},
		{"PodPortForwardOptions", "pods/portforward", admissionv1.Connect}, {"PodProxyOptions", "pods/proxy", admissionv1.Connect},
		{"ServiceProxyOptions", "services/proxy", admissionv1.Connect}, {"Pod", "pods/ephemeralcontainers", admissionv1.Update},
		{"TokenRequest", "serviceaccounts/token", admissionv1.Create},
	} {
		// What is forbidden to everybody in a namespace of the fleet depends on the namespace's label alone.
		all = append(all, rogue{e.resource, "access", e.resource == "pods/exec", request{user: person, operation: e.operation, object: made("v1", e.kind, w.Namespace, w.Name), resource: e.resource}})
	}
	return all
}

// rights are those that nobody may give to a service account of the fleet.
func (w *workload) rights(applier string) []rogue {
	var all []rogue
	for _, s := range []struct{ name, kind, subject string }{
		{"rights for its service account", "ServiceAccount", w.Account},
		{"rights for its user", "User", "system:serviceaccount:" + w.Namespace + ":" + w.Account},
		{"rights for its namespace", "Group", "system:serviceaccounts:" + w.Namespace},
	} {
		subject := map[string]any{"kind": s.kind, "name": s.subject}
		if s.kind == "ServiceAccount" {
			subject["namespace"] = w.Namespace
		}
		for _, kind := range []string{"RoleBinding", "ClusterRoleBinding"} {
			b := made("rbac.authorization.k8s.io/v1", kind, "", "rights")
			if kind == "RoleBinding" {
				b.SetNamespace(elsewhere)
			}
			set(b, []any{subject}, "subjects")
			set(b, map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}, "roleRef")
			all = append(all, rogue{s.name + " by a " + kind, "bindings", kind == "RoleBinding", request{user: applier, operation: admissionv1.Create, object: b}})
		}
	}
	return all
}

// elsewhere is a namespace that is not the fleet's.
const elsewhere = "elsewhere"

// impostors are certificates that differ from the compiled one in one thing.
func (w *workload) impostors(applier string) []rogue {
	c := &w.certificate.Unstructured
	own, _, _ := unstructured.NestedStringSlice(c.Object, "spec", "uris")
	if len(own) == 0 {
		return nil // the identity layer says so
	}
	domain, _, _ := strings.Cut(strings.TrimPrefix(own[0], "spiffe://"), "/")
	var all []rogue
	for _, i := range []struct {
		name  string
		own   bool
		value any
		path  []string
	}{
		{"the id of another", false, []any{"spiffe://" + domain + "/ns/" + w.Namespace + "/sa/somebody-else"}, []string{"spec", "uris"}},
		{"the id of another namespace", true, []any{"spiffe://" + domain + "/ns/elsewhere/sa/" + w.Account}, []string{"spec", "uris"}},
		{"the id of another trust domain", false, []any{"spiffe://elsewhere.example/ns/" + w.Namespace + "/sa/" + w.Account}, []string{"spec", "uris"}},
		{"two ids", false, []any{own[0], "spiffe://" + domain + "/ns/" + w.Namespace + "/sa/somebody-else"}, []string{"spec", "uris"}},
		{"no id", false, []any{}, []string{"spec", "uris"}},
		{"the name of another", false, []any{"somebody-else." + w.Namespace + ".svc"}, []string{"spec", "dnsNames"}},
		{"every name", false, []any{"*." + w.Namespace + ".svc"}, []string{"spec", "dnsNames"}},
		{"a name outside", false, []any{"bank.example"}, []string{"spec", "dnsNames"}},
		{"a CA", false, true, []string{"spec", "isCA"}},
		{"a common name", false, "agentd", []string{"spec", "commonName"}},
		{"an address", false, []any{"10.0.0.1"}, []string{"spec", "ipAddresses"}},
		{"a mail address", false, []any{"a@example.com"}, []string{"spec", "emailAddresses"}},
		{"another issuer", false, "somebody-elses", []string{"spec", "issuerRef", "name"}},
		{"an issuer of another kind", false, "External", []string{"spec", "issuerRef", "kind"}},
		{"another secret", false, "somebody-else-tls", []string{"spec", "secretName"}},
	} {
		o := c.DeepCopy()
		set(o, i.value, i.path...)
		all = append(all, rogue{"a certificate with " + i.name, "identities", i.own, request{user: applier, operation: admissionv1.Create, object: o}})
	}
	all = append(all, rogue{"its certificate, removed by a person", "protection", false, request{user: person, operation: admissionv1.Delete, old: c}})
	if kind, _, _ := unstructured.NestedString(c.Object, "spec", "issuerRef", "kind"); kind == "ClusterIssuer" { // an Issuer signs for its namespace alone
		// Whole identities, at which nothing but the id is wrong.
		stranger := c.DeepCopy()
		set(stranger, []any{"spiffe://" + domain + "/ns/" + w.Namespace + "/sa/somebody-else"}, "spec", "uris")
		set(stranger, []any{"somebody-else." + w.Namespace + ".svc"}, "spec", "dnsNames")
		set(stranger, "somebody-else-tls", "spec", "secretName")
		nobody := c.DeepCopy()
		set(nobody, []any{own[0], "spiffe://" + domain + "/ns/" + w.Namespace + "/sa/somebody-else"}, "spec", "uris")
		set(nobody, []any{}, "spec", "dnsNames")
		set(nobody, "-tls", "spec", "secretName")
		all = append(all,
			rogue{"the certificate of somebody whom nobody compiled", "identities", true, request{user: applier, operation: admissionv1.Create, object: stranger}},
			rogue{"a certificate of two", "identities", false, request{user: applier, operation: admissionv1.Create, object: nobody}})
		abroad := c.DeepCopy()
		abroad.SetNamespace(elsewhere)
		all = append(all, rogue{"its certificate in another namespace", "issuance", true, request{user: person, operation: admissionv1.Create, object: abroad}})
	}
	return all
}

func made(version, kind, namespace, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetAPIVersion(version)
	o.SetKind(kind)
	if namespace != "" {
		o.SetNamespace(namespace)
	}
	o.SetName(name)
	return o
}

func renamed(o *unstructured.Unstructured, name string) *unstructured.Unstructured {
	c := o.DeepCopy()
	c.SetName(name)
	return c
}

func without(o *unstructured.Unstructured, path ...string) *unstructured.Unstructured {
	c := o.DeepCopy()
	unstructured.RemoveNestedField(c.Object, path...)
	return c
}

// set writes a value that JSON knows.
func set(o *unstructured.Unstructured, value any, path ...string) {
	if err := unstructured.SetNestedField(o.Object, value, path...); err != nil {
		panic(err) // a path through something that is no object: a mistake in the catalogue, which asks sound first
	}
}

// sound says whether what stands at a path of a rendered object is a mapping or nothing, so that a rogue can be made of it. Where it is
// anything else, the object itself is broken, and the schema layer says so.
func sound(o *object.Object, path ...string) bool {
	at := o.Object
	for _, step := range path {
		value, there := at[step]
		if !there {
			return true
		}
		if at, there = value.(map[string]any); !there {
			return false
		}
	}
	return true
}
