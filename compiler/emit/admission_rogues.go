package emit

import (
	"strings"

	"agentc/compiler/model"

	rollouts "github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	certv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	policiesv1 "github.com/kyverno/api/api/policies.kyverno.io/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	goodFile = "resources-good.yaml"
	badFile  = "resources-bad.yaml"

	// foreignNamespace is a namespace that is not the fleet's.
	foreignNamespace = "default"
)

// podPolicies are those that every pod of the fleet meets.
var podPolicies = []string{"workloads", "images", "hardening"}

// testCompiled wants admitted what the other layers wrote, word for word.
func testCompiled(s *testSet, agents []*model.Agent, out *Out) {
	for _, a := range agents {
		if d, ok := written[*appsv1.Deployment](out, agentFile(a)); ok {
			s.pass(goodFile, d, podPolicies...)
		}
		if c, ok := written[*certv1.Certificate](out, agentFile(a)); ok {
			s.pass(goodFile, c, "identities", "issuance")
		}
		if r, ok := written[*rollouts.Rollout](out, agentFile(a)); ok {
			s.pass(goodFile, r, "kinds")
		}
	}
	s.pass(goodFile, exception("somebody-elses", "somebody-elses-policy"), "policies")
	s.pass(goodFile, binding("somebody-else", "ServiceAccount", foreignNamespace, "default"), "bindings")
}

// testMade wants admitted the pods that the controllers make of it.
func testMade(s *testSet, agents []*model.Agent, out *Out) {
	policies := append([]string{"makers"}, podPolicies...)
	for _, a := range agents {
		d, ok := written[*appsv1.Deployment](out, agentFile(a))
		if !ok {
			continue
		}
		s.pass(goodFile, podOf(d, "compiled"), policies...)
		s.pass(goodFile, podOf(lean(d), "lean"), policies...) // what the rogues are made of
		if c := a.Workload.Canary; c != nil {
			stable := podOf(d, "stable")
			stable.Spec.Containers[0].Image = c.Stable
			s.pass(goodFile, stable, policies...)
		}
	}
}

// podOf is a pod as the ReplicaSet controller would make it of a Deployment.
func podOf(d *appsv1.Deployment, name string) *corev1.Pod {
	p := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: *d.Spec.Template.ObjectMeta.DeepCopy(),
		Spec:       *d.Spec.Template.Spec.DeepCopy(),
	}
	p.Namespace, p.Name = d.Namespace, d.Name+"-"+name
	p.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "apps/v1", Kind: "ReplicaSet", Name: d.Name + "-5d4f8c7b9", Controller: ptr(true),
		UID: "7f3b6a52-0c1e-4d7a-9d53-2f6f1f0e8c11",
	}}
	return p
}

