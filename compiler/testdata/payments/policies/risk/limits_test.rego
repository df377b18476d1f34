package reviewers.risk_test

import data.reviewers.risk

issue(parameters) := {
	"action": {"name": "issue-refund"},
	"resource": {"type": "agent", "id": "refunds"},
	"context": {"parameters": parameters},
}

quote(hour) := {
	"action": {"name": "quote-refund"},
	"resource": {"type": "agent", "id": "refunds"},
	"context": {"hour": hour},
}

test_other_calls_pass if {
	every call in [["other", "issue-refund"], ["other", "quote-refund"], ["refunds", "other"]] {
		every parameters in [{}, {"amount": 500001}] {
			action := {
				"action": {"name": call[1]},
				"resource": {"type": "agent", "id": call[0]},
				"context": {"parameters": parameters, "hour": 23},
			}
			risk.reject == set() with input as action
			risk.escalate == set() with input as action
		}
	}
}

test_small_refund_passes if {
	risk.reject == set() with input as issue({"amount": 500000})
}

test_large_refund_is_rejected if {
	risk.reject == {"the refund is larger than 5,000.00"} with input as issue({"amount": 500001})
}

test_missing_amount_is_rejected if {
	risk.reject == {"the refund names no amount"} with input as issue({})
}

test_text_for_an_amount_is_rejected if {
	"the refund names no amount" in risk.reject with input as issue({"amount": "12"})
}

test_quote_by_day_passes if {
	every hour in [5, 12, 21] {
		risk.escalate == set() with input as quote(hour)
	}
}

test_quote_at_night_is_escalated if {
	every hour in [22, 0, 4] {
		count(risk.escalate) == 1 with input as quote(hour)
	}
}
