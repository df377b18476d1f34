package claims

import (
	"slices"
	"time"

	"agentc/compiler/model"
	"agentc/schema"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Runs is how a workload runs: whose it is, what its pods are given, how many there are and how they change.
type Runs struct {
	Team            string       `json:"team"` // empty for agentd where no team owns the platform
	Email           string       `json:"email"`
	Replicas        Replicas     `json:"replicas"`
	Resources       Resources    `json:"resources"`             // of its own container, not the guard's
	Credentials     []Credential `json:"credentials,omitempty"` // by endpoint
	Env             []Variable   `json:"env,omitempty"`         // by name; only an agent has any
	Artifacts       []Artifact   `json:"artifacts,omitempty"`   // by name
	Probes          *Probes      `json:"probes,omitempty"`      // nil for agentd
	MaxUnavailable  int32        `json:"maxUnavailable"`
	ProgressSeconds int64        `json:"progressSeconds,omitempty"`
	Canary          *Canary      `json:"canary,omitempty"` // nil: a rolling update
	Card            *Card        `json:"card,omitempty"`   // nil for agentd
}

// Replicas of a workload; where the two differ an autoscaler decides.
type Replicas struct {
	Min       int32 `json:"min"`
	Max       int32 `json:"max"`
	TargetCPU int32 `json:"targetCPU,omitempty"` // percent of what is requested
}

// Resources of a container: amounts as Kubernetes writes them, by resource.
type Resources struct {
	Requests map[string]string `json:"requests"`
	Limits   map[string]string `json:"limits"`
}

// Credential is a key of a Secret that is shown to an endpoint.
type Credential struct {
	Endpoint string `json:"endpoint"`
	Secret   string `json:"secret"`
	Key      string `json:"key"`
}

// Variable of the environment.
type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Artifact is a file that is versioned with an agent.
type Artifact struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"` // hex
}

// Probes of the agent's own container.
type Probes struct {
	Startup   Probe `json:"startup"`
	Readiness Probe `json:"readiness"`
	Liveness  Probe `json:"liveness"`
}

// Probe is a health question. Durations are whole seconds, rounded up.
type Probe struct {
	Path           string `json:"path"`
	PeriodSeconds  int64  `json:"periodSeconds"`
	TimeoutSeconds int64  `json:"timeoutSeconds"`
	Failures       int32  `json:"failures"`
}

// Canary is a rollout in steps.
type Canary struct {
	Steps        []Step  `json:"steps"`
	MaxErrorRate float64 `json:"maxErrorRate"`
}

// Step has either of the two.
type Step struct {
	Weight int32  `json:"weight,omitempty"` // percent
	Pause  string `json:"pause,omitempty"`  // `5m0s`
}

// Card is what an agent says of itself to others; the skills are those of its decisions.
type Card struct {
	Description      string      `json:"description"`
	Version          string      `json:"version"`
	DocumentationURL string      `json:"documentationURL,omitempty"`
	Streaming        bool        `json:"streaming,omitempty"`
	InputModes       []string    `json:"inputModes"`
	OutputModes      []string    `json:"outputModes"`
	Skills           []CardSkill `json:"skills"` // by id
}

// CardSkill is one skill on a card.
type CardSkill struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Tags        []string `json:"tags,omitempty"` // sorted
	Examples    []string `json:"examples,omitempty"`
	InputModes  []string `json:"inputModes,omitempty"`
	OutputModes []string `json:"outputModes,omitempty"`
}

// Platform is what all workloads of an environment have in common.
type Platform struct {
	Guard        Resources         `json:"guard"` // of every guard's container
	Storage      string            `json:"storage"`
	StorageClass string            `json:"storageClass,omitempty"` // empty: the cluster's default
	Database     string            `json:"database,omitempty"`     // endpoint in which agentd's replicas keep escalations; empty: each on its own volume
	Observed     bool              `json:"observed"`               // a Prometheus reads metrics
	Prometheus   string            `json:"prometheus,omitempty"`   // `<host>:<port>` where it can be asked; empty where it cannot
	Owners       map[string]string `json:"owners"`                 // `agents`, `policies`, `platform` → the team that is called
}

