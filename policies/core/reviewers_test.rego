package agentc_test

# The call would execute; the teams' Rego decides what becomes of it.
test_a_team_rejects if {
	got := reviewed(call("notify", "post", {}), {"soc": {"reject": {"b", "a"}, "escalate": {"c"}}, "ai": {"escalate": set()}})
	got.decision == false
	got.context.verdict == "auto-reject"
	got.context.reasons == [{"rule": "reviewers.soc.reject", "reason": "a"}, {"rule": "reviewers.soc.reject", "reason": "b"}]
	got.context.rules == ["reviewers.soc.reject"]
}

test_a_team_escalates if {
	got := reviewed(call("notify", "post", {}), {"soc": {"reject": set(), "escalate": {"at night"}}})
	got.context.verdict == "escalate"
	got.context.reasons == [{"rule": "reviewers.soc.escalate", "reason": "at night"}]
	got.context.route == "oncall"
}

test_teams_with_nothing_to_say_change_nothing if {
	every packages in [{}, {"soc": {}}, {"soc": {"reject": set(), "escalate": set(), "threshold": 3, "helper": true}}] {
		reviewed(call("notify", "post", {}), packages).decision == true
	}
}

test_a_team_cannot_execute if {
	every packages in [{"soc": {"execute": {"yes"}}}, {"soc": {"decision": true}}, {"soc": {"reject": set()}}] {
		reviewed(call("remediate", "probe", quiet), packages).decision == false
		reviewed(call("nobody", "isolate", quiet), packages).context.rules == ["no-edge"]
	}
}

test_wrong_shapes_still_count if {
	every shape in [true, false, null, "no", 1, ["no"], [], {"no": true}, {1}, {null}] {
		reviewed(call("notify", "post", {}), {"soc": {"reject": shape}}).context.verdict == "auto-reject"
		reviewed(call("notify", "post", {}), {"soc": {"escalate": shape}}).context.verdict == "escalate"
	}
}

# What a team says of one skill is heard in a call that asks for all of them.
test_a_team_is_asked_about_each_skill if {
	every skill in ["page", ""] {
		got := data.agentc.decision with input as call("notify", skill, {"confidence": 1})
			with data.agentc.fleet as fleet
			with data.agentc.rules as rules
			with data.agentc.escalation as escalation
			with data.agentc.environment as {"name": "prod"}
		got.context.verdict == "auto-reject"
		got.context.rules == ["reviewers.team.reject"]
	}
	got := data.agentc.decision with input as call("notify", "post", {"confidence": 1})
		with data.agentc.fleet as fleet
		with data.agentc.rules as rules
		with data.agentc.escalation as escalation
		with data.agentc.environment as {"name": "prod"}
	got.decision == true
}
