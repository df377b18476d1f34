package emit

import (
	"time"

	"agentc/compiler/model"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// What the pods of agents and of agentd have in common. Fields that the API server would fill in are written down with the
// values that it would choose (pkg/apis/core/v1/defaults.go of Kubernetes 1.36), so that Argo CD finds no difference. The one
// exception is the deprecated `serviceAccount`, which the server derives from serviceAccountName.

// Volumes of the guard and of agentd. What is below /run/agentc comes from outside and is read-only.
const (
	volumeTLS         = "tls"
	volumeCA          = "ca"
	volumeKeys        = "keys"
	volumeCredentials = "credentials"
	volumeTmp         = "tmp"

	runDir = "/run/agentc/"
)

// nonRoot is the user and group of every process: above 10000, so that it is nobody's on the node.
const nonRoot int64 = 65532

// podSecurity satisfies Pod Security's restricted level for all containers of a pod.
func podSecurity() *corev1.PodSecurityContext {
	return &corev1.PodSecurityContext{
		RunAsNonRoot:   ptr(true),
		RunAsUser:      ptr(nonRoot),
		RunAsGroup:     ptr(nonRoot),
		FSGroup:        ptr(nonRoot),
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

// containerSecurity takes from a container what the restricted level takes, and the writable root file system.
func containerSecurity() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: ptr(false),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		Privileged:               ptr(false),
		ReadOnlyRootFilesystem:   ptr(true),
		RunAsGroup:               ptr(nonRoot),
		RunAsNonRoot:             ptr(true),
		RunAsUser:                ptr(nonRoot),
	}
}

// resources are the requests and limits of a container.
func resources(r model.Resources) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: amounts(r.Requests), Limits: amounts(r.Limits)}
}

// amounts leaves out what is zero: nobody set it, and a limit of zero would be another thing.
func amounts(l model.ResourceList) corev1.ResourceList {
	list := corev1.ResourceList{}
	for _, r := range []struct {
		name   corev1.ResourceName
		amount resource.Quantity
	}{
		{corev1.ResourceCPU, l.CPU},
		{corev1.ResourceMemory, l.Memory},
		{corev1.ResourceEphemeralStorage, l.EphemeralStorage},
	} {
		if !r.amount.IsZero() {
			list[r.name] = r.amount
		}
	}
	return list
}

// tmpVolume is the only place where a container can write, as large as its limit of ephemeral storage.
func tmpVolume(name string, limit resource.Quantity) corev1.Volume {
	dir := &corev1.EmptyDirVolumeSource{}
	if !limit.IsZero() {
		dir.SizeLimit = &limit
	}
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: dir}}
}

// tcpPort is a named port of a container.
func tcpPort(name string, number int32) corev1.ContainerPort {
	return corev1.ContainerPort{Name: name, ContainerPort: number, Protocol: corev1.ProtocolTCP}
}

// httpProbe asks a health question on the health port. The port is a number: a name would have to be the container's own.
func httpProbe(path string, p model.Probe) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path:   path,
			Port:   intstr.FromInt32(model.PortHealth),
			Scheme: corev1.URISchemeHTTP,
		}},
		PeriodSeconds:    wholeSeconds(p.Period),
		TimeoutSeconds:   wholeSeconds(p.Timeout),
		FailureThreshold: p.Failures,
		SuccessThreshold: 1,
	}
}

// wholeSeconds rounds up: half a second less could be none at all.
func wholeSeconds(d time.Duration) int32 {
	return int32((d + time.Second - 1) / time.Second)
}

// configVolume and secretVolume are read-only for everybody in the pod, a key only for its group, which is the process's.
func configVolume(volume, name string) corev1.Volume {
	return corev1.Volume{Name: volume, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, DefaultMode: ptr(int32(0o444)),
	}}}
}

func secretVolume(volume, name string) corev1.Volume {
	return corev1.Volume{Name: volume, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
		SecretName: name, DefaultMode: ptr(int32(0o440)),
	}}}
}

// credentialVolume holds the keys of Secrets that a guard or agentd shows to endpoints, each in a file named after its
// endpoint; there is no volume where no endpoint has one. The agent never sees them. Without its Secret a pod does not start.
func credentialVolume(endpoints []*model.Endpoint) []corev1.Volume {
	var sources []corev1.VolumeProjection
	for _, e := range endpoints {
		if c := e.Credential; c != nil {
			sources = append(sources, corev1.VolumeProjection{Secret: &corev1.SecretProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: c.Secret},
				Items:                []corev1.KeyToPath{{Key: c.Key, Path: e.Name}},
			}})
		}
	}
	if sources == nil {
		return nil
	}
	return []corev1.Volume{{Name: volumeCredentials, VolumeSource: corev1.VolumeSource{
		Projected: &corev1.ProjectedVolumeSource{Sources: sources, DefaultMode: ptr(int32(0o440))},
	}}}
}

// apart asks for replicas on different nodes, and settles for less where there are not enough.
func apart(name string) *corev1.Affinity {
	return &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{
			Weight: 100,
			PodAffinityTerm: corev1.PodAffinityTerm{
				LabelSelector: &metav1.LabelSelector{MatchLabels: selector(name)},
				TopologyKey:   corev1.LabelHostname,
			},
		}},
	}}
}

// spread asks for replicas in different zones, in the same way.
func spread(name string) []corev1.TopologySpreadConstraint {
	return []corev1.TopologySpreadConstraint{{
		MaxSkew:           1,
		TopologyKey:       corev1.LabelTopologyZone,
		WhenUnsatisfiable: corev1.ScheduleAnyway,
		LabelSelector:     &metav1.LabelSelector{MatchLabels: selector(name)},
	}}
}