func platform(env *model.Environment) Platform {
	p := Platform{
		Guard: resources(env.Runtime.GuardResources), Storage: env.Runtime.Storage.String(), StorageClass: env.Runtime.StorageClass, Owners: map[string]string{},
	}
	if db := env.Runtime.Database; db != nil {
		p.Database = db.Name
	}
	if peer := env.Peers.Prometheus; peer != nil {
		p.Observed = true
		if peer.Host != "" {
			p.Prometheus = hostPort(peer.Host, peer.Port)
		}
	}
	for _, part := range []string{"agents", "policies", "platform"} {
		p.Owners[part] = env.Fleet.Teams[0].Name // somebody must be called
		if t := owner(env, part); t != nil {
			p.Owners[part] = t.Name
		}
	}
	return p
}

// owner is the first team that owns a part; nil if none does.
func owner(env *model.Environment, part string) *schema.Team {
	i := slices.IndexFunc(env.Fleet.Teams, func(t schema.Team) bool { return t.Owns == part })
	if i < 0 {
		return nil
	}
	return &env.Fleet.Teams[i]
}

func runsOf(a *model.Agent) Runs {
	w := &a.Workload
	r := Runs{
		Team: a.Team.Name, Email: a.Team.Email,
		Replicas:  Replicas{w.MinReplicas, w.MaxReplicas, w.TargetCPU},
		Resources: resources(w.Resources), Probes: &Probes{probe(w.Startup), probe(w.Readiness), probe(w.Liveness)},
		MaxUnavailable: w.MaxUnavailable, ProgressSeconds: seconds(w.ProgressDeadline), Card: card(a),
	}
	for _, u := range a.Uses {
		r.credential(u.Endpoint)
	}
	for _, e := range w.Env {
		r.Env = append(r.Env, Variable{e.Name, e.Value})
	}
	for _, f := range a.Artifacts {
		r.Artifacts = append(r.Artifacts, Artifact{f.Name, f.SHA256})
	}
	if c := w.Canary; c != nil {
		r.Canary = &Canary{MaxErrorRate: c.MaxErrorRate}
		for _, s := range c.Steps {
			if s.Weight != nil {
				r.Canary.Steps = append(r.Canary.Steps, Step{Weight: *s.Weight})
				continue
			}
			r.Canary.Steps = append(r.Canary.Steps, Step{Pause: time.Duration(s.Pause).String()})
		}
	}
	return r
}

// runsAgentd is agentd's: of its pods one may always be missing.
func runsAgentd(env *model.Environment) Runs {
	r := Runs{
		Replicas: Replicas{Min: env.Runtime.Replicas, Max: env.Runtime.Replicas}, Resources: resources(env.Runtime.Resources), MaxUnavailable: 1,
	}
	if t := owner(env, "platform"); t != nil {
		r.Team, r.Email = t.Name, t.Email
	}
	for _, e := range env.Runtime.Endpoints {
		r.credential(e)
	}
	return r
}

func (r *Runs) credential(e *model.Endpoint) {
	if c := e.Credential; c != nil {
		r.Credentials = append(r.Credentials, Credential{e.Name, c.Secret, c.Key})
	}
}

func card(a *model.Agent) *Card {
	c := &Card{
		Description: a.Description, Version: a.Card.Version, DocumentationURL: a.Card.DocumentationURL, Streaming: a.Card.Streaming,
		InputModes: a.Card.InputModes, OutputModes: a.Card.OutputModes,
	}
	for _, s := range a.Skills {
		w := s.Written
		c.Skills = append(c.Skills, CardSkill{s.ID, s.Name, w.Description, s.Tags, w.Examples, w.InputModes, w.OutputModes})
	}
	return c
}

func resources(r model.Resources) Resources { return Resources{amounts(r.Requests), amounts(r.Limits)} }

// amounts leaves out what nobody set.
func amounts(l model.ResourceList) map[string]string {
	all := map[string]string{}
	for name, amount := range map[string]resource.Quantity{"cpu": l.CPU, "memory": l.Memory, "ephemeral-storage": l.EphemeralStorage} {
		if !amount.IsZero() {
			all[name] = amount.String()
		}
	}
	return all
}

func probe(p model.Probe) Probe {
	return Probe{p.Path, seconds(p.Period), seconds(p.Timeout), p.Failures}
}

// seconds rounds up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
