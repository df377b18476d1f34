# What the SOC's tables cannot say: what an action touches, and the hour.
#
# Reads `input` only. It may add to `reject` and `escalate` and set `threshold` within the bounds of reviewers.yaml;
# there is nothing here that could execute an action. A value's type is asked before a builtin reads it, since a builtin
# that fails ends the decision with an error.
package reviewers.soc

# Isolating one of these takes down the cluster, or those who would put it right.
protected := {"argocd", "cert-manager", "kube-system", "kyverno", "mcp-system", "monitoring"}

is_protected(namespace) if namespace in protected

is_protected(namespace) if startswith(namespace, "soc-")

# Skills that act on one workload, named by its namespace.
acts_on_workload if {
	input.resource.id == "remediate"
	input.action.name in {"isolate-workload", "evict-pod"}
}

reject contains "the action names no namespace" if {
	acts_on_workload
	not names_namespace
}

# A rule of its own: `not` in front of a call is undefined, not true, where the argument is missing.
names_namespace if is_string(input.context.parameters.namespace)

reject contains message if {
	acts_on_workload
	names_namespace
	namespace := input.context.parameters.namespace
	is_protected(namespace)
	message := sprintf("namespace %s is protected", [namespace])
}

# A tag or a repository would block more than was analysed.
reject contains "the image is not named by its digest" if {
	input.resource.id == "remediate"
	input.action.name == "block-image"
	not image_has_digest
}

image_has_digest if {
	is_string(input.context.parameters.image)
	regex.match(`@sha256:[0-9a-f]{64}$`, input.context.parameters.image)
}

# An exception makes the detection quieter; only people do that.
escalate contains "an exception to a rule needs a person" if {
	input.resource.id == "remediate"
	input.action.name == "propose-rule"
	input.context.parameters.change != "rule"
}

escalate contains "the proposal does not say what it changes" if {
	input.resource.id == "remediate"
	input.action.name == "propose-rule"
	not input.context.parameters.change
}

# Findings stay in the SOC's own channels.
escalate contains "the message does not go to a channel of the SOC" if {
	input.resource.id == "notify"
	input.action.name == "post-message"
	not to_soc_channel
}

to_soc_channel if {
	is_string(input.context.parameters.channel)
	startswith(input.context.parameters.channel, "soc-")
}

# At night (20:00 to 06:00 UTC) hardly anybody works, so that less is usual: more events are worth a look.
threshold := 90 if night

night if input.context.hour >= 20

night if input.context.hour < 6
