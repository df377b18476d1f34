package emit

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"agentc/compiler/model"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The pod of an agent: the agent, and a guard that stands between it and everything else.
//
// The guard is a native sidecar (an init container that restarts): it runs before the agent starts and after it stopped, so
// that the agent never runs without it. Only the guard mounts the key, the CA certificates, the cards and the credentials of
// endpoints; the agent gets a loopback address to serve on and one to send to.
//
// How long things may take. The defaults satisfy the first three; the rules timeout-shutdown and timeout-chain hold authors
// to the last two.
//
//	probe timeout <= probe period             else the next question is asked before the last one failed
//	startup period * failures <= progress     else a rollout counts as failed while a pod may still start
//	request <= shutdown                       else a stopping pod is killed with a call in its hands
//	callee's request < caller's request       else the caller gives up on work that is still done
const (
	agentContainer = "agent"
	guardContainer = "guard"

	volumeCards    = "cards"
	volumeGuardTmp = "guard-tmp" // not the agent's /tmp: the agent must not reach the guard's files

	envPrefix = "AGENTC_"

	// artifactPrefix begins the annotations that make a new prompt a new rollout.
	artifactPrefix = "artifacts.agents.d/"
)

// The guard's own probes. It starts in a second or two; it is ready when it holds a certificate and a bundle, and alive as
// long as it answers, since a restart brings neither.
var (
	guardStartup   = model.Probe{Path: "/livez", Period: time.Second, Timeout: time.Second, Failures: 60}
	guardReadiness = model.Probe{Path: "/readyz", Period: 5 * time.Second, Timeout: 2 * time.Second, Failures: 3}
	guardLiveness  = model.Probe{Path: "/livez", Period: 10 * time.Second, Timeout: 2 * time.Second, Failures: 3}
)

// podTemplate has no priorityClassName: nothing in the spec ranks an agent above what else runs in the cluster.
func podTemplate(a *model.Agent) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      maps.Clone(agentMeta(a, a.Name, waveWorkload).Labels),
			Annotations: artifactAnnotations(a),
		},
		Spec: corev1.PodSpec{
			ServiceAccountName:            a.Name,
			AutomountServiceAccountToken:  ptr(false),
			EnableServiceLinks:            ptr(false),
			SecurityContext:               podSecurity(),
			InitContainers:                []corev1.Container{guard(a)},
			Containers:                    []corev1.Container{agent(a)},
			Volumes:                       podVolumes(a),
			Affinity:                      apart(a.Name),
			TopologySpreadConstraints:     spread(a.Name),
			RestartPolicy:                 corev1.RestartPolicyAlways,
			TerminationGracePeriodSeconds: gracePeriod(&a.Workload),
			DNSPolicy:                     corev1.DNSClusterFirst,
			// Names are written in full; without this each would first be tried with every search domain, which the
			// network policy refuses.
			DNSConfig:     &corev1.PodDNSConfig{Options: []corev1.PodDNSConfigOption{{Name: "ndots", Value: ptr("1")}}},
			SchedulerName: corev1.DefaultSchedulerName,
		},
	}
}

func artifactAnnotations(a *model.Agent) map[string]string {
	annotations := map[string]string{}
	for _, f := range a.Artifacts {
		annotations[artifactPrefix+f.Name] = "sha256:" + f.SHA256
	}
	return annotations
}

// agent is the author's container. It listens on loopback, where the kubelet cannot reach it: its probes go to the guard's
// health port, which asks the agent. So a guard that restarts looks like an agent that does not answer, for as long as it
// takes; three failures in a row leave it time enough.
func agent(a *model.Agent) corev1.Container {
	w := a.Workload
	return corev1.Container{
		Name:                     agentContainer,
		Image:                    a.Image,
		ImagePullPolicy:          corev1.PullAlways,
		Env:                      agentEnv(a),
		Resources:                resources(w.Resources),
		SecurityContext:          containerSecurity(),
		VolumeMounts:             []corev1.VolumeMount{{Name: volumeTmp, MountPath: "/tmp"}},
		Lifecycle:                drainHook(),
		StartupProbe:             httpProbe(agentProbePath(w.Startup), w.Startup),
		ReadinessProbe:           httpProbe(agentProbePath(w.Readiness), w.Readiness),
		LivenessProbe:            httpProbe(agentProbePath(w.Liveness), w.Liveness),
		TerminationMessagePath:   corev1.TerminationMessagePathDefault,
		TerminationMessagePolicy: corev1.TerminationMessageReadFile,
	}
}

// agentProbePath is where the guard's health port answers for the agent.
func agentProbePath(p model.Probe) string { return "/agent" + p.Path }

// drain is how long a stopping agent goes on serving, until the last node has heard that its pod takes no more calls. Only
// then is it told to stop, and has all of its shutdown time: the grace period, which begins with the drain, is the sum.
const drain = 5 * time.Second

func drainHook() *corev1.Lifecycle {
	return &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: int64(drain / time.Second)}}}
}

func gracePeriod(w *model.Workload) *int64 {
	return ptr(int64(wholeSeconds(drain + w.ShutdownTimeout)))
}

