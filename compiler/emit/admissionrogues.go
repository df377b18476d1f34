package emit

import (
	"strings"

	"agentc/compiler/model"

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

	// elsewhere is a namespace that is not the fleet's.
	elsewhere = "default"
)

// podPolicies are those that every pod of the fleet meets.
var podPolicies = []string{"workloads", "images", "hardening"}

// testCompiled wants admitted what the other layers wrote, word for word.
func testCompiled(s *testSet, agents []*model.Agent, out *Out) {
	for _, a := range agents {
		if d, ok := written[*appsv1.Deployment](out, agentFile(a)); ok {
			s.pass(goodFile, d, podPolicies...)
			s.pass(goodFile, podOf(d, "compiled"), podPolicies...)
			s.pass(goodFile, podOf(lean(d), "lean"), podPolicies...) // what the rogues are made of
			if c := a.Workload.Canary; c != nil {
				stable := podOf(d, "stable")
				stable.Spec.Containers[0].Image = c.Stable
				s.pass(goodFile, stable, podPolicies...)
			}
		}
		if c, ok := written[*certv1.Certificate](out, agentFile(a)); ok {
			s.pass(goodFile, c, "identities", "issuance")
		}
	}
	s.pass(goodFile, binding("somebody-else", rbacv1.Subject{Kind: "ServiceAccount", Namespace: elsewhere, Name: "default"}), "bindings")
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
		APIVersion: "apps/v1", Kind: "ReplicaSet", Name: d.Name + "-5d4f8c7b9", UID: "7f3b6a52-0c1e-4d7a-9d53-2f6f1f0e8c11", Controller: ptr(true),
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
			SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: p.Spec.ServiceAccountName + "-tls"}, Key: "tls.key"},
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
	return corev1.Container{Name: c.Name, Image: c.Image, RestartPolicy: c.RestartPolicy, SecurityContext: &corev1.SecurityContext{
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
		s.fail(badFile, daemonSet(d), "kinds")
		s.fail(badFile, job(d), "kinds")
	}
	if c, ok := written[*certv1.Certificate](out, agentFile(a)); ok {
		s.fail(badFile, withURI(c, "other-agent", a.Namespace, "spiffe://"+s.env.TrustDomain+"/ns/"+a.Namespace+"/sa/somebody-else"), "identities")
		s.fail(badFile, withURI(c, "other-namespace", a.Namespace, s.env.System.SPIFFE), "identities")
		s.fail(badFile, withURI(c, "no-identity", a.Namespace), "identities")
		if s.env.Issuer.Kind == "ClusterIssuer" {
			s.fail(badFile, withURI(c, "impostor", elsewhere, a.SPIFFE), "issuance")
		}
	}
	s.fail(badFile, binding("to-an-agent", rbacv1.Subject{Kind: "ServiceAccount", Namespace: a.Namespace, Name: a.Name}), "bindings")
	s.fail(badFile, binding("to-its-user", rbacv1.Subject{Kind: "User", APIGroup: rbacv1.GroupName, Name: "system:serviceaccount:" + a.Namespace + ":" + a.Name}), "bindings")
	s.fail(badFile, binding("to-its-group", rbacv1.Subject{Kind: "Group", APIGroup: rbacv1.GroupName, Name: "system:serviceaccounts:" + a.Namespace}), "bindings")
	s.fail(badFile, binding("to-everybody", rbacv1.Subject{Kind: "Group", APIGroup: rbacv1.GroupName, Name: "system:authenticated"}), "bindings")
	s.fail(badFile, exception(s.env), "policies")
}

func daemonSet(d *appsv1.Deployment) *appsv1.DaemonSet {
	return &appsv1.DaemonSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "DaemonSet"},
		ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name + "-everywhere"},
		Spec:       appsv1.DaemonSetSpec{Selector: d.Spec.Selector, Template: d.Spec.Template},
	}
}

func job(d *appsv1.Deployment) *batchv1.Job {
	return &batchv1.Job{
		TypeMeta:   metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name + "-once"},
		Spec:       batchv1.JobSpec{Template: d.Spec.Template},
	}
}

func withURI(c *certv1.Certificate, name, namespace string, uris ...string) *certv1.Certificate {
	other := c.DeepCopy()
	other.Name += "-" + name
	other.Namespace = namespace
	other.Spec.URIs = uris
	return other
}

func binding(name string, subject rbacv1.Subject) *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbacv1.Subject{subject},
	}
}

func exception(env *model.Environment) *policiesv1.PolicyException {
	return &policiesv1.PolicyException{
		TypeMeta:   metav1.TypeMeta{APIVersion: policiesv1.GroupVersion.String(), Kind: "PolicyException"},
		ObjectMeta: metav1.ObjectMeta{Namespace: elsewhere, Name: "just-this-once"},
		Spec:       policiesv1.PolicyExceptionSpec{PolicyRefs: []policiesv1.PolicyRef{{Kind: "ValidatingPolicy", Name: env.Fleet.Name + "-workloads"}}},
	}
}
