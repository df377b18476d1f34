package schema

// Platform is what the platform team owns: clusters, issuers, registries, endpoints, peers, Git. There is exactly one.
type Platform struct {
	Header `json:",inline"`

	// Spec describes the platform.
	Spec PlatformSpec `json:"spec" rule:"required"`
}

// PlatformSpec is the body of a Platform.
type PlatformSpec struct {
	// Fleet is the name of the fleet; namespaces begin with it.
	Fleet string `json:"fleet" rule:"required,name"`

	// Teams that own agents, policies and the platform.
	Teams []Team `json:"teams" rule:"required"`

	// Registries are the prefixes that an image must begin with: `registry.soc.example/agents`.
	Registries []string `json:"registries" rule:"required,items=registry"`

	// Runtime is agentd: the decision service and the guard beside every agent.
	Runtime Runtime `json:"runtime" rule:"required"`

	// Endpoints is the catalogue of everything outside the fleet that an agent may be allowed to reach.
	Endpoints []Endpoint `json:"endpoints,omitempty"`

	// Actuators are the service accounts that change the cluster on behalf of agents. What they do needs an approval.
	Actuators []Actuator `json:"actuators,omitempty"`

	// Peers are the services of the cluster that every agent needs or is watched by.
	Peers Peers `json:"peers" rule:"required"`

	// Clients are the workloads outside the fleet that may ask its agents: an ingress gateway, a chat bot.
	Clients []Client `json:"clients,omitempty"`

	// Intake lists the event streams that agentd gets, filters and passes on to an agent.
	Intake []Intake `json:"intake,omitempty"`

	// Git says where the generated files live.
	Git Git `json:"git" rule:"required"`

	// Defaults for every agent's workload.
	Defaults Workload `json:"defaults,omitempty"`

	// Environments are the destinations. Each has its own trust domain.
	Environments []Environment `json:"environments" rule:"required"`
}

// Team owns files and objects.
type Team struct {
	// Name of the team.
	Name string `json:"name" rule:"required,name"`

	// Email that people write to when something of the team's is broken.
	Email string `json:"email" rule:"required,email"`

	// Owners are the users or groups for CODEOWNERS: `@acme/soc`.
	Owners []string `json:"owners" rule:"required,items=owner"`

	// Owns says which part of the spec is the team's: `agents`, `policies` or `platform`.
	Owns string `json:"owns" rule:"required,enum=agents|policies|platform"`
}

// Runtime describes agentd.
type Runtime struct {
	// Image of agentd, with a digest. The guard beside every agent is the same image.
	Image string `json:"image" rule:"required,max=512"`

	// Replicas of the decision service. Default: 2 with a database, 1 without. Limits: 1 to 9.
	Replicas *int32 `json:"replicas,omitempty" rule:"min=1,max=9"`

	// Resources of one replica of the decision service. Default limits: 500m CPU, 512Mi memory, 256Mi ephemeral storage.
	Resources Resources `json:"resources,omitempty"`

	// GuardResources are those of the guard beside each agent. Default limits: 250m CPU, 128Mi memory, 64Mi ephemeral storage.
	GuardResources Resources `json:"guardResources,omitempty"`

	// Storage is the size of each replica's volume for the audit log. Default: 10Gi.
	Storage Quantity `json:"storage,omitempty"`

	// StorageClass of these volumes. Default: the cluster's.
	StorageClass string `json:"storageClass,omitempty" rule:"name"`

	// Endpoints that agentd itself reaches: where escalations are posted, where events come from.
	Endpoints []string `json:"endpoints,omitempty" rule:"items=name"`

	// Database is the endpoint of type `postgres` in which the replicas keep escalations together; the key of its credential holds a connection URI.
	// Left out: each keeps its own on its volume, so that there is one replica at most.
	Database string `json:"database,omitempty" rule:"name"`

	// Page says where people reach agentd's page. Left out: they do not, and answer in the chat or on the command line.
	Page *Page `json:"page,omitempty"`
}

// Page is where people reach agentd's page. They prove who they are by certificates, which agentd itself asks for.
type Page struct {
	// URL that people open, without a path: `https://approvals.soc.example`. Its host stands in agentd's certificate.
	URL string `json:"url" rule:"required,url"`

	// Pods are the gateway in the cluster that passes their connections on to agentd's port 8444, without ending TLS.
	Pods Pods `json:"pods" rule:"required"`
}

