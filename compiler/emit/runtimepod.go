package emit

import (
	"fmt"
	"time"

	"agentc/compiler/model"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Volumes of agentd and where they are mounted. What is below /run/agentc comes from outside and is read-only.
const (
	volumeBundle      = "bundle"
	volumeTLS         = "tls"
	volumeCA          = "ca"
	volumeKeys        = "keys"
	volumeCredentials = "credentials"
	volumeData        = "data"
	volumeTmp         = "tmp"

	runDir  = "/run/agentc/"
	dataDir = "/var/lib/agentd"
)

// runtimePod is one replica: a single container that decides, without rights in the cluster.
func runtimePod(env *model.Environment) corev1.PodSpec {
	return corev1.PodSpec{
		ServiceAccountName:            runtimeName,
		AutomountServiceAccountToken:  ptr(false),
		EnableServiceLinks:            ptr(false),
		SecurityContext:               podSecurity(),
		Containers:                    []corev1.Container{runtimeContainer(env)},
		Volumes:                       runtimeVolumes(env),
		Affinity:                      apart(runtimeName),
		TopologySpreadConstraints:     spread(runtimeName),
		RestartPolicy:                 corev1.RestartPolicyAlways,
		TerminationGracePeriodSeconds: ptr(int64(30)),
		DNSPolicy:                     corev1.DNSClusterFirst,
		DNSConfig:                     &corev1.PodDNSConfig{Options: []corev1.PodDNSConfigOption{{Name: "ndots", Value: ptr("1")}}},
		SchedulerName:                 corev1.DefaultSchedulerName,
	}
}

func runtimeContainer(env *model.Environment) corev1.Container {
	return corev1.Container{
		Name:                     runtimeName,
		Image:                    env.Runtime.Image,
		ImagePullPolicy:          corev1.PullAlways,
		Args:                     runtimeArgs(env),
		Ports:                    runtimePorts(env),
		Resources:                resources(env.Runtime.Resources),
		SecurityContext:          containerSecurity(),
		VolumeMounts:             runtimeMounts(env),
		StartupProbe:             httpProbe("/livez", probeEvery(2*time.Second, 30)),
		ReadinessProbe:           httpProbe("/readyz", probeEvery(5*time.Second, 3)),
		LivenessProbe:            httpProbe("/livez", probeEvery(10*time.Second, 3)),
		TerminationMessagePath:   corev1.TerminationMessagePathDefault,
		TerminationMessagePolicy: corev1.TerminationMessageReadFile,
	}
}

// runtimeArgs is the command line of agentd. What it decides by is in the bundle; here is only where things lie and whom
// it believes.
func runtimeArgs(env *model.Environment) []string {
	args := []string{
		"serve",
		"--environment=" + env.Name,
		"--bundle=" + runtimeBundle(env),
		"--trust=" + env.Trust,
		"--tls=" + runDir + volumeTLS,
		"--ca=" + runDir + volumeCA,
		fmt.Sprintf("--listen=:%d", model.PortDecision),
		fmt.Sprintf("--health=:%d", model.PortHealth),
		fmt.Sprintf("--admin=:%d", model.PortMetrics),
		"--data=" + dataDir,
	}
	if env.Trust == "key" {
		args = append(args, "--keys="+runDir+volumeKeys)
	}
	if len(callbackSources(env)) > 0 {
		args = append(args, fmt.Sprintf("--callback=:%d", model.PortCallback), "--callback-host="+callbackHost(env))
	}
	if len(credentials(env)) > 0 {
		args = append(args, "--credentials="+runDir+volumeCredentials)
	}
	// The endpoints of routes and intakes stand in the bundle, which is not there yet when it is fetched.
	if from := env.BundleFrom; from != nil && from.Endpoint.Credential != nil {
		args = append(args, "--bundle-credential="+from.Endpoint.Name)
	}
	if otlp := env.Peers.OTLP; otlp != nil {
		args = append(args, fmt.Sprintf("--otlp=%s:%d", otlp.Host, otlp.Port))
	}
	return args
}

// runtimeBundle is the bundle's file, or the URL where it is fetched.
func runtimeBundle(env *model.Environment) string {
	if from := env.BundleFrom; from != nil {
		return fmt.Sprintf("https://%s:%d%s", from.Endpoint.Host, from.Endpoint.Port, from.Path)
	}
	return runDir + volumeBundle + "/" + bundleKey
}

func runtimePorts(env *model.Environment) []corev1.ContainerPort {
	ports := []corev1.ContainerPort{
		tcpPort(portNameDecision, model.PortDecision),
		tcpPort(portNameHealth, model.PortHealth),
		tcpPort(portNameMetrics, model.PortMetrics),
	}
	if len(callbackSources(env)) > 0 {
		ports = append(ports, tcpPort(portNameCallback, model.PortCallback))
	}
	return ports
}

// probeEvery asks a port that no network policy opens: only the node's kubelet gets there.
func probeEvery(period time.Duration, failures int32) model.Probe {
	return model.Probe{Period: period, Timeout: 2 * time.Second, Failures: failures}
}

// runtimeVolumes are mounted whole, never by subPath, so that a new bundle, certificate or key arrives without a restart.
func runtimeVolumes(env *model.Environment) []corev1.Volume {
	volumes := []corev1.Volume{
		configVolume(volumeCA, caName),
		secretVolume(volumeTLS, certificateSecret(env.System)),
		tmpVolume(volumeTmp, env.Runtime.Resources.Limits.EphemeralStorage),
	}
	if env.BundleFrom == nil {
		volumes = append(volumes, configVolume(volumeBundle, bundleName(env)))
	}
	if env.Trust == "key" {
		volumes = append(volumes, configVolume(volumeKeys, runtimeKeys))
	}
	if sources := credentials(env); len(sources) > 0 {
		volumes = append(volumes, corev1.Volume{Name: volumeCredentials, VolumeSource: corev1.VolumeSource{
			Projected: &corev1.ProjectedVolumeSource{Sources: sources, DefaultMode: ptr(int32(0o440))},
		}})
	}
	return volumes
}

func runtimeMounts(env *model.Environment) []corev1.VolumeMount {
	mounts := []corev1.VolumeMount{
		{Name: volumeData, MountPath: dataDir},
		{Name: volumeTmp, MountPath: "/tmp"},
	}
	for _, v := range runtimeVolumes(env) {
		if v.Name != volumeTmp {
			mounts = append(mounts, corev1.VolumeMount{Name: v.Name, MountPath: runDir + v.Name, ReadOnly: true})
		}
	}
	return mounts
}

// credentials are the keys of Secrets that agentd shows to its endpoints, each in a file named after the endpoint. Without
// its Secret a replica does not start.
func credentials(env *model.Environment) []corev1.VolumeProjection {
	var sources []corev1.VolumeProjection
	for _, e := range env.Runtime.Endpoints {
		if c := e.Credential; c != nil {
			sources = append(sources, corev1.VolumeProjection{Secret: &corev1.SecretProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: c.Secret},
				Items:                []corev1.KeyToPath{{Key: c.Key, Path: e.Name}},
			}})
		}
	}
	return sources
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
