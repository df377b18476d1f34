package artifact

import (
	"time"

	rollouts "github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	cilium "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"
	appsv1 "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// agentObjects is what one agent comes to, of the upstream types that the emitters use.
func agentObjects(name string) []any {
	return []any{deployment(name), service(name), networkPolicy(name), certificate(name)}
}

// moreObjects are the other types, each for what is special in it.
func moreObjects(name string) []any {
	return []any{
		rollout(name), // marshals its spec itself
		&policyv1.PodDisruptionBudget{ // a zero status that is not `{}`
			TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
			ObjectMeta: objectMeta(name),
			Spec:       policyv1.PodDisruptionBudgetSpec{MaxUnavailable: ptr(intstr.FromString("25%"))},
		},
		&autoscaling.HorizontalPodAutoscaler{ // a null in its status
			TypeMeta:   metav1.TypeMeta{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"},
			ObjectMeta: objectMeta(name),
			Spec:       autoscaling.HorizontalPodAutoscalerSpec{MinReplicas: ptr(int32(2)), MaxReplicas: 6},
		},
		&corev1.ConfigMap{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
			ObjectMeta: objectMeta(name),
			Data: map[string]string{
				"ca.pem":    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
				"rule.rego": "package x\n\nallow if {\n\tinput.a\n}\n",
				"on":        "yes",
			},
			BinaryData: map[string][]byte{"bundle.tar.gz": {0x1f, 0x8b, 0, 0xff}},
		},
	}
}

func objectMeta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name:      name,
		Namespace: "soc-" + name,
		Labels: map[string]string{
			"app.kubernetes.io/name":       name,
			"app.kubernetes.io/part-of":    "soc",
			"app.kubernetes.io/managed-by": "agentc",
			"app.kubernetes.io/version":    "1.4.0",
			"agents.d/agent":               name,
		},
		Annotations: map[string]string{"argocd.argoproj.io/sync-wave": "-1", "agents.d/owner-email": "ai@soc.example"},
	}
}

func deployment(name string) *appsv1.Deployment {
	labels := map[string]string{"agents.d/agent": name}
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: objectMeta(name),
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr(int32(2)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Strategy: appsv1.DeploymentStrategy{
				Type:          appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: ptr(intstr.FromInt32(0)), MaxSurge: ptr(intstr.FromInt32(1))},
			},
			RevisionHistoryLimit:    ptr(int32(10)),
			ProgressDeadlineSeconds: ptr(int32(600)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					ServiceAccountName:            name,
					AutomountServiceAccountToken:  ptr(false),
					EnableServiceLinks:            ptr(false),
					TerminationGracePeriodSeconds: ptr(int64(45)),
					SecurityContext: &corev1.PodSecurityContext{
						RunAsNonRoot: ptr(true), RunAsUser: ptr(int64(65532)), RunAsGroup: ptr(int64(65532)), FSGroup: ptr(int64(65532)),
						SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
					},
					TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
						MaxSkew: 1, TopologyKey: "kubernetes.io/hostname", WhenUnsatisfiable: corev1.ScheduleAnyway,
						LabelSelector: &metav1.LabelSelector{MatchLabels: labels},
					}},
					InitContainers: []corev1.Container{container("guard", "guard", "--listen=:8443", "--audit=stdout")},
					Containers:     []corev1.Container{container(name)},
					Volumes: []corev1.Volume{
						{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: ptr(resource.MustParse("64Mi"))}}},
						{Name: "tls", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name + "-tls", DefaultMode: ptr(int32(0o440))}}},
					},
				},
			},
		},
	}
}

func container(name string, args ...string) corev1.Container {
	amounts := func() corev1.ResourceList {
		return corev1.ResourceList{
			corev1.ResourceCPU:              resource.MustParse("500m"),
			corev1.ResourceMemory:           resource.MustParse("256Mi"),
			corev1.ResourceEphemeralStorage: resource.MustParse("1Gi"),
		}
	}
	probe := corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromString("health"), Scheme: corev1.URISchemeHTTP}}
	return corev1.Container{
		Name:            name,
		Image:           "registry.soc.example/" + name + ":1.4.0@sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
		Args:            args,
		ImagePullPolicy: corev1.PullAlways,
		Ports: []corev1.ContainerPort{
			{Name: "a2a", ContainerPort: 8443, Protocol: corev1.ProtocolTCP},
			{Name: "health", ContainerPort: 8081, Protocol: corev1.ProtocolTCP},
		},
		Env: []corev1.EnvVar{
			{Name: "AGENT_NAME", Value: name},
			{Name: "PORT", Value: "8080"},
			{Name: "POD_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "status.podIP"}}},
		},
		Resources:      corev1.ResourceRequirements{Requests: amounts(), Limits: amounts()},
		ReadinessProbe: &corev1.Probe{ProbeHandler: probe, PeriodSeconds: 5, TimeoutSeconds: 1, FailureThreshold: 3, SuccessThreshold: 1},
		LivenessProbe:  &corev1.Probe{ProbeHandler: probe, PeriodSeconds: 20, TimeoutSeconds: 2, FailureThreshold: 3, SuccessThreshold: 1},
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: ptr(false), Privileged: ptr(false), ReadOnlyRootFilesystem: ptr(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
		VolumeMounts: []corev1.VolumeMount{{Name: "tmp", MountPath: "/tmp"}, {Name: "tls", MountPath: "/var/run/tls", ReadOnly: true}},
	}
}

func service(name string) *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: objectMeta(name),
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceTypeClusterIP,
			Selector: map[string]string{"agents.d/agent": name},
			Ports:    []corev1.ServicePort{{Name: "a2a", Port: 8443, TargetPort: intstr.FromString("a2a"), Protocol: corev1.ProtocolTCP}},
		},
	}
}

