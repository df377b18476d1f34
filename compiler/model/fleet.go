// Package model is the fleet as it is meant: defaults applied, references resolved, names given, everything sorted.
// Resolve is the only way to make a Fleet. It is read-only afterwards, and what comes later needs no check for nil or
// "unset" beyond the pointers that are documented as optional here.
package model

import (
	"time"

	"agentc/schema"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Ports that every agent and agentd have in common.
const (
	PortA2A      = 8443 // guard: calls from other agents, mTLS
	PortAgent    = 8080 // the agent itself, on loopback only
	PortHealth   = 8081 // guard: its own health and the agent's
	PortEgress   = 8082 // guard: what the agent sends out, on loopback only
	PortMetrics  = 9090 // guard, agentd: Prometheus
	PortDecision = 8444 // agentd: decisions and bundles, mTLS
	PortCallback = 8445 // agentd: Mattermost's callbacks
)

// Fleet is the whole spec, once for each environment.
type Fleet struct {
	Name         string
	Environments []*Environment // by name
	Teams        []schema.Team  // by name
	Git          schema.Git     // defaults applied

	// Written is the spec as written: for rules and for `agentc explain`, which speak of what an author wrote.
	Written *schema.Source
}

// Environment is the fleet in one destination.
type Environment struct {
	Fleet         *Fleet
	Name          string
	TrustDomain   string
	Cluster       string // URL of the API server
	ClusterDomain string
	Repository    string // that Argo CD reads
	Revision      string
	Issuer        schema.Issuer // kind set
	CA            []string      // PEM, each ending in a newline
	Duration      time.Duration // of a certificate
	RenewBefore   time.Duration
	Trust         string // key or git
	Keys          []schema.PublicKey
	BundleFrom    *BundleSource // nil: the ConfigMap
	Page          *Page         // nil: nobody reaches one
	Peers         Peers

	System     Identity // agentd's: its namespace is <fleet>-system
	Runtime    Runtime
	Agents     []*Agent     // by name
	Namespaces []*Namespace // by name, <fleet>-system not among them
	Endpoints  []*Endpoint  // by name, the used and the unused
	Actuators  []*Actuator  // by name
	Intakes    []*Intake    // by name
	Policy     *Policy

	From schema.Ref // the environment in the Platform document
}

// BundleSource is where agentd fetches a bundle that is too large for a ConfigMap.
type BundleSource struct {
	Endpoint *Endpoint
	Path     string // of the URL, with its slash first
}

// Page is where people reach agentd's.
type Page struct {
	URL  string
	Host string      // of the URL
	Pods schema.Pods // the gateway that passes their connections on
	From schema.Ref  // of the URL
}

// Identity is what a workload can prove of itself.
type Identity struct {
	Name      string // of the agent, its service account and its certificate; `agentd` for the runtime
	Namespace string
	Account   string // the service account: the name, unless it is a client's
	SPIFFE    string // spiffe://<trustDomain>/ns/<namespace>/sa/<account>
	Host      string // <name>.<namespace>.svc.<clusterDomain>
}

// Namespace is one namespace of the fleet with the agents in it.
type Namespace struct {
	Name   string
	Team   string
	Agents []*Agent // by name, at least one
}

// Agent is one agent in one environment.
type Agent struct {
	Identity
	Env         *Environment
	Team        schema.Team
	Description string
	Entry       bool
	Shared      bool // shares its namespace with others of its team
	Image       string
	Artifacts   []Artifact // by name
	Card        schema.Card
	Skills      []*Skill // by id
	Callers     []*Edge  // edges that end here, by caller
	Calls       []*Edge  // edges that begin here, by callee
	Uses        []*Use   // by endpoint
	Workload    Workload

	Doc     *schema.Document // where it is written
	layers  []layer          // where a workload value may be set, nearest first
	envPath string           // of the overlay in Doc
	written schema.Workload  // every layer merged, as written
}

// Artifact is a file that is versioned with the agent.
type Artifact struct {
	Name   string
	Path   string
	SHA256 string
}

// Skill is one thing that an agent can be asked for.
type Skill struct {
	ID      string
	Name    string
	Risk    string
	Tags    []string // sorted
	Written schema.Skill
	From    schema.Ref
}

// Edge is one caller's permission to call one callee: both sides agreed on every skill in it.
type Edge struct {
	Caller      Identity
	CallerAgent *Agent // nil where the caller is agentd or a client
	Callee      *Agent
	Grants      []*Grant // by skill id, at least one
	AllSkills   bool     // both sides said `*`: a call that names no skill is allowed

	Requested schema.Ref // the caller's half
	Accepted  schema.Ref // the callee's half
}

// Grant is one skill of an edge, with the reviewer rules that can apply to it.
type Grant struct {
	Skill *Skill
	Rules []*Rule // by id
}

// Use is one agent's permission to reach one endpoint.
type Use struct {
	Endpoint *Endpoint
	Tools    []schema.Tool // by name; only for MCP servers
	From     schema.Ref
}

// Endpoint is something outside the fleet, as it is in this environment.
type Endpoint struct {
	Name       string
	Type       string // model, mcp, kafka, mattermost, postgres, service
	Host       string
	Aliases    []string // further names of the host, sorted
	Port       int32
	Pods       *schema.Pods       // nil where the host is outside the cluster
	TLS        bool               // whether it is spoken there
	Tools      []schema.Tool      // by name
	Credential *schema.Credential // key set; nil where there is none
	Timeout    time.Duration
	From       schema.Ref
}

// Actuator is a service account that changes the cluster on behalf of agents.
type Actuator struct {
	schema.Actuator // mode set, resources sorted
	From            schema.Ref
}

// Intake is one stream of events that agentd passes on.
type Intake struct {
	Name     string
	Endpoint *Endpoint // nil: a client posts the events
	Topic    string
	Client   *Identity // nil: the topic is read
	To       *Agent
	Skill    *Skill
	Forward  *Topic // nil: the agent is asked by A2A
	From     schema.Ref
}

// Topic is one topic of an endpoint.
type Topic struct {
	Endpoint *Endpoint
	Topic    string
}

// Peers are the cluster's own services.
type Peers struct {
	DNS        schema.Peer  // namespace, labels and port set
	Prometheus *schema.Peer // nil: nobody scrapes
	OTLP       *schema.Peer // nil: traces stay in the log
}

// Runtime is agentd.
type Runtime struct {
	Image          string
	Replicas       int32
	Resources      Resources
	GuardResources Resources
	Storage        resource.Quantity
	StorageClass   string      // empty: the cluster's default
	Database       *Endpoint   // of escalations; nil: each replica's own volume
	Endpoints      []*Endpoint // by name: those named, the intakes' (read from and written to), the routes', the bundle's and the database
	From           schema.Ref
}

// Workload is how one agent runs: every value set.
type Workload struct {
	MinReplicas, MaxReplicas int32
	TargetCPU                int32
	Resources                Resources
	RequestTimeout           time.Duration
	ShutdownTimeout          time.Duration
	Startup                  Probe
	Readiness                Probe
	Liveness                 Probe
	MaxUnavailable           int32
	ProgressDeadline         time.Duration
	Canary                   *Canary  // nil: a rolling update
	Env                      []EnvVar // by name
}

// Resources of one container.
type Resources struct {
	Requests, Limits ResourceList
}

// ResourceList holds one amount for each resource. A limit that nobody set is zero, and check says so.
type ResourceList struct {
	CPU, Memory, EphemeralStorage resource.Quantity
}

// Probe is a health question over HTTP.
type Probe struct {
	Path     string
	Period   time.Duration
	Timeout  time.Duration
	Failures int32
}

// A canary is looked at once a CanaryInterval. The first look, after CanaryDelay, waits for two scrapes of the new pods; when two looks have
// failed, after CanaryVerdict, the canary is aborted.
const (
	CanaryDelay    = 2 * time.Minute
	CanaryInterval = time.Minute
	CanaryVerdict  = CanaryDelay + CanaryInterval
)

// Canary is a rollout in steps.
type Canary struct {
	Stable       string
	Steps        []schema.Step
	MaxErrorRate float64
}

// EnvVar is one environment variable.
type EnvVar struct{ Name, Value string }