// agentEnv is sorted by name, ours first: AGENTC_LISTEN is where the agent serves A2A, AGENTC_EGRESS_URL where it sends what
// is meant for other agents and for endpoints.
func agentEnv(a *model.Agent) []corev1.EnvVar {
	env := []corev1.EnvVar{
		{Name: envPrefix + "AGENT", Value: a.Name},
		{Name: envPrefix + "EGRESS_URL", Value: "http://" + loopback(model.PortEgress)},
		{Name: envPrefix + "ENVIRONMENT", Value: a.Env.Name},
		{Name: envPrefix + "LISTEN", Value: loopback(model.PortAgent)},
	}
	for _, e := range a.Workload.Env {
		env = append(env, corev1.EnvVar{Name: e.Name, Value: e.Value})
	}
	return env
}

func loopback(port int32) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// guard is agentd beside the agent.
func guard(a *model.Agent) corev1.Container {
	return corev1.Container{
		Name:            guardContainer,
		Image:           a.Env.Runtime.Image,
		ImagePullPolicy: corev1.PullAlways,
		RestartPolicy:   ptr(corev1.ContainerRestartPolicyAlways),
		Args:            guardArgs(a),
		Ports: []corev1.ContainerPort{
			tcpPort(portNameA2A, model.PortA2A),
			tcpPort(portNameHealth, model.PortHealth),
			tcpPort(portNameMetrics, model.PortMetrics),
		},
		Resources:                resources(a.Env.Runtime.GuardResources),
		SecurityContext:          containerSecurity(),
		VolumeMounts:             guardMounts(a),
		StartupProbe:             httpProbe(guardStartup.Path, guardStartup),
		ReadinessProbe:           httpProbe(guardReadiness.Path, guardReadiness),
		LivenessProbe:            httpProbe(guardLiveness.Path, guardLiveness),
		TerminationMessagePath:   corev1.TerminationMessagePathDefault,
		TerminationMessagePolicy: corev1.TerminationMessageReadFile,
	}
}

// guardArgs is the command line of the guard. What is allowed is in the bundle; here is only who it stands for, where things
// lie and how long they may take. The health port asks the agent for the listed paths and no others: it is not a way in.
func guardArgs(a *model.Agent) []string {
	env := a.Env
	args := []string{
		"guard",
		"--agent=" + a.Name,
		"--environment=" + env.Name,
		"--identity=" + a.SPIFFE,
		"--decision=" + fmt.Sprintf("https://%s:%d", env.System.Host, model.PortDecision),
		"--decision-identity=" + env.System.SPIFFE,
		"--trust=" + env.Trust,
		"--tls=" + runDir + volumeTLS,
		"--ca=" + runDir + volumeCA,
		"--cards=" + runDir + volumeCards,
		fmt.Sprintf("--listen=:%d", model.PortA2A),
		fmt.Sprintf("--health=:%d", model.PortHealth),
		fmt.Sprintf("--admin=:%d", model.PortMetrics),
		"--egress=" + loopback(model.PortEgress),
		"--upstream=http://" + loopback(model.PortAgent),
		"--request-timeout=" + a.Workload.RequestTimeout.String(),
		"--shutdown-timeout=" + a.Workload.ShutdownTimeout.String(),
		"--data=/tmp",
	}
	for _, path := range probePaths(a) {
		args = append(args, "--agent-probe="+path)
	}
	if env.Trust == "key" {
		args = append(args, "--keys="+runDir+volumeKeys)
	}
	if len(credentialUses(a)) > 0 {
		args = append(args, "--credentials="+runDir+volumeCredentials)
	}
	if otlp := env.Peers.OTLP; otlp != nil {
		args = append(args, fmt.Sprintf("--otlp=%s:%d", otlp.Host, otlp.Port))
	}
	return args
}

// probePaths are the agent's own paths, each once.
func probePaths(a *model.Agent) []string {
	paths := []string{a.Workload.Startup.Path, a.Workload.Readiness.Path, a.Workload.Liveness.Path}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// podVolumes: those of the guard come from outside, and the two /tmp are empty.
func podVolumes(a *model.Agent) []corev1.Volume {
	return append(guardVolumes(a),
		tmpVolume(volumeGuardTmp, a.Env.Runtime.GuardResources.Limits.EphemeralStorage),
		tmpVolume(volumeTmp, a.Workload.Resources.Limits.EphemeralStorage))
}

// guardVolumes are mounted whole, never by subPath, so that a new certificate, CA, key or card arrives without a restart.
func guardVolumes(a *model.Agent) []corev1.Volume {
	volumes := []corev1.Volume{
		secretVolume(volumeTLS, certificateSecret(a.Identity)),
		configVolume(volumeCA, caName),
		configVolume(volumeCards, cardsName(a)),
	}
	if a.Env.Trust == "key" {
		volumes = append(volumes, configVolume(volumeKeys, runtimeKeys))
	}
	var endpoints []*model.Endpoint
	for _, u := range credentialUses(a) {
		endpoints = append(endpoints, u.Endpoint)
	}
	return append(volumes, credentialVolume(endpoints)...)
}

func guardMounts(a *model.Agent) []corev1.VolumeMount {
	mounts := []corev1.VolumeMount{{Name: volumeGuardTmp, MountPath: "/tmp"}}
	for _, v := range guardVolumes(a) {
		mounts = append(mounts, corev1.VolumeMount{Name: v.Name, MountPath: runDir + v.Name, ReadOnly: true})
	}
	return mounts
}

// credentialUses are the endpoints to which the guard shows a credential.
func credentialUses(a *model.Agent) []*model.Use {
	return slices.DeleteFunc(slices.Clone(a.Uses), func(u *model.Use) bool { return u.Endpoint.Credential == nil })
}