// Endpoint is one thing outside the fleet that an agent may be allowed to reach.
type Endpoint struct {
	// Name by which agents and policies refer to it.
	Name string `json:"name" rule:"required,name"`

	// Type is what speaks there: `model` (an LLM API), `mcp` (an MCP server with tools), `kafka`, `mattermost`, `postgres` (agentd's
	// database) or `service`.
	Type string `json:"type" rule:"required,enum=model|mcp|kafka|mattermost|postgres|service"`

	// Description for people.
	Description string `json:"description,omitempty" rule:"max=512"`

	// Host is the fully qualified name that is dialled: one host, no wildcard, no address, no URL.
	Host string `json:"host" rule:"required,max=253"`

	// Aliases are further names of the same host, which a client learns only from its answers: a Kafka broker's own, say.
	Aliases []string `json:"aliases,omitempty"`

	// Port that is dialled. For a service in the cluster it is the container's port, since Cilium decides after translation.
	Port int32 `json:"port" rule:"required,min=1,max=65535"`

	// Pods are the pods behind the host when it is a service in the cluster. Without it the host is outside the cluster.
	Pods *Pods `json:"pods,omitempty"`

	// TLS says whether TLS is spoken there. Default: true for a host outside the cluster, false for one within.
	TLS *bool `json:"tls,omitempty"`

	// Tools of an MCP server, each pinned. Only for type `mcp`.
	Tools []Tool `json:"tools,omitempty"`

	// Credential that the guard adds to what the agent sends, so that the agent never holds it.
	Credential *Credential `json:"credential,omitempty"`

	// Timeout of one request. Default: 20s. Limits: 1s to 1h.
	Timeout Duration `json:"timeout,omitempty" rule:"min=1s,max=1h"`
}

// Pods selects pods in the cluster by namespace and by service account or labels.
type Pods struct {
	// Namespace in which they run.
	Namespace string `json:"namespace" rule:"required,name"`

	// ServiceAccount under which they run. Better than labels, which a pod chooses for itself.
	ServiceAccount string `json:"serviceAccount,omitempty" rule:"name"`

	// Labels that they carry.
	Labels map[string]string `json:"labels,omitempty" rule:"keys=label,items=labelvalue"`
}

// Tool is one tool of an MCP server.
type Tool struct {
	// Name of the tool, as the server spells it.
	Name string `json:"name" rule:"required,tool"`

	// Schema is the SHA-256 of the tool's definition (name, description, input schema, annotations; RFC 8785):
	// `sha256:<64 hex digits>`. A server that changes the tool is refused until the new hash is reviewed.
	Schema string `json:"schema" rule:"required,digest"`
}

// Credential is a key of a Secret in the agent's namespace. The Secret is not ours: it is put there by whoever holds it.
type Credential struct {
	// Secret is the name of the Secret.
	Secret string `json:"secret" rule:"required,name"`

	// Key within the Secret. Default: `token`.
	Key string `json:"key,omitempty" rule:"max=253"`
}

// Actuator is a service account that changes the cluster on behalf of agents.
type Actuator struct {
	// Name of the actuator, for rules and reports.
	Name string `json:"name" rule:"required,name"`

	// Endpoint is the MCP server that runs under the service account.
	Endpoint string `json:"endpoint" rule:"required,name"`

	// Namespace of the service account.
	Namespace string `json:"namespace" rule:"required,name"`

	// ServiceAccount that changes the cluster.
	ServiceAccount string `json:"serviceAccount" rule:"required,name"`

	// Resources that it may touch, each with an approval annotation. Anything else is refused.
	Resources []ActuatorResource `json:"resources" rule:"required"`

	// Mode is `enforce` (refuse what has no approval, the default) or `report` (admit it and report it).
	Mode string `json:"mode,omitempty" rule:"enum=enforce|report"`
}

// ActuatorResource is one kind of object that an actuator may touch.
type ActuatorResource struct {
	// Group of the API: `networking.k8s.io`; empty for the core group.
	Group string `json:"group,omitempty" rule:"max=253"`

	// Resource is the plural name: `networkpolicies`.
	Resource string `json:"resource" rule:"required,name"`

	// Verbs are `create`, `update`, `delete`.
	Verbs []string `json:"verbs" rule:"required,items=verb"`
}