// rogues are pods that differ from a compiled one in one thing.
var rogues = []struct {
	name, policy string
	change       func(*corev1.Pod)
}{
	{"other-image", "workloads", func(p *corev1.Pod) { agentOf(p).Image = otherImage(agentOf(p).Image) }},
	{"tag-for-digest", "images", func(p *corev1.Pod) { agentOf(p).Image, _, _ = strings.Cut(agentOf(p).Image, "@") }},
	{"other-account", "workloads", func(p *corev1.Pod) { p.Spec.ServiceAccountName = "default" }},
	{"no-account", "workloads", func(p *corev1.Pod) { p.Spec.ServiceAccountName = "" }},
	{"other-label", "workloads", func(p *corev1.Pod) { p.Labels[labelAgent] = runtimeName }},
	{"no-guard", "workloads", func(p *corev1.Pod) { p.Spec.InitContainers = nil }},
	{"guard-ends", "workloads", func(p *corev1.Pod) { p.Spec.InitContainers[0].RestartPolicy = nil }},
	{"other-guard", "workloads", func(p *corev1.Pod) { p.Spec.InitContainers[0].Image = agentOf(p).Image }},
	{"one-more", "workloads", func(p *corev1.Pod) { p.Spec.Containers = append(p.Spec.Containers, named("miner", agentOf(p))) }},
	{"one-before", "workloads", func(p *corev1.Pod) {
		p.Spec.InitContainers = append([]corev1.Container{named("setup", agentOf(p))}, p.Spec.InitContainers...)
	}},
	{"other-command", "workloads", func(p *corev1.Pod) { agentOf(p).Command = []string{"/bin/sh"} }},
	{"other-arguments", "workloads", func(p *corev1.Pod) { agentOf(p).Args = []string{"--shell"} }},
	{"guard-command", "workloads", func(p *corev1.Pod) { p.Spec.InitContainers[0].Command = []string{"/bin/sh"} }},
	{"guard-verb", "workloads", func(p *corev1.Pod) { p.Spec.InitContainers[0].Args = []string{"audit"} }},
	{"guard-preload", "workloads", func(p *corev1.Pod) {
		p.Spec.InitContainers[0].Env = []corev1.EnvVar{{Name: "LD_PRELOAD", Value: "/tmp/x.so"}}
	}},
	{"bare", "workloads", func(p *corev1.Pod) { p.OwnerReferences = nil }},
	{"token", "hardening", func(p *corev1.Pod) { p.Spec.AutomountServiceAccountToken = ptr(true) }},
	{"token-volume", "hardening", func(p *corev1.Pod) {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "token", VolumeSource: corev1.VolumeSource{
			Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{
				ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"},
			}}},
		}})
	}},
	{"host-network", "hardening", func(p *corev1.Pod) { p.Spec.HostNetwork = true }},
	{"shared-processes", "hardening", func(p *corev1.Pod) { p.Spec.ShareProcessNamespace = ptr(true) }},
	{"writable", "hardening", func(p *corev1.Pod) { agentOf(p).SecurityContext.ReadOnlyRootFilesystem = nil }},
	{"key-mounted", "hardening", func(p *corev1.Pod) {
		p.Spec.Volumes = append(p.Spec.Volumes, secretVolume("key", p.Spec.ServiceAccountName+"-tls"))
		agentOf(p).VolumeMounts = append(agentOf(p).VolumeMounts, corev1.VolumeMount{Name: "key", MountPath: "/key", ReadOnly: true})
	}},
	{"key-in-environment", "hardening", func(p *corev1.Pod) {
		agentOf(p).Env = append(agentOf(p).Env, corev1.EnvVar{Name: "KEY", ValueFrom: &corev1.EnvVarSource{
			SecretKeyRef: &corev1.SecretKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: p.Spec.ServiceAccountName + "-tls"}, Key: "tls.key",
			},
		}})
	}},
}

// lean is a Deployment with nothing in its pods but what the policies look at: what else changes in an agent would change
// every rogue as well.
func lean(d *appsv1.Deployment) *appsv1.Deployment {
	pod := &d.Spec.Template
	l := &appsv1.Deployment{
		TypeMeta:   d.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name},
		Spec: appsv1.DeploymentSpec{Selector: d.Spec.Selector, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: selector(pod.Labels[labelAgent])},
			Spec: corev1.PodSpec{
				ServiceAccountName:           pod.Spec.ServiceAccountName,
				AutomountServiceAccountToken: pod.Spec.AutomountServiceAccountToken,
			},
		}},
	}
	for _, c := range pod.Spec.InitContainers {
		l.Spec.Template.Spec.InitContainers = append(l.Spec.Template.Spec.InitContainers, leanContainer(c))
	}
	for _, c := range pod.Spec.Containers {
		l.Spec.Template.Spec.Containers = append(l.Spec.Template.Spec.Containers, leanContainer(c))
	}
	return l
}

func leanContainer(c corev1.Container) corev1.Container {
	return corev1.Container{Name: c.Name, Image: c.Image, Args: c.Args[:min(1, len(c.Args))], RestartPolicy: c.RestartPolicy, SecurityContext: &corev1.SecurityContext{
		ReadOnlyRootFilesystem: c.SecurityContext.ReadOnlyRootFilesystem,
	}}
}

func agentOf(p *corev1.Pod) *corev1.Container { return &p.Spec.Containers[0] }

func named(name string, c *corev1.Container) corev1.Container {
	other := *c.DeepCopy()
	other.Name = name
	return other
}

// otherImage is pinned as well as the compiled one, and is another.
func otherImage(image string) string {
	name, _, _ := strings.Cut(image, "@")
	return name + "@sha256:" + strings.Repeat("0", 64)
}

