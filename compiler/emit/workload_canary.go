package emit

import (
	"fmt"
	"strconv"
	"time"

	"agentc/compiler/model"

	rollouts "github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// A canary is looked at over the last five minutes.
const (
	analysisWindow = "5m"
	analysisMetric = "error-rate"
	analysisHash   = "canary-hash"
)

var (
	rolloutType  = metav1.TypeMeta{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout"}
	analysisType = metav1.TypeMeta{APIVersion: "argoproj.io/v1alpha1", Kind: "AnalysisTemplate"}
)

// canaryObjects are the Rollout and, where Prometheus can be asked, the analysis that aborts it.
func canaryObjects(a *model.Agent, out *Out) {
	file := agentFile(a)
	if analysed(a.Env) {
		out.Object(file, waveWorkload, errorRateAnalysis(a), agentOrigins(a, part{"spec.metrics[0]", "workload.rollout.maxErrorRate"})...)
	}
	from := agentOrigins(a,
		part{"spec.progressDeadlineSeconds", "workload.restart.progressDeadline"},
		part{"spec.strategy.canary.maxUnavailable", "workload.restart.maxUnavailable"},
		part{"spec.strategy.canary.steps", "workload.rollout.steps"})
	if !scales(a) {
		from = append(from, origin("spec.replicas", a.At("workload.replicas.min")))
	}
	out.Object(file, waveWorkload, agentRollout(a), from...)
}

// analysed says whether there is a Prometheus to ask. Without it a canary moves on by time alone.
func analysed(env *model.Environment) bool {
	return env.Peers.Prometheus != nil && env.Peers.Prometheus.Host != ""
}

// agentRollout runs the pods of the Deployment's template. The Deployment itself has no pods (replicas: 0) and Argo CD is
// the only one that says so: with scaleDown `onsuccess` or `progressively` the Rollouts controller would write that field
// too, and only ever for the first revision; if that one fails, the Deployment keeps its pods and takes every new version
// past the canary. The price: an agent that is switched from rolling to canary has no pods until the first of the Rollout
// are ready.
func agentRollout(a *model.Agent) *rollouts.Rollout {
	r := &rollouts.Rollout{
		TypeMeta:   rolloutType,
		ObjectMeta: agentMeta(a, a.Name, waveWorkload),
		Spec: rollouts.RolloutSpec{
			Replicas: wantedReplicas(a),
			WorkloadRef: &rollouts.ObjectRef{
				APIVersion: "apps/v1", Kind: "Deployment", Name: a.Name, ScaleDown: rollouts.ScaleDownNever,
			},
			Strategy:                rollouts.RolloutStrategy{Canary: canaryStrategy(a)},
			RevisionHistoryLimit:    ptr(int32(oldRevisions)),
			ProgressDeadlineSeconds: ptr(wholeSeconds(a.Workload.ProgressDeadline)),
			ProgressDeadlineAbort:   true,
		},
	}
	// Both come from the Deployment: marked as such, the type leaves them out when it is written.
	r.Spec.SetResolvedSelector(nil)
	r.Spec.SetResolvedTemplate(corev1.PodTemplateSpec{})
	return r
}

func canaryStrategy(a *model.Agent) *rollouts.CanaryStrategy {
	s := &rollouts.CanaryStrategy{
		MaxSurge:       ptr(intstr.FromInt32(surge)),
		MaxUnavailable: ptr(intstr.FromInt32(a.Workload.MaxUnavailable)),
		Steps:          canarySteps(a),
	}
	if analysed(a.Env) {
		s.Analysis = &rollouts.RolloutAnalysisBackground{RolloutAnalysis: rollouts.RolloutAnalysis{
			Templates: []rollouts.AnalysisTemplateRef{{TemplateName: a.Name}},
			Args: []rollouts.AnalysisRunArgument{{
				Name:      analysisHash,
				ValueFrom: &rollouts.ArgumentValueFrom{PodTemplateHashValue: ptr(rollouts.Latest)},
			}},
		}}
	}
	return s
}

func canarySteps(a *model.Agent) []rollouts.CanaryStep {
	var steps []rollouts.CanaryStep
	for _, s := range a.Workload.Canary.Steps {
		if s.Weight != nil {
			steps = append(steps, rollouts.CanaryStep{SetWeight: s.Weight})
			continue
		}
		pause := intstr.FromString(time.Duration(s.Pause).String())
		steps = append(steps, rollouts.CanaryStep{Pause: &rollouts.RolloutPause{Duration: &pause}})
	}
	return steps
}

// errorRateAnalysis aborts a canary whose error rate is too high twice. A rate that cannot be measured is neither good nor
// bad: at the third time the Rollout pauses until somebody looks.
func errorRateAnalysis(a *model.Agent) *rollouts.AnalysisTemplate {
	limit := strconv.FormatFloat(a.Workload.Canary.MaxErrorRate, 'f', -1, 64)
	prometheus := a.Env.Peers.Prometheus
	return &rollouts.AnalysisTemplate{
		TypeMeta:   analysisType,
		ObjectMeta: agentMeta(a, a.Name, waveWorkload),
		Spec: rollouts.AnalysisTemplateSpec{
			Args: []rollouts.Argument{{Name: analysisHash}},
			Metrics: []rollouts.Metric{{
				Name:                  analysisMetric,
				InitialDelay:          rollouts.DurationString(model.CanaryDelay.String()),
				Interval:              rollouts.DurationString(model.CanaryInterval.String()),
				SuccessCondition:      "len(result) == 1 && result[0] <= " + limit,
				FailureCondition:      "len(result) == 1 && result[0] > " + limit,
				FailureLimit:          ptr(intstr.FromInt32(1)),
				InconclusiveLimit:     ptr(intstr.FromInt32(2)),
				ConsecutiveErrorLimit: ptr(intstr.FromInt32(4)),
				Provider: rollouts.MetricProvider{Prometheus: &rollouts.PrometheusMetric{
					Address: fmt.Sprintf("http://%s:%d", prometheus.Host, prometheus.Port),
					Query:   errorRateQuery(a),
				}},
			}},
		},
	}
}

// errorRateQuery is the share of failed calls among those that reached the canary's agents: what policy rejected or put to a
// human says nothing about the version. The pods are found by name, which begins with that of their ReplicaSet, so that no
// label has to travel into Prometheus. No calls make a rate of zero; no series make no rate.
func errorRateQuery(a *model.Agent) string {
	calls := func(outcomes string) string {
		return fmt.Sprintf("sum(increase(%s[%s]))", series(a.Env, metricGuardRequests,
			fmt.Sprintf("%s=%q", promAgent, a.Name),
			fmt.Sprintf(`pod=~"%s-{{args.%s}}-.+"`, a.Name, analysisHash),
			fmt.Sprintf("%s=~%q", labelOutcome, outcomes)), analysisWindow)
	}
	failed, all := calls(outcomeFailed), calls(outcomeOK+"|"+outcomeFailed)
	return fmt.Sprintf("(%s or %s * 0) / clamp_min(%s, 1)", failed, all, all)
}
