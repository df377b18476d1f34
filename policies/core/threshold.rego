# The threshold: the percentile from which an event is passed on to an agent. Second entry point, asked by the prefilter.
# Every doubt lowers the threshold or leaves it as it is: an event too many is read, an event too few is missed.
#
# input:
#   event    {source: name of the intake, priority: as Falco spells it, namespace}; each may be missing
#   context  {today: "2027-03-31", hour: 0 to 23; both UTC. The hour is for the teams' Rego}
package agentc

threshold := {"percentile": 0, "rules": ["no-prefilter"]} if {
	not data.agentc.anomaly
} else := {"percentile": 0, "rules": ["always"]} if {
	input.event.priority in data.agentc.anomaly.always
} else := {"percentile": lowest, "rules": rules} if {
	lowest := min({exception.percentile | some exception in exceptions})
	rules := sort({exception.rule | some exception in exceptions; exception.percentile == lowest})
} else := {"percentile": clamp(data.agentc.anomaly.percentile), "rules": ["policy"]}

exceptions contains {"rule": concat("/", ["override", override.id]), "percentile": clamp(override.percentile)} if {
	some override in data.agentc.anomaly.overrides
	every field in ["source", "priority", "namespace"] {
		fits(override, field)
	}
	today <= override.expires
}

exceptions contains {"rule": concat(".", ["reviewers", team, "threshold"]), "percentile": clamp(percentile)} if {
	some team
	percentile := percentile_of(data.reviewers[team].threshold)
}

fits(override, field) if not override[field]

fits(override, field) if override[field] == input.event[field]

# Without a day that is known, no override holds.
today := day if {
	day := input.context.today
	is_string(day)
	regex.match(`^\d{4}-\d{2}-\d{2}$`, day)
}

# What is no number becomes the lowest threshold.
percentile_of(value) := value if {
	is_number(value)
} else := data.agentc.anomaly.min

clamp(percentile) := max({data.agentc.anomaly.min, min({data.agentc.anomaly.max, percentile})})
