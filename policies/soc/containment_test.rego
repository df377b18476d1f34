package reviewers.soc_test

import data.reviewers.soc

remediate(skill, parameters) := {
	"subject": {"type": "agent", "id": "spiffe://prod.soc.example/ns/soc-coordinator/sa/coordinator"},
	"action": {"name": skill},
	"resource": {"type": "agent", "id": "remediate"},
	"context": {
		"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
		"confidence": 0.9,
		"anomaly": {"percentile": 99.2},
		"parameters": parameters,
		"hour": 12,
	},
}

post(parameters) := {
	"action": {"name": "post-message"},
	"resource": {"type": "agent", "id": "notify"},
	"context": {"parameters": parameters, "hour": 12},
}

digest := "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"

test_ordinary_namespace_passes if {
	every skill in ["isolate-workload", "evict-pod"] {
		soc.reject == set() with input as remediate(skill, {"namespace": "shop", "name": "web"})
		soc.escalate == set() with input as remediate(skill, {"namespace": "shop", "name": "web"})
	}
}

test_protected_namespace_is_rejected if {
	every namespace in soc.protected {
		action := remediate("isolate-workload", {"namespace": namespace})
		soc.reject == {sprintf("namespace %s is protected", [namespace])} with input as action
	}
}

test_own_fleet_is_rejected if {
	soc.reject == {"namespace soc-system is protected"} with input as remediate("evict-pod", {"namespace": "soc-system"})
}

test_missing_namespace_is_rejected if {
	every parameters in [{}, {"namespace": null}, {"namespace": ["shop"]}] {
		soc.reject == {"the action names no namespace"} with input as remediate("isolate-workload", parameters)
	}
}

test_missing_parameters_are_rejected if {
	action := {"action": {"name": "evict-pod"}, "resource": {"type": "agent", "id": "remediate"}, "context": {}}
	soc.reject == {"the action names no namespace"} with input as action
}

# Neither another agent's skill of the same name nor another skill of the same agent.
test_other_calls_pass if {
	calls := [
		["other", "isolate-workload"], ["other", "block-image"], ["other", "propose-rule"], ["other", "post-message"],
		["remediate", "other"], ["notify", "open-ticket"],
	]
	every call in calls {
		action := {"action": {"name": call[1]}, "resource": {"type": "agent", "id": call[0]}, "context": {}}
		soc.reject == set() with input as action
		soc.escalate == set() with input as action
	}
}

test_other_calls_may_name_what_is_guarded if {
	parameters := {"namespace": "kube-system", "change": "exception", "channel": "town-square"}
	every call in [["other", "propose-rule"], ["remediate", "other"]] {
		action := {
			"action": {"name": call[1]},
			"resource": {"type": "agent", "id": call[0]},
			"context": {"parameters": parameters},
		}
		soc.reject == set() with input as action
		soc.escalate == set() with input as action
	}
}

test_image_with_digest_passes if {
	image := concat("", ["registry.example/shop/web@sha256:", digest])
	soc.reject == set() with input as remediate("block-image", {"image": image})
}

test_image_without_digest_is_rejected if {
	every image in [null, "registry.example/shop/web:1.2.3", "registry.example/shop/web@sha256:0f1e"] {
		action := remediate("block-image", {"image": image})
		soc.reject == {"the image is not named by its digest"} with input as action
	}
}

test_missing_image_is_rejected if {
	soc.reject == {"the image is not named by its digest"} with input as remediate("block-image", {})
}

test_new_rule_passes if {
	soc.escalate == set() with input as remediate("propose-rule", {"change": "rule"})
}

test_exception_is_escalated if {
	action := remediate("propose-rule", {"change": "exception"})
	soc.escalate == {"an exception to a rule needs a person"} with input as action
}

test_unnamed_change_is_escalated if {
	soc.escalate == {"the proposal does not say what it changes"} with input as remediate("propose-rule", {})
}

test_message_in_soc_channel_passes if {
	soc.escalate == set() with input as post({"channel": "soc-incidents"})
}

test_message_elsewhere_is_escalated if {
	every parameters in [{}, {"channel": 7}, {"channel": "town-square"}] {
		soc.escalate == {"the message does not go to a channel of the SOC"} with input as post(parameters)
	}
}

event(hour) := {
	"event": {"source": "falco", "priority": "Warning", "namespace": "shop"},
	"context": {"hour": hour},
}

test_threshold_is_lower_at_night if {
	every hour in [20, 23, 0, 5] {
		soc.threshold == 90 with input as event(hour)
	}
}

test_threshold_is_the_policys_by_day if {
	every hour in [6, 12, 19] {
		not soc.threshold with input as event(hour)
	}
}

test_threshold_is_the_policys_when_the_hour_is_unknown if {
	not soc.threshold with input as {"event": {"source": "falco"}, "context": {}}
}
