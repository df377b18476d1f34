# The decision: AuthZEN's answer to "may this agent ask that agent for this skill, now?".
#
# The logic is here and the fleet is data: data.json below this package, written by the compiler and looked up by key, so that
# an answer costs the same in a fleet of ten agents and of ten thousand. Nothing here walks over the agents, and no rule
# takes a whole agent out of the data: a reference is always followed down to the one value that is needed.
#
# Whoever evaluates this must turn on strict builtin errors. Without them a builtin that fails only makes its expression
# undefined, and a reviewer's set silently loses the message that would have rejected. An evaluation error is never a yes.
#
# input:
#   subject   {type: "agent", id: SPIFFE id of the caller}
#   action    {name: skill}
#   resource  {type: "agent", id: name of the callee}
#   context   {trace_id, confidence: 0 to 1, a claim of the caller, anomaly: {percentile: 0 to 100}, hour: 0 to 23,
#             parameters, ...}
package agentc

decision.decision := verdict == "auto-execute"

decision.context.verdict := verdict

# Why: every finding that carries the verdict. `unknown` in one of them names what its rule asked for and nobody knew.
decision.context.reasons := [object.remove(finding, ["verdict"]) | some finding in deciding]

decision.context.rules := sort({finding.rule | some finding in deciding})

decision.context.route := route

decision.context.risk := risk

# What the caller says of itself, marked as a claim for those who read the answer.
decision.context.claims.confidence := known.confidence

decision.context.environment := data.agentc.environment.name

# The strictest finding decides. What this table does not name rejects.
default verdict := "auto-reject"

verdict := "auto-execute" if verdicts == {"auto-execute"}

verdict := "escalate" if verdicts in {{"escalate"}, {"auto-execute", "escalate"}}

verdicts := {finding.verdict | some finding in findings}

deciding contains finding if {
	some finding in findings
	finding.verdict == verdict
}

findings := (stated | unstated) | reviewed if {
	count(grants) > 0
} else := {refusal}

refusal := {
	"verdict": "auto-reject",
	"rule": "no-skill",
	"reason": "The call names no skill, and the edge does not grant all of them.",
} if {
	between_agents
	unnamed
	data.agentc.fleet.agents[input.resource.id].callers[input.subject.id]
} else := {
	"verdict": "auto-reject",
	"rule": "no-edge",
	"reason": "The fleet has no edge from this caller to this skill of this agent.",
}

# The skills that the call would use, each with the ids of the rules that can apply to it: the one that the call names...
grants[skill] := ids if {
	between_agents
	skill := input.action.name
	ids := data.agentc.fleet.agents[input.resource.id].skills[skill].callers[input.subject.id].rules
}

# ...or, if it names none and the edge grants all, every one of them, for it may use any: the strictest then decides.
grants[skill] := ids if {
	between_agents
	unnamed
	data.agentc.fleet.agents[input.resource.id].callers[input.subject.id].allSkills
	some skill in data.agentc.fleet.agents[input.resource.id].callers[input.subject.id].skills
	ids := data.agentc.fleet.agents[input.resource.id].skills[skill].callers[input.subject.id].rules
}

between_agents if {
	input.subject.type == "agent"
	input.resource.type == "agent"
}

unnamed if object.get(input, ["action", "name"], "") == ""

# The risk of the skill, or the highest of them.
risk := ranks[max({rank |
	some skill, _ in grants
	some rank, name in ranks
	name == data.agentc.fleet.agents[input.resource.id].skills[skill].risk
})]

ranks := ["low", "medium", "high", "critical"]

# An escalation has one route. Where the deciding findings name several, it takes the one with the highest quorum, and of
# those the first by name: nobody can lower the quorum of a call by making a laxer rule match as well.
route := min({name | some name in routes; data.agentc.escalation.routes[name].quorum == quorum}) if verdict == "escalate"

quorum := max({data.agentc.escalation.routes[name].quorum | some name in routes})

routes contains route_of(finding.rule) if some finding in deciding

route_of(id) := name if {
	name := data.agentc.rules[id].route
} else := data.agentc.escalation.defaultRoute
