package emit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"agentc/compiler/artifact"
	"agentc/compiler/model"
	"agentc/schema"

	rollouts "github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	gocmp "github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"
)

// workloadEnv is a fleet of three: detect (fixed replicas), analyse (scales, in detect's namespace, with credentials) and
// remediate (a canary that scales).
func workloadEnv() *model.Environment {
	platform := &schema.Document{File: "agents.d/platform.yaml"}
	env := &model.Environment{
		Fleet: &model.Fleet{Name: "soc"}, Name: "prod", TrustDomain: "prod.soc.example", ClusterDomain: "cluster.local",
		Trust: "key", Keys: []schema.PublicKey{{ID: "k1", Key: "PEM\n"}},
		CA:       []string{"-----BEGIN CERTIFICATE-----\nold\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\nnew\n-----END CERTIFICATE-----\n"},
		Duration: 24 * time.Hour, RenewBefore: 8 * time.Hour,
		Issuer: schema.Issuer{Kind: "ClusterIssuer", Name: "soc-prod"},
		Peers: model.Peers{
			Prometheus: &schema.Peer{Namespace: "monitoring", Host: "prometheus.monitoring.svc.cluster.local", Port: 9090},
			OTLP:       &schema.Peer{Namespace: "tracing", Host: "otel.tracing.svc.cluster.local", Port: 4317},
		},
		From: schema.Ref{Doc: platform, Path: "spec.environments[1]"},
	}
	env.System = workloadIdentity("agentd", "soc-system")
	env.Runtime = model.Runtime{
		Image:          workloadImage("agentd", "a"),
		GuardResources: workloadResources("250m", "128Mi", "64Mi"),
		From:           schema.Ref{Doc: platform, Path: "spec.runtime"},
	}
	detect := workloadAgent(env, "detect", "soc-detect")
	analyse := workloadAgent(env, "analyse", "soc-detect")
	analyse.Workload.MaxReplicas = 6
	analyse.Workload.Env = []model.EnvVar{{Name: "LOG_LEVEL", Value: "info"}, {Name: "TZ", Value: "UTC"}}
	analyse.Artifacts = []model.Artifact{{Name: "prompt", Path: "prompts/analyse.md", SHA256: strings.Repeat("b", 64)}}
	analyse.Uses = []*model.Use{
		{Endpoint: &model.Endpoint{Name: "kafka"}, From: schema.Ref{Doc: analyse.Doc, Path: "spec.endpoints[0]"}},
		{Endpoint: &model.Endpoint{Name: "mistral", Credential: &schema.Credential{Secret: "mistral-key", Key: "token"}},
			From: schema.Ref{Doc: analyse.Doc, Path: "spec.endpoints[1]"}},
	}
	remediate := workloadAgent(env, "remediate", "soc-remediate")
	remediate.Workload.MaxReplicas = 6
	remediate.Workload.Canary = &model.Canary{
		Stable: workloadImage("remediate", "c"), MaxErrorRate: 0.05,
		Steps: []schema.Step{{Weight: ptr(int32(20))}, {Pause: schema.Duration(10 * time.Minute)}},
	}
	env.Agents = []*model.Agent{analyse, detect, remediate}
	env.Namespaces = []*model.Namespace{
		{Name: "soc-detect", Team: "ai", Agents: []*model.Agent{analyse, detect}},
		{Name: "soc-remediate", Team: "ai", Agents: []*model.Agent{remediate}},
	}
	return env
}

func workloadIdentity(name, namespace string) model.Identity {
	return model.Identity{
		Name: name, Namespace: namespace,
		SPIFFE: "spiffe://prod.soc.example/ns/" + namespace + "/sa/" + name,
		Host:   name + "." + namespace + ".svc.cluster.local",
	}
}

func workloadImage(name, digit string) string {
	return "registry.example/" + name + ":1.4.0@sha256:" + strings.Repeat(digit, 64)
}

func workloadResources(cpu, memory, storage string) model.Resources {
	l := model.ResourceList{
		CPU: resource.MustParse(cpu), Memory: resource.MustParse(memory), EphemeralStorage: resource.MustParse(storage),
	}
	return model.Resources{Requests: l, Limits: l}
}

