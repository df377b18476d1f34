package emit

import (
	"slices"
	"strings"
	"testing"

	"agentc/compiler/model"

	gocmp "github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// podTemplates are the pod templates of a fleet, by agent.
func podTemplates(t *testing.T, env *model.Environment) map[string]corev1.PodTemplateSpec {
	t.Helper()
	all := map[string]corev1.PodTemplateSpec{}
	for _, o := range workloadObjects(t, env) {
		if d, ok := o.Value.(*appsv1.Deployment); ok {
			all[d.Name] = d.Spec.Template
		}
	}
	if len(all) != len(env.Agents) {
		t.Fatalf("%d Deployments for %d agents", len(all), len(env.Agents))
	}
	return all
}

// TestPodSecurityRestricted states the restricted level of the Pod Security Standards and what is demanded beyond it.
func TestPodSecurityRestricted(t *testing.T) {
	for name, p := range podTemplates(t, workloadEnv()) {
		s := p.Spec
		if s.HostNetwork || s.HostPID || s.HostIPC || *s.AutomountServiceAccountToken || *s.EnableServiceLinks || s.ServiceAccountName != name {
			t.Errorf("%s: host or token: %+v", name, s)
		}
		c := s.SecurityContext
		if !*c.RunAsNonRoot || *c.RunAsUser < 10000 || *c.RunAsGroup < 10000 || c.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || c.Sysctls != nil {
			t.Errorf("%s: %+v", name, c)
		}
		for _, v := range s.Volumes {
			if v.ConfigMap == nil && v.Secret == nil && v.EmptyDir == nil && v.Projected == nil {
				t.Errorf("%s: volume %s is of another type", name, v.Name)
			}
			if v.EmptyDir != nil && v.EmptyDir.SizeLimit == nil {
				t.Errorf("%s: volume %s is as large as the node", name, v.Name)
			}
		}
		for _, c := range slices.Concat(s.InitContainers, s.Containers) {
			sec := c.SecurityContext
			want := &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
			if *sec.AllowPrivilegeEscalation || *sec.Privileged || !*sec.ReadOnlyRootFilesystem || !*sec.RunAsNonRoot ||
				sec.ProcMount != nil || sec.SELinuxOptions != nil || sec.SeccompProfile != nil || gocmp.Diff(want, sec.Capabilities) != "" {
				t.Errorf("%s/%s: %+v", name, c.Name, sec)
			}
			for _, r := range countedResources {
				if c.Resources.Limits[r] == (resource.Quantity{}) || c.Resources.Requests[r] == (resource.Quantity{}) {
					t.Errorf("%s/%s: no %s", name, c.Name, r)
				}
			}
			if !strings.Contains(c.Image, "@sha256:") || c.ImagePullPolicy != corev1.PullAlways {
				t.Errorf("%s/%s: image %s %s", name, c.Name, c.Image, c.ImagePullPolicy)
			}
			for _, p := range c.Ports {
				if p.Name == "" || p.Protocol != corev1.ProtocolTCP || p.ContainerPort <= 1024 || p.HostPort != 0 {
					t.Errorf("%s/%s: port %+v", name, c.Name, p)
				}
			}
		}
	}
}

func TestGuardStandsBeforeTheAgent(t *testing.T) {
	for name, p := range podTemplates(t, workloadEnv()) {
		if len(p.Spec.InitContainers) != 1 || len(p.Spec.Containers) != 1 {
			t.Fatalf("%s: %d init containers and %d containers", name, len(p.Spec.InitContainers), len(p.Spec.Containers))
		}
		guard, agent := p.Spec.InitContainers[0], p.Spec.Containers[0]
		if guard.Name != "guard" || *guard.RestartPolicy != corev1.ContainerRestartPolicyAlways || guard.Args[0] != "guard" {
			t.Errorf("%s: %+v", name, guard)
		}
		if agent.Name != "agent" || agent.Ports != nil {
			t.Errorf("%s: the agent offers ports: %+v", name, agent.Ports)
		}
		if d := gocmp.Diff([]corev1.VolumeMount{{Name: "tmp", MountPath: "/tmp"}}, agent.VolumeMounts); d != "" {
			t.Errorf("%s: the agent mounts more than its /tmp: %s", name, d)
		}
		for _, m := range guard.VolumeMounts {
			if m.SubPath != "" || m.SubPathExpr != "" || m.Name == "tmp" || m.ReadOnly != (m.Name != "guard-tmp") {
				t.Errorf("%s: the guard mounts %+v", name, m)
			}
		}
		mounted := slices.Concat(guard.VolumeMounts, agent.VolumeMounts)
		for _, v := range p.Spec.Volumes {
			if !slices.ContainsFunc(mounted, func(m corev1.VolumeMount) bool { return m.Name == v.Name }) {
				t.Errorf("%s: nobody mounts %s", name, v.Name)
			}
		}
		if len(mounted) != len(p.Spec.Volumes) {
			t.Errorf("%s: %d mounts of %d volumes", name, len(mounted), len(p.Spec.Volumes))
		}
	}
}

// TestProbesReachTheAgentThroughTheGuard: the kubelet cannot reach loopback, and readiness is never liveness.
func TestProbesReachTheAgentThroughTheGuard(t *testing.T) {
	for name, p := range podTemplates(t, workloadEnv()) {
		for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
			var got []string
			for _, probe := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
				got = append(got, probe.HTTPGet.Path)
				if probe.HTTPGet.Port.IntVal != 8081 || probe.HTTPGet.Scheme != "HTTP" || probe.SuccessThreshold != 1 ||
					probe.PeriodSeconds < 1 || probe.TimeoutSeconds < 1 || probe.TimeoutSeconds > probe.PeriodSeconds || probe.FailureThreshold < 1 {
					t.Errorf("%s/%s: %+v", name, c.Name, probe)
				}
			}
			want := map[string][]string{
				"guard": {"/livez", "/readyz", "/livez"},
				"agent": {"/agent/livez", "/agent/readyz", "/agent/livez"},
			}[c.Name]
			if d := gocmp.Diff(want, got); d != "" {
				t.Errorf("%s/%s: %s", name, c.Name, d)
			}
		}
	}
}

