package emit

import (
	"strconv"
	"strings"

	"agentc/compiler/artifact"
	"agentc/compiler/model"
	"agentc/schema"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Waves in which Argo CD applies objects: a policy stands before the workload that it bounds.
const (
	waveNamespace = -3
	waveTrust     = -2 // CA certificates, Certificates, service accounts
	wavePolicy    = -1 // network and admission policies, the bundle
	waveWorkload  = 0
)

// Labels and annotations of our own.
const (
	labelFleet       = "agents.d/fleet"
	labelEnvironment = "agents.d/environment"
	labelTeam        = "agents.d/team"
	labelAgent       = "agents.d/agent" // on pods and in selectors; `agentd` for the runtime

	annotationWave  = "argocd.argoproj.io/sync-wave"
	annotationOwner = "agents.d/owner-email"
)

// runtimeName is agentd's name wherever it stands beside agents' names.
const runtimeName = "agentd"

func clusterFile(env *model.Environment) string {
	return env.Name + "/manifests/cluster.yaml"
}

func agentFile(a *model.Agent) string {
	return a.Env.Name + "/manifests/" + a.Namespace + "/" + a.Name + ".yaml"
}

// namespaceFile holds what all agents of a namespace share, the Namespace itself included. No agent's name begins with
// an underscore, so the two never meet.
func namespaceFile(env *model.Environment, namespace string) string {
	return env.Name + "/manifests/" + namespace + "/_namespace.yaml"
}

// systemFile holds agentd and what belongs to it.
func systemFile(env *model.Environment, name string) string {
	return env.Name + "/manifests/" + env.System.Namespace + "/" + name + ".yaml"
}

// meta is the metadata of an object that stands for a part of the fleet rather than for one agent.
func meta(env *model.Environment, namespace, name string, wave int) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name:      name,
		Namespace: namespace,
		Labels: map[string]string{
			"app.kubernetes.io/part-of":    env.Fleet.Name,
			"app.kubernetes.io/managed-by": "agentc",
			labelFleet:                     env.Fleet.Name,
			labelEnvironment:               env.Name,
		},
		Annotations: map[string]string{annotationWave: strconv.Itoa(wave)},
	}
}

// agentMeta is the metadata of an object of one agent.
func agentMeta(a *model.Agent, name string, wave int) metav1.ObjectMeta {
	m := meta(a.Env, a.Namespace, name, wave)
	m.Labels["app.kubernetes.io/name"] = a.Name
	m.Labels["app.kubernetes.io/component"] = "agent"
	m.Labels["app.kubernetes.io/version"] = labelValue(a.Card.Version)
	m.Labels[labelTeam] = a.Team.Name
	m.Labels[labelAgent] = a.Name
	m.Annotations[annotationOwner] = a.Team.Email
	return m
}

// labelValue makes a label's value of a version: a label holds no `+`, and 63 characters at most.
func labelValue(version string) string {
	value := strings.ReplaceAll(version, "+", "_")
	if len(value) > model.MaxLabel {
		value = value[:model.MaxLabel]
	}
	return strings.TrimRight(value, "._-")
}

// selector picks the pods of one agent, or of agentd, within their namespace. It never changes during an agent's life.
func selector(name string) map[string]string { return map[string]string{labelAgent: name} }

// origin leads from a part of an object (empty: all of it) to a value of the spec.
func origin(path string, ref schema.Ref) artifact.Origin {
	return artifact.Origin{Path: path, Ref: ref}
}

// under leads to a field of what a ref points at.
func under(ref schema.Ref, field string) schema.Ref {
	return schema.Ref{Doc: ref.Doc, Path: ref.Path + "." + field}
}

// fromAgent is the origin of an object that exists because the agent does.
func fromAgent(a *model.Agent) artifact.Origin { return origin("", schema.Ref{Doc: a.Doc}) }

// ptr is the address of a value, for the optional fields of the Kubernetes API.
func ptr[T any](v T) *T { return &v }
