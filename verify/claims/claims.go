// Package claims is what the compiler says a fleet may do, as it comes to the judge: JSON of a version.
//
// The compiler has these types too, in compiler/claims, where each field is explained. They are written twice on purpose: the judge shares no code
// with what it judges, and a field that one of them does not know is an error.
package claims

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
)

// Format that this judge knows.
const Format = 1

type Claims struct {
	Format       int           `json:"format"`
	Fleet        string        `json:"fleet"`
	Environments []Environment `json:"environments"`
}

type Environment struct {
	Name          string     `json:"name"`
	At            At         `json:"at"`
	TrustDomain   string     `json:"trustDomain"`
	ClusterDomain string     `json:"clusterDomain"`
	Platform      Platform   `json:"platform"`
	Workloads     []Workload `json:"workloads"`
	Parties       []Party    `json:"parties"`
	Flows         []Flow     `json:"flows"`
	Outside       []Outside  `json:"outside"`
	Identity      Identity   `json:"identity"`
	Delivery      Delivery   `json:"delivery"`
	Actuators     []Actuator `json:"actuators"`
	Decisions     Decisions  `json:"decisions"`
}

// At is a place in the spec.
type At struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

type Workload struct {
	Name      string   `json:"name"`
	At        At       `json:"at"`
	Namespace string   `json:"namespace"`
	Account   string   `json:"account"`
	SPIFFE    string   `json:"spiffe"`
	Names     []string `json:"names"`
	Images    []string `json:"images"`
	Guard     string   `json:"guard"`
	Runs      Runs     `json:"runs"`
}