// Peers are the cluster's own services. Each becomes an implicit edge of every agent.
type Peers struct {
	// DNS is the cluster's resolver. Default: kube-dns in kube-system, port 53.
	DNS Peer `json:"dns,omitempty"`

	// Prometheus scrapes the metrics port. Left out: nobody does, and a canary cannot be analysed.
	Prometheus *Peer `json:"prometheus,omitempty"`

	// OTLP receives traces. Left out: traces stay in the log.
	OTLP *Peer `json:"otlp,omitempty"`
}

// Peer is a service of the cluster.
type Peer struct {
	// Namespace in which its pods run.
	Namespace string `json:"namespace,omitempty" rule:"name"`

	// Labels of its pods.
	Labels map[string]string `json:"labels,omitempty" rule:"keys=label,items=labelvalue"`

	// Port of its pods.
	Port int32 `json:"port,omitempty" rule:"min=1,max=65535"`

	// Host under which it is dialled: `otel-collector.observability.svc.cluster.local`.
	Host string `json:"host,omitempty" rule:"max=253"`
}

// Client is a workload outside the fleet that may ask agents. It proves itself as they do, by a certificate of the
// environment's trust domain with the SPIFFE id of its namespace and service account; who issues it is not the fleet's matter.
type Client struct {
	// Name by which agents accept it. No agent has the same.
	Name string `json:"name" rule:"required,name"`

	// Namespace in which it runs.
	Namespace string `json:"namespace" rule:"required,name"`

	// ServiceAccount under which it runs.
	ServiceAccount string `json:"serviceAccount" rule:"required,name"`

	// Requests lists the skills that it may ask for: its half of an edge.
	Requests []Request `json:"requests" rule:"required"`
}

// Intake is one stream of events that agentd filters and passes on.
type Intake struct {
	// Name of the stream.
	Name string `json:"name" rule:"required,name"`

	// Endpoint that it is read from, of type `kafka`, with a topic. An intake has either these two or a client.
	Endpoint string `json:"endpoint,omitempty" rule:"name"`

	// Topic to read.
	Topic string `json:"topic,omitempty" rule:"topic"`

	// Client is who posts the events to agentd instead: falcosidekick, say.
	Client *Poster `json:"client,omitempty"`

	// To is the agent that gets what the filter lets through. The agent must accept it from `agentd`.
	To string `json:"to" rule:"required,name"`

	// Skill of that agent.
	Skill string `json:"skill" rule:"required,name"`

	// Forward is the topic by which the agent gets the events. Left out: it is asked by A2A, as by another agent. Where all intakes of an agent
	// forward, agentd cannot connect to it.
	Forward *Topic `json:"forward,omitempty"`
}

// Poster is a workload outside the fleet that posts events to agentd. It proves itself by a certificate of the environment's
// trust domain with the SPIFFE id of its namespace and service account, as a client does.
type Poster struct {
	// Namespace in which it runs.
	Namespace string `json:"namespace" rule:"required,name"`

	// ServiceAccount under which it runs.
	ServiceAccount string `json:"serviceAccount" rule:"required,name"`
}

// Topic is one topic of an endpoint.
type Topic struct {
	// Endpoint of type `kafka`.
	Endpoint string `json:"endpoint" rule:"required,name"`

	// Topic that is written to.
	Topic string `json:"topic" rule:"required,topic"`
}

// Git says where the generated files live, for Argo CD.
type Git struct {
	// Repository URL that Argo CD reads: `https://git.soc.example/soc/agents.git`.
	Repository string `json:"repository" rule:"required,giturl"`

	// Path of the generated folder in it. Default: `generated`.
	Path string `json:"path,omitempty" rule:"path"`

	// SignatureKeys are the GnuPG keys, one of which must have signed the commit that Argo CD syncs: their long ids, 16
	// hexadecimal digits in capitals; of the subkey, where a subkey signs. The keys themselves are in Argo CD's key ring.
	// Default: no signature is demanded.
	SignatureKeys []string `json:"signatureKeys,omitempty" rule:"items=gpgkey"`

	// ArgoNamespace is the namespace of Argo CD. Default: `argocd`.
	ArgoNamespace string `json:"argoNamespace,omitempty" rule:"name"`
}

