package model

import (
	"time"

	"agentc/schema"
)

// Default is a value that holds where nobody says otherwise, and why.
type Default struct {
	Path   string // within an agent's spec
	Reason string
}

// builtin is the workload of an agent of which nothing is said. Limits of resources are left out on purpose: somebody must
// have thought about them.
var builtin = schema.Workload{
	Replicas: schema.Replicas{Min: ptr(int32(2)), TargetCPU: ptr(int32(70))},
	Timeouts: schema.Timeouts{Request: seconds(30), Shutdown: seconds(45)},
	Restart: schema.Restart{
		Startup:          schema.Probe{Path: "/livez", Period: seconds(5), Timeout: seconds(2), Failures: ptr(int32(30))},
		Readiness:        schema.Probe{Path: "/readyz", Period: seconds(10), Timeout: seconds(2), Failures: ptr(int32(3))},
		Liveness:         schema.Probe{Path: "/livez", Period: seconds(10), Timeout: seconds(2), Failures: ptr(int32(3))},
		MaxUnavailable:   ptr(int32(1)),
		ProgressDeadline: seconds(600),
	},
	Rollout: schema.Rollout{Strategy: "rolling"},
}

// canarySteps and canaryErrorRate hold for a canary that does not say more.
var (
	canarySteps = []schema.Step{
		{Weight: ptr(int32(20))}, {Pause: seconds(600)},
		{Weight: ptr(int32(50))}, {Pause: seconds(600)},
	}
	canaryErrorRate = 0.05
)

// Defaults lists every built-in value of an agent with its reason, for `agentc explain` and the documentation.
var Defaults = []Default{
	{"isolation", "nobody else reads the agent's key"},
	{"card.inputModes", "agents exchange data; text is the exception"},
	{"card.outputModes", "agents exchange data; text is the exception"},
	{"workload.replicas.min", "one pod may be lost without losing the agent"},
	{"workload.replicas.max", "no more pods than the minimum: scaling is asked for, not assumed"},
	{"workload.replicas.targetCPU", "leaves room for a burst while a new pod starts"},
	{"workload.resources.requests.cpu", "as much as the limit: the pod is never the first to be evicted"},
	{"workload.resources.requests.memory", "as much as the limit: the pod is never the first to be evicted"},
	{"workload.resources.requests.ephemeralStorage", "as much as the limit: the pod is never the first to be evicted"},
	{"workload.timeouts.request", "a model API answers in seconds; a caller that waits longer holds up its own callers"},
	{"workload.timeouts.shutdown", "longer than a request may take, so that a stopping pod finishes what it began"},
	{"workload.restart.startup.path", "the liveness path answers as soon as the process serves"},
	{"workload.restart.startup.period", "a start is noticed within five seconds"},
	{"workload.restart.startup.timeout", "longer than a busy pod's answer to a health question"},
	{"workload.restart.startup.failures", "two and a half minutes to start, which loads what an agent loads"},
	{"workload.restart.readiness.path", "the customary path"},
	{"workload.restart.readiness.period", "a pod that cannot answer gets calls for at most half a minute"},
	{"workload.restart.readiness.timeout", "longer than a busy pod's answer to a health question"},
	{"workload.restart.readiness.failures", "one lost answer is no outage"},
	{"workload.restart.liveness.path", "the customary path"},
	{"workload.restart.liveness.period", "a stuck process is restarted after half a minute"},
	{"workload.restart.liveness.timeout", "longer than a busy pod's answer to a health question"},
	{"workload.restart.liveness.failures", "one lost answer is no outage"},
	{"workload.restart.maxUnavailable", "a rollout or a node drain takes one pod at a time"},
	{"workload.restart.progressDeadline", "a rollout that stands still for ten minutes has failed"},
	{"workload.rollout.strategy", "a canary needs metrics to judge it by; a rolling update needs nothing"},
	{"workload.rollout.steps", "a fifth, then half, ten minutes each: long enough for an error rate to show"},
	{"workload.rollout.maxErrorRate", "one failed call in twenty is worse than any version that stayed"},
}

// Values that hold for the platform and the reviewers where they do not say more.
const (
	defaultRuntimeReplicas = 2                // one may be drained while the other decides; without a database one would not know the other's escalations
	defaultDuration        = 24 * time.Hour   // a stolen key is worth a day
	defaultRenewBefore     = 8 * time.Hour    // a night without an issuer does no harm
	defaultEndpointTimeout = 20 * time.Second // below an agent's own request timeout
	defaultLifetime        = 15 * time.Minute // long enough to be read, short enough to still be true
	defaultStorage         = "10Gi"           // some ten million audit records
)

// Amounts for agentd and the guard, which the platform may replace.
var (
	defaultRuntimeLimits = schema.ResourceList{CPU: "500m", Memory: "512Mi", EphemeralStorage: "256Mi"}
	defaultGuardLimits   = schema.ResourceList{CPU: "250m", Memory: "128Mi", EphemeralStorage: "64Mi"}
)

func seconds(n int) schema.Duration { return schema.Duration(time.Duration(n) * time.Second) }

func ptr[T any](v T) *T { return &v }