type Party struct {
	Name      string            `json:"name"`
	At        At                `json:"at"`
	Namespace string            `json:"namespace"`
	Account   string            `json:"account,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
	Workload  string            `json:"workload,omitempty"`
}

type Flow struct {
	From      string   `json:"from"`
	To        string   `json:"to"`
	Port      int32    `json:"port"`
	Protocols []string `json:"protocols"`
	Hosts     []string `json:"hosts,omitempty"`
	At        At       `json:"at"`
}

type Outside struct {
	From  string   `json:"from"`
	Hosts []string `json:"hosts"`
	Port  int32    `json:"port"`
	At    At       `json:"at"`
}

type Identity struct {
	At          At                `json:"at"`
	Issuer      string            `json:"issuer"`
	Duration    string            `json:"duration"`
	RenewBefore string            `json:"renewBefore"`
	CA          string            `json:"ca"`
	Trust       string            `json:"trust"`
	Keys        map[string]string `json:"keys"`
}

type Delivery struct {
	At            At       `json:"at"`
	Namespace     string   `json:"namespace"`
	Repository    string   `json:"repository"`
	Path          string   `json:"path"`
	Revision      string   `json:"revision"`
	Cluster       string   `json:"cluster"`
	Applier       string   `json:"applier"`
	SignatureKeys []string `json:"signatureKeys,omitempty"`
}

// The decision layer is judged elsewhere, by the OPA that the product links; this judge reads past it.
type Decisions struct {
	Fleet      string     `json:"fleet"`
	ConfigMap  string     `json:"configMap,omitempty"`
	From       *From      `json:"from,omitempty"`
	Agents     []Callee   `json:"agents"`
	Rules      []Rule     `json:"rules"`
	Rego       []Rego     `json:"rego,omitempty"`
	Escalation Escalation `json:"escalation"`
	Runtime    Runtime    `json:"runtime"`
	Anomaly    *Anomaly   `json:"anomaly,omitempty"`
}

type Callee struct {
	Name       string  `json:"name"`
	At         At      `json:"at"`
	SPIFFE     string  `json:"spiffe"`
	Host       string  `json:"host"`
	Team       string  `json:"team"`
	Entry      bool    `json:"entry,omitempty"`
	RequestMs  int64   `json:"requestMs"`
	ShutdownMs int64   `json:"shutdownMs"`
	Skills     []Skill `json:"skills"`
	Callers    []Edge  `json:"callers"`
	Endpoints  []Use   `json:"endpoints"`
}

type Skill struct {
	ID   string   `json:"id"`
	At   At       `json:"at"`
	Risk string   `json:"risk"`
	Tags []string `json:"tags,omitempty"`
}

type Edge struct {
	Caller    string  `json:"caller"`
	SPIFFE    string  `json:"spiffe"`
	Grants    []Grant `json:"grants"`
	AllSkills bool    `json:"allSkills,omitempty"`
	Requested At      `json:"requested"`
	Accepted  At      `json:"accepted"`
}

type Grant struct {
	Skill string   `json:"skill"`
	Rules []string `json:"rules,omitempty"`
}

type Use struct {
	Name      string `json:"name"`
	At        At     `json:"at"`
	Type      string `json:"type"`
	Host      string `json:"host"`
	Port      int32  `json:"port"`
	TimeoutMs int64  `json:"timeoutMs"`
	TLS       bool   `json:"tls"`
	Tools     []Tool `json:"tools,omitempty"`

	Credential bool `json:"credential,omitempty"`
}

type Tool struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

type Rule struct {
	ID         string `json:"id"`
	At         At     `json:"at"`
	Team       string `json:"team"`
	Reason     string `json:"reason"`
	Verdict    string `json:"verdict"`
	Route      string `json:"route,omitempty"`
	Confidence *Range `json:"confidence,omitempty"`
	Anomaly    *Range `json:"anomaly,omitempty"`
}

type Range struct {
	AtLeast *float64 `json:"atLeast,omitempty"`
	Below   *float64 `json:"below,omitempty"`
}

type Rego struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
}

type Escalation struct {
	LifetimeMs   int64    `json:"lifetimeMs"`
	DefaultRoute string   `json:"defaultRoute"`
	Page         string   `json:"page,omitempty"`
	Routes       []Route  `json:"routes"`
	People       []Person `json:"people,omitempty"`
}

// PageHost is the name under which people reach agentd; empty where they do not.
func (e *Escalation) PageHost() string {
	u, err := url.Parse(e.Page)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

type Route struct {
	Name      string   `json:"name"`
	At        At       `json:"at"`
	Endpoint  string   `json:"endpoint"`
	Channel   string   `json:"channel"`
	Approvers []string `json:"approvers"`
	Quorum    int32    `json:"quorum"`
	Hours     *Hours   `json:"hours,omitempty"`
}

type Hours struct {
	Days      []string `json:"days"`
	From      int32    `json:"from"`
	Until     int32    `json:"until"`
	Otherwise string   `json:"otherwise"`
}

type Person struct {
	Name       string   `json:"name"`
	At         At       `json:"at"`
	Email      string   `json:"email"`
	Mattermost string   `json:"mattermost,omitempty"`
	Team       string   `json:"team"`
	Groups     []string `json:"groups"`
}

type Runtime struct {
	At        At       `json:"at"`
	SPIFFE    string   `json:"spiffe"`
	Endpoints []Use    `json:"endpoints,omitempty"`
	Intakes   []Intake `json:"intakes,omitempty"`
}

type Intake struct {
	Name     string `json:"name"`
	At       At     `json:"at"`
	Endpoint string `json:"endpoint,omitempty"`
	Topic    string `json:"topic,omitempty"`
	Client   string `json:"client,omitempty"`
	Agent    string `json:"agent"`
	Skill    string `json:"skill"`
	Forward  *Topic `json:"forward,omitempty"`
}

type Topic struct {
	Endpoint string `json:"endpoint"`
	Topic    string `json:"topic"`
}

type Anomaly struct {
	At        At         `json:"at"`
	Always    []string   `json:"always,omitempty"`
	Classes   []Class    `json:"classes"`
	Overrides []Override `json:"overrides,omitempty"`
	Forests   []Forest   `json:"forests,omitempty"`
}

type Events struct {
	Source    string `json:"source,omitempty"`
	Priority  string `json:"priority,omitempty"`
	Agent     string `json:"agent,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

type Class struct {
	ID string `json:"id"`
	At At     `json:"at"`
	Events
	Percentile float64  `json:"percentile"`
	Min        float64  `json:"min"`
	Max        float64  `json:"max"`
	PerHour    int32    `json:"perHour,omitempty"`
	Shadow     *float64 `json:"shadow,omitempty"`
	Sample     float64  `json:"sample,omitempty"`
}

type Override struct {
	ID string `json:"id"`
	Events
	Percentile float64 `json:"percentile"`
	Expires    string  `json:"expires"`
}

type Forest struct {
	Agent    string `json:"agent"`
	At       At     `json:"at"`
	Model    string `json:"model"`
	Feedback string `json:"feedback,omitempty"`
}

type Actuator struct {
	Name    string   `json:"name"`
	At      At       `json:"at"`
	User    string   `json:"user"`
	Enforce bool     `json:"enforce"`
	May     []string `json:"may"`
}

// Parse reads claims. A field or a format that is not known is an error: what is not understood cannot be judged.
func Parse(data []byte) (*Claims, error) {
	var head struct{ Format int }
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	if head.Format != Format {
		return nil, fmt.Errorf("claims of format %d; this judge knows format %d: agentc and agentc-verify belong to different releases", head.Format, Format)
	}
	c := &Claims{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	if len(c.Environments) == 0 {
		return nil, fmt.Errorf("claims: no environment")
	}
	return c, nil
}
