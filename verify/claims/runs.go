package claims

type Runs struct {
	Team            string       `json:"team"`
	Email           string       `json:"email"`
	Replicas        Replicas     `json:"replicas"`
	Resources       Resources    `json:"resources"`
	Credentials     []Credential `json:"credentials,omitempty"`
	Env             []Variable   `json:"env,omitempty"`
	Artifacts       []Artifact   `json:"artifacts,omitempty"`
	Probes          *Probes      `json:"probes,omitempty"`
	MaxUnavailable  int32        `json:"maxUnavailable"`
	ProgressSeconds int64        `json:"progressSeconds,omitempty"`
	Canary          *Canary      `json:"canary,omitempty"`
	Card            *Card        `json:"card,omitempty"`
}

type Replicas struct {
	Min       int32 `json:"min"`
	Max       int32 `json:"max"`
	TargetCPU int32 `json:"targetCPU,omitempty"`
}

type Resources struct {
	Requests map[string]string `json:"requests"`
	Limits   map[string]string `json:"limits"`
}

type Credential struct {
	Endpoint string `json:"endpoint"`
	Secret   string `json:"secret"`
	Key      string `json:"key"`
}

type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type Artifact struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

type Probes struct {
	Startup   Probe `json:"startup"`
	Readiness Probe `json:"readiness"`
	Liveness  Probe `json:"liveness"`
}

type Probe struct {
	Path           string `json:"path"`
	PeriodSeconds  int64  `json:"periodSeconds"`
	TimeoutSeconds int64  `json:"timeoutSeconds"`
	Failures       int32  `json:"failures"`
}

type Canary struct {
	Steps        []Step  `json:"steps"`
	MaxErrorRate float64 `json:"maxErrorRate"`
}

type Step struct {
	Weight int32  `json:"weight,omitempty"`
	Pause  string `json:"pause,omitempty"`
}

type Card struct {
	Description      string      `json:"description"`
	Version          string      `json:"version"`
	DocumentationURL string      `json:"documentationURL,omitempty"`
	Streaming        bool        `json:"streaming,omitempty"`
	InputModes       []string    `json:"inputModes"`
	OutputModes      []string    `json:"outputModes"`
	Skills           []CardSkill `json:"skills"`
}

type CardSkill struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Tags        []string `json:"tags,omitempty"`
	Examples    []string `json:"examples,omitempty"`
	InputModes  []string `json:"inputModes,omitempty"`
	OutputModes []string `json:"outputModes,omitempty"`
}

type Platform struct {
	Guard        Resources         `json:"guard"`
	Storage      string            `json:"storage"`
	StorageClass string            `json:"storageClass,omitempty"`
	Database     string            `json:"database,omitempty"`
	Observed     bool              `json:"observed"`
	Prometheus   string            `json:"prometheus,omitempty"`
	Owners       map[string]string `json:"owners"`
}

type From struct {
	URL        string `json:"url"`
	Credential string `json:"credential,omitempty"`
}
