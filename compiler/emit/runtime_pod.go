package emit

import (
	"fmt"
	"time"

	"agentc/compiler/model"

	corev1 "k8s.io/api/core/v1"
)

// Volumes that only agentd has.
const (
	volumeBundle = "bundle"
	volumeData   = "data"

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
	if len(credentialVolume(env.Runtime.Endpoints)) > 0 {
		args = append(args, "--credentials="+runDir+volumeCredentials)
	}
	if db := env.Runtime.Database; db != nil {
		args = append(args, "--database="+db.Name)
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
	return append(volumes, credentialVolume(env.Runtime.Endpoints)...)
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