func workloadAgent(env *model.Environment, name, namespace string) *model.Agent {
	return &model.Agent{
		Identity: workloadIdentity(name, namespace), Env: env, Team: schema.Team{Name: "ai", Email: "ai@soc.example"},
		Description: "Does <" + name + "> & \"nothing\" else.",
		Image:       workloadImage(name, "d"),
		Card: schema.Card{Version: "1.4.0", Streaming: true, DocumentationURL: "https://docs.soc.example/" + name,
			InputModes: []string{"application/json"}, OutputModes: []string{"text/plain"}},
		Skills: []*model.Skill{
			{ID: "explain", Name: "Explain", Tags: []string{"text"}, Written: schema.Skill{Description: "Explains.", Examples: []string{"Why?"}}},
			{ID: "look", Name: "Look", Written: schema.Skill{Description: "Looks.", InputModes: []string{"image/png"}}},
		},
		Workload: model.Workload{
			MinReplicas: 2, MaxReplicas: 2, TargetCPU: 70,
			Resources:      workloadResources("1", "1Gi", "256Mi"),
			RequestTimeout: 30 * time.Second, ShutdownTimeout: 45 * time.Second,
			Startup:        model.Probe{Path: "/livez", Period: 5 * time.Second, Timeout: 2 * time.Second, Failures: 30},
			Readiness:      model.Probe{Path: "/readyz", Period: 10 * time.Second, Timeout: 2 * time.Second, Failures: 3},
			Liveness:       model.Probe{Path: "/livez", Period: 10 * time.Second, Timeout: 2 * time.Second, Failures: 3},
			MaxUnavailable: 1, ProgressDeadline: 10 * time.Minute,
		},
		Doc: &schema.Document{File: "agents.d/" + name + ".yaml"},
	}
}

// workloadObjects are the objects of both layers, each written to YAML and read back strictly into its own type.
func workloadObjects(t *testing.T, env *model.Environment) []artifact.Object {
	t.Helper()
	out := &Out{}
	for _, emit := range []func(*model.Environment, *Out) error{workload, identity} {
		if err := emit(env, out); err != nil {
			t.Fatal(err)
		}
	}
	for i := range out.Objects {
		text, err := artifact.YAML(out.Objects[i].Value)
		if err != nil {
			t.Fatal(err)
		}
		read := reflect.New(reflect.TypeOf(out.Objects[i].Value).Elem()).Interface()
		if err := yaml.UnmarshalStrict(text, read); err != nil {
			t.Fatalf("%s\n%s", err, text)
		}
		out.Objects[i].Value = read
	}
	return out.Objects
}

// objectNamed returns the one object of a type with this name; it fails where there is none.
func objectNamed[T any](t *testing.T, objects []artifact.Object, name string) *T {
	t.Helper()
	for _, o := range objects {
		if v, ok := o.Value.(*T); ok && o.Value.(manifest).GetName() == name {
			return v
		}
	}
	t.Fatalf("no %T named %s", *new(T), name)
	return nil
}

func noObjectNamed[T any](t *testing.T, objects []artifact.Object, name string) {
	t.Helper()
	for _, o := range objects {
		if _, ok := o.Value.(*T); ok && o.Value.(manifest).GetName() == name {
			t.Errorf("there is a %T named %s", *new(T), name)
		}
	}
}

