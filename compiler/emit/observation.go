package emit

import (
	"agentc/compiler/model"
	"agentc/schema"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// waveObservation is the workloads' own: a later wave would wait until all of them are healthy, and the one that never
// becomes healthy would be the one that nobody watches. A canary's analysis needs the metrics at once.
const waveObservation = waveWorkload

// observation watches a fleet: what to scrape, when to call somebody, and a dashboard. One of each for the whole fleet, in
// agentd's namespace. Nothing where the platform declares no Prometheus.
//
// The platform's Prometheus finds the PodMonitor and the PrometheusRule only if its own selectors include this namespace.
func observation(env *model.Environment, out *Out) error {
	if env.Peers.Prometheus == nil {
		return nil
	}
	dashboard, err := dashboardConfigMap(env)
	if err != nil {
		return err
	}
	file := systemFile(env, "observation")
	from := origin("", schema.Ref{Doc: env.From.Doc, Path: "spec.peers.prometheus"})
	out.Object(file, waveObservation, podMonitor(env), from)
	out.Object(file, waveObservation, prometheusRule(env), from)
	out.Object(file, waveObservation, dashboard, from)
	return nil
}

func observationMeta(env *model.Environment, name string) metav1.ObjectMeta {
	return meta(env, env.System.Namespace, name, waveObservation)
}

// podMonitor scrapes every guard and agentd.
//
// Namespaces are listed by name. `any: true` would take the metrics of every pod in the cluster that gives itself the label
// of an agent, and with them whatever it says about a canary.
func podMonitor(env *model.Environment) *monitoringv1.PodMonitor {
	namespaces := []string{env.System.Namespace}
	for _, n := range env.Namespaces {
		namespaces = append(namespaces, n.Name)
	}
	return &monitoringv1.PodMonitor{
		TypeMeta:   monitoringType(monitoringv1.PodMonitorsKind),
		ObjectMeta: observationMeta(env, env.Fleet.Name),
		Spec: monitoringv1.PodMonitorSpec{
			Selector: metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: labelAgent, Operator: metav1.LabelSelectorOpExists},
			}},
			NamespaceSelector: monitoringv1.NamespaceSelector{MatchNames: namespaces},
			// More than a guard with a hundred callers exposes; a pod that exposes more is broken or worse.
			SampleLimit: ptr(int64(20_000)),
			PodMetricsEndpoints: []monitoringv1.PodMetricsEndpoint{{
				Port:           ptr(portNameMetrics),
				Interval:       "30s",
				ScrapeTimeout:  "10s",
				RelabelConfigs: scrapeLabels(env),
			}},
		},
	}
}

// scrapeLabels says whose a series is. They come from the spec and from the pod's labels, which admission checks, and so win
// over what the pod says of itself (honorLabels stays off).
func scrapeLabels(env *model.Environment) []monitoringv1.RelabelConfig {
	return []monitoringv1.RelabelConfig{
		{Action: "replace", TargetLabel: promFleet, Replacement: ptr(env.Fleet.Name)},
		{Action: "replace", TargetLabel: promEnvironment, Replacement: ptr(env.Name)},
		// labelAgent as Prometheus spells it.
		{Action: "replace", SourceLabels: []monitoringv1.LabelName{"__meta_kubernetes_pod_label_agents_d_agent"}, TargetLabel: promAgent},
	}
}

func monitoringType(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: monitoringv1.SchemeGroupVersion.String(), Kind: kind}
}

// dashboardConfigMap carries the dashboard to Grafana's sidecar, which looks for the label.
func dashboardConfigMap(env *model.Environment) (*corev1.ConfigMap, error) {
	data, err := dashboardJSON(env)
	if err != nil {
		return nil, err
	}
	m := observationMeta(env, model.Join(env.Fleet.Name, "dashboard"))
	m.Labels["grafana_dashboard"] = "1"
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: m,
		// The sidecar puts all dashboards of a cluster into one folder: the file's name must be nobody else's.
		Data: map[string]string{projectName(env) + ".json": string(data)},
	}, nil
}
