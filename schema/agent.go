package schema

// Agent is one LLM agent: what it is, which skills it offers, whom it may ask for what, and what it reaches.
// The AI team owns it. One file holds one Agent.
type Agent struct {
	Header `json:",inline"`

	// Spec says what the agent is and what it may do.
	Spec AgentSpec `json:"spec" rule:"required"`
}

// AgentSpec is the body of an Agent.
type AgentSpec struct {
	// Team owns the agent and is named on every object of it. It must stand in the platform's teams.
	Team string `json:"team" rule:"required,name"`

	// Description says in one or two sentences what the agent does. It goes into the Agent Card.
	Description string `json:"description" rule:"required,max=1024"`

	// Entry says that work begins at this agent, for a client outside the fleet or by itself, so that it may start a trace.
	// Every other agent refuses a call that carries no trace_id. Default: false.
	Entry bool `json:"entry,omitempty"`

	// Isolation is `agent` (a namespace of its own, the default) or `team` (one namespace for all agents of the team that
	// say so; they can then read each other's keys, which is why the compiler warns).
	Isolation string `json:"isolation,omitempty" rule:"enum=agent|team"`

	// Image is the container image, with a digest: `registry.example/name:tag@sha256:<64 hex digits>`.
	Image string `json:"image" rule:"required,max=512"`

	// Artifacts are files that are versioned with the agent (a prompt, a tool schema): a name for each and its path below
	// agents.d. Their SHA-256 goes into the pod template, so that a new prompt is a new rollout. They are not interpreted.
	Artifacts map[string]string `json:"artifacts,omitempty" rule:"keys=name"`

	// Forest is the anomaly model that stands before the agent, which `agentc forest train` wrote: its path below agents.d. One of the source
	// `falco` scores the events that an intake hands to the agent, one of `a2a` the calls that reach it.
	Forest string `json:"forest,omitempty"`

	// Card is what the agent tells others about itself; it becomes the A2A 1.0 Agent Card.
	Card Card `json:"card" rule:"required"`

	// Accepts lists who may call which of this agent's skills. An edge exists only if the caller requests it too.
	Accepts []Accept `json:"accepts,omitempty"`

	// Requests lists which skills of other agents this agent may call. An edge exists only if the callee accepts it too.
	Requests []Request `json:"requests,omitempty"`

	// Endpoints lists what the agent reaches outside the fleet, by the names in the platform's catalogue.
	Endpoints []EndpointUse `json:"endpoints,omitempty"`

	// Workload says how the agent runs. What is left out comes from the environment's and the platform's defaults.
	Workload Workload `json:"workload,omitempty"`

	// Environments says what differs in one environment, by its name. Who may call whom never differs.
	Environments map[string]AgentOverlay `json:"environments,omitempty" rule:"keys=name"`
}

// Card describes the agent to its callers.
type Card struct {
	// Version of the agent, for people and for the Agent Card: `1.4.0`.
	Version string `json:"version" rule:"required,version"`

	// DocumentationURL leads to a page about the agent.
	DocumentationURL string `json:"documentationUrl,omitempty" rule:"url"`

	// Streaming says that the agent answers with server-sent events when asked to. Default: false.
	Streaming bool `json:"streaming,omitempty"`

	// InputModes are the media types that every skill reads unless it says otherwise. Default: `application/json`.
	InputModes []string `json:"inputModes,omitempty"`

	// OutputModes are the media types that every skill writes unless it says otherwise. Default: `application/json`.
	OutputModes []string `json:"outputModes,omitempty"`

	// Skills are what the agent can be asked for. A skill is the unit of authorization.
	Skills []Skill `json:"skills" rule:"required"`
}

// Skill is one thing that an agent can be asked for.
type Skill struct {
	// ID names the skill in edges, rules, URLs and logs. Unique within the agent.
	ID string `json:"id" rule:"required,name"`

	// Name is the skill's title for people.
	Name string `json:"name" rule:"required,max=128"`

	// Description says what the skill does and what it needs.
	Description string `json:"description" rule:"required,max=1024"`

	// Tags group skills; reviewer rules and floors match them.
	Tags []string `json:"tags,omitempty" rule:"items=name"`

	// Risk is the team's claim of what a mistake would cost: low, medium, high or critical. Reviewer policies set floors.
	Risk string `json:"risk" rule:"required,enum=low|medium|high|critical"`

	// Examples are requests that the skill handles, for the Agent Card.
	Examples []string `json:"examples,omitempty"`

	// InputModes replace the card's for this skill.
	InputModes []string `json:"inputModes,omitempty"`

	// OutputModes replace the card's for this skill.
	OutputModes []string `json:"outputModes,omitempty"`
}

// Accept is the callee's half of an edge.
type Accept struct {
	// From is the calling agent, a client of the platform, or `agentd` for events that the runtime's intake delivers.
	From string `json:"from" rule:"required,name"`

	// Skills are ids of this agent's skills, or a single `*` for all of them, those to come included.
	Skills []string `json:"skills" rule:"required"`
}

// Request is the caller's half of an edge.
type Request struct {
	// To is the agent that is called.
	To string `json:"to" rule:"required,name"`

	// Skills are ids of that agent's skills, or a single `*` for all of them, those to come included.
	Skills []string `json:"skills" rule:"required"`
}

// EndpointUse lets the agent reach one endpoint of the platform's catalogue.
type EndpointUse struct {
	// Name of the endpoint.
	Name string `json:"name" rule:"required,name"`

	// Tools are the tools of an MCP server that the agent may use. Only these; there is no wildcard.
	Tools []string `json:"tools,omitempty"`
}

// AgentOverlay is what differs for one agent in one environment.
type AgentOverlay struct {
	// Image replaces the agent's image.
	Image string `json:"image,omitempty" rule:"max=512"`

	// Workload replaces single settings of the agent's workload.
	Workload Workload `json:"workload,omitempty"`
}
