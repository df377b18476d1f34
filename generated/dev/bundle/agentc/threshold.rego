# The threshold: the percentile from which an event is passed on to an agent. Second entry point, asked by the prefilter.
# Every doubt lowers the threshold or leaves it as it is: an event too many is read, an event too few is missed.
#
# input:
#   event    {source: name of the intake, priority: as Falco spells it, agent: that it goes to, namespace: that it comes from}; each may be missing
#   context  {today: "2027-03-31", hour: 0 to 23; both UTC. The hour is for the teams' Rego}
#
# The answer is the percentile and the rules that set it; and, where a score decides, the class of the event and its settings: min and max, which
# no budget leaves, perHour, shadow and sample.
package agentc

threshold := {"percentile": 0, "rules": ["no-prefilter"]} if {
	not data.agentc.anomaly
} else := {"percentile": 0, "rules": ["always"]} if {
	input.event.priority in data.agentc.anomaly.always
} else := answer(lowest, rules) if {
	lowest := min({exception.percentile | some exception in exceptions})
	rules := sort({exception.rule | some exception in exceptions; exception.percentile == lowest})
} else := answer(clamp(class.percentile), ["policy"]) if {
	class.id == "policy"
} else := answer(clamp(class.percentile), [concat("/", ["class", class.id])])

answer(percentile, rules) := object.union(
	object.union(object.filter(class, ["min", "max", "perHour", "sample"]), shadow),
	{"percentile": percentile, "rules": rules, "class": class.id},
)

# What is tried out takes the place of the class's percentile: an exception holds as it does now.
shadow := {} if {
	not class.shadow
} else := {"shadow": min({exception.percentile | some exception in exceptions})} if {
	count(exceptions) > 0
} else := {"shadow": clamp(class.shadow)}

# The compiler put the classes in order: the first that fits is the most particular, and the last, the policy's own, fits every event.
class := [class | some class in data.agentc.anomaly.classes; covers(class)][0]

exceptions contains {"rule": concat("/", ["override", override.id]), "percentile": clamp(override.percentile)} if {
	some override in data.agentc.anomaly.overrides
	covers(override)
	today <= override.expires
}

exceptions contains {"rule": concat(".", ["reviewers", team, "threshold"]), "percentile": clamp(percentile)} if {
	some team
	percentile := percentile_of(data.reviewers[team].threshold)
}

covers(events) if {
	every field in ["source", "priority", "agent", "namespace"] {
		fits(events, field)
	}
}

fits(events, field) if not events[field]

fits(events, field) if events[field] == input.event[field]

# Without a day that is known, no override holds.
today := day if {
	day := input.context.today
	is_string(day)
	regex.match(`^\d{4}-\d{2}-\d{2}$`, day)
}

# What is no number becomes the lowest threshold.
percentile_of(value) := value if {
	is_number(value)
} else := class.min

clamp(percentile) := max({class.min, min({class.max, percentile})})
