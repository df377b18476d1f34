package schema

// Workload says how an agent runs. Every field may be left out: the value is then the nearest of the environment overlay
// of the agent, the agent, the environment, the platform's defaults, and the built-in defaults.
type Workload struct {
	// Replicas says how many pods run.
	Replicas Replicas `json:"replicas,omitempty"`

	// Resources of the agent's container.
	Resources Resources `json:"resources,omitempty"`

	// Timeouts bound how long things may take.
	Timeouts Timeouts `json:"timeouts,omitempty"`

	// Restart says when a pod counts as started, alive and rolled out.
	Restart Restart `json:"restart,omitempty"`

	// Rollout says how a new version replaces the old one.
	Rollout Rollout `json:"rollout,omitempty"`

	// Env are environment variables of the agent's container. Not for secrets: those belong to an endpoint's credential.
	Env map[string]string `json:"env,omitempty" rule:"keys=env"`
}

// Replicas bounds the number of pods. Where min and max differ, a HorizontalPodAutoscaler moves between them.
type Replicas struct {
	// Min is the number of pods that always run. Default: 2. Limits: 1 to 100.
	Min *int32 `json:"min,omitempty" rule:"min=1,max=100"`

	// Max is the number of pods that may run. Default: min. Limits: 1 to 100.
	Max *int32 `json:"max,omitempty" rule:"min=1,max=100"`

	// TargetCPU is the average CPU use, in percent of the request, that the autoscaler aims at. Default: 70. Limits: 10 to 95.
	TargetCPU *int32 `json:"targetCPU,omitempty" rule:"min=10,max=95"`
}

// Resources are the Kubernetes requests and limits of a container.
type Resources struct {
	// Requests are reserved for the container. Default: the limits.
	Requests ResourceList `json:"requests,omitempty"`

	// Limits are what the container can use at most. No built-in default: somebody must have thought about them.
	Limits ResourceList `json:"limits,omitempty"`
}

// ResourceList holds one amount for each resource.
type ResourceList struct {
	// CPU in cores: `250m`, `2`.
	CPU Quantity `json:"cpu,omitempty"`

	// Memory in bytes: `512Mi`, `2Gi`.
	Memory Quantity `json:"memory,omitempty"`

	// EphemeralStorage in bytes, for /tmp and logs: `256Mi`.
	EphemeralStorage Quantity `json:"ephemeralStorage,omitempty"`
}

// Timeouts bound how long an agent waits and may take.
type Timeouts struct {
	// Request is how long the agent may take to answer one call, its own calls to others included. Default: 30s.
	// Limits: 1s to 1h.
	Request Duration `json:"request,omitempty" rule:"min=1s,max=1h"`

	// Shutdown is how long a stopping pod may take to finish what it began; it becomes the pod's termination grace period.
	// Default: 45s. Limits: 5s to 2h.
	Shutdown Duration `json:"shutdown,omitempty" rule:"min=5s,max=2h"`
}

// Restart says when a pod counts as started, alive and rolled out.
type Restart struct {
	// Startup is asked until it first succeeds; the container is restarted when it never does.
	Startup Probe `json:"startup,omitempty"`

	// Readiness is asked all the time; a pod that fails gets no calls.
	Readiness Probe `json:"readiness,omitempty"`

	// Liveness is asked all the time; a container that fails is restarted.
	Liveness Probe `json:"liveness,omitempty"`

	// MaxUnavailable is how many pods may be missing during a rollout or a node drain. Default: 1. Limits: 0 to 100.
	MaxUnavailable *int32 `json:"maxUnavailable,omitempty" rule:"min=0,max=100"`

	// ProgressDeadline is how long a rollout may make no progress before it counts as failed. Default: 10m. Limits: 30s to 1h.
	ProgressDeadline Duration `json:"progressDeadline,omitempty" rule:"min=30s,max=1h"`
}

// Probe is a health question, asked over HTTP.
type Probe struct {
	// Path on the agent's port 8080. Defaults: /readyz for readiness, /livez for the others.
	Path string `json:"path,omitempty" rule:"urlpath"`

	// Period between two questions, in whole seconds. Default: 10s; 5s for startup. Limits: 1s to 5m.
	Period Duration `json:"period,omitempty" rule:"min=1s,max=5m"`

	// Timeout of one question, in whole seconds. Default: 2s. Limits: 1s to 1m.
	Timeout Duration `json:"timeout,omitempty" rule:"min=1s,max=1m"`

	// Failures in a row that count. Default: 3; 30 for startup. Limits: 1 to 600.
	Failures *int32 `json:"failures,omitempty" rule:"min=1,max=600"`
}

// Rollout says how a new version replaces the old one.
type Rollout struct {
	// Strategy is `rolling` (a Deployment's rolling update, the default) or `canary` (an Argo Rollout with analysis).
	Strategy string `json:"strategy,omitempty" rule:"enum=rolling|canary"`

	// Stable is the image that runs now and to which a failed canary returns. Admission allows it beside the new one.
	// Required for a canary, with a digest.
	Stable string `json:"stable,omitempty" rule:"max=512"`

	// Steps of a canary, in order. Default: 20 percent, 10 minutes, 50 percent, 10 minutes.
	Steps []Step `json:"steps,omitempty"`

	// MaxErrorRate is the share of failed calls, 0 to 1, above which a canary is aborted. Default: 0.05.
	MaxErrorRate *float64 `json:"maxErrorRate,omitempty" rule:"min=0,max=1"`
}

// Step is one step of a canary: exactly one of its fields is set.
type Step struct {
	// Weight is the percentage of pods that run the new version. Limits: 1 to 100.
	Weight *int32 `json:"weight,omitempty" rule:"min=1,max=100"`

	// Pause is how long to watch before the next step. Limits: 10s to 24h.
	Pause Duration `json:"pause,omitempty" rule:"min=10s,max=24h"`
}
