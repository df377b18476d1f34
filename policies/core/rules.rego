# What the compiled reviewer rules say. A condition is true, false or unknown: unknown where a value that it bounds is
# missing, is no number or lies outside its scale. What is not known never executes: such a rule does not execute, and one
# that would reject or escalate escalates. A condition that is already false stays false, whatever else is unknown.
package agentc

stated contains finding if {
	some ids in grants
	some id in ids
	finding := says(id)
}

# A rule speaks if its condition is true, or if it might be and the rule does not execute. One that is named and not there
# would have said something.
says(id) := {"verdict": rule.verdict, "rule": id, "reason": rule.reason} if {
	rule := data.agentc.rules[id]
	truth(rule.when) == "true"
} else := {"verdict": "escalate", "rule": id, "reason": rule.reason, "unknown": missing} if {
	rule := data.agentc.rules[id]
	rule.verdict != "auto-execute"
	truth(rule.when) == "unknown"
	missing := [name | some name, _ in rule.when; not known[name]]
} else := {"verdict": "auto-reject", "rule": id, "reason": "The bundle does not hold this rule."} if {
	not data.agentc.rules[id].when
}

# Skills of which no rule speaks.
unstated contains {"verdict": "escalate", "rule": "no-rule", "reason": "No reviewer rule speaks of this call."} if {
	spoken := {finding.rule | some finding in stated}
	some ids in grants
	count({id | some id in ids} & spoken) == 0
}

truth(when) := "false" if {
	some name, range in when
	value := known[name]
	not inside(value, range)
} else := "unknown" if {
	some name, _ in when
	not known[name]
} else := "true"

# atLeast <= value < below, with either end open.
inside(value, range) if {
	object.get(range, "atLeast", value) <= value
	value < object.get(range, "below", value + 1)
}

# The caller's own claim.
known["confidence"] := value if {
	value := input.context.confidence
	between(value, 0, 1)
}

# Whoever puts the input together drops an anomaly that neither it nor a declared enforcement point computed.
known["anomaly"] := value if {
	value := input.context.anomaly.percentile
	between(value, 0, 100)
}

# Values of different types have an order in Rego, so the type comes first.
between(value, low, high) if {
	is_number(value)
	value >= low
	value <= high
}
