package agentc_test

coordinator := "spiffe://soc.example/ns/soc-coordinator/sa/coordinator"

notify := "spiffe://soc.example/ns/soc-notify/sa/notify"

fleet := {"agents": {
	"remediate": {
		"skills": {
			"isolate": {"risk": "high", "callers": {coordinator: {"rules": ["soc/sure", "soc/odd", "soc/never"]}}},
			"report": {"risk": "low", "callers": {coordinator: {"rules": ["soc/open"]}}},
			"probe": {"risk": "medium", "callers": {coordinator: {"rules": []}}},
			"wipe": {"risk": "critical", "callers": {coordinator: {"rules": ["soc/four-eyes", "soc/ask", "soc/ask-too"]}}},
			"lost": {"risk": "low", "callers": {coordinator: {"rules": ["soc/open", "soc/gone"]}}},
			"odd-word": {"risk": "low", "callers": {coordinator: {"rules": ["soc/odd-word"]}}},
		},
		"callers": {coordinator: {"skills": ["isolate", "probe", "report", "wipe"], "allSkills": false}},
	},
	"notify": {
		"skills": {
			"post": {"risk": "low", "callers": {coordinator: {"rules": ["soc/open"]}}},
			"page": {"risk": "medium", "callers": {coordinator: {"rules": ["soc/open", "soc/careful"]}}},
		},
		"callers": {coordinator: {"skills": ["page", "post"], "allSkills": true}},
	},
}}

rules := {
	"soc/sure": {"verdict": "auto-execute", "reason": "Sure.", "when": {"confidence": {"atLeast": 0.9}, "anomaly": {"below": 99}}},
	"soc/odd": {"verdict": "escalate", "reason": "Odd.", "route": "oncall", "when": {"anomaly": {"atLeast": 95, "below": 99}}},
	"soc/never": {"verdict": "auto-reject", "reason": "Never.", "when": {"anomaly": {"atLeast": 99}}},
	"soc/open": {"verdict": "auto-execute", "reason": "Harmless.", "when": {}},
	"soc/careful": {"verdict": "auto-reject", "reason": "Doubtful.", "when": {"confidence": {"below": 0.5}}},
	"soc/four-eyes": {"verdict": "escalate", "reason": "Four eyes.", "route": "leads", "when": {}},
	"soc/ask": {"verdict": "escalate", "reason": "Ask.", "route": "oncall", "when": {}},
	"soc/ask-too": {"verdict": "escalate", "reason": "Ask too.", "route": "managers", "when": {}},
	"soc/odd-word": {"verdict": "perhaps", "reason": "Not one of the three.", "when": {}},
}

escalation := {"defaultRoute": "oncall", "routes": {
	"oncall": {"quorum": 1},
	"leads": {"quorum": 2},
	"managers": {"quorum": 2},
}}

call(callee, skill, context) := {
	"subject": {"type": "agent", "id": coordinator},
	"action": {"name": skill},
	"resource": {"type": "agent", "id": callee},
	"context": context,
}

answer(question) := reviewed(question, {})

reviewed(question, packages) := got if {
	got := data.agentc.decision with input as question
		with data.agentc.fleet as fleet
		with data.agentc.rules as rules
		with data.agentc.escalation as escalation
		with data.agentc.environment as {"name": "prod"}
		with data.reviewers as packages
}

verdict(callee, skill, context) := answer(call(callee, skill, context)).context.verdict

quiet := {"confidence": 0.95, "anomaly": {"percentile": 50}}

test_execute if {
	answer(call("remediate", "isolate", quiet)) == {"decision": true, "context": {
		"verdict": "auto-execute",
		"reasons": [{"rule": "soc/sure", "reason": "Sure."}],
		"rules": ["soc/sure"],
		"risk": "high",
		"claims": {"confidence": 0.95},
		"environment": "prod",
	}}
}

test_escalate if {
	answer(call("remediate", "isolate", {"confidence": 0.95, "anomaly": {"percentile": 95}})) == {"decision": false, "context": {
		"verdict": "escalate",
		"reasons": [{"rule": "soc/odd", "reason": "Odd."}],
		"rules": ["soc/odd"],
		"route": "oncall",
		"risk": "high",
		"claims": {"confidence": 0.95},
		"environment": "prod",
	}}
}

test_reject if {
	got := answer(call("remediate", "isolate", {"confidence": 1, "anomaly": {"percentile": 99}}))
	got.decision == false
	got.context.verdict == "auto-reject"
	got.context.rules == ["soc/never"]
	not got.context.route
}

