package emit

import (
	"fmt"
	"slices"

	"agentc/compiler/artifact"
	"agentc/compiler/model"

	corev1 "k8s.io/api/core/v1"
)

// part says which part of an object comes from which value of the agent.
type part struct{ path, spec string }

func agentOrigins(a *model.Agent, parts ...part) []artifact.Origin {
	from := []artifact.Origin{fromAgent(a)}
	for _, p := range parts {
		from = append(from, origin(p.path, a.At(p.spec)))
	}
	return from
}

// deploymentOrigins name what a reader asks about most: the image, the numbers, and the Secrets of endpoints.
func deploymentOrigins(a *model.Agent) []artifact.Origin {
	const template = "spec.template.spec."
	from := agentOrigins(a,
		part{"spec.strategy", "workload.restart.maxUnavailable"},
		part{"spec.progressDeadlineSeconds", "workload.restart.progressDeadline"},
		part{template + "terminationGracePeriodSeconds", "workload.timeouts.shutdown"},
		part{template + "containers[0].image", "image"},
		part{template + "containers[0].resources", "workload.resources"},
		part{template + "containers[0].env", "workload.env"},
		part{template + "containers[0].startupProbe", "workload.restart.startup"},
		part{template + "containers[0].readinessProbe", "workload.restart.readiness"},
		part{template + "containers[0].livenessProbe", "workload.restart.liveness"},
	)
	from = append(from,
		origin(template+"initContainers[0].image", under(a.Env.Runtime.From, "image")),
		origin(template+"initContainers[0].resources", under(a.Env.Runtime.From, "guardResources")))
	switch {
	case a.Workload.Canary != nil:
		from = append(from, origin("spec.replicas", a.At("workload.rollout.strategy")))
	case !scales(a):
		from = append(from, origin("spec.replicas", a.At("workload.replicas.min")))
	}
	if len(a.Artifacts) > 0 {
		from = append(from, origin("spec.template.metadata.annotations", a.At("artifacts")))
	}
	credentials := slices.IndexFunc(podVolumes(a), func(v corev1.Volume) bool { return v.Name == volumeCredentials })
	for i, u := range credentialUses(a) {
		from = append(from, origin(fmt.Sprintf(template+"volumes[%d].projected.sources[%d]", credentials, i), u.From))
	}
	return from
}
