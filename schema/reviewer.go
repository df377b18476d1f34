package schema

// ReviewerPolicy turns proposed actions into verdicts. The SOC owns it; there may be several.
type ReviewerPolicy struct {
	Header `json:",inline"`

	// Spec holds the rules.
	Spec ReviewerPolicySpec `json:"spec" rule:"required"`
}

// ReviewerPolicySpec is the body of a ReviewerPolicy.
type ReviewerPolicySpec struct {
	// Team that owns the policy.
	Team string `json:"team" rule:"required,name"`

	// Environments in which the policy holds. Default: all.
	Environments []string `json:"environments,omitempty" rule:"items=name"`

	// Rules that give a verdict. Their order does not matter: a reject beats an escalation, an escalation beats an
	// execution, and what no rule matches is escalated.
	Rules []Rule `json:"rules,omitempty"`

	// Floors are the lowest risks that an agent's team may claim for a skill.
	Floors []Floor `json:"floors,omitempty"`

	// Escalation says how humans are asked. Exactly one policy of an environment holds it.
	Escalation *Escalation `json:"escalation,omitempty"`

	// Anomaly holds the thresholds of the prefilter.
	Anomaly *Anomaly `json:"anomaly,omitempty"`
}

// Rule gives a verdict to the actions that it matches.
type Rule struct {
	// ID names the rule in decisions and reports. Unique within the policy.
	ID string `json:"id" rule:"required,name"`

	// Reason is shown to the human who is asked and kept in the decision log.
	Reason string `json:"reason" rule:"required,max=512"`

	// Match says which actions, by what the spec says of them. Left out: all.
	Match Match `json:"match,omitempty"`

	// When says under which circumstances, known only at run time. Left out: always.
	When When `json:"when,omitempty"`

	// Verdict is `auto-execute`, `auto-reject` or `escalate`.
	Verdict string `json:"verdict" rule:"required,enum=auto-execute|auto-reject|escalate"`

	// Route of an escalation, by its name. Default: the escalation's default route.
	Route string `json:"route,omitempty" rule:"name"`
}

// Match selects actions by what the spec says of them. Every field that is set must match; within a field, any entry.
type Match struct {
	// Skills as `agent/skill`.
	Skills []string `json:"skills,omitempty" rule:"items=skillref"`

	// Tags of the skill.
	Tags []string `json:"tags,omitempty" rule:"items=name"`

	// Risks of the skill.
	Risks []string `json:"risks,omitempty" rule:"items=risk"`

	// Callers are the calling agents.
	Callers []string `json:"callers,omitempty" rule:"items=name"`
}

// When bounds what is known only at run time. A value that is not known never executes: a rule that would execute does
// not hold then, and a rule that would reject or escalate escalates.
type When struct {
	// Confidence is the caller's own claim, 0 to 1.
	Confidence *Range `json:"confidence,omitempty" rule:"within=0..1"`

	// Anomaly is the percentile that the forest gives the event, 0 to 100.
	Anomaly *Range `json:"anomaly,omitempty" rule:"within=0..100"`
}

// Range is a half-open interval: atLeast <= x < below. At least one end is set.
type Range struct {
	// AtLeast is the smallest value inside.
	AtLeast *float64 `json:"atLeast,omitempty"`

	// Below is the smallest value above.
	Below *float64 `json:"below,omitempty"`
}

// Floor is the lowest risk that may be claimed for the skills that it names.
type Floor struct {
	// Skills as `agent/skill`.
	Skills []string `json:"skills,omitempty" rule:"items=skillref"`

	// Tags of the skill.
	Tags []string `json:"tags,omitempty" rule:"items=name"`

	// Risk is the lowest that may be claimed.
	Risk string `json:"risk" rule:"required,enum=low|medium|high|critical"`
}

// Escalation says how humans are asked.
type Escalation struct {
	// Lifetime of a pending escalation; when it ends without an answer, the action is rejected. Default: 15m.
	// Limits: 1m to 24h.
	Lifetime Duration `json:"lifetime,omitempty" rule:"min=1m,max=24h"`

	// Default is the route of escalations that name none.
	Default string `json:"default" rule:"required,name"`

	// Routes lead to humans.
	Routes []Route `json:"routes" rule:"required"`

	// People who may decide, by the groups that they are in. Nobody else may.
	People []Person `json:"people,omitempty"`
}

// Route leads to humans.
type Route struct {
	// Name by which rules refer to it.
	Name string `json:"name" rule:"required,name"`

	// Endpoint of type `mattermost` where the question is posted.
	Endpoint string `json:"endpoint" rule:"required,name"`

	// Channel to post in.
	Channel string `json:"channel" rule:"required,channel"`

	// Approvers are the groups whose members may decide. Nobody decides on what they own or asked for themselves.
	Approvers []string `json:"approvers" rule:"required,items=name"`

	// Quorum is how many different humans must approve. One rejection is enough to reject. Default: 1. Limits: 1 to 5.
	Quorum *int32 `json:"quorum,omitempty" rule:"min=1,max=5"`

	// Hours in which somebody is there. Left out: always.
	Hours *Hours `json:"hours,omitempty"`
}

// Hours of a route, in UTC. What is asked outside of them goes along another route.
type Hours struct {
	// Days are `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`.
	Days []string `json:"days" rule:"required,items=weekday"`

	// From is the first hour, 0 to 23.
	From *int32 `json:"from" rule:"required,min=0,max=23"`

	// Until is the hour in which nobody is there any more, 1 to 24. It comes after from: a night is two routes, or the one that others lead to.
	Until *int32 `json:"until" rule:"required,min=1,max=24"`

	// Otherwise is the route outside of the hours. It may have hours as well; in the end comes a route without.
	Otherwise string `json:"otherwise" rule:"required,name"`
}

