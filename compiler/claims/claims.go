// Package claims says what a fleet may do, in the form in which the judge is asked whether the generated files say the same.
//
// Everything here is read off the fleet: not off what the emitters wrote, and with none of their code, since their faults are what the
// judge is to find. The judge is a program of its own that shares no code with this one; it knows these types by their JSON.
// A format is raised when a judge of the older one would misunderstand the newer one.
package claims

import "agentc/schema"

// Format of the JSON.
const Format = 1

// Claims of a whole fleet.
type Claims struct {
	Format       int           `json:"format"`
	Fleet        string        `json:"fleet"`
	Environments []Environment `json:"environments"`
}

// Environment is the fleet in one destination. Its files lie below the folder of its name.
type Environment struct {
	Name          string     `json:"name"`
	At            At         `json:"at"`
	TrustDomain   string     `json:"trustDomain"`
	ClusterDomain string     `json:"clusterDomain"`
	Platform      Platform   `json:"platform"`
	Workloads     []Workload `json:"workloads"` // the agents and agentd, by name
	Parties       []Party    `json:"parties"`   // everybody that a flow names, by name
	Flows         []Flow     `json:"flows"`     // by caller, callee and port; what is not among them is denied
	Outside       []Outside  `json:"outside"`   // by caller and port
	Identity      Identity   `json:"identity"`
	Delivery      Delivery   `json:"delivery"`
	Actuators     []Actuator `json:"actuators"` // by name
	Decisions     Decisions  `json:"decisions"`
}

// At is a place in the spec.
type At struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

func at(ref schema.Ref) At {
	p := ref.Position()
	return At{p.File, p.Line, p.Column}
}

// Workload is one agent, or agentd, which is called `agentd` and has no skills.
type Workload struct {
	Name      string   `json:"name"`
	At        At       `json:"at"`
	Namespace string   `json:"namespace"`
	Account   string   `json:"account"` // service account
	SPIFFE    string   `json:"spiffe"`
	Names     []string `json:"names"`  // DNS names of its certificate, sorted
	Images    []string `json:"images"` // of its own container; two while a canary runs
	Guard     string   `json:"guard"`  // image of the guard beside it; empty for agentd
	Runs      Runs     `json:"runs"`
}

// Party is whoever can be one side of a flow: a workload of the fleet, or pods that the spec names by namespace, service account
// and labels.
type Party struct {
	Name      string            `json:"name"` // `agent detect`, `agentd`, `endpoint kafka`, `peer dns`, `client portal`, `page`
	At        At                `json:"at"`
	Namespace string            `json:"namespace"`
	Account   string            `json:"account,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
	Workload  string            `json:"workload,omitempty"` // the workload that it is, if it is one
}

// Flow is one permitted connection: From may open it to the Port of To's pods, and may resolve Hosts for it.
type Flow struct {
	From      string   `json:"from"`
	To        string   `json:"to"`
	Port      int32    `json:"port"`
	Protocols []string `json:"protocols"`
	Hosts     []string `json:"hosts,omitempty"`
	At        At       `json:"at"`
}

// Outside is one permitted connection to hosts outside the cluster, by TCP.
type Outside struct {
	From  string   `json:"from"`
	Hosts []string `json:"hosts"`
	Port  int32    `json:"port"`
	At    At       `json:"at"`
}

// Identity is what certificates of the environment have in common.
type Identity struct {
	At          At                `json:"at"`
	Issuer      string            `json:"issuer"` // <kind>/<name>
	Duration    string            `json:"duration"`
	RenewBefore string            `json:"renewBefore"`
	CA          string            `json:"ca"`    // PEM
	Trust       string            `json:"trust"` // which bundles load: key, or git
	Keys        map[string]string `json:"keys"`  // public keys that seal bundles, PEM by id
}

// Delivery is where Argo CD finds the files and applies them.
type Delivery struct {
	At            At       `json:"at"`
	Namespace     string   `json:"namespace"` // of Argo CD
	Repository    string   `json:"repository"`
	Path          string   `json:"path"` // of the generated folder in it
	Revision      string   `json:"revision"`
	Cluster       string   `json:"cluster"`
	Applier       string   `json:"applier"` // user that Argo CD is to the cluster
	SignatureKeys []string `json:"signatureKeys,omitempty"`
}

// Actuator is a user that changes the cluster on behalf of agents.
type Actuator struct {
	Name    string   `json:"name"`
	At      At       `json:"at"`
	User    string   `json:"user"`
	Enforce bool     `json:"enforce"` // what carries no approval is refused, and not only reported
	May     []string `json:"may"`     // `<group>/<resource> <verb>`
}