test_unknown_anomaly_escalates_what_would_reject if {
	got := answer(call("remediate", "isolate", {"confidence": 0.95}))
	got.context.verdict == "escalate"
	got.context.reasons == [
		{"rule": "soc/never", "reason": "Never.", "unknown": ["anomaly"]},
		{"rule": "soc/odd", "reason": "Odd.", "unknown": ["anomaly"]},
	]
}

test_unknown_confidence_escalates_what_would_reject if verdict("notify", "page", {}) == "escalate"

test_known_confidence_executes if verdict("notify", "page", {"confidence": 0.5}) == "auto-execute"

test_low_confidence_rejects if verdict("notify", "page", {"confidence": 0.4999}) == "auto-reject"

test_no_rule if {
	got := answer(call("remediate", "probe", quiet))
	got.context.verdict == "escalate"
	got.context.rules == ["no-rule"]
	got.context.route == "oncall"
}

# soc/sure is false here and nothing else speaks.
test_no_rule_holds if {
	got := answer(call("remediate", "isolate", {"confidence": 0.5, "anomaly": {"percentile": 10}}))
	got.context.verdict == "escalate"
	got.context.rules == ["no-rule"]
}

test_strictest_route_is_the_highest_quorum_then_the_first_name if {
	got := answer(call("remediate", "wipe", quiet))
	got.context.route == "leads"
	got.context.rules == ["soc/ask", "soc/ask-too", "soc/four-eyes"]
}

test_lost_rule_rejects if {
	got := answer(call("remediate", "lost", quiet))
	got.context.verdict == "auto-reject"
	got.context.rules == ["soc/gone"]
}

test_a_word_that_is_no_verdict_rejects if verdict("remediate", "odd-word", quiet) == "auto-reject"

test_refused if {
	every question in [
		call("remediate", "nothing", quiet),
		call("nobody", "isolate", quiet),
		call("remediate", null, quiet),
		call("remediate", 7, quiet),
		call(null, "isolate", quiet),
		object.union(call("remediate", "isolate", quiet), {"subject": {"id": notify}}),
		object.union(call("remediate", "isolate", quiet), {"subject": {"id": "spiffe://other.example/ns/soc-coordinator/sa/coordinator"}}),
		object.union(call("remediate", "isolate", quiet), {"subject": {"id": null}}),
		object.union(call("remediate", "isolate", quiet), {"subject": {"type": "user"}}),
		object.union(call("remediate", "isolate", quiet), {"resource": {"type": "endpoint"}}),
		object.remove(call("remediate", "isolate", quiet), ["subject"]),
		object.remove(call("remediate", "isolate", quiet), ["resource"]),
		object.union(call("notify", "", quiet), {"subject": {"type": "user"}}),
		{},
		[],
		null,
	] {
		got := answer(question)
		got.decision == false
		got.context.verdict == "auto-reject"
		got.context.rules == ["no-edge"]
		not got.context.risk
	}
}

test_no_input if {
	got := data.agentc.decision with data.agentc.fleet as fleet
	got.context.rules == ["no-edge"]
}

test_no_data if {
	got := data.agentc.decision with input as call("remediate", "isolate", quiet)
	got.decision == false
	got.context.verdict == "auto-reject"
}

test_no_skill_on_a_partial_edge if {
	every question in [
		call("remediate", "", quiet),
		object.remove(call("remediate", "", quiet), ["action"]),
		object.union(call("remediate", "", quiet), {"action": "isolate"}),
	] {
		got := answer(question)
		got.context.verdict == "auto-reject"
		got.context.rules == ["no-skill"]
	}
}

test_no_skill_on_a_whole_edge_is_the_strictest_of_all if {
	got := answer(call("notify", "", {"confidence": 0.9}))
	got.context.verdict == "auto-execute"
	got.context.risk == "medium"
	verdict("notify", "", {"confidence": 0.1}) == "auto-reject"
	verdict("notify", "", {}) == "escalate"
}

test_no_skill_needs_a_rule_for_each_skill if {
	bare := json.patch(fleet, [{"op": "replace", "path": ["agents", "notify", "skills", "page", "callers", coordinator, "rules"], "value": []}])
	got := data.agentc.decision with input as call("notify", "", quiet)
		with data.agentc.fleet as bare
		with data.agentc.rules as rules
		with data.agentc.escalation as escalation
		with data.reviewers as {}
	got.context.verdict == "escalate"
	got.context.rules == ["no-rule"]
}
