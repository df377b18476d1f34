package agentc_test

anomaly := {
	"always": ["Alert", "Critical"],
	"forests": {},
	"classes": [
		{"id": "jobs", "source": "falco", "namespace": "jobs", "percentile": 97, "min": 96, "max": 98, "perHour": 10},
		{"id": "detect", "agent": "detect", "percentile": 90, "min": 85, "max": 99, "shadow": 88, "sample": 0.5},
		{"id": "policy", "percentile": 95, "min": 80, "max": 99.5, "sample": 2},
	],
	"overrides": [
		{"id": "audit", "source": "audit", "percentile": 90, "expires": "2027-03-31"},
		{"id": "batch", "namespace": "batch", "percentile": 99, "expires": "2027-03-31"},
		{"id": "batch-errors", "namespace": "batch", "priority": "Error", "percentile": 85, "expires": "2027-06-30"},
		{"id": "low", "source": "low", "percentile": 1, "expires": "2027-03-31"},
		{"id": "high", "source": "high", "percentile": 100, "expires": "2027-03-31"},
		{"id": "endless", "source": "endless", "percentile": 81, "expires": ""},
		{"id": "to-detect", "agent": "detect", "source": "audit", "percentile": 100, "expires": "2027-03-31"},
	],
}

of_policy(percentile, rules) := {"percentile": percentile, "rules": rules, "class": "policy", "min": 80, "max": 99.5, "sample": 2}

asked(event, today, packages) := got if {
	got := data.agentc.threshold with input as {"event": event, "context": {"today": today}}
		with data.agentc.anomaly as anomaly
		with data.reviewers as packages
}

threshold(event) := asked(event, "2027-03-31", {})

test_policy if {
	every event in [{}, {"source": "falco"}, {"priority": "Notice"}, {"priority": 3}, {"source": null}, {"namespace": "prod"}] {
		threshold(event) == of_policy(95, ["policy"])
	}
}

test_always if {
	threshold({"source": "audit", "priority": "Critical"}) == {"percentile": 0, "rules": ["always"]}
	threshold({"source": "high", "priority": "Alert"}) == {"percentile": 0, "rules": ["always"]}
}

test_overrides if {
	threshold({"source": "audit"}) == of_policy(90, ["override/audit"])
	threshold({"source": "falco", "namespace": "batch"}) == of_policy(99, ["override/batch"])
}

test_the_lowest_override_wins if {
	threshold({"namespace": "batch", "priority": "Error"}) == of_policy(85, ["override/batch-errors"])
}

test_overrides_stay_within_the_bounds if {
	threshold({"source": "low"}).percentile == 80
	threshold({"source": "high"}).percentile == 99.5
}

test_an_override_ends_with_its_last_day if {
	asked({"source": "audit"}, "2027-04-01", {}).rules == ["policy"]
	threshold({"source": "endless"}).rules == ["policy"]
	asked({"namespace": "batch", "priority": "Error"}, "2027-04-01", {}).rules == ["override/batch-errors"]
}

test_no_override_without_a_day if {
	every today in ["", "today", "2027-3-1", "2027-03-31T00:00:00Z", null, 0, 20270331, true, [], {}] {
		asked({"source": "audit"}, today, {}).rules == ["policy"]
	}
	missing := data.agentc.threshold with input as {"event": {"source": "audit"}} with data.agentc.anomaly as anomaly
	missing.rules == ["policy"]
}

test_the_lowest_of_the_teams_and_the_overrides_wins if {
	asked({"source": "falco"}, "2027-03-31", {"soc": {"threshold": 97}, "ai": {"threshold": 96}}) == of_policy(96, ["reviewers.ai.threshold"])
	asked({"source": "audit"}, "2027-03-31", {"soc": {"threshold": 97}}).rules == ["override/audit"]
	asked({"source": "audit"}, "2027-03-31", {"soc": {"threshold": 90}}).rules == ["override/audit", "reviewers.soc.threshold"]
}

test_teams_stay_within_the_bounds if {
	asked({}, "2027-03-31", {"soc": {"threshold": 5}}).percentile == 80
	asked({}, "2027-03-31", {"soc": {"threshold": 100}}).percentile == 99.5
}

test_what_is_no_number_is_the_lowest_threshold if {
	every shape in ["97", null, true, false, [97], {97}] {
		asked({}, "2027-03-31", {"soc": {"threshold": shape}}) == of_policy(80, ["reviewers.soc.threshold"])
	}
}

test_the_policy_stays_within_the_bounds if {
	broken := {"always": [], "overrides": [], "classes": [{"id": "policy", "percentile": 3, "min": 80, "max": 99}]}
	got := data.agentc.threshold with input as {"event": {}} with data.agentc.anomaly as broken
	got == {"percentile": 80, "rules": ["policy"], "class": "policy", "min": 80, "max": 99}
}

test_the_first_class_that_fits if {
	threshold({"source": "falco", "namespace": "jobs", "agent": "detect"}) == {
		"percentile": 97,
		"rules": ["class/jobs"],
		"class": "jobs",
		"min": 96,
		"max": 98,
		"perHour": 10,
	}
	threshold({"source": "falco", "agent": "detect"}) == {
		"percentile": 90,
		"rules": ["class/detect"],
		"class": "detect",
		"min": 85,
		"max": 99,
		"shadow": 88,
		"sample": 0.5,
	}
	threshold({"namespace": "jobs"}).class == "policy"
}

test_an_exception_holds_for_what_is_tried_out_too if {
	asked({"source": "falco", "agent": "detect"}, "2027-03-31", {"soc": {"threshold": 86}}).shadow == 86
	threshold({"source": "audit", "agent": "detect"}).shadow == 90
	low := {"always": [], "overrides": [], "classes": [{"id": "policy", "percentile": 90, "min": 80, "max": 99, "shadow": 3}]}
	got := data.agentc.threshold with input as {"event": {}} with data.agentc.anomaly as low
	got.shadow == 80
}

test_exceptions_stay_within_the_bounds_of_the_class if {
	asked({"source": "falco", "namespace": "jobs"}, "2027-03-31", {"soc": {"threshold": 5}}).percentile == 96
	threshold({"source": "audit", "agent": "detect"}).percentile == 90
	asked({"source": "falco", "namespace": "jobs"}, "2027-03-31", {"soc": {"threshold": "high"}}).percentile == 96
	asked({"agent": "detect", "priority": "Critical"}, "2027-03-31", {"soc": {"threshold": 99}}).percentile == 0
}

test_no_prefilter_passes_everything if {
	data.agentc.threshold == {"percentile": 0, "rules": ["no-prefilter"]}
}
