package agentc_test

ranged(verdict, when) := got if {
	some_fleet := {"agents": {"a": {"skills": {"s": {"risk": "low", "callers": {coordinator: {"rules": ["p/r"]}}}}}}}
	got := {context.name: outcome |
		some context in contexts
		outcome := data.agentc.decision.context.verdict with input as call("a", "s", context.values)
			with data.agentc.fleet as some_fleet
			with data.agentc.rules as {"p/r": {"verdict": verdict, "reason": "r", "when": when}}
			with data.agentc.escalation as escalation
	}
}

contexts := [
	{"name": "missing", "values": {}},
	{"name": "null", "values": {"confidence": null}},
	{"name": "text", "values": {"confidence": "0.9"}},
	{"name": "true", "values": {"confidence": true}},
	{"name": "object", "values": {"confidence": {"value": 0.9}}},
	{"name": "negative", "values": {"confidence": -0.0001}},
	{"name": "above", "values": {"confidence": 1.0001}},
	{"name": "0", "values": {"confidence": 0}},
	{"name": "0.4999", "values": {"confidence": 0.4999}},
	{"name": "0.5", "values": {"confidence": 0.5}},
	{"name": "0.8999", "values": {"confidence": 0.8999}},
	{"name": "0.9", "values": {"confidence": 0.9}},
	{"name": "1", "values": {"confidence": 1}},
]

unknown := {"missing", "null", "text", "true", "object", "negative", "above"}

names(outcomes, verdict) := {name | some name, outcome in outcomes; outcome == verdict}

test_executing_ranges_are_half_open_and_never_execute_the_unknown if {
	names(ranged("auto-execute", {"confidence": {"atLeast": 0.5, "below": 0.9}}), "auto-execute") == {"0.5", "0.8999"}
	names(ranged("auto-execute", {"confidence": {"atLeast": 0.9}}), "auto-execute") == {"0.9", "1"}
	names(ranged("auto-execute", {"confidence": {"below": 0.5}}), "auto-execute") == {"0", "0.4999"}
	names(ranged("auto-execute", {}), "auto-execute") == {context.name | some context in contexts}
}

test_rejecting_ranges_escalate_the_unknown if {
	outcomes := ranged("auto-reject", {"confidence": {"below": 0.5}})
	names(outcomes, "auto-reject") == {"0", "0.4999"}
	unknown - names(outcomes, "escalate") == set()
	names(outcomes, "auto-execute") == set()
}

test_a_bound_that_this_core_does_not_know_is_unknown if {
	names(ranged("auto-execute", {"budget": {"below": 5}}), "auto-execute") == set()
	names(ranged("auto-reject", {"budget": {"below": 5}}), "auto-reject") == set()
}

# soc/never asks for the anomaly and the confidence; a confidence that is known and outside settles it.
test_a_false_condition_settles_an_unknown_one if {
	both := {"a/both": {"verdict": "auto-reject", "reason": "r", "when": {"confidence": {"below": 0.5}, "anomaly": {"atLeast": 90}}}}
	with_open := object.union(both, {"a/open": {"verdict": "auto-execute", "reason": "r", "when": {}}})
	one := {"agents": {"a": {"skills": {"s": {"risk": "low", "callers": {coordinator: {"rules": ["a/both", "a/open"]}}}}}}}
	every context, want in {
		{"confidence": 0.7}: "auto-execute",
		{"confidence": 0.3}: "escalate",
		{"anomaly": {"percentile": 10}}: "auto-execute",
		{"anomaly": {"percentile": 95}}: "escalate",
		{"anomaly": {"percentile": 101}}: "escalate",
		{"anomaly": 95}: "escalate",
		{}: "escalate",
		{"confidence": 0.3, "anomaly": {"percentile": 90}}: "auto-reject",
		{"confidence": 0.3, "anomaly": {"percentile": 89.999}}: "auto-execute",
	} {
		got := data.agentc.decision.context.verdict with input as call("a", "s", context)
			with data.agentc.fleet as one
			with data.agentc.rules as with_open
			with data.agentc.escalation as escalation
		got == want
	}
}
