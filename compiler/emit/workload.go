package emit

import (
	"fmt"
	"slices"
	"strings"

	"agentc/compiler/model"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	// surge is how many pods a rollout may run beyond the wanted number. One at a time keeps the quota small, and lets a
	// rollout go on where no pod may be missing.
	surge = 1

	// oldRevisions is how many old ReplicaSets are kept. Git is the history; these are for a look at what just was.
	oldRevisions = 3

	portNameA2A     = "a2a"
	portNameHealth  = "health"
	portNameMetrics = "metrics"
)

// workload writes what runs: the namespaces, and for each agent its Deployment (or Rollout) and what belongs to it.
func workload(env *model.Environment, out *Out) error {
	out.Object(namespaceFile(env, env.System.Namespace), waveNamespace, systemNamespace(env), origin("", env.Runtime.From))
	for _, ns := range env.Namespaces {
		namespaceObjects(env, ns, out)
	}
	for _, a := range env.Agents {
		if err := agentObjects(a, out); err != nil {
			return err
		}
	}
	return nil
}

func agentObjects(a *model.Agent, out *Out) error {
	if err := reservedEnv(a); err != nil {
		return err
	}
	cards, err := agentCards(a)
	if err != nil {
		return err
	}
	file := agentFile(a)
	out.Object(file, waveTrust, agentAccount(a), fromAgent(a))
	out.Object(file, waveWorkload, cards, agentOrigins(a, part{"data", "card"})...)
	out.Object(file, waveWorkload, agentDeployment(a), deploymentOrigins(a)...)
	if a.Workload.Canary != nil {
		canaryObjects(a, out)
	}
	out.Object(file, waveWorkload, agentService(a), fromAgent(a))
	out.Object(file, waveWorkload, agentBudget(a), agentOrigins(a, part{"spec.maxUnavailable", "workload.restart.maxUnavailable"})...)
	if scales(a) {
		out.Object(file, waveWorkload, agentAutoscaler(a), agentOrigins(a,
			part{"spec.minReplicas", "workload.replicas.min"},
			part{"spec.maxReplicas", "workload.replicas.max"},
			part{"spec.metrics", "workload.replicas.targetCPU"})...)
	}
	return nil
}

// reservedEnv refuses a variable that would stand beside one of ours: of two with one name the last wins, silently. The
// check stage tells the author; this is the invariant behind it.
func reservedEnv(a *model.Agent) error {
	i := slices.IndexFunc(a.Workload.Env, func(e model.EnvVar) bool { return strings.HasPrefix(e.Name, envPrefix) })
	if i >= 0 {
		return fmt.Errorf("agent %s sets %s: names that begin with %s are agentc's", a.Name, a.Workload.Env[i].Name, envPrefix)
	}
	return nil
}

// agentAccount is the agent's identity in the cluster. It has no token: no agent speaks to the API server.
func agentAccount(a *model.Agent) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		TypeMeta:                     metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
		ObjectMeta:                   agentMeta(a, a.Name, waveTrust),
		AutomountServiceAccountToken: ptr(false),
	}
}

// scales says that an autoscaler sets the number of pods. It is then written nowhere else: Argo CD would set it back.
func scales(a *model.Agent) bool { return a.Workload.MaxReplicas > a.Workload.MinReplicas }

// wantedReplicas is nil where an autoscaler decides.
func wantedReplicas(a *model.Agent) *int32 {
	if scales(a) {
		return nil
	}
	return ptr(a.Workload.MinReplicas)
}

// agentDeployment runs the agent, or, for a canary, only holds the template that the Rollout takes its pods from.
func agentDeployment(a *model.Agent) *appsv1.Deployment {
	replicas := wantedReplicas(a)
	if a.Workload.Canary != nil {
		replicas = ptr(int32(0))
	}
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: agentMeta(a, a.Name, waveWorkload),
		Spec: appsv1.DeploymentSpec{
			Replicas: replicas,
			Selector: &metav1.LabelSelector{MatchLabels: selector(a.Name)},
			Template: podTemplate(a),
			Strategy: appsv1.DeploymentStrategy{
				Type: appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{
					MaxUnavailable: ptr(intstr.FromInt32(a.Workload.MaxUnavailable)),
					MaxSurge:       ptr(intstr.FromInt32(surge)),
				},
			},
			RevisionHistoryLimit:    ptr(int32(oldRevisions)),
			ProgressDeadlineSeconds: ptr(wholeSeconds(a.Workload.ProgressDeadline)),
		},
	}
}

// agentService leads callers to the guards. Metrics are not in it: Prometheus asks each pod, not one of them.
func agentService(a *model.Agent) *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: agentMeta(a, a.Name, waveWorkload),
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceTypeClusterIP,
			Selector: selector(a.Name),
			Ports: []corev1.ServicePort{{
				Name:       portNameA2A,
				Protocol:   corev1.ProtocolTCP,
				Port:       model.PortA2A,
				TargetPort: intstr.FromString(portNameA2A),
			}},
			SessionAffinity:       corev1.ServiceAffinityNone,
			InternalTrafficPolicy: ptr(corev1.ServiceInternalTrafficPolicyCluster),
			IPFamilyPolicy:        ptr(corev1.IPFamilyPolicySingleStack),
		},
	}
}

// agentBudget bounds what a node drain may take. A pod that is broken anyway may always go: it must not hold up the node.
func agentBudget(a *model.Agent) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
		ObjectMeta: agentMeta(a, a.Name, waveWorkload),
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable:             ptr(intstr.FromInt32(a.Workload.MaxUnavailable)),
			Selector:                   &metav1.LabelSelector{MatchLabels: selector(a.Name)},
			UnhealthyPodEvictionPolicy: ptr(policyv1.AlwaysAllow),
		},
	}
}

// agentAutoscaler moves between the minimum and the maximum by the CPU use of the whole pod: an agent whose guard is the
// bottleneck needs more pods too.
func agentAutoscaler(a *model.Agent) *autoscalingv2.HorizontalPodAutoscaler {
	target := autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: a.Name}
	if a.Workload.Canary != nil {
		target.APIVersion, target.Kind = rolloutType.APIVersion, rolloutType.Kind
	}
	return &autoscalingv2.HorizontalPodAutoscaler{
		TypeMeta:   metav1.TypeMeta{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"},
		ObjectMeta: agentMeta(a, a.Name, waveWorkload),
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: target,
			MinReplicas:    ptr(a.Workload.MinReplicas),
			MaxReplicas:    a.Workload.MaxReplicas,
			Metrics: []autoscalingv2.MetricSpec{{
				Type: autoscalingv2.ResourceMetricSourceType,
				Resource: &autoscalingv2.ResourceMetricSource{
					Name: corev1.ResourceCPU,
					Target: autoscalingv2.MetricTarget{
						Type:               autoscalingv2.UtilizationMetricType,
						AverageUtilization: ptr(a.Workload.TargetCPU),
					},
				},
			}},
		},
	}
}