func networkPolicy(name string) *cilium.CiliumNetworkPolicy {
	peer := func(name string) api.EndpointSelector {
		return api.EndpointSelector{LabelSelector: &slim.LabelSelector{MatchLabels: map[string]string{
			"k8s:io.kubernetes.pod.namespace": "soc-" + name, "k8s:io.cilium.k8s.policy.serviceaccount": name,
		}}}
	}
	ports := func(port string, rules *api.L7Rules) api.PortRules {
		return api.PortRules{{Ports: []api.PortProtocol{{Port: port, Protocol: api.ProtoTCP}}, Rules: rules}}
	}
	self := peer(name)
	return &cilium.CiliumNetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "cilium.io/v2", Kind: "CiliumNetworkPolicy"},
		ObjectMeta: objectMeta(name),
		Spec: &api.Rule{
			EndpointSelector:  self,
			EnableDefaultDeny: api.DefaultDenyConfig{Ingress: ptr(true), Egress: ptr(true)},
			Ingress: []api.IngressRule{
				{IngressCommonRule: api.IngressCommonRule{FromEndpoints: []api.EndpointSelector{peer("coordinator")}}, ToPorts: ports("8443", nil)},
				{IngressCommonRule: api.IngressCommonRule{FromEndpoints: []api.EndpointSelector{peer("analyse")}}, ToPorts: ports("8443", nil)},
			},
			Egress: []api.EgressRule{
				{EgressCommonRule: api.EgressCommonRule{ToEndpoints: []api.EndpointSelector{peer("notify")}}, ToPorts: ports("8443", nil)},
				{EgressCommonRule: api.EgressCommonRule{ToEndpoints: []api.EndpointSelector{peer("dns")}},
					ToPorts: ports("53", &api.L7Rules{DNS: []api.PortRuleDNS{{MatchName: "api.mistral.example"}}})},
				{ToFQDNs: api.FQDNSelectorSlice{{MatchName: "api.mistral.example"}}, ToPorts: ports("443", nil)},
			},
		},
	}
}

func certificate(name string) *certmanager.Certificate {
	return &certmanager.Certificate{
		TypeMeta:   metav1.TypeMeta{APIVersion: "cert-manager.io/v1", Kind: "Certificate"},
		ObjectMeta: objectMeta(name),
		Spec: certmanager.CertificateSpec{
			SecretName:           name + "-tls",
			URIs:                 []string{"spiffe://soc.example/ns/soc-" + name + "/sa/" + name},
			DNSNames:             []string{name + ".soc-" + name + ".svc.cluster.local"},
			Usages:               []certmanager.KeyUsage{certmanager.UsageServerAuth, certmanager.UsageClientAuth},
			Duration:             &metav1.Duration{Duration: 24 * time.Hour},
			RenewBefore:          &metav1.Duration{Duration: 8 * time.Hour},
			PrivateKey:           &certmanager.CertificatePrivateKey{RotationPolicy: certmanager.RotationPolicyAlways, Algorithm: certmanager.ECDSAKeyAlgorithm, Size: 256},
			IssuerRef:            cmmeta.IssuerReference{Group: "cert-manager.io", Kind: "ClusterIssuer", Name: "fleet"},
			RevisionHistoryLimit: ptr(int32(1)),
		},
	}
}

func rollout(name string) *rollouts.Rollout {
	return &rollouts.Rollout{
		TypeMeta:   metav1.TypeMeta{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout"},
		ObjectMeta: objectMeta(name),
		Spec: rollouts.RolloutSpec{
			TemplateResolvedFromRef: true,
			SelectorResolvedFromRef: true,
			WorkloadRef:             &rollouts.ObjectRef{APIVersion: "apps/v1", Kind: "Deployment", Name: name},
			Strategy: rollouts.RolloutStrategy{Canary: &rollouts.CanaryStrategy{
				Steps: []rollouts.CanaryStep{{SetWeight: ptr(int32(20))}, {Pause: &rollouts.RolloutPause{Duration: ptr(intstr.FromString("10m"))}}},
			}},
		},
	}
}

func ptr[T any](v T) *T { return &v }