func TestGuardArguments(t *testing.T) {
	env := workloadEnv()
	got := podTemplates(t, env)["analyse"].Spec.InitContainers[0].Args
	want := []string{
		"guard",
		"--agent=analyse",
		"--environment=prod",
		"--identity=spiffe://prod.soc.example/ns/soc-detect/sa/analyse",
		"--decision=https://agentd.soc-system.svc.cluster.local:8444",
		"--decision-identity=spiffe://prod.soc.example/ns/soc-system/sa/agentd",
		"--trust=key",
		"--tls=/run/agentc/tls",
		"--ca=/run/agentc/ca",
		"--cards=/run/agentc/cards",
		"--listen=:8443",
		"--health=:8081",
		"--admin=:9090",
		"--egress=127.0.0.1:8082",
		"--upstream=http://127.0.0.1:8080",
		"--request-timeout=30s",
		"--shutdown-timeout=45s",
		"--data=/tmp",
		"--agent-probe=/livez",
		"--agent-probe=/readyz",
		"--keys=/run/agentc/keys",
		"--credentials=/run/agentc/credentials",
		"--otlp=otel.tracing.svc.cluster.local:4317",
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	env.Trust, env.Keys, env.Peers.OTLP = "git", nil, nil
	for _, arg := range podTemplates(t, env)["detect"].Spec.InitContainers[0].Args {
		for _, absent := range []string{"--keys", "--credentials", "--otlp"} {
			if strings.HasPrefix(arg, absent) {
				t.Errorf("an agent without it gets %s", arg)
			}
		}
	}
}

func TestAgentContainer(t *testing.T) {
	p := podTemplates(t, workloadEnv())["analyse"]
	want := []corev1.EnvVar{
		{Name: "AGENTC_AGENT", Value: "analyse"},
		{Name: "AGENTC_EGRESS_URL", Value: "http://127.0.0.1:8082"},
		{Name: "AGENTC_ENVIRONMENT", Value: "prod"},
		{Name: "AGENTC_LISTEN", Value: "127.0.0.1:8080"},
		{Name: "LOG_LEVEL", Value: "info"},
		{Name: "TZ", Value: "UTC"},
	}
	if d := gocmp.Diff(want, p.Spec.Containers[0].Env); d != "" {
		t.Error(d)
	}
	annotations := map[string]string{"artifacts.agents.d/prompt": "sha256:" + strings.Repeat("b", 64)}
	if d := gocmp.Diff(annotations, p.Annotations); d != "" {
		t.Error(d)
	}
	sources := []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{
		LocalObjectReference: corev1.LocalObjectReference{Name: "mistral-key"},
		Items:                []corev1.KeyToPath{{Key: "token", Path: "mistral"}},
	}}}
	i := slices.IndexFunc(p.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == "credentials" })
	if i < 0 {
		t.Fatal("no credentials")
	}
	if d := gocmp.Diff(sources, p.Spec.Volumes[i].Projected.Sources); d != "" {
		t.Error(d)
	}
}

func TestReservedVariableIsRefused(t *testing.T) {
	env := workloadEnv()
	env.Agents[0].Workload.Env = []model.EnvVar{{Name: "AGENTC_LISTEN", Value: "0.0.0.0:8080"}}
	if err := workload(env, &Out{}); err == nil || !strings.Contains(err.Error(), "AGENTC_LISTEN") {
		t.Errorf("got %v", err)
	}
}

// TestShutdownIsTheAgents: what the drain takes is not taken from the agent's own time.
func TestShutdownIsTheAgents(t *testing.T) {
	for name, p := range podTemplates(t, workloadEnv()) {
		drain := p.Spec.Containers[0].Lifecycle.PreStop.Sleep.Seconds
		if got := *p.Spec.TerminationGracePeriodSeconds; drain <= 0 || got-drain != 45 {
			t.Errorf("%s: %d s, of which %d s are drained, for a shutdown of 45 s", name, got, drain)
		}
	}
}