func TestWorkloadListsEveryObject(t *testing.T) {
	var got []string
	for _, o := range workloadObjects(t, workloadEnv()) {
		m := o.Value.(manifest)
		got = append(got, fmt.Sprintf("%s %d %s %s", strings.TrimPrefix(o.File, "prod/manifests/"), o.Wave,
			m.GetObjectKind().GroupVersionKind().Kind, m.GetName()))
	}
	slices.Sort(got)
	want := []string{
		"soc-detect/_namespace.yaml -2 ConfigMap agentd-keys",
		"soc-detect/_namespace.yaml -2 ConfigMap ca",
		"soc-detect/_namespace.yaml -3 LimitRange agents",
		"soc-detect/_namespace.yaml -3 Namespace soc-detect",
		"soc-detect/_namespace.yaml -3 ResourceQuota agents",
		"soc-detect/analyse.yaml -2 Certificate analyse",
		"soc-detect/analyse.yaml -2 ServiceAccount analyse",
		"soc-detect/analyse.yaml 0 ConfigMap analyse-cards",
		"soc-detect/analyse.yaml 0 Deployment analyse",
		"soc-detect/analyse.yaml 0 HorizontalPodAutoscaler analyse",
		"soc-detect/analyse.yaml 0 PodDisruptionBudget analyse",
		"soc-detect/analyse.yaml 0 Service analyse",
		"soc-detect/detect.yaml -2 Certificate detect",
		"soc-detect/detect.yaml -2 ServiceAccount detect",
		"soc-detect/detect.yaml 0 ConfigMap detect-cards",
		"soc-detect/detect.yaml 0 Deployment detect",
		"soc-detect/detect.yaml 0 PodDisruptionBudget detect",
		"soc-detect/detect.yaml 0 Service detect",
		"soc-remediate/_namespace.yaml -2 ConfigMap agentd-keys",
		"soc-remediate/_namespace.yaml -2 ConfigMap ca",
		"soc-remediate/_namespace.yaml -3 LimitRange agents",
		"soc-remediate/_namespace.yaml -3 Namespace soc-remediate",
		"soc-remediate/_namespace.yaml -3 ResourceQuota agents",
		"soc-remediate/remediate.yaml -2 Certificate remediate",
		"soc-remediate/remediate.yaml -2 ServiceAccount remediate",
		"soc-remediate/remediate.yaml 0 AnalysisTemplate remediate",
		"soc-remediate/remediate.yaml 0 ConfigMap remediate-cards",
		"soc-remediate/remediate.yaml 0 Deployment remediate",
		"soc-remediate/remediate.yaml 0 HorizontalPodAutoscaler remediate",
		"soc-remediate/remediate.yaml 0 PodDisruptionBudget remediate",
		"soc-remediate/remediate.yaml 0 Rollout remediate",
		"soc-remediate/remediate.yaml 0 Service remediate",
		"soc-system/_namespace.yaml -2 ConfigMap ca",
		"soc-system/_namespace.yaml -3 Namespace soc-system",
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestWorkloadMetadata holds for every object: the wave that Argo CD reads is the wave that the file is ordered by.
func TestWorkloadMetadata(t *testing.T) {
	for _, o := range workloadObjects(t, workloadEnv()) {
		m := o.Value.(interface {
			manifest
			GetAnnotations() map[string]string
			GetLabels() map[string]string
		})
		if got := m.GetAnnotations()[annotationWave]; got != fmt.Sprint(o.Wave) {
			t.Errorf("%s %s: wave %d, annotated %q", o.File, m.GetName(), o.Wave, got)
		}
		if m.GetLabels()[labelFleet] != "soc" || m.GetLabels()[labelEnvironment] != "prod" {
			t.Errorf("%s %s: labels %v", o.File, m.GetName(), m.GetLabels())
		}
		if len(o.From) == 0 || o.From[0].Path != "" || o.From[0].Ref.Doc == nil {
			t.Errorf("%s %s: no origin of the whole: %v", o.File, m.GetName(), o.From)
		}
		if account, ok := o.Value.(*corev1.ServiceAccount); ok && *account.AutomountServiceAccountToken {
			t.Errorf("%s %s: a pod would get its token", o.File, m.GetName())
		}
		if _, cluster := o.Value.(*corev1.Namespace); cluster != (m.GetNamespace() == "") {
			t.Errorf("%s %s: namespace %q", o.File, m.GetName(), m.GetNamespace())
		}
	}
}

// TestReplicasHaveOneMaster: a number stands in the manifest, or an autoscaler sets it, never both.
func TestReplicasHaveOneMaster(t *testing.T) {
	objects := workloadObjects(t, workloadEnv())

	if got := objectNamed[appsv1.Deployment](t, objects, "detect").Spec.Replicas; got == nil || *got != 2 {
		t.Errorf("detect: %v replicas", got)
	}
	noObjectNamed[autoscalingv2.HorizontalPodAutoscaler](t, objects, "detect")
	noObjectNamed[rollouts.Rollout](t, objects, "detect")

	if got := objectNamed[appsv1.Deployment](t, objects, "analyse").Spec.Replicas; got != nil {
		t.Errorf("analyse: %d replicas beside an autoscaler", *got)
	}
	h := objectNamed[autoscalingv2.HorizontalPodAutoscaler](t, objects, "analyse").Spec
	if h.ScaleTargetRef.Kind != "Deployment" || *h.MinReplicas != 2 || h.MaxReplicas != 6 || *h.Metrics[0].Resource.Target.AverageUtilization != 70 {
		t.Errorf("analyse: %+v", h)
	}

	if got := objectNamed[appsv1.Deployment](t, objects, "remediate").Spec.Replicas; got == nil || *got != 0 {
		t.Errorf("remediate: its Deployment has pods of its own: %v", got)
	}
	if got := objectNamed[rollouts.Rollout](t, objects, "remediate").Spec.Replicas; got != nil {
		t.Errorf("remediate: %d replicas beside an autoscaler", *got)
	}
	h = objectNamed[autoscalingv2.HorizontalPodAutoscaler](t, objects, "remediate").Spec
	if h.ScaleTargetRef.Kind != "Rollout" || h.ScaleTargetRef.APIVersion != "argoproj.io/v1alpha1" || h.ScaleTargetRef.Name != "remediate" {
		t.Errorf("remediate: %+v", h.ScaleTargetRef)
	}
}

func TestSelectorsMatchThePods(t *testing.T) {
	env := workloadEnv()
	objects := workloadObjects(t, env)
	for name, p := range podTemplates(t, env) {
		service := objectNamed[corev1.Service](t, objects, name).Spec
		for what, selector := range map[string]map[string]string{
			"Deployment":          objectNamed[appsv1.Deployment](t, objects, name).Spec.Selector.MatchLabels,
			"PodDisruptionBudget": objectNamed[policyv1.PodDisruptionBudget](t, objects, name).Spec.Selector.MatchLabels,
			"Service":             service.Selector,
			"anti-affinity":       p.Spec.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution[0].PodAffinityTerm.LabelSelector.MatchLabels,
			"spread":              p.Spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels,
		} {
			for k, v := range selector {
				if p.Labels[k] != v {
					t.Errorf("%s: the %s selects %s=%s, the pod has %q", name, what, k, v, p.Labels[k])
				}
			}
			if len(selector) == 0 {
				t.Errorf("%s: the %s selects everything", name, what)
			}
		}
		if !slices.ContainsFunc(p.Spec.InitContainers[0].Ports, func(c corev1.ContainerPort) bool {
			return c.Name == service.Ports[0].TargetPort.StrVal && c.ContainerPort == service.Ports[0].Port
		}) {
			t.Errorf("%s: the Service's port %+v is none of the guard's", name, service.Ports[0])
		}
	}
}

func TestWorkloadIsDeterministic(t *testing.T) {
	first := workloadBytes(t)
	for range 20 {
		if again := workloadBytes(t); again != first {
			t.Fatal(gocmp.Diff(first, again))
		}
	}
}

func workloadBytes(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	objects := workloadObjects(t, workloadEnv())
	for _, o := range objects {
		text, err := artifact.YAML(o.Value)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %d\n%s%v\n", o.File, o.Wave, text, originPaths(o))
	}
	return b.String()
}

func originPaths(o artifact.Object) []string {
	var paths []string
	for _, f := range o.From {
		paths = append(paths, cmp.Or(f.Path, ".")+" <- "+f.Ref.Doc.File+" "+f.Ref.Path)
	}
	return paths
}

// TestOriginsPointIntoTheObject: an origin of a part that is not there would lead nowhere.
func TestOriginsPointIntoTheObject(t *testing.T) {
	for _, o := range workloadObjects(t, workloadEnv()) {
		text, err := json.Marshal(o.Value)
		if err != nil {
			t.Fatal(err)
		}
		var tree any
		if err := json.Unmarshal(text, &tree); err != nil {
			t.Fatal(err)
		}
		for _, f := range o.From {
			if !hasPath(tree, f.Path) {
				t.Errorf("%s %s: no %s", o.File, o.Value.(manifest).GetName(), f.Path)
			}
		}
	}
}

// hasPath walks `a.b[0].c`.
func hasPath(tree any, path string) bool {
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		switch v := tree.(type) {
		case map[string]any:
			tree = v[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(v) {
				return false
			}
			tree = v[i]
		}
		if tree == nil {
			return false
		}
	}
	return true
}