// testRogues wants refused, though Argo CD itself applied it, what nobody compiled.
func testRogues(s *testSet, a *model.Agent, out *Out) {
	if d, ok := written[*appsv1.Deployment](out, agentFile(a)); ok {
		d = lean(d)
		for _, r := range rogues {
			p := podOf(d, r.name)
			r.change(p)
			s.fail(badFile, p, r.policy)
		}
		second := d.DeepCopy()
		second.Name += "-second"
		s.fail(badFile, second, "workloads")
		for _, o := range otherKinds(d) {
			s.fail(badFile, o, "kinds")
		}
	}
	if c, ok := written[*certv1.Certificate](out, agentFile(a)); ok {
		for _, r := range impostors {
			other := c.DeepCopy()
			other.Name += "-" + r.name
			r.change(a, other)
			s.fail(badFile, other, "identities")
		}
		if s.env.Issuer.Kind == "ClusterIssuer" {
			other := c.DeepCopy()
			other.Namespace = foreignNamespace
			s.fail(badFile, other, "issuance")
		}
	}
	for _, b := range []*rbacv1.ClusterRoleBinding{
		binding("to-an-agent", "ServiceAccount", a.Namespace, a.Name),
		binding("to-its-user", "User", "", "system:serviceaccount:"+a.Namespace+":"+a.Name),
		binding("to-its-group", "Group", "", "system:serviceaccounts:"+a.Namespace),
		binding("to-all-accounts", "Group", "", "system:serviceaccounts"),
		binding("to-everybody", "Group", "", "system:authenticated"),
	} {
		s.fail(badFile, b, "bindings")
	}
	s.fail(badFile, exception("just-this-once", s.env.Fleet.Name+"-workloads"), "policies")
}

// otherKinds run the same pod by ways that are never compiled.
func otherKinds(d *appsv1.Deployment) []testObject {
	named := func(kind string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name + "-" + kind}
	}
	return []testObject{
		&appsv1.DaemonSet{
			TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "DaemonSet"}, ObjectMeta: named("daemonset"),
			Spec: appsv1.DaemonSetSpec{Selector: d.Spec.Selector, Template: d.Spec.Template},
		},
		&batchv1.Job{
			TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"}, ObjectMeta: named("job"),
			Spec: batchv1.JobSpec{Template: d.Spec.Template},
		},
		&corev1.ReplicationController{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ReplicationController"}, ObjectMeta: named("controller"),
			Spec: corev1.ReplicationControllerSpec{Selector: d.Spec.Selector.MatchLabels, Template: &d.Spec.Template},
		},
		&rollouts.Rollout{
			TypeMeta: metav1.TypeMeta{APIVersion: rollouts.SchemeGroupVersion.String(), Kind: "Rollout"}, ObjectMeta: named("rollout"),
			Spec: rollouts.RolloutSpec{Selector: d.Spec.Selector, Template: d.Spec.Template},
		},
	}
}

// impostors are certificates that differ from a compiled one in who they say they are.
var impostors = []struct {
	name   string
	change func(*model.Agent, *certv1.Certificate)
}{
	{"other-agent", func(a *model.Agent, c *certv1.Certificate) {
		c.Spec.URIs[0] = strings.TrimSuffix(a.SPIFFE, a.Name) + "somebody-else"
		c.Spec.DNSNames = nil
		c.Spec.SecretName = "somebody-else-tls"
	}},
	{"other-namespace", func(a *model.Agent, c *certv1.Certificate) { c.Spec.URIs[0] = a.Env.System.SPIFFE }},
	{"two-identities", func(a *model.Agent, c *certv1.Certificate) { c.Spec.URIs = append(c.Spec.URIs, a.Env.System.SPIFFE) }},
	{"no-identity", func(a *model.Agent, c *certv1.Certificate) { c.Spec.URIs = nil }},
	{"other-host", func(a *model.Agent, c *certv1.Certificate) {
		c.Spec.DNSNames = append(c.Spec.DNSNames, a.Env.System.Host)
	}},
	{"signs-others", func(a *model.Agent, c *certv1.Certificate) { c.Spec.IsCA = true }},
	{"other-secret", func(a *model.Agent, c *certv1.Certificate) { c.Spec.SecretName = "mine" }},
	{"other-issuer", func(a *model.Agent, c *certv1.Certificate) { c.Spec.IssuerRef.Name = "self-signed" }},
}

func binding(name, kind, namespace, subject string) *rbacv1.ClusterRoleBinding {
	to := rbacv1.Subject{Kind: kind, Namespace: namespace, Name: subject}
	if kind != "ServiceAccount" {
		to.APIGroup = rbacv1.GroupName
	}
	return &rbacv1.ClusterRoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRoleBinding"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbacv1.Subject{to},
	}
}

func exception(name, policy string) *policiesv1.PolicyException {
	return &policiesv1.PolicyException{
		TypeMeta:   metav1.TypeMeta{APIVersion: policiesv1.GroupVersion.String(), Kind: "PolicyException"},
		ObjectMeta: metav1.ObjectMeta{Namespace: foreignNamespace, Name: name},
		Spec:       policiesv1.PolicyExceptionSpec{PolicyRefs: []policiesv1.PolicyRef{{Kind: "ValidatingPolicy", Name: policy}}},
	}
}
