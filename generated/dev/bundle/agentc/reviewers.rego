# What the teams' own Rego says: packages reviewers.<team> with the sets `reject` and `escalate` of messages. It can only
# make a call's verdict stricter, for it has no word for executing.
package agentc

reviewed contains finding if {
	not unnamed
	some finding in said
}

# A call that names no skill asks for all of them, so the teams are asked about each: what they say of `input.action.name`
# would otherwise not be said.
reviewed contains finding if {
	unnamed
	some skill, _ in grants
	some finding in said with input as object.union(input, {"action": {"name": skill}})
}

said contains {"verdict": "auto-reject", "rule": concat(".", ["reviewers", team, "reject"]), "reason": message} if {
	some team
	some message in messages(data.reviewers[team].reject)
}

said contains {"verdict": "escalate", "rule": concat(".", ["reviewers", team, "escalate"]), "reason": message} if {
	some team
	some message in messages(data.reviewers[team].escalate)
}

# A team that wrote something other than a set of texts meant to say something: it counts, since silence would execute.
messages(value) := {message_of(item) | some item in value} if {
	is_set(value)
} else := {"The rule is not a set of messages."}

message_of(item) := item if {
	is_string(item)
} else := "The rule holds a message that is not a text."
