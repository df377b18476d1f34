# Limits on what a refund may be. Amounts are in cents.
package reviewers.risk

refund if {
	input.resource.id == "refunds"
	input.action.name == "issue-refund"
}

reject contains "the refund names no amount" if {
	refund
	not names_amount
}

names_amount if is_number(input.context.parameters.amount)

reject contains "the refund is larger than 5,000.00" if {
	refund
	input.context.parameters.amount > 500000
}

# The desk is closed then; a quote is a surprise that somebody should see.
escalate contains "nobody quotes refunds between 22:00 and 05:00 UTC" if {
	input.resource.id == "refunds"
	input.action.name == "quote-refund"
	closed
}

closed if input.context.hour >= 22

closed if input.context.hour < 5