// Person is somebody who may decide on escalations.
type Person struct {
	// Name by which answers and the decision log refer to the person.
	Name string `json:"name" rule:"required,name"`

	// Email by which the person is known: it stands in the certificate that a browser or a command line shows.
	Email string `json:"email" rule:"required,email"`

	// Mattermost is the user name there. Left out: the person does not answer in the chat.
	Mattermost string `json:"mattermost,omitempty" rule:"username"`

	// Team of the person, of the platform's teams. Nobody decides on an escalation of an agent of their own team.
	Team string `json:"team" rule:"required,name"`

	// Groups that the person is in, as routes name them.
	Groups []string `json:"groups" rule:"required,items=name"`
}

// Anomaly holds the thresholds of the prefilter, as percentiles of the training scores.
type Anomaly struct {
	// Forests are the anomaly models that the reviewers agreed to: another one is not compiled.
	Forests []AgreedForest `json:"forests,omitempty"`

	// Percentile from which an event is passed on to an agent, 0 to 100.
	Percentile *float64 `json:"percentile" rule:"required,min=0,max=100"`

	// Bounds that no class, no override, no budget and no Rego may leave.
	Bounds *Bounds `json:"bounds" rule:"required"`

	// PerHour is how many events may pass in an hour, of each namespace by itself. Where there are more, the threshold rises step by step to
	// the upper bound and no further, and comes back when they are fewer. Without it the threshold stays.
	PerHour *int32 `json:"perHour,omitempty" rule:"min=1,max=1000000"`

	// Shadow is a percentile that is tried out: what it would pass on is counted, and nothing else comes of it.
	Shadow *float64 `json:"shadow,omitempty" rule:"min=0,max=100"`

	// Sample is the share of the events below the threshold that are passed on at random, in percent, so that somebody sees what is missed.
	Sample *float64 `json:"sample,omitempty" rule:"min=0,max=100"`

	// Always lists the Falco priorities that are passed on whatever the score is.
	Always []string `json:"always,omitempty" rule:"items=priority"`

	// Classes of events with thresholds of their own. An event belongs to the class that names most of what it is; of several, to the one
	// with the lowest percentile.
	Classes []AnomalyClass `json:"classes,omitempty"`

	// Overrides are exceptions with an owner, a reason and an end.
	Overrides []Override `json:"overrides,omitempty"`
}

// AgreedForest is an anomaly model that the reviewers agreed to, and what they taught it.
type AgreedForest struct {
	// Agent before which it stands.
	Agent string `json:"agent" rule:"required,name"`

	// Digest of the file, as `agentc forest train` prints it: `sha256:<64 hex digits>`.
	Digest string `json:"digest" rule:"required,digest"`

	// Feedback is what analysts' verdicts changed about it, which `agentc forest train` wrote beside it: its path below the folder of the policies.
	Feedback string `json:"feedback,omitempty"`
}

// Bounds is a closed interval of percentiles.
type Bounds struct {
	// Min is the lowest threshold: more events than that are never passed on.
	Min *float64 `json:"min" rule:"required,min=0,max=100"`

	// Max is the highest threshold: fewer events than that are never passed on.
	Max *float64 `json:"max" rule:"required,min=0,max=100"`
}

// EventMatch says which events are meant. What is left out is any.
type EventMatch struct {
	// Source of the events: the name of an intake.
	Source string `json:"source,omitempty" rule:"name"`

	// Priority of the events, as Falco spells it.
	Priority string `json:"priority,omitempty" rule:"priority"`

	// Agent that the events go to.
	Agent string `json:"agent,omitempty" rule:"name"`

	// Namespace that the events come from.
	Namespace string `json:"namespace,omitempty" rule:"dns"`
}

// AnomalyClass is a threshold of its own for some events. What it leaves out is the policy's.
type AnomalyClass struct {
	// ID names the class in decisions and metrics.
	ID string `json:"id" rule:"required,name"`

	EventMatch `json:",inline"`

	// Percentile from which an event of the class is passed on.
	Percentile *float64 `json:"percentile" rule:"required,min=0,max=100"`

	// Bounds of the class, within the policy's.
	Bounds *Bounds `json:"bounds,omitempty"`

	// PerHour is how many events of the class may pass in an hour, of each namespace by itself.
	PerHour *int32 `json:"perHour,omitempty" rule:"min=1,max=1000000"`

	// Shadow is a percentile that is tried out.
	Shadow *float64 `json:"shadow,omitempty" rule:"min=0,max=100"`

	// Sample is the share of the events below the threshold that are passed on at random, in percent.
	Sample *float64 `json:"sample,omitempty" rule:"min=0,max=100"`
}

// Override is another threshold for some events, for some time. Owner, reason and expiry are demanded by a rule of its
// own, so that the message can say why.
type Override struct {
	// ID names the override in decisions.
	ID string `json:"id" rule:"required,name"`

	EventMatch `json:",inline"`

	// Percentile instead of the class's, within its bounds.
	Percentile *float64 `json:"percentile" rule:"required,min=0,max=100"`

	// Owner answers for the override: an email address.
	Owner string `json:"owner,omitempty" rule:"email"`

	// Reason why it is needed.
	Reason string `json:"reason,omitempty" rule:"max=512"`

	// Expires is the last day on which it holds, UTC: `2027-03-31`.
	Expires string `json:"expires,omitempty" rule:"date"`
}