// Environment is one destination.
type Environment struct {
	// Name of the environment: `dev`, `prod`.
	Name string `json:"name" rule:"required,name"`

	// TrustDomain of its SPIFFE ids. No two environments share one.
	TrustDomain string `json:"trustDomain" rule:"required,dns"`

	// Cluster is the URL of its API server, as Argo CD knows it.
	Cluster string `json:"cluster" rule:"required,url"`

	// ClusterDomain is the DNS suffix of services. Default: `cluster.local`.
	ClusterDomain string `json:"clusterDomain,omitempty" rule:"dns"`

	// Revision is the branch or tag that Argo CD follows. Default: `main`.
	Revision string `json:"revision,omitempty" rule:"revision"`

	// Repository that Argo CD reads for this environment, where it is not the platform's.
	Repository string `json:"repository,omitempty" rule:"giturl"`

	// Issuer is the cert-manager issuer of the environment's identities.
	Issuer Issuer `json:"issuer" rule:"required"`

	// CA are the certificates (PEM, public) that agents trust each other by; two at once while one replaces the other.
	CA []string `json:"ca" rule:"required"`

	// Certificates bounds the life of an agent's key.
	Certificates CertificateLife `json:"certificates,omitempty"`

	// Bundle says which bundles agentd loads here.
	Bundle BundleTrust `json:"bundle,omitempty"`

	// Endpoints says what differs for an endpoint, by its name.
	Endpoints map[string]EndpointOverlay `json:"endpoints,omitempty" rule:"keys=name"`

	// Page is the URL of agentd's page here, where it is not the runtime's.
	Page string `json:"page,omitempty" rule:"url"`

	// Defaults for every agent's workload in this environment; they win over the platform's.
	Defaults Workload `json:"defaults,omitempty"`
}

// Issuer refers to a cert-manager issuer.
type Issuer struct {
	// Kind is `ClusterIssuer` (the default) or `Issuer`.
	Kind string `json:"kind,omitempty" rule:"enum=ClusterIssuer|Issuer"`

	// Name of the issuer.
	Name string `json:"name" rule:"required,name"`
}

// CertificateLife bounds the life of a certificate.
type CertificateLife struct {
	// Duration of a certificate. Default: 24h. Limits: 1h to 2160h.
	Duration Duration `json:"duration,omitempty" rule:"min=1h,max=2160h"`

	// RenewBefore its end a new one is issued, with a new key. Default: 8h. Limits: 5m to 1440h, and less than duration.
	RenewBefore Duration `json:"renewBefore,omitempty" rule:"min=5m,max=1440h"`
}

// BundleTrust says which bundles agentd loads.
type BundleTrust struct {
	// Trust is `key` (only sealed bundles, the default) or `git` (unsealed ones too, from a mounted file).
	Trust string `json:"trust,omitempty" rule:"enum=key|git"`

	// Keys are the public keys that seal bundles. Required where trust is `key`.
	Keys []PublicKey `json:"keys,omitempty"`

	// Endpoint of type `service` from which agentd fetches the bundle over HTTPS, for one that is too large for a ConfigMap
	// (900 KiB compressed). Whoever publishes puts `bundle.tar.gz` there. Only where trust is `key`: an unsealed bundle is
	// trusted from a mounted file alone. Default: the ConfigMap, which agentd mounts.
	Endpoint string `json:"endpoint,omitempty" rule:"name"`

	// Path of the bundle at that endpoint: `/prod/bundle.tar.gz`. Required with endpoint.
	Path string `json:"path,omitempty" rule:"urlpath"`
}

// PublicKey verifies bundles.
type PublicKey struct {
	// ID by which a signature names the key.
	ID string `json:"id" rule:"required,name"`

	// Key is the public key, in PEM.
	Key string `json:"key" rule:"required,max=4096"`
}

// EndpointOverlay is what differs for one endpoint in one environment.
type EndpointOverlay struct {
	// Host replaces the endpoint's host.
	Host string `json:"host,omitempty" rule:"max=253"`

	// Aliases replace the endpoint's aliases. Where only the host is replaced, there are none.
	Aliases []string `json:"aliases,omitempty"`

	// Port replaces the endpoint's port.
	Port int32 `json:"port,omitempty" rule:"min=1,max=65535"`

	// Pods replaces the endpoint's pods.
	Pods *Pods `json:"pods,omitempty"`

	// TLS replaces the endpoint's tls.
	TLS *bool `json:"tls,omitempty"`
}
